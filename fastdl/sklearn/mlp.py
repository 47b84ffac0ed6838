"""MLPClassifier and MLPRegressor: scikit-learn's arguments and attributes on fastdl's engine.

Each spells its arguments: scikit-learn reads them from the constructor.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.metrics import accuracy_score, r2_score
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils import column_or_1d
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets, type_of_target, unique_labels

from .. import losses
from .._base.checks import check_choice
from ..losses import Loss
from .network import Network, SumOfOutputs
from .samples import checked_weights, validated

if TYPE_CHECKING:
    from typing_extensions import Self


class MLPClassifier(ClassifierMixin, Network):
    """A network for classes, by scikit-learn's arguments, attributes and rules.

    It takes dense and sparse rows, numbers and texts as labels, several labels for each sample,
    `sample_weight` and `class_weight`. It computes in float32. From the same `random_state` it
    starts with scikit-learn's weights; the order of the samples is another.

    Args:
        hidden_layer_sizes: the units of each hidden layer, or one number.
        activation: "identity", "logistic", "tanh" or "relu", of the hidden layers.
        solver: "adam", "sgd" or "lbfgs" (which takes all samples in each step).
        alpha: the strength of the L2 penalty of the weights.
        batch_size: samples per step; "auto" for 200, or all if there are fewer.
        learning_rate: "constant", "invscaling" or "adaptive", for "sgd".
        learning_rate_init: the first learning rate.
        power_t: the exponent of "invscaling".
        max_iter: the most epochs, or iterations of "lbfgs".
        shuffle: whether each epoch has an order of its own.
        random_state: a seed, a RandomState or None: of weights, order, validation set and dropout.
        tol: smaller improvements do not count.
        verbose: whether to print a line for each epoch.
        warm_start: whether `fit` goes on from the last solution.
        momentum, nesterovs_momentum: of "sgd".
        early_stopping: whether to keep a part of the samples for validation, and stop when its
            score has not improved for `n_iter_no_change` epochs.
        validation_fraction: that part.
        beta_1, beta_2, epsilon: of "adam".
        n_iter_no_change: the epochs without improvement after which the fit ends.
        max_fun: the most evaluations of the loss by "lbfgs".
        dropout: the part of hidden units that each step drops; not in scikit-learn.
        class_weight: "balanced", a dict of weights by class, or None; not in scikit-learn.

    Attributes:
        classes_, n_features_in_, feature_names_in_, n_layers_, n_outputs_, out_activation_: as in
            scikit-learn.
        coefs_, intercepts_: the weights, as arrays over the network's memory.
        loss_, loss_curve_, best_loss_, n_iter_, t_: of the last fit.
        validation_scores_, best_validation_score_: with `early_stopping`.

    Raises:
        ValueError: an argument or the data is not as expected. The message names it.

    Source: `sklearn.neural_network.MLPClassifier` of scikit-learn 1.9.

    Example:
        >>> x, y = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]] * 25, ["a", "b", "b", "a"] * 25
        >>> xor = MLPClassifier(learning_rate_init=0.01, max_iter=500, random_state=1).fit(x, y)
        >>> xor.predict([[0.0, 1.0], [1.0, 1.0]]).tolist()
        ['b', 'a']
    """

    def __init__(
        self,
        hidden_layer_sizes: Any = (100,),
        activation: str = "relu",
        *,
        solver: str = "adam",
        alpha: float = 0.0001,
        batch_size: int | str = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: bool = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: int = 10,
        max_fun: int = 15000,
        class_weight: Any = None,
        dropout: float = 0.0,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change
        self.max_fun = max_fun
        self.class_weight = class_weight
        self.dropout = dropout

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Trains the network.

        Args:
            X: rows of features, dense or sparse.
            y: a label for each row, or rows of 0 and 1 for several labels.
            sample_weight: a weight for each row.

        Raises:
            ValueError: the data is not as expected.
        """
        return self._fit(X, y, sample_weight)

    @available_if(lambda self: self.solver != "lbfgs")
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None) -> Self:
        """One epoch over the data, which goes on where the last call ended.

        Args:
            X, y, sample_weight: as for `fit`.
            classes: all labels; needed in the first call.

        Raises:
            ValueError: the first call lacks `classes`, or a label is not among them.
        """
        if not hasattr(self, "classes_") and classes is None:
            raise ValueError("classes must be passed on the first call to partial_fit.")
        if classes is not None:
            wanted = unique_labels(np.asarray(classes))
            if not hasattr(self, "classes_"):
                self._binarizer = LabelBinarizer().fit(wanted)
                self.classes_ = wanted
            elif not np.array_equal(wanted, self.classes_):
                raise ValueError(
                    f"`classes={classes!r}` is not the same as on last call to partial_fit, was: "
                    f"{self.classes_!r}"
                )
        return self._fit(X, y, sample_weight, incremental=True)

    def _targets(self, x: Any, y: Any, reset: bool, first: bool) -> tuple[Any, np.ndarray]:
        x, y = validated(self, x, y=y, multi_output=True, reset=reset)
        check_classification_targets(y)
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        incremental = hasattr(self, "classes_") and not (first and not hasattr(self, "_model"))
        given = hasattr(self, "_binarizer") and first and not hasattr(self, "_model")
        if first and not given:
            self._binarizer = LabelBinarizer().fit(y)
            self.classes_ = self._binarizer.classes_
        elif incremental or given:
            unknown = np.setdiff1d(unique_labels(y), self.classes_)
            if len(unknown):
                raise ValueError(f"y has labels that are not in classes: {unknown.tolist()}")
        if type_of_target(y).startswith("multilabel"):
            dense_y = y.toarray() if hasattr(y, "toarray") else np.asarray(y)
            return x, dense_y.astype(np.float32)
        codes = np.searchsorted(self.classes_, y)
        if len(self.classes_) > 2:
            return x, codes.astype(np.int32)
        return x, codes.astype(np.float32)[:, None]

    def _multilabel(self) -> bool:
        return bool(self._binarizer.y_type_.startswith("multilabel"))

    def _output(self) -> tuple[int, str]:
        if self._multilabel():
            return len(self.classes_), "logistic"
        count = len(self.classes_)
        return (count, "softmax") if count > 2 else (1, "logistic")

    def _loss(self) -> Loss:
        if self._output()[1] == "softmax":
            return losses.SparseCategoricalCrossentropy()
        return SumOfOutputs("binary_log_loss")

    def _weights(self, y: Any, sample_weight: Any, x: Any) -> np.ndarray | None:
        by_class = None
        if self.class_weight is not None:
            by_class = compute_sample_weight(self.class_weight, y)
        return checked_weights(sample_weight, x, by_class)

    def _strata(self, y: np.ndarray) -> Any:
        return None if self._multilabel() else y

    def _validation_score(self, x: np.ndarray, y: Any, weights: Any) -> float:
        found = self._codes(self._outputs(x, check=False))
        wanted = y if y.ndim == 1 or self._multilabel() else y[:, 0]
        return float(accuracy_score(wanted, found, sample_weight=weights))

    def _codes(self, outputs: np.ndarray) -> np.ndarray:
        if self._multilabel():
            return (outputs > 0.5).astype(int)
        if outputs.shape[1] > 1:
            return outputs.argmax(axis=1)
        return np.minimum(outputs[:, 0] > 0.5, len(self.classes_) - 1).astype(int)

    def predict(self, X: Any) -> np.ndarray:
        """The label of each row, or rows of 0 and 1 where there are several labels."""
        codes = self._codes(self._outputs(X))
        return codes if self._multilabel() else self.classes_[codes]

    def predict_proba(self, X: Any) -> np.ndarray:
        """The probability of each class, in the order of `classes_`: float64."""
        outputs = self._outputs(X).astype(np.float64)
        if self._multilabel():
            return outputs
        if len(self.classes_) == 1:
            return np.ones((len(outputs), 1))
        if outputs.shape[1] == 1:
            return np.concatenate([1 - outputs, outputs], axis=1)
        return outputs / outputs.sum(axis=1, keepdims=True)

    def predict_log_proba(self, X: Any) -> np.ndarray:
        """The logarithms of `predict_proba`."""
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


class MLPRegressor(RegressorMixin, Network):
    """A network for numbers, by scikit-learn's arguments, attributes and rules.

    It takes dense and sparse rows, one or several targets for each, and `sample_weight`. It
    computes in float32. From the same `random_state` it starts with scikit-learn's weights; the
    order of the samples is another.

    Args:
        loss: "squared_error" or "poisson".
        others: as for `MLPClassifier`.

    Attributes: as of `MLPClassifier`, without `classes_`.

    Raises:
        ValueError: an argument or the data is not as expected. The message names it.

    Source: `sklearn.neural_network.MLPRegressor` of scikit-learn 1.9.

    Example:
        >>> x = np.linspace(-1, 1, 200)[:, None]
        >>> model = MLPRegressor(learning_rate_init=0.01, max_iter=500, random_state=0)
        >>> model.fit(x, np.sin(3 * x[:, 0])).score(x, np.sin(3 * x[:, 0])) > 0.98
        True
    """

    def __init__(
        self,
        loss: str = "squared_error",
        hidden_layer_sizes: Any = (100,),
        activation: str = "relu",
        *,
        solver: str = "adam",
        alpha: float = 0.0001,
        batch_size: int | str = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: bool = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: int = 10,
        max_fun: int = 15000,
        dropout: float = 0.0,
    ) -> None:
        self.loss = loss
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change
        self.max_fun = max_fun
        self.dropout = dropout

    def _check_arguments(self) -> list[int]:
        check_choice("MLPRegressor", "loss", self.loss, ("squared_error", "poisson"))
        return super()._check_arguments()

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Trains the network.

        Args:
            X: rows of features, dense or sparse.
            y: a number for each row, or several.
            sample_weight: a weight for each row.

        Raises:
            ValueError: the data is not as expected.
        """
        return self._fit(X, y, sample_weight)

    @available_if(lambda self: self.solver != "lbfgs")
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """One epoch over the data, which goes on where the last call ended."""
        return self._fit(X, y, sample_weight, incremental=True)

    def _targets(self, x: Any, y: Any, reset: bool, first: bool) -> tuple[Any, np.ndarray]:
        x, y = validated(self, x, y=y, multi_output=True, y_numeric=True, reset=reset)
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        if self.loss == "poisson" and (y < 0).any():
            raise ValueError("MLPRegressor: loss 'poisson': expected y of at least 0")
        self._single = y.ndim == 1
        targets = np.asarray(y, np.float32).reshape(len(y), -1)
        self._count = targets.shape[1]
        return x, targets

    def _output(self) -> tuple[int, str]:
        return self._count, "exp" if self.loss == "poisson" else "identity"

    def _loss(self) -> Loss:
        return SumOfOutputs(self.loss)

    def _validation_score(self, x: np.ndarray, y: Any, weights: Any) -> float:
        found = self._outputs(x, check=False)
        if not np.isfinite(found).all():
            return math.nan
        return float(r2_score(y, found, sample_weight=weights))

    def predict(self, X: Any) -> np.ndarray:
        """The number of each row, or a row of numbers where there are several targets."""
        outputs = self._outputs(X).astype(np.float64)
        return outputs[:, 0] if self._single else outputs
