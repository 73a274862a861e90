"""How long `stackcheck doctor` takes beside the import of its own libraries, and beside collect_env.

    python benchmarks/doctor.py [--runs N] [--env PREFIX]

Everything runs side by side in one session, interleaved, each in a fresh interpreter; medians are printed. With --env,
the environment's `python -m torch.utils.collect_env` is timed too, if torch is in it. The exit status is 1 where doctor
takes more than twice the import of its libraries.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from pathlib import Path

LIBRARIES = "import typer, rich.console, packaging.version, pydantic, pynvml, yaml, platformdirs"


def seconds(command: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    return time.perf_counter() - start


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--env", type=Path, help="environment with torch to compare in")
    options = parser.parse_args()
    doctor = [sys.executable, "-m", "stackcheck", "doctor"]
    commands = {
        "python -c pass": [sys.executable, "-c", "pass"],
        "import of its libraries": [sys.executable, "-c", LIBRARIES],
        "stackcheck doctor": doctor,
    }
    if options.env:
        python = str(options.env / "bin" / "python")
        commands["stackcheck doctor --env"] = [*doctor, "--env", str(options.env)]
        commands["python -m torch.utils.collect_env"] = [python, "-m", "torch.utils.collect_env"]
    times: dict[str, list[float]] = {name: [] for name in commands}
    for name, command in commands.items():
        seconds(command)  # a first run fills the caches
        print(f"warm: {name}", file=sys.stderr)
    for _ in range(options.runs):
        for name, command in commands.items():
            times[name].append(seconds(command))
    medians = {name: statistics.median(values) for name, values in times.items()}
    width = max(map(len, medians))
    for name, median in medians.items():
        print(
            f"{name:{width}}  {median:6.3f} s  (fastest {min(times[name]):.3f}, {options.runs} runs)"
        )
    ratio = medians["stackcheck doctor"] / medians["import of its libraries"]
    print(f"doctor takes {ratio:.2f} times the import of its libraries (at most 2)")
    if options.env:
        faster = medians["python -m torch.utils.collect_env"] / medians["stackcheck doctor --env"]
        print(f"doctor is {faster:.1f} times faster than collect_env (at least 3)")
    return int(ratio > 2)


if __name__ == "__main__":
    sys.exit(main())
