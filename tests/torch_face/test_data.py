"""Data sets, samplers, DataLoader."""

import itertools
from collections import namedtuple
from unittest import mock

import numpy as np
import pytest

import fastdl
from fastdl.data import (
    BatchSampler,
    ConcatDataset,
    DataLoader,
    Dataset,
    IterableDataset,
    RandomSampler,
    SequentialSampler,
    Subset,
    SubsetRandomSampler,
    TensorDataset,
    WeightedRandomSampler,
    default_collate,
    get_worker_info,
    random_split,
)
from fastdl.data import sampler as sampler_module

X = np.arange(20, dtype="float32").reshape(10, 2)
Y = np.arange(10)


class Squares(Dataset):
    """Makes its samples one by one."""

    def __getitem__(self, i):
        return X[i], int(Y[i]) ** 2

    def __len__(self):
        return 10


class Stream(IterableDataset):
    def __iter__(self):
        return iter(range(5))


def labels(loader):
    return [batch[1].tolist() for batch in loader]


# --- data sets


def test_tensor_dataset():
    data = TensorDataset(X, fastdl.tensor(Y))
    assert len(data) == 10
    x, y = data[3]
    assert x.tolist() == [6, 7] and y.item() == 3
    assert [t.shape for t in data[2:5]] == [(3, 2), (3,)]
    assert data.tensors[0].data_ptr() == X.ctypes.data
    with pytest.raises(IndexError):
        data[10]


@pytest.mark.parametrize("arrays", [(), (X, Y[:3]), (np.float32(1),)])
def test_tensor_dataset_wants_equal_lengths(arrays):
    with pytest.raises(ValueError, match="same number of rows, got shapes"):
        TensorDataset(*arrays)


def test_subset_and_concat():
    part = Subset(Squares(), [3, 1])
    assert len(part) == 2 and part[1][1] == 1
    both = part + Subset(Squares(), [5])
    assert type(both) is ConcatDataset and len(both) == 3
    assert [both[i][1] for i in (0, 2, -1)] == [9, 25, 25]
    with pytest.raises(IndexError, match="index 3 is out of range for 3 samples"):
        both[3]
    with pytest.raises(ValueError, match="at least one"):
        ConcatDataset([])


def test_random_split():
    parts = random_split(Squares(), [7, 3], fastdl.Generator().manual_seed(0))
    assert sorted(i for part in parts for i in part.indices) == list(range(10))
    again = random_split(Squares(), [7, 3], generator=fastdl.Generator().manual_seed(0))
    assert [p.indices for p in parts] == [p.indices for p in again]
    assert [len(p) for p in random_split(range(11), [0.5, 0.3, 0.2])] == [6, 3, 2]
    with pytest.raises(ValueError, match="Sum of input lengths does not equal"):
        random_split(range(10), [7, 4])
    with pytest.raises(ValueError, match="index 0 is not between"):
        random_split(range(10), [-0.5, 1.5])
    with pytest.warns(UserWarning, match="part 1 is empty"):
        random_split(range(2), [0.9, 0.1])


# --- samplers


def test_samplers():
    fastdl.manual_seed(0)
    assert list(SequentialSampler(Y)) == list(range(10))
    assert sorted(RandomSampler(Y)) == list(range(10))
    longer = list(RandomSampler(Y, num_samples=25))
    assert len(longer) == 25 and sorted(longer[:10]) == sorted(longer[10:20]) == list(range(10))
    drawn = RandomSampler(Y, replacement=True, num_samples=100)
    assert len(drawn) == 100 and set(drawn) <= set(range(10))
    assert sorted(SubsetRandomSampler([5, 7, 9])) == [5, 7, 9]
    assert set(WeightedRandomSampler([0, 1, 0, 3], 50)) == {1, 3}
    assert sorted(WeightedRandomSampler([1, 2, 3], 3, replacement=False)) == [0, 1, 2]
    assert len(BatchSampler(range(5), 2, True)) == 2 and len(BatchSampler(range(5), 2, False)) == 3


@pytest.mark.parametrize("replacement", [True, False])
def test_passes_of_any_length_are_drawn_part_by_part(replacement):
    """Programs draw 10^10 indices and stop when they have enough."""
    sampler = RandomSampler(Y, replacement, 10**10)
    assert len(sampler) == 10**10

    def first():
        fastdl.manual_seed(0)
        drawing = iter(sampler)
        head = list(itertools.islice(drawing, 5))
        fastdl.rand(7)  # changes nothing
        return head + list(itertools.islice(drawing, 25))

    drawn = first()
    assert drawn == first() and set(drawn) <= set(range(10))
    if not replacement:
        assert sorted(drawn[:10]) == sorted(drawn[20:]) == list(range(10))
    loader = DataLoader(TensorDataset(fastdl.arange(10)), sampler=sampler, batch_size=4)
    batches = [batch[0].tolist() for batch in itertools.islice(loader, 5)]
    assert [len(batch) for batch in batches] == [4] * 5
    with mock.patch.object(sampler_module, "_PART", 6):  # the end, within a part
        assert len(list(RandomSampler(range(5), replacement, 17))) == 17


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: RandomSampler([]), "data_source: expected at least one"),
        (lambda: BatchSampler(Y, 0, False), "batch_size: .* got 0"),
        (lambda: BatchSampler(Y, True, False), "batch_size: .* got True"),
        (lambda: BatchSampler(Y, 2, 1), "drop_last: .* got 1"),
        (lambda: WeightedRandomSampler([1.0], 0), "num_samples: .* got 0"),
        (lambda: WeightedRandomSampler([-1.0, 1.0], 1), "at least 0"),
        (lambda: WeightedRandomSampler([0.0, 1.0], 2, replacement=False), "cannot draw 2 of 1"),
        (lambda: DataLoader(Y, batch_size=0), "DataLoader: batch_size: .* got 0"),
        (lambda: DataLoader(Y, batch_size=2.5), "batch_size: .* got 2.5"),
        (lambda: DataLoader(Y, num_workers=-1), "num_workers: .* got -1"),
        (lambda: DataLoader(Y, sampler=[0], shuffle=True), "shuffle=True can't be combined"),
        (lambda: DataLoader(Y, batch_sampler=[[0]], batch_size=4), "batch_size=4 can't be"),
        (lambda: DataLoader(Y, batch_sampler=[[0]], drop_last=True), "drop_last=True can't be"),
        (lambda: DataLoader(Y, batch_size=None, drop_last=True), "batch_size=None"),
        (lambda: DataLoader(Stream(), shuffle=True), "an IterableDataset"),
        (lambda: DataLoader([], shuffle=True), "expected at least one sample"),
    ],
)
def test_bad_arguments(call, message):
    with pytest.raises(ValueError, match=message):
        call()


# --- DataLoader


@pytest.mark.parametrize("data", [TensorDataset(X, Y), Squares()], ids=["gathered", "collated"])
def test_batches_in_order(data):
    loader = DataLoader(data, batch_size=4)
    batches = list(loader)
    assert len(loader) == 3 and [x.shape for x, _ in batches] == [(4, 2), (4, 2), (2, 2)]
    assert type(batches[0]) is list
    np.testing.assert_array_equal(np.concatenate([x for x, _ in batches]), X)
    dropping = DataLoader(data, batch_size=4, drop_last=True)
    assert len(dropping) == len(list(dropping)) == 2
    assert [x.shape for x, _ in DataLoader(data)] == [(1, 2)] * 10


@pytest.mark.parametrize("data", [TensorDataset(X, Y), Squares()], ids=["gathered", "collated"])
def test_shuffled_batches(data):
    def epochs(generator=None):
        loader = DataLoader(data, batch_size=4, shuffle=True, generator=generator)
        return [labels(loader) for _ in range(2)]

    fastdl.manual_seed(1)
    first = epochs()
    fastdl.manual_seed(1)
    assert epochs() == first and first[0] != first[1]
    assert sorted(y for batch in first[0] for y in batch) == sorted(
        labels(DataLoader(data, batch_size=10))[0]
    )
    seeded = epochs(fastdl.Generator().manual_seed(2))
    assert epochs(fastdl.Generator().manual_seed(2)) == seeded != first


def test_rows_stay_together():
    for x, y in DataLoader(TensorDataset(X, Y), batch_size=3, shuffle=True):
        np.testing.assert_array_equal(x.numpy(), X[y.numpy()])


def test_subsets_of_subsets_of_tensors_are_gathered():
    part = Subset(Subset(TensorDataset(X, Y), [9, 8, 7, 1]), [0, 3])
    assert labels(DataLoader(part, batch_size=2)) == [[9, 1]]
    assert sorted(labels(DataLoader(part, batch_size=2, shuffle=True))[0]) == [1, 9]


def test_subclasses_are_asked_for_their_samples():
    class Negated(TensorDataset):
        def __getitem__(self, index):
            return super().__getitem__(index)[0], -self.tensors[1][index]

    assert labels(DataLoader(Negated(X, Y), batch_size=2))[1] == [-2, -3]


def test_batches_dont_share_the_data_sets_memory():
    data = TensorDataset(X.copy(), Y.copy())
    for x, _ in DataLoader(data, batch_size=4):
        x.zero_()
    np.testing.assert_array_equal(data.tensors[0].numpy(), X)


def test_samplers_and_batch_samplers():
    data = TensorDataset(X, Y)
    assert labels(DataLoader(data, batch_size=2, sampler=[5, 3, 1])) == [[5, 3], [1]]
    loader = DataLoader(data, batch_sampler=[[0, 9], [4]])
    assert labels(loader) == [[0, 9], [4]] and len(loader) == 2
    drawn = DataLoader(data, batch_size=5, sampler=WeightedRandomSampler([0] * 9 + [1], 10))
    assert labels(drawn) == [[9] * 5] * 2


def test_without_batching():
    samples = list(DataLoader(Squares(), batch_size=None))
    assert len(samples) == 10 and samples[3][1] == 9
    assert len(DataLoader(Squares(), batch_size=None)) == 10


def test_streams():
    assert [b.tolist() for b in DataLoader(Stream(), batch_size=2)] == [[0, 1], [2, 3], [4]]
    loader = DataLoader(Stream(), batch_size=2, drop_last=True)
    assert [b.tolist() for b in loader] == [[0, 1], [2, 3]]
    assert list(DataLoader(Stream(), batch_size=None)) == [0, 1, 2, 3, 4]
    with pytest.raises(TypeError, match="has no len"):
        len(loader)


def test_what_pytorch_accepts_is_accepted():
    loader = DataLoader(
        TensorDataset(X, Y), 5, num_workers=2, pin_memory=True, persistent_workers=True,
        prefetch_factor=2, timeout=3,
    )  # fmt: skip
    assert len(list(loader)) == 2 and get_worker_info() is None


def test_torch_utils_data():
    from fastdl.utils.data import DataLoader as Loader

    assert Loader is DataLoader


# --- collating


def test_collate():
    Point = namedtuple("Point", "x y")
    assert default_collate([1.5, 2.5]).dtype == "float32"
    assert default_collate([1, 2]).dtype == "int64" and default_collate([True]).dtype == "bool"
    assert default_collate([np.float64(1), np.float64(2)]).tolist() == [1, 2]
    assert default_collate([np.zeros(2), np.ones(2)]).tolist() == [[0, 0], [1, 1]]
    assert default_collate([fastdl.zeros(2), fastdl.ones(2)]).shape == (2, 2)
    assert default_collate(["a", "b"]) == ["a", "b"]
    merged = default_collate([{"a": 1, "b": [2, 3]}, {"a": 4, "b": [5, 6]}])
    assert merged["a"].tolist() == [1, 4] and [t.tolist() for t in merged["b"]] == [[2, 5], [3, 6]]
    points = default_collate([Point(1, 2), Point(3, 4)])
    assert type(points) is Point and points.y.tolist() == [2, 4]
    with pytest.raises(RuntimeError, match="equal size"):
        default_collate([[1], [1, 2]])
    with pytest.raises(TypeError, match="found object"):
        default_collate([object()])
    with pytest.raises(ValueError, match="one shape"):
        default_collate([fastdl.zeros(1), fastdl.zeros(2)])


def test_own_collate_function():
    loader = DataLoader(TensorDataset(X, Y), batch_size=5, collate_fn=len)
    assert list(loader) == [5, 5]


def test_the_type_of_samples_in_brackets():
    class Numbers(Dataset[int]):
        def __getitem__(self, index):
            return index

        def __len__(self):
            return 3

    class Flow(IterableDataset[int]):
        def __iter__(self):
            return iter(range(2))

    assert list(DataLoader(Numbers(), batch_size=None)) == [0, 1, 2]
    assert isinstance(Numbers(), Dataset) and list(Flow()) == [0, 1]
    for generic in (
        DataLoader,
        Subset,
        ConcatDataset,
        fastdl.data.ChainDataset,
        fastdl.data.Sampler,
    ):
        assert generic[int].__origin__ is generic
