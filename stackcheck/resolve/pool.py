"""The rows that could serve one requirement, judged on every machine as the search comes to them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import field, replace
from functools import lru_cache

from stackcheck.knowledge.knowledge import Knowledge
from stackcheck.model.build import Build
from stackcheck.model.finding import Finding
from stackcheck.model.plan import Requirement
from stackcheck.model.record import record
from stackcheck.model.version import Version
from stackcheck.resolve.candidates import platforms_of, select_builds
from stackcheck.resolve.evaluation import Evaluation, judge_build, verdict_of
from stackcheck.resolve.preference import rank_builds
from stackcheck.resolve.wishes import Wishes
from stackcheck.rules.python import py19_platform
from stackcheck.rules.rule import Situation

__all__ = ["Pool", "agree_on_cuda", "cuda_major_of", "fill_pool"]


@record(frozen=True, eq=False)
class Pool:
    """Rows best first. `violation` or `unknown` say why there is none."""

    requirement: Requirement
    situations: Sequence[Situation]
    ranked: list[Build] = field(default_factory=list)
    violation: Finding | None = None
    unknown: str = ""
    assumed: tuple[str, ...] = ()

    def judge(self, build: Build) -> Evaluation:
        """Judge one row on every machine; on a machine of another platform its counterpart there."""
        outcome = Evaluation()
        for situation in self.situations:
            counterpart = _counterpart(build, situation)
            if counterpart is None:
                outcome.errors.append(_lacks_platform(build, situation))
            else:
                outcome.add(judge_build(counterpart, situation))
        return outcome

    def verdict(self, build: Build) -> str:
        """Return the verdict on one row; unlike `judge`, stop at the first thing against it."""
        verdict = "works"
        for situation in self.situations:
            counterpart = _counterpart(build, situation)
            there = "fails" if counterpart is None else verdict_of(counterpart, situation)
            if there == "fails":
                return "fails"
            if there == "unknown":
                verdict = "unknown"
        return verdict

    def passing(self) -> Iterator[Build]:
        """Run through the rows that work, best first, then those of which a probe could not tell."""
        doubtful: list[Build] = []
        for build in self.ranked:
            verdict = self.verdict(build)
            if verdict == "works":
                yield build
            elif verdict == "unknown":
                doubtful.append(build)
        yield from doubtful

    def failures(self, before: Build | None = None) -> Iterator[tuple[Build, list[Finding]]]:
        """Run through the rows that fail, best first; with `before` only those that would have been better."""
        for build in self.ranked:
            if build is before:
                return
            if self.verdict(build) == "fails":
                yield build, self.judge(build).errors


@lru_cache(maxsize=64)
def fill_pool(
    requirement: Requirement,
    situations: tuple[Situation, ...],
    knowledge: Knowledge,
    wishes: Wishes,
) -> Pool:
    """Find the rows for a requirement and rank them, once for all that is tried in a request."""
    need_gpu = not all(situation.has_no_gpu for situation in situations)
    found = select_builds(
        requirement,
        situations[0].machine,
        knowledge,
        wishes,
        need_gpu=need_gpu,
        with_extras=True,
    )
    drivers = [
        cuda for situation in situations if (cuda := situation.driver_cuda.peek()) is not None
    ]
    oldest: Version | None = min(drivers, default=None)
    ranked = rank_builds(found.builds, wishes, knowledge.as_of, oldest, need_gpu=need_gpu)
    if need_gpu and requirement.build != "cpu" and any(build.is_gpu for build in ranked):
        ranked = [build for build in ranked if build.is_gpu]
    return Pool(requirement, situations, ranked, found.violation, found.unknown, found.assumed)


def agree_on_cuda(pools: Sequence[Pool]) -> list[Pool]:
    """Return the pools without the builds for a CUDA major that some other framework was never built for.

    Such builds are in no plan, and the search would come to each of them to find that out.
    """
    majors = [{cuda_major_of(build) for build in pool.ranked} for pool in pools]
    bound = [found for found in majors if found and None not in found]
    if len(bound) < 2 or not (common := set.intersection(*bound)):
        return list(pools)
    common.add(None)
    return [
        replace(pool, ranked=[build for build in pool.ranked if cuda_major_of(build) in common])
        for pool in pools
    ]


def cuda_major_of(build: Build) -> int | None:
    """Return the CUDA major that a build binds its environment to; None if it binds to none."""
    return None if build.cuda is None or build.from_source else build.cuda.major


def _counterpart(build: Build, situation: Situation) -> Build | None:
    platforms, _ = platforms_of(situation.machine)
    if build.platform in platforms:
        return build
    return next(
        (
            other
            for other in situation.knowledge.builds(build.framework)
            if other.platform in platforms
            and (other.version, other.build, other.channel)
            == (build.version, build.build, build.channel)
        ),
        None,
    )


def _lacks_platform(build: Build, situation: Situation) -> Finding:
    platform = platforms_of(situation.machine)[0][0]
    return py19_platform.RULE.finding(
        f"{build.label} from {build.channel} has no build for {platform}, which"
        f" {situation.machine.origin} is",
        subject=build.label,
    )
