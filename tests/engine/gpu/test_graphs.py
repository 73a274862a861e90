from __future__ import annotations

import numpy as np
import pytest
import stackgrad as torch
from stackgrad.kernels.cuda import upload
from stackgrad.kernels.cuda.launch import launch

F = torch.nn.functional


def moved(tensor, device):
    return tensor.detach().clone().to(device)


@pytest.fixture
def recording(monkeypatch):
    made = upload.Recording()
    monkeypatch.setattr(upload.state, "recording", made)
    return made


OPTIMIZERS = {
    "adamw": lambda p: torch.optim.AdamW(p, 0.1, (0.8, 0.9)),
    "adam with amsgrad": lambda p: torch.optim.Adam(p, 0.1, amsgrad=True, weight_decay=0.1),
    "sgd": lambda p: torch.optim.SGD(p, 0.1, momentum=0.9, nesterov=True),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_replayed_launches_with_refreshed_numbers_are_further_steps_of_an_optimizer(
    name, device, monkeypatch
):
    """A graph replays launches: here those of one step are kept and launched again, by hand."""
    if hasattr(device.xp, "choices"):
        pytest.skip("on a GPU the graph itself is tested")
    torch.manual_seed(0)
    start, slope = torch.randn(7), torch.randn(7)
    ours, plain = moved(start, device).requires_grad_(), start.clone().requires_grad_()
    pairs = [(t, OPTIMIZERS[name]([t])) for t in (ours, plain)]

    def step(number):
        t, optimizer = pairs[number]
        t.grad = moved(slope, t.device)
        optimizer.step()

    step(0)
    step(1)  # the first step makes the state
    made, kept = upload.Recording(), []
    run = device.xp.launch
    monkeypatch.setattr(device.xp, "launch", lambda *launched: kept.append(launched), raising=False)
    monkeypatch.setattr(upload.state, "recording", made)
    step(0)  # captured, not run
    monkeypatch.setattr(upload.state, "recording", None)
    for number in range(4):
        if number == 2:
            for _, optimizer in pairs:
                optimizer.param_groups[0]["lr"] = 0.01  # what a scheduler does
        made.refresh()
        for launched in kept:
            run(*launched)
        step(1)
        np.testing.assert_allclose(
            ours.detach().numpy(force=True), plain.detach().numpy(), rtol=1e-5, atol=1e-5
        )


def test_random_counters_move_on_from_replay_to_replay(device, recording):
    torch.manual_seed(3)
    x = torch.rand(10, device=device)
    F.dropout(x, 0.5)
    hosts = [host for host, refresh in recording.entries if refresh is not None]
    recording.refresh()  # the first replay uses what the capture took
    before = [host.copy() for host in hosts]
    recording.refresh()
    for host, old in zip(hosts, before, strict=True):
        assert host[0] == old[0]
        assert host[1] > old[1]
    torch.manual_seed(3)
    torch.rand(10)
    F.dropout(torch.ones(10), 0.5)
    assert before[0][1] == 0
    assert hosts[0][1] == torch.default_generator.counter


def test_outside_of_a_capture_numbers_are_plain_arrays(device):
    found = upload.upload(device.xp, [1.5, 2], "float32")
    np.testing.assert_array_equal(device.xp.asnumpy(found), [1.5, 2])
    launch(device.xp, "gelu_forward", found.dtype, 0, (found, found, 0))  # nothing to do


@pytest.mark.gpu
def test_a_graph_replays_training_steps_as_eager_ones():
    if not torch.cuda.is_available():
        pytest.skip("no GPU can be used")
    curves = []
    for captured in (False, True):
        torch.manual_seed(0)
        net = torch.nn.Sequential(
            torch.nn.Linear(8, 16), torch.nn.GELU(), torch.nn.Dropout(0.2), torch.nn.Linear(16, 3)
        ).to("cuda")
        x, y = torch.randn(32, 8).to("cuda"), torch.randint(0, 3, (32,)).to("cuda")
        optimizer = torch.optim.AdamW(net.parameters(), 0.05)

        def step(net=net, x=x, y=y, optimizer=optimizer):
            optimizer.zero_grad()
            loss = F.cross_entropy(net(x), y)
            loss.backward()
            optimizer.step()
            return loss

        side = torch.cuda.Stream()
        with torch.cuda.stream(side):
            losses = [step().item() for _ in range(3)]
        side.synchronize()
        if captured:
            made = torch.cuda.CUDAGraph()
            with torch.cuda.graph(made, stream=side):
                loss = step()
            for _ in range(5):
                made.replay()
                torch.cuda.synchronize()
                losses.append(loss.item())
        else:
            losses += [step().item() for _ in range(5)]
        curves.append(losses)
    assert curves[0] == curves[1]


@pytest.mark.gpu
def test_events_tell_the_time_between_them():
    if not torch.cuda.is_available():
        pytest.skip("no GPU can be used")
    start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    x = torch.randn(1000, 1000, device="cuda")
    start.record()
    x @ x
    end.record()
    end.synchronize()
    assert start.elapsed_time(end) > 0
    assert torch.cuda.current_stream().query()
