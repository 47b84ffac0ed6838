"""scikit-learn's side: MLPClassifier and MLPRegressor, one epoch after another."""

from __future__ import annotations

from .rows import data_for, repeat

IMPORTS = "sklearn.neural_network"  # what the row "import" imports


def name_and_version() -> str:
    import sklearn

    return f"scikit-learn {sklearn.__version__}"


def mlp(sizes, batch):
    import warnings

    from sklearn.neural_network import MLPClassifier, MLPRegressor

    warnings.simplefilter("ignore")  # one epoch does not converge, which is not the question
    x, y = data_for(sizes, batch)
    kind = MLPRegressor if sizes[-1] == 1 else MLPClassifier
    model = kind(hidden_layer_sizes=sizes[1:-1], batch_size=batch, max_iter=1, warm_start=True)
    return repeat(lambda: model.fit(x, y.ravel()), per=len(x) // batch)
