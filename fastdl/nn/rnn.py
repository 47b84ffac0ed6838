"""Recurrent modules: RNN, LSTM, GRU and their cells."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar, overload

import numpy as np

from .. import _core
from .._base import functional as F
from .._base.checks import KindError, check_choice, check_flag, check_fraction, check_integer, shown
from .._base.device import check_target
from .._base.module import Module
from .._base.parameter import Parameter
from .._core import ArgumentError, ShapeError, Tensor
from . import init
from .utils.rnn import PackedSequence, packed_like, padded_steps

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import DTypeLike

    from .._base.device import Place
    from .._core import TensorLike

    States = tuple[Tensor, ...]

_GATES = {"lstm": 4, "gru": 3, "tanh": 1, "relu": 1}


def _reset(module: Module, hidden_size: int) -> None:
    """Draws new values for all weights."""
    bound = 1 / math.sqrt(hidden_size) if hidden_size else 0.0
    for weight in module.parameters():
        init.uniform_(weight, -bound, bound)


class RNNBase(Module):
    """Base of the recurrent modules; `RNN`, `LSTM` and `GRU` say what they compute."""

    _class_cell: ClassVar[str] = ""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Place | None = None,
        dtype: DTypeLike | None = None,
    ) -> None:
        super().__init__()
        who = type(self).__name__
        check_target(who, (), {"device": device, "dtype": dtype})
        self.input_size = check_integer(who, "input_size", input_size, 1)
        self.hidden_size = check_integer(who, "hidden_size", hidden_size, 1)
        self.num_layers = check_integer(who, "num_layers", num_layers, 1)
        for name, flag in (("bias", bias), ("batch_first", batch_first)):
            if not isinstance(flag, bool):  # such as an LSTM's third number
                raise KindError(f"{who}: {name}: expected True or False, got {shown(flag)}")
        self.bias, self.batch_first = bias, batch_first
        self.dropout = check_fraction(who, "dropout", dropout)
        self.bidirectional = check_flag(who, "bidirectional", bidirectional)
        self.proj_size = check_integer(who, "proj_size", proj_size, 0)
        if self.proj_size and (self._cell != "lstm" or self.proj_size >= self.hidden_size):
            wanted = f"below {hidden_size} (hidden_size)" if self._cell == "lstm" else "0"
            raise ArgumentError(f"{who}: proj_size: expected an integer {wanted}, got {proj_size}")
        rows = _GATES[self._cell] * hidden_size
        for layer in range(num_layers):
            features = input_size if layer == 0 else self._size * self._directions
            for suffix in self._suffixes:
                shapes: dict[str, tuple[int, ...]] = {
                    "weight_ih": (rows, features),
                    "weight_hh": (rows, self._size),
                }
                if bias:
                    shapes |= {"bias_ih": (rows,), "bias_hh": (rows,)}
                if self.proj_size:
                    shapes["weight_hr"] = (self.proj_size, hidden_size)
                for name, shape in shapes.items():
                    setattr(
                        self, f"{name}_l{layer}{suffix}", Parameter(_core.empty(shape, "float32"))
                    )
        self.reset_parameters()

    @property
    def _cell(self) -> str:
        return self._class_cell

    @property
    def _size(self) -> int:
        """Of an output and of the state h."""
        return self.proj_size or self.hidden_size

    @property
    def _directions(self) -> int:
        return 2 if self.bidirectional else 1

    @property
    def _suffixes(self) -> tuple[str, ...]:
        return ("", "_reverse") if self.bidirectional else ("",)

    def reset_parameters(self) -> None:
        """Draws new values, uniform in +-1 / sqrt(hidden_size)."""
        _reset(self, self.hidden_size)

    def flatten_parameters(self) -> None:
        """Does nothing; PyTorch's GPU code needs it."""

    @property
    def all_weights(self) -> list[list[Parameter]]:
        """The weights of each layer and direction, in the order of PyTorch."""
        names = ["weight_ih", "weight_hh", *(("bias_ih", "bias_hh") if self.bias else ())]
        names += ["weight_hr"] if self.proj_size else []
        return [
            [getattr(self, f"{name}_l{layer}{suffix}") for name in names]
            for layer in range(self.num_layers)
            for suffix in self._suffixes
        ]

    def _check(self, x: Tensor) -> None:
        who = type(self).__name__
        if x.ndim not in (2, 3):
            raise ShapeError(
                f"{who}: expected an input with 2 or 3 axes, got shape {tuple(x.shape)}"
            )
        if x.shape[-1] != self.input_size:
            raise ShapeError(
                f"{who}: expected an input with {self.input_size} features (input_size), got shape "
                f"{tuple(x.shape)}"
            )

    def _begin(self, hx: Any, batch: int, batched: bool) -> list[list[Tensor | None]]:
        """For each kind of state, one tensor (batch, size) for each layer and direction."""
        who, kinds = type(self).__name__, 2 if self._cell == "lstm" else 1
        count = self.num_layers * self._directions
        if hx is None:
            return [[None] * count for _ in range(kinds)]
        given = hx if kinds == 2 else (hx,)
        if not isinstance(given, (tuple, list)) or len(given) != kinds:
            raise ArgumentError(f"{who}: hx: expected a pair (h_0, c_0), got {shown(hx)}")
        found: list[list[Tensor | None]] = []
        sizes = (self._size, self.hidden_size)
        for name, size, state in zip(("h_0", "c_0"), sizes, given, strict=False):
            wanted = (count, batch, size) if batched else (count, size)
            state = _core.as_tensor(state)
            if tuple(state.shape) != wanted:
                raise ShapeError(
                    f"{who}: hx: expected {name} of shape {wanted}, got {tuple(state.shape)}"
                )
            parts = F.split(state, sizes=[1] * count, axis=0)
            found.append([F.reshape(part, shape=(batch, size)) for part in parts])
        return found

    def _run(
        self, x: Tensor, begin: list[list[Tensor | None]], mask: Tensor | None, steps_first: bool
    ) -> tuple[Tensor, list[list[Tensor]]]:
        """The outputs of the last layer, and the last states of each kind."""
        ends: list[list[Tensor]] = [[] for _ in begin]
        weights = self.all_weights
        for layer in range(self.num_layers):
            outputs = []
            for direction in range(self._directions):
                at = layer * self._directions + direction
                now = [states[at] for states in begin]
                y, after = self._one_way(x, weights[at], now, mask, direction == 1, steps_first)
                outputs.append(y)
                for kind, state in zip(ends, after, strict=True):
                    kind.append(state)
            x = outputs[0] if len(outputs) == 1 else F.concat(outputs, axis=-1)
            if self.training and self.dropout and layer + 1 < self.num_layers:
                x = F.dropout(x, rate=self.dropout) if self.dropout < 1 else x * 0.0
        return x, ends

    def _one_way(
        self,
        x: Tensor,
        weights: list[Parameter],
        states: list[Tensor | None],
        mask: Tensor | None,
        reverse: bool,
        steps_first: bool,
    ) -> tuple[Tensor, list[Tensor]]:
        """The outputs of a layer in one direction, and its last states."""
        w_ih, w_hh, *rest = weights
        b_ih, b_hh = rest[:2] if self.bias else (None, None)
        products, h = F.linear(x, w_ih, bias=b_ih, transpose_w=True), states[0]
        w: Tensor = w_hh
        if self.proj_size:
            # W_hh (W_hr h) is (W_hh W_hr) h, so the loop is that of an LSTM without projections.
            # Only the first h comes projected.
            w = F.matmul(w_hh, rest[-1])
            if h is not None:
                first = _first_steps(products, mask, reverse, steps_first)
                start = F.linear(h, w_hh, transpose_w=True)
                start = F.reshape(start, shape=_beside_steps(start, steps_first))
                products, h = F.add(products, F.mul(first, start)), None
        y, *after = F.recurrent(
            cell=self._cell,
            x=products,
            w=w,
            bias=b_hh,
            h=h,
            c=states[1] if len(states) == 2 else None,
            mask=mask,
            reset_first=True,
            reverse=reverse,
            transpose_w=True,
            masked_zero=True,
            steps_first=steps_first,
        )
        if self.proj_size:
            y = F.linear(y, rest[-1], transpose_w=True)
            given = states[0] if x.shape[0 if steps_first else 1] == 0 else None
            last = F.linear(after[0], rest[-1], transpose_w=True)
            after[0] = last if given is None else given
        return y, after

    def forward(self, input: Any, hx: Any = None) -> Any:
        """`(output, h_n)`, for LSTM `(output, (h_n, c_n))`."""
        if isinstance(input, PackedSequence):
            return self._forward_packed(input, hx)
        x = _core.as_tensor(input)
        self._check(x)
        batched = x.ndim == 3
        if not batched:
            x = F.reshape(x, shape=(x.shape[0], 1, x.shape[1]))
        steps_first = not (batched and self.batch_first)
        batch = x.shape[1] if steps_first else x.shape[0]
        y, ends = self._run(x, self._begin(hx, batch, batched), None, steps_first)
        if not batched:
            y = F.reshape(y, shape=(y.shape[0], y.shape[2]))
        states = [F.stack(each, axis=0) for each in ends]
        if not batched:
            states = [F.reshape(s, shape=(s.shape[0], s.shape[2])) for s in states]
        return y, tuple(states) if len(states) == 2 else states[0]

    def _forward_packed(self, packed: PackedSequence, hx: Any) -> Any:
        x, mask = padded_steps(packed)
        self._check(x)
        begin = self._begin(hx, x.shape[1], True)
        order, back = packed.sorted_indices, packed.unsorted_indices
        if order is not None and hx is not None:
            begin = [
                [None if s is None else F.take(s, order, axis=0) for s in kind] for kind in begin
            ]
        y, ends = self._run(x, begin, mask, True)
        states = [F.stack(each, axis=0) for each in ends]
        if back is not None:
            states = [F.take(s, back, axis=1) for s in states]
        return packed_like(packed, y), tuple(states) if len(states) == 2 else states[0]

    if TYPE_CHECKING:

        @overload
        def __call__(self, input: PackedSequence, hx: Any = None) -> tuple[PackedSequence, Any]: ...
        @overload
        def __call__(self, input: TensorLike, hx: Any = None) -> tuple[Tensor, Any]: ...
        def __call__(self, input: Any, hx: Any = None) -> Any: ...

    def extra_repr(self) -> str:
        parts = [f"{self.input_size}, {self.hidden_size}"]
        defaults = {
            "proj_size": 0,
            "num_layers": 1,
            "bias": True,
            "batch_first": False,
            "dropout": 0.0,
            "bidirectional": False,
        }
        parts += [
            f"{name}={getattr(self, name)}"
            for name, default in defaults.items()
            if getattr(self, name) != default
        ]
        return ", ".join(parts)


_ARGUMENTS = """
    Args:
        input_size: the number of features of a step.
        hidden_size: the size of the states.
        num_layers: layers one after the other.
        bias: whether there are biases.
        batch_first: whether sequences are (batch, steps, features) instead of (steps, batch,
            features); the states are not affected.
        dropout: in training, the part of the outputs of each layer but the last that is dropped.
        bidirectional: whether a second part runs from the last step to the first; outputs of both
            are joined.
        device: "cpu" or None.
        dtype: float32 or None.

    Attributes:
        weight_ih_l0, weight_hh_l0, bias_ih_l0, bias_hh_l0, ...: of each layer, and with the suffix
            `_reverse` of the other direction.

    A call takes the sequences, (steps, batch, input_size), or (steps, input_size) for one, or a
    `nn.utils.rnn.PackedSequence`, and the states to begin with (zeros unless given) of shape
    (num_layers * directions, batch, hidden_size).

    Raises:
        ValueError: sizes below 1, an input or states of another shape.
"""


def _first_steps(products: Tensor, mask: Tensor | None, reverse: bool, steps_first: bool) -> Tensor:
    """1 at the step of each sample that runs first, as (steps, batch, 1) or with axes of 1."""
    steps = products.shape[0 if steps_first else 1]
    if mask is None or not reverse:  # packed sequences all begin with their first step
        first = (np.arange(steps) == (steps - 1 if reverse else 0)).astype("float32")
        return _core.as_tensor(first.reshape((-1, 1, 1) if steps_first else (1, -1, 1)))
    after = F.concat([mask[1:], _core.full((1, mask.shape[1]), "bool", False)])
    ends = F.logical_and(mask, F.logical_not(after))
    return F.reshape(F.cast(ends, dtype="float32"), shape=(*mask.shape, 1))


def _beside_steps(state: Tensor, steps_first: bool) -> tuple[int, ...]:
    batch, size = state.shape
    return (1, batch, size) if steps_first else (batch, 1, size)


class RNN(RNNBase):
    __doc__ = f"""`h = tanh(W_ih x + b_ih + W_hh h + b_hh)` in each step, or relu instead of tanh.

    `nonlinearity` is "tanh" or "relu".
    {_ARGUMENTS}
    Source: `torch.nn.RNN`.

    Example:
        >>> y, h = nn.RNN(3, 4)(fastdl.zeros(5, 2, 3))
        >>> y.shape, h.shape
        ((5, 2, 4), (1, 2, 4))
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: Place | None = None,
        dtype: DTypeLike | None = None,
    ) -> None:
        self.__dict__["nonlinearity"] = check_choice(
            "RNN", "nonlinearity", nonlinearity, ("tanh", "relu")
        )
        super().__init__(
            input_size,
            hidden_size,
            num_layers,
            bias,
            batch_first,
            dropout,
            bidirectional,
            0,
            device,
            dtype,
        )
        self.nonlinearity = nonlinearity

    @property
    def _cell(self) -> str:
        return self.nonlinearity


class LSTM(RNNBase):
    __doc__ = f"""A long short-term memory. In each step, with the gates i, f, g, o in this order:

    `i, f, o = sigmoid(W_ih x + b_ih + W_hh h + b_hh)`, `g = tanh(...)`, `c = f c + i g`,
    `h = o tanh(c)`. With `proj_size` above 0, `h = W_hr (o tanh(c))` has that size, below
    `hidden_size`; its weights are `weight_hr_l0`, ...
    {_ARGUMENTS}
    Source: `torch.nn.LSTM`.

    Example:
        >>> y, (h, c) = nn.LSTM(3, 4, batch_first=True)(fastdl.zeros(2, 5, 3))
        >>> y.shape, h.shape, c.shape
        ((2, 5, 4), (1, 2, 4), (1, 2, 4))
    """

    _class_cell = "lstm"


class GRU(RNNBase):
    __doc__ = f"""A gated recurrent unit. In each step, with the gates r, z, n in this order:

    `r, z = sigmoid(W_ih x + b_ih + W_hh h + b_hh)`,
    `n = tanh(W_in x + b_in + r (W_hn h + b_hn))`, `h = (1 - z) n + z h`.
    {_ARGUMENTS}
    Source: `torch.nn.GRU`.

    Example:
        >>> y, h = nn.GRU(3, 4, bidirectional=True)(fastdl.zeros(5, 2, 3))
        >>> y.shape, h.shape
        ((5, 2, 8), (2, 2, 4))
    """

    _class_cell = "gru"


class RNNCellBase(Module):
    """Base of the modules for one step."""

    _class_cell: ClassVar[str] = ""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        device: Place | None = None,
        dtype: DTypeLike | None = None,
    ) -> None:
        super().__init__()
        who = type(self).__name__
        check_target(who, (), {"device": device, "dtype": dtype})
        self.input_size = check_integer(who, "input_size", input_size, 1)
        self.hidden_size = check_integer(who, "hidden_size", hidden_size, 1)
        self.bias = check_flag(who, "bias", bias)
        rows = _GATES[self._cell] * hidden_size
        self.weight_ih = Parameter(_core.empty((rows, input_size), "float32"))
        self.weight_hh = Parameter(_core.empty((rows, hidden_size), "float32"))
        for name in ("bias_ih", "bias_hh"):
            if bias:
                setattr(self, name, Parameter(_core.empty((rows,), "float32")))
            else:
                self.register_parameter(name, None)
        self.reset_parameters()

    @property
    def _cell(self) -> str:
        return self._class_cell

    def reset_parameters(self) -> None:
        """Draws new values, uniform in +-1 / sqrt(hidden_size)."""
        _reset(self, self.hidden_size)

    def _step(self, input: Any, states: Sequence[Any]) -> list[Tensor]:
        """The states after the step, without the batch's axis where the input has none."""
        who = type(self).__name__
        x = _core.as_tensor(input)
        if x.ndim not in (1, 2) or x.shape[-1] != self.input_size:
            raise ShapeError(
                f"{who}: expected an input of shape (batch, {self.input_size}), got "
                f"{tuple(x.shape)}"
            )
        batch = x.shape[0] if x.ndim == 2 else 1
        wanted = (*x.shape[:-1], self.hidden_size)
        now: list[Tensor | None] = []
        for state in states:
            state = None if state is None else _core.as_tensor(state)
            if state is not None and tuple(state.shape) != wanted:
                raise ShapeError(
                    f"{who}: hx: expected states of shape {wanted}, got {tuple(state.shape)}"
                )
            now.append(None if state is None else F.reshape(state, shape=(batch, self.hidden_size)))
        products = F.linear(x, self.weight_ih, bias=self.bias_ih, transpose_w=True)
        _, *after = F.recurrent(
            cell=self._cell,
            x=F.reshape(products, shape=(batch, 1, products.shape[-1])),
            w=self.weight_hh,
            bias=self.bias_hh,
            h=now[0],
            c=now[1] if len(now) == 2 else None,
            reset_first=True,
            transpose_w=True,
        )
        return [F.reshape(state, shape=wanted) for state in after]

    def forward(self, input: Any, hx: Any = None) -> Any:
        """The state after the step."""
        return self._step(input, [hx])[0]

    if TYPE_CHECKING:

        def __call__(self, input: TensorLike, hx: TensorLike | None = None) -> Tensor: ...

    def extra_repr(self) -> str:
        bias = "" if self.bias else ", bias=False"
        return f"{self.input_size}, {self.hidden_size}{bias}"


_CELL_ARGUMENTS = """
    Args:
        input_size: the number of features of the input.
        hidden_size: the size of the state.
        bias: whether there are biases.
        device: "cpu" or None.
        dtype: float32 or None.

    Raises:
        ValueError: sizes below 1, an input or a state of another shape.
"""


class RNNCell(RNNCellBase):
    __doc__ = f"""One step of `RNN`: `(input, hx=None)` to the new state, (batch, hidden_size).

    `nonlinearity` is "tanh" or "relu".
    {_CELL_ARGUMENTS}
    Source: `torch.nn.RNNCell`.

    Example:
        >>> nn.RNNCell(3, 4)(fastdl.zeros(2, 3)).shape
        (2, 4)
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: str = "tanh",
        device: Place | None = None,
        dtype: DTypeLike | None = None,
    ) -> None:
        self.__dict__["nonlinearity"] = check_choice(
            "RNNCell", "nonlinearity", nonlinearity, ("tanh", "relu")
        )
        super().__init__(input_size, hidden_size, bias, device, dtype)
        self.nonlinearity = nonlinearity

    @property
    def _cell(self) -> str:
        return self.nonlinearity

    def extra_repr(self) -> str:
        other = "" if self.nonlinearity == "tanh" else f", nonlinearity={self.nonlinearity}"
        return super().extra_repr() + other


class LSTMCell(RNNCellBase):
    __doc__ = f"""One step of `LSTM`: `(input, (h, c)=None)` to the new `(h, c)`.
    {_CELL_ARGUMENTS}
    Source: `torch.nn.LSTMCell`.

    Example:
        >>> h, c = nn.LSTMCell(3, 4)(fastdl.zeros(2, 3))
        >>> h.shape, c.shape
        ((2, 4), (2, 4))
    """

    _class_cell = "lstm"

    def forward(self, input: Any, hx: Any = None) -> States:
        """The states after the step."""
        if hx is not None and (not isinstance(hx, (tuple, list)) or len(hx) != 2):
            raise ArgumentError(f"LSTMCell: hx: expected a pair (h, c), got {shown(hx)}")
        return tuple(self._step(input, (None, None) if hx is None else hx))

    if TYPE_CHECKING:

        def __call__(  # type: ignore[override]
            self, input: TensorLike, hx: tuple[TensorLike, TensorLike] | None = None
        ) -> tuple[Tensor, Tensor]: ...


class GRUCell(RNNCellBase):
    __doc__ = f"""One step of `GRU`: `(input, hx=None)` to the new state, (batch, hidden_size).
    {_CELL_ARGUMENTS}
    Source: `torch.nn.GRUCell`.

    Example:
        >>> nn.GRUCell(3, 4)(fastdl.zeros(2, 3)).shape
        (2, 4)
    """

    _class_cell = "gru"
