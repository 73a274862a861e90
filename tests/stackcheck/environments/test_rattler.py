from __future__ import annotations

import json
import shutil
import subprocess

import pytest

from stackcheck.environments.conda_settings import channel_url
from tests.stackcheck.environments.conda_channel import MINOR, Channel, add_frameworks, add_python

H100 = ("--gpu", "NVIDIA H100 80GB HBM3", "--driver", "570.133.07", "--os", "Ubuntu 22.04")
PLAN = ("pytorch==2.13.0", *H100, "--python", MINOR)
MAKE = (*PLAN, "--installer", "rattler", "--no-verify")
FILE = "pytorch-2.13.0-cuda129_mkl_py_h1_302.tar.bz2"


@pytest.fixture
def conda(home, forge):
    """The home, with the tests' channel where the user's own conda settings put channels."""
    home.variables["CONDA_CHANNEL_ALIAS"] = forge.folder.parent.as_uri()
    home.variables["RATTLER_CACHE_DIR"] = str(home.path / "rattler-cache")
    return home


@pytest.fixture
def own_forge(home, tmp_path):
    """A channel that one test may damage."""
    pytest.importorskip("rattler", reason="needs py-rattler (extra `conda`)")
    channel = Channel(tmp_path / "own" / "conda-forge")
    add_python(channel)
    add_frameworks(channel)
    home.variables["CONDA_CHANNEL_ALIAS"] = (tmp_path / "own").as_uri()
    home.variables["RATTLER_CACHE_DIR"] = str(home.path / "rattler-cache")
    return channel


def test_makes_a_conda_environment_without_conda(conda):
    prefix = conda.path / "env"
    answer = conda.run("create-env", *MAKE, "-p", prefix, "--json")

    assert answer.status == 0, answer.err
    assert answer.document["plan"]["builds"][0]["channel"] == "conda-forge"
    names = {
        json.loads(path.read_text())["name"] for path in (prefix / "conda-meta").glob("*.json")
    }
    assert {"python", "pip", "pytorch", "pytorch-gpu", "cuda-version"} <= names
    code = "import sys, torch, pip; print(sys.prefix, torch.__version__)"
    done = subprocess.run(
        [prefix / "bin" / "python", "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == [str(prefix), "2.13.0"]


def test_conda_finds_the_environment_and_keeps_its_pins(conda):
    prefix = conda.path / "env"
    assert conda.run("create-env", *MAKE, "-p", prefix).status == 0

    listed = (conda.path / "home" / ".conda" / "environments.txt").read_text().splitlines()
    assert listed == [str(prefix)]
    assert (
        "pytorch ==2.13.0 cuda129*" in (prefix / "conda-meta" / "pinned").read_text().splitlines()
    )


def test_records_are_readable_for_the_group(conda):
    prefix = conda.path / "env"
    assert conda.run("create-env", *MAKE, "-p", prefix).status == 0

    modes = {path.stat().st_mode & 0o777 for path in (prefix / "conda-meta").glob("*.json")}
    assert modes == {0o644}


def test_wheels_join_a_conda_environment_with_what_conda_installed_held(conda, make_wheel):
    make_wheel(conda.wheels, "ordinary", "1.0", {"ordinary.py": ""}, requires=["pip"])
    make_wheel(conda.wheels, "pip", "99.0", {"pip/__init__.py": ""})
    prefix = conda.path / "env"
    answer = conda.run("create-env", *MAKE, "-p", prefix, "--with", "ordinary", UV_OFFLINE="1")

    assert answer.status == 0, answer.err
    code = "import ordinary, torch, pip; print(pip.__version__)"
    done = subprocess.run(
        [prefix / "bin" / "python", "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() != "99.0"


def test_a_driver_that_is_too_old_is_named_in_conda_s_own_words(conda):
    old = ("--gpu", "NVIDIA H100 80GB HBM3", "--driver-cuda", "11.8", "--os", "Ubuntu 22.04")
    words = ("--channel", "conda-forge", "--installer", "rattler", "-p", conda.path / "env")
    answer = conda.run("create-env", "pytorch==2.13.0", *old, *words)

    assert answer.status == 1
    assert "driver" in answer.out + answer.err
    assert not (conda.path / "env").exists()


def test_a_tampered_package_is_refused_although_the_channel_is_local(home, own_forge):
    path = own_forge.finish().folder / "linux-64" / FILE
    path.write_bytes(path.read_bytes() + b"\0")
    answer = home.run("create-env", *MAKE, "-p", home.path / "env")

    assert answer.status == 1
    assert "its channel has" in answer.err
    assert path.name in answer.err
    assert not (home.path / "env").exists()


def test_a_missing_package_is_named_and_nothing_is_left(home, own_forge):
    path = own_forge.finish().folder / "linux-64" / FILE
    path.unlink()
    answer = home.run("create-env", *MAKE, "-p", home.path / "env")

    assert answer.status == 1
    assert path.name in answer.err
    assert not (home.path / "env").exists()


def test_a_damaged_index_is_an_error_in_words(home, own_forge):
    own_forge.finish()
    (own_forge.folder / "linux-64" / "repodata.json").write_text("{")
    answer = home.run("create-env", *MAKE, "-p", home.path / "env")

    assert answer.status == 1
    assert "a conda channel could not be read" in answer.err
    assert "Traceback" not in answer.err
    assert not (home.path / "env").exists()


def test_a_conflict_is_explained_and_leaves_nothing(home, own_forge):
    depends = ["python", "__cuda", "no-such-library >=3"]
    own_forge.add("pytorch", "2.13.0", "cuda129_mkl_py_h1_302", depends=depends)
    own_forge.finish()
    answer = home.run("create-env", *MAKE, "-p", home.path / "env")

    assert answer.status == 1
    assert "no-such-library" in answer.err
    assert not (home.path / "env").exists()


def test_a_login_node_builds_for_its_compute_nodes(conda):
    words = (*H100, "--write", "explicit", "--channel", "conda-forge", "--python", MINOR)
    path = conda.path / "explicit.txt"
    answer = conda.run(
        "create-env", "pytorch==2.13.0", "--installer", "none", *words, "--output", path
    )

    assert answer.status == 0, answer.err
    lines = path.read_text().splitlines()
    assert "@EXPLICIT" in lines
    assert any("/pytorch-2.13.0-cuda1" in line for line in lines)
    assert all(len(line.rpartition("#")[2]) == 64 for line in lines if line.startswith("file:"))


def test_the_explicit_file_is_read_back_by_rattler(conda):
    rattler = pytest.importorskip("rattler")
    path = conda.path / "pixi.lock"
    words = ("--installer", "none", "--write", "pixi.lock", "--output", path)
    answer = conda.run("create-env", *PLAN, *words)

    assert answer.status == 0, answer.err
    lock = rattler.LockFile.from_path(path)
    packages = lock.default_environment().packages(lock.platforms()[0])
    assert {"pytorch", "python", "pip"} <= {package.name for package in packages}


def test_a_conda_bundle_installs_from_itself_alone(conda):
    bundle = conda.path / "bundle"
    words = ("--installer", "none", "--bundle", bundle, "--channel", "conda-forge")
    first = conda.run("create-env", *PLAN, *words)
    assert first.status == 0, first.err
    answer = conda.run(
        "create-env",
        *MAKE,
        *("-p", conda.path / "env", "--bundle", bundle),
        CONDA_CHANNEL_ALIAS=(conda.path / "nowhere").as_uri(),
        RATTLER_CACHE_DIR=str(conda.path / "fresh"),
    )

    assert answer.status == 0, answer.err
    assert (conda.path / "env" / "conda-meta").is_dir()


def test_channels_are_where_the_users_condarc_puts_them(tmp_path, monkeypatch):
    condarc = tmp_path / "condarc"
    condarc.write_text(
        "channel_alias: https://mirror.example/conda/\ncustom_channels:\n  own: https://other.example\n"
    )
    monkeypatch.setenv("CONDARC", str(condarc))
    monkeypatch.delenv("CONDA_CHANNEL_ALIAS", raising=False)
    from stackcheck.environments import conda_settings

    conda_settings._settings.cache_clear()
    try:
        assert channel_url("conda-forge") == "https://mirror.example/conda/conda-forge"
        assert channel_url("own") == "https://other.example/own"
        assert channel_url("file:///srv/channel") == "file:///srv/channel"
    finally:
        conda_settings._settings.cache_clear()


def test_rattler_is_named_where_it_is_missing(home):
    if shutil.which("conda"):
        pytest.skip("a conda is here, which `auto` takes")
    code = "import sys; sys.modules['rattler'] = None; from stackcheck.__main__ import main; main()"
    words = ("create-env", *PLAN, "--channel", "conda-forge", "-p", str(home.path / "env"))
    done = subprocess.run(
        [home.arguments()[0], "-c", code, *words],
        check=False,
        capture_output=True,
        text=True,
        env=home.variables,
    )

    assert done.returncode == 2
    assert "stackcheck[conda]" in done.stderr
