"""What the JSON documents hold, as types: the published JSON Schemas are made from these.

`/1` only ever gains optional fields, so every type allows fields that it does not name. Nothing here is imported at run
time: `schemas/*.json` is made from it, and a test compares.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import ConfigDict, TypeAdapter
from typing_extensions import NotRequired, TypedDict

from stackcheck.model.machine import Machine

__all__ = ["DOCUMENTS", "json_schema"]

_OPEN = ConfigDict(extra="allow")


class KnowledgeAge(TypedDict):
    """How old the knowledge is."""

    __pydantic_config__ = _OPEN  # type: ignore[misc]
    as_of: str
    horizon_exceeded: bool


class Head(TypedDict):
    """What every document has."""

    __pydantic_config__ = _OPEN  # type: ignore[misc]
    schema: str
    stackcheck: str
    time: str
    knowledge: NotRequired[KnowledgeAge]


class EvidenceEntry(TypedDict):
    """One observation."""

    what: str
    value: str
    source: str


class FixEntry(TypedDict):
    """What mends it; commands are for people to read first."""

    __pydantic_config__ = _OPEN  # type: ignore[misc]
    summary: str
    commands: list[str]


class Violation(TypedDict):
    """A rule that a build breaks on a machine."""

    __pydantic_config__ = _OPEN  # type: ignore[misc]
    code: str
    reason: str
    message: str
    evidence: list[EvidenceEntry]
    fix: FixEntry


class CheckDocument(Head):
    """`stackcheck check --json`."""

    verdict: Literal["works", "fails", "unknown"]
    violations: list[Violation]
    warnings: list[Violation]
    assumed: list[str]


class PlannedBuild(TypedDict):
    """One build of a plan."""

    __pydantic_config__ = _OPEN  # type: ignore[misc]
    framework: str
    version: str
    build: str
    channel: str
    install: str


class PlanEntry(TypedDict):
    """Builds that hold together."""

    __pydantic_config__ = _OPEN  # type: ignore[misc]
    python: str
    cuda: str | None
    cudnn: str | None
    builds: list[PlannedBuild]


class RejectedBuild(TypedDict):
    """A runner-up and what ruled it out."""

    __pydantic_config__ = _OPEN  # type: ignore[misc]
    build: str
    code: str
    reason: str
    message: str


class UnlockEntry(TypedDict):
    """A change and what it would gain."""

    __pydantic_config__ = _OPEN  # type: ignore[misc]
    change: str
    gains: list[str]


class ResolveDocument(Head):
    """`stackcheck resolve --json`."""

    status: Literal["ok", "impossible", "unknown"]
    plan: PlanEntry | None
    rejected: list[RejectedBuild]
    unlocks: list[UnlockEntry]
    assumed: list[str]


class CauseEntry(TypedDict):
    """A likely cause of a message."""

    __pydantic_config__ = _OPEN  # type: ignore[misc]
    code: str
    reason: str
    title: str
    confirm: str
    fix: str
    confirmed: bool | None


class ExplainDocument(Head):
    """`stackcheck explain --json`."""

    causes: list[CauseEntry]


class FindingEntry(TypedDict):
    """A root cause that doctor found."""

    __pydantic_config__ = _OPEN  # type: ignore[misc]
    code: str
    reason: str
    severity: Literal["error", "warning", "info"]
    layer: str
    title: str
    evidence: list[EvidenceEntry]
    cause: str
    fix: FixEntry
    verify: str
    ruled_out: list[str]
    consequences: list[str]


class CheckEntry(TypedDict):
    """What became of a rule."""

    __pydantic_config__ = _OPEN  # type: ignore[misc]
    code: str
    outcome: Literal["pass", "finding", "unknown", "skipped", "crashed"]
    seconds: float


class DoctorDocument(Head):
    """`stackcheck doctor --json`."""

    status: Literal["ok", "warning", "error", "unknown"]
    target: str
    machine: Machine
    findings: list[FindingEntry]
    checks: list[CheckEntry]


class NeededLibrary(TypedDict):
    """A library that a file needs, and which file the loader would take."""

    __pydantic_config__ = _OPEN  # type: ignore[misc]
    name: str
    found: str | None
    shadowed: list[str]


class InspectedFile(TypedDict):
    """One ELF file."""

    __pydantic_config__ = _OPEN  # type: ignore[misc]
    path: str
    architectures: list[str]
    ptx: list[str]
    cuda: str | None
    needed: list[NeededLibrary]


class InspectDocument(Head):
    """`stackcheck inspect --json`."""

    files: list[InspectedFile]


class VerifiedEntry(TypedDict):
    """What verifying an environment showed."""

    __pydantic_config__ = _OPEN  # type: ignore[misc]
    what: str
    status: str
    message: str


class CreateEnvDocument(Head):
    """`stackcheck create-env --json`."""

    status: str
    prefix: str | None
    files: list[str]
    installer: str
    plan: PlanEntry | None
    verified: list[VerifiedEntry]
    seconds: float


class StageEntry(TypedDict):
    """One stage of the smoke test."""

    __pydantic_config__ = _OPEN  # type: ignore[misc]
    name: str
    layer: str
    status: str
    value: float | None
    unit: str
    reference: float | None
    share_of_reference: float | None
    seconds: float


class TaskEntry(TypedDict):
    """One training of the smoke test."""

    __pydantic_config__ = _OPEN  # type: ignore[misc]
    task: str
    loss_first: float | None
    loss_last: float | None
    accuracy: float | None
    steps_per_second: float | None
    gradient_check: str


class ParityEntry(TypedDict):
    """A framework beside the reference."""

    __pydantic_config__ = _OPEN  # type: ignore[misc]
    framework: str
    task: str
    mode: str
    first_difference: int | None
    largest_difference: float | None
    status: str


class PaceEntry(TypedDict):
    """A line of the one table: one program on one device."""

    __pydantic_config__ = _OPEN  # type: ignore[misc]
    subject: str
    device: str
    mode: str
    task: str
    status: str
    step_seconds: float | None
    inference_seconds: float | None
    memory_bytes: int | None
    ratio_to_cpu: float | None
    accuracy: float | None


class TrainSmokeDocument(Head):
    """`stackcheck train-smoke --json`."""

    status: Literal["ok", "error", "unknown"]
    device: str
    level: str
    stages: list[StageEntry]
    tasks: list[TaskEntry]
    parity: list[ParityEntry]
    table: NotRequired[list[PaceEntry]]


class RowEvidenceEntry(TypedDict):
    """Where a row comes from."""

    __pydantic_config__ = _OPEN  # type: ignore[misc]
    kind: Literal["wheel", "doc", "report"]
    source: str
    checked: str


class BuildEntry(TypedDict):
    """A row of the knowledge."""

    __pydantic_config__ = _OPEN  # type: ignore[misc]
    framework: str
    version: str
    build: str
    channel: str
    platform: str
    cuda: str | None
    cudnn: str | None
    architectures: list[str] | None
    ptx: list[str] | None
    requires_python: str | None
    python_tags: list[str]
    glibc: str | None
    default: bool
    released: str | None
    evidence: list[RowEvidenceEntry]


class MatrixShowDocument(Head):
    """`stackcheck matrix show --json` of a framework."""

    builds: list[BuildEntry]


class NodeEntry(TypedDict):
    """One machine of a fleet."""

    __pydantic_config__ = _OPEN  # type: ignore[misc]
    node: str
    state: Literal["ok", "findings", "busy", "probe-failed", "timeout", "down", "not-started"]
    age_s: float | None
    findings: list[FindingEntry]
    detail: NotRequired[str | None]


class OutlierEntry(TypedDict):
    """A machine that differs, and how."""

    __pydantic_config__ = _OPEN  # type: ignore[misc]
    node: str
    value: str


class DriftEntry(TypedDict):
    """A fact in which machines differ."""

    __pydantic_config__ = _OPEN  # type: ignore[misc]
    fact: str
    majority: str
    share: NotRequired[int]
    outliers: list[OutlierEntry]
    unknown: NotRequired[list[str]]


class OlderDriverEntry(TypedDict):
    """A driver that would unlock more, and the machines that lack it."""

    change: str
    nodes: list[str]


class BrakeEntry(TypedDict):
    """Machines without which the others of their group could have newer builds."""

    nodes: list[str]
    gains: list[str]


class GroupEntry(TypedDict):
    """Machines that share one environment."""

    __pydantic_config__ = _OPEN  # type: ignore[misc]
    nodes: list[str]
    status: Literal["ok", "impossible", "unknown"]
    plan: PlanEntry | None
    rejected: list[RejectedBuild]
    unlocks: list[UnlockEntry]
    assumed: list[str]
    older_drivers: list[OlderDriverEntry]
    held_back_by: list[BrakeEntry]


class UnansweredEntry(TypedDict):
    """A machine that is in no group, since it told nothing."""

    node: str
    state: str
    detail: str | None


class FleetPlanDocument(Head):
    """`stackcheck fleet plan --json`."""

    groups: list[GroupEntry]
    kinds: int
    unanswered: list[UnansweredEntry]


class FleetDoctorDocument(Head):
    """`stackcheck fleet doctor --json`."""

    status: str
    nodes: list[NodeEntry]
    drift: list[DriftEntry]


DOCUMENTS: dict[str, Any] = {
    "machine": Machine,
    "doctor": DoctorDocument,
    "check": CheckDocument,
    "resolve": ResolveDocument,
    "explain": ExplainDocument,
    "inspect": InspectDocument,
    "create-env": CreateEnvDocument,
    "train-smoke": TrainSmokeDocument,
    "matrix-show": MatrixShowDocument,
    "fleet-doctor": FleetDoctorDocument,
    "fleet-plan": FleetPlanDocument,
}
"""Name of a schema to the type that it is made from."""


def json_schema(name: str) -> dict[str, Any]:
    """Make the JSON Schema of one document. Raises `KeyError` for a name that is none."""
    schema = TypeAdapter(DOCUMENTS[name]).json_schema(mode="serialization")
    body = {key: value for key, value in schema.items() if key not in ("$defs", "title")}
    definitions = schema.get("$defs", {})
    if (
        "$ref" in body
    ):  # a recursive type would be a reference alone; a schema must say its type at the top
        body = {**definitions.pop(body.pop("$ref").rpartition("/")[2]), **body}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"stackcheck.{name}/1",
        "title": f"stackcheck.{name}/1",
        **body,
        **({"$defs": dict(sorted(definitions.items()))} if definitions else {}),
    }
