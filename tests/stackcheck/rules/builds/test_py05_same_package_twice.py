from __future__ import annotations

from stackcheck.rules.python.py05_same_package_twice import RULE
from tests.stackcheck.rules.builds.construction import found, judged, made, on, situated

TWELVE = made(framework="cupy", distribution="cupy-cuda12x", build="cuda12x")


def test_two_distributions_of_one_framework_overwrite_each_other():
    thirteen = made(framework="cupy", distribution="cupy-cuda13x", build="cuda13x")
    finding = found(RULE, situated(on(), TWELVE, thirteen))
    assert "cupy-cuda12x, cupy-cuda13x" in finding.title
    assert "pip uninstall -y cupy-cuda12x cupy-cuda13x" in finding.fix.commands[0]


def test_another_distribution_among_the_packages_counts():
    assert found(RULE, situated(on(), TWELVE, cupy_cuda11x="13.6.0"))


def test_one_distribution_beside_other_packages_passes():
    assert judged(RULE, situated(on(), TWELVE, numpy="2.1.0")) == "pass"


def test_a_package_of_no_framework_that_is_here_passes():
    assert judged(RULE, situated(on(), made(), cupy_cuda11x="13.6.0")) == "pass"
