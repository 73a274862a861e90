"""The machines that a command is about: probed, from facts files, or stated."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from stackcheck.cli.options import MachineFlags
from stackcheck.errors import InputError
from stackcheck.resolve.stated import Statement, state_machine

if TYPE_CHECKING:
    from stackcheck.cli.state import State
    from stackcheck.knowledge.knowledge import Knowledge
    from stackcheck.model.machine import Machine
    from stackcheck.rules.rule import Situation

__all__ = ["find_machines", "installed_situations"]


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


def installed_situations(
    prefix: str, machines: list[Machine], knowledge: Knowledge
) -> list[Situation]:
    """Put the environment at `prefix`, probed here, on each of the machines."""
    from stackcheck.diagnose.installed import situation_of
    from stackcheck.probe.machine import probe_machine

    here = probe_machine(environment=prefix).environment
    return [situation_of(replace(machine, environment=here), knowledge) for machine in machines]
