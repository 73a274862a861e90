"""A matrix file validated and written as plain data, with all faults at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stackcheck.errors import InputError
from stackcheck.knowledge.expansion import expand
from stackcheck.knowledge.source import Source, read_tree

__all__ = ["compile_head", "compile_source"]


def compile_source(source: Source) -> dict[str, Any]:
    """Return the file's content as JSON data; a framework's releases are expanded to `builds`.

    Raises `InputError` with every fault.
    """
    data = _validate(source, read_tree(source))
    if source.folder == "frameworks":
        builds, faults = expand(data)
        if faults:
            raise InputError(*(f"{source.place}: {fault}" for fault in faults))
        data["builds"] = builds
        data.pop("releases", None)
        data.pop("sets", None)
    return data


def compile_head(source: Source) -> dict[str, Any]:
    """Return a framework file's names and date, without its releases."""
    tree = read_tree(source, head=True)
    return {key: tree.get(key) for key in ("as_of", "framework", "title", "distribution", "names")}


def _validate(source: Source, tree: Mapping[str, Any]) -> dict[str, Any]:
    from pydantic import TypeAdapter, ValidationError

    from stackcheck.knowledge.document import DOCUMENTS

    kind = str(tree["schema"]).removeprefix("stackcheck.").partition("/")[0]
    if kind not in DOCUMENTS:
        raise InputError(f"{source.place}: no kind of matrix is called {kind!r}")
    adapter = TypeAdapter(DOCUMENTS[kind])
    try:
        document = adapter.validate_python(tree)
    except ValidationError as error:
        raise InputError(
            *(
                f"{_place(source, fault['loc'])}: {_where(fault['loc'])}{fault['msg']}"
                for fault in error.errors(include_url=False)
            )
        ) from error
    data: dict[str, Any] = adapter.dump_python(
        document, mode="json", by_alias=True, exclude_unset=True
    )
    return data


def _where(path: tuple[int | str, ...]) -> str:
    names = [str(part) for part in path if isinstance(part, str)]
    return f"{'.'.join(names)}: " if names else ""


def _place(source: Source, path: tuple[int | str, ...]) -> str:
    """Return file and line of the value at `path`, read again only because there is a fault."""
    import yaml

    node = yaml.compose(source.file.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    for part in path:
        if isinstance(node, yaml.MappingNode):
            found = [value for key, value in node.value if key.value == part]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int):
            found = node.value[part : part + 1]
        else:
            found = []
        if not found:
            break
        node = found[0]
    return f"{source.place}:{node.start_mark.line + 1}" if node else source.place
