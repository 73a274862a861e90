"""Framework builds in an environment, told from metadata and text files; nothing is imported."""

from __future__ import annotations

import re
from collections.abc import Mapping

from stackcheck.model.environment import Distribution, InstalledBuild
from stackcheck.model.fact import Absent, Fact, Known, Unknown
from stackcheck.model.record import record
from stackcheck.model.version import InvalidVersion, Version, cuda_of_build, parse_version
from stackcheck.probe.dynamic import read_dynamic
from stackcheck.probe.host import HostReader

__all__ = ["find_builds"]

_TEXT_LIMIT = 1 << 16
_LIBRARY_LIMIT = 1 << 27
_INDEX_LABEL = re.compile(r"cpu|cu\d+")
"""Local versions of the builds in PyTorch's own indexes."""
CUDA_SONAME = re.compile(r"lib(cu|nv|nccl)\w*\.so\.\d")
"""Libraries of CUDA's toolkit, cuDNN, NCCL and their kin."""


_FIRST_WHEELS = parse_version("2.14")
"""TensorFlow's first release whose extra `and-cuda` brings NVIDIA's wheels."""
_FIRST_EXTRAS = parse_version("0.4.8")
"""JAX's first release with the extras `cuda12_pip` and `cuda12_local`."""


@record(frozen=True)
class _Installed:
    """A distribution, the directory that its packages lie in, and all its neighbours."""

    host: HostReader
    distribution: Distribution
    version: Version
    directory: str
    others: Mapping[str, Distribution]


def find_builds(
    host: HostReader, distributions: Mapping[str, Distribution]
) -> tuple[InstalledBuild, ...]:
    """Return the frameworks among the installed distributions, by name; each reader below says what it goes by."""
    found = []
    for names, read in _READERS:
        for name in names:
            distribution = distributions.get(name)
            if distribution is None or (name == "jaxlib" and "jax" in distributions):
                continue
            try:
                version = parse_version(distribution.version)
            except InvalidVersion:
                continue
            directory = distribution.path.rpartition("/")[0]
            found.append(read(_Installed(host, distribution, version, directory, distributions)))
    return tuple(found)


def _torch(installed: _Installed) -> InstalledBuild:
    """PyTorch: `torch/version.py` names CUDA; the label, conda's build string and the pins confirm or stand in."""
    path = f"{installed.directory}/torch/version.py"
    text = _text(installed, path)
    cuda: Fact[Version] = text if isinstance(text, Unknown) else Unknown("names no CUDA", path)
    if isinstance(text, Known):
        found = re.search(
            r"^cuda\s*(?::[^=]*)?=\s*(None|'([\d.]+)'|\"([\d.]+)\")", text.value, re.MULTILINE
        )
        if found:
            number = found[2] or found[3]
            cuda = Known(parse_version(number), path) if number else Absent(path)
    build = _label(installed, cuda)
    if not isinstance(cuda, Known) and isinstance(build, Known):
        number = cuda_of_build(build.value)
        if build.value == "cpu":
            cuda = Absent(build.source)
        elif number is not None and not isinstance(cuda, Absent):
            cuda = Known(number, build.source)
    if isinstance(cuda, Unknown):
        cuda = _by_library(installed, cuda)
        build = _label(installed, cuda)
    flags = None if _INDEX_LABEL.fullmatch(installed.version.local or "cpu") else _flags(installed)
    return _build("pytorch", installed, build, cuda, _pinned_cudnn(installed), flags)


def _flags(installed: _Installed) -> Fact[tuple[str, ...]]:
    """Return the architectures that a vendor's or a user's own build says it was compiled for: no table knows it."""
    from stackcheck.binary.contents import find_flags

    library = installed.host.read(
        f"{installed.directory}/torch/lib/libtorch_python.so", _LIBRARY_LIMIT
    )
    if not isinstance(library, Known):
        return library if isinstance(library, Unknown) else _unknown(installed)
    found = find_flags(library.value)
    if found is None:
        return Unknown("names no architectures", library.source)
    return Known(tuple(map(str, found)), library.source)


def _text(installed: _Installed, path: str) -> Known[str] | Unknown:
    """Return a text of a package; one that is not there leaves what it would say unknown."""
    text = installed.host.text(path, _TEXT_LIMIT)
    return Unknown("is not there", path) if isinstance(text, Absent) else text


def _by_library(installed: _Installed, otherwise: Unknown) -> Fact[Version]:
    """Tell a CPU build by the library that it lacks, where no text tells."""
    library = f"{installed.directory}/torch/lib"
    names = installed.host.names(library)
    there = names.peek() or ()
    if "libtorch_cpu.so" in there and "libtorch_cuda.so" not in there:
        return Absent(f"{library}/libtorch_cuda.so")
    return otherwise


def _label(installed: _Installed, cuda: Fact[Version]) -> Fact[str]:
    """Return the build's label: the local version, conda's build string, else the CUDA that it was built with."""
    local = installed.version.local
    if local and re.match(r"cpu|cu\d+", local):
        return Known(re.match(r"cpu|cu\d+", local)[0], installed.distribution.path)  # type: ignore[index]
    conda = installed.distribution.conda_build
    if isinstance(conda, Known):
        if conda.value.startswith("cpu") or "_cpu_" in conda.value:
            return Known("cpu", conda.source)
        if found := re.search(r"cuda(\d+)\.?(\d+)?", conda.value):
            return Known(f"cu{found[1]}{found[2] or ''}", conda.source)
    if isinstance(cuda, Known):
        return Known(f"cu{cuda.value.major}{cuda.value.minor}", cuda.source)
    if isinstance(cuda, Absent):
        return Known("cpu", cuda.source)
    return Unknown("no label, build string or text tells it", installed.distribution.path)


def _pinned_cudnn(installed: _Installed) -> Fact[Version]:
    """Return the cuDNN that the distribution pins."""
    for requirement in installed.distribution.requires:
        found = re.match(r"nvidia-cudnn-cu\d+\s*\(?(?:==|>=)\s*([\d.]+)", requirement)
        if found:
            return Known(parse_version(found[1]), installed.distribution.path)
    return Unknown("not pinned", installed.distribution.path)


def _tensorflow(installed: _Installed) -> InstalledBuild:
    """TensorFlow: the text of `build_info.py` names CUDA, cuDNN and the compute capabilities (2.3 on)."""
    path = f"{installed.directory}/tensorflow/python/platform/build_info.py"
    text = _text(installed, path)
    if isinstance(text, Unknown):
        return _build("tensorflow", installed, _label(installed, text), text, text)
    if re.search(r"['\"]?is_cuda_build['\"]?\s*[,:=]\s*True", text.value) is None:
        if "is_cuda_build" not in text.value:
            lost = Unknown("says nothing of CUDA", path)
            return _build("tensorflow", installed, lost, lost, lost)
        return _build("tensorflow", installed, Known("cpu", path), Absent(path), Absent(path))
    cuda = _number(text, "cuda_version")
    cudnn = _number(text, "cudnn_version")
    listed = re.search(r"cuda_compute_capabilities['\"]\s*[,:]\s*\[([^\]]*)\]", text.value)
    entries = tuple(re.findall(r"(?:sm|compute)_\d+[af]?", listed[1])) if listed else ()
    architectures: Fact[tuple[str, ...]] = (
        Known(entries, path) if entries else Unknown("names no compute capability", path)
    )
    build = _label(installed, cuda)
    if isinstance(build, Known) and isinstance(cuda, Known):
        extra = installed.version >= _FIRST_WHEELS and _has_wheels(installed, str(cuda.value.major))
        build = Known(f"{build.value}-pip", build.source) if extra else build
    return _build("tensorflow", installed, build, cuda, cudnn, architectures)


def _number(text: Known[str], name: str) -> Fact[Version]:
    found = re.search(rf"{name}(?:_number)?['\"]?\s*[,:=]\s*['\"]?([\d.]+)", text.value)
    if not found:
        return Unknown(f"names no {name}", text.source)
    try:
        return Known(parse_version(found[1].rstrip(".")), text.source)
    except InvalidVersion:
        return Unknown(f"{name} is {found[1]!r}", text.source)


def _jax(installed: _Installed) -> InstalledBuild:
    """JAX: its CUDA plugin beside it; before 0.4.30 the label of a monolithic jaxlib, `+cuda12.cudnn89`."""
    jaxlib = installed.others.get("jaxlib", installed.distribution)
    source, lost = jaxlib.path, _unknown(installed)
    for major in ("13", "12", "11"):
        plugin = installed.others.get(f"jax-cuda{major}-plugin")
        if plugin is not None:
            return _build(
                "jax", installed, Known(_jax_build(installed, major), plugin.path), lost, lost
            )
    if found := re.search(r"\+cuda(\d{2,3})(?:\.(cudnn\d+))?", jaxlib.version):
        digits, cudnn = found.groups()
        early = installed.version < _FIRST_EXTRAS
        label = f"cuda{digits}-{cudnn}" if cudnn and early else f"cuda{digits}"
        if cudnn and not early:
            label = f"{label}-{'pip' if _has_wheels(installed, digits) else 'local'}"
        return _build("jax", installed, Known(label, source), _major(digits, installed), lost)
    conda = jaxlib.conda_build
    if isinstance(conda, Known) and (found := re.search(r"cuda(\d{3})", conda.value)):
        label = f"cuda{found[1]}"
        return _build("jax", installed, Known(label, source), _major(found[1], installed), lost)
    absent = Absent("jax-cuda12-plugin, jax-cuda13-plugin")
    return _build("jax", installed, Known("cpu", absent.source), absent, absent)


def _jax_build(installed: _Installed, major: str) -> str:
    """Return `cuda12`, or `cuda12-local` where NVIDIA's wheels are not beside the plugin."""
    return f"cuda{major}" if _has_wheels(installed, major) else f"cuda{major}-local"


def _has_wheels(installed: _Installed, major: str) -> bool:
    """Tell whether cuDNN came as a wheel: then NVIDIA's other libraries did, too."""
    return f"nvidia-cudnn-cu{major}" in installed.others


def _cupy(installed: _Installed) -> InstalledBuild:
    """CuPy: the distribution's name carries the CUDA that it is for; in conda the package `cuda-version` does."""
    source, lost = installed.distribution.path, _unknown(installed)
    if found := re.fullmatch(r"cupy-cuda(\d+)(x?)", installed.distribution.name):
        cuda = lost if found[2] else _major(found[1], installed)
        return _build("cupy", installed, Known(f"cuda{found[1]}{found[2]}", source), cuda, lost)
    chosen = installed.others.get("cuda-version")
    if isinstance(installed.distribution.conda_build, Known) and chosen is not None:
        digits = chosen.version.replace(".", "")
        return _build(
            "cupy", installed, Known(f"cuda{digits}", chosen.path), _major(digits, installed), lost
        )
    return _build("cupy", installed, lost, lost, lost)


def _paddle(installed: _Installed) -> InstalledBuild:
    """PaddlePaddle: the CPU build has a name of its own; `paddle/version/__init__.py` names CUDA and cuDNN."""
    if installed.distribution.name == "paddlepaddle":
        absent = Absent(installed.distribution.path)
        return _build("paddlepaddle", installed, Known("cpu", absent.source), absent, absent)
    text = _text(installed, f"{installed.directory}/paddle/version/__init__.py")
    if isinstance(text, Unknown):
        return _build("paddlepaddle", installed, _label(installed, text), text, text)
    cuda, cudnn = _number(text, "cuda_version"), _number(text, "cudnn_version")
    return _build("paddlepaddle", installed, _label(installed, cuda), cuda, cudnn)


def _mxnet(installed: _Installed) -> InstalledBuild:
    """MXNet: the distribution's name carries CUDA, `mxnet-cu112`."""
    found = re.fullmatch(r"mxnet-cu(\d{2,3})(mkl)?", installed.distribution.name)
    if not found:
        absent = Absent(installed.distribution.path)
        return _build("mxnet", installed, Known("cpu", absent.source), absent, absent)
    build = f"cu{found[1]}"
    number = cuda_of_build(build)
    cuda: Fact[Version] = (
        Known(number, installed.distribution.path) if number else _unknown(installed)
    )
    return _build(
        "mxnet", installed, Known(build, installed.distribution.path), cuda, _unknown(installed)
    )


def _major(digits: str, installed: _Installed) -> Fact[Version]:
    number = cuda_of_build(f"cu{digits}")
    if number is None:
        return Unknown("the label names only the major", installed.distribution.path)
    return Known(number, installed.distribution.path)


def _unknown(installed: _Installed) -> Unknown:
    return Unknown("the metadata does not name it", installed.distribution.path)


def _build(
    framework: str,
    installed: _Installed,
    build: Fact[str],
    cuda: Fact[Version],
    cudnn: Fact[Version],
    architectures: Fact[tuple[str, ...]] | None = None,
) -> InstalledBuild:
    return InstalledBuild(
        framework=framework,
        distribution=installed.distribution.name,
        version=installed.version,
        build=build,
        cuda=cuda,
        cudnn=cudnn,
        needed=_needed(installed, framework),
        architectures=architectures
        or Unknown("not in the metadata", f"{installed.directory} ({installed.distribution.name})"),
    )


def _needed(installed: _Installed, framework: str) -> tuple[str, ...]:
    """Return the CUDA libraries that the framework's own libraries need, by their ELF headers."""
    found: dict[str, None] = {}
    for place in _LIBRARIES.get(framework, ()):
        directory, _, pattern = f"{installed.directory}/{place}".rpartition("/")
        wanted = re.compile(pattern)
        for name in installed.host.names(directory).peek() or ():
            if wanted.fullmatch(name):
                dynamic = read_dynamic(installed.host, f"{directory}/{name}").peek()
                needed = dynamic.needed if dynamic else ()
                found.update(
                    dict.fromkeys(soname for soname in needed if CUDA_SONAME.match(soname))
                )
    return tuple(found)


_LIBRARIES = {
    "pytorch": (r"torch/lib/libtorch_cuda\.so", r"torch/lib/libtorch\.so"),
    "tensorflow": (
        r"tensorflow/libtensorflow_cc\.so\.\d",
        r"tensorflow/python/_pywrap_tensorflow_internal\.so",
    ),
    "jax": (
        r"jax_plugins/xla_cuda12/xla_cuda_plugin\.so",
        r"jax_plugins/xla_cuda13/xla_cuda_plugin\.so",
        r"jaxlib/xla_extension\.so",
    ),
    "cupy": (r"cupy_backends/cuda/libs/(cudnn|cublas|nccl)\..*so",),
    "paddlepaddle": (r"paddle/base/libpaddle\.so", r"paddle/fluid/(core_\w+|libpaddle)\.so"),
    "mxnet": (r"mxnet/libmxnet\.so",),
}
"""Libraries that link CUDA's, below site-packages; the last part of each is a pattern."""
_READERS = (
    (("torch",), _torch),
    (("tensorflow", "tensorflow-gpu", "tensorflow-cpu", "tf-nightly"), _tensorflow),
    (("jax", "jaxlib"), _jax),
    (
        (
            "cupy",
            *(f"cupy-cuda{name}" for name in ("13x", "12x", "11x", "118", "117", "116", "115")),
            *(f"cupy-cuda{name}" for name in ("114", "113", "112", "111", "110", "102", "101")),
            *(f"cupy-cuda{name}" for name in ("100", "92", "91", "90", "80")),
        ),
        _cupy,
    ),
    (("paddlepaddle-gpu", "paddlepaddle"), _paddle),
    (
        (
            "mxnet",
            *(
                f"mxnet-cu{name}"
                for name in ("117", "116", "115", "114", "113", "112", "111", "110")
            ),
            *(f"mxnet-cu{name}" for name in ("102", "101", "100", "92", "91", "90", "80", "75")),
        ),
        _mxnet,
    ),
)
