from __future__ import annotations

from stackcheck.model.environment import Toolkit
from stackcheck.model.version import Version
from stackcheck.rules.driver.dr05_gpu_older import RULE
from tests.stackcheck.rules.builds.construction import found, judged, made, on, situated
from tests.stackcheck.sketch import UNKNOWN, changed, known, with_gpu


def test_a_build_that_begins_at_ampere_drops_pascal():
    finding = found(RULE, situated(on("6.1")), made())
    assert "6.1" in finding.title
    assert finding.reason == "arch-dropped"


def test_a_gpu_that_the_build_lists_passes():
    assert judged(RULE, situated(on("8.0")), made()) == "pass"


def test_no_build_for_cuda_13_runs_on_volta_whatever_it_lists():
    build = made(build="cu130", cuda="13.0", architectures="sm_70 sm_80")
    assert "CUDA 12.9 is the last with Volta" in found(RULE, situated(on("7.0")), build).title


def test_an_update_of_the_last_cuda_release_still_runs_on_volta():
    build = made(build="cuda12", cuda="12.9.1", architectures="sm_70 sm_80")
    assert judged(RULE, situated(on("7.0")), build) == "pass"


def test_a_pinned_library_can_drop_a_gpu_that_the_build_lists():
    build = made(
        cuda="12.6",
        architectures="sm_60 sm_70 sm_80",
        requires={"nvidia-cudnn-cu12": "==9.11.0.98"},
    )
    assert "nvidia-cudnn-cu12 9.11.0.98" in found(RULE, situated(on("6.0")), build).title


def test_the_cudnn_that_a_build_is_made_with_can_drop_a_gpu_that_it_lists():
    build = made(build="cu118", cuda="11.8", cudnn="9.1.0.70", architectures="sm_37 sm_50 sm_80")
    assert (
        "cuDNN 9.1.0.70 begins at capability 5.0" in found(RULE, situated(on("3.7")), build).title
    )
    assert judged(RULE, situated(on("5.0")), build) == "pass"


def test_a_toolkit_without_the_gpu_cannot_compile_a_source_build_for_it():
    source = made(build="source", cuda="9.0", cuda_linkage="floor", architectures="")
    toolkit = Toolkit("/usr/local/cuda", known(Version("11.2")), "test")
    machine = changed(on("3.0"), toolkits=known((toolkit,)))
    assert "CUDA 10.2 is the last with Kepler" in found(RULE, situated(machine), source).title


def test_is_undecided_where_gpus_are_not_known():
    assert judged(RULE, situated(changed(on(), gpus=UNKNOWN)), made()) == "unknown"


def test_is_undecided_where_the_capability_is_not_known():
    machine = with_gpu(on(), compute_capability=UNKNOWN)
    assert judged(RULE, situated(machine), made()) == "unknown"
