from __future__ import annotations

import sys

from stackcheck.smoke.stages import rates
from stackcheck.smoke.stages.collectives import check_all_reduce, check_peers
from stackcheck.smoke.stages.product_rates import measure_products
from stackcheck.smoke.stages.rates import measure_copies
from tests.stackcheck.smoke.host_cupy import Communicator, Pointer, make_bench


def test_products_of_every_precision_are_measured_and_shares_are_of_the_peak(monkeypatch):
    bench = make_bench(monkeypatch)
    outcome = measure_products(bench)
    assert outcome.status == "ok"
    names = {name.split()[0] for name in outcome.rates}
    assert names == {"float32", "TF32", "bfloat16", "float16"}
    assert "cuBLASLt cannot be used" in outcome.compared_with
    assert "NVIDIA H100 at" in outcome.compared_with
    assert sys.modules["cupy._core._routines_linalg"].compute_type == 0  # as it was before


def test_products_far_below_the_peak_are_an_error_with_their_share(monkeypatch):
    bench = make_bench(monkeypatch, ClockRate=2_000_000, MultiProcessorCount=132)
    outcome = measure_products(bench)
    assert outcome.status == "error"
    assert outcome.value < 0.5
    assert "of the peak" in outcome.message


def test_a_gpu_before_tensor_cores_multiplies_float32_alone(monkeypatch):
    outcome = measure_products(make_bench(monkeypatch, capability="61"))
    assert list(outcome.rates) == ["float32 TFLOP/s"]


def test_copies_are_measured_in_all_three_directions(monkeypatch):
    monkeypatch.setattr(rates, "_GIB", 1 << 22)
    outcome = measure_copies(make_bench(monkeypatch))
    assert outcome.status == "ok"
    assert [name.rpartition(" ")[0] for name in outcome.rates] == [
        "device copy", "host to device", "device to host"
    ]  # fmt: skip
    slow = measure_copies(make_bench(monkeypatch, MemoryClockRate=10**9))
    assert slow.status == "error"
    assert "of its peak" in slow.message


def test_every_pair_of_gpus_is_copied_between_and_those_that_reach_directly_are_counted(
    monkeypatch,
):
    outcome = check_peers(make_bench(monkeypatch))
    assert (outcome.status, outcome.compared_with) == ("ok", "2 pairs, 1 of them directly")
    assert outcome.rates["slowest peer copy GB/s"] > 0


def test_a_damaged_copy_between_gpus_is_an_error_that_names_the_pair(monkeypatch):
    monkeypatch.setattr(Pointer, "copy_from_device", lambda self, *_: self.array.fill(0))
    outcome = check_peers(make_bench(monkeypatch))
    assert outcome.message == "copies between GPUs arrive damaged: 0 to 1, 1 to 0"


def test_nccl_adds_up_over_all_gpus_and_its_bandwidth_is_told(monkeypatch):
    outcome = check_all_reduce(make_bench(monkeypatch))
    assert (outcome.status, outcome.value) == ("ok", 0.0)
    assert outcome.rates["all-reduce bus GB/s"] > 0


def test_nccl_that_forgets_to_add_is_found(monkeypatch):
    monkeypatch.setattr(Communicator, "groupEnd", staticmethod(Communicator.waiting.clear))
    assert check_all_reduce(make_bench(monkeypatch)).status == "error"


def test_without_nccl_the_stage_is_unknown_and_says_what_to_install(monkeypatch):
    bench = make_bench(monkeypatch)
    monkeypatch.delattr(sys.modules["cupy.cuda"].nccl, "NcclCommunicator")
    outcome = check_all_reduce(bench)
    assert outcome.status == "unknown"
    assert "nvidia-nccl" in outcome.message


def test_memory_that_is_short_halves_the_work_and_is_told(monkeypatch):
    monkeypatch.setattr(rates, "_GIB", 1 << 22)
    bench = make_bench(monkeypatch)
    right, told = bench.cupy.ones, []

    def refuse(count, dtype):
        if count > 1 << 19:
            raise type("OutOfMemoryError", (RuntimeError,), {})("Out of memory allocating")
        return right(count, dtype)

    monkeypatch.setattr(sys.modules["cupy"], "ones", refuse)
    object.__setattr__(bench, "tell", told.append)
    assert measure_copies(bench).status == "ok"
    assert told[0]["text"] == "copied bytes: out of memory with 4194304, trying 2097152"


def test_memory_whose_clock_is_not_told_is_not_judged(monkeypatch):
    monkeypatch.setattr(rates, "_GIB", 1 << 22)
    outcome = measure_copies(make_bench(monkeypatch, MemoryClockRate=0))
    assert (outcome.status, outcome.value) == ("ok", None)
