"""The README cannot rot: every command and option of the command line stands in it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer.main

from stackcheck.cli.app import COMMANDS, build_app

README = Path(__file__).parents[3] / "README.md"


def options_of(command):
    for name, parameter in ((each.name, each) for each in command.params):
        for option in [*parameter.opts, *parameter.secondary_opts]:
            if option.startswith("--"):
                yield name, option


def commands_below(command, path=()):
    yield path, command
    for name, each in getattr(command, "commands", {}).items():
        yield from commands_below(each, (*path, name))


ALL = list(commands_below(typer.main.get_command(build_app())))


@pytest.fixture(scope="module")
def text():
    if not README.exists():
        pytest.skip("the README is not beside the tests")
    return README.read_text(encoding="utf-8")


def test_every_command_is_there(text):
    missing = [name for name in COMMANDS if f"`{name}" not in text]
    assert not missing


@pytest.mark.parametrize("path", [path for path, _ in ALL], ids=" ".join)
def test_every_option_is_there(path, text):
    command = dict(ALL)[path]
    told = set(re.findall(r"--[a-z][a-z-]*", text))
    shell = {"--install-completion", "--show-completion"}
    missing = {option for _, option in options_of(command)} - told - shell
    assert not missing


@pytest.mark.parametrize("path", [path for path, _ in ALL], ids=" ".join)
def test_every_command_has_help(path):
    assert dict(ALL)[path].help


def test_both_set_up_commands_stand_in_the_readme(text):
    lines = text.splitlines()
    assert "pip install . && stackcheck doctor && stackcheck train-smoke" in lines
    assert "pip install '.[test]' && python -m pytest" in lines
