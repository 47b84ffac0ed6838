"""Sequences of different length as batches that are padded by buckets: `bucketed_dataset`."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _core
from .._base.buckets import Bucketed, Buckets
from .._base.checks import check_choice, check_flag, check_integer, check_number, shown
from .._base.random import drawing_from
from ._batches import RowBatches
from .time_series import pad_sequences

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import DTypeLike

    from .._core import TensorLike


class BucketedSequences(RowBatches):
    """Batches of sequences of similar length, padded to the boundary of their bucket.

    `fit`, `evaluate` and `predict` take it. `bucketed_dataset` makes it.

    Attributes:
        boundaries: the lengths of the batches, a list.
        generator: the generator of the orders, None for the library's.
    """

    def __init__(
        self,
        sequences: list[np.ndarray],
        labels: np.ndarray | None,
        buckets: Buckets,
        batch_size: int,
        shuffle: bool,
        seed: int | None,
        padding: dict[str, Any],
    ) -> None:
        super().__init__(batch_size, shuffle, seed)
        self.boundaries = buckets.boundaries
        self._sequences, self._labels = sequences, labels
        self._buckets, self._padding = buckets, padding

    def __repr__(self) -> str:
        return f"<BucketedSequences: {len(self._sequences)} sequences, padded to {self.boundaries}>"

    @property
    def order(self) -> np.ndarray:
        """The number of the sequence of each row of a pass, for a data set without shuffle.

        `predictions[np.argsort(data.order)]` has the order of the sequences.
        """
        return np.concatenate([batch.rows for batch in self._buckets.batches(False)])

    def _rows(self) -> np.ndarray:
        return np.arange(len(self._sequences))

    def __iter__(self) -> Iterator[Any]:
        with drawing_from(self.generator):
            batches = self._buckets.batches(self._shuffle)
        return self._padded(batches)

    def _padded(self, batches: list[Bucketed]) -> Iterator[Any]:
        for rows, boundary in batches:
            several = [self._sequences[row] for row in rows]
            x = _core.as_tensor(pad_sequences(several, boundary, **self._padding))
            yield x if self._labels is None else (x, _core.as_tensor(self._labels[rows]))


def bucketed_dataset(
    sequences: Sequence[Any],
    labels: TensorLike | None = None,
    batch_size: int = 32,
    boundaries: Iterable[int] | None = None,
    padding: str = "post",
    value: float = 0.0,
    dtype: DTypeLike | None = None,
    shuffle: bool = True,
    seed: int | None = None,
) -> BucketedSequences:
    """Batches of sequences of similar length, each padded only to the boundary of its bucket.

    So a batch costs about what it contains, and the batches have few shapes: one for each bucket,
    and one for the last batch, which may be smaller. Each shape is recorded once.

    What is left of a bucket after its batches goes to the next longer one. So all batches but one
    have `batch_size` sequences. A pass gives each sequence once.

    Args:
        sequences: lists or arrays; their items may be arrays of one shape.
        labels: axis 0 has a row for each sequence; None for none.
        batch_size: sequences per batch.
        boundaries: the largest length of each bucket, rising. Unless given, up to eight of the
            lengths, with which the least is padded.
        padding: where the padding is: "pre" before, "post" after the sequence.
        value: of the padding.
        dtype: the element type; int32 for integers and float32 for all else unless given.
        shuffle: whether each pass has a new random order of sequences and batches. Otherwise short
            sequences come first.
        seed: of these orders; without one they come from the library's stream.

    Returns:
        An iterable with a length, `boundaries`, `order` and `map`. A batch is (batch, boundary,
        ...), with labels a pair of sequences and labels.

    Raises:
        ValueError: no sequences, an item that is none or has items of another shape, another number
            of labels, boundaries that do not rise or that a length exceeds, or another argument is
            out of range.

    Source: the buckets of `tf.data.Dataset.bucket_by_sequence_length`, whose boundaries are one
    more.

    Example:
        >>> data = utils.bucketed_dataset([[1], [2, 3, 4], [5, 6]], [0, 1, 0], 2, shuffle=False)
        >>> [(x.tolist(), y.tolist()) for x, y in data]
        [([[1, 0], [5, 6]], [0, 0]), ([[2, 3, 4]], [1])]
    """
    who = "bucketed_dataset"
    check_choice(who, "padding", padding, ("pre", "post"))
    check_flag(who, "shuffle", shuffle)
    if seed is not None:
        seed = check_integer(who, "seed", seed, 0, 2**32 - 1)
    rows = _arrays(who, sequences, dtype)
    buckets = Buckets(who, [len(row) for row in rows], batch_size, boundaries)
    targets = None if labels is None else _core.as_tensor(labels).numpy()
    if targets is not None and (not targets.ndim or len(targets) != len(rows)):
        raise ValueError(
            f"{who}: labels: expected a row for each of {len(rows)} sequences, got {shown(labels)}"
        )
    options = {
        "dtype": rows[0].dtype,
        "padding": padding,
        "value": check_number(who, "value", value, -math.inf, infinite=True),
    }
    return BucketedSequences(rows, targets, buckets, int(batch_size), shuffle, seed, options)


def _arrays(who: str, sequences: Sequence[Any], dtype: DTypeLike | None) -> list[np.ndarray]:
    """The sequences as arrays of one type, with items of one shape."""
    try:
        rows = [np.asarray(row) for row in sequences]
    except (TypeError, ValueError):
        raise ValueError(
            f"{who}: sequences: expected a list of sequences of numbers, got {shown(sequences)}"
        ) from None
    if not rows:
        raise ValueError(f"{who}: sequences: expected at least one, got none")
    filled = [row for row in rows if row.size] or rows
    if dtype is None:
        dtype = "int32" if all(row.dtype.kind in "iub" for row in filled) else "float32"
    shape = filled[0].shape[1:]
    for place, row in enumerate(rows):
        if not row.ndim or row.dtype.kind not in "iubf" or (row.size and row.shape[1:] != shape):
            raise ValueError(
                f"{who}: sequences: expected sequences of numbers with items of shape {shape}, got "
                f"{shown(row)} of type {row.dtype} at place {place}"
            )
    empty = np.empty((0, *shape))
    try:
        return [_core.as_tensor(row if row.size else empty, dtype).numpy() for row in rows]
    except (TypeError, ValueError) as error:
        raise ValueError(f"{who}: dtype: {error}") from None
