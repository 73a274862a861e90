"""What may stand in a matrix file, as pydantic models; editors get their JSON Schema from here.

A framework's rows are written in four steps, each overriding the one before: the file's `defaults`, the release, the
named `sets` that a build uses, and the build. A list of channels or platforms stands for one row each. Mappings are
merged key by key; everything else replaces.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from stackcheck.knowledge import rows
from stackcheck.knowledge.compilation import FRAMEWORK_NAME
from stackcheck.knowledge.fields import (
    ArchitecturesText,
    DateText,
    DayText,
    SpecifierText,
    VersionText,
    WordsText,
)
from stackcheck.knowledge.source import SCHEMA_VERSION
from stackcheck.model.build import RowEvidence

__all__ = [
    "DOCUMENTS",
    "BuildEntry",
    "ExtensionDocument",
    "FrameworkDocument",
    "NvidiaDocument",
    "QuirksDocument",
    "ReleaseEntry",
    "Values",
    "json_schemas",
]

Channel = Annotated[str, Field(pattern=r"^[a-z][a-z0-9:-]*$")]
Platform = Literal[
    "linux-x86_64",
    "linux-aarch64",
    "jetson",
    "windows-x86_64",
    "macos-arm64",
    "macos-x86_64",
]
CudaLinkage = Literal["bundled", "pinned", "floor", "system", "none"]
CudnnLinkage = Literal["static", "bundled", "pinned", "floor", "system", "none"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Values(_Strict):
    """What defaults, sets, releases and builds may say."""

    distribution: str | None = None
    cuda: VersionText | None = None
    cuda_linkage: CudaLinkage | None = None
    cudnn: VersionText | None = None
    cudnn_linkage: CudnnLinkage | None = None
    nccl: VersionText | None = None
    architectures: ArchitecturesText | None = None
    requires_python: SpecifierText | None = None
    python_tags: WordsText | None = None
    glibc: VersionText | None = None
    numpy: SpecifierText | None = None
    protobuf: SpecifierText | None = None
    requires: dict[str, SpecifierText] | None = None
    companions: dict[str, str] | None = None
    install: str | None = None
    image: str | None = None
    released: DateText | None = None
    end_of_life: DateText | None = None
    default: bool | None = None
    yanked: bool | None = None
    jit: WordsText | None = None
    capability_max: VersionText | None = None
    evidence: tuple[RowEvidence, ...] | None = None


class BuildEntry(Values):
    """One build of a release, on each of its channels and platforms."""

    build: str
    channel: Channel | tuple[Channel, ...]
    platform: Platform | tuple[Platform, ...]
    use: tuple[str, ...] = ()
    withdrawn: bool = False


class ReleaseEntry(Values):
    """A release, and the builds that it had."""

    version: VersionText
    use: tuple[str, ...] = ()
    builds: tuple[BuildEntry, ...] = Field(min_length=1)


class NameEntry(_Strict):
    """What a name that users write means, where it means more than the framework."""

    distribution: str | None = None
    build: str = ""


class _Document(_Strict):
    schema_: str = Field(alias="schema")
    as_of: DayText
    sources: dict[str, RowEvidence] = Field(default_factory=dict)


class FrameworkDocument(_Document):
    """matrices/frameworks/NAME.yaml. `releases` stands last: what is above is read without it."""

    framework: Annotated[str, Field(pattern=FRAMEWORK_NAME)]
    title: str
    distribution: str
    """Name to install where nothing else is said."""
    names: dict[str, NameEntry] = Field(default_factory=dict)
    install: dict[str, str] = Field(default_factory=dict)
    """Channel, or `channel/cpu`, to the command that installs a build."""
    sets: dict[str, Values] = Field(default_factory=dict)
    defaults: Values = Field(default_factory=Values)
    releases: tuple[ReleaseEntry, ...] = ()


class NvidiaDocument(_Document):
    """matrices/nvidia/*.yaml: any of the tables."""

    drivers: tuple[rows.DriverBranch, ...] = ()
    floors: tuple[rows.DriverFloor, ...] = ()
    cuda: tuple[rows.CudaRelease, ...] = ()
    architectures: tuple[rows.ArchitectureLife, ...] = ()
    gpus: tuple[rows.GpuProduct, ...] = ()
    libraries: tuple[rows.LibrarySeries, ...] = ()
    cudnn_support: tuple[rows.CudnnSupport, ...] = ()
    forward: tuple[rows.ForwardPackage, ...] = ()
    systems: tuple[rows.OsRelease, ...] = ()
    jetpacks: tuple[rows.JetPack, ...] = ()


class QuirksDocument(_Document):
    """matrices/quirks.yaml."""

    quirks: tuple[rows.Quirk, ...] = ()


class ExtensionDocument(_Document):
    """matrices/extensions/NAME.yaml."""

    extensions: tuple[rows.ExtensionRelease, ...] = ()


DOCUMENTS: dict[str, type[_Document]] = {
    "framework": FrameworkDocument,
    "nvidia": NvidiaDocument,
    "quirks": QuirksDocument,
    "extension": ExtensionDocument,
}
"""Kind, as in `schema: stackcheck.<kind>/1`, to what such a file holds."""


_TEXT = {"type": "string"}
_WRITTEN_EVIDENCE = {
    "description": "The name of one of the file's `sources`, a wheel, or a source spelt out. "
    "`checked` is the file's `as_of` where it is left out.",
    "anyOf": [
        _TEXT,
        {
            "type": "object",
            "properties": {"wheel": _TEXT, "sha256": _TEXT, "checked": _TEXT},
            "required": ["wheel"],
            "additionalProperties": False,
        },
        {
            "type": "object",
            "properties": {
                "kind": {"enum": ["wheel", "doc", "report"]},
                "source": _TEXT,
                "checked": _TEXT,
                "sha256": _TEXT,
            },
            "required": ["kind", "source"],
            "additionalProperties": False,
        },
    ],
}


def json_schemas() -> dict[str, dict[str, Any]]:
    """Return the JSON Schema of every kind of matrix file as people write it, for editors."""
    schemas = {}
    for kind, model in DOCUMENTS.items():
        name = f"matrix-{kind}"
        schema = TypeAdapter(model).json_schema(by_alias=True)
        schema["$defs"]["RowEvidence"] = _WRITTEN_EVIDENCE
        schemas[name] = {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "$id": f"stackcheck.{name}/{SCHEMA_VERSION}",
            **schema,
        }
    return schemas
