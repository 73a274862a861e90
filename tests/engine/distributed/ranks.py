"""What every rank of the jobs of `test_jobs.py` does: `python ranks.py CASE,...`, under mpiexec."""

from __future__ import annotations

import logging
import os
import signal
import sys
import time
from datetime import timedelta
from pathlib import Path

import numpy as np
import stackgrad as torch
from stackgrad import distributed as dist
from stackgrad.nn.parallel import DistributedDataParallel
from stackgrad.utils.data import DataLoader, DistributedSampler, TensorDataset


def say(line):
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def same(tensor, expected):
    np.testing.assert_array_equal(np.asarray(tensor.array, np.float64), expected)


def reductions():
    rank, size = dist.get_rank(), dist.get_world_size()
    numbers = np.arange(1, size + 1)
    for kind in (torch.float32, torch.float64, torch.int64, torch.bfloat16, torch.float16):
        x = torch.tensor([rank + 1.0, 2.0]).to(kind)
        dist.all_reduce(x)
        same(x, [numbers.sum(), 2 * size])
        assert x.dtype is kind
    for op, expected in {
        dist.ReduceOp.MAX: size,
        dist.ReduceOp.MIN: 1,
        dist.ReduceOp.PRODUCT: numbers.prod(),
        dist.ReduceOp.AVG: numbers.mean(),
    }.items():
        x = torch.tensor([rank + 1.0])
        dist.all_reduce(x, op)
        same(x, [expected])
    bits = torch.tensor([1 << rank])
    dist.all_reduce(bits, dist.ReduceOp.BOR)
    same(bits, [2**size - 1])
    flag = torch.tensor([rank == 1])
    dist.all_reduce(flag, dist.ReduceOp.MAX)
    assert flag.dtype is torch.bool
    assert bool(flag)
    column = torch.zeros(3, 2)[:, 1]  # a view with gaps
    column += rank
    dist.all_reduce(column)
    same(column, [numbers.sum() - size] * 3)
    x = torch.tensor([float(rank)])
    before = x._version
    dist.reduce(x, 1)
    same(x, [numbers.sum() - size if rank == 1 else rank])
    assert x._version > before


def movements():
    rank, size = dist.get_rank(), dist.get_world_size()
    x = torch.full((2, 2), float(rank)).to(torch.bfloat16)
    dist.broadcast(x, 1)
    same(x, np.ones((2, 2)))
    parts = [torch.zeros(2, dtype=torch.int64) for _ in range(size)]
    dist.all_gather(parts, torch.tensor([rank, rank]))
    for i, part in enumerate(parts):
        same(part, [i, i])
    joined = torch.zeros(size)
    dist.all_gather_into_tensor(joined, torch.tensor([float(rank)]))
    same(joined, range(size))
    own = torch.zeros(1)
    dist.reduce_scatter(own, [torch.tensor([10.0 * i]) for i in range(size)])
    same(own, [10 * rank * size])
    dist.reduce_scatter_tensor(own, torch.arange(float(size)), dist.ReduceOp.AVG)
    same(own, [rank])
    collected = [torch.zeros(1) for _ in range(size)] if rank == 0 else None
    dist.gather(torch.tensor([float(rank)]), collected, 0)
    if rank == 0:
        same(torch.cat(collected), range(size))
    dist.scatter(own, [torch.tensor([float(7 + i)]) for i in range(size)] if rank == 1 else None, 1)
    same(own, [7 + rank])
    swapped = torch.zeros(size)
    dist.all_to_all_single(swapped, torch.arange(float(size)) + 10 * rank)
    same(swapped, rank + 10 * np.arange(size))
    right, left = (rank + 1) % size, (rank - 1) % size
    outgoing = dist.isend(torch.tensor([float(rank)]), right, tag=3)
    dist.recv(own, left, tag=3)
    outgoing.wait()
    same(own, [left])
    work = dist.all_reduce(own, async_op=True)
    assert work.wait()
    assert work.is_completed()
    same(own, [size * (size - 1) / 2])


def objects():
    rank, size = dist.get_rank(), dist.get_world_size()
    found = [None] * size
    dist.all_gather_object(found, {"rank": rank, "text": "é" * rank})
    assert found == [{"rank": i, "text": "é" * i} for i in range(size)]
    values = [rank, None, [1.5, rank]]
    dist.broadcast_object_list(values, src=1)
    assert values == [1, None, [1.5, 1]]
    own = [None]
    dist.scatter_object_list(own, list("abcdefgh"[:size]) if rank == 0 else None)
    assert own == ["abcdefgh"[rank]]


def groups():
    rank, size = dist.get_rank(), dist.get_world_size()
    last = dist.new_group(range(1, size))
    alone = dist.new_group([0])
    x = torch.ones(1)
    if rank:
        dist.all_reduce(x, group=last)
        assert dist.get_rank(last) == rank - 1
        dist.broadcast(x, src=size - 1, group=last)
        same(x, [size - 1])
    else:
        dist.all_reduce(x, group=alone)
        assert dist.get_rank(last) == -1
        try:
            dist.all_reduce(x, group=last)
        except RuntimeError as error:
            assert "not in the group" in str(error)
    dist.barrier()


def network():
    torch.manual_seed(5 + (dist.get_rank() if dist.is_initialized() else 0))
    return torch.nn.Sequential(
        torch.nn.Linear(6, 16), torch.nn.BatchNorm1d(16, affine=False, track_running_stats=False).eval(),
        torch.nn.Tanh(), torch.nn.Linear(16, 3),
    )  # fmt: skip


def batches(rank, size):
    rng = np.random.default_rng(3)
    for _ in range(4):
        x = torch.from_numpy(rng.standard_normal((8, 6)).astype(np.float32))
        y = torch.from_numpy(rng.integers(0, 3, 8))
        part = slice(rank * 8 // size, (rank + 1) * 8 // size)
        yield x[part], y[part]


def train(net, parts):
    optimizer = torch.optim.AdamW(net.parameters(), 0.01)
    for x, y in parts:
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(net(x), y).backward()
        optimizer.step()
    return [p.detach().numpy().copy() for p in net.parameters()]


def training():
    rank, size = dist.get_rank(), dist.get_world_size()
    plain = torch.nn.Sequential(torch.nn.Linear(6, 16), torch.nn.Tanh(), torch.nn.Linear(16, 3))
    net = torch.nn.Sequential(torch.nn.Linear(6, 16), torch.nn.Tanh(), torch.nn.Linear(16, 3))
    for p in net.parameters():
        p.data.add_(rank)  # every rank begins elsewhere: rank 0 decides
    state = {k: v.clone() for k, v in net.state_dict().items()}
    values = [state]
    dist.broadcast_object_list(values)
    plain.load_state_dict(values[0])
    parallel = DistributedDataParallel(net, bucket_cap_mb=1e-4)  # several buckets
    assert len(parallel._reducer.buckets) > 2
    assert list(parallel.state_dict()) == [f"module.{name}" for name in state]
    for a, b in zip(train(parallel, batches(rank, size)), train(plain, batches(0, 1)), strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-5, atol=2e-6)


def accumulation():
    rank, size = dist.get_rank(), dist.get_world_size()
    net = DistributedDataParallel(torch.nn.Linear(2, 1, bias=False))
    with net.no_sync():
        net(torch.full((1, 2), 1.0 + rank)).sum().backward()
    same(net.module.weight.grad, [[1 + rank] * 2])
    net(torch.full((1, 2), 1.0 + rank)).sum().backward()
    same(net.module.weight.grad, [[size + 1.0] * 2])


class Branches(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)

    def forward(self, x, first):
        return (self.a if first else self.b)(x)


def branches():
    rank, size = dist.get_rank(), dist.get_world_size()
    net = DistributedDataParallel(Branches(), find_unused_parameters=True)
    net(torch.ones(1, 2), rank == 0).sum().backward()
    same(net.module.a.bias.grad, [1 / size] * 2)
    same(net.module.b.bias.grad, [(size - 1) / size] * 2)
    strict = DistributedDataParallel(Branches())
    strict(torch.ones(1, 2), True).sum().backward()
    try:
        strict(torch.ones(1, 2), True)
    except RuntimeError as error:
        assert "b.bias, b.weight" in str(error)
    else:
        raise AssertionError("unused parameters went unnoticed")


def sampling():
    size = dist.get_world_size()
    data = TensorDataset(torch.arange(10))
    sampler = DistributedSampler(data, shuffle=True, seed=1)
    orders = []
    for epoch in (0, 1):
        sampler.set_epoch(epoch)
        own = [int(v) for (batch,) in DataLoader(data, 2, sampler=sampler) for v in batch]
        everywhere = [None] * size
        dist.all_gather_object(everywhere, own)
        assert {len(part) for part in everywhere} == {-(-10 // size)}
        assert {i for part in everywhere for i in part} == set(range(10))
        orders.append(everywhere)
    assert orders[0] != orders[1]


def killed():
    """Report to files: mpiexec ends a job that has lost a rank at the next line that it passes on."""
    rank = dist.get_rank()
    logging.disable()
    dist.barrier()
    if rank == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    try:
        dist.all_reduce(torch.ones(4))
    except dist.DistributedError as error:
        Path(sys.argv[2], f"{rank}.part").write_text(f"{error} {error.ranks}", encoding="utf-8")
        Path(sys.argv[2], f"{rank}.part").rename(Path(sys.argv[2], f"{rank}.txt"))
    time.sleep(5)  # for the others
    os._exit(0)


def late():
    rank = dist.get_rank()
    dist.barrier()
    if rank == 1:
        time.sleep(8)
        os._exit(0)
    try:
        work = dist.all_reduce(torch.ones(4), async_op=True)
        work.wait(timedelta(seconds=2))
    except dist.DistributedError as error:
        say(f"rank {rank}: {error} {error.ranks}")
    time.sleep(1)
    os._exit(0)


if __name__ == "__main__":
    dist.init_process_group("mpi", timeout=timedelta(seconds=60))
    for case in sys.argv[1].split(","):
        globals()[case]()
        say(f"rank {dist.get_rank()} of {dist.get_world_size()}: {case} is done")
    dist.destroy_process_group()
