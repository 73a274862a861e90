"""Many machines, one answer."""
