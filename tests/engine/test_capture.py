from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest
import stackgrad as torch
from stackgrad import CaptureError, capture, nn
from stackgrad.nn import functional

optim = torch.optim


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.table, self.lstm, self.head = nn.Embedding(5, 4), nn.LSTM(4, 6), nn.Linear(6, 3)

    def forward(self, x):
        index = (x.abs() * 3).long().clamp(max=4)
        return self.head(self.lstm(self.table(index).transpose(0, 1))[0][-1])


NETWORKS = {
    "dense": lambda: nn.Sequential(
        nn.Linear(8, 12), nn.ReLU(), nn.Dropout(0.3), nn.LayerNorm(12), nn.GELU(), nn.Linear(12, 3)
    ),
    "batch norm": lambda: nn.Sequential(nn.Linear(8, 12), nn.BatchNorm1d(12), nn.Linear(12, 3)),
    "convolution": lambda: nn.Sequential(
        nn.Unflatten(1, (1, 2, 4)), nn.Conv2d(1, 4, 2), nn.Tanh(), nn.MaxPool2d((1, 3)), nn.Flatten(), nn.Linear(4, 3)
    ),
    "recurrent": Recurrent,
    "attention": lambda: nn.Sequential(
        nn.Unflatten(1, (2, 4)), nn.TransformerEncoderLayer(4, 2, 8, 0.1, batch_first=True), nn.Flatten(), nn.Linear(8, 3)
    ),
}  # fmt: skip
OPTIMIZERS = {
    "SGD": lambda p: optim.SGD(p, 0.1, momentum=0.9, nesterov=True, weight_decay=0.01),
    "Adam": lambda p: optim.Adam(p, 0.01, amsgrad=True),
    "AdamW": lambda p: optim.AdamW(p, 0.01),
    "RMSprop": lambda p: optim.RMSprop(p, 0.01, centered=True),
    "Adagrad": lambda p: optim.Adagrad(p, 0.01),
    "Adadelta": optim.Adadelta,
}


def batches(count: int, size: int = 6) -> list[tuple[torch.Tensor, torch.Tensor]]:
    rng = np.random.default_rng(0)
    return [
        (
            torch.from_numpy(rng.standard_normal((size, 8)).astype(np.float32)),
            torch.from_numpy(rng.integers(0, 3, size)),
        )
        for _ in range(count)
    ]


def train(network, optimizer, *, captured: bool, steps: int = 7):
    """Return losses, parameters, buffers and gradients after some steps, as bytes."""
    torch.manual_seed(0)
    net = network()
    rule = optimizer(net.parameters())
    schedule = optim.lr_scheduler.StepLR(rule, 2, 0.5)

    def step(x, y):
        loss = functional.cross_entropy(net(x), y)
        rule.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 0.5)
        rule.step()
        schedule.step()
        return loss

    run = capture(step) if captured else step
    losses = [run(x, y).detach().array.tobytes() for x, y in batches(steps)]
    if captured:
        assert run.graph.calls
    state = [value.array.tobytes() for value in net.state_dict().values()]
    return losses, state, [p.grad.array.tobytes() for p in net.parameters()]


@pytest.mark.parametrize("name", NETWORKS)
def test_a_replayed_step_has_the_bits_of_the_eager_one(name):
    network = NETWORKS[name]
    eager, replayed = (
        train(network, OPTIMIZERS["AdamW"], captured=captured) for captured in (False, True)
    )
    assert replayed == eager


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_keeps_its_numbers_under_replay(name):
    eager, replayed = (
        train(NETWORKS["dense"], OPTIMIZERS[name], captured=captured) for captured in (False, True)
    )
    assert replayed == eager


def linear_step():
    torch.manual_seed(0)
    net = nn.Linear(3, 2)
    rule = optim.SGD(net.parameters(), 0.1)

    def step(x):
        rule.zero_grad()
        loss = (net(x) ** 2).mean()
        loss.backward()
        rule.step()
        return loss.detach()

    return net, rule, step


def test_the_learning_rate_is_read_at_the_replay():
    net, rule, step = linear_step()
    run = capture(step)
    for _ in range(4):
        run(torch.ones(2, 3))
    rule.param_groups[0]["lr"] = 0.0
    before = net.weight.detach().clone()
    run(torch.ones(2, 3))
    assert net.weight.equal(before)


def test_other_shapes_and_dtypes_are_recorded_anew():
    losses = []
    for wrap in (lambda step: step, capture):
        _, _, step = linear_step()
        run = wrap(step)
        losses.append([run(torch.full((1 + i % 3, 3), float(i))).item() for i in range(15)])
    assert losses[0] == losses[1]


def test_a_module_set_to_eval_is_recorded_anew():
    drop = nn.Dropout(0.5)
    run = capture(drop.forward)
    x = torch.ones(100)
    for _ in range(4):
        assert (run(x) == 0).any()
    drop.eval()
    assert run(x).equal(x)


def test_gradients_add_up_over_replays_until_they_are_dropped():
    results = []
    for wrap in (lambda step: step, capture):
        net, rule, _ = linear_step()

        def micro(x, net=net):
            (net(x) ** 2).mean().backward()

        run = wrap(micro)
        for i in range(12):
            run(torch.full((2, 3), float(i)))
            if i % 3 == 2:
                rule.step()
                rule.zero_grad()
        results.append(net.weight.array.tobytes())
    assert results[0] == results[1]


def test_a_parameter_given_other_memory_is_recorded_anew():
    net, _, step = linear_step()
    run = capture(step)
    for _ in range(4):
        run(torch.ones(2, 3))
    net.weight.data = torch.zeros(2, 3)
    net.bias.data = torch.zeros(2)
    assert run(torch.ones(2, 3)).item() == 0.0


def test_results_of_replays_are_tensors_of_their_own():
    run = capture(lambda x: x * 2)
    results = [run(torch.full((3,), float(i))) for i in range(6)]
    assert [r[0].item() for r in results] == [0, 2, 4, 6, 8, 10]


def test_wrong_targets_raise_at_the_replay_too():
    net = nn.Linear(8, 3)
    run = capture(lambda x, y: functional.cross_entropy(net(x), y).detach())
    for x, y in batches(4):
        run(x, y)
    with pytest.raises(IndexError, match="out of bounds"):
        run(x, y + 3)


def test_a_tensor_changed_in_place_counts_a_write_at_every_replay():
    state = torch.zeros(2)
    run = capture(lambda x: state.add_(x).sum())
    values = [run(torch.ones(2)).item() for _ in range(5)]
    assert values == [2, 4, 6, 8, 10]
    assert state._version == 5


REFUSED = {
    "item": (lambda x: x * x.sum().item(), "item"),
    "a branch": (lambda x: x if x.sum() > 0 else -x, "true"),
    "tolist": (lambda x: x * x.tolist()[0], "tolist"),
    "numpy": (lambda x: torch.from_numpy(x.numpy() * 2), "numpy"),
    "a copy by value": (lambda x: torch.tensor(x) * 2, "torch.tensor"),
    "an index": (lambda x: [1, 2, 3][x.long()[0]] * x, "index"),
    "an unfinished graph": (lambda x: x.requires_grad_() * 2, "backward"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_a_replay_cannot_know_is_refused_by_name(name):
    function, what = REFUSED[name]
    run = capture(function)
    with pytest.raises(CaptureError, match=what) as caught:
        [run(torch.ones(2)) for _ in range(3)]
    assert "test_capture.py" in str(caught.value) or name == "an unfinished graph"


def test_a_refusal_that_the_step_catches_is_raised_all_the_same():
    def step(x):
        try:
            return x * float(x.sum())
        except RuntimeError:
            return x

    with pytest.raises(CaptureError, match="item"):
        capture(step)(torch.ones(2))


def test_a_number_that_is_another_in_every_call_is_named():
    count = 0

    def step(x):
        nonlocal count
        count += 1
        return x * count

    run = capture(step)
    results = []
    with pytest.raises(CaptureError, match="another in every call"):
        results.extend(run(torch.ones(1)).item() for _ in range(100))
    assert results == list(range(1, len(results) + 1))


def test_a_tensor_carried_from_call_to_call_is_refused():
    memory = [torch.zeros(2)]

    def step(x):
        memory[0] = memory[0] + x
        return memory[0] * 1

    run = capture(step)
    with pytest.raises(CaptureError, match="no operation of this call made"):
        [run(torch.ones(2)) for _ in range(6)]


def test_values_made_beside_the_operations_are_refused():
    run = capture(lambda x: x + torch.from_numpy(np.random.default_rng().random(2)))
    with pytest.raises(CaptureError):
        [run(torch.ones(2, dtype=torch.float64)) for _ in range(6)]


def test_repeated_and_dead_calls_are_dropped_and_the_bits_stay():
    def step(x):
        (x.cos() * 3).sum()
        return x.exp() + x.exp() * x.exp()

    run = capture(step)
    x = torch.randn(5)
    results = {run(x).array.tobytes() for _ in range(4)}
    assert results == {step(x).array.tobytes()}
    assert [call.name for call in run.graph.calls] == ["exp", "mul", "add"]
    assert run.graph.dropped == (2, 3)


def test_a_repeated_call_after_a_write_is_not_dropped():
    def step(x):
        y = x.clone()
        first = y * 2
        y.add_(1)
        return first, y * 2

    run = capture(step)
    for _ in range(4):
        first, second = run(torch.ones(2))
    assert (first.tolist(), second.tolist()) == ([2, 2], [4, 4])


def test_a_captured_graph_prints_its_nodes_in_order_and_draws_them():
    _, _, step = linear_step()
    run = capture(step)
    with pytest.raises(CaptureError, match="nothing is captured"):
        str(run.graph)
    for _ in range(4):
        run(torch.ones(2, 3))
    text, dot = str(run.graph), run.graph.dot()
    assert "linear_array" in text
    assert "float32[2, 2] cpu" in text
    assert "SGD.step" in text.splitlines()[-1]
    assert "test_capture.py" in text
    assert dot.startswith("digraph")
    assert dot.count("->") == sum(len(node.inputs) for node in run.graph.nodes())


def test_the_history_of_a_tensor_prints_too():
    x = torch.ones(2, 3, requires_grad=True)
    y = (x.exp() * x).sum()
    lines = torch.graph_text(y).splitlines()
    assert [line.split()[1] for line in lines] == ["leaf", "exp", "mul", "sum"]
    assert "float32[2, 3] cpu" in lines[0]
    assert torch.graph_dot(y).count("->") == 4


def test_nothing_is_captured_while_anomalies_are_looked_for():
    run = capture(lambda x: x * x.sum().item())
    with torch.autograd.detect_anomaly():
        assert run(torch.ones(2)).tolist() == [2, 2]


def test_a_replay_keeps_nothing_alive():
    _, _, step = linear_step()
    run = capture(step)
    for _ in range(4):
        run(torch.ones(2, 3))
    gc.disable()
    try:
        x = torch.ones(2, 3)
        gone = weakref.ref(x)
        run(x)
        del x
        assert gone() is None
    finally:
        gc.enable()


def test_a_parameter_that_the_step_refers_to_twice_is_one():
    net, rule, _ = linear_step()
    parameters = list(net.parameters())

    def step(x):
        rule.zero_grad()
        loss = (net(x) ** 2).mean()
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        rule.step()
        return loss.detach()

    run = capture(step)
    losses = [run(torch.ones(2, 3)).item() for _ in range(5)]
    assert losses == sorted(losses, reverse=True)
    assert run.graph.calls
