"""Notes the Python values that a recorded step reads and changes.

A replay repeats operations on memory, not Python code. While a step is recorded, a `Watch` notes
each attribute of a watched object (layer, model, metric, loss, optimizer, ...) that the step reads
or writes. It also notes the state of Python's and NumPy's global random generators. If the step
changes one of these values, it runs eagerly. Otherwise they become `Guards`, and a replay is right
as long as the guards hold.

Writing an attribute of a watched object raises `_core.epoch()`. Most guards are checked only when
that number has changed. Values that can change without such a write (plain lists and dicts, arrays,
the user's own objects) are compared before each replay.

All attributes count, public or not, except those that a class lists in `_bookkeeping`.
"""

from __future__ import annotations

import enum
import functools
import math
import os
import sys
import threading
import types
from collections import deque
from threading import get_ident
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from .. import _core
from .._core import Tensor
from .notices import PACKAGE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Protocol

    class Switched(Protocol):
        """A module with a mode."""

        training: bool

        def train(self, mode: bool) -> object: ...

    class AddsLosses(Protocol):
        """A layer whose call added losses."""

        _losses: list[Tensor]


_MISSING: Any = type("missing", (), {"__repr__": lambda self: "nothing"})()

# Limits for values that are compared before each replay. Within them it takes some microseconds.
_MOST_PARTS = 2000
_MOST_BYTES = 64 << 10
_MOST_DEPTH = 8


def user_line() -> str:
    """The line of the user's code that is running, as `file:line`."""
    frame: types.FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith(PACKAGE):
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}" if frame is not None else ""


# --- watched objects

# The watches of the threads that are recording. Usually empty.
_watches: dict[int, Watch] = {}
_lock = threading.Lock()
# The names of all attributes that some recording has looked at: guards can depend on no others.
noted_names: set[str] = set()


class Watched:
    """Base class of objects whose attributes are noted while a step is recorded."""

    __slots__ = ()

    # Attributes that the library changes within steps. No replay depends on them.
    _bookkeeping: ClassVar[frozenset[str]] = frozenset()
    # Lists and dicts that the library changes only together with some attribute.
    _announced: ClassVar[frozenset[str]] = frozenset()

    def __setattr__(self, name: str, value: object) -> None:
        if self.__dict__.get(name, _MISSING) is value:
            object.__setattr__(self, name, value)
            return
        about_to_change(self, name)
        object.__setattr__(self, name, value)
        _core.raise_epoch()

    def __delattr__(self, name: str) -> None:
        about_to_change(self, name)
        object.__delattr__(self, name)
        _core.raise_epoch()


def about_to_change(owner: object, name: str) -> None:
    """Call it before an attribute or its content changes, and `_core.raise_epoch()` afterwards."""
    if _watches:
        watch = _watches.get(get_ident())
        if watch is not None:
            watch.note(owner, name, writes=True)


def current() -> Watch | None:
    """The watch of this thread."""
    return _watches.get(get_ident()) if _watches else None


def noted(name: str, what: str) -> Any:  # a property; its type is that of the attribute
    """A property that notes an attribute of an object that isn't `Watched`."""

    def read(self: object) -> object:
        watch = current()
        if watch is not None:
            watch.note(self, name)
        return self.__dict__.get(name)

    def write(self: object, value: object) -> None:
        about_to_change(self, name)
        self.__dict__[name] = value
        _core.raise_epoch()

    return property(read, write, doc=what)


def _spy(self: object, name: str) -> object:
    """`__getattribute__` of watched objects while a step is recorded."""
    try:
        value = object.__getattribute__(self, name)
    except AttributeError:
        watch = _watches.get(get_ident())
        if watch is not None and name[:2] != "__":
            watch.note(self, name)
        raise
    watch = _watches.get(get_ident())
    if watch is not None and name[:2] != "__":
        watch.note(self, name)
        if type(value) is types.MethodType:
            watch.note_function(value.__func__)
    return value


# --- comparable copies


class _Copier:
    """Makes copies of values that can be compared with `==` later.

    Attributes:
        changes_unseen: whether the value may change without a write to an attribute.
        obstacle: why the value cannot be compared; "" if it can.
    """

    def __init__(self, limited: bool = True) -> None:
        self.changes_unseen = False
        self.obstacle = ""
        self.kept: list[object] = []  # compared by identity: no other object may get theirs
        self._limited = limited
        self._parts = 0
        self._bytes = 0
        self._open: set[int] = set()

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
        if isinstance(value, (Tensor, Watched, type, types.ModuleType, enum.Enum)):
            return self._identity(value)
        if isinstance(value, np.ndarray):
            return self._array(value)
        if isinstance(value, np.generic):
            return kind, value.dtype.str, value.tobytes()
        if isinstance(value, np.dtype):
            return kind, value.str
        if id(value) in self._open or depth > _MOST_DEPTH:
            return self._identity(value)
        self._open.add(id(value))
        try:
            return self._structure(value, kind, depth + 1)
        finally:
            self._open.discard(id(value))

    def _identity(self, value: object) -> int:
        self.kept.append(value)
        return id(value)

    def _array(self, value: np.ndarray) -> object:
        if not value.flags.writeable:
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
        if isinstance(value, (list, deque, set, dict)) and not hasattr(value, "_owner"):
            self.changes_unseen = True
        if isinstance(value, (list, tuple, deque)):
            return kind, tuple(self.copy(item, depth) for item in value)
        if isinstance(value, (set, frozenset)):
            return kind, frozenset(self.copy(item, depth) for item in value)
        if isinstance(value, dict):
            return kind, tuple((self.copy(k, depth), self.copy(v, depth)) for k, v in value.items())
        if kind is types.MethodType:
            return self._identity(value.__func__), self.copy(value.__self__, depth)
        if kind is types.FunctionType:
            return self._identity(value), self.cells(value, depth)
        if isinstance(value, functools.partial):
            parts = (value.func, value.args, value.keywords)
            return kind, tuple(self.copy(part, depth) for part in parts)
        return self._object(value, kind, depth)

    def cells(self, function: Any, depth: int = 0) -> object:
        """The variables of surrounding functions that a user's function reads."""
        if not function.__closure__ or _is_ours(function):
            return None
        found = []
        for name, cell in zip(function.__code__.co_freevars, function.__closure__, strict=True):
            if name == "__class__":
                continue
            self.changes_unseen = True
            try:
                found.append((name, self.copy(cell.cell_contents, depth + 1)))
            except ValueError:  # not assigned yet
                found.append((name, None))
        return tuple(found)

    def _object(self, value: Any, kind: type, depth: int) -> object:
        if kind.__module__.startswith("numpy.random") or hasattr(value, "getrandbits"):
            self.changes_unseen = True
            return self._identity(value), _state_of(value)
        if _is_ours(kind):  # the library reports changes within it
            return self._identity(value)
        if hasattr(kind, "__next__"):
            self.obstacle = "is an iterator, whose position cannot be compared"
            return None
        state = getattr(value, "__dict__", None)
        slots = [
            getattr(value, name)
            for one in kind.__mro__
            for name in _names(one.__dict__.get("__slots__", ()))
            if name not in ("__dict__", "__weakref__") and hasattr(value, name)
        ]
        if not state and not slots:
            return self._identity(value)
        self.changes_unseen = True
        parts = [self.copy(part, depth) for part in (*(state or {}).items(), *slots)]
        return self._identity(value), tuple(parts)


def _state_of(generator: object) -> str | None:
    """The state of a random generator of NumPy or Python."""
    bits = getattr(generator, "bit_generator", generator)
    if hasattr(bits, "state"):
        return repr(bits.state)
    get = getattr(generator, "get_state", None) or getattr(generator, "getstate", None)
    return repr(get()) if get is not None else None


def _names(slots: str | Iterable[str]) -> tuple[str, ...]:
    return (slots,) if isinstance(slots, str) else tuple(slots)


def _is_ours(thing: object) -> bool:
    return str(getattr(thing, "__module__", "")).partition(".")[0] == "fastdl"


# --- notes and guards


class _Note:
    """An attribute, or the variables around a function, as the step saw them first."""

    __slots__ = (
        "_announced",
        "_copy",
        "_kept",
        "_value",
        "changes_unseen",
        "line",
        "name",
        "obstacle",
        "owner",
        "writes",
    )

    def __init__(self, owner: Any, name: str, value: object, line: str, announced: bool) -> None:
        self.owner = owner  # an object, a class or a function
        self.name = name
        self.line = line
        self.writes = ""  # the line that sets the attribute
        self._value = value
        self._announced = announced
        copier = _Copier(not announced)
        self._copy = self._copied(copier, value)
        self._kept = copier.kept
        self.changes_unseen = copier.changes_unseen and not announced
        self.obstacle = copier.obstacle

    def _copied(self, copier: _Copier, value: object) -> object:
        if not self.name:
            return copier.cells(value)
        return id(value) if value is _MISSING else copier.copy(value)

    def holds(self) -> bool:
        value = self.owner.__dict__.get(self.name, _MISSING) if self.name else self.owner
        if value is self._value and (type(self._copy) is int or type(value) in _SIMPLE):
            return True
        return bool(self._copied(_Copier(not self._announced), value) == self._copy)

    def what(self) -> str:
        if not self.name:
            return f"a variable of a surrounding function that {self.owner.__qualname__}() reads"
        if isinstance(self.owner, type):
            return f"{self.owner.__name__}.{self.name}"
        label = self.owner.__dict__.get("name")
        label = f" {label!r}" if isinstance(label, str) else ""
        return f"attribute {self.name!r} of {type(self.owner).__name__}{label}"


# Types whose objects cannot change.
_SIMPLE = frozenset((bool, int, float, str, bytes, type(None)))


class Guards:
    """The values that must not have changed for a replay to be right.

    Attributes:
        unseen: whether some of them are compared before each replay.
    """

    def __init__(self, notes: list[_Note], modes: list[tuple[Switched, bool]]) -> None:
        self._announced = [n for n in notes if not n.changes_unseen]
        self._unseen = [n for n in notes if n.changes_unseen]
        self._modes = modes
        self.unseen = bool(self._unseen)

    def broken(self, new_epoch: bool) -> str:
        """The value that has changed, in words; "" if none has.

        Args:
            new_epoch: whether an attribute was written somewhere since the last check.
        """
        if new_epoch:
            for module, mode in self._modes:  # the step itself would set it, too
                if module.training != mode:
                    module.train(mode)
            for note in self._announced:
                if not note.holds():
                    return note.what()
        for note in self._unseen:
            if not note.holds():
                return note.what()
        return ""


class Watch:
    """Notes the values that the code of this thread reads and writes in a `with` block.

    Attributes:
        losses: layers that added losses. These losses outlive the step.
    """

    def __init__(self) -> None:
        self._notes: dict[tuple[int, str], _Note | None] = {}
        self._functions: dict[int, _Note | None] = {}
        self._modes: list[tuple[Switched, bool]] = []
        self.losses: list[AddsLosses] = []

    def __enter__(self) -> Watch:
        self._random = _random_states()
        with _lock:
            if not _watches:
                Watched.__getattribute__ = _spy  # type: ignore[method-assign]
            _watches[get_ident()] = self
        return self

    def __exit__(self, *exception: object) -> None:
        with _lock:
            del _watches[get_ident()]
            if not _watches:
                del Watched.__getattribute__
        now = _random_states()
        self._drawn = len(now) == len(self._random) and now != self._random
        self._random = []

    def note(self, owner: object, name: str, writes: bool = False) -> None:
        """Notes that an attribute is read, or is about to be written."""
        key = id(owner), name
        known = self._notes.get(key, _MISSING)
        if known is not _MISSING:
            if writes and known is not None and not known.writes:
                known.writes = user_line()
            return
        kind = type(owner)
        if name in getattr(kind, "_bookkeeping", ()):
            self._notes[key] = None
            return
        noted_names.add(name)  # before the look at the value, which another thread may be changing
        value = object.__getattribute__(owner, "__dict__").get(name, _MISSING)
        note = _Note(owner, name, value, user_line(), name in getattr(kind, "_announced", ()))
        self._notes[key] = note
        if writes:
            note.writes = note.line
        elif value is _MISSING:
            self._note_class(kind, name, note.line)

    def _note_class(self, kind: type, name: str, line: str) -> None:
        """Notes an attribute of a user's class that is data."""
        home = next((c for c in kind.__mro__ if name in c.__dict__), None)
        if home is None or _is_ours(home) or (id(home), name) in self._notes:
            return
        value = home.__dict__[name]
        if hasattr(value, "__get__") or callable(value):
            return
        note = _Note(home, name, value, line, False)
        note.changes_unseen = True
        self._notes[id(home), name] = note

    def note_function(self, function: Callable[..., object]) -> None:
        """Notes the variables of surrounding functions that a user's function reads."""
        if getattr(function, "__closure__", None) and id(function) not in self._functions:
            note = None if _is_ours(function) else _Note(function, "", function, "", False)
            self._functions[id(function)] = note

    def set_mode(self, module: Switched, training: bool) -> None:
        """Sets a module's mode. `Guards.broken` sets it again before a replay."""
        self._modes.append((module, training))
        noted_names.add("training")
        watch = _watches.pop(get_ident())
        try:
            module.train(training)
        finally:
            _watches[get_ident()] = watch

    def _all(self) -> list[_Note]:
        return [n for n in (*self._notes.values(), *self._functions.values()) if n is not None]

    def problem(self) -> str:
        """Why the step cannot be replayed; "" if it can. Call it after the block."""
        for note in self._all():
            if not note.obstacle and not note.holds():
                return _located(note.writes or note.line, f"the step changes {note.what()}")
        for note in self._all():
            if note.obstacle:
                return _located(note.line, f"{note.what()} {note.obstacle}")
        if self._drawn:
            return "the step draws from Python's or NumPy's global random numbers"
        return ""

    def guards(self) -> Guards:
        """The guards of the recorded step."""
        return Guards(self._all(), self._modes)


def _located(line: str, text: str) -> str:
    return f"{text} ({line})" if line else text


def _random_states() -> list[object]:
    """The states of the global random generators that are imported."""
    found: list[object] = []
    if "random" in sys.modules:
        found.append(sys.modules["random"].getstate())
    if "numpy.random" in sys.modules:
        state: Any = np.random.get_state(legacy=True)  # noqa: NPY002
        found += [np.asarray(state[1]).tobytes(), *state[2:]]
    return found


def _in_child() -> None:
    """After a fork: forgets the watches of threads that the child does not have."""
    global _lock
    _lock = threading.Lock()
    here = _watches.get(get_ident())
    if _watches and here is None:
        del Watched.__getattribute__
    _watches.clear()
    if here is not None:
        _watches[get_ident()] = here


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)
