"""`torch.nn`: layers, containers and losses."""

from __future__ import annotations

import importlib
from typing import Any

from stackgrad.nn import functional, init, parameter, utils
from stackgrad.nn.attention import *  # noqa: F403
from stackgrad.nn.container import *  # noqa: F403
from stackgrad.nn.convolution import *  # noqa: F403
from stackgrad.nn.linear import *  # noqa: F403
from stackgrad.nn.module import *  # noqa: F403
from stackgrad.nn.normalization import *  # noqa: F403
from stackgrad.nn.parameter import *  # noqa: F403
from stackgrad.nn.recurrent import *  # noqa: F403
from stackgrad.nn.resampling import *  # noqa: F403
from stackgrad.nn.simple import LAYERS
from stackgrad.nn.transformer import *  # noqa: F403

globals().update(LAYERS)


def __getattr__(name: str) -> Any:
    if name == "parallel":
        return importlib.import_module("stackgrad.nn.parallel")
    raise AttributeError(f"stackgrad.nn has no {name!r}: it is not implemented")


__all__ = ["functional", "init", "parameter", "utils"]
