"""DN-03: cuDNN's sub-libraries come from two installations."""

from __future__ import annotations

from stackcheck.model.finding import Evidence, Finding, Fix
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import NotApplicable, environment_of

__all__ = ["RULE"]


def judge(situation: Situation) -> Finding | None:
    """Judge the set of cuDNN files that would load: those that shadow, and the environment's for the rest."""
    environment = environment_of(situation.machine)
    own = {
        library.soname: library
        for library in environment.libraries.get() or ()
        if library.soname.startswith("libcudnn")
    }
    if not own:
        raise NotApplicable("no cuDNN in the environment")
    taken = {
        library.soname: library
        for library in environment.shadowing.get() or ()
        if library.soname in own
    }
    if not taken or len(taken) == len(own):
        return None
    left = next(library for soname, library in sorted(own.items()) if soname not in taken)
    first = next(iter(taken.values()))
    theirs, ours = first.version.get(), left.version.get()
    if theirs == ours:
        return None
    return RULE.finding(
        f"cuDNN {theirs} and {ours} are mixed: {len(taken)} of {len(own)} libraries come from"
        f" {first.path.rpartition('/')[0]}",
        evidence=(
            *(Evidence(name, library.path, "loader") for name, library in sorted(taken.items())),
            Evidence(left.soname, left.path, "environment"),
        ),
        cause="LD_LIBRARY_PATH has another cuDNN without all of its parts; what it lacks comes from the environment.",
        fix=Fix("Take the directory out of LD_LIBRARY_PATH", ("unset LD_LIBRARY_PATH",)),
        verify="stackcheck doctor --only DN-03",
    )


RULE = MachineRule(
    code="DN-03",
    reason="cudnn-conflict-LD_LIBRARY_PATH",
    layer="cudnn",
    title="cuDNN's sub-libraries from two installations",
    explanation="cuDNN 9 is a set of libraries that must be of one version; it checks and refuses.",
    messages=("CUDNN_STATUS_SUBLIBRARY_VERSION_MISMATCH",),
    source="koharu-rs/koharu#694; arrayfire/arrayfire#3700",
    judge=judge,
    follows=("TK-02",),
)
