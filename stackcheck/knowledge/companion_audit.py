"""Rows of extensions and of NVIDIA's library wheels against the package index."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor

from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from stackcheck.binary.index import IndexFile
from stackcheck.errors import StackCheckError
from stackcheck.knowledge.difference import Difference, join_words
from stackcheck.knowledge.knowledge import Knowledge
from stackcheck.knowledge.observation import IndexView, ObservedRelease, tag_order
from stackcheck.knowledge.opening import requirements_of
from stackcheck.knowledge.rows import ExtensionRelease
from stackcheck.model.version import Version

__all__ = ["CompanionAudit"]

_WORKERS = 4


class CompanionAudit:
    """What a comparison found. Raises `Unreachable` where the index does not answer for a project."""

    def __init__(self, view: IndexView) -> None:
        self._view = view
        self.differences: list[Difference] = []
        self.unreachable: list[str] = []
        self.checked = 0
        self.opened = 0

    def compare_extension(self, rows: Collection[ExtensionRelease], *, full: bool) -> None:
        """Compare all rows of one extension; with `full` what its wheels require, too."""
        name = next(iter(rows)).extension
        releases = self._view.releases(name)
        files = self._view.by_filename(name)
        for row in rows:
            self.checked += 1
            wheels = [found for (version, _), found in releases.items() if version == row.version]
            self.differences += _row_differences(row, wheels, files.get(row.evidence[0].source))
        self.differences += _missing(name, {row.version for row in rows}, self._view)
        if full:
            self._compare_requirements(
                [
                    (row, wheel)
                    for row in rows
                    if (wheel := _one_of(releases, row.version)) is not None and row.requires
                ]
            )

    def _compare_requirements(self, pairs: list[tuple[ExtensionRelease, ObservedRelease]]) -> None:
        with ThreadPoolExecutor(_WORKERS) as pool:
            for (row, release), result in zip(
                pairs, pool.map(_requirements, [release for _, release in pairs]), strict=True
            ):
                if isinstance(result, str):
                    self.unreachable.append(f"{release.newest.file.filename}: {result}")
                    continue
                self.opened += 1
                self.differences += [
                    Difference(_name(row), f"requires {name}", ours, result[name] or "any")
                    for name, ours in row.requires.items()
                    if name in result and SpecifierSet(ours) != SpecifierSet(result[name])
                ]

    def compare_libraries(self, knowledge: Knowledge) -> None:
        """Compare the releases of every NVIDIA library wheel, and which of them are yanked."""
        for distribution, rows in knowledge.libraries.items():
            self.checked += len(rows)
            releases = self._view.releases(distribution)
            gone = [
                row
                for row in rows
                if any((row.version, platform) not in releases for platform in row.platforms)
            ]
            self.differences += [
                Difference(f"{distribution} {row.version}", "files", "a row", "no wheel")
                for row in gone
            ]
            held = {row.version for row in rows}
            self.differences += _missing(distribution, held, self._view)


def _row_differences(
    row: ExtensionRelease, wheels: Collection[ObservedRelease], file: IndexFile | None
) -> Iterator[Difference]:
    proof = row.evidence[0]
    theirs = file.sha256 if file else "no such file"
    if proof.sha256 and theirs and theirs != proof.sha256:
        yield Difference(_name(row), f"evidence {proof.source}", proof.sha256, theirs)
    if file is None:
        return
    pairs: list[tuple[str, object, object]] = [
        ("yanked", row.yanked, file.yanked),
        ("requires_python", SpecifierSet(row.requires_python), SpecifierSet(file.requires_python)),
    ]
    tags = {tag for release in wheels for tag in release.python_tags}
    if row.python_tags and tags:
        ours = sorted({tag.removesuffix("-abi3") for tag in row.python_tags}, key=tag_order)
        pairs.append(("python_tags", tuple(ours), tuple(sorted(tags, key=tag_order))))
    platforms = {release.platform for release in wheels if release.platform}
    if row.platforms and platforms:
        pairs.append(("platforms", tuple(sorted(row.platforms)), tuple(sorted(platforms))))
    for field, mine, other in pairs:
        if mine != other:
            yield Difference(_name(row), field, join_words(mine), join_words(other))


def _missing(distribution: str, held: set[Version], view: IndexView) -> Iterator[Difference]:
    """Yield final releases from the oldest held on that no row holds."""
    oldest = min(held)
    for version, file in sorted(view.standing_files(distribution).items()):
        if version > oldest and version not in held and not version.is_prerelease:
            yield Difference(f"{distribution} {version}", "row", "none", file.filename)


def _one_of(
    releases: Mapping[tuple[Version, str], ObservedRelease], version: Version
) -> ObservedRelease | None:
    platforms = [platform for found, platform in releases if found == version]
    if not platforms:
        return None
    chosen = "linux-x86_64" if "linux-x86_64" in platforms else min(platforms)
    return releases[version, chosen]


def _requirements(release: ObservedRelease) -> dict[str, str] | str:
    try:
        wheel = release.newest.file.open_wheel()
        found = requirements_of(wheel, release.platform or "linux-x86_64", release.python_tags)
    except StackCheckError as error:
        return str(error)
    return {str(canonicalize_name(item.name)): str(item.specifier) for item in found or ()}


def _name(row: ExtensionRelease) -> str:
    return f"{row.extension} {row.version}"
