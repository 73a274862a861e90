"""NCCL and what several GPUs need of the host."""
