"""KM-08: the driver's branch no longer drives a GPU of the machine."""

from __future__ import annotations

from stackcheck.model.finding import Evidence, Finding, Fix
from stackcheck.rules.driver.coverage import name_of
from stackcheck.rules.kernel.generation import last_capability, unnamed_boards
from stackcheck.rules.rule import MachineRule, Situation

__all__ = ["RULE"]


def judge(situation: Situation) -> Finding | None:
    """Judge the driver's branch against the last one of every GPU's architecture."""
    if situation.platform == "jetson":
        return None
    if found := _ignored_on_the_bus(situation):
        return found
    for gpu in situation.machine.gpus.get() or ():
        capability = gpu.compute_capability.get()
        life = situation.knowledge.architecture(capability) if capability is not None else None
        if life is None or life.last_driver is None or life.tegra:
            continue
        release = situation.machine.driver.release.get()
        if release is None or release.major <= life.last_driver:
            continue
        return RULE.finding(
            f"driver {release} no longer drives {name_of(gpu)} (capability {capability}, {life.name}):"
            f" R{life.last_driver} is the last branch that does",
            evidence=(
                Evidence("driver", str(release), situation.machine.driver.release.source),
                Evidence(name_of(gpu), f"capability {capability}", gpu.compute_capability.source),
                Evidence(
                    f"last branch with {life.name}", f"R{life.last_driver}", life.evidence[0].source
                ),
            ),
            cause="Every driver branch supports a range of generations; the kernel module ignores older boards.",
            fix=Fix(
                f"Install the newest driver of branch R{life.last_driver} and hold it",
                (f"sudo apt install nvidia-driver-{life.last_driver}",),
                needs_root=True,
            ),
            verify="nvidia-smi",
        )
    return None


def _ignored_on_the_bus(situation: Situation) -> Finding | None:
    """Judge boards that the module leaves alone, so that NVML does not name them, by their device ids."""
    machine = situation.machine
    release = machine.driver.release.peek()
    if release is None:
        return None
    for function in unnamed_boards(machine):
        capability = last_capability(function)
        life = situation.knowledge.architecture(capability) if capability else None
        if life is None or life.last_driver is None or release.major <= life.last_driver:
            continue
        return RULE.finding(
            f"driver {release} ignores the board {function.device.peek()} at {function.address}: R{life.last_driver}"
            " is the last branch that drives its generation",
            evidence=(
                Evidence("driver", str(release), machine.driver.release.source),
                Evidence(
                    f"device id of {function.address}",
                    str(function.device.peek()),
                    function.device.source,
                ),
                Evidence(
                    f"last branch with {life.name}", f"R{life.last_driver}", life.evidence[0].source
                ),
            ),
            cause="Every driver branch supports a range of generations; the kernel module ignores older boards.",
            fix=Fix(
                f"Install the newest driver of branch R{life.last_driver} and hold it",
                (f"sudo apt install nvidia-driver-{life.last_driver}",),
                needs_root=True,
            ),
            verify="nvidia-smi",
        )
    return None


RULE = MachineRule(
    code="KM-08",
    reason="arch-dropped",
    layer="kernel",
    title="the driver branch dropped the GPU",
    explanation="The 470 branch is the last with Kepler, the 580 branch the last with Maxwell, Pascal and Volta. A"
    " newer driver loads, prints that it ignores the legacy GPU, and nothing works.",
    messages=(
        "NVRM: ignoring the legacy GPU 0000:01:00.0",
        "NVRM: installed in this system is not supported by the NVIDIA 590.xx driver release.",
    ),
    source="NVIDIA/open-gpu-kernel-modules: nv-pci.c, osapi.c; NVIDIA Data Center Drivers, architecture matrix",
    judge=judge,
)
