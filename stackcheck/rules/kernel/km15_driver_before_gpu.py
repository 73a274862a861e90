"""KM-15: the driver is older than a GPU of the machine and does not know it."""

from __future__ import annotations

from stackcheck.model.finding import Evidence, Finding, Fix
from stackcheck.model.version import Version
from stackcheck.rules.driver.coverage import name_of
from stackcheck.rules.kernel.generation import is_blackwell_or_later, unnamed_boards
from stackcheck.rules.rule import MachineRule, Situation

__all__ = ["RULE"]

BLACKWELL = Version("12.0")
_CAUSE = "A driver knows the chips that existed when it was made; a newer one it leaves alone."


def judge(situation: Situation) -> Finding | None:
    """Judge the driver's branch against the first one that knows every GPU's architecture."""
    if situation.platform == "jetson":
        return None
    if found := _unknown_on_the_bus(situation):
        return found
    for gpu in situation.machine.gpus.get() or ():
        capability = gpu.compute_capability.get()
        first = situation.knowledge.first_driver(capability) if capability is not None else None
        if first is None:
            continue
        release = situation.machine.driver.release.get()
        if release is None or release.major >= first:
            continue
        life = situation.knowledge.architecture(capability) if capability is not None else None
        generation = life.name if life else ""
        source = life.evidence[-1].source if life else ""
        return RULE.finding(
            f"driver {release} is older than {name_of(gpu)} (capability {capability}, {generation}):"
            f" R{first} is the first branch that knows it",
            evidence=(
                Evidence("driver", str(release), situation.machine.driver.release.source),
                Evidence(name_of(gpu), f"capability {capability}", gpu.compute_capability.source),
                Evidence(f"first branch with {generation}", f"R{first}", source),
            ),
            cause=_CAUSE,
            fix=_update_to(first),
            verify="nvidia-smi",
        )
    return None


def _unknown_on_the_bus(situation: Situation) -> Finding | None:
    """Judge boards that no driver claims, so that NVML does not name them, by their device ids."""
    machine = situation.machine
    release = machine.driver.release.peek()
    first = situation.knowledge.first_driver(BLACKWELL)
    if release is None or first is None or release.major >= first:
        return None
    for function in unnamed_boards(machine):
        if not is_blackwell_or_later(function):
            continue
        life = situation.knowledge.architecture(BLACKWELL)
        return RULE.finding(
            f"driver {release} is older than the board {function.device.peek()} at {function.address} (Blackwell or"
            f" later): R{first} is the first branch that knows it",
            evidence=(
                Evidence("driver", str(release), machine.driver.release.source),
                Evidence(
                    f"device id of {function.address}",
                    str(function.device.peek()),
                    function.device.source,
                ),
                Evidence(
                    "first branch with Blackwell",
                    f"R{first}",
                    life.evidence[-1].source if life else "",
                ),
            ),
            cause=_CAUSE,
            fix=_update_to(first),
            verify="nvidia-smi",
        )
    return None


def _update_to(first: int) -> Fix:
    command = f"sudo apt install nvidia-driver-{first}-open"
    return Fix(f"Install driver {first} or newer", (command,), needs_root=True)


RULE = MachineRule(
    code="KM-15",
    reason="driver-too-old-for-cuda",
    layer="kernel",
    title="the driver is older than the GPU",
    explanation="Blackwell (RTX 50, B200) needs driver branch 570 or newer, Rubin 615. An older driver does not bind"
    " the board, `nvidia-smi` finds no devices, and every framework sees no GPU.",
    messages=("No devices were found",),
    source="NVIDIA cuDNN 9.10.2 Support Matrix; NVIDIA CUDA Toolkit 13.4 Update 1 Release Notes",
    judge=judge,
)
