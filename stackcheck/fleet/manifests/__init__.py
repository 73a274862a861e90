"""Kubernetes resources that run StackCheck: written for review, never applied."""
