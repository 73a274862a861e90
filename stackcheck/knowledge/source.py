"""Where matrices lie, and their YAML read with every scalar as text.

Every fault carries the file and the line.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stackcheck.errors import InputError
from stackcheck.model.record import record

if TYPE_CHECKING:
    if sys.version_info >= (3, 11):
        from importlib.resources.abc import Traversable
    else:
        from importlib.abc import Traversable

__all__ = [
    "SCHEMA_VERSION",
    "Source",
    "find_sources",
    "read_tree",
    "shipped",
    "user_directory",
]

SCHEMA_VERSION = 1
_HEAD_END = re.compile(r"^releases:", re.MULTILINE)
_SCHEMA = re.compile(r"stackcheck\.([a-z]+)/(\d+)$")


@record(frozen=True)
class Source:
    """One matrix file: `folder` is `frameworks`, `nvidia`, `extensions` or empty, `layer` 0 for shipped ones."""

    folder: str
    name: str
    file: Traversable
    layer: int
    root: str = ""
    """How messages name the folder that the file is of; empty for a file that they name by its whole path."""

    @property
    def stem(self) -> str:
        """The name without its suffix."""
        return self.name.rsplit(".", 1)[0]

    @property
    def place(self) -> str:
        """How messages name the file."""
        if self.root:
            return "/".join(filter(None, (self.root, self.folder, self.name)))
        return str(self.file)

    @property
    def stamp(self) -> str | None:
        """Size and time of the file; None where it is no plain file."""
        if not isinstance(self.file, Path):
            return None
        status = self.file.stat()
        return f"{self.file}\0{status.st_size}\0{status.st_mtime_ns}"


def shipped() -> Traversable:
    """Return the folder of the matrices that came with this package: inside it, beside it, or in its zip."""
    package = Path(__file__).parent.parent
    for folder in (package / "matrices", package.parent / "matrices"):
        if folder.is_dir():
            return folder
    from importlib.resources import files

    return files("stackcheck") / "matrices"


def user_directory() -> Path:
    """Return the folder of the user's own rows."""
    if configured := os.environ.get("STACKCHECK_CONFIG_DIR"):
        return Path(configured) / "matrices"
    import platformdirs

    return Path(platformdirs.user_config_dir("stackcheck", appauthor=False)) / "matrices"


def find_sources(directory: Path | None = None, base: Traversable | None = None) -> list[Source]:
    """Return every matrix file: shipped, the user's, then those of `directory`; each layer lies over the last.

    Raises `InputError` if `directory` is no folder.
    """
    if directory is not None and not directory.is_dir():
        raise InputError(f"{directory}: no such folder of matrices")
    layers: list[Traversable] = [base or shipped()]
    if base is None and (own := user_directory()).is_dir():
        layers.append(own)
    if directory is not None:
        layers.append(directory)
    names = ["matrices" if base is None else "", *([""] * len(layers))]
    return [
        source
        for layer, (root, name) in enumerate(zip(layers, names, strict=False))
        for source in _walk(root, layer, name)
    ]


def _walk(root: Traversable, layer: int, name: str) -> Iterator[Source]:
    for entry in sorted(root.iterdir(), key=lambda entry: entry.name):
        if entry.name.endswith((".yaml", ".yml")):
            yield Source("", entry.name, entry, layer, name)
        elif entry.name in ("frameworks", "nvidia", "extensions") and entry.is_dir():
            for file in sorted(entry.iterdir(), key=lambda file: file.name):
                if file.name.endswith((".yaml", ".yml")):
                    yield Source(entry.name, file.name, file, layer, name)


def read_tree(source: Source, *, head: bool = False) -> dict[str, Any]:
    """Return the file's mapping with its evidence spelt out and `unknown` as None.

    `head` stops before `releases:`, which is nearly all of a framework's file. Raises `InputError`.
    """
    import yaml

    try:
        text = source.file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{source.place}: cannot be read: {error}") from error
    if head and (found := _HEAD_END.search(text)):
        text = text[: found.start()]
    try:
        tree = yaml.load(text, Loader=_loader())  # noqa: S506 (a BaseLoader makes nothing but text)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise InputError(f"{source.place}:{line}: {error.problem}") from error
    except yaml.YAMLError as error:
        raise InputError(f"{source.place}: {error}") from error
    if not isinstance(tree, dict):
        raise InputError(f"{source.place}:1: expected a mapping with `schema:` and `as_of:`")
    _check_schema(tree, source)
    sources = tree.get("sources")
    known = _sources(sources, tree) if isinstance(sources, dict) else {}
    result: dict[str, Any] = _spell_out(tree, known, tree.get("as_of", ""))
    return result


def _loader() -> Any:
    """Return a loader that keeps scalars as text and refuses keys written twice."""
    import yaml

    base: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)

    class UniqueKeyLoader(base):  # type: ignore[misc]
        def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
            mapping: dict[Any, Any] = super().construct_mapping(node, deep=deep)
            if len(mapping) != len(node.value):
                seen: set[str] = set()
                for key, _ in node.value:
                    if key.value in seen:
                        raise yaml.constructor.ConstructorError(
                            None, None, f"key `{key.value}` stands here twice", key.start_mark
                        )
                    seen.add(key.value)
            return mapping

    return UniqueKeyLoader


def _check_schema(tree: Mapping[str, Any], source: Source) -> None:
    found = _SCHEMA.match(str(tree.get("schema", "")))
    if not found:
        raise InputError(
            f"{source.place}: `schema:` must be stackcheck.<kind>/{SCHEMA_VERSION}, not {tree.get('schema')!r}"
        )
    if int(found[2]) > SCHEMA_VERSION:
        raise InputError(
            f"{source.place}: written for schema {found[2]}; this version reads up to {SCHEMA_VERSION}. "
            "Upgrade stackcheck"
        )


def _sources(sources: Mapping[str, Any], tree: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    as_of = str(tree.get("as_of", ""))
    return {
        name: {"checked": as_of, **value} if isinstance(value, dict) else value
        for name, value in sources.items()
    }


def _spell_out(
    value: Any, sources: Mapping[str, Mapping[str, str]], as_of: str, key: str = ""
) -> Any:
    """Replace names of sources by the sources, `wheel:` by its evidence, and `unknown` by None.

    A name that no source has stays as it is, for the schema to refuse.
    """
    if isinstance(value, dict):
        if key == "sources":
            return sources
        return {name: _spell_out(item, sources, as_of, name) for name, item in value.items()}
    if key == "evidence" and isinstance(value, list):
        return [_evidence(item, sources, as_of) for item in value]
    if isinstance(value, list):
        return [_spell_out(item, sources, as_of) for item in value]
    return None if value == "unknown" else value


def _evidence(item: Any, sources: Mapping[str, Mapping[str, str]], as_of: str) -> Any:
    if isinstance(item, str):
        return sources.get(item, item)
    if isinstance(item, dict) and "wheel" in item:
        rest = {name: value for name, value in item.items() if name != "wheel"}
        return {"kind": "wheel", "source": item["wheel"], "checked": as_of, **rest}
    return {"checked": as_of, **item} if isinstance(item, dict) else item
