"""The sink through which an optimizer receives gradients."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .._core import Product, Rows, Tensor


class Gradients:
    """The gradients of some variables, filled in by the backward pass.

    Attributes:
        places: the memory of the optimizer to write them to.
        parts: whether those of large matrices may come as products.
        rows: the numbers of those that may come as rows, where few of a table's rows were read.
        found: one gradient for each variable, or None.
    """

    def __init__(self, variables: Sequence[Tensor], parts: bool, rows: Sequence[int] = ()) -> None:
        self.places = [variable._grad_home for variable in variables]
        self.parts = parts
        self.rows = rows
        self.found: list[Tensor | Product | Rows | None] = [None] * len(variables)

    def take(self, index: int, gradient: Tensor | Product | Rows) -> None:
        self.found[index] = gradient
