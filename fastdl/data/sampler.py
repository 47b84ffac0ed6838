"""Samplers: the order of the samples of a data set."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _core
from .._base import functional as F
from .._base.buckets import Buckets
from .._base.checks import check_count, check_flag, check_integer, shown
from .._base.random import Generator, drawing_from, numpy_generator
from .generic import OfSamples, Sample

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence, Sized

    from .._core import Tensor, TensorLike


def check_sized(who: str, argument: str, value: Any) -> None:
    """TypeError unless it has a length."""
    if not hasattr(value, "__len__"):
        raise TypeError(f"{who}: {argument}: expected something with a length, got {shown(value)}")


def check_generator(who: str, generator: Any) -> Any:
    """The generator; TypeError unless it is a `fastdl.Generator` or None."""
    drawing_from(generator, who)
    return generator


class Sampler(OfSamples[Sample]):
    """Base class: define `__iter__` over indices, and `__len__`."""

    def __init__(self, data_source: Any = None) -> None:
        self.data_source = data_source

    def __iter__(self) -> Iterator[Any]:
        raise NotImplementedError(f"{type(self).__name__} must define __iter__")

    def __len__(self) -> int:
        raise NotImplementedError(f"{type(self).__name__} must define __len__")


class SequentialSampler(Sampler):
    """0, 1, 2, ..."""

    def __init__(self, data_source: Any = None) -> None:
        super().__init__(data_source)
        check_sized("SequentialSampler", "data_source", data_source)

    at_once = True

    def order(self) -> Tensor:
        """The indices as one int64 tensor."""
        return _core.as_tensor(np.arange(len(self.data_source)))

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self.data_source)))

    def __len__(self) -> int:
        return len(self.data_source)


_PART = 1 << 20  # indices that are drawn at once


class RandomSampler(Sampler):
    """All indices in a new random order at every pass.

    Args:
        data_source: the data set.
        replacement: whether to draw each index independently of the others.
        num_samples: the number of indices in a pass; that of the samples by default.
        generator: a `fastdl.Generator`; None for the library's own.

    Raises:
        ValueError: num_samples isn't positive, or the data set is empty.
    """

    def __init__(
        self,
        data_source: Sized,
        replacement: bool = False,
        num_samples: int | None = None,
        generator: Generator | None = None,
    ) -> None:
        super().__init__(data_source)
        check_sized("RandomSampler", "data_source", data_source)
        self.replacement = check_flag("RandomSampler", "replacement", replacement)
        self.generator = check_generator("RandomSampler", generator)
        self._num_samples = check_count("RandomSampler", "num_samples", num_samples, 1)
        if not self.num_samples:
            raise ValueError("RandomSampler: data_source: expected at least one sample, got none")

    @property
    def num_samples(self) -> int:
        """How many indices one pass gives."""
        return len(self.data_source) if self._num_samples is None else self._num_samples

    def order(self) -> Tensor:
        """The indices of a new pass as one int64 tensor."""
        size, wanted = len(self.data_source), self.num_samples
        with drawing_from(self.generator):
            if self.replacement:
                return F.randint(shape=(wanted,), low=0, high=size)
            if wanted == size:
                return F.permutation(n=size)
            passes = [F.permutation(n=size) for _ in range(-(-wanted // size))]
            return F.slice(F.concat(passes), starts=[0], stops=[wanted], steps=[1])

    @property
    def at_once(self) -> bool:
        """Whether the indices of a pass are drawn together; a very long pass draws part by part."""
        return self.num_samples <= max(len(self.data_source), _PART)

    def _parts(self, generator: Generator) -> Iterator[int]:
        """The indices of a pass, of which few lie in memory."""
        size, left = len(self.data_source), self.num_samples
        while left > 0:
            with drawing_from(generator):
                if self.replacement:
                    part = F.randint(shape=(min(left, _PART),), low=0, high=size)
                else:
                    part = F.permutation(n=size)
            yield from part.tolist()[:left]
            left -= part.shape[0]

    def __iter__(self) -> Iterator[int]:
        if self.at_once:
            return iter(self.order().tolist())
        # What the program draws meanwhile does not change the order.
        with drawing_from(self.generator):
            seed = F.randint(shape=(1,), low=0, high=2**63 - 1).item()
        return self._parts(Generator().manual_seed(int(seed)))

    def __len__(self) -> int:
        return self.num_samples


class SubsetRandomSampler(Sampler):
    """The given indices in a new random order at every pass."""

    def __init__(self, indices: Sequence[int], generator: Generator | None = None) -> None:
        super().__init__()
        check_sized("SubsetRandomSampler", "indices", indices)
        self.indices = indices
        self.generator = check_generator("SubsetRandomSampler", generator)

    def __iter__(self) -> Iterator[int]:
        with drawing_from(self.generator):
            order = F.permutation(n=len(self.indices)).tolist()
        return iter([self.indices[i] for i in order])

    def __len__(self) -> int:
        return len(self.indices)


class WeightedRandomSampler(Sampler):
    """Indices drawn with the given weights, which needn't add up to 1.

    Raises:
        ValueError: num_samples isn't positive, a weight is negative or none is positive, or more
            samples are wanted without replacement than there are.
    """

    def __init__(
        self,
        weights: TensorLike,
        num_samples: int,
        replacement: bool = True,
        generator: Generator | None = None,
    ) -> None:
        super().__init__()
        who = "WeightedRandomSampler"
        self.num_samples = check_integer(who, "num_samples", num_samples, 1)
        try:
            self.weights = np.asarray(weights, dtype=np.float64)
        except (TypeError, ValueError):
            raise ValueError(f"{who}: weights: expected numbers, got {shown(weights)}") from None
        usable = np.count_nonzero(self.weights)
        finite = np.isfinite(self.weights).all()
        if self.weights.ndim != 1 or not finite or not (self.weights >= 0).all() or not usable:
            raise ValueError(
                f"{who}: weights: expected a vector of numbers of at least 0, not all 0, got "
                f"{shown(weights)}"
            )
        self.replacement = check_flag(who, "replacement", replacement)
        if not replacement and num_samples > usable:
            raise ValueError(
                f"{who}: num_samples: cannot draw {num_samples} of {usable} samples without "
                "replacement"
            )
        self.generator = check_generator(who, generator)

    def __iter__(self) -> Iterator[int]:
        rng = numpy_generator(self.generator)
        chances = self.weights / self.weights.sum()
        drawn = rng.choice(len(chances), self.num_samples, self.replacement, chances)
        return iter(drawn.tolist())

    def __len__(self) -> int:
        return self.num_samples


class BatchSampler(Sampler):
    """Lists of `batch_size` indices of another sampler; the last one may be shorter.

    Raises:
        ValueError: batch_size isn't a positive integer, or drop_last isn't a bool.

    Example:
        >>> list(BatchSampler(range(5), 2, False))
        [[0, 1], [2, 3], [4]]
    """

    def __init__(self, sampler: Iterable[int], batch_size: int, drop_last: bool) -> None:
        super().__init__()
        who = type(self).__name__
        if not hasattr(sampler, "__iter__") and not hasattr(sampler, "__getitem__"):
            raise TypeError(f"{who}: sampler: expected indices, got {shown(sampler)}")
        self.batch_size = check_integer(who, "batch_size", batch_size, 1)
        if not isinstance(drop_last, bool):
            raise ValueError(f"{who}: drop_last: expected True or False, got {shown(drop_last)}")
        self.sampler = sampler
        self.drop_last = drop_last

    def __iter__(self) -> Iterator[list[int]]:
        batch = []
        for index in self.sampler:
            batch.append(index)
            if len(batch) == self.batch_size:
                yield batch
                batch = []
        if batch and not self.drop_last:
            yield batch

    def __len__(self) -> int:
        count = len(self.sampler)  # type: ignore[arg-type]
        return count // self.batch_size if self.drop_last else -(-count // self.batch_size)


class BucketBatchSampler(Sampler):
    """Batches of samples of similar length, so that little is padded and few shapes occur.

    The samples are in buckets by their length. A batch is of one bucket; what is left of a bucket
    goes to the next longer one. So all batches but one have `batch_size` samples. A pass gives each
    sample once.

    Args:
        lengths: the length of each sample.
        batch_size: samples per batch.
        boundaries: the largest length of each bucket, rising. Unless given, up to eight of the
            lengths, with which the least is padded.
        shuffle: whether each pass has a new random order of samples and batches. Otherwise short
            samples come first, in their order.
        drop_last: leave out the batch that is smaller.
        generator: a `fastdl.Generator` for shuffle; None for the library's own.

    Attributes:
        boundaries: the boundaries, a list. A batch that is padded to the first of them that is not
            below its longest sample has one of these lengths.

    Raises:
        ValueError: no lengths, or ones that are no integers of at least 0; boundaries that do not
            rise or that a length exceeds; batch_size isn't a positive integer, or a flag no bool.

    Example:
        >>> sampler = BucketBatchSampler([3, 9, 2, 8, 3], 2, boundaries=[4, 10], shuffle=False)
        >>> list(sampler)
        [[0, 2], [4, 1], [3]]
    """

    def __init__(
        self,
        lengths: TensorLike,
        batch_size: int,
        boundaries: Iterable[int] | None = None,
        shuffle: bool = True,
        drop_last: bool = False,
        generator: Generator | None = None,
    ) -> None:
        super().__init__()
        who = type(self).__name__
        self.shuffle = check_flag(who, "shuffle", shuffle)
        self.drop_last = check_flag(who, "drop_last", drop_last)
        self.generator = check_generator(who, generator)
        self._buckets = Buckets(who, lengths, batch_size, boundaries)
        self.batch_size = int(batch_size)
        self.boundaries = self._buckets.boundaries

    def __iter__(self) -> Iterator[list[int]]:
        with drawing_from(self.generator):
            batches = self._buckets.batches(self.shuffle, self.drop_last)
        return iter([batch.rows.tolist() for batch in batches])

    def __len__(self) -> int:
        whole, rest = divmod(self._buckets.samples, self.batch_size)
        return whole + (rest > 0 and not self.drop_last)
