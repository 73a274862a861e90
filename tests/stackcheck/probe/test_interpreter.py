from __future__ import annotations

import sys
import venv
from pathlib import Path

import pytest

from stackcheck.errors import InputError
from stackcheck.model.fact import Absent, Unknown
from stackcheck.probe.host import HostReader
from stackcheck.probe.interpreter import Interpreter, choose_interpreter


def make(root: Path, prefix: str, *, version: str = "3.12.7", configuration: str = "") -> None:
    minor = version.rpartition(".")[0]
    (root / prefix.lstrip("/") / f"lib/python{minor}/site-packages").mkdir(parents=True)
    binary = root / prefix.lstrip("/") / "bin"
    binary.mkdir()
    (binary / "python").write_text("")
    if configuration:
        (root / prefix.lstrip("/") / "pyvenv.cfg").write_text(configuration)


def choose(root: Path, named: str | None = None, **environment: str) -> Interpreter:
    host = HostReader(root, {"environment": environment})
    found = choose_interpreter(host, named).get()
    assert found is not None
    return found


def test_the_order_is_virtual_env_conda_prefix_path(tmp_path: Path) -> None:
    for name in ("/v", "/c", "/p"):
        make(tmp_path, name)
    every = {"VIRTUAL_ENV": "/v", "CONDA_PREFIX": "/c", "PATH": "/none:/p/bin"}
    for variable, prefix in (("VIRTUAL_ENV", "/v"), ("CONDA_PREFIX", "/c"), ("PATH", "/p")):
        found = choose(tmp_path, **every)
        assert (found.prefix, found.chosen_by) == (prefix, variable)
        del every[variable]


def test_a_variable_that_leads_nowhere_is_passed_over(tmp_path: Path) -> None:
    make(tmp_path, "/c")
    assert choose(tmp_path, VIRTUAL_ENV="/gone", CONDA_PREFIX="/c").prefix == "/c"


def test_a_tree_without_python_has_no_environment(tmp_path: Path) -> None:
    host = HostReader(tmp_path, {"environment": {"PATH": "/usr/bin"}})
    assert isinstance(choose_interpreter(host, None), Absent)


@pytest.mark.parametrize("named", ["/no/such/prefix", "/etc"])
def test_a_named_environment_that_is_none_is_an_input_error(tmp_path: Path, named: str) -> None:
    (tmp_path / "etc").mkdir()
    with pytest.raises(InputError, match=f"--env {named}"):
        choose_interpreter(HostReader(tmp_path), named)


def test_a_prefix_and_its_executable_name_the_same_environment(tmp_path: Path) -> None:
    make(tmp_path, "/v", configuration="home = /usr/bin\nversion_info = 3.12.7\n")
    by_prefix, by_file = choose(tmp_path, "/v"), choose(tmp_path, "/v/bin/python")
    assert by_prefix.prefix == by_file.prefix == "/v"
    assert str(by_file.version.get()) == "3.12.7"


@pytest.mark.parametrize(
    ("configuration", "kind"),
    [("home = /usr/bin\n", "venv"), ("home = /usr/bin\nuv = 0.9.9\n", "uv"), ("", "system")],
)
def test_tells_the_kinds_apart(tmp_path: Path, configuration: str, kind: str) -> None:
    make(tmp_path, "/v", configuration=configuration)
    assert choose(tmp_path, VIRTUAL_ENV="/v").kind.get() == kind


def test_conda_names_its_python_in_its_metadata(tmp_path: Path) -> None:
    make(tmp_path, "/c")
    (tmp_path / "c/conda-meta").mkdir()
    (tmp_path / "c/conda-meta/python-3.12.9-h9e4cc4f_1_cpython.json").write_text("{}")
    found = choose(tmp_path, CONDA_PREFIX="/c")
    assert (found.kind.get(), str(found.version.get())) == ("conda", "3.12.9")


def test_pixi_environments_have_their_own_kind(tmp_path: Path) -> None:
    make(tmp_path, "/w/.pixi/envs/default")
    (tmp_path / "w/.pixi/envs/default/conda-meta").mkdir()
    assert choose(tmp_path, CONDA_PREFIX="/w/.pixi/envs/default").kind.get() == "pixi"


def test_two_pythons_in_one_prefix_leave_the_version_unknown(tmp_path: Path) -> None:
    make(tmp_path, "/s")
    (tmp_path / "s/lib/python3.13").mkdir()
    assert isinstance(choose(tmp_path, "/s").version, Unknown)


def test_a_shim_of_pyenv_leads_to_its_version(tmp_path: Path) -> None:
    make(tmp_path, "/home/ada/.pyenv/versions/3.12.7")
    (tmp_path / "home/ada/.pyenv/shims").mkdir()
    (tmp_path / "home/ada/.pyenv/shims/python").write_text("#!/bin/sh\nexec pyenv exec python\n")
    (tmp_path / "home/ada/.pyenv/version").write_text("3.12.7\n")
    assert (
        choose(tmp_path, PATH="/home/ada/.pyenv/shims").prefix == "/home/ada/.pyenv/versions/3.12.7"
    )


def test_the_users_site_directory_comes_first_unless_it_is_switched_off(tmp_path: Path) -> None:
    make(tmp_path, "/c")
    (tmp_path / "c/conda-meta").mkdir()
    user = "/home/a/.local/lib/python3.12/site-packages"
    (tmp_path / user.lstrip("/")).mkdir(parents=True)
    found = choose(tmp_path, CONDA_PREFIX="/c", HOME="/home/a")
    assert found.site_directories[0] == user
    off = choose(tmp_path, CONDA_PREFIX="/c", HOME="/home/a", PYTHONNOUSERSITE="1")
    assert user not in off.site_directories


def test_a_virtual_environment_with_system_packages_has_both(tmp_path: Path) -> None:
    make(tmp_path, "/usr")
    configuration = "home = /usr/bin\nversion = 3.12.7\ninclude-system-site-packages = true\n"
    make(tmp_path, "/v", configuration=configuration)
    assert choose(tmp_path, VIRTUAL_ENV="/v").site_directories == (
        "/v/lib/python3.12/site-packages",
        "/usr/lib/python3.12/site-packages",
    )


def test_a_real_virtual_environment_is_read_without_being_run(tmp_path: Path) -> None:
    venv.create(tmp_path / "real", with_pip=False, symlinks=True)
    found = choose_interpreter(HostReader(), str(tmp_path / "real")).get()
    assert found is not None
    version = found.version.get()
    assert version is not None
    assert version.release[:2] == sys.version_info[:2]
    assert found.kind.get() == "venv"
    assert found.chosen_by == "--env"
    assert len(found.site_directories) == 1
