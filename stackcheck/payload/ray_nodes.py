"""A program on every node of a Ray cluster: one pinned task per node runs it there and brings its output back.

Run as `PYTHON -c TEXT REQUEST` in a Python that has the cluster's Ray, by a process that joins the cluster or by a job
in it. The request: `nodes` (ids), `arguments` of the program, `seconds`. One without `nodes` gives the `address`: the
nodes are printed, and the request for them is read from standard input. Each record is one line behind `MARK`, since
Ray prints in between.
"""

# mypy: ignore-errors

import base64
import json
import os
import signal
import subprocess
import sys
import time
import zlib

MARK = "stackcheck-fleet "
_POLL_SECONDS = 0.5
_START_SECONDS = 30
_OUTPUT_MAX = 32 << 20
_TAIL = 4096


def list_nodes(ray):
    """Return every node that the cluster remembers: id, name, whether it lives, why not, GPUs."""
    return [
        {
            "id": node["NodeID"],
            "name": name_of(node),
            "alive": bool(node["Alive"]),
            "reason": node.get("DeathReasonMessage") or "",
            "gpus": int(node.get("Resources", {}).get("GPU", 0)),
        }
        for node in ray.nodes()
    ]


def name_of(node):
    """Return the name that somebody gave the node; Ray's own default is its address, and a host's name says more."""
    given = node.get("NodeName") or ""
    if given and given != node.get("NodeManagerAddress"):
        return given
    return node.get("NodeManagerHostname") or given or node["NodeID"]


def visible_devices():
    """Return CUDA_VISIBLE_DEVICES of this node's own daemon: Ray may hide all GPUs from a task that asks for none."""
    try:
        with open("/proc/%d/environ" % os.getppid(), "rb") as file:
            for entry in file.read().split(b"\0"):
                if entry.startswith(b"CUDA_VISIBLE_DEVICES="):
                    return {"CUDA_VISIBLE_DEVICES": entry.partition(b"=")[2].decode()}
    except OSError:
        pass
    return {}


def run_here(arguments, seconds):
    """Run a program on this node; its exit status, output and the end of its errors. `{python}` is this interpreter."""
    command = [sys.executable if word == "{python}" else word for word in arguments]
    variables = {key: text for key, text in os.environ.items() if key != "CUDA_VISIBLE_DEVICES"}
    variables.update(visible_devices())
    try:
        process = subprocess.Popen(
            command,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        return {"state": "ended", "status": 127, "detail": "%s: %s" % (command[0], error.strerror)}
    try:
        output, errors = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        return {"state": "timeout", "detail": "no end within %g s" % seconds}
    if len(output) > _OUTPUT_MAX:
        return {"state": "ended", "status": 1, "detail": "printed more than 32 MiB"}
    return {
        "state": "ended",
        "status": process.returncode,
        "output": base64.b64encode(zlib.compress(output)).decode(),
        "detail": errors[-_TAIL:].decode(errors="replace").strip(),
    }


def sweep(ray, identifiers, arguments, seconds):
    """Yield one record per node, as they come; Ray has half a minute to start each, beside its `seconds`."""
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    task = ray.remote(num_cpus=0, max_retries=0)(run_here)

    def submit(identifier):
        pinned = NodeAffinitySchedulingStrategy(identifier, soft=False)
        return task.options(scheduling_strategy=pinned).remote(arguments, seconds)

    waiting = {submit(identifier): identifier for identifier in identifiers}
    deadline = time.monotonic() + seconds + _START_SECONDS
    while waiting:
        ready, _ = ray.wait(list(waiting), num_returns=1, timeout=_POLL_SECONDS)
        late = time.monotonic() > deadline
        for reference in ready:
            identifier = waiting.pop(reference)
            record, lost = collect(ray, reference)
            if lost and not late and identifier not in dead_nodes(ray):
                # whoever has just joined may not know yet which nodes there are
                time.sleep(_POLL_SECONDS)
                waiting[submit(identifier)] = identifier
            else:
                yield dict(record, id=identifier)
        if ready:
            continue
        dead = dead_nodes(ray)
        for reference, identifier in list(waiting.items()):
            if identifier in dead or late:  # a task on a node that died may stay pending for ever
                del waiting[reference]
                ray.cancel(reference, force=True)
                state = "down" if identifier in dead else "timeout"
                detail = dead.get(identifier) or "Ray brought nothing back"
                yield {"id": identifier, "state": state, "detail": detail}


def dead_nodes(ray):
    """Return why each dead node is dead, by id."""
    return {node["id"]: node["reason"] for node in list_nodes(ray) if not node["alive"]}


def collect(ray, reference):
    """Return a task's record, and whether Ray found no such node; of a lost task, whether its node went with it."""
    errors = ray.exceptions
    try:
        return ray.get(reference), False
    except errors.RayError as error:
        lost = (errors.NodeDiedError, errors.TaskUnschedulableError, errors.WorkerCrashedError)
        text = str(error).strip().partition("\n")[0]
        record = {
            "state": "down" if isinstance(error, lost) else "not-started",
            "detail": "%s: %s" % (type(error).__name__, text),
        }
        return record, isinstance(error, errors.TaskUnschedulableError)


def say(record):
    """Print a record."""
    sys.stdout.write(MARK + json.dumps(record) + "\n")
    sys.stdout.flush()


def main():
    """Run the request in the first argument."""
    import ray

    request = json.loads(sys.argv[1])
    ray.init(address=request.get("address"), log_to_driver=False, logging_level="ERROR")
    if "nodes" not in request:
        say({"nodes": list_nodes(ray)})
        line = sys.stdin.readline()
        if not line:
            return
        request = json.loads(line)
    for record in sweep(ray, request["nodes"], request["arguments"], request["seconds"]):
        say(record)


if __name__ == "__main__":
    main()
