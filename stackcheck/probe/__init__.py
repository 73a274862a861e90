"""Probing: the only package that asks a computer anything. It judges nothing."""
