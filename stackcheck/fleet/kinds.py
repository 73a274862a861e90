"""Nodes that a plan cannot tell apart: one stands for all of its kind."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from stackcheck.model.fact import UNPROBED, Known
from stackcheck.model.gpu import Gpu
from stackcheck.model.machine import Machine
from stackcheck.model.record import record

__all__ = ["Kind", "sort_into_kinds"]


@record(frozen=True)
class Kind:
    """Nodes alike, and the machine that they all are, without what is each node's own."""

    nodes: tuple[str, ...]
    machine: Machine


def sort_into_kinds(machines: Iterable[tuple[str, Machine]]) -> list[Kind]:
    """Return the kinds, the commonest first."""
    found: dict[str, tuple[list[str], Machine]] = {}
    for name, machine in machines:
        alike = _without_own(machine)
        found.setdefault(repr(alike), ([], alike))[0].append(name)
    kinds = [Kind(tuple(names), machine) for names, machine in found.values()]
    return sorted(kinds, key=lambda kind: (-len(kind.nodes), kind.nodes))


def _without_own(machine: Machine) -> Machine:
    """Return the machine without names, counters and what changes by itself.

    What is taken out was not probed as far as a rule can see: one that reads it after all is undecided, never wrong.
    """
    gpus = machine.gpus
    if isinstance(gpus, Known):
        gpus = Known(tuple(map(_alike, gpus.value)), gpus.source)
    return replace(
        machine,
        stackcheck="",
        time="",
        notes=(),
        origin="the fleet",
        gpus=gpus,
        environment=UNPROBED,
        driver=replace(machine.driver, nodes=UNPROBED),
        host=replace(
            machine.host,
            hostname=UNPROBED,
            cpu_count=UNPROBED,
            memory_bytes=UNPROBED,
            variables=UNPROBED,
            files={},
            limits={},
        ),
    )


def _alike(gpu: Gpu) -> Gpu:
    return Gpu(
        index=gpu.index,
        name=gpu.name,
        compute_capability=gpu.compute_capability,
        pci_address=gpu.pci_address,
        brand=gpu.brand,
        memory_bytes=gpu.memory_bytes,
        virtualization=gpu.virtualization,
        mig_enabled=gpu.mig_enabled,
    )
