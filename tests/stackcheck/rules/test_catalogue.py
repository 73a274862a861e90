from __future__ import annotations

import re
from pathlib import Path

import pytest

from stackcheck.diagnose.examination import own_rules
from stackcheck.rules.layer import layer_of
from stackcheck.rules.of_machines import MACHINE_RULES
from stackcheck.rules.reference import UNSEEN

RULES = own_rules()
CODES = [rule.code for rule in RULES]
REASONS = {
    "driver-too-old-for-cuda",
    "arch-not-in-build",
    "arch-dropped",
    "python-version-unsupported",
    "platform-unsupported",
    "glibc-too-old",
    "cudnn-mismatch",
    "cudnn-conflict-LD_LIBRARY_PATH",
    "cpu-only-build-installed",
    "conda-channel-mix",
    "numpy-abi",
    "nvml-driver-library-mismatch",
    "container-toolkit-missing",
    "mig-visible-devices",
    "forward-compat",
    "ptx-jit-toolkit-newer-than-driver",
    "co-install-conflict",
    "no-driver",
    "permission",
    "ecc-xid-hardware",
    "out-of-memory-other-process",
    "other",
}
LAST_OF_LAYER = {
    "HW": 16, "KM": 14, "DV": 13, "DR": 12, "TK": 11, "DN": 9, "NC": 11, "PY": 18,
    "CT": 13, "WS": 4, "VS": 7, "VM": 5, "JT": 5, "RS": 7,
}  # fmt: skip


def test_every_entry_of_the_catalogue_is_a_rule_or_listed_with_the_reason():
    catalogue = {
        f"{layer}-{number:02}"
        for layer, last in LAST_OF_LAYER.items()
        for number in range(1, last + 1)
    }
    unseen = {entry.code for entry in UNSEEN}
    assert catalogue == (set(CODES) | unseen) & catalogue
    assert not unseen & set(CODES)
    assert all(entry.why and entry.confirm and entry.fix for entry in UNSEEN)


def test_every_code_is_one_rules():
    assert len(CODES) == len(set(CODES))


@pytest.mark.parametrize("rule", RULES, ids=CODES)
def test_a_rule_says_what_programs_and_people_need(rule):
    assert re.fullmatch(r"[A-Z]{2}-\d\d", rule.code)
    assert rule.reason in REASONS
    assert rule.layer == layer_of(rule.code).name
    assert rule.title
    assert rule.explanation
    assert rule.source


def test_consequences_name_rules_that_exist_and_never_run_in_circles():
    follows = {rule.code: rule.follows for rule in RULES}

    def walk(code: str, path: tuple[str, ...]) -> None:
        assert code not in path, f"{' -> '.join(path)} -> {code}"
        for cause in follows[code]:
            walk(cause, (*path, code))

    for code in CODES:
        walk(code, ())


def test_every_rule_over_machines_has_a_file_and_a_test_of_its_own():
    tests = Path(__file__).parent
    for rule in MACHINE_RULES:
        module = rule.judge.__module__.removeprefix("stackcheck.rules.")
        folder, stem = module.split(".")
        assert stem.startswith(rule.code.lower().replace("-", ""))
        assert (tests / folder / f"test_{stem}.py").is_file(), rule.code
