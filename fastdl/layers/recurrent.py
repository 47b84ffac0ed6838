"""Recurrent layers: RNN over any cell, SimpleRNN, LSTM and GRU.

The file is long because three constructors spell all their arguments, for help() and editors.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from .. import _core
from .._base import functional as F
from .._base import tree
from .._base.checks import check_flag, check_integer, shown
from .._base.decoding import decoding
from .._base.moving import flipped
from .._base.registry import LAYERS
from .._graph.calls import in_trial
from .input_spec import InputSpec
from .layer import Layer
from .recurrent_cells import (
    Cell,
    GRUCell,
    LSTMCell,
    SimpleRNNCell,
    StackedRNNCells,
    check_cell,
    initial_state_of,
    output_size_of,
    own_cell,
    step_of,
)

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack

    from .._base.registry import Identifier
    from .._base.types import Config, Shape
    from .._core import Tensor
    from ..random import SeedGenerator
    from .options import LayerOptions, PlainOptions


@LAYERS.register
class RNN(Layer):
    """Runs a cell over the steps of sequences, `(batch, steps, ...)`.

    Called with `(sequences, initial_state=None, mask=None, training=False)`. The mask, `(batch,
    steps)` of bool, says which steps count. At the others the states stay as they are, and the
    output is that of the step before, or 0 with `zero_output_for_mask`. Before the first step that
    counts, it is the first state of a cell of the library, and 0 for other cells.

    Args:
        cell: a cell such as `LSTMCell`, a list of cells, or an object with `call(inputs, states)`,
            which returns the output and the new states, and `state_size`, a size or a list of them.
            `output_size`, `get_initial_state(batch_size)` and a `training` argument are optional.
        return_sequences: whether to return the outputs of all steps, `(batch, steps, units)`,
            instead of the last one, `(batch, units)`.
        return_state: whether to return the last states too: `(output, *states)`.
        go_backwards: whether to go from the last step to the first. Outputs come in that order.
        stateful: whether each call starts with the last states of the one before. `reset_state`
            sets them to 0; all batches must have the size of the first.
        unroll: accepted, without an effect: recorded steps are unrolled anyway.
        zero_output_for_mask: whether outputs are 0 where the mask is False.

    Raises:
        ValueError: `cell` isn't one; a sequence without steps; a stateful layer called with a batch
            of another size, or built without a known size.

    Source: `keras.layers.RNN` of Keras 3.

    Example:
        >>> class Sum:
        ...     state_size = 3
        ...     def call(self, inputs, states):
        ...         return inputs + states[0], [inputs + states[0]]
        >>> layers.RNN(Sum())(np.ones((1, 4, 3))).tolist()
        [[4.0, 4.0, 4.0]]
    """

    _cell_class: ClassVar[type[Cell] | None] = None
    _keeps_order = False  # outputs are in the order of the inputs, for Bidirectional

    def __init__(
        self,
        cell: Any,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        zero_output_for_mask: bool = False,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**kwargs)
        who = type(self).__name__
        for each in cell if isinstance(cell, (list, tuple)) and cell else (cell,):
            check_cell(f"{who}: cell", each)
        if isinstance(cell, (list, tuple)):
            cell = StackedRNNCells(cell)
        self.cell = cell
        self.return_sequences = check_flag(who, "return_sequences", return_sequences)
        self.return_state = check_flag(who, "return_state", return_state)
        self.go_backwards = check_flag(who, "go_backwards", go_backwards)
        self.stateful = check_flag(who, "stateful", stateful)
        self.unroll = check_flag(who, "unroll", unroll)
        self.zero_output_for_mask = check_flag(who, "zero_output_for_mask", zero_output_for_mask)
        # Not among the weights, as in Keras.
        self.__dict__["states"] = None

    @property
    def state_size(self) -> list[Any]:
        """The sizes of the cell's states."""
        size = self.cell.state_size
        return list(size) if isinstance(size, (list, tuple)) else [size]

    # --- states

    def build(self, sequences_shape: Shape, initial_state_shape: Any = None) -> None:
        cell = self.cell
        if isinstance(cell, Layer) and not cell.built:
            cell.build((sequences_shape[0], *sequences_shape[2:]))
            cell.built = True
        if self.stateful and self.states is None:
            if sequences_shape[0] is None:
                raise ValueError(
                    "a stateful layer must know the size of its batches: give the model's input a "
                    f"batch_shape. Its input has shape {tuple(sequences_shape)}"
                )
            # A replay would have to look into lists, each time.
            self.__dict__["states"] = _as_tuples(self.get_initial_state(sequences_shape[0]))

    def get_initial_state(self, batch_size: int) -> list[Any]:
        """The states at the beginning, of zeros unless the cell says otherwise."""
        states = initial_state_of(self.cell, batch_size)
        return list(states) if tree.is_nested(states) else [states]

    def reset_state(self) -> None:
        """Sets the states of a stateful layer to 0."""
        for state in tree.leaves(self.states) if self.states is not None else ():
            F.assign_(state, 0.0)

    def reset_states(self) -> None:
        """The same as `reset_state`."""
        self.reset_state()

    def _states_for(self, sequences: Tensor, initial_state: Any) -> list[Any] | None:
        """The states to begin with; None for zeros."""
        if self.stateful:
            size = next(iter(tree.leaves(self.states))).shape[0]
            if sequences.shape[0] != size:
                raise ValueError(
                    f"the states of this stateful layer are those of {size} samples, but the batch "
                    f"has {sequences.shape[0]}; all batches must have the same size"
                )
        if initial_state is None:
            if self.stateful:
                # The call writes into the states at its end, and the gradient needs those of the
                # beginning.
                copied = _core.grad_enabled()
                return _as_lists(tree.map_structure(_copy, self.states) if copied else self.states)
            own = type(self).get_initial_state is RNN.get_initial_state
            return None if own else self.get_initial_state(sequences.shape[0])
        states = list(initial_state) if tree.is_nested(initial_state) else [initial_state]
        if len(states) != len(self.state_size):
            raise ValueError(
                f"initial_state: expected {len(self.state_size)} states, got {len(states)}"
            )
        return states

    # --- calling

    def call(
        self,
        sequences: Tensor,
        initial_state: Any = None,
        mask: Any = None,
        training: bool = False,
    ) -> Any:
        if getattr(self, "use_cudnn", None) is True:
            raise ValueError("use_cudnn: expected 'auto' or False, since there is no cuDNN here")
        mask = next(iter(tree.leaves(mask))) if tree.is_nested(mask) else mask
        if mask is not None and tuple(mask.shape) != tuple(sequences.shape[:2]):
            raise ValueError(
                f"mask: expected shape {tuple(sequences.shape[:2])}, one value for each step, got "
                f"{tuple(mask.shape)}"
            )
        memory = decoding() if initial_state is None and not self.go_backwards else None
        if memory is not None:
            initial_state = memory.states(
                self, lambda: list(tree.leaves(self.get_initial_state(sequences.shape[0])))
            )
            initial_state = tree.pack(self.state_size, initial_state)
        states = self._states_for(sequences, initial_state)
        try:
            fused = self.cell.fused_name(training) if isinstance(self.cell, Cell) else None
            if fused is not None:
                output, after = self._run_fused(fused, sequences, states, mask, training)
            else:
                output, after = self._run_steps(sequences, states, mask, training)
        finally:
            for what in ("reset_dropout_mask", "reset_recurrent_dropout_mask"):
                getattr(self.cell, what, lambda: None)()
        kept = states if memory is not None else self.states if self.stateful else None
        if kept is not None and not in_trial():
            for state, new in zip(tree.leaves(kept), tree.leaves(after), strict=True):
                F.assign_(state, new.detach())
        return (output, *after) if self.return_state else output

    def _run_fused(
        self, name: str, x: Tensor, states: list[Any] | None, mask: Tensor | None, training: bool
    ) -> tuple[Tensor, list[Tensor]]:
        begin = [None] * len(self.state_size) if states is None else states
        reverse, zero = self.go_backwards, self.zero_output_for_mask
        y, *after = self.cell.run(name, x, begin, mask, reverse, zero, training)
        if self.return_sequences:
            return flipped(y, 1, "RNN") if reverse and not self._keeps_order else y, after
        # The last state is the last output, unless that is set to 0.
        if mask is None or not zero or x.shape[1] == 0:
            return after[0], after
        return y[:, 0] if reverse else y[:, -1], after

    def _run_steps(
        self, x: Tensor, states: list[Any] | None, mask: Tensor | None, training: bool
    ) -> tuple[Tensor, list[Any]]:
        length = x.shape[1]
        if length == 0:
            raise ValueError(f"sequences: expected at least one step, got shape {tuple(x.shape)}")
        now = self.get_initial_state(x.shape[0]) if states is None else states
        inputs = _along_steps(x)
        counts = None if mask is None else _along_steps(F.cast(mask, dtype="bool"))
        outputs: list[Any] = [None] * length
        before = None
        order = range(length - 1, -1, -1) if self.go_backwards else range(length)
        for t in order:
            y, after = step_of(self.cell, inputs[t], now, training)
            if counts is not None:
                if before is None:
                    first = None if self.zero_output_for_mask else _output_in(self.cell, now)
                    before = _core.full(y.shape, "float32", 0.0) if first is None else first
                y = _where(counts[t], y, before)
                before = before if self.zero_output_for_mask else y
                both = zip(tree.leaves(after), tree.leaves(now), strict=True)
                after = tree.pack(now, [_where(counts[t], new, old) for new, old in both])
            outputs[t] = y
            now = after
        if not self.return_sequences:
            return outputs[order[-1]], now
        if self.go_backwards and not self._keeps_order:
            outputs.reverse()
        return F.stack(outputs, axis=1), now

    # --- shapes and masks

    def compute_output_shape(self, sequences_shape: Shape, initial_state_shape: Any = None) -> Any:
        batch, length = sequences_shape[:2]
        output: Shape = (batch, output_size_of(self.cell))
        if self.return_sequences:
            output = (batch, length, *output[1:])
        if not self.return_state:
            return output
        return (output, *tree.map_structure(lambda size: (batch, size), self.state_size))

    def compute_mask(self, inputs: Any, mask: Any) -> Any:
        """The mask of the outputs: that of the inputs for sequences, none for states."""
        mask = next(iter(tree.leaves(mask))) if tree.is_nested(mask) else mask
        output = mask if self.return_sequences else None
        return [output, *(None for _ in self.state_size)] if self.return_state else output

    def get_config(self) -> Config:
        config = {
            **super().get_config(),
            "return_sequences": self.return_sequences,
            "return_state": self.return_state,
            "go_backwards": self.go_backwards,
            "stateful": self.stateful,
            "unroll": self.unroll,
            "zero_output_for_mask": self.zero_output_for_mask,
        }
        if self._cell_class is None:
            config["cell"] = LAYERS.serialize(self.cell)
            return config
        base = Layer.get_config(self.cell)
        return {**config, **{k: v for k, v in self.cell.get_config().items() if k not in base}}

    @classmethod
    def from_config(cls, config: Config) -> Self:
        config = {k: v for k, v in config.items() if k not in ("implementation", "time_major")}
        if "cell" in config:
            config["cell"] = LAYERS.get(config["cell"])
        return cls(**config)


def _as_tuples(states: Any) -> Any:
    return tuple(map(_as_tuples, states)) if isinstance(states, list) else states


def _as_lists(states: Any) -> Any:
    """Undoes `_as_tuples`: cells get lists."""
    return [_as_lists(state) for state in states] if type(states) is tuple else states


def _copy(x: Tensor) -> Tensor:
    return F.copy(x)


def _along_steps(x: Tensor) -> list[Tensor]:
    """The parts of each step, without the axis of steps."""
    parts = F.split(x, sizes=[1] * x.shape[1], axis=1)
    return [F.reshape(part, shape=(x.shape[0], *x.shape[2:])) for part in parts]


def _output_in(cell: Any, states: Any) -> Tensor | None:
    """The output that led to these states; None where only the author of the cell knows."""
    if isinstance(cell, StackedRNNCells):
        return _output_in(cell.cells[-1], states[-1])
    return next(iter(tree.leaves(states))) if isinstance(cell, Cell) else None


def _where(counts: Tensor, new: Tensor, old: Tensor) -> Tensor:
    """`new` for the samples that count, `old` for the others."""
    return F.where(F.reshape(counts, shape=(-1, *(1,) * (new.ndim - 1))), new, old)


class _OfCell:
    """An attribute that a layer takes from its cell."""

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, layer: Any, owner: type) -> Any:
        return self if layer is None else getattr(layer.cell, self._name)


class _Standard(RNN):
    """A layer over a cell of its own."""

    units = _OfCell()
    use_bias = _OfCell()
    activation = _OfCell()
    kernel_initializer = _OfCell()
    recurrent_initializer = _OfCell()
    bias_initializer = _OfCell()
    kernel_regularizer = _OfCell()
    recurrent_regularizer = _OfCell()
    bias_regularizer = _OfCell()
    kernel_constraint = _OfCell()
    recurrent_constraint = _OfCell()
    bias_constraint = _OfCell()
    dropout = _OfCell()
    recurrent_dropout = _OfCell()

    def _check_cudnn(self, use_cudnn: bool | str) -> None:
        if not isinstance(use_cudnn, (bool, str)) or use_cudnn not in ("auto", True, False):
            raise ValueError(
                f"{type(self).__name__}: use_cudnn: expected 'auto', True or False, got "
                f"{shown(use_cudnn)}"
            )
        self.use_cudnn = use_cudnn


def _drop_implementation(who: str, options: Any) -> None:
    """Takes an option of older Keras out, which says how a step multiplies."""
    check_integer(who, "implementation", options.pop("implementation", 2), 0, 2)


def _shared(options: PlainOptions) -> dict[str, Any]:
    """The options of a layer that its cell has too."""
    return {key: options[key] for key in ("dtype", "trainable") if key in options}


@LAYERS.register
class SimpleRNN(_Standard):
    """A recurrent layer: `h = activation(x @ kernel + h @ recurrent_kernel + bias)` in each step.

    Takes sequences `(batch, steps, features)` and returns the last output, `(batch, units)`, or
    all. Called as `RNN` is. With the activations "tanh" and "relu" one operation runs all steps.

    Args:
        units: size of the output and of the state, at least 1.
        activation: name, function or layer; "tanh" unless given, None for none.
        use_bias: whether there is a bias.
        kernel_initializer: of the kernel `(features, units)`.
        recurrent_initializer: of the recurrent kernel `(units, units)`.
        bias_initializer: of the bias `(units,)`.
        kernel_regularizer, recurrent_regularizer, bias_regularizer: penalties on the weights.
        activity_regularizer: penalty on the output.
        kernel_constraint, recurrent_constraint, bias_constraint: projections after each update.
        dropout: in training, the part of the inputs that is dropped, the same one in all steps.
        recurrent_dropout: the same for the state. The layer then runs step by step, which takes
            several times as long.
        return_sequences, return_state, go_backwards, stateful, unroll: as for `RNN`.
        seed: as for `Dropout`.

    Raises:
        ValueError: `units` isn't a positive integer; a rate that isn't between 0 and 1; what `RNN`
            raises.

    Source: `keras.layers.SimpleRNN` of Keras 3.

    Example:
        >>> layers.SimpleRNN(4)(np.ones((2, 5, 3))).shape
        (2, 4)
    """

    _cell_class = SimpleRNNCell

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
        activity_regularizer: Identifier = None,
        kernel_constraint: Identifier = None,
        recurrent_constraint: Identifier = None,
        bias_constraint: Identifier = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        seed: int | SeedGenerator | None = None,
        **kwargs: Unpack[PlainOptions],
    ) -> None:
        cell = own_cell(
            self,
            SimpleRNNCell,
            units,
            activation=activation,
            use_bias=use_bias,
            kernel_initializer=kernel_initializer,
            recurrent_initializer=recurrent_initializer,
            bias_initializer=bias_initializer,
            kernel_regularizer=kernel_regularizer,
            recurrent_regularizer=recurrent_regularizer,
            bias_regularizer=bias_regularizer,
            kernel_constraint=kernel_constraint,
            recurrent_constraint=recurrent_constraint,
            bias_constraint=bias_constraint,
            dropout=dropout,
            recurrent_dropout=recurrent_dropout,
            seed=seed,
            name="simple_rnn_cell",
            **_shared(kwargs),
        )
        super().__init__(
            cell,
            return_sequences=return_sequences,
            return_state=return_state,
            go_backwards=go_backwards,
            stateful=stateful,
            unroll=unroll,
            activity_regularizer=activity_regularizer,
            **kwargs,
        )
        self.input_spec = InputSpec(ndim=3)


@LAYERS.register
class LSTM(_Standard):
    """A long short-term memory over sequences `(batch, steps, features)`.

    Returns the last output, `(batch, units)`, or all of them; the states are h and c. Called as
    `RNN` is; `LSTMCell` says what a step computes. One operation runs all steps, unless activations
    other than the defaults or `recurrent_dropout` are used.

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
        activity_regularizer: penalty on the output.
        kernel_constraint, recurrent_constraint, bias_constraint: projections after each update.
        dropout: in training, the part of the inputs that is dropped, the same one in all steps.
        recurrent_dropout: the same for the state. The layer then runs step by step, which takes
            several times as long.
        seed: as for `Dropout`.
        return_sequences, return_state, go_backwards, stateful, unroll: as for `RNN`.
        use_cudnn: "auto" or False, without an effect. With True calls are errors: there is no
            cuDNN.
        implementation: 0, 1 or 2 as in older Keras, without an effect; only by keyword.

    Raises:
        ValueError: `units` isn't a positive integer; a rate that isn't between 0 and 1; what `RNN`
            raises.

    Source: Hochreiter and Schmidhuber 1997; `keras.layers.LSTM` of Keras 3.

    Example:
        >>> layer = layers.LSTM(4, return_sequences=True, return_state=True)
        >>> y, h, c = layer(np.ones((2, 5, 3)))
        >>> y.shape, h.shape, c.shape
        ((2, 5, 4), (2, 4), (2, 4))
    """

    _cell_class = LSTMCell
    recurrent_activation = _OfCell()
    unit_forget_bias = _OfCell()

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
        activity_regularizer: Identifier = None,
        kernel_constraint: Identifier = None,
        recurrent_constraint: Identifier = None,
        bias_constraint: Identifier = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | SeedGenerator | None = None,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        use_cudnn: bool | str = "auto",
        **kwargs: Unpack[PlainOptions],
    ) -> None:
        _drop_implementation("LSTM", kwargs)
        cell = own_cell(
            self,
            LSTMCell,
            units,
            activation=activation,
            recurrent_activation=recurrent_activation,
            use_bias=use_bias,
            kernel_initializer=kernel_initializer,
            recurrent_initializer=recurrent_initializer,
            bias_initializer=bias_initializer,
            unit_forget_bias=unit_forget_bias,
            kernel_regularizer=kernel_regularizer,
            recurrent_regularizer=recurrent_regularizer,
            bias_regularizer=bias_regularizer,
            kernel_constraint=kernel_constraint,
            recurrent_constraint=recurrent_constraint,
            bias_constraint=bias_constraint,
            dropout=dropout,
            recurrent_dropout=recurrent_dropout,
            seed=seed,
            name="lstm_cell",
            **_shared(kwargs),
        )
        super().__init__(
            cell,
            return_sequences=return_sequences,
            return_state=return_state,
            go_backwards=go_backwards,
            stateful=stateful,
            unroll=unroll,
            activity_regularizer=activity_regularizer,
            **kwargs,
        )
        self.input_spec = InputSpec(ndim=3)
        self._check_cudnn(use_cudnn)


@LAYERS.register
class GRU(_Standard):
    """A gated recurrent unit over sequences `(batch, steps, features)`.

    Returns the last output, `(batch, units)`, or all of them. Called as `RNN` is; `GRUCell` says
    what a step computes. One operation runs all steps, unless activations other than the defaults,
    `recurrent_dropout` or `reset_after=False` are used.

    Args:
        units: size of the output and of the state, at least 1.
        activation: of the candidate; "tanh" unless given, None for none.
        recurrent_activation: of the gates; "sigmoid" unless given.
        use_bias: whether there is a bias.
        kernel_initializer: of the kernel `(features, 3 units)`.
        recurrent_initializer: of the recurrent kernel `(units, 3 units)`.
        bias_initializer: of the bias, `(2, 3 units)` with `reset_after`, else `(3 units,)`.
        kernel_regularizer, recurrent_regularizer, bias_regularizer: penalties on the weights.
        activity_regularizer: penalty on the output.
        kernel_constraint, recurrent_constraint, bias_constraint: projections after each update.
        dropout: in training, the part of the inputs that is dropped, the same one in all steps.
        recurrent_dropout: the same for the state. The layer then runs step by step, which takes
            several times as long.
        seed: as for `Dropout`.
        return_sequences, return_state, go_backwards, stateful, unroll: as for `RNN`.
        reset_after: whether the reset gate acts after the product, as in cuDNN and PyTorch.
        use_cudnn: "auto" or False, without an effect. With True calls are errors: there is no
            cuDNN.
        implementation: 0, 1 or 2 as in older Keras, without an effect; only by keyword.

    Raises:
        ValueError: `units` isn't a positive integer; a rate that isn't between 0 and 1; what `RNN`
            raises.

    Source: Cho et al. 2014; `keras.layers.GRU` of Keras 3.

    Example:
        >>> layers.GRU(4)(np.ones((2, 5, 3))).shape
        (2, 4)
    """

    _cell_class = GRUCell
    recurrent_activation = _OfCell()
    reset_after = _OfCell()

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
        activity_regularizer: Identifier = None,
        kernel_constraint: Identifier = None,
        recurrent_constraint: Identifier = None,
        bias_constraint: Identifier = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | SeedGenerator | None = None,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        reset_after: bool = True,
        use_cudnn: bool | str = "auto",
        **kwargs: Unpack[PlainOptions],
    ) -> None:
        _drop_implementation("GRU", kwargs)
        cell = own_cell(
            self,
            GRUCell,
            units,
            activation=activation,
            recurrent_activation=recurrent_activation,
            use_bias=use_bias,
            kernel_initializer=kernel_initializer,
            recurrent_initializer=recurrent_initializer,
            bias_initializer=bias_initializer,
            kernel_regularizer=kernel_regularizer,
            recurrent_regularizer=recurrent_regularizer,
            bias_regularizer=bias_regularizer,
            kernel_constraint=kernel_constraint,
            recurrent_constraint=recurrent_constraint,
            bias_constraint=bias_constraint,
            dropout=dropout,
            recurrent_dropout=recurrent_dropout,
            seed=seed,
            reset_after=reset_after,
            name="gru_cell",
            **_shared(kwargs),
        )
        super().__init__(
            cell,
            return_sequences=return_sequences,
            return_state=return_state,
            go_backwards=go_backwards,
            stateful=stateful,
            unroll=unroll,
            activity_regularizer=activity_regularizer,
            **kwargs,
        )
        self.input_spec = InputSpec(ndim=3)
        self._check_cudnn(use_cudnn)
