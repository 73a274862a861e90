"""What the programs on a fleet's fake nodes meet: each a machine of `tests/machines`, with the driver playing it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tests.hardware.machine_tree import MachineTree, scenario

__all__ = ["FLEET", "GPUS", "HANGS", "lay_out_node"]

FLEET = {
    "hopper": "h100-nvswitch",
    "ampere": "a100-mig",
    "upgraded": "km05-upgraded-without-reboot",
    "dying": "b200",
}
"""A node each: well with eight H100, well with an A100, one with a driver/library mismatch, and one that dies."""
GPUS = {"hopper": 8, "ampere": 1, "upgraded": 1, "dying": 1}
HANGS = "\nhang.nvmlInit=1\nignore_sigterm=1\n"
"""Keeps a probe busy at the driver until its node is gone."""


def lay_out_node(
    name: str, machine: str, directory: Path, driver: Path, amendment: str = ""
) -> Mapping[str, str]:
    """Lay out a machine below `directory` and return the variables that make programs meet it."""
    here = directory / name
    here.mkdir()
    tree = MachineTree(machine, here / "root")
    (here / "scenario").write_text(scenario(machine) + amendment, encoding="utf-8")
    (here / "lib").mkdir()
    for soname in tree.loaded:
        (here / "lib" / soname).symlink_to(driver / soname)
    return {
        "STACKCHECK_SYSROOT": str(tree.root),
        "FAKE_DRIVER_SCENARIO": str(here / "scenario"),
        "LD_LIBRARY_PATH": str(here / "lib"),
    }
