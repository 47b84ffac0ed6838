"""The activations as modules, each with PyTorch's arguments and `repr`."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from .. import _core, _functions
from .._base import functional as F
from .._base.checks import check_choice, check_count, check_flag, check_integer, check_number
from .._base.device import check_target
from .._base.parameter import Parameter
from . import functional, init
from ._calls import OfTensor

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

    from .._base.device import Place
    from .._core import Tensor, TensorLike


class _InPlace(OfTensor):
    """Base class. `inplace` writes the result into the input."""

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = check_flag(type(self).__name__, "inplace", inplace)

    def extra_repr(self) -> str:
        return "inplace=True" if self.inplace else ""


class ReLU(_InPlace):
    """`max(x, 0)`."""

    def forward(self, input: TensorLike) -> Tensor:
        return functional.relu(input, True) if self.inplace else F.relu(input)


class LeakyReLU(OfTensor):
    """x where positive, `negative_slope * x` elsewhere."""

    def __init__(self, negative_slope: float = 0.01, inplace: bool = False) -> None:
        super().__init__()
        self.negative_slope = check_number("LeakyReLU", "negative_slope", negative_slope, -math.inf)
        self.inplace = check_flag("LeakyReLU", "inplace", inplace)

    def forward(self, input: TensorLike) -> Tensor:
        if self.inplace:
            return functional.leaky_relu(input, self.negative_slope, True)
        return F.leaky_relu(input, slope=self.negative_slope)

    def extra_repr(self) -> str:
        return f"negative_slope={self.negative_slope}" + (", inplace=True" if self.inplace else "")


class ELU(OfTensor):
    """x where positive, `alpha * (exp(x) - 1)` elsewhere."""

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__()
        self.alpha = check_number("ELU", "alpha", alpha, -math.inf)
        self.inplace = check_flag("ELU", "inplace", inplace)

    def forward(self, input: TensorLike) -> Tensor:
        return (
            functional.elu(input, self.alpha, True)
            if self.inplace
            else F.elu(input, alpha=self.alpha)
        )

    def extra_repr(self) -> str:
        return f"alpha={self.alpha}" + (", inplace=True" if self.inplace else "")


class SELU(_InPlace):
    """Scaled ELU, see `fastdl.selu`."""

    def forward(self, input: TensorLike) -> Tensor:
        return functional.selu(input, True) if self.inplace else F.selu(input)


class GELU(OfTensor):
    """`x * Phi(x)`; `approximate` is "none" or "tanh", see `fastdl.gelu`."""

    def __init__(self, approximate: str = "none") -> None:
        super().__init__()
        self.approximate = check_choice("GELU", "approximate", approximate, ("none", "tanh"))

    def forward(self, input: TensorLike) -> Tensor:
        return _functions.gelu(input, self.approximate)

    def extra_repr(self) -> str:
        return f"approximate={self.approximate!r}"


class SiLU(_InPlace):
    """`x * sigmoid(x)`."""

    def forward(self, input: TensorLike) -> Tensor:
        return functional.silu(input, True) if self.inplace else F.silu(input)


class Softplus(OfTensor):
    """`log(1 + exp(beta * x)) / beta`, and x itself where `beta * x > threshold`."""

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        super().__init__()
        self.beta = check_number("Softplus", "beta", beta, -math.inf)
        self.threshold = check_number("Softplus", "threshold", threshold, -math.inf, infinite=True)

    def forward(self, input: TensorLike) -> Tensor:
        return functional.softplus(input, self.beta, self.threshold)

    def extra_repr(self) -> str:
        return f"beta={self.beta}, threshold={self.threshold}"


class Softsign(OfTensor):
    """`x / (1 + |x|)`."""

    def forward(self, input: TensorLike) -> Tensor:
        return F.softsign(input)


class Sigmoid(OfTensor):
    """`1 / (1 + exp(-x))`."""

    def forward(self, input: TensorLike) -> Tensor:
        return F.sigmoid(input)


class LogSigmoid(OfTensor):
    """`log(sigmoid(x))`."""

    def forward(self, input: TensorLike) -> Tensor:
        return _functions.logsigmoid(input)


class Hardsigmoid(_InPlace):
    """`x / 6 + 1 / 2` limited to [0, 1]."""

    def forward(self, input: TensorLike) -> Tensor:
        return functional.hardsigmoid(input, True) if self.inplace else F.hard_sigmoid(input)


class Hardtanh(OfTensor):
    """x limited to [min_val, max_val].

    Example:
        >>> nn.Hardtanh()(fastdl.tensor([-3.0, 0.5])).tolist()
        [-1.0, 0.5]
    """

    def __init__(self, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> None:
        super().__init__()
        who = type(self).__name__
        self.min_val, self.max_val = functional.check_limits(who, min_val, max_val)
        self.inplace = check_flag(who, "inplace", inplace)

    def forward(self, input: TensorLike) -> Tensor:
        return functional.hardtanh(input, self.min_val, self.max_val, self.inplace)

    def extra_repr(self) -> str:
        text = f"min_val={self.min_val}, max_val={self.max_val}"
        return text + (", inplace=True" if self.inplace else "")


class ReLU6(Hardtanh):
    """x limited to [0, 6].

    Example:
        >>> nn.ReLU6()(fastdl.tensor([-3.0, 9.0])).tolist()
        [0.0, 6.0]
    """

    def __init__(self, inplace: bool = False) -> None:
        super().__init__(0.0, 6.0, inplace)

    def extra_repr(self) -> str:
        return "inplace=True" if self.inplace else ""


class Hardswish(_InPlace):
    """`x * hardsigmoid(x)` (Howard et al. 2019)."""

    def forward(self, input: TensorLike) -> Tensor:
        return functional.hardswish(input, self.inplace)


class Mish(_InPlace):
    """`x * tanh(softplus(x))` (Misra 2019)."""

    def forward(self, input: TensorLike) -> Tensor:
        return functional.mish(input, self.inplace)


class PReLU(OfTensor):
    """x where positive, `weight * x` elsewhere, with a weight that is trained.

    Args:
        num_parameters: one weight for all, or one for each channel of (N, C, ...).
        init: the first value.
        device: "cpu" or None.
        dtype: float32 or None.

    Attributes:
        weight: (num_parameters).

    Raises:
        ValueError: num_parameters is below 1. From a call, if the input has another number of
            channels.

    Source: He et al. 2015; `torch.nn.PReLU`.

    Example:
        >>> nn.PReLU()(fastdl.tensor([-4.0, 2.0])).tolist()
        [-1.0, 2.0]
    """

    def __init__(
        self,
        num_parameters: int = 1,
        init: float = 0.25,
        device: Place | None = None,
        dtype: DTypeLike | None = None,
    ) -> None:
        super().__init__()
        check_target("PReLU", (), {"device": device, "dtype": dtype})
        self.num_parameters = check_integer("PReLU", "num_parameters", num_parameters, 1)
        self.init = check_number("PReLU", "init", init, -math.inf)
        self.weight = Parameter(_core.full((self.num_parameters,), "float32", self.init))

    def reset_parameters(self) -> None:
        """Sets the weight to its first value."""
        init.constant_(self.weight, self.init)

    def forward(self, input: TensorLike) -> Tensor:
        return functional.prelu(input, self.weight)

    def extra_repr(self) -> str:
        return f"num_parameters={self.num_parameters}"


class Tanh(OfTensor):
    """Hyperbolic tangent."""

    def forward(self, input: TensorLike) -> Tensor:
        return F.tanh(input)


class Softmax(OfTensor):
    """`exp(x)` divided by its sum along `dim`.

    Example:
        >>> nn.Softmax(dim=1)(fastdl.zeros(1, 2)).tolist()
        [[0.5, 0.5]]
    """

    def __init__(self, dim: int | None = None) -> None:
        super().__init__()
        self.dim = check_count(type(self).__name__, "dim", dim)

    def forward(self, input: TensorLike) -> Tensor:
        return functional.softmax(input, self.dim)

    def extra_repr(self) -> str:
        return f"dim={self.dim}"


class LogSoftmax(OfTensor):
    """The logarithm of softmax along `dim`."""

    def __init__(self, dim: int | None = None) -> None:
        super().__init__()
        self.dim = check_count(type(self).__name__, "dim", dim)

    def forward(self, input: TensorLike) -> Tensor:
        return functional.log_softmax(input, self.dim)

    def extra_repr(self) -> str:
        return f"dim={self.dim}"


class Softmin(Softmax):
    """`softmax(-x)` along `dim`.

    Source: `torch.nn.Softmin`.

    Example:
        >>> nn.Softmin(dim=0)(fastdl.tensor([0.0, 1000.0])).tolist()
        [1.0, 0.0]
    """

    def forward(self, input: TensorLike) -> Tensor:
        return functional.softmin(input, self.dim)


class Softmax2d(OfTensor):
    """Softmax over the channels of (N, C, H, W) or (C, H, W).

    Raises:
        ValueError: the input has other axes.

    Source: `torch.nn.Softmax2d`.

    Example:
        >>> nn.Softmax2d()(fastdl.zeros(2, 1, 1)).tolist()
        [[[0.5]], [[0.5]]]
    """

    def forward(self, input: TensorLike) -> Tensor:
        x = _core.as_tensor(input)
        if x.ndim not in (3, 4):
            raise _core.ShapeError(
                f"Softmax2d: expected (N, C, H, W) or (C, H, W), got shape {x.shape}"
            )
        return functional.softmax(x, -3)


class CELU(OfTensor):
    """x where positive, `alpha * (exp(x / alpha) - 1)` elsewhere.

    Raises:
        ValueError: alpha is 0.

    Source: Barron 2017; `torch.nn.CELU`.

    Example:
        >>> nn.CELU(0.5)(fastdl.tensor([-1000.0, 2.0])).tolist()
        [-0.5, 2.0]
    """

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__()
        self.alpha = check_number("CELU", "alpha", alpha, -math.inf)
        if self.alpha == 0:
            raise _core.ArgumentError("CELU: alpha: expected a number that isn't 0, got 0")
        self.inplace = check_flag("CELU", "inplace", inplace)

    def forward(self, input: TensorLike) -> Tensor:
        return functional.celu(input, self.alpha, self.inplace)

    def extra_repr(self) -> str:
        return f"alpha={self.alpha}" + (", inplace=True" if self.inplace else "")


class GLU(OfTensor):
    """The first half of an axis times the sigmoid of the second half.

    Source: Dauphin et al. 2016; `torch.nn.GLU`.

    Example:
        >>> nn.GLU()(fastdl.tensor([3.0, 0.0])).tolist()
        [1.5]
    """

    def __init__(self, dim: int = -1) -> None:
        super().__init__()
        self.dim = check_integer("GLU", "dim", dim)

    def forward(self, input: TensorLike) -> Tensor:
        return functional.glu(input, self.dim)

    def extra_repr(self) -> str:
        return f"dim={self.dim}"


class Hardshrink(OfTensor):
    """0 where |x| <= lambd, x elsewhere.

    Source: `torch.nn.Hardshrink`.

    Example:
        >>> nn.Hardshrink()(fastdl.tensor([-0.4, 2.0])).tolist()
        [0.0, 2.0]
    """

    def __init__(self, lambd: float = 0.5) -> None:
        super().__init__()
        self.lambd = check_number("Hardshrink", "lambd", lambd)

    def forward(self, input: TensorLike) -> Tensor:
        return functional.hardshrink(input, self.lambd)

    def extra_repr(self) -> str:
        return f"{self.lambd}"


class Softshrink(OfTensor):
    """x moved by lambd towards 0, and 0 where |x| <= lambd.

    Raises:
        ValueError: lambd is negative.

    Source: `torch.nn.Softshrink`.

    Example:
        >>> nn.Softshrink()(fastdl.tensor([-0.4, 2.0])).tolist()
        [0.0, 1.5]
    """

    def __init__(self, lambd: float = 0.5) -> None:
        super().__init__()
        self.lambd = check_number("Softshrink", "lambd", lambd)

    def forward(self, input: TensorLike) -> Tensor:
        return functional.softshrink(input, self.lambd)

    def extra_repr(self) -> str:
        return f"{self.lambd}"


class Tanhshrink(OfTensor):
    """`x - tanh(x)`.

    Source: `torch.nn.Tanhshrink`.

    Example:
        >>> nn.Tanhshrink()(fastdl.tensor([0.0])).tolist()
        [0.0]
    """

    def forward(self, input: TensorLike) -> Tensor:
        return functional.tanhshrink(input)


class Threshold(OfTensor):
    """x where above the threshold, `value` elsewhere.

    Source: `torch.nn.Threshold`.

    Example:
        >>> nn.Threshold(1.0, -1.0)(fastdl.tensor([0.5, 2.0])).tolist()
        [-1.0, 2.0]
    """

    def __init__(self, threshold: float, value: float, inplace: bool = False) -> None:
        super().__init__()
        self.threshold = check_number("Threshold", "threshold", threshold, -math.inf, infinite=True)
        self.value = check_number("Threshold", "value", value, -math.inf, infinite=True)
        self.inplace = check_flag("Threshold", "inplace", inplace)

    def forward(self, input: TensorLike) -> Tensor:
        return functional.threshold(input, self.threshold, self.value, self.inplace)

    def extra_repr(self) -> str:
        text = f"threshold={self.threshold}, value={self.value}"
        return text + (", inplace=True" if self.inplace else "")


class RReLU(OfTensor):
    """x where positive, elsewhere x times a random number of [lower, upper).

    In evaluation mode the factor is `(lower + upper) / 2`.

    Raises:
        ValueError: lower is above upper.

    Source: Xu et al. 2015; `torch.nn.RReLU`.

    Example:
        >>> nn.RReLU(0.25, 0.75).eval()(fastdl.tensor([-2.0, 3.0])).tolist()
        [-1.0, 3.0]
    """

    def __init__(
        self, lower: float = 1.0 / 8, upper: float = 1.0 / 3, inplace: bool = False
    ) -> None:
        super().__init__()
        self.lower = check_number("RReLU", "lower", lower, -math.inf)
        self.upper = check_number("RReLU", "upper", upper, -math.inf)
        if self.lower > self.upper:
            raise _core.ArgumentError(
                f"RReLU: lower, upper: expected lower <= upper, got {self.lower}, {self.upper}"
            )
        self.inplace = check_flag("RReLU", "inplace", inplace)

    def forward(self, input: TensorLike) -> Tensor:
        return functional.rrelu(input, self.lower, self.upper, self.training, self.inplace)

    def extra_repr(self) -> str:
        return f"lower={self.lower}, upper={self.upper}" + (
            ", inplace=True" if self.inplace else ""
        )
