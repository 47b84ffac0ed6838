"""PyDataset: Keras's base class for data that comes as batches, by index."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

from .._base.notices import warn_once


class PyDataset:
    """Base class of data sets that make whole batches; `fit` shuffles their order.

    A subclass defines `__getitem__(index)`, which returns (x, y) or (x, y, sample_weight), and
    `__len__` or `num_batches`, the number of batches; without either the batches never end. `fit`
    calls `on_epoch_begin` and `on_epoch_end` around each epoch.

    Args:
        workers, use_multiprocessing: more than 1 worker, or processes, give a warning: this process
            makes the batches, one after the other.
        max_queue_size: the length of the queue of workers; changes no result.

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
        if workers > 1 or use_multiprocessing:
            warn_once(
                f"PyDataset: workers={workers}, use_multiprocessing={use_multiprocessing}: there "
                "are no workers yet; batches are made one after the other in this process"
            )
        self.workers = workers
        self.use_multiprocessing = use_multiprocessing
        self.max_queue_size = max_queue_size

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
