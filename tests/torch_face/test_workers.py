"""Workers of a DataLoader: processes and threads."""

import multiprocessing
import os
import random
import signal
import time

import children
import numpy as np
import pytest

import fastdl
from fastdl.data import (
    ChainDataset,
    DataLoader,
    Dataset,
    IterableDataset,
    StackDataset,
    TensorDataset,
    default_convert,
    get_worker_info,
)

# Of Python, where a process with threads forks.
pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")

LARGE = 40_000  # numbers: such samples travel in shared memory


class Numbers(Dataset):
    def __init__(self, count=11, size=3):
        self.count, self.size = count, size

    def __len__(self):
        return self.count

    def __getitem__(self, i):
        return np.full(self.size, i, np.float32), {"square": i**2, "name": str(i)}


class Failing(Numbers):
    def __init__(self, error):
        super().__init__()
        self.error = error

    def __getitem__(self, i):
        if i == 4:
            raise self.error
        return i


class Stubborn(Numbers):
    """Its sample 4 never comes, or ends the process."""

    def __init__(self, end):
        super().__init__()
        self.end = end

    def __getitem__(self, i):
        if i == 4:
            if self.end:
                os.kill(os.getpid(), signal.SIGKILL)
            time.sleep(1000)
        return i


class Stream(IterableDataset):
    def __iter__(self):
        info = get_worker_info()
        if info is None:
            return iter(range(11))
        assert info.dataset is self
        return iter(range(info.id, 11, info.num_workers))


class Drawn(Numbers):
    def __getitem__(self, i):
        by_numpy = np.random.rand()  # noqa: NPY002 - of all three, workers set the seed
        return fastdl.rand(1).item(), by_numpy, random.random(), get_worker_info().id


class TwoTexts(Exception):
    def __init__(self, one, two):
        super().__init__(one, two)


def start(number):
    print(f"worker {number}", flush=True)


def refuse(number):
    raise OSError(f"worker {number} has no disk")


def none_left():
    """Whether the children end that this test started."""
    until = time.monotonic() + 20
    while multiprocessing.active_children() and time.monotonic() < until:
        time.sleep(0.01)
    return not multiprocessing.active_children()


@pytest.mark.parametrize("context", ["fork", "spawn", "forkserver", "thread"])
def test_workers_give_the_batches_of_the_process_itself(context):
    fastdl.ones(1 << 16).sum()  # the threads of the core are there when a worker is forked

    def batches(size, **options):
        generator = fastdl.Generator().manual_seed(3)
        loader = DataLoader(Numbers(size=size), 3, shuffle=True, generator=generator, **options)
        return [
            [(x[:, -1].tolist(), more["square"].tolist(), more["name"]) for x, more in loader]
            for _ in range(2)
        ]

    sizes = (3, LARGE) if context != "forkserver" else (LARGE,)
    for size in sizes:
        options = {"num_workers": 2, "multiprocessing_context": context, "timeout": 60}
        keep = context != "thread"
        assert batches(size, persistent_workers=keep, **options) == batches(size)
    assert none_left()


def test_batches_can_be_changed_and_kept():
    kept = list(DataLoader(Numbers(size=LARGE), 1, num_workers=2))
    for x, _ in kept:
        x += 1
    assert [x[0, -1].item() for x, _ in kept] == list(range(1, 12))
    assert [x.shape for x, _ in kept] == [(1, LARGE)] * 11


def test_without_batches_and_with_an_own_collate_function():
    loader = DataLoader(Numbers(4), batch_size=None, num_workers=2)
    assert [(x.tolist(), more["name"]) for x, more in loader][3] == ([3, 3, 3], "3")
    loader = DataLoader(Numbers(4), batch_sampler=[[3, 0], [1]], num_workers=1, collate_fn=len)
    assert list(loader) == [2, 1]
    loader = DataLoader(Numbers(), 2, num_workers=2, in_order=False, prefetch_factor=1)
    squares = [square for _, more in loader for square in more["square"].tolist()]
    assert sorted(squares) == [i**2 for i in range(11)]


def test_streams_are_split():
    loader = DataLoader(Stream(), 2, num_workers=3)
    # Worker 0 has 0, 3, 6, 9, worker 1 has 1, 4, 7, 10, worker 2 has 2, 5, 8.
    assert [b.tolist() for b in loader] == [[0, 3], [1, 4], [2, 5], [6, 9], [7, 10], [8]]
    loader = DataLoader(Stream(), 2, num_workers=3, drop_last=True, persistent_workers=True)
    for _ in range(2):
        assert len(list(loader)) == 5
    assert list(DataLoader(Stream(), None, num_workers=3)) == list(range(11))


def test_seeds_of_workers():
    def passes(seed, **options):
        generator = fastdl.Generator().manual_seed(seed)
        loader = DataLoader(Drawn(4), 1, num_workers=2, generator=generator, **options)
        return [[tuple(v.item() for v in batch) for batch in loader] for _ in range(2)]

    first = passes(5)
    assert first == passes(5)
    assert [number for *_, number in first[0]] == [0, 1, 0, 1]
    values = [value for one in first for sample in one for value in sample[:3]]
    assert len(set(values)) == len(values)  # other numbers in each worker and pass
    assert passes(6)[0] != first[0]
    state = fastdl.get_rng_state()
    DataLoader(Drawn(4), 1, num_workers=1)
    assert fastdl.get_rng_state() == state


def test_worker_init_fn_and_info(capfd):
    assert get_worker_info() is None
    rows = TensorDataset(fastdl.arange(4))
    assert len(list(DataLoader(rows, 2, num_workers=2, worker_init_fn=start))) == 2
    printed = capfd.readouterr().out
    assert printed.count("worker 0") == printed.count("worker 1") == 1
    with pytest.raises(OSError, match=r"worker 0 has no disk") as caught:
        list(DataLoader(Numbers(), num_workers=2, worker_init_fn=refuse))
    assert "Caught OSError in DataLoader worker process 0" in str(caught.value)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ValueError("wrong"), ValueError),
        (KeyError("wrong"), KeyError),
        (TwoTexts("wrong", "text"), RuntimeError),
        (StopIteration("wrong"), RuntimeError),
    ],
)
def test_errors_of_workers(error, kind):
    loader = DataLoader(Failing(error), 2, num_workers=2)
    batches = iter(loader)
    assert [next(batches).tolist() for _ in range(2)] == [[0, 1], [2, 3]]
    with pytest.raises(kind, match=r"Original Traceback[\s\S]*in __getitem__[\s\S]*wrong"):
        next(batches)
    assert next(batches).tolist() == [6, 7]  # the workers are still there
    with pytest.raises(kind):
        list(loader)
    del batches
    assert none_left()


def test_what_cannot_be_sent_is_named():
    class Functions(Numbers):
        def __getitem__(self, i):
            return lambda: i

    loader = DataLoader(Functions(), None, num_workers=1, multiprocessing_context="fork")
    with pytest.raises(Exception, match=r"the batch cannot be pickled[\s\S]*lambda"):
        next(iter(loader))


def test_workers_that_die_or_hang():
    with pytest.raises(RuntimeError, match=r"worker 0 \(pid\(s\) \d+\) exited unexpectedly.* 9"):
        list(DataLoader(Stubborn(end=True), 2, num_workers=2))
    with pytest.raises(RuntimeError, match=r"timed out after 0.2 seconds"):
        list(DataLoader(Stubborn(end=False), 2, num_workers=2, timeout=0.2))
    assert none_left()


def test_workers_end_with_the_loop():
    for _ in DataLoader(Numbers(), num_workers=2):
        break
    assert none_left()

    def stops():
        for _ in DataLoader(Numbers(), num_workers=2):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        stops()
    assert none_left()


def test_one_pass_at_a_time_with_persistent_workers():
    loader = DataLoader(Numbers(), 3, num_workers=2, persistent_workers=True)
    first = iter(loader)
    next(first)
    pids = [process.pid for process in multiprocessing.active_children()]
    assert len(list(loader)) == 4
    assert [process.pid for process in multiprocessing.active_children()] == pids
    with pytest.raises(RuntimeError, match="a newer pass over this loader has ended this one"):
        next(first)
    del loader, first
    assert none_left()


FOREVER = r"""
import os, sys, time
from fastdl.data import DataLoader, Dataset
class Slow(Dataset):
    def __len__(self):
        return 1000
    def __getitem__(self, i):
        os.write(1, b"%d\n" % os.getpid())
        time.sleep(0.05 if i < 20 else 1000)
        return i
for batch in DataLoader(Slow(), num_workers=2, multiprocessing_context="fork"):
    pass
"""


def is_there(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="looks into /proc")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL, signal.SIGTERM])
def test_no_worker_outlives_its_parent(number, tmp_path):
    child = children.start("-c", FOREVER, cwd=tmp_path, start_new_session=True)
    with child:
        pids = set()
        while len(pids) < 2:
            pids.add(int(child.stdout.readline()))
        if number == signal.SIGINT:
            os.killpg(child.pid, number)  # as a terminal does
        else:
            child.send_signal(number)
        assert child.wait(60) == -number
        until = time.monotonic() + 20
        while any(map(is_there, pids)) and time.monotonic() < until:
            time.sleep(0.05)
        assert not any(map(is_there, pids))


def test_fit_with_workers():
    x = np.random.default_rng(0).standard_normal((32, 3)).astype("float32")
    rows = StackDataset(x, x.sum(1, keepdims=True))
    losses = []
    for workers in (0, 2):
        fastdl.manual_seed(0)
        fastdl.utils.clear_session()
        model = fastdl.Sequential([fastdl.layers.Input((3,)), fastdl.layers.Dense(1)])
        model.compile("sgd", "mse")
        loader = DataLoader(rows, 8, shuffle=True, num_workers=workers)
        losses.append(model.fit(loader, epochs=3, verbose=0).history["loss"])
    assert losses[0] == losses[1]


# --- data sets and functions that came with workers


def test_chain_and_stack():
    both = Stream() + Stream()
    assert type(both) is ChainDataset and list(both) == 2 * list(range(11))
    with pytest.raises(TypeError, match="no len"):
        len(both)
    with pytest.raises(TypeError, match=r"expected instances of IterableDataset, got \[1"):
        list(ChainDataset([[1, 2]]))
    pairs = StackDataset([1, 2], "ab")
    assert len(pairs) == 2 and pairs[1] == (2, "b")
    for wrong in ((), ([1], [1, 2])):
        with pytest.raises(ValueError, match="StackDataset: expected data sets"):
            StackDataset(*wrong)
    with pytest.raises(ValueError, match="got both"):
        StackDataset([1], b=[2])


def test_default_convert():
    converted = default_convert({"a": np.ones(2, "float32"), "b": [1, np.int64(3), ("x",)]})
    assert converted["a"].tolist() == [1, 1] and converted["b"][0] == 1
    assert converted["b"][1].item() == 3 and converted["b"][2] == ["x"]
    assert default_convert(np.array(["a"])).tolist() == ["a"]


def test_state_of_generators():
    one = fastdl.Generator().manual_seed(3)
    fastdl.rand(5, generator=one)
    other = one.clone_state()
    assert fastdl.rand(3, generator=one).tolist() == fastdl.rand(3, generator=other).tolist()
    assert one.get_offset() == other.get_offset() > 0 and one.device.type == "cpu"
    assert fastdl.rand(1, generator=one.set_offset(0)) == fastdl.rand(
        1, generator=fastdl.Generator().manual_seed(3)
    )
    assert one.seed() == one.initial_seed() != 3
