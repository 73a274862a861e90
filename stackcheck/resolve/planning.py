"""From the search's choices to a plan."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence

from stackcheck.knowledge.knowledge import Knowledge
from stackcheck.model.build import Build
from stackcheck.model.plan import Plan, Requirement
from stackcheck.model.version import Version
from stackcheck.resolve.search import PYTHON, Choice, Extension
from stackcheck.rules.driver.coverage import name_of
from stackcheck.rules.rule import Situation

__all__ = ["cut_off_date", "make_plan"]

_MODERN = "2024-06-01"
"""Releases since NumPy 2 declare what they need well enough."""


def make_plan(
    builds: Sequence[Build],
    mapping: Mapping[str, Choice],
    situations: Sequence[Situation],
    requirements: Sequence[Requirement],
) -> Plan:
    """Assemble the plan: builds, Python, CUDA, cuDNN and NCCL, and the pins that keep open requirements in place."""
    compiled = [build for build in builds if not build.from_source]
    cuda = max((build.cuda for build in compiled if build.cuda is not None), default=None)
    glibc = [
        value
        for situation in situations
        if (value := situation.machine.host.glibc.peek()) is not None
    ]
    drivers = [
        value for situation in situations if (value := situation.driver_cuda.peek()) is not None
    ]
    capabilities = {
        capability
        for situation in situations
        for gpu in situation.machine.gpus.peek() or ()
        if (capability := gpu.compute_capability.peek()) is not None
    }
    return Plan(
        builds=tuple(builds),
        python=str(mapping[PYTHON].value),
        cuda=cuda,
        cudnn=_library("nvidia-cudnn", mapping)
        or next((b.cudnn for b in builds if b.is_gpu and b.cudnn), None),
        nccl=_library("nvidia-nccl", mapping)
        or next((b.nccl for b in builds if b.is_gpu and b.nccl), None),
        packages={
            **_held(builds, mapping, situations[0].knowledge),
            **_wished(requirements, builds, mapping),
        },
        platform=builds[0].platform,
        glibc=min(glibc, default=None),
        driver_cuda=min(drivers, default=None),
        capabilities=tuple(sorted(capabilities)),
        machine=tuple(_needs(builds, situations)),
        exclude_newer=cut_off_date(builds),
    )


def _library(prefix: str, mapping: Mapping[str, Choice]) -> Version | None:
    for name, choice in mapping.items():
        if name.startswith(prefix) and isinstance(choice.value, Version):
            return choice.value
    return None


def _held(
    builds: Sequence[Build], mapping: Mapping[str, Choice], knowledge: Knowledge
) -> dict[str, str]:
    """Pin what the builds leave open and must not float: NumPy and protobuf by their caps, and held-back libraries.

    A library is held back where its newest release has no code for some GPU, or does not agree with another build.
    """
    held: dict[str, str] = {}
    for build in builds:
        for name, specifier in build.requires.items():
            choice = mapping.get(name)
            exact = specifier.startswith("==") and "*" not in specifier
            releases = knowledge.libraries.get(name, ())
            if (
                not exact
                and choice is not None
                and releases
                and choice.value != releases[0].version
            ):
                held[name] = f"=={choice.value}"
        for name, cap in (("numpy", build.numpy), ("protobuf", build.protobuf)):
            if cap:
                held[name] = ",".join(
                    dict.fromkeys(filter(None, (*held.get(name, "").split(","), *cap.split(","))))
                )
    return held


def _wished(
    requirements: Sequence[Requirement], builds: Sequence[Build], mapping: Mapping[str, Choice]
) -> dict[str, str]:
    """Pin satellites to the partner of their framework and extensions to what was chosen; take the rest as written."""
    partners = {name: version for build in builds for name, version in build.companions.items()}
    wished: dict[str, str] = {}
    for requirement in requirements:
        if not requirement.is_framework:
            partner = partners.get(requirement.name)
            choice = mapping.get(requirement.name)
            if choice is not None and isinstance(choice.value, Extension):
                partner = str(choice.value.version)
            wished[requirement.name] = requirement.specifier or (f"=={partner}" if partner else "")
    return wished


def _needs(builds: Sequence[Build], situations: Sequence[Situation]) -> list[str]:
    """Say what a machine needs to run the plan."""
    knowledge = situations[0].knowledge
    needs: list[str] = []
    newest = max(
        (build for build in builds if build.cuda is not None),
        key=lambda b: b.cuda or Version("0"),
        default=None,
    )
    if newest is not None and newest.cuda is not None:
        floor = knowledge.driver_floor(newest.cuda, situations[0].platform)
        if floor is not None:
            needs.append(f"NVIDIA driver {floor} or newer (CUDA {newest.cuda})")
        names = sorted(
            {name_of(gpu) for each in situations for gpu in each.machine.gpus.peek() or ()}
        )
        codes = " ".join(map(str, newest.architectures or ()))
        if names:
            needs.append(f"made for {', '.join(names)}")
        if codes:
            needs.append(f"GPU code: {codes}")
    glibc = max((build.glibc for build in builds if build.glibc is not None), default=None)
    if glibc is not None:
        needs.append(f"glibc {glibc} or newer")
    return needs


def cut_off_date(builds: Sequence[Build]) -> str:
    """Return the date to tell installers for old releases, so that they do not take today's dependencies.

    Two months after the release: projects upload what it needs some days later.
    """
    newest = max((build.released for build in builds if len(build.released) == 10), default="")
    if not newest or newest >= _MODERN:
        return ""
    return (datetime.date.fromisoformat(newest) + datetime.timedelta(days=60)).isoformat()
