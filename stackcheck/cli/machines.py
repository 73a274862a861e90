"""The machines that a command is about: probed, from facts files, or stated."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from stackcheck.cli.options import MachineFlags
from stackcheck.errors import InputError
from stackcheck.model.fact import Known
from stackcheck.resolve.stated import Statement, state_machine

if TYPE_CHECKING:
    from stackcheck.cli.state import State
    from stackcheck.knowledge.knowledge import Knowledge
    from stackcheck.model.environment import Environment
    from stackcheck.model.machine import Machine
    from stackcheck.rules.rule import Situation

__all__ = ["find_machines", "installed_situations", "probe_installed"]


def find_machines(flags: MachineFlags, knowledge: Knowledge, state: State) -> list[Machine]:
    """Probe this machine, unless the flags name facts files or state another one.

    Flags given beside facts files override single facts of each.
    """
    stated = {
        name: value
        for name, value in asdict(flags).items()
        if name not in ("elsewhere", "facts") and value
    }
    statement = Statement(**stated)
    if flags.elsewhere and flags.facts:
        raise InputError("--elsewhere contradicts --facts; leave one out")
    if flags.facts:
        from stackcheck.probe.facts_file import probe_facts_file

        bases = [probe_facts_file(Path(path)) for path in flags.facts]
        return [state_machine(statement, knowledge, base) if stated else base for base in bases]
    if flags.states_machine:
        return [state_machine(statement, knowledge)]
    from stackcheck.probe.machine import probe_machine

    state.hint(
        "probing this machine (state another with --gpu, --driver, --os, ... or --elsewhere)"
    )
    return [replace(probe_machine(), origin="probe")]


def probe_installed(prefix: str) -> Environment:
    """Probe the environment at `prefix`. Raises `InputError` where there is none."""
    from stackcheck.probe.machine import probe_machine

    found = probe_machine(environment=prefix).environment.peek()
    if found is None:
        raise InputError(f"--env {prefix}: no Python environment is there")
    return found


def installed_situations(
    installed: Environment, machines: list[Machine], knowledge: Knowledge
) -> list[Situation]:
    """Put an environment that was probed here on each of the machines."""
    from stackcheck.diagnose.installed import situation_of

    found = Known(installed, "--env")
    return [situation_of(replace(machine, environment=found), knowledge) for machine in machines]
