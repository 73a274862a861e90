"""CT-07: the container image asks for a newer CUDA than the host's driver has."""

from __future__ import annotations

from stackcheck.knowledge.gpu_names import kind_of
from stackcheck.knowledge.images import read_image
from stackcheck.model.fact import Known, Undecided, Unknown
from stackcheck.model.finding import Evidence, Finding, Fix
from stackcheck.rules.driver.forward import carried_forward
from stackcheck.rules.rule import MachineRule, Situation

__all__ = ["RULE"]

_NGC = "nvcr.io/"
"""NVIDIA's own registry: every image declares a CUDA, and the tags are dates."""
_EXEMPT = {"datacenter", "grace", "rtx-pro", "quadro"}
"""Product lines for which NVIDIA's images accept an older driver branch, because cuda-compat carries them."""


def judge(situation: Situation) -> Finding | None:
    """Judge the CUDA that the image's text names against the driver."""
    container = situation.machine.host.container
    if not isinstance(container, Known):
        container.get()
        return None
    text = container.value.image.peek() or container.value.engine
    image = read_image(text)
    if image.cuda is None:
        if _NGC in text.lower():
            raise Undecided(Unknown("does not tell its CUDA", f"image {text}"))
        return None
    driver_cuda = situation.driver_cuda.get()
    if driver_cuda is None or driver_cuda >= image.cuda or carried_forward(image.cuda, situation):
        return None
    kinds = {kind_of(gpu, situation.knowledge) for gpu in situation.machine.gpus.peek() or ()}
    if kinds and kinds <= _EXEMPT and driver_cuda.major == image.cuda.major:
        return None
    return RULE.finding(
        f"the image is made for CUDA {image.cuda} and the host's driver stops at CUDA {driver_cuda}",
        evidence=(
            Evidence("image", text, container.source),
            Evidence("CUDA of the driver", str(driver_cuda), situation.driver_cuda.source),
        ),
        cause="NVIDIA's images declare NVIDIA_REQUIRE_CUDA, and the container runtime refuses to start them on a driver"
        " that reports less; only data-centre boards are let through, because cuda-compat carries them.",
        fix=Fix(
            f"Update the host's driver to one for CUDA {image.cuda}, or take an image for CUDA {driver_cuda}"
        ),
        verify="nvidia-smi",
    )


RULE = MachineRule(
    code="CT-07",
    reason="driver-too-old-for-cuda",
    layer="containers",
    title="image wants a newer CUDA than the host driver",
    explanation="The container toolkit compares `cuda>=X.Y` of the image with the host's kernel driver before the"
    " container starts. NVIDIA_DISABLE_REQUIRE=true skips that only where minor-version compatibility carries it.",
    messages=(
        "nvidia-container-cli: requirement error: unsatisfied condition: cuda>=12.8, please update your driver",
    ),
    source="NVIDIA/nvidia-container-toolkit#152; SyneRBI/PETRIC2#27",
    judge=judge,
)
