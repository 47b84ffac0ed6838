"""PyDataset: Keras's base class for data that comes as batches, by index."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

from .._base.checks import check_flag, check_integer
from .._base.notices import warn_once


class PyDataset:
    """Base class of data sets that make whole batches; `fit` shuffles their order.

    A subclass defines `__getitem__(index)`, which returns (x, y) or (x, y, sample_weight), and
    `__len__` or `num_batches`, the number of batches; without either the batches never end. `fit`
    calls `on_epoch_begin` and `on_epoch_end` around each epoch.

    Args:
        workers: with more than 1, so many threads make batches in `fit`, `evaluate` and `predict`
            ahead of their use. The batches come in the same order.
        use_multiprocessing: True gives a warning: threads make the batches, as with False.
        max_queue_size: how many batches the threads may have ready or in work; 0 counts as 1.

    Raises:
        ValueError: workers or max_queue_size is no integer in its range.

    Source: `keras.utils.PyDataset` of Keras 3.

    Example:
        >>> class Halves(utils.PyDataset):
        ...     def __init__(self, x, y, **kwargs):
        ...         super().__init__(**kwargs)
        ...         self.x, self.y = x, y
        ...     def __len__(self):
        ...         return 2
        ...     def __getitem__(self, index):
        ...         return self.x[index::2], self.y[index::2]
        >>> len(Halves(np.ones((8, 3)), np.ones(8)))
        2
    """

    def __init__(
        self, workers: int = 1, use_multiprocessing: bool = False, max_queue_size: int = 10
    ) -> None:
        who = type(self).__name__
        self.workers = check_integer(who, "workers", workers, 0)
        self.use_multiprocessing = check_flag(who, "use_multiprocessing", use_multiprocessing)
        self.max_queue_size = check_integer(who, "max_queue_size", max_queue_size, 0)
        if use_multiprocessing:
            warn_once(
                "PyDataset: use_multiprocessing=True: threads make the batches; those "
                "of a fastdl.data.DataLoader are processes"
            )

    def __getitem__(self, index: int) -> Any:
        raise NotImplementedError(
            f"{type(self).__name__}: a PyDataset defines __getitem__(index), which returns a batch"
        )

    @property
    def num_batches(self) -> int | None:
        """The number of batches, None if they never end."""
        return len(self) if hasattr(self, "__len__") else None

    def __iter__(self) -> Iterator[Any]:
        """The batches in their order."""
        count = self.num_batches
        for index in itertools.count() if count is None else range(count):
            yield self[index]

    def on_epoch_begin(self) -> None:
        """Called before each epoch."""

    def on_epoch_end(self) -> None:
        """Called after each epoch."""
