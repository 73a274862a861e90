"""Ray from outside, by its Jobs REST interface: a job in the cluster's own Python, whatever runs here."""

from __future__ import annotations

import json
import os
import shlex
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from typing import Any

from stackcheck.errors import InputError, Undeterminable
from stackcheck.fleet.ray_records import (
    START_THERE,
    outcome_of,
    places_of,
    program_text,
    record_in,
)
from stackcheck.fleet.transport import Outcome, Place, Program
from stackcheck.model.record import record

__all__ = ["RayJobs"]

_ANSWER_MAX = 512 << 20
_ANSWER_SECONDS = 30.0
_SLACK_SECONDS = 120.0
"""For the cluster to start the job, beside the time of its tasks."""
_REASON_MAX = 400
_ENDED = {"SUCCEEDED", "FAILED", "STOPPED"}


@record(frozen=True)
class RayJobs:
    """A cluster's dashboard, `http://HOST:8265`. `RAY_AUTH_TOKEN` is sent where it is set, as Ray's own client does."""

    address: str
    starter: tuple[str, ...] = START_THERE

    def places(self) -> Sequence[Place]:
        """Return every node that the dashboard knows. Raises `Undeterminable` where it does not answer."""
        answer = self._ask("/api/v0/nodes?limit=10000&detail=true")
        try:
            listed = answer["data"]["result"]["result"]
            return places_of(
                [
                    {
                        "id": node["node_id"],
                        "name": _name(node),
                        "alive": node["state"] == "ALIVE",
                        "reason": node.get("state_message"),
                        "gpus": (node.get("resources_total") or {}).get("GPU"),
                    }
                    for node in listed
                ]
            )
        except (KeyError, TypeError, ValueError) as error:
            raise Undeterminable(
                f"--ray {self.address}: names its nodes in no known form"
            ) from error

    def run(self, program: Program, places: Sequence[Place]) -> Iterator[Outcome]:
        """Submit one job that runs a task per node, and read its records from its log as they come."""
        names = {place.address: place.name for place in places}
        if not names:
            return
        job = self._submit(list(names), program)
        deadline = time.monotonic() + program.seconds + _SLACK_SECONDS
        seen: set[str] = set()
        ended = False
        try:
            while not ended:
                answer = self._ask(f"/api/jobs/{job}")
                ended = answer.get("status") in _ENDED
                begun = time.monotonic()
                log = str(self._ask(f"/api/jobs/{job}/logs").get("logs") or "")
                for told in filter(None, map(record_in, log.splitlines())):
                    identifier = str(told.get("id"))
                    if identifier in names and identifier not in seen:
                        seen.add(identifier)
                        yield outcome_of(told, names)
                if not ended and time.monotonic() > deadline:
                    break
                if not ended:  # the log comes whole each time, so the longer it takes the rarer
                    time.sleep(max(0.5, 3 * (time.monotonic() - begun)))
        finally:
            if not ended:
                self._ask(f"/api/jobs/{job}/stop", {})
        words = " ".join(str(answer.get("message") or "").split())[-_REASON_MAX:]
        why = f"job {job}: {words or answer.get('status')}"
        for identifier, name in names.items():
            if identifier not in seen:
                yield Outcome(name, "not-started" if ended else "timeout", detail=why)

    def _submit(self, identifiers: list[str], program: Program) -> str:
        request = {
            "nodes": identifiers,
            "arguments": [*self.starter, *program.arguments],
            "seconds": program.seconds,
        }
        entrypoint = shlex.join(["python", "-c", program_text(), json.dumps(request)])
        answer = self._ask("/api/jobs/", {"entrypoint": entrypoint})
        job = answer.get("submission_id")
        if not isinstance(job, str) or not job.replace("_", "").replace("-", "").isalnum():
            raise Undeterminable(f"--ray {self.address}: took the job and gave no id for it")
        return job

    def _ask(self, path: str, content: dict[str, Any] | None = None) -> dict[str, Any]:
        headers = {"Accept": "application/json"}
        if token := os.environ.get("RAY_AUTH_TOKEN"):
            headers["Authorization"] = f"Bearer {token}"
        data = None
        if content is not None:
            data = json.dumps(content).encode()
            headers["Content-Type"] = "application/json"
        url = self.address.rstrip("/") + path
        if not url.startswith(("http://", "https://")):
            raise InputError(
                f"--ray {self.address}: a dashboard's address begins with http:// or https://"
            )
        request = urllib.request.Request(url, data=data, headers=headers)  # noqa: S310 (checked above)
        try:
            with urllib.request.urlopen(request, timeout=_ANSWER_SECONDS) as answer:  # noqa: S310
                document = json.loads(answer.read(_ANSWER_MAX))
        except urllib.error.HTTPError as error:
            told = " ".join(error.read(2000).decode(errors="replace").split())[-300:]
            raise Undeterminable(
                f"--ray {self.address}: answers {error.code} to {path}: {told}"
            ) from error
        except (OSError, ValueError) as error:
            raise Undeterminable(f"--ray {self.address}: no answer to {path}: {error}") from error
        if not isinstance(document, dict):
            raise Undeterminable(f"--ray {self.address}: answers {path} with no object")
        return document


def _name(node: dict[str, Any]) -> str:
    given = node.get("node_name")
    return str(given if given and given != node.get("node_ip") else node.get("node_ip") or given)
