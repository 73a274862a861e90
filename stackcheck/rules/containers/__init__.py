"""Containers, from inside and from the host."""
