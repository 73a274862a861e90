from __future__ import annotations

from stackcheck.rules.python.py21_keras_backend import RULE
from tests.stackcheck.sketch import (
    found,
    healthy,
    verdict,
    with_distributions,
    with_files,
    with_variables,
)


def test_names_the_absent_backend():
    finding = found(
        RULE,
        with_files(
            with_distributions(healthy(), "keras==3.12.0", "torch==2.9.0"),
            {"~/.keras/keras.json": '{"backend": "tensorflow"}'},
        ),
    )
    assert "backend tensorflow, which is not installed; installed: torch" in finding.title
    assert finding.evidence


def test_is_silent_where_the_variable_names_one_that_is_there():
    assert (
        verdict(
            RULE,
            with_variables(
                with_distributions(healthy(), "keras==3.12.0", "torch==2.9.0"),
                KERAS_BACKEND="torch",
            ),
        )
        == "pass"
    )


def test_is_undecided_where_the_file_is_no_json():
    assert (
        verdict(
            RULE,
            with_files(
                with_distributions(healthy(), "keras==3.12.0"), {"~/.keras/keras.json": "{"}
            ),
        )
        == "unknown"
    )
