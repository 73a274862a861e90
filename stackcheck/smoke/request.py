"""What is asked of the worker, what it tells while it works, and how both travel: one JSON document a line."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from typing import Any

__all__ = ["LEVELS", "TASKS", "Request", "decode_request", "encode_request"]

LEVELS = ("quick", "short", "long")
TASKS = ("mlp", "cnn", "rnn", "transformer")


@dataclass(frozen=True)
class Request:
    """One run: the level, where it runs, and what it is to do. `stages` are the names still to run, in order."""

    level: str = "quick"
    device: str = "cpu"
    """`cpu` or `cuda:N`; `auto` is the first GPU that CuPy can use, else the CPU."""
    seed: int = 0
    tasks: tuple[str, ...] = TASKS
    stages: tuple[str, ...] = ()
    seconds: float = 0.0
    """How long a `long` run goes on."""
    jobs: str = ""
    """File with jobs to do in place of stages, as `payload/train_protocol.py` documents it."""
    cudnn: bool = True
    """Whether the engine may use cuDNN."""
    timeout: float = 0.0
    """Seconds that each stage may take, instead of its own deadline; 0 leaves that."""

    def restart_with(self, stages: tuple[str, ...]) -> Request:
        """Return the same run with only these stages left."""
        return replace(self, stages=stages)


def encode_request(request: Request) -> str:
    """Return the request as one line."""
    return json.dumps(asdict(request))


def decode_request(line: str) -> Request:
    """Read what `encode_request` wrote."""
    content: dict[str, Any] = json.loads(line)
    tuples = {name: tuple(value) for name, value in content.items() if isinstance(value, list)}
    return Request(**{**content, **tuples})
