"""Start-up is felt: what a command does not need is not imported."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import sys
from stackcheck.cli.app import run
try:
    run({arguments!r})
finally:
    print(sorted({{name.partition('.')[0] for name in sys.modules}}), file=sys.stderr)
"""


def modules_after(*arguments):
    program = PROGRAM.format(arguments=list(arguments))
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return set(eval(done.stderr.splitlines()[-1]))


def test_version_imports_nothing_but_itself():
    program = "import sys; sys.argv = ['stackcheck', '--version']\nfrom stackcheck.__main__ import main\nmain()\nprint('pydantic' in sys.modules, 'pynvml' in sys.modules, 'typer' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.split()[-3:] == ["False", "False", "False"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "pytorch", "--elsewhere", "--json"),
        ("resolve", "pytorch", "--gpu", "A100", "--json"),
        ("explain", "DR-01", "--json"),
    ],
)
def test_answers_import_neither_pydantic_nor_numpy_nor_nvml(arguments):
    modules_after(*arguments)  # the very first run compiles the matrices, which pydantic validates
    assert not modules_after(*arguments) & {"pydantic", "numpy", "pynvml", "stackgrad"}


def test_the_command_line_loads_neither_numpy_nor_pynvml():
    program = "import sys, stackcheck.cli.app as app; app.build_app(); print(sorted(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert "'numpy'" not in done.stdout
    assert "'pynvml'" not in done.stdout
