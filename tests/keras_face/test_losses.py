"""Losses: golden values, logits behind probabilities, gradients, reductions and bad input.

The golden values were computed by Keras in float64 (golden/losses.py).
"""

import json
import warnings
from pathlib import Path

import numpy as np
import pytest

import fastdl
from fastdl import _core, losses

GOLDEN = json.loads((Path(__file__).parents[1] / "golden/losses.json").read_text("utf-8"))
INPUTS = {key: [np.asarray(a) for a in pair] for d in GOLDEN["inputs"] for key, pair in d.items()}
WEIGHTS = np.asarray(GOLDEN["weights"][0])
EPSILON = np.finfo(np.float32).eps


def ids(case):
    options = (f"{k}={v}" for k, v in case["options"].items())
    return "-".join([case["name"], case["inputs"], *options])


def assert_near(actual, expected):
    """Within 4 roundings: a logarithm's argument, its value, a product and a sum."""
    expected = np.asarray(expected)
    assert actual.shape == expected.shape
    error = np.abs(actual.detach().numpy() - expected)
    np.testing.assert_array_less(error / np.maximum(1, np.abs(expected)), 4 * EPSILON)


@pytest.mark.parametrize("case", GOLDEN["losses"], ids=ids)
def test_value(case):
    y_true, y_pred = INPUTS[case["inputs"]]
    for name, expected in case["results"].items():
        reduction = name.removeprefix("weighted_")
        weight = WEIGHTS[: len(y_true)] if name.startswith("weighted_") else None
        loss = getattr(losses, case["name"])(reduction=reduction, **case["options"])
        assert_near(loss(y_true, y_pred, weight), expected)


@pytest.mark.parametrize("case", GOLDEN["losses"], ids=ids)
def test_recorded_loss_is_the_loss(case):
    slots = [fastdl.tensor(a) for a in INPUTS[case["inputs"]]]
    loss = getattr(losses, case["name"])(**case["options"])
    recorder = _core.Recorder()
    try:
        result = loss(*slots)
    finally:
        recorder.stop()
    assert not recorder.problem
    plan = _core.Plan(recorder, slots, [result])
    swapped = [fastdl.tensor(a[::-1].copy()) for a in INPUTS[case["inputs"]]]
    plan.replay(swapped)
    np.testing.assert_array_equal(result.numpy(), loss(*swapped).numpy())


@pytest.mark.parametrize("case", GOLDEN["losses"], ids=ids)
def test_config_makes_an_equal_loss(case):
    loss = getattr(losses, case["name"])(reduction="sum", **case["options"])
    again = losses.deserialize(json.loads(json.dumps(losses.serialize(loss))))
    assert type(again) is type(loss) and again.get_config() == loss.get_config()


@pytest.mark.parametrize(
    ("name", "key", "activation"),
    [
        ("SparseCategoricalCrossentropy", "sparse_logits", "softmax"),
        ("CategoricalCrossentropy", "one_hot_logits", "softmax"),
        ("BinaryCrossentropy", "bits", "sigmoid"),
    ],
)
def test_probabilities_know_their_logits(name, key, activation):
    y_true, logits = INPUTS[key]
    logits = fastdl.tensor(logits * 100)  # probabilities of exactly 0 and 1
    probabilities = getattr(fastdl.activations, activation)(logits)
    direct = getattr(losses, name)(from_logits=True)(y_true, logits)
    assert getattr(losses, name)()(y_true, probabilities).item() == direct.item() > 17
    # Without the logits the clipped formula applies: at most -log(1e-7).
    assert getattr(losses, name)()(y_true, probabilities.detach()).item() < 17


SMOOTH = [case for case in GOLDEN["losses"] if case["inputs"] != "certain"]  # whose loss is clipped


@pytest.mark.parametrize("case", SMOOTH, ids=ids)
def test_gradient_is_that_of_the_value(case):
    y_true, y_pred = INPUTS[case["inputs"]]
    loss = getattr(losses, case["name"])(**case["options"])
    x = fastdl.tensor(y_pred, dtype="float32").requires_grad_()
    loss(y_true, x).backward()
    direction = np.random.RandomState(1).standard_normal(y_pred.shape)
    h = 2e-4
    up, down = (loss(y_true, (y_pred + sign * h * direction)).item() for sign in (1, -1))
    slope = float((x.grad.numpy() * direction).sum())
    # Two roundings divided by 2h are 3e-4 of the value; a sum has a few of them.
    assert (up - down) / (2 * h) == pytest.approx(slope, rel=1e-2, abs=1e-2 * max(1, abs(up)))


def test_functions_and_names():
    for name in ("mse", "MSE", "mean_squared_error"):
        assert losses.get(name) is losses.mean_squared_error
    assert isinstance(losses.get("MeanSquaredError"), losses.MeanSquaredError)
    assert losses.get(None) is None
    loss = losses.Huber(delta=2.0)
    assert losses.get(loss) is loss
    assert losses.serialize(losses.mse) == "mean_squared_error"
    with pytest.raises(ValueError, match=r"unknown loss 'mean_square_error'.*'mean_squared_error'"):
        losses.get("mean_square_error")


def test_function_of_the_user():
    def cubic(y_true, y_pred):
        assert y_true.dtype == np.float32  # integers would wrap around or overflow
        return fastdl.mean(abs(y_true - y_pred) ** 3, -1)

    loss = losses.LossFunctionWrapper(cubic)
    assert loss.name == "cubic"
    assert loss(np.uint8([[0, 0]]), [[1.0, 2.0]]).item() == 4.5


def test_targets_given_as_integers_and_floats_agree():
    y_true, y_pred = INPUTS["sparse_logits"]
    loss = losses.SparseCategoricalCrossentropy(from_logits=True)
    values = {loss(y_true.astype(t), y_pred).item() for t in ("uint8", "int32", "int64", "float32")}
    assert len(values) == 1


def test_outputs_that_differ_from_targets_by_an_axis():
    assert losses.mean_squared_error([1.0, 2.0], [[1.0], [4.0]]).tolist() == [0.0, 4.0]
    assert losses.MeanSquaredError()([[1.0], [2.0]], [1.0, 4.0]).item() == 2.0


@pytest.mark.parametrize(
    ("y", "out", "fits"),
    [
        ((4,), (4, 1), True),
        ((4, 1), (4,), True),
        ((4, 3), (4, 3, 1), True),
        ((4, 10), (4, 1), False),
        ((1, 10), (4, 10), False),
        ((10,), (4, 10), False),
    ],
)
def test_check_broadcast(y, out, fits):
    message = losses.check_broadcast(y, out)
    assert (message is None) == fits
    if message:
        assert str(y) in message and str(out) in message


def test_shapes_that_do_not_fit():
    with pytest.raises(ValueError, match=r"targets of shape \(4, 3\) .* \(4, 2\)"):
        losses.check_broadcast((4, 3), (4, 2))
    with pytest.raises(ValueError, match=r"shape \(2, 3\), got \(2, 2\).*sparse_categorical"):
        losses.CategoricalCrossentropy()(np.zeros((2, 2)), np.ones((2, 3)))
    with pytest.raises(ValueError, match=r"shape \(2,\) .*use categorical_crossentropy"):
        losses.SparseCategoricalCrossentropy()(np.zeros((2, 3)), np.ones((2, 3)))
    with pytest.raises(ValueError, match=r"sample_weight: shape \(3,\) .* losses of shape \(2,\)"):
        losses.MeanSquaredError()(np.zeros((2, 3)), np.ones((2, 3)), np.ones(3))
    with pytest.raises(ValueError, match=r"expected an axis of outputs of shape \(\), got -1"):
        losses.SparseCategoricalCrossentropy()(1, 2.0)
    with pytest.raises(ValueError, match=r"binary_crossentropy: .*\(2, 1\), got \(2, 3\)"):
        losses.BinaryCrossentropy()(np.zeros((2, 3)), np.full((2, 1), 0.5))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: losses.dice([1.0], [1.0, 0.5]), r"dice: .* shape \(2,\), got \(1,\)"),
        (lambda: losses.tversky([[1.0]], [1.0]), r"tversky: .* shape \(1,\), got \(1, 1\)"),
        (lambda: losses.ctc([1], np.ones((1, 2, 3))), r"ctc: .*got \(1,\) and \(1, 2, 3\)"),
        (lambda: losses.ctc([[3]], np.ones((1, 2, 3))), r"label 3 of sample 0 is outside \[0, 3\)"),
        (lambda: losses.ctc([[0, 1]], np.ones((1, 2, 3))), "label 0 of sample 0 is the blank"),
        (lambda: losses.circle([0, 1], [0.5, 0.5]), r"circle: y_pred: .*got shape \(2,\)"),
        (lambda: losses.circle([0, 1, 1], np.ones((2, 2))), r"circle: y_true: .*shape \(3,\)"),
        (
            lambda: losses.circle([0, 1], np.ones((2, 2)), ref_embeddings=np.ones((3, 2))),
            "circle: ref_labels: expected labels of 3 references, got None",
        ),
        (
            lambda: losses.circle([0, 1], np.ones((2, 2)), [0], np.ones((1, 3))),
            r"circle: ref_embeddings: expected shape \(m, 2\), got \(1, 3\)",
        ),
        (
            lambda: losses.categorical_generalized_cross_entropy([[0, 1]], np.ones((2, 2)), 0.5),
            r"expected class numbers of shape \(2,\) .*got shape \(1, 2\)",
        ),
        (
            lambda: losses.categorical_focal_crossentropy(np.eye(2), np.eye(2), [1.0, 2.0, 3.0]),
            r"alpha: expected one for each of 2 classes, got shape \(3,\)",
        ),
        (
            lambda: losses.categorical_focal_crossentropy([0, 1], np.eye(2)),
            r"categorical_focal_crossentropy: .*shape \(2, 2\), got \(2,\)",
        ),
    ],
)
def test_shapes_that_a_function_refuses(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_focal_loss_of_extreme_logits_keeps_its_gradient():
    x = fastdl.tensor([[100.0, -100.0]]).requires_grad_()
    loss = losses.CategoricalFocalCrossentropy(alpha=1.0, gamma=0.5, from_logits=True)
    value = loss([[0.0, 1.0]], x)
    assert value.item() == 200.0  # Keras clips the probability and stops at -log(1e-7)
    value.backward()
    assert x.grad.tolist() == [[1.0, -1.0]]
    y = fastdl.tensor([[200.0, 0.0]]).requires_grad_()
    loss([[1.0, 0.0]], y).backward()  # (1 - p)^0.5 has an infinite slope at p = 1
    assert np.isfinite(y.grad.numpy()).all()


def test_weights_of_classes_lie_on_the_axis_of_the_classes():
    y, p = np.eye(3)[None, [0, 2]], np.full((1, 2, 3), 1 / 3)
    loss = losses.categorical_focal_crossentropy(y, p, [1.0, 2.0, 4.0])
    swapped = [a.swapaxes(1, 2) for a in (y, p)]
    again = losses.categorical_focal_crossentropy(*swapped, [1.0, 2.0, 4.0], axis=1)
    np.testing.assert_array_equal(loss.numpy(), again.numpy())


def test_generalized_loss_of_probability_0_has_a_finite_gradient():
    p = fastdl.tensor([[0.0, 1.0], [0.25, 0.75]]).requires_grad_()
    loss = losses.categorical_generalized_cross_entropy(np.array([[0], [0]]), p, 0.5)
    assert loss.tolist() == [2.0, 1.0]
    loss.sum().backward()
    assert p.grad.tolist() == [[0.0, 0.0], [-2.0, 0.0]]


def circle_of_rows(labels, x, references, others, gamma, margin, own):
    """The loss by its definition, row by row in float64."""
    values = []
    for i, row in enumerate(x):
        d = np.maximum(1 - others @ row, 0)
        same = references == labels[i]
        near = same & (np.arange(len(others)) != i) if own else same
        pull = np.exp(-gamma * np.maximum(margin + d, 0) * (margin - d))[near].sum()
        push = np.exp(gamma * np.maximum(1 + margin - d, 0) * (1 - margin - d))[~same].sum()
        values.append(np.log1p(pull * push))
    return values


def test_circle_with_references():
    random = np.random.RandomState(3)
    x, others = random.standard_normal((4, 3)), random.standard_normal((5, 3))
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    others /= np.linalg.norm(others, axis=1, keepdims=True)
    labels, references = np.array([0, 1, 1, 7]), np.array([1, 0, 1, 0, 2])
    for own in (True, False):
        expected = circle_of_rows(labels, x, references, others, 4.0, 0.3, own)
        actual = losses.circle(labels, x, references, others, own, 4.0, 0.3)
        # Exponents of up to 4 * 1.3 * 1.3, each with 4 roundings.
        np.testing.assert_allclose(actual.numpy(), expected, rtol=0, atol=32 * EPSILON)


def test_circle_of_a_batch_of_one_label_is_0_with_gradient_0():
    x = fastdl.tensor([[1.0, 0.0], [0.6, 0.8]]).requires_grad_()
    for labels in ([3, 3], [3, 4]):  # without others, and without the same
        loss = losses.Circle()(labels, x)
        assert loss.item() == 0.0
        loss.backward()
        assert x.grad.numpy().tolist() == [[0.0, 0.0], [0.0, 0.0]]


def test_circle_as_a_function_averages_as_the_class_does():
    labels, x = INPUTS["groups"]
    options = {"gamma": 4.0}
    by_function = losses.LossFunctionWrapper(losses.circle, **options)(labels, x)
    assert by_function.item() == losses.Circle(**options)(labels, x).item()


def test_a_model_learns_with_ctc():
    """Three labels in seven times, from inputs that show each label once."""
    random = np.random.RandomState(0)
    y = random.randint(1, 4, (48, 3))
    x = np.zeros((48, 7, 4), np.float32)
    for row, labels in zip(x, y, strict=True):
        row[[1, 3, 5], labels] = 1.0
    y[::4, 2] = 0  # padding: the last one is not in the target
    x[::4, 5] = 0.0
    fastdl.utils.set_random_seed(1)
    model = fastdl.models.Sequential(
        [fastdl.layers.Input((7, 4)), fastdl.layers.Dense(8, "relu"), fastdl.layers.Dense(4)]
    )
    model.compile(fastdl.optimizers.Adam(0.05), losses.CTC())
    history = model.fit(x, y, batch_size=16, epochs=40, verbose=0).history["loss"]
    assert history[-1] < 0.3 < 1.0 < history[0]
    assert model.evaluate(x, y, verbose=0) == pytest.approx(
        losses.CTC()(y, model.predict(x, verbose=0)).item(), rel=1e-5
    )


def test_large_labels_stay_apart():
    labels = np.array([2**24, 2**24 + 1, 2**24])  # float32 would make them one
    x = [[1.0, 0.0], [0.0, 1.0], [0.6, 0.8]]
    assert losses.Circle(gamma=1.0)(labels, x) == losses.Circle(gamma=1.0)([0, 1, 0], x)


@pytest.mark.parametrize("label", [3, -1, np.nan, 0.5])
@pytest.mark.parametrize(
    "name", ["SparseCategoricalCrossentropy", "CategoricalGeneralizedCrossEntropy"]
)
def test_labels_that_are_no_class(name, label):
    loss = getattr(losses, name)()
    with pytest.raises(ValueError, match=r"label|class -?\d at position 1 is outside \[0, 3\)"):
        loss(np.array([0, label]), np.full((2, 3), 1 / 3))


@pytest.mark.parametrize(
    ("dtype", "bits"), [("bfloat16", 16), ("float16", 3), (np.float16, 3), ("float32", 0)]
)
def test_type_of_a_loss(dtype, bits):
    """Targets and outputs are rounded to the type, and so is the loss; gradients go through."""

    def rounded(x):
        if bits == 16:  # to the nearest number whose lower 16 bits are 0
            whole = np.float32(x).view(np.uint32).astype(np.int64)
            return ((whole + 0x7FFF + (whole >> 16 & 1)) & 0xFFFF0000).astype(np.uint32).view("f4")
        return np.float32(x).astype(np.float16 if bits else np.float32).astype(np.float32)

    y, x = np.float32([[1.001, 2.003, -3.007]]), np.float32([[4.1234567, 8.0, 12.3]])
    given = fastdl.tensor(x, requires_grad=True)
    loss = losses.MeanSquaredError(dtype=dtype)
    value = loss(y, given)
    assert loss.dtype == value.dtype == ("bfloat16" if bits == 16 else np.dtype(dtype))
    expected = rounded(np.mean(np.square(rounded(x) - rounded(y)), dtype=np.float32))
    assert value.to("float32").item() == pytest.approx(float(expected), rel=1e-6)
    value.to("float32").backward()
    np.testing.assert_allclose(given.grad, 2 / 3 * (rounded(x) - rounded(y)), rtol=1e-6)
    with pytest.raises(AttributeError):
        loss.dtype = "float32"


def test_class_numbers_are_not_rounded():
    """bfloat16 has no 257: as a class number it would be 256."""
    x = np.zeros((1, 258), np.float32)
    x[0, 257] = 1.0
    loss = losses.SparseCategoricalCrossentropy(dtype="bfloat16")
    assert loss([257], x).to("float32").item() < 1e-4 < loss([256], x).to("float32").item()


def test_a_model_learns_with_a_loss_of_a_narrow_type():
    x = np.float32([[1.0], [2.0], [3.0], [4.0]])
    model = fastdl.Sequential([fastdl.layers.Dense(1)])
    with warnings.catch_warnings():  # not every CPU has instructions for bfloat16
        warnings.simplefilter("ignore")
        policy = fastdl.DTypePolicy("mixed_bfloat16")
    model.compile(fastdl.optimizers.SGD(0.05), losses.MeanSquaredError(dtype=policy))
    assert model.loss.dtype == "bfloat16"
    found = model.fit(x, 2 * x, epochs=30, verbose=0).history["loss"]
    assert found[-1] < 0.1 * found[0]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: losses.MeanSquaredError(reduction="avg"), "reduction: expected .*'avg'"),
        (lambda: losses.MeanSquaredError(dtype="float64"), "dtype: expected 'float32', .*float64"),
        (lambda: losses.MeanSquaredError(dtype="int32"), "dtype: expected 'float32', .*int32"),
        (lambda: losses.BinaryCrossentropy(label_smoothing=2), r"label_smoothing: .*\[0, 1\]"),
        (lambda: losses.Huber(delta=-1.0)([0.0], [1.0]), "delta"),
        (lambda: losses.CategoricalGeneralizedCrossEntropy(q=1.0), "CrossEntropy: q: .*got 1.0"),
        (lambda: losses.CategoricalFocalCrossentropy(alpha=[]), "alpha: expected a number or sev"),
        (
            lambda: losses.CategoricalFocalCrossentropy(alpha=[1, "a"]),
            "alpha: expected a finite number",
        ),
        (lambda: losses.Dice(axis="last"), "Dice: axis: expected an integer or several"),
        (lambda: losses.Tversky(beta=np.nan), "Tversky: beta: expected a finite number"),
        (lambda: losses.Circle(margin="a"), "Circle: margin: expected a finite number"),
    ],
)
def test_bad_arguments(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("name", ["CategoricalCrossentropy", "CategoricalFocalCrossentropy"])
def test_smoothing_follows_the_axis_of_the_classes(name):
    rng = np.random.default_rng(0)
    outputs = rng.random((4, 3, 5)).astype("float32")
    targets = np.eye(5, dtype="float32")[rng.integers(0, 5, (4, 3))]
    last = getattr(losses, name)(label_smoothing=0.2)(targets, outputs)
    moved = getattr(losses, name)(label_smoothing=0.2, axis=1)(
        np.moveaxis(targets, -1, 1), np.moveaxis(outputs, -1, 1)
    )
    np.testing.assert_allclose(moved.numpy(), last.numpy(), rtol=4 * EPSILON)


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("BinaryCrossentropy", {"from_logits": True, "label_smoothing": 0.1, "axis": -1}),
        ("BinaryFocalCrossentropy", {"alpha": 0.3, "gamma": 1.0, "apply_class_balancing": True}),
        ("CategoricalGeneralizedCrossEntropy", {"q": 0.7}),
        ("Circle", {"gamma": 60.0, "margin": 0.3, "remove_diagonal": False}),
        ("SparseCategoricalCrossentropy", {"from_logits": True, "ignore_class": 2}),
        ("Tversky", {"alpha": 0.2, "beta": 0.7}),
    ],
)
def test_settings_can_be_read(name, settings):
    loss = getattr(losses, name)(**settings)
    assert {key: getattr(loss, key) for key in settings} == settings
    with pytest.raises(AttributeError, match=f"'{name}' object has no attribute 'nothing'"):
        loss.nothing  # noqa: B018
