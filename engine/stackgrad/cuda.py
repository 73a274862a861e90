"""`torch.cuda`: whether there is a GPU, which, and its memory."""

from __future__ import annotations

from typing import Any

from stackgrad import random
from stackgrad.device import Device, cuda_is_available, cuda_module

is_available = cuda_is_available
_STREAMS = ("CUDAGraph", "Event", "Stream", "current_stream", "graph", "stream")


def device_count() -> int:
    """Return how many GPUs can be used."""
    return int(cuda_module().cuda.runtime.getDeviceCount()) if is_available() else 0


def current_device() -> int:
    """Return the number of the current GPU."""
    return int(cuda_module().cuda.runtime.getDevice())


def set_device(device: Any) -> None:
    """Make a GPU the current one."""
    cuda_module().cuda.Device(Device(device).index).use()


def get_device_name(device: Any = None) -> str:
    """Return the name of a GPU."""
    runtime = cuda_module().cuda.runtime
    place = current_device() if device is None else Device(device).index
    return str(runtime.getDeviceProperties(place)["name"].decode())


def get_device_capability(device: Any = None) -> tuple[int, int]:
    """Return the compute capability of a GPU, (8, 6) for 8.6."""
    digits = (
        cuda_module()
        .cuda.Device(current_device() if device is None else Device(device).index)
        .compute_capability
    )
    return int(digits[:-1]), int(digits[-1])


def synchronize(device: Any = None) -> None:  # noqa: ARG001
    """Wait until the GPU has done all its work; nothing where there is none."""
    if is_available():
        cuda_module().cuda.get_current_stream().synchronize()


def empty_cache() -> None:
    """Give memory that no tensor holds back to the driver."""
    if is_available():
        cuda_module().get_default_memory_pool().free_all_blocks()


def memory_allocated(device: Any = None) -> int:  # noqa: ARG001
    """Return the bytes that tensors hold."""
    return int(cuda_module().get_default_memory_pool().used_bytes()) if is_available() else 0


def memory_reserved(device: Any = None) -> int:  # noqa: ARG001
    """Return the bytes taken from the driver."""
    return int(cuda_module().get_default_memory_pool().total_bytes()) if is_available() else 0


def is_bf16_supported() -> bool:
    """Return whether the current GPU computes in bfloat16."""
    return is_available() and get_device_capability() >= (8, 0)


def manual_seed(seed: int) -> None:
    """Seed the generator, which the devices share."""
    random.manual_seed(seed)


manual_seed_all = manual_seed


def __getattr__(name: str) -> Any:
    if name == "amp":
        from stackgrad import cuda_amp

        return cuda_amp
    if name.endswith("Tensor"):
        from stackgrad import typed

        if name in typed.TYPES:
            return typed.typed(name, "cuda")
    if name in _STREAMS:
        from stackgrad import streams

        return getattr(streams, name)
    raise AttributeError(f"stackgrad.cuda has no {name!r}: it is not implemented")
