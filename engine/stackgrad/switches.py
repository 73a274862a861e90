"""`torch.backends`: which libraries are there, and the switches that programs set.

A switch is accepted where it changes no result here: leave to be less precise (`allow_tf32`) is not
used, tuning (`benchmark`) is not needed, and the engine is deterministic in any case. What would have
to change something raises. The object itself is `stackgrad.backends()`, the report.
"""

from __future__ import annotations

from typing import Any

from stackgrad.backends import backends as report


class Switches:
    """Settings of one library: a name that is not among them, or a value it cannot take, is an error."""

    def __init__(self, name: str, **usual: tuple[Any, tuple[Any, ...]]) -> None:
        self.__dict__.update(
            _name=name, _allowed={key: values for key, (_, values) in usual.items()}
        )
        self.__dict__.update({key: value for key, (value, _) in usual.items()})

    def __setattr__(self, key: str, value: Any) -> None:
        allowed = self._allowed.get(key)
        if allowed is None:
            raise AttributeError(f"stackgrad.backends.{self._name} has no {key!r}")
        if value not in allowed:
            raise NotImplementedError(
                f"stackgrad.backends.{self._name}.{key} = {value!r} is not implemented"
            )
        self.__dict__[key] = value

    def __getattr__(self, key: str) -> Any:
        raise AttributeError(
            f"stackgrad.backends.{self._name} has no {key!r}: it is not implemented"
        )

    def is_available(self) -> bool:
        """Return whether the library is used."""
        found = report().get({"cudnn": "cudnn", "mkldnn": "onednn"}.get(self._name, self._name), {})
        return found.get("library") is not None

    is_built = is_available

    def version(self) -> Any:
        """Return the version of the library; None where it is not used."""
        return report().get(self._name, {}).get("version")


_BOTH = (True, False)


class Backends:
    """Called, the report of `stackgrad.backends()`; its attributes are PyTorch's `torch.backends`."""

    def __init__(self) -> None:
        self.cudnn = Switches(
            "cudnn",
            enabled=(True, (True,)),
            benchmark=(False, _BOTH),
            deterministic=(True, _BOTH),
            allow_tf32=(True, _BOTH),
        )
        self.cuda = Switches("cuda")
        self.cuda.__dict__["matmul"] = Switches(
            "cuda.matmul",
            allow_tf32=(False, _BOTH),
            allow_fp16_reduced_precision_reduction=(True, _BOTH),
            allow_bf16_reduced_precision_reduction=(True, _BOTH),
        )
        self.mkldnn = Switches("mkldnn", enabled=(True, (True,)))
        self.mkl, self.mps, self.openmp = Switches("mkl"), Switches("mps"), Switches("openmp")

    def __call__(self) -> dict[str, dict[str, Any]]:
        """Return for each room the library in use and its version."""
        return report()

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"stackgrad.backends has no {name!r}: it is not implemented")


backends = Backends()
_precision = ["highest"]


def set_float32_matmul_precision(precision: str) -> None:
    """Allow products of float32 to be less precise; the engine makes no use of it."""
    if precision not in ("highest", "high", "medium"):
        raise ValueError(f"precision should be highest, high or medium, not {precision!r}")
    _precision[0] = precision


def get_float32_matmul_precision() -> str:
    """Return what was allowed."""
    return _precision[0]


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """Ask for the same bits run after run, which the engine gives in any case."""
    _determinism[:] = [bool(mode), bool(warn_only)]


def are_deterministic_algorithms_enabled() -> bool:
    """Return whether that was asked for."""
    return _determinism[0]


_determinism = [False, False]
