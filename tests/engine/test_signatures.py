from __future__ import annotations

import importlib
import inspect
import pkgutil

import pytest
import stackgrad as torch

# Whose further keywords go to somebody who refuses what it does not know, and to whom.
FORWARD = {
    "Tensor": "the tensor's data",
    "Function.forward": "the user's own function",
    "Module.forward": "the user's own function",
    "DistributedDataParallel.forward": "the module",
    "GradScaler.step": "the optimizer's step",
    "PackedSequence.to": "Tensor.to",
    "checkpoint": "the function that is run again",
    "to_dlpack": "the array's __dlpack__",
    "Identity": "nobody: it is there to stand for any layer",
    "StackDataset": "the names of its parts",
    "GPT.load_state_dict": "Module.load_state_dict",
    "uniform_": "`from` and `to`, which Python reserves; others are refused",
    "random_": "`from` and `to`, which Python reserves; others are refused",
    "measure_peak": "the function that is measured",
    "kernel": "the static arguments of a user's kernel",
    "CustomKernel.run": "the static arguments of a user's kernel",
}
INTERNAL = ("kernels", "capture", "libraries", "arrays", "graph", "ops", "custom", "switches")


def public_callables():
    for info in pkgutil.walk_packages(torch.__path__, "stackgrad."):
        if info.name.split(".")[1] in INTERNAL:
            continue
        yield from of_module(importlib.import_module(info.name))
    yield from torch.ops.FUNCTIONS.items()


def of_module(module):
    for name, value in vars(module).items():
        if name.startswith("_") or not getattr(value, "__module__", "").startswith("stackgrad"):
            continue
        if value.__module__.split(".")[1] in INTERNAL:
            continue
        if inspect.isclass(value):
            yield name, value
            for part, method in vars(value).items():
                if callable(method) and not part.startswith("_"):
                    yield f"{name}.{part}", method
        elif callable(value):
            yield name, value


def of_tensors():
    for name in dir(torch.Tensor):
        value = inspect.getattr_static(torch.Tensor, name)
        if callable(value) and not name.startswith("_"):
            yield name, value


def swallows(call):
    try:
        parameters = inspect.signature(call).parameters.values()
    except (TypeError, ValueError):
        return False
    return any(p.kind is p.VAR_KEYWORD for p in parameters)


def test_no_public_function_swallows_keywords_that_it_does_not_know():
    walked = [*public_callables(), *of_tensors()]
    found = {name.removeprefix("Tensor.") for name, call in walked if swallows(call)}
    assert len(walked) > 1_000
    assert found <= set(FORWARD), sorted(found - set(FORWARD))


CALLS = {
    "zeros": lambda **k: torch.zeros(2, **k),
    "full": lambda **k: torch.full((2,), 1.0, **k),
    "arange": lambda **k: torch.arange(3, **k),
    "rand": lambda **k: torch.rand(2, **k),
    "randint": lambda **k: torch.randint(3, (2,), **k),
    "zeros_like": lambda **k: torch.zeros_like(torch.ones(2), **k),
    "full_like": lambda **k: torch.full_like(torch.ones(2), 3.0, **k),
    "new_ones": lambda **k: torch.ones(2).new_ones(3, **k),
    "uniform_": lambda **k: torch.ones(2).uniform_(**k),
    "add_": lambda **k: torch.ones(2).add_(1, **k),
    "sum": lambda **k: torch.ones(2).sum(**k),
    "to": lambda **k: torch.ones(2).to("cpu", **k),
    "float": lambda **k: torch.ones(2).float(**k),
    "Dropout": torch.nn.Dropout,
    "Linear": lambda **k: torch.nn.Linear(2, 2, **k),
    "LSTM": lambda **k: torch.nn.LSTM(2, 2, **k),
    "Module": torch.nn.Module,
    "AdamW": lambda **k: torch.optim.AdamW([torch.ones(1, requires_grad=True)], **k),
    "RMSprop": lambda **k: torch.optim.RMSprop([torch.ones(1, requires_grad=True)], **k),
    "DataLoader": lambda **k: torch.utils.data.DataLoader([1, 2], **k),
    "new_group": torch.distributed.new_group,
    "load": lambda **k: torch.load("nowhere", **k),
}  # fmt: skip


@pytest.mark.parametrize("name", CALLS)
def test_an_argument_that_nobody_knows_is_refused_by_name(name):
    with pytest.raises(TypeError, match="nonsense"):
        CALLS[name](nonsense=1)


REFUSED = {
    "sparse layouts": lambda: torch.zeros(2, layout="sparse_coo"),
    "pinned memory": lambda: torch.zeros(2, pin_memory=True),
    "differentiable steps": lambda: torch.optim.Adam([torch.ones(1, requires_grad=True)], differentiable=True),
    "a backend of one's own": lambda: torch.compile(backend=print),
    "batches out of order": lambda: torch.utils.data.DataLoader([1], in_order=False),
    "turning cuDNN off": lambda: setattr(torch.backends.cudnn, "enabled", False),
    "a sparse gradient": lambda: torch.nn.Embedding(3, 2, sparse=True)(torch.tensor([1])),
    "hooks after an exception": lambda: torch.nn.ReLU().register_forward_hook(print, always_call=True),
    "forward mode": lambda: torch.autograd.gradcheck(torch.sin, torch.ones(1, requires_grad=True), check_forward_ad=True),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_what_has_no_meaning_here_is_refused(what):
    with pytest.raises(NotImplementedError, match="not implemented"):
        REFUSED[what]()


def test_hints_that_change_nothing_are_taken_if_pytorch_has_them():
    p = [torch.ones(1, requires_grad=True)]
    torch.optim.AdamW(p, foreach=True)
    torch.optim.SGD(p, 0.1, fused=True)
    torch.optim.RMSprop(p, capturable=True)
    with pytest.raises(RuntimeError, match="cannot be `True` together"):
        torch.optim.AdamW(p, foreach=True, fused=True)
    with pytest.raises(TypeError, match="foreach"):
        torch.optim.Adam(p, foreach="yes")
    torch.zeros(2).to(memory_format=torch.channels_last)
    with pytest.raises(RuntimeError, match="memory_format"):
        torch.zeros(2).to(memory_format="sideways")
    torch.backends.cudnn.benchmark = True
    with pytest.raises(AttributeError, match="benhcmark"):
        torch.backends.cudnn.benhcmark = True
    with pytest.raises(RuntimeError, match="Unrecognized mode"):
        torch.compile(mode="faster")


def test_numpys_names_of_dimensions_are_taken_as_pytorch_does():
    x = torch.ones(2, 3)
    assert x.sum(axis=1, keepdims=True).shape == (2, 1)
    assert torch.cat([x, x], axis=1).shape == (2, 6)
    with pytest.raises(TypeError, match="axes"):
        x.sum(axes=1)
