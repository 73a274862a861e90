"""Run one program unchanged, with PyTorch or with the engine in its place, and write down its losses.

python stage.py (torch|stackgrad) LOSSES.json STEPS PROGRAM [ARGUMENT ...]

A loss is what `backward()` is called on; after STEPS of them the program is stopped.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import random
import runpy
import sys
import types
import warnings
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).resolve().parent


class Enough(BaseException):
    """The program has made all the steps that were asked for."""


def perform(library_name: str, steps: int, program: Path, arguments: list[str]) -> list[float]:
    """Run `program` as `__main__`; return the losses of its first `steps` backward passes."""
    sys.path[:0] = [str(program.parent), str(HERE / "stubs"), str(HERE)]
    library = importlib.import_module(library_name)
    if library_name == "stackgrad":
        library.impersonate_torch()
    importlib.import_module("draws").install(library)
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002  (what programs draw from)
    _silence_tensorboard()
    losses: list[float] = []
    backward = library.Tensor.backward

    def recorded(self: Any, *args: Any, **kwargs: Any) -> Any:
        losses.append(float(self.detach().sum()))
        found = backward(self, *args, **kwargs)
        if len(losses) >= steps:
            raise Enough
        return found

    library.Tensor.backward = recorded
    library.set_num_threads(2)
    sys.argv = [str(program), *arguments]
    with contextlib.suppress(Enough):
        runpy.run_path(str(program), run_name="__main__")
    return losses


def _silence_tensorboard() -> None:
    """Put a writer in TensorBoard's place that writes nothing."""

    class SummaryWriter:
        def __init__(self, *_: Any, **__: Any) -> None:
            """Take any settings."""

        def __getattr__(self, name: str) -> Any:
            return lambda *_, **__: None

    module = types.ModuleType("torch.utils.tensorboard")
    module.SummaryWriter = SummaryWriter  # type: ignore[attr-defined]
    sys.modules["torch.utils.tensorboard"] = module


def main() -> None:
    """Run as the command line says."""
    warnings.simplefilter("ignore")
    library, file, steps, program, *arguments = sys.argv[1:]
    losses = perform(library, int(steps), Path(program).resolve(), arguments)
    Path(file).write_text(json.dumps(losses))


if __name__ == "__main__":
    main()
