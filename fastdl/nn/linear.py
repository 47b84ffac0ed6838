"""Linear, Bilinear and Identity."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeVar

from .. import _core
from .._base import functional as F
from .._base.checks import check_flag, check_integer
from .._base.device import check_target
from .._base.module import Module
from .._base.parameter import Parameter
from . import functional, init
from ._calls import OfTensor

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

    from .._base.device import Place
    from .._core import Tensor, TensorLike

Value = TypeVar("Value")


class Linear(OfTensor):
    """`x @ weight.T + bias`.

    Args:
        in_features: size of the last axis of the input.
        out_features: size of the last axis of the output.
        bias: whether there is a bias.
        device: "cpu" or None.
        dtype: float32 or None.

    Attributes:
        weight: (out_features, in_features). Its first values are uniform in
            +-1 / sqrt(in_features).
        bias: (out_features) with values of the same distribution, or None.

    Raises:
        ValueError: from a call, if the input has another number of features.

    Example:
        >>> nn.Linear(3, 2)(fastdl.zeros(5, 3)).shape
        (5, 2)
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        device: Place | None = None,
        dtype: DTypeLike | None = None,
    ) -> None:
        super().__init__()
        check_target(type(self).__name__, (), {"device": device, "dtype": dtype})
        self.in_features = in_features = check_integer(
            type(self).__name__, "in_features", in_features, 0
        )
        self.out_features = out_features = check_integer(
            type(self).__name__, "out_features", out_features, 0
        )
        self.weight = Parameter(_core.empty((out_features, in_features), "float32"))
        if check_flag(type(self).__name__, "bias", bias):
            self.bias: Parameter | None = Parameter(_core.empty((out_features,), "float32"))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draws new values."""
        bound = 1 / math.sqrt(self.in_features) if self.in_features else 0.0
        init.uniform_(self.weight, -bound, bound)  # the same as kaiming_uniform_(a=sqrt(5))
        if self.bias is not None:
            init.uniform_(self.bias, -bound, bound)

    def forward(self, input: TensorLike) -> Tensor:
        return F.linear(input, self.weight, bias=self.bias, transpose_w=True)

    def extra_repr(self) -> str:
        return (
            f"in_features={self.in_features}, out_features={self.out_features}, "
            f"bias={self.bias is not None}"
        )


class Identity(Module):
    """Returns its input. The constructor accepts any arguments and ignores them."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__()

    def forward(self, input: Value) -> Value:
        return input


class Bilinear(Module):
    """`sum(x1[i] * weight[o, i, j] * x2[j]) + bias[o]` over i and j.

    Args:
        in1_features, in2_features: sizes of the last axes of the inputs.
        out_features: size of the last axis of the output.
        bias: whether there is a bias.
        device: "cpu" or None.
        dtype: float32 or None.

    Attributes:
        weight: (out_features, in1_features, in2_features). Its first values are uniform in
            +-1 / sqrt(in1_features).
        bias: (out_features) with values of the same distribution, or None.

    Raises:
        ValueError: from a call, if the inputs have other shapes.

    Source: `torch.nn.Bilinear`.

    Example:
        >>> nn.Bilinear(3, 4, 2)(fastdl.zeros(5, 3), fastdl.zeros(5, 4)).shape
        (5, 2)
    """

    def __init__(
        self,
        in1_features: int,
        in2_features: int,
        out_features: int,
        bias: bool = True,
        device: Place | None = None,
        dtype: DTypeLike | None = None,
    ) -> None:
        super().__init__()
        check_target("Bilinear", (), {"device": device, "dtype": dtype})
        self.in1_features = check_integer("Bilinear", "in1_features", in1_features, 1)
        self.in2_features = check_integer("Bilinear", "in2_features", in2_features, 0)
        self.out_features = check_integer("Bilinear", "out_features", out_features, 0)
        shape = (self.out_features, self.in1_features, self.in2_features)
        self.weight = Parameter(_core.empty(shape, "float32"))
        if check_flag("Bilinear", "bias", bias):
            self.bias: Parameter | None = Parameter(_core.empty((self.out_features,), "float32"))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draws new values."""
        bound = 1 / math.sqrt(self.in1_features)
        init.uniform_(self.weight, -bound, bound)
        if self.bias is not None:
            init.uniform_(self.bias, -bound, bound)

    def forward(self, input1: TensorLike, input2: TensorLike) -> Tensor:
        return functional.bilinear(input1, input2, self.weight, self.bias)

    def extra_repr(self) -> str:
        return (
            f"in1_features={self.in1_features}, in2_features={self.in2_features}, "
            f"out_features={self.out_features}, bias={self.bias is not None}"
        )
