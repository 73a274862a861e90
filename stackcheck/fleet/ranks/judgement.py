"""The judgement of what the ranks told: who is wrong, slow, dead or hung, and what is wrong between them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from statistics import median
from typing import TYPE_CHECKING

from stackcheck.fleet.ranks.report import RankReport, RankRow, RankState

if TYPE_CHECKING:
    from stackcheck.fleet.ranks.ensemble import Ensemble, Rank
    from stackcheck.smoke.joint import Joint

__all__ = ["judge"]

_TOLERANCE = 1e-4
"""Relative, of float32 sums in another order; the same as between frameworks."""
_SLOW = 1.5
"""Times the median of all: less is what neighbours on one machine do to each other."""
_NOTICEABLE_SECONDS = 1e-3
_CAUSES = "wrong", "failed", "dead", "hung", "not-started"

_State = tuple[RankState, str]


def judge(ensemble: Ensemble, joint: Joint, patience: float, seconds: float) -> RankReport:
    """Give each rank its row and say what is wrong.

    `joint` is what they must arrive at, `patience` how long (in seconds) nothing was heard before they were ended,
    `seconds` what it took.
    """
    complete = all(rank.done for rank in ensemble.seen)
    known = [number for number, rank in enumerate(ensemble.ranks) if rank.row is not None]
    if not complete:
        known = [ensemble.ranks.index(rank) for rank in ensemble.seen]
    ranks = [ensemble.ranks[number] for number in known]
    table = [rank.row for rank in ranks if rank.row is not None]
    states = (
        _hold(table, [joint.fingerprints[number] for number in known])
        if complete
        else _find_lost(ensemble, patience)
    )
    rows = tuple(
        RankRow(
            number,
            state,
            rank.node,
            rank.joined.get("gpu") or rank.joined.get("device"),
            rank.reduced,
            rank.row["step_seconds"] if rank.row else None,
            message,
        )
        for number, rank, (state, message) in zip(known, ranks, states, strict=True)
    )
    trained = [rank for rank in ensemble.seen if rank.losses]
    difference = _difference(trained, ensemble.weights, joint) if complete else None
    problems = [_name(row) for row in rows if row.state in _CAUSES]
    if complete:
        problems += _find_shared(table, difference, named=bool(problems))
    elif not problems:
        problems.append(_describe_standstill(ensemble, patience))
    losses = max((rank.losses for rank in trained), key=len, default=[])
    return RankReport(
        "error" if problems else "ok",
        rows,
        tuple(problems),
        tuple(_name(row) for row in rows if row.state == "slow"),
        next((rank.joined["backend"] for rank in ensemble.seen if rank.joined), None),
        len(losses),
        seconds,
        losses[0] if losses else None,
        losses[-1] if losses else None,
        difference,
        min((row["bytes_per_second"] for row in table), default=0.0) or None,
    )


def _name(row: RankRow) -> str:
    return f"rank {row.rank}{f' on {row.node}' if row.node else ''}: {row.message}"


def _find_lost(ensemble: Ensemble, patience: float) -> Iterator[_State]:
    """Tell those that broke from those that could not go on without them."""
    culprits = _find_culprits(ensemble)
    for rank in ensemble.seen:
        end = "" if rank.failure else rank.end or ensemble.aborted
        if rank not in culprits:
            yield "stopped", rank.failure or f"could not go on after {_describe_progress(rank)}"
        elif end:
            yield "dead", f"its process ended ({end}) after {_describe_progress(rank)}"
        elif rank.failure:
            yield "failed", rank.failure
        elif rank.progress[0] == 0:
            yield "not-started", f"said nothing within {patience:g} s"
        else:
            yield "hung", f"said nothing for {patience:g} s after {_describe_progress(rank)}"


def _find_culprits(ensemble: Ensemble) -> list[Rank]:
    """Return the ranks because of which it ended; none if all stand still at the same place.

    They wait for each other at every step. So those that reached less than another are the cause, in error or
    silent; where silent ones are among them, the errors of the others are about these. A process that is known to
    have ended by itself needs no comparison.
    """
    if ended := [rank for rank in ensemble.seen if rank.end and not rank.failure]:
        return ended
    least = min(rank.progress for rank in ensemble.seen)
    behind = [rank for rank in ensemble.seen if rank.progress == least]
    silent = [rank for rank in behind if not rank.finished]
    if len(silent) == len(ensemble.seen):
        return ensemble.suspects
    return silent or behind


def _describe_progress(rank: Rank) -> str:
    stage, step, half = rank.progress
    if stage == 3:
        return (
            f"step {step} was reduced" if half else f"its gradients of step {step}, not reduced yet"
        )
    return ("it was asked for", "it started", "it joined the others", "", "its result")[stage]


def _describe_standstill(ensemble: Ensemble, patience: float) -> str:
    stage, step, _ = ensemble.seen[0].progress
    if stage == 0:
        said = f"; the last that was said: {ensemble.strays[-1].strip()}" if ensemble.strays else ""
        return f"no rank started{said}"
    where = f"in the all-reduce of step {step}" if stage == 3 else ("", "joining", "joined")[stage]
    if len(ensemble.seen) < len(ensemble.ranks):
        return f"nothing was heard for {patience:g} s ({where}); the other ranks are not seen from here"
    return (
        f"all ranks stand still together ({where}) for {patience:g} s: the network or the collective library between"
        " them, not one rank"
    )


def _hold(
    table: Sequence[Mapping[str, float]], prints: Sequence[Sequence[float]]
) -> Iterator[_State]:
    """Hold each rank's own gradient against the engine's, its weights and its speed against the others'."""
    common, share = Counter(row["digest"] for row in table).most_common(1)[0]
    typical = median(row["step_seconds"] for row in table)
    for row, right in zip(table, prints, strict=True):
        apart = _largest(map(_relative, (row["print_norm"], row["print_sum"]), right))
        excess = row["step_seconds"] - typical
        if not apart <= _TOLERANCE:
            yield "wrong", f"its first gradient differs from the reference by {apart:.1e} relative"
        elif row["digest"] != common and 2 * share > len(table):
            yield "wrong", f"its last weights differ from those of {share} other ranks"
        elif excess > (_SLOW - 1) * typical and excess > _NOTICEABLE_SECONDS:
            yield (
                "slow",
                f"a step takes {row['step_seconds'] / typical:.1f} times the median of all ranks",
            )
        else:
            yield "ok", ""


def _find_shared(
    table: Sequence[Mapping[str, float]], difference: float | None, *, named: bool
) -> Iterator[str]:
    """Find what is wrong between ranks: sums, and weights that no majority has."""
    wrong = [number for number, row in enumerate(table) if row["wrong_element"] >= 0]
    if wrong:
        who = "every rank" if len(wrong) == len(table) else f"ranks {', '.join(map(str, wrong))}"
        first = int(table[wrong[0]]["wrong_element"])
        yield f"all-reduce gives wrong sums on {who} (first at element {first}): the collective library or the links"
    digests = Counter(row["digest"] for row in table)
    if len(digests) > 1 and 2 * max(digests.values()) <= len(table):
        yield f"the ranks end with {len(digests)} different weights: an all-reduce gave them different sums"
    if not named and not wrong and difference is not None and not difference <= _TOLERANCE:
        yield (
            f"training together differs from training on the joined batch by {difference:.1e} relative,"
            f" more than {_TOLERANCE:g}"
        )


def _difference(ranks: Sequence[Rank], weights: Sequence[float], joint: Joint) -> float:
    """Return the largest difference of losses and last weights, infinite where some are missing.

    Relative to the first loss, since losses go to zero in the end, and to the largest weight.
    """
    if any(len(rank.losses) != len(joint.losses) for rank in ranks):
        return math.inf
    apart = [
        abs(own - right) / joint.losses[0]
        for rank in ranks
        for own, right in zip(rank.losses, joint.losses, strict=True)
    ]
    if weights and len(weights) != len(joint.weights):
        return math.inf
    scale = max(map(abs, joint.weights))
    apart += [abs(own - right) / scale for own, right in zip(weights, joint.weights, strict=False)]
    return _largest(apart)


def _largest(numbers: Iterable[float]) -> float:
    return max(numbers, key=lambda each: (math.isnan(each), each))


def _relative(value: float, reference: float) -> float:
    return abs(value - reference) / max(abs(reference), 1e-12)
