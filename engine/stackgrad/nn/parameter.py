"""Parameters: tensors that a module trains."""

from __future__ import annotations

from typing import Any

from stackgrad.ops.creation import empty
from stackgrad.tensor import Tensor, _blank

__all__ = ["Buffer", "Parameter"]


class Parameter(Tensor):
    """A leaf that modules list as theirs; it shares the memory of `data`."""

    def __new__(cls, data: Tensor | None = None, requires_grad: bool = True) -> Any:  # noqa: ARG004, D102
        return _blank(cls)

    def __init__(self, data: Tensor | None = None, requires_grad: bool = True) -> None:
        source = empty(0) if data is None else data
        self.array, self.device, self.version = source.array, source.device, source.version
        self.requires_grad_(requires_grad)


class Buffer(Tensor):
    """A tensor of a module that is saved with it but not trained."""

    def __new__(cls, data: Tensor | None = None, persistent: bool = True) -> Any:  # noqa: ARG004, D102
        return _blank(cls)

    def __init__(self, data: Tensor | None = None, persistent: bool = True) -> None:
        source = empty(0) if data is None else data
        self.array, self.device, self.version = source.array, source.device, source.version
        self.persistent = persistent
