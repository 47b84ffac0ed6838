"""EinsumDense: a product with a kernel over any axes, named by an equation."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from .. import activations, constraints, initializers, regularizers
from .._base.checks import check_name, check_shape, shown
from .._base.einsum import einsum
from .._base.parameter import Parameter
from .._base.registry import LAYERS
from .._core import Tensor
from ..initializers import for_axes
from .embedding import check_absent
from .input_spec import InputSpec
from .layer import Layer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from typing_extensions import Unpack

    from .._base.registry import Identifier
    from .._base.types import Config, Shape
    from .options import LayerOptions

_FORM = re.compile(r"(\.\.\.)?([A-Za-z]+)(\.\.\.)?,([A-Za-z]+)->(\.\.\.)?([A-Za-z]+)(\.\.\.)?")


class _Shapes(NamedTuple):
    """What an equation says of the weights and the output of a layer."""

    kernel: list[int]
    bias: list[int] | None
    output: Shape
    input_axes: list[int]  # of the kernel: those that are summed over
    output_axes: list[int]  # of the kernel: those of the output
    fixed: dict[int, int]  # axes of the input that the kernel has, counted from its end or start


@LAYERS.register
class EinsumDense(Layer):
    """`activation(einsum(equation, x, kernel) + bias)`: a dense layer over any axes.

    Args:
        equation: "ab,bc->ac" with a letter for each axis of the input, the kernel and the output.
            "..." at the start or the end of input and output stands for axes that stay as they
            are: "...x,xy->...y". Letters that the output lacks are summed over.
        output_shape: the sizes of the output's letters without the first axis of the input; None
            for a size that the input has. An integer stands for one size. With "..." at the start
            it has the sizes of all letters of the output.
        activation: name, function or layer; none unless given.
        bias_axes: the letters of the output for which there is a bias; no bias unless given.
        kernel_initializer: "glorot_uniform" unless given. Fans are the products of the kernel's
            axes that are summed over, and of the others.
        bias_initializer: "zeros" unless given.
        kernel_regularizer, bias_regularizer: penalties on the weights.
        kernel_constraint, bias_constraint: projections after each update.
        lora_rank, lora_alpha, gptq_unpacked_column_size, quantization_config: None; low-rank
            adaptation and quantization are not there.

    Raises:
        ValueError: the equation has another form or does not fit the input and `output_shape`, a
            size of the kernel isn't known, or an argument that must be None.

    Source: `keras.layers.EinsumDense` of Keras 3.

    Example:
        >>> layer = layers.EinsumDense("abc,cde->abde", output_shape=(None, 4, 8), bias_axes="de")
        >>> layer(np.ones((2, 5, 16))).shape, layer.kernel.shape
        ((2, 5, 4, 8), (16, 4, 8))
    """

    kernel: Parameter
    _input_axes: list[int]

    def __init__(
        self,
        equation: str,
        output_shape: int | Sequence[int | None],
        activation: Identifier = None,
        bias_axes: str | None = None,
        kernel_initializer: Identifier = "glorot_uniform",
        bias_initializer: Identifier = "zeros",
        kernel_regularizer: Identifier = None,
        bias_regularizer: Identifier = None,
        kernel_constraint: Identifier = None,
        bias_constraint: Identifier = None,
        lora_rank: None = None,
        lora_alpha: None = None,
        gptq_unpacked_column_size: None = None,
        quantization_config: None = None,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**kwargs)
        who = "EinsumDense"
        form = _FORM.fullmatch(equation.replace(" ", "")) if isinstance(equation, str) else None
        if form is None or (form[1], form[3]) != (form[5], form[7]) or (form[1] and form[3]):
            raise ValueError(
                f"{who}: equation: expected a form like 'ab,bc->ac', '...ab,bc->...ac' or "
                f"'ab...,bc->ac...', got {shown(equation)}"
            )
        self.equation = equation
        sizes = (output_shape,) if isinstance(output_shape, int) else output_shape
        self.partial_output_shape = check_shape(who, "output_shape", sizes)
        self.activation = activations.get(activation, f"{who}: activation")
        self.bias_axes = check_name(who, "bias_axes", bias_axes)
        for letter in self.bias_axes or "":
            if letter not in form[6]:
                raise ValueError(
                    f"{who}: bias_axes: expected letters of the output {form[6]!r}, got "
                    f"{bias_axes!r}"
                )
        self.kernel_initializer = initializers.get(kernel_initializer, f"{who}: kernel_initializer")
        self.bias_initializer = initializers.get(bias_initializer, f"{who}: bias_initializer")
        self.kernel_regularizer = regularizers.get(kernel_regularizer, f"{who}: kernel_regularizer")
        self.bias_regularizer = regularizers.get(bias_regularizer, f"{who}: bias_regularizer")
        self.kernel_constraint = constraints.get(kernel_constraint, f"{who}: kernel_constraint")
        self.bias_constraint = constraints.get(bias_constraint, f"{who}: bias_constraint")
        self.bias: Parameter | None = None
        check_absent(
            who,
            lora_rank=lora_rank,
            lora_alpha=lora_alpha,
            gptq_unpacked_column_size=gptq_unpacked_column_size,
            quantization_config=quantization_config,
        )

    def _analyzed(self, input_shape: Shape) -> _Shapes:
        form = _FORM.fullmatch(self.equation.replace(" ", ""))
        assert form is not None
        given, kernel, result = form[2], form[4], form[6]
        first, last = bool(form[1]), bool(form[3])
        left = len(input_shape) - len(given)  # the axes of "..."
        if left < 0 or (left and not (first or last)):
            raise ValueError(f"equation {self.equation!r} does not fit an input of {input_shape}")
        start = left if first else 0
        of_input = dict(zip(given, input_shape[start : start + len(given)], strict=True))
        sizes = self.partial_output_shape
        if not first:
            sizes = (None, *sizes)  # the first axis, that of the samples
        if len(sizes) != len(result):
            raise ValueError(
                f"output_shape: expected {len(result) - (not first)} sizes for the equation "
                f"{self.equation!r}, got {self.partial_output_shape}"
            )
        of_output = {}
        for letter, size in zip(result, sizes, strict=True):
            known = of_input.get(letter)
            if None not in (size, known) and size != known:
                raise ValueError(
                    f"output_shape: the axis {letter!r} has size {known} in the input and {size} "
                    "in the output"
                )
            of_output[letter] = known if size is None else size
            if letter not in given and letter not in kernel:
                raise ValueError(
                    f"equation {self.equation!r}: neither input nor kernel has the axis {letter!r}"
                )
        known_sizes: dict[str, int] = {}
        for letter, size in {**of_input, **of_output}.items():
            if size is not None:
                known_sizes[letter] = size
            elif letter in kernel or letter in (self.bias_axes or ""):
                raise ValueError(
                    f"equation {self.equation!r}: the size of the axis {letter!r} of the weights "
                    f"must be known, got an input of shape {input_shape} and output_shape "
                    f"{self.partial_output_shape}"
                )
        for letter in kernel:
            if letter not in known_sizes:
                raise ValueError(
                    f"equation {self.equation!r}: neither input nor output has the kernel's axis "
                    f"{letter!r}"
                )
        bias = None
        if self.bias_axes:
            begin = min(result.index(letter) for letter in self.bias_axes)
            bias = [known_sizes[c] if c in self.bias_axes else 1 for c in result[begin:]]
            bias += [1] * (left if last else 0)
        open_sizes = list(input_shape[:left] if first else input_shape[len(given) :])
        output = [of_output[letter] for letter in result]
        fixed = {
            place - len(given) if first else place: known_sizes[letter]
            for place, letter in enumerate(given)
            if letter in kernel
        }
        return _Shapes(
            [known_sizes[letter] for letter in kernel],
            bias,
            (*open_sizes, *output) if first else (*output, *open_sizes),
            [i for i, letter in enumerate(kernel) if letter not in result],
            [i for i, letter in enumerate(kernel) if letter in result],
            fixed,
        )

    def build(self, input_shape: Shape) -> None:
        shapes = self._analyzed(input_shape)
        self.kernel = self.add_weight(
            shapes.kernel,
            for_axes(self.kernel_initializer, shapes.input_axes, shapes.output_axes),
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
            name="kernel",
        )
        if shapes.bias is not None:
            self.bias = self.add_weight(
                shapes.bias,
                self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
                name="bias",
            )
        self.__dict__["_input_axes"] = shapes.input_axes
        self.input_spec = InputSpec(ndim=len(input_shape), axes=shapes.fixed)

    def call(self, inputs: Tensor) -> Tensor:
        y = einsum(self.equation, [inputs, self.kernel], self._dtype_policy._precision)
        if self.bias is not None:
            y = y + self.bias
        return self.activation(y)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return self._analyzed(input_shape).output

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "equation": self.equation,
            "output_shape": self.partial_output_shape,
            "activation": activations.serialize(self.activation),
            "bias_axes": self.bias_axes,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "bias_initializer": initializers.serialize(self.bias_initializer),
            "kernel_regularizer": regularizers.serialize(self.kernel_regularizer),
            "bias_regularizer": regularizers.serialize(self.bias_regularizer),
            "kernel_constraint": constraints.serialize(self.kernel_constraint),
            "bias_constraint": constraints.serialize(self.bias_constraint),
        }
