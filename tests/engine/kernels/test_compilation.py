"""Every CUDA kernel, compiled by NVRTC for every architecture that it knows, without a GPU."""

from __future__ import annotations

import numpy as np
import pytest
from stackgrad.kernels.cuda import source
from stackgrad.libraries import nvrtc

COMPILERS = {f"{n.version[0]}.{n.version[1]}": n for n in nvrtc.find_all()}
OLDEST = 60  # 12.9 still takes 5.0
WHY = "NVRTC is not installed: `pip install nvidia-cuda-nvrtc nvidia-cuda-nvrtc-cu12`"
PAIRS = [(name, a) for name, n in COMPILERS.items() for a in n.architectures() if a >= OLDEST]


def compile_all(name, architecture, kind, files=source.FILES):
    code = COMPILERS[name].compile(source.complete(source.text(files), kind), architecture)
    assert code.startswith(b"\x7fELF")
    for kernel in source.signatures(source.text(files), kind):
        assert kernel.encode() in code


@pytest.mark.skipif(not COMPILERS, reason=WHY)
@pytest.mark.parametrize("name", COMPILERS)
@pytest.mark.parametrize("kind", [np.dtype("float32"), np.dtype("float16")], ids=str)
def test_a_file_compiles_for_the_oldest_and_the_newest_architecture(name, kind):
    found = [a for n, a in PAIRS if n == name]
    for architecture in (found[0], found[-1]):
        compile_all(name, architecture, kind, ("random.cu",))


@pytest.mark.slow
@pytest.mark.skipif(not COMPILERS, reason=WHY)
@pytest.mark.parametrize("kind", source.KINDS, ids=str)
@pytest.mark.parametrize(("name", "architecture"), PAIRS)
def test_the_kernels_compile_for_every_architecture_and_type(name, architecture, kind):
    compile_all(name, architecture, kind)


@pytest.mark.skipif(not COMPILERS, reason=WHY)
def test_cuda_12_covers_pascal_to_blackwell_and_13_turing_to_blackwell():
    for compiler in COMPILERS.values():
        found = set(compiler.architectures())
        if compiler.version[0] == 12:
            assert {60, 61, 70, 75, 80, 86, 89, 90, 120} <= found
        elif compiler.version[0] == 13:
            assert {75, 80, 86, 89, 90, 100, 120} <= found
            assert 70 not in found


@pytest.mark.skipif(not COMPILERS, reason=WHY)
def test_source_that_does_not_compile_is_an_error_with_the_log():
    compiler = next(iter(COMPILERS.values()))
    with pytest.raises(nvrtc.CompileError, match="nonsense"):
        compiler.compile(
            'extern "C" __global__ void f() { nonsense; }', compiler.architectures()[-1]
        )


def test_a_parameter_of_an_unknown_type_is_an_error():
    with pytest.raises(ValueError, match="kernel f: a parameter of the type 'long'"):
        source.signatures('extern "C" __global__ void f(long x)', np.dtype("float32"))
