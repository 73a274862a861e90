"""Which compiled code runs on which GPU: the rules for cubins and PTX.

After NVIDIA's Blackwell Compatibility Guide, the nvcc documentation and the CUDA Programming Guide ("Compute
Capabilities"): a cubin runs on its own major capability with an equal or higher minor, an `a` target on exactly its
own, an `f` target on its family, and PTX on any later capability that the driver can compile it for. On Tegra a cubin
runs on exactly its own capability.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from stackcheck.model.build import Build
from stackcheck.model.fact import Unknown
from stackcheck.model.finding import Evidence
from stackcheck.model.record import record
from stackcheck.model.version import Architecture, Version

if TYPE_CHECKING:
    from stackcheck.knowledge.knowledge import Knowledge
    from stackcheck.model.gpu import Gpu
    from stackcheck.rules.rule import Situation

__all__ = [
    "Code",
    "Gap",
    "code_of",
    "evidence_of",
    "find_cubin",
    "find_gaps",
    "find_ptx",
    "name_of",
]

_FAMILIES = {
    (10, 0): ((10, 0), (10, 3), (10, 7)),
    (10, 3): ((10, 3), (10, 7)),
    (12, 0): ((12, 0), (12, 1)),
}


@record(frozen=True)
class Code:
    """GPU code of one part of a build: the framework itself, or a library that it is pinned to."""

    owner: str
    architectures: tuple[Architecture, ...]
    source: str


@record(frozen=True)
class Gap:
    """A GPU that a part of a build has no code for. `newer` tells on which side of the code the GPU lies."""

    gpu: Gpu
    capability: Version
    code: Code
    newer: bool
    limit: str
    """The nearest thing that there is code for, in words."""


@lru_cache(maxsize=4096)
def find_cubin(
    architectures: tuple[Architecture, ...], capability: Version, *, tegra: bool = False
) -> Architecture | None:
    """Return the best machine code for a capability, or None."""
    own = (capability.major, capability.minor)
    fitting = [entry for entry in architectures if not entry.ptx and _runs(entry, own, tegra=tegra)]
    return max(fitting, default=None, key=lambda entry: (entry.major, entry.minor))


@lru_cache(maxsize=4096)
def find_ptx(architectures: tuple[Architecture, ...], capability: Version) -> Architecture | None:
    """Return the best PTX that a driver could compile for a capability, or None."""
    own = (capability.major, capability.minor)
    fitting = [
        entry
        for entry in architectures
        if entry.ptx and not entry.suffix and (entry.major, entry.minor) <= own
    ]
    return max(fitting, default=None, key=lambda entry: (entry.major, entry.minor))


def _runs(entry: Architecture, own: tuple[int, int], *, tegra: bool) -> bool:
    target = (entry.major, entry.minor)
    if tegra or entry.suffix == "a":
        return own == target
    if entry.suffix == "f":
        return own in _FAMILIES.get(target, (target,))
    return own[0] == target[0] and own[1] >= target[1]


@lru_cache(maxsize=1024)
def code_of(build: Build, knowledge: Knowledge) -> tuple[Code, ...]:
    """Return the GPU code of a build and of every NVIDIA library that it is pinned to."""
    parts: list[Code] = []
    if build.architectures:
        source = build.evidence[0].source if build.evidence else "installed files"
        parts.append(Code(build.label, build.architectures, source))
    for release in knowledge.libraries_of(build):
        if release.architectures:
            source = release.series.evidence[0].source
            name = f"{release.distribution} {release.version}"
            parts.append(Code(name, release.architectures, source))
    return tuple(parts)


@lru_cache(maxsize=512)
def find_gaps(build: Build, situation: Situation) -> list[Gap]:
    """Return every GPU that some part of the build has no code for.

    Raises `Undecided` where GPUs, capabilities or the build's architectures are not known.
    """
    gaps: list[Gap] = []
    found: dict[Version, Gap | None] = {}
    for gpu in situation.machine.gpus.get() or ():
        capability = gpu.compute_capability.get()
        if capability is None:
            continue
        if capability not in found:
            found[capability] = _find_gap(build, gpu, capability, situation)
        gap = found[capability]
        if gap is not None:
            gaps.append(replace(gap, gpu=gpu))
    return gaps


def _compiler_of(build: Build, situation: Situation) -> Version | None:
    """Return the CUDA whose compiler makes the kernels: the build's own, or the machine's newest for a source build."""
    if not build.from_source:
        return build.cuda
    toolkits = situation.machine.toolkits.peek() or ()
    versions = [version for toolkit in toolkits if (version := toolkit.version.peek())]
    return max(versions, default=None)


def _oldest_of_cudnn(build: Build, knowledge: Knowledge) -> Version | None:
    """Return the oldest capability of the build's cuDNN: what gets loaded is that release or a later one."""
    if build.cudnn is None or build.cudnn_linkage == "none":
        return None
    return _oldest_of(build.cudnn, knowledge)


@lru_cache(maxsize=256)
def _oldest_of(cudnn: Version, knowledge: Knowledge) -> Version | None:
    support = knowledge.cudnn_of(cudnn)
    return support.capability_min if support else None


def _find_gap(build: Build, gpu: Gpu, capability: Version, situation: Situation) -> Gap | None:
    knowledge = situation.knowledge
    life = knowledge.architecture(capability)
    cuda = _compiler_of(build, situation)
    tegra = life is not None and life.tegra
    parts = code_of(build, knowledge)

    def missing(limit: str, *, newer: bool) -> Gap:
        own = Code(build.label, build.architectures or (), "knowledge")
        return Gap(gpu, capability, own, newer=newer, limit=limit)

    if build.capability_max is not None and capability > build.capability_max:
        limit = f"its compiler knows capabilities up to {build.capability_max}"
        return missing(limit, newer=True)
    if life is not None and cuda is not None:
        if life.last_cuda is not None and cuda.release[:2] > life.last_cuda.release[:2]:
            return missing(f"CUDA {life.last_cuda} is the last with {life.name}", newer=False)
        if not parts and life.first_cuda is not None and cuda.major < life.first_cuda.major:
            return missing(f"{life.name} needs CUDA {life.first_cuda} or later", newer=True)
    oldest = _oldest_of_cudnn(build, knowledge)
    if oldest is not None and capability < oldest:
        return missing(f"cuDNN {build.cudnn} begins at capability {oldest}", newer=False)
    for part in parts:
        if find_cubin(part.architectures, capability, tegra=tegra) or find_ptx(
            part.architectures, capability
        ):
            continue
        cubins = [entry for entry in part.architectures if not entry.ptx]
        newer = bool(cubins) and capability > min(cubins).capability
        limit = f"it has {' '.join(str(entry) for entry in part.architectures)}"
        return Gap(gpu, capability, part, newer=newer, limit=limit)
    if build.architectures is None:
        _refuse_unknown(build, capability, knowledge)
    return None


def _refuse_unknown(build: Build, capability: Version, knowledge: Knowledge) -> None:
    """Raise `Undecided`; where the same build for another system has code for the GPU, it is assumed to have it too."""
    reason = f"no source gives the GPU architectures of {build.label} for {build.platform}"
    for twin in knowledge.builds(build.framework):
        same = (twin.version, twin.build) == (build.version, build.build)
        code = twin.architectures
        if same and code and (find_cubin(code, capability) or find_ptx(code, capability)):
            reason += f"; taken to be those of {twin.platform}"
            Unknown(reason, "matrices", unstated=True).get()
    Unknown(reason, "matrices").get()


def evidence_of(gaps: Sequence[Gap]) -> tuple[Evidence, ...]:
    """Return what the gaps rest on: each GPU's capability, and the code that there is."""
    code = gaps[0].code
    return (
        *(
            Evidence(
                name_of(gap.gpu), f"capability {gap.capability}", gap.gpu.compute_capability.source
            )
            for gap in gaps
        ),
        Evidence(code.owner, " ".join(map(str, code.architectures)) or "none", code.source),
    )


def name_of(gpu: Gpu) -> str:
    """Name a GPU for a sentence: its product name, else its position."""
    return gpu.name.peek() or f"GPU {gpu.index}"
