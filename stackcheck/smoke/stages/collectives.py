"""Several GPUs: whether they reach each other, add up rightly together, and train as one does.

Not verified on hardware. One process holds all devices. On the CPU two members that share it stand in for them, with
sums by NumPy, so that the training of the data-parallel stage itself is tested without a GPU.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from stackcheck.smoke.bench import Bench, Outcome, limit
from stackcheck.smoke.trial import Trial, build_trial

__all__ = ["Group", "HostGroup", "check_all_reduce", "check_data_parallel", "check_peers"]

_MIB = 1 << 20
_AGREE = 1e-4
"""Of the largest weight: the sums of a split batch round in another order."""
_RATE, _MOMENTUM = 0.05, 0.9
_BATCH = 64
_REPEATS = 5


class Group(Protocol):
    """Members that compute together, each on its device."""

    devices: Sequence[str]

    def at(self, number: int) -> AbstractContextManager[Any]:
        """Make a member's device the current one."""

    def all_reduce(self, arrays: Sequence[Any]) -> Sequence[Any]:
        """Return on each member's device the sum of all members' arrays, when it is there."""


class HostGroup:
    """Two members on one CPU."""

    devices: Sequence[str] = ("cpu", "cpu")

    def at(self, number: int) -> AbstractContextManager[Any]:  # noqa: ARG002
        """Change nothing."""
        return nullcontext()

    def all_reduce(self, arrays: Sequence[Any]) -> Sequence[Any]:
        """Return the sum for each member."""
        total = np.sum(np.stack(arrays), axis=0, dtype=arrays[0].dtype)
        return [total.copy() for _ in self.devices]


class NcclGroup:
    """All GPUs of the machine, by NCCL in one process."""

    def __init__(self, cupy: Any, count: int) -> None:
        from cupy.cuda import nccl  # by this name CuPy loads the library first

        self._cupy, self._nccl = cupy, nccl
        self.devices: Sequence[str] = [f"cuda:{number}" for number in range(count)]
        self._members = nccl.NcclCommunicator.initAll(list(range(count)))

    def at(self, number: int) -> AbstractContextManager[Any]:
        """Make this GPU the current one."""
        device: AbstractContextManager[Any] = self._cupy.cuda.Device(number)
        return device

    def all_reduce(self, arrays: Sequence[Any]) -> Sequence[Any]:
        """Return on each GPU the sum over all GPUs."""
        sums = []
        for number, array in enumerate(arrays):
            with self.at(number):
                sums.append(self._cupy.empty_like(array))
        self._nccl.groupStart()
        for number, (member, array, total) in enumerate(
            zip(self._members, arrays, sums, strict=True)
        ):
            with self.at(number):
                stream = self._cupy.cuda.get_current_stream().ptr
                kind, add = self._nccl.NCCL_FLOAT32, self._nccl.NCCL_SUM
                member.allReduce(array.data.ptr, total.data.ptr, array.size, kind, add, stream)
        self._nccl.groupEnd()
        self.wait()
        return sums

    def wait(self) -> None:
        """Return when every GPU has done all that it was given."""
        for number in range(len(self.devices)):
            with self.at(number):
                self._cupy.cuda.get_current_stream().synchronize()


def _find_group(bench: Bench) -> Group | Outcome:
    """Return the members, or why there are none."""
    if not bench.is_gpu:
        return HostGroup()
    cupy = bench.cupy
    try:
        return NcclGroup(cupy, bench.engine.cuda.device_count())
    except (ImportError, AttributeError) as error:
        message = f"NCCL cannot be loaded ({error}): install nvidia-nccl for this CUDA"
        return Outcome("unknown", message=message)


def check_peers(bench: Bench) -> Outcome:
    """Copy between each pair of GPUs; tell which reach each other's memory directly."""
    if not bench.is_gpu:
        return Outcome("skipped", message="the stages run on the CPU, which has no peers")
    cupy = bench.cupy
    count = bench.engine.cuda.device_count()
    mebibytes = bench.of_level(16, 256)
    words = bench.random(80).integers(0, 1 << 31, mebibytes * _MIB // 4).astype(np.int32)
    direct, rates, wrong = 0, [], []
    pairs = [(giver, taker) for giver in range(count) for taker in range(count) if giver != taker]
    for giver, taker in pairs:
        direct += bool(cupy.cuda.runtime.deviceCanAccessPeer(taker, giver))
        with cupy.cuda.Device(giver):
            source = cupy.asarray(words)
            cupy.cuda.get_current_stream().synchronize()
        with cupy.cuda.Device(taker):
            target = cupy.empty_like(source)
            target.data.copy_from_device(
                source.data, source.nbytes
            )  # the first one sets the way up
            cupy.cuda.get_current_stream().synchronize()
            start = time.perf_counter()
            target.data.copy_from_device(source.data, source.nbytes)
            cupy.cuda.get_current_stream().synchronize()
            rates.append(source.nbytes / (time.perf_counter() - start) / 1e9)
            if not np.array_equal(target.get(), words):
                wrong.append(f"{giver} to {taker}")
    if not pairs:
        return Outcome("skipped", message="one GPU has no peers")
    compared_with = f"{len(pairs)} pairs, {direct} of them directly"
    message = f"copies between GPUs arrive damaged: {', '.join(wrong)}" if wrong else ""
    return Outcome(
        "error" if wrong else "ok", float(len(wrong)), "wrong pairs", 0.0, compared_with, message,
        {"slowest peer copy GB/s": min(rates)},
    )  # fmt: skip


def check_all_reduce(bench: Bench) -> Outcome:
    """Add whole numbers up over all GPUs: whatever the order, the bits are those of the host's sum."""
    group = _find_group(bench)
    if isinstance(group, Outcome):
        return group
    mebibytes = bench.of_level(16, 256) if bench.is_gpu else 1
    count = mebibytes * _MIB // 4
    random = bench.random(81)
    values = [random.integers(-1000, 1001, count).astype(np.float32) for _ in group.devices]
    right = np.sum(values, axis=0)
    arrays = [
        bench.engine.device(device).asarray(each)
        for device, each in zip(group.devices, values, strict=True)
    ]
    wrong = 0
    for total in group.all_reduce(arrays):
        found = total if isinstance(total, np.ndarray) else total.get()
        wrong += int((found != right).sum())
    members = len(group.devices)
    outcome = limit(
        float(wrong), 0.0, "wrong sums", f"the host's sum of {members} members, {mebibytes} MiB each",
        f"{wrong} of {members * count} sums differ from the host's",
    )  # fmt: skip
    if members < 2:
        return outcome
    begun = time.perf_counter()
    for _ in range(_REPEATS):
        group.all_reduce(arrays)
    seconds = (time.perf_counter() - begun) / _REPEATS
    bus = 4 * count / seconds * 2 * (members - 1) / members / 1e9
    return replace(outcome, rates={"all-reduce bus GB/s": bus})


def check_data_parallel(bench: Bench) -> Outcome:
    """Train on shards with summed gradients, and on the joined batch alone: weights must agree at every step."""
    group = _find_group(bench)
    if isinstance(group, Outcome):
        return group
    members = len(group.devices)
    steps = bench.of_level(3, 10)
    alone = _Replica(bench, members)
    together = []
    for number, device in enumerate(group.devices):
        with group.at(number):
            together.append(_Replica(replace(bench, device=device), members))
    compared_with = f"{steps} steps on the joined batch of {members} members"
    worst = 0.0
    for step in range(1, steps + 1):
        inputs, targets = alone.trial.sample()
        alone.differentiate(inputs, targets)
        for number, replica in enumerate(together):
            shard = slice(number * _BATCH, (number + 1) * _BATCH)
            with group.at(number):
                replica.differentiate(inputs[shard], targets[shard])
        _share_gradients(group, together)
        alone.optimizer.step()
        for number, replica in enumerate(together):
            with group.at(number):
                replica.optimizer.step()
                gap, name = _compare(alone, replica)
            worst = max(worst, gap)
            if not gap <= _AGREE:
                where = f"{name} on {group.devices[number]}"
                message = f"{where} differs by {gap:.2g} of its largest weight after step {step}"
                return Outcome("error", gap, "of weight", _AGREE, compared_with, message)
    return Outcome("ok", worst, "of weight", _AGREE, compared_with)


class _Replica:
    """One copy of the model with its optimizer; all begin with the same weights."""

    def __init__(self, bench: Bench, members: int) -> None:
        self.bench = bench
        self.trial: Trial = build_trial(bench, "cnn", batch=members * _BATCH)
        self.optimizer = bench.engine.optim.SGD(
            self.trial.model.parameters(), lr=_RATE, momentum=_MOMENTUM
        )

    def differentiate(self, inputs: npt.NDArray[Any], targets: npt.NDArray[Any]) -> None:
        """Compute the gradients of the mean loss over a batch."""
        self.optimizer.zero_grad()
        self.trial.loss(self.bench.tensor(inputs), self.bench.tensor(targets)).backward()

    def gradient(self) -> Any:
        """Return all gradients as one array of the device."""
        gradients = [parameter.grad.reshape(-1) for parameter in self.trial.model.parameters()]
        xp = self.bench.engine.device(self.bench.device).xp
        return xp.from_dlpack(self.bench.engine.cat(gradients).contiguous())

    def replace_gradient(self, total: Any, members: int) -> None:
        """Take the mean over all members in place of the own gradients."""
        mean = self.bench.engine.from_dlpack(total) / members
        start = 0
        for parameter in self.trial.model.parameters():
            size = parameter.grad.numel()
            parameter.grad = mean[start : start + size].reshape(parameter.shape)
            start += size


def _share_gradients(group: Group, replicas: Sequence[_Replica]) -> None:
    flat = []
    for number, replica in enumerate(replicas):
        with group.at(number):
            flat.append(replica.gradient())
    for number, total in enumerate(group.all_reduce(flat)):
        with group.at(number):
            replicas[number].replace_gradient(total, len(replicas))


def _compare(alone: _Replica, replica: _Replica) -> tuple[float, str]:
    """Return how far the weights are apart at most, as a share of their parameter's largest, and where."""
    worst, name = 0.0, ""
    theirs = dict(replica.trial.model.named_parameters())
    for parameter, value in alone.trial.model.named_parameters():
        ours = alone.bench.host(value)
        gap = np.abs(replica.bench.host(theirs[parameter]) - ours).max()
        share = float(np.nan_to_num(gap / max(float(np.abs(ours).max()), 1e-6), nan=np.inf))
        if share > worst:
            worst, name = share, parameter
    return worst, name
