"""CUDA toolkits and what the loader takes."""
