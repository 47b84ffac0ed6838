"""Classifier, Regressor and Transformer: estimators around any model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import check_is_fitted, column_or_1d

from .._base.checks import check_flag
from .._base.random import Generator
from ..models import Model
from ..saving.models import build_model, model_config
from ..saving.values import decode
from .samples import Samples, checked_weights, dense, in_parts, validated

if TYPE_CHECKING:
    from typing_extensions import Self

    Builder = Callable[..., Model]


class _Wrapper(BaseEstimator):
    """What the wrappers share.

    Attributes:
        model_: the model that was trained.
        history_: the values of each epoch by name, as `fit` of the model returned them.
    """

    def __init__(
        self,
        model: Model | Builder,
        *,
        warm_start: bool = False,
        model_kwargs: Mapping[str, Any] | None = None,
        fit_kwargs: Mapping[str, Any] | None = None,
        random_state: Any = None,
    ) -> None:
        self.model = model
        self.warm_start = warm_start
        self.model_kwargs = model_kwargs
        self.fit_kwargs = fit_kwargs
        self.random_state = random_state

    def _validated(self, x: Any, **options: Any) -> Any:
        return validated(self, x, allow_nd=True, **options)

    def _made(self, x: np.ndarray, y: np.ndarray) -> Model:
        """A compiled model with new weights."""
        who = type(self).__name__
        kwargs = dict(self.model_kwargs or {})
        if isinstance(self.model, Model):
            if kwargs:
                raise ValueError(f"{who}: model_kwargs: expected a function as the model, got one")
            if not self.model.compiled:
                raise ValueError(f"{who}: model: expected a model that is compiled")
            config = model_config(self.model)
            made = build_model(config)
            made.compile_from_config(decode(config["compile_config"], who))
            return made
        if not callable(self.model):
            raise TypeError(
                f"{who}: model: expected a compiled model, or a function of (X, y) that returns "
                f"one, got {type(self.model).__name__}"
            )
        made = self.model(x, y, **kwargs)
        if not isinstance(made, Model) or not made.compiled:
            raise TypeError(
                f"{who}: model: the function must return a compiled model, got {made!r}"
            )
        return made

    def _train(
        self,
        x: Any,
        y: np.ndarray,
        weights: np.ndarray | None,
        for_builder: np.ndarray,
        targets: Callable[[np.ndarray], np.ndarray] = np.asarray,
    ) -> Self:
        """Trains the model.

        Args:
            x, y, weights: the samples.
            for_builder: the targets as the function that makes the model sees them.
            targets: makes the targets that the model's loss takes of y.
        """
        options = {"verbose": 0, **(self.fit_kwargs or {})}
        rng = check_random_state(self.random_state)
        with Generator().manual_seed(int(rng.randint(1 << 31))):
            if not (check_flag(type(self).__name__, "warm_start", self.warm_start)) or not hasattr(
                self, "model_"
            ):
                self.model_ = self._made(dense(x[:1]), for_builder)
            y = targets(y)
            samples = Samples(x, y, weights, options.pop("batch_size", None) or 32)
            if samples.weights is not None:
                options["sample_weight"] = samples.weights
            found = self.model_.fit(samples.x, samples.y, samples.batch_size, **options)
        self.history_ = found.history
        return self

    def _outputs(self, x: Any) -> np.ndarray:
        check_is_fitted(self, "model_")
        return in_parts(self.model_.predict_on_batch, self._validated(x, reset=False))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


class Classifier(ClassifierMixin, _Wrapper):
    """A classifier of scikit-learn around a model.

    The model has one output for two classes, or one for each class. Its loss decides how it gets
    the classes: numbers for a sparse loss, 0 and 1 for one output, else rows with a 1.

    Args:
        model: a compiled model, of which each `fit` trains a copy with new weights; or a function
            `(X, y, **model_kwargs)` that returns a compiled model. It gets one row of X, and y as
            rows with a 1 at the class, for the shapes.
        warm_start: whether `fit` goes on from the last solution.
        model_kwargs: further arguments of the function.
        fit_kwargs: arguments of the model's `fit`: epochs, batch_size, callbacks ...
        random_state: a seed, a RandomState or None: of weights, order and dropout.
        class_weight: "balanced", a dict of weights by class, or None.

    Attributes:
        model_, history_: the model, and the values of each epoch.
        classes_, n_features_in_, feature_names_in_: as in scikit-learn.

    Raises:
        ValueError, TypeError: an argument, the model or the data is not as expected.

    Example:
        >>> def build(X, y, width=8):
        ...     stack = [layers.Input(X.shape[1:]), layers.Dense(width, "relu")]
        ...     model = models.Sequential([*stack, layers.Dense(y.shape[1], "softmax")])
        ...     model.compile("adam", "categorical_crossentropy")
        ...     return model
        >>> x, y = np.array([[0.0], [1.0]] * 40), np.array(["no", "yes"] * 40)
        >>> clf = Classifier(build, fit_kwargs={"epochs": 60}, random_state=0).fit(x, y)
        >>> clf.predict([[0.0], [1.0]]).tolist()
        ['no', 'yes']
    """

    def __init__(
        self,
        model: Model | Builder,
        *,
        warm_start: bool = False,
        model_kwargs: Mapping[str, Any] | None = None,
        fit_kwargs: Mapping[str, Any] | None = None,
        random_state: Any = None,
        class_weight: Any = None,
    ) -> None:
        super().__init__(
            model,
            warm_start=warm_start,
            model_kwargs=model_kwargs,
            fit_kwargs=fit_kwargs,
            random_state=random_state,
        )
        self.class_weight = class_weight

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Trains a model.

        Args:
            X: samples along axis 0, dense or sparse.
            y: a label for each.
            sample_weight: a weight for each.
        """
        x, y = self._validated(X, y=y)
        check_classification_targets(y)
        if type_of_target(y).startswith("multilabel") or (y.ndim > 1 and y.shape[1] > 1):
            raise ValueError("Classifier: y: expected one label for each sample, got several")
        y = column_or_1d(y, warn=True)
        by_class = None
        if self.class_weight is not None:
            by_class = compute_sample_weight(self.class_weight, y)
        weights = checked_weights(sample_weight, x, by_class)
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2 and weights is None:
            raise ValueError(
                f"Classifier: y: expected at least 2 classes, got 1 class: {self.classes_.tolist()}"
            )
        rows = np.eye(len(self.classes_), dtype=np.float32)
        return self._train(x, codes, weights, rows[codes[:1]], self._as_targets)

    def _as_targets(self, codes: np.ndarray) -> np.ndarray:
        width = self.model_.compute_output_shape(_shape_of(self.model_))[-1]
        classes = len(self.classes_)
        if "sparse" in _name_of_loss(self.model_):
            if width is not None and width < classes:
                raise ValueError(
                    f"Classifier: the model has {width} outputs, y has {classes} classes"
                )
            return codes.astype(np.int32)
        if width == 1 and classes <= 2:
            return codes.astype(np.float32)[:, None]
        if width != classes:
            raise ValueError(f"Classifier: the model has {width} outputs, y has {classes} classes")
        return np.eye(classes, dtype=np.float32)[codes]

    def predict_proba(self, X: Any) -> np.ndarray:
        """The probability of each class, in the order of `classes_`: float64."""
        outputs = self._outputs(X).astype(np.float64)
        outputs = outputs.reshape(len(outputs), -1)
        logits = _takes_logits(self.model_)
        if outputs.shape[1] == 1:
            one = 1 / (1 + np.exp(-outputs)) if logits else outputs
            return np.concatenate([1 - one, one], axis=1)[:, : max(len(self.classes_), 1)]
        if logits:
            outputs = np.exp(outputs - outputs.max(axis=1, keepdims=True))
        outputs = outputs[:, : len(self.classes_)]
        return outputs / outputs.sum(axis=1, keepdims=True)

    def predict(self, X: Any) -> np.ndarray:
        """The label of each sample."""
        best = self.predict_proba(X).argmax(axis=1)
        return self.classes_[best]


class Regressor(RegressorMixin, _Wrapper):
    """A regressor of scikit-learn around a model.

    Args:
        model, warm_start, model_kwargs, fit_kwargs, random_state: as for `Classifier`; a function
            gets y as rows of numbers.

    Attributes:
        model_, history_: the model, and the values of each epoch.

    Raises:
        ValueError, TypeError: an argument, the model or the data is not as expected.

    Example:
        >>> stack = [layers.Input((1,)), layers.Dense(16, "relu"), layers.Dense(1)]
        >>> model = models.Sequential(stack)
        >>> model.compile(fastdl.optimizers.Adam(0.02), "mse")
        >>> x = np.linspace(-1, 1, 100)[:, None]
        >>> estimator = Regressor(model, fit_kwargs={"epochs": 100}, random_state=0)
        >>> estimator.fit(x, abs(x[:, 0])).score(x, abs(x[:, 0])) > 0.9
        True
    """

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Trains a model.

        Args:
            X: samples along axis 0, dense or sparse.
            y: a number for each, or several.
            sample_weight: a weight for each.
        """
        x, y = self._validated(X, y=y, multi_output=True, y_numeric=True)
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        self._single = y.ndim == 1
        targets = np.asarray(y, np.float32).reshape(len(y), -1)
        return self._train(x, targets, checked_weights(sample_weight, x), targets[:1])

    def predict(self, X: Any) -> np.ndarray:
        """The number of each sample, or a row of numbers where there are several targets."""
        outputs = self._outputs(X).astype(np.float64)
        return outputs.reshape(len(outputs)) if self._single else outputs


class Transformer(TransformerMixin, _Wrapper):
    """A transformer of scikit-learn around a model: its outputs, or those of one of its layers.

    Without y the model learns to give back its inputs, as an autoencoder does.

    Args:
        model, warm_start, model_kwargs, fit_kwargs, random_state: as for `Regressor`.
        layer: the name or number of the layer whose outputs count; None for the last.

    Attributes:
        model_, history_: the model, and the values of each epoch.

    Raises:
        ValueError, TypeError: an argument, the model or the data is not as expected.

    Example:
        >>> def autoencoder(X, y):
        ...     stack = [layers.Input(X.shape[1:]), layers.Dense(1, name="code")]
        ...     model = models.Sequential([*stack, layers.Dense(y.shape[1])])
        ...     model.compile("adam", "mse")
        ...     return model
        >>> x = np.ones((20, 3)) * np.arange(20)[:, None]
        >>> Transformer(autoencoder, layer="code").fit_transform(x).shape
        (20, 1)
    """

    def __init__(
        self,
        model: Model | Builder,
        *,
        warm_start: bool = False,
        model_kwargs: Mapping[str, Any] | None = None,
        fit_kwargs: Mapping[str, Any] | None = None,
        random_state: Any = None,
        layer: str | int | None = None,
    ) -> None:
        super().__init__(
            model,
            warm_start=warm_start,
            model_kwargs=model_kwargs,
            fit_kwargs=fit_kwargs,
            random_state=random_state,
        )
        self.layer = layer

    def fit(self, X: Any, y: Any = None) -> Self:
        """Trains a model.

        Args:
            X: samples along axis 0, dense or sparse.
            y: numbers for each; the samples themselves unless given.
        """
        if y is None:
            x = self._validated(X)
            targets = dense(x)
        else:
            x, y = self._validated(X, y=y, multi_output=True, y_numeric=True)
            targets = np.asarray(y, np.float32).reshape(len(y), -1)
        self._train(x, targets, None, targets[:1])
        self._part = self.model_
        if self.layer is not None:
            named = isinstance(self.layer, str)
            layer: Any = self.layer
            found = self.model_.get_layer(layer) if named else self.model_.get_layer(index=layer)
            output = found.output
            self._part = Model(self.model_.inputs, output)
        return self

    def transform(self, X: Any) -> np.ndarray:
        """The outputs for the samples: float32."""
        check_is_fitted(self, "model_")
        return in_parts(self._part.predict_on_batch, self._validated(X, reset=False))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags


def _shape_of(model: Model) -> Any:
    shapes = model.input_shape if model._graph is not None else None
    if shapes is None:
        raise ValueError("Classifier: model: expected one whose input shape is known: add an Input")
    return shapes


def _name_of_loss(model: Model) -> str:
    loss: Any = model.loss
    name = loss if isinstance(loss, str) else getattr(loss, "name", None) or loss.__name__
    return str(name).lower()


def _takes_logits(model: Model) -> bool:
    loss: Any = model.loss
    settings = getattr(loss, "_fn_kwargs", {})
    return bool(settings.get("from_logits", getattr(loss, "from_logits", False)))
