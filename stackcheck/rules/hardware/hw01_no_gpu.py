"""HW-01: no NVIDIA display function on the bus."""

from __future__ import annotations

from stackcheck.model.finding import Evidence, Finding, Fix
from stackcheck.model.machine import Machine
from stackcheck.rules.observation import observed
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import NotApplicable, has_nvidia_gpu

__all__ = ["RULE"]


def judge(situation: Situation) -> Finding | None:
    """Judge the bus, where the platform shows its GPU there."""
    machine = situation.machine
    platform = machine.host.platform.peek()
    if platform in ("wsl2", "jetson"):
        raise NotApplicable(f"on {platform} the GPU is not on the PCI bus")
    if has_nvidia_gpu(machine):
        return None
    if platform == "macos":
        evidence = Evidence("platform", platform, "host")
    elif platform == "windows":
        evidence = observed("NVIDIA's driver", machine.driver.nvml_code, lambda _: "not installed")
    else:
        evidence = observed(
            "NVIDIA functions on the PCI bus", machine.pci, lambda found: str(len(found))
        )
    place, fix = _place(machine)
    return RULE.finding(
        f"no NVIDIA GPU {place}; CPU builds of the frameworks work",
        evidence=(evidence,),
        cause="There is no GPU of NVIDIA, or the system does not show it: on the PCI bus it would be a display function"
        " of vendor 0x10de. On a login node or a build host that is as it should be.",
        fix=fix,
        verify="lspci -d 10de:",
    )


def _place(machine: Machine) -> tuple[str, Fix]:
    """Return where this is, and what a person does there who wants a GPU."""
    variables = machine.host.variables.peek() or {}
    container = machine.host.container.peek()
    if any(name.startswith("SLURM_") for name in variables):
        job = variables.get("SLURM_JOB_ID")
        place = f"in Slurm job {job}" if job else "on this Slurm login node"
        return place, Fix(
            "For a GPU: ask Slurm for one", ("srun --gres=gpu:1 --pty stackcheck doctor",)
        )
    plan = ("stackcheck resolve pytorch --no-gpu",)
    if container is not None:
        return f"on the host of this {container.engine} container", Fix(
            "For a GPU: start the container on a host that has one. Without one: install CPU builds",
            plan,
        )
    return "here", Fix(
        "For a GPU: choose a machine type or partition that has one, pass the device through to the guest, or reseat"
        " the card. Without one: install CPU builds",
        plan,
    )


RULE = MachineRule(
    code="HW-01",
    reason="no-driver",
    layer="hardware",
    severity="info",
    title="no NVIDIA GPU on the bus",
    explanation="Without a display function of NVIDIA on the PCI bus no driver can do anything: the machine type has"
    " no GPU, the hypervisor does not pass it through, or the card sits loose. It is information unless"
    " --require-gpu makes it an error.",
    messages=(
        "No devices were found",
        "NVRM: No NVIDIA GPU found.",
        "Found no NVIDIA driver on your system",
    ),
    source="NVIDIA/open-gpu-kernel-modules: nv.c, osapi.c; astral-sh/uv#12404",
    judge=judge,
)
