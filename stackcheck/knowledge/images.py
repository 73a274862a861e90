"""Container images as people write them."""

from __future__ import annotations

import re

from stackcheck.model.record import record
from stackcheck.model.version import Version, parse_version

__all__ = ["Image", "read_image"]


@record(frozen=True)
class Image:
    """What the text of a container tells: CUDA of the image, whether it declares a driver, a cuda-compat package."""

    cuda: Version | None = None
    compat: Version | None = None


_IMAGE_CUDA = re.compile(
    r"cuda[-_:/ >=]*v?(\d{1,2}\.\d)(?:\.\d+)?|(\d{1,2}\.\d)(?:\.\d+)?-(?:cudnn\d*-)?(?:base|runtime|devel)"
)
_COMPAT = re.compile(r"cuda-compat[-_ ](\d{1,2})[-.](\d)")


def read_image(text: str) -> Image:
    """Read a container description: `nvidia/cuda:12.8.0-runtime-ubuntu22.04`, `CUDA 12.8 image + cuda-compat-12-8`."""
    lowered = text.lower()
    compat = _COMPAT.search(lowered)
    found = _IMAGE_CUDA.search(_COMPAT.sub(" ", lowered))
    return Image(
        parse_version(found[1] or found[2]) if found else None,
        parse_version(f"{compat[1]}.{compat[2]}") if compat else None,
    )
