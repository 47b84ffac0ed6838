"""MLPClassifier and MLPRegressor: scikit-learn's arguments and attributes on fastdl's engine."""

from __future__ import annotations

import itertools
import math
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import accuracy_score, r2_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils import check_random_state, column_or_1d
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets, type_of_target, unique_labels
from sklearn.utils.validation import check_is_fitted

from .. import layers, losses, models, optimizers
from .._base import functional as F
from .._base.checks import (
    check_choice,
    check_flag,
    check_fraction,
    check_integer,
    check_number,
)
from .._base.random import Generator
from ..callbacks import Callback
from ..losses import Loss
from .samples import Samples, checked_weights, dense, in_parts, validated

if TYPE_CHECKING:
    from typing_extensions import Self

    from .._core import Tensor
    from .._engine.flat import Run

_ACTIVATIONS = {"identity": "linear", "logistic": "sigmoid", "tanh": "tanh", "relu": "relu"}
_OUTPUTS = {"identity": "linear", "exp": "exponential", "logistic": "sigmoid", "softmax": "softmax"}


_ANY: dict[str, Any] = {}  # no limits besides 0


class _SumOfOutputs(Loss):
    """A loss of each sample that is the sum over its outputs."""

    def __init__(self, kind: str) -> None:
        super().__init__(name=kind, reduction="sum_over_batch_size")
        self.kind = kind

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        if self.kind == "squared_error":
            return F.scale_shift(losses.mean_squared_error(y_true, y_pred), factor=0.5)
        if self.kind == "poisson":
            # y log(y / p) - y + p, with 0 log 0 = 0
            quotient = F.div(F.maximum(y_true, 1e-30), y_pred)
            each = F.add(F.sub(F.mul(y_true, F.log(quotient)), y_true), y_pred)
            return F.sum(each, axes=-1)
        count = y_true.shape[-1]
        return F.scale_shift(losses.binary_crossentropy(y_true, y_pred), factor=float(count))


class _Penalized:
    """Adds the gradient of scikit-learn's L2 penalty within the pass of the update."""

    if TYPE_CHECKING:
        weight_decay: float | None
        _hyper: Tensor
        _updates: Tensor

    def _step_by(
        self, rule: str, run: Run, states: dict[str, Tensor], parameters: dict[str, float]
    ) -> None:
        F.update_(
            rule=rule,
            p=run.values,
            g=run.gradients,
            hyper=self._hyper,
            step=self._updates,
            states=states,
            parameters=parameters,
            l2=self.weight_decay or 0.0 if run.key else 0.0,
        )


class _Adam(_Penalized, optimizers.Adam):
    pass


class _SGD(_Penalized, optimizers.SGD):
    pass


class _Network(BaseEstimator):
    """What the two estimators share. A subclass says what targets and outputs are."""

    # Arguments; set by the constructors of the subclasses.
    if TYPE_CHECKING:
        hidden_layer_sizes: Any
        activation: str
        solver: str
        alpha: float
        batch_size: int | str
        learning_rate: str
        learning_rate_init: float
        power_t: float
        max_iter: int
        shuffle: bool
        random_state: Any
        tol: float
        verbose: bool
        warm_start: bool
        momentum: float
        nesterovs_momentum: bool
        early_stopping: bool
        validation_fraction: float
        beta_1: float
        beta_2: float
        epsilon: float
        n_iter_no_change: int
        max_fun: int
        dropout: float

    def _check_arguments(self) -> list[int]:
        """The sizes of the hidden layers. ValueError for an argument out of its range."""
        who = type(self).__name__
        sizes = self.hidden_layer_sizes
        given = list(sizes) if np.iterable(sizes) else [sizes]
        hidden = [check_integer(who, "hidden_layer_sizes", size, 1) for size in given]
        check_choice(who, "activation", self.activation, tuple(_ACTIVATIONS))
        check_choice(who, "solver", self.solver, ("lbfgs", "sgd", "adam"))
        kinds = ("constant", "invscaling", "adaptive")
        check_choice(who, "learning_rate", self.learning_rate, kinds)
        for name, options in {
            "alpha": _ANY,
            "learning_rate_init": {"above": 0.0},
            "power_t": _ANY,
            "tol": _ANY,
            "beta_1": {"below": 1.0},
            "beta_2": {"below": 1.0},
            "epsilon": {"above": 0.0},
            "dropout": {"below": 1.0},
        }.items():
            check_number(who, name, getattr(self, name), **options)
        check_fraction(who, "momentum", self.momentum)
        check_number(who, "validation_fraction", self.validation_fraction, below=1.0)
        for name in ("max_iter", "max_fun", "n_iter_no_change"):
            value = getattr(self, name)
            if not (isinstance(value, float) and value == math.inf):
                check_integer(who, name, value, 1)
        for name in ("shuffle", "warm_start", "nesterovs_momentum", "early_stopping"):
            check_flag(who, name, getattr(self, name))
        if self.batch_size != "auto":
            check_integer(who, "batch_size", self.batch_size, 1)
        return hidden

    # --- what a subclass defines

    def _targets(self, x: Any, y: Any, reset: bool, first: bool) -> tuple[Any, np.ndarray]:
        """Checked samples, and the targets as the loss takes them."""
        raise NotImplementedError

    def _output(self) -> tuple[int, str]:
        """The number of outputs, and their activation in scikit-learn's words."""
        raise NotImplementedError

    def _loss(self) -> Loss:
        raise NotImplementedError

    def _weights(self, y: Any, sample_weight: Any, x: Any) -> np.ndarray | None:
        return checked_weights(sample_weight, x)

    def _validation_score(self, x: np.ndarray, y: Any, weights: Any) -> float:
        raise NotImplementedError

    # --- fitting

    def _fit(self, x: Any, y: Any, sample_weight: Any, incremental: bool = False) -> Self:
        hidden = self._check_arguments()
        first = not hasattr(self, "_model") or not (self.warm_start or incremental)
        if incremental and self.early_stopping:
            raise ValueError("partial_fit does not support early_stopping=True")
        if incremental and self.solver == "lbfgs":
            raise AttributeError("partial_fit is only available for the solvers 'sgd' and 'adam'")
        x, targets = self._targets(x, y, reset=first, first=first)
        weights = self._weights(y, sample_weight, x)
        rng = check_random_state(self.random_state)
        units = [x.shape[1], *hidden, self._output()[0]]
        if first:
            self._begin(units, rng)
        elif units != self._units:
            raise ValueError(
                f"{type(self).__name__}: warm_start or partial_fit: the network has layers of "
                f"{self._units} units, now {units} are wanted"
            )
        if self.solver == "lbfgs":
            self._fit_lbfgs(Samples(x, targets, weights, x.shape[0]))
        else:
            self._fit_in_batches(x, targets, weights, rng, incremental)
        if not all(np.isfinite(w).all() for w in self._model.get_weights()):
            raise ValueError(
                "Solver produced non-finite parameter weights. The input data may contain large "
                "values and need to be preprocessed."
            )
        return self

    def _begin(self, units: list[int], rng: np.random.RandomState) -> None:
        """A new network, with the initial weights that scikit-learn draws."""
        outputs, activation = self._output()
        kinds = [_ACTIVATIONS[self.activation]] * (len(units) - 2) + [_OUTPUTS[activation]]
        stack: list[Any] = [layers.Input((units[0],))]
        for i, (count, kind) in enumerate(zip(units[1:], kinds, strict=True)):
            stack.append(layers.Dense(count, activation=kind, kernel_initializer="zeros"))
            if self.dropout and i < len(units) - 2:
                stack.append(layers.Dropout(self.dropout, seed=rng.randint(1 << 31)))
        self._model = models.Sequential(stack)
        factor = 2.0 if self.activation == "logistic" else 6.0
        values = []
        for fan_in, fan_out in itertools.pairwise(units):
            bound = math.sqrt(factor / (fan_in + fan_out))
            values.append(rng.uniform(-bound, bound, (fan_in, fan_out)))
            values.append(rng.uniform(-bound, bound, fan_out))
        self._model.set_weights([value.astype(np.float32) for value in values])
        self._units = units
        self.n_layers_ = len(units)
        self.n_outputs_ = outputs
        self.out_activation_ = activation
        self.t_ = 0
        self.n_iter_ = 0
        self.loss_curve_: list[float] = []
        self.best_loss_: float | None = None if self.early_stopping else math.inf
        self.validation_scores_: list[float] | None = [] if self.early_stopping else None
        self.best_validation_score_: float | None = -math.inf if self.early_stopping else None
        self._without_progress = 0

    @property
    def coefs_(self) -> list[np.ndarray]:
        """The weights of each layer, of shape (inputs, outputs): the network's own memory."""
        check_is_fitted(self, "_model")
        return [w.numpy() for w in self._model.weights[::2]]

    @property
    def intercepts_(self) -> list[np.ndarray]:
        """The biases of each layer: the network's own memory."""
        check_is_fitted(self, "_model")
        return [w.numpy() for w in self._model.weights[1::2]]

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_model")

    def _compile(self, penalty: float, again: bool) -> None:
        if again and self._model.compiled:
            optimizer = self._model.optimizer
            if optimizer.weight_decay != penalty:
                optimizer.weight_decay = penalty
            return
        rate = self.learning_rate_init
        optimizer = (
            _Adam(rate, self.beta_1, self.beta_2, self.epsilon, weight_decay=penalty)
            if self.solver == "adam"
            else _SGD(
                rate,
                momentum=self.momentum,
                nesterov=bool(self.nesterovs_momentum and self.momentum),
                weight_decay=penalty,
            )
        )
        optimizer.exclude_from_weight_decay(var_names=["bias"])
        self._model.compile(optimizer, self._loss())

    def _fit_in_batches(
        self, x: Any, y: np.ndarray, weights: Any, rng: np.random.RandomState, incremental: bool
    ) -> None:
        validation = None
        if self.early_stopping:
            parts = [x, y] if weights is None else [x, y, weights]
            split = train_test_split(
                *parts,
                random_state=rng,
                test_size=self.validation_fraction,
                stratify=self._strata(y),
            )
            x, y, weights = split[0], split[2], None if weights is None else split[4]
            validation = dense(split[1]), split[3], None if weights is None else split[5]
            if len(validation[0]) < 2:
                raise ValueError(
                    "The validation set is too small. Increase 'validation_fraction' or the size "
                    "of your dataset."
                )
        if self.batch_size != "auto" and self.batch_size > x.shape[0]:
            warnings.warn(
                "Got `batch_size` less than 1 or larger than sample size. It is going to be "
                "clipped",
                stacklevel=4,
            )
        samples = Samples(x, y, weights, self.batch_size)
        penalty = self.alpha * samples.batches / samples.total
        self._compile(penalty, again=incremental)
        watch = _Watch(self, samples, penalty, validation)
        epochs = 1 if incremental else int(min(self.max_iter, 1 << 31))
        if not incremental:
            self.n_iter_ = 0
        try:
            with Generator().manual_seed(int(rng.randint(1 << 31))):
                self._model.fit(
                    samples.x,
                    samples.y,
                    batch_size=samples.batch_size,
                    epochs=epochs,
                    shuffle=bool(self.shuffle) and samples.batches > 1,
                    sample_weight=samples.weights,
                    callbacks=[watch],
                    verbose=0,
                )
        except KeyboardInterrupt:
            warnings.warn("Training interrupted by user.", stacklevel=4)
        if self.early_stopping:
            if watch.best is not None:
                self._model.set_weights(watch.best)
        if not incremental and self.n_iter_ == self.max_iter and not watch.converged:
            warnings.warn(
                f"Stochastic Optimizer: Maximum iterations ({self.max_iter}) reached and the "
                "optimization hasn't converged yet.",
                ConvergenceWarning,
                stacklevel=4,
            )

    def _strata(self, y: np.ndarray) -> Any:
        return None

    def _fit_lbfgs(self, samples: Samples) -> None:
        from scipy.optimize import minimize

        from .. import _core

        model, loss = self._model, self._loss()
        weights = model.trainable_weights
        shapes = [w.shape for w in weights]
        cuts = np.cumsum([math.prod(shape) for shape in shapes])[:-1]
        x, y = _core.as_tensor(samples.x), _core.as_tensor(samples.y)
        share = None if samples.weights is None else _core.as_tensor(samples.weights)
        penalty = self.alpha / samples.total

        def put(flat: np.ndarray) -> None:
            values = zip(np.split(flat, cuts), shapes, strict=True)
            model.set_weights([v.reshape(s).astype(np.float32) for v, s in values])

        def value_and_gradient(flat: np.ndarray) -> tuple[float, np.ndarray]:
            put(flat)
            total = loss(y, model(x, training=True), share)
            gradients = _core.grad([total], [None], weights)
            found, value = [], float(total)
            for weight, gradient in zip(weights, gradients, strict=True):
                assert gradient is not None
                slope = gradient.numpy().astype(np.float64)
                if weight.ndim == 2:
                    array = weight.numpy().astype(np.float64)
                    value += 0.5 * penalty * float(np.sum(array**2))
                    slope = slope + penalty * array
                found.append(slope.ravel())
            return value, np.concatenate(found)

        begin = np.concatenate([w.numpy().ravel() for w in weights]).astype(np.float64)
        options = {"maxfun": self.max_fun, "maxiter": self.max_iter, "gtol": self.tol}
        result = minimize(value_and_gradient, begin, jac=True, method="L-BFGS-B", options=options)
        put(result.x)
        self.n_iter_ = int(min(result.nit, self.max_iter))
        self.loss_ = float(result.fun)
        if result.status == 1:
            warnings.warn(
                f"lbfgs failed to converge after {result.nit} iteration(s): {result.message}",
                ConvergenceWarning,
                stacklevel=4,
            )

    # --- predicting

    def _outputs(self, x: Any, check: bool = True) -> np.ndarray:
        check_is_fitted(self)
        if check:
            x = validated(self, x, reset=False)
        return in_parts(self._model.predict_on_batch, x)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    def __getstate__(self) -> dict[str, Any]:
        return dict(super().__getstate__())


class _Watch(Callback):
    """Follows the epochs as scikit-learn does: loss, progress, learning rate, when to stop."""

    def __init__(
        self, estimator: _Network, samples: Samples, penalty: float, validation: Any
    ) -> None:
        super().__init__()
        self.estimator = estimator
        self.samples = samples
        self.penalty = penalty
        self.validation = validation
        self.best: list[np.ndarray] | None = None
        self.converged = False

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        e = self.estimator
        squares = sum(float(np.vdot(w, w)) for w in e.coefs_)
        e.loss_ = float(logs["loss"]) + 0.5 * self.penalty * squares
        e.n_iter_ += 1
        e.t_ += round(self.samples.total)
        e.loss_curve_.append(e.loss_)
        if e.verbose:
            print(f"Iteration {e.n_iter_}, loss = {e.loss_:.8f}")
        self._note_progress()
        optimizer = self.model.optimizer
        if e.solver == "sgd" and e.learning_rate == "invscaling":
            optimizer.learning_rate = e.learning_rate_init / (e.t_ + 1) ** e.power_t
        if e._without_progress > e.n_iter_no_change:
            what = "Validation score" if e.early_stopping else "Training loss"
            message = (
                f"{what} did not improve more than tol={e.tol:f} for {e.n_iter_no_change} "
                "consecutive epochs."
            )
            rate = float(optimizer.learning_rate)
            if e.solver == "sgd" and e.learning_rate == "adaptive" and rate > 1e-6:
                optimizer.learning_rate = rate / 5
                e._without_progress = 0
                message += f" Setting learning rate to {rate / 5:f}"
            else:
                self.converged = self.model.stop_training = True
                message += " Stopping."
            if e.verbose:
                print(message)

    def _note_progress(self) -> None:
        e = self.estimator
        if self.validation is not None:
            assert e.validation_scores_ is not None and e.best_validation_score_ is not None
            score = e._validation_score(*self.validation)
            e.validation_scores_.append(score)
            if e.verbose:
                print(f"Validation score: {score:f}")
            better = score > e.best_validation_score_ + e.tol
            if score > e.best_validation_score_:
                e.best_validation_score_, self.best = score, self.model.get_weights()
        else:
            assert e.best_loss_ is not None
            better = e.loss_ < e.best_loss_ - e.tol
            e.best_loss_ = min(e.best_loss_, e.loss_)
        e._without_progress = 0 if better else e._without_progress + 1


class MLPClassifier(ClassifierMixin, _Network):
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
        return _SumOfOutputs("binary_log_loss")

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


class MLPRegressor(RegressorMixin, _Network):
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
        return _SumOfOutputs(self.loss)

    def _validation_score(self, x: np.ndarray, y: Any, weights: Any) -> float:
        found = self._outputs(x, check=False)
        if not np.isfinite(found).all():
            return math.nan
        return float(r2_score(y, found, sample_weight=weights))

    def predict(self, X: Any) -> np.ndarray:
        """The number of each row, or a row of numbers where there are several targets."""
        outputs = self._outputs(X).astype(np.float64)
        return outputs[:, 0] if self._single else outputs
