"""One pass over the batches that workers make."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from .transport import Arrived
from .workers import END, FAILED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from typing_extensions import Self

    from .workers import Pool

_NO_MORE = object()


class Pass:
    """The batches of one pass.

    Each worker has up to `ahead` tasks. They go to the workers in turn, so that the same seed gives
    the same random numbers; without order the next task goes to the worker with the fewest.

    Args:
        pool: the workers; a newer pass ends this one.
        tasks: what they make batches of.
        ahead: how many tasks a worker has.
        timeout: how many seconds to wait for a batch, 0 for no limit.
        in_order: whether the batches come in the order of the tasks.
        keep: whether the workers go on to live after the pass.
    """

    def __init__(
        self,
        pool: Pool,
        tasks: Iterator[Any],
        ahead: int,
        timeout: float,
        in_order: bool,
        keep: bool,
    ) -> None:
        self._pool, self._tasks = pool, tasks
        self._timeout, self._in_order, self._keep = timeout, in_order, keep
        pool.turn += 1
        self._turn = pool.turn
        self._sent = self._due = 0
        self._last = -1  # the worker that got the last task
        self._workers: dict[int, int] = {}  # which has the task of this number
        self._arrived: dict[int, Arrived] = {}
        self._active = list(range(len(pool.processes)))  # those whose streams go on
        try:
            for _ in range(ahead * len(self._active)):
                self._give()
        except BaseException:
            pool.stop()
            raise

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Any:
        if self._turn != self._pool.turn:
            raise RuntimeError(
                "DataLoader: a newer pass over this loader has ended this one: with "
                "persistent_workers=True its workers serve one pass at a time"
            )
        try:
            arrived = self._next()
            value: Any = None if arrived is None else arrived.value()
        except BaseException:  # Ctrl-C, a worker that died, the sampler's error
            self._pool.stop()
            raise
        if arrived is None:
            if not self._keep:
                self._pool.stop()
            raise StopIteration
        if arrived.head[2] == FAILED:
            # The pass may go on, for the worker lives. Who keeps the error keeps this frame, and
            # should not keep the workers.
            del self
            raise value.again()
        return value

    def _next(self) -> Arrived | None:
        """The next result that is no end of a stream."""
        while (arrived := self._wait()) is not None:
            _, place, kind = arrived.head
            worker = self._workers.pop(place)
            if kind == END and worker in self._active:
                self._active.remove(worker)
            self._give()
            if kind != END:
                return arrived
        return None

    def _give(self) -> None:
        """The next task to the next worker."""
        if not self._active:
            return
        task = next(self._tasks, _NO_MORE)
        if task is _NO_MORE:
            return
        count = len(self._pool.processes)
        turns = sorted(self._active, key=lambda worker: (worker - self._last - 1) % count)
        if not self._in_order:
            waiting = list(self._workers.values())
            turns.sort(key=waiting.count)
        worker = turns[0]
        try:
            self._pool.connections[worker].send((self._turn, self._sent, task))
        except OSError:
            self._raise_if_dead([worker])
            raise
        self._workers[self._sent] = self._last = worker
        self._sent += 1

    def _wait(self) -> Arrived | None:
        """The result that is due. None if no task is left."""
        until = time.monotonic() + self._timeout if self._timeout else None
        while True:
            if not self._in_order and self._arrived:
                return self._arrived.pop(next(iter(self._arrived)))
            if self._in_order and self._due in self._arrived:
                self._due += 1
                return self._arrived.pop(self._due - 1)
            if not self._workers:
                return None
            self._receive(until)

    def _receive(self, until: float | None) -> None:
        """Takes what has arrived from all workers."""
        from multiprocessing.connection import wait

        pool = self._pool
        left = None if until is None else max(0.0, until - time.monotonic())
        ends = [process.sentinel for process in pool.processes]
        ready = wait([*pool.connections, *ends], left)
        if not ready:
            raise RuntimeError(f"DataLoader timed out after {self._timeout} seconds")
        dead = []
        for worker, connection in enumerate(pool.connections):
            if connection in ready:
                try:
                    arrived = Arrived(connection)
                except (EOFError, OSError):
                    dead.append(worker)
                    continue
                if arrived.head[0] == self._turn:
                    self._arrived[arrived.head[1]] = arrived
            elif ends[worker] in ready:
                dead.append(worker)
        self._raise_if_dead(dead)

    def _raise_if_dead(self, workers: list[int]) -> None:
        for worker in workers:
            process = self._pool.processes[worker]
            process.join(1.0)
            code = process.exitcode
            how = f"killed by signal {-code}" if code is not None and code < 0 else f"status {code}"
            raise RuntimeError(
                f"DataLoader worker {worker} (pid(s) {process.pid}) exited unexpectedly: {how}"
            )
