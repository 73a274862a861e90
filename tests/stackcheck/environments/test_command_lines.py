from __future__ import annotations

import json
import os
import shutil
import stat

import pytest

from stackcheck.environments.creation import creating
from stackcheck.environments.installers import conda, pixi
from stackcheck.environments.installers.choice import choose
from stackcheck.environments.tools import ToolFailed, Tools
from stackcheck.errors import InputError
from tests.stackcheck.environments import plans
from tests.stackcheck.environments.conda_channel import MINOR

TOOL = """#!/usr/bin/env python3
import json, os, pathlib, sys
prefix = pathlib.Path(sys.argv[sys.argv.index("--prefix") + 1])
if prefix.exists():
    sys.exit("Non-conda folder exists at prefix")
(prefix / "conda-meta").mkdir(parents=True)
seen = {k: v for k, v in os.environ.items() if k.startswith("CONDA_OVERRIDE")}
(prefix / "seen.json").write_text(json.dumps({"arguments": sys.argv[1:], "variables": seen}))
if "FAIL" in os.environ:
    sys.exit("PackagesNotFoundError: pytorch-gpu")
"""


MAMBA = {
    *("--yes", "--prefix", "--name", "--channel", "--override-channels", "--offline", "--quiet"),
    *("--json", "--dry-run", "--file", "--no-pin", "--platform", "--root-prefix", "--no-rc"),
}
OPTIONS = {
    "conda": {
        *("--yes", "--prefix", "--name", "--channel", "--override-channels", "--offline"),
        *("--quiet", "--json", "--dry-run", "--file", "--no-pin", "--subdir", "--solver"),
    },
    "mamba": MAMBA,
    "micromamba": MAMBA,
    "pixi": {"--manifest-path", "--frozen", "--locked", "--environment", "--all", "--auth-file"},
}
"""Options of `create` (of `install` for pixi), as recorded: conda 26.7.3's own `conda create --help`; mamba's and
micromamba's `common_options.cpp` at 04a440f (2026); pixi's `docs/reference/cli/pixi/install.md` at 0af7be4 (2026)."""


@pytest.fixture
def tool(tmp_path, monkeypatch):
    """A stand-in that refuses an existing prefix, as micromamba does, and writes down how it was called."""
    path = tmp_path / "bin" / "micromamba"
    path.parent.mkdir()
    path.write_text(TOOL)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{path.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("STACKCHECK_STATE_DIR", str(tmp_path / "state"))
    return path


def gpu_recipe(prefix):
    fields = {"driver_cuda": "12.8", "capabilities": ["9.0"], "glibc": "2.35"}
    return plans.recipe(plans.TORCH_FORGE, prefix=str(prefix), **fields)


def test_conda_is_told_the_machine_the_channels_and_every_spec(tmp_path, tool):
    recipe = gpu_recipe(tmp_path / "env")
    with creating(tmp_path / "env", {}) as creation:
        choose("micromamba", recipe.packages).install(recipe, creation, Tools(quiet=True))
        seen = json.loads((tmp_path / "env" / "seen.json").read_text())
        creation.commit()

    assert seen["variables"] == {
        "CONDA_OVERRIDE_CUDA": "12.8",
        "CONDA_OVERRIDE_CUDA_ARCH": "9.0",
        "CONDA_OVERRIDE_GLIBC": "2.35",
        "CONDA_OVERRIDE_ARCHSPEC": "x86_64",
    }
    arguments = seen["arguments"]
    assert arguments[:4] == ["create", "--yes", "--prefix", str(tmp_path / "env")]
    assert "--override-channels" in arguments
    assert arguments[-5:] == [
        "python 3.12.*",
        "pip",
        "pytorch ==2.13.0 cuda129*",
        "pytorch-gpu ==2.13.0",
        "cuda-version 12.9.*",
    ]


def test_a_failure_of_the_tool_is_told_in_its_words_and_leaves_nothing(tmp_path, tool, monkeypatch):
    monkeypatch.setenv("FAIL", "1")
    recipe = gpu_recipe(tmp_path / "env")

    def install():
        with creating(tmp_path / "env", {}) as creation:
            choose("micromamba", recipe.packages).install(recipe, creation, Tools(quiet=True))

    with pytest.raises(ToolFailed, match="PackagesNotFoundError: pytorch-gpu"):
        install()
    assert not (tmp_path / "env").exists()


@pytest.mark.parametrize("name", ["conda", "mamba", "micromamba"])
def test_offline_is_handed_on(name, tmp_path):
    line = conda.command_line(name, gpu_recipe(tmp_path), Tools(offline=True))

    assert line[0] == name
    assert "--offline" in line


@pytest.mark.parametrize("name", ["conda", "mamba", "micromamba"])
@pytest.mark.parametrize("tools", [Tools(offline=True), Tools(quiet=True)])
def test_the_tool_knows_every_option_that_it_is_given(name, tools, tmp_path):
    line = conda.command_line(name, gpu_recipe(tmp_path), tools)

    assert {word for word in line if word.startswith("-")} <= OPTIONS[name]
    assert line[1] == "create"


def test_pixi_knows_every_option_that_it_is_given(tmp_path):
    line = pixi.command_line(gpu_recipe(tmp_path))

    assert {word for word in line if word.startswith("-")} <= OPTIONS["pixi"]


def test_pixi_which_cannot_stay_offline_is_not_run_when_that_is_asked(tmp_path, monkeypatch):
    monkeypatch.setenv("STACKCHECK_STATE_DIR", str(tmp_path / "state"))
    recipe = gpu_recipe(tmp_path / "env")
    with (
        pytest.raises(InputError, match="--offline"),
        creating(tmp_path / "env", {}) as creation,
    ):
        pixi.install(recipe, creation, Tools(offline=True))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["conda", "mamba", "micromamba"])
def test_the_tool_itself_makes_the_environment_where_it_is_on_path(name, home, forge):
    if shutil.which(name) is None:
        pytest.skip(f"no {name} on PATH")
    prefix = home.path / "env"
    variables = {"CONDA_CHANNEL_ALIAS": forge.folder.parent.as_uri()}
    for kept in ("CONDA_SOLVER", "MAMBA_ROOT_PREFIX"):
        if kept in os.environ:
            variables[kept] = os.environ[kept]
    machine = ("--gpu", "H100", "--driver", "570.133.07", "--os", "Ubuntu 22.04")
    words = ("pytorch==2.13.0", *machine, "--python", MINOR, "--installer", name, "--no-verify")
    answer = home.run("create-env", *words, "-p", prefix, "--json", **variables)

    assert answer.status == 0, answer.err
    records = {path.name for path in (prefix / "conda-meta").glob("*.json")}
    assert "pytorch-2.13.0-cuda129_mkl_py_h1_302.json" in records
    assert "cuda-version-12.9-3.json" in records


def test_pixi_installs_the_manifest_in_the_prefix(tmp_path):
    assert pixi.command_line(gpu_recipe(tmp_path)) == [
        "pixi",
        "install",
        "--manifest-path",
        f"{tmp_path}/pixi.toml",
    ]


def test_auto_takes_uv_for_wheels_and_the_embedded_solver_for_conda_packages(tmp_path):
    pytest.importorskip("rattler", reason="needs py-rattler (extra `conda`)")

    assert choose("auto", plans.recipe(plans.TORCH_CU128).packages).name == "uv"
    assert choose("auto", gpu_recipe(tmp_path).packages).name == "rattler"


def test_wheels_only_installers_refuse_conda_packages(tmp_path):
    for name in ("uv", "pip"):
        with pytest.raises(InputError, match="conda packages"):
            choose(name, gpu_recipe(tmp_path).packages)
