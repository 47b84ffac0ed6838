"""Schedules of learning rates: golden values, configs, and optimizers that follow them.

The golden values are Keras's, in float64 (golden/schedules.py).
"""

import json
from pathlib import Path

import numpy as np
import pytest

import fastdl
from fastdl import optimizers
from fastdl.optimizers import schedules

HERE = Path(__file__).parents[1]
SCHEDULES = json.loads((HERE / "golden/schedules.json").read_text("utf-8"))


def ids(case):
    return "-".join([case["name"], *(f"{k}={v}" for k, v in case["options"].items())])


def test_schedule_is_followed():
    schedule = schedules.PiecewiseConstantDecay([0, 1], [1.0, 0.5, 0.25])
    optimizer, trained = optimizers.SGD(schedule), [fastdl.Variable([0.0])]
    for _ in range(3):
        optimizer.apply([[1.0]], trained)
    assert float(trained[0]) == -1.75
    np.testing.assert_array_equal(optimizer._learning_rates(0, 4), np.float32([1, 0.5, 0.25, 0.25]))
    with pytest.raises(TypeError, match="follows a schedule"):
        optimizer.learning_rate = 0.1
    again = optimizers.deserialize(json.loads(json.dumps(optimizers.serialize(optimizer))))
    assert float(again.learning_rate) == 1.0


def test_custom_schedule_gets_the_step_number():
    class Halving(schedules.LearningRateSchedule):
        def __call__(self, step):
            return 0.5**step

    optimizer, trained = optimizers.SGD(Halving()), [fastdl.Variable([0.0])]
    optimizer.apply([[1.0]], trained)
    optimizer.apply([[1.0]], trained)
    assert float(trained[0]) == -1.5


@pytest.mark.parametrize("case", SCHEDULES["keras"], ids=ids)
def test_schedule_values(case):
    schedule = getattr(schedules, case["name"])(*case["arguments"], **case["options"])
    steps = range(len(case["rates"]))
    # The golden file has 12 digits.
    np.testing.assert_allclose([schedule(step) for step in steps], case["rates"], rtol=1e-11)
    assert schedule._values(3, 2).tolist() == [np.float32(schedule(3)), np.float32(schedule(4))]
    # The configuration goes through JSON and back.
    saving = fastdl.saving
    for write, read in (
        (schedules.serialize, schedules.deserialize),
        (saving.serialize_keras_object, saving.deserialize_keras_object),
    ):
        again = read(json.loads(json.dumps(write(schedule))))
        assert again.get_config() == schedule.get_config()
        assert [again(step) for step in steps] == [schedule(step) for step in steps]


def test_schedules_of_numpy_numbers_are_plain():
    schedule = schedules.CosineDecay(np.float32(0.5), np.int64(10), warmup_target=fastdl.tensor(1))
    config = json.loads(json.dumps(schedules.serialize(schedule)))["config"]
    assert config["initial_learning_rate"] == 0.5 and config["warmup_target"] == 1
    flag = schedules.ExponentialDecay(0.1, 10, 0.5, staircase=np.bool_(True))
    assert json.loads(json.dumps(flag.get_config()))["staircase"] is True


def test_attributes_of_a_schedule_are_read():
    schedule = schedules.CosineDecay(1.0, 10)
    schedule.alpha = 0.25
    assert schedule(10) == 0.25 and schedule.get_config()["alpha"] == 0.25


def test_restarts_of_shrinking_periods_end():
    # Keras gives NaN from step 8 on.
    schedule = schedules.CosineDecayRestarts(1.0, 4, t_mul=0.5, alpha=0.25)
    rates = schedule(np.arange(12))
    assert np.isfinite(rates).all() and rates[8:].tolist() == [0.25] * 4


def test_a_schedule_in_a_saved_model(tmp_path):
    x = np.ones((8, 2), np.float32)
    model = fastdl.Sequential([fastdl.layers.Dense(1)])
    schedule = schedules.CosineDecay(0.0, 20, warmup_target=0.5, warmup_steps=np.float32(2.5))
    model.compile(optimizers.SGD(schedule), "mse")
    model.fit(x, x[:, :1], batch_size=2, verbose=0)
    model.save(tmp_path / "m.fastdl")
    again = fastdl.models.load_model(tmp_path / "m.fastdl")
    for m in (model, again):
        m.fit(x, x[:, :1], batch_size=2, verbose=0, shuffle=False)
    for a, b in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
