"""Sequences of different lengths: padded, and packed one step after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ... import _core
from ..._base import functional as F
from ..._base.checks import check_choice, check_flag, check_integer, shown
from ..._core import ArgumentError, ShapeError, Tensor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..._core import TensorLike


class PackedSequence(NamedTuple):
    """Sequences without padding: all first steps, then all second ones, and so on.

    `pack_padded_sequence` and `pack_sequence` make them; recurrent modules take and return them.

    Attributes:
        data: (sum of lengths, ...).
        batch_sizes: how many sequences have a first step, a second one, ...; int64.
        sorted_indices: the order of the sequences, longest first; None if they came so.
        unsorted_indices: the other way round.

    Source: `torch.nn.utils.rnn.PackedSequence`.

    Example:
        >>> nn.utils.rnn.pack_sequence([fastdl.ones(2), fastdl.zeros(1)]).batch_sizes.tolist()
        [2, 1]
    """

    data: Tensor
    batch_sizes: Tensor
    sorted_indices: Tensor | None = None
    unsorted_indices: Tensor | None = None


def _lengths_of(who: str, lengths: Any, batch: int, steps: int) -> np.ndarray:
    found = lengths.numpy() if isinstance(lengths, Tensor) else np.asarray(lengths)
    if found.ndim != 1 or found.dtype.kind not in "iu":
        raise ArgumentError(f"{who}: lengths: expected integers, got {shown(lengths)}")
    if len(found) != batch:
        raise ArgumentError(
            f"{who}: lengths: expected {batch}, one for each sequence, got {len(found)}"
        )
    for i, length in enumerate(found):
        if not 0 < length <= steps:
            raise ArgumentError(
                f"{who}: lengths: expected lengths from 1 to {steps}, the steps of the input, got "
                f"{length} at position {i}"
            )
    return found.astype(np.int64)


def _steps_and_samples(sizes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The step and the sequence (in sorted order) of each packed row."""
    steps = np.repeat(np.arange(len(sizes)), sizes)
    return steps, np.concatenate([np.arange(n) for n in sizes])


def _sizes_of(packed: PackedSequence) -> np.ndarray:
    return packed.batch_sizes.numpy()


def invert_permutation(permutation: Tensor | None) -> Tensor | None:
    """The permutation that undoes another one; None for None.

    Example:
        >>> nn.utils.rnn.invert_permutation(fastdl.tensor([2, 0, 1])).tolist()
        [1, 2, 0]
    """
    return None if permutation is None else _core.as_tensor(np.argsort(permutation.numpy()))


def pack_padded_sequence(
    input: TensorLike, lengths: Any, batch_first: bool = False, enforce_sorted: bool = True
) -> PackedSequence:
    """Packs padded sequences.

    Args:
        input: (steps, batch, ...), or (batch, steps, ...) with `batch_first`.
        lengths: of each sequence, at least 1; a tensor or a list.
        batch_first: the order of the first two axes.
        enforce_sorted: whether the lengths must not increase; otherwise the sequences are sorted.

    Raises:
        ValueError: lengths that do not fit, or increase with `enforce_sorted`.

    Source: `torch.nn.utils.rnn.pack_padded_sequence`.

    Example:
        >>> packed = nn.utils.rnn.pack_padded_sequence(fastdl.ones(3, 2, 4), [3, 1])
        >>> packed.data.shape, packed.batch_sizes.tolist()
        ((4, 4), [2, 1, 1])
    """
    who = "pack_padded_sequence"
    x = _core.as_tensor(input)
    check_flag(who, "batch_first", batch_first)
    if x.ndim < 2:
        raise ShapeError(f"{who}: input: expected at least 2 axes, got shape {tuple(x.shape)}")
    batch, steps = (x.shape[0], x.shape[1]) if batch_first else (x.shape[1], x.shape[0])
    counts = _lengths_of(who, lengths, batch, steps)
    order = None
    if np.any(np.diff(counts) > 0):
        if check_flag(who, "enforce_sorted", enforce_sorted):
            raise ArgumentError(
                f"{who}: lengths: expected lengths that do not increase, got {counts.tolist()}; "
                "enforce_sorted=False sorts the sequences"
            )
    if not enforce_sorted:
        order = np.argsort(-counts, kind="stable")
        counts = counts[order]
    sizes = (counts[None, :] > np.arange(counts.max(initial=0))[:, None]).sum(1)
    step, sample = _steps_and_samples(sizes)
    sample = sample if order is None else order[sample]
    rows = sample * steps + step if batch_first else step * batch + sample
    flat = F.reshape(x, shape=(batch * steps, *x.shape[2:]))
    data = F.take(flat, _core.as_tensor(rows), axis=0)
    indices = None if order is None else _core.as_tensor(order)
    return PackedSequence(data, _core.as_tensor(sizes), indices, invert_permutation(indices))


def padded_steps(packed: PackedSequence) -> tuple[Tensor, Tensor]:
    """(steps, batch, ...) in sorted order, zeros behind the ends, and which places are taken."""
    sizes = _sizes_of(packed)
    step, sample = _steps_and_samples(sizes)
    batch, steps, rows = int(sizes[0]), len(sizes), len(step)
    places = np.full((steps, batch), rows)
    places[step, sample] = np.arange(rows)
    data = packed.data
    padding = _core.full((1, *data.shape[1:]), "float32", 0.0)
    if data.dtype != padding.dtype:
        padding = F.cast(padding, dtype=data.dtype)
    flat = F.take(F.concat([data, padding]), _core.as_tensor(places.reshape(-1)), axis=0)
    padded = F.reshape(flat, shape=(steps, batch, *data.shape[1:]))
    return padded, _core.as_tensor(places < rows)


def packed_like(packed: PackedSequence, y: Tensor) -> PackedSequence:
    """Packs (steps, batch, ...) in sorted order as another packed sequence is."""
    step, sample = _steps_and_samples(_sizes_of(packed))
    flat = F.reshape(y, shape=(y.shape[0] * y.shape[1], *y.shape[2:]))
    rows = _core.as_tensor(step * y.shape[1] + sample)
    return packed._replace(data=F.take(flat, rows, axis=0))


def pad_packed_sequence(
    sequence: PackedSequence,
    batch_first: bool = False,
    padding_value: float = 0.0,
    total_length: int | None = None,
) -> tuple[Tensor, Tensor]:
    """Padded sequences and their lengths: the inverse of `pack_padded_sequence`.

    Args:
        sequence: what is packed.
        batch_first: the order of the first two axes of the result.
        padding_value: what lies behind the ends.
        total_length: the steps of the result; as many as the longest sequence has unless given.

    Raises:
        ValueError: `total_length` is less than the longest sequence.

    Source: `torch.nn.utils.rnn.pad_packed_sequence`.

    Example:
        >>> packed = nn.utils.rnn.pack_sequence([fastdl.ones(2), fastdl.zeros(1)])
        >>> x, lengths = nn.utils.rnn.pad_packed_sequence(packed, batch_first=True)
        >>> x.tolist(), lengths.tolist()
        ([[1.0, 1.0], [0.0, 0.0]], [2, 1])
    """
    who = "pad_packed_sequence"
    if not isinstance(sequence, PackedSequence):
        raise TypeError(f"{who}: sequence: expected a PackedSequence, got {shown(sequence)}")
    x, taken = padded_steps(sequence)
    sizes = _sizes_of(sequence)
    counts = (sizes[None, :] > np.arange(int(sizes[0]))[:, None]).sum(1)
    if padding_value:
        shape = (*taken.shape, *(1,) * (x.ndim - 2))
        x = F.where(F.reshape(taken, shape=shape), x, padding_value)
    steps = x.shape[0]
    if total_length is not None:
        if check_integer(who, "total_length", total_length, 0) < steps:
            raise ArgumentError(
                f"{who}: total_length: expected at least {steps}, the length of the longest "
                f"sequence, got {total_length}"
            )
        more = _core.full((total_length - steps, *x.shape[1:]), "float32", float(padding_value))
        x = F.concat([x, F.cast(more, dtype=x.dtype)])
    back = sequence.unsorted_indices
    if back is not None:
        x = F.take(x, back, axis=1)
        counts = counts[back.numpy()]
    if batch_first:
        x = F.transpose(x, perm=[1, 0, *range(2, x.ndim)])
    return x, _core.as_tensor(counts)


def pad_sequence(
    sequences: Sequence[TensorLike],
    batch_first: bool = False,
    padding_value: float = 0.0,
    padding_side: str = "right",
) -> Tensor:
    """Stacks sequences of shape (length, ...), padded to the length of the longest.

    Args:
        sequences: tensors whose axes but the first have equal sizes.
        batch_first: whether the result is (batch, steps, ...) instead of (steps, batch, ...).
        padding_value: what is added.
        padding_side: "right" for behind the ends, or "left".

    Raises:
        ValueError: no sequences, sizes that differ, another padding_side.

    Source: `torch.nn.utils.rnn.pad_sequence`.

    Example:
        >>> nn.utils.rnn.pad_sequence([fastdl.ones(2), fastdl.ones(1)], batch_first=True).tolist()
        [[1.0, 1.0], [1.0, 0.0]]
    """
    who = "pad_sequence"
    check_choice(who, "padding_side", padding_side, ("right", "left"))
    tensors = [_core.as_tensor(x) for x in sequences]
    if not tensors or any(x.ndim == 0 for x in tensors):
        raise ArgumentError(
            f"{who}: sequences: expected tensors with an axis of steps, got {shown(sequences)}"
        )
    rest, steps = tensors[0].shape[1:], max(x.shape[0] for x in tensors)
    padded = []
    for i, x in enumerate(tensors):
        if x.shape[1:] != rest:
            raise ShapeError(
                f"{who}: sequences: expected shapes (length, {', '.join(map(str, rest))}), got "
                f"{tuple(x.shape)} at position {i}"
            )
        more = _core.full((steps - x.shape[0], *rest), "float32", float(padding_value))
        more = F.cast(more, dtype=x.dtype)
        padded.append(F.concat([x, more] if padding_side == "right" else [more, x]))
    return F.stack(padded, axis=0 if check_flag(who, "batch_first", batch_first) else 1)


def unpad_sequence(
    padded_sequences: TensorLike, lengths: Any, batch_first: bool = False
) -> list[Tensor]:
    """The sequences of different lengths in a padded tensor: the inverse of `pad_sequence`.

    Raises:
        ValueError: lengths that do not fit.

    Source: `torch.nn.utils.rnn.unpad_sequence`.

    Example:
        >>> x = fastdl.tensor([[1.0, 2.0], [3.0, 0.0]])
        >>> [s.tolist() for s in nn.utils.rnn.unpad_sequence(x, [2, 1], batch_first=True)]
        [[1.0, 2.0], [3.0]]
    """
    x = _core.as_tensor(padded_sequences)
    if not batch_first:
        x = F.transpose(x, perm=[1, 0, *range(2, x.ndim)])
    counts = _lengths_of("unpad_sequence", lengths, x.shape[0], x.shape[1])
    return [x[i, : int(n)] for i, n in enumerate(counts)]


def pack_sequence(sequences: Sequence[TensorLike], enforce_sorted: bool = True) -> PackedSequence:
    """Packs sequences of shape (length, ...).

    Raises:
        ValueError: as `pad_sequence` and `pack_padded_sequence` do.

    Source: `torch.nn.utils.rnn.pack_sequence`.

    Example:
        >>> nn.utils.rnn.pack_sequence([fastdl.ones(2), fastdl.zeros(1)]).data.tolist()
        [1.0, 0.0, 1.0]
    """
    tensors = [_core.as_tensor(x) for x in sequences]
    padded = pad_sequence(tensors)
    lengths = [x.shape[0] for x in tensors]
    return pack_padded_sequence(padded, lengths, enforce_sorted=enforce_sorted)


def unpack_sequence(packed_sequences: PackedSequence) -> list[Tensor]:
    """The sequences that are packed, in their original order.

    Source: `torch.nn.utils.rnn.unpack_sequence`.

    Example:
        >>> packed = nn.utils.rnn.pack_sequence([fastdl.ones(2), fastdl.zeros(1)])
        >>> [s.tolist() for s in nn.utils.rnn.unpack_sequence(packed)]
        [[1.0, 1.0], [0.0]]
    """
    padded, lengths = pad_packed_sequence(packed_sequences, batch_first=True)
    return unpad_sequence(padded, lengths, batch_first=True)
