"""DR-12: the stub libcuda is loaded."""

from __future__ import annotations

from stackcheck.model.finding import Evidence, Finding, Fix
from stackcheck.rules.observation import code_text, observed
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import require_gpu

__all__ = ["RULE"]

STUB_LIBRARY = 34
"""CUDA_ERROR_STUB_LIBRARY."""


def judge(situation: Situation) -> Finding | None:
    """Judge where libcuda.so.1 resolves, and the directories of LD_LIBRARY_PATH."""
    machine = situation.machine
    require_gpu(machine)
    driver = machine.driver
    path = (machine.host.variables.get() or {}).get("LD_LIBRARY_PATH", "")
    entries = [entry for entry in path.split(":") if "stubs" in entry.split("/")]
    library = driver.cuda_library.peek()
    loaded = library is not None and "stubs" in library.path.split("/")
    if not loaded and driver.cuinit_code.peek() != STUB_LIBRARY:
        driver.cuda_library.get()
        if not entries:
            return None
        return RULE.finding(
            f"LD_LIBRARY_PATH has the stubs directory {entries[0]}",
            evidence=(Evidence("LD_LIBRARY_PATH", path, machine.host.variables.source),),
            cause="Stubs are for linking only. Programs that open libcuda.so, without the .1, get the stub.",
            fix=Fix("Take the directory out of LD_LIBRARY_PATH", ("unset LD_LIBRARY_PATH",)),
            verify="printenv LD_LIBRARY_PATH",
            severity="warning",
        )
    return RULE.finding(
        f"libcuda.so.1 is the stub {library.path}"
        if library and loaded
        else "cuInit answers that libcuda is a stub",
        evidence=(
            observed("libcuda.so.1", driver.cuda_library, lambda found: found.path),
            observed("cuInit", driver.cuinit_code, code_text),
            Evidence("LD_LIBRARY_PATH", path or "not set", machine.host.variables.source),
        ),
        cause="The toolkit's stub, which is for linking only, is found before the driver's library.",
        fix=Fix(
            "Take the stubs directory out of LD_LIBRARY_PATH and the loader's configuration",
            ("unset LD_LIBRARY_PATH", "grep -rl stubs /etc/ld.so.conf.d"),
        ),
        verify="ldconfig -p | grep libcuda.so.1",
    )


RULE = MachineRule(
    code="DR-12",
    reason="cudnn-conflict-LD_LIBRARY_PATH",
    layer="driver",
    title="the stub libcuda is loaded",
    explanation="The toolkit ships an empty libcuda so that programs can be linked on machines without a driver. It"
    " answers every call with an error.",
    messages=("CUDA driver is a stub library",),
    source="NVIDIA/warp#219; xmake-io/xmake#4686; NVIDIA/nvidia-container-toolkit#668",
    judge=judge,
)
