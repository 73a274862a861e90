"""Rules over what frameworks say of themselves once imported: `doctor --deep`.

The catalogue's other rules read files and never import a framework. These are given what each framework answered in a
process of its own, and follow from whatever else explains it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from stackcheck.model.build import Build
from stackcheck.model.finding import Evidence, Finding, Fix
from stackcheck.model.version import InvalidVersion, parse_version
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import NotApplicable, has_nvidia_gpu

__all__ = ["Observations", "deep_rules"]

Observations = Mapping[str, Mapping[str, Any]]
"""Framework to what it said: `imported`, `version`, `cuda`, `gpus`, `errors`, or `crashed` with the reason."""

_KEEPS_FROM_IMPORTING = (
    *(
        "TK-02",
        "TK-03",
        "TK-11",
        "DN-01",
        "DN-02",
        "DN-03",
        "DN-04",
        "DN-06",
        "NC-08",
        "CT-04",
        "JT-03",
    ),
    *("PY-04", "PY-07", "PY-11", "PY-13", "PY-14", "PY-16", "PY-17", "PY-18", "PY-21"),
)
_KEEPS_FROM_THE_GPU = (
    *("HW-02", "HW-03", "HW-07", "HW-08", "HW-11", "HW-14", "HW-15"),
    *("KM-01", "KM-02", "KM-03", "KM-04", "KM-05", "KM-06", "KM-07", "KM-08", "KM-09"),
    *("KM-10", "KM-11", "KM-12", "KM-13", "DV-01", "DV-02", "DV-03", "DV-04", "DV-06"),
    *("DV-10", "DV-11", "DV-12", "VM-01", "VM-03", "VM-05", "WS-01", "WS-02", "WS-03"),
    *("WS-04", "CT-03", "CT-04", "CT-05", "CT-06", "CT-08", "DR-01", "DR-10", "DR-11"),
    *("DR-12", "VS-01", "VS-03", "VS-05", "TK-02", "DN-01", "PY-01", "PY-02", "PY-03"),
    *("PY-04", "JT-01", "RS-05", "PY-22"),
)


def _seen(
    situation: Situation, observations: Observations
) -> list[tuple[Build, Mapping[str, Any]]]:
    if not observations:
        raise NotApplicable("nothing was imported; --deep does")
    return [
        (build, observations[build.framework])
        for build in situation.builds
        if build.framework in observations
    ]


def _judge_import(situation: Situation, observations: Observations) -> Finding | None:
    for build, said in _seen(situation, observations):
        reason = said.get("crashed") or (said.get("errors") or {}).get("import")
        if not reason:
            continue
        return IMPORT.finding(
            f"{build.label} cannot be imported: {str(reason).strip().splitlines()[-1][:160]}",
            evidence=(
                Evidence(
                    f"import of {build.framework}", str(reason).strip()[-400:], "its own process"
                ),
            ),
            cause="What is installed does not load in its own interpreter.",
            fix=Fix(
                "See what the message means",
                (f"python -c 'import {build.distribution}' 2>&1 | stackcheck explain -",),
            ),
            verify="stackcheck doctor --deep --only PY-22",
            subject=build.label,
        )
    return None


def _judge_gpus(situation: Situation, observations: Observations) -> Finding | None:
    seen = _seen(situation, observations)
    if not has_nvidia_gpu(situation.machine):
        raise NotApplicable("no NVIDIA GPU here")
    for build, said in seen:
        if not build.is_gpu or said.get("gpus") is None or said["gpus"]:
            continue
        reason = (said.get("errors") or {}).get("gpus", "")
        return GPUS.finding(
            f"{build.label} sees no GPU, and this machine has one"
            + (f": {reason}" if reason else ""),
            evidence=(Evidence(f"GPUs by {build.framework}", "none", "its own process"),),
            cause="Nothing that can be seen from outside explains it."
            if not reason
            else str(reason),
            fix=Fix("Try the GPU below the framework", ("stackcheck train-smoke --device cuda",)),
            verify="stackcheck doctor --deep --only PY-23",
            subject=build.label,
        )
    return None


def _judge_build(situation: Situation, observations: Observations) -> Finding | None:
    for build, said in _seen(situation, observations):
        try:
            version = parse_version(str(said.get("version") or build.version))
            cuda = parse_version(str(said["cuda"])) if said.get("cuda") else None
        except InvalidVersion:
            continue
        differs = version.public != build.version.public
        other_cuda = cuda is not None and build.cuda is not None and cuda.major != build.cuda.major
        if not differs and not other_cuda:
            continue
        told = f"{version} for CUDA {cuda}" if cuda else str(version)
        return BUILD.finding(
            f"metadata says {build.label}, and what is imported says {told}",
            evidence=(
                Evidence("metadata", build.label, "environment"),
                Evidence("imported", told, "its own process"),
            ),
            cause="Another copy is found first, or files of two versions are mixed.",
            fix=Fix(
                "Install it again",
                (f"python -m pip install --force-reinstall {build.distribution}=={build.version}",),
                reversible=True,
            ),
            verify="stackcheck doctor --deep --only PY-24",
            subject=build.label,
        )
    return None


def deep_rules(observations: Observations) -> tuple[MachineRule, ...]:
    """Return the rules, judging what was observed. Without observations they are skipped."""
    return (
        replace(IMPORT, judge=lambda situation: _judge_import(situation, observations)),
        replace(GPUS, judge=lambda situation: _judge_gpus(situation, observations)),
        replace(BUILD, judge=lambda situation: _judge_build(situation, observations)),
    )


IMPORT = MachineRule(
    code="PY-22",
    reason="other",
    layer="python",
    title="the framework cannot be imported",
    explanation="Seen only by importing it, which `doctor --deep` does in a process of its own.",
    messages=("ImportError", "OSError: undefined symbol"),
    source="StackCheck: doctor --deep",
    follows=_KEEPS_FROM_IMPORTING,
    judge=lambda situation: _judge_import(situation, {}),
)
GPUS = MachineRule(
    code="PY-23",
    reason="other",
    layer="python",
    title="the framework sees no GPU",
    explanation="Every cause that can be seen from outside is a rule of its own; this is what is left.",
    messages=("torch.cuda.is_available() is False",),
    source="StackCheck: doctor --deep",
    follows=_KEEPS_FROM_THE_GPU,
    judge=lambda situation: _judge_gpus(situation, {}),
)
BUILD = MachineRule(
    code="PY-24",
    reason="other",
    layer="python",
    severity="warning",
    title="metadata and what is imported differ",
    explanation="Metadata tells what was installed last, the import what is found first.",
    source="StackCheck: doctor --deep",
    follows=("PY-11", "PY-17"),
    judge=lambda situation: _judge_build(situation, {}),
)
