from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import stackgrad
from stackgrad.distributed import DistributedError, StoreError, TCPStore, groups, read_launch
from stackgrad.distributed.sampler import DistributedSampler
from stackgrad.distributed.watch import Watch


@pytest.fixture
def stores():
    with contextlib.ExitStack() as stack:
        first = TCPStore("127.0.0.1", 0, is_master=True, timeout=5)
        others = [TCPStore("127.0.0.1", first.port, timeout=5) for _ in range(2)]
        for store in (first, *others):
            stack.callback(store.close)
        yield [first, *others]


def test_torchrun_says_rank_size_and_address():
    found = read_launch(
        {"RANK": "3", "WORLD_SIZE": "4", "LOCAL_RANK": "1", "MASTER_ADDR": "a", "MASTER_PORT": "5"}
    )
    assert found == (3, 4, 1, "a", 5, "RANK")


def test_slurm_says_them_too_and_its_first_host_is_rank_0s():
    found = read_launch({
        "SLURM_PROCID": "5", "SLURM_NTASKS": "8", "SLURM_LOCALID": "1",
        "SLURM_JOB_NODELIST": "gpu[07-09,12],login1", "SLURM_JOB_ID": "20001",
    })  # fmt: skip
    assert found == (5, 8, 1, "gpu07", 20001, "SLURM_PROCID")


@pytest.mark.parametrize(
    ("nodes", "first"), [("n1,n2", "n1"), ("n[1-3]", "n1"), ("a-b[08,10]", "a-b08")]
)
def test_the_first_of_slurms_hosts_is_found_in_its_notation(nodes, first):
    assert read_launch({"SLURM_PROCID": "0", "SLURM_JOB_NODELIST": nodes}).address == first


def test_torchruns_word_counts_before_the_batch_systems():
    assert read_launch({"RANK": "1", "SLURM_PROCID": "0", "PMI_RANK": "2"}).rank == 1


def test_a_rank_that_is_no_number_is_an_error_that_names_the_variable():
    with pytest.raises(ValueError, match="WORLD_SIZE='four'"):
        read_launch({"RANK": "1", "WORLD_SIZE": "four"})


def test_nothing_is_known_without_a_launcher():
    assert read_launch({})[:2] == (None, None)


def test_all_see_what_one_wrote(stores):
    stores[1].set("key", b"\x00value")
    assert [store.get("key") for store in stores] == [b"\x00value"] * 3


def test_a_reader_waits_for_the_writer(stores):
    found = []
    reader = threading.Thread(target=lambda: found.append(stores[1].get("later")))
    reader.start()
    stores[2].set("later", "now")
    reader.join(5)
    assert found == [b"now"]


def test_counters_add_up(stores):
    assert [store.add("n", 2) for store in stores] == [2, 4, 6]


def test_a_key_that_nobody_writes_is_an_error_that_names_it(stores):
    with pytest.raises(StoreError, match="'never'"):
        stores[1].get("never", timeout=0.05)


def test_keys_are_listed_and_removed(stores):
    stores[0].set("a/1", "x")
    stores[1].set("a/2", "y")
    assert stores[2].list("a/") == {"1": "x", "2": "y"}
    assert stores[2].delete_key("a/1")
    assert not stores[2].delete_key("a/1")


def test_who_left_is_known_with_how(stores):
    stores[1].join(1)
    stores[2].join(2)
    stores[1]._socket.shutdown(socket.SHUT_RDWR)  # as when a process is killed
    stores[2].close()
    stores[0].get("gone/1", 5)
    stores[0].get("gone/2", 5)
    assert stores[0].gone() == {1: "its process ended", 2: "it left"}


def test_a_store_that_is_not_there_is_an_error_with_its_address():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(StoreError, match=f"127.0.0.1:{port}.*MASTER_PORT"):
            TCPStore("127.0.0.1", port, is_master=True, timeout=0.1)
    with pytest.raises(StoreError, match=f"127.0.0.1:{port}"):
        TCPStore("127.0.0.1", port, timeout=0.1)


def test_values_have_a_largest_size(stores):
    with pytest.raises(ValueError, match="at most"):
        stores[1].set("big", bytes(1 << 21))


def test_the_rank_that_did_not_say_that_it_waits_is_named(stores):
    watches = [Watch(store, rank, 0.3) for rank, store in enumerate(stores)]
    stores[1].set("waits/1", "0:7")
    with pytest.raises(
        DistributedError, match=r"barrier did not end within 0.3 s: rank 2 did not join"
    ) as caught:
        watches[0].wait(lambda: False, "barrier", "0:7", [0, 1, 2])
    assert caught.value.ranks == (2,)


def test_without_rank_0_its_name_is_the_answer(stores):
    watch = Watch(stores[1], 1, 60)
    stores[0].close()
    stores[1]._socket.shutdown(socket.SHUT_RDWR)
    with pytest.raises(DistributedError, match="rank 0 is gone"):
        watch.wait(lambda: False, "all_reduce", "0:1", [0, 1])


def test_other_backends_are_refused_by_name():
    with pytest.raises(ValueError, match="'gloo'"):
        groups.init_process_group("gloo")


def test_an_operation_before_joining_is_pytorchs_error():
    with pytest.raises(RuntimeError, match="has not been initialized"):
        groups.get_rank()


@pytest.mark.parametrize(
    ("length", "drop_last", "each"), [(10, False, 4), (10, True, 3), (9, False, 3), (1, False, 1)]
)
def test_the_parts_of_a_data_set_are_equally_long_and_cover_it(length, drop_last, each):
    parts = [
        list(DistributedSampler(range(length), 3, rank, shuffle=True, drop_last=drop_last))
        for rank in range(3)
    ]
    assert {len(part) for part in parts} == {each}
    if not drop_last:
        assert {i for part in parts for i in part} == set(range(length))


def test_a_rank_beyond_the_replicas_is_refused():
    with pytest.raises(ValueError, match="rank 3"):
        DistributedSampler(range(9), 3, 3)


def test_programs_for_pytorch_find_the_names_where_they_expect_them():
    program = """
import stackgrad
stackgrad.impersonate_torch()
import torch.distributed as dist
from torch.distributed import ReduceOp, init_process_group
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data.distributed import DistributedSampler
assert dist.is_available() and not dist.is_initialized() and not dist.is_gloo_available()
assert DistributedSampler(range(4), 2, 0, shuffle=False).num_samples == 2
"""
    engine = Path(__file__).parents[3] / "engine"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(engine)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.gpu
def test_one_rank_reduces_by_nccl_with_itself(monkeypatch):
    if not groups.is_nccl_available():
        pytest.skip("no GPU, or NCCL is not installed")
    for name, value in (
        ("RANK", "0"),
        ("WORLD_SIZE", "1"),
        ("MASTER_ADDR", "127.0.0.1"),
        ("MASTER_PORT", "0"),
    ):
        monkeypatch.setenv(name, value)
    stackgrad.distributed.init_process_group("nccl")
    try:
        for kind in (stackgrad.float32, stackgrad.bfloat16, stackgrad.int64):
            x = stackgrad.ones(1000, device="cuda").to(kind)
            stackgrad.distributed.all_reduce(x)
            assert (x.cpu() == 1).all()
        stackgrad.distributed.barrier()
    finally:
        stackgrad.distributed.destroy_process_group()
