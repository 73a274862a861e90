"""Making environments: `stackcheck create-env` beside the same done by uv or rattler alone.

    python benchmarks/environments.py [--rounds 3] [--cold] [NAME...]

Each pair installs the same packages into a new prefix: StackCheck's time is that of making the environment (which
its document tells as `seconds`) and that of the whole command without the verification; the peer's is that of its
commands. `--cold` starts each run with empty caches, as on a new machine. Set UV_FIND_LINKS or UV_INDEX where
PyTorch's own index cannot be reached.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from uv import find_uv_bin

ROOT = Path(__file__).parents[1]
PYTHON = getattr(sys, "_base_executable", sys.executable)
MINOR = f"{sys.version_info[0]}.{sys.version_info[1]}"
WHEELS = {
    "torch": ("pytorch+cpu==2.13.0", ["torch==2.13.0", "pip"]),
    "jax": ("jax+cpu==0.9.2", ["jax==0.9.2", "numpy>=2.0", "pip"]),
    "tensorflow": ("tensorflow+cpu==2.21.0", ["tensorflow-cpu==2.21.0", "pip"]),
}
RATTLER = """
import asyncio, os, sys
from rattler import GenericVirtualPackage, Gateway, MatchSpec, PackageName, Version, BuildString, install, solve
virtual = [GenericVirtualPackage(PackageName(n), Version(v), BuildString("0"))
           for n, v in (("__unix", "0"), ("__linux", "4.18"), ("__glibc", "2.35"), ("__cuda", "13.0"))]
async def work():
    specs = [MatchSpec(text) for text in sys.argv[3:]]
    records = await solve([sys.argv[1]], specs, platforms=["linux-64", "noarch"], virtual_packages=virtual)
    await install(records, sys.argv[2], show_progress=False)
asyncio.run(work())
sys.stdout.flush()
os._exit(0)
"""


def run(command: list[str], variables: dict[str, str]) -> str:
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=variables)
    if done.returncode:
        sys.exit(f"{' '.join(command)}\n{done.stderr}")
    return done.stdout


def clocked(action: Callable[[], object]) -> float:
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def create(variables: dict[str, str], folder: Path, *words: str) -> tuple[float, float]:
    """Return the seconds of making it, and of the whole command."""
    prefix = folder / "ours"
    command = [sys.executable, "-m", "stackcheck", "create-env", *words, "-p", str(prefix)]
    answers: list[str] = []
    whole = clocked(lambda: answers.append(run([*command, "--no-verify", "--json"], variables)))
    return json.loads(answers[0])["seconds"], whole


def uv_alone(variables: dict[str, str], folder: Path, packages: list[str]) -> float:
    uv, prefix = find_uv_bin(), str(folder / "theirs")

    def make() -> None:
        run([uv, "venv", "--quiet", "--python", str(PYTHON), prefix], variables)
        run(
            [uv, "pip", "install", "--quiet", "--python", f"{prefix}/bin/python", *packages],
            variables,
        )

    return clocked(make)


def measure(name: str, *, cold: bool) -> tuple[float, float, float]:
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        variables = {
            **os.environ,
            "UV_PYTHON_DOWNLOADS": "never",
            "STACKCHECK_STATE_DIR": str(folder / "state"),
            "PYTHONPATH": str(ROOT),
        }
        if name == "conda":
            return measure_conda(variables, folder)
        spec, packages = WHEELS[name]
        if cold:
            variables["UV_CACHE_DIR"] = str(folder / "cache-theirs")
        theirs = uv_alone(variables, folder, packages)
        if cold:
            variables["UV_CACHE_DIR"] = str(folder / "cache-ours")
        made, whole = create(
            variables, folder, spec, "--no-gpu", "--installer", "uv", "--python", MINOR
        )
        return made, whole, theirs


def measure_conda(variables: dict[str, str], folder: Path) -> tuple[float, float, float]:
    """Measure on the channel of the tests: everything but the download of real packages."""
    sys.path.insert(0, str(ROOT))
    from tests.stackcheck.environments.conda_channel import make_forge

    channel = make_forge(folder / "channels" / "conda-forge")
    variables["CONDA_CHANNEL_ALIAS"] = channel.folder.parent.as_uri()
    variables["RATTLER_CACHE_DIR"] = str(folder / "rattler-theirs")
    specs = ["python 3.*", "pip", "pytorch ==2.13.0 cuda129*", "pytorch-gpu ==2.13.0"]
    specs[0] = f"python {MINOR}.*"
    command = [sys.executable, "-c", RATTLER, channel.url, str(folder / "theirs"), *specs]
    theirs = clocked(lambda: run([*command, "cuda-version 12.9.*"], variables))
    variables["RATTLER_CACHE_DIR"] = str(folder / "rattler-ours")
    machine = ("--gpu", "H100", "--driver", "570.133.07", "--os", "Ubuntu 22.04", "--python", MINOR)
    made, whole = create(variables, folder, "pytorch==2.13.0", *machine, "--installer", "rattler")
    return made, whole, theirs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="torch, jax, tensorflow, conda")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--cold", action="store_true")
    options = parser.parse_args()
    print(f"{'':12}{'made':>9}{'command':>9}{'alone':>9}{'made/alone':>12}   (median seconds)")
    for name in options.names or (*WHEELS, "conda"):
        if not options.cold and name != "conda":
            measure(name, cold=False)  # fills the caches
        rounds = [measure(name, cold=options.cold) for _ in range(options.rounds)]
        made, whole, theirs = (statistics.median(column) for column in zip(*rounds, strict=True))
        print(f"{name:12}{made:9.2f}{whole:9.2f}{theirs:9.2f}{made / theirs:12.2f}")


if __name__ == "__main__":
    main()
