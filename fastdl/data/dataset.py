"""Data sets: samples by index, or as a stream."""

from __future__ import annotations

import bisect
import itertools
import math
import warnings
from typing import TYPE_CHECKING, Any

from .. import _core
from .._base import functional as F
from .._base.checks import shown
from .._base.random import drawing_from
from .generic import OfSamples, Sample

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Protocol

    from .._base.random import Generator
    from .._core import Tensor, TensorLike

    class Indexable(Protocol):
        """Samples by index: a `Dataset`, a list, a range."""

        def __getitem__(self, index: Any, /) -> Any: ...
        def __len__(self) -> int: ...


class Dataset(OfSamples[Sample]):
    """Base class of data sets with samples by index: define `__getitem__` and `__len__`."""

    yields_samples = True  # not batches: `fit` asks for a DataLoader around it

    def __getitem__(self, index: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} must define __getitem__")

    def __len__(self) -> int:
        raise NotImplementedError(f"{type(self).__name__} must define __len__")

    def __add__(self, other: Dataset) -> ConcatDataset:
        return ConcatDataset([self, other])


class IterableDataset(OfSamples[Sample]):
    """Base class of data sets that are streams: define `__iter__`."""

    def __iter__(self) -> Iterator[Any]:
        raise NotImplementedError(f"{type(self).__name__} must define __iter__")

    def __add__(self, other: IterableDataset) -> ChainDataset:
        return ChainDataset([self, other])


class ChainDataset(IterableDataset[Sample]):
    """Several streams one after the other.

    Args:
        datasets: instances of `IterableDataset`.

    Raises:
        TypeError: in a pass, when one is not.

    Source: `torch.utils.data.ChainDataset` of PyTorch 2.13.

    Example:
        >>> class Count(IterableDataset):
        ...     def __iter__(self):
        ...         return iter(range(2))
        >>> list(ChainDataset([Count(), Count()]))
        [0, 1, 0, 1]
    """

    def __init__(self, datasets: Iterable[IterableDataset]) -> None:
        if not hasattr(datasets, "__iter__") or isinstance(datasets, str):
            raise TypeError(
                f"ChainDataset: datasets: expected instances of IterableDataset, got "
                f"{shown(datasets)}"
            )
        self.datasets = datasets

    def __iter__(self) -> Iterator[Any]:
        for dataset in self.datasets:
            if not isinstance(dataset, IterableDataset):
                raise TypeError(
                    "ChainDataset: datasets: expected instances of IterableDataset, got "
                    f"{shown(dataset)}"
                )
            yield from dataset

    def __len__(self) -> int:
        return sum(len(dataset) for dataset in self.datasets)  # type: ignore[arg-type, misc]


class TensorDataset(Dataset):
    """Tensors or arrays with as many rows; sample i is the tuple of their rows i.

    Args:
        tensors: at least one, with at least one axis; arrays share their memory where possible.

    Raises:
        ValueError: no tensors, or their numbers of rows differ.

    Example:
        >>> data = TensorDataset(np.zeros((3, 2), "float32"), np.arange(3))
        >>> len(data), data[2][1].item()
        (3, 2)
    """

    tensors: tuple[Tensor, ...]

    def __init__(self, *tensors: TensorLike) -> None:
        self.tensors = tuple(_core.as_tensor(t) for t in tensors)
        shapes = [t.shape for t in self.tensors]
        if not shapes or not all(shapes) or len({shape[0] for shape in shapes}) > 1:
            raise ValueError(
                f"TensorDataset: expected tensors with the same number of rows, got shapes {shapes}"
            )

    def __getitem__(self, index: Any) -> tuple[Tensor, ...]:
        return tuple(t[index] for t in self.tensors)

    def __len__(self) -> int:
        return self.tensors[0].shape[0]


class Subset(Dataset[Sample]):
    """The samples of a data set at the given indices.

    Example:
        >>> Subset([10, 20, 30], [2, 0])[0]
        30
    """

    def __init__(self, dataset: Indexable, indices: Sequence[int]) -> None:
        for argument, value in (("dataset", dataset), ("indices", indices)):
            if not hasattr(value, "__getitem__"):
                raise TypeError(
                    f"Subset: {argument}: expected a sequence or a data set, got {shown(value)}"
                )
        self.dataset = dataset
        self.indices = indices

    def __getitem__(self, index: int | list[int]) -> Any:
        if isinstance(index, list):
            return self.dataset[[self.indices[i] for i in index]]
        return self.dataset[self.indices[index]]

    def __len__(self) -> int:
        return len(self.indices)


class StackDataset(Dataset):
    """Several data sets side by side: a sample is the tuple, or the dict, of their samples.

    Args:
        args: data sets of one length; a sample is a tuple.
        kwargs: or data sets by name; a sample is a dict.

    Raises:
        ValueError: there are none, both kinds are given, or their lengths differ.

    Source: `torch.utils.data.StackDataset` of PyTorch 2.13.

    Example:
        >>> StackDataset(image=[1, 2], text=["a", "b"])[1]
        {'image': 2, 'text': 'b'}
    """

    datasets: tuple[Indexable, ...] | dict[str, Indexable]

    def __init__(self, *args: Indexable, **kwargs: Indexable) -> None:
        if bool(args) == bool(kwargs):
            raise ValueError(
                "StackDataset: expected data sets either by place or by name, got "
                + ("both" if args else "none")
            )
        parts = args or tuple(kwargs.values())
        for part in parts:
            if not hasattr(part, "__getitem__") or not hasattr(part, "__len__"):
                raise TypeError(
                    f"StackDataset: expected data sets with samples by index, got {shown(part)}"
                )
        lengths = [len(part) for part in parts]
        if len(set(lengths)) > 1:
            raise ValueError(
                f"StackDataset: expected data sets of the same length, got lengths {lengths}"
            )
        self.datasets = args or kwargs
        self._length = lengths[0]

    def __getitem__(self, index: int) -> tuple[Any, ...] | dict[str, Any]:
        if isinstance(self.datasets, dict):
            return {name: part[index] for name, part in self.datasets.items()}
        return tuple(part[index] for part in self.datasets)

    def __len__(self) -> int:
        return self._length


class ConcatDataset(Dataset[Sample]):
    """Several data sets one after the other.

    Raises:
        ValueError: there are no data sets.

    Example:
        >>> both = ConcatDataset([[1, 2], [3]])
        >>> len(both), both[2], both[-3]
        (3, 3, 1)
    """

    def __init__(self, datasets: Iterable[Indexable]) -> None:
        try:
            self.datasets = list(datasets)
            lengths = [len(one) for one in self.datasets]
        except TypeError:
            raise TypeError(
                f"ConcatDataset: datasets: expected data sets with a length, got {shown(datasets)}"
            ) from None
        if not self.datasets:
            raise ValueError("ConcatDataset: expected at least one data set as datasets, got none")
        self.cumulative_sizes = list(itertools.accumulate(lengths))

    def __getitem__(self, index: int) -> Any:
        size = len(self)
        if not -size <= index < size:
            raise IndexError(f"index {index} is out of range for {size} samples")
        index %= size
        which = bisect.bisect_right(self.cumulative_sizes, index)
        before = self.cumulative_sizes[which - 1] if which else 0
        return self.datasets[which][index - before]

    def __len__(self) -> int:
        return self.cumulative_sizes[-1]


def random_split(
    dataset: Indexable, lengths: Sequence[float], generator: Generator | None = None
) -> list[Subset]:
    """Cuts a data set at random into parts that don't overlap.

    Args:
        dataset: anything with a length and samples by index.
        lengths: sizes that add up to the data set's, or fractions that add up to 1 (samples that
            rounding leaves over go to the parts in turn).
        generator: a `fastdl.Generator`; None for the library's own. The same seed gives the same
            parts.

    Raises:
        ValueError: the lengths don't add up.

    Example:
        >>> [len(part) for part in random_split(range(10), [0.8, 0.2])]
        [8, 2]
    """
    total = len(dataset)
    sizes = list(lengths)
    if math.isclose(sum(sizes), 1) and sum(sizes) <= 1:
        for i, fraction in enumerate(sizes):
            if not 0 <= fraction <= 1:
                raise ValueError(f"Fraction at index {i} is not between 0 and 1")
        sizes = [math.floor(total * fraction) for fraction in sizes]
        for i in range(total - int(sum(sizes))):
            sizes[i % len(sizes)] += 1
        for i, size in enumerate(sizes):
            if size == 0:
                warnings.warn(f"random_split: part {i} is empty", stacklevel=2)
    if sum(sizes) != total:
        raise ValueError(
            "Sum of input lengths does not equal the length of the input dataset! "
            f"({sum(sizes)} and {total})"
        )
    with drawing_from(generator):
        order = F.permutation(n=total).tolist()
    stops = itertools.accumulate(int(size) for size in sizes)
    return [
        Subset(dataset, order[stop - int(size) : stop])
        for size, stop in zip(sizes, stops, strict=True)
    ]
