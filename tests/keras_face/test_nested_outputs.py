"""Outputs in lists and dicts within each other: losses, metrics, weights and names as in Keras.

The values are those of Keras 3.15.1 on JAX for the same weights and data.
"""

import numpy as np
import pytest

from fastdl import layers, models, ops, optimizers

X = np.linspace(0, 1, 12, dtype="float32").reshape(4, 3)
A, B, C = np.ones((4, 1)), np.full((4, 2), 0.5), np.full((4, 2), 2.0)
FIRST, SECOND = np.eye(4)[0], np.eye(4)[1]


def make(outputs):
    x = layers.Input((3,))
    units = {"a": 1, "b": 2, "c": 2}
    parts = [layers.Dense(n, kernel_initializer="ones", name=k)(x) for k, n in units.items()]
    return models.Model(x, outputs(*parts))


def in_a_dict(a, b, c):
    return {"x": [a, b]}


def in_a_list(a, b, c):
    return [[a, b], c]


def dict_in_a_dict(a, b, c):
    return {"x": {"p": a}, "q": b}


def dict_in_a_list(a, b, c):
    return [{"p": a, "q": b}, c]


def in_a_tuple(a, b, c):
    return a, (b, c)


TWO = {"loss": 2.2004, "x/a_loss": 1.0868, "x/b_loss": 1.1136}
THREE = {"loss": 3.2872, "0/a_loss": 1.0868, "0/b_loss": 1.1136, "c_loss": 1.0868}
WEIGHTED = {"1/b_loss": 0.0568, "1/c_loss": 0.7459, "a_loss": 0.1322, "loss": 0.9349}


def gap(y_true, y_pred):
    (a, b), (p, q) = y_true, y_pred
    return ops.abs(ops.sum(a, -1) + ops.sum(b, -1) - ops.sum(p, -1) - ops.sum(q, -1))


def gap_of_dicts(y_true, y_pred):
    return gap((y_true["p"], y_true["q"]), (y_pred["p"], y_pred["q"]))


def in_a_pair(a, b, c):
    return a, b


def pair_in_a_dict(a, b, c):
    return {"x": (a, b), "y": c}


def two_in_a_dict(a, b, c):
    return {"x": {"p": a, "q": b}, "y": c}


CASES = [
    (in_a_dict, {"x": [A, B]}, {"x": ["mse", "mae"]}, {}, TWO),
    (in_a_dict, [A, B], ["mse", "mae"], {}, TWO),
    (in_a_dict, {"x": [A, B]}, "mse", {}, {**TWO, "loss": 2.9236, "x/b_loss": 1.8368}),
    (in_a_dict, {"x": [A, None]}, {"x": ["mse", None]}, {}, {"loss": 1.0868}),
    (
        in_a_dict,
        {"x": [A, B]},
        {"x": ["mse", "mae"]},
        {"metrics": {"x": [["mae"], ["mse", "mae"]]}},
        {**TWO, "a_mae": 0.8636, "b_mae": 1.1136, "b_mse": 1.8368},
    ),
    (
        in_a_dict,
        {"x": [A, B]},
        {"x": ["mse", "mae"]},
        {"loss_weights": {"x": [1.0, 2.0]}},
        {**TWO, "loss": 3.314},
    ),
    (in_a_list, [[A, B], C], [["mse", "mae"], "mse"], {}, THREE),
    (in_a_list, [[A, B], C], ["mse", "mae", "mse"], {}, THREE),
    (
        dict_in_a_dict,
        {"x": {"p": A}, "q": B},
        {"x": {"p": "mse"}, "q": "mae"},
        {},
        {"loss": 2.2004, "q_loss": 1.1136, "x/p_loss": 1.0868},
    ),
    (
        dict_in_a_list,
        [{"p": A, "q": B}, C],
        [{"p": "mse", "q": "mae"}, "mse"],
        {},
        {"0/p_loss": 1.0868, "0/q_loss": 1.1136, "c_loss": 1.0868, "loss": 3.2872},
    ),
    (in_a_tuple, (A, (B, C)), ("mse", ("mae", "mse")), {"sample_weight": FIRST}, WEIGHTED),
    (
        in_a_tuple,
        (A, (B, C)),
        ("mse", ("mae", "mse")),
        {"sample_weight": (FIRST, (SECOND, SECOND))},
        {"1/b_loss": 0.1477, "1/c_loss": 0.2066, "a_loss": 0.1322, "loss": 0.4866},
    ),
    (
        in_a_tuple,
        (A, (B, C)),
        ("mse", ("mae", "mse")),
        {"sample_weight": FIRST, "weighted_metrics": (["mae"], (["mse"], ["mae"]))},
        {**WEIGHTED, "a_mae": 0.7273, "b_mse": 0.0517, "c_mae": 1.7273},
    ),
    # Of several outputs one alone has a loss.
    (lambda a, b, c: [a, b], A, ["mse", None], {}, {"loss": 1.0868}),
    (lambda a, b, c: [a, b], [A], ["mse", None], {}, {"loss": 1.0868}),
    (lambda a, b, c: [a, b], B, [None, "mse"], {}, {"loss": 1.8368}),
    (lambda a, b, c: {"p": a, "q": b}, A, {"p": "mse"}, {}, {"loss": 1.0868}),
    (
        lambda a, b, c: [a, b],
        A,
        ["mse", None],
        {"metrics": [["mae"], None]},
        {"loss": 1.0868, "a_mae": 0.8636},
    ),
    # A function of several outputs, and several losses for one.
    (
        in_a_pair,
        (A, B),
        [gap, ("mse", "mae")],
        {},
        {"a_b_loss": 3.0909, "a_loss": 1.0868, "b_loss": 1.1136, "loss": 5.2913},
    ),
    (
        in_a_pair,
        (A, B),
        [gap, ("mse", None)],
        {"loss_weights": [2.0, (1.0, None)]},
        {"a_b_loss": 3.0909, "a_loss": 1.0868, "loss": 7.2686},
    ),
    (
        lambda a, b, c: [a, b],
        [A, B],
        ["mse", ["mae", "mse"]],
        {},
        {"a_loss": 1.0868, "b_loss": 1.8368, "loss": 4.0372},
    ),
    (
        pair_in_a_dict,
        {"x": (A, B), "y": C},
        {"x": [gap, (None, "mae")], "y": "mse"},
        {},
        {"loss": 5.2913, "x/b_loss": 1.1136, "x_loss": 3.0909, "y_loss": 1.0868},
    ),
    (
        two_in_a_dict,
        {"x": {"p": A, "q": B}, "y": C},
        {"x": gap_of_dicts, "y": "mse"},
        {},
        {"loss": 4.1777, "x_loss": 3.0909, "y_loss": 1.0868},
    ),
    # Metrics have the names of the layers, also where the outputs have keys.
    (
        two_in_a_dict,
        {"x": {"p": A, "q": B}, "y": C},
        {"x": {"p": "mse", "q": "mae"}, "y": "mse"},
        {"metrics": {"x": {"p": ["mae"], "q": ["mae"]}, "y": "mae"}},
        {
            "loss": 3.2872,
            "x/p_loss": 1.0868,
            "x/q_loss": 1.1136,
            "y_loss": 1.0868,
            "a_mae": 0.8636,
            "b_mae": 1.1136,
            "c_mae": 0.8636,
        },
    ),
]


@pytest.mark.parametrize("number", range(len(CASES)))
@pytest.mark.filterwarnings("ignore:.*there is no gradient")  # for the outputs without a loss
def test_as_keras(number):
    outputs, y, loss, options, expected = CASES[number]
    weight = options.get("sample_weight")
    options = {name: value for name, value in options.items() if name != "sample_weight"}
    model = make(outputs)
    model.compile(optimizers.SGD(0.0), loss, **options)
    found = model.evaluate(X, y, sample_weight=weight, verbose=0, return_dict=True)
    assert found == pytest.approx(expected, abs=1e-4)
    history = model.fit(X, y, sample_weight=weight, verbose=0).history
    assert {name: values[0] for name, values in history.items()} == pytest.approx(found, rel=1e-5)


@pytest.mark.parametrize(
    ("y", "loss", "message"),
    [
        ([A, B, C], [["mse"], "mse"], r"compile: loss\[0\]: expected 2 entries, .* got 1"),
        ([A, B, C], {"x": "mse"}, r"compile: loss: expected a list of 2, .* got a dict"),
        ([[A], C], "mse", r"y\[0\]: expected 2 entries, .* got 1"),
    ],
)
def test_what_does_not_fit(y, loss, message):
    model = make(in_a_list)
    model.compile("sgd", loss)
    with pytest.raises(ValueError, match=message):
        model.fit(X, y, verbose=0)


def test_an_unknown_key_is_named():
    model = make(dict_in_a_dict)
    model.compile("sgd", {"x": {"P": "mse"}, "q": "mse"})
    for kind in (ValueError, KeyError):  # Keras raises a KeyError
        with pytest.raises(kind, match=r"loss\['x'\]: there is no output 'P', .* 'p'"):
            model.fit(X, {"x": {"p": A}, "q": B}, verbose=0)
    model.compile("sgd", {"x": {"p": "mse"}, "q": {"r": "mse"}})
    with pytest.raises(KeyError, match=r"output 'q' is one tensor and has no parts, .*'r'"):
        model.fit(X, {"x": {"p": A}, "q": B}, verbose=0)


def test_a_model_without_names_for_its_outputs():
    class Two(models.Model):
        def __init__(self):
            super().__init__()
            self.a = layers.Dense(2, kernel_initializer="ones")
            self.b = layers.Dense(2, kernel_initializer="ones")

        def call(self, x):
            return {"x": {"u": self.a(x), "v": self.b(x)}, "z": [self.a(x)]}

    model = Two()
    model.compile(
        optimizers.SGD(0.0),
        {"x": {"u": "mse", "v": "mae"}, "z": ["mse"]},
        metrics={"x": {"u": ["mae"], "v": ["mse"]}, "z": ["mae"]},
    )
    y = {"x": {"u": B, "v": B}, "z": [B]}
    names = ["loss", "mae", "mae_1", "mse", "x/u_loss", "x/v_loss", "z/mse_loss"]
    assert sorted(model.fit(X, y, verbose=0).history) == names  # Keras 3.15.1 on JAX


def test_a_loss_of_several_outputs_takes_one_weight_for_each_sample():
    model = make(two_in_a_dict)
    model.compile(optimizers.SGD(0.0), {"x": gap_of_dicts})
    y = {"x": {"p": A, "q": B}, "y": None}
    x, a, b = X.sum(1), A.sum(1), B.sum(1)
    expected = np.mean(FIRST * np.abs(a + b - 3 * x))
    found = model.evaluate(X, y, sample_weight=FIRST, verbose=0)
    assert found == pytest.approx(expected, rel=1e-6)
    with pytest.raises(ValueError, match="a number for each sample, since the loss takes several"):
        model.evaluate(X, y, sample_weight={"x": {"p": FIRST, "q": FIRST}, "y": FIRST}, verbose=0)
