from __future__ import annotations

import hashlib
import json
import subprocess

import pytest
import yaml

CPU = ("pytorch+cpu==2.13.0", "--no-gpu", "--installer", "uv", "--offline")
H100 = ("--gpu", "NVIDIA H100 80GB HBM3", "--driver", "570.133.07", "--os", "Ubuntu 22.04")


GPU_TORCH = """
__version__ = "2.9.0+cu128"
class version:
    cuda = "12.8"
class backends:
    class cudnn:
        version = staticmethod(lambda: 91002)
class _C:
    _cuda_getArchFlags = staticmethod(lambda: "sm_75 sm_80 sm_90")
class cuda:
    is_available = staticmethod(lambda: False)
def device(name): return name
class Loss(float):
    def mean(self): return self
    def backward(self): pass
    def detach(self): return self
class Tensor:
    def __sub__(self, other): return self
    def __pow__(self, power): return Loss(nn.left.pop())
def tensor(rows, device): return Tensor()
class nn:
    left = [2.0 ** -step for step in range(40, 0, -1)]
    class Linear:
        def __init__(self, *sizes): pass
        def to(self, device): return self
        def parameters(self): return []
        def __call__(self, rows): return Tensor()
class optim:
    class SGD:
        def __init__(self, parameters, lr): pass
        def zero_grad(self): pass
        def step(self): pass
"""
"""As much of PyTorch as its verification asks for, on a machine without GPU."""


def test_makes_an_environment_of_wheels_and_writes_down_its_plan(home):
    prefix = home.path / "env"
    answer = home.run("create-env", *CPU, "-p", prefix, "--no-verify", "--json")

    assert answer.status == 0, answer.err
    assert answer.document["status"] == "unverified"
    assert answer.document["prefix"] == str(prefix)
    code = "import torch, pip; print(torch.__version__, torch.__file__)"
    done = subprocess.run(
        [prefix / "bin" / "python", "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith(f"2.13.0+cpu {prefix}")
    memory = json.loads((prefix / ".stackcheck" / "plan.json").read_text())
    assert memory["plan"]["builds"][0]["version"] == "2.13.0"


@pytest.mark.parametrize("name", ["an env", "-", "ünïcode's"])
def test_a_prefix_may_have_any_name(home, name):
    answer = home.run("create-env", *CPU, "-p", home.path / name, "--no-verify", "--json")

    assert answer.status == 0, answer.err
    line = home.run("env", "activate", home.path / name, "--shell", "sh").out
    done = subprocess.run(
        ["sh", "-c", f"{line}\npip --version"], capture_output=True, text=True, check=True
    )
    assert str(home.path / name) in done.stdout


def test_a_later_installation_by_pip_that_swaps_the_build_fails_and_names_it(home):
    prefix = home.path / "env"
    assert home.run("create-env", *CPU, "-p", prefix, "--no-verify").status == 0
    done = subprocess.run(
        [prefix / "bin" / "pip", "install", "torch==2.12.0"],
        check=False,
        capture_output=True,
        text=True,
        env=home.variables,
    )

    assert done.returncode == 1
    assert "constraint" in done.stdout + done.stderr
    assert "torch==2.13.0" in done.stdout + done.stderr


def test_an_environment_that_fails_its_verification_is_removed(home):
    prefix = home.path / "env"
    answer = home.run("create-env", *CPU, "-p", prefix, "--json")

    assert answer.status == 1
    assert answer.document["status"] == "error"
    training = [
        proof for proof in answer.document["verified"] if proof["what"] == "pytorch training"
    ]
    assert training[0]["status"] == "error"
    assert "AttributeError" in training[0]["message"]
    assert not prefix.exists()
    assert "Traceback" not in answer.err


def test_a_gpu_build_that_no_gpu_could_prove_is_kept_and_is_no_pass(home, make_wheel):
    make_wheel(home.wheels, "torch", "2.9.0+cu128", {"torch/__init__.py": GPU_TORCH})
    prefix = home.path / "env"
    words = ("pytorch+cu128==2.9.0", *H100, "--channel", "pytorch", "--installer", "uv")
    answer = home.run("create-env", *words, "--offline", "-p", prefix, "--json")

    assert answer.status == 3, answer.err
    assert answer.document["status"] == "unverified"
    unknown = [each for each in answer.document["verified"] if each["status"] == "unknown"]
    assert "no GPU on the machine where it was made" in unknown[0]["message"]
    assert (prefix / "bin" / "python").exists()


def test_what_nothing_satisfies_is_said_and_leaves_nothing(home):
    prefix = home.path / "env"
    answer = home.run("create-env", *CPU, "-p", prefix, "--with", "no-such-thing==9", "--json")

    assert answer.status == 1
    assert "no-such-thing" in answer.err
    assert answer.document["status"] == "error"
    assert not prefix.exists()


def test_an_ordinary_package_is_added_with_its_extras(home, make_wheel):
    make_wheel(home.wheels, "ordinary", "1.0", {"ordinary.py": ""}, requires=["torch"])
    prefix = home.path / "env"
    answer = home.run("create-env", *CPU, "-p", prefix, "--no-verify", "--with", "ordinary")

    assert answer.status == 0, answer.err
    code = "import ordinary, torch; print(torch.__version__)"
    done = subprocess.run(
        [prefix / "bin" / "python", "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout == "2.13.0+cpu\n"


def test_refuses_an_addition_that_contradicts_the_plan(home):
    answer = home.run("create-env", *CPU, "-p", home.path / "env", "--with", "torch<2")

    assert answer.status == 2
    assert "the plan has pytorch 2.13.0+cpu" in answer.err


def test_a_prefix_in_use_is_not_touched(home):
    prefix = home.path / "env"
    prefix.mkdir()
    (prefix / "thesis.tex").write_text("years of work")
    answer = home.run("create-env", *CPU, "-p", prefix)

    assert answer.status == 2
    assert "is not empty" in answer.err
    assert [path.name for path in prefix.iterdir()] == ["thesis.tex"]


def test_an_empty_directory_is_taken_and_stays_when_it_fails(home):
    prefix = home.path / "env"
    prefix.mkdir()
    answer = home.run("create-env", *CPU, "-p", prefix)

    assert answer.status == 1
    assert list(prefix.iterdir()) == []


def write_index(folder, wheels):
    """Make a package index (PEP 503) of files."""
    for wheel in wheels:
        name = wheel.name.split("-")[0]
        (folder / name).mkdir(parents=True, exist_ok=True)
        digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
        link = f'<a href="{wheel.as_uri()}#sha256={digest}">{wheel.name}</a>'
        (folder / name / "index.html").write_text(
            f"<!DOCTYPE html><html><body>{link}</body></html>"
        )


def test_an_index_of_its_own_serves_its_framework_alone_and_a_mirror_takes_its_place(
    home, make_wheel
):
    elsewhere = home.path / "elsewhere"
    wheels = [
        make_wheel(
            elsewhere, "torch", "2.9.0+cu128", {"torch/__init__.py": ""}, requires=["other"]
        ),
        make_wheel(elsewhere, "other", "99.0", {"other.py": "version = 99\n"}),
    ]
    write_index(home.path / "index", wheels)
    make_wheel(home.wheels, "other", "1.0", {"other.py": "version = 1\n"})
    write_index(
        home.path / "default",
        [
            *home.wheels.glob("other-*"),
            *home.wheels.glob("pip-*"),
            *home.wheels.glob("setuptools-*"),
        ],
    )
    prefix = home.path / "env"
    words = ("pytorch+cu128==2.9.0", *H100, "--channel", "pytorch", "--installer", "uv")
    mirror = f"pytorch-cu128={(home.path / 'index').as_uri()}"
    changes = {"UV_DEFAULT_INDEX": (home.path / "default").as_uri(), "UV_FIND_LINKS": ""}
    words += ("-p", prefix, "--no-verify")
    answer = home.run("create-env", *words, UV_INDEX=mirror, **changes)

    assert answer.status == 0, answer.err
    code = "import torch, other; print(other.version)"
    done = subprocess.run(
        [prefix / "bin" / "python", "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout == "1\n"
    assert "torch @ file://" in (prefix / ".stackcheck" / "requirements.lock.txt").read_text()


def test_where_an_index_cannot_be_reached_the_way_to_a_mirror_is_shown(home):
    words = ("pytorch+cu128==2.9.0", *H100, "--channel", "pytorch", "--installer", "uv")
    answer = home.run(
        *("create-env", *words, "-p", home.path / "env"),
        UV_INDEX="pytorch-cu128=http://127.0.0.1:9/simple",
        UV_HTTP_RETRIES="0",
    )

    assert answer.status == 1
    assert "UV_INDEX=pytorch-cu128=URL" in answer.err
    assert not (home.path / "env").exists()


def test_pip_is_the_last_resort(home):
    prefix = home.path / "env"
    words = ("pytorch+cpu==2.13.0", "--no-gpu", "--installer", "pip", "-p", prefix, "--no-verify")
    answer = home.run("create-env", *words, "--json")

    assert answer.status == 0, answer.err
    assert answer.document["installer"] == "pip"
    assert (prefix / "pip.conf").is_file()


def test_without_installer_conda_s_file_is_written(home):
    path = home.path / "environment.yml"
    answer = home.run("create-env", "pytorch", "--installer", "none", "--output", path, *H100)

    assert answer.status == 0, answer.err
    assert yaml.safe_load(path.read_text())["dependencies"][0].startswith("python 3.")


def test_several_files_go_into_a_directory(home):
    kinds = (
        "environment.yml",
        "pixi.toml",
        "Dockerfile",
        "apptainer",
        "devcontainer",
        "modulefile",
    )
    words = [word for kind in kinds for word in ("--write", kind)]
    answer = home.run(
        "create-env",
        "pytorch",
        "--installer",
        "none",
        *words,
        "--output",
        home.path / "out",
        "--json",
        *H100,
    )

    assert answer.status == 0, answer.err
    written = {
        path.relative_to(home.path / "out").as_posix() for path in (home.path / "out").rglob("*")
    }
    assert {
        "environment.yml",
        "pixi.toml",
        "Dockerfile",
        ".devcontainer/devcontainer.json",
    } <= written
    assert answer.document["status"] == "written"


def test_a_dry_run_lists_what_would_be_fetched_with_its_size_and_makes_nothing(home):
    answer = home.run("create-env", *CPU, "-p", home.path / "env", "--dry-run", "--json")

    assert answer.status == 0, answer.err
    fetched = {each["name"]: each for each in answer.document["would_fetch"]}
    assert fetched["torch"]["version"] == "2.13.0+cpu"
    assert fetched["torch"]["bytes"] is None or fetched["torch"]["bytes"] > 0
    assert not (home.path / "env").exists()


def test_a_bundle_installs_on_a_machine_without_index(home):
    bundle = home.path / "bundle"
    first = home.run("create-env", *CPU[:3], "none", "--bundle", bundle, UV_OFFLINE="1")
    assert first.status == 0, first.err
    for wheel in home.wheels.iterdir():
        wheel.unlink()
    answer = home.run(
        "create-env",
        *CPU,
        "-p",
        home.path / "env",
        "--bundle",
        bundle,
        "--no-verify",
        UV_CACHE_DIR=str(home.path / "new"),
    )

    assert answer.status == 0, answer.err
    assert (home.path / "env" / "bin" / "pip").exists()


def test_a_tampered_bundle_is_refused(home):
    bundle = home.path / "bundle"
    assert home.run("create-env", *CPU[:3], "none", "--bundle", bundle, UV_OFFLINE="1").status == 0
    wheel = next((bundle / "wheels").glob("torch-*"))
    wheel.write_bytes(wheel.read_bytes() + b"\0")
    answer = home.run(
        "create-env",
        *CPU,
        "-p",
        home.path / "env",
        "--bundle",
        bundle,
        "--no-verify",
        UV_CACHE_DIR=str(home.path / "new"),
    )

    assert answer.status == 1
    assert "ash" in answer.err
    assert not (home.path / "env").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--write", "environment.yaml"), "--write environment.yaml"),
        (("--installer", "poetry"), "--installer poetry"),
        (("-n", "a", "-p", "b"), "exclude each other"),
        (("-n", "a/b"), "no slash"),
        (("-p", ""), "-p: is empty"),
        (("-n", " "), "-n: is empty"),
        (("-p", f"{__file__}/env"), "is not a directory"),
        (("-p", __file__), "is not a directory"),
        (("--installer", "micromamba", "-p", "b"), "not on PATH"),
        (("--with", "x=>1"), "--with"),
    ],
)
def test_bad_input_is_one_clear_line(home, words, message):
    answer = home.run("create-env", "pytorch+cpu==2.13.0", "--no-gpu", *words)

    assert answer.status == 2
    assert message in answer.err
    assert "Traceback" not in answer.err


def test_a_plan_for_another_platform_is_not_made_here(home):
    answer = home.run(
        "create-env", "pytorch", "--os", "Windows 11", "--no-gpu", "-p", home.path / "env"
    )

    assert answer.status == 2
    assert "which this machine is not" in answer.err
