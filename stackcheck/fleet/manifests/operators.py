"""Resources of operators: Ray's RayJob and Kubeflow's TrainJob."""

from __future__ import annotations

import json

from stackcheck.fleet.manifests.pod import make_pod
from stackcheck.fleet.manifests.settings import Resource, Settings

__all__ = ["RAY_VERSION", "make_ray_job", "make_train_job"]

RAY_VERSION = "2.60.0"
_SECONDS, _KEEP_SECONDS = 1800, 3600


def make_ray_job(settings: Settings, action: str) -> list[Resource]:
    """Return a cluster of one worker a node that runs `fleet doctor` or `fleet train-smoke` and is taken down."""
    entrypoint = f"stackcheck fleet {action} --ray auto --json"
    if action == "train-smoke":
        ranks = settings.nodes * settings.gpus
        entrypoint += f" --ranks {ranks} --library {settings.library} --timeout 120"
    image = settings.image or f"rayproject/ray:{RAY_VERSION}-gpu"
    head = {
        "name": "ray-head",
        "image": image,
        "resources": {"limits": {"cpu": "2", "memory": "4Gi"}},
    }
    worker = {
        "name": "ray-worker",
        "image": image,
        "resources": {"limits": {"nvidia.com/gpu": settings.gpus}},
    }
    needs = json.dumps({"pip": [f"stackcheck=={settings.version}"]})
    spec: Resource = {
        "entrypoint": entrypoint,
        "shutdownAfterJobFinishes": True,
        "ttlSecondsAfterFinished": _KEEP_SECONDS,
        "activeDeadlineSeconds": _SECONDS,
        **({} if settings.image else {"runtimeEnvYAML": needs}),
        "rayClusterSpec": {
            **({} if settings.image else {"rayVersion": RAY_VERSION}),
            "headGroupSpec": {
                "rayStartParams": {"num-gpus": "0"},
                "template": {"spec": {"containers": [head]}},
            },
            "workerGroupSpecs": [
                {
                    "groupName": "gpu",
                    "replicas": settings.nodes,
                    "minReplicas": settings.nodes,
                    "maxReplicas": settings.nodes,
                    "rayStartParams": {},
                    "template": {"spec": make_pod(settings, worker)},
                }
            ],
        },
    }
    return [
        {"apiVersion": "ray.io/v1", "kind": "RayJob", "metadata": settings.metadata(), "spec": spec}
    ]


def make_train_job(settings: Settings) -> list[Resource]:
    """Return a TrainJob on the operator's own PyTorch runtime, whose `torchrun` starts a process per GPU."""
    return [
        {
            "apiVersion": "trainer.kubeflow.org/v1alpha1",
            "kind": "TrainJob",
            "metadata": settings.metadata(),
            "spec": {
                "runtimeRef": {"name": "torch-distributed"},
                "trainer": {
                    "image": settings.image,
                    "command": ["torchrun", "--no-python"],
                    "args": [
                        *("stackcheck", "fleet", "train-smoke", "--library", "torch"),
                        *("--timeout", "120"),
                    ],
                    "numNodes": settings.nodes,
                    "numProcPerNode": settings.gpus,
                    "resourcesPerNode": {"limits": {"nvidia.com/gpu": settings.gpus}},
                },
            },
        }
    ]
