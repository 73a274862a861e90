"""Ray's own cluster of several nodes on one host; run in a Python that has Ray.

The first argument is a JSON object: variables and GPUs by node, the first being the head. Prints one line with `address` and
`dashboard`, then takes lines on standard input: `kill NAME` or `add NAME VARIABLES`, answered by `done NAME`. Ends with its
input.
"""

from __future__ import annotations

import json
import sys

from ray.cluster_utils import Cluster


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> None:
    asked = json.loads(sys.argv[1])
    nodes = {}
    cluster = Cluster()
    try:
        for name, given in asked.items():
            head = {} if nodes else {"include_dashboard": True, "dashboard_port": 0}
            nodes[name] = cluster.add_node(
                num_cpus=1,
                num_gpus=given["gpus"],
                object_store_memory=80 << 20,
                node_name=name,
                env_vars=given["variables"],
                **head,
            )
        cluster.wait_for_nodes()
        told = {"address": cluster.address, "dashboard": cluster.head_node.webui_url}
        say(json.dumps(told))
        for line in sys.stdin:
            order, name, *given = line.split(maxsplit=2)
            if order == "add":
                variables = json.loads(given[0])
                nodes[name] = cluster.add_node(num_cpus=1, node_name=name, env_vars=variables)
                cluster.wait_for_nodes()
            else:
                cluster.remove_node(nodes.pop(name), allow_graceful=False)
            say(f"done {name}")
    finally:
        cluster.shutdown()


if __name__ == "__main__":
    main()
