"""Which container image an environment stands on."""

from __future__ import annotations

from stackcheck.environments.recipe import Recipe
from stackcheck.model.version import Version

__all__ = ["CONDA_IMAGE", "UV_IMAGE", "base_image", "needs_system_cuda"]

CONDA_IMAGE = "condaforge/miniforge3:24.11.3-0"
UV_IMAGE = "ghcr.io/astral-sh/uv:0.13.8"

_CUDA_TAGS = {
    "9.0": ("9.0", "16.04"),
    "9.2": ("9.2", "18.04"),
    "10.0": ("10.0", "18.04"),
    "10.1": ("10.1", "18.04"),
    "10.2": ("10.2", "18.04"),
    "11.0": ("11.0.3", "20.04"),
    "11.1": ("11.1.1", "20.04"),
    "11.2": ("11.2.2", "20.04"),
    "11.3": ("11.3.1", "20.04"),
    "11.4": ("11.4.3", "20.04"),
    "11.5": ("11.5.2", "20.04"),
    "11.6": ("11.6.2", "20.04"),
    "11.7": ("11.7.1", "22.04"),
    "11.8": ("11.8.0", "22.04"),
    "12.0": ("12.0.1", "22.04"),
    "12.1": ("12.1.1", "22.04"),
    "12.2": ("12.2.2", "22.04"),
    "12.3": ("12.3.2", "22.04"),
    "12.4": ("12.4.1", "22.04"),
    "12.5": ("12.5.1", "22.04"),
    "12.6": ("12.6.3", "22.04"),
    "12.8": ("12.8.1", "22.04"),
    "12.9": ("12.9.1", "22.04"),
    "13.0": ("13.0.2", "24.04"),
}
"""Last update of each CUDA release in the `nvidia/cuda` repository, and the newest Ubuntu it stands on there."""


def needs_system_cuda(recipe: Recipe) -> bool:
    """Whether a wheel of the plan brings no CUDA of its own and takes the system's."""
    return any(
        build.is_gpu and "system" in {build.cuda_linkage, build.cudnn_linkage}
        for build in recipe.plan.builds
    )


def _cudnn_part(cuda: Version, cudnn: Version | None) -> str:
    """Return the tag's cuDNN part: its major stands there up to CUDA 12.3, later images have one cuDNN only."""
    if (cuda.major, cuda.minor) >= (12, 4):
        return "cudnn"
    return f"cudnn{cudnn.major if cudnn else 8}"


def base_image(recipe: Recipe) -> str:
    """Return the image: one with conda, one with CUDA where the wheels need the system's, else a slim Python.

    The driver is never in an image; the container runtime mounts the host's.
    """
    if recipe.packages.conda:
        return CONDA_IMAGE
    cuda = recipe.plan.cuda
    if cuda is not None and needs_system_cuda(recipe):
        tag, ubuntu = _CUDA_TAGS.get(
            f"{cuda.major}.{cuda.minor}", (f"{cuda.major}.{cuda.minor}.0", "22.04")
        )
        cudnn = _cudnn_part(cuda, recipe.plan.cudnn)
        return f"nvidia/cuda:{tag}-{cudnn}-runtime-ubuntu{ubuntu}"
    return f"python:{recipe.packages.python}-slim"
