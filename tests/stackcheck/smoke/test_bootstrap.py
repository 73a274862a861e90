from __future__ import annotations

import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from stackcheck.smoke.bootstrap import (
    COMPANIONS,
    BootstrapFailed,
    EngineNeeds,
    find_needs,
    make_environment,
)
from stackcheck.smoke.home import lend_packages
from stackcheck.smoke.presence import look_for_gpu
from stackcheck.smoke.request import Request
from stackcheck.smoke.runner import EngineUnusable, run_stages
from tests.stackcheck.smoke import plants

PROJECT = Path(__file__).parents[3] / "pyproject.toml"


@pytest.mark.parametrize(
    ("machine", "extra"),
    [
        ("docker-h100", "cuda12"),  # driver 570
        ("gtx1080ti", "cuda12"),  # driver 580, but CUDA 13 has no code for Pascal
        ("b200", "cuda13"),
    ],
)
def test_the_extra_fits_the_driver_and_every_gpu(machine_tree, machine, extra):
    machine_tree(machine)
    needs = find_needs(look_for_gpu())
    assert needs.extra == extra
    assert needs.plan.builds[0].distribution == f"cupy-{extra}x"
    assert f"pip install 'stackcheck[{extra}]'" in needs.advice
    assert "--bootstrap" in needs.advice


def test_a_driver_that_no_cupy_runs_on_is_the_reason(fake_driver, machine_tree):
    machine_tree("dr01-driver-too-old")
    needs = find_needs(look_for_gpu())
    assert needs.plan is None
    assert "driver" in needs.advice
    with pytest.raises(BootstrapFailed, match="driver"):
        make_environment(needs, None)


def test_a_cupy_for_another_cuda_is_named_with_what_to_put_in_its_place(machine_tree):
    machine_tree("docker-h100")
    needs = find_needs(look_for_gpu())
    wrong = EngineNeeds(needs.plan, needs.extra, installed=("cupy-cuda13x",))
    assert wrong.advice.startswith("cupy-cuda13x is not what this machine needs: pip uninstall")
    right = EngineNeeds(needs.plan, needs.extra, installed=("cupy-cuda12x",))
    assert "pip" not in right.advice


@pytest.mark.skipif(not PROJECT.exists(), reason="an installation has no pyproject.toml")
def test_the_environment_has_what_the_extras_have():
    tomllib = pytest.importorskip("tomllib")
    extras = tomllib.loads(PROJECT.read_text())["project"]["optional-dependencies"]
    for extra, companions in COMPANIONS.items():
        assert [each for each in extras[extra] if not each.startswith("cupy")] == list(companions)


def test_another_interpreter_is_lent_the_two_packages_and_nothing_beside_them(tmp_path):
    with lend_packages(sys.executable) as home:
        done = subprocess.run(
            [sys.executable, "-S", "-c", "import stackcheck, stackgrad; print(stackcheck.__file__)"],
            env=home.variables, capture_output=True, text=True, check=False,
        )  # fmt: skip
        (folder,) = home.path
        assert sorted(path.name for path in Path(folder).iterdir()) == ["stackcheck", "stackgrad"]
    # without site-packages NumPy is missing, which shows that nothing else was lent
    assert "No module named 'numpy'" in done.stderr
    assert not Path(folder).exists()


def write_wheel(folder, name, version, files=None, requires=(), extras=()):
    """Write a wheel that stands in for one of several gigabytes."""
    stem = f"{name.replace('-', '_')}-{version}"
    metadata = [f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}"]
    metadata += [f"Provides-Extra: {extra}" for extra in extras]
    metadata += [f"Requires-Dist: {each}" for each in requires]
    info = f"{stem}.dist-info"
    contents = {
        **(files or {}),
        f"{info}/METADATA": "\n".join(metadata) + "\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    contents[f"{info}/RECORD"] = "".join(f"{path},,\n" for path in [*contents, f"{info}/RECORD"])
    with zipfile.ZipFile(folder / f"{stem}-py3-none-any.whl", "w") as archive:
        for path, text in contents.items():
            archive.writestr(path, text)


NO_DRIVER = """
__version__ = "14.2.0"
ndarray = type("ndarray", (), {})
def is_available():
    return False
"""


@pytest.mark.slow
@pytest.mark.network
def test_bootstrap_makes_an_environment_once_and_runs_the_engine_in_it(machine_tree, tmp_path):
    machine_tree("docker-h100")
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    build = find_needs(look_for_gpu()).plan.builds[0]
    write_wheel(wheels, "cupy-cuda12x", str(build.version), {"cupy/__init__.py": NO_DRIVER}, extras=("ctk",))  # fmt: skip
    for companion in COMPANIONS["cuda12"]:
        write_wheel(wheels, re.split("[>=]", companion)[0], "9.99")
    environment = plants.plant(tmp_path, "") | {
        "STACKCHECK_DATA_DIR": str(tmp_path / "data"),
        "UV_FIND_LINKS": str(wheels),
    }
    command = [sys.executable, "-m", "stackcheck", "train-smoke", "--bootstrap", "--json"]
    documents = []
    for _ in range(2):
        done = subprocess.run(
            [*command, "--device", "cuda", "--task", "mlp"],
            env=environment, capture_output=True, text=True, timeout=600, check=False,
        )  # fmt: skip
        assert done.returncode == 3, done.stderr
        documents.append(json.loads(done.stdout))
    for document in documents:
        assert any("train-smoke-cupy-cuda12x" in note for note in document["notes"])
        (stage,) = document["stages"]
        assert "CuPy finds no NVIDIA driver or no device" in stage["message"]
        assert "pip install" not in stage["message"]
    (prefix,) = (tmp_path / "data/envs").iterdir()
    with lend_packages(str(prefix / "bin/python")) as home, pytest.raises(EngineUnusable):
        run_stages(Request(device="cuda:0"), plants.Seen(), home)
    with lend_packages(str(prefix / "bin/python")) as home:
        run = run_stages(Request(stages=("device", "matrix product")), plants.Seen(), home)
    assert [stage.status for stage in run.stages] == ["ok", "ok"]
