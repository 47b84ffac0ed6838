"""Batches made by threads ahead of the one that uses them."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    Part = TypeVar("Part")
    Batch = TypeVar("Batch")


def made_ahead(
    batches: Iterable[tuple[Batch, Sequence[Part]]],
    make: Callable[[Batch, int, Part], Any],
    workers: int,
    ahead: int,
) -> Iterator[tuple[Batch, list[Any]]]:
    """Batches in order, of which `workers` threads make the parts.

    Args:
        batches: of each the object that its parts go to, and the parts. At most `ahead + 1` are
            taken from it before one has been used.
        make: called by a thread with the object, the place of a part and the part.
        workers: the number of threads, at least 1.
        ahead: the number of batches that may be ready or in work.

    Yields:
        The object and what `make` returned for its parts.

    An error in `make` is raised where its batch is due. When the iterator is closed, collected or
    left by an error or Ctrl-C, parts that no thread has begun are dropped.
    """
    from concurrent.futures import Future, ThreadPoolExecutor

    pool = ThreadPoolExecutor(workers, thread_name_prefix="fastdl-images")
    waiting: deque[tuple[Batch, list[Future[Any]]]] = deque()

    def finished() -> tuple[Batch, list[Any]]:
        batch, parts = waiting.popleft()
        return batch, [part.result() for part in parts]

    try:
        for batch, parts in batches:
            waiting.append(
                (batch, [pool.submit(make, batch, i, part) for i, part in enumerate(parts)])
            )
            if len(waiting) > ahead:
                yield finished()
        while waiting:
            yield finished()
    finally:
        # Without waiting: the last reference may be dropped by one of the threads.
        pool.shutdown(wait=False, cancel_futures=True)
