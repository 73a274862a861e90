from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from stackcheck.environments.installers.uv import find_uv
from tests.stackcheck.environments.conda_channel import bundled_wheels
from tests.stackcheck.environments.index_server import serving

H100 = ("--gpu", "NVIDIA H100 80GB HBM3", "--driver", "570.133.07", "--os", "Ubuntu 22.04")
CU128 = ("pytorch+cu128==2.9.0", *H100, "--channel", "pytorch", "--installer", "uv", "--no-verify")
SECRET = "s3cr3t-w0rd"


@pytest.fixture
def wheels(home, make_wheel):
    torch = make_wheel(home.path / "own", "torch", "2.9.0+cu128", {"torch/__init__.py": ""})
    return [torch, *(home.wheels / wheel.name for wheel in bundled_wheels())]


def find_secret(folder):
    return [
        str(path)
        for path in folder.rglob("*")
        if path.is_file() and SECRET.encode() in path.read_bytes()
    ]


def test_a_mirror_s_password_reaches_the_mirror_and_nothing_else(home, wheels):
    prefix = home.path / "env"
    with serving(wheels, user="me", password=SECRET) as server:
        mirror = f"http://me:{SECRET}@{server.address}/simple"
        variables = {"UV_INDEX": f"pytorch-cu128={mirror}", "UV_DEFAULT_INDEX": mirror}
        answer = home.run(
            "create-env", *CU128, "-p", prefix, "--json", UV_FIND_LINKS="", **variables
        )

    assert answer.status == 0, answer.err
    assert SECRET not in answer.out + answer.err
    assert find_secret(prefix) == []
    assert find_secret(home.path / "state") == []
    subprocess.run([prefix / "bin" / "python", "-c", "import torch"], check=True)


def test_a_password_stands_in_no_written_lock(home, wheels):
    with serving(wheels, user="me", password=SECRET) as server:
        mirror = f"http://me:{SECRET}@{server.address}/simple"
        variables = {"UV_INDEX": f"pytorch-cu128={mirror}", "UV_DEFAULT_INDEX": mirror}
        kinds = ("pylock.toml", "requirements.lock", "requirements.txt", "pyproject")
        words = [word for kind in kinds for word in ("--write", kind)]
        answer = home.run(
            *("create-env", "pytorch+cu128==2.9.0", *H100, "--channel", "pytorch"),
            *("--installer", "none", *words, "--output", home.path / "out"),
            UV_FIND_LINKS="",
            **variables,
        )

    assert answer.status == 0, answer.err
    assert "torch-2.9.0" in (home.path / "out" / "pylock.toml").read_text()
    assert find_secret(home.path / "out") == []


def test_a_wrong_password_is_said_without_it(home, wheels):
    with serving(wheels, user="me", password="another") as server:
        mirror = f"http://me:{SECRET}@{server.address}/simple"
        variables = {"UV_INDEX": f"pytorch-cu128={mirror}", "UV_DEFAULT_INDEX": mirror}
        answer = home.run("create-env", *CU128, "-p", home.path / "env", "--json", **variables)

    assert answer.status == 1
    assert "401" in answer.err
    assert SECRET not in answer.out + answer.err
    assert not (home.path / "env").exists()


def test_no_network_is_not_said_to_be_a_conflict(home):
    answer = home.run(
        *("create-env", "pytorch+cpu==2.13.0", "--no-gpu", "--installer", "uv"),
        *("-p", home.path / "env", "--with", "einops"),
        UV_DEFAULT_INDEX="http://127.0.0.1:9/simple",
        UV_HTTP_RETRIES="0",
    )

    assert answer.status == 1
    assert "the package index could not be reached" in answer.err
    assert "UV_DEFAULT_INDEX=URL" in answer.err
    assert "satisfies" not in answer.err


@pytest.mark.parametrize("status", [403, 404, 500])
def test_an_index_that_refuses_is_named_and_nothing_is_left(home, wheels, status):
    with serving(wheels, status=status) as server:
        index = f"http://{server.address}/simple"
        variables = {"UV_INDEX": f"pytorch-cu128={index}", "UV_DEFAULT_INDEX": index}
        answer = home.run(
            *("create-env", *CU128, "-p", home.path / "env"), UV_HTTP_RETRIES="0", **variables
        )

    assert answer.status == 1
    assert server.address in answer.err
    assert str(status) in answer.err or "torch" in answer.err
    assert "Traceback" not in answer.err
    assert not (home.path / "env").exists()


def test_a_bundle_is_fetched_with_the_user_s_password(home, wheels):
    with serving(wheels, user="me", password=SECRET) as server:
        mirror = f"http://me:{SECRET}@{server.address}/simple"
        variables = {"UV_INDEX": f"pytorch-cu128={mirror}", "UV_DEFAULT_INDEX": mirror}
        answer = home.run(
            *("create-env", *CU128[:-2], "none", "--bundle", home.path / "bundle", "--json"),
            UV_FIND_LINKS="",
            **variables,
        )

    assert answer.status == 0, answer.err
    assert list((home.path / "bundle" / "wheels").glob("torch-*"))
    assert SECRET not in answer.out + answer.err
    assert find_secret(home.path / "bundle") == []


def test_what_is_in_uv_s_cache_is_not_fetched_again(home, wheels):
    with serving(wheels) as server:
        mirror = f"pytorch-cu128=http://{server.address}/simple"
        variables = {"UV_INDEX": mirror, "UV_DEFAULT_INDEX": f"http://{server.address}/simple"}
        for name in ("one", "two"):
            answer = home.run("create-env", *CU128, "-p", home.path / name, **variables)
            assert answer.status == 0, answer.err
        fetched = [
            path
            for kind, path, _ in server.asked
            if kind == "GET" and path.endswith("cu128-py3-none-any.whl")
        ]

    assert len(fetched) == 1
    lock = (home.path / "two" / ".stackcheck" / "pylock.toml").read_text()
    assert f'index = "http://{server.address}/simple"' in lock
    subprocess.run([home.path / "two" / "bin" / "python", "-c", "import torch"], check=True)


def test_what_the_disk_has_no_room_for_is_stopped_while_it_is_fetched(home, wheels):
    with serving(wheels, delay=20) as server:
        server.sizes[wheels[0].name] = 10**15
        mirror = f"pytorch-cu128=http://{server.address}/simple"
        variables = {"UV_INDEX": mirror, "UV_DEFAULT_INDEX": f"http://{server.address}/simple"}
        answer = home.run("create-env", *CU128, "-p", home.path / "env", **variables)

    assert answer.status == 1
    assert "the environment needs about" in answer.err
    assert not (home.path / "env").exists()


def test_the_dockerfile_s_commands_obey_its_own_index_wherever_they_run(home, wheels, make_wheel):
    """The layers are run by the shell, with another folder in the place of `/opt`."""
    impostor = make_wheel(home.path / "default", "torch", "2.9.0", {"torch/__init__.py": ""})
    minor = f"{sys.version_info[0]}.{sys.version_info[1]}"
    spec = ("pytorch+cu128==2.9.0", *H100, "--channel", "pytorch", "--python", minor)
    words = (*spec, "--installer", "none", "--write", "Dockerfile")
    written = home.run("create-env", *words, "--output", home.path / "Dockerfile")
    assert written.status == 0, written.err
    layer = next(
        part for part in (home.path / "Dockerfile").read_text().split("RUN ") if "uv venv" in part
    )
    script = layer.partition("ENV ")[0].partition("uv ")[2]
    with serving([impostor, *wheels[1:]]) as default, serving(wheels[:1]) as own:
        script = script.replace("/opt/", f"{home.path}/opt/").replace(" --seed", "")
        script = script.replace(
            "https://download.pytorch.org/whl/cu128", f"http://{own.address}/simple"
        )
        (home.path / "opt").mkdir()
        variables = {"UV_DEFAULT_INDEX": f"http://{default.address}/simple", "UV_FIND_LINKS": ""}
        path = f"{Path(find_uv()).parent}{os.pathsep}{home.variables['PATH']}"
        done = subprocess.run(
            ["sh", "-euc", script],
            check=False,
            capture_output=True,
            text=True,
            cwd="/",
            env={**home.variables, **variables, "PATH": path, "UV_PYTHON_DOWNLOADS": "never"},
        )

    assert done.returncode == 0, done.stderr
    assert "torch==2.9.0+cu128" in done.stderr
