"""Dropout."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._base.checks import check_flag
from . import functional
from ._calls import OfTensor

if TYPE_CHECKING:
    from .._core import Tensor, TensorLike


class Dropout(OfTensor):
    """Sets values to 0 with probability `p` and multiplies the others by 1 / (1 - p).

    In evaluation mode it returns its input (Srivastava et al. 2014).

    Raises:
        ValueError: p isn't in [0, 1].

    Example:
        >>> nn.Dropout(0.5).eval()(fastdl.ones(2)).tolist()
        [1.0, 1.0]
    """

    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        super().__init__()
        functional.check_probability(p, "Dropout")
        self.p = p
        self.inplace = check_flag("Dropout", "inplace", inplace)

    def forward(self, x: TensorLike) -> Tensor:
        return functional.dropout(x, self.p, self.training, self.inplace)

    def extra_repr(self) -> str:
        return f"p={self.p}, inplace={self.inplace}"
