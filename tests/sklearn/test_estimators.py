"""The estimators for scikit-learn: its own checks, its tools, and scores like its own."""

import os
import pickle
import warnings

import children
import numpy as np
import pytest
from scipy import sparse
from sklearn import datasets
from sklearn import neural_network as theirs
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV, LeaveOneOut, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import fastdl
from fastdl import layers, models, optimizers
from fastdl.sklearn import Classifier, MLPClassifier, MLPRegressor, Regressor, Transformer

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def build_classifier(X, y, width=32, loss="categorical_crossentropy"):
    stack = [layers.Input(X.shape[1:]), layers.Dense(width, "relu")]
    model = models.Sequential([*stack, layers.Dense(y.shape[1], "softmax")])
    model.compile(optimizers.Adam(0.01), loss)
    return model


def build_regressor(X, y):
    stack = [layers.Input(X.shape[1:]), layers.Dense(32, "relu", name="code")]
    model = models.Sequential([*stack, layers.Dense(y.shape[1])])
    model.compile(optimizers.Adam(0.01), "mse")
    return model


@pytest.mark.filterwarnings("ignore")
@parametrize_with_checks(
    [
        MLPClassifier(),
        MLPRegressor(),
        Classifier(build_classifier, fit_kwargs={"epochs": 30}),
        Regressor(build_regressor, fit_kwargs={"epochs": 30}),
        Transformer(build_regressor, fit_kwargs={"epochs": 3}),
    ]
)
def test_the_checks_of_scikit_learn(estimator, check):
    check(estimator)


IRIS = datasets.load_iris(return_X_y=True)
DIABETES = datasets.load_diabetes(return_X_y=True)
CANCER = datasets.load_breast_cancer(return_X_y=True)


# --- beside scikit-learn's own


@pytest.mark.parametrize(
    ("kind", "data", "arguments"),
    [
        ("MLPClassifier", CANCER, {}),
        ("MLPClassifier", CANCER, {"solver": "lbfgs", "alpha": 1.0, "max_iter": 50}),
        ("MLPClassifier", CANCER, {"solver": "sgd", "learning_rate": "adaptive"}),
        ("MLPClassifier", IRIS, {"activation": "tanh", "hidden_layer_sizes": (20, 10)}),
        ("MLPClassifier", IRIS, {"early_stopping": True, "learning_rate_init": 0.01}),
        ("MLPRegressor", DIABETES, {"learning_rate_init": 0.01, "alpha": 0.1}),
        ("MLPRegressor", DIABETES, {"solver": "sgd", "learning_rate": "invscaling"}),
    ],
)
def test_scores_are_like_those_of_scikit_learn(kind, data, arguments):
    """Means over seeds and folds. The standard error of their difference is the measure."""

    def scores(library):
        found = []
        for seed in range(2):
            estimator = getattr(library, kind)(random_state=seed, **arguments)
            found += list(cross_val_score(make_pipeline(StandardScaler(), estimator), *data, cv=4))
        return np.array(found)

    ours, others = scores(fastdl.sklearn), scores(theirs)
    error = np.sqrt((ours.var() + others.var()) / len(ours))
    assert ours.mean() > others.mean() - max(3 * error, 0.01)


def test_the_first_weights_are_theirs():
    for activation in ("relu", "logistic"):
        arguments = {"max_iter": 1, "activation": activation, "random_state": 3, "solver": "sgd"}
        arguments |= {"learning_rate_init": 1e-12, "hidden_layer_sizes": (7, 4)}
        one = MLPClassifier(**arguments).fit(*IRIS)
        other = theirs.MLPClassifier(**arguments).fit(*IRIS)
        for a, b in zip(
            one.coefs_ + one.intercepts_, other.coefs_ + other.intercepts_, strict=True
        ):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7)
        # So the first loss is theirs, too: the mean over all samples with these weights.
        np.testing.assert_allclose(one.loss_, other.loss_, rtol=1e-5)


@pytest.mark.parametrize("solver", ["adam", "sgd"])
@pytest.mark.parametrize("weighted", [False, True])
def test_full_batches_go_the_same_way(solver, weighted):
    """Where the order does not matter, every step is scikit-learn's, up to float32."""
    x, y = StandardScaler().fit_transform(IRIS[0]), IRIS[1]
    weight = np.random.default_rng(0).uniform(0.5, 2, len(y)) if weighted else None
    arguments = {"solver": solver, "max_iter": 30, "random_state": 0, "batch_size": 150}
    arguments |= {"alpha": 0.5, "learning_rate_init": 0.02, "hidden_layer_sizes": (8,)}
    one = MLPClassifier(**arguments).fit(x, y, weight)
    other = theirs.MLPClassifier(**arguments).fit(x, y, weight)
    # Thirty steps, each with roundings of float32; sums over 150 samples.
    np.testing.assert_allclose(one.coefs_[0], other.coefs_[0], atol=2e-3)
    # Our curve has the penalty of the weights after the step, theirs that before it.
    np.testing.assert_allclose(one.loss_curve_[1:], other.loss_curve_[1:], rtol=0.03)
    np.testing.assert_allclose(one.predict_proba(x), other.predict_proba(x), atol=2e-3)


def test_attributes():
    est = MLPClassifier((5, 4), max_iter=3, random_state=0).fit(*IRIS)
    other = theirs.MLPClassifier((5, 4), max_iter=3, random_state=0).fit(*IRIS)
    public = {name for name in vars(other) if not name.startswith("_")} - {"loss"}  # not documented
    missing = {name for name in public if not hasattr(est, name)}
    assert missing == set()
    for name in ("n_iter_", "t_", "n_layers_", "n_outputs_", "out_activation_", "n_features_in_"):
        assert getattr(est, name) == getattr(other, name), name
    assert [c.shape for c in est.coefs_] == [(4, 5), (5, 4), (4, 3)]
    est.coefs_[0][:] = 0  # the network's own memory
    est.intercepts_[0][:] = 0
    assert len(np.unique(est.predict_proba(IRIS[0]), axis=0)) == 1


def test_early_stopping():
    est = MLPClassifier(early_stopping=True, random_state=1, learning_rate_init=0.05).fit(*IRIS)
    assert len(est.validation_scores_) == est.n_iter_ < 200
    assert est.best_validation_score_ == max(est.validation_scores_)
    assert est.best_loss_ is None and len(est.loss_curve_) == est.n_iter_


def test_partial_fit():
    x, y = IRIS
    est = MLPClassifier(random_state=0, learning_rate_init=0.01)
    for i in range(60):
        rows = slice(i % 2, None, 2)
        est.partial_fit(x[rows], y[rows], classes=[0, 1, 2])
    assert est.score(x, y) > 0.9 and est.n_iter_ == len(est.loss_curve_) == 60
    with pytest.raises(ValueError, match="classes must be passed on the first call"):
        MLPClassifier().partial_fit(x, y)
    with pytest.raises(ValueError, match=r"not in classes: \[3\]"):
        est.partial_fit(x, y + 1)
    with pytest.raises(ValueError, match="not the same as on last call"):
        est.partial_fit(x, y, classes=[0, 1])
    assert not hasattr(MLPClassifier(solver="lbfgs"), "partial_fit")


def test_warm_start():
    est = MLPClassifier(max_iter=5, warm_start=True, random_state=0)
    losses = []
    for _ in range(4):
        est.fit(*IRIS)
        losses.append(est.loss_)
    assert losses == sorted(losses, reverse=True)
    with pytest.raises(ValueError, match="layers of"):
        est.set_params(hidden_layer_sizes=(3,)).fit(*IRIS)


def test_several_labels_and_targets():
    x, y = datasets.make_multilabel_classification(200, random_state=0)
    est = MLPClassifier(max_iter=300, random_state=0, learning_rate_init=0.01).fit(x, y)
    assert est.predict(x).shape == y.shape and est.score(x, y) > 0.7
    assert est.predict_proba(x).shape == y.shape
    targets = np.stack([DIABETES[1], -DIABETES[1]], axis=1) / 100
    reg = MLPRegressor(max_iter=300, random_state=0, learning_rate_init=0.01)
    assert reg.fit(DIABETES[0], targets).predict(DIABETES[0]).shape == targets.shape


def test_class_weights():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((400, 2))
    y = (x[:, 0] + 0.8 * rng.standard_normal(400) > 1.3).astype(int)  # one in ten
    recalls = []
    for weight in (None, "balanced", {0: 1.0, 1: 20.0}):
        est = MLPClassifier(class_weight=weight, max_iter=100, random_state=0).fit(x, y)
        recalls.append(est.predict(x)[y == 1].mean())
    assert recalls[0] < recalls[1] < recalls[2]


def test_dropout():
    est = MLPClassifier(dropout=0.5, max_iter=50, random_state=0).fit(*IRIS)
    again = MLPClassifier(dropout=0.5, max_iter=50, random_state=0).fit(*IRIS)
    none = MLPClassifier(max_iter=50, random_state=0).fit(*IRIS)
    np.testing.assert_array_equal(est.coefs_[0], again.coefs_[0])
    assert not np.array_equal(est.coefs_[0], none.coefs_[0])


def test_poisson():
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (500, 1))
    y = rng.poisson(np.exp(1 + x[:, 0]))
    est = MLPRegressor("poisson", max_iter=300, random_state=0, learning_rate_init=0.01).fit(x, y)
    np.testing.assert_allclose(est.predict([[0.5]]), np.exp(1.5), rtol=0.1)
    with pytest.raises(ValueError, match="y of at least 0"):
        est.fit(x, y - 10)


# --- the tools of scikit-learn


def test_pipeline_search_and_calibration():
    search = GridSearchCV(
        make_pipeline(StandardScaler(), MLPClassifier(max_iter=60, random_state=0)),
        {"mlpclassifier__hidden_layer_sizes": [(2,), (20,)], "mlpclassifier__alpha": [1e-4]},
        cv=3,
    ).fit(*IRIS)
    assert search.best_params_["mlpclassifier__hidden_layer_sizes"] == (20,)
    calibrated = CalibratedClassifierCV(MLPClassifier(max_iter=60, random_state=0), cv=3)
    assert calibrated.fit(*IRIS).score(*IRIS) > 0.8
    scores = cross_val_score(
        MLPClassifier(max_iter=20, random_state=0), IRIS[0][::5], IRIS[1][::5], cv=LeaveOneOut()
    )
    assert set(scores) <= {0.0, 1.0} and len(scores) == 30


def test_tables_with_columns():
    pandas = pytest.importorskip("pandas")
    rng = np.random.default_rng(0)
    table = pandas.DataFrame({"a": rng.standard_normal(200), "b": rng.choice(["x", "y"], 200)})
    y = np.where((table["a"] > 0) ^ (table["b"] == "x"), "yes", "no")
    columns = ColumnTransformer(
        [("numbers", StandardScaler(), ["a"]), ("words", OneHotEncoder(), ["b"])]
    )
    model = make_pipeline(columns, MLPClassifier(max_iter=300, random_state=0))
    assert model.fit(table, y).score(table, y) > 0.9
    est = MLPRegressor(max_iter=3).fit(table[["a"]], table["a"])
    assert list(est.feature_names_in_) == ["a"]
    with pytest.raises(ValueError, match="feature names"):
        est.predict(table[["a"]].rename(columns={"a": "z"}))


def test_sparse_rows_give_the_same():
    x = np.maximum(IRIS[0] - 3, 0)
    for kind in (sparse.csr_matrix, sparse.csc_matrix, sparse.coo_matrix, sparse.csr_array):
        one = MLPClassifier(max_iter=20, random_state=0).fit(x, IRIS[1])
        other = MLPClassifier(max_iter=20, random_state=0).fit(kind(x), IRIS[1])
        np.testing.assert_array_equal(one.predict_proba(x), other.predict_proba(kind(x)))


def test_pickles_and_clones():
    est = MLPClassifier(max_iter=20, random_state=0).fit(*IRIS)
    again = pickle.loads(pickle.dumps(est))
    np.testing.assert_array_equal(est.predict_proba(IRIS[0]), again.predict_proba(IRIS[0]))
    est.partial_fit(*IRIS), again.partial_fit(*IRIS)
    assert not hasattr(clone(est), "coefs_")
    wrapped = Classifier(build_classifier, fit_kwargs={"epochs": 5}, random_state=0).fit(*IRIS)
    again = pickle.loads(pickle.dumps(wrapped))
    np.testing.assert_array_equal(wrapped.predict(IRIS[0]), again.predict(IRIS[0]))


def test_the_library_s_random_state_stays():
    state = fastdl.get_rng_state()
    MLPClassifier(max_iter=3, dropout=0.1).fit(*IRIS)
    Classifier(build_classifier).fit(*IRIS)
    assert fastdl.get_rng_state() == state


def test_a_fit_in_one_batch_does_not_depend_on_the_order():
    order = np.random.default_rng(0).permutation(150)
    one = MLPClassifier(max_iter=20, random_state=0).fit(*IRIS)
    other = MLPClassifier(max_iter=20, random_state=0).fit(IRIS[0][order], IRIS[1][order])
    np.testing.assert_array_equal(one.coefs_[0], other.coefs_[0])


PROCESSES = """
import os
for name in ("OMP_NUM_THREADS", "FASTDL_NUM_THREADS"):
    os.environ.pop(name, None)
from joblib import Parallel, delayed
from sklearn.datasets import load_iris

def fit(seed):
    import fastdl
    from fastdl.sklearn import MLPClassifier
    x, y = load_iris(return_X_y=True)
    return fastdl.get_num_threads(), MLPClassifier(max_iter=5, random_state=seed).fit(x, y).loss_

if __name__ == "__main__":
    import warnings
    warnings.simplefilter("ignore")
    found = Parallel(n_jobs=2)(delayed(fit)(seed) for seed in (0, 0, 1))
    assert found[0] == found[1] != found[2]
    assert all(2 * threads <= max(os.cpu_count(), 2) for threads, _ in found), found
    print("good")
"""


def test_processes_of_joblib_share_the_cores(tmp_path):
    (tmp_path / "program.py").write_text(PROCESSES)
    child = children.start("-W", "ignore", "program.py", cwd=tmp_path)
    out, errors = child.communicate(timeout=120)
    assert out.strip() == "good", errors


def test_many_fits_leave_memory_flat():
    from fastdl import _core

    def run(count):
        for seed in range(count):
            MLPClassifier((50,), max_iter=2, random_state=seed).fit(*IRIS)
        return _core.allocated_bytes()

    before = run(5)
    assert run(30) <= before + (1 << 20)


# --- bad input


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"hidden_layer_sizes": (3, 0)}, "hidden_layer_sizes"),
        ({"activation": "gelu"}, "activation"),
        ({"solver": "newton"}, "solver"),
        ({"alpha": -1}, "alpha"),
        ({"batch_size": 0}, "batch_size"),
        ({"batch_size": "all"}, "batch_size"),
        ({"learning_rate": "fast"}, "learning_rate"),
        ({"learning_rate_init": 0}, "learning_rate_init"),
        ({"max_iter": 0}, "max_iter"),
        ({"shuffle": "yes"}, "shuffle"),
        ({"momentum": 2}, "momentum"),
        ({"validation_fraction": 1.5}, "validation_fraction"),
        ({"beta_1": 1.0}, "beta_1"),
        ({"dropout": 1.0}, "dropout"),
        ({"random_state": "x"}, "x"),
    ],
)
def test_bad_arguments(arguments, message):
    for kind in (MLPClassifier, MLPRegressor):
        with pytest.raises(ValueError, match=message):
            kind(**arguments).fit(*IRIS)


def test_bad_data():
    x, y = IRIS
    for bad, message in (
        (np.full_like(x, np.nan), "NaN"),
        (np.full_like(x, 1e300), "infinity|too large"),
        (x[:0], "0 sample"),
        (x[0], "2D array|1D array"),
    ):
        with pytest.raises(ValueError, match=message):
            MLPClassifier().fit(bad, y[: len(bad)])
    for weights, message in ((-np.ones(150), "[Nn]egative"), (np.zeros(150), "non-zero")):
        with pytest.raises(ValueError, match=message):
            MLPClassifier().fit(x, y, weights)
    with pytest.raises(ValueError, match="2 outputs, y has 3 classes"):
        model = models.Sequential([layers.Input((4,)), layers.Dense(2, "softmax")])
        model.compile("adam", "categorical_crossentropy")
        Classifier(model).fit(x, y)
    with pytest.raises(ValueError, match="compiled"):
        Classifier(models.Sequential([layers.Input((4,)), layers.Dense(3)])).fit(x, y)
    with pytest.raises(TypeError, match="must return a compiled model"):
        Classifier(lambda X, y: None).fit(x, y)
    with pytest.raises(TypeError, match="expected a compiled model"):
        Classifier(3).fit(x, y)
    with pytest.warns(ConvergenceWarning, match="Maximum iterations"), warnings.catch_warnings():
        warnings.simplefilter("always")
        MLPClassifier(max_iter=2).fit(x, y)


# --- wrappers


@pytest.mark.parametrize("loss", ["sparse_categorical_crossentropy", "categorical_crossentropy"])
def test_a_model_is_copied(loss):
    stack = [layers.Input((4,)), layers.Dense(16, "relu"), layers.Dense(3, "softmax")]
    model = models.Sequential(stack)
    model.compile(optimizers.Adam(0.02), loss, metrics=["accuracy"])
    before = model.get_weights()
    est = Classifier(model, fit_kwargs={"epochs": 60}, random_state=0).fit(*IRIS)
    assert est.score(*IRIS) > 0.9 and len(est.history_["accuracy"]) == 60
    for a, b in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)
    again = clone(est).fit(*IRIS)
    np.testing.assert_array_equal(est.predict_proba(IRIS[0]), again.predict_proba(IRIS[0]))


def test_one_output_and_logits():
    x, y = CANCER
    x = StandardScaler().fit_transform(x)
    for activation, logits in (("sigmoid", False), (None, True)):
        model = models.Sequential([layers.Input((30,)), layers.Dense(1, activation)])
        model.compile("adam", fastdl.losses.BinaryCrossentropy(from_logits=logits))
        labels = np.array(["bad", "good"])[y]
        est = Classifier(model, fit_kwargs={"epochs": 30}, random_state=0).fit(x, labels)
        assert est.score(x, labels) > 0.9
        proba = est.predict_proba(x)
        np.testing.assert_allclose(proba.sum(1), 1)
        assert ((proba[:, 1] > 0.5) == (est.predict(x) == "good")).all()


def test_pictures():
    pictures = np.random.default_rng(0).uniform(size=(60, 5, 5))
    y = pictures.mean((1, 2)) > 0.5

    def build(X, y):
        stack = [layers.Input(X.shape[1:]), layers.Flatten(), layers.Dense(y.shape[1], "softmax")]
        model = models.Sequential(stack)
        model.compile(optimizers.Adam(0.05), "categorical_crossentropy")
        return model

    est = Classifier(build, fit_kwargs={"epochs": 200}, random_state=0).fit(pictures, y)
    assert est.score(pictures, y) > 0.9


def test_warm_starts_and_arguments_of_the_builder():
    est = Classifier(
        build_classifier,
        warm_start=True,
        model_kwargs={"width": 5},
        fit_kwargs={"epochs": 10},
        random_state=0,
    )
    est.fit(*IRIS)
    first = est.history_["loss"]
    est.fit(*IRIS)
    assert est.history_["loss"][0] < (first[0] + first[-1]) / 2  # it goes on, and does not begin
    assert est.model_.layers[0].units == 5
    with pytest.raises(TypeError, match="depth"):
        Classifier(build_classifier, model_kwargs={"depth": 5}).fit(*IRIS)


def test_codes_of_a_layer():
    est = Transformer(build_regressor, layer="code", fit_kwargs={"epochs": 3}, random_state=0)
    codes = est.fit_transform(IRIS[0])
    assert codes.shape == (150, 32) and codes.min() >= 0
    with pytest.raises(ValueError, match="'cod'"):
        Transformer(build_regressor, layer="cod").fit(IRIS[0])


def test_without_scikit_learn(tmp_path):
    program = (
        "import sys; sys.modules['sklearn'] = None\nimport fastdl\n"
        "try: fastdl.sklearn\nexcept ImportError as error: print(error)"
    )
    assert "pip install 'fastdl[sklearn]'" in children.output(program, tmp_path)
    assert os.listdir(tmp_path) == []
