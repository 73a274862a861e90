from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

NO_KERNEL = "RuntimeError: CUDA error: no kernel image is available for execution on the device"


def test_a_new_gpu_is_no_architecture_that_was_dropped(reasons_of):
    assert reasons_of(f"GeForce RTX 5090, torch 2.5.1+cu124\n{NO_KERNEL}")[0] == "arch-not-in-build"


def test_an_old_gpu_is_one_that_was_dropped(reasons_of):
    assert reasons_of(f"Tesla K80, torch 2.3.0+cu121\n{NO_KERNEL}")[0] == "arch-dropped"


def test_the_first_failure_stands_above_what_follows_from_it(codes_of):
    causes = codes_of(
        "Failed to initialize NVML: Driver/library version mismatch\n"
        "RuntimeError: No CUDA GPUs are available\n"
        "torch.cuda.is_available() returns False\n"
    )
    assert causes[0] == "KM-05"


def test_a_board_that_fell_off_the_bus_stands_above_the_errors_of_the_program(codes_of):
    causes = codes_of(
        "NVRM: Xid (PCI:0000:3b:00): 79, pid=1234, GPU has fallen off the bus.\n"
        "RuntimeError: CUDA error: unspecified launch failure\n"
        "NCCL WARN Cuda failure 'unspecified launch failure'\n"
    )
    assert causes[0] == "HW-02"


def test_an_application_fault_is_no_hardware_fault(reasons_of):
    assert reasons_of("NVRM: Xid (PCI:0000:3b:00): 31, pid=99, MMU Fault")[0] != "ecc-xid-hardware"
    assert (
        reasons_of("NVRM: Xid (PCI:0000:3b:00): 48, pid=99, DBE (double bit error)")[0]
        == "ecc-xid-hardware"
    )


def test_harmless_lines_stand_below_what_can_fail(causes_of):
    causes = causes_of(
        "successful NUMA node read from SysFS had negative value (-1), but there must be at least one NUMA node\n"
        "Could not load dynamic library 'libnvinfer.so.7'\n"
        "Could not load dynamic library 'libcudnn.so.8'; dlerror: libcudnn.so.8: cannot open shared object file\n"
    )
    benign = [cause.entry.benign for cause in causes]
    assert benign == sorted(benign)
    assert not benign[0]
    assert benign[-1]


def test_a_harmless_line_alone_is_called_harmless(causes_of):
    first = causes_of("successful NUMA node read from SysFS had negative value (-1)")[0]
    assert first.entry.benign
    assert first.entry.reason == "none"


def test_a_cause_that_several_messages_tell_of_is_one_cause(codes_of):
    codes = codes_of(
        "Torch not compiled with CUDA enabled\ntorch.version.cuda: None\ntorch 2.9.0+cpu\n"
    )
    assert len(codes) == len(set(codes))
    assert codes[0] == "PY-01"


@pytest.mark.parametrize(
    ("number", "reason"), [("803", "nvml-driver-library-mismatch"), ("804", "forward-compat")]
)
def test_the_number_of_an_error_decides(reasons_of, number, reason):
    assert reason in reasons_of(f"cuInit returned an error. Error {number}:")[:2]


def test_a_cause_points_at_its_line(causes_of):
    first = causes_of(f"Traceback (most recent call last):\n  File 'a.py', line 1\n{NO_KERNEL}\n")[
        0
    ]
    assert first.line == 3
    assert first.excerpt == NO_KERNEL


def test_the_first_of_two_equal_faults_wins(codes_of):
    one = "libcuda.so.1: cannot open shared object file"
    assert codes_of(f"{one}\n{one}") == codes_of(one)


@pytest.mark.parametrize(
    "text", ["hello world", "SyntaxError: invalid syntax", "the quick brown fox", "?"]
)
def test_texts_about_nothing_have_no_strong_cause(causes_of, text):
    assert all(cause.score < 3 for cause in causes_of(text))


def test_a_fault_within_a_long_log_is_explained_with_its_line(causes_of):
    noise = "".join(f"[{i}] step {i} warning: cuda graph cache {i}\n" for i in range(10_000))
    fault = "nvidia-container-cli: initialization error: load library failed: libnvidia-ml.so.1"
    first = causes_of(f"{noise}{fault}\n{noise}")[0]
    assert (first.line, first.excerpt) == (10_001, fault)


@settings(max_examples=60, deadline=None)
@given(text=st.text(max_size=300))
def test_any_text_can_be_explained(causes_of, text):
    assert len(causes_of(text)) <= 8
