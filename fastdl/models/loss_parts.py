"""Losses of several outputs together, and several losses of one output, as `compile` takes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._base.tree import flatten, is_nested, map_structure, pack

if TYPE_CHECKING:
    from collections.abc import Sequence


class Part:
    """A loss with the outputs that it takes.

    Attributes:
        places: the number of an output, or a structure of numbers; the loss then takes the
            structure of these outputs.
        loss: the loss, as it was given to `compile`.
        weight: its factor in the total, or None.
        path: the keys and positions that lead to the outputs.
    """

    def __init__(self, places: Any, loss: Any, weight: float | None, path: tuple[Any, ...]) -> None:
        self.places = places
        self.loss = loss
        self.weight = None if weight is None else float(weight)
        self.path = path

    def of(self, values: Sequence[Any]) -> Any:
        """The value of the output, or the structure of values, of one value for each output."""
        return map_structure(lambda place: values[place], self.places)

    def name(self, names: Sequence[str] | None) -> str | None:
        """The name in logs: that of the output, or the way to the structure."""
        if not is_nested(self.places):
            return names[self.places] if names else None
        if self.path:
            return "/".join(map(str, self.path))
        return "_".join(names) if names else None


class _Weighted:
    """A loss and its weight, a leaf for the functions of structures."""

    def __init__(self, loss: Any, weight: float | None) -> None:
        self.loss = loss
        self.weight = weight


def loss_parts(places: Any, loss: Any, loss_weights: Any) -> list[Part] | None:
    """The losses with their outputs, where one takes several outputs or an output has several.

    All losses in a list are for the same outputs where the outputs there are no list. The other
    entries are as in Keras: for each output by position or key.

    Args:
        places: the numbers of the outputs, in the structure of the outputs.
        loss: the losses.
        loss_weights: a number or None for each of them, in the same order; or None.

    Returns:
        None where each output has one loss at most, or there is only one output.

    Raises:
        ValueError: another number of weights than of losses.
    """
    if not is_nested(loss) or not is_nested(places):
        return None
    losses = flatten(loss)
    weights = [None] * len(losses) if loss_weights is None else flatten(loss_weights)
    missing = len(losses) - len(weights)
    pairs = zip(losses, weights + [None] * missing, strict=False)
    found: list[Part] = []
    if not _match(places, pack(loss, [_Weighted(*pair) for pair in pairs]), (), found):
        return None
    if missing:
        raise ValueError(
            f"compile: loss_weights: expected {len(losses)} numbers, one for each loss, got "
            f"{len(weights)}"
        )
    return found


def _match(places: Any, given: Any, path: tuple[Any, ...], found: list[Part]) -> bool:
    """Collects the parts; tells whether one takes several outputs, or an output has several."""
    if isinstance(given, _Weighted):
        together = is_nested(places) and _takes_structures(given.loss)
        if given.loss is not None:
            for place in [places] if together else flatten(places):
                found.append(Part(place, given.loss, given.weight, path))
        return together
    numbers = flatten(places)
    listed = isinstance(given, (list, tuple))
    flat = listed and not any(map(is_nested, given))
    if flat and len(given) == len(numbers):
        pairs = [(place, one, path) for place, one in zip(numbers, given, strict=True)]
    elif listed and not isinstance(places, type(given)) and not (flat and is_nested(places)):
        several = [_match(places, one, path, found) for one in given]
        return len(several) > 1 or any(several)
    elif isinstance(given, dict) and isinstance(places, dict) and set(given) <= set(places):
        pairs = [(places[key], one, (*path, key)) for key, one in given.items()]
    elif listed and isinstance(places, (list, tuple)) and len(given) == len(places):
        pairs = [(places[i], one, (*path, i)) for i, one in enumerate(given)]
    else:
        return False  # an error, which the assignment by outputs describes
    return any([_match(*pair, found) for pair in pairs])


def _takes_structures(loss: Any) -> bool:
    """Whether it is a user's function or loss. The library's take one output each."""
    function = getattr(loss, "fn", loss)
    home = getattr(function, "__module__", None) or type(function).__module__
    return callable(function) and not home.startswith("fastdl.")
