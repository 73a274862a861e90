"""Jetson boards and other aarch64 machines."""
