"""States that look like failures and are none."""

from __future__ import annotations

import pytest

from stackcheck.diagnose.examination import own_rules
from stackcheck.diagnose.runner import diagnose
from stackcheck.model.environment import Toolkit
from stackcheck.model.fact import Unknown
from stackcheck.model.gpu import Ecc
from stackcheck.model.version import Version
from tests.stackcheck.sketch import (
    ABSENT,
    changed,
    healthy,
    in_container,
    jetson,
    known,
    situation,
    with_builds,
    with_distributions,
    with_gpu,
    with_libraries,
    with_limits,
    with_variables,
    wsl,
)


def findings(machine):
    return {
        finding.code: finding.title
        for finding in diagnose(situation(machine), own_rules()).findings
    }


@pytest.mark.parametrize(
    "machine",
    [
        healthy(),
        healthy(8),
        in_container(healthy()),
        wsl(),
        jetson(),
        with_limits(
            healthy(8), shm_bytes=64 << 30, shm_free_bytes=60 << 30, tmp_free_bytes=1 << 40
        ),
        with_gpu(changed(healthy(), driver__module__nvswitches=4), fabric_state=3),
        with_builds(healthy(), "torch==2.9.0+cu128"),
    ],
    ids=["one", "eight", "container", "wsl", "jetson", "roomy", "nvswitch", "torch"],
)
def test_a_healthy_machine_is_silent(machine):
    assert findings(machine) == {}


def test_fa01_two_frameworks_that_register_cudnn_are_silent():
    machine = with_distributions(healthy(), "tensorflow==2.19.0", "nvidia-cudnn-cu12==9.3.0.75")
    assert findings(machine) == {}


def test_fa02_a_driver_with_a_lower_minor_than_the_build_is_silent():
    machine = changed(healthy(), driver__cuda="12.4")
    machine = changed(
        machine,
        **{
            f"driver__{path}": "550.144.03"
            for path in (
                "release",
                "module__version",
                "nvml_library__version",
                "cuda_library__version",
            )
        },
    )
    machine = changed(machine, driver__cuda_libraries=())
    assert findings(with_builds(machine, "torch==2.9.0+cu128")) == {}


def test_fa03_no_toolkit_and_no_nvcc_is_silent():
    assert findings(with_builds(changed(healthy(), toolkits=()), "torch==2.9.0+cu128")) == {}


def test_fa03_a_toolkit_of_another_minor_is_silent():
    toolkit = Toolkit("/usr/local/cuda-12.4", known(Version("12.4")), "PATH")
    assert (
        findings(with_builds(changed(healthy(), toolkits=(toolkit,)), "torch==2.9.0+cu128")) == {}
    )


def test_fa04_a_virtual_machine_without_numa_is_silent():
    assert findings(with_gpu(healthy(), virtualization=1)) == {}


def test_fa05_gb10_with_code_for_sm_120_is_silent():
    machine = with_gpu(healthy(), name="NVIDIA GB10", compute_capability=Version("12.1"))
    assert findings(with_builds(machine, "torch==2.9.0+cu130")) == {}


def test_fa06_a_low_link_generation_on_an_idle_gpu_is_silent():
    assert findings(with_gpu(healthy(), link__generation=1, link__max_generation=5)) == {}


def test_fa07_a_machine_without_compat32_and_dxcore_is_silent():
    assert findings(changed(healthy(), host__wsl_libraries=ABSENT)) == {}


def test_fa08_features_that_a_card_does_not_have_are_silent():
    absent = dict.fromkeys(
        [
            "mig_enabled",
            "mig_pending",
            "mig_instances",
            "nvlinks",
            "nvlinks_active",
            "fabric_state",
            "fabric_status",
            "fabric_health",
            "recovery_action",
            "inforom_valid",
            "persistence",
            "processes",
            "gsp_firmware",
            "serial",
        ],
        ABSENT,
    )
    machine = with_gpu(
        healthy(),
        name="NVIDIA GeForce RTX 4090",
        compute_capability=Version("8.9"),
        ecc=Ecc(ABSENT, ABSENT, ABSENT, ABSENT, ABSENT, ABSENT),
        **absent,
    )
    assert findings(machine) == {}
    assert diagnose(situation(machine), own_rules()).status == "ok"


def test_fa09_onnx_runtime_with_its_gpu_provider_is_silent():
    machine = with_distributions(healthy(), "onnxruntime-gpu==1.22.0")
    assert findings(machine) == {}


def test_fa10_jax_for_the_cpu_where_there_is_no_gpu_is_silent():
    machine = with_distributions(changed(healthy(), pci=(), gpus=()), "jax==0.7.1", "jaxlib==0.7.1")
    assert set(findings(machine)) == {"HW-01"}


def test_libraries_of_the_environment_alone_are_silent():
    machine = with_libraries(healthy(), "libcudnn.so.9==9.10.2", "libcublas.so.12==12.8.4")
    machine = with_variables(machine, LD_LIBRARY_PATH="/opt/mpi/lib")
    assert findings(machine) == {}


def test_a_driver_from_before_newer_functions_leaves_no_driver_rule_undecided():
    unasked = Unknown("this driver has no such function", "NVML")
    newer = [
        "recovery_action",
        "fabric_state",
        "fabric_status",
        "fabric_health",
        "mig_enabled",
        "mig_pending",
        "mig_instances",
        "inforom_valid",
    ]
    machine = with_gpu(healthy(), **dict.fromkeys(newer, unasked))
    machine = with_limits(machine, conf_compute_ready=unasked, vgpu_licensed=unasked)
    assert diagnose(situation(machine), own_rules()).status == "ok"
