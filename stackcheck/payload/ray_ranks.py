"""Ranks on a Ray cluster: one actor per rank runs the rank's program and hands its lines over as they come.

Run as `PYTHON -c TEXT REQUEST` in a Python that has the cluster's Ray. The request: `address`, `world`, `device`
(`auto` takes a GPU a rank where the cluster has any), `command` and `variables` of a rank. Lines of ranks go to
standard output; when a rank ends, or its node with it, `{"ended": RANK, "how": TEXT}` goes to standard error.
"""

# mypy: ignore-errors

import json
import os
import queue
import socket
import subprocess
import sys
import threading

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy


class Host:
    """One rank's process, on the node where Ray put it."""

    def __init__(self):
        self.lines = queue.Queue()

    def address(self):
        """Return this node's address and a port that is free on it."""
        with socket.socket() as free:
            free.bind(("", 0))
            return ray.util.get_node_ip_address(), free.getsockname()[1]

    def start(self, command, variables):
        """Start the rank. Where this Python is asked for, it is Ray's own."""
        self.process = subprocess.Popen(
            [sys.executable if word == "PYTHON" else word for word in command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, **variables},
            text=True,
            errors="replace",
        )
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        """Take its lines in as they come."""
        for line in self.process.stdout:
            self.lines.put(line)
        self.lines.put(None)

    def next_lines(self):
        """Wait for its next lines; returns them, and how it ended if it has."""
        lines = [self.lines.get()]
        while not self.lines.empty():
            lines.append(self.lines.get())
        if lines[-1] is not None:
            return lines, None
        return lines[:-1], "exit status %d" % self.process.wait()


def place(world, gpus):
    """Return the node of each rank: in turn, as many on each as it has GPUs (or CPUs)."""
    kind = "GPU" if gpus else "CPU"
    room = [
        [node["NodeID"]] * int(node["Resources"].get(kind, 0))
        for node in ray.nodes()
        if node["Alive"]
    ]
    slots = [
        nodes[turn]
        for turn in range(max(map(len, room), default=0))
        for nodes in room
        if turn < len(nodes)
    ]
    if len(slots) < world:
        sys.exit("%d ranks do not fit: the cluster has %d %ss" % (world, len(slots), kind))
    return slots[:world]


def say_end(rank, how):
    """Tell that a rank ended."""
    print(json.dumps({"ended": rank, "how": how}), file=sys.stderr, flush=True)


def run(request):
    """Start all ranks and hand their lines over until every one has ended."""
    ray.init(address=request["address"], log_to_driver=False, configure_logging=False)
    world = request["world"]
    gpus = request["device"] == "cuda" or (
        request["device"] == "auto" and ray.cluster_resources().get("GPU", 0) > 0
    )
    hosts = [
        ray.remote(Host)
        .options(
            num_cpus=0,
            num_gpus=int(gpus),
            scheduling_strategy=NodeAffinitySchedulingStrategy(node, soft=False),
        )
        .remote()
        for node in place(world, gpus)
    ]
    address, port = ray.get(hosts[0].address.remote(), timeout=120)
    shared = {"WORLD_SIZE": str(world), "MASTER_ADDR": address, "MASTER_PORT": str(port)}
    for rank, host in enumerate(hosts):
        place_of_rank = {"RANK": str(rank), "LOCAL_RANK": "0", **shared, **request["variables"]}
        host.start.remote(request["command"], place_of_rank)
    waiting = {host.next_lines.remote(): rank for rank, host in enumerate(hosts)}
    while waiting:
        ready, _ = ray.wait(list(waiting), num_returns=1)
        rank = waiting.pop(ready[0])
        try:
            lines, end = ray.get(ready[0])
        except ray.exceptions.RayError as error:
            say_end(rank, "%s of Ray" % type(error).__name__)
            continue
        sys.stdout.write("".join(lines))
        sys.stdout.flush()
        if end is None:
            waiting[hosts[rank].next_lines.remote()] = rank
        else:
            say_end(rank, end)


if __name__ == "__main__":
    run(json.loads(sys.argv[1]))
