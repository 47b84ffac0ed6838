"""What MLPClassifier and MLPRegressor share: the network, its training, and when that ends."""

from __future__ import annotations

import itertools
import math
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from .. import layers, losses, models, optimizers, regularizers
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

_ACTIVATIONS = {"identity": "linear", "logistic": "sigmoid", "tanh": "tanh", "relu": "relu"}
_OUTPUTS = {"identity": "linear", "exp": "exponential", "logistic": "sigmoid", "softmax": "softmax"}
_ANY: dict[str, Any] = {}  # no limits besides 0


class SumOfOutputs(Loss):
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


class Network(BaseEstimator):
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
        return [w.detach().numpy() for w in self._model.weights[::2]]

    @property
    def intercepts_(self) -> list[np.ndarray]:
        """The biases of each layer: the network's own memory."""
        check_is_fitted(self, "_model")
        return [w.detach().numpy() for w in self._model.weights[1::2]]

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_model")

    def _compile(self, l2: float, again: bool) -> None:
        for kernel in self._model.weights[::2]:
            if getattr(kernel.regularizer, "l2", 0.0) != l2:
                kernel.regularizer = regularizers.L2(l2) if l2 else None
        if again and self._model.compiled:
            return
        rate = self.learning_rate_init
        self._model.compile(
            optimizers.Adam(rate, self.beta_1, self.beta_2, self.epsilon)
            if self.solver == "adam"
            else optimizers.SGD(
                rate,
                momentum=self.momentum,
                nesterov=bool(self.nesterovs_momentum and self.momentum),
            ),
            self._loss(),
        )

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
        # The penalty of all samples is divided among the batches.
        self._compile(0.5 * self.alpha * samples.batches / samples.total, again=incremental)
        watch = _Watch(self, samples, validation)
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

    def __init__(self, estimator: Network, samples: Samples, validation: Any) -> None:
        super().__init__()
        self.estimator = estimator
        self.samples = samples
        self.validation = validation
        self.best: list[np.ndarray] | None = None
        self.converged = False

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        e = self.estimator
        e.loss_ = float(logs["loss"])
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
