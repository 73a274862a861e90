"""What `resolve` takes, beside importing the libraries that any command line of this kind imports.

    python benchmarks/resolve.py [--runs 15]

Each row is run in turn with its peer, so that both meet the same machine; the ratio of the medians is printed.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time

PEER = [sys.executable, "-c", "import typer, rich, pydantic, packaging"]
STACKCHECK = [sys.executable, "-m", "stackcheck"]
EIGHT = [part for name in ("V100", "A100", "H100", "B200") * 2 for part in ("--gpu", name)]
ROWS = {
    "--version": ["--version"],
    "check, one build": [
        "check",
        "pytorch+cu128==2.9.0",
        "--gpu",
        "H100",
        "--driver",
        "570.133.07",
        "--json",
    ],
    "resolve, one framework": [
        "resolve",
        "pytorch",
        "--gpu",
        "H100",
        "--driver",
        "570.133.07",
        "--json",
    ],
    "resolve, three frameworks, eight mixed GPUs": [
        *["resolve", "pytorch", "tensorflow", "jax[cuda12]", *EIGHT],
        *["--driver", "580.95.05", "--os", "Ubuntu 22.04", "--json"],
    ],
}


def seconds(command: list[str]) -> float:
    """Run a command; return its wall time."""
    started = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    return time.perf_counter() - started


def main() -> None:
    """Measure every row."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=15)
    options = parser.parse_args()
    for name, arguments in ROWS.items():
        seconds(PEER)
        seconds([*STACKCHECK, *arguments])
        pairs = [(seconds([*STACKCHECK, *arguments]), seconds(PEER)) for _ in range(options.runs)]
        ours, peers = (statistics.median(column) for column in zip(*pairs, strict=True))
        print(f"{name:<45} {ours:.3f} s, peer {peers:.3f} s, ratio {ours / peers:.2f}")


if __name__ == "__main__":
    main()
