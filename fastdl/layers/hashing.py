"""Layers that hash categories into bins: Hashing, HashedCrossing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .._base.checks import check_choice, check_integer, shown
from .._base.registry import LAYERS
from .._base.tables import is_missing
from .._core import Tensor
from .._graph.symbolic import KerasTensor
from ._hashes import crossed, fingerprints, keyed_hashes
from .categories import (
    CategoryLayer,
    as_numbers,
    checked_salt,
    dense_only,
    integers_of,
    values_of,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from typing_extensions import Unpack

    from .._base.types import Config
    from .options import LayerOptions

_CROSSING_KEY = 956888297470  # with which TensorFlow begins


def bins_of(values: np.ndarray, bins: int, salt: Sequence[int] | None = None) -> np.ndarray:
    """The bin of each text, or of each integer by its decimal digits."""
    if values.dtype.kind != "O":
        distinct, places = np.unique(values, return_inverse=True)
        texts = [str(value).encode() for value in distinct.tolist()]
    else:
        numbers = {text: i for i, text in enumerate(dict.fromkeys(values.tolist()))}
        places = np.fromiter((numbers[text] for text in values), np.int64, len(values))
        texts = [text.encode() for text in numbers]
    hashes = fingerprints(texts) if salt is None else keyed_hashes(texts, salt)
    return (hashes % np.uint64(bins)).astype(np.int64)[places]


@LAYERS.register
class Hashing(CategoryLayer):
    """The bin of each category: a hash of the text, or of an integer's digits.

    Args:
        num_bins: the number of bins.
        mask_value: a text or an integer that gets bin 0 for itself; others get bins from 1 on.
        salt: an integer or two, the key of SipHash-2-4 in place of FarmHash.
        output_mode: "int" for numbers of bins (int64); else as for `CategoryEncoding`.
        sparse: only False.

    Raises:
        ValueError: an argument is none of these; called on integers of which some are missing,
            without a `mask_value`.
        TypeError: called on values that are neither text nor integers.

    Inputs are arrays, lists, tables or columns. Missing values are in the bin of `mask_value`; a
    missing text without it counts as "". The fractions of floats are cut off, as in Keras. Text is
    hashed at once and gives a tensor. Integers may be inputs within a model, but steps that hash
    are not recorded, so it is faster to hash the data before.

    Source: `keras.layers.Hashing` of Keras 3, with the bins of its TensorFlow.

    Example:
        >>> layers.Hashing(3)(["A", "B", "C", "D", "E"]).tolist()
        [1, 0, 1, 1, 2]
        >>> layers.Hashing(3, mask_value="")(np.array([["A"], [""]])).tolist()
        [[1], [0]]
    """

    def __init__(
        self,
        num_bins: int,
        mask_value: str | int | None = None,
        salt: int | Sequence[int] | None = None,
        output_mode: str = "int",
        sparse: bool = False,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**kwargs)
        who = f"Hashing {self.name!r}"
        self.num_bins = check_integer(who, "num_bins", num_bins, 1)
        if mask_value is not None and not isinstance(mask_value, str):
            mask_value = check_integer(who, "mask_value", mask_value)
        self.mask_value = mask_value
        self.salt = checked_salt(who, salt)
        modes = ("int", "one_hot", "multi_hot", "count")
        self.output_mode = check_choice(who, "output_mode", output_mode, modes)
        self.sparse = dense_only(who, sparse)

    def _depth(self) -> int:
        return self.num_bins

    def call(self, inputs: Any) -> Tensor:
        values, shape = values_of(inputs)
        text = values.dtype.kind == "O"
        missing = is_missing(values)
        if not text:
            values, missing = integers_of(np.trunc(values) if values.dtype.kind == "f" else values)
        mask = self.mask_value
        masked = self.num_bins > 1 and mask is not None
        if missing.any():
            if not text and not masked:
                raise ValueError(
                    f"inputs: {int(missing.sum())} integers are missing; fill them, or give "
                    "mask_value"
                )
            values = np.where(missing, "" if text else 0, values)
        bins = bins_of(values, self.num_bins - masked, self.salt)
        if masked:
            same = isinstance(mask, str) == text
            bins = np.where(missing | (values == mask if same else False), 0, bins + 1)
        return self._encoded(as_numbers(bins, shape))

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "num_bins": self.num_bins,
            "mask_value": self.mask_value,
            "salt": self.salt,
            "output_mode": self.output_mode,
        }


@LAYERS.register
class HashedCrossing(CategoryLayer):
    """The bin of each combination of categories.

    Args:
        num_bins: the number of bins.
        output_mode: "int" for numbers of bins (int64), or "one_hot".
        sparse: only False.

    Raises:
        ValueError: an argument is none of these; called on fewer than two inputs, on inputs of
            different shapes, on floats, or on shapes other than (), (batch,) and (batch, 1).
        TypeError: called on values that are neither text nor numbers.

    It is called on a list of inputs, each text or integers. Missing texts count as "". As for
    `Hashing`, text is no input within a model, and steps with it are not recorded.

    Source: `keras.layers.HashedCrossing` of Keras 3, with the bins of its TensorFlow.

    Example:
        >>> layer = layers.HashedCrossing(5)
        >>> layer([["A", "B", "A", "B", "A"], [101, 101, 101, 102, 102]]).tolist()
        [1, 4, 1, 1, 3]
    """

    _takes_several = True

    def __init__(
        self,
        num_bins: int,
        output_mode: str = "int",
        sparse: bool = False,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**kwargs)
        who = f"HashedCrossing {self.name!r}"
        self.num_bins = check_integer(who, "num_bins", num_bins, 1)
        self.output_mode = check_choice(who, "output_mode", output_mode, ("int", "one_hot"))
        self.sparse = dense_only(who, sparse)

    def _depth(self) -> int:
        return self.num_bins

    def call(self, inputs: Any) -> Tensor:
        parts = [values_of(one) for one in _several(inputs)]
        shape = _common_shape([shape for _, shape in parts])
        hashes = np.full(len(parts[0][0]), _CROSSING_KEY, np.uint64)
        for values, _ in parts:
            hashes = crossed(hashes, _words(values))
        bins = (hashes % np.uint64(self.num_bins)).astype(np.int64)
        return self._encoded(as_numbers(bins, shape))

    def compute_output_spec(self, inputs: Any) -> Any:
        several = _several(inputs)
        _common_shape([one.shape for one in several])
        dtype = np.dtype("int64" if self.output_mode == "int" else "float32")
        return KerasTensor(self.compute_output_shape(several[0].shape), dtype)

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "num_bins": self.num_bins,
            "output_mode": self.output_mode,
        }


def _several(inputs: Any) -> Sequence[Any]:
    if not isinstance(inputs, (list, tuple)) or len(inputs) < 2:
        raise ValueError(f"expected a list of two inputs or more, got {shown(inputs)}")
    return inputs


def _common_shape(shapes: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
    first = shapes[0]
    if len(first) > 2 or (len(first) == 2 and first[-1] != 1):
        raise ValueError(f"expected inputs of shape (), (batch,) or (batch, 1), got {first}")
    for shape in shapes:
        if shape != first:
            raise ValueError(f"expected inputs of one shape, got {first} and {shape}")
    return first


def _words(values: np.ndarray) -> np.ndarray:
    """The fingerprints of texts; integers stand for themselves."""
    if values.dtype.kind == "O":
        values = np.where(is_missing(values), "", values)
        numbers = {text: i for i, text in enumerate(dict.fromkeys(values.tolist()))}
        places = np.fromiter((numbers[text] for text in values), np.int64, len(values))
        return fingerprints([text.encode() for text in numbers])[places]
    if values.dtype.kind == "f":
        raise ValueError(f"inputs: expected integers or texts, got floats such as {values[0]}")
    integers, missing = integers_of(values)
    if missing.any():
        raise ValueError(f"{int(missing.sum())} integers are missing; fill them")
    return integers.view(np.uint64)
