"""Estimators for scikit-learn: `MLPClassifier` and `MLPRegressor`, and wrappers of any model.

They work in pipelines, searches, cross-validation and everything else that takes estimators. The
package scikit-learn is needed: `pip install 'fastdl[sklearn]'`.

Example:
    >>> from sklearn.datasets import load_iris
    >>> x, y = load_iris(return_X_y=True)
    >>> MLPClassifier(learning_rate_init=0.02, random_state=0).fit(x, y).score(x, y) > 0.9
    True
"""

from __future__ import annotations

from typing import TYPE_CHECKING

try:
    import sklearn as _sklearn  # noqa: F401
except ImportError as error:
    raise ImportError(
        "fastdl.sklearn needs the package scikit-learn: pip install 'fastdl[sklearn]'"
    ) from error

from .mlp import MLPClassifier as MLPClassifier
from .mlp import MLPRegressor as MLPRegressor
from .wrappers import Classifier as Classifier
from .wrappers import Regressor as Regressor
from .wrappers import Transformer as Transformer

__all__ = ["Classifier", "MLPClassifier", "MLPRegressor", "Regressor", "Transformer"]

if not TYPE_CHECKING:
    from .._base.missing import attributes_missing_from

    __getattr__ = attributes_missing_from(__name__)
