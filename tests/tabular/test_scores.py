"""Scores, linear models and importance, against scikit-learn and formulas."""

import numpy as np
import pytest
from sklearn import linear_model, metrics

from fastdl.tabular.importance import permutation_importance
from fastdl.tabular.linear import linear_probabilities, linear_values
from fastdl.tabular.preprocessing import Classes, Values
from fastdl.tabular.scores import classification_scores, regression_scores, roc_auc


@pytest.mark.parametrize("classes", [2, 3, 7])
@pytest.mark.parametrize("digits", [1, 8])  # one digit makes ties
def test_scores_of_classes(classes, digits):
    rng = np.random.default_rng(classes)
    true = rng.integers(0, classes, 200)
    p = np.round(rng.random((200, classes)) + np.eye(classes)[true], digits) + 0.1
    p /= p.sum(axis=1, keepdims=True)
    found = classification_scores(true, p)
    predicted = p.argmax(axis=1)
    expected = {
        "accuracy": metrics.accuracy_score(true, predicted),
        "macro F1": metrics.f1_score(true, predicted, average="macro"),
        "log loss": metrics.log_loss(true, p),
    }
    if classes == 2:
        expected["F1"] = metrics.f1_score(true, predicted)
        expected["ROC-AUC"] = metrics.roc_auc_score(true, p[:, 1])
    else:
        expected["ROC-AUC"] = metrics.roc_auc_score(true, p, multi_class="ovr")
    assert found == pytest.approx(expected, rel=1e-12)


def test_scores_of_classes_that_are_not_there():
    p = np.array([[0.7, 0.2, 0.1], [0.3, 0.6, 0.1]])
    found = classification_scores(np.array([0, 1]), p)
    assert found["macro F1"] == 1 and found["ROC-AUC"] == 1
    one = classification_scores(np.array([0, 0]), p[:, :2])
    assert np.isnan(one["ROC-AUC"]) and one["F1"] == 0
    # Probability 0 of what is true: the loss is large, not infinite.
    assert np.isfinite(classification_scores(np.array([1]), np.array([[1.0, 0.0]]))["log loss"])


def test_scores_of_values():
    rng = np.random.default_rng(0)
    true = rng.normal(size=100)
    predicted = true + rng.normal(size=100)
    assert regression_scores(true, predicted) == pytest.approx(
        {
            "R2": metrics.r2_score(true, predicted),
            "MAE": metrics.mean_absolute_error(true, predicted),
            "RMSE": metrics.mean_squared_error(true, predicted) ** 0.5,
        },
        rel=1e-12,
    )
    assert np.isnan(regression_scores(np.ones(3), np.ones(3))["R2"])
    # Neither squares nor differences overflow.
    large = regression_scores(true * 1e300, predicted * 1e300)
    small = regression_scores(true, predicted)
    assert large["R2"] == pytest.approx(small["R2"], rel=1e-12)
    assert large["RMSE"] == pytest.approx(small["RMSE"] * 1e300, rel=1e-12)


def test_area_by_counting_pairs():
    rng = np.random.default_rng(3)
    positive, score = rng.random(50) < 0.3, rng.integers(0, 9, 50)
    pairs = [(a > b) + (a == b) / 2 for a in score[positive] for b in score[~positive]]
    assert roc_auc(positive, score) == pytest.approx(np.mean(pairs), rel=1e-12)


@pytest.mark.parametrize("classes", [2, 4])
def test_logistic_regression(classes):
    """scikit-learn minimizes the same function, up to its choice for two classes."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 5)).astype(np.float32)
    y = (x @ rng.normal(size=(5, classes)) + rng.normal(size=(300, classes))).argmax(axis=1)
    found = linear_probabilities(x[:200], y[:200], classes, x[200:])
    # Two rows of weights of half the size have half the penalty of one row.
    c = 2.0 if classes == 2 else 1.0
    model = linear_model.LogisticRegression(C=c, tol=1e-8, max_iter=1000).fit(x[:200], y[:200])
    # Both stop near the minimum, in float32 here.
    np.testing.assert_allclose(found, model.predict_proba(x[200:]), atol=5e-3)


@pytest.mark.parametrize("shape", [(200, 5), (20, 50)])
def test_ridge_regression(shape):
    rng = np.random.default_rng(0)
    x = rng.normal(3, 1, size=shape).astype(np.float32)
    y = (x @ rng.normal(size=(shape[1], 1)) + rng.normal(size=(shape[0], 1))).astype(np.float32)
    found = linear_values(x[:-5], y[:-5], x[-5:])
    model = linear_model.Ridge(alpha=1.0).fit(x[:-5].astype(float), y[:-5, 0].astype(float))
    np.testing.assert_allclose(found, model.predict(x[-5:].astype(float)), rtol=1e-6)


def test_importance_of_a_known_function():
    """For y = sum of a_i x_i a shuffle of x_i raises the squared error by 2 a_i^2 var(x_i).

    That is so on average over all permutations, with n / (n - 1) times the variance of the sample.
    """
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2000, 3)).astype(np.float32)
    a = np.array([2.0, 1.0, 0.0])
    target = Values("y", 0.0, 1.0)
    true = x.astype(float) @ a
    places = {"one": slice(0, 1), "two": slice(1, 2), "none": slice(2, 3)}
    found = permutation_importance(
        lambda rows: (rows.astype(float) @ a)[:, None], x, true, places, target, repeats=40
    )
    assert [entry["column"] for entry in found] == ["one", "two", "none"]
    for entry, factor in zip(found, a, strict=True):
        column = x[:, places[entry["column"]]].astype(float)
        expected = 2 * factor**2 * column.var() / true.var()
        # The mean of 40 shuffles: four standard errors.
        assert entry["mean"] == pytest.approx(expected, abs=4 * entry["std"] / 40**0.5 + 1e-12)
        assert (entry["std"] > 0) == (factor > 0)


def test_importance_of_several_inputs_that_belong_together():
    """A column of two inputs is shuffled as a whole: only then its inputs stay consistent."""
    rng = np.random.default_rng(0)
    code = rng.integers(0, 2, 400)
    x = np.eye(2, dtype=np.float32)[code]
    seen = []

    def outputs(rows):
        seen.append(rows.sum(axis=1))
        return np.where(rows > 0.5, 0.9, 0.1)

    target = Classes("y", ["a", "b"])
    found = permutation_importance(outputs, x, code, {"c": slice(0, 2)}, target, repeats=3)
    assert all((rows == 1).all() for rows in seen)
    # Half of the rows get the wrong class: (log 0.9 - log 0.1) / 2.
    assert found[0]["mean"] == pytest.approx(np.log(9) / 2, rel=0.15)


def test_importance_of_what_cannot_be_judged():
    """R2 of one row is not defined."""
    x = np.ones((1, 1), np.float32)
    target = Values("y", 0.0, 1.0)
    assert permutation_importance(lambda rows: rows, x, x[:, 0], {"a": slice(0, 1)}, target) == []


def test_importance_takes_some_rows_of_many():
    x = np.zeros((50_000, 400), np.float32)
    rows = []

    def outputs(given):
        rows.append(len(given))
        return np.zeros((len(given), 1))

    places = {str(i): slice(i, i + 1) for i in range(400)}
    true = np.arange(50_000.0)
    permutation_importance(outputs, x, true, places, Values("y", 0.0, 1.0))
    assert set(rows) == {1000}
