from __future__ import annotations

from stackcheck.rules.python.py09_pins_conflict import RULE
from tests.stackcheck.rules.builds.construction import found, judged, made, on, situated

TORCH = made(requires={"nvidia-cudnn-cu12": "==9.1.0.70"})


def with_cudnn(specifier: str):
    return made(
        framework="jax",
        distribution="jax",
        build="cuda12",
        requires={"nvidia-cudnn-cu12": specifier},
    )


def test_an_exact_pin_outside_the_others_range_excludes_it():
    finding = found(RULE, situated(on(), TORCH, with_cudnn(">=9.8,<10.0")))
    assert "nvidia-cudnn-cu12" in finding.title
    assert finding.reason == "co-install-conflict"


def test_an_exact_pin_inside_the_others_range_passes():
    assert judged(RULE, situated(on(), TORCH, with_cudnn(">=9.1,<10.0"))) == "pass"


def test_two_ranges_are_left_to_the_resolver():
    assert judged(RULE, situated(on(), with_cudnn(">=9.8"), made())) == "pass"


def test_a_package_outside_the_pin_conflicts():
    assert found(RULE, situated(on(), TORCH, nvidia_cudnn_cu12="9.8.0.87"))
    assert judged(RULE, situated(on(), TORCH, nvidia_cudnn_cu12="9.1.0.70")) == "pass"


def test_a_release_that_the_other_framework_does_not_take_conflicts():
    tensorflow = made(
        framework="tensorflow",
        distribution="tensorflow",
        version="2.15.1",
        requires={"keras": ">=2.15.0,<2.16"},
    )
    keras = made(framework="keras", distribution="keras", version="3.0.2", build="any")
    assert "keras" in found(RULE, situated(on(), tensorflow, keras)).title
    older = made(framework="keras", distribution="keras", version="2.15.0", build="any")
    assert judged(RULE, situated(on(), tensorflow, older)) == "pass"


def test_generated_code_is_bound_to_the_protobuf_of_its_day():
    build = made(framework="tensorflow", distribution="tensorflow", protobuf=">=3.9.2,<3.21")
    assert "protobuf" in found(RULE, situated(on(), build, protobuf="4.21.0")).title
    assert judged(RULE, situated(on(), build, protobuf="3.20.3")) == "pass"
