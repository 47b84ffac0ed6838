"""Copies of Python values that can be compared with the values later.

`watch` makes one of each value that a recorded step reads, and compares it before a replay. A value
that can change without a trace in its copy is an obstacle: the step then runs eagerly.
"""

from __future__ import annotations

import enum
import functools
import math
import sys
import types
import weakref
from collections import deque
from collections.abc import KeysView, Mapping, ValuesView
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import numpy as np

from .._core import Tensor

if TYPE_CHECKING:
    from collections.abc import Iterable

# Limits for values that are compared before each replay. Within them it takes some microseconds.
_MOST_PARTS = 2000
_MOST_BYTES = 64 << 10
_MOST_DEPTH = 30

# Modules whose functions and classes do not change while a program runs.
_FIXED = frozenset(("fastdl", "numpy", "pybind11_builtins", *sys.stdlib_module_names))
_HEAP_TYPE = 1 << 9  # Py_TPFLAGS_HEAPTYPE: a class made by Python code, among others
_NO_MEMBERS = frozenset(("__annotations__", "__dict__", "__doc__", "__module__", "__weakref__"))
_BOUND = (types.BuiltinMethodType, types.MethodWrapperType)  # such as `[].append`
_CODE = (types.FunctionType, staticmethod, classmethod, property, functools.cached_property)


class Reporting:
    """Base class of objects that report each change of an attribute. Their identity is enough."""

    __slots__ = ()


class Copier:
    """Makes copies of values that can be compared with `==` later.

    Attributes:
        changes_unseen: whether the value may change without a write to an attribute.
        obstacle: why the value cannot be compared; "" if it can.
        kept: what is compared by identity. No other object may get its place in memory.
    """

    def __init__(self, limited: bool = True) -> None:
        self.changes_unseen = False
        self.obstacle = ""
        self.kept: list[object] = []
        self._limited = limited
        self._parts = 0
        self._bytes = 0
        self._open: set[int] = set()
        self._known: set[int] = set()  # functions and objects that are copied already

    def copy(self, value: Any, depth: int = 0) -> object:
        kind = type(value)
        self._parts += 1
        if self._limited and (self._parts > _MOST_PARTS or self._bytes > _MOST_BYTES):
            self.obstacle = "is too large to be compared before each replay"
            return None
        if value is None or kind is bool or kind is int or kind is str or kind is bytes:
            return kind, value
        if kind is float:
            return (kind, value, math.copysign(1.0, value)) if value == value else (kind, "nan")
        if kind is complex:
            return kind, repr(value)
        if isinstance(value, (Tensor, Reporting, types.ModuleType, enum.Enum)):
            return self._identity(value)
        if isinstance(value, np.ndarray):
            return self._array(value)
        if isinstance(value, np.generic):
            return kind, value.dtype.str, value.tobytes()
        if isinstance(value, np.dtype):
            return kind, value.str
        if id(value) in self._open:
            return self._identity(value)
        if depth > _MOST_DEPTH:
            self.obstacle = "is nested too deeply to be compared before each replay"
            return None
        self._open.add(id(value))
        try:
            return self._structure(value, kind, depth + 1)
        finally:
            self._open.discard(id(value))

    def _identity(self, value: object) -> int:
        self.kept.append(value)
        return id(value)

    def _array(self, value: np.ndarray) -> object:
        if not _can_change(value):
            return self._identity(value)
        self.changes_unseen = True
        self._bytes += value.nbytes
        if value.dtype.hasobject or self._bytes > _MOST_BYTES:
            self.obstacle = (
                f"holds an array of shape {value.shape}, too large to be compared before each "
                "replay; make it a tensor"
            )
            return None
        return np.ndarray, value.dtype.str, value.shape, value.tobytes()

    def _structure(self, value: Any, kind: type, depth: int) -> object:
        if isinstance(value, type):
            return self._identity(value), self._class(value, depth)
        if kind is types.MethodType:
            return self.copy(value.__func__, depth), self.copy(value.__self__, depth)
        if kind is types.FunctionType:
            return self._identity(value), self.function(value, depth)
        if isinstance(value, _BOUND):
            owner = value.__self__
            if owner is None or isinstance(owner, (type, types.ModuleType)):
                return self._identity(value)
            return kind, value.__name__, self.copy(owner, depth)
        if isinstance(value, functools.partial):
            parts = (value.func, value.args, value.keywords)
            return kind, tuple(self.copy(part, depth) for part in parts)
        if isinstance(value, (list, tuple, deque, set, frozenset, dict, types.MappingProxyType)):
            return self._container(value, kind, depth)
        if isinstance(value, (KeysView, ValuesView)):
            self.changes_unseen = True
            return kind, tuple(self.copy(item, depth) for item in value)
        if isinstance(value, (bytearray, memoryview)):
            return self._buffer(value, kind)
        if isinstance(value, weakref.ref):
            self.changes_unseen = True
            return kind, self.copy(value(), depth)
        if isinstance(value, ContextVar):
            self.changes_unseen = True
            return self._identity(value), self.copy(value.get(None), depth)
        return self._object(value, kind, depth)

    def _container(self, value: Any, kind: type, depth: int) -> object:
        own: object = None
        if not hasattr(value, "_owner"):
            if not isinstance(value, (tuple, frozenset)):
                self.changes_unseen = True
            own = self.copy(getattr(value, "__dict__", None), depth)  # of a subclass
        if isinstance(value, (Mapping, types.MappingProxyType)):
            items = value.items()
            return kind, own, tuple((self.copy(k, depth), self.copy(v, depth)) for k, v in items)
        parts = (self.copy(item, depth) for item in value)
        return kind, own, (frozenset if isinstance(value, (set, frozenset)) else tuple)(parts)

    def _buffer(self, value: Any, kind: type) -> object:
        view = memoryview(value)
        self.changes_unseen = True
        self._bytes += view.nbytes
        if self._bytes > _MOST_BYTES:
            self.obstacle = "is too large to be compared before each replay"
            return None
        return kind, view.format, view.shape, view.tobytes()

    def function(self, function: Any, depth: int = 0) -> object:
        """What a user's function reads besides its arguments and global variables."""
        if is_fixed(function) or id(function) in self._known:
            return None
        self._known.add(id(function))
        found: list[object] = [self._identity(function.__code__)]
        own = (function.__defaults__, function.__kwdefaults__, function.__dict__)
        for part in own:
            if part:
                self.changes_unseen = True  # someone may set another one
                found.append(self.copy(part, depth + 1))
        cells = function.__closure__ or ()
        for name, cell in zip(function.__code__.co_freevars, cells, strict=True):
            if name == "__class__":
                continue
            self.changes_unseen = True
            try:
                found.append((name, self.copy(cell.cell_contents, depth + 1)))
            except ValueError:  # not assigned yet
                found.append((name, None))
        return tuple(found)

    def members(self, kind: type, depth: int = 0, code: bool = False) -> object:
        """The attributes of a user's class and of the user's classes that it is derived from.

        Args:
            code: whether its functions count with all that they read. Otherwise they count by
                identity.
        """
        if id(kind) in self._known:
            return None
        self._known.add(id(kind))
        found: list[object] = []
        for home in homes(kind):
            hidden: frozenset[str] = getattr(home, "_bookkeeping", frozenset())
            for name, value in tuple(home.__dict__.items()):
                if name in _NO_MEMBERS or name in hidden or name.startswith("_abc_"):
                    continue
                found.append(name)
                if not isinstance(value, _CODE):
                    described = hasattr(type(value), "__get__") and is_fixed(type(value))
                    found.append(self._identity(value) if described else self.copy(value, depth))
                    continue
                found.append(self._identity(value))
                if code:
                    found += [self.function(f, depth) for f in functions_of(value)]
        return tuple(found)

    def _class(self, kind: type, depth: int, code: bool = False) -> object:
        found = self.members(kind, depth, code)
        self.changes_unseen |= bool(found)
        return found

    def _object(self, value: Any, kind: type, depth: int) -> object:
        if kind.__module__.startswith("numpy.random") or hasattr(value, "getrandbits"):
            self.changes_unseen = True
            return self._identity(value), _state_of(value)
        if kind.__module__.partition(".")[0] == "fastdl":  # the library reports changes within it
            return self._identity(value)
        if hasattr(kind, "__next__"):
            self.obstacle = "is an iterator, whose position cannot be compared"
            return None
        if id(value) in self._known:
            return self._identity(value)
        self._known.add(id(value))
        state = getattr(value, "__dict__", None)
        slots = [
            getattr(value, name)
            for one in kind.__mro__
            for name in _slots_of(one)
            if hasattr(value, name)
        ]
        if not state and not slots and not _has_no_state(kind):
            self.obstacle = f"holds an object of type {kind.__qualname__}, which cannot be compared"
            return None
        parts: list[object] = [self._class(kind, depth, code=True)]
        if state or slots:
            self.changes_unseen = True
            parts += [(name, self.copy(part, depth)) for name, part in (state or {}).items()]
            parts += [self.copy(part, depth) for part in slots]
        return self._identity(value), tuple(parts)


class Snapshot:
    """All that a user's callable reads besides its arguments and global variables."""

    def __init__(self, value: object) -> None:
        self._copier = Copier()
        if isinstance(value, Reporting):
            parts = (value.__dict__, self._copier.members(type(value), code=True))
            self._copy: object = self._copier.copy(parts)
        else:
            self._copy = self._copier.copy(value)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Snapshot) or self._copier.obstacle or other._copier.obstacle:
            return False
        return bool(self._copy == other._copy)


def is_fixed(thing: object) -> bool:
    """Whether a class or function belongs to this library, NumPy or Python itself."""
    return str(getattr(thing, "__module__", "")).partition(".")[0] in _FIXED


def homes(kind: type) -> list[type]:
    """The class and those it is derived from, without those that are fixed."""
    return [c for c in kind.__mro__ if c.__flags__ & _HEAP_TYPE and not is_fixed(c)]


def functions_of(member: Any) -> list[Any]:
    """The functions behind a method, a static or class method or a property."""
    if isinstance(member, property):
        found = [member.fget, member.fset, member.fdel]
    elif isinstance(member, functools.cached_property):
        found = [member.func]
    else:
        found = [getattr(member, "__func__", member)]
    return [f for f in found if isinstance(f, types.FunctionType)]


def _can_change(array: Any) -> bool:
    """Whether someone can write to the memory of an array."""
    while isinstance(array, np.ndarray):
        if array.flags.writeable:
            return True
        array = array.base
    return not (array is None or isinstance(array, (bytes, str)))


def _has_no_state(kind: type) -> bool:
    """Whether objects of this type without attributes cannot change, or only as documented."""
    if kind.__hash__ is None:  # such as array.array
        return False
    return bool(kind.__flags__ & _HEAP_TYPE) or is_fixed(kind)


def _state_of(generator: object) -> str | None:
    """The state of a random generator of NumPy or Python."""
    bits = getattr(generator, "bit_generator", generator)
    if hasattr(bits, "state"):
        return repr(bits.state)
    get = getattr(generator, "get_state", None) or getattr(generator, "getstate", None)
    return repr(get()) if get is not None else None


def _slots_of(kind: type) -> Iterable[str]:
    """The names of the attributes that a class keeps in slots."""
    slots = kind.__dict__.get("__slots__", ())
    for name in (slots,) if isinstance(slots, str) else tuple(slots):
        if name[:2] == "__" and name[-2:] != "__":
            yield f"_{kind.__name__.lstrip('_')}{name}"
        elif name not in ("__dict__", "__weakref__"):
            yield name
