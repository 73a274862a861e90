from __future__ import annotations

import ast
import sys
from importlib.resources import files

import pytest

PROGRAMS = sorted(
    path.name
    for path in (files("stackcheck") / "payload").iterdir()
    if path.name.startswith("train_")
)


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs_are_python_3_7_and_need_nothing_but_numpy_and_their_framework(name):
    text = (files("stackcheck") / "payload" / name).read_text()
    tree = ast.parse(text, feature_version=(3, 7))
    imported = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imported |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add((node.module or "").partition(".")[0])
    framework = name.removeprefix("train_").removesuffix(".py")
    assert imported - sys.stdlib_module_names <= {"numpy", framework}


def test_there_is_a_program_for_every_framework_that_the_command_offers():
    from stackcheck.cli.train_smoke import _FRAMEWORKS

    assert {f"train_{framework}.py" for framework in _FRAMEWORKS} | {"train_protocol.py"} == set(
        PROGRAMS
    )
