"""What would change the answer: a newer driver, fewer frameworks, another release; and the causes of a failure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from stackcheck.knowledge.knowledge import Knowledge
from stackcheck.model.build import Build
from stackcheck.model.fact import UNSTATED, Known
from stackcheck.model.finding import Finding
from stackcheck.model.machine import Machine
from stackcheck.model.plan import Rejection, Requirement, Resolution, Unlock
from stackcheck.model.version import Version
from stackcheck.resolve.pool import Pool
from stackcheck.rules.rule import Situation

__all__ = ["explain_failure", "list_rejections", "suggest_changes", "unlock_by_driver"]

_DRIVER_CODES = {"DR-01", "DR-02"}
_MOST_REJECTIONS = 60


def list_rejections(pools: Sequence[Pool], chosen: Sequence[Build]) -> tuple[Rejection, ...]:
    """Return what ruled out each row that would have been better, best first; one line a build and reason."""
    lines: dict[tuple[str, str], Rejection] = {}
    for pool in pools:
        if len(lines) >= _MOST_REJECTIONS:
            break
        winner = next((build for build in chosen if build.framework == pool.requirement.name), None)
        for build, errors in pool.failures(winner):
            for finding in errors:
                key = (build.label, finding.code)
                lines.setdefault(
                    key, Rejection(build.label, finding.code, finding.reason, finding.title)
                )
            if len(lines) >= _MOST_REJECTIONS:
                break
        if winner is None:
            continue
        for build in pool.ranked[: pool.ranked.index(winner)]:
            if build.label != winner.label and pool.verdict(build) == "works":
                message = f"{build.label} does not agree with the rest of the plan"
                lines.setdefault(
                    (build.label, "PY-09"),
                    Rejection(build.label, "PY-09", "co-install-conflict", message),
                )
    return tuple(lines.values())[:_MOST_REJECTIONS]


def unlock_by_driver(
    pools: Sequence[Pool], chosen: Sequence[Build], situations: Sequence[Situation]
) -> tuple[Unlock, ...]:
    """Return what a newer driver would gain, of what only the driver rules out, unless it drops a GPU."""
    gains: dict[Version, list[str]] = {}
    for pool in pools:
        winner = next((build for build in chosen if build.framework == pool.requirement.name), None)
        for build, errors in pool.failures(winner):
            if build.cuda is None or any(finding.code not in _DRIVER_CODES for finding in errors):
                continue
            needs = [
                situation.knowledge.driver_floor(build.cuda, situation.platform)
                for situation in situations
            ]
            needs += [_first_that_knows(situation) for situation in situations]
            floor = max((need for need in needs if need is not None), default=None)
            if floor is not None and all(_drives(floor, situation) for situation in situations):
                labels = gains.setdefault(floor, [])
                if build.label not in labels:
                    labels.append(build.label)
    return tuple(
        Unlock(f"driver {floor} or newer", tuple(labels[:8]), floor)
        for floor, labels in sorted(gains.items())
    )


def _first_that_knows(situation: Situation) -> Version | None:
    """Return the first driver branch that knows every GPU of a machine, as far as sources say."""
    capabilities = [gpu.compute_capability.peek() for gpu in situation.machine.gpus.peek() or ()]
    branches = [situation.knowledge.first_driver(each) for each in capabilities if each is not None]
    newest = max((branch for branch in branches if branch is not None), default=None)
    return None if newest is None else Version(str(newest))


def _drives(driver: Version, situation: Situation) -> bool:
    """Tell whether a driver still drives every GPU of a machine."""
    for gpu in situation.machine.gpus.peek() or ():
        capability = gpu.compute_capability.peek()
        life = situation.knowledge.architecture(capability) if capability is not None else None
        if life is not None and life.last_driver is not None and driver.major > life.last_driver:
            return False
    return True


def explain_failure(
    pools: Sequence[Pool], faults: Sequence[Finding], conflict: Sequence[str]
) -> tuple[str, ...]:
    """Return the smallest set of causes in plain sentences: what stands against the nearest miss."""
    causes = [finding.title for finding in faults]
    for pool in pools:
        if pool.violation is None and pool.ranked and next(pool.passing(), None) is None:
            build, errors = _nearest(pool)
            count = len(pool.ranked)
            causes += [
                f"{pool.requirement.text}: none of {count} builds fits; nearest is {build.label}"
            ]
            causes += [finding.title for finding in errors]
    if not causes:
        causes = list(conflict)
    return tuple(dict.fromkeys(causes))


def _nearest(pool: Pool) -> tuple[Build, list[Finding]]:
    """Return the row that the fewest rules rule out, the best of them."""
    nearest: tuple[Build, list[Finding]] | None = None
    for build, errors in pool.failures():
        if nearest is None or len(errors) < len(nearest[1]):
            nearest = build, errors
        if len(nearest[1]) == 1:
            break
    return nearest or (pool.ranked[0], [])


def suggest_changes(
    requirements: Sequence[Requirement],
    machines: Sequence[Machine],
    knowledge: Knowledge,
    attempt: Callable[[Sequence[Requirement], Sequence[Machine], str], Resolution],
) -> tuple[Unlock, ...]:
    """Try the changes that a user could make, and return those that lead to a plan."""
    found: list[Unlock] = []

    def trial(
        change: str, asked: Sequence[Requirement], on: Sequence[Machine], channel: str = ""
    ) -> None:
        plan = attempt(asked, on, channel).plan
        if plan is not None:
            found.append(Unlock(change, tuple(build.label for build in plan.builds)))

    for driver in _newer_drivers(machines, knowledge):
        trial(
            f"driver {driver} or newer",
            requirements,
            [_with_driver(machine, driver) for machine in machines],
        )
    trial("builds of conda-forge", requirements, machines, "conda-forge")
    frameworks = [each for each in requirements if each.is_framework]
    if len(frameworks) > 1:
        for left_out in frameworks:
            rest = [each for each in requirements if each is not left_out]
            trial(f"without {left_out.name}", rest, machines)
    for narrow in frameworks:
        if narrow.specifier or narrow.build:
            wider = [
                replace(each, specifier="", build="") if each is narrow else each
                for each in requirements
            ]
            trial(f"{narrow.name} of any release, instead of {narrow.text}", wider, machines)
    return tuple(found)


def _newer_drivers(machines: Sequence[Machine], knowledge: Knowledge) -> list[Version]:
    releases = [
        release for machine in machines if (release := machine.driver.release.peek()) is not None
    ]
    if not releases:
        return []
    platform = machines[0].host.platform.peek() or "linux"
    floors = {
        row.windows if platform in ("windows", "wsl2") else row.linux for row in knowledge.floors
    }
    return sorted(floor for floor in floors if floor > min(releases))


def _with_driver(machine: Machine, driver: Version) -> Machine:
    release = machine.driver.release.peek()
    if release is not None and release >= driver:
        return machine
    return replace(
        machine, driver=replace(machine.driver, release=Known(driver, "what if"), cuda=UNSTATED)
    )
