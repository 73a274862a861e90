from __future__ import annotations

import numpy as np
import pytest
import stackgrad
from stackgrad.utils.dlpack import from_dlpack, to_dlpack

KINDS = ("bool", "uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64")


@pytest.mark.parametrize("kind", KINDS)
def test_numpy_arrays_share_their_memory_both_ways(kind):
    array = np.ones((2, 3), kind)
    tensor = stackgrad.from_dlpack(array)
    array[0, 0] = 0
    assert tensor[0, 0] == 0
    back = np.from_dlpack(tensor)
    assert back.__array_interface__["data"][0] == array.ctypes.data
    tensor.fill_(1)
    assert array.all()
    assert np.shares_memory(stackgrad.from_numpy(array).numpy(), array)


def test_views_keep_their_strides():
    tensor = stackgrad.arange(12.0).view(3, 4)[::2, 1:].t()
    back = stackgrad.from_dlpack(tensor)
    assert back.stride() == tensor.stride()
    assert (back == tensor).all()


def test_bfloat16_travels_though_numpy_does_not_know_it():
    tensor = stackgrad.randn(3).bfloat16()
    for source in (tensor, to_dlpack(tensor)):
        back = from_dlpack(source)
        assert back.dtype is stackgrad.bfloat16
        assert back.data_ptr() == tensor.data_ptr()


def test_the_memory_lives_as_long_as_one_of_the_two():
    def make():
        return stackgrad.from_dlpack(stackgrad.full((1000,), 7.0))

    kept = make()
    _ = [stackgrad.zeros(1000) for _ in range(50)]
    assert (kept == 7).all()


def test_a_tensor_that_wants_a_gradient_is_not_handed_out():
    with pytest.raises(RuntimeError, match="require gradient"):
        np.from_dlpack(stackgrad.ones(2, requires_grad=True))


def test_memory_of_unknown_devices_is_refused():
    class Elsewhere:
        def __dlpack__(self, **_):
            raise AssertionError

        def __dlpack_device__(self):
            return (7, 0)

    with pytest.raises(BufferError, match="type 7"):
        stackgrad.from_dlpack(Elsewhere())


@pytest.mark.oracle
@pytest.mark.parametrize("kind", [*KINDS, "bfloat16"])
def test_pytorch_and_the_engine_share_memory_both_ways(kind):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed (extra `oracle`)")
    theirs = torch.ones(2, 3, dtype=getattr(torch, kind)).t()
    ours = stackgrad.from_dlpack(theirs)
    assert ours.dtype is getattr(stackgrad, kind)
    assert ours.stride() == theirs.stride()
    theirs[1, 1] = 0
    assert ours[1, 1] == 0
    ours[2, 1] = 0
    assert theirs[2, 1] == 0
    back = torch.from_dlpack(ours)
    assert back.dtype is theirs.dtype
    assert back.data_ptr() == theirs.data_ptr()
