"""Disk, memory and caches of the host."""
