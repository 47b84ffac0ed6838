"""Dense layers between groups of axes, for the heads of attention."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from .._base import functional as F
from .._base.checks import prefixed
from ..initializers import for_axes
from .layer import Layer

if TYPE_CHECKING:
    from collections.abc import Callable

    from .._base.parameter import Parameter
    from .._base.types import Shape
    from .._core import Tensor


class OfProjections:
    """An attribute of a layer: a setting of the weights of its projections."""

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, layer: Any, owner: type) -> Any:
        return self if layer is None else layer._settings[self._name]


class Projection(Layer):
    """`x @ kernel + bias` from the last `axes_in` axes of the input to axes of given sizes.

    The kernel has the axes of both, `(*in, *out)`, and the bias those of the output, as the
    `EinsumDense` layers within Keras's attention have them.
    """

    supports_masking = True

    def __init__(
        self,
        axes_in: int,
        sizes: tuple[int, ...],
        use_bias: bool,
        settings: dict[str, Any],
        activation: Callable[[Tensor], Tensor] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self._axes_in = axes_in
        self._sizes = sizes
        self._use_bias = use_bias
        self._settings = settings
        self._activation = activation
        self.bias: Parameter | None = None

    def build(self, input_shape: Shape) -> None:
        sizes_in = tuple(input_shape[-self._axes_in :])
        if any(size is None for size in sizes_in):
            raise ValueError(f"the last axis of the input must be known, got shape {input_shape}")
        self.kernel = self._add("kernel", (*sizes_in, *self._sizes))
        if self._use_bias:
            self.bias = self._add("bias", self._sizes)

    def _add(self, name: str, shape: Any) -> Parameter:
        settings = self._settings
        initializer = settings[f"{name}_initializer"]
        if name == "kernel":
            axes = range(len(shape))
            initializer = for_axes(initializer, axes[: self._axes_in], axes[self._axes_in :])
        try:
            return self.add_weight(
                shape,
                initializer,
                regularizer=settings[f"{name}_regularizer"],
                constraint=settings[f"{name}_constraint"],
                name=name,
            )
        except ValueError as error:  # of the initializer
            raise prefixed(f"{name}_initializer", error) from None

    def call(self, inputs: Tensor) -> Tensor:
        shape = tuple(inputs.shape)
        free, bound = shape[: -self._axes_in], math.prod(shape[-self._axes_in :])
        out = math.prod(self._sizes)
        bias = self.bias
        y = F.linear(
            inputs if self._axes_in == 1 else F.reshape(inputs, shape=(*free, bound)),
            F.reshape(self.kernel, shape=(bound, out)),
            bias=bias if bias is None or bias.ndim == 1 else F.reshape(bias, shape=(out,)),
            precision=self._dtype_policy._precision,
        )
        if len(self._sizes) != 1:
            y = F.reshape(y, shape=(*free, *self._sizes))
        return y if self._activation is None else self._activation(y)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (*input_shape[: -self._axes_in], *self._sizes)
