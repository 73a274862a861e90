"""DN-02: the cuDNN that gets loaded is older than, or of another major than, the build's."""

from __future__ import annotations

from stackcheck.model.build import Build
from stackcheck.model.fact import Undecided, Unknown
from stackcheck.model.finding import Evidence, Finding, Fix
from stackcheck.model.version import Version
from stackcheck.rules.rule import BuildRule, Situation

__all__ = ["RULE", "satisfies"]

_FROM_SYSTEM = {"system", "floor"}


def satisfies(loaded: Version, needed: Version) -> bool:
    """Tell whether a cuDNN serves code compiled against `needed`: same major, and not an older minor."""
    if loaded.major != needed.major:
        return False
    return len(loaded.release) < 2 or loaded.release[:2] >= needed.release[:2]


def _loads_from_machine(build: Build, situation: Situation) -> bool:
    """Tell whether the machine's cuDNN is the one that gets loaded.

    What a user states is, unless the build pins its own; what a probe finds is not where the build asks for a wheel.
    """
    stated = situation.machine.system_cudnn.source == "--cudnn"
    return build.cudnn_linkage == "system" or (build.cudnn_linkage == "floor" and stated)


def judge(build: Build, situation: Situation) -> Finding | None:
    """Judge the machine's cuDNN, for builds that take it from there, and the cuDNN wheels beside the build."""
    if not build.is_gpu:
        return None
    if build.cudnn is None:
        if build.cudnn_linkage == "system" and situation.machine.system_cudnn.peek() is not None:
            which = f"the cuDNN that {build.label} was compiled against"
            raise Undecided(Unknown("is not in the knowledge", which, unstated=True))
        return None
    loaded = None
    source = ""
    for name, version in situation.packages.items():
        if (
            (name == "cudnn" or name.startswith("nvidia-cudnn-cu"))
            and version is not None
            and build.cudnn_linkage in _FROM_SYSTEM
        ):
            loaded, source = version, name
    if loaded is None and _loads_from_machine(build, situation):
        library = situation.machine.system_cudnn.get()
        loaded = library.version.get() if library else None
        source = situation.machine.system_cudnn.source
    if loaded is None or satisfies(loaded, build.cudnn):
        return None
    if build.from_source and loaded.major < build.cudnn.major:
        return None
    compiled = "compiles with cuDNN up to" if build.from_source else "was compiled against cuDNN"
    return RULE.finding(
        f"cuDNN {loaded} is loaded and {build.label} {compiled} {build.cudnn}",
        evidence=(
            Evidence("cuDNN", str(loaded), source),
            Evidence(
                build.label,
                f"cuDNN {build.cudnn}",
                build.evidence[0].source if build.evidence else "metadata",
            ),
        ),
        cause="cuDNN is compatible within a major version, and only upwards.",
        fix=Fix(
            f"Put cuDNN {build.cudnn}{'' if build.from_source else f' or a newer {build.cudnn.major}.x'} where the"
            " framework finds it"
        ),
        subject=build.label,
    )


RULE = BuildRule(
    code="DN-02",
    reason="cudnn-mismatch",
    layer="cudnn",
    title="runtime cuDNN older than the build's",
    explanation="A framework that takes cuDNN from the machine needs the major that it was compiled with and at least"
    " that minor.",
    messages=("Loaded runtime CuDNN library: 9.1.0 but source was compiled with: 9.3.0.",),
    source="tensorflow/tensorflow#60913; pytorch/pytorch#80877; jax-ml/jax#22416",
    judge=judge,
)
