"""The sink that an optimizer receives gradients with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .._core import Tensor

if TYPE_CHECKING:
    pass


class Gradients:
    """The gradients of some variables, as backward hands them over.

    Attributes:
        places: where they go, in the optimizer's memory.
        parts: whether those of large matrices may come as products, made a few rows at a time.
        found: one gradient for each variable, or None.
    """

    def __init__(self, variables: Sequence[Tensor], parts: bool) -> None:
        self.places = [variable._grad_home for variable in variables]
        self.parts = parts
        self.found: list[Any] = [None] * len(variables)

    def take(self, index: int, gradient: Any) -> None:
        self.found[index] = gradient
