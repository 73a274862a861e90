"""Primitives of oneDNN: descriptions of memory, the compiled operation, and its execution.

One thread makes and runs its own primitives: what oneDNN shares among them (scratch memory, the
stream) belongs to the thread.
"""

from __future__ import annotations

import ctypes
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from ctypes import byref, c_int, c_int64, c_size_t, c_void_p
from typing import Any, TypeVar

import numpy as np

from stackgrad.arrays import Array
from stackgrad.libraries.onednn import Library, address, library

_FLOAT32, _ANY_FORMAT, _CPU, _IN_ORDER = 3, 1, 1, 1  # dnnl_types.h
_KEPT = 256  # primitives per thread

Made = TypeVar("Made")


class _Argument(ctypes.Structure):
    _fields_ = (("number", c_int), ("memory", c_void_p))


class _Thread:
    """The engine, the stream and the primitives of one thread."""

    def __init__(self) -> None:
        found = library()
        if found is None:
            raise RuntimeError("oneDNN is not there")
        self.library: Library = found
        self.engine, self.stream = c_void_p(), c_void_p()
        check(found.functions.dnnl_engine_create(byref(self.engine), _CPU, c_size_t(0)))
        check(found.functions.dnnl_stream_create(byref(self.stream), self.engine, _IN_ORDER))
        self.made: OrderedDict[Hashable, Any] = OrderedDict()


class _Local(threading.local):
    own: _Thread | None = None


_local = _Local()


def thread() -> _Thread:
    """Return what belongs to the thread that asks."""
    if _local.own is None:
        _local.own = _Thread()
    return _local.own


def cached(key: Hashable, make: Callable[[], Made]) -> Made:
    """Return what this thread made for `key`, the least used forgotten; RuntimeError if oneDNN refused."""
    made = thread().made
    found: Made | None = made.get(key)
    if found is None:
        found = made[key] = make()
        if len(made) > _KEPT:
            made.popitem(last=False)
    else:
        made.move_to_end(key)
    return found


def check(status: int) -> None:
    """Raise RuntimeError for anything but success."""
    if status:
        raise RuntimeError(f"oneDNN returned status {status}")


def whole_numbers(values: Any) -> Any:
    """Return sizes as oneDNN takes them."""
    return (c_int64 * 12)(*values)


def described(shape: tuple[int, ...], steps: tuple[int, ...] | None = None) -> c_void_p:
    """Describe float32 memory of `shape`: `steps` elements apart, or in a format of oneDNN's choice."""
    found, functions = c_void_p(), thread().library.functions
    sizes = whole_numbers(shape)
    if steps is None:
        status = functions.dnnl_memory_desc_create_with_tag(
            byref(found), len(shape), sizes, _FLOAT32, _ANY_FORMAT
        )
    else:
        status = functions.dnnl_memory_desc_create_with_strides(
            byref(found), len(shape), sizes, _FLOAT32, whole_numbers(steps)
        )
    check(status)
    return found


def row_major(shape: tuple[int, ...]) -> c_void_p:
    """Describe float32 memory of `shape` without gaps."""
    steps = [1]
    for size in shape[:0:-1]:
        steps.insert(0, steps[0] * max(size, 1))
    return described(shape, tuple(steps))


class Memory:
    """A place for data of one description, whose address is set before every execution."""

    def __init__(self, description: c_void_p) -> None:
        own = thread()
        self.handle = c_void_p()
        functions = own.library.functions
        functions.dnnl_memory_desc_get_size.restype = c_size_t
        self.bytes = int(functions.dnnl_memory_desc_get_size(description))
        self.description = description
        check(functions.dnnl_memory_create(byref(self.handle), description, own.engine, None))
        self._set = functions.dnnl_memory_set_data_handle
        self._destroy = functions.dnnl_memory_destroy

    def at(self, array: Array) -> Memory:
        """Lie where `array` lies."""
        check(self._set(self.handle, c_void_p(address(array))))
        return self

    def buffer(self) -> Array:
        """Return new memory of the right size; the caller keeps it alive."""
        array = np.empty(self.bytes, np.uint8)
        self.at(array)
        return array

    def __del__(self) -> None:
        self._destroy(self.handle)


class Primitive:
    """A compiled operation: `create` is a function of the C API that makes its description."""

    def __init__(self, create: str, *settings: Any) -> None:
        own = thread()
        self._functions = functions = own.library.functions
        self.description, self._handle = c_void_p(), c_void_p()
        check(getattr(functions, create)(byref(self.description), *settings))
        check(functions.dnnl_primitive_create(byref(self._handle), self.description))
        self._stream = own.stream

    def wanted(self, what: int, number: int = 0) -> c_void_p:
        """Return the description that oneDNN chose for one of its operands (`dnnl_query_t`)."""
        query = self._functions.dnnl_primitive_desc_query_md
        query.restype = c_void_p
        return c_void_p(query(self.description, what, number))

    def run(self, arguments: dict[int, Memory]) -> None:
        """Execute on memories by argument number (`DNNL_ARG_...`)."""
        given = (_Argument * len(arguments))(
            *[_Argument(number, memory.handle) for number, memory in arguments.items()]
        )
        check(
            self._functions.dnnl_primitive_execute(
                self._handle, self._stream, len(arguments), given
            )
        )

    def __del__(self) -> None:
        self._functions.dnnl_primitive_destroy(self._handle)
        self._functions.dnnl_primitive_desc_destroy(self.description)


class Operand:
    """One operand: as described for the user, in the primitive's format inside, with the way between."""

    def __init__(self, outside: c_void_p, inside: c_void_p, *, result: bool = False) -> None:
        own = thread()
        self.outer, self.inner = Memory(outside), Memory(inside)
        same = own.library.functions.dnnl_memory_desc_equal(outside, inside)
        self.result, self.way = result, None
        if not same:
            ends = (self.inner, self.outer) if result else (self.outer, self.inner)
            self.way = Primitive(
                "dnnl_reorder_primitive_desc_create",
                *(ends[0].description, own.engine, ends[1].description, own.engine, None),
            )

    def enter(self, array: Array) -> Any:
        """Bring `array` in, or prepare the room for a result; keep what is returned until `leave`."""
        self.outer.at(array)
        if self.way is None:
            self.inner.at(array)
            return None
        room = self.inner.buffer()
        if not self.result:
            self.way.run({1: self.outer, 17: self.inner})
        return room

    def leave(self) -> None:
        """Bring the result out."""
        if self.way is not None and self.result:
            self.way.run({1: self.inner, 17: self.outer})
