"""Values of configs as JSON can hold them, and back. The forms are Keras's.

numbers, texts, True, False, None, lists and dicts with texts as keys stand for themselves
{"class_name": "__tuple__", ...}      and so on for the kinds of `_SPECIAL`
{"class_name": "function", "config": name, ...}
{"class_name": name, "config": {...}, ...}      an object that has get_config()
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _core
from .._base.checks import shown
from .._base.dtypes import as_dtype
from .._base.registry import find_function, object_config, registered_name
from .._core import Tensor

if TYPE_CHECKING:
    from .._base.types import Config

_PLAIN = (bool, int, float, str, type(None))
_MOST_DEPTH = 200


def encode(
    value: Any,
    where: str,
    *,
    special: Callable[[Any], Config | None] | None = None,
) -> Any:
    """A value as JSON can hold it.

    Args:
        value: numbers, texts, arrays, tensors, types of elements, slices, named functions, objects
            with `get_config()`, and lists, tuples and dicts of these.
        where: the place of the value, for messages.
        special: a function that encodes further kinds of values, and returns None for others.

    Raises:
        TypeError: a value of another kind, or a lambda. The message names its place.
    """

    def walk(x: Any, place: str, depth: int) -> Any:
        if type(x) in _PLAIN:
            return x
        if depth > _MOST_DEPTH:
            raise TypeError(f"{where}: a value is nested too deeply, or within itself")
        found = special(x) if special is not None else None
        if found is not None:
            return found
        if isinstance(x, (list, tuple)):
            items = [walk(item, f"{place}[{i}]", depth + 1) for i, item in enumerate(x)]
            return _special("__tuple__", value=items) if isinstance(x, tuple) else items
        if isinstance(x, Mapping):
            if all(isinstance(key, str) for key in x):
                return {k: walk(v, f"{place}[{k!r}]", depth + 1) for k, v in x.items()}
            pairs = [
                [walk(k, f"{place}: a key", depth + 1), walk(v, f"{place}[{k!r}]", depth + 1)]
                for k, v in x.items()
            ]
            return _special("__dict__", items=pairs)
        leaf = _encoded_leaf(x)
        if leaf is not _NOTHING:
            return leaf
        if isinstance(x, type) or not hasattr(x, "get_config"):
            if not callable(x):
                raise TypeError(f"{place}: a {type(x).__name__} cannot be saved: {shown(x)}")
            return encode_function(x, place)
        config = x.get_config()
        return object_config(x, walk(config, f"{place}: {type(x).__name__}", depth + 1))

    return walk(value, where, 0)


def _special(kind: str, **config: object) -> Config:
    return {"class_name": kind, "config": config}


_NOTHING = object()


def _encoded_leaf(x: Any) -> Any:
    if isinstance(x, np.generic):
        return x.item()
    if isinstance(x, (bool, int, float, str)):  # of a subclass, as an Enum's member
        return next(kind(x) for kind in (bool, int, float, str) if isinstance(x, kind))
    if isinstance(x, Tensor):
        kind = as_dtype(x.dtype).name
        return _special("__tensor__", value=x.detach().tolist(), dtype=kind)
    if isinstance(x, np.ndarray) and x.dtype.kind in "biuf":
        return _special("__numpy__", value=x.tolist(), dtype=x.dtype.name)
    if isinstance(x, slice):
        parts = {"start": x.start, "stop": x.stop, "step": x.step}
        whole = {key: None if part is None else int(part) for key, part in parts.items()}
        return _special("__slice__", **whole)
    if x is Ellipsis:
        return _special("__ellipsis__")
    if isinstance(x, (bytes, bytearray)):
        return _special("__bytes__", value=bytes(x).decode("latin-1"), encoding="latin-1")
    if isinstance(x, np.dtype) or (isinstance(x, type) and issubclass(x, np.generic)):
        return np.dtype(x).name
    if x == "bfloat16":
        return "bfloat16"
    return _NOTHING


def encode_function(function: Any, place: str) -> Config:
    """A function by its name. TypeError if it has none that can be looked up."""
    name = registered_name(function) or getattr(function, "__name__", None)
    if not name or name == "<lambda>":
        kind = "a lambda" if name else f"a {type(function).__name__}"
        raise TypeError(
            f"{place}: {kind} cannot be saved, since it has no name to be found by; define a "
            "function with def and decorate it with register_keras_serializable()"
        )
    return {"class_name": "function", "config": name, "registered_name": name}


# --- back


def decode(value: Any, where: str, special: Callable[[str, Config], Any] | None = None) -> Any:
    """The value that `encode` described. Configs of objects stay as they are.

    Args:
        value: what `encode`, or Keras, made.
        where: the place of the value, for messages.
        special: a function of class name and config that decodes further kinds; it returns the
            config itself for others.

    Raises:
        ValueError: a form that cannot be. The message names its place.
    """

    def walk(x: Any, place: str, depth: int) -> Any:
        if depth > _MOST_DEPTH:
            raise ValueError(f"{where}: a value is nested too deeply")
        if isinstance(x, (list, tuple)):
            items = [walk(item, f"{place}[{i}]", depth + 1) for i, item in enumerate(x)]
            return tuple(items) if isinstance(x, tuple) else items
        if not isinstance(x, dict):
            return x
        kind, config = x.get("class_name"), x.get("config")
        if special is not None and isinstance(kind, str) and isinstance(config, dict):
            found = special(kind, config)
            if found is not config:
                return found
        if kind == "function" and isinstance(config, str):
            return find_function(config, place)
        if isinstance(kind, str) and kind in _SPECIAL:
            try:
                return _SPECIAL[kind](config, lambda inner: walk(inner, place, depth + 1))
            except (KeyError, TypeError, ValueError, OverflowError, AttributeError) as error:
                raise ValueError(f"{place}: {kind}: {error}") from None
        return {key: walk(item, f"{place}[{key!r}]", depth + 1) for key, item in x.items()}

    return walk(value, where, 0)


Walk = Callable[[Any], Any]


def _array_of(config: Config, walk: Walk) -> np.ndarray:
    kind = np.dtype(config["dtype"])
    if kind.kind not in "biuf":
        raise ValueError(f"expected numbers, got the type {kind}")
    return np.array(config["value"], kind)


def _tensor_of(config: Config, walk: Walk) -> Tensor:
    return _core.tensor(config["value"], as_dtype(config["dtype"]))


_SPECIAL: dict[str, Callable[[Any, Walk], Any]] = {
    "__tuple__": lambda config, walk: tuple(walk(config["value"])),
    "__dict__": lambda config, walk: {walk(key): walk(item) for key, item in config["items"]},
    "__numpy__": _array_of,
    "__tensor__": _tensor_of,
    "__slice__": lambda config, walk: slice(
        *(None if config[key] is None else int(config[key]) for key in ("start", "stop", "step"))
    ),
    "__ellipsis__": lambda config, walk: Ellipsis,
    "__bytes__": lambda config, walk: config["value"].encode(
        "latin-1" if config.get("encoding") == "latin-1" else "utf-8"
    ),
}


def is_object(config: object) -> bool:
    """Whether it is the config of an object, not a dict of values."""
    return (
        isinstance(config, dict)
        and isinstance(config.get("class_name"), str)
        and "config" in config
    )
