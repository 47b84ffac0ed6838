"""Bidirectional: a recurrent layer in both directions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._base import functional as F
from .._base.checks import check_choice, shown
from .._base.moving import flipped
from .._base.registry import LAYERS
from .._graph.calls import signature_of
from .layer import Layer
from .recurrent import RNN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from typing_extensions import Self, Unpack

    from .._base.types import Config, Shape
    from .._core import Tensor
    from .options import LayerOptions

_COMMON = ("stateful", "return_sequences", "return_state")


@LAYERS.register
class Bidirectional(Layer):
    """Runs a recurrent layer from the first step on and a second one from the last, and joins them.

    Both layers are made anew from the config of `layer`, as `forward_layer` and `backward_layer`.
    Called as `RNN` is; `initial_state` has the states of the forward layer, then those of the
    backward layer. Outputs of the backward layer are in the order of the inputs. Where a mask is
    False, the outputs of sequences are 0.

    Args:
        layer: a recurrent layer, such as `LSTM`, or another layer with `go_backwards`,
            `return_sequences`, `return_state` and `stateful`.
        merge_mode: how outputs are joined: "concat" (along the last axis), "sum", "mul", "ave", or
            None for a pair of both.
        weights: arrays to start with: those of the forward layer, then those of the other.
        backward_layer: the layer for the other direction, with `go_backwards=True`; made from
            `layer` unless given.

    Raises:
        ValueError: not such layers; layers that go in the same direction or return different
            things; an unknown merge_mode.

    Source: Schuster and Paliwal 1997; `keras.layers.Bidirectional` of Keras 3.

    Example:
        >>> layers.Bidirectional(layers.GRU(4, return_sequences=True))(np.ones((2, 5, 3))).shape
        (2, 5, 8)
    """

    def __init__(
        self,
        layer: Layer,
        merge_mode: str | None = "concat",
        weights: Sequence[Any] | None = None,
        backward_layer: Layer | None = None,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**kwargs)
        for argument, value in (("layer", layer), ("backward_layer", backward_layer)):
            if value is None and argument == "backward_layer":
                continue
            missing = [k for k in ("go_backwards", *_COMMON) if not hasattr(value, k)]
            if not isinstance(value, Layer) or missing:
                raise ValueError(
                    f"Bidirectional: {argument}: expected a recurrent layer, got {shown(value)}"
                )
        modes = ("concat", "sum", "mul", "ave", None)
        self.merge_mode = check_choice("Bidirectional", "merge_mode", merge_mode, modes)
        self.forward_layer: Any = _renamed(layer, "forward")
        if backward_layer is None:
            self.backward_layer: Any = _renamed(layer, "backward", go_backwards=True)
            # A layer of the library is used here only: its outputs need not be reversed twice.
            if isinstance(layer, RNN) and type(layer).__module__.startswith("fastdl."):
                self.backward_layer.__dict__["_keeps_order"] = True
        else:
            self.backward_layer = backward_layer
        forward, backward = self.forward_layer, self.backward_layer
        if forward.go_backwards == backward.go_backwards:
            raise ValueError(
                "Bidirectional: expected layers of different directions, got go_backwards="
                f"{forward.go_backwards} for both"
            )
        for name in _COMMON:
            if getattr(forward, name) != getattr(backward, name):
                raise ValueError(
                    f"Bidirectional: expected layers with the same {name}, got "
                    f"{getattr(forward, name)} and {getattr(backward, name)}"
                )
        for each in (forward, backward):
            if hasattr(each, "zero_output_for_mask"):
                each.zero_output_for_mask = each.return_sequences
        if weights is not None and not isinstance(weights, (list, tuple)):
            raise ValueError(
                f"Bidirectional: weights: expected a list of arrays, got {shown(weights)}"
            )
        self._start = list(weights) if weights else None
        self.input_spec = layer.input_spec

    @property
    def stateful(self) -> bool:
        """Whether each call starts with the last states of the one before."""
        return self.forward_layer.stateful

    @property
    def return_sequences(self) -> bool:
        """Whether the outputs of all steps are returned."""
        return self.forward_layer.return_sequences

    @property
    def return_state(self) -> bool:
        """Whether the last states are returned too."""
        return self.forward_layer.return_state

    def build(self, sequences_shape: Shape, initial_state_shape: Any = None) -> None:
        for layer in (self.forward_layer, self.backward_layer):
            if not layer.built:
                layer.build(sequences_shape)
                layer.built = True
        if self._start is not None:
            half = len(self._start) // 2
            self.forward_layer.set_weights(self._start[:half])
            self.backward_layer.set_weights(self._start[half:])
            self._start = None

    def call(
        self,
        sequences: Tensor,
        initial_state: Any = None,
        mask: Any = None,
        training: bool = False,
    ) -> Any:
        half = len(initial_state) // 2 if initial_state is not None else 0
        parts = (
            (None, None) if initial_state is None else (initial_state[:half], initial_state[half:])
        )
        results = []
        for layer, states in zip((self.forward_layer, self.backward_layer), parts, strict=True):
            taken = signature_of(layer, "call")
            kwargs: dict[str, Any] = {"training": training} if taken.training else {}
            if taken.mask:
                kwargs["mask"] = mask
            if states is not None:
                kwargs["initial_state"] = states
            found = layer(sequences, **kwargs)
            results.append(list(found) if self.return_state else [found])
        (y, *after), (other, *other_after) = results
        if self.return_sequences and not getattr(self.backward_layer, "_keeps_order", False):
            other = flipped(other, 1, "Bidirectional")
        output = self._merged(y, other)
        if not self.return_state:
            return output
        first = output if self.merge_mode is None else (output,)
        return (*first, *after, *other_after)

    def _merged(self, y: Tensor, other: Tensor) -> Any:
        if self.merge_mode is None:
            return (y, other)
        if self.merge_mode == "concat":
            return F.concat([y, other], axis=-1)
        if self.merge_mode == "mul":
            return y * other
        return y + other if self.merge_mode == "sum" else (y + other) / 2.0

    def reset_state(self) -> None:
        """Sets the states of stateful layers to 0."""
        self.forward_layer.reset_state()
        self.backward_layer.reset_state()

    def reset_states(self) -> None:
        """The same as `reset_state`."""
        self.reset_state()

    @property
    def states(self) -> Any:
        """The states of stateful layers: those of the forward layer, then those of the other."""
        if self.forward_layer.states is None:
            return None
        return (*self.forward_layer.states, *self.backward_layer.states)

    def compute_output_shape(self, sequences_shape: Shape, initial_state_shape: Any = None) -> Any:
        shape = self.forward_layer.compute_output_shape(sequences_shape)
        states: tuple[Any, ...] = ()
        if self.return_state:
            shape, *rest = shape
            states = (*rest, *rest)
        if self.merge_mode == "concat":
            other = self.backward_layer.compute_output_shape(sequences_shape)
            shape = (*shape[:-1], shape[-1] + (other[0] if self.return_state else other)[-1])
        if self.merge_mode is None:
            return (shape, shape, *states) if states else [shape, shape]
        return (shape, *states) if states else tuple(shape)

    def compute_mask(self, inputs: Any, mask: Any) -> Any:
        """The mask of the outputs: that of the inputs for sequences, none for states."""
        if isinstance(mask, list):
            mask = mask[0]
        output = mask if self.return_sequences else None
        outputs = [output, output] if self.merge_mode is None else output
        if not self.return_state:
            return outputs
        states = [None] * (2 * len(self.forward_layer.state_size))
        return [*(outputs if isinstance(outputs, list) else [outputs]), *states]

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "layer": LAYERS.serialize(self.forward_layer),
            "merge_mode": self.merge_mode,
            "backward_layer": LAYERS.serialize(self.backward_layer),
        }

    @classmethod
    def from_config(cls, config: Config) -> Self:
        for key in ("layer", "backward_layer"):
            if config.get(key) is not None:
                config = {**config, key: LAYERS.get(config[key])}
        return cls(**config)


def _renamed(layer: Layer, direction: str, **changes: Any) -> Layer:
    """A new layer with the config of another one, which shares nothing with it."""
    config = layer.get_config()
    name = config["name"].removeprefix(f"{direction}_")
    made = type(layer).from_config({**config, "name": f"{direction}_{name}", **changes})
    if hasattr(layer, "use_cudnn"):  # which no config has
        made.use_cudnn = layer.use_cudnn
    return made
