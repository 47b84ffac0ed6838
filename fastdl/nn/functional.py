"""`torch.nn.functional`: layers and losses as functions. Parameters are arguments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import _core, _functions
from .._base import functional as F
from .._base.checks import check_choice, check_fraction
from .._base.dtypes import check_fits
from .._base.notices import warn_once
from .._functions import gelu as gelu
from .._functions import logsigmoid as logsigmoid
from .._functions import sigmoid as sigmoid
from .._functions import softsign as softsign
from .._functions import tanh as tanh
from ._convs import conv1d as conv1d
from ._convs import conv2d as conv2d
from ._convs import conv3d as conv3d
from ._convs import conv_transpose1d as conv_transpose1d
from ._convs import conv_transpose2d as conv_transpose2d
from ._convs import conv_transpose3d as conv_transpose3d
from ._ctc import ctc_loss as ctc_loss
from ._grids import continued
from ._likelihood_losses import gaussian_nll_loss as gaussian_nll_loss
from ._likelihood_losses import kl_div as kl_div
from ._likelihood_losses import poisson_nll_loss as poisson_nll_loss
from ._losses import binary_cross_entropy as binary_cross_entropy
from ._losses import binary_cross_entropy_with_logits as binary_cross_entropy_with_logits
from ._losses import cross_entropy as cross_entropy
from ._losses import huber_loss as huber_loss
from ._losses import l1_loss as l1_loss
from ._losses import mse_loss as mse_loss
from ._losses import nll_loss as nll_loss
from ._losses import smooth_l1_loss as smooth_l1_loss
from ._margin_losses import cosine_embedding_loss as cosine_embedding_loss
from ._margin_losses import hinge_embedding_loss as hinge_embedding_loss
from ._margin_losses import margin_ranking_loss as margin_ranking_loss
from ._margin_losses import multi_margin_loss as multi_margin_loss
from ._margin_losses import multilabel_margin_loss as multilabel_margin_loss
from ._margin_losses import multilabel_soft_margin_loss as multilabel_soft_margin_loss
from ._margin_losses import pairwise_distance as pairwise_distance
from ._margin_losses import soft_margin_loss as soft_margin_loss
from ._margin_losses import triplet_margin_loss as triplet_margin_loss
from ._margin_losses import triplet_margin_with_distance_loss as triplet_margin_with_distance_loss
from ._norms import batch_norm as batch_norm
from ._norms import group_norm as group_norm
from ._norms import instance_norm as instance_norm
from ._norms import layer_norm as layer_norm
from ._norms import local_response_norm as local_response_norm
from ._norms import rms_norm as rms_norm
from ._pools import adaptive_avg_pool1d as adaptive_avg_pool1d
from ._pools import adaptive_avg_pool2d as adaptive_avg_pool2d
from ._pools import adaptive_avg_pool3d as adaptive_avg_pool3d
from ._pools import adaptive_max_pool1d as adaptive_max_pool1d
from ._pools import adaptive_max_pool2d as adaptive_max_pool2d
from ._pools import adaptive_max_pool3d as adaptive_max_pool3d
from ._pools import avg_pool1d as avg_pool1d
from ._pools import avg_pool2d as avg_pool2d
from ._pools import avg_pool3d as avg_pool3d
from ._pools import lp_pool1d as lp_pool1d
from ._pools import lp_pool2d as lp_pool2d
from ._pools import lp_pool3d as lp_pool3d
from ._pools import max_pool1d as max_pool1d
from ._pools import max_pool2d as max_pool2d
from ._pools import max_pool3d as max_pool3d
from ._pools import max_unpool1d as max_unpool1d
from ._pools import max_unpool2d as max_unpool2d
from ._pools import max_unpool3d as max_unpool3d
from ._resampling import channel_shuffle as channel_shuffle
from ._resampling import fold as fold
from ._resampling import interpolate as interpolate
from ._resampling import pixel_shuffle as pixel_shuffle
from ._resampling import pixel_unshuffle as pixel_unshuffle
from ._resampling import unfold as unfold

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import DTypeLike

    from .._core import Tensor, TensorLike


def linear(input: TensorLike, weight: TensorLike, bias: TensorLike | None = None) -> Tensor:
    """`x @ weight.T + bias` as one operation: x (..., in), weight (out, in), bias (out) or None.

    Example:
        >>> linear([[1.0, 2.0]], [[3.0, 4.0]], [1.0]).tolist()
        [[12.0]]
    """
    return F.linear(input, weight, bias=bias, transpose_w=True)


def _written(who: str, x: TensorLike, y: Tensor) -> Tensor:
    """Writes the values of y into x for `inplace=True`, and returns x.

    If a gradient is recorded, the tape needs the old values of x. If x is the result of indexing,
    it is a copy. In both cases the result is y, and one warning says so.
    """
    if not isinstance(x, _core.Tensor):
        return y
    if x.requires_grad and x.is_leaf and _core.grad_enabled():
        raise RuntimeError(
            f"{who}: inplace=True: a leaf that requires a gradient can't be changed in place"
        )
    if y.requires_grad or x._snapshot:
        warn_once(
            f"{who}: inplace=True has no effect if a gradient is recorded, or on the result of "
            "indexing: the result is a new tensor",
            stacklevel=3,
        )
        return y
    F.assign_(x, y)
    return x


def relu(input: TensorLike, inplace: bool = False) -> Tensor:
    """`max(x, 0)`.

    Args:
        input: float input.
        inplace: whether to write the result into the input. If a gradient is recorded, the result
            is a new tensor all the same, and one warning says so.

    Example:
        >>> relu([-1.0, 2.0]).tolist()
        [0.0, 2.0]
    """
    y = F.relu(input)
    return _written("relu", input, y) if inplace else y


def leaky_relu(input: TensorLike, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """x where positive, `negative_slope * x` elsewhere."""
    y = F.leaky_relu(input, slope=negative_slope)
    return _written("leaky_relu", input, y) if inplace else y


def elu(input: TensorLike, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """x where positive, `alpha * (exp(x) - 1)` elsewhere."""
    y = F.elu(input, alpha=alpha)
    return _written("elu", input, y) if inplace else y


def selu(input: TensorLike, inplace: bool = False) -> Tensor:
    """Scaled ELU, see `fastdl.selu`."""
    y = F.selu(input)
    return _written("selu", input, y) if inplace else y


def silu(input: TensorLike, inplace: bool = False) -> Tensor:
    """`x * sigmoid(x)`."""
    y = F.silu(input)
    return _written("silu", input, y) if inplace else y


def hardsigmoid(input: TensorLike, inplace: bool = False) -> Tensor:
    """`x / 6 + 1 / 2` limited to [0, 1]."""
    y = F.hard_sigmoid(input)
    return _written("hardsigmoid", input, y) if inplace else y


def softplus(input: TensorLike, beta: float = 1.0, threshold: float = 20.0) -> Tensor:
    """`log(1 + exp(beta * x)) / beta`, and x itself where `beta * x > threshold`.

    Example:
        >>> softplus([3.0], beta=10.0).tolist()
        [3.0]
    """
    scaled = input if beta == 1 else F.mul(input, beta)
    y = F.softplus(scaled)
    if beta != 1:
        y = F.div(y, beta)
    # From 20 on, softplus and its input agree in float32.
    return y if threshold >= 20 else F.where(F.gt(scaled, threshold), input, y)


def softmax(input: TensorLike, dim: int | None = None, dtype: DTypeLike | None = None) -> Tensor:
    """`exp(x)` divided by its sum along `dim`.

    Without `dim` the axis is 0 for 0, 1 or 3 axes, else 1, as in PyTorch, and a warning says so.

    Example:
        >>> softmax([[0.0, 0.0]], dim=1).tolist()
        [[0.5, 0.5]]
    """
    return _functions.softmax(
        input, _implicit_dim("softmax", input) if dim is None else dim, dtype=dtype
    )


def log_softmax(
    input: TensorLike, dim: int | None = None, dtype: DTypeLike | None = None
) -> Tensor:
    """The logarithm of softmax along `dim`, see `softmax`.

    Example:
        >>> log_softmax([[0.0, -1000.0]], dim=1).tolist()
        [[0.0, -1000.0]]
    """
    dim = _implicit_dim("log_softmax", input) if dim is None else dim
    return _functions.log_softmax(input, dim, dtype=dtype)


def _implicit_dim(who: str, x: TensorLike) -> int:
    import warnings

    warnings.warn(f"{who}: choosing the axis by rank is deprecated; pass dim", stacklevel=3)
    return 0 if _core.as_tensor(x).ndim in (0, 1, 3) else 1


def check_probability(p: float, who: str = "dropout") -> None:
    """ValueError unless p is in [0, 1]."""
    check_fraction(who, "p", p)


def dropout(
    input: TensorLike, p: float = 0.5, training: bool = True, inplace: bool = False
) -> Tensor:
    """Sets values to 0 with probability p and multiplies the others by 1 / (1 - p).

    Args:
        input: float input.
        p: probability in [0, 1].
        training: whether to drop values. If False, the result is the input itself.
        inplace: see `relu`.

    Raises:
        ValueError: p isn't in [0, 1].

    Example:
        >>> dropout([1.0, 1.0], training=False).tolist()
        [1.0, 1.0]
    """
    check_probability(p)
    if not training or p == 0:
        return _core.as_tensor(input)
    y = F.mul(input, 0.0) if p == 1 else F.dropout(input, rate=p)
    return _written("dropout", input, y) if inplace else y


def one_hot(tensor: TensorLike, num_classes: int = -1) -> Tensor:
    """A new last axis with 1 at the class and 0 elsewhere, int64.

    Args:
        tensor: classes, integers from 0 on.
        num_classes: the size of the new axis; -1 takes one more than the largest class.

    Raises:
        TypeError: the tensor isn't of an integer type.
        ValueError: a class is outside [0, num_classes), or the tensor is empty and `num_classes`
            is -1.

    Example:
        >>> one_hot([0, 2]).tolist()
        [[1, 0, 0], [0, 0, 1]]
    """
    tensor = _core.as_tensor(tensor)
    if num_classes == -1:
        if not tensor.numel():
            raise ValueError(
                "one_hot: num_classes: expected at least 1 for an empty tensor, got -1"
            )
        num_classes = int(F.max(tensor).item()) + 1
    if num_classes < 1:
        raise ValueError(f"one_hot: num_classes: expected at least 1, or -1, got {num_classes}")
    return F.one_hot(tensor, depth=num_classes, dtype="int64", strict=True)


def normalize(input: TensorLike, p: float = 2.0, dim: int = 1, eps: float = 1e-12) -> Tensor:
    """x divided by its p-norm along `dim`, or by `eps` if that is larger.

    Example:
        >>> normalize([[3.0, 4.0]]).tolist()
        [[0.6000000238418579, 0.800000011920929]]
    """
    return F.div(input, F.maximum(_functions.norm(input, p, dim, True), eps))


def pad(
    input: TensorLike, pad: Sequence[int], mode: str = "constant", value: float | None = None
) -> Tensor:
    """Adds values around the last axes. A negative width cuts values off.

    Args:
        input: a tensor.
        pad: widths before and after the last axis, then of the axis before it, and so on.
        mode: "constant"; or, for (N, C, places...) or (C, places...), "reflect" (a mirror image
            without the outer elements), "replicate" (the outer elements) or "circular" (the other
            end).
        value: the value to add with mode "constant"; None is 0.

    Raises:
        ValueError: the number of widths is odd or too large, the mode is another one, an integer
            type cannot hold the value, or a reflection or circle is longer than its axis.

    Source: `torch.nn.functional.pad`.

    Example:
        >>> pad([1.0, 2.0], (1, 2)).tolist()
        [0.0, 1.0, 2.0, 0.0, 0.0]
        >>> pad([[[1.0, 2.0, 3.0]]], (2, 0), "reflect").tolist()
        [[[3.0, 2.0, 1.0, 2.0, 3.0]]]
    """
    x = _core.as_tensor(input)
    check_choice("pad", "mode", mode, ("constant", "reflect", "replicate", "circular"))
    if len(pad) % 2 or len(pad) > 2 * x.ndim:
        raise ValueError(f"pad: pad: expected two widths for up to {x.ndim} axes, got {tuple(pad)}")
    if mode != "constant":
        return _continued(x, pad, mode, value)
    value = 0.0 if value is None else value
    whole = isinstance(value, (int, float)) and value == value // 1
    check_fits("pad: value", int(value) if whole else value, x.dtype)
    x, before, after = _cut(x, pad)
    return F.pad(x, before=before, after=after, value=value)


def _cut(x: Tensor, pad: Sequence[int]) -> tuple[Tensor, list[int], list[int]]:
    """x without what negative widths cut off, and the widths before and after each axis."""
    before, after = [0] * x.ndim, [0] * x.ndim
    for i in range(len(pad) // 2):
        before[x.ndim - 1 - i], after[x.ndim - 1 - i] = pad[2 * i], pad[2 * i + 1]
    if min(pad, default=0) < 0:
        starts = [max(0, -n) for n in before]
        stops = [size - max(0, -n) for size, n in zip(x.shape, after, strict=True)]
        x = F.slice(x, starts=starts, stops=stops, steps=[1] * x.ndim)
        before, after = [max(0, n) for n in before], [max(0, n) for n in after]
    return x, before, after


def _continued(x: Tensor, pad: Sequence[int], mode: str, value: float | None) -> Tensor:
    axes = len(pad) // 2
    if value:
        raise ValueError(f"pad: value: expected None or 0 with mode {mode!r}, got {value}")
    if axes < 1 or axes > 3 or x.ndim not in (axes + 1, axes + 2):
        raise ValueError(
            f"pad: mode {mode!r}: expected widths for the last 1 to 3 axes of (N, C, places...) or "
            f"(C, places...), got {tuple(pad)} for shape {x.shape}"
        )
    x, before, after = _cut(x, pad)
    widths = list(zip(before, after, strict=True))[-axes:]
    is_batch = x.ndim == axes + 2
    whole = x if is_batch else F.reshape(x, shape=(1, *x.shape))
    y = F.channels_first(continued(F.channels_last(whole), widths, mode))
    return y if is_batch else F.reshape(y, shape=y.shape[1:])


if not TYPE_CHECKING:
    from .._base.missing import attributes_missing_from

    __getattr__ = attributes_missing_from(__name__)
