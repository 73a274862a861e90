"""What loading the knowledge adds to a command: `python benchmarks/knowledge.py [REPETITIONS]`.

Each figure is the least processor time over fresh interpreters, less that of one that imports what a command imports
anyway. "warm" reads the compiled cache, "cold" has none and parses YAML. The bar is 50 ms warm; and
ten times the rows may cost `resolve` less than twice the time.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COMMAND = (
    "import stackcheck.cli.state, packaging.version, packaging.specifiers, json, dataclasses\n"
)
LOAD = "from stackcheck.knowledge.knowledge import load\nknowledge = load()\n"
PARTS = {
    "names and dates": "knowledge.name('torch'); knowledge.as_of",
    "rows of one framework": "knowledge.builds('pytorch')",
    "NVIDIA's tables": "knowledge.gpus; knowledge.drivers; knowledge.cuda; knowledge.libraries",
    "all of these": (
        "knowledge.name('torch'); knowledge.as_of; knowledge.builds('pytorch')\n"
        "knowledge.gpus; knowledge.drivers; knowledge.cuda; knowledge.libraries; knowledge.extensions"
    ),
    "every framework": (
        "knowledge.gpus; knowledge.drivers; knowledge.cuda; knowledge.libraries; knowledge.extensions\n"
        "for name in knowledge.frameworks: knowledge.builds(name)"
    ),
}


def measure(program: str, cache: Path, *, repetitions: int, cold: bool = False) -> float:
    """Return the least processor seconds of a fresh interpreter that runs the program."""
    times = []
    for number in range(repetitions):
        folder = cache / str(number) if cold else cache
        environment = {**os.environ, "STACKCHECK_CACHE_DIR": str(folder), "PYTHONPATH": str(ROOT)}
        process = subprocess.Popen([sys.executable, "-c", program], env=environment)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"the measured program failed: {program}")
        times.append(usage.ru_utime + usage.ru_stime)
    return min(times)


RESOLVE = (
    "import sys; from stackcheck.__main__ import main\n"
    "sys.argv = ['stackcheck', *{arguments!r}, 'resolve', 'pytorch', '--gpu', 'NVIDIA GeForce GTX 1080 Ti',"
    " '--driver', '580.95.05', '--os', 'Ubuntu 22.04', '--elsewhere', '--json']\n"
    "sys.stdout = open('/dev/null', 'w'); main()"
)


def write_tenfold(folder: Path) -> None:
    """Write an overlay with nine more releases (`.post1` to `.post9`) beside every one of PyTorch's."""
    text = (ROOT / "matrices" / "frameworks" / "pytorch.yaml").read_text()
    head, _, releases = text.partition("\nreleases:\n")
    copies = (
        re.sub(r"(?m)^(- version: \S+)", rf"\1.post{number}", releases)
        for number in range(9, 0, -1)
    )
    (folder / "frameworks").mkdir()
    (folder / "frameworks" / "pytorch.yaml").write_text(f"{head}\nreleases:\n{''.join(copies)}")


def compare_resolve(repetitions: int) -> None:
    with tempfile.TemporaryDirectory() as overlay, tempfile.TemporaryDirectory() as cache:
        write_tenfold(Path(overlay))
        plain, tenfold = (
            RESOLVE.format(arguments=[]),
            RESOLVE.format(arguments=["--matrices", overlay]),
        )
        times = []
        for program in (plain, tenfold):
            measure(program, Path(cache), repetitions=1)
            times.append(measure(program, Path(cache), repetitions=repetitions))
    plain_ms, tenfold_ms = (round(seconds * 1e3) for seconds in times)
    print(
        f"resolve: {plain_ms} ms, with ten times the rows {tenfold_ms} ms ({tenfold_ms / plain_ms:.2f} x)"
    )


def main() -> None:
    repetitions = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    print(f"{'':<24}{'warm':>10}{'cold':>10}   added to a command's own imports")
    for name, work in PARTS.items():
        with tempfile.TemporaryDirectory() as folder:
            base = Path(folder)
            measure(COMMAND + LOAD + work, base, repetitions=1)
            own = measure(COMMAND, base, repetitions=repetitions)
            warm = measure(COMMAND + LOAD + work, base, repetitions=repetitions) - own
            cold = (
                measure(
                    COMMAND + LOAD + work,
                    base / "cold",
                    repetitions=max(3, repetitions // 5),
                    cold=True,
                )
                - own
            )
        print(f"{name:<24}{warm * 1e3:>7.0f} ms{cold * 1e3:>7.0f} ms")
    compare_resolve(max(3, repetitions // 2))


if __name__ == "__main__":
    main()
