"""What framework wheels say of themselves, each from the cheapest files of it."""

from __future__ import annotations

import ast
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass

from stackcheck.binary.blob import MemoryBlob
from stackcheck.binary.fatbin import (
    FATBIN_START,
    architectures_of,
    count_architectures,
    scan_fatbins,
)
from stackcheck.binary.wheel import MalformedWheel, Wheel
from stackcheck.model.version import Architecture, Version, parse_version

__all__ = ["READERS", "WheelContents", "find_flags", "read_floors"]


@dataclass(frozen=True)
class WheelContents:
    """What a wheel holds; None where it does not say."""

    is_gpu: bool
    cuda: Version | None = None
    cudnn: Version | None = None
    architectures: tuple[Architecture, ...] | None = None


_ASSIGNED = r"^{}(?:\s*:[^=]+)?\s*=\s*['\"]?([\w.]+)['\"]?\s*$"
_FLAGS = re.compile(rb"((?:sm|compute)_\d+[af]?(?: (?:sm|compute)_\d+[af]?)+)\0")
"""Some compilers leave no zero byte before it."""
_SAMPLE_BYTES = 64 << 20
"""A single fat binary can be of 45 MB (MXNet 1.7)."""
_LEAST_CAPABILITIES = 3
"""No framework was ever published for fewer."""


def _assigned(text: str, name: str) -> str | None:
    found = re.search(_ASSIGNED.format(name), text, re.MULTILINE)
    return found[1] if found and found[1] not in ("None", "False") else None


def _number(text: object) -> Version | None:
    return parse_version(str(text)) if text and re.fullmatch(r"\d+(\.\d+)*", str(text)) else None


def read_torch(wheel: Wheel) -> WheelContents:
    """Read `torch/version.py`, and for a CUDA build the flags that `torch.cuda.get_arch_list()` returns (1.6 on)."""
    cuda = _number(_assigned(_text(wheel, "torch/version.py"), "cuda"))
    if cuda is None:
        return WheelContents(is_gpu=False, architectures=())
    library = wheel.find("torch/lib/libtorch_python.so")
    flags = find_flags(wheel.read(library)) if library else None
    return WheelContents(is_gpu=True, cuda=cuda, architectures=flags)


def find_flags(library: bytes) -> tuple[Architecture, ...] | None:
    """Return the architecture flags that stand in a library as one string of at least two; None if none does."""
    found = _FLAGS.search(library)
    if found is None:
        return None
    return tuple(map(Architecture.parse, found[1].decode("ascii").split()))


def read_tensorflow(wheel: Wheel) -> WheelContents | None:
    """Read `build_info.py`: CUDA, the major of cuDNN, and from 2.3 on the compute capabilities.

    A wheel that only requires another one (`tensorflow-intel`) holds no code at all; one before 1.4 does not tell, so
    that the answer is None.
    """
    name = wheel.find("python/platform/build_info.py")
    if name is None and wheel.find("tensorflow/__init__.py") is None:
        return WheelContents(is_gpu=False, architectures=())
    if name is None:
        return None
    info = _build_info(_text(wheel, name))
    if not info.get("is_cuda_build"):
        return WheelContents(is_gpu=False, architectures=())
    capabilities = info.get("cuda_compute_capabilities")
    return WheelContents(
        is_gpu=True,
        cuda=_number(info.get("cuda_version")),
        cudnn=_number(info.get("cudnn_version")),
        architectures=tuple(map(Architecture.parse, capabilities))
        if isinstance(capabilities, list) and capabilities
        else None,
    )


def _build_info(text: str) -> dict[str, object]:
    """Collect what is literal in the module: it assigns names, or makes a mapping in one of three ways."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError) as error:
        raise MalformedWheel(f"build_info.py cannot be parsed: {error}") from error
    found: dict[str, object] = {}
    for node in ast.walk(tree):
        for name, value in _named_values(node):
            with suppress(ValueError):
                found[name] = ast.literal_eval(value)
    for old, new in (
        ("cuda_version_number", "cuda_version"),
        ("cudnn_version_number", "cudnn_version"),
    ):
        found.setdefault(new, found.get(old))
    return found


def _named_values(node: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    """Yield `name = value`, `name=value` of a call, `("name", value)` and `"name": value`."""
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
        yield node.targets[0].id, node.value
    elif isinstance(node, ast.keyword) and node.arg:
        yield node.arg, node.value
    pairs: Iterable[tuple[ast.expr | None, ast.expr]] = ()
    if isinstance(node, ast.Tuple) and len(node.elts) == 2:
        pairs = [(node.elts[0], node.elts[1])]
    elif isinstance(node, ast.Dict):
        pairs = zip(node.keys, node.values, strict=True)
    for key, value in pairs:
        if isinstance(key, ast.Constant) and isinstance(key.value, str):
            yield key.value, value


def read_jax_plugin(wheel: Wheel) -> WheelContents:
    """Read the fat binaries of the plugin's smallest CUDA extension, `_prng.so`."""
    name = wheel.find("/_prng.so") or wheel.find("/cuda_prng.so")
    if name is None:
        raise MalformedWheel("the wheel has no _prng.so")
    return WheelContents(is_gpu=True, architectures=_fatbins(wheel, name))


def read_cupy(wheel: Wheel) -> WheelContents:
    """Read `_wheel.json`, and the fat binaries of the bundled CUB extension, the prebuilt part."""
    name = wheel.find("cupy/.data/_wheel.json")
    data: Mapping[str, object] = json.loads(_text(wheel, name)) if name else {}
    cuda = re.match(r"\d+\.\d+", str(data.get("cuda", "")))
    cudnn = data.get("cudnn")
    library = _named(wheel, r"cupy/(?:cuda|_core|core)/cub\.[^/]*(?:so|pyd)$")
    return WheelContents(
        is_gpu=True,
        cuda=_number(cuda[0]) if cuda else None,
        cudnn=_number(cudnn.get("version")) if isinstance(cudnn, dict) else None,
        architectures=_fatbins(wheel, library) if library else None,
    )


def read_paddle(wheel: Wheel) -> WheelContents:
    """Read `paddle/version`: CUDA and cuDNN (2.2 on), and the first fat binaries of the one large library."""
    name = wheel.find("paddle/version/__init__.py") or wheel.find("paddle/version.py")
    text = _text(wheel, name) if name else ""
    library = _named(wheel, r"/(?:libpaddle|core_avx|core)\.(?:so|pyd)$")
    code = _first_fatbins(wheel, library) if library else None
    cuda = _number(_assigned(text, "cuda_version"))
    return WheelContents(
        is_gpu=bool(code) or cuda is not None,
        cuda=cuda,
        cudnn=_number(_assigned(text, "cudnn_version")),
        architectures=code,
    )


def read_mxnet(wheel: Wheel) -> WheelContents:
    """Read the first fat binaries of the one large library; it does not say which CUDA it was built with."""
    library = _named(wheel, r"mxnet/libmxnet\.(?:so|dll)$")
    return WheelContents(
        is_gpu=True, architectures=_first_fatbins(wheel, library) if library else None
    )


def read_floors(distribution: str, wheel: Wheel) -> dict[str, str]:
    """Return what a wheel's code demands of others when it is imported, which its metadata may leave out."""
    if distribution != "jax" or (name := wheel.find("jax/version.py")) is None:
        return {}
    floor = _assigned(_text(wheel, name), "_minimum_jaxlib_version")
    return {"jaxlib": f">={floor}"} if floor else {}


def _named(wheel: Wheel, pattern: str) -> str | None:
    return next((name for name in wheel.names() if re.search(pattern, name)), None)


def _fatbins(wheel: Wheel, name: str) -> tuple[Architecture, ...]:
    blob = MemoryBlob(wheel.read(name))
    if name.endswith((".pyd", ".dll")):
        return architectures_of(Counter(scan_fatbins(blob)))
    return architectures_of(count_architectures(blob))


def _first_fatbins(wheel: Wheel, name: str) -> tuple[Architecture, ...] | None:
    """Read what stands first of hundreds of megabytes: nvcc compiles every file for the same targets.

    None if there is nothing, or the few targets of some library that was linked in and stands first.
    """
    found = MemoryBlob(wheel.read_from(name, FATBIN_START, _SAMPLE_BYTES))
    counts = Counter(scan_fatbins(found))
    is_own = len({item.capability for item in counts}) >= _LEAST_CAPABILITIES
    return architectures_of(counts) if is_own else None


def _text(wheel: Wheel, name: str) -> str:
    return wheel.read(name).decode("utf-8", "replace")


READERS: dict[str, Callable[[Wheel], WheelContents | None]] = {
    "torch": read_torch,
    "tensorflow": read_tensorflow,
    "tensorflow-gpu": read_tensorflow,
    "tensorflow-cpu": read_tensorflow,
    "jax-cuda12-plugin": read_jax_plugin,
    "jax-cuda13-plugin": read_jax_plugin,
    "paddlepaddle-gpu": read_paddle,
    "cupy-cuda": read_cupy,
    "mxnet-cu": read_mxnet,
}
"""Distribution to what reads its wheels; `cupy-cuda` and `mxnet-cu` stand for all that begin so.

None: the wheel does not tell. All raise `MalformedWheel`, `MalformedElf`, `MalformedFatbin` or `Unreachable`.
"""
