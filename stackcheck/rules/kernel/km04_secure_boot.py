"""KM-04: Secure Boot refuses the module."""

from __future__ import annotations

from stackcheck.model.finding import Finding, Fix
from stackcheck.rules.observation import limit_of, observed
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import NotApplicable, drives_gpus_by_module

__all__ = ["RULE"]


def judge(situation: Situation) -> Finding | None:
    """Judge an installed module that is not loaded, on a machine that boots securely."""
    machine = situation.machine
    drives_gpus_by_module(machine)
    module = machine.driver.module
    if module.version.get() is not None:
        return None
    if machine.host.kernel.get() not in (module.built_for.get() or ()):
        raise NotApplicable("there is no module for the running kernel (KM-02)")
    secure = limit_of(machine, "secure_boot")
    if not secure.get():
        return None
    return RULE.finding(
        "the nvidia module is installed and not loaded, and Secure Boot is on",
        evidence=(
            observed("kernels with an nvidia module", module.built_for, ", ".join),
            observed("nvidia module loaded", module.version),
            observed("Secure Boot", secure, lambda value: "on" if value else "off"),
        ),
        cause="With Secure Boot the kernel loads only modules signed by a key that it knows. A module that DKMS or the"
        " installer built here is signed by a key of this machine, which must be enrolled.",
        fix=Fix(
            "Enrol the signing key and confirm it at the next boot, or use the distribution's signed packages",
            (
                "sudo modprobe nvidia",
                "sudo mokutil --import /var/lib/shim-signed/mok/MOK.der || sudo mokutil --import /var/lib/dkms/mok.pub",
                "sudo reboot",
            ),
            needs_root=True,
        ),
        verify="mokutil --list-enrolled",
    )


RULE = MachineRule(
    code="KM-04",
    reason="no-driver",
    layer="kernel",
    title="Secure Boot refuses the module",
    explanation="The kernel refuses to insert modules whose signature it does not trust.",
    messages=(
        "modprobe: ERROR: could not insert 'nvidia': Key was rejected by service",
        "modprobe: ERROR: could not insert 'nvidia': Required key not available",
    ),
    source="secureblue/secureblue#1043; awesometic/realtek-r8126-dkms#3",
    judge=judge,
)
