"""Samplers: the order of the samples of a data set."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _core
from .._base import functional as F
from .._base.moving import is_integer
from .._base.random import drawing_from, numpy_generator

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence, Sized

    from .._base.random import Generator
    from .._core import Tensor, TensorLike


class Sampler:
    """Base class: define `__iter__` over indices, and `__len__`."""

    def __init__(self, data_source: Any = None) -> None:
        self.data_source = data_source

    def __iter__(self) -> Iterator[Any]:
        raise NotImplementedError(f"{type(self).__name__} must define __iter__")

    def __len__(self) -> int:
        raise NotImplementedError(f"{type(self).__name__} must define __len__")


class SequentialSampler(Sampler):
    """0, 1, 2, ..."""

    def order(self) -> Tensor:
        """The indices as one int64 tensor."""
        return _core.as_tensor(np.arange(len(self.data_source)))

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self.data_source)))

    def __len__(self) -> int:
        return len(self.data_source)


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
        self.replacement = replacement
        self.generator = generator
        self._num_samples = num_samples
        if self.num_samples <= 0:
            raise ValueError(
                "num_samples should be a positive integer value, but got "
                f"num_samples={self.num_samples}"
            )

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

    def __iter__(self) -> Iterator[int]:
        return iter(self.order().tolist())

    def __len__(self) -> int:
        return self.num_samples


class SubsetRandomSampler(Sampler):
    """The given indices in a new random order at every pass."""

    def __init__(self, indices: Sequence[int], generator: Generator | None = None) -> None:
        super().__init__()
        self.indices = indices
        self.generator = generator

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
        if isinstance(num_samples, bool) or not is_integer(num_samples) or num_samples <= 0:
            raise ValueError(
                f"num_samples should be a positive integer value, but got num_samples={num_samples}"
            )
        self.weights = np.asarray(weights, dtype=np.float64)
        usable = np.count_nonzero(self.weights)
        if self.weights.ndim != 1 or not (self.weights >= 0).all() or not usable:
            raise ValueError("weights should be a vector of values of at least 0, not all 0")
        if not replacement and num_samples > usable:
            raise ValueError(f"cannot draw {num_samples} of {usable} samples without replacement")
        self.num_samples = num_samples
        self.replacement = replacement
        self.generator = generator

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
        if isinstance(batch_size, bool) or not is_integer(batch_size) or batch_size <= 0:
            raise ValueError(
                f"batch_size should be a positive integer value, but got batch_size={batch_size}"
            )
        if not isinstance(drop_last, bool):
            raise ValueError(f"drop_last should be a boolean value, but got drop_last={drop_last}")
        self.sampler = sampler
        self.batch_size = batch_size
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
