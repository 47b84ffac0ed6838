"""Sequences of one length: padded ones, and windows of a time series."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _core
from .._base.checks import check_choice, check_count, check_flag, check_integer, shown
from .._core import Tensor
from ._batches import RowBatches

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import DTypeLike

    from .._core import TensorLike


def pad_sequences(
    sequences: Sequence[Any],
    maxlen: int | None = None,
    dtype: DTypeLike = "int32",
    padding: str = "pre",
    truncating: str = "pre",
    value: float | str = 0.0,
) -> np.ndarray:
    """Sequences as rows of one array: shorter ones padded, longer ones cut.

    Args:
        sequences: lists or arrays; their items may be arrays of one shape.
        maxlen: the length of the rows; that of the longest sequence unless given.
        dtype: the element type; `object` for texts.
        padding: where the padding is: "pre" before, "post" after the sequence.
        truncating: where too long sequences are cut: "pre" at their start, "post" at their end.
        value: of the padding.

    Returns:
        An array of shape `(len(sequences), maxlen, ...)`.

    Raises:
        ValueError: an item of `sequences` is no sequence, or its items have another shape or cannot
            be of this type; unknown padding or truncating; a text as `value` of numbers; no
            sequences without `maxlen`.

    Source: `keras.utils.pad_sequences` of Keras 3.

    Example:
        >>> utils.pad_sequences([[1], [2, 3], [4, 5, 6]], maxlen=2).tolist()
        [[0, 1], [2, 3], [5, 6]]
    """
    who = "pad_sequences"
    check_choice(who, "padding", padding, ("pre", "post"))
    check_choice(who, "truncating", truncating, ("pre", "post"))
    kind = np.dtype(dtype).kind
    if isinstance(value, str) and kind not in "OSU":
        raise ValueError(f"{who}: value: expected a number for dtype {dtype}, got {value!r}")
    rows: list[Any] = []
    try:
        for row in sequences:
            rows.append(row.numpy() if isinstance(row, Tensor) else row)
            len(rows[-1])
    except TypeError:
        got = shown(rows[-1]) if rows else shown(sequences)
        raise ValueError(f"{who}: sequences: expected a list of sequences, got {got}") from None
    if maxlen is None and not rows:
        raise ValueError(f"{who}: maxlen: expected an integer, since there are no sequences")
    longest = max(map(len, rows), default=0)
    length = longest if maxlen is None else check_integer(who, "maxlen", maxlen, 0)
    shape = next((np.asarray(row).shape[1:] for row in rows if len(row)), ())
    padded = np.full((len(rows), length, *shape), value, dtype=dtype)
    for place, row in enumerate(rows):
        count = min(len(row), length)
        if not count:
            continue
        part = row[-count:] if truncating == "pre" else row[:count]
        try:
            items = np.asarray(part, dtype=dtype)
        except (TypeError, ValueError, OverflowError) as error:
            raise ValueError(f"{who}: sequences: item {place}: {error}") from None
        if items.shape[1:] != shape:
            raise ValueError(
                f"{who}: sequences: expected items of shape {shape} as in the first one, item "
                f"{place} has {items.shape[1:]}"
            )
        if padding == "pre":
            padded[place, -count:] = items
        else:
            padded[place, :count] = items
    return padded


class Windows(RowBatches):
    """Batches of windows of a time series, which are copied when they are used.

    `fit`, `evaluate` and `predict` take it. `timeseries_dataset_from_array` makes it.
    """

    def __init__(
        self,
        data: np.ndarray,
        targets: np.ndarray | None,
        starts: np.ndarray,
        steps: np.ndarray,
        batch_size: int | None,
        shuffle: bool,
        seed: int | None,
    ) -> None:
        super().__init__(batch_size, shuffle, seed)
        self._data, self._targets, self._starts, self._steps = data, targets, starts, steps

    def __repr__(self) -> str:
        return f"<Windows: {len(self._starts)} windows of {len(self._steps)} steps>"

    def _rows(self) -> np.ndarray:
        return self._starts

    def _batches(self, chunks: list[np.ndarray]) -> Iterator[Any]:
        for starts in chunks:
            first: Any = starts if self._batch_size is not None else starts[0]
            windows = _core.as_tensor(self._data[first[..., None] + self._steps])
            if self._targets is None:
                yield windows
            else:
                yield windows, _core.as_tensor(self._targets[first])


def timeseries_dataset_from_array(
    data: TensorLike,
    targets: TensorLike | None,
    sequence_length: int,
    sequence_stride: int = 1,
    sampling_rate: int = 1,
    batch_size: int | None = 128,
    shuffle: bool = False,
    seed: int | None = None,
    start_index: int | None = None,
    end_index: int | None = None,
    format: str = "tf",
) -> Windows:
    """Batches of windows of a time series, with a target for each window.

    Windows are copied batch by batch, so overlapping ones take no memory.

    Args:
        data: the series; axis 0 is time.
        targets: `targets[i]` belongs to the window that starts at `data[i]`; None for none.
        sequence_length: the number of steps of a window.
        sequence_stride: the distance between the starts of windows.
        sampling_rate: the distance between the steps of a window.
        batch_size: windows per batch; None gives single windows.
        shuffle: whether passes have random orders. False gives the order of time.
        seed: of these orders.
        start_index, end_index: the first step that is used, and the one after the last.
        format: "tf" or "grain"; changes nothing, the result is the library's own data set.

    Returns:
        An iterable with a length, `map`, `take`, `skip`, `cache` and `prefetch`. A batch is
        `(batch, sequence_length, ...)`, with targets a pair of windows and targets.

    Raises:
        ValueError: numbers that are no positive integers, indices outside of the data, or no window
            fits.

    Source: `keras.utils.timeseries_dataset_from_array` of Keras 3.

    Example:
        >>> data = utils.timeseries_dataset_from_array(np.arange(6), np.arange(3, 6), 3)
        >>> [(x.tolist(), y.tolist()) for x, y in data]
        [([[0, 1, 2], [1, 2, 3], [2, 3, 4]], [3, 4, 5])]
    """
    who = "timeseries_dataset_from_array"
    series = _array(who, "data", data)
    aims = None if targets is None else _array(who, "targets", targets)
    count = len(series)
    length = check_integer(who, "sequence_length", sequence_length, 1)
    stride = check_integer(who, "sequence_stride", sequence_stride, 1)
    rate = check_integer(who, "sampling_rate", sampling_rate, 1)
    check_count(who, "batch_size", batch_size, 1)
    shuffle = check_flag(who, "shuffle", shuffle)
    if seed is not None:
        seed = check_integer(who, "seed", seed, 0, 2**32 - 1)
    check_choice(who, "format", format, ("tf", "grain"))
    first = 0
    if start_index is not None:
        first = check_integer(who, "start_index", start_index, 0, count - 1)
    last = count
    if end_index is not None:
        last = check_integer(who, "end_index", end_index, first + 1, count)
    windows = last - first - (length - 1) * rate
    if aims is not None:
        aims = aims[first:last]
        windows = min(windows, len(aims))
    if windows < 1:
        raise ValueError(
            f"{who}: no window fits: sequence_length {length} and sampling_rate {rate} need "
            f"{(length - 1) * rate + 1} steps, there are {last - first}"
            + ("" if aims is None else f" and {len(aims)} targets")
        )
    starts = np.arange(0, windows, stride)
    steps = np.arange(0, length * rate, rate)
    return Windows(series[first:last], aims, starts, steps, batch_size, shuffle, seed)


def _array(who: str, argument: str, value: TensorLike) -> np.ndarray:
    try:
        array = _core.as_tensor(value).numpy()
    except (TypeError, ValueError) as error:
        raise ValueError(f"{who}: {argument}: {error}") from None
    if not array.ndim:
        raise ValueError(f"{who}: {argument}: expected an array, got {shown(value)}")
    return array
