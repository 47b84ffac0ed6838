"""Steps over batches of many lengths: how often they are recorded, and that results are right."""

import itertools

import numpy as np
import pytest

import fastdl
from fastdl import data, layers, utils
from fastdl._base import buckets
from fastdl._base.buckets import Buckets
from fastdl._engine import steps

EPS = np.finfo(np.float32).eps


@pytest.fixture
def counted(monkeypatch):
    """The numbers of steps that were recorded and that ran eagerly, recorded ones included."""
    counts = {"recorded": 0, "eager": 0}

    def counting(name, kind):
        method = getattr(steps.StepFunction, name)

        def count(self, *args):
            counts[kind] += 1
            return method(self, *args)

        monkeypatch.setattr(steps.StepFunction, name, count)

    counting("_record", "recorded")
    counting("_run_eagerly", "eager")
    return counts


def make_model(seed=0):
    fastdl.manual_seed(seed)
    model = fastdl.Sequential(
        [
            layers.Input((None,), dtype="int32"),
            layers.Embedding(20, 4, mask_zero=True),
            layers.LSTM(5),
            layers.Dense(1),
        ]
    )
    model.compile(fastdl.optimizers.Adam(0.01), "mse")
    return model


def batch_of(length, rng, samples=4):
    x = rng.integers(1, 20, (samples, length)).astype("int32")
    return x, (x % 3).mean(axis=1, keepdims=True).astype("float32")


def rounds(model, lengths, times, seed=0):
    rng = np.random.default_rng(seed)
    return [model.train_on_batch(*batch_of(n, rng)) for _ in range(times) for n in lengths]


def test_each_length_costs_one_eager_step(counted):
    rounds(make_model(), range(1, 41), 3)
    # The very first step is eager and makes the state; its length is recorded when it comes again.
    assert counted == {"recorded": 40, "eager": 41}


@pytest.mark.parametrize("times", [2, 20])
def test_more_lengths_than_places(counted, times):
    """No plan is dropped before it has paid off, and results are those of eager steps."""
    model = make_model()
    model._runner("train").function._limit = 5
    losses = rounds(model, range(1, 13), times)
    assert counted["recorded"] <= 6 + 12 * times // steps._PAYS
    if times == 2:
        assert counted["recorded"] == 5
    eager = make_model()
    eager.run_eagerly = True
    assert losses == rounds(eager, range(1, 13), times)


def test_new_lengths_replace_those_that_do_not_come_again(counted):
    model = make_model()
    model._runner("train").function._limit = 5
    rounds(model, range(1, 6), 1)
    counted["recorded"] = 0
    rounds(model, range(6, 11), 40)  # none of the first five has paid off
    assert counted["recorded"] == 5
    assert len(model._runner("train").function._signatures) == 5


def test_a_step_that_cannot_be_recorded_is_not_tried_again_and_again(counted):
    class Looking(fastdl.Model):
        def __init__(self):
            super().__init__()
            self.layer = layers.Dense(2)

        def call(self, x):
            y = self.layer(x)
            return y * float(y.sum().item() > 0)

    model = Looking()
    with pytest.warns(UserWarning, match="runs eagerly"):
        model.predict_on_batch(np.ones((1, 3)))
        model._runner("predict").function._limit = 5
        for _ in range(4):
            for n in range(1, 13):
                model.predict_on_batch(np.ones((n, 3), "float32"))
    assert counted["recorded"] <= 6


@pytest.mark.parametrize("wide", ["batch", "result"])
def test_large_batches_and_results_take_few_places(wide):
    width = 1 << 20 if wide == "batch" else 1
    function = layers.Lambda(lambda x: x.sum(axis=1) if wide == "batch" else x + np.ones(1 << 20))
    model = fastdl.Sequential([layers.Input((width,)), function])
    function = model._runner("predict").function
    for n in range(1, 13):
        model.predict_on_batch(np.ones((n, width), "float32"))
    kept = [s.bytes for s in function._signatures.values()]
    assert len(kept) <= 8


# --- buckets


def least_padding(lengths, most):
    """The least number of elements with so many buckets, by trying all."""
    distinct = sorted(set(lengths))
    return min(
        sum(min(b for b in (*some, distinct[-1]) if b >= n) for n in lengths)
        for some in itertools.combinations(distinct[:-1], min(most, len(distinct)) - 1)
    )


@pytest.mark.parametrize("seed", range(5))
def test_chosen_boundaries_pad_least(seed, monkeypatch):
    monkeypatch.setattr(buckets, "_BUCKETS", 3)
    lengths = np.random.default_rng(seed).geometric(0.1, 30)
    found = Buckets("x", lengths, 4).boundaries
    assert len(found) <= 3
    elements = sum(min(b for b in found if b >= n) for n in lengths)
    assert elements == least_padding(lengths.tolist(), 3)


def test_chosen_boundaries_of_many_lengths():
    lengths = np.random.default_rng(0).integers(0, 5000, 20_000)
    found = Buckets("x", lengths, 4).boundaries
    assert len(found) == 8 and found == sorted(found) and found[-1] == lengths.max()
    assert Buckets("x", [0, 0], 4).boundaries == [1]
    assert Buckets("x", [3, 7, 7], 4).boundaries == [3, 7]


class TestSampler:
    LENGTHS = np.random.default_rng(0).integers(1, 50, 203)

    @pytest.mark.parametrize("shuffle", [False, True])
    @pytest.mark.parametrize("drop_last", [False, True])
    def test_each_sample_once(self, shuffle, drop_last):
        sampler = data.BucketBatchSampler(self.LENGTHS, 8, [10, 25, 60], shuffle, drop_last)
        batches = list(sampler)
        assert len(batches) == len(sampler) == (25 if drop_last else 26)
        assert sorted(map(len, batches)) == ([] if drop_last else [3]) + [8] * 25
        drawn = [i for batch in batches for i in batch]
        assert len(set(drawn)) == len(drawn) == (200 if drop_last else 203)
        # All but one batch at each boundary are of one bucket.
        mixed = [b for b in batches if len(set(np.searchsorted([10, 25, 60], self.LENGTHS[b]))) > 1]
        assert len(mixed) <= 3

    def test_orders_come_from_the_generator(self):
        def passes(seed):
            generator = fastdl.Generator().manual_seed(seed)
            sampler = data.BucketBatchSampler(self.LENGTHS, 8, generator=generator)
            return [list(sampler), list(sampler)]

        one, two = passes(1)
        assert one != two and passes(1) == [one, two] and passes(2) != [one, two]
        fastdl.manual_seed(3)
        first = list(data.BucketBatchSampler(self.LENGTHS, 8))
        fastdl.manual_seed(3)
        assert list(data.BucketBatchSampler(self.LENGTHS, 8)) == first

    def test_without_shuffle(self):
        sampler = data.BucketBatchSampler([3, 9, 2, 8, 3], 2, (4, 10), shuffle=False)
        assert list(sampler) == list(sampler) == [[0, 2], [4, 1], [3]]
        assert sampler.boundaries == [4, 10]

    def test_in_a_loader(self):
        """Padded by the boundaries, the batches have few shapes."""
        rng = np.random.default_rng(1)
        samples = [rng.random(n).astype("float32") for n in self.LENGTHS]
        sampler = data.BucketBatchSampler(self.LENGTHS, 8, [10, 25, 60])

        def collate(several):
            longest = max(map(len, several))
            length = next(b for b in sampler.boundaries if b >= longest)
            return utils.pad_sequences(several, length, "float32", "post")

        loader = data.DataLoader(samples, batch_sampler=sampler, collate_fn=collate)
        assert len(loader) == 26
        shapes = {x.shape for x in loader}
        assert len(shapes) <= 4 and (8, 10) in shapes and (8, 60) in shapes

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"lengths": []}, "lengths: expected a vector"),
            ({"lengths": [1.5]}, "lengths: expected a vector of integers"),
            ({"lengths": [-1]}, "lengths: .* of at least 0"),
            ({"lengths": [[1]]}, "lengths: expected a vector"),
            ({"lengths": "ab"}, "lengths: expected integers"),
            ({"batch_size": 0}, "batch_size: .* got 0"),
            ({"boundaries": [4, 4, 9]}, "boundaries: expected rising integers"),
            ({"boundaries": []}, "boundaries: expected rising integers"),
            ({"boundaries": [0, 9]}, "boundaries: expected an integer of at least 1, got 0"),
            ({"boundaries": 9}, "boundaries: expected integers, got 9"),
            ({"boundaries": [4]}, "boundaries: .* at least 5, the length of sample 1, got 4"),
            ({"shuffle": "no"}, "shuffle"),
            ({"drop_last": "no"}, "drop_last"),
        ],
    )
    def test_errors(self, options, message):
        given = {"lengths": [3, 5], "batch_size": 2, **options}
        with pytest.raises(ValueError, match=f"BucketBatchSampler: {message}"):
            data.BucketBatchSampler(**given)


class TestDataset:
    def sequences(self, count=203):
        rng = np.random.default_rng(0)
        several = [rng.integers(1, 20, n).tolist() for n in rng.integers(1, 30, count)]
        return several, np.array([sum(s) % 7 for s in several], "float32")

    def test_batches(self):
        several, y = self.sequences()
        made = utils.bucketed_dataset(several, y, 8, [5, 12, 30], seed=1)
        seen = []
        for x, labels in made:
            assert x.shape[1] in (5, 12, 30) and x.dtype == "int32"
            for row, label in zip(x.tolist(), labels.tolist(), strict=True):
                sequence = [i for i in row if i]
                assert row == sequence + [0] * (x.shape[1] - len(sequence))
                seen.append((sequence, label))
        assert len(made) == 26
        assert sorted(seen) == sorted(zip(several, y.tolist(), strict=True))
        again = utils.bucketed_dataset(several, y, 8, [5, 12, 30], seed=1)
        passes = [[x.tolist() for x, _ in d] for d in (again, again)]
        assert passes[0] != passes[1] and passes[1] == [x.tolist() for x, _ in made]

    def test_a_plan_for_each_bucket(self, counted):
        several, y = self.sequences()
        made = utils.bucketed_dataset(several, y, 8, [5, 12, 30])
        make_model().fit(made, epochs=3, verbose=0)
        # Three buckets, the last batch, and the first step, which makes the state.
        assert counted["recorded"] == 4 and counted["eager"] == 5

    @pytest.mark.parametrize("padding", ["pre", "post"])
    def test_predictions_are_those_of_single_sequences(self, padding):
        several, _ = self.sequences(50)
        made = utils.bucketed_dataset(several, None, 8, padding=padding, shuffle=False)
        model = make_model()
        found = model.predict(made, verbose=0)[np.argsort(made.order)]
        single = [model.predict_on_batch(np.array([s], "int32"))[0] for s in several]
        # The same sums of 5 or 9 products of numbers below 1, for at most 29 steps.
        np.testing.assert_allclose(found, single, rtol=0, atol=30 * EPS)

    def test_a_fit_continues(self):
        """Like any shuffled data: the order is drawn again from the random state."""
        several, y = self.sequences(60)
        made = utils.bucketed_dataset(several, y, 8, [5, 12, 30])
        model = make_model()
        losses = model.fit(made, epochs=3, verbose=0).history["loss"]
        states = []
        model = make_model()

        class Stop(fastdl.callbacks.Callback):
            def on_train_batch_end(self, batch, logs=None):
                if self.params["epochs"] == 3 and batch == 4 and not states:
                    states.append(self.model._fit_position.state_dict())
                    raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            model.fit(made, epochs=3, verbose=0, callbacks=[Stop()])

        class Continue(fastdl.callbacks.Callback):
            def on_train_begin(self, logs=None):
                self.model._fit_position.load_state_dict(states[0])

        again = model.fit(made, epochs=3, verbose=0, callbacks=[Continue()])
        assert again.history["loss"] == losses

    def test_features(self):
        several = [np.ones((n, 3)) * n for n in (2, 0, 4)]
        (x,) = utils.bucketed_dataset(several, batch_size=3, value=-1, shuffle=False)
        assert x.shape == (3, 4, 3) and x.dtype == "float32"
        assert x[0, :, 0].tolist() == [-1, -1, -1, -1]
        assert x[1, :, 0].tolist() == [2, 2, -1, -1]

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"sequences": []}, "sequences: expected at least one"),
            ({"sequences": 3}, "sequences: expected a list of sequences of numbers, got 3"),
            ({"sequences": [[1], "ab", [2]]}, "sequences: .* at place 1"),
            ({"sequences": [[1], [[2]], [3]]}, r"sequences: .* of shape \(\), got .* at place 1"),
            ({"labels": [1, 2]}, "labels: expected a row for each of 3 sequences"),
            ({"batch_size": 0}, "batch_size"),
            ({"boundaries": [1]}, "boundaries: .* at least 3, the length of sample 1"),
            ({"padding": "left"}, "padding"),
            ({"value": "x"}, "value"),
            ({"dtype": "int3"}, "dtype"),
            ({"shuffle": "no"}, "shuffle"),
            ({"seed": -1}, "seed"),
        ],
    )
    def test_errors(self, options, message):
        given = {"sequences": [[1], [1, 2, 3], [4]], "labels": [0, 1, 0], **options}
        with pytest.raises(ValueError, match=f"bucketed_dataset: {message}"):
            utils.bucketed_dataset(**given)
