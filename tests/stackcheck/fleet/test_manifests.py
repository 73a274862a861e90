"""Kubernetes resources, against the schemas that Kubernetes publishes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

kubernetes_validate = pytest.importorskip("kubernetes_validate")

_SMOKE = ("train-smoke", "--nodes", "4", "--gpus", "2", "--image", "registry/stack:1")


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "stackcheck", "fleet", "manifest", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def _write(*arguments: str) -> list[dict[str, Any]]:
    told = _run(*arguments)
    assert told.returncode == 0, told.stderr
    return list(yaml.safe_load_all(told.stdout))


def _pod(resource: dict[str, Any]) -> dict[str, Any]:
    pod: dict[str, Any] = resource["spec"]["template"]["spec"]
    return pod


@pytest.mark.parametrize(
    "arguments",
    [
        ("doctor", "--nodes", "4"),
        ("doctor", "--nodes", "1000", "--gpus", "8", "--image", "registry/stack:1"),
        ("doctor", "--nodes", "2", "--node-selector", "pool=a", "--runtime-class", "nvidia"),
        (*_SMOKE, "--namespace", "ml", "--name", "burn"),
        (*_SMOKE, "--library", "stackgrad"),
        ("watch",),
    ],
)
def test_resources_hold_against_the_published_schemas_without_an_unknown_field(
    arguments: tuple[str, ...],
) -> None:
    for resource in _write(*arguments):
        kubernetes_validate.validate(resource, "1.32", strict=True)


def test_ranks_find_the_first_pod_by_the_headless_service() -> None:
    service, job = _write(*_SMOKE, "--name", "burn")
    container = _pod(job)["containers"][0]
    variables = {each["name"]: each.get("value") for each in container["env"]}
    assert service["spec"]["clusterIP"] == "None"
    assert (
        service["spec"]["selector"].items() <= job["spec"]["template"]["metadata"]["labels"].items()
    )
    assert _pod(job)["subdomain"] == service["metadata"]["name"] == "burn"
    assert variables["MASTER_ADDR"] == "burn-0.burn"
    assert variables["WORLD_SIZE"] == "8"
    assert container["command"][-4:] == ["--local-ranks", "2", "--timeout", "120"]


def test_jobs_ask_for_gpus_and_the_watch_claims_none() -> None:
    job = _write("doctor", "--nodes", "3", "--gpus", "8")[0]
    assert _pod(job)["containers"][0]["resources"]["limits"] == {"nvidia.com/gpu": 8}
    assert job["spec"]["completions"] == job["spec"]["parallelism"] == 3
    watch = _write("watch")[0]
    assert "resources" not in _pod(watch)["containers"][0]


def test_pods_have_no_privileges_and_no_token() -> None:
    for resource in (*_write("doctor", "--nodes", "1"), *_write("watch")):
        rights = _pod(resource)["containers"][0]["securityContext"]
        assert rights["allowPrivilegeEscalation"] is False
        assert rights["capabilities"] == {"drop": ["ALL"]}
        assert _pod(resource)["automountServiceAccountToken"] is False


def test_scripts_are_ones_that_a_shell_takes() -> None:
    for resource in (*_write("doctor", "--nodes", "1"), *_write("watch")):
        script = _pod(resource)["containers"][0]["command"][-1]
        assert subprocess.run(["sh", "-n", "-c", script], check=False).returncode == 0


def test_operators_get_their_own_kinds() -> None:
    job = _write("doctor", "--nodes", "2", "--kind", "rayjob")[0]
    assert (job["apiVersion"], job["kind"]) == ("ray.io/v1", "RayJob")
    assert job["spec"]["rayClusterSpec"]["workerGroupSpecs"][0]["replicas"] == 2
    job = _write(*_SMOKE, "--kind", "trainjob")[0]
    assert (job["apiVersion"], job["kind"]) == ("trainer.kubeflow.org/v1alpha1", "TrainJob")
    assert job["spec"]["trainer"]["numProcPerNode"] == 2


def test_same_request_gives_the_same_bytes(tmp_path: Path) -> None:
    first, second = (tmp_path / name for name in ("one.yaml", "two.yaml"))
    for path in (first, second):
        assert _run("doctor", "--nodes", "2", "--output", str(path)).returncode == 0
    assert first.read_bytes() == second.read_bytes()


def test_every_fault_is_told_at_once() -> None:
    told = _run("doctors", "--kind", "cron", "--name", "A_b", "--node-selector", "x")
    assert told.returncode == 2
    assert len(told.stderr.strip().splitlines()) == 5
    assert "choose one of doctor, train-smoke, watch" in told.stderr
