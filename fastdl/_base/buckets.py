"""Batches of samples of similar length, for the samplers and data sets of both faces."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .. import _core
from . import functional as F
from .checks import check_integer, shown

if TYPE_CHECKING:
    from .._core import TensorLike

# The number of buckets unless boundaries are given.
_BUCKETS = 8
# The boundaries are chosen among so many lengths.
_CANDIDATES = 256


class Bucketed(NamedTuple):
    """A batch: the numbers of its samples, and the boundary of its bucket."""

    rows: np.ndarray
    boundary: int


class Buckets:
    """Samples in buckets by their length.

    What is left of a bucket after its batches goes to the next longer one. So all batches have the
    same size, but for one.

    Args:
        who: the class or function, for messages.
        lengths: the length of each sample.
        batch_size: samples per batch.
        boundaries: the largest length of each bucket, rising. Unless given, eight of the lengths
            with which the least is padded.

    Raises:
        ValueError: no lengths, or ones that are no integers of at least 0; boundaries that do not
            rise or that a length exceeds.
    """

    def __init__(
        self, who: str, lengths: TensorLike, batch_size: int, boundaries: Any = None
    ) -> None:
        self._lengths = _checked_lengths(who, lengths)
        self._batch_size = check_integer(who, "batch_size", batch_size, 1)
        if boundaries is None:
            self.boundaries = _chosen_boundaries(self._lengths)
        else:
            self.boundaries = _checked_boundaries(who, boundaries, self._lengths)

    @property
    def samples(self) -> int:
        """The number of samples."""
        return len(self._lengths)

    def batches(self, shuffle: bool, drop_last: bool = False) -> list[Bucketed]:
        """The batches of one pass, each sample once: shuffled, or short ones first."""
        order = F.permutation(n=self.samples).numpy() if shuffle else np.arange(self.samples)
        places = np.searchsorted(self.boundaries, self._lengths[order])
        size, made, rest = self._batch_size, [], order[:0]
        for place, boundary in enumerate(self.boundaries):
            rest = np.concatenate([rest, order[places == place]])
            whole = len(rest) // size * size
            made += [Bucketed(rest[i : i + size], boundary) for i in range(0, whole, size)]
            rest = rest[whole:]
        if len(rest) and not drop_last:
            made.append(Bucketed(rest, self.boundaries[-1]))
        if shuffle:
            made = [made[i] for i in F.permutation(n=len(made)).tolist()]
        return made


def _checked_lengths(who: str, lengths: TensorLike) -> np.ndarray:
    try:
        found = _core.as_tensor(lengths).numpy()
    except (TypeError, ValueError):
        raise ValueError(f"{who}: lengths: expected integers, got {shown(lengths)}") from None
    if found.ndim != 1 or not len(found) or found.dtype.kind not in "iu" or found.min() < 0:
        raise ValueError(
            f"{who}: lengths: expected a vector of integers of at least 0, got {shown(lengths)}"
        )
    return found.astype(np.int64)


def _checked_boundaries(who: str, boundaries: Any, lengths: np.ndarray) -> list[int]:
    try:
        found = [check_integer(who, "boundaries", one, 1) for one in boundaries]
    except TypeError:
        raise ValueError(f"{who}: boundaries: expected integers, got {shown(boundaries)}") from None
    if not found or any(a >= b for a, b in itertools.pairwise(found)):
        raise ValueError(f"{who}: boundaries: expected rising integers, got {shown(boundaries)}")
    longest = int(lengths.argmax())
    if lengths[longest] > found[-1]:
        raise ValueError(
            f"{who}: boundaries: expected a last one of at least {lengths[longest]}, the length of "
            f"sample {longest}, got {found[-1]}"
        )
    return found


def _chosen_boundaries(lengths: np.ndarray) -> list[int]:
    """The boundaries with which the least is padded, by dynamic programming over the lengths."""
    ordered = np.sort(np.maximum(lengths, 1))
    candidates = np.unique(ordered)
    if len(candidates) > _CANDIDATES:
        places = np.linspace(0, len(ordered) - 1, _CANDIDATES).round().astype(int)
        candidates = np.unique(ordered[places])
    counts = np.searchsorted(ordered, candidates, side="right")  # samples that are not longer
    # costs[i, j]: the elements of a bucket of the samples longer than candidate i, up to j.
    costs = (counts - counts[:, None]) * candidates.astype(np.float64)
    costs[np.tril_indices(len(candidates), -1)] = np.inf
    least = counts * candidates.astype(np.float64)
    choices = []
    for _ in range(_BUCKETS - 1):
        sums = least[:, None] + costs
        choices.append(sums.argmin(axis=0))
        least = sums.min(axis=0)
    place = len(candidates) - 1
    places = {place}
    for choice in reversed(choices):
        place = int(choice[place])  # the same place where a further bucket saves nothing
        places.add(place)
    return candidates[sorted(places)].tolist()
