"""Plans as JSON: in journals, and in the environments that were made from them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stackcheck.model.build import Build
from stackcheck.model.plan import Plan
from stackcheck.model.version import Architecture, Version, parse_version

__all__ = ["dump_plan", "load_plan"]


def _text(version: Version | None) -> str | None:
    return None if version is None else str(version)


def _build_document(build: Build) -> dict[str, Any]:
    known = build.architectures
    return {
        "framework": build.framework,
        "version": str(build.version),
        "build": build.build,
        "channel": build.channel,
        "platform": build.platform,
        "distribution": build.distribution,
        "install": build.install,
        "cuda": _text(build.cuda),
        "cudnn": _text(build.cudnn),
        "cuda_linkage": build.cuda_linkage,
        "cudnn_linkage": build.cudnn_linkage,
        "glibc": _text(build.glibc),
        "architectures": None if known is None else [str(entry) for entry in known],
        "companions": dict(build.companions),
    }


def dump_plan(plan: Plan) -> dict[str, Any]:
    """Return the plan with all that `load_plan` needs, in the names of the contract where it has them."""
    return {
        "python": plan.python,
        "cuda": _text(plan.cuda),
        "cudnn": _text(plan.cudnn),
        "nccl": _text(plan.nccl),
        "builds": [_build_document(build) for build in plan.builds],
        "packages": dict(plan.packages),
        "platform": plan.platform,
        "glibc": _text(plan.glibc),
        "driver_cuda": _text(plan.driver_cuda),
        "capabilities": [str(each) for each in plan.capabilities],
        "machine": list(plan.machine),
        "exclude_newer": plan.exclude_newer,
    }


def _version(text: str | None) -> Version | None:
    return parse_version(text) if text else None


def _read_build(content: Mapping[str, Any]) -> Build:
    known = content.get("architectures")
    return Build(
        framework=content["framework"],
        version=parse_version(content["version"]),
        build=content["build"],
        channel=content["channel"],
        platform=content["platform"],
        distribution=content["distribution"],
        install=content.get("install", ""),
        cuda=_version(content.get("cuda")),
        cudnn=_version(content.get("cudnn")),
        cuda_linkage=content.get("cuda_linkage", ""),
        cudnn_linkage=content.get("cudnn_linkage", ""),
        glibc=_version(content.get("glibc")),
        architectures=None if known is None else tuple(Architecture.parse(text) for text in known),
        companions=content.get("companions", {}),
    )


def load_plan(content: Mapping[str, Any]) -> Plan:
    """Return the plan of a document. Raises `KeyError`, `ValueError` or `InvalidVersion` for a damaged one."""
    return Plan(
        builds=tuple(_read_build(entry) for entry in content["builds"]),
        python=content["python"],
        cuda=_version(content["cuda"]),
        cudnn=_version(content["cudnn"]),
        nccl=_version(content.get("nccl")),
        packages=content.get("packages", {}),
        platform=content["platform"],
        glibc=_version(content.get("glibc")),
        driver_cuda=_version(content.get("driver_cuda")),
        capabilities=tuple(parse_version(text) for text in content.get("capabilities", ())),
        machine=tuple(content.get("machine", ())),
        exclude_newer=content.get("exclude_newer", ""),
    )
