"""The engine on a GPU against itself on the CPU: `python -m pytest -m gpu tests/engine`.

Without a GPU the same tests run on an emulated one: NumPy, and the CUDA kernels compiled for the host.
"""

from __future__ import annotations

import numpy as np
import pytest
import stackgrad as torch
from stackgrad import models

from tests.engine.test_kernels import CASES, as_tuple

F = torch.nn.functional


def host(tensor):
    return tensor.detach().cpu().float().numpy()


def close(found, expected, rtol=1e-5, atol=1e-6):
    np.testing.assert_allclose(host(found), host(expected), rtol=rtol, atol=atol)


def moved(value, device, kind=None):
    """Return a leaf with the same elements on the device, in a memory of its own."""
    if not isinstance(value, torch.Tensor):
        return value
    other = value.detach().clone().to(device)
    return other.requires_grad_() if value.requires_grad else other


@pytest.mark.parametrize("name", CASES)
def test_a_kernel_gives_the_values_and_gradients_of_the_cpus(name, device):
    torch.manual_seed(3)
    op, make, static = CASES[name]
    plain = make()
    inputs = [moved(t, device) for t in plain]
    outputs, expected = (
        as_tuple(op.apply(*inputs, **static)),
        as_tuple(op.formula(*plain, **static)),
    )
    seeds = [torch.randn(o.shape, dtype=torch.float64) for o in expected]
    for a, b in zip(outputs, expected, strict=True):
        assert a.device is device
        close(a, b, 1e-6)
    wanted = [i for i, t in enumerate(plain) if isinstance(t, torch.Tensor) and t.requires_grad]
    found = torch.autograd.grad(outputs, [inputs[i] for i in wanted], [s.to(device) for s in seeds])
    slopes = torch.autograd.grad(expected, [plain[i] for i in wanted], seeds)
    for a, b in zip(found, slopes, strict=True):
        close(a, b, 1e-6)


FUNCTIONS = {
    "softmax": lambda x: F.softmax(x, 1),
    "log_softmax of the first dimension": lambda x: F.log_softmax(x, 0),
    "gelu": F.gelu,
    "silu": F.silu,
    "group_norm": lambda x: F.group_norm(x, 3, x[0, :, 0, 0], x[1, :, 0, 0]),
    "rms_norm": lambda x: F.rms_norm(x, (6, 7), x[0, 0]),
    "batch_norm": lambda x: F.batch_norm(x, None, None, training=True),
    "max_pool": lambda x: F.max_pool2d(x, 2, 1, 1),
    "avg_pool": lambda x: F.avg_pool2d(x, (2, 3), 2, ceil_mode=True),
    "max_pool1d": lambda x: F.max_pool1d(x.flatten(1, 2), 2),
    "conv": lambda x: F.conv2d(x, x[:2, :, :2, :2], stride=2, padding=1),
    "conv_transpose": lambda x: F.conv_transpose2d(
        x, x[:3, :2, :2, :2].transpose(0, 1).reshape(3, 2, 2, 2), stride=2
    ),
    "unfold": lambda x: F.unfold(x, 2, padding=1),
    "matmul": lambda x: x @ x.transpose(-1, -2),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_has_the_cpus_values_and_gradients(name, device):
    torch.manual_seed(4)
    x = torch.randn(4, 3, 6, 7, dtype=torch.float64, requires_grad=True)
    y = moved(x, device)
    expected, found = FUNCTIONS[name](x), FUNCTIONS[name](y)
    close(found, expected)
    seed = torch.randn(expected.shape, dtype=torch.float64)
    (slope,) = torch.autograd.grad(expected, [x], seed)
    (result,) = torch.autograd.grad(found, [y], seed.to(device))
    close(result, slope)


def test_the_second_derivative_of_softmax_is_the_cpus(device):
    x = torch.randn(3, 5, dtype=torch.float64, requires_grad=True)
    y = moved(x, device)
    found = []
    for t in (x, y):
        (slope,) = torch.autograd.grad((F.softmax(t, 1) ** 2).sum(), t, create_graph=True)
        found += torch.autograd.grad((slope**3).sum(), [t])
    close(found[1], found[0])


DRAWS = {
    "rand": lambda d: torch.rand(1003, device=d),
    "rand in float64": lambda d: torch.rand(77, device=d, dtype=torch.float64),
    "randint": lambda d: torch.randint(-5, 1000, (333,), device=d),
    "bernoulli": lambda d: torch.bernoulli(torch.full((200,), 0.3, device=d)),
    "dropout": lambda d: F.dropout(torch.ones(1001, device=d), 0.3),
}


@pytest.mark.parametrize("name", DRAWS)
def test_random_numbers_are_those_of_the_cpu_bit_for_bit(name, device):
    found = []
    for place in ("cpu", device):
        torch.manual_seed(11)
        torch.rand(3)
        found.append(DRAWS[name](place))
        found.append(torch.rand(2))  # both have taken as many numbers
    assert (found[0] == found[2].cpu()).all()
    assert (found[1] == found[3]).all()


def test_dropout_goes_back_through_the_same_elements(device):
    x = torch.ones(500, device=device, requires_grad=True)
    y = F.dropout(x, 0.5)
    y.sum().backward()
    assert (x.grad.cpu() == y.detach().cpu()).all()


def test_normal_numbers_agree_with_the_cpus_to_the_last_digits(device):
    torch.manual_seed(5)
    a = torch.randn(1000)
    torch.manual_seed(5)
    close(torch.randn(1000, device=device), a, 1e-5)


class Convolutional(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.body = torch.nn.Sequential(
            torch.nn.Conv2d(1, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.ReLU(), torch.nn.MaxPool2d(2),
            torch.nn.Dropout(0.2), torch.nn.Conv2d(4, 6, 2, groups=2), torch.nn.GroupNorm(2, 6), torch.nn.SiLU(),
            torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Linear(6, 3),
        )  # fmt: skip

    def forward(self, x):
        return self.body(x)


class Recurrent(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.model = models.LSTMLanguageModel(11, 6, 5, 2, dropout=0.1)

    def forward(self, x):
        return self.model(x.t())[0]


class Transformer(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.model = models.GPT(
            models.GPTConfig(8, 11, n_layer=2, n_head=2, n_embd=12, dropout=0.1)
        )

    def forward(self, x):
        return self.model(x, x)[0].flatten(0, 1)


NETWORKS = {
    "convolutional": (
        Convolutional,
        lambda: torch.randn(4, 1, 9, 9),
        lambda _: torch.tensor([0, 2, 1, 2]),
    ),
    "recurrent": (Recurrent, lambda: torch.randint(0, 11, (3, 5)), lambda x: x.t().reshape(-1)),
    "transformer": (Transformer, lambda: torch.randint(0, 11, (2, 6)), lambda x: x.reshape(-1)),
}
OPTIMIZERS = {
    "adamw": lambda p: torch.optim.AdamW(p, 0.01),
    "sgd": lambda p: torch.optim.SGD(p, 0.05, momentum=0.9),
}


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("name", NETWORKS)
def test_training_gives_the_losses_of_the_cpu(name, optimizer, device):
    make, draw, label = NETWORKS[name]
    torch.manual_seed(0)
    start, x = make(), draw()
    y, curves = label(x), []
    for place in ("cpu", device):
        net = make()
        net.load_state_dict({k: v.clone() for k, v in start.state_dict().items()})
        net.to(place)
        step, losses = OPTIMIZERS[optimizer](net.parameters()), []
        torch.manual_seed(1)
        for _ in range(4):
            step.zero_grad()
            loss = F.cross_entropy(net(x.clone().to(place)), y.clone().to(place))
            loss.backward()
            step.step()
            losses.append(loss.item())
        curves.append(losses)
    np.testing.assert_allclose(curves[1], curves[0], rtol=1e-4)
    assert curves[0][-1] < curves[0][0]


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float16])
def test_half_precision_stays_near_float32(kind, device):
    torch.manual_seed(2)
    x = torch.randn(6, 20)
    layers = [torch.nn.LayerNorm(20), torch.nn.GELU(approximate="tanh"), torch.nn.Softmax(1)]
    for layer in layers:
        found = layer.to(device).to(kind)(x.clone().to(device).to(kind))
        assert found.dtype is kind
        close(found.float(), layer.to("cpu").float()(x), 2e-2, 2e-2)


def test_a_tensor_goes_to_the_device_and_back(device):
    x = torch.arange(6.0).view(2, 3)
    there = x.clone().to(device)
    assert there.is_cuda
    assert str(there.device) == "cuda:0"
    assert (there.cpu() == x).all()
    with torch.device(device):
        assert torch.zeros(2).is_cuda
    assert not torch.zeros(2).is_cuda
