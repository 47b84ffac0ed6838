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
        (lambda: metrics.IoU(0, [0]), "IoU: num_classes: expected an integer from 1 to .*got 0"),
        (lambda: metrics.IoU(3, [0, 3]), "IoU: target_class_ids: .*from 0 to 2, got 3"),
        (lambda: metrics.IoU(3, []), "IoU: target_class_ids: expected class numbers"),
        (lambda: metrics.BinaryIoU([-1]), "BinaryIoU: target_class_ids: .*from 0 to 1, got -1"),
        (lambda: metrics.BinaryIoU(threshold="a"), "BinaryIoU: threshold: expected a finite"),
        (lambda: metrics.MeanIoU(2.5), "MeanIoU: num_classes: expected an integer"),
        (lambda: metrics.MeanIoU(3)([0, 1], np.eye(2)), r"\(2,\) and \(2, 2\) with sparse_y_true"),
        (
            lambda: metrics.MeanIoU(3)([0, 1], [0, 1], [1.0, 2.0, 3.0]),
            r"MeanIoU: sample_weight: shape \(3,\) does not fit labels of shape \(2,\)",
        ),
        (lambda: metrics.PrecisionAtRecall(1.5), r"PrecisionAtRecall: recall: .*\[0, 1\], got 1.5"),
        (lambda: metrics.RecallAtPrecision(0.5, 0), "RecallAtPrecision: num_thresholds: .*got 0"),
        (
            lambda: metrics.SensitivityAtSpecificity(0.5, class_id=2)([[0, 1]], [[0.1, 0.9]]),
            "SensitivityAtSpecificity: class_id: expected one of 2 classes, got 2",
        ),
        (lambda: metrics.SpecificityAtSensitivity(None), "Sensitivity: sensitivity: .*got None"),
        (lambda: metrics.pearson_correlation([1.0], [[1.0, 2.0]]), r"\(1, 2\), got \(1,\)"),
        (lambda: metrics.ConcordanceCorrelation()([[1.0]], [[1.0, 2.0]]), r"\(1, 2\), got \(1, 1"),
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


# --- intersection over union, correlations, rates at rates

OVERLAPS = [
    case
    for case in GOLDEN["metrics"]
    if case["name"].endswith(("IoU", "AtRecall", "AtPrecision", "AtSpecificity", "AtSensitivity"))
]


@pytest.mark.parametrize("case", OVERLAPS, ids=ids)
def test_batches_of_any_size_give_the_same(case):
    y_true, y_pred = INPUTS[case["inputs"]]
    weights = np.arange(1.0, 1 + len(y_true))  # whole numbers, whose sums are exact
    found = set()
    for sizes in ([6], [1] * 6, [4, 2], [1, 5]):
        metric = getattr(metrics, case["name"])(**case["options"])
        for part in np.split(np.arange(6), np.cumsum(sizes)[:-1]):
            metric.update_state(y_true[part], y_pred[part], weights[part])
        found.add(metric.result().numpy().tobytes())
    assert len(found) == 1


def intersection_over_union(true, pred, classes, weight=None):
    """The mean over the classes that occur, by its definition."""
    weight = np.ones(true.shape) if weight is None else np.broadcast_to(weight, true.shape)
    shares = []
    for c in classes:
        union = weight[(true == c) | (pred == c)].sum()
        if union:
            shares.append(weight[(true == c) & (pred == c)].sum() / union)
    return np.mean(shares)


def test_iou_of_pictures():
    random = np.random.RandomState(5)
    true = random.randint(0, 4, (3, 5, 6))
    scores = random.uniform(0, 1, (3, 5, 6, 4)).astype("float32")
    pred = scores.argmax(-1)
    near = pytest.approx(intersection_over_union(true, pred, [1, 3]), rel=1e-6)
    one_hot = np.eye(4)[true]
    assert metrics.IoU(4, [1, 3])(true, pred).item() == near
    assert metrics.IoU(4, [1, 3])(true[..., None], pred.astype("float32")).item() == near
    assert metrics.IoU(4, [1, 3], sparse_y_pred=False)(true, scores).item() == near
    assert metrics.OneHotIoU(4, [1, 3], sparse_y_pred=True)(one_hot, pred).item() == near
    first = np.moveaxis(one_hot, -1, 1), np.moveaxis(scores, -1, 1)
    assert metrics.OneHotIoU(4, [1, 3], axis=1)(*first).item() == near
    weight = np.array([0.5, 2.0, 0.25])  # one for each picture
    expected = intersection_over_union(true, pred, range(4), weight[:, None, None])
    assert metrics.MeanIoU(4)(true, pred, weight).item() == pytest.approx(expected, rel=1e-6)
    assert metrics.MeanIoU(4)(true, pred, weight[:, None, None]).item() == pytest.approx(
        expected, rel=1e-6
    )


def test_iou_leaves_out_what_is_no_class():
    metric = metrics.MeanIoU(2, ignore_class=255)
    assert metric([0, 1, 255, 255, 7, 1, -1], [0, 1, 0, 1, 1, 9, 0]).item() == pytest.approx(1.0)
    assert metrics.MeanIoU(2)([5, 5], [0, 1]).item() == 0.0  # nothing counts
    nothing = metrics.BinaryIoU()
    assert nothing.result().item() == 0.0
    assert metrics.IoU(3, [0, 2])([0, 0, 1], [0, 0, 2]).item() == pytest.approx(0.5)


def test_iou_of_more_weights_than_a_float_counts():
    count = (1 << 24) + 1000  # a plain float32 sum of ones stops at 2^24
    metric = metrics.MeanIoU(1)
    labels = np.zeros(count, np.uint8)
    metric.update_state(labels, labels, np.ones(count, np.float32))
    assert metric.total_cm.item() == count
    metric.update_state(labels, labels)
    metric.update_state([0], [0])
    assert metric.total_cm.item() + metric.total_cm.rest.item() in (2 * count + 1, 2 * count + 2)


def test_correlations_along_another_axis():
    y_true, y_pred = INPUTS["real"]
    by_numpy = [np.corrcoef(t, p)[0, 1] for t, p in zip(y_true.T, y_pred.T, strict=True)]
    found = metrics.pearson_correlation(y_true, y_pred, axis=0).numpy()
    np.testing.assert_allclose(found, by_numpy, rtol=0, atol=4 * EPSILON)
    found = metrics.concordance_correlation(y_true, y_pred, axis=0).numpy()
    turned = metrics.concordance_correlation(y_true.T, y_pred.T).numpy()
    np.testing.assert_allclose(found, turned, rtol=0, atol=4 * EPSILON)


def test_correlation_of_large_and_of_equal_values():
    large = np.float32([[1e15, 2e15, 4e15]])  # the product of the sums of squares overflows
    assert metrics.pearson_correlation(large, large * 2).item() == pytest.approx(1.0, rel=1e-6)
    assert np.isnan(metrics.pearson_correlation([[1.0, 1.0]], [[1.0, 2.0]]).item())  # as Keras
    assert metrics.concordance_correlation([[1.0, 1.0]], [[1.0, 1.0]]).item() == 0.0


def test_rates_say_that_logits_do_not_fit():
    metric = metrics.RecallAtPrecision(0.5)
    with pytest.warns(
        UserWarning, match=r"RecallAtPrecision: expected outputs in \[0, 1\], got -3"
    ):
        metric.update_state([0, 1], [-3.0, 2.0])
    assert metric.result().item() == 1.0  # those outside count as 0 or 1


def test_rate_that_no_threshold_reaches():
    assert metrics.PrecisionAtRecall(1.0)([1, 1], [0.0, 0.5]).item() == 1.0
    assert metrics.RecallAtPrecision(0.9)([0, 1], [0.8, 0.5]).item() == 0.0
    assert metrics.SpecificityAtSensitivity(0.5).result().item() == 0.0


class Scaled(fastdl.layers.Layer):
    def build(self, shape):
        self.scale = self.add_weight(shape=(), initializer="ones")

    def call(self, x):
        return x * self.scale


@pytest.mark.parametrize("case", OVERLAPS, ids=ids)
def test_fit_and_evaluate_give_what_the_metric_alone_gives(case):
    y_true, y_pred = INPUTS[case["inputs"]]
    y_pred = y_pred.reshape(6, -1).astype("float32")
    model = fastdl.models.Sequential([fastdl.layers.Input(y_pred.shape[1:]), Scaled()])
    metric = getattr(metrics, case["name"])(**case["options"], name="mine")
    model.compile(fastdl.optimizers.SGD(0.0), lambda t, p: p[:, 0], metrics=[metric])
    options = {"batch_size": 4, "verbose": 0}  # the last batch is smaller
    history = model.fit(y_pred, y_true, shuffle=False, epochs=2, **options)
    evaluated = model.evaluate(y_pred, y_true, return_dict=True, **options)
    alone = getattr(metrics, case["name"])(**case["options"])(y_true, y_pred).item()
    assert history.history["mine"] == [alone, alone]
    assert evaluated["mine"] == alone


@pytest.mark.parametrize("method", ["interpolation", "minoring", "majoring"])
def test_precision_recall_gain(method):
    """The area under the gains of Flach and Kull 2015, from counts at each threshold."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 60)
    p = np.clip(0.3 * y + 0.7 * rng.random(60), 0, 1).astype("float32")
    weight = rng.random(60).astype("float32")
    metric = metrics.AUC(curve="PRGAIN", summation_method=method, thresholds=[0.2, 0.4, 0.6, 0.8])
    for part in (slice(0, 25), slice(25, 60)):
        metric.update_state(y[part], p[part], weight[part])
    recall, precision = [], []
    for threshold in (-1e-7, 0.2, 0.4, 0.6, 0.8, 1 + 1e-7):
        above = p > threshold
        tp, fp = weight[above & (y == 1)].sum(), weight[above & (y == 0)].sum()
        fn, tn = weight[~above & (y == 1)].sum(), weight[~above & (y == 0)].sum()
        odds = (tp + fn) / (fp + tn)
        recall.append(max(1 - odds * fn / tp, 0) if tp else 0.0)
        precision.append(1 - odds * fp / tp if tp else 1.0)
    width, y0, y1 = -np.diff(recall), np.array(precision[:-1]), np.array(precision[1:])
    heights = {
        "interpolation": (y0 + y1) / 2,
        "minoring": np.minimum(y0, y1),
        "majoring": np.maximum(y0, y1),
    }
    # A dozen roundings of values below 1.
    expected = (width * heights[method]).sum()
    np.testing.assert_allclose(metric.result().item(), expected, atol=16 * 2**-23)


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("BinaryAccuracy", {"threshold": 0.3}),
        ("BinaryCrossentropy", {"from_logits": True, "label_smoothing": 0.1}),
        ("SparseTopKCategoricalAccuracy", {"k": 2, "from_sorted_ids": True}),
        ("SparseCategoricalCrossentropy", {"ignore_class": 1, "axis": -1}),
        ("PearsonCorrelation", {"axis": 0}),
        ("TopKCategoricalAccuracy", {"k": 3}),
    ],
)
def test_settings_can_be_read(name, settings):
    metric = getattr(metrics, name)(**settings)
    assert {key: getattr(metric, key) for key in settings} == settings
    with pytest.raises(AttributeError, match=f"'{name}' object has no attribute 'nothing'"):
        metric.nothing  # noqa: B018


def test_variables_in_attributes_are_state():
    class Two(metrics.Metric):
        def __init__(self):
            super().__init__(name="two")
            self.own = self.add_variable(name="own")
            self.more = {"a": [fastdl.Variable(1.0), fastdl.Variable(2.0)]}
            self.last = fastdl.Variable(3.0)

    metric = Two()
    assert [float(v) for v in metric.variables] == [0.0, 1.0, 2.0, 3.0]
    metric.reset_state()
    assert [float(v) for v in metric.variables] == [0.0] * 4


AT_A_RATE = """
PrecisionAtRecall RecallAtPrecision SensitivityAtSpecificity SpecificityAtSensitivity
""".split()


@pytest.mark.parametrize("name", AT_A_RATE)
def test_metrics_of_a_rate_have_the_variables_of_keras(name):
    metric = getattr(metrics, name)(0.5, num_thresholds=3)
    counts = ["true_positives", "false_positives", "true_negatives", "false_negatives"]
    assert [v.name for v in metric.variables] == counts
    metric.update_state([0, 0, 1, 1, 1], [0.1, 0.7, 0.2, 0.6, 0.9])
    assert [v.tolist()[1] for v in metric.variables] == [2.0, 1.0, 1.0, 1.0]  # at 0.5


def test_counts_of_another_type():
    """A confusion matrix of integers, as in Keras 3.15, counts in them."""
    iou = metrics.MeanIoU(2)
    iou.total_cm = iou.add_variable((2, 2), "zeros", dtype="int64", name="cm")
    iou.update_state([0, 1, 1], [0, 1, 0])
    assert iou.total_cm.tolist() == [[1, 0], [1, 1]] and iou.total_cm.dtype == "int64"
    with pytest.warns(UserWarning, match="sample_weight: float weights lose their fractions"):
        iou.update_state([0, 1], [0, 1], sample_weight=[0.5, 2.5])
    assert iou.total_cm.tolist() == [[1, 0], [1, 3]]
