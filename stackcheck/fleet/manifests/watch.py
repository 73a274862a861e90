"""A DaemonSet that judges every node again and again, for the textfile collector of Prometheus' node exporter."""

from __future__ import annotations

from stackcheck.fleet.manifests.pod import make_container, make_pod, make_shell
from stackcheck.fleet.manifests.settings import Resource, Settings

__all__ = ["make_watch"]

_COLLECTOR = "/var/lib/node_exporter/textfile_collector"
_SECONDS = 300
_LOOP = (
    "while :; do stackcheck doctor --require-gpu --format prometheus --output /metrics/stackcheck.prom || true;"
    f" sleep {_SECONDS}; done"
)


def make_watch(settings: Settings) -> list[Resource]:
    """Return the DaemonSet. It claims no GPU: the runtime class shows it all of them, for management only."""
    container = make_container(
        settings,
        "watch",
        make_shell(settings, _LOOP),
        gpus=False,
        env=[
            {"name": "NVIDIA_VISIBLE_DEVICES", "value": "all"},
            {"name": "NVIDIA_DRIVER_CAPABILITIES", "value": "utility,compute"},
        ],
        volumeMounts=[{"name": "metrics", "mountPath": "/metrics"}],
    )
    # the collector's folder on the node belongs to root
    container["securityContext"] |= {"runAsNonRoot": False, "runAsUser": 0, "runAsGroup": 0}
    selector = settings.selector or {"nvidia.com/gpu.present": "true"}
    pod = make_pod(
        settings,
        container,
        volumes=[
            {"name": "metrics", "hostPath": {"path": _COLLECTOR, "type": "DirectoryOrCreate"}}
        ],
    )
    pod |= {
        "nodeSelector": dict(selector),
        "runtimeClassName": settings.runtime_class or "nvidia",
    }
    return [
        {
            "apiVersion": "apps/v1",
            "kind": "DaemonSet",
            "metadata": settings.metadata(),
            "spec": {
                "selector": {"matchLabels": settings.labels},
                "updateStrategy": {"type": "RollingUpdate"},
                "template": {"metadata": {"labels": settings.labels}, "spec": pod},
            },
        }
    ]
