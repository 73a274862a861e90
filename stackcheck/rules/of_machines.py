"""Every rule over machines, from the board up."""

from __future__ import annotations

from stackcheck.rules.containers import ct03_no_gpu_passed
from stackcheck.rules.cudnn import dn06_major_version
from stackcheck.rules.devices import dv01_nodes_missing, dv02_no_permission, dv06_fabric_manager
from stackcheck.rules.driver import dr11_user_mode_mismatch
from stackcheck.rules.hardware import hw01_no_gpu, hw02_off_the_bus, hw15_another_driver
from stackcheck.rules.kernel import km01_nouveau, km02_no_module, km05_library_mismatch
from stackcheck.rules.rule import MachineRule
from stackcheck.rules.toolkit import tk02_library_shadowed
from stackcheck.rules.visibility import vs01_all_hidden

__all__ = ["MACHINE_RULES"]

MACHINE_RULES: tuple[MachineRule, ...] = (
    hw01_no_gpu.RULE,
    hw02_off_the_bus.RULE,
    hw15_another_driver.RULE,
    km01_nouveau.RULE,
    km02_no_module.RULE,
    km05_library_mismatch.RULE,
    dv01_nodes_missing.RULE,
    dv02_no_permission.RULE,
    dv06_fabric_manager.RULE,
    dr11_user_mode_mismatch.RULE,
    tk02_library_shadowed.RULE,
    dn06_major_version.RULE,
    vs01_all_hidden.RULE,
    ct03_no_gpu_passed.RULE,
)
