"""Rows against the package index and the wheels: every difference, and what could not be reached."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Literal

from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from stackcheck.binary.blob import Unreachable
from stackcheck.binary.index import PackageIndex
from stackcheck.binary.wheel import MalformedWheel, WheelName
from stackcheck.errors import StackCheckError
from stackcheck.knowledge.companion_audit import CompanionAudit
from stackcheck.knowledge.difference import Difference, join_words
from stackcheck.knowledge.knowledge import Knowledge
from stackcheck.knowledge.observation import IndexView, ObservedRelease
from stackcheck.knowledge.opening import CAPPED, Find, Opened, is_worth_keeping, open_release
from stackcheck.knowledge.rows import ExtensionRelease
from stackcheck.model.build import Build
from stackcheck.model.record import record
from stackcheck.model.version import Version

__all__ = ["AuditReport", "Difference", "audit"]

_PLATFORMS = {"jetson": "linux-aarch64"}
"""Rows' platforms whose wheels carry another one's tag."""
_WITHOUT_WHEEL = ("source", "any")

_WORKERS = 4
"""Wheels opened at once: the reads wait for the network."""


@record(frozen=True)
class AuditReport:
    """What an audit found. `checked` counts rows, `opened` wheels."""

    differences: tuple[Difference, ...]
    checked: int
    opened: int
    unreachable: tuple[str, ...]

    @property
    def status(self) -> Literal["ok", "error", "unknown"]:
        """`error` for a difference, `unknown` if something could not be reached, else `ok`."""
        if self.differences:
            return "error"
        return "unknown" if self.unreachable else "ok"


def audit(
    knowledge: Knowledge,
    *,
    frameworks: Iterable[str] | None = None,
    full: bool = False,
    index: PackageIndex | None = None,
) -> AuditReport:
    """Compare every row of channel `pypi` with the index, and the extensions of the same frameworks.

    Wheels are opened where the index has another file than the row's evidence; with `full` all of them are. Without
    `frameworks` NVIDIA's library wheels are compared as well.
    """
    view = IndexView(index or PackageIndex())
    run = _Audit(knowledge, view, full=full)
    chosen = tuple(frameworks or knowledge.frameworks)
    for framework in chosen:
        run.compare(framework)
    run.open_wheels()
    beside = _audit_companions(knowledge, view, chosen, full=full, libraries=not frameworks)
    return AuditReport(
        (*run.differences, *beside.differences),
        run.checked + beside.checked,
        run.opened + beside.opened,
        tuple(dict.fromkeys((*run.unreachable, *beside.unreachable))),
    )


def _audit_companions(
    knowledge: Knowledge,
    view: IndexView,
    frameworks: Container[str],
    *,
    full: bool,
    libraries: bool,
) -> CompanionAudit:
    """Compare what is compiled against the frameworks, and NVIDIA's libraries."""
    run = CompanionAudit(view)
    rows: dict[str, list[ExtensionRelease]] = {}
    for row in knowledge.extensions:
        if row.framework in frameworks:
            rows.setdefault(row.extension, []).append(row)
    for extension in rows.values():
        try:
            run.compare_extension(extension, full=full)
        except Unreachable as error:
            run.unreachable.append(str(error))
    try:
        if libraries:
            run.compare_libraries(knowledge)
    except Unreachable as error:
        run.unreachable.append(str(error))
    return run


@record(frozen=True)
class _Task:
    """A row whose wheel is to be opened; `own` is the release of the distribution that users name."""

    build: Build
    release: ObservedRelease
    own: ObservedRelease | None
    find: Find

    @property
    def tells_pins(self) -> bool:
        """Whether the wheels tell what the row requires: not where the distribution itself is only source."""
        return self.own is not None or self.release.distribution == self.build.distribution


class _Audit:
    def __init__(self, knowledge: Knowledge, view: IndexView, *, full: bool) -> None:
        self._knowledge = knowledge
        self._view = view
        self._full = full
        self._waiting: list[_Task] = []
        self.differences: list[Difference] = []
        self.unreachable: list[str] = []
        self.checked = 0
        self.opened = 0

    def compare(self, framework: str) -> None:
        """Compare the rows of a framework with the index; what to open is kept for `open_wheels`."""
        rows = [build for build in self._knowledge.builds(framework) if build.channel == "pypi"]
        for build in rows:
            try:
                self._compare_row(build)
            except Unreachable as error:
                self.unreachable.append(str(error))
        try:
            self.differences += _missing_rows(rows, self._view)
        except Unreachable as error:
            self.unreachable.append(str(error))

    def _compare_row(self, build: Build) -> None:
        self.checked += 1
        if build.build == "source":
            if not self._view.has_sdist(build.distribution, build.version):
                self._differ(build, "files", "a row", "no source distribution")
            return
        carrier, version = _carrier(build)
        releases = self._view.releases(carrier)
        release = releases.get((version, _PLATFORMS.get(build.platform, build.platform)))
        if release is None:
            is_pure = (version, "") in releases or self._view.has_sdist(carrier, version)
            if not is_pure:
                self._differ(build, "files", "a row", "no wheel")
            return
        if not all(tag.startswith("py") for tag in release.python_tags):
            self._differ_unless(build, "python_tags", build.python_tags, release.python_tags)
        self._differ_unless(build, "yanked", build.yanked, release.yanked)
        self._compare_metadata(build)
        if build.glibc and release.glibc and build.glibc < release.glibc:
            self._differ(build, "glibc", str(build.glibc), f"{release.glibc} by its tag")
        if self._compare_digests(build) or self._full:
            self._waiting.append(_Task(build, release, self._own_release(build), self._view.find))

    def _own_release(self, build: Build) -> ObservedRelease | None:
        return self._view.find(build.distribution, build.version, build.platform)

    def _compare_metadata(self, build: Build) -> None:
        """Compare what the index tells of the distribution itself; a row may know more than an empty field."""
        stated = self._own_release(build)
        if stated is None:
            return
        ours, theirs = SpecifierSet(build.requires_python), SpecifierSet(stated.requires_python)
        if theirs and ours != theirs:
            self._differ(build, "requires_python", str(ours), str(theirs))
        if stated.released and build.released and build.released > stated.released:
            self._differ(build, "released", build.released, stated.released)

    def _compare_digests(self, build: Build) -> bool:
        """Compare the files that the row's evidence names; return whether the wheel ought to be opened."""
        proven = [item for item in build.evidence if item.kind == "wheel" and item.sha256]
        changed = not proven
        for item in proven:
            project = WheelName(item.source).name
            file = self._view.by_filename(project).get(item.source)
            theirs = file.sha256 if file else "no such file"
            if theirs and theirs != item.sha256:
                self._differ(build, f"evidence {item.source}", item.sha256, theirs)
                changed = True
        return changed

    def open_wheels(self) -> None:
        """Open what waits, several at a time, and compare what is inside."""
        with ThreadPoolExecutor(_WORKERS) as pool:
            results = pool.map(_open, self._waiting)
            for task, result in zip(self._waiting, results, strict=True):
                if isinstance(result, Opened):
                    self.opened += 1
                    self.differences += _contents_differences(task, result)
                else:
                    self.unreachable.append(f"{task.release.newest.file.filename}: {result}")

    def _differ(self, build: Build, field: str, ours: str, theirs: str) -> None:
        self.differences.append(Difference(_row_name(build), field, ours, theirs))

    def _differ_unless(self, build: Build, field: str, ours: object, theirs: object) -> None:
        if ours != theirs:
            self._differ(build, field, join_words(ours), join_words(theirs))


def _open(task: _Task) -> Opened | str:
    try:
        return open_release(task.release, task.own, _extra(task.build), task.find)
    except StackCheckError as error:
        return str(error)


def _extra(build: Build) -> str:
    """Return the extra that an install command of the form `name[extra]` asks for."""
    return build.install.partition("[")[2].partition("]")[0]


def _carrier(build: Build) -> tuple[str, Version]:
    """Return project and version of the wheel that has the GPU code: the one that the evidence names first."""
    for item in build.evidence:
        if item.kind == "wheel" and item.source.endswith(".whl"):
            try:
                name = WheelName(item.source)
            except MalformedWheel:
                continue
            return name.name, name.version
    return build.distribution, build.version


def _contents_differences(task: _Task, opened: Opened) -> Iterator[Difference]:
    build, contents = task.build, opened.contents
    row = _row_name(build)
    if contents is not None:
        if contents.is_gpu != build.is_gpu:
            yield Difference(row, "build", build.build, "a GPU build" if contents.is_gpu else "cpu")
        # A row that says that cuDNN is not needed does not say which one it was compiled with.
        cudnn = None if build.cudnn_linkage == "none" else contents.cudnn
        for field, ours, theirs in (
            ("cuda", build.cuda, contents.cuda),
            ("cudnn", build.cudnn, cudnn),
        ):
            if theirs is not None and not _same_release(ours, theirs):
                yield Difference(row, field, str(ours), str(theirs))
        theirs_code = contents.architectures
        if theirs_code is not None and set(theirs_code) != set(build.architectures or ()):
            yield Difference(
                row, "architectures", join_words(build.architectures or ()), join_words(theirs_code)
            )
    if opened.pins is not None and task.tells_pins:
        yield from _pin_differences(row, build.requires, opened.pins)
        for name in CAPPED:
            mine, caps = getattr(build, name), opened.caps[name]
            theirs_end, ours_end = _end(caps), _end(SpecifierSet(mine))
            if theirs_end is not None and (ours_end is None or ours_end > theirs_end):
                yield Difference(row, name, mine or "no cap", str(caps))


def _pin_differences(
    row: str, ours: Mapping[str, str], theirs: Mapping[str, str]
) -> Iterator[Difference]:
    kept = {name for name, specifier in theirs.items() if is_worth_keeping(name, specifier)}
    for name in sorted({*ours, *kept}):
        mine, other = ours.get(name), theirs.get(name)
        if mine is None or other is None or not _says_as_much(mine, other):
            yield Difference(row, f"requires {name}", mine or "nothing", other or "nothing")


def _says_as_much(ours: str, theirs: str) -> bool:
    """Tell whether they are equal but for caps of ours: metadata leave out what came later."""
    mine, other = set(SpecifierSet(ours)), set(SpecifierSet(theirs))
    return other <= mine and all(item.operator in ("<", "<=", "!=") for item in mine - other)


def _end(specifiers: SpecifierSet) -> tuple[Version, bool] | None:
    """Return the version at which the lowest cap ends and whether it is still within; None without a cap.

    `<5.0.0dev` and `<5` are the same end.
    """
    ends = [
        (Version(Version(item.version.removesuffix(".*")).base_version), item.operator != "<")
        for item in specifiers
        if item.operator in ("<", "<=", "==")
    ]
    return min(ends, default=None)


def _same_release(ours: Version | None, theirs: Version) -> bool:
    """Tell whether they agree as far as both say; a wheel may name only a major or a longer update."""
    if ours is None:
        return False
    shared = min(len(ours.release), len(theirs.release))
    return ours.release[:shared] == theirs.release[:shared]


def _missing_rows(rows: Iterable[Build], view: IndexView) -> Iterator[Difference]:
    """Yield final releases with wheels for a known platform that no row holds, from each distribution's oldest on."""
    held: set[tuple[Version, str]] = set()
    oldest: dict[str, Version] = {}
    for build in rows:
        platform = _PLATFORMS.get(build.platform, build.platform)
        held |= {(build.version, platform), (_carrier(build)[1], platform)}
        if build.build not in _WITHOUT_WHEEL:
            name = str(canonicalize_name(build.distribution))
            oldest[name] = min(build.version, oldest.get(name, build.version))
    for distribution, first in oldest.items():
        for (version, platform), release in sorted(view.releases(distribution).items()):
            if version.is_prerelease or version < first or release.yanked or not platform:
                continue
            if (version, platform) not in held:
                row = f"{distribution} {version} on pypi, {platform}"
                yield Difference(row, "row", "none", join_words(release.python_tags))


def _row_name(build: Build) -> str:
    return f"{build.label} on {build.channel}, {build.platform}"
