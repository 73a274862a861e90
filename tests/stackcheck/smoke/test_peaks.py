from __future__ import annotations

import pytest

from stackcheck.smoke.peaks import list_peaks


@pytest.mark.parametrize(
    ("name", "capability", "multiprocessors", "megahertz", "expected"),
    [
        ("Tesla V100-SXM2-16GB", (7, 0), 80, 1530, {"float32": 15.7, "half": 125}),
        ("Tesla T4", (7, 5), 40, 1590, {"float32": 8.1, "half": 65}),
        ("NVIDIA A100-SXM4-80GB", (8, 0), 108, 1410, {"float32": 19.5, "tf32": 156, "half": 312}),
        ("NVIDIA GeForce RTX 3090", (8, 6), 82, 1695, {"float32": 35.6, "tf32": 35.6, "half": 71}),
        ("NVIDIA RTX A6000", (8, 6), 84, 1800, {"float32": 38.7, "half": 154.8}),
        ("NVIDIA L40", (8, 9), 142, 2490, {"float32": 90.5, "half": 181, "fp8": 362}),
        ("NVIDIA L40S", (8, 9), 142, 2520, {"float32": 91.6, "half": 362, "fp8": 733}),
        ("NVIDIA H100 80GB HBM3", (9, 0), 132, 1830, {"tf32": 494.5, "half": 989, "fp8": 1979}),
        (
            "NVIDIA GeForce RTX 5090",
            (12, 0),
            170,
            2407,
            {"float32": 104.8, "half": 209.5, "fp8": 419},
        ),
    ],
)
def test_peaks_are_those_of_the_datasheets(name, capability, multiprocessors, megahertz, expected):
    peaks = list_peaks(name, capability, multiprocessors, megahertz * 1e6)
    for precision, rate in expected.items():
        assert peaks[precision] == pytest.approx(rate, rel=0.015)


def test_an_architecture_that_nobody_knows_has_no_peak():
    assert list_peaks("NVIDIA Future", (13, 0), 200, 2e9) == {}
