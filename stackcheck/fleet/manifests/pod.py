"""The pod that all resources share: one container that needs no rights, on nodes with GPUs."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import Any

from stackcheck.fleet.manifests.settings import Resource, Settings

__all__ = ["PLAIN_IMAGE", "make_container", "make_pod", "make_shell"]

PLAIN_IMAGE = "python:3.13-slim"
_NOBODY = 65534


def make_shell(settings: Settings, script: str) -> list[str]:
    """Return the command that runs a script in which `stackcheck` is a command."""
    if settings.image is None:
        wanted = shlex.quote(f"stackcheck=={settings.version}")
        script = (
            f"python -m venv /tmp/venv && /tmp/venv/bin/pip install --quiet {wanted}"
            f" && export PATH=/tmp/venv/bin:$PATH && {script}"
        )
    return ["sh", "-c", script]


def make_container(
    settings: Settings, name: str, command: Sequence[str], *, gpus: bool, **more: Any
) -> Resource:
    """Return the container: no privileges, its own name of the node, and the GPUs that it asks for."""
    variables = [
        {"name": "NODE_NAME", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
        {"name": "HOME", "value": "/tmp"},  # noqa: S108  # of the container
        *more.pop("env", ()),
    ]
    resources = {"limits": {"nvidia.com/gpu": settings.gpus}} if gpus else {}
    return {
        "name": name,
        "image": settings.image or PLAIN_IMAGE,
        "command": list(command),
        "env": variables,
        **({"resources": resources} if resources else {}),
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "runAsNonRoot": True,
            "runAsUser": _NOBODY,
            "runAsGroup": _NOBODY,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        **more,
    }


def make_pod(settings: Settings, container: Resource, **more: Any) -> Resource:
    """Return the pod's specification: nodes with GPUs and their taint, no token of the cluster's own API."""
    chosen = {"nodeSelector": dict(settings.selector)} if settings.selector else {}
    runtime = {"runtimeClassName": settings.runtime_class} if settings.runtime_class else {}
    return {
        **chosen,
        **runtime,
        "automountServiceAccountToken": False,
        "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}],
        "containers": [container],
        **more,
    }
