"""The activations as modules, each with PyTorch's arguments and `repr`."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from .. import _functions
from .._base import functional as F
from .._base.checks import check_choice, check_count, check_flag, check_number
from . import functional
from ._calls import OfTensor

if TYPE_CHECKING:
    from .._core import Tensor, TensorLike


class _InPlace(OfTensor):
    """Base class. `inplace` writes the result into the input, unless a gradient is recorded."""

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = check_flag(type(self).__name__, "inplace", inplace)

    def extra_repr(self) -> str:
        return "inplace=True" if self.inplace else ""


class ReLU(_InPlace):
    """`max(x, 0)`."""

    def forward(self, x: TensorLike) -> Tensor:
        return functional.relu(x, True) if self.inplace else F.relu(x)


class LeakyReLU(OfTensor):
    """x where positive, `negative_slope * x` elsewhere."""

    def __init__(self, negative_slope: float = 0.01, inplace: bool = False) -> None:
        super().__init__()
        self.negative_slope = check_number("LeakyReLU", "negative_slope", negative_slope, -math.inf)
        self.inplace = check_flag("LeakyReLU", "inplace", inplace)

    def forward(self, x: TensorLike) -> Tensor:
        if self.inplace:
            return functional.leaky_relu(x, self.negative_slope, True)
        return F.leaky_relu(x, slope=self.negative_slope)

    def extra_repr(self) -> str:
        return f"negative_slope={self.negative_slope}" + (", inplace=True" if self.inplace else "")


class ELU(OfTensor):
    """x where positive, `alpha * (exp(x) - 1)` elsewhere."""

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__()
        self.alpha = check_number("ELU", "alpha", alpha, -math.inf)
        self.inplace = check_flag("ELU", "inplace", inplace)

    def forward(self, x: TensorLike) -> Tensor:
        return functional.elu(x, self.alpha, True) if self.inplace else F.elu(x, alpha=self.alpha)

    def extra_repr(self) -> str:
        return f"alpha={self.alpha}" + (", inplace=True" if self.inplace else "")


class SELU(_InPlace):
    """Scaled ELU, see `fastdl.selu`."""

    def forward(self, x: TensorLike) -> Tensor:
        return functional.selu(x, True) if self.inplace else F.selu(x)


class GELU(OfTensor):
    """`x * Phi(x)`; `approximate` is "none" or "tanh", see `fastdl.gelu`."""

    def __init__(self, approximate: str = "none") -> None:
        super().__init__()
        self.approximate = check_choice("GELU", "approximate", approximate, ("none", "tanh"))

    def forward(self, x: TensorLike) -> Tensor:
        return _functions.gelu(x, self.approximate)

    def extra_repr(self) -> str:
        return f"approximate={self.approximate!r}"


class SiLU(_InPlace):
    """`x * sigmoid(x)`."""

    def forward(self, x: TensorLike) -> Tensor:
        return functional.silu(x, True) if self.inplace else F.silu(x)


class Softplus(OfTensor):
    """`log(1 + exp(beta * x)) / beta`, and x itself where `beta * x > threshold`."""

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        super().__init__()
        self.beta = check_number("Softplus", "beta", beta, -math.inf)
        self.threshold = check_number("Softplus", "threshold", threshold, -math.inf, infinite=True)

    def forward(self, x: TensorLike) -> Tensor:
        return functional.softplus(x, self.beta, self.threshold)

    def extra_repr(self) -> str:
        return f"beta={self.beta}, threshold={self.threshold}"


class Softsign(OfTensor):
    """`x / (1 + |x|)`."""

    def forward(self, x: TensorLike) -> Tensor:
        return F.softsign(x)


class Sigmoid(OfTensor):
    """`1 / (1 + exp(-x))`."""

    def forward(self, x: TensorLike) -> Tensor:
        return F.sigmoid(x)


class LogSigmoid(OfTensor):
    """`log(sigmoid(x))`."""

    def forward(self, x: TensorLike) -> Tensor:
        return _functions.logsigmoid(x)


class Hardsigmoid(_InPlace):
    """`x / 6 + 1 / 2` limited to [0, 1]."""

    def forward(self, x: TensorLike) -> Tensor:
        return functional.hardsigmoid(x, True) if self.inplace else F.hard_sigmoid(x)


class Tanh(OfTensor):
    """Hyperbolic tangent."""

    def forward(self, x: TensorLike) -> Tensor:
        return F.tanh(x)


class Softmax(OfTensor):
    """`exp(x)` divided by its sum along `dim`.

    Example:
        >>> nn.Softmax(dim=1)(fastdl.zeros(1, 2)).tolist()
        [[0.5, 0.5]]
    """

    def __init__(self, dim: int | None = None) -> None:
        super().__init__()
        self.dim = check_count(type(self).__name__, "dim", dim)

    def forward(self, x: TensorLike) -> Tensor:
        return functional.softmax(x, self.dim)

    def extra_repr(self) -> str:
        return f"dim={self.dim}"


class LogSoftmax(OfTensor):
    """The logarithm of softmax along `dim`."""

    def __init__(self, dim: int | None = None) -> None:
        super().__init__()
        self.dim = check_count(type(self).__name__, "dim", dim)

    def forward(self, x: TensorLike) -> Tensor:
        return functional.log_softmax(x, self.dim)

    def extra_repr(self) -> str:
        return f"dim={self.dim}"
