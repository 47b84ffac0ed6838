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

import os
import sys
import threading
import types
from threading import get_ident
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from .. import _core
from .._core import Tensor
from .copies import Copier, Reporting, functions_of, homes, is_fixed
from .notices import PACKAGE

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    class Switched(Protocol):
        """A module with a mode."""

        training: bool

        def train(self, mode: bool) -> object: ...

    class AddsLosses(Protocol):
        """A layer whose call added losses."""

        _losses: list[Tensor]


_MISSING: Any = type("missing", (), {"__repr__": lambda self: "nothing"})()


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


class Watched(Reporting):
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


def refuse(reason: str) -> None:
    """Makes a step that is being recorded run eagerly."""
    watch = current()
    if watch is not None and not watch.refused:
        watch.refused = _located(user_line(), reason)


def note_array(array: object) -> None:
    """Notes a NumPy array whose values a step that is being recorded copies."""
    watch = current()
    if watch is not None and id(array) not in watch._arrays:
        watch._arrays[id(array)] = _Note(array, "", array, user_line(), False)


_core.set_array_observer(note_array)


def note_index(key: object) -> None:
    """Notes the arrays and lists in an index, which becomes positions in Python."""
    if _watches:
        for item in key if isinstance(key, tuple) else (key,):
            if isinstance(item, (np.ndarray, list)):
                note_array(item)


def noted(name: str, what: str) -> Any:  # a property; its type is that of the attribute
    """A property for a function or None. It notes an attribute of what isn't `Watched`."""

    def read(self: object) -> object:
        watch = current()
        if watch is not None:
            watch.note(self, name)
        return self.__dict__.get(name)

    def write(self: object, value: object) -> None:
        if value is not None and not callable(value):
            from .checks import shown

            raise ValueError(f"{name}: expected a function or None, got {shown(value)}")
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
    if watch is not None:
        if name[:2] != "__":
            watch.note(self, name)
            watch.note_code(self, name, value)
        elif name == "__dict__" and not sys._getframe(1).f_code.co_filename.startswith(PACKAGE):
            watch.note_all(self)
    return value


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
        copier = Copier(not announced)
        self._copy = self._copied(copier, value)
        self._kept = copier.kept
        self.changes_unseen = copier.changes_unseen and not announced
        self.obstacle = copier.obstacle

    def _copied(self, copier: Copier, value: object) -> object:
        if not self.name:
            plain = isinstance(value, types.FunctionType)
            return copier.function(value) if plain else copier.copy(value)
        return id(value) if value is _MISSING else copier.copy(value)

    def holds(self) -> bool:
        value = _value_of(self.owner, self.name) if self.name else self.owner
        if value is self._value and (type(self._copy) is int or type(value) in _SIMPLE):
            return True
        return bool(self._copied(Copier(not self._announced), value) == self._copy)

    def what(self) -> str:
        if not self.name:
            if not isinstance(self.owner, types.FunctionType):
                if isinstance(self.owner, np.ndarray):
                    return f"an array of shape {self.owner.shape} that the step reads"
                kind = type(getattr(self.owner, "__self__", self.owner))
                return f"the state of the recorded {kind.__name__}"
            return f"a variable of a surrounding function that {self.owner.__qualname__}() reads"
        label = self.owner.__dict__.get("name")
        label = f" {label!r}" if isinstance(label, str) else ""
        return f"attribute {self.name!r} of {type(self.owner).__name__}{label}"


class _ClassNote(_Note):
    """The attributes of a user's class."""

    __slots__ = ("_deep", "_homes", "_ids", "_members", "_now")

    def __init__(self, kind: type) -> None:
        self._homes = homes(kind)
        self._members = [dict(home.__dict__) for home in self._homes]  # keeps them alive
        self._now = [home.__dict__ for home in self._homes]
        self._ids = [list(map(id, members.values())) for members in self._now]
        super().__init__(kind, "", kind, "", False)
        self._deep = self.changes_unseen  # whether one can change without being replaced
        self.changes_unseen = True

    def _copied(self, copier: Copier, value: object) -> object:
        return copier.members(self.owner)

    def holds(self) -> bool:
        if not self._deep:
            for now, ids in zip(self._now, self._ids):  # noqa: B905  (it is felt in small steps)
                if list(map(id, now.values())) != ids:
                    break
            else:
                return True
        return bool(self._copied(Copier(), None) == self._copy)

    def what(self) -> str:
        for home, members in zip(self._homes, self._members, strict=True):
            now = home.__dict__
            for name in {**members, **now}:
                if now.get(name, _MISSING) is not members.get(name, _MISSING):
                    return f"{home.__name__}.{name}"
        return f"an attribute of class {self.owner.__name__}"


# Types whose objects cannot change.
_SIMPLE = frozenset((bool, int, float, str, bytes, type(None)))


# An array is referred to by its note twice, and by the argument of getrefcount.
_OWN_REFERENCES = 3


def _value_of(owner: Any, name: str) -> object:
    """The value of an attribute in the object itself, in its dict or in a slot."""
    value = object.__getattribute__(owner, "__dict__").get(name, _MISSING)
    if value is _MISSING and type(getattr(type(owner), name, None)) is types.MemberDescriptorType:
        try:
            return object.__getattribute__(owner, name)
        except AttributeError:
            pass
    return value


def _hides(kind: type) -> bool:
    """Whether a user's class reads or writes attributes in a way of its own."""
    own = ("__getattribute__", "__setattr__")
    return any(name in home.__dict__ for home in homes(kind) for name in own)


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
        refused: why the step cannot be recorded; "" if it can.
    """

    def __init__(self) -> None:
        self._notes: dict[tuple[int, str], _Note | None] = {}
        self._functions: dict[int, _Note | None] = {}
        self._classes: dict[int, _ClassNote | None] = {}
        self._modes: list[tuple[Switched, bool]] = []
        self._whole: set[int] = set()  # objects whose attributes are all noted
        self._arrays: dict[int, _Note] = {}
        self.losses: list[AddsLosses] = []
        self.refused = ""

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
        value = _value_of(owner, name)
        note = _Note(owner, name, value, user_line(), name in getattr(kind, "_announced", ()))
        self._notes[key] = note
        if writes:
            note.writes = note.line
        if id(kind) not in self._classes:
            self._classes[id(kind)] = _ClassNote(kind) if homes(kind) else None
        for seen in (owner, value):
            if isinstance(seen, Watched) and id(seen) not in self._whole and _hides(type(seen)):
                self._whole.add(id(seen))
                self.note_all(seen)

    def note_all(self, owner: object) -> None:
        """Notes all attributes, since the user's code reads or writes `owner.__dict__`."""
        for name in tuple(object.__getattribute__(owner, "__dict__")):
            self.note(owner, name)
            note = self._notes.get((id(owner), name))
            if note is not None:
                note.changes_unseen = True

    def note_code(self, owner: object, name: str, value: object) -> None:
        """Notes what a method or property that was read can read itself."""
        if type(value) is types.MethodType:
            self.note_function(value.__func__)
        elif name not in object.__getattribute__(owner, "__dict__"):
            for home in homes(type(owner)):
                if name in home.__dict__:
                    for function in functions_of(home.__dict__[name]):
                        self.note_function(function)

    def note_call(self, function: Callable[..., object]) -> None:
        """Notes a method that is called without being looked up."""
        if isinstance(function, types.MethodType) and isinstance(function.__self__, Watched):
            self.note(function.__self__, "call")
            self.note_function(function.__func__)

    def note_function(self, function: Callable[..., object]) -> None:
        """Notes what a user's function reads besides its arguments and global variables."""
        if id(function) not in self._functions:
            fixed = isinstance(function, types.FunctionType) and is_fixed(function)
            note = None if fixed else _Note(function, "", function, "", False)
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
        # An array that only its note holds was made within the step.
        arrays = [n for n in self._arrays.values() if sys.getrefcount(n.owner) > _OWN_REFERENCES]
        found = (*self._notes.values(), *self._functions.values(), *self._classes.values())
        return [*(n for n in found if n is not None), *arrays]

    def problem(self) -> str:
        """Why the step cannot be replayed; "" if it can. Call it after the block."""
        for note in self._all():
            if not note.obstacle and not note.holds():
                return _located(note.writes or note.line, f"the step changes {note.what()}")
        for note in self._all():
            if note.obstacle:
                return _located(note.line, f"{note.what()} {note.obstacle}")
        if self.refused:
            return self.refused
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
