"""Layers that are one function with settings: activations, pooling, dropout, padding, losses."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from stackgrad.nn import functional as F  # noqa: N812  (its name everywhere)
from stackgrad.nn.module import Module
from stackgrad.nn.parameter import Parameter
from stackgrad.ops.creation import full
from stackgrad.tensor import Tensor


class _Setting(Module):
    """Calls a function of `nn.functional` with the settings given to the constructor.

    The settings are attributes of their names; those in `_tensors` are buffers.
    """

    _function: Callable[..., Any]
    _signature: inspect.Signature
    _in_training = False
    _tensors: tuple[str, ...] = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()
        try:
            given = self._signature.bind(*args, **kwargs)
        except TypeError as error:
            raise TypeError(f"{type(self).__name__}: {error}") from None
        given.apply_defaults()
        for name, value in given.arguments.items():
            if name in self._tensors:
                self.register_buffer(name, value)
            else:
                setattr(self, name, value)

    def forward(self, *inputs: Any) -> Any:
        """Apply the function."""
        settings = {name: getattr(self, name) for name in self._signature.parameters}
        if self._in_training:
            settings["training"] = self.training
        return type(self)._function(*inputs, **settings)  # noqa: SLF001

    def extra_repr(self) -> str:
        """Return the settings."""
        shown = [name for name in self._signature.parameters if name not in _HIDDEN]
        return ", ".join(f"{name}={getattr(self, name)}" for name in shown)


_HIDDEN = {"size_average", "reduce", "reduction", "weight", "pos_weight", "return_indices"}


def _layer(
    name: str, function: Callable[..., Any], inputs: int = 1, order: str = "", **attributes: Any
) -> Any:
    """Return a layer class; its settings are the function's after `inputs`, or those that `order` names."""
    known = inspect.signature(function).parameters
    names = order.split() or list(known)[inputs:]
    settings = [known[n].replace(kind=inspect.Parameter.POSITIONAL_OR_KEYWORD) for n in names]
    body = {
        "_function": staticmethod(function),
        "_signature": inspect.Signature(settings),
        "__signature__": inspect.Signature(settings),
        "__doc__": function.__doc__,
        "__module__": "stackgrad.nn",
    }
    return type(
        name, (_Setting,), {**body, **{f"_{key}": value for key, value in attributes.items()}}
    )


_ACTIVATIONS: dict[str, Callable[..., Any]] = {
    "CELU": F.celu,
    "ELU": F.elu,
    "GELU": F.gelu,
    "GLU": F.glu,
    "Hardshrink": F.hardshrink,
    "Hardsigmoid": F.hardsigmoid,
    "Hardswish": F.hardswish,
    "Hardtanh": F.hardtanh,
    "LeakyReLU": F.leaky_relu,
    "LogSigmoid": F.logsigmoid,
    "Mish": F.mish,
    "ReLU6": F.relu6,
    "SELU": F.selu,
    "SiLU": F.silu,
    "Sigmoid": F.sigmoid,
    "Softplus": F.softplus,
    "Tanh": F.tanh,
    "Softshrink": F.softshrink,
    "Softsign": F.softsign,
    "Tanhshrink": F.tanhshrink,
    "Threshold": F.threshold,
}
_POOLS: dict[str, Callable[..., Any]] = {
    "AdaptiveAvgPool1d": F.adaptive_avg_pool1d,
    "AdaptiveAvgPool2d": F.adaptive_avg_pool2d,
    "AdaptiveAvgPool3d": F.adaptive_avg_pool3d,
    "AdaptiveMaxPool1d": F.adaptive_max_pool1d,
    "AdaptiveMaxPool2d": F.adaptive_max_pool2d,
    "AdaptiveMaxPool3d": F.adaptive_max_pool3d,
    "AvgPool1d": F.avg_pool1d,
    "AvgPool2d": F.avg_pool2d,
    "AvgPool3d": F.avg_pool3d,
    "LPPool1d": F.lp_pool1d,
    "LPPool2d": F.lp_pool2d,
    "LPPool3d": F.lp_pool3d,
}
_MAX_POOLS: dict[str, Callable[..., Any]] = {
    "MaxPool1d": F.max_pool1d,
    "MaxPool2d": F.max_pool2d,
    "MaxPool3d": F.max_pool3d,
}
_DROPOUTS: dict[str, Callable[..., Any]] = {
    "AlphaDropout": F.alpha_dropout,
    "Dropout": F.dropout,
    "Dropout1d": F.dropout1d,
    "Dropout2d": F.dropout2d,
    "Dropout3d": F.dropout3d,
    "FeatureAlphaDropout": F.feature_alpha_dropout,
}
_LOSSES: dict[
    str, tuple[Callable[..., Any], int, tuple[str, ...]]
] = {  # function, inputs, tensors among the settings
    "BCELoss": (F.binary_cross_entropy, 2, ("weight",)),
    "BCEWithLogitsLoss": (F.binary_cross_entropy_with_logits, 2, ("weight", "pos_weight")),
    "CTCLoss": (F.ctc_loss, 4, ()),
    "CosineEmbeddingLoss": (F.cosine_embedding_loss, 3, ()),
    "CrossEntropyLoss": (F.cross_entropy, 2, ("weight",)),
    "GaussianNLLLoss": (F.gaussian_nll_loss, 3, ()),
    "HingeEmbeddingLoss": (F.hinge_embedding_loss, 2, ()),
    "HuberLoss": (F.huber_loss, 2, ()),
    "KLDivLoss": (F.kl_div, 2, ()),
    "L1Loss": (F.l1_loss, 2, ()),
    "MSELoss": (F.mse_loss, 2, ()),
    "MarginRankingLoss": (F.margin_ranking_loss, 3, ()),
    "MultiLabelMarginLoss": (F.multilabel_margin_loss, 2, ()),
    "MultiLabelSoftMarginLoss": (F.multilabel_soft_margin_loss, 2, ("weight",)),
    "MultiMarginLoss": (F.multi_margin_loss, 2, ("weight",)),
    "NLLLoss": (F.nll_loss, 2, ("weight",)),
    "PoissonNLLLoss": (F.poisson_nll_loss, 2, ()),
    "SmoothL1Loss": (F.smooth_l1_loss, 2, ()),
    "SoftMarginLoss": (F.soft_margin_loss, 2, ()),
    "TripletMarginLoss": (F.triplet_margin_loss, 3, ()),
    "TripletMarginWithDistanceLoss": (F.triplet_margin_with_distance_loss, 3, ()),
}
LAYERS: dict[str, Any] = {
    name: _layer(name, function) for name, function in {**_ACTIVATIONS, **_POOLS}.items()
}
LAYERS |= {
    name: _layer(
        name,
        function,
        order="kernel_size stride padding dilation return_indices ceil_mode",
    )
    for name, function in _MAX_POOLS.items()
}
LAYERS |= {
    name: _layer(name, function, order="p inplace", in_training=True)
    for name, function in _DROPOUTS.items()
}
LAYERS |= {
    name: _layer(name, function, inputs, tensors=tensors)
    for name, (function, inputs, tensors) in _LOSSES.items()
}
LAYERS["RReLU"] = _layer("RReLU", F.rrelu, order="lower upper inplace", in_training=True)
LAYERS["ChannelShuffle"] = _layer("ChannelShuffle", F.channel_shuffle)
LAYERS["PixelShuffle"] = _layer("PixelShuffle", F.pixel_shuffle)
LAYERS["PixelUnshuffle"] = _layer("PixelUnshuffle", F.pixel_unshuffle)
LAYERS["CosineSimilarity"] = _layer("CosineSimilarity", F.cosine_similarity, 2)
LAYERS["PairwiseDistance"] = _layer("PairwiseDistance", F.pairwise_distance, 2)


class ReLU(Module):
    """max(x, 0)."""

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """Apply it."""
        return F.relu_(input) if self.inplace else F.relu(input)


class PReLU(Module):
    """x where it is positive, else weight * x with a trained weight."""

    def __init__(
        self, num_parameters: int = 1, init: float = 0.25, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__()
        self.num_parameters = num_parameters
        self.weight = Parameter(full((num_parameters,), init, device=device, dtype=dtype))

    def forward(self, input: Tensor) -> Tensor:
        """Apply it."""
        return F.prelu(input, self.weight)


class _Soft(Module):
    _function: Callable[..., Tensor]

    def __init__(self, dim: int | None = None) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Tensor) -> Tensor:
        """Apply it along `dim`."""
        return type(self)._function(input, self.dim)  # noqa: SLF001

    def extra_repr(self) -> str:
        """Return the dimension."""
        return f"dim={self.dim}"


class Softmax(_Soft):
    """exp(x) / sum(exp(x)) along `dim`."""

    _function = staticmethod(F.softmax)


class LogSoftmax(_Soft):
    """log(softmax(x)) along `dim`."""

    _function = staticmethod(F.log_softmax)


class Softmin(_Soft):
    """softmax(-x) along `dim`."""

    _function = staticmethod(F.softmin)


class Softmax2d(Module):
    """softmax over the channels of (N, C, H, W)."""

    def forward(self, input: Tensor) -> Tensor:
        """Apply it."""
        return F.softmax(input, -3)


class _Pad(Module):
    _mode, _dims = "constant", 1

    def __init__(self, padding: Any, value: float = 0.0) -> None:
        super().__init__()
        self.padding = (padding,) * (2 * self._dims) if isinstance(padding, int) else tuple(padding)
        self.value = value

    def forward(self, input: Tensor) -> Tensor:
        """Pad the last dimensions."""
        return F.pad(input, self.padding, self._mode, self.value)

    def extra_repr(self) -> str:
        """Return the padding."""
        return str(self.padding)


for _prefix, _mode in {
    "Constant": "constant",
    "Zero": "constant",
    "Reflection": "reflect",
    "Replication": "replicate",
    "Circular": "circular",
}.items():
    for _dims in (1, 2, 3):
        _name = f"{_prefix}Pad{_dims}d"
        LAYERS[_name] = type(
            _name,
            (_Pad,),
            {
                "_mode": _mode,
                "_dims": _dims,
                "__module__": "stackgrad.nn",
                "__doc__": f"Padding of the last {_dims} dimensions.",
            },
        )
LAYERS |= {c.__name__: c for c in (ReLU, PReLU, Softmax, LogSoftmax, Softmin, Softmax2d)}
