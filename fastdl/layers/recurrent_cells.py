"""Cells of recurrent layers: what happens in one step.

The file is long because three constructors spell all their arguments, for help() and editors.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from .. import _core, activations, constraints, initializers, regularizers
from .._base import functional as F
from .._base import tree
from .._base.checks import check_flag, check_fraction, check_integer, prefixed, shown
from .._base.registry import LAYERS
from .._core import Tensor
from .._graph.calls import signature_of
from ..random import SeedGenerator, generator_of, stream_of
from ._config import plain_seed
from .layer import Layer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from typing_extensions import Self, Unpack

    from .._base.parameter import Parameter
    from .._base.registry import Identifier
    from .._base.types import Config, Shape
    from .options import LayerOptions

_MODULES: dict[str, Any] = {
    "initializer": initializers,
    "regularizer": regularizers,
    "constraint": constraints,
}


class Cell(Layer):
    """Base of the cells: their weights, initial states and dropout.

    A mask of dropout is the same for all steps of a sequence. It is drawn when a step first asks
    for it, and `reset_dropout_mask` ends its use.
    """

    _gates: ClassVar[int]
    _may_compute_again = False  # all steps share the masks of the first one
    _own_masks: ClassVar[bool] = True  # with recurrent dropout, each gate has masks of its own
    kernel: Parameter
    recurrent_kernel: Parameter
    activation: Callable[..., Tensor]
    recurrent_activation: Callable[..., Tensor]
    bias_initializer: Any

    def _setup(
        self,
        units: int,
        use_bias: bool,
        dropout: float,
        recurrent_dropout: float,
        seed: int | SeedGenerator | None,
        activation: dict[str, Identifier],
        settings: dict[str, Identifier],
    ) -> None:
        """Checks the arguments that all cells have; `settings` are those of the weights."""
        who = type(self).__name__
        self.units = check_integer(who, "units", units, 1)
        self.use_bias = check_flag(who, "use_bias", use_bias)
        self.dropout = check_fraction(who, "dropout", dropout)
        self.recurrent_dropout = check_fraction(who, "recurrent_dropout", recurrent_dropout)
        self.seed = seed
        self.seed_generator = generator_of(seed, who)
        self._activations = tuple(activation)
        for name, value in activation.items():
            setattr(self, name, activations.get(value, f"{who}: {name}"))
        self._settings = tuple(settings)
        for name, value in settings.items():
            kind = name.rpartition("_")[2]
            setattr(self, name, _MODULES[kind].get(value, f"{who}: {name}"))
        self.bias: Parameter | None = None
        self.__dict__.update(_dropout_masks=None, _recurrent_masks=None)

    @property
    def state_size(self) -> int | list[int]:
        """The sizes of the states."""
        return self.units

    @property
    def output_size(self) -> int:
        """The size of the output."""
        return self.units

    def _bias_shape(self) -> tuple[int, ...]:
        return (self._gates * self.units,)

    def _bias_initializer(self) -> Any:
        return self.bias_initializer

    def build(self, input_shape: Shape) -> None:
        features = input_shape[-1]
        if features is None:
            raise ValueError(f"the last axis of the input must be known, got shape {input_shape}")
        columns = self._gates * self.units
        self.kernel = self._add("kernel", (features, columns))
        self.recurrent_kernel = self._add("recurrent", (self.units, columns))
        if self.use_bias:
            self.bias = self._add("bias", self._bias_shape(), self._bias_initializer())

    def _add(self, prefix: str, shape: tuple[int, ...], initializer: Any = None) -> Parameter:
        name = "recurrent_kernel" if prefix == "recurrent" else prefix
        try:
            return self.add_weight(
                shape,
                initializer or getattr(self, f"{prefix}_initializer"),
                regularizer=getattr(self, f"{prefix}_regularizer"),
                constraint=getattr(self, f"{prefix}_constraint"),
                name=name,
            )
        except ValueError as error:  # of the initializer
            raise prefixed(f"{prefix}_initializer", error) from None

    def get_initial_state(self, batch_size: int) -> list[Tensor]:
        """States of zeros, each of shape `(batch_size, units)`."""
        sizes = tree.leaves(self.state_size)
        return [_core.full((batch_size, size), "float32", 0.0) for size in sizes]

    # --- dropout

    def _masks(self, name: str, x: Tensor, rate: float) -> list[Tensor] | None:
        if rate == 0:
            return None
        if self.__dict__[name] is None:
            ones = _core.full(self._mask_shape(x), "float32", 1.0)
            with stream_of(self.seed_generator):
                masks = [F.dropout(ones, rate=rate) for _ in range(self._mask_count())]
            self.__dict__[name] = masks
        return self.__dict__[name]

    def _mask_count(self) -> int:
        return self._gates if self.recurrent_dropout and self._own_masks else 1

    def _mask_shape(self, x: Tensor) -> tuple[int, ...]:
        return (x.shape[0], x.shape[-1])

    def get_dropout_mask(self, step_input: Tensor) -> list[Tensor] | None:
        """What the input of each step is multiplied by: one tensor, or one for each gate."""
        return self._masks("_dropout_masks", step_input, self.dropout)

    def get_recurrent_dropout_mask(self, state: Tensor) -> list[Tensor] | None:
        """What the state of each step is multiplied by in products."""
        return self._masks("_recurrent_masks", state, self.recurrent_dropout)

    def reset_dropout_mask(self) -> None:
        """Lets the next step draw the masks of its input anew."""
        self.__dict__["_dropout_masks"] = None

    def reset_recurrent_dropout_mask(self) -> None:
        """Lets the next step draw the masks of its state anew."""
        self.__dict__["_recurrent_masks"] = None

    # --- products

    def input_products(self, x: Tensor, training: bool) -> Tensor:
        """`x @ kernel + bias` for the inputs of a step, or of all steps at once."""
        masks = self.get_dropout_mask(x) if training else None
        if masks is not None and x.ndim > masks[0].ndim:  # all steps at once
            masks = [F.reshape(m, shape=(m.shape[0], 1, m.shape[1])) for m in masks]
        return self._multiplied(x, self.kernel, self._input_bias(), masks)

    def _input_bias(self) -> Tensor | None:
        return self.bias

    def _state_products(self, h: Tensor, matrix: Tensor, training: bool) -> Tensor:
        masks = self.get_recurrent_dropout_mask(h) if training else None
        return self._multiplied(h, matrix, None, masks)

    def _multiplied(
        self, x: Tensor, matrix: Tensor, bias: Tensor | None, masks: list[Tensor] | None
    ) -> Tensor:
        """`x @ matrix + bias`; the columns of each gate see x under a mask of their own."""
        precision = self._dtype_policy._precision
        if masks is None or len(masks) == 1:
            x = x if masks is None else x * masks[0]
            return F.linear(x, matrix, bias=bias, precision=precision)
        parts = F.split(matrix, sizes=[self.units] * self._gates, axis=1)
        products = [
            F.matmul(x * mask, part, precision=precision)
            for mask, part in zip(masks, parts, strict=True)
        ]
        y = F.concat(products, axis=-1)
        return y if bias is None else y + bias

    def _gates_of(self, z: Tensor) -> Sequence[Tensor]:
        return F.split(z, sizes=[self.units] * self._gates, axis=-1)

    # --- LSTM, of products and of convolutions

    def _forget_bias(self, ones: bool) -> Any:
        """The initializer of a bias whose second part, that of the forget gate, may be 1."""
        own, units = self.bias_initializer or initializers.Zeros(), self.units
        if not ones:
            return own

        def initialize(shape: Shape, dtype: Any = None) -> Tensor:
            parts = [own((units,)), _core.full((units,), "float32", 1.0), own((2 * units,))]
            return F.concat([F.cast(part, dtype="float32") for part in parts])

        return initialize

    def _lstm(self, z: Tensor, c: Tensor) -> tuple[Tensor, list[Tensor]]:
        """The output and the states after a step with the products z."""
        i, f, candidate, o = self._gates_of(z)
        gate = self.recurrent_activation
        c = gate(f) * c + gate(i) * self.activation(candidate)
        h = gate(o) * self.activation(c)
        return h, [h, c]

    # --- whole sequences

    def fused_name(self, training: bool) -> str | None:
        """The name of this cell in the core, which runs it over all steps at once; None if the core
        does not have a cell with these functions.
        """
        raise NotImplementedError

    def _fuses(self, training: bool, *functions: str) -> bool:
        names = tuple(activations.fused_name(getattr(self, name)) for name in self._activations)
        own = names == functions and not _changes_steps(type(self))
        return own and not (training and self.recurrent_dropout)

    def run(
        self,
        name: str,
        inputs: Tensor,
        states: Sequence[Tensor | None],
        mask: Tensor | None,
        reverse: bool,
        masked_zero: bool,
        training: bool,
    ) -> list[Tensor]:
        """The outputs of all steps, in the order of the inputs, and the last states."""
        raise NotImplementedError

    def get_config(self) -> Config:
        config = {**super().get_config(), "units": self.units, "use_bias": self.use_bias}
        for name in self._activations:
            config[name] = activations.serialize(getattr(self, name))
        for name in self._settings:
            config[name] = _MODULES[name.rpartition("_")[2]].serialize(getattr(self, name))
        config |= {"dropout": self.dropout, "recurrent_dropout": self.recurrent_dropout}
        return {**config, "seed": plain_seed(self.seed)}


@LAYERS.register
class SimpleRNNCell(Cell):
    """One step of a simple recurrent layer: `activation(x @ kernel + h @ recurrent_kernel + bias)`.

    Called with `(inputs, states)`, inputs of shape `(batch, features)` and one state of shape
    `(batch, units)`; returns the output, `(batch, units)`, and the list of new states.

    Args:
        units: size of the output and of the state, at least 1.
        activation: name, function or layer; "tanh" unless given, None for none.
        use_bias: whether there is a bias.
        kernel_initializer: of the kernel `(features, units)`.
        recurrent_initializer: of the recurrent kernel `(units, units)`.
        bias_initializer: of the bias `(units,)`.
        kernel_regularizer, recurrent_regularizer, bias_regularizer: penalties on the weights.
        kernel_constraint, recurrent_constraint, bias_constraint: projections after each update.
        dropout: in training, the part of the inputs that is dropped, the same one in all steps.
        recurrent_dropout: the same for the state.
        seed: as for `Dropout`.

    Raises:
        ValueError: `units` isn't a positive integer; a rate that isn't between 0 and 1.

    Source: `keras.layers.SimpleRNNCell` of Keras 3.

    Example:
        >>> y, states = layers.SimpleRNNCell(4)(np.ones((2, 3)), [np.zeros((2, 4))])
        >>> y.shape, len(states)
        ((2, 4), 1)
    """

    _gates = 1
    _own_masks = False

    def __init__(
        self,
        units: int,
        activation: Identifier = "tanh",
        use_bias: bool = True,
        kernel_initializer: Identifier = "glorot_uniform",
        recurrent_initializer: Identifier = "orthogonal",
        bias_initializer: Identifier = "zeros",
        kernel_regularizer: Identifier = None,
        recurrent_regularizer: Identifier = None,
        bias_regularizer: Identifier = None,
        kernel_constraint: Identifier = None,
        recurrent_constraint: Identifier = None,
        bias_constraint: Identifier = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | SeedGenerator | None = None,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**kwargs)
        self._setup(
            units,
            use_bias,
            dropout,
            recurrent_dropout,
            seed,
            {"activation": activation},
            {
                "kernel_initializer": kernel_initializer,
                "recurrent_initializer": recurrent_initializer,
                "bias_initializer": bias_initializer,
                "kernel_regularizer": kernel_regularizer,
                "recurrent_regularizer": recurrent_regularizer,
                "bias_regularizer": bias_regularizer,
                "kernel_constraint": kernel_constraint,
                "recurrent_constraint": recurrent_constraint,
                "bias_constraint": bias_constraint,
            },
        )

    def call(
        self, inputs: Tensor, states: Sequence[Tensor], training: bool = False
    ) -> tuple[Tensor, Tensor | list[Tensor]]:
        h = _first_of(states)
        products = self._state_products(h, self.recurrent_kernel, training)
        y = self.activation(self.input_products(inputs, training) + products)
        return y, [y] if tree.is_nested(states) else y

    def fused_name(self, training: bool) -> str | None:
        return next((n for n in ("tanh", "relu") if self._fuses(training, n)), None)

    def run(
        self,
        name: str,
        inputs: Tensor,
        states: Sequence[Tensor | None],
        mask: Tensor | None,
        reverse: bool,
        masked_zero: bool,
        training: bool,
    ) -> list[Tensor]:
        return F.recurrent(
            cell=name,
            x=self.input_products(inputs, training),
            w=self.recurrent_kernel,
            h=states[0],
            mask=mask,
            reverse=reverse,
            masked_zero=masked_zero,
        )


@LAYERS.register
class LSTMCell(Cell):
    """One step of a long short-term memory.

    With the gates i, f, c, o of `x @ kernel + h @ recurrent_kernel + bias`:
    `c' = f c + i activation(c_gate)` and `h' = o activation(c')`, where i, f and o are under
    `recurrent_activation`. Called with `(inputs, states)`, inputs of shape `(batch, features)` and
    the states h and c of shape `(batch, units)`; returns the output h' and the list `[h', c']`.

    Args:
        units: size of the output and of the states, at least 1.
        activation: of the candidate and the output; "tanh" unless given, None for none.
        recurrent_activation: of the gates; "sigmoid" unless given.
        use_bias: whether there is a bias.
        kernel_initializer: of the kernel `(features, 4 units)`.
        recurrent_initializer: of the recurrent kernel `(units, 4 units)`.
        bias_initializer: of the bias `(4 units,)`.
        unit_forget_bias: whether the bias of the forget gate starts at 1.
        kernel_regularizer, recurrent_regularizer, bias_regularizer: penalties on the weights.
        kernel_constraint, recurrent_constraint, bias_constraint: projections after each update.
        dropout: in training, the part of the inputs that is dropped, the same one in all steps.
        recurrent_dropout: the same for the state h. Each gate then drops parts of its own.
        seed: as for `Dropout`.

    Raises:
        ValueError: `units` isn't a positive integer; a rate that isn't between 0 and 1.

    Source: Hochreiter and Schmidhuber 1997, Jozefowicz et al. 2015 (unit_forget_bias);
        `keras.layers.LSTMCell` of Keras 3.

    Example:
        >>> zeros = np.zeros((2, 4))
        >>> y, states = layers.LSTMCell(4)(np.ones((2, 3)), [zeros, zeros])
        >>> y.shape, len(states)
        ((2, 4), 2)
    """

    _gates = 4

    def __init__(
        self,
        units: int,
        activation: Identifier = "tanh",
        recurrent_activation: Identifier = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: Identifier = "glorot_uniform",
        recurrent_initializer: Identifier = "orthogonal",
        bias_initializer: Identifier = "zeros",
        unit_forget_bias: bool = True,
        kernel_regularizer: Identifier = None,
        recurrent_regularizer: Identifier = None,
        bias_regularizer: Identifier = None,
        kernel_constraint: Identifier = None,
        recurrent_constraint: Identifier = None,
        bias_constraint: Identifier = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | SeedGenerator | None = None,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**kwargs)
        self._setup(
            units,
            use_bias,
            dropout,
            recurrent_dropout,
            seed,
            {"activation": activation, "recurrent_activation": recurrent_activation},
            {
                "kernel_initializer": kernel_initializer,
                "recurrent_initializer": recurrent_initializer,
                "bias_initializer": bias_initializer,
                "kernel_regularizer": kernel_regularizer,
                "recurrent_regularizer": recurrent_regularizer,
                "bias_regularizer": bias_regularizer,
                "kernel_constraint": kernel_constraint,
                "recurrent_constraint": recurrent_constraint,
                "bias_constraint": bias_constraint,
            },
        )
        self.unit_forget_bias = check_flag(
            type(self).__name__, "unit_forget_bias", unit_forget_bias
        )

    @property
    def state_size(self) -> list[int]:
        """The sizes of the states h and c."""
        return [self.units, self.units]

    def _bias_initializer(self) -> Any:
        return self._forget_bias(self.unit_forget_bias)

    def call(
        self, inputs: Tensor, states: Sequence[Tensor], training: bool = False
    ) -> tuple[Tensor, list[Tensor]]:
        h, c = states
        z = self.input_products(inputs, training)
        return self._lstm(z + self._state_products(h, self.recurrent_kernel, training), c)

    def fused_name(self, training: bool) -> str | None:
        return "lstm" if self._fuses(training, "tanh", "sigmoid") else None

    def run(
        self,
        name: str,
        inputs: Tensor,
        states: Sequence[Tensor | None],
        mask: Tensor | None,
        reverse: bool,
        masked_zero: bool,
        training: bool,
    ) -> list[Tensor]:
        h, c = states
        return F.recurrent(
            cell=name,
            x=self.input_products(inputs, training),
            w=self.recurrent_kernel,
            h=h,
            c=c,
            mask=mask,
            reverse=reverse,
            masked_zero=masked_zero,
        )

    def get_config(self) -> Config:
        return {**super().get_config(), "unit_forget_bias": self.unit_forget_bias}


@LAYERS.register
class GRUCell(Cell):
    """One step of a gated recurrent unit.

    With the gates z and r of `x @ kernel + h @ recurrent_kernel` and their biases, under
    `recurrent_activation`: `h' = z h + (1 - z) activation(x_h + r (h @ recurrent_kernel_h))`;
    without `reset_after` the gate r multiplies h before the product.

    Called with `(inputs, states)`, inputs of shape `(batch, features)` and one state of shape
    `(batch, units)`; returns the new state, and a list of it.

    Args:
        units: size of the output and of the state, at least 1.
        activation: of the candidate; "tanh" unless given, None for none.
        recurrent_activation: of the gates; "sigmoid" unless given.
        use_bias: whether there is a bias.
        kernel_initializer: of the kernel `(features, 3 units)`.
        recurrent_initializer: of the recurrent kernel `(units, 3 units)`.
        bias_initializer: of the bias, `(2, 3 units)` with `reset_after` (for the products of the
            input and of the state), else `(3 units,)`.
        kernel_regularizer, recurrent_regularizer, bias_regularizer: penalties on the weights.
        kernel_constraint, recurrent_constraint, bias_constraint: projections after each update.
        dropout: in training, the part of the inputs that is dropped, the same one in all steps.
        recurrent_dropout: the same for the state. Each gate then drops parts of its own.
        reset_after: whether the reset gate acts after the product, as in cuDNN and PyTorch. Only
            then does the layer run whole sequences in one operation.
        seed: as for `Dropout`.

    Raises:
        ValueError: `units` isn't a positive integer; a rate that isn't between 0 and 1.

    Source: Cho et al. 2014; `keras.layers.GRUCell` of Keras 3.

    Example:
        >>> y, states = layers.GRUCell(4)(np.ones((2, 3)), [np.zeros((2, 4))])
        >>> y.shape, len(states)
        ((2, 4), 1)
    """

    _gates = 3

    def __init__(
        self,
        units: int,
        activation: Identifier = "tanh",
        recurrent_activation: Identifier = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: Identifier = "glorot_uniform",
        recurrent_initializer: Identifier = "orthogonal",
        bias_initializer: Identifier = "zeros",
        kernel_regularizer: Identifier = None,
        recurrent_regularizer: Identifier = None,
        bias_regularizer: Identifier = None,
        kernel_constraint: Identifier = None,
        recurrent_constraint: Identifier = None,
        bias_constraint: Identifier = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        reset_after: bool = True,
        seed: int | SeedGenerator | None = None,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**kwargs)
        self._setup(
            units,
            use_bias,
            dropout,
            recurrent_dropout,
            seed,
            {"activation": activation, "recurrent_activation": recurrent_activation},
            {
                "kernel_initializer": kernel_initializer,
                "recurrent_initializer": recurrent_initializer,
                "bias_initializer": bias_initializer,
                "kernel_regularizer": kernel_regularizer,
                "recurrent_regularizer": recurrent_regularizer,
                "bias_regularizer": bias_regularizer,
                "kernel_constraint": kernel_constraint,
                "recurrent_constraint": recurrent_constraint,
                "bias_constraint": bias_constraint,
            },
        )
        self.reset_after = check_flag(type(self).__name__, "reset_after", reset_after)

    def _bias_shape(self) -> tuple[int, ...]:
        shape = super()._bias_shape()
        return (2, *shape) if self.reset_after else shape

    def _input_bias(self) -> Tensor | None:
        return self.bias[0] if self.bias is not None and self.reset_after else self.bias

    def _state_bias(self) -> Tensor | None:
        return self.bias[1] if self.bias is not None and self.reset_after else None

    def call(
        self, inputs: Tensor, states: Sequence[Tensor], training: bool = False
    ) -> tuple[Tensor, Tensor | list[Tensor]]:
        h = _first_of(states)
        x_z, x_r, x_h = self._gates_of(self.input_products(inputs, training))
        gate = self.recurrent_activation
        if self.reset_after:
            products = self._state_products(h, self.recurrent_kernel, training)
            bias = self._state_bias()
            h_z, h_r, h_h = self._gates_of(products if bias is None else products + bias)
            z, r = gate(x_z + h_z), gate(x_r + h_r)
            candidate = self.activation(x_h + r * h_h)
        else:
            masks = self.get_recurrent_dropout_mask(h) if training else None
            parts = F.split(self.recurrent_kernel, sizes=[self.units] * 3, axis=1)
            seen = [h, h, h] if masks is None else [h * mask for mask in masks]
            z = gate(x_z + F.matmul(seen[0], parts[0]))
            r = gate(x_r + F.matmul(seen[1], parts[1]))
            candidate = self.activation(x_h + F.matmul(r * seen[2], parts[2]))
        h = z * h + (1.0 - z) * candidate
        return h, [h] if tree.is_nested(states) else h

    def fused_name(self, training: bool) -> str | None:
        return "gru" if self.reset_after and self._fuses(training, "tanh", "sigmoid") else None

    def run(
        self,
        name: str,
        inputs: Tensor,
        states: Sequence[Tensor | None],
        mask: Tensor | None,
        reverse: bool,
        masked_zero: bool,
        training: bool,
    ) -> list[Tensor]:
        return F.recurrent(
            cell=name,
            x=self.input_products(inputs, training),
            w=self.recurrent_kernel,
            bias=self._state_bias(),
            h=states[0],
            mask=mask,
            reverse=reverse,
            masked_zero=masked_zero,
        )

    def get_config(self) -> Config:
        return {**super().get_config(), "reset_after": self.reset_after}


@LAYERS.register
class StackedRNNCells(Layer):
    """Cells one after the other, as one cell: each takes the output of the one before.

    Args:
        cells: cells, such as `LSTMCell`.

    Raises:
        ValueError: an element of `cells` has no `call` or no `state_size`.

    Source: `keras.layers.StackedRNNCells` of Keras 3.

    Example:
        >>> cells = layers.StackedRNNCells([layers.LSTMCell(4), layers.GRUCell(3)])
        >>> layers.RNN(cells)(np.ones((2, 5, 6))).shape
        (2, 3)
    """

    _may_compute_again = False

    def __init__(self, cells: Sequence[Any], **kwargs: Unpack[LayerOptions]) -> None:
        super().__init__(**kwargs)
        if not isinstance(cells, (list, tuple)) or not cells:
            raise ValueError(
                f"StackedRNNCells: cells: expected a list of cells, got {shown(cells)}"
            )
        for cell in cells:
            check_cell("StackedRNNCells: cells", cell)
        self.cells = list(cells)

    @property
    def state_size(self) -> list[Any]:
        """The sizes of the states of each cell."""
        return [cell.state_size for cell in self.cells]

    @property
    def output_size(self) -> int:
        """The size of the output, that of the last cell."""
        return output_size_of(self.cells[-1])

    def get_initial_state(self, batch_size: int) -> list[Any]:
        """The states of each cell at the beginning."""
        return [initial_state_of(cell, batch_size) for cell in self.cells]

    def build(self, input_shape: Shape) -> None:
        for cell in self.cells:
            if isinstance(cell, Layer) and not cell.built:
                cell.build(input_shape)
                cell.built = True
            input_shape = (input_shape[0], output_size_of(cell))

    def call(
        self, inputs: Tensor, states: Sequence[Any], training: bool = False
    ) -> tuple[Tensor, list[Any]]:
        after = []
        for cell, state in zip(self.cells, states, strict=True):
            nested = tree.is_nested(state)
            inputs, new = step_of(cell, inputs, list(state) if nested else [state], training)
            after.append(new if nested or len(new) > 1 else new[0])
        return inputs, after

    def reset_dropout_mask(self) -> None:
        """Lets the next step draw the masks of inputs anew."""
        for cell in self.cells:
            if hasattr(cell, "reset_dropout_mask"):
                cell.reset_dropout_mask()

    def reset_recurrent_dropout_mask(self) -> None:
        """Lets the next step draw the masks of states anew."""
        for cell in self.cells:
            if hasattr(cell, "reset_recurrent_dropout_mask"):
                cell.reset_recurrent_dropout_mask()

    def get_config(self) -> Config:
        cells = [LAYERS.serialize(cell) for cell in self.cells]
        return {**super().get_config(), "cells": cells}

    @classmethod
    def from_config(cls, config: Config) -> Self:
        return cls(**{**config, "cells": [LAYERS.get(cell) for cell in config["cells"]]})


_KEEPS_STEPS = frozenset("__init__ build get_config from_config __module__ __doc__".split())


def _changes_steps(kind: type) -> bool:
    """Whether a class of the user defines methods that may change what a step of a cell does."""
    if kind is object or kind.__module__.startswith("fastdl."):
        return False
    defined = {name for name, value in vars(kind).items() if callable(value)}
    return bool(defined - _KEEPS_STEPS) or any(map(_changes_steps, kind.__bases__))


# --- what a layer asks of any cell


def own_cell(layer: Layer, kind: type[Cell], *args: Any, **kwargs: Any) -> Any:
    """A cell for a layer, whose name errors have instead of the cell's."""
    try:
        return kind(*args, **kwargs)
    except (TypeError, ValueError) as error:
        text = str(error).replace(f"{kind.__name__}:", f"{type(layer).__name__}:", 1)
        raise type(error)(text) from None


def _first_of(states: Tensor | Sequence[Tensor]) -> Tensor:
    """The only state of a cell, which may come without a list; it then leaves so, too."""
    return states if isinstance(states, Tensor) else states[0]


def check_cell(who: str, cell: Any) -> None:
    """ValueError unless an object has what a cell needs."""
    for name in ("call", "state_size"):
        if not hasattr(cell, name):
            raise ValueError(
                f"{who}: expected cells with `call` and `state_size`, got {shown(cell)}"
            )


def output_size_of(cell: Any) -> int:
    """The size of a cell's output: that of its first state, if the cell does not say it."""
    size = getattr(cell, "output_size", None)
    return next(iter(tree.leaves(cell.state_size))) if size is None else size


def initial_state_of(cell: Any, batch_size: int) -> Any:
    """The states of a cell at the beginning: zeros, if the cell does not make them."""
    if hasattr(cell, "get_initial_state"):
        return cell.get_initial_state(batch_size=batch_size)
    return tree.map_structure(
        lambda size: _core.full((batch_size, size), "float32", 0.0), cell.state_size
    )


def step_of(
    cell: Any, inputs: Tensor, states: list[Any], training: bool
) -> tuple[Tensor, list[Any]]:
    """A cell's output of a step, and its list of new states."""
    kwargs = {}
    if isinstance(cell, Layer) and signature_of(cell, "call").training:
        kwargs["training"] = training
    output, after = (cell if callable(cell) else cell.call)(inputs, states, **kwargs)
    return output, list(after) if tree.is_nested(after) else [after]
