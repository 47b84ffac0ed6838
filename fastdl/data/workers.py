"""Processes that make the batches of a DataLoader."""

from __future__ import annotations

import os
import queue
import signal
import threading
import time
import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .transport import send

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection

_LOOKS_EVERY = 1.0  # seconds: how often a worker looks whether its parent is still there

DATA, END, FAILED = range(3)  # what a result is: a batch, the end of a stream, an error


@dataclass
class WorkerInfo:
    """What `get_worker_info` returns in a worker.

    Attributes:
        id: the number of the worker, from 0.
        num_workers: how many there are.
        seed: the seed of the worker's random numbers.
        dataset: the worker's copy of the data set.
    """

    id: int
    num_workers: int
    seed: int
    dataset: Any


_info: WorkerInfo | None = None


def get_worker_info() -> WorkerInfo | None:
    """In a process of a `DataLoader` what it is: id, num_workers, seed, dataset; elsewhere None.

    An `IterableDataset` uses it so that each worker gives a part of the samples.

    Source: `torch.utils.data.get_worker_info` of PyTorch 2.13.

    Example:
        >>> class Numbers(fastdl.data.IterableDataset):
        ...     def __iter__(self):
        ...         info = get_worker_info()
        ...         return iter(range(6) if info is None else range(info.id, 6, info.num_workers))
        >>> options = {"num_workers": 2, "multiprocessing_context": "fork"}
        >>> list(fastdl.data.DataLoader(Numbers(), batch_size=None, **options))
        [0, 1, 2, 3, 4, 5]
    """
    return _info


@dataclass
class Failure:
    """An error of a worker: the type if it can be sent, and a text with the traceback."""

    kind: type[BaseException] | None
    text: str

    @classmethod
    def of(cls, error: BaseException, where: str) -> Failure:
        """The error that is being handled."""
        name = type(error).__name__
        return cls(type(error), f"Caught {name} {where}.\nOriginal {traceback.format_exc()}")

    def again(self) -> BaseException:
        """An error of the same type with the text; RuntimeError if the type takes no text."""
        kind = self.kind
        if kind is None or issubclass(kind, (StopIteration, StopAsyncIteration)):
            return RuntimeError(self.text)
        try:
            if issubclass(kind, KeyError):
                return kind(_Shown(self.text))
            return kind(self.text)
        except Exception:
            return RuntimeError(self.text)


class _Shown(str):
    """A text that a KeyError shows with its lines."""

    def __repr__(self) -> str:
        return str(self)


@dataclass
class Job:
    """What all workers of a loader do.

    `make` gives a function of a task that makes a batch; it is called once in each pass.
    """

    dataset: Any
    make: Callable[[], Callable[[Any], Any]]
    workers: int
    init: Callable[[int], None] | None
    seed: int


def seed_all(seed: int) -> None:
    """Seeds the random numbers of the library, of NumPy and of Python in a worker."""
    import random

    import numpy as np

    from .._base.random import manual_seed

    manual_seed(seed)
    random.seed(seed)
    np.random.seed(np.random.SeedSequence(seed).generate_state(4))  # noqa: NPY002


class _Inbox:
    """The tasks of a worker, read by a thread: so sending one never waits for the worker.

    The thread also sees when the parent is gone, and ends the process, whatever it does.
    """

    def __init__(self, connection: Connection, parent: int | None) -> None:
        self.tasks: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.turn = 0  # of the newest pass; tasks of older ones need no work
        self.stopped = False
        self._connection, self._parent = connection, parent
        threading.Thread(target=self._read, daemon=True).start()

    def _parent_is_gone(self) -> bool:
        from multiprocessing import parent_process

        process = parent_process()
        # Other children can hold the pipe by which `is_alive` knows.
        other = self._parent is not None and os.getppid() != self._parent
        return other or process is None or not process.is_alive()

    def _read(self) -> None:
        while True:
            try:
                if not self._connection.poll(_LOOKS_EVERY):
                    if self._parent_is_gone():
                        os._exit(1)
                    continue
                task = self._connection.recv()
            except (EOFError, OSError):
                task = None  # the parent has closed the connection, or is at its end
            if task is None:
                break
            self.turn = task[0]
            self.tasks.put(task)
        self.stopped = True
        self.tasks.put(None)
        while not self._parent_is_gone():
            time.sleep(_LOOKS_EVERY)
        os._exit(1)

    def wanted(self, turn: int) -> bool:
        """Whether somebody waits for results of this pass."""
        return not self.stopped and turn == self.turn


class NotWanted(BaseException):
    """Ends the work on a batch that nobody waits for."""


_inbox: _Inbox | None = None
_turn = 0


def check_wanted() -> None:
    """In a worker, between samples: ends the work on a batch that nobody waits for."""
    if _inbox is not None and not _inbox.wanted(_turn):
        raise NotWanted


def work(
    job: Job, number: int, connection: Connection, others: list[Connection], parent: int | None
) -> None:
    """The main function of a worker.

    Args:
        job: what to do.
        number: of the worker.
        connection: to the parent.
        others: connections that a fork has copied and that are not the worker's.
        parent: the number of the parent's process, unless the parent started it indirectly.
    """
    global _info, _inbox
    # Ctrl-C goes to all processes of a terminal; the parent ends its workers. A handler of the
    # parent is not theirs.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    for other in others:
        other.close()
    _inbox = _Inbox(connection, parent)
    try:
        _serve(job, number, connection, _inbox)
    except (BrokenPipeError, ConnectionResetError):
        pass  # the parent has closed the connection and waits for no result


def _serve(job: Job, number: int, connection: Connection, inbox: _Inbox) -> None:
    global _info, _turn
    from .._base.config import set_num_threads

    where = f"in DataLoader worker process {number}"
    broken = None
    try:
        set_num_threads(1)
        seed = (job.seed + number) & ((1 << 64) - 1)
        seed_all(seed)
        _info = WorkerInfo(number, job.workers, seed, job.dataset)
        if job.init is not None:
            job.init(number)
    except Exception as error:
        broken = Failure.of(error, where)
    make, made_for = None, 0
    while (task := inbox.tasks.get()) is not None:
        turn, place, what = task
        if not inbox.wanted(turn):
            continue
        _turn = turn
        try:
            if broken is not None:
                _send_failure(connection, (turn, place), broken)
                continue
            if make is None or made_for != turn:
                make, made_for = job.make(), turn
            batch = make(what)
        except NotWanted:
            continue
        except StreamEnded:
            send(connection, (turn, place, END), None)
            continue
        except Exception as error:
            _send_failure(connection, (turn, place), Failure.of(error, where))
            continue
        try:
            send(connection, (turn, place, DATA), batch)
        except (BrokenPipeError, ConnectionResetError):
            return
        except Exception as error:
            text = f"while it sent a batch: the batch cannot be pickled, {where}"
            _send_failure(connection, (turn, place), Failure.of(error, text))
        del batch


class StreamEnded(Exception):
    """A worker's stream has no more batches."""


def _send_failure(connection: Connection, place: tuple[int, int], failure: Failure) -> None:
    """Sends an error; without its type if the parent could not find that."""
    import pickle

    try:
        pickle.loads(pickle.dumps(failure))
    except Exception:
        failure = Failure(None, failure.text)
    send(connection, (*place, FAILED), failure)


class Pool:
    """The processes of a loader, with a connection to each.

    They end when the pool is collected, `stop` is called, or this process ends in any way.
    """

    def __init__(self, job: Job, context: Any) -> None:
        import weakref
        from multiprocessing import Pipe

        self.turn = 0  # the number of the pass
        self.owner = os.getpid()
        self.processes: list[Any] = []
        self.connections: list[Connection] = []
        self._stop = weakref.finalize(self, _end, os.getpid(), self.processes, self.connections)
        method = context.get_start_method()
        parent = None if method == "forkserver" else os.getpid()
        try:
            for number in range(job.workers):
                ours, theirs = Pipe()
                self.connections.append(ours)
                others = list(self.connections) if method == "fork" else []
                process = context.Process(
                    target=work,
                    args=(job, number, theirs, others, parent),
                    name=f"fastdl-data-{number}",
                    daemon=True,
                )
                try:
                    process.start()
                    self.processes.append(process)
                finally:
                    theirs.close()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Ends the processes."""
        self._stop()

    @property
    def running(self) -> bool:
        """Whether all are there, and this process started them."""
        ours = self._stop.alive and os.getpid() == self.owner
        return ours and all(process.is_alive() for process in self.processes)


_GRACE = 2.0  # seconds that workers get for the sample that they are at


def _end(owner: int, processes: list[Any], connections: list[Connection]) -> None:
    """Ends the processes: asks them, and then makes them."""
    if os.getpid() != owner:  # a fork has copied the pool
        return
    for connection in connections:
        try:
            connection.send(None)
        except OSError:
            pass  # it is gone
        connection.close()
    until = time.monotonic() + _GRACE
    for process in processes:
        process.join(max(0.0, until - time.monotonic()))
    left = [process for process in processes if process.is_alive()]
    for process in left:
        process.terminate()
    for process in left:
        process.join(_GRACE)
        if process.is_alive():
            process.kill()
            process.join()


def base_seed(state: tuple[int, int], passes: int) -> int:
    """A seed of a pass, of a generator's state and the number of the pass with that state.

    Nothing is drawn: so the order of the samples is the same as without workers.
    """
    import numpy as np

    words = np.random.SeedSequence([*state, passes]).generate_state(1, np.uint64)
    return int(words[0]) >> 1
