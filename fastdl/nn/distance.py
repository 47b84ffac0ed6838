"""Distances and similarities as modules."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from .._base.checks import check_flag, check_integer, check_number
from .._base.module import Module
from . import functional

if TYPE_CHECKING:
    from .._core import Tensor, TensorLike


class CosineSimilarity(Module):
    """The cosine of the angle between vectors along an axis.

    Args:
        dim: the axis.
        eps: the smallest norm to divide by.

    Source: `torch.nn.CosineSimilarity`.

    Example:
        >>> x = fastdl.tensor([[3.0, 4.0]])
        >>> nn.CosineSimilarity()(x, -x).numpy().round(6)
        array([-1.], dtype=float32)
    """

    def __init__(self, dim: int = 1, eps: float = 1e-8) -> None:
        super().__init__()
        self.dim = check_integer("CosineSimilarity", "dim", dim)
        self.eps = check_number("CosineSimilarity", "eps", eps)

    def forward(self, x1: TensorLike, x2: TensorLike) -> Tensor:
        return functional.cosine_similarity(x1, x2, self.dim, self.eps)


class PairwiseDistance(Module):
    """The p-norm along the last axis of `x1 - x2 + eps`.

    Args:
        p: the norm, see `fastdl.norm`.
        eps: keeps the gradient finite where both are equal.
        keepdim: whether to keep the last axis.

    Source: `torch.nn.PairwiseDistance`.

    Example:
        >>> nn.PairwiseDistance(eps=0.0)(fastdl.zeros(1, 2), fastdl.tensor([[3.0, 4.0]])).tolist()
        [5.0]
    """

    def __init__(self, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> None:
        super().__init__()
        self.norm = check_number("PairwiseDistance", "p", p, -math.inf, infinite=True)
        self.eps = check_number("PairwiseDistance", "eps", eps)
        self.keepdim = check_flag("PairwiseDistance", "keepdim", keepdim)

    def forward(self, x1: TensorLike, x2: TensorLike) -> Tensor:
        return functional.pairwise_distance(x1, x2, self.norm, self.eps, self.keepdim)
