"""From a requirement to the rows of the knowledge that could serve it, or to the reason why there is none."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

from stackcheck.knowledge.knowledge import Knowledge
from stackcheck.model.build import Build
from stackcheck.model.finding import Evidence, Finding, Fix
from stackcheck.model.machine import Machine
from stackcheck.model.plan import Requirement
from stackcheck.model.record import record
from stackcheck.model.specifier import admits
from stackcheck.resolve.systems import read_channel
from stackcheck.resolve.wishes import Wishes
from stackcheck.rules.python import py19_platform, py25_never_built

__all__ = ["Candidates", "fits_label", "platforms_of", "select_builds"]


@record(frozen=True)
class Candidates:
    """Rows that could serve, newest first; else the violation, or what the knowledge lacks."""

    builds: tuple[Build, ...] = ()
    violation: Finding | None = None
    unknown: str = ""
    assumed: tuple[str, ...] = ()


def platforms_of(machine: Machine) -> tuple[tuple[str, ...], str]:
    """Return the platforms whose builds run on a machine, best first, and what was assumed for that."""
    host = machine.host
    system, arch = host.platform.peek(), host.arch.peek()
    assumed = ""
    if system is None:
        assumed = f"operating system was not stated: Linux on {arch or 'x86_64'}"
    elif arch is None and system not in ("jetson", "macos"):
        assumed = "processor was not stated: x86_64"
    if system == "jetson":
        return ("jetson", "linux-aarch64"), assumed
    if system == "macos":
        return ("macos-x86_64",) if arch == "x86_64" else ("macos-arm64",), assumed
    name = "windows" if system == "windows" else "linux"
    return (f"{name}-{arch or 'x86_64'}",), assumed


_LABEL = re.compile(r"(?:cuda|cu)-?(\d+)(?:\.(\d+))?(.*)")


def fits_label(build: str, wanted: str) -> bool:
    """Tell whether a build's label begins as wanted; `cu` and `cuda`, `12.6` and `126` are the same."""
    return _plain(build).startswith(_plain(wanted))


def _plain(label: str) -> str:
    found = _LABEL.match(label.lower())
    return f"cu{found[1]}{found[2] or ''}{found[3].replace('_', '-')}" if found else label.lower()


def select_builds(
    requirement: Requirement,
    machine: Machine,
    knowledge: Knowledge,
    wishes: Wishes,
    *,
    need_gpu: bool,
    with_extras: bool = False,
) -> Candidates:
    """Return the rows that a requirement may mean on a machine.

    A named release without a build means what its channel gives to someone who names none; `with_extras` also its
    extras that bring CUDA along (`tensorflow[and-cuda]`), for someone who is yet to install it.
    """
    rows = knowledge.builds(requirement.name)
    released = _released(rows, requirement)
    if not released:
        return Candidates(unknown=_say_unknown(requirement, rows, knowledge))
    if not requirement.is_pinned:
        released = _offered(released, wishes)
    platforms, assumed = platforms_of(machine)
    here = [row for row in released if row.platform in platforms]
    notes: tuple[str, ...] = (assumed,) if assumed else ()
    labelled = _labelled(here, requirement, knowledge)
    if not labelled and requirement.is_pinned:
        again = [row for row in _repackaged(rows, requirement) if row.platform in platforms]
        labelled = _labelled(again, requirement, knowledge)
        notes += tuple(
            f"{requirement.text} was released as {labelled[0].version}" for _ in labelled[:1]
        )
    if not labelled:
        why = _say_why_none(requirement, here, released, platforms[0], need_gpu=need_gpu)
        return Candidates(violation=why, assumed=notes)
    asked = [row for row in labelled if requirement.extras and _is_extra(row, requirement.extras)]
    labelled = asked or labelled
    labelled = _of_cuda(labelled, wishes)
    if not labelled:
        return Candidates(violation=_no_cuda(requirement, wishes, here))
    chosen, note = _of_channel(labelled, wishes.channel, knowledge)
    if note:
        notes += (note,)
    if requirement.is_pinned and not asked:
        chosen = _as_named(chosen, requirement, wishes, need_gpu=need_gpu, with_extras=with_extras)
    return Candidates(tuple(chosen), assumed=notes)


def _labelled(rows: list[Build], requirement: Requirement, knowledge: Knowledge) -> list[Build]:
    """Keep the rows of the build and of the distribution that were asked for."""
    if requirement.build:
        rows = [row for row in rows if fits_label(row.build, requirement.build)]
    return _of_distribution(rows, requirement, knowledge)


def _repackaged(rows: Iterable[Build], requirement: Requirement) -> list[Build]:
    """Return the post-releases of a pinned release: some builds of it were published only as those."""
    base = requirement.specifier.removeprefix("==")
    return [row for row in rows if row.version.is_postrelease and row.version.base_version == base]


_EXTRAS = re.compile(r"\[([^]]+)]==")


def _is_extra(build: Build, extras: tuple[str, ...]) -> bool:
    """Tell whether a build is what one of the extras installs, by its own install command."""
    found = _EXTRAS.search(build.install)
    return found is not None and found[1].replace("_", "-") in extras


def _of_cuda(rows: list[Build], wishes: Wishes) -> list[Build]:
    """Keep the rows of the CUDA that was wished for."""
    if wishes.cuda is None:
        return rows
    wanted = wishes.cuda.release
    return [
        row for row in rows if row.cuda is not None and row.cuda.release[: len(wanted)] == wanted
    ]


def _offered(rows: list[Build], wishes: Wishes) -> list[Build]:
    """Keep what an installer offers to an open requirement: nothing yanked, nothing newer than wished."""
    last = wishes.exclude_newer[:10] or "9999"
    return [row for row in rows if not row.yanked and (not row.released or row.released <= last)]


def _as_named(
    rows: list[Build],
    requirement: Requirement,
    wishes: Wishes,
    *,
    need_gpu: bool,
    with_extras: bool,
) -> list[Build]:
    """Keep what a pinned requirement means that names no extra: the defaults, or of its build what needs none."""
    if not (requirement.build.removeprefix("cu") or wishes.cuda):
        return _defaults(rows, need_gpu=need_gpu, with_extras=with_extras)
    plain = [row for row in rows if not _EXTRAS.search(row.install)]
    return rows if with_extras else plain or rows


def _released(rows: Sequence[Build], requirement: Requirement) -> list[Build]:
    """Return the rows of the releases asked for, or of the one that a post-release (`1.0.1.post2`) repackages.

    PaddlePaddle's post-releases name the CUDA; then it is the row whose install command has it.
    """
    if not requirement.specifier:
        return list(rows)
    pinned = requirement.is_pinned
    versions = {
        version
        for version in dict.fromkeys(row.version for row in rows)
        if admits(requirement.specifier, version)
    }
    released = [row for row in rows if row.version in versions]
    base, repackaged, _ = requirement.specifier.removeprefix("==").partition(".post")
    if not released and pinned and repackaged:
        released = [row for row in rows if row.version.base_version == base]
        named = [row for row in released if f"{requirement.specifier} " in f"{row.install} "]
        return named or released
    return released


def _of_distribution(
    rows: list[Build], requirement: Requirement, knowledge: Knowledge
) -> list[Build]:
    """Keep the rows of the distribution that was named, if it is not the framework's main one.

    One that other releases have and this one has not (`tensorflow-gpu` after 2.11) was not released; one that no row
    speaks of is another name for the same.
    """
    main = knowledge.name(requirement.name)
    named = requirement.distribution
    if main is None or named in ("", main.distribution):
        return rows
    kept = [row for row in rows if row.distribution == named]
    ended = requirement.is_pinned and any(
        row.distribution == named for row in knowledge.builds(requirement.name)
    )
    return kept if kept or ended else rows


def _of_channel(rows: list[Build], text: str, knowledge: Knowledge) -> tuple[list[Build], str]:
    """Keep the rows of the channel that was named; where none was, pip's, if it has any.

    `pytorch+cu126` is how pip writes it, and conda's build of the same release has other code in it.
    """
    framework = rows[0].framework
    named = read_channel(text or "pip", _channels_of(framework, knowledge))
    if named is None:
        unheard = f"channel {text!r} names none that the knowledge holds for {framework}"
        return rows, unheard if text else ""
    chosen = [row for row in rows if row.channel in named]
    if chosen or not text:
        return chosen or rows, ""
    return rows, f"no row for channel {text!r}: judged by {rows[0].channel}"


@lru_cache(maxsize=32)
def _channels_of(framework: str, knowledge: Knowledge) -> frozenset[str]:
    return frozenset(row.channel for row in knowledge.builds(framework))


def _defaults(rows: list[Build], *, need_gpu: bool, with_extras: bool) -> list[Build]:
    """Keep, for each release, what is given to someone who names no build.

    Where the default is a CPU build and the same channel has GPU builds as extras or under other names
    (`jax[cuda12]`, `mxnet-cu112`), someone with a GPU means those. Where it takes CUDA from the machine, an extra that
    brings it is no other build.
    """
    kept: list[Build] = []
    for version in dict.fromkeys(row.version for row in rows):
        release = [row for row in rows if row.version == version]
        default = [row for row in release if row.default]
        gpu = [row for row in release if row.is_gpu]
        if not need_gpu:
            # without a GPU the CPU build of the same release serves as well, and is a tenth of the size
            kept += [row for row in release if row.default or not row.is_gpu] or release
        elif any(row.is_gpu for row in default):
            kept += [row for row in default if row.is_gpu]
            if with_extras:
                kept += [row for row in gpu if not row.default and _EXTRAS.search(row.install)]
        else:
            kept += gpu or default or release
    return kept


def _say_unknown(requirement: Requirement, rows: Iterable[Build], knowledge: Knowledge) -> str:
    newest = max((row.version for row in rows), default=None)
    return (
        f"{requirement.name}{requirement.specifier} is not in the knowledge, which is of {knowledge.as_of} and ends at"
        f" {requirement.name} {newest}"
    )


def _say_why_none(
    requirement: Requirement,
    here: list[Build],
    released: list[Build],
    platform: str,
    *,
    need_gpu: bool,
) -> Finding:
    has_cpu = any(row.build == "cpu" for row in released)
    if has_cpu and need_gpu and requirement.build == "cpu" and not platform.startswith("macos"):
        return _no_gpu_code(requirement)
    if not here:
        return _no_platform(requirement, platform, released)
    return _no_build(requirement, here, released)


def _no_platform(requirement: Requirement, platform: str, rows: list[Build]) -> Finding:
    where = ", ".join(sorted({row.platform for row in rows}))
    what = f"{requirement.name}{requirement.specifier}"
    return py19_platform.RULE.finding(
        f"{what} has no build for {platform}; there are builds for {where or 'no platform'}",
        evidence=(Evidence(what, where, "knowledge"),),
        fix=Fix(f"Use one of these platforms: {where}" if where else "Widen the requirement"),
        subject=what,
    )


def _no_gpu_code(requirement: Requirement) -> Finding:
    """Word that somebody else's CPU build, of which there is no row, has no GPU code either."""
    return Finding(
        code="PY-01",
        reason="cpu-only-build-installed",
        severity="error",
        layer="python",
        title=f"{requirement.text} is a CPU build: it never uses the GPU of the machine",
        fix=Fix(f"Install a GPU build of {requirement.name} instead"),
        subject=requirement.text,
    )


def _no_build(requirement: Requirement, here: list[Build], released: list[Build]) -> Finding:
    fitting = [row for row in released if fits_label(row.build, requirement.build)]
    platforms = {row.platform for row in here}
    if fitting and not any(row.platform in platforms for row in fitting):
        return _no_platform(requirement, here[0].platform, fitting)
    asked = f"{requirement.name}+{requirement.build}{requirement.specifier}"
    if fitting:  # the build is there, only not in the distribution that was named
        asked = requirement.text
    return _never_built(asked, "", sorted({row.build for row in here}))


def _no_cuda(requirement: Requirement, wishes: Wishes, here: list[Build]) -> Finding:
    asked = f"{requirement.name}{requirement.specifier}"
    versions = sorted({row.cuda for row in here if row.cuda})
    return _never_built(asked, f" for CUDA {wishes.cuda}", [f"CUDA {each}" for each in versions])


def _never_built(asked: str, how: str, others: list[str]) -> Finding:
    listed = ", ".join(others)
    return py25_never_built.RULE.finding(
        f"{asked} was never built{how}; there are {listed}",
        evidence=(Evidence(asked, listed, "knowledge"),),
        fix=Fix(f"Ask for one of: {listed}"),
        subject=asked,
    )
