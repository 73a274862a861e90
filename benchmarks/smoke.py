"""How long each level of the smoke takes here, stage by stage: `python benchmarks/smoke.py [LEVEL...]`.

The bars are 15 s for `quick` and 120 s for `short`, on two cores; a level above its bar ends this with status 1.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time

BARS = {"quick": 15.0, "short": 120.0}


def main(levels: list[str]) -> int:
    over = False
    for level in levels or list(BARS):
        start = time.perf_counter()
        command = [
            sys.executable,
            "-m",
            "stackcheck",
            "train-smoke",
            "--level",
            level,
            "--device",
            "cpu",
            "--json",
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        seconds = time.perf_counter() - start
        document = json.loads(done.stdout)
        print(f"{level}: {seconds:.1f} s of {BARS[level]:.0f} s, {document['status']}")
        for stage in document["stages"]:
            rates = ", ".join(f"{rate:.3g} {name}" for name, rate in (stage["rates"] or {}).items())
            print(f"  {stage['seconds']:7.2f} s  {stage['status']:<8} {stage['name']:<24} {rates}")
        over = over or seconds > BARS[level] or done.returncode != 0
    return int(over)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
