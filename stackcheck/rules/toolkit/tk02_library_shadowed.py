"""TK-02: a library of the system is found before the one that the wheels brought."""

from __future__ import annotations

from stackcheck.model.driver import Library
from stackcheck.model.finding import Evidence, Finding, Fix
from stackcheck.model.version import Version
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import environment_of

__all__ = ["RULE"]


def judge(situation: Situation) -> Finding | None:
    """Judge every soname that both the environment and a directory before it hold."""
    environment = environment_of(situation.machine)
    bundled = {library.soname: library for library in environment.libraries.get() or ()}
    clashes: list[tuple[Version, Library, Version, Library]] = []
    undecided: list[Library] = []
    for taken in environment.shadowing.get() or ():
        own = bundled.get(taken.soname)
        if own is None:
            continue
        theirs, ours = taken.version.peek(), own.version.peek()
        if theirs is None or ours is None:
            undecided.append(taken if theirs is None else own)
        elif theirs != ours:
            clashes.append((theirs, taken, ours, own))
    if not clashes:
        for library in undecided:
            library.version.get()
        return None
    older = [clash for clash in clashes if clash[0] < clash[2]]
    theirs, taken, ours, own = (older or clashes)[0]
    return RULE.finding(
        f"{taken.soname} {theirs} is found before the environment's own {ours}",
        evidence=tuple(
            line
            for theirs, taken, ours, own in clashes
            for line in (
                Evidence(f"{taken.soname} taken", f"{theirs} ({taken.path})", "loader"),
                Evidence(f"{own.soname} installed", f"{ours} ({own.path})", "environment"),
            )
        ),
        cause="A directory in LD_LIBRARY_PATH comes before the run path of the wheels, so their libraries are mixed"
        " with another toolkit's.",
        fix=Fix(
            "Take the directory out of LD_LIBRARY_PATH: wheels and conda packages bring their own libraries",
            ("unset LD_LIBRARY_PATH",),
        ),
        verify="stackcheck doctor --only TK-02",
        severity="error" if older else "warning",
    )


RULE = MachineRule(
    code="TK-02",
    reason="cudnn-conflict-LD_LIBRARY_PATH",
    layer="toolkit",
    title="LD_LIBRARY_PATH replaces a bundled library",
    explanation="The loader looks into LD_LIBRARY_PATH before the run path that wheels rely on. An older library"
    " found there lacks symbols that its neighbours need.",
    messages=(
        "libcusparse.so.12: undefined symbol: __nvJitLinkComplete_12_4, version libnvJitLink.so.12",
    ),
    source="pytorch/pytorch#134929, #131312, #152783; vllm-project/vllm#10300; infiniflow/ragflow#4466",
    judge=judge,
)
