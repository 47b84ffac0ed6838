"""The loss functions of Keras 3: each takes targets and outputs and gives a loss for each sample.

Targets are cast to float32. If the ranks of targets and outputs differ by a last axis of length 1,
they are made equal. Outputs are (batch, ..., d) and the losses (batch, ...), reduced over
the last axis. All of them accept arrays and nested lists.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from .. import _core
from .._base import functional as F
from .._base.moving import checked_axis
from .._base.registry import LOSSES
from .._base.settings import settings
from .._core import AxisError, Tensor
from .loss import integer_target_functions
from .reduction import same_rank

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .._core import TensorLike

_LAST = (-1,)
# Means that no class is ignored: no label is as large.
_NO_CLASS = 1 << 62


def _pair(y_true: TensorLike, y_pred: TensorLike, same_ranks: bool = True) -> tuple[Tensor, Tensor]:
    y_pred = _core.as_tensor(y_pred)
    y_true = F.cast(y_true, dtype="float32")
    return same_rank(y_true, y_pred) if same_ranks else (y_true, y_pred)


def _mean(x: Tensor, axis: int = -1) -> Tensor:
    return F.mean(x, axes=(axis,))


@LOSSES.register("mse", "MSE")
def mean_squared_error(y_true: TensorLike, y_pred: TensorLike) -> Tensor:
    """`mean((y_true - y_pred)^2)`, also called `mse`.

    Example:
        >>> fastdl.losses.mean_squared_error([[0.0, 1.0]], [[1.0, 3.0]])
        tensor([2.5])
    """
    y_true, y_pred = _pair(y_true, y_pred)
    return _mean(F.square(F.sub(y_pred, y_true)))


@LOSSES.register("mae", "MAE")
def mean_absolute_error(y_true: TensorLike, y_pred: TensorLike) -> Tensor:
    """`mean(|y_true - y_pred|)`, also called `mae`."""
    y_true, y_pred = _pair(y_true, y_pred)
    return _mean(F.abs(F.sub(y_pred, y_true)))


@LOSSES.register("mape", "MAPE")
def mean_absolute_percentage_error(y_true: TensorLike, y_pred: TensorLike) -> Tensor:
    """`100 mean(|y_true - y_pred| / max(|y_true|, 1e-7))`, also called `mape`."""
    y_true, y_pred = _pair(y_true, y_pred)
    size = F.maximum(F.abs(y_true), settings.epsilon)
    return F.mul(_mean(F.abs(F.div(F.sub(y_true, y_pred), size))), 100.0)


@LOSSES.register("msle", "MSLE")
def mean_squared_logarithmic_error(y_true: TensorLike, y_pred: TensorLike) -> Tensor:
    """`mean((log(1 + y_true) - log(1 + y_pred))^2)`, both at least 1e-7; also called `msle`."""
    y_true, y_pred = _pair(y_true, y_pred)
    true = F.log1p(F.maximum(y_true, settings.epsilon))
    pred = F.log1p(F.maximum(y_pred, settings.epsilon))
    return _mean(F.square(F.sub(pred, true)))


@LOSSES.register
def huber(y_true: TensorLike, y_pred: TensorLike, delta: float = 1.0) -> Tensor:
    """Mean of `0.5 e^2` where `|e| <= delta` and `delta |e| - 0.5 delta^2` elsewhere."""
    y_true, y_pred = _pair(y_true, y_pred)
    if y_true.shape != y_pred.shape:  # the op takes operands of one shape
        y_pred = F.sub(y_pred, y_true)
        y_true = _core.full(y_pred.shape, "float32", 0.0)
    return _mean(F.huber(y_pred, y_true, delta=delta))


@LOSSES.register("logcosh", "LOGCOSH")
def log_cosh(y_true: TensorLike, y_pred: TensorLike) -> Tensor:
    """`mean(log(cosh(y_pred - y_true)))`, computed without overflow; also called `logcosh`."""
    y_true, y_pred = _pair(y_true, y_pred)
    error = F.sub(y_pred, y_true)
    tail = F.sub(F.softplus(F.mul(error, -2.0)), math.log(2.0))
    return _mean(F.add(error, tail))


@LOSSES.register
def poisson(y_true: TensorLike, y_pred: TensorLike) -> Tensor:
    """`mean(y_pred - y_true log(y_pred + 1e-7))`."""
    y_true, y_pred = _pair(y_true, y_pred, same_ranks=False)
    log = F.log(F.add(y_pred, settings.epsilon))
    return _mean(F.sub(y_pred, F.mul(y_true, log)))


@LOSSES.register("kld", "KLD")
def kl_divergence(y_true: TensorLike, y_pred: TensorLike) -> Tensor:
    """`sum(y_true log(y_true / y_pred))`, both clipped to [1e-7, 1]; also called `kld`."""
    y_true, y_pred = _pair(y_true, y_pred, same_ranks=False)
    y_true = F.clip(y_true, lo=settings.epsilon, hi=1.0)
    y_pred = F.clip(y_pred, lo=settings.epsilon, hi=1.0)
    return F.sum(F.mul(y_true, F.log(F.div(y_true, y_pred))), axes=_LAST)


@LOSSES.register
def cosine_similarity(y_true: TensorLike, y_pred: TensorLike, axis: int = -1) -> Tensor:
    """Minus the cosine of the angle between targets and outputs: -1 is best."""
    y_true, y_pred = _pair(y_true, y_pred)
    product = F.mul(_normalized(y_true, axis), _normalized(y_pred, axis))
    return F.neg(F.sum(product, axes=(axis,)))


def _normalized(x: Tensor, axis: int) -> Tensor:
    """x divided by its Euclidean norm, or by 1e-6 if that is larger."""
    squares = F.sum(F.square(x), axes=(axis,), keepdims=True)
    return F.mul(x, F.rsqrt(F.maximum(squares, 1e-12)))


def _hinge_targets(y_true: Tensor) -> Tensor:
    """Targets of 0 and 1 become -1 and 1; others stay."""
    binary = F.logical_or(F.eq(y_true, 0.0), F.eq(y_true, 1.0))
    signed = F.sub(F.mul(y_true, 2.0), 1.0)
    return F.where(F.all(binary), signed, y_true)


def _margins(y_true: TensorLike, y_pred: TensorLike) -> Tensor:
    y_true, y_pred = _pair(y_true, y_pred, same_ranks=False)
    return F.relu(F.sub(1.0, F.mul(_hinge_targets(y_true), y_pred)))


@LOSSES.register
def hinge(y_true: TensorLike, y_pred: TensorLike) -> Tensor:
    """`mean(max(1 - y_true y_pred, 0))` for targets of -1 and 1 (or 0 and 1)."""
    return _mean(_margins(y_true, y_pred))


@LOSSES.register
def squared_hinge(y_true: TensorLike, y_pred: TensorLike) -> Tensor:
    """`mean(max(1 - y_true y_pred, 0)^2)` for targets of -1 and 1 (or 0 and 1)."""
    return _mean(F.square(_margins(y_true, y_pred)))


@LOSSES.register
def categorical_hinge(y_true: TensorLike, y_pred: TensorLike) -> Tensor:
    """`max(neg - pos + 1, 0)`, with the output of the target class and the largest other one."""
    y_true, y_pred = _pair(y_true, y_pred, same_ranks=False)
    positive = F.sum(F.mul(y_true, y_pred), axes=_LAST)
    negative = F.max(F.mul(F.sub(1.0, y_true), y_pred), axes=_LAST)
    return F.relu(F.add(F.sub(negative, positive), 1.0))


# --- cross-entropies


def _logits_of(y_pred: Tensor, from_logits: bool, activation: str) -> Tensor | None:
    """The logits behind `y_pred`, or None if they are unknown.

    A loss that is computed from logits neither overflows nor loses digits.
    """
    if from_logits:
        return y_pred
    source = y_pred._logits
    return source[0] if source is not None and source[1] == activation else None


def _axis_last(x: Tensor, axis: int) -> Tensor:
    if not -x.ndim <= axis < x.ndim:
        raise AxisError(f"axis: expected an axis of outputs of shape {x.shape}, got {axis}")
    axis = axis % x.ndim
    if axis == x.ndim - 1:
        return x
    order = [i for i in range(x.ndim) if i != axis]
    return F.transpose(x, perm=(*order, axis))


def _smoothed(y_true: Tensor, smoothing: float, uniform: float) -> Tensor:
    return F.add(F.mul(y_true, 1.0 - smoothing), smoothing * uniform)


def _check_same_shape(who: str, y_true: Tensor, y_pred: Tensor, hint: str) -> None:
    if y_true.shape != y_pred.shape:
        raise ValueError(
            f"{who}: expected targets of the outputs' shape {y_pred.shape}, got "
            f"{y_true.shape}{hint}"
        )


@LOSSES.register("bce", "BCE")
def binary_crossentropy(
    y_true: TensorLike,
    y_pred: TensorLike,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Tensor:
    """Mean over `axis` of `-y_true log(p) - (1 - y_true) log(1 - p)`, also called `bce`.

    Args:
        y_true: targets in [0, 1], of the outputs' shape.
        y_pred: probabilities, or logits if `from_logits`. For probabilities directly from a
            sigmoid the loss uses their logits; others are clipped to [1e-7, 1 - 1e-7].
        from_logits: whether `y_pred` are logits.
        label_smoothing: targets move this share of the way to 0.5.
        axis: the axis of the mean.

    Raises:
        ValueError: the shapes differ.
    """
    y_true, y_pred = _pair(y_true, y_pred, same_ranks=False)
    _check_same_shape("binary_crossentropy", y_true, y_pred, "")
    if label_smoothing:
        y_true = _smoothed(y_true, label_smoothing, 0.5)
    return _mean(_binary(y_true, y_pred, from_logits), axis)


def _binary(y_true: Tensor, y_pred: Tensor, from_logits: bool) -> Tensor:
    logits = _logits_of(y_pred, from_logits, "sigmoid")
    if logits is not None:
        return F.sigmoid_cross_entropy(logits, y_true)
    p = F.clip(y_pred, lo=settings.epsilon, hi=1.0 - settings.epsilon)
    ones = F.mul(y_true, F.log(p))
    zeros = F.mul(F.sub(1.0, y_true), F.log(F.sub(1.0, p)))
    return F.neg(F.add(ones, zeros))


@LOSSES.register
def binary_focal_crossentropy(
    y_true: TensorLike,
    y_pred: TensorLike,
    apply_class_balancing: bool = False,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Tensor:
    """Binary cross-entropy times `(1 - p_t)^gamma`: easy samples count less (arXiv:1708.02002).

    Args:
        apply_class_balancing: whether class 1 is weighted by `alpha` and class 0 by `1 - alpha`.
        alpha: that weight.
        gamma: the focusing exponent.
        y_true, y_pred, from_logits, label_smoothing, axis: as for `binary_crossentropy`.

    Raises:
        ValueError: the shapes differ.
    """
    y_true, y_pred = _pair(y_true, y_pred, same_ranks=False)
    _check_same_shape("binary_focal_crossentropy", y_true, y_pred, "")
    if label_smoothing:
        y_true = _smoothed(y_true, label_smoothing, 0.5)
    loss = _binary(y_true, y_pred, from_logits)
    p = F.sigmoid(y_pred) if from_logits else y_pred
    inverse = F.sub(1.0, y_true)
    p_t = F.add(F.mul(y_true, p), F.mul(inverse, F.sub(1.0, p)))
    loss = F.mul(F.pow(F.sub(1.0, p_t), gamma), loss)
    if apply_class_balancing:
        weight = F.add(F.mul(y_true, alpha), F.mul(inverse, 1.0 - alpha))
        loss = F.mul(weight, loss)
    return _mean(loss, axis)


@LOSSES.register
def categorical_crossentropy(
    y_true: TensorLike,
    y_pred: TensorLike,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Tensor:
    """`-sum(y_true log(p))` over the classes, for one-hot (or soft) targets.

    Args:
        y_true: probabilities of the classes, of the outputs' shape.
        y_pred: probabilities, or logits if `from_logits`. For probabilities directly from a
            softmax the loss uses their logits; others are divided by their sum and clipped to
            [1e-7, 1 - 1e-7].
        from_logits: whether `y_pred` are logits.
        label_smoothing: targets move this share of the way to the uniform distribution.
        axis: the axis of the classes. (With another axis than the last, Keras 3.15 smooths by the
            size of the last; Keras 3.16 does as fastdl.)

    Raises:
        ValueError: the shapes differ.

    Example:
        >>> fastdl.losses.categorical_crossentropy([[0.0, 1.0]], [[0.5, 0.5]])
        tensor([0.6931472])
    """
    y_true, y_pred = _pair(y_true, y_pred, same_ranks=False)
    hint = "; for class numbers use sparse_categorical_crossentropy"
    _check_same_shape("categorical_crossentropy", y_true, y_pred, hint)
    if label_smoothing:
        place = checked_axis(axis, y_true.ndim, "categorical_crossentropy")
        y_true = _smoothed(y_true, label_smoothing, 1.0 / y_true.shape[place])
    logits = _logits_of(y_pred, from_logits, "softmax")
    if logits is not None:
        return F.softmax_cross_entropy(_axis_last(logits, axis), _axis_last(y_true, axis))
    p = F.div(y_pred, F.sum(y_pred, axes=(axis,), keepdims=True))
    log = F.log(F.clip(p, lo=settings.epsilon, hi=1.0 - settings.epsilon))
    return F.neg(F.sum(F.mul(y_true, log), axes=(axis,)))


@LOSSES.register
def categorical_focal_crossentropy(
    y_true: TensorLike,
    y_pred: TensorLike,
    alpha: float | Sequence[float] = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Tensor:
    """`-sum(alpha (1 - p)^gamma y_true log(p))`: easy samples count less (arXiv:1708.02002).

    Source: `keras.losses.categorical_focal_crossentropy` of Keras 3.

    Args:
        alpha: the weight of the classes, one number for all or one for each.
        gamma: the focusing exponent.
        y_true, y_pred, from_logits, label_smoothing, axis: as for `categorical_crossentropy`.

    Raises:
        ValueError: the shapes differ, or there is not one alpha for each class.

    Example:
        >>> loss = fastdl.losses.categorical_focal_crossentropy([[0.0, 1.0]], [[0.5, 0.5]])
        >>> loss.numpy().round(4)
        array([0.0433], dtype=float32)
    """
    y_true, y_pred = _pair(y_true, y_pred, same_ranks=False)
    who = "categorical_focal_crossentropy"
    _check_same_shape(who, y_true, y_pred, "")
    if label_smoothing:
        place = checked_axis(axis, y_true.ndim, who)
        y_true = _smoothed(y_true, label_smoothing, 1.0 / y_true.shape[place])
    logits = _logits_of(y_pred, from_logits, "softmax")
    y_true = _axis_last(y_true, axis)
    if logits is not None:
        logits = _axis_last(logits, axis)
        p, log = F.softmax(logits), F.log_softmax(logits)
    else:
        p = _axis_last(y_pred, axis)
        p = F.clip(
            F.div(p, F.sum(p, axes=_LAST, keepdims=True)),
            lo=settings.epsilon,
            hi=1.0 - settings.epsilon,
        )
        log = F.log(p)
    weight: TensorLike = alpha
    if not isinstance(alpha, (int, float)):
        weight = _core.as_tensor(alpha)
        if weight.shape not in ((), (1,), y_true.shape[-1:]):
            raise ValueError(
                f"{who}: alpha: expected one for each of {y_true.shape[-1]} classes, got shape "
                f"{weight.shape}"
            )
    # The smallest base keeps the gradient finite for a gamma below 1.
    factor = F.pow(F.maximum(F.sub(1.0, p), settings.epsilon), gamma)
    return F.neg(F.sum(F.mul(F.mul(factor, weight), F.mul(y_true, log)), axes=_LAST))


@LOSSES.register
def categorical_generalized_cross_entropy(
    y_true: TensorLike, y_pred: TensorLike, q: float
) -> Tensor:
    """`(1 - p[y_true]^q) / q` for targets that are class numbers (arXiv:1805.07836).

    Source: `keras.losses.categorical_generalized_cross_entropy` of Keras 3.

    Args:
        y_true: integers (or floats with such values) of the outputs' shape without the last axis,
            or with a last axis of length 1.
        y_pred: probabilities, (batch, ..., classes). Where that of the target is exactly 0 the
            gradient is 0; its limit is infinite.
        q: in (0, 1).

    Raises:
        ValueError: the shapes don't fit, or a label is no class number.

    Example:
        >>> fastdl.losses.categorical_generalized_cross_entropy([1], [[0.75, 0.25]], 0.5).tolist()
        [1.0]
    """
    y_true, y_pred = _core.as_tensor(y_true), _core.as_tensor(y_pred)
    shape = y_pred.shape[:-1]
    if not y_pred.ndim or y_true.shape not in (shape, (*shape, 1)):
        raise ValueError(
            f"categorical_generalized_cross_entropy: expected class numbers of shape {shape} for "
            f"outputs of shape {y_pred.shape}, got shape {y_true.shape}"
        )
    labels = F.reshape(y_true, shape=shape)
    if labels.dtype.kind == "f":  # -1, which is no class, for what is no whole number
        labels = F.where(F.eq(F.floor(labels), labels), labels, -1.0)
    chosen = F.one_hot(F.cast(labels, dtype="int64"), depth=y_pred.shape[-1], strict=True)
    p = F.sum(F.mul(y_pred, chosen), axes=_LAST)
    zero = F.eq(p, 0.0)
    power = F.where(zero, 0.0, F.pow(F.where(zero, 1.0, p), q))
    return F.div(F.sub(1.0, power), q)


@LOSSES.register
def sparse_categorical_crossentropy(
    y_true: TensorLike,
    y_pred: TensorLike,
    from_logits: bool = False,
    ignore_class: int | None = None,
    axis: int = -1,
) -> Tensor:
    """`-log(p[y_true])` for targets that are class numbers.

    Args:
        y_true: integers (or floats with such values) of the outputs' shape without the class axis,
            or with a class axis of length 1.
        y_pred: probabilities, or logits if `from_logits`. For probabilities directly from a
            softmax the loss uses their logits; others are clipped to [1e-7, 1 - 1e-7] and divided
            by their sum.
        from_logits: whether `y_pred` are logits.
        ignore_class: samples of this class have loss 0.
        axis: the axis of the classes.

    Raises:
        ValueError: the shapes don't fit, or a label is no class number.
    """
    y_true, y_pred = _core.as_tensor(y_true), _core.as_tensor(y_pred)
    logits = _logits_of(y_pred, from_logits, "softmax")
    if logits is None:
        logits = F.log(F.clip(y_pred, lo=settings.epsilon, hi=1.0 - settings.epsilon))
    logits = _axis_last(logits, axis)
    if y_true.ndim == y_pred.ndim and y_true.shape[axis] == 1:
        y_true = F.reshape(y_true, shape=logits.shape[:-1])
    if y_true.shape != logits.shape[:-1]:
        hint = ""
        if y_true.shape == y_pred.shape:
            hint = "; for one-hot targets use categorical_crossentropy"
        raise ValueError(
            f"sparse_categorical_crossentropy: expected class numbers of shape {logits.shape[:-1]} "
            f"for outputs of shape {y_pred.shape}, got shape {y_true.shape}{hint}"
        )
    ignored = _NO_CLASS if ignore_class is None else ignore_class
    return F.sparse_softmax_cross_entropy(logits, y_true, ignore_index=ignored)


integer_target_functions.add(categorical_generalized_cross_entropy)
integer_target_functions.add(sparse_categorical_crossentropy)
# Functions that compare targets and outputs element by element: shapes that differ broadcast.
elementwise_functions = {
    mean_squared_error,
    mean_absolute_error,
    mean_absolute_percentage_error,
    mean_squared_logarithmic_error,
    huber,
    log_cosh,
    poisson,
    kl_divergence,
    cosine_similarity,
    hinge,
    squared_hinge,
}
