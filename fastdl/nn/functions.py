"""PyTorch's functions of layers and losses at the top level, whose arguments are others.

`torch.dropout(input, p, train)` is `torch.nn.functional.dropout` with its arguments by position and
without defaults. A reduction is a number: 0 for "none", 1 for "mean", 2 for "sum". Here the names
work as well. Without it there is none: PyTorch's signatures say 1, but its functions do 0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._base.checks import shown
from .._core import ArgumentError
from . import functional

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .._core import Tensor, TensorLike

    Size = int | Sequence[int]
    Reduction = int | str

_REDUCTIONS = ("none", "mean", "sum")


def _name(who: str, reduction: Reduction) -> str:
    if isinstance(reduction, str):
        return reduction
    if reduction not in (0, 1, 2):
        raise ArgumentError(f"{who}: reduction: expected 0, 1 or 2, got {shown(reduction)}")
    return _REDUCTIONS[reduction]


# --- dropout, padding and tables


def dropout(input: TensorLike, p: float, train: bool) -> Tensor:
    """`nn.functional.dropout`.

    Example:
        >>> fastdl.dropout([1.0, 2.0], 0.5, False).tolist()
        [1.0, 2.0]
    """
    return functional.dropout(input, p, train)


def alpha_dropout(input: TensorLike, p: float, train: bool) -> Tensor:
    """`nn.functional.alpha_dropout`."""
    return functional.alpha_dropout(input, p, train)


def feature_alpha_dropout(input: TensorLike, p: float, train: bool) -> Tensor:
    """`nn.functional.feature_alpha_dropout`."""
    return functional.feature_alpha_dropout(input, p, train)


def constant_pad_nd(input: TensorLike, pad: Sequence[int], value: float = 0) -> Tensor:
    """`nn.functional.pad` with a constant value: `pad` has two numbers for each axis, last first.

    Source: `torch.constant_pad_nd`.

    Example:
        >>> fastdl.constant_pad_nd([1.0], [1, 2]).tolist()
        [0.0, 1.0, 0.0, 0.0]
    """
    return functional.pad(input, pad, "constant", value)


def embedding(
    weight: Tensor,
    indices: TensorLike,
    padding_idx: int = -1,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Tensor:
    """`nn.functional.embedding` with the table first; a `padding_idx` of -1 is none.

    Example:
        >>> fastdl.embedding(fastdl.tensor([[1.0], [2.0]]), [1, 0]).tolist()
        [[2.0], [1.0]]
    """
    row = None if padding_idx == -1 else padding_idx
    return functional.embedding(
        indices, weight, row, scale_grad_by_freq=scale_grad_by_freq, sparse=sparse
    )


# --- normalization; cudnn_enabled has no effect


def batch_norm(
    input: TensorLike,
    weight: TensorLike | None,
    bias: TensorLike | None,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    training: bool,
    momentum: float,
    eps: float,
    cudnn_enabled: bool,
) -> Tensor:
    """`nn.functional.batch_norm` with its arguments in another order."""
    return functional.batch_norm(
        input, running_mean, running_var, weight, bias, training, momentum, eps
    )


def instance_norm(
    input: TensorLike,
    weight: TensorLike | None,
    bias: TensorLike | None,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    use_input_stats: bool,
    momentum: float,
    eps: float,
    cudnn_enabled: bool,
) -> Tensor:
    """`nn.functional.instance_norm` with its arguments in another order."""
    return functional.instance_norm(
        input, running_mean, running_var, weight, bias, use_input_stats, momentum, eps
    )


def group_norm(
    input: TensorLike,
    num_groups: int,
    weight: TensorLike | None = None,
    bias: TensorLike | None = None,
    eps: float = 1e-5,
    cudnn_enabled: bool = True,
) -> Tensor:
    """`nn.functional.group_norm`.

    Example:
        >>> fastdl.group_norm(fastdl.ones(1, 2, 3), 2).tolist()
        [[[0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]]
    """
    return functional.group_norm(input, num_groups, weight, bias, eps)


def layer_norm(
    input: TensorLike,
    normalized_shape: Sequence[int],
    weight: TensorLike | None = None,
    bias: TensorLike | None = None,
    eps: float = 1e-5,
    cudnn_enable: bool = True,
) -> Tensor:
    """`nn.functional.layer_norm`.

    Example:
        >>> fastdl.layer_norm(fastdl.ones(1, 2), (2,)).tolist()
        [[0.0, 0.0]]
    """
    return functional.layer_norm(input, normalized_shape, weight, bias, eps)


# --- pooling and convolution


def adaptive_max_pool1d(input: TensorLike, output_size: Size) -> tuple[Tensor, Tensor]:
    """`nn.functional.adaptive_max_pool1d` with the places of the elements.

    Example:
        >>> values, places = fastdl.adaptive_max_pool1d([[[3.0, 1.0]]], 1)
        >>> values.item(), places.item()
        (3.0, 0)
    """
    found: Any = functional.adaptive_max_pool1d(input, output_size, True)
    return found


# --- losses


def binary_cross_entropy_with_logits(
    input: TensorLike,
    target: TensorLike,
    weight: TensorLike | None = None,
    pos_weight: TensorLike | None = None,
    reduction: Reduction = 0,
) -> Tensor:
    """`nn.functional.binary_cross_entropy_with_logits`."""
    return functional.binary_cross_entropy_with_logits(
        input,
        target,
        weight,
        reduction=_name("binary_cross_entropy_with_logits", reduction),
        pos_weight=pos_weight,
    )


def cosine_embedding_loss(
    input1: TensorLike,
    input2: TensorLike,
    target: TensorLike,
    margin: float = 0.0,
    reduction: Reduction = 0,
) -> Tensor:
    """`nn.functional.cosine_embedding_loss`."""
    return functional.cosine_embedding_loss(
        input1, input2, target, margin, reduction=_name("cosine_embedding_loss", reduction)
    )


def ctc_loss(
    log_probs: TensorLike,
    targets: TensorLike,
    input_lengths: TensorLike | Sequence[int],
    target_lengths: TensorLike | Sequence[int],
    blank: int = 0,
    reduction: Reduction = 0,
    zero_infinity: bool = False,
) -> Tensor:
    """`nn.functional.ctc_loss`."""
    return functional.ctc_loss(
        log_probs,
        targets,
        input_lengths,
        target_lengths,
        blank,
        _name("ctc_loss", reduction),
        zero_infinity,
    )


def hinge_embedding_loss(
    input: TensorLike, target: TensorLike, margin: float = 1.0, reduction: Reduction = 0
) -> Tensor:
    """`nn.functional.hinge_embedding_loss`."""
    return functional.hinge_embedding_loss(
        input, target, margin, reduction=_name("hinge_embedding_loss", reduction)
    )


def kl_div(
    input: TensorLike, target: TensorLike, reduction: Reduction = 0, *, log_target: bool = False
) -> Tensor:
    """`nn.functional.kl_div`.

    Example:
        >>> fastdl.kl_div([0.0], [1.0]).item()
        0.0
    """
    how = _name("kl_div", reduction)
    return functional.kl_div(input, target, reduction=how, log_target=log_target)


def margin_ranking_loss(
    input1: TensorLike,
    input2: TensorLike,
    target: TensorLike,
    margin: float = 0.0,
    reduction: Reduction = 0,
) -> Tensor:
    """`nn.functional.margin_ranking_loss`."""
    return functional.margin_ranking_loss(
        input1, input2, target, margin, reduction=_name("margin_ranking_loss", reduction)
    )


def poisson_nll_loss(
    input: TensorLike,
    target: TensorLike,
    log_input: bool,
    full: bool,
    eps: float,
    reduction: Reduction,
) -> Tensor:
    """`nn.functional.poisson_nll_loss`."""
    how = _name("poisson_nll_loss", reduction)
    return functional.poisson_nll_loss(input, target, log_input, full, eps=eps, reduction=how)


def triplet_margin_loss(
    anchor: TensorLike,
    positive: TensorLike,
    negative: TensorLike,
    margin: float = 1.0,
    p: float = 2,
    eps: float = 1e-6,
    swap: bool = False,
    reduction: Reduction = 0,
) -> Tensor:
    """`nn.functional.triplet_margin_loss`."""
    how = _name("triplet_margin_loss", reduction)
    return functional.triplet_margin_loss(
        anchor, positive, negative, margin, p, eps, swap, reduction=how
    )
