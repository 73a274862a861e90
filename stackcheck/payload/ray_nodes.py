"""A program on every node of a Ray cluster: one pinned task per node runs it there and brings its output back.

Imported by a driver that joins the cluster, or run as `PYTHON -c TEXT REQUEST` by a job in the cluster's own
Python, which prints each record as one line behind `MARK`. The request: `nodes` (ids), `arguments` of the program,
`seconds`.
"""

# mypy: ignore-errors

import base64
import json
import os
import subprocess
import sys
import time
import zlib

MARK = "stackcheck-fleet "
_POLL_SECONDS = 0.5
_OUTPUT_MAX = 32 << 20
_TAIL = 4096


def nodes(ray):
    """Return every node that the cluster remembers: id, name, whether it lives, why not, GPUs."""
    return [
        {
            "id": node["NodeID"],
            "name": _name(node),
            "alive": bool(node["Alive"]),
            "reason": node.get("DeathReasonMessage") or "",
            "gpus": int(node.get("Resources", {}).get("GPU", 0)),
        }
        for node in ray.nodes()
    ]


def _name(node):
    """Return the name that somebody gave the node; Ray's own default is its address, and a host's name says more."""
    given = node.get("NodeName") or ""
    if given and given != node.get("NodeManagerAddress"):
        return str(given)
    return str(node.get("NodeManagerHostname") or given or node["NodeID"])


def run_here(arguments, seconds):
    """Run a program on this node and return its exit status, output and the end of its errors.

    The word `{python}` is this node's interpreter. Ray may hide all GPUs from a task that asks for none; the program
    sees what the node's own daemon sees.
    """
    command = [sys.executable if word == "{python}" else word for word in arguments]
    environment = dict(os.environ)
    environment.pop("CUDA_VISIBLE_DEVICES", None)
    try:
        with open("/proc/%d/environ" % os.getppid(), "rb") as file:
            for entry in file.read().split(b"\0"):
                if entry.startswith(b"CUDA_VISIBLE_DEVICES="):
                    environment["CUDA_VISIBLE_DEVICES"] = entry.partition(b"=")[2].decode()
    except OSError:
        pass
    try:
        done = subprocess.run(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return {"state": "timeout", "detail": "no end within %g s" % seconds}
    except OSError as error:
        return {"state": "ended", "status": 127, "detail": "%s: %s" % (command[0], error.strerror)}
    if len(done.stdout) > _OUTPUT_MAX:
        return {"state": "ended", "status": 1, "detail": "printed more than 32 MiB"}
    return {
        "state": "ended",
        "status": done.returncode,
        "output": base64.b64encode(zlib.compress(done.stdout)).decode(),
        "detail": done.stderr[-_TAIL:].decode(errors="replace").strip(),
    }


def sweep(ray, identifiers, arguments, seconds):
    """Yield one record per node, as they come; Ray has half a minute to start each, beside its `seconds`."""
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    task = ray.remote(run_here).options(num_cpus=0, max_retries=0)
    waiting = {}
    for identifier in identifiers:
        pinned = NodeAffinitySchedulingStrategy(identifier, soft=False)
        waiting[task.options(scheduling_strategy=pinned).remote(arguments, seconds)] = identifier
    deadline = time.monotonic() + seconds + 30
    while waiting:
        ready, _ = ray.wait(list(waiting), num_returns=1, timeout=_POLL_SECONDS)
        for reference in ready:
            yield dict(_collect(ray, reference), id=waiting.pop(reference))
        if ready:
            continue
        # a task on a node that died may stay pending for ever
        dead = {node["id"]: node["reason"] for node in nodes(ray) if not node["alive"]}
        late = time.monotonic() > deadline
        for reference, identifier in list(waiting.items()):
            if identifier in dead or late:
                del waiting[reference]
                ray.cancel(reference, force=True)
                reason = dead.get(identifier, "Ray brought nothing back")
                yield {
                    "id": identifier,
                    "state": "down" if identifier in dead else "timeout",
                    "detail": reason,
                }


def _collect(ray, reference):
    try:
        return dict(ray.get(reference))
    except ray.exceptions.RayError as error:
        lost = isinstance(
            error,
            (
                ray.exceptions.NodeDiedError,
                ray.exceptions.TaskUnschedulableError,
                ray.exceptions.WorkerCrashedError,
            ),
        )
        text = str(error).strip()
        told = "%s: %s" % (type(error).__name__, text.splitlines()[0] if text else "")
        return {"state": "down" if lost else "not-started", "detail": told}


def main():
    """Run the request in the first argument and print the records."""
    import ray

    request = json.loads(sys.argv[1])
    ray.init(log_to_driver=False)
    for record in sweep(ray, request["nodes"], request["arguments"], request["seconds"]):
        print(MARK + json.dumps(record), flush=True)


if __name__ == "__main__":
    main()
