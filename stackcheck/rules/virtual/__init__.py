"""Cloud instances and virtual GPUs."""
