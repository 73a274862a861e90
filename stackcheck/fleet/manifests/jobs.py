"""Indexed Jobs: a pod on each of N nodes, for the doctor and for training together."""

from __future__ import annotations

from stackcheck.fleet.manifests.pod import make_container, make_pod, make_shell
from stackcheck.fleet.manifests.settings import Resource, Settings

__all__ = ["PORT", "make_doctor_job", "make_smoke_job"]

PORT = 29400
_DOCTOR_SECONDS, _SMOKE_SECONDS, _KEEP_SECONDS = 900, 1800, 86400
_DOCTOR = (
    "stackcheck probe --output /tmp/facts.json && cat /tmp/facts.json"
    " && exec stackcheck doctor --facts /tmp/facts.json --require-gpu --format reason > /dev/termination-log"
)
"""The log is the node's facts, for `fleet doctor --facts`; the pod's message is the one line of its own verdict."""


def make_doctor_job(settings: Settings) -> list[Resource]:
    """Return the Job whose pods each judge their node; a node that is not well is a failed index."""
    container = make_container(settings, "doctor", make_shell(settings, _DOCTOR), gpus=True)
    return [_make_job(settings, make_pod(settings, container), _DOCTOR_SECONDS)]


def make_smoke_job(settings: Settings) -> list[Resource]:
    """Return the Job whose pods train together, and the headless Service by which they find the first."""
    command = [
        *("stackcheck", "fleet", "train-smoke", "--library", settings.library),
        *("--local-ranks", str(settings.gpus), "--timeout", "120"),
    ]
    places = {
        "WORLD_SIZE": str(settings.nodes * settings.gpus),
        "MASTER_ADDR": f"{settings.name}-0.{settings.name}",
        "MASTER_PORT": str(PORT),
    }
    container = make_container(
        settings,
        "rank",
        command,
        gpus=True,
        env=[{"name": name, "value": value} for name, value in places.items()],
        volumeMounts=[{"name": "shared-memory", "mountPath": "/dev/shm"}],  # noqa: S108  # NCCL's
    )
    pod = make_pod(
        settings,
        container,
        subdomain=settings.name,
        volumes=[{"name": "shared-memory", "emptyDir": {"medium": "Memory", "sizeLimit": "8Gi"}}],
    )
    service: Resource = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": settings.metadata(),
        "spec": {
            "clusterIP": "None",
            "publishNotReadyAddresses": True,
            "selector": settings.labels,
            "ports": [{"name": "rendezvous", "port": PORT}],
        },
    }
    return [service, _make_job(settings, pod, _SMOKE_SECONDS)]


def _make_job(settings: Settings, pod: Resource, seconds: int) -> Resource:
    apart = {
        "requiredDuringSchedulingIgnoredDuringExecution": [
            {
                "labelSelector": {"matchLabels": settings.labels},
                "topologyKey": "kubernetes.io/hostname",
            }
        ]
    }
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": settings.metadata(),
        "spec": {
            "completionMode": "Indexed",
            "completions": settings.nodes,
            "parallelism": settings.nodes,
            "backoffLimitPerIndex": 0,
            "maxFailedIndexes": settings.nodes,  # the others finish, whatever becomes of one
            "activeDeadlineSeconds": seconds,
            "ttlSecondsAfterFinished": _KEEP_SECONDS,
            "template": {
                "metadata": {"labels": settings.labels},
                "spec": {**pod, "restartPolicy": "Never", "affinity": {"podAntiAffinity": apart}},
            },
        },
    }
