"""Data sets made of others: `map`, `take`, `skip`, `cache` and `prefetch`."""

import numpy as np
import pytest

from fastdl import layers, models, utils


def windows(**options):
    """Ten windows of one step, in batches of two."""
    return utils.timeseries_dataset_from_array(np.arange(10.0), None, 1, batch_size=2, **options)


def values(data):
    return [batch.numpy().ravel().tolist() for batch in data]


def test_parts():
    data = windows()
    assert len(data.take(2)) == 2 and values(data.take(2)) == [[0, 1], [2, 3]]
    assert len(data.skip(3)) == 2 and values(data.skip(3)) == [[6, 7], [8, 9]]
    assert values(data.skip(1).take(1)) == [[2, 3]] and len(data.skip(1).take(9)) == 4
    assert values(data.take(-1)) == values(data) and len(data.take(-1)) == 5
    assert len(data.skip(9)) == 0 and values(data.skip(9)) == []
    assert values(data.map(lambda x: x + 1).take(1)) == [[1, 2]]
    assert data.prefetch(-1) is data and values(data.prefetch(2).take(1)) == [[0, 1]]
    for name, wrong in (("take", -2), ("take", "a"), ("skip", -1), ("prefetch", 0.5)):
        with pytest.raises(ValueError, match=f"{name}: .*expected"):
            getattr(data, name)(wrong)
    with pytest.raises(TypeError, match="map: function: expected a function, got 3"):
        data.map(3)


def test_cache_keeps_the_first_whole_pass():
    calls = []

    def noted(x):
        calls.append(1)
        return x

    data = windows(shuffle=True, seed=0).map(noted, num_parallel_calls=-1).cache()
    next(iter(data))  # no whole pass
    first = values(data)
    assert len(calls) == 6 and values(data) == first and len(calls) == 6
    again = windows(shuffle=True, seed=0)
    assert values(again) != values(again)  # without it each pass has its own order


def test_a_model_takes_them():
    data = utils.timeseries_dataset_from_array(
        np.arange(12.0)[:, None], np.arange(12.0), 3, batch_size=2
    )
    model = models.Sequential([layers.Flatten(), layers.Dense(1)])
    model.compile("sgd", "mse")
    history = model.fit(data.take(3).cache().prefetch(1), epochs=2, verbose=0)
    assert len(history.history["loss"]) == 2
    assert model.predict(data.skip(3), verbose=0).shape == (4, 1)
