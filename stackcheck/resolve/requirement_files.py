"""Requirements as people already have them: pip, project, conda, pixi and lock files. Texts in, requirements out."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from stackcheck.errors import InputError
from stackcheck.model.plan import Requirement
from stackcheck.model.record import record
from stackcheck.model.version import cuda_of_build
from stackcheck.resolve.requirements import parse_requirement

if TYPE_CHECKING:
    from stackcheck.knowledge.knowledge import Knowledge

__all__ = ["FileContents", "parse_requirement_file"]


@record(frozen=True)
class FileContents:
    """What a file asks for; `python` and `cuda` where it fixes them."""

    requirements: tuple[Requirement, ...]
    python: str = ""
    cuda: str = ""
    channel: str = ""


@record(frozen=True)
class _Entry:
    text: str
    line: int
    build: str = ""
    """Build that the entry's index implies."""


_INDEX_BUILD = re.compile(r"/whl/(?:[a-z/0-9.]*/)?(cpu|cu\d{2,3})\b")
_CONDA_CUDA = re.compile(r"^(cudatoolkit|pytorch-cuda|cuda-version|cuda-toolkit)$")
_CONDA_NAMES = {"pytorch-gpu": "pytorch", "pytorch-cpu": "pytorch+cpu", "jaxlib": "jaxlib"}


def parse_requirement_file(path: str, text: str, knowledge: Knowledge) -> FileContents:
    """Parse a file by its name and content. Raises `InputError` with every fault and its line."""
    name = path.replace("\\", "/").rpartition("/")[2].lower()
    if name.endswith((".yml", ".yaml")):
        return _collect(path, *_read_conda(path, text), knowledge)
    if name == "uv.lock" or name.endswith(".toml"):
        document = _load_toml(path, text)
        return _collect(path, *_read_toml(document, text), knowledge)
    return _collect(path, list(_read_pip(text)), {}, knowledge)


def _collect(
    path: str, entries: list[_Entry], fixed: Mapping[str, str], knowledge: Knowledge
) -> FileContents:
    requirements: list[Requirement] = []
    faults: list[str] = []
    for entry in entries:
        try:
            requirement = parse_requirement(entry.text, knowledge, f"{path}:{entry.line}")
        except InputError as error:
            faults += error.faults
            continue
        if entry.build and requirement.is_framework and not requirement.build:
            requirement = replace(requirement, build=entry.build)
        requirements.append(requirement)
    if faults:
        raise InputError(*faults)
    return FileContents(
        tuple(requirements),
        fixed.get("python", ""),
        fixed.get("cuda", ""),
        fixed.get("channel", ""),
    )


def _read_pip(text: str) -> Iterator[_Entry]:
    """Read requirements.txt: indexes imply a build; options, comments, hashes, markers and URLs are left out."""
    lines = [line.split(" #")[0].strip() for line in text.replace("\\\n", "  ").split("\n")]
    found = next(
        (
            match[1]
            for line in lines
            if line.startswith("-") and (match := _INDEX_BUILD.search(line))
        ),
        "",
    )
    for number, line in enumerate(lines, start=1):
        if not line or line.startswith(("#", "-")):
            continue
        spec = re.split(r"\s--hash|;|\s@\s", line)[0].strip()
        yield _Entry(spec, number, found if re.match(r"torch", spec) else "")


def _load_toml(path: str, text: str) -> Mapping[str, Any]:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        document: Mapping[str, Any] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path}: no valid TOML: {error}") from None
    return document


def _read_toml(document: Mapping[str, Any], text: str) -> tuple[list[_Entry], dict[str, str]]:
    packages = document.get("packages") or document.get("package")
    if isinstance(packages, list):
        return list(_read_lock(packages, text)), {
            "python": _python(document.get("requires-python"))
        }
    if "project" in document or "dependency-groups" in document:
        return _read_project(document, text)
    if "dependencies" in document or "pypi-dependencies" in document or "workspace" in document:
        return _read_pixi(document, text)
    return [], {}


def _read_lock(packages: list[Any], text: str) -> Iterator[_Entry]:
    """Read pylock.toml or uv.lock: every package is pinned; the index of a torch wheel implies its build."""
    for package in packages:
        if not isinstance(package, dict) or "version" not in package:
            continue
        index = package.get("index") or package.get("source", {})
        found = _INDEX_BUILD.search(str(index))
        name = str(package.get("name", ""))
        yield _Entry(
            f"{name}=={package['version']}",
            _line_of(text, f'name = "{name}"'),
            found[1] if found else "",
        )


def _read_project(document: Mapping[str, Any], text: str) -> tuple[list[_Entry], dict[str, str]]:
    tool = document.get("tool", {}).get("uv", {})
    urls = {
        index.get("name"): index.get("url", "")
        for index in tool.get("index", ())
        if isinstance(index, dict)
    }
    builds: dict[str, str] = {}
    for name, source in tool.get("sources", {}).items():
        for each in source if isinstance(source, list) else [source]:
            if found := _INDEX_BUILD.search(urls.get(each.get("index"), "")):
                builds.setdefault(name, found[1])
    project = document.get("project", {})
    entries = []
    for dependency in project.get("dependencies", ()):
        spec = str(dependency).split(";")[0].split(" @ ")[0].strip()
        name = re.split(r"[\[<>=!~ ]", spec)[0]
        entries.append(_Entry(spec, _line_of(text, str(dependency)), builds.get(name, "")))
    return entries, {"python": _python(project.get("requires-python"))}


def _read_pixi(document: Mapping[str, Any], text: str) -> tuple[list[_Entry], dict[str, str]]:
    fixed: dict[str, str] = {"channel": "conda-forge"}
    entries: list[_Entry] = []
    for table, separator in (("dependencies", "conda"), ("pypi-dependencies", "pip")):
        for name, value in document.get(table, {}).items():
            version = value.get("version", "") if isinstance(value, dict) else str(value)
            build = value.get("build", "") if isinstance(value, dict) else ""
            line = _line_of(text, name)
            specifier = (
                _specifier(version)
                if separator == "conda"
                else version.replace("*", "", version == "*")
            )
            _add_conda(name, specifier, build, line, entries, fixed)
    return entries, fixed


def _read_conda(path: str, text: str) -> tuple[list[_Entry], dict[str, str]]:
    """Read environment.yml: conda specs, then the `pip:` section."""
    import yaml

    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise InputError(f"{path}: no valid YAML: {' '.join(str(error).split())}") from None
    if not isinstance(document, dict) or not isinstance(document.get("dependencies"), list):
        raise InputError(f"{path}: no conda environment: it has no list `dependencies`")
    channels = [str(channel) for channel in document.get("channels") or ()]
    fixed = {"channel": "conda:pytorch" if "pytorch" in channels else "conda-forge"}
    entries: list[_Entry] = []
    for dependency in document["dependencies"]:
        if isinstance(dependency, dict):
            for spec in dependency.get("pip") or ():
                entries += [
                    replace(each, line=_line_of(text, str(spec))) for each in _read_pip(str(spec))
                ]
            continue
        spec = str(dependency).rpartition("::")[2].strip()
        name, _, rest = (
            spec.replace(" ", "=", 1).partition("=")
            if "=" in spec or " " in spec
            else (spec, "", "")
        )
        if found := re.match(r"([A-Za-z0-9._-]+)([<>!~].*)", spec):
            name, rest = found[1], found[2]
        version, _, build = (
            rest.lstrip("=").partition("=")
            if not rest.startswith(("<", ">", "!", "~"))
            else (rest, "", "")
        )
        _add_conda(
            name, _specifier(version), build, _line_of(text, str(dependency)), entries, fixed
        )
    return entries, fixed


def _add_conda(
    name: str, specifier: str, build: str, line: int, entries: list[_Entry], fixed: dict[str, str]
) -> None:
    if name == "python":
        fixed["python"] = _python(specifier)
        return
    if _CONDA_CUDA.match(name):
        if found := re.search(r"\d+(?:\.\d+)?", specifier):
            fixed["cuda"] = found[0]
        return
    label = ""
    if found := re.search(r"cuda?-?(\d{2,3}(?:\.\d)?)|(cpu)", build):
        label = "cpu" if found[2] else "cu" + found[1].replace(".", "")
        label = label if label == "cpu" or cuda_of_build(label) or len(label) == 4 else ""
    base = _CONDA_NAMES.get(name, name)
    entries.append(_Entry(f"{base}{specifier}", line, label))


def _specifier(version: str) -> str:
    """Turn conda's `2.9.*`, `2.9` or `>=2.4,<3` into a PEP 440 specifier."""
    text = version.strip()
    if not text or text == "*":
        return ""
    if text[0] in "<>!~":
        return text
    text = text.lstrip("=")
    return f"=={text}" if text.endswith("*") or text.count(".") >= 2 else f"=={text}.*"


def _python(specifier: object) -> str:
    """Return the Python minor version that a specifier fixes; a floor alone fixes none."""
    found = re.match(r"==?\s*(\d\.\d+)|^(\d\.\d+)", str(specifier or "").strip())
    return (found[1] or found[2]) if found else ""


def _line_of(text: str, part: str) -> int:
    position = text.find(part)
    return text.count("\n", 0, position) + 1 if position >= 0 else 1
