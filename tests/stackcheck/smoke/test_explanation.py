from __future__ import annotations

import pytest

from stackcheck.smoke.explanation import explain_failure
from stackcheck.smoke.told import first_words


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (
            "InductorError: InvalidCxxCompiler: No working C++ compiler found in torch._inductor.config.cpp.cxx",
            "no C++ compiler",
        ),
        ("RuntimeError: Failed to find C compiler. Please specify via CC", "no C++ compiler"),
        ("FileNotFoundError: [Errno 2] No such file or directory: 'gcc'", "no C++ compiler"),
        ("main.c:5:10: fatal error: Python.h: No such file or directory", "Python.h"),
        ("fatal error: omp.h: No such file or directory", "omp.h"),
        ("fatal error: cuda.h: No such file or directory", "CUDA's headers"),
        ("/usr/bin/ld: cannot find -lcuda: No such file or directory", "libcuda.so"),
        ("torch._inductor.exc.TritonMissing: Cannot find a working triton", "Triton is missing"),
        ("RuntimeError: Cannot find ptxas", "ptxas is missing"),
        ("INTERNAL: libdevice not found at ./libdevice.10.bc", "libdevice.10.bc"),
        ("the process was killed by SIGILL", "an instruction that this CPU lacks"),
        ("The TensorFlow library was compiled to use AVX instructions, but", "AVX"),
        ("ImportError: libcudart.so.12: cannot open shared object file: No such file", "TK-03"),
        ("AttributeError: _ARRAY_API not found\nA module that was compiled using NumPy 1.x cannot be run in NumPy 2.0", "PY-13"),
    ],
)  # fmt: skip
def test_what_is_missing_or_wrong_is_named(text, named):
    assert named in explain_failure(text)


@pytest.mark.parametrize("text", ["", "ValueError: 7", "the process was killed by SIGSEGV"])
def test_what_nothing_is_known_of_is_not_explained(text):
    assert explain_failure(text) == ""


def test_a_line_that_only_announces_is_told_with_the_next():
    text = "BackendCompilerFailed: backend='inductor' raised:\n\nRuntimeError: no compiler\nmore"
    assert first_words(text).endswith("raised: RuntimeError: no compiler")
    assert first_words("ValueError: 7\nmore") == "ValueError: 7"
