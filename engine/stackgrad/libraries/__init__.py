"""Accelerated libraries by ctypes: the user's own copies, each with a plain fallback."""
