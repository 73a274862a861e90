"""Which GPUs a process may see: masks, MIG, other users."""
