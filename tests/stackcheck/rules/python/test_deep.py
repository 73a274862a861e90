from __future__ import annotations

from stackcheck.diagnose.examination import own_rules
from stackcheck.diagnose.runner import diagnose
from tests.stackcheck.sketch import (
    changed,
    healthy,
    library,
    situation,
    with_builds,
    with_libraries,
    without_gpu,
)

TORCH = with_builds(healthy(), "torch==2.9.0+cu128")
SOUND = {"version": "2.9.0+cu128", "cuda": "12.8", "gpus": [{"name": "H100"}], "errors": {}}


def judged(machine, said):
    return diagnose(situation(machine), own_rules({"pytorch": said} if said else {}))


def outcomes(machine, said):
    return {check.code: check.outcome for check in judged(machine, said).checks}


def test_a_sound_framework_passes():
    found = outcomes(TORCH, SOUND)
    assert {found[code] for code in ("PY-22", "PY-23", "PY-24")} == {"pass"}


def test_without_deep_nothing_is_said():
    found = outcomes(TORCH, None)
    assert {found[code] for code in ("PY-22", "PY-23", "PY-24")} == {"skipped"}


def test_an_import_that_fails_shows_its_last_line():
    said = {"errors": {"import": "Traceback\nOSError: libcudart.so.13: cannot open"}}
    finding = judged(TORCH, said).findings[0]
    assert finding.code == "PY-22"
    assert "OSError: libcudart.so.13: cannot open" in finding.title


def test_a_crash_is_named():
    finding = judged(TORCH, {"crashed": "ended by SIGSEGV"}).findings[0]
    assert (finding.code, "SIGSEGV" in finding.title) == ("PY-22", True)


def test_a_gpu_that_the_framework_does_not_see_is_an_error():
    finding = judged(TORCH, {**SOUND, "gpus": []}).findings[0]
    assert (finding.code, finding.severity) == ("PY-23", "error")


def test_it_follows_from_what_was_found_below():
    machine = changed(TORCH, driver__module__version="575.57.08", driver__nvml_code=18)
    (finding,) = judged(machine, {**SOUND, "gpus": []}).findings
    assert finding.code == "KM-05"
    assert any(text.startswith("PY-23") for text in finding.consequences)


def test_an_import_that_fails_follows_from_a_shadowed_library():
    machine = with_libraries(TORCH, "libnvJitLink.so.12==12.8.93")
    taken = (library("libnvJitLink.so.12", "12.1.105", "/opt/cuda/lib64"),)
    machine = changed(machine, environment__shadowing=taken)
    (finding,) = judged(machine, {"errors": {"import": "undefined symbol"}}).findings
    assert finding.code == "TK-02"
    assert any(text.startswith("PY-22") for text in finding.consequences)


def test_a_machine_without_gpu_expects_none():
    assert (
        outcomes(with_builds(without_gpu(), "torch==2.9.0+cu128"), {**SOUND, "gpus": []})["PY-23"]
        == "skipped"
    )


def test_another_version_than_the_metadata_says_is_named():
    finding = judged(TORCH, {**SOUND, "version": "2.4.0", "cuda": "11.8"}).findings[0]
    assert finding.code == "PY-24"
    assert "2.4.0 for CUDA 11.8" in finding.title
