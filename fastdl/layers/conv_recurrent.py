"""Recurrent layers whose products are convolutions: ConvLSTM1D, ConvLSTM2D, ConvLSTM3D.

The file is long because three constructors spell all their arguments, for help() and editors.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from .. import _core
from .._base import convolutions, images
from .._base import functional as F
from .._base.checks import check_choice, check_flag, check_integer
from .._base.registry import LAYERS
from .input_spec import InputSpec
from .recurrent import RNN, _OfCell, _shared
from .recurrent_cells import Cell, own_cell

if TYPE_CHECKING:
    from collections.abc import Sequence

    from typing_extensions import Unpack

    from .._base.registry import Identifier
    from .._base.types import Config, Shape
    from .._core import Tensor
    from ..random import SeedGenerator
    from .options import PlainOptions

    Size = int | Sequence[int]


class ConvLSTMCell(Cell):
    """One step of a ConvLSTM, channels last: an LSTM whose products are convolutions."""

    _gates = 4

    def __init__(
        self,
        rank: int,
        filters: int,
        geometry: dict[str, Any],
        unit_forget_bias: bool,
        use_bias: bool,
        rates: tuple[float, float],
        seed: int | SeedGenerator | None,
        functions: dict[str, Identifier],
        settings: dict[str, Identifier],
        **kwargs: Any,
    ) -> None:
        super().__init__(name="conv_lstm_cell", **kwargs)
        who = type(self).__name__
        self.rank = rank
        self.filters = check_integer(who, "filters", filters, 1)
        for name in ("kernel_size", "strides", "dilation_rate"):
            setattr(self, name, images.check_sizes(who, name, geometry[name], rank))
        if max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise ValueError(
                f"{who}: strides, dilation_rate: only one of them can be above 1, got "
                f"{self.strides} and {self.dilation_rate}"
            )
        padding = geometry["padding"]
        padding = padding.lower() if isinstance(padding, str) else padding
        self.padding = check_choice(who, "padding", padding, ("valid", "same"))
        self._setup(filters, use_bias, *rates, seed, functions, settings)
        self.unit_forget_bias = check_flag(who, "unit_forget_bias", unit_forget_bias)
        self._places: tuple[int, ...] = ()  # of the states

    kernel_size: tuple[int, ...]
    strides: tuple[int, ...]
    dilation_rate: tuple[int, ...]

    @property
    def state_size(self) -> list[int]:
        """The channels of the states h and c."""
        return [self.filters, self.filters]

    def places_of(self, places: Sequence[int | None]) -> tuple[int | None, ...]:
        """The spatial sizes of the states for those of the inputs."""
        found: list[int | None] = []
        for size, kernel, stride, dilation in zip(
            places, self.kernel_size, self.strides, self.dilation_rate, strict=True
        ):
            if size is None:
                found.append(None)
                continue
            reached = convolutions.reach(kernel, dilation)
            out = -(-(size if self.padding == "same" else size - reached + 1) // stride)
            if out < 1:
                raise ValueError(
                    f"a kernel of {reached} places does not fit into {size} of the places "
                    f"{tuple(places)}; use a smaller kernel or padding='same'"
                )
            found.append(out)
        return tuple(found)

    def build(self, input_shape: Shape) -> None:
        *places, channels = input_shape[1:]
        if channels is None or None in places:
            raise ValueError(
                f"the places and channels of the input must be known, got shape {input_shape}"
            )
        self._places = tuple(p for p in self.places_of(places) if p is not None)
        columns = self._gates * self.filters
        self.kernel = self._add("kernel", (*self.kernel_size, channels, columns))
        self.recurrent_kernel = self._add("recurrent", (*self.kernel_size, self.filters, columns))
        if self.use_bias:
            self.bias = self._add("bias", (columns,), self._forget_bias(self.unit_forget_bias))

    def get_initial_state(self, batch_size: int) -> list[Tensor]:
        shape = (batch_size, *self._places, self.filters)
        return [_core.full(shape, "float32", 0.0) for _ in range(2)]

    def _mask_count(self) -> int:
        return self._gates

    def _mask_shape(self, x: Tensor) -> tuple[int, ...]:
        return x.shape

    def _multiplied(
        self, x: Tensor, matrix: Tensor, bias: Tensor | None, masks: list[Tensor] | None
    ) -> Tensor:
        inputs = matrix is self.kernel
        ones = (1,) * self.rank
        geometry = (
            (self.strides, self.padding, self.dilation_rate) if inputs else (ones, "same", ones)
        )
        precision = self._dtype_policy._precision

        def convolved(x: Tensor, kernel: Tensor) -> Tensor:
            return convolutions.convolved(x, kernel, *geometry, precision=precision)

        if masks is None:
            y = convolved(x, matrix)
        else:
            kernels = F.split(matrix, sizes=[self.filters] * self._gates, axis=-1)
            pairs = zip(masks, kernels, strict=True)
            y = F.concat([convolved(x * mask, kernel) for mask, kernel in pairs], axis=-1)
        return y if bias is None else y + bias

    def call(
        self, inputs: Tensor, states: Sequence[Tensor], training: bool = False
    ) -> tuple[Tensor, list[Tensor]]:
        h, c = states
        z = self.input_products(inputs, training)
        z = z + self._state_products(h, self.recurrent_kernel, training)
        return self._lstm(z, c)

    def fused_name(self, training: bool) -> str | None:
        return None


class ConvLSTM(RNN):
    """Base of the layers, which say the number of spatial axes."""

    _rank: ClassVar[int]
    _cell_class = ConvLSTMCell
    filters = _OfCell()
    kernel_size = _OfCell()
    strides = _OfCell()
    padding = _OfCell()
    dilation_rate = _OfCell()
    activation = _OfCell()
    recurrent_activation = _OfCell()
    use_bias = _OfCell()
    kernel_initializer = _OfCell()
    recurrent_initializer = _OfCell()
    bias_initializer = _OfCell()
    kernel_regularizer = _OfCell()
    recurrent_regularizer = _OfCell()
    bias_regularizer = _OfCell()
    kernel_constraint = _OfCell()
    recurrent_constraint = _OfCell()
    bias_constraint = _OfCell()
    unit_forget_bias = _OfCell()
    dropout = _OfCell()
    recurrent_dropout = _OfCell()

    def _setup(
        self,
        filters: int,
        geometry: dict[str, Any],
        data_format: str | None,
        unit_forget_bias: bool,
        use_bias: bool,
        rates: tuple[float, float],
        seed: int | SeedGenerator | None,
        functions: dict[str, Identifier],
        settings: dict[str, Identifier],
        flags: dict[str, bool],
        options: PlainOptions,
        activity_regularizer: Identifier,
    ) -> None:
        cell = own_cell(
            self,
            ConvLSTMCell,
            self._rank,
            filters,
            geometry,
            unit_forget_bias,
            use_bias,
            rates,
            seed,
            functions,
            settings,
            **_shared(options),
        )
        super().__init__(cell, activity_regularizer=activity_regularizer, **flags, **options)
        self.data_format = images.check_format(type(self).__name__, data_format)
        self.input_spec = InputSpec(ndim=self._rank + 3)

    @property
    def _first(self) -> bool:
        return self.data_format == "channels_first"

    def _channels_last(self, shape: Shape) -> Shape:
        """The shape of a sequence, (batch, steps, ...), with channels last."""
        return (*shape[:2], *shape[3:], shape[2]) if self._first else tuple(shape)

    def build(self, sequences_shape: Shape, initial_state_shape: Any = None) -> None:
        super().build(self._channels_last(sequences_shape))

    def call(
        self,
        sequences: Tensor,
        initial_state: Any = None,
        mask: Any = None,
        training: bool = False,
    ) -> Any:
        if not self._first:
            return super().call(sequences, initial_state, mask, training)
        if initial_state is not None:
            initial_state = [_moved(state, 1, -1) for state in initial_state]
        found = super().call(_moved(sequences, 2, -1), initial_state, mask, training)
        output, *states = found if self.return_state else (found,)
        output = _moved(output, -1, 2 if self.return_sequences else 1)
        states = [_moved(state, -1, 1) for state in states]
        return (output, *states) if self.return_state else output

    def compute_output_shape(self, sequences_shape: Shape, initial_state_shape: Any = None) -> Any:
        batch, steps, *places, _ = self._channels_last(sequences_shape)
        found = self.cell.places_of(places)
        step = (self.cell.filters, *found) if self._first else (*found, self.cell.filters)
        output = (batch, steps, *step) if self.return_sequences else (batch, *step)
        return (output, (batch, *step), (batch, *step)) if self.return_state else output

    def get_config(self) -> Config:
        config = super().get_config()
        config.pop("units", None)
        cell = self.cell
        return {
            **config,
            "filters": cell.filters,
            "kernel_size": cell.kernel_size,
            "strides": cell.strides,
            "padding": cell.padding,
            "data_format": self.data_format,
            "dilation_rate": cell.dilation_rate,
            "unit_forget_bias": cell.unit_forget_bias,
        }


def _moved(x: Tensor, source: int, destination: int) -> Tensor:
    axes = list(range(x.ndim))
    axes.insert(destination % x.ndim, axes.pop(source))
    return F.transpose(x, perm=axes)


@LAYERS.register
class ConvLSTM1D(ConvLSTM):
    """A long short-term memory whose products are convolutions over 1 spatial axis.

    Takes sequences `(batch, steps, places, channels)` and returns the last output, or all of them,
    with `filters` channels. Called as `RNN` is.

    Args:
        filters: channels of the output and of the states, at least 1.
        kernel_size: places of the kernel.
        strides: of the convolution of the inputs; the one of the state has 1 and padding "same".
        padding: "valid" or "same".
        data_format: "channels_last" or "channels_first"; that of the configuration unless given.
        dilation_rate: distances between the places of the kernel; above 1 only if strides are 1.
        activation: of the candidate and the output; "tanh" unless given, None for none.
        recurrent_activation: of the gates; "sigmoid" unless given.
        use_bias: whether there is a bias.
        kernel_initializer: of the kernel `(*kernel_size, channels, 4 filters)`.
        recurrent_initializer: of the recurrent kernel `(*kernel_size, filters, 4 filters)`.
        bias_initializer: of the bias `(4 filters,)`.
        unit_forget_bias: whether the bias of the forget gate starts at 1.
        kernel_regularizer, recurrent_regularizer, bias_regularizer: penalties on the weights.
        activity_regularizer: penalty on the output.
        kernel_constraint, recurrent_constraint, bias_constraint: projections after each update.
        dropout, recurrent_dropout: in training, the part of the inputs and of the state that is
            dropped, the same one in all steps; each gate drops parts of its own.
        seed: as for `Dropout`.
        return_sequences, return_state, go_backwards, stateful: as for `RNN`.

    Raises:
        ValueError: sizes below 1, a kernel larger than the input with padding "valid", an input of
            another rank or of unknown places, strides with a dilation; what `RNN` raises.

    Source: Shi et al. 2015; `keras.layers.ConvLSTM1D` of Keras 3.

    Example:
        >>> layers.ConvLSTM1D(4, 3)(np.ones((1, 3, 8, 2))).shape
        (1, 6, 4)
    """

    _rank = 1

    def __init__(
        self,
        filters: int,
        kernel_size: Size,
        strides: Size = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Size = 1,
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
        **kwargs: Unpack[PlainOptions],
    ) -> None:
        settings = {
            "kernel_initializer": kernel_initializer,
            "recurrent_initializer": recurrent_initializer,
            "bias_initializer": bias_initializer,
            "kernel_regularizer": kernel_regularizer,
            "recurrent_regularizer": recurrent_regularizer,
            "bias_regularizer": bias_regularizer,
            "kernel_constraint": kernel_constraint,
            "recurrent_constraint": recurrent_constraint,
            "bias_constraint": bias_constraint,
        }
        flags = {
            "return_sequences": return_sequences,
            "return_state": return_state,
            "go_backwards": go_backwards,
            "stateful": stateful,
        }
        self._setup(
            filters,
            {
                "kernel_size": kernel_size,
                "strides": strides,
                "padding": padding,
                "dilation_rate": dilation_rate,
            },
            data_format,
            unit_forget_bias,
            use_bias,
            (dropout, recurrent_dropout),
            seed,
            {"activation": activation, "recurrent_activation": recurrent_activation},
            settings,
            flags,
            kwargs,
            activity_regularizer,
        )


@LAYERS.register
class ConvLSTM2D(ConvLSTM):
    """A long short-term memory whose products are convolutions over 2 spatial axes.

    Takes sequences `(batch, steps, rows, columns, channels)` and returns the last output, or all of
    them, with `filters` channels. Called as `RNN` is.

    Args:
        filters: channels of the output and of the states, at least 1.
        kernel_size: places of the kernel, one number or one for each axis.
        strides: of the convolution of the inputs; the one of the state has 1 and padding "same".
        padding: "valid" or "same".
        data_format: "channels_last" or "channels_first"; that of the configuration unless given.
        dilation_rate: distances between the places of the kernel; above 1 only if strides are 1.
        activation: of the candidate and the output; "tanh" unless given, None for none.
        recurrent_activation: of the gates; "sigmoid" unless given.
        use_bias: whether there is a bias.
        kernel_initializer: of the kernel `(*kernel_size, channels, 4 filters)`.
        recurrent_initializer: of the recurrent kernel `(*kernel_size, filters, 4 filters)`.
        bias_initializer: of the bias `(4 filters,)`.
        unit_forget_bias: whether the bias of the forget gate starts at 1.
        kernel_regularizer, recurrent_regularizer, bias_regularizer: penalties on the weights.
        activity_regularizer: penalty on the output.
        kernel_constraint, recurrent_constraint, bias_constraint: projections after each update.
        dropout, recurrent_dropout: in training, the part of the inputs and of the state that is
            dropped, the same one in all steps; each gate drops parts of its own.
        seed: as for `Dropout`.
        return_sequences, return_state, go_backwards, stateful: as for `RNN`.

    Raises:
        ValueError: sizes below 1, a kernel larger than the input with padding "valid", an input of
            another rank or of unknown places, strides with a dilation; what `RNN` raises.

    Source: Shi et al. 2015; `keras.layers.ConvLSTM2D` of Keras 3.

    Example:
        >>> layers.ConvLSTM2D(4, 3)(np.ones((1, 3, 8, 8, 2))).shape
        (1, 6, 6, 4)
    """

    _rank = 2

    def __init__(
        self,
        filters: int,
        kernel_size: Size,
        strides: Size = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Size = 1,
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
        **kwargs: Unpack[PlainOptions],
    ) -> None:
        settings = {
            "kernel_initializer": kernel_initializer,
            "recurrent_initializer": recurrent_initializer,
            "bias_initializer": bias_initializer,
            "kernel_regularizer": kernel_regularizer,
            "recurrent_regularizer": recurrent_regularizer,
            "bias_regularizer": bias_regularizer,
            "kernel_constraint": kernel_constraint,
            "recurrent_constraint": recurrent_constraint,
            "bias_constraint": bias_constraint,
        }
        flags = {
            "return_sequences": return_sequences,
            "return_state": return_state,
            "go_backwards": go_backwards,
            "stateful": stateful,
        }
        self._setup(
            filters,
            {
                "kernel_size": kernel_size,
                "strides": strides,
                "padding": padding,
                "dilation_rate": dilation_rate,
            },
            data_format,
            unit_forget_bias,
            use_bias,
            (dropout, recurrent_dropout),
            seed,
            {"activation": activation, "recurrent_activation": recurrent_activation},
            settings,
            flags,
            kwargs,
            activity_regularizer,
        )


@LAYERS.register
class ConvLSTM3D(ConvLSTM):
    """A long short-term memory whose products are convolutions over 3 spatial axes.

    Takes sequences `(batch, steps, x, y, z, channels)` and returns the last output, or all of them,
    with `filters` channels. Called as `RNN` is.

    Args:
        filters: channels of the output and of the states, at least 1.
        kernel_size: places of the kernel, one number or one for each axis.
        strides: of the convolution of the inputs; the one of the state has 1 and padding "same".
        padding: "valid" or "same".
        data_format: "channels_last" or "channels_first"; that of the configuration unless given.
        dilation_rate: distances between the places of the kernel; above 1 only if strides are 1.
        activation: of the candidate and the output; "tanh" unless given, None for none.
        recurrent_activation: of the gates; "sigmoid" unless given.
        use_bias: whether there is a bias.
        kernel_initializer: of the kernel `(*kernel_size, channels, 4 filters)`.
        recurrent_initializer: of the recurrent kernel `(*kernel_size, filters, 4 filters)`.
        bias_initializer: of the bias `(4 filters,)`.
        unit_forget_bias: whether the bias of the forget gate starts at 1.
        kernel_regularizer, recurrent_regularizer, bias_regularizer: penalties on the weights.
        activity_regularizer: penalty on the output.
        kernel_constraint, recurrent_constraint, bias_constraint: projections after each update.
        dropout, recurrent_dropout: in training, the part of the inputs and of the state that is
            dropped, the same one in all steps; each gate drops parts of its own.
        seed: as for `Dropout`.
        return_sequences, return_state, go_backwards, stateful: as for `RNN`.

    Raises:
        ValueError: sizes below 1, a kernel larger than the input with padding "valid", an input of
            another rank or of unknown places, strides with a dilation; what `RNN` raises.

    Source: Shi et al. 2015; `keras.layers.ConvLSTM3D` of Keras 3.

    Example:
        >>> layers.ConvLSTM3D(4, 3)(np.ones((1, 3, 6, 6, 6, 2))).shape
        (1, 4, 4, 4, 4)
    """

    _rank = 3

    def __init__(
        self,
        filters: int,
        kernel_size: Size,
        strides: Size = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Size = 1,
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
        **kwargs: Unpack[PlainOptions],
    ) -> None:
        settings = {
            "kernel_initializer": kernel_initializer,
            "recurrent_initializer": recurrent_initializer,
            "bias_initializer": bias_initializer,
            "kernel_regularizer": kernel_regularizer,
            "recurrent_regularizer": recurrent_regularizer,
            "bias_regularizer": bias_regularizer,
            "kernel_constraint": kernel_constraint,
            "recurrent_constraint": recurrent_constraint,
            "bias_constraint": bias_constraint,
        }
        flags = {
            "return_sequences": return_sequences,
            "return_state": return_state,
            "go_backwards": go_backwards,
            "stateful": stateful,
        }
        self._setup(
            filters,
            {
                "kernel_size": kernel_size,
                "strides": strides,
                "padding": padding,
                "dilation_rate": dilation_rate,
            },
            data_format,
            unit_forget_bias,
            use_bias,
            (dropout, recurrent_dropout),
            seed,
            {"activation": activation, "recurrent_activation": recurrent_activation},
            settings,
            flags,
            kwargs,
            activity_regularizer,
        )
