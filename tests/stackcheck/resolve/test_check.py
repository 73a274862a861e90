from __future__ import annotations

from stackcheck.knowledge.knowledge import load
from stackcheck.model.fact import Unknown
from stackcheck.model.machine import Machine
from stackcheck.resolve.check import check
from stackcheck.resolve.requirements import parse_requirements
from stackcheck.resolve.stated import Statement, state_machine
from stackcheck.resolve.wishes import read_wishes

KNOWLEDGE = load()


def judge(*specs, python=None, channel=None, exclude_newer=None, machine=None, **stated):
    machine = machine or state_machine(Statement(**stated), KNOWLEDGE)
    wishes = read_wishes(python, None, channel, "newest", exclude_newer)
    return check(parse_requirements(specs, KNOWLEDGE), [machine], KNOWLEDGE, wishes)


def reasons(verdict):
    return {finding.reason for finding in verdict.violations}


def test_a_build_for_the_drivers_cuda_works():
    verdict = judge(
        "pytorch+cu128==2.9.0", gpu=["H100"], driver="570.133.07", os="Ubuntu 22.04", python="3.11"
    )
    assert verdict.verdict == "works"
    assert [str(build.version) for build in verdict.builds] == ["2.9.0"]


def test_a_newer_major_than_the_driver_fails_with_both_numbers():
    verdict = judge("pytorch+cu130==2.9.0", gpu=["H100"], driver="570.133.07")
    assert reasons(verdict) == {"driver-too-old-for-cuda"}
    (finding,) = verdict.violations
    assert "570.133.07" in finding.title
    assert "580.65.06" in finding.title


def test_minor_version_compatibility_within_a_major():
    assert judge("pytorch+cu128==2.9.0", gpu=["A100"], driver="525.60.13").verdict == "works"
    assert judge("pytorch+cu128==2.9.0", gpu=["A100"], driver="520.61.05").verdict == "fails"


def test_before_cuda_11_every_release_has_its_own_floor():
    assert reasons(judge("pytorch+cu101==1.3.1", driver="410.48")) == {"driver-too-old-for-cuda"}
    assert judge("pytorch+cu101==1.3.1", driver="418.39").verdict == "works"


def test_windows_drivers_are_judged_by_windows_numbers():
    assert judge("pytorch+cu121==2.1.2", driver="528.33", os="Windows 11").verdict == "works"
    assert judge("pytorch+cu121==2.1.2", driver="526.98", os="Windows 11").verdict == "fails"


def test_a_gpu_newer_than_the_build():
    assert reasons(judge("pytorch+cu126==2.7.0", gpu=["B200"])) == {"arch-not-in-build"}


def test_a_gpu_older_than_the_build():
    assert reasons(
        judge("pytorch+cu128==2.8.0", gpu=["GTX TITAN X"], compute_capability=["5.2"])
    ) == {"arch-dropped"}


def test_machine_code_runs_on_a_higher_minor_of_its_major():
    assert judge("pytorch+cu110==1.7.1", gpu=["GeForce RTX 3090"]).verdict == "works"


def test_every_gpu_of_a_mixed_machine_counts():
    verdict = judge("pytorch+cu126==2.7.0", gpu=["A100", "B200"])
    assert reasons(verdict) == {"arch-not-in-build"}


def test_a_driver_that_dropped_the_gpu_fails_without_any_build():
    assert reasons(judge(gpu=["Quadro P1000"], driver="590.44.01")) == {"arch-dropped"}
    assert judge(gpu=["Quadro P1000"], driver="580.65.06").verdict == "works"


def test_python_without_a_wheel():
    assert reasons(judge("pytorch==2.1.0", python="3.12")) == {"python-version-unsupported"}


def test_an_open_requirement_is_narrowed_by_the_date():
    verdict = judge("pytorch", python="3.12", os="Windows", exclude_newer="2023-10-20")
    assert "python-version-unsupported" in reasons(verdict)


def test_numpy_beside_a_build_from_before_its_second_major():
    assert reasons(judge("pytorch==2.0.1", "numpy==2.1.0", os="Linux")) == {"numpy-abi"}
    assert judge("pytorch==2.0.1", "numpy==1.26.4", os="Linux").verdict == "works"


def test_torchvision_of_another_release():
    assert reasons(judge("pytorch==2.9.0", "torchvision==0.23.0")) == {"co-install-conflict"}
    assert judge("pytorch==2.9.0", "torchvision==0.24.0").verdict == "works"


def test_a_cpu_build_on_a_gpu_machine_fails_and_on_another_works():
    assert reasons(judge("pytorch+cpu==2.9.0", gpu=["A100"])) == {"cpu-only-build-installed"}
    assert judge("pytorch+cpu==2.9.0", no_gpu=True).verdict == "works"


def test_old_glibc():
    assert reasons(judge("pytorch==2.9.0", os="CentOS 7")) == {"glibc-too-old"}


def test_a_build_that_a_release_never_had_names_those_there_are():
    verdict = judge("pytorch+cu111==2.9.0")
    assert reasons(verdict) == {"other"}
    assert "cu128" in verdict.violations[0].title


def test_a_release_past_the_knowledge_is_unknown_with_its_date():
    verdict = judge("pytorch==97.1.0", gpu=["H100"])
    assert verdict.verdict == "unknown"
    assert str(KNOWLEDGE.as_of) in verdict.unknown[0]


def test_what_was_not_stated_rules_nothing_out_and_is_listed():
    verdict = judge("pytorch")
    assert verdict.verdict == "works"
    assert any("driver" in text for text in verdict.assumed)


def test_what_a_probe_could_not_get_is_unknown_and_never_works():
    probed = Machine()
    assert isinstance(probed.gpus, Unknown)
    assert judge("pytorch+cu128==2.9.0", machine=probed).verdict == "unknown"


def test_an_image_for_a_newer_cuda_than_the_driver():
    verdict = judge(driver_cuda="12.7", container="docker, CUDA 12.8.0 image (declares cuda>=12.8)")
    assert reasons(verdict) == {"driver-too-old-for-cuda"}


def test_cuda_compat_carries_a_data_centre_gpu_and_no_geforce():
    image = "CUDA 13.0 image + cuda-compat-13-0"
    assert (
        judge("pytorch+cu130", gpu=["A100"], driver="535.183.01", container=image).verdict
        == "works"
    )
    assert (
        judge(
            "pytorch+cu130", gpu=["GeForce RTX 4090"], driver="535.183.01", container=image
        ).verdict
        == "fails"
    )


def test_a_package_that_no_rule_knows_is_said_to_be_not_judged():
    verdict = judge("pytorch==2.9.0", "some-package==1.0")
    assert any("some-package" in text for text in verdict.assumed)


def test_packages_alone_that_no_rule_knows_are_unknown_and_never_work():
    assert judge("some-package==1.0").verdict == "unknown"
