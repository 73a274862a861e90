"""Rules over builds and sets of builds, in the order of the stack; `doctor`, `check` and `resolve` share them."""

from __future__ import annotations

from stackcheck.rules.containers import ct07_image_requires_cuda
from stackcheck.rules.cudnn import dn02_cudnn_older, dn08_library_dropped_gpu
from stackcheck.rules.driver import dr01_driver_floor, dr02_ptx, dr04_gpu_newer, dr05_gpu_older
from stackcheck.rules.kernel import km08_driver_dropped_gpu, km15_driver_before_gpu
from stackcheck.rules.python import (
    py01_cpu_build,
    py05_same_package_twice,
    py09_pins_conflict,
    py13_numpy_abi,
    py14_satellites,
    py16_python_version,
    py19_platform,
    py20_measured_exception,
)
from stackcheck.rules.rule import BuildRule, MachineRule, SetRule
from stackcheck.rules.toolkit import tk03_runtime_major, tk11_glibc

__all__ = ["BUILD_RULES", "HOST_RULES", "SET_RULES"]

HOST_RULES: tuple[MachineRule, ...] = (
    km08_driver_dropped_gpu.RULE,
    km15_driver_before_gpu.RULE,
    ct07_image_requires_cuda.RULE,
)
"""Rules about the machine that a what-if can decide, without any build."""

BUILD_RULES: tuple[BuildRule, ...] = (
    dr01_driver_floor.RULE,
    dr04_gpu_newer.RULE,
    dr05_gpu_older.RULE,
    dr02_ptx.RULE,
    py01_cpu_build.RULE,
    py19_platform.RULE,
    py16_python_version.RULE,
    tk11_glibc.RULE,
    tk03_runtime_major.RULE,
    dn02_cudnn_older.RULE,
    py13_numpy_abi.RULE,
    py14_satellites.RULE,
    py20_measured_exception.RULE,
)

SET_RULES: tuple[SetRule, ...] = (
    dn08_library_dropped_gpu.RULE,
    py05_same_package_twice.RULE,
    py09_pins_conflict.RULE,
)
