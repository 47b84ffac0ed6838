"""Parts of data, reports beside those of scikit-learn, and pictures."""

import os

import numpy as np
import pytest
from sklearn import calibration, metrics

import fastdl
from fastdl import layers, models, utils

RNG = np.random.default_rng(5)
LABELS = RNG.integers(0, 4, 200)
GUESSES = np.where(RNG.uniform(size=200) < 0.7, LABELS, RNG.integers(0, 4, 200))


# --- parts


def test_two_parts():
    x, y = np.arange(20).reshape(10, 2), fastdl.arange(10)
    (x1, y1), (x2, y2) = utils.split_dataset((x, y), left_size=0.7)
    assert y1.tolist() == list(range(7)) and y2.tolist() == [7, 8, 9]
    np.testing.assert_array_equal(x1, x[:7])
    np.testing.assert_array_equal(x2, x[7:])
    one, other = utils.split_dataset({"a": x}, right_size=3)
    assert len(one["a"]) == 7 and len(other["a"]) == 3
    one, other = utils.split_dataset(x, left_size=2, right_size=3)
    assert one.tolist() == x[:2].tolist() and other.tolist() == x[2:5].tolist()
    one, other = utils.split_dataset(np.arange(100), 0.25, shuffle=True, seed=3)
    assert sorted([*one, *other]) == list(range(100)) and one.tolist() != list(range(25))
    again, _ = utils.split_dataset(np.arange(100), 0.25, shuffle=True, seed=3)
    np.testing.assert_array_equal(one, again)
    one, other = utils.split_dataset(np.arange(100), 10, 20, shuffle=True, seed=0)
    assert len(set(one) | set(other)) == 30


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "left_size or right_size"),
        ({"left_size": 0.0}, "left_size"),
        ({"left_size": 1.0}, "left_size"),
        ({"left_size": 11}, "10 samples cannot be cut"),
        ({"left_size": 10}, "10 samples cannot be cut"),
        ({"left_size": 6, "right_size": 5}, "10 samples cannot be cut"),
        ({"left_size": "half"}, "left_size"),
        ({"left_size": 0.5, "shuffle": "yes"}, "shuffle"),
    ],
)
def test_bad_parts(arguments, message):
    with pytest.raises(ValueError, match=message):
        utils.split_dataset(np.arange(10), **arguments)
    for bad in (np.zeros((0, 2)), 3, (np.zeros(2), np.zeros(3))):
        with pytest.raises(ValueError, match="split_dataset: dataset"):
            utils.split_dataset(bad, 0.5)


@pytest.mark.parametrize("k", [2, 3, 7, 20])
def test_folds(k):
    folds = list(utils.k_fold(20, k, seed=1))
    assert len(folds) == k
    assert sorted(np.concatenate([test for _, test in folds])) == list(range(20))
    sizes = [len(test) for _, test in folds]
    assert max(sizes) - min(sizes) <= 1
    for train, test in folds:
        assert not set(train) & set(test) and len(train) + len(test) == 20


def test_folds_with_equal_shares():
    labels = np.repeat([0, 1, 2], [50, 30, 20])
    for _, test in utils.k_fold(labels, 5, seed=0, stratify=labels):
        assert np.bincount(labels[test]).tolist() == [10, 6, 4]
    for n, k, message in ((3, 4, "as many samples"), (5, 1, "k: "), (5, 2.5, "k: ")):
        with pytest.raises(ValueError, match=f"k_fold: .*{message}|k_fold: {message}"):
            list(utils.k_fold(n, k))
    with pytest.raises(ValueError, match="expected 5 labels, got 3"):
        utils.k_fold(5, 2, stratify=[0, 1, 0])


# --- reports


@pytest.mark.parametrize("normalize", [None, "true", "pred", "all"])
def test_confusion_matrix(normalize):
    for labels in (None, [3, 1, 0], [0, 1, 2, 3, 9]):
        got = utils.confusion_matrix(LABELS, GUESSES, labels, normalize)
        wanted = metrics.confusion_matrix(LABELS, GUESSES, labels=labels, normalize=normalize)
        np.testing.assert_allclose(got, wanted, rtol=1e-15)
    words = np.array(["d", "a", "c", "b"])
    got = utils.confusion_matrix(words[LABELS], words[GUESSES])
    wanted = metrics.confusion_matrix(words[LABELS], words[GUESSES])
    np.testing.assert_array_equal(got, wanted)
    rows = fastdl.tensor(np.eye(4)[GUESSES])
    np.testing.assert_array_equal(
        utils.confusion_matrix(np.eye(4)[LABELS], rows), utils.confusion_matrix(LABELS, GUESSES)
    )


@pytest.mark.parametrize("digits", [2, 4])
def test_report(digits):
    names = ["zero", "one", "two", "a class with a long name"]
    for options in ({}, {"target_names": names}):
        got = utils.classification_report(LABELS, GUESSES, digits=digits, **options)
        wanted = metrics.classification_report(LABELS, GUESSES, digits=digits, **options)
        assert got.split() == wanted.split()
    got = utils.classification_report(LABELS, GUESSES, output_dict=True)
    wanted = metrics.classification_report(LABELS, GUESSES, output_dict=True)
    assert got.keys() == wanted.keys()
    for key, entry in wanted.items():
        if key == "accuracy":
            assert got[key] == pytest.approx(entry, rel=1e-12)
        else:
            assert got[key] == pytest.approx(entry, rel=1e-12)


def test_a_class_without_predictions():
    got = utils.classification_report([0, 0, 1], [0, 0, 0], output_dict=True)
    wanted = metrics.classification_report([0, 0, 1], [0, 0, 0], output_dict=True, zero_division=0)
    assert got["1"] == wanted["1"] and got["macro avg"] == wanted["macro avg"]


@pytest.mark.parametrize("strategy", ["uniform", "quantile"])
def test_calibration(strategy):
    prob = RNG.beta(0.7, 0.9, 500)
    true = RNG.uniform(size=500) < prob**1.3
    for bins in (1, 5, 10):
        got = utils.calibration_curve(true, prob, bins, strategy)
        wanted = calibration.calibration_curve(true, prob, n_bins=bins, strategy=strategy)
        for a, b in zip(got, wanted, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-12)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: utils.confusion_matrix([0, 1], [0]), "y_true has 2 samples, y_pred 1"),
        (lambda: utils.confusion_matrix([0, 1], [0.2, 0.9]), "y_pred > 0.5"),
        (lambda: utils.confusion_matrix([], []), "y_true: expected a label"),
        (lambda: utils.confusion_matrix([0], [0], normalize="rows"), "normalize"),
        (lambda: utils.classification_report([0, 1], [0, 1], target_names=["a"]), "2 names"),
        (lambda: utils.classification_report([0, 1], [0, 1], digits=-1), "digits"),
        (lambda: utils.calibration_curve([0, 2], [0.1, 0.2]), "expected 0 and 1"),
        (lambda: utils.calibration_curve([0, 1], [0.1, 1.2]), r"numbers in \[0, 1\]"),
        (lambda: utils.calibration_curve([0, 1], [0.1, 0.2], strategy="x"), "strategy"),
        (lambda: utils.plot_history({}), "metrics"),
        (lambda: utils.plot_history(3), "history"),
        (lambda: utils.plot_history({"loss": [1.0]}, ["los"]), "expected some of loss"),
        (lambda: utils.plot_weights(layers.Dense(2)), "nothing to draw"),
        (lambda: utils.plot_activations(layers.Dense(2), np.ones((1, 2))), "functional model"),
        (lambda: utils.plot_history({"loss": [1.0]}, to_file="x.doc"), "to_file"),
    ],
)
def test_bad_reports(call, message):
    with pytest.raises(ValueError, match=message):
        call()


# --- pictures


def stack():
    return models.Sequential(
        [layers.Input((5,)), layers.Dense(8, "relu", name="a"), layers.Dense(2, name="b")]
    )


def test_pictures(tmp_path):
    history = {"loss": [3.0, 2.0, 1.0], "val_loss": [3.0, 2.5, 2.0], "mae": [1.0, 0.5, 0.2]}
    x = RNG.standard_normal((30, 5))
    figures = {
        "history.png": lambda f: utils.plot_history(history, to_file=f),
        "matrix.svg": lambda f: utils.plot_confusion_matrix(LABELS, GUESSES, to_file=f),
        "calibration.pdf": lambda f: utils.plot_calibration([0, 1, 1], [0.1, 0.8, 0.9], to_file=f),
        "weights.png": lambda f: utils.plot_weights(stack(), to_file=f),
        "activations.png": lambda f: utils.plot_activations(stack(), x, to_file=f),
    }
    starts = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}
    for name, make in figures.items():
        figure = make(tmp_path / name)
        assert figure.axes
        assert (tmp_path / name).read_bytes().startswith(starts[name[-3:]])
    assert sorted(os.listdir(tmp_path)) == sorted(figures)
    lines = utils.plot_history(history).axes[0].get_lines()
    np.testing.assert_array_equal(lines[1].get_ydata(), history["val_loss"])
    np.testing.assert_array_equal(lines[1].get_xdata(), [1, 2, 3])


def test_histograms_count_every_value():
    model = stack()
    counts = [
        sum(patch.get_height() for patch in axes.patches) for axes in utils.plot_weights(model).axes
    ]
    assert counts == [40, 8, 16, 2]
    model.layers[0].kernel.assign(np.full((5, 8), np.nan, np.float32))
    assert "40 values" in utils.plot_weights(model).axes[0].get_xlabel()


def test_without_matplotlib(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r"pip install 'fastdl\[plot\]'"):
        utils.plot_history({"loss": [1.0]})
