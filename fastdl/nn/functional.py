"""`torch.nn.functional`: layers and losses as functions. Parameters are arguments."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from .. import _core, _functions
from .._base import functional as F
from .._base.checks import check_choice, check_fraction, check_number
from .._base.dtypes import check_fits
from .._base.formulas import alpha_dropped
from .._base.notices import warn_once
from .._core import ArgumentError, ShapeError
from .._functions import gelu as gelu
from .._functions import logsigmoid as logsigmoid
from .._functions import sigmoid as sigmoid
from .._functions import softsign as softsign
from .._functions import tanh as tanh
from ._adaptive_pools import adaptive_avg_pool1d as adaptive_avg_pool1d
from ._adaptive_pools import adaptive_avg_pool2d as adaptive_avg_pool2d
from ._adaptive_pools import adaptive_avg_pool3d as adaptive_avg_pool3d
from ._adaptive_pools import adaptive_max_pool1d as adaptive_max_pool1d
from ._adaptive_pools import adaptive_max_pool2d as adaptive_max_pool2d
from ._adaptive_pools import adaptive_max_pool3d as adaptive_max_pool3d
from ._attention import scaled_dot_product_attention as scaled_dot_product_attention
from ._convs import conv1d as conv1d
from ._convs import conv2d as conv2d
from ._convs import conv3d as conv3d
from ._convs import conv_transpose1d as conv_transpose1d
from ._convs import conv_transpose2d as conv_transpose2d
from ._convs import conv_transpose3d as conv_transpose3d
from ._ctc import ctc_loss as ctc_loss
from ._distances import bilinear as bilinear
from ._distances import cosine_similarity as cosine_similarity
from ._distances import pdist as pdist
from ._embeddings import embedding as embedding
from ._embeddings import embedding_bag as embedding_bag
from ._fractional import fractional_max_pool2d as fractional_max_pool2d
from ._fractional import fractional_max_pool2d_with_indices as fractional_max_pool2d_with_indices
from ._fractional import fractional_max_pool3d as fractional_max_pool3d
from ._fractional import fractional_max_pool3d_with_indices as fractional_max_pool3d_with_indices
from ._grid_sampling import affine_grid as affine_grid
from ._grid_sampling import grid_sample as grid_sample
from ._grids import continued as _continue
from ._in_place import written
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
from ._more_activations import celu as celu
from ._more_activations import celu_ as celu_
from ._more_activations import elu_ as elu_
from ._more_activations import feature_alpha_dropout as feature_alpha_dropout
from ._more_activations import glu as glu
from ._more_activations import gumbel_softmax as gumbel_softmax
from ._more_activations import hardshrink as hardshrink
from ._more_activations import hardtanh_ as hardtanh_
from ._more_activations import leaky_relu_ as leaky_relu_
from ._more_activations import relu_ as relu_
from ._more_activations import rrelu as rrelu
from ._more_activations import rrelu_ as rrelu_
from ._more_activations import selu_ as selu_
from ._more_activations import softmin as softmin
from ._more_activations import softshrink as softshrink
from ._more_activations import tanhshrink as tanhshrink
from ._more_activations import threshold as threshold
from ._more_activations import threshold_ as threshold_
from ._multihead import multi_head_attention_forward as multi_head_attention_forward
from ._norms import batch_norm as batch_norm
from ._norms import group_norm as group_norm
from ._norms import instance_norm as instance_norm
from ._norms import layer_norm as layer_norm
from ._norms import local_response_norm as local_response_norm
from ._norms import rms_norm as rms_norm
from ._other_names import adaptive_max_pool1d_with_indices as adaptive_max_pool1d_with_indices
from ._other_names import adaptive_max_pool2d_with_indices as adaptive_max_pool2d_with_indices
from ._other_names import adaptive_max_pool3d_with_indices as adaptive_max_pool3d_with_indices
from ._other_names import conv_tbc as conv_tbc
from ._other_names import max_pool1d_with_indices as max_pool1d_with_indices
from ._other_names import max_pool2d_with_indices as max_pool2d_with_indices
from ._other_names import max_pool3d_with_indices as max_pool3d_with_indices
from ._other_names import native_channel_shuffle as native_channel_shuffle
from ._other_names import upsample as upsample
from ._other_names import upsample_bilinear as upsample_bilinear
from ._other_names import upsample_nearest as upsample_nearest
from ._pools import avg_pool1d as avg_pool1d
from ._pools import avg_pool2d as avg_pool2d
from ._pools import avg_pool3d as avg_pool3d
from ._pools import lp_pool1d as lp_pool1d
from ._pools import lp_pool2d as lp_pool2d
from ._pools import lp_pool3d as lp_pool3d
from ._pools import max_pool1d as max_pool1d
from ._pools import max_pool2d as max_pool2d
from ._pools import max_pool3d as max_pool3d
from ._resampling import channel_shuffle as channel_shuffle
from ._resampling import fold as fold
from ._resampling import interpolate as interpolate
from ._resampling import pixel_shuffle as pixel_shuffle
from ._resampling import pixel_unshuffle as pixel_unshuffle
from ._resampling import unfold as unfold
from ._unpools import max_unpool1d as max_unpool1d
from ._unpools import max_unpool2d as max_unpool2d
from ._unpools import max_unpool3d as max_unpool3d

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


def relu(input: TensorLike, inplace: bool = False) -> Tensor:
    """`max(x, 0)`.

    Args:
        input: float input.
        inplace: whether to write the result into the input.

    Raises:
        RuntimeError: with `inplace`, the input is a leaf that requires a gradient.

    Example:
        >>> relu([-1.0, 2.0]).tolist()
        [0.0, 2.0]
    """
    if inplace:
        return written("relu", input, relu)
    return F.relu(input)


def leaky_relu(input: TensorLike, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """x where positive, `negative_slope * x` elsewhere."""
    if inplace:
        return written("leaky_relu", input, leaky_relu, negative_slope)
    return F.leaky_relu(input, slope=negative_slope)


def elu(input: TensorLike, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """x where positive, `alpha * (exp(x) - 1)` elsewhere."""
    if inplace:
        return written("elu", input, elu, alpha)
    return F.elu(input, alpha=alpha)


def selu(input: TensorLike, inplace: bool = False) -> Tensor:
    """Scaled ELU, see `fastdl.selu`."""
    if inplace:
        return written("selu", input, selu)
    return F.selu(input)


def silu(input: TensorLike, inplace: bool = False) -> Tensor:
    """`x * sigmoid(x)`."""
    if inplace:
        return written("silu", input, silu)
    return F.silu(input)


def hardsigmoid(input: TensorLike, inplace: bool = False) -> Tensor:
    """`x / 6 + 1 / 2` limited to [0, 1]."""
    if inplace:
        return written("hardsigmoid", input, hardsigmoid)
    return F.hard_sigmoid(input)


def relu6(input: TensorLike, inplace: bool = False) -> Tensor:
    """x limited to [0, 6]."""
    if inplace:
        return written("relu6", input, relu6)
    return F.clip(input, lo=0.0, hi=6.0)


def check_limits(who: str, min_val: float, max_val: float) -> tuple[float, float]:
    """Both as numbers.

    Raises:
        ValueError: one is no number, or min_val is above max_val.
    """
    low = check_number(who, "min_val", min_val, -math.inf)
    high = check_number(who, "max_val", max_val, -math.inf)
    if low > high:
        raise ArgumentError(
            f"{who}: min_val, max_val: expected min_val <= max_val, got {low}, {high}"
        )
    return low, high


def hardtanh(
    input: TensorLike, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False
) -> Tensor:
    """x limited to [min_val, max_val].

    Example:
        >>> hardtanh([-3.0, 0.5]).tolist()
        [-1.0, 0.5]
    """
    if inplace:
        return written("hardtanh", input, hardtanh, min_val, max_val)
    low, high = check_limits("hardtanh", min_val, max_val)
    return F.clip(input, lo=low, hi=high)


def hardswish(input: TensorLike, inplace: bool = False) -> Tensor:
    """`x * hardsigmoid(x)` (Howard et al. 2019).

    Example:
        >>> hardswish([3.0]).tolist()
        [3.0]
    """
    if inplace:
        return written("hardswish", input, hardswish)
    return F.mul(input, F.hard_sigmoid(input))


def mish(input: TensorLike, inplace: bool = False) -> Tensor:
    """`x * tanh(softplus(x))` (Misra 2019)."""
    if inplace:
        return written("mish", input, mish)
    return F.mul(input, F.tanh(F.softplus(input)))


def prelu(input: TensorLike, weight: TensorLike) -> Tensor:
    """x where positive, `weight * x` elsewhere.

    Args:
        input: (N, C, ...), or any shape if there is one weight.
        weight: one value, or one for each channel.

    Raises:
        ValueError: another number of weights than channels.

    Source: He et al. 2015; `torch.nn.functional.prelu`.

    Example:
        >>> prelu([[-2.0, 2.0]], [0.5]).tolist()
        [[-1.0, 2.0]]
    """
    x, w = _core.as_tensor(input), _core.as_tensor(weight)
    channels = x.shape[1] if x.ndim > 1 else 1
    if w.ndim > 1 or w.numel() not in (1, channels):
        raise ShapeError(
            f"prelu: weight: expected one value, or one for each of {channels} channels, got "
            f"shape {w.shape}"
        )
    shape = (-1, *(1,) * max(0, x.ndim - 2)) if w.numel() > 1 else ()
    return F.add(F.relu(x), F.mul(F.reshape(w, shape=shape), F.minimum(x, 0.0)))


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
    if inplace:
        return written("dropout", input, dropout, p)
    return F.mul(input, 0.0) if p == 1 else F.dropout(input, rate=p)


def drop_channels(
    who: str, rank: int, input: TensorLike, p: float, training: bool, inplace: bool
) -> Tensor:
    """`dropout1d` to `dropout3d`."""
    check_probability(p, who)
    x = _core.as_tensor(input)
    if x.ndim not in (rank + 1, rank + 2):
        if rank != 2 or x.ndim < 2:
            raise ShapeError(
                f"{who}: expected an input of {rank + 1} or {rank + 2} axes, got shape {x.shape}"
            )
        warn_once(
            f"{who}: expected an input of 3 or 4 axes, got {x.ndim}: the first two are taken for "
            "(N, C), as in PyTorch" + (", so `dropout` is what is meant" if x.ndim == 2 else "")
        )
    if not training or p == 0:
        return x
    if inplace:
        return written(who, input, lambda x: drop_channels(who, rank, x, p, True, False))
    # As in PyTorch, images without a batch are not known to dropout2d: 3 axes are (N, C, L).
    lead = 2 if x.ndim == rank + 2 or rank == 2 else 1
    shape = (*x.shape[:lead], *(1,) * (x.ndim - lead))
    ones = _core.full(shape, "float32", 1.0)
    return F.mul(x, 0.0) if p == 1 else F.mul(x, F.dropout(ones, rate=p))


def dropout1d(
    input: TensorLike, p: float = 0.5, training: bool = True, inplace: bool = False
) -> Tensor:
    """Sets whole channels of a sample to 0 with probability p, others times 1 / (1 - p).

    The input is (N, C, L) or (C, L); the rest is as for `dropout`.

    Source: Tompson et al. 2015; `torch.nn.functional.dropout1d`.

    Example:
        >>> dropout1d(fastdl.ones(1, 2, 1), training=False).tolist()
        [[[1.0], [1.0]]]
    """
    return drop_channels("dropout1d", 1, input, p, training, inplace)


def dropout2d(
    input: TensorLike, p: float = 0.5, training: bool = True, inplace: bool = False
) -> Tensor:
    """`dropout1d` of images, (N, C, H, W), or of (N, C, L).

    Other inputs of at least two axes, (N, C, ...), are taken with a warning, as in PyTorch.

    Source: `torch.nn.functional.dropout2d`.
    """
    return drop_channels("dropout2d", 2, input, p, training, inplace)


def dropout3d(
    input: TensorLike, p: float = 0.5, training: bool = True, inplace: bool = False
) -> Tensor:
    """`dropout1d` of volumes, (N, C, D, H, W) or (C, D, H, W).

    Source: `torch.nn.functional.dropout3d`.
    """
    return drop_channels("dropout3d", 3, input, p, training, inplace)


def alpha_dropout(
    input: TensorLike, p: float = 0.5, training: bool = False, inplace: bool = False
) -> Tensor:
    """Dropout that keeps mean and deviation, for networks with `selu`.

    Values are set with probability p to what `selu` takes far below 0. Then all are scaled and
    shifted.

    Raises:
        ValueError: p isn't in [0, 1].

    Source: Klambauer et al. 2017; `torch.nn.functional.alpha_dropout`.

    Example:
        >>> alpha_dropout([1.0, 1.0]).tolist()
        [1.0, 1.0]
    """
    check_probability(p, "alpha_dropout")
    x = _core.as_tensor(input)
    if not training or p == 0:
        return x
    if inplace:
        return written("alpha_dropout", input, alpha_dropout, p, True)
    if p == 1:  # the scale would be infinite
        return F.mul(x, 0.0)
    return alpha_dropped(x, F.ge(F.uniform(shape=x.shape), p), p)


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
            raise ArgumentError(
                "one_hot: num_classes: expected at least 1 for an empty tensor, got -1"
            )
        num_classes = int(F.max(tensor).item()) + 1
    if num_classes < 1:
        raise ArgumentError(f"one_hot: num_classes: expected at least 1, or -1, got {num_classes}")
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
        ValueError: the number of widths is odd or too large, they cut off more than there is, the
            mode is another one, an integer type cannot hold the value, or a reflection or circle is
            longer than its axis.

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
        raise ShapeError(f"pad: pad: expected two widths for up to {x.ndim} axes, got {tuple(pad)}")
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
        for size, low, high in zip(x.shape, before, after, strict=True):
            if max(0, -low) + max(0, -high) > size:
                raise ShapeError(
                    f"pad: pad: {(low, high)} cuts off more than the {size} places of an axis of "
                    f"shape {x.shape}"
                )
        starts = [max(0, -n) for n in before]
        stops = [size - max(0, -n) for size, n in zip(x.shape, after, strict=True)]
        x = F.slice(x, starts=starts, stops=stops, steps=[1] * x.ndim)
        before, after = [max(0, n) for n in before], [max(0, n) for n in after]
    return x, before, after


def _continued(x: Tensor, pad: Sequence[int], mode: str, value: float | None) -> Tensor:
    axes = len(pad) // 2
    if value:
        raise ArgumentError(f"pad: value: expected None or 0 with mode {mode!r}, got {value}")
    if axes < 1 or axes > 3 or x.ndim not in (axes + 1, axes + 2):
        raise ShapeError(
            f"pad: mode {mode!r}: expected widths for the last 1 to 3 axes of (N, C, places...) or "
            f"(C, places...), got {tuple(pad)} for shape {x.shape}"
        )
    less, more = [min(0, n) for n in pad], [max(0, n) for n in pad]
    if mode == "circular":  # goes on with the other end of what is left
        x = _cut(x, less)[0]
    widths = [(more[2 * i], more[2 * i + 1]) for i in reversed(range(axes))]
    is_batch = x.ndim == axes + 2
    whole = x if is_batch else F.reshape(x, shape=(1, *x.shape))
    y = F.channels_first(_continue(F.channels_last(whole), widths, mode))
    y = y if is_batch else F.reshape(y, shape=y.shape[1:])
    return y if mode == "circular" else _cut(y, less)[0]


if not TYPE_CHECKING:
    from .._base.missing import attributes_missing_from

    __getattr__ = attributes_missing_from(__name__)
