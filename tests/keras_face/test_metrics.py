"""Metrics: golden values over batches, state, names and bad input.

The golden values were computed by Keras in float64 (golden/losses.py).
"""

import json
from pathlib import Path

import numpy as np
import pytest

import fastdl
from fastdl import _core, metrics

GOLDEN = json.loads((Path(__file__).parents[1] / "golden/losses.json").read_text("utf-8"))
INPUTS = {key: [np.asarray(a) for a in pair] for d in GOLDEN["inputs"] for key, pair in d.items()}
WEIGHTS = np.asarray(GOLDEN["weights"][0])
EPSILON = np.finfo(np.float32).eps


def ids(case):
    options = (f"{k}={v}" for k, v in case["options"].items())
    return "-".join([case["name"], case["inputs"], *options])


def feed(metric, y_true, y_pred, weights=None):
    half = len(y_true) // 2
    for part in (slice(0, half), slice(half, None)):
        weight = None if weights is None else weights[part]
        metric.update_state(y_true[part], y_pred[part], sample_weight=weight)
    return metric.result().numpy()


@pytest.mark.parametrize("case", GOLDEN["metrics"], ids=ids)
def test_value(case):
    y_true, y_pred = INPUTS[case["inputs"]]
    metric = getattr(metrics, case["name"])(**case["options"])
    for expected, weights in zip(case["results"], (None, WEIGHTS[: len(y_true)]), strict=True):
        metric.reset_state()
        actual = feed(metric, y_true, y_pred, weights)
        expected = np.asarray(expected)
        assert actual.shape == expected.shape
        # 4 roundings: a value, a product, the sum of a batch and the total.
        error = np.abs(actual - expected) / np.maximum(1, np.abs(expected))
        np.testing.assert_array_less(error, 4 * EPSILON)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("case", GOLDEN["metrics"], ids=ids)
def test_recorded_update_is_the_update(case, weighted):
    y_true, y_pred = INPUTS[case["inputs"]]
    slots = [fastdl.tensor(a) for a in (y_true, y_pred, WEIGHTS[: len(y_true)])[: 2 + weighted]]
    metric = getattr(metrics, case["name"])(**case["options"])
    metric.update_state(*slots)  # creates the state, where its shape depends on the outputs'
    expected = metric.result().numpy()
    metric.reset_state()
    recorder = _core.Recorder()
    try:
        metric.update_state(*slots)
        result = metric.result()
    finally:
        recorder.stop()
    assert not recorder.problem
    plan = _core.Plan(recorder, slots, [result])
    metric.reset_state()
    plan.replay(slots)
    np.testing.assert_array_equal(result.numpy(), expected)


@pytest.mark.parametrize("case", GOLDEN["metrics"], ids=ids)
def test_config_makes_an_equal_metric(case):
    metric = getattr(metrics, case["name"])(**case["options"])
    again = metrics.deserialize(json.loads(json.dumps(metrics.serialize(metric))))
    assert type(again) is type(metric) and again.get_config() == metric.get_config()


@pytest.mark.parametrize("case", GOLDEN["metrics"], ids=ids)
def test_no_gradient_is_kept(case):
    y_true, y_pred = INPUTS[case["inputs"]]
    if y_pred.dtype != float:
        y_pred = y_pred.astype("float32")
    metric = getattr(metrics, case["name"])(**case["options"])
    metric.update_state(y_true, fastdl.tensor(y_pred).requires_grad_())
    assert not any(v.requires_grad or not v.is_leaf for v in metric.variables)
    assert not metric.result().requires_grad


def test_empty_metrics_give_zero():
    for metric in (metrics.Mean(), metrics.Precision(), metrics.AUC(), metrics.F1Score()):
        assert metric.result().item() == 0.0
    assert metrics.AUC(multi_label=True).result().item() == 0.0


def test_mean_and_sum_with_weights():
    mean, total = metrics.Mean(), metrics.Sum()
    for m in (mean, total):
        m.update_state([1.0, 2.0, 3.0], [1.0, 0.0, 3.0])
        m.update_state(4.0)
    assert mean.result().item() == np.float32(14 / 5)
    assert total.result().item() == 14.0
    total.reset_state()
    assert total.result().item() == 0.0


def test_mean_of_rows_counts_samples():
    mean = metrics.Mean()
    mean.update_state(np.array([[1.0, 3.0], [2.0, 2.0], [0.0, 1.0]]))
    assert float(mean.count) == 3
    assert mean.result().item() == 1.5


def test_mean_of_batches_weighted_by_their_size():
    mean = metrics.Mean()
    mean.update_state(fastdl.tensor(2.0), 32)
    mean.update_state([[4.0, 6.0]], 8)  # the mean of all, with that weight
    assert mean.result().item() == np.float32((2 * 32 + 5 * 8) / 40)


def test_function_as_metric():
    def bias(y_true, y_pred):
        return y_pred - y_true

    metric = metrics.MeanMetricWrapper(bias)
    assert metric.name == "bias"
    assert metric([1.0, 2.0], [2.0, 4.0]).item() == 1.5


def test_metric_of_ones_own():
    class Largest(metrics.Metric):
        def __init__(self):
            super().__init__(name="largest")
            self.value = self.add_variable(shape=())

        def update_state(self, y_true, y_pred, sample_weight=None):
            self.value.assign(fastdl.maximum(self.value, fastdl.max(fastdl.tensor(y_pred))))

        def result(self):
            return self.value

    metric = Largest()
    assert metric([0.0], [2.0]).item() == 2.0
    assert metric([0.0], [1.0]).item() == 2.0
    metric.reset_state()
    assert metric([0.0], [1.0]).item() == 1.0


def test_names():
    assert isinstance(metrics.get("mse"), metrics.MeanSquaredError)
    assert isinstance(metrics.get("AUC"), metrics.AUC)
    assert isinstance(metrics.get("sparse_categorical_accuracy"), metrics.SparseCategoricalAccuracy)
    with pytest.raises(ValueError, match=r"unknown metric 'acuracy'.*'accuracy'"):
        metrics.get("acuracy")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: metrics.Precision(thresholds=1.5), r"Precision: thresholds: .*\[0, 1\], got 1.5"),
        (lambda: metrics.AUC(num_thresholds=1), "AUC: num_thresholds: .*got 1"),
        (lambda: metrics.AUC(curve="RO"), r"AUC: curve: .*'RO'.*Did you mean 'ROC'"),
        (lambda: metrics.AUC(num_labels=3), "multi_label=True"),
        (lambda: metrics.F1Score(average="mean"), "F1Score: average: .*'mean'"),
        (lambda: metrics.FBetaScore(beta=0.0), "beta: expected a number above 0"),
        (lambda: metrics.R2Score(class_aggregation="max"), "class_aggregation: .*'max'"),
        (lambda: metrics.BinaryAccuracy(threshold=2), r"threshold: .*\[0, 1\], got 2"),
        (lambda: metrics.Mean(dtype="float16"), "dtype: expected 'float32'"),
        (lambda: metrics.Precision()([1.0], [0.5, 0.5]), "targets of the outputs' shape"),
        (lambda: metrics.F1Score()([1.0], [0.5]), r"one shape \(samples, classes\)"),
        (lambda: metrics.Recall(class_id=0)([1.0], [0.5]), "class_id needs outputs of shape"),
    ],
)
def test_bad_arguments(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_too_many_regressors_do_not_count():
    y_true, y_pred = np.arange(4.0)[:, None], np.ones((4, 1))
    plain = metrics.R2Score()(y_true, y_pred).item()
    assert metrics.R2Score(num_regressors=5)(y_true, y_pred).item() == plain
    assert metrics.R2Score(num_regressors=1)(y_true, y_pred).item() < plain
