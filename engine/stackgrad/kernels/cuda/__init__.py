"""CUDA bodies of the kernels: the sources (`*.cu`), what launches them, and NumPy's view of each.

Compiled by NVRTC on the user's machine; in the tests for every architecture, and by a host compiler, which
runs them on the CPU (`emulation`). Not verified on hardware.
"""
