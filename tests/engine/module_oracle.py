"""PyTorch's `module_db` as the oracle: its modules and inputs, run through both libraries."""

from __future__ import annotations

import types
from collections.abc import Iterator
from typing import Any

import stackgrad
import torch

from tests.engine import oracle


def to_ours(value: Any) -> Any:
    """Return arguments as the engine's, layers and functions of torch among them too."""
    if isinstance(value, (list, tuple)) and type(value) in (list, tuple):
        return type(value)(to_ours(v) for v in value)
    if isinstance(value, dict):
        return {key: to_ours(v) for key, v in value.items()}
    if isinstance(value, torch.nn.TransformerEncoderLayer):
        return _encoder_layer(value)
    if isinstance(value, torch.nn.LayerNorm):
        return stackgrad.nn.LayerNorm(value.normalized_shape, value.eps)
    if isinstance(value, (types.BuiltinFunctionType, types.FunctionType)):
        return getattr(stackgrad.nn.functional, value.__name__)
    return oracle.to_ours(value)


def _encoder_layer(layer: torch.nn.TransformerEncoderLayer) -> Any:
    return stackgrad.nn.TransformerEncoderLayer(
        layer.self_attn.embed_dim,
        layer.self_attn.num_heads,
        layer.linear1.out_features,
        layer.dropout.p,
        to_ours(layer.activation),
        layer.norm1.eps,
        layer.self_attn.batch_first,
        layer.norm_first,
        layer.linear1.bias is not None,
    )


def check(info: Any, ours: Any, sample: Any, training: bool) -> str | None:
    """Return how the engine's module differs in parameters, value, gradients or state after the call."""
    made, given = sample.constructor_input, sample.forward_input
    torch.manual_seed(0)
    theirs = info.module_cls(*made.args, **made.kwargs).train(training)
    module = ours(*to_ours(list(made.args)), **to_ours(made.kwargs)).train(training)
    state = {name: oracle.tensor_to_ours(t) for name, t in theirs.state_dict().items()}
    if list(module.state_dict()) != list(state):
        return f"state dict {list(module.state_dict())} for {list(state)}"
    module.load_state_dict(state)
    if given is None:
        return None
    args, options = to_ours(list(given.args)), to_ours(given.kwargs)
    for number, argument in enumerate(given.args):  # one tensor given twice stays one
        args[number] = args[next(i for i, a in enumerate(given.args) if a is argument)]
    results = oracle.flat(theirs(*given.args, **given.kwargs))
    outputs = oracle.flat(module(*args, **options))
    if len(results) != len(outputs):
        return f"{len(outputs)} outputs for {len(results)}"
    for number, (a, b) in enumerate(zip(results, outputs, strict=True)):
        if isinstance(a, torch.Tensor) and (fault := oracle.compare(a, b, f"output {number}")):
            return fault
    fault = oracle.compare_gradients(
        oracle.flat([given.args, given.kwargs, list(theirs.parameters())]),
        oracle.flat([args, options, list(module.parameters())]),
        results,
        outputs,
    )
    after = module.state_dict()
    for name, tensor in theirs.state_dict().items():
        fault = fault or oracle.compare(tensor, after[name], f"state {name}")
    return fault


def mismatches(info: Any, ours: Any) -> Iterator[tuple[str, str | None]]:
    """Yield every sample of a module, described, with what differs on it."""
    for training in (True, False):
        samples = info.module_inputs_func(
            info, device="cpu", dtype=torch.float32, requires_grad=True, training=training
        )
        for sample in samples:
            try:
                fault = check(info, ours, sample, training)
            except Exception as error:  # noqa: BLE001  (whatever the engine raises is a mismatch)
                fault = f"{type(error).__name__}: {error}"
            yield f"{sample.constructor_input} training={training}", fault
