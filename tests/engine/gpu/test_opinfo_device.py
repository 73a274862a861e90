"""PyTorch's own samples with the engine on a GPU: all operations there, those with kernels on the emulated one."""

from __future__ import annotations

import functools

import pytest

pytest.importorskip("torch", reason="PyTorch, the oracle, is not installed")
pytest.importorskip("expecttest", reason="PyTorch's test data need expecttest")

from stackgrad.tensor import Tensor

from tests.engine import oracle
from tests.engine.test_opinfo import KNOWN, NAMES, OPS

pytestmark = [pytest.mark.oracle, pytest.mark.filterwarnings("ignore")]

KERNELS = {  # what the kernels of `kernels/cuda` serve
    "addmm", "bmm", "baddbmm", "cross", "einsum", "log_softmax", "matmul", "mm", "mv", "softmax", "nn.functional.avg_pool1d",
    "nn.functional.avg_pool2d", "nn.functional.batch_norm", "nn.functional.conv1d", "nn.functional.conv2d",
    "nn.functional.conv3d", "nn.functional.conv_transpose1d", "nn.functional.conv_transpose2d", "nn.functional.cross_entropy",
    "nn.functional.embedding", "nn.functional.gelu", "nn.functional.group_norm", "nn.functional.instance_norm",
    "nn.functional.layer_norm", "nn.functional.linear", "nn.functional.max_pool1d", "nn.functional.max_pool2d",
    "nn.functional.nll_loss", "nn.functional.rms_norm", "nn.functional.scaled_dot_product_attention",
    "nn.functional.softmin", "nn.functional.unfold", "nn.functional.fold",
}  # fmt: skip


def carry(value, place):
    if isinstance(value, Tensor):
        return value.to(place)
    if isinstance(value, (list, tuple)):
        made = [carry(part, place) for part in value]
        return type(value)(*made) if hasattr(value, "_fields") else type(value)(made)
    return (
        {key: carry(part, place) for key, part in value.items()}
        if isinstance(value, dict)
        else value
    )


@pytest.mark.parametrize("name", NAMES)
def test_the_engine_on_a_gpu_agrees_with_pytorch_on_its_own_samples(name, device):
    if not hasattr(device.xp, "choices") and name not in KERNELS:
        pytest.skip("no kernel of its own: nothing to emulate")

    def there_and_back(call):
        @functools.wraps(call)
        def run(*args, **kwargs):
            return carry(call(*carry(args, device), **carry(kwargs, device)), "cpu")

        return run

    faults = [
        f"sample {number}: {mismatch.what} {mismatch.sample}"
        for op in OPS
        if op.name == name
        for number, mismatch in oracle.mismatches(op, there_and_back(oracle.our_function(op)))
        if mismatch is not None
    ]
    assert len(faults) <= KNOWN.get(name, 0), "\n".join(faults[:5])
