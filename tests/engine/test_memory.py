from __future__ import annotations

import gc
import tracemalloc

import numpy as np
import pytest
import stackgrad as torch
from stackgrad import capture, measure_peak, nn
from stackgrad.nn import functional

MIB = 1 << 20


def test_the_peak_of_a_step_counts_what_it_holds_at_one_time():
    x = torch.ones(MIB // 4)
    peak = measure_peak(lambda: ((x + 1) * 2 + 1).sum().item())
    assert peak.result == 5 * MIB / 4
    assert 2 * MIB <= peak.cpu_bytes < 2.5 * MIB
    assert peak.cuda_bytes == 0


def test_what_was_held_before_a_step_does_not_count():
    x = torch.ones(MIB)
    assert measure_peak(x.sum).cpu_bytes < MIB / 4


def training_step(wrap):
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Linear(64, 256), nn.ReLU(), nn.Dropout(0.1), nn.Linear(256, 256), nn.GELU(), nn.Linear(256, 8)
    )  # fmt: skip
    rule = torch.optim.AdamW(net.parameters(), 1e-3)

    def step(x, y):
        loss = functional.cross_entropy(net(x), y)
        rule.zero_grad()
        loss.backward()
        rule.step()
        return loss.detach()

    return wrap(step)


def batch(rows: int):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((rows, 64)).astype(np.float32)
    return torch.from_numpy(x), torch.from_numpy(rng.integers(0, 8, rows))


def test_a_replay_takes_no_more_memory_than_the_eager_step():
    x, y = batch(512)
    peaks = []
    for wrap in (lambda step: step, capture):
        step = training_step(wrap)
        for _ in range(4):
            step(x, y)
        peaks.append(measure_peak(step, x, y).cpu_bytes)
    assert peaks[1] <= peaks[0]


def test_memory_grows_in_proportion_to_the_batch():
    peaks = []
    for rows in (64, 6_400):
        step = training_step(lambda step: step)
        x, y = batch(rows)
        step(x, y)
        peaks.append(measure_peak(step, x, y).cpu_bytes)
    assert peaks[1] < 100 * peaks[0]


@pytest.mark.parametrize("wrap", [lambda step: step, capture], ids=["eager", "captured"])
def test_a_thousand_steps_leave_nothing_behind_without_the_cycle_collector(wrap):
    step = training_step(wrap)
    x, y = batch(4)
    for _ in range(20):
        step(x, y)
    gc.collect()
    gc.disable()
    tracemalloc.start()
    try:
        for _ in range(5):
            step(x, y)
        before, objects = tracemalloc.get_traced_memory()[0], len(gc.get_objects())
        for _ in range(1000):
            step(x, y)
        after = tracemalloc.get_traced_memory()[0]
        assert len(gc.get_objects()) - objects < 50
        assert after - before < 20_000
    finally:
        tracemalloc.stop()
        gc.enable()
