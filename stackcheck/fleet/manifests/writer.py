"""The manifest as text: what it does, how its answer is gathered, and the resources."""

from __future__ import annotations

from stackcheck.fleet.manifests.jobs import make_doctor_job, make_smoke_job
from stackcheck.fleet.manifests.operators import make_ray_job, make_train_job
from stackcheck.fleet.manifests.settings import Resource, Settings
from stackcheck.fleet.manifests.watch import make_watch

__all__ = ["write_manifest"]


def write_manifest(settings: Settings, action: str, kind: str) -> str:
    """Return YAML documents under a header of comments. The same settings give the same bytes."""
    import yaml

    resources, header = _make(settings, action, kind)
    comments = "".join(f"# {line}".rstrip() + "\n" for line in header)
    return comments + "---\n" + yaml.safe_dump_all(resources, sort_keys=False, width=120)


def _make(settings: Settings, action: str, kind: str) -> tuple[list[Resource], list[str]]:
    kubectl = f"kubectl{f' -n {settings.namespace}' if settings.namespace else ''}"
    apply = f"  {kubectl} apply -f FILE"
    name = settings.name
    if action == "watch":
        return make_watch(settings), [
            "Judges every GPU node each five minutes and leaves the answer for Prometheus' node exporter, which must",
            "have --collector.textfile.directory=/var/lib/node_exporter/textfile_collector.",
            apply,
        ]
    if kind == "rayjob":
        return make_ray_job(settings, action), [
            f"Runs `stackcheck fleet {action}` on a Ray cluster of its own; needs the KubeRay operator.",
            apply,
            f"  {kubectl} logs -l batch.kubernetes.io/job-name={name}",
        ]
    if kind == "trainjob":
        return make_train_job(settings), [
            "Trains on several ranks under Kubeflow Trainer 2; the image must hold PyTorch and StackCheck.",
            apply,
            f"  {kubectl} logs -l jobset.sigs.k8s.io/jobset-name={name} --prefix",
        ]
    if action == "doctor":
        pods = f"{kubectl} get pods -l job-name={name}"
        return make_doctor_job(settings), [
            f"Judges {settings.nodes} nodes, a pod on each. A node that is not well is a failed index of the Job.",
            apply,
            f"  {kubectl} wait --for=jsonpath='{{.status.active}}'=0 job/{name} --timeout=15m",
            "One answer for all of them, with what differs between them:",
            (
                f"  mkdir nodes && for pod in $({pods} -o name); do"
                f" {kubectl} logs $pod > nodes/${{pod##*/}}.json; done"
            ),
            "  stackcheck fleet doctor --facts nodes",
            "The line of each node alone:",
            (
                f"  {pods} -o custom-columns="
                "NODE:.spec.nodeName,REASON:.status.containerStatuses[0].state.terminated.message"
            ),
        ]
    return make_smoke_job(settings), [
        (
            f"Trains on {settings.nodes * settings.gpus} ranks, {settings.gpus} on each of {settings.nodes} nodes. The"
            " image must hold StackCheck and"
        ),
        (
            f"{'PyTorch' if settings.library == 'torch' else 'CuPy (stackcheck[cuda12] or [cuda13])'}."
            " Rank 0 judges all of them, each pod its own:"
        ),
        apply,
        f"  {kubectl} logs -l job-name={name} --prefix --tail=-1",
    ]
