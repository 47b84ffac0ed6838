"""Methods of Tensor that write in place what a function of indices or products gives.

Like item assignment they raise RuntimeError if a gradient would be recorded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .._base import functional as F
from .._base import picking
from . import products, scattering

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .._core import Tensor, TensorLike


def scatter_(
    self: Tensor,
    dim: int,
    index: TensorLike,
    src: TensorLike | None = None,
    *,
    value: float | None = None,
    reduce: str | None = None,
) -> Tensor:
    """`scatter` in place."""
    return self.copy_(scattering.scatter(self, dim, index, src, value=value, reduce=reduce))


def scatter_add_(self: Tensor, dim: int, index: TensorLike, src: TensorLike) -> Tensor:
    """`scatter_add` in place."""
    return self.copy_(scattering.scatter_add(self, dim, index, src))


def scatter_reduce_(
    self: Tensor,
    dim: int,
    index: TensorLike,
    src: TensorLike,
    reduce: str,
    *,
    include_self: bool = True,
) -> Tensor:
    """`scatter_reduce` in place."""
    y = scattering.scatter_reduce(self, dim, index, src, reduce, include_self=include_self)
    return self.copy_(y)


def index_add_(
    self: Tensor, dim: int, index: TensorLike, source: TensorLike, *, alpha: float = 1
) -> Tensor:
    """`index_add` in place."""
    return self.copy_(scattering.index_add(self, dim, index, source, alpha=alpha))


def index_reduce_(
    self: Tensor,
    dim: int,
    index: TensorLike,
    source: TensorLike,
    reduce: str,
    *,
    include_self: bool = True,
) -> Tensor:
    """`index_reduce` in place."""
    y = scattering.index_reduce(self, dim, index, source, reduce, include_self=include_self)
    return self.copy_(y)


def index_copy_(self: Tensor, dim: int, index: TensorLike, source: TensorLike) -> Tensor:
    """`index_copy` in place."""
    return self.copy_(scattering.index_copy(self, dim, index, source))


def index_fill_(self: Tensor, dim: int, index: TensorLike, value: TensorLike) -> Tensor:
    """`index_fill` in place."""
    return self.copy_(scattering.index_fill(self, dim, index, value))


def index_put_(
    self: Tensor, indices: Sequence[TensorLike], values: TensorLike, accumulate: bool = False
) -> Tensor:
    """`index_put` in place."""
    return self.copy_(scattering.index_put(self, indices, values, accumulate))


def put_(self: Tensor, index: TensorLike, source: TensorLike, accumulate: bool = False) -> Tensor:
    """`put` in place."""
    return self.copy_(scattering.put(self, index, source, accumulate))


def masked_scatter_(self: Tensor, mask: TensorLike, source: TensorLike) -> Tensor:
    """`masked_scatter` in place."""
    return self.copy_(scattering.masked_scatter(self, mask, source))


def tril_(self: Tensor, diagonal: int = 0) -> Tensor:
    """`tril` in place."""
    return self.copy_(picking.triangle(self, diagonal, True, "tril_"))


def triu_(self: Tensor, diagonal: int = 0) -> Tensor:
    """`triu` in place."""
    return self.copy_(picking.triangle(self, diagonal, False, "triu_"))


def fill_diagonal_(self: Tensor, fill_value: float, wrap: bool = False) -> Tensor:
    """Writes one value into the diagonal, in place.

    Args:
        fill_value: the value.
        wrap: whether the diagonal of a tall matrix begins anew below its end.

    Raises:
        ValueError: there are fewer than two axes, or more than two of different sizes.
    """
    shape = self.shape
    if len(shape) < 2 or (len(shape) > 2 and len(set(shape)) > 1):
        raise ValueError(f"fill_diagonal_: expected a matrix or equal axes, got shape {shape}")
    mask = np.zeros(shape, bool)
    np.fill_diagonal(mask, True, wrap)
    return self.copy_(F.where(mask, F.cast(fill_value, dtype=self.dtype), self))


def addmm_(
    self: Tensor, mat1: TensorLike, mat2: TensorLike, *, beta: float = 1, alpha: float = 1
) -> Tensor:
    """`addmm` in place."""
    return self.copy_(products.addmm(self, mat1, mat2, beta=beta, alpha=alpha))


def addmv_(
    self: Tensor, mat: TensorLike, vec: TensorLike, *, beta: float = 1, alpha: float = 1
) -> Tensor:
    """`addmv` in place."""
    return self.copy_(products.addmv(self, mat, vec, beta=beta, alpha=alpha))


def addr_(
    self: Tensor, vec1: TensorLike, vec2: TensorLike, *, beta: float = 1, alpha: float = 1
) -> Tensor:
    """`addr` in place."""
    return self.copy_(products.addr(self, vec1, vec2, beta=beta, alpha=alpha))


def addbmm_(
    self: Tensor, batch1: TensorLike, batch2: TensorLike, *, beta: float = 1, alpha: float = 1
) -> Tensor:
    """`addbmm` in place."""
    return self.copy_(products.addbmm(self, batch1, batch2, beta=beta, alpha=alpha))


def baddbmm_(
    self: Tensor, batch1: TensorLike, batch2: TensorLike, *, beta: float = 1, alpha: float = 1
) -> Tensor:
    """`baddbmm` in place."""
    return self.copy_(products.baddbmm(self, batch1, batch2, beta=beta, alpha=alpha))


def renorm_(self: Tensor, p: float, dim: int, maxnorm: float) -> Tensor:
    """`renorm` in place."""
    return self.copy_(products.renorm(self, p, dim, maxnorm))
