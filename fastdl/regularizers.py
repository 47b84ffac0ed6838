"""Regularizers: penalties on weights or outputs that `fit` adds to the loss. Semantics of Keras."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from . import _core
from ._base import functional as F
from ._base.checks import check_choice, check_number
from ._base.registry import REGULARIZERS, described
from ._base.watch import Watched
from ._core import Tensor

if TYPE_CHECKING:
    from ._base.types import Config


class Regularizer(Watched):
    """Base class: a call takes a tensor and returns the scalar penalty."""

    def __call__(self, x: Tensor) -> Tensor:
        raise NotImplementedError(f"{type(self).__name__} has no __call__(self, x)")

    def get_config(self) -> Config:
        """The constructor's arguments."""
        return {}

    @classmethod
    def from_config(cls, config: Config) -> Regularizer:
        """The regularizer that `get_config` described."""
        return cls(**config)

    def __repr__(self) -> str:
        return described(self)


@REGULARIZERS.register("l1_l2")
class L1L2(Regularizer):
    """`l1 * sum(|x|) + l2 * sum(x^2)`.

    Args:
        l1: factor of the sum of absolute values; 0.0 unless given.
        l2: factor of the sum of squares; 0.0 unless given.

    Raises:
        ValueError: a factor is negative or not finite.

    Example:
        >>> float(regularizers.L1L2(l1=1.0, l2=2.0)(fastdl.tensor([1.0, -2.0])))
        13.0
    """

    def __init__(self, l1: float = 0.0, l2: float = 0.0) -> None:
        who = type(self).__name__
        self.l1 = check_number(who, "l1", 0.0 if l1 is None else l1)
        self.l2 = check_number(who, "l2", 0.0 if l2 is None else l2)

    def __call__(self, x: Tensor) -> Tensor:
        return F.penalty(x, l1=self.l1, l2=2 * self.l2)

    def get_config(self) -> Config:
        return {"l1": self.l1, "l2": self.l2}


def factors_of(regularizer: object) -> tuple[float, float] | None:
    """(a, b) of the penalty a |x| + b / 2 x^2, if the regularizer is one; None for others."""
    if not isinstance(regularizer, L1L2) or type(regularizer).__call__ is not L1L2.__call__:
        return None
    return regularizer.l1, 2 * regularizer.l2


@REGULARIZERS.register
class L1(L1L2):
    """`l1 * sum(|x|)`, with l1 0.01 unless given. ValueError when it is negative."""

    def __init__(self, l1: float = 0.01) -> None:
        super().__init__(l1=0.01 if l1 is None else l1)

    def get_config(self) -> Config:
        return {"l1": self.l1}


@REGULARIZERS.register
class L2(L1L2):
    """`l2 * sum(x^2)`, with l2 0.01 unless given. ValueError when it is negative."""

    def __init__(self, l2: float = 0.01) -> None:
        super().__init__(l2=0.01 if l2 is None else l2)

    def get_config(self) -> Config:
        return {"l2": self.l2}


@REGULARIZERS.register("orthogonal")
class OrthogonalRegularizer(Regularizer):
    """Pulls the rows (or columns) of a matrix towards being orthogonal to one another.

    `factor` times the mean over all pairs of the absolute cosine between them.

    Args:
        factor: 0.01 unless given.
        mode: "rows" or "columns".

    Raises:
        ValueError: unknown mode, negative factor, or called with a tensor that isn't a matrix.
    """

    def __init__(self, factor: float = 0.01, mode: str = "rows") -> None:
        self.factor = check_number("OrthogonalRegularizer", "factor", factor)
        self.mode = check_choice("OrthogonalRegularizer", "mode", mode, ("rows", "columns"))

    def __call__(self, x: Tensor) -> Tensor:
        if x.ndim != 2:
            raise ValueError(f"OrthogonalRegularizer takes a matrix, got shape {x.shape}")
        axis = 1 if self.mode == "rows" else 0
        norms = F.sqrt(F.sum(F.square(x), axes=axis, keepdims=True))
        x = x / F.maximum(norms, 1e-12)
        cosines = F.matmul(x, x, transpose_a=axis == 0, transpose_b=axis == 1)
        size = x.shape[1 - axis]
        others = cosines * _core.as_tensor(1.0 - np.eye(size, dtype=np.float32))
        pairs = size * (size - 1) / 2
        return F.sum(F.abs(others)) * (0.5 * self.factor / pairs)

    def get_config(self) -> Config:
        return {"factor": self.factor, "mode": self.mode}


get = REGULARIZERS.get
serialize = REGULARIZERS.serialize
deserialize = REGULARIZERS.deserialize
l1 = L1
l2 = L2
l1_l2 = L1L2
orthogonal_regularizer = OrthogonalRegularizer

if not TYPE_CHECKING:
    from ._base.missing import attributes_missing_from

    __getattr__ = attributes_missing_from(__name__)
