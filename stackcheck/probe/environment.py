"""One Python environment: its distributions, framework builds, and the CUDA libraries that its packages brought."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from stackcheck.model.driver import Library
from stackcheck.model.environment import Distribution, Environment
from stackcheck.model.fact import Fact, Known, Unknown
from stackcheck.model.version import DriverVersion, InvalidVersion, Version, parse_version
from stackcheck.probe.builds import find_builds
from stackcheck.probe.dynamic import read_dynamic
from stackcheck.probe.host import HostReader
from stackcheck.probe.interpreter import Interpreter, choose_interpreter
from stackcheck.probe.loader import Loader
from stackcheck.probe.packages import (
    read_conda_packages,
    read_distributions,
    with_conda_details,
)

__all__ = ["probe_environment"]

_CUDA_LIBRARY = re.compile(
    r"lib(cublas|cublasLt|cudart|cudnn|cudnn_\w+|cufft|curand|cusolver|cusolverMg|cusparse|cusparseLt|cupti"
    r"|nccl|nvJitLink|nvrtc|nvrtc-builtins|nvToolsExt|nvshmem_host|cufile|cutensor|cudss)\.so\.[\d.]+"
)
_WHEELS = {
    "libcublas": "nvidia-cublas",
    "libcudart": "nvidia-cuda-runtime",
    "libcudnn": "nvidia-cudnn",
    "libcufft": "nvidia-cufft",
    "libcufile": "nvidia-cufile",
    "libcupti": "nvidia-cuda-cupti",
    "libcurand": "nvidia-curand",
    "libcusolver": "nvidia-cusolver",
    "libcusparseLt": "nvidia-cusparselt",
    "libcusparse": "nvidia-cusparse",
    "libnccl": "nvidia-nccl",
    "libnvJitLink": "nvidia-nvjitlink",
    "libnvrtc": "nvidia-cuda-nvrtc",
    "libnvshmem": "nvidia-nvshmem",
    "libnvToolsExt": "nvidia-nvtx",
}
"""Start of a library's name to the distribution that brings it, before `-cu12`; the longer of two starts first."""
_CONDA_NAMES = {"pytorch": "torch"}
_WITH_CHANNEL = re.compile(
    r"cuda|cudnn|cublas|nccl|cupy|^(lib)?(pytorch|torch|tensorflow|jaxlib|jax|mxnet|magma)|numpy|^python$"
)


def probe_environment(host: HostReader, loader: Loader, named: str | None) -> Fact[Environment]:
    """Return the environment that was chosen, read from its files.

    Raises `InputError` where `named` is no Python environment or executable.
    """
    chosen = choose_interpreter(host, named)
    if not isinstance(chosen, Known):
        return chosen
    interpreter = chosen.value
    distributions = _distributions(host, interpreter)
    by_name = _imported(distributions.peek() or ())
    libraries = _libraries(host, loader, interpreter, by_name)
    builds = (
        Known(find_builds(host, by_name), distributions.source)
        if isinstance(distributions, Known)
        else distributions
    )
    return Known(
        Environment(
            prefix=interpreter.prefix,
            executable=interpreter.executable,
            kind=interpreter.kind,
            chosen_by=interpreter.chosen_by,
            python=interpreter.version,
            implementation=interpreter.implementation,
            distributions=distributions,
            builds=builds,
            libraries=Known(libraries, interpreter.prefix),
            shadowing=Known(_shadowing(host, loader, libraries), "LD_LIBRARY_PATH"),
        ),
        chosen.source,
    )


def _imported(distributions: Iterable[Distribution]) -> dict[str, Distribution]:
    """Return what Python imports by each name: of the first directory, and of leftovers in one the newest."""
    found: dict[str, Distribution] = {}
    for distribution in distributions:
        other = found.setdefault(distribution.name, distribution)
        if distribution.path.rpartition("/")[0] == other.path.rpartition("/")[0] and _parsed(
            distribution
        ) > _parsed(other):
            found[distribution.name] = distribution
    return found


def _parsed(distribution: Distribution) -> Version:
    try:
        return parse_version(distribution.version)
    except InvalidVersion:
        return parse_version("0")


def _distributions(host: HostReader, interpreter: Interpreter) -> Fact[tuple[Distribution, ...]]:
    """Return Python distributions and conda packages; what both list is one entry with conda's build string."""
    found = read_distributions(host, interpreter.site_directories)
    packages = read_conda_packages(host, interpreter.prefix)
    if not isinstance(found, Known) or not isinstance(packages, Known):
        return packages if isinstance(packages, Unknown) else found
    conda = {
        package.name: with_conda_details(host, package)
        if _WITH_CHANNEL.search(package.name)
        else package
        for package in packages.value
    }
    entries = []
    for distribution in found.value:
        package = next(
            (
                conda[name]
                for name in (distribution.name, *_names_in_conda(distribution.name))
                if name in conda and conda[name].version == distribution.version.partition("+")[0]
            ),
            None,
        )
        if package is not None and distribution.installer.peek() != "pip":
            conda.pop(package.name, None)
            distribution = replace(  # noqa: PLW2901 (the same distribution, with what conda knows of it)
                distribution,
                conda_build=package.conda_build,
                conda_channel=package.conda_channel,
            )
        entries.append(distribution)
    return Known((*entries, *conda.values()), f"{found.source}, {packages.source}")


def _names_in_conda(name: str) -> tuple[str, ...]:
    return tuple(conda for conda, python in _CONDA_NAMES.items() if python == name)


def _libraries(
    host: HostReader, loader: Loader, interpreter: Interpreter, by_name: dict[str, Distribution]
) -> tuple[Library, ...]:
    """Return the CUDA libraries of the environment: those of the nvidia wheels, of torch/lib, and of PREFIX/lib."""
    directories: list[tuple[str, bool]] = []
    for site in interpreter.site_directories:
        parts = host.names(f"{site}/nvidia").peek() or ()
        directories += [(f"{site}/nvidia/{part}/lib", True) for part in parts]
        directories.append((f"{site}/torch/lib", False))
    if interpreter.kind.peek() in ("conda", "pixi"):
        directories.append((f"{interpreter.prefix}/lib", False))
    found: dict[str, Library] = {}
    for directory, is_wheel in directories:
        for name in host.names(directory).peek() or ():
            if not _CUDA_LIBRARY.fullmatch(name):
                continue
            soname = _soname(name)
            if soname in found:
                continue
            library = loader.library(soname, f"{directory}/{name}")
            if isinstance(library.version, Unknown) and is_wheel:
                library = replace(library, version=_wheel_version(name, by_name))
            found[soname] = library
    return tuple(found.values())


def _soname(name: str) -> str:
    """Return `libcublas.so.12` of `libcublas.so.12.4.5.8`; cudart 11 and NVRTC builtins have a minor in theirs."""
    stem, _, version = name.partition(".so.")
    parts = version.split(".")
    keeps = 2 if stem == "libnvrtc-builtins" or (stem == "libcudart" and int(parts[0]) < 12) else 1
    return f"{stem}.so.{'.'.join(parts[:keeps])}"


def _wheel_version(name: str, by_name: dict[str, Distribution]) -> Fact[Version]:
    """Return the version of the wheel that brought `nvidia/*/lib/<name>`, as a file name would write it."""
    stem = next((stem for stem in _WHEELS if name.startswith(stem)), "")
    owners = [
        distribution
        for suffix in ("", "-cu13", "-cu12", "-cu11")
        if (distribution := by_name.get(f"{_WHEELS.get(stem, '')}{suffix}")) is not None
    ]
    if len(owners) != 1:
        return Unknown(f"{len(owners)} distributions may own it", name)
    try:
        version = DriverVersion(owners[0].version)
    except InvalidVersion:
        return Unknown(f"{owners[0].version!r} is no version", owners[0].path)
    if stem == "libcudnn":  # the wheel adds a build number to the library's three parts
        version = DriverVersion(".".join(str(number) for number in version.release[:3]))
    return Known(version, owners[0].path)


def _shadowing(
    host: HostReader, loader: Loader, libraries: tuple[Library, ...]
) -> tuple[Library, ...]:
    """Return what LD_LIBRARY_PATH holds of the same sonames: the loader takes it before a RUNPATH.

    The cache and the default directories come after a run path and shadow nothing.
    """
    sonames = {library.soname: host.real_path(library.path) for library in libraries}
    found: dict[str, Library] = {}
    for directory in loader.library_path:
        names = set(host.names(directory).peek() or ())
        for soname, own in sonames.items():
            path = f"{directory}/{soname}"
            if soname in names and soname not in found and host.real_path(path) != own:
                found[soname] = loader.library(soname, path)
    if not found:
        return ()
    safe = _found_by_rpath(host, libraries)
    return tuple(library for library in found.values() if library.soname not in safe)


def _found_by_rpath(host: HostReader, libraries: tuple[Library, ...]) -> set[str]:
    """Return the sonames that all who need them find by DT_RPATH, which comes before LD_LIBRARY_PATH.

    PyTorch's own libraries have one; NVIDIA's wheels have DT_RUNPATH. What nobody here needs by its header is opened by
    name, and LD_LIBRARY_PATH counts for it.
    """
    places = {library.soname: library.path.rpartition("/")[0] for library in libraries}
    directories = dict.fromkeys(places.values())
    kept: dict[str, bool] = {}
    for directory in directories:
        for name in host.names(directory).peek() or ():
            if ".so" not in name:
                continue
            dynamic = read_dynamic(host, f"{directory}/{name}").peek()
            if dynamic is None:
                continue
            first = {host.real_path(path) for path in (() if dynamic.runpath else dynamic.rpath)}
            for soname in dynamic.needed:
                if soname in places:
                    by_rpath = host.real_path(places[soname]) in first
                    kept[soname] = kept.get(soname, True) and by_rpath
    return {soname for soname, by_rpath in kept.items() if by_rpath}
