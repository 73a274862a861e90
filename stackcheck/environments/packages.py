"""What a plan means to package managers: conda specs, wheel requirements, and where each comes from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from stackcheck.environments.channels import Index, conda_channels, is_conda, pip_source
from stackcheck.model.build import Build
from stackcheck.model.plan import Plan

__all__ = ["CondaSpec", "PackageSet", "WheelRequirement", "packages_of"]


@dataclass(frozen=True)
class CondaSpec:
    """A conda match spec. Its text is valid for strict and lenient parsers alike, which `a=1=b*` is not."""

    name: str
    version: str = ""
    build: str = ""

    def __str__(self) -> str:
        version = self.version or ("*" if self.build else "")
        return " ".join(part for part in (self.name, version, self.build) if part)


@dataclass(frozen=True)
class WheelRequirement:
    """A PEP 508 requirement, and the index that it must come from (None: the default index)."""

    text: str
    index: Index | None = None

    @property
    def name(self) -> str:
        """The normalised name."""
        return canonicalize_name(Requirement(self.text).name)


@dataclass(frozen=True)
class PackageSet:
    """Everything that installers and writers need to know of a plan, sorted by whoever installs it."""

    python: str
    conda: tuple[CondaSpec, ...]
    """Without Python and pip; empty if every build is a wheel."""
    channels: tuple[str, ...]
    wheels: tuple[WheelRequirement, ...]
    constraints: tuple[str, ...] = ()
    """Pins that hold whatever is installed later, as PEP 508 requirements."""

    @property
    def indexes(self) -> tuple[Index, ...]:
        """The indexes besides the default one, each once."""
        return tuple(dict.fromkeys(wheel.index for wheel in self.wheels if wheel.index is not None))

    @property
    def environment_specs(self) -> tuple[CondaSpec, ...]:
        """The conda specs with Python and pip, which conda would otherwise add with a complaint."""
        return (CondaSpec("python", f"{self.python}.*"), CondaSpec("pip"), *self.conda)


def _toolkit_specs(build: Build) -> list[CondaSpec]:
    """Return what keeps the CUDA runtime where the plan has it.

    A free `cuda-version` floats to the newest minor of the driver's major, above what the build was made with.
    """
    if build.cuda is None:
        return []
    major, minor = build.cuda.major, build.cuda.minor
    own = build.channel.removeprefix("conda:")
    if own == "conda-forge":
        steer = "cuda-version" if major >= 12 else "cudatoolkit"
        return [CondaSpec(steer, f"{major}.{minor}.*")]
    if own in {"pytorch", "pytorch-lts"}:
        if build.version.release < (1, 0, 1):
            return [CondaSpec(f"cuda{major}{minor}")]
        steer = "pytorch-cuda" if build.version.release >= (1, 13) else "cudatoolkit"
        return [CondaSpec(steer, f"{major}.{minor}.*")]
    return [CondaSpec("cudatoolkit", f"{major}.{minor}.*")] if major < 12 else []


def _conda_specs(build: Build) -> list[CondaSpec]:
    """Return the specs of one conda build.

    A GPU build is named by its build string or metapackage: the bare name solves to a CPU build, without a word,
    on any machine whose driver is too old.
    """
    version = f"=={build.version.public}"
    cuda = f"cuda{build.cuda.major}{build.cuda.minor}*" if build.cuda else "cuda*"
    string = cuda if build.is_gpu else "cpu*"
    if build.channel != "conda-forge":
        specs = [CondaSpec(build.distribution, version)]
        if build.framework == "pytorch" and not build.is_gpu:
            specs.append(CondaSpec("cpuonly"))
        return specs + _toolkit_specs(build)
    if build.framework == "pytorch":
        metapackage = "pytorch-gpu" if build.is_gpu else "pytorch-cpu"
        specs = [CondaSpec("pytorch", version, string), CondaSpec(metapackage, version)]
    elif build.framework == "jax":
        specs = [CondaSpec("jax", version), CondaSpec("jaxlib", version, string)]
    elif build.framework == "tensorflow":
        specs = [CondaSpec("tensorflow", version, string)]
    else:
        specs = [CondaSpec(build.distribution, version)]
    return specs + _toolkit_specs(build)


def _conda_version(specifier: str) -> str:
    """Return a PEP 440 specifier as conda writes it: `1.24.*`, where `==1.24.*` is refused by strict parsers."""
    parts = (part.strip() for part in specifier.split(","))
    return ",".join(part.removeprefix("==") if part.endswith(".*") else part for part in parts)


def _is_wheel_only(name: str) -> bool:
    """Whether the name exists on the package index alone: conda's CUDA packages have names of their own."""
    return name.startswith(("nvidia-", "jax-cuda", "cuda-toolkit", "cupy-cuda"))


class _Sorting:
    """Packages on their way to one installer or another, each name once."""

    def __init__(self) -> None:
        self.conda: dict[str, CondaSpec] = {}
        self.wheels: dict[str, WheelRequirement] = {}
        self.indexes: dict[str, Index | None] = {}
        self.constraints: list[str] = []

    def add_build(self, build: Build) -> None:
        if is_conda(build):
            for spec in _conda_specs(build):
                self.conda.setdefault(spec.name, spec)
            return
        requirement, index = pip_source(build)
        wheel = WheelRequirement(str(requirement), index)
        self.wheels.setdefault(wheel.name, wheel)
        self.constraints.append(f"{requirement.name}{requirement.specifier}")
        for companion in build.companions:
            self.indexes[canonicalize_name(companion)] = index

    def add_pin(self, name: str, specifier: str) -> None:
        key = canonicalize_name(name)
        if key in self.wheels or key in self.conda:
            return
        if self.conda and not self.wheels and not _is_wheel_only(key):
            self.conda[key] = CondaSpec(name, _conda_version(specifier))
            return
        self.wheels[key] = WheelRequirement(f"{name}{specifier}", self.indexes.get(key))
        if specifier:
            self.constraints.append(f"{name}{specifier}")

    def add_ordinary(self, text: str) -> None:
        """Add a package beside the plan's; one that the plan has gets its extras and keeps the plan's pin."""
        added = Requirement(text)
        key = canonicalize_name(added.name)
        known = self.wheels.get(key)
        if known is None:
            self.wheels[key] = WheelRequirement(text, self.indexes.get(key))
            return
        pinned = Requirement(known.text)
        pinned.extras |= added.extras
        pinned.specifier &= added.specifier
        self.wheels[key] = WheelRequirement(str(pinned), known.index)


def packages_of(plan: Plan, additions: Iterable[str] = ()) -> PackageSet:
    """Sort a plan's builds and pins by installer. `additions` are PEP 508 requirements of ordinary packages.

    Raises `packaging.requirements.InvalidRequirement` for a malformed addition.
    """
    sorting = _Sorting()
    for build in plan.builds:
        sorting.add_build(build)
    for name, specifier in plan.packages.items():
        sorting.add_pin(name, specifier)
    for text in additions:
        sorting.add_ordinary(text)
    return PackageSet(
        plan.python,
        tuple(sorting.conda.values()),
        conda_channels(plan.builds),
        tuple(sorting.wheels.values()),
        tuple(sorting.constraints),
    )
