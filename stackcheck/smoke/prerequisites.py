"""What a framework lacks to compile or to run: a compiler, a header, ptxas, Triton, a CPU instruction. No I/O."""

from __future__ import annotations

import re

__all__ = ["name_missing"]

_MISSING = (
    (
        (
            r"InvalidCxxCompiler|No working C\+\+ compiler|Failed to find C compiler"
            r"|No such file or directory: '[^']*\b(gcc|g\+\+|cc|c\+\+|clang(\+\+)?|cl)(\.exe)?'"
        ),
        (
            "no C++ compiler was found: install one (`apt install build-essential`, `conda install cxx-compiler`),"
            " or name it by CC and CXX"
        ),
    ),
    (
        r"Python\.h['\"]?: No such file|Python\.h: file not found|cannot open include file: 'Python\.h'",
        "Python's headers (Python.h) are missing: `apt install python3-dev`, or an interpreter that has them",
    ),
    (
        r"omp\.h['\"]?: No such file|'omp\.h' file not found",
        "OpenMP's header (omp.h) is missing: install libgomp or libomp for the compiler",
    ),
    (
        r"cuda\.h['\"]?: No such file|'cuda\.h' file not found|cuda_runtime\.h['\"]?: No such file",
        "CUDA's headers are missing: install the toolkit, or `pip install nvidia-cuda-runtime` for this CUDA",
    ),
    (
        r"cannot find -lcuda\b|libcuda\.so cannot found|Could not find libcuda",
        "the linker finds no libcuda.so: the driver's library, or the stub of the toolkit, is not on its path",
    ),
    (
        r"TritonMissing|Cannot find a working triton|No module named 'triton'",
        "Triton is missing: `pip install triton` in the version that this PyTorch asks for",
    ),
    (
        r"cannot find ptxas|couldn't get ptxas|No such file or directory: '[^']*ptxas'|ptxas: not found",
        "ptxas is missing: install nvidia-cuda-nvcc for this CUDA, or name it by TRITON_PTXAS_PATH",
    ),
    (
        r"libdevice\.10\.bc|libdevice not found",
        "libdevice.10.bc is missing: set XLA_FLAGS=--xla_gpu_cuda_data_dir to a CUDA toolkit",
    ),
    (
        r"killed by SIGILL|illegal instruction|compiled to use AVX|requires AVX|doesn't support AVX",
        (
            "the build uses an instruction that this CPU lacks (AVX, say): take an older build, one of conda-forge, or"
            " another machine"
        ),
    ),
)
_PATTERNS = tuple((re.compile(pattern, re.IGNORECASE), what) for pattern, what in _MISSING)


def name_missing(text: str) -> str:
    """Return what is missing and how to get it, empty if the text tells of nothing that is."""
    return next((what for pattern, what in _PATTERNS if pattern.search(text)), "")
