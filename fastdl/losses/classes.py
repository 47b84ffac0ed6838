"""The losses of Keras 3 as classes: the functions with their settings, a reduction and a name.

All take `reduction` ("sum_over_batch_size", "sum", "mean_with_sample_weight" or "none"), `name` and
`dtype` (float32), and are called as `loss(y_true, y_pred, sample_weight=None)`; what they compute,
the shapes they take and the errors they raise are those of the function of the same name.

Example:
    >>> loss = fastdl.losses.MeanSquaredError()
    >>> float(loss([[0.0, 1.0], [0.0, 0.0]], [[1.0, 1.0], [1.0, 0.0]]))
    0.5
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from .._base import functional as F
from .._base.registry import LOSSES
from .._core import Tensor
from . import functions, overlap
from .ctc import ctc
from .loss import LossFunctionWrapper
from .settings import Checks, check_factors, check_optional_axis, check_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import DTypeLike

    from .._base.types import Config
    from .._core import TensorLike


class _FunctionLoss(LossFunctionWrapper):
    """A loss of a fixed function, rebuilt from its settings alone."""

    # Checks of settings that differ from those of other losses.
    _checks: ClassVar[Checks] = {}

    def __init__(
        self,
        fn: Callable[..., TensorLike],
        reduction: str | None,
        name: str | None,
        dtype: DTypeLike | None,
        **settings: Any,
    ) -> None:
        checked = check_settings(type(self).__name__, settings, self._checks)
        super().__init__(fn, reduction, name, dtype, **checked)

    def get_config(self) -> Config:
        return {"name": self.name, "reduction": self.reduction, **self._fn_kwargs}

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}>"


@LOSSES.register
class MeanSquaredError(_FunctionLoss):
    """The mean of `(y_true - y_pred)^2`."""

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str = "mean_squared_error",
        dtype: DTypeLike | None = None,
    ) -> None:
        super().__init__(functions.mean_squared_error, reduction, name, dtype)


@LOSSES.register
class MeanAbsoluteError(_FunctionLoss):
    """The mean of `|y_true - y_pred|`."""

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str = "mean_absolute_error",
        dtype: DTypeLike | None = None,
    ) -> None:
        super().__init__(functions.mean_absolute_error, reduction, name, dtype)


@LOSSES.register
class MeanAbsolutePercentageError(_FunctionLoss):
    """The mean of `100 |y_true - y_pred| / |y_true|`."""

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str = "mean_absolute_percentage_error",
        dtype: DTypeLike | None = None,
    ) -> None:
        super().__init__(functions.mean_absolute_percentage_error, reduction, name, dtype)


@LOSSES.register
class MeanSquaredLogarithmicError(_FunctionLoss):
    """The mean of `(log(1 + y_true) - log(1 + y_pred))^2`."""

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str = "mean_squared_logarithmic_error",
        dtype: DTypeLike | None = None,
    ) -> None:
        super().__init__(functions.mean_squared_logarithmic_error, reduction, name, dtype)


@LOSSES.register
class LogCosh(_FunctionLoss):
    """The mean of `log(cosh(y_pred - y_true))`."""

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str = "log_cosh",
        dtype: DTypeLike | None = None,
    ) -> None:
        super().__init__(functions.log_cosh, reduction, name, dtype)


@LOSSES.register
class Hinge(_FunctionLoss):
    """The mean of `max(1 - y_true y_pred, 0)` for targets of -1 and 1 (or 0 and 1)."""

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str = "hinge",
        dtype: DTypeLike | None = None,
    ) -> None:
        super().__init__(functions.hinge, reduction, name, dtype)


@LOSSES.register
class SquaredHinge(_FunctionLoss):
    """The mean of `max(1 - y_true y_pred, 0)^2` for targets of -1 and 1 (or 0 and 1)."""

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str = "squared_hinge",
        dtype: DTypeLike | None = None,
    ) -> None:
        super().__init__(functions.squared_hinge, reduction, name, dtype)


@LOSSES.register
class CategoricalHinge(_FunctionLoss):
    """`max(neg - pos + 1, 0)` for one-hot targets."""

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str = "categorical_hinge",
        dtype: DTypeLike | None = None,
    ) -> None:
        super().__init__(functions.categorical_hinge, reduction, name, dtype)


@LOSSES.register
class KLDivergence(_FunctionLoss):
    """The sum of `y_true log(y_true / y_pred)` over the last axis."""

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str = "kl_divergence",
        dtype: DTypeLike | None = None,
    ) -> None:
        super().__init__(functions.kl_divergence, reduction, name, dtype)


@LOSSES.register
class Poisson(_FunctionLoss):
    """The mean of `y_pred - y_true log(y_pred)`."""

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str = "poisson",
        dtype: DTypeLike | None = None,
    ) -> None:
        super().__init__(functions.poisson, reduction, name, dtype)


@LOSSES.register
class Huber(_FunctionLoss):
    """Squares of small errors, absolute values of large ones: robust against outliers.

    Args:
        delta: the size of an error from which the loss is linear.
    """

    def __init__(
        self,
        delta: float = 1.0,
        reduction: str | None = "sum_over_batch_size",
        name: str = "huber_loss",
        dtype: DTypeLike | None = None,
    ) -> None:
        super().__init__(functions.huber, reduction, name, dtype, delta=delta)


@LOSSES.register
class CosineSimilarity(_FunctionLoss):
    """Minus the cosine of the angle between targets and outputs.

    Args:
        axis: the axis of the vectors.
    """

    def __init__(
        self,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str = "cosine_similarity",
        dtype: DTypeLike | None = None,
    ) -> None:
        super().__init__(functions.cosine_similarity, reduction, name, dtype, axis=axis)


@LOSSES.register
class BinaryCrossentropy(_FunctionLoss):
    """Cross-entropy of independent yes-or-no targets.

    Args:
        from_logits: whether outputs are logits rather than probabilities.
        label_smoothing: targets move this share of the way to 0.5; in [0, 1].
        axis: the axis of the mean.
    """

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str = "binary_crossentropy",
        dtype: DTypeLike | None = None,
    ) -> None:
        super().__init__(
            functions.binary_crossentropy,
            reduction,
            name,
            dtype,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )


@LOSSES.register
class BinaryFocalCrossentropy(_FunctionLoss):
    """Binary cross-entropy in which easy samples count less (arXiv:1708.02002).

    Args:
        apply_class_balancing: whether class 1 is weighted by `alpha` and class 0 by `1 - alpha`.
        alpha: that weight.
        gamma: the focusing exponent.
        from_logits: whether outputs are logits rather than probabilities.
        label_smoothing: targets move this share of the way to 0.5; in [0, 1].
        axis: the axis of the mean.
    """

    def __init__(
        self,
        apply_class_balancing: bool = False,
        alpha: float = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str = "binary_focal_crossentropy",
        dtype: DTypeLike | None = None,
    ) -> None:
        super().__init__(
            functions.binary_focal_crossentropy,
            reduction,
            name,
            dtype,
            apply_class_balancing=apply_class_balancing,
            alpha=alpha,
            gamma=gamma,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )


@LOSSES.register
class CategoricalCrossentropy(_FunctionLoss):
    """Cross-entropy of one-hot (or soft) targets.

    Args:
        from_logits: whether outputs are logits rather than probabilities.
        label_smoothing: targets move this share of the way to the uniform distribution; in [0, 1].
        axis: the axis of the classes.
    """

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str = "categorical_crossentropy",
        dtype: DTypeLike | None = None,
    ) -> None:
        super().__init__(
            functions.categorical_crossentropy,
            reduction,
            name,
            dtype,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )


@LOSSES.register
class CategoricalFocalCrossentropy(_FunctionLoss):
    """Categorical cross-entropy in which easy samples count less (arXiv:1708.02002).

    Source: `keras.losses.CategoricalFocalCrossentropy` of Keras 3.

    Args:
        alpha: the weight of the classes, one number for all or a list of one for each.
        gamma: the focusing exponent.
        from_logits: whether outputs are logits rather than probabilities.
        label_smoothing: targets move this share of the way to the uniform distribution; in [0, 1].
        axis: the axis of the classes.

    Example:
        >>> loss = fastdl.losses.CategoricalFocalCrossentropy(alpha=[1.0, 0.5])
        >>> round(loss([[0.0, 1.0]], [[0.5, 0.5]]).item(), 4)
        0.0866
    """

    _checks: ClassVar[Checks] = {"alpha": check_factors}

    def __init__(
        self,
        alpha: float | Sequence[float] = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str = "categorical_focal_crossentropy",
        dtype: DTypeLike | None = None,
    ) -> None:
        super().__init__(
            functions.categorical_focal_crossentropy,
            reduction,
            name,
            dtype,
            alpha=alpha,
            gamma=gamma,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )


@LOSSES.register
class CategoricalGeneralizedCrossEntropy(_FunctionLoss):
    """A loss that withstands wrong labels: `(1 - p[y_true]^q) / q` (arXiv:1805.07836).

    Source: `keras.losses.CategoricalGeneralizedCrossEntropy` of Keras 3.

    Args:
        q: in (0, 1); near 0 the loss is the cross-entropy, near 1 the absolute error.

    Example:
        >>> fastdl.losses.CategoricalGeneralizedCrossEntropy()([1], [[0.75, 0.25]]).item()
        1.0
    """

    def __init__(
        self,
        q: float = 0.5,
        reduction: str | None = "sum_over_batch_size",
        name: str = "categorical_generalized_cross_entropy",
        dtype: DTypeLike | None = None,
    ) -> None:
        super().__init__(
            functions.categorical_generalized_cross_entropy, reduction, name, dtype, q=q
        )


@LOSSES.register
class SparseCategoricalCrossentropy(_FunctionLoss):
    """Cross-entropy of targets that are class numbers.

    Args:
        from_logits: whether outputs are logits rather than probabilities.
        ignore_class: samples of this class count neither in the sum nor in the mean.
        axis: the axis of the classes.
    """

    def __init__(
        self,
        from_logits: bool = False,
        ignore_class: int | None = None,
        reduction: str | None = "sum_over_batch_size",
        axis: int = -1,
        name: str = "sparse_categorical_crossentropy",
        dtype: DTypeLike | None = None,
    ) -> None:
        super().__init__(
            functions.sparse_categorical_crossentropy,
            reduction,
            name,
            dtype,
            from_logits=from_logits,
            ignore_class=ignore_class,
            axis=axis,
        )

    def _mask(self, y_true: Tensor, values: Tensor) -> Tensor | None:
        ignored = self._fn_kwargs["ignore_class"]
        if ignored is None:
            return None
        return F.reshape(F.ne(y_true, ignored), shape=values.shape)


@LOSSES.register
class Dice(_FunctionLoss):
    """One minus the overlap of targets and outputs, see `dice`.

    Args:
        axis: the axes of the sums, for example (1, 2, 3) for one loss per image. With None there
            is one loss for the whole batch.

    Example:
        >>> fastdl.losses.Dice()([[1.0, 1.0], [0.0, 0.0]], [[1.0, 0.0], [0.0, 1.0]]).item()
        0.5
    """

    _checks: ClassVar[Checks] = {"axis": check_optional_axis}

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str = "dice",
        axis: int | Sequence[int] | None = None,
        dtype: DTypeLike | None = None,
    ) -> None:
        super().__init__(overlap.dice, reduction, name, dtype, axis=axis)


@LOSSES.register
class Tversky(_FunctionLoss):
    """One minus an overlap that weighs what outputs miss and add, see `tversky`.

    Args:
        alpha: the weight of what the outputs miss.
        beta: the weight of what the outputs add.
        axis: the axes of the sums; with None there is one loss for the whole batch.

    Example:
        >>> loss = fastdl.losses.Tversky(alpha=1.0, beta=0.0)
        >>> loss([[1.0, 1.0], [0.0, 0.0]], [[1.0, 0.0], [0.0, 1.0]]).item()
        0.5
    """

    _checks: ClassVar[Checks] = {"axis": check_optional_axis}

    def __init__(
        self,
        alpha: float = 0.5,
        beta: float = 0.5,
        reduction: str | None = "sum_over_batch_size",
        name: str = "tversky",
        axis: int | Sequence[int] | None = None,
        dtype: DTypeLike | None = None,
    ) -> None:
        super().__init__(overlap.tversky, reduction, name, dtype, alpha=alpha, beta=beta, axis=axis)


@LOSSES.register
class Circle(_FunctionLoss):
    """Metric learning: integer labels and embeddings of norm 1, see `circle`.

    Args:
        gamma: the scale of the exponents.
        margin: distances of the same label below it and of others above `1 - margin` suffice.
        remove_diagonal: whether a sample is no reference of its own.

    Example:
        >>> loss = fastdl.losses.Circle(gamma=1.0)
        >>> round(loss([0, 0, 1], [[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]]).item(), 4)
        0.789
    """

    def __init__(
        self,
        gamma: float = 80.0,
        margin: float = 0.4,
        remove_diagonal: bool = True,
        reduction: str | None = "sum_over_batch_size",
        name: str = "circle",
        dtype: DTypeLike | None = None,
    ) -> None:
        super().__init__(
            overlap.circle,
            reduction,
            name,
            dtype,
            gamma=gamma,
            margin=margin,
            remove_diagonal=remove_diagonal,
        )


@LOSSES.register
class CTC(_FunctionLoss):
    """Labels without an alignment: targets (batch, labels) and logits (batch, times, classes).

    See `ctc`, which says what counts as padding and as blank.

    Example:
        >>> round(fastdl.losses.CTC()([[1, 0]], np.zeros((1, 2, 2))).item(), 4)  # 3 of 4 paths
        0.2877
    """

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str = "ctc",
        dtype: DTypeLike | None = None,
    ) -> None:
        super().__init__(ctc, reduction, name, dtype)
