"""What no rule can see from an unprivileged process, and why; `explain` and the rule reference tell it."""

from __future__ import annotations

from stackcheck.model.record import record

__all__ = ["UNSEEN", "Unseen"]


@record(frozen=True, kw_only=True)
class Unseen:
    """An entry of the catalogue without a rule of its own."""

    code: str
    reason: str
    layer: str
    title: str
    why: str
    """Why it cannot be seen from here, or by which rule it is seen."""
    confirm: str
    """How a person confirms it."""
    fix: str
    messages: tuple[str, ...] = ()
    source: str


UNSEEN: tuple[Unseen, ...] = (
    Unseen(
        code="HW-16",
        reason="other",
        layer="hardware",
        title="an application fault taken for a hardware fault",
        why="Xid lines stand in the kernel log, which ordinary users may not read.",
        confirm="sudo dmesg | grep Xid: 13, 31, 43 or 45 without 48, 63, 64, 74, 79, 92, 94, 95 or 119 near them",
        fix="Debug the program (compute-sanitizer); no board is faulty",
        messages=("an illegal memory access was encountered", "NVRM: Xid 13", "NVRM: Xid 31"),
        source="NVIDIA/open-gpu-kernel-modules: nverror.h; NVIDIA Xid Catalog (resolution RESTART_APP)",
    ),
    Unseen(
        code="JT-02",
        reason="arch-not-in-build",
        layer="jetson",
        title="Thor is not GB10",
        why="Seen as DR-04: compute capability 11.0 against a build without code for it.",
        confirm="stackcheck doctor --only DR-04",
        fix="Take a build for CUDA 13",
        messages=("no kernel image is available for execution on the device",),
        source="OpenRAL/openral#167; pollen-robotics/microduck_rl#38",
    ),
    Unseen(
        code="JT-04",
        reason="cpu-only-build-installed",
        layer="jetson",
        title="aarch64 server got a CPU wheel",
        why="Seen as PY-01, which names the builds that the same release has for aarch64.",
        confirm="stackcheck doctor --only PY-01",
        fix="Name the CUDA index when installing",
        messages=("AssertionError: Torch not compiled with CUDA enabled",),
        source="pytorch/pytorch#168065",
    ),
    Unseen(
        code="NC-04",
        reason="other",
        layer="nccl",
        title="NCCL picks an interface that other nodes cannot reach",
        why="Which interface the other nodes reach is not on this machine; only trying shows.",
        confirm="NCCL_DEBUG=INFO on two nodes: the line `NET/Socket : Using [0]...`",
        fix="Set NCCL_SOCKET_IFNAME to an interface that all nodes share, per host in /etc/nccl.conf",
        messages=("NCCL WARN Call to connect failed : Connection timed out",),
        source="NVIDIA/nccl#913, #286; horovod/horovod#789",
    ),
    Unseen(
        code="NC-05",
        reason="other",
        layer="nccl",
        title="peer-to-peer broken by ACS or the IOMMU",
        why="The ACS bits lie beyond the 64 bytes of configuration space that an ordinary user may read, and"
        " the driver claims that peers can reach each other.",
        confirm="sudo lspci -vvv | grep ACSCtl; NCCL_P2P_DISABLE=1 cures the hang; cat /proc/cmdline",
        fix="Switch ACS off on the bridges or in firmware, boot with iommu=pt; in a guest it is the host's business",
        messages=("a hang at the first collective",),
        source="NVIDIA/nccl#2079, #631, #606, #667, #257",
    ),
    Unseen(
        code="NC-06",
        reason="other",
        layer="nccl",
        title="consumer cards without peer access",
        why="Some drivers claim peer access that does not work, so that their answer decides nothing; a copy between"
        " the GPUs does.",
        confirm="stackcheck train-smoke --device all",
        fix="NCCL_P2P_DISABLE=1 and NCCL_IB_DISABLE=1; a newer driver",
        messages=(
            "Using RTX 4000 series doesn't support faster communication broadband via P2P or IB",
        ),
        source="NVIDIA/nccl-tests#117; huggingface/accelerate#2328; NVIDIA/nccl#1637",
    ),
    Unseen(
        code="NC-07",
        reason="other",
        layer="nccl",
        title="ranks run different NCCL versions",
        why="One machine shows one version; the fleet's drift shows who differs.",
        confirm="stackcheck fleet doctor",
        fix="The same environment on every node",
        messages=(
            "Mismatched NCCL version detected : rank 0 version",
            "NCCL version mismatch with remote peer",
        ),
        source="NVIDIA/nccl: src/init.cc, src/bootstrap.cc",
    ),
    Unseen(
        code="RS-07",
        reason="other",
        layer="resources",
        title="download interrupted, wheel or package truncated",
        why="Seen as PY-07 and PY-17, by files that a package's record names and the disk lacks.",
        confirm="stackcheck doctor --only PY-17 --only PY-07",
        fix="Clear the cache entry, install again",
        messages=(
            "Ensure there is enough space in /tmp and that the installation package is not corrupt",
        ),
        source="conda-forge/cudatoolkit-dev-feedstock#28; Comfy-Org/ComfyUI#15078",
    ),
    Unseen(
        code="VM-02",
        reason="platform-unsupported",
        layer="virtual",
        title="fractional or graphics instance with the data-centre driver",
        why="The instance's family is known to the provider's metadata service, which doctor does not ask: it stays"
        " off the network. The machine shows HW-07.",
        confirm="the instance type at your provider (EC2: g6f, gr6f)",
        fix="Install the provider's GRID driver",
        messages=("No devices were found",),
        source="awslabs/amazon-eks-ami#2443",
    ),
    Unseen(
        code="VM-04",
        reason="no-driver",
        layer="virtual",
        title="the cloud image changed its kernel",
        why="Seen as KM-02: a module for another kernel than the running one.",
        confirm="stackcheck doctor --only KM-02",
        fix="DKMS before the update, a held kernel, or the provider's installer again",
        messages=("modprobe: FATAL: Module nvidia not found",),
        source="GoogleCloudPlatform/compute-gpu-installation#18, #33",
    ),
)
