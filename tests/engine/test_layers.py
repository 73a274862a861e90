# ruff: noqa: ARG005  (signatures are given by what calls them)
from __future__ import annotations

import copy
import gc
import io
import pickle
import zipfile

import numpy as np
import pytest
import stackgrad as torch
from stackgrad import nn
from stackgrad.random import Generator, philox
from stackgrad.serialize import UnpicklingError

F = nn.functional


def train(net, x, y, optimizer, steps):
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = F.cross_entropy(net(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def small_net() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(1, 4, 3),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(36, 3),
    )


OPTIMIZERS = {
    "SGD": lambda p: torch.optim.SGD(p, 0.1, momentum=0.9, nesterov=True, weight_decay=1e-4),
    "Adam": lambda p: torch.optim.Adam(p, 0.01, amsgrad=True),
    "AdamW": lambda p: torch.optim.AdamW(p, 0.01),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_network_learns_what_it_is_shown(name):
    torch.manual_seed(0)
    net = small_net()
    x, y = torch.randn(12, 1, 8, 8), torch.randint(0, 3, (12,))
    losses = train(net, x, y, OPTIMIZERS[name](net.parameters()), 60)
    assert losses[-1] < 0.05 < losses[0]
    net.eval()
    assert (net(x).argmax(1) == y).all()


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_training_goes_on_from_a_saved_state_as_if_nothing_had_been(name):
    torch.manual_seed(0)
    net = small_net()
    x, y = torch.randn(6, 1, 8, 8), torch.randint(0, 3, (6,))
    optimizer = OPTIMIZERS[name](net.parameters())
    train(net, x, y, optimizer, 3)
    file = io.BytesIO()
    torch.save({"net": net.state_dict(), "optimizer": optimizer.state_dict()}, file)
    expected = train(net, x, y, optimizer, 3)
    saved = torch.load(io.BytesIO(file.getvalue()))
    other = small_net()
    other.load_state_dict(saved["net"])
    again = OPTIMIZERS[name](other.parameters())
    again.load_state_dict(saved["optimizer"])
    assert train(other, x, y, again, 3) == expected


def test_all_faults_of_a_state_dict_are_told_at_once():
    net = nn.Linear(2, 3)
    state = {"weight": torch.zeros(4, 2), "extra": torch.zeros(1)}
    with pytest.raises(RuntimeError) as caught:
        net.load_state_dict(state)
    for part in (
        "size mismatch for weight",
        'Missing key(s) in state_dict: "bias"',
        'Unexpected key(s) in state_dict: "extra"',
    ):
        assert part in str(caught.value)


def test_a_shared_parameter_is_listed_once_and_trained_once():
    net = nn.Module()
    net.a, net.b = nn.Linear(2, 2, bias=False), nn.Linear(2, 2, bias=False)
    net.b.weight = net.a.weight
    assert len(list(net.parameters())) == 1
    assert list(net.state_dict()) == ["a.weight", "b.weight"]


def test_hooks_see_and_replace_what_passes_a_layer():
    layer = nn.Linear(2, 2)
    seen = []
    before = layer.register_forward_pre_hook(lambda m, args: (args[0] * 0,))
    after = layer.register_forward_hook(lambda m, args, out: seen.append(out.shape))
    assert torch.allclose(layer(torch.ones(3, 2)), layer.bias.expand(3, 2))
    assert seen == [(3, 2)]
    before.remove()
    after.remove()
    assert not torch.allclose(layer(torch.ones(3, 2)), layer.bias.expand(3, 2))


def test_a_module_is_shown_with_its_parts():
    net = nn.Sequential(nn.Linear(2, 3), nn.Sequential(nn.ReLU(), nn.Dropout(0.1)))
    assert repr(net) == (
        "Sequential(\n  (0): Linear(in_features=2, out_features=3, bias=True)\n"
        "  (1): Sequential(\n    (0): ReLU()\n    (1): Dropout(p=0.1, inplace=False)\n  )\n)"
    )


def test_batch_norm_keeps_running_statistics_only_in_training():
    layer = nn.BatchNorm1d(2, momentum=0.5)
    layer(torch.tensor([[1.0, 2.0], [3.0, 6.0]]))
    assert layer.running_mean.tolist() == [1.0, 2.0]
    assert layer.running_var.tolist() == [1.5, 4.5]
    layer.eval()
    layer(torch.zeros(2, 2))
    assert layer.running_mean.tolist() == [1.0, 2.0]
    assert layer.num_batches_tracked.item() == 1


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU, nn.RNN])
def test_a_recurrent_network_is_its_cell_over_time(kind):
    torch.manual_seed(1)
    net = kind(3, 4)
    cell = {nn.LSTM: nn.LSTMCell, nn.GRU: nn.GRUCell, nn.RNN: nn.RNNCell}[kind](3, 4)
    cell.load_state_dict(
        {name.removesuffix("_l0"): value for name, value in net.state_dict().items()}
    )
    x, state = torch.randn(5, 2, 3), None
    y, _ = net(x)
    for step, expected in zip(x, y, strict=True):
        state = cell(step, state)
        assert torch.allclose(state[0] if kind is nn.LSTM else state, expected, atol=1e-6)


def test_packed_sequences_of_all_lengths_give_what_each_gives_alone():
    torch.manual_seed(2)
    net = nn.LSTM(3, 4, num_layers=2, bidirectional=True)
    sequences = [torch.randn(n, 3) for n in (2, 5, 3)]
    padded = nn.utils.rnn.pad_sequence(sequences)
    packed = nn.utils.rnn.pack_padded_sequence(padded, [2, 5, 3], enforce_sorted=False)
    y, (h, _) = net(packed)
    y, lengths = nn.utils.rnn.pad_packed_sequence(y)
    assert lengths.tolist() == [2, 5, 3]
    for i, sequence in enumerate(sequences):
        alone, (last, _) = net(sequence.unsqueeze(1))
        assert torch.allclose(y[: len(sequence), i], alone[:, 0], atol=1e-6)
        assert torch.allclose(h[:, i], last[:, 0], atol=1e-6)


def test_clipping_scales_all_gradients_together():
    a, b = nn.Parameter(torch.zeros(1)), nn.Parameter(torch.zeros(1))
    a.grad, b.grad = torch.tensor([3.0]), torch.tensor([4.0])
    assert nn.utils.clip_grad_norm_([a, b], 1.0).item() == pytest.approx(5.0)
    assert (a.grad.item(), b.grad.item()) == pytest.approx((0.6, 0.8), rel=1e-5)


def test_dropout_keeps_the_mean_and_is_off_in_evaluation():
    torch.manual_seed(3)
    layer, x = nn.Dropout(0.25), torch.ones(100_000)
    y = layer(x)
    assert y.mean().item() == pytest.approx(1.0, abs=0.02)
    assert set(np.unique(y.numpy())) == {np.float32(0), np.float32(4 / 3)}
    assert layer.eval()(x) is x


# ---- random numbers


def test_the_generator_is_philox_as_array_operations_compute_it():
    ours = philox(np, 0x1234567890ABCDEF, 5, 16)
    numpys = np.random.Philox(key=0x1234567890ABCDEF, counter=4).random_raw(64)
    np.testing.assert_array_equal(ours, numpys)


def test_the_same_seed_draws_the_same_numbers_and_states_continue():
    torch.manual_seed(7)
    first = torch.randn(5)
    state = torch.get_rng_state()
    second = torch.rand(5)
    torch.set_rng_state(state)
    assert torch.equal(torch.rand(5), second)
    torch.manual_seed(7)
    assert torch.equal(torch.randn(5), first)


def test_draws_of_the_usual_distributions_have_their_moments():
    generator = Generator().manual_seed(0)
    uniform = torch.rand(50_000, generator=generator)
    assert 0 <= uniform.min().item() <= uniform.max().item() < 1
    assert uniform.mean().item() == pytest.approx(0.5, abs=0.01)
    normal = torch.randn(50_000, generator=generator)
    assert normal.mean().item() == pytest.approx(0, abs=0.02)
    assert normal.std().item() == pytest.approx(1, abs=0.02)
    assert sorted(torch.randperm(100, generator=generator).tolist()) == list(range(100))
    counts = torch.bincount(torch.randint(2, 5, (30_000,), generator=generator))
    assert counts.tolist()[:2] == [0, 0]
    assert all(abs(n - 10_000) < 500 for n in counts.tolist()[2:])
    drawn = torch.multinomial(
        torch.tensor([0.0, 1.0, 3.0]), 20_000, replacement=True, generator=generator
    )
    assert (drawn == 2).float().mean().item() == pytest.approx(0.75, abs=0.02)


# ---- files and copies


def test_a_file_holds_tensors_of_every_dtype_and_plain_values():
    value = {
        "tensors": [
            torch.ones(2, 3, dtype=d)
            for d in (torch.bfloat16, torch.float16, torch.int8, torch.bool)
        ],
        "view": torch.arange(6).reshape(2, 3).t(),
        3: (None, True, -1, 2**70, 1.5, "text äöü", torch.float32, torch.Size([1, 2])),
    }
    file = io.BytesIO()
    torch.save(value, file)
    found = torch.load(io.BytesIO(file.getvalue()))
    assert found[3] == value[3]
    assert torch.equal(found["view"], value["view"])
    assert [t.dtype for t in found["tensors"]] == [t.dtype for t in value["tensors"]]


def test_what_cannot_be_saved_is_named():
    with pytest.raises(TypeError, match="Linear"):
        torch.save({"net": nn.Linear(1, 1)}, io.BytesIO())


class Evil:
    def __reduce__(self):
        return print, ("run",)


@pytest.mark.parametrize(
    "content",
    [pickle.dumps(Evil()), b"\x80\x02cos\nsystem\n(X\x04\x00\x00\x00trueR."],
    ids=["print", "system"],
)
def test_a_file_that_would_run_code_is_refused(content):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("archive/data.pkl", content)
    with pytest.raises(UnpicklingError, match="may not be loaded"):
        torch.load(io.BytesIO(file.getvalue()))


def test_a_file_that_is_no_archive_is_refused(tmp_path):
    path = tmp_path / "weights.pt"
    path.write_bytes(b"not a zip")
    with pytest.raises(UnpicklingError, match="not a zip file"):
        torch.load(path)


def test_copies_of_networks_share_nothing():
    net = small_net()
    other = copy.deepcopy(net)
    again = pickle.loads(pickle.dumps(net.state_dict()))
    with torch.no_grad():
        net[0].weight.zero_()
    assert other[0].weight.abs().sum().item() > 0
    assert again["0.weight"].abs().sum().item() > 0


def test_a_thousand_steps_leave_nothing_behind():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 2))
    optimizer = torch.optim.AdamW(net.parameters(), 0.01)
    x, y = torch.randn(8, 4), torch.randint(0, 2, (8,))
    train(net, x, y, optimizer, 10)
    gc.collect()
    gc.disable()
    try:
        before = len(gc.get_objects())
        train(net, x, y, optimizer, 1000)
        assert len(gc.get_objects()) - before < 100
    finally:
        gc.enable()


def test_memory_is_shared_with_numpy_both_ways():
    array = np.zeros(3, np.float32)
    x = torch.from_numpy(array)
    x.add_(1)
    assert array.tolist() == [1.0] * 3
    assert np.shares_memory(x.numpy(), array)
    assert np.shares_memory(np.from_dlpack(x), array)
    assert np.shares_memory(torch.from_dlpack(array).numpy(), array)
