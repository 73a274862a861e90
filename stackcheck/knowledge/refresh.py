"""Rows of releases newer than the knowledge, read from the index and the wheels, for people to review."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from pathlib import Path

from stackcheck.binary.blob import Unreachable
from stackcheck.binary.index import PackageIndex
from stackcheck.errors import InputError, StackCheckError
from stackcheck.knowledge.knowledge import Knowledge
from stackcheck.knowledge.observation import IndexView, ObservedRelease
from stackcheck.knowledge.opening import Opened, is_worth_keeping, open_release
from stackcheck.knowledge.source import SCHEMA_VERSION
from stackcheck.model.build import Build
from stackcheck.model.version import Version

__all__ = ["Refreshed", "find_new_releases", "refresh", "render_release"]

_PLATFORMS = ("linux-x86_64", "linux-aarch64", "windows-x86_64", "macos-arm64", "macos-x86_64")
_GLIBC_FLOOR = "2.17"
"""No CUDA library of today loads with an older one, whatever a tag says."""


class Refreshed:
    """What a refresh wrote and could not read."""

    def __init__(self) -> None:
        self.files: list[Path] = []
        self.releases: list[str] = []
        self.unreachable: list[str] = []


def find_new_releases(
    knowledge: Knowledge, framework: str, view: IndexView
) -> dict[Version, list[ObservedRelease]]:
    """Return final releases on the index that are newer than every row of theirs. Raises `Unreachable`."""
    rows = [build for build in knowledge.builds(framework) if build.channel == "pypi"]
    found: dict[Version, list[ObservedRelease]] = {}
    for distribution in sorted({build.distribution for build in rows}):
        horizon = max(build.version for build in rows if build.distribution == distribution)
        for (version, platform), release in view.releases(distribution).items():
            if version > horizon and not version.is_prerelease and not release.yanked and platform:
                found.setdefault(version, []).append(release)
    return found


def refresh(
    knowledge: Knowledge,
    *,
    frameworks: Iterable[str] | None = None,
    directory: Path,
    index: PackageIndex | None = None,
) -> Refreshed:
    """Write the rows of newer releases below `directory`, a checkout's `matrices/` or an overlay.

    An existing framework file gets them at the head of its `releases:`. Raises `InputError` if that cannot be.
    """
    view = IndexView(index or PackageIndex())
    result = Refreshed()
    for framework in frameworks or knowledge.frameworks:
        try:
            new = find_new_releases(knowledge, framework, view)
        except Unreachable as error:
            result.unreachable.append(str(error))
            continue
        blocks = []
        for version in sorted(new, reverse=True):
            block, faults = _render(knowledge, framework, version, new[version])
            result.unreachable += faults
            result.releases.append(f"{framework} {version}")
            blocks.append(block)
        if blocks:
            path = directory / "frameworks" / f"{framework}.yaml"
            _insert(path, framework, knowledge, "".join(blocks))
            result.files.append(path)
    return result


def _render(
    knowledge: Knowledge, framework: str, version: Version, releases: Iterable[ObservedRelease]
) -> tuple[str, list[str]]:
    opened: list[tuple[ObservedRelease, Opened]] = []
    faults = []
    for release in sorted(releases, key=lambda item: _PLATFORMS.index(item.platform)):
        try:
            opened.append((release, open_release(release)))
        except StackCheckError as error:
            faults.append(f"{release.newest.file.filename}: {error}")
    latest = next(iter(knowledge.builds(framework)), None)
    return render_release(version, opened, latest), faults


def render_release(
    version: Version, opened: Iterable[tuple[ObservedRelease, Opened]], like: Build | None
) -> str:
    """Return the YAML of one release. What no wheel tells is taken from the build `like`, or `unknown`."""
    opened = list(opened)
    lines = [f"- version: {version}"]
    if released := min((item.released for item, _ in opened if item.released), default=""):
        lines.append(f"  released: {released}")
    if opened and opened[0][0].requires_python:
        lines.append(f"  requires_python: '{opened[0][0].requires_python}'")
    if like is not None and like.jit:
        lines.append(f"  jit: {' '.join(like.jit)}")
    lines.append("  builds:")
    for release, wheel in opened:
        lines += _build_lines(release, wheel)
    return "\n".join(lines) + "\n"


def _build_lines(release: ObservedRelease, wheel: Opened) -> list[str]:
    contents = wheel.contents
    is_gpu = contents is not None and contents.is_gpu
    cuda = contents.cuda if contents else None
    pins = {name: pin for name, pin in (wheel.pins or {}).items() if is_worth_keeping(name, pin)}
    label = f"cu{cuda.major}{cuda.minor}" if cuda else "gpu" if is_gpu else "cpu"
    entries = [
        f"build: {label}",
        "channel: pypi",
        f"platform: {release.platform}",
        f"distribution: {release.distribution}",
        "default: true",
    ]
    if is_gpu and contents is not None:
        cudnn = next((pin for name, pin in pins.items() if "cudnn" in name), "")
        nccl = next((pin for name, pin in pins.items() if "nccl" in name), "")
        code = contents.architectures
        entries += [
            f"cuda: {cuda or 'unknown'}",
            f"cudnn: {cudnn[2:] if cudnn.startswith('==') else contents.cudnn or 'unknown'}",
            f"architectures: {' '.join(map(str, code)) if code else 'unknown'}",
        ]
        if nccl.startswith("=="):
            entries.append(f"nccl: {nccl[2:]}")
        if cudnn:
            linkage = "pinned" if cudnn.startswith("==") else "floor"
            entries.append(f"cuda_linkage: {linkage}, cudnn_linkage: {linkage}")
    entries.append(f"python_tags: {' '.join(release.python_tags)}")
    if release.glibc:
        entries.append(f"glibc: {max(release.glibc, Version(_GLIBC_FLOOR))}")
    if pins:
        written = ", ".join(f"{name}: '{pin}'" for name, pin in pins.items())
        entries.append(f"requires: {{{written}}}")
    file = release.newest.file
    entries.append(f"evidence: [{{wheel: {file.filename}, sha256: {file.sha256}}}]")
    first, *rest = entries
    return [
        f"    - {{{first},",
        *(f"       {entry}," for entry in rest[:-1]),
        f"       {rest[-1]}}}",
    ]


def _insert(path: Path, framework: str, knowledge: Knowledge, block: str) -> None:
    today = dt.datetime.now(tz=dt.timezone.utc).date().isoformat()
    try:
        if path.exists():
            text = path.read_text(encoding="utf-8")
            head, found, tail = text.partition("\nreleases:\n")
            if not found:
                raise InputError(f"{path}: has no line `releases:`")
            head = re.sub(r"^as_of: .*$", f"as_of: {today}", head, count=1, flags=re.MULTILINE)
            text = f"{head}{found}{block}{tail}"
        else:
            name = knowledge.name(framework)
            path.parent.mkdir(parents=True, exist_ok=True)
            text = (
                f"schema: stackcheck.framework/{SCHEMA_VERSION}\nas_of: {today}\n"
                f"framework: {framework}\ntitle: {framework}\n"
                f"distribution: {name.distribution if name else framework}\n"
                "install:\n"
                '  pypi: "pip install {distribution}=={version}"\n'
                f"releases:\n{block}"
            )
        temporary = path.with_suffix(".tmp")
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror or error}") from error
