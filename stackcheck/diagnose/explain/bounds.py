"""What bounds the versions of a topic's part: lines out of the knowledge, in a language."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from stackcheck.diagnose.explain.topics import Say
from stackcheck.model.fact import Known
from stackcheck.model.version import Version

if TYPE_CHECKING:
    from stackcheck.knowledge.knowledge import Knowledge
    from stackcheck.model.build import Build
    from stackcheck.model.machine import Machine

__all__ = ["describe_bounds"]


def describe_bounds(topic: str, knowledge: Knowledge, machine: Machine, say: Say) -> list[str]:
    """Return the lines for one topic, worded by `say`; none where no table bounds it."""
    describe = _DESCRIBE.get(topic)
    if describe is None and topic in knowledge.frameworks:
        describe = _framework(topic)
    if describe is None:
        return []
    lines = list(describe(knowledge, machine, say))
    return [*lines, say("as_of", date=knowledge.as_of.isoformat())] if lines else []


def _capabilities(machine: Machine) -> list[Version]:
    gpus = machine.gpus
    known = gpus.value if isinstance(gpus, Known) else ()
    return sorted({c for gpu in known if (c := gpu.compute_capability.peek())})


def _gpu(knowledge: Knowledge, machine: Machine, say: Say) -> Iterator[str]:
    here = _capabilities(machine)
    for row in knowledge.architectures:
        if row.capability not in here if here else row.tegra or not row.last_cuda:
            continue
        driver = say("last_driver", branch=row.last_driver) if row.last_driver else ""
        yield say(
            "life",
            name=row.name,
            capability=row.capability,
            first=row.first_cuda,
            last=row.last_cuda or say("ongoing"),
            driver=driver,
        )


def _driver(knowledge: Knowledge, machine: Machine, say: Say) -> Iterator[str]:
    if reported := machine.driver.cuda.peek():
        yield say("this_driver", cuda=reported, major=reported.major)
    for floor in knowledge.floors:
        if len(floor.cuda.release) == 1:
            yield say("floor", cuda=floor.cuda, linux=floor.linux, windows=floor.windows)
    if knowledge.drivers:
        newest = knowledge.drivers[0]
        yield say("newest_driver", branch=newest.branch, cuda=newest.cuda)


def _cuda(knowledge: Knowledge, machine: Machine, say: Say) -> Iterator[str]:
    yield from _driver(knowledge, machine, say)
    if knowledge.cuda:
        yield say("newest_toolkit", version=knowledge.cuda[0].version)


def _cudnn(knowledge: Knowledge, machine: Machine, say: Say) -> Iterator[str]:  # noqa: ARG001 (one signature for all)
    shown = None
    for row in knowledge.cudnn_support:
        if row.capability_min is not None and row.capability_min != shown:
            shown = row.capability_min
            spans = [other for other in knowledge.cudnn_support if other.capability_min == shown]
            first, last = _minor(spans[-1].first), _minor(spans[0].last)
            yield say("cudnn", first=first, last=last, lowest=shown)
    yield from _libraries("cudnn", knowledge, say)


def _minor(version: Version) -> str:
    return f"{version.major}.{version.minor}"


def _nccl(knowledge: Knowledge, machine: Machine, say: Say) -> Iterator[str]:  # noqa: ARG001 (one signature for all)
    yield from _libraries("nccl", knowledge, say)


def _libraries(library: str, knowledge: Knowledge, say: Say) -> Iterator[str]:
    for distribution, releases in sorted(knowledge.libraries.items(), reverse=True):
        if not releases or releases[0].library != library:
            continue
        newest = max(releases, key=lambda release: release.version)
        codes = newest.architectures or ()
        span = (
            say("codes", lowest=codes[0].capability, highest=codes[-1].capability) if codes else ""
        )
        yield say("library", distribution=distribution, version=newest.version, codes=span)


def _framework(name: str) -> Callable[[Knowledge, Machine, Say], Iterator[str]]:
    def describe(knowledge: Knowledge, machine: Machine, say: Say) -> Iterator[str]:
        builds = [build for build in knowledge.builds(name) if not build.yanked]
        if not builds:
            return
        newest = [build for build in builds if build.version == builds[0].version]
        labels = dict.fromkeys(build.build for build in newest)
        tags = dict.fromkeys(tag for build in newest for tag in build.python_tags)
        python = newest[0].requires_python or ", ".join(tags) or "?"
        yield say("newest", version=builds[0].version, builds=", ".join(labels), python=python)
        if capabilities := _capabilities(machine):
            fitting = next((build for build in builds if _has_code(build, capabilities)), None)
            if fitting:
                shown = ", ".join(map(str, capabilities))
                yield say("newest_here", capabilities=shown, label=fitting.label)

    return describe


def _has_code(build: Build, capabilities: list[Version]) -> bool:
    """Tell whether a build has machine code or PTX for every one of the capabilities."""
    return bool(build.architectures) and all(
        any(
            (code.ptx and code.capability <= capability)
            or (code.capability.major == capability.major and code.capability <= capability)
            for code in build.architectures or ()
            if not code.suffix
        )
        for capability in capabilities
    )


_DESCRIBE: dict[str, Callable[[Knowledge, Machine, Say], Iterator[str]]] = {
    "gpu": _gpu,
    "driver": _driver,
    "cuda": _cuda,
    "cudnn": _cudnn,
    "nccl": _nccl,
}
