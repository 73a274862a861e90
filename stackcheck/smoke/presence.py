"""A quick look whether this machine has an NVIDIA GPU, without loading any library."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Presence", "look_for_gpu"]

_NVIDIA = "0x10de"
_DISPLAY_CLASSES = (
    "0x0300",
    "0x0302",
)  # VGA and 3D controllers; NVIDIA's audio and bridges share the vendor
_CUDA13_DRIVER = 580
_CUDA12_DRIVER = 525
_LIBCUDA_FOLDERS = (
    "usr/lib/wsl/lib",
    "usr/lib/x86_64-linux-gnu",
    "usr/lib/aarch64-linux-gnu",
    "usr/lib64",
    "usr/lib",
    "usr/local/nvidia/lib64",
)


@dataclass(frozen=True)
class Presence:
    """What points to a GPU. `evidence` is the path that told, empty where there is none."""

    evidence: str = ""
    driver: str = ""
    """Driver version, empty if it is not loaded or not told."""

    @property
    def has_gpu(self) -> bool:
        """Whether the machine has a GPU, usable or not."""
        return bool(self.evidence)

    @property
    def extra(self) -> str:
        """What to install so that the smoke can use the GPU under this driver."""
        major = int(self.driver.partition(".")[0]) if self.driver else 0
        if major >= _CUDA13_DRIVER:
            return "pip install 'stackcheck[cuda13]'"
        if major >= _CUDA12_DRIVER:
            return "pip install 'stackcheck[cuda12]'"
        if major:
            return f"driver {self.driver} is older than {_CUDA12_DRIVER}, which CUDA 12 needs: update the driver first"
        return (
            f"pip install 'stackcheck[cuda13]' (driver {_CUDA13_DRIVER} or newer)"
            f" or 'stackcheck[cuda12]' (driver {_CUDA12_DRIVER} or newer)"
        )


def look_for_gpu(root: Path | None = None) -> Presence:
    """Look, in this order, at the PCI bus, the device nodes, WSL's /dev/dxg, and for libcuda.

    The bus shows a GPU without a driver but not in every container; the nodes show what a container was given;
    /dev/dxg counts only with WSL's libcuda (a machine without an NVIDIA GPU has the node too); a libcuda alone
    counts only with a kernel module loaded, since images are shipped with one. `root` defaults to
    `STACKCHECK_SYSROOT`, else /.
    """
    root = root or Path(os.environ.get("STACKCHECK_SYSROOT") or "/")
    return Presence(_find_evidence(root), _read_driver(root))


def _find_evidence(root: Path) -> str:
    for vendor in sorted(root.glob("sys/bus/pci/devices/*/vendor")):
        if _read(vendor) == _NVIDIA and _read(vendor.with_name("class")).startswith(
            _DISPLAY_CLASSES
        ):
            return str(vendor.parent)
    for node in sorted(root.glob("dev/nvidia*")):
        if re.fullmatch(r"nvidia\d+", node.name):
            return str(node)
    library = next(
        (path for folder in _LIBCUDA_FOLDERS if (path := root / folder / "libcuda.so.1").exists()),
        None,
    )
    if library is None:
        return ""
    if (root / "dev/dxg").exists() and "wsl" in library.parts:
        return str(root / "dev/dxg")
    return str(library) if (root / "sys/module/nvidia/version").exists() else ""


def _read_driver(root: Path) -> str:
    version = _read(root / "sys/module/nvidia/version")
    if not version:
        told = re.search(
            r"Kernel Module.*?\s(\d+\.\d[\d.]*)", _read(root / "proc/driver/nvidia/version")
        )
        version = told.group(1) if told else ""
    return version if re.fullmatch(r"\d+(\.\d+)*", version) else ""


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return ""
