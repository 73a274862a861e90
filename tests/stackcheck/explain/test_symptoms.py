"""Symptoms from public threads, with the slug that each thread ended with."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

SLUGS = {
    *(
        "none",
        "driver-too-old-for-cuda",
        "arch-not-in-build",
        "arch-dropped",
        "python-version-unsupported",
    ),
    *("platform-unsupported", "glibc-too-old", "cudnn-mismatch", "cudnn-conflict-LD_LIBRARY_PATH"),
    *("cpu-only-build-installed", "conda-channel-mix", "numpy-abi", "nvml-driver-library-mismatch"),
    *(
        "container-toolkit-missing",
        "mig-visible-devices",
        "forward-compat",
        "ptx-jit-toolkit-newer-than-driver",
    ),
    *(
        "co-install-conflict",
        "no-driver",
        "permission",
        "ecc-xid-hardware",
        "out-of-memory-other-process",
        "other",
    ),
}
SYMPTOMS = [
    row
    for name in ("symptoms.yaml", "symptoms-2.yaml", "symptoms-3.yaml", "symptoms-4.yaml")
    for row in yaml.safe_load((Path(__file__).parent / name).read_text(encoding="utf-8"))
]


@pytest.mark.parametrize("row", SYMPTOMS, ids=lambda row: row["source"].replace(" ", "-"))
def test_the_cause_is_among_the_first_three(row, reasons_of):
    accepted = {row["reason"], *row.get("accept", ())}
    assert accepted & set(reasons_of(row["symptom"])[:3])


def test_the_cause_mostly_stands_first(reasons_of):
    first = sum(
        reasons_of(row["symptom"])[0] in {row["reason"], *row.get("accept", ())} for row in SYMPTOMS
    )
    assert first / len(SYMPTOMS) >= 0.9


def test_every_symptom_has_a_source_and_a_known_slug():
    for row in SYMPTOMS:
        assert row["source"]
        assert {row["reason"], *row.get("accept", ())} <= SLUGS


def test_no_symptom_is_there_twice():
    texts = [row["symptom"] for row in SYMPTOMS]
    assert len(texts) == len(set(texts))
