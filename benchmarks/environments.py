"""Making environments: `stackcheck create-env` beside the same done by uv or rattler alone.

    python benchmarks/environments.py [--rounds 5] [--cold] [NAME...]

Each pair installs the same packages into a new prefix, one after the other. StackCheck's time is that of making the
environment, lock and hashes included (its document's `seconds`), and that of the whole command (start, probe and
plan on top); the peer's is that of its own commands, which lock nothing. The least of all rounds counts. What the
verification costs, which the peer has none of, stands apart: one run of it. `--cold` starts each run with empty
caches, as on a new machine. Set UV_FIND_LINKS or UV_INDEX where PyTorch's own index cannot be reached.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from uv import find_uv_bin

ROOT = Path(__file__).parents[1]
PYTHON = getattr(sys, "_base_executable", sys.executable)
MINOR = f"{sys.version_info[0]}.{sys.version_info[1]}"
H100 = ("--gpu", "H100", "--driver", "580.95.05", "--os", "Ubuntu 22.04")
WHEELS = {
    "torch": (("pytorch+cpu==2.13.0", "--no-gpu"), ["torch==2.13.0", "pip", "setuptools"]),
    "torch-cuda": (
        ("pytorch==2.13.0", *H100, "--channel", "pypi"),
        ["torch==2.13.0", "pip", "setuptools"],
    ),
    "jax": (("jax+cpu==0.9.2", "--no-gpu"), ["jax==0.9.2", "numpy>=2.0", "pip", "setuptools"]),
    "tensorflow": (
        ("tensorflow+cpu==2.21.0", "--no-gpu"),
        ["tensorflow-cpu==2.21.0", "pip", "setuptools"],
    ),
}
"""What is asked of StackCheck, and what is asked of uv."""
UNVERIFIED = 3
"""Exit status where a GPU build was made and there is no GPU to prove it."""
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
    if done.returncode not in (0, UNVERIFIED):
        sys.exit(f"{' '.join(command)}\n{done.stderr}")
    return done.stdout


def clocked(action: Callable[[], object]) -> float:
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def create(variables: dict[str, str], folder: Path, *words: str) -> tuple[float, float, float]:
    """Return the seconds of making it, of the whole command, and of the verification if it was asked for."""
    prefix = folder / "ours"
    command = [sys.executable, "-m", "stackcheck", "create-env", *words, "-p", str(prefix)]
    answers: list[str] = []
    whole = clocked(lambda: answers.append(run([*command, "--json"], variables)))
    document = json.loads(answers[0])
    return document["seconds"], whole, document["verification_seconds"]


def uv_alone(variables: dict[str, str], folder: Path, packages: list[str]) -> float:
    uv, prefix = find_uv_bin(), str(folder / "theirs")

    def make() -> None:
        run([uv, "venv", "--quiet", "--python", str(PYTHON), prefix], variables)
        run(
            [uv, "pip", "install", "--quiet", "--python", f"{prefix}/bin/python", *packages],
            variables,
        )

    return clocked(make)


def measure(name: str, *, cold: bool, verified: bool) -> tuple[float, float, float, float]:
    """Return the seconds of the peer, of making it, of the whole command, of the verification."""
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        variables = {
            **os.environ,
            "UV_PYTHON_DOWNLOADS": "never",
            "STACKCHECK_STATE_DIR": str(folder / "state"),
            "PYTHONPATH": str(ROOT),
        }
        flags = () if verified else ("--no-verify",)
        if name == "conda":
            return measure_conda(variables, folder)
        asked, packages = WHEELS[name]
        if name == "torch-cuda":  # PyPI's own build, not the one that may lie in a folder
            variables["UV_FIND_LINKS"] = ""
        if cold:
            variables["UV_CACHE_DIR"] = str(folder / "cache-theirs")
        theirs = uv_alone(variables, folder, packages)
        if cold:
            variables["UV_CACHE_DIR"] = str(folder / "cache-ours")
        words = (*asked, "--installer", "uv", "--python", MINOR)
        return theirs, *create(variables, folder, *words, *flags)


def measure_conda(variables: dict[str, str], folder: Path) -> tuple[float, float, float, float]:
    """Measure on the channel of the tests: everything but the download of real packages."""
    sys.path.insert(0, str(ROOT))
    from tests.stackcheck.environments.conda_channel import make_forge

    channel: Any = make_forge(folder / "channels" / "conda-forge")  # type: ignore[no-untyped-call]
    variables["CONDA_CHANNEL_ALIAS"] = channel.folder.parent.as_uri()
    variables["RATTLER_CACHE_DIR"] = str(folder / "rattler-theirs")
    specs = [f"python {MINOR}.*", "pip", "pytorch ==2.13.0 cuda129*", "pytorch-gpu ==2.13.0"]
    command = [sys.executable, "-c", RATTLER, channel.url, str(folder / "theirs"), *specs]
    theirs = clocked(lambda: run([*command, "cuda-version 12.9.*"], variables))
    variables["RATTLER_CACHE_DIR"] = str(folder / "rattler-ours")
    words = (
        "pytorch==2.13.0",
        *H100,
        "--python",
        MINOR,
        "--cuda",
        "12.9",
        "--installer",
        "rattler",
    )
    return theirs, *create(variables, folder, *words, "--no-verify")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="torch, torch-cuda, jax, ...")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--cold", action="store_true")
    options = parser.parse_args()
    heads = ("alone", "made", "command", "made/alone", "verification")
    print(f"{'':12}" + "".join(f"{head:>13}" for head in heads) + "   (least seconds)")
    for name in options.names or (*WHEELS, "conda"):
        proof = measure(name, cold=False, verified=True)[-1]  # fills the caches, too
        rounds = [measure(name, cold=options.cold, verified=False) for _ in range(options.rounds)]
        theirs, made, whole, _ = (min(column) for column in zip(*rounds, strict=True))
        columns = (theirs, made, whole, made / theirs, proof)
        print(f"{name:12}" + "".join(f"{column:13.2f}" for column in columns), flush=True)


if __name__ == "__main__":
    main()
