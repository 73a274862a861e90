"""Pictures that nobody looks at: every name is a function that takes anything."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any


class _Nothing(ModuleType):
    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Nothing(name)

    def __call__(self, *_: Any, **__: Any) -> Any:
        return _Nothing("nothing")

    def __iter__(self) -> Any:
        return iter((_Nothing("figure"), _Nothing("axes")))


pyplot = sys.modules["matplotlib.pyplot"] = _Nothing("matplotlib.pyplot")


def use(backend: str) -> None:
    """Take the name of a backend."""
    del backend
