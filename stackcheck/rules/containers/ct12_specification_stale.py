"""CT-12: the CDI specification is of another driver than the loaded one."""

from __future__ import annotations

from stackcheck.model.finding import Evidence, Finding, Fix
from stackcheck.rules.containers.specification import cdi_specification, drivers_in
from stackcheck.rules.observation import observed
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import NotApplicable, require_module

__all__ = ["RULE"]


def judge(situation: Situation) -> Finding | None:
    """Judge the releases in the specification's mounts against the loaded module."""
    machine = situation.machine
    require_module(machine)
    specification = cdi_specification(machine)
    if specification is None:
        raise NotApplicable("there is no CDI specification")
    loaded = machine.driver.module.version.get()
    named = drivers_in(specification.value)
    if not named or loaded in named:
        return None
    releases = ", ".join(str(release) for release in sorted(named))
    return RULE.finding(
        f"{specification.source} mounts driver {releases}, and {loaded} is loaded: containers will not start",
        evidence=(
            Evidence("driver in the specification", releases, specification.source),
            observed("loaded nvidia module", machine.driver.module.version),
        ),
        cause="The driver was updated after the specification had been written.",
        fix=Fix(
            "Write it anew, and let the refresh unit do so from now on",
            (
                f"sudo nvidia-ctk cdi generate --output={specification.source}",
                "sudo systemctl enable --now nvidia-cdi-refresh.path",
            ),
            needs_root=True,
        ),
        verify="nvidia-ctk cdi list",
    )


RULE = MachineRule(
    code="CT-12",
    reason="container-toolkit-missing",
    layer="containers",
    severity="warning",
    title="CDI specification of another driver",
    explanation="The specification lists files by name, and driver libraries have their release in theirs.",
    messages=("no such file or directory for a versioned library at container start",),
    source="NVIDIA/nvidia-container-runtime#85; nvidia-container-toolkit: CHANGELOG.md (nvidia-cdi-refresh)",
    judge=judge,
)
