"""`torch.nn.functional`: the operations of networks as functions."""

from __future__ import annotations

from stackgrad.nn.functional import recurrent as recurrent
from stackgrad.nn.functional.activation import *  # noqa: F403
from stackgrad.nn.functional.alignment import *  # noqa: F403
from stackgrad.nn.functional.attention import *  # noqa: F403
from stackgrad.nn.functional.convolution import *  # noqa: F403
from stackgrad.nn.functional.distance import *  # noqa: F403
from stackgrad.nn.functional.loss import *  # noqa: F403
from stackgrad.nn.functional.multihead import *  # noqa: F403
from stackgrad.nn.functional.normalization import *  # noqa: F403
from stackgrad.nn.functional.padding import *  # noqa: F403
from stackgrad.nn.functional.pooling import *  # noqa: F403
from stackgrad.nn.functional.products import *  # noqa: F403
from stackgrad.nn.functional.regularization import *  # noqa: F403
from stackgrad.nn.functional.resampling import *  # noqa: F403
from stackgrad.nn.functional.sampling import *  # noqa: F403
from stackgrad.nn.functional.shuffling import *  # noqa: F403
from stackgrad.nn.functional.sparse import *  # noqa: F403
from stackgrad.nn.functional.unpooling import *  # noqa: F403
from stackgrad.ops.linalg import linear as linear


def __getattr__(name: str) -> object:
    raise AttributeError(f"stackgrad.nn.functional has no {name!r}: it is not implemented")
