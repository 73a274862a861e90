"""The layers of the stack, from the board up: the letters of a code name one."""

from __future__ import annotations

from stackcheck.model.record import record

__all__ = ["LAYERS", "Layer", "layer_of"]


@record(frozen=True)
class Layer:
    """One layer. `name` is what rules and `--only` say, `label` what a report prints."""

    prefix: str
    name: str
    label: str


LAYERS = (
    Layer("HW", "hardware", "GPU"),
    Layer("KM", "kernel", "kernel module"),
    Layer("DV", "devices", "device nodes"),
    Layer("VM", "virtual", "virtual GPU"),
    Layer("WS", "wsl", "WSL"),
    Layer("JT", "jetson", "Jetson, aarch64"),
    Layer("CT", "containers", "container"),
    Layer("DR", "driver", "driver and CUDA"),
    Layer("VS", "visibility", "visibility, MIG"),
    Layer("TK", "toolkit", "toolkit, loader"),
    Layer("DN", "cudnn", "cuDNN"),
    Layer("NC", "nccl", "NCCL"),
    Layer("PY", "python", "Python"),
    Layer("RS", "resources", "host resources"),
)
_BY_PREFIX = {layer.prefix: layer for layer in LAYERS}


def layer_of(code: str) -> Layer:
    """Return the layer that a code's letters name; a third party's letters are a layer of their own, on top."""
    prefix = code.partition("-")[0]
    return _BY_PREFIX.get(prefix) or Layer(prefix, prefix.lower(), prefix)
