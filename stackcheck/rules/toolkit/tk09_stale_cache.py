"""TK-09: the loader's cache is out of date."""

from __future__ import annotations

from stackcheck.model.finding import Finding, Fix
from stackcheck.rules.observation import limit_of, observed
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import require_gpu, require_platform

__all__ = ["RULE"]


def judge(situation: Situation) -> Finding | None:
    """Judge a libcuda that lies in a loader's directory and that the loader does not find."""
    machine = situation.machine
    require_platform(machine, "linux")
    require_gpu(machine)
    driver = machine.driver
    files = driver.cuda_libraries.get() or ()
    cached = limit_of(machine, "libcuda_cached")
    if not files or driver.cuda_library.get() is not None or cached.get() != 0:
        return None
    return RULE.finding(
        f"{files[0].path} is there, and the loader's cache does not list it",
        evidence=(
            observed(
                "libcuda in the loader's directories",
                driver.cuda_libraries,
                lambda found: found[0].path,
            ),
            observed("in the loader's cache", cached, lambda found: "yes" if found else "no"),
        ),
        cause="The driver was installed without refreshing the cache, or the cache was copied with an image.",
        fix=Fix("Refresh the cache", ("sudo ldconfig",), needs_root=True),
        verify="ldconfig -p | grep libcuda.so.1",
    )


RULE = MachineRule(
    code="TK-09",
    reason="no-driver",
    layer="toolkit",
    title="loader cache out of date",
    explanation="The loader looks up sonames in /etc/ld.so.cache, which ldconfig writes.",
    messages=("libcuda.so.1: cannot open shared object file: No such file or directory",),
    source="triton-lang/triton#2019",
    judge=judge,
)
