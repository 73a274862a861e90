"""Kernels: what is worth more than a line of array operations, as functions of arrays."""
