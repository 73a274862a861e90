"""JT-03: static thread-local storage runs out."""

from __future__ import annotations

from stackcheck.model.finding import Evidence, Finding, Fix
from stackcheck.model.version import Version
from stackcheck.rules.observation import observed
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import NotApplicable, distributions_of

__all__ = ["RULE"]

TUNABLE = Version("2.32")
"""First glibc that reserves more of it, with a tunable."""
BUNDLERS = {"scikit-learn", "torch", "opencv-python", "opencv-python-headless"}
"""Wheels that bring a libgomp of their own."""


def judge(situation: Situation) -> Finding | None:
    """Judge aarch64 with an old glibc and two or more bundled copies of libgomp."""
    machine = situation.machine
    if machine.host.arch.get() != "aarch64":
        raise NotApplicable("about aarch64")
    glibc = machine.host.glibc.get()
    bundlers = sorted(BUNDLERS & set(distributions_of(machine)))
    if glibc is None or glibc >= TUNABLE or len(bundlers) < 2:
        return None
    return RULE.finding(
        f"{' and '.join(bundlers)} each bring a libgomp, and glibc {glibc} has little static TLS",
        evidence=(
            observed("glibc", machine.host.glibc),
            Evidence("packages with a libgomp", ", ".join(bundlers), "environment"),
        ),
        cause="libgomp wants static thread-local storage, of which glibc before 2.32 reserves little on aarch64;"
        " whoever loads second may get none.",
        fix=Fix(
            "Import torch first, or load that library before everything else",
            ("export LD_PRELOAD=$(find . -name 'libgomp-*.so*' | head -1)",),
        ),
        verify=f"python -c 'import {'torch' if 'torch' in bundlers else 'sklearn'}, cv2'",
    )


RULE = MachineRule(
    code="JT-03",
    reason="glibc-too-old",
    layer="jetson",
    severity="warning",
    title="static TLS exhausted",
    explanation="The order of imports decides; that makes it look random.",
    messages=("libgomp.so.1: cannot allocate memory in static TLS block",),
    source="keras-team/keras-tuner#317; NVIDIA-AI-IOT/jetbot#507",
    judge=judge,
)
