"""A conda environment of a real Python and a real PyTorch: `python -m pytest -m "slow and network"`, with a folder
in `UV_FIND_LINKS` that has PyTorch's CPU wheel."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.stackcheck.environments.conda_channel import MINOR, bundled_pip
from tests.stackcheck.environments.real_conda import RealChannel, add_python

pytestmark = [
    pytest.mark.slow,
    pytest.mark.network,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="packs ELF files"),
]
PURE = ("filelock", "typing-extensions", "sympy", "mpmath", "networkx", "jinja2", "fsspec")
COMPILED = ("numpy", "markupsafe")


@pytest.fixture(scope="module")
def channel(tmp_path_factory):
    """A conda-forge whose Python and PyTorch are the real ones."""
    pytest.importorskip("rattler", reason="needs py-rattler (extra `conda`)")
    folders = [Path(place) for place in os.environ.get("UV_FIND_LINKS", "").split(",") if place]
    tag = f"cp{sys.version_info[0]}{sys.version_info[1]}"
    torch = [each for folder in folders for each in folder.glob(f"torch-2.13.0*cpu-{tag}-*.whl")]
    if not torch:
        pytest.skip("no folder of UV_FIND_LINKS has PyTorch's CPU wheel for this Python")
    wheels = tmp_path_factory.mktemp("wheels")
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:"]
    subprocess.run([*command, "-q", "-d", wheels, *PURE, *COMPILED], check=True)
    made = RealChannel(tmp_path_factory.mktemp("channels") / "conda-forge")
    add_python(made)
    for wheel in (*sorted(wheels.glob("*.whl")), bundled_pip()):
        made.add_wheel(wheel, depends=(f"python {MINOR}.*",))
    depends = (f"python {MINOR}.*", *PURE, *COMPILED)
    version = {"name": "pytorch", "version": "2.13.0", "build": "cpu_generic_h0_0"}
    made.add_wheel(torch[0], **version, depends=depends)
    made.add("pytorch-cpu", "2.13.0", "cpu_h0_0", [], depends=("pytorch 2.13.0 cpu*",))
    made.finish()
    return made


def test_a_conda_environment_of_a_real_python_is_made_without_conda_and_trains(channel, tmp_path):
    prefix = tmp_path / "an environment"
    variables = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry),
        "PATH": "/usr/bin:/bin",
        "HOME": str(tmp_path),
        "STACKCHECK_STATE_DIR": str(tmp_path / "state"),
        "CONDA_CHANNEL_ALIAS": channel.folder.parent.as_uri(),
        "RATTLER_CACHE_DIR": str(tmp_path / "rattler"),
    }
    words = ("pytorch+cpu==2.13.0", "--no-gpu", "--channel", "conda-forge", "--python", MINOR)
    command = [sys.executable, "-m", "stackcheck", "create-env", *words, "-p", prefix, "--json"]
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=variables)

    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    proofs = {proof["what"]: proof["status"] for proof in document["verified"]}
    assert (document["status"], document["installer"]) == ("ok", "rattler")
    assert proofs["pytorch training"] == "ok"
    code = "import os, sys, sysconfig, torch; print(os.path.realpath(sys.executable), sysconfig.get_config_var('prefix'))"
    told = subprocess.run(
        [prefix / "bin" / "python", "-c", code], capture_output=True, text=True, check=True
    ).stdout
    assert told == f"{prefix}/bin/python{MINOR} {prefix}\n"
    assert not (prefix / "pyvenv.cfg").exists()
