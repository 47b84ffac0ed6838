"""Checks of arguments that both faces take."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

import numpy as np

from .._core import ArgumentError, AxisError, DTypeError, RangeError, ShapeError, Tensor

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Protocol

    from typing_extensions import TypeIs

    class Sparse(Protocol):
        """A sparse matrix or array of SciPy."""

        @property
        def shape(self) -> tuple[int, ...]: ...
        def toarray(self) -> np.ndarray: ...


NOTHING: Mapping[str, Any] = {}


class KindError(ArgumentError, TypeError):
    """A value of a wrong kind, such as a string for a number.

    Keras raises a ValueError for it, PyTorch a TypeError or a RuntimeError. It is all of them.
    """


def is_sparse(value: object) -> TypeIs[Sparse]:
    """Whether the value is a sparse matrix or array of SciPy. SciPy is not imported."""
    return hasattr(value, "tocsr") and hasattr(value, "toarray")


def check_dense(what: str, value: object) -> None:
    """TypeError for a sparse matrix of SciPy. The message says what to pass instead."""
    if is_sparse(value):
        raise TypeError(
            f"{what}: expected a dense array, got a sparse matrix ({type(value).__name__} of shape "
            f"{value.shape}); pass {what.rpartition(' ')[2]}.toarray(). If it does not fit into "
            "memory, pass a utils.PyDataset that yields dense batches"
        )


def check_plain(what: str, value: object) -> None:
    """TypeError for a sparse matrix or a table with text; the message says what to pass."""
    if is_sparse(value):
        raise DTypeError(
            f"{what}: expected numbers, got a sparse matrix ({type(value).__name__} of shape "
            f"{value.shape}); pass {what.rpartition(' ')[2]}.toarray()"
        )
    kinds = getattr(value, "dtypes", None)
    columns = getattr(value, "columns", None)
    if kinds is None or columns is None:
        return
    found = {str(name): str(kind) for name, kind in zip(columns, list(kinds), strict=False)}
    numbers = ("int", "uint", "float", "bool")
    others = {name: kind for name, kind in found.items() if not kind.lower().startswith(numbers)}
    advice = "choose other columns or encode these, as fastdl.tabular does"
    if not others:
        others, advice = found, "convert them to one type, with data.astype('float32')"
    raise DTypeError(f"{what}: expected columns of numbers, got {shown(others)}; {advice}")


def shown(value: Any) -> str:
    """The value as messages show it: in full if it is short, an array by its kind and shape."""
    if isinstance(value, (np.ndarray, Tensor)) and value.ndim:
        return f"{'a tensor' if isinstance(value, Tensor) else 'an array'} of shape {value.shape}"
    text = repr(value)
    return text if len(text) <= 100 else f"{text[:80]}... (a {type(value).__name__})"


def _described(at_least: float, below: float, above: float, at_most: float) -> str:
    """A number within these limits, in words."""
    low, high = max(at_least, above), min(at_most, below)
    opened, closed = "(" if above >= at_least else "[", ")" if below <= at_most else "]"
    if low == -math.inf:
        word = "below" if closed == ")" else "of at most"
        return "finite number" if high == math.inf else f"number {word} {high:g}"
    if high == math.inf:
        return f"number {'above' if opened == '(' else 'of at least'} {low:g}"
    return f"number in {opened}{low:g}, {high:g}{closed}"


def check_number(
    who: str,
    argument: str,
    value: Any,
    at_least: float = 0.0,
    below: float = math.inf,
    *,
    above: float = -math.inf,
    at_most: float = math.inf,
    infinite: bool = False,
) -> float:
    """`value` as a float within the limits.

    Args:
        who: the class or function, for the message.
        argument: its argument.
        value: a number, an array or a tensor of one element.
        at_least, at_most: the limits; -inf and inf for none.
        above, below: limits that the value must not reach.
        infinite: whether inf and -inf are numbers, too.

    Raises:
        ValueError: the value is not such a number. The message names class, argument and value.
    """
    try:
        number = None if isinstance(value, (str, bytes)) else float(value)
    except (TypeError, ValueError, RuntimeError, OverflowError):
        number = None
    if (
        number is None
        or not at_least <= number <= at_most
        or not (above < number < below or (infinite and math.isinf(number)))
    ):
        kind = KindError if number is None else ArgumentError
        raise kind(
            f"{who}: {argument}: expected a {_described(at_least, below, above, at_most)}, got "
            f"{shown(value)}"
        )
    return number


def check_numbers(who: str, argument: str, value: Any, *limits: float, **more: Any) -> list[float]:
    """Several numbers, each as `check_number` returns it.

    Raises:
        ValueError: the values are not such numbers. The message names class, argument and value.
    """
    try:
        several = list(value)
    except TypeError:
        raise KindError(f"{who}: {argument}: expected numbers, got {shown(value)}") from None
    return [check_number(who, argument, one, *limits, **more) for one in several]


def check_fraction(who: str, argument: str, value: Any) -> float:
    """`value` as a float in [0, 1].

    Raises:
        ValueError: the value is not such a number. The message names class, argument and value.
    """
    return check_number(who, argument, value, at_most=1.0)


def check_integer(
    who: str, argument: str, value: Any, least: int | None = None, most: int = 2**63 - 1
) -> int:
    """`value` as an int from `least` to `most`.

    Args:
        who: the class or function, for the message.
        argument: its argument.
        value: an integer, Python's, NumPy's or a tensor without axes.
        least: the smallest that is accepted; any of 64 bits unless given.
        most: the largest that is accepted.

    Raises:
        ValueError: the value is not such an integer. The message names class, argument and value.
    """
    whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if not whole and isinstance(value, Tensor) and not value.shape and value.dtype.kind in "iu":
        value, whole = value.item(), True
    if not whole or not (-(2**63) if least is None else least) <= value <= most:
        wanted = "" if least is None else f" of at least {least}"
        if most < 2**63 - 1:
            wanted = f" from {least} to {most}"
        kind = ArgumentError if whole else KindError
        raise kind(f"{who}: {argument}: expected an integer{wanted}, got {shown(value)}")
    return int(value)


def check_count(who: str, argument: str, value: Any, least: int | None = None) -> int | None:
    """`value` if it is None or an integer of at least `least`.

    Raises:
        ValueError: the value is neither. The message names class, argument and value.
    """
    return None if value is None else check_integer(who, argument, value, least)


def check_integers(who: str, argument: str, value: Any, least: int | None = None) -> Any:
    """One integer, or several as a tuple: axes or sizes.

    Raises:
        ValueError: the value is neither. The message names class, argument and value.
    """
    if isinstance(value, (int, np.integer)):
        return check_integer(who, argument, value, least)
    try:
        return tuple(check_integer(who, argument, one, least) for one in tuple(value))
    except (TypeError, ValueError) as error:
        wanted = "" if least is None else f" of at least {least}"
        kind = KindError if isinstance(error, TypeError) else ArgumentError
        raise kind(
            f"{who}: {argument}: expected an integer{wanted} or several, got {shown(value)}"
        ) from None


def check_flag(who: str, argument: str, value: Any) -> bool:
    """`value`, a bool or a number, as True or False; None is False.

    Raises:
        ValueError: the value is something else, such as "False", which Python takes as true. The
            message names class, argument and value.
    """
    one = isinstance(value, (np.ndarray, Tensor)) and math.prod(value.shape) == 1
    if not one and not isinstance(value, (int, float, np.bool_, np.number, type(None))):
        raise KindError(f"{who}: {argument}: expected True or False, got {shown(value)}")
    return bool(value)


# What Keras calls the ways to join a variable's values on several devices. Here is one.
AGGREGATIONS = (None, "none", "mean", "sum", "only_first_replica")


def check_choice(who: str, argument: str, value: Any, choices: tuple[str | None, ...]) -> Any:
    """`value` if it is one of `choices`.

    Raises:
        ValueError: the value is not one of them. The message names class, argument and value.
    """
    if not (value is None or isinstance(value, str)) or value not in choices:
        *others, last = map(repr, choices)
        wanted = f"{', '.join(others)} or {last}" if others else last
        from .registry import suggestion  # which imports this module

        near = suggestion(value, filter(None, choices)) if isinstance(value, str) else ""
        kind = ArgumentError if isinstance(value, str) else KindError
        raise kind(
            f"{who}: {argument}: expected {wanted}, got {shown(value)}{'.' * bool(near)}{near}"
        )
    return value


def check_name(who: str, argument: str, value: Any) -> str | None:
    """`value` if it is a string or None.

    Raises:
        ValueError: the value is neither. The message names class, argument and value.
    """
    if value is not None and not isinstance(value, str):
        raise KindError(f"{who}: {argument}: expected a string, got {shown(value)}")
    return value


def check_callable(who: str, argument: str, value: Any) -> Any:
    """`value` if it can be called.

    Raises:
        TypeError: it cannot be called. The message names class, argument and value.
    """
    if not callable(value):
        raise TypeError(f"{who}: {argument}: expected a function, got {shown(value)}")
    return value


def check_shape(who: str, argument: str, value: Any, least: int = 0) -> tuple[int | None, ...]:
    """A shape as a tuple of integers of at least `least`, and None for sizes that may vary.

    Raises:
        ValueError: the value is no shape. The message names class, argument and value.
    """
    try:
        sizes = (value,) if isinstance(value, (int, np.integer)) else tuple(value)
        return tuple(check_count(who, argument, size, least) for size in sizes)
    except (TypeError, ValueError) as error:
        kind = KindError if isinstance(error, TypeError) else ArgumentError
        raise kind(
            f"{who}: {argument}: expected sizes of at least {least} or None, got {shown(value)}"
        ) from None


def check_pair(who: str, argument: str, value: Any) -> Any:
    """`value` if it holds two values.

    Raises:
        ValueError: it does not; the message names class, argument and value.
    """
    if not hasattr(value, "__len__") or not hasattr(value, "__iter__") or len(value) != 2:
        raise ArgumentError(f"{who}: {argument}: expected two numbers, got {shown(value)}")
    return value


def check_values(who: str, argument: str, value: Any, shape: tuple[int, ...]) -> None:
    """ValueError unless the value is None or an array of this shape; the message names both."""
    if value is None:
        return
    found = tuple(value.shape) if hasattr(value, "shape") else np.shape(value)
    if found != shape:
        raise ShapeError(f"{who}: {argument}: expected shape {shape}, got {found}")


class UnknownKey(KeyError, ValueError):
    """A key that something does not have, where Keras raises a KeyError."""

    __str__ = ValueError.__str__  # that of KeyError puts quotes around the message


def kind_of(error: Exception) -> type[Exception]:
    """The class for an error that says more than this one.

    It is that of the engine, an UnknownKey, or a TypeError, ValueError or RuntimeError: a subclass
    may not take a message alone.
    """
    kinds = (
        *(KindError, AxisError, RangeError, ShapeError, ArgumentError, DTypeError, UnknownKey),
        *(TypeError, ValueError, RuntimeError),
    )
    return next((kind for kind in kinds if isinstance(error, kind)), RuntimeError)


def prefixed(who: str, error: Exception) -> Exception:
    """The error to raise instead: the same with `who` in front of its message."""
    return kind_of(error)(f"{who}: {error}")


def blamed(
    who: str,
    error: Exception,
    *,
    sizes: Mapping[str, Any] = NOTHING,
    numbers: Mapping[str, Any] = NOTHING,
    integers: Mapping[str, Any] = NOTHING,
    others: tuple[str, ...] = (),
) -> Exception:
    """The error to raise where a call failed: it names the function and the argument to blame.

    It is made when something failed, so that a call that succeeds costs nothing more.

    Args:
        who: the function.
        error: what a function inside of it raised.
        sizes: the arguments that are an integer of at least 0 or several, by name.
        numbers: those that are a number.
        integers: those that are an integer.
        others: the names of further ones that may be to blame.
    """
    kind = kind_of(error)
    if kind is ValueError or not issubclass(kind, (TypeError, ValueError)):
        kind = ArgumentError
    text = re.sub(r"^\w+: argument '\w+': ", "", str(error))  # of the function inside
    if text.startswith("dtype "):  # it names the argument itself
        return kind(f"{who}: {text}")
    try:
        for argument, value in sizes.items():
            check_integers(who, argument, value, 0)
        for argument, value in numbers.items():
            check_number(who, argument, value, -math.inf)
        for argument, value in integers.items():
            check_integer(who, argument, value)
    except ValueError as found:
        return found if isinstance(found, kind) else kind(str(found))
    return kind(f"{who}: {', '.join((*sizes, *numbers, *integers, *others))}: {text}")
