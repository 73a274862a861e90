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
    r"cuda[-_:/ >=]*v?(?P<whole>\d{1,2}[.-]\d)(?!\d)"
    r"|(?P<tag>\d{1,2}\.\d)(?:\.\d+)?-(?:cudnn\d*-)?(?:base|runtime|devel)"
    r"|\bcu(?P<label>\d{2,3})\b|cuda[-_:/ >=]*v?(?P<major>1\d)\b"
)
"""`CUDA 12.8`, `12.8.0-devel`, `cu128`, `CUDA 13`."""
_COMPAT = re.compile(r"cuda-compat[-_ ](\d{1,2})[-.](\d)")


def read_image(text: str) -> Image:
    """Read a container description: `nvidia/cuda:12.8.0-runtime-ubuntu22.04`, `CUDA 12.8 image + cuda-compat-12-8`."""
    lowered = text.lower()
    compat = _COMPAT.search(lowered)
    return Image(
        _read_cuda(_COMPAT.sub(" ", lowered)),
        parse_version(f"{compat[1]}.{compat[2]}") if compat else None,
    )


def _read_cuda(text: str) -> Version | None:
    found = _IMAGE_CUDA.search(text)
    if found is None:
        return None
    if label := found["label"]:
        return parse_version(f"{label[:-1]}.{label[-1]}")
    if major := found["major"]:
        return parse_version(f"{major}.0")
    return parse_version((found["whole"] or found["tag"]).replace("-", "."))
