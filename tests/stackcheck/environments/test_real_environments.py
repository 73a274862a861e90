"""Gigabytes from the package index: run by `python -m pytest -m "slow and network" tests/stackcheck/environments`.

PyTorch's CPU build comes from its own index, or from a folder that `UV_FIND_LINKS` names.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.stackcheck.environments.conda_channel import MINOR

pytestmark = [pytest.mark.slow, pytest.mark.network]


@pytest.fixture
def create(tmp_path):
    """Run the command with the user's own caches and mirrors."""
    variables = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry),
        "STACKCHECK_STATE_DIR": str(tmp_path / "state"),
        "STACKCHECK_DATA_DIR": str(tmp_path / "data"),
    }

    def run(*words, **changes):
        command = [sys.executable, "-m", "stackcheck", "create-env", *map(str, words), "--json"]
        done = subprocess.run(
            command, check=False, capture_output=True, text=True, env={**variables, **changes}
        )
        unreachable = "dns error" in done.stderr or "download.pytorch.org" in done.stderr
        if done.returncode == 1 and unreachable:
            pytest.skip("the wheel index cannot be reached, and UV_FIND_LINKS has no such wheel")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


def trained(document):
    return {
        proof["what"]: proof["status"]
        for proof in document["verified"]
        if "training" in proof["what"]
    }


@pytest.mark.parametrize(
    ("spec", "framework"),
    [
        ("pytorch+cpu==2.13.0", "pytorch"),
        ("jax+cpu", "jax"),
        ("tensorflow+cpu", "tensorflow"),
        ("mxnet+cpu==1.9.1", "mxnet"),
    ],
)
def test_uv_makes_an_environment_in_which_the_framework_trains(create, tmp_path, spec, framework):
    document = create(spec, "--no-gpu", "-p", tmp_path / "env", "--installer", "uv")

    assert document["status"] == "ok"
    assert trained(document) == {f"{framework} training": "ok"}


def test_a_conda_environment_without_conda_trains_as_well(create, forge, tmp_path):
    words = ("jax+cpu==0.9.2", "--no-gpu", "--channel", "pypi", "-p", tmp_path / "env")
    changes = {
        "CONDA_CHANNEL_ALIAS": forge.folder.parent.as_uri(),
        "HOME": str(tmp_path),
        "UV_CACHE_DIR": os.environ.get("UV_CACHE_DIR", str(Path.home() / ".cache" / "uv")),
    }
    document = create(*words, "--installer", "rattler", "--python", MINOR, **changes)

    assert document["status"] == "ok"
    assert trained(document) == {"jax training": "ok"}
    assert (tmp_path / "env" / "conda-meta").is_dir()


def test_an_old_release_is_installed_with_the_dependencies_of_its_time(create, tmp_path):
    document = create("tensorflow==2.4.1", "--no-gpu", "-p", tmp_path / "env", "--installer", "uv")

    assert trained(document) == {"tensorflow training": "ok"}
    assert document["plan"]["python"] in ("3.6", "3.7", "3.8")


def test_a_lock_installs_by_uv_alone_with_every_hash_checked(create, tmp_path):
    lock = tmp_path / "pylock.toml"
    words = ("--installer", "none", "--write", "pylock.toml", "--output", lock, "--python", MINOR)
    create("jax+cpu==0.9.2", "--no-gpu", "--glibc", "2.28", *words)
    from stackcheck.environments.installers.uv import find_uv

    done = subprocess.run(
        [find_uv(), "pip", "install", "--dry-run", "--python", sys.executable, "-r", lock],
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "jaxlib==0.9.2" in done.stderr


def test_a_hashed_requirements_file_names_every_package(create, tmp_path):
    path = tmp_path / "requirements.lock.txt"
    words = ("--installer", "none", "--write", "requirements.lock", "--output", path)
    create("jax+cpu==0.9.2", "--no-gpu", "--python", MINOR, *words)
    text = path.read_text()

    assert "jaxlib==0.9.2" in text
    assert text.count("--hash=sha256:") > text.count("==")
