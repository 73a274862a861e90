from __future__ import annotations

from stackcheck.diagnose.installed import situation_of
from stackcheck.knowledge.knowledge import load
from stackcheck.model.version import Architecture, Version
from tests.stackcheck.sketch import (
    UNKNOWN,
    changed,
    distribution,
    healthy,
    installed,
    with_builds,
    with_distributions,
    without_gpu,
)


def only_build(machine):
    (build,) = situation_of(machine, load()).builds
    return build


def test_an_installed_release_becomes_its_row():
    build = only_build(with_builds(healthy(), "torch==2.9.0+cu128"))
    assert build.evidence
    assert build.cuda == Version("12.8")
    assert Architecture(9, 0) in build.architectures


def test_a_local_label_in_the_version_is_no_other_release():
    machine = changed(healthy(), environment__builds=(installed("torch", "2.9.0+cu128", "cu128"),))
    assert only_build(machine).evidence


def test_what_no_row_knows_is_made_from_its_own_files():
    facts = {"cuda": Version("14.1"), "architectures": ("sm_75", "compute_90")}
    build = only_build(with_builds(healthy(), "torch==99.0+cu141", **facts))
    assert not build.evidence
    assert build.channel == "installed"
    assert build.cuda == Version("14.1")
    assert build.architectures == (Architecture(7, 5), Architecture(9, 0, "", True))


def test_a_build_without_a_label_is_not_taken_for_another():
    unlabelled = changed(installed("torch", "2.9.0", ""), build=UNKNOWN)
    machine = changed(healthy(), environment__builds=(unlabelled,))
    build = only_build(machine)
    assert build.build == "unknown"
    assert not build.evidence


def test_a_server_wheel_on_a_jetson_keeps_its_platform():
    machine = changed(healthy(), host__platform="jetson", host__arch="aarch64")
    assert only_build(with_builds(machine, "torch==2.9.0+cu128")).platform == "linux-aarch64"


def test_condas_package_is_not_taken_for_pips():
    package = distribution("torch", "2.9.0", conda_build="cuda128_mkl_py312_h1_300")
    machine = changed(
        with_builds(healthy(), "torch==2.9.0+cu128"), environment__distributions=(package,)
    )
    pip = only_build(with_builds(healthy(), "torch==2.9.0+cu128"))
    assert pip.channel in ("pypi", "pytorch")
    assert only_build(machine).version == pip.version


def test_other_distributions_are_packages_with_their_versions():
    machine = with_distributions(healthy(), "numpy==1.26.4", "odd==2004d-rc!")
    packages = situation_of(machine, load()).packages
    assert packages == {"numpy": Version("1.26.4"), "odd": None}


def test_a_bus_without_gpus_settles_what_a_missing_driver_left_unknown():
    situation = situation_of(without_gpu(), load())
    assert situation.has_no_gpu


def test_a_bus_that_cannot_be_read_settles_nothing():
    machine = changed(without_gpu(), pci=UNKNOWN)
    assert not situation_of(machine, load()).has_no_gpu


def test_a_machine_without_environment_has_no_builds():
    situation = situation_of(changed(healthy(), environment=UNKNOWN), load())
    assert situation.builds == ()


def test_condas_metapackages_are_parts_of_the_build_and_no_second_one():
    parts = [
        distribution(name, "2.13.0", conda_build="cuda129_h1_302")
        for name in ("torch", "pytorch", "pytorch-gpu")
    ]
    machine = changed(
        with_builds(healthy(), "torch==2.13.0+cu129"), environment__distributions=tuple(parts)
    )

    assert not situation_of(machine, load()).packages
