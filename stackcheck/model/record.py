"""Immutable records: dataclasses whose methods are shared, not compiled one by one for every class.

`dataclass(frozen=True)` writes six methods as text and compiles them wherever a class is made: half a millisecond a
class, with seventy classes on the way to an answer a third of the time that a command took. A record is a dataclass
all the same: `fields`, `replace`, `asdict`, pydantic and type checkers take it for one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, FrozenInstanceError, dataclass, fields
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

__all__ = ["record"]

if TYPE_CHECKING:
    from dataclasses import dataclass as record
else:

    def record(*, frozen: bool, eq: bool = True, kw_only: bool = False) -> Callable[[type], type]:
        """Make a frozen dataclass of a class; with `eq=False` its instances are told apart by identity."""
        if not frozen:
            raise TypeError("a record is frozen; use dataclass for what changes")

        def make(cls: type) -> type:
            made = dataclass(cls, init=False, repr=False, eq=False, kw_only=kw_only)
            made.__init__ = _init
            made.__repr__ = _repr
            made.__setattr__ = _refuse_change
            made.__delattr__ = _refuse_change
            if eq:
                made.__eq__ = _eq
                made.__hash__ = _hash
            return made

        return make


class _Layout(NamedTuple):
    """What a class's instances hold."""

    positional: tuple[str, ...]
    names: frozenset[str]
    order: tuple[str, ...]
    defaults: dict[str, Any]
    factories: tuple[tuple[str, Callable[[], Any]], ...]


@cache
def _layout_of(cls: Any) -> _Layout:
    entries = fields(cls)
    return _Layout(
        tuple(entry.name for entry in entries if not entry.kw_only),
        frozenset(entry.name for entry in entries),
        tuple(entry.name for entry in entries),
        {entry.name: entry.default for entry in entries if entry.default is not MISSING},
        tuple(
            (entry.name, entry.default_factory)
            for entry in entries
            if entry.default_factory is not MISSING
        ),
    )


def _init(self: Any, /, *values: Any, **named: Any) -> None:
    layout = _layout_of(self.__class__)
    content = self.__dict__
    content.update(layout.defaults)
    for name, make in layout.factories:
        if name not in named:
            content[name] = make()
    content.update(zip(layout.positional, values, strict=False))
    content.update(named)
    if content.keys() != layout.names or len(values) > len(layout.positional):
        _refuse_arguments(type(self), layout, values, named)


def _refuse_arguments(
    cls: type, layout: _Layout, values: tuple[Any, ...], named: dict[str, Any]
) -> NoReturn:
    given = {*layout.positional[: len(values)], *named}
    optional = {*layout.defaults, *(name for name, _ in layout.factories)}
    missing = [name for name in layout.order if name not in given | optional]
    unknown = sorted(given - layout.names)
    if len(values) > len(layout.positional):
        raise TypeError(f"{cls.__name__} takes {len(layout.positional)} values, not {len(values)}")
    raise TypeError(
        f"{cls.__name__} lacks {', '.join(missing) or 'nothing'}; it has no {', '.join(unknown) or 'other'}"
    )


def _repr(self: Any) -> str:
    inside = ", ".join(
        f"{name}={getattr(self, name)!r}" for name in _layout_of(self.__class__).order
    )
    return f"{type(self).__qualname__}({inside})"


def _eq(self: Any, other: Any) -> Any:
    if type(other) is not type(self):
        return NotImplemented
    return self.__dict__ == other.__dict__


def _hash(self: Any) -> int:
    content = self.__dict__
    return hash(tuple([content[name] for name in _layout_of(self.__class__).order]))


def _refuse_change(_: Any, name: str, *__: Any) -> NoReturn:
    raise FrozenInstanceError(f"cannot change field {name!r}")
