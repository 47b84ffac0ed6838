"""Rematerialization: values within layers are computed again for the gradient, to save memory."""

from __future__ import annotations

import functools
import math
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from .. import _core
from .._base import functional as F
from .._base import tree
from .._base.checks import check_callable, check_choice, check_integer
from .._base.context import context
from .._base.stateless import write
from .._base.watch import Watched
from .._core import Tensor
from .._graph.calls import in_trial, shape_of
from ..layers.layer import Layer
from .checkpoint import computed_again

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from typing_extensions import Self

_MODES = ("full", "activations", "larger_than", "list_of_layers", None)


class _State:
    """The weights that a call of a layer changes: statistics, states, counters.

    The second call starts with the values that the first one had, and afterwards they are those of
    now again. Others are left alone: a change in place ends other values' gradients.
    """

    def __init__(self, layer: Layer | None) -> None:
        self._layer = layer
        self._start: list[tuple[Tensor, Tensor]] = []
        self._now: list[tuple[Tensor, Tensor]] = []

    @contextmanager
    def first(self) -> Iterator[None]:
        """The first call."""
        weights: list[Tensor] = []
        if self._layer is not None:
            weights += [w for w in self._layer.weights if not w.requires_grad]
            for one in self._layer._flatten_layers():  # states of recurrent layers are no weights
                kept = tree.leaves(one.__dict__.get("states"))
                weights += [state for state in kept if isinstance(state, Tensor)]
        before = [(w, w._version, F.copy(w.detach())) for w in weights]
        yield
        self._start = [(w, value) for w, version, value in before if w._version != version]

    def __enter__(self) -> None:  # of the second one, maybe repeatedly
        self._now = [(w, F.copy(w.detach())) for w, _ in self._start]
        _write(self._start)

    def __exit__(self, *exception: object) -> None:
        _write(self._now)
        self._now = []


def _write(pairs: list[tuple[Tensor, Tensor]]) -> None:
    write([w for w, _ in pairs], [value for _, value in pairs])


def remat(f: Callable[..., Any]) -> Callable[..., Any]:
    """A function that computes as `f` and keeps no values within it for the gradient.

    `backward` calls `f` once more, with the same random numbers. That saves memory and costs time.
    All that `f` reads gets its gradient. Statistics of layers change once, as without it.

    Args:
        f: a function of tensors, or a layer; `f(x)` should change nothing but weights of layers.

    Returns:
        The function; its results have the same values and gradients.

    Raises:
        TypeError: f cannot be called.
        RuntimeError: from `backward`, if the second call gives other results than the first.

    Source: Chen et al. 2016; `keras.remat` of Keras 3.

    Example:
        >>> w = fastdl.Variable([1.0, 2.0])
        >>> fastdl.remat(lambda x: fastdl.sin(x * w))(fastdl.ones(2)).sum().backward()
        >>> [round(g, 3) for g in w.grad.tolist()]
        [0.54, -0.416]
    """
    check_callable("remat", "f", f)

    @functools.wraps(f, updated=())
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        owner = f if isinstance(f, Layer) else getattr(f, "__self__", None)
        layer = owner if isinstance(owner, Layer) else context.root
        return _again(f, layer)(*args, **kwargs)

    return wrapped


def _again(f: Callable[..., Any], layer: Layer | None) -> Callable[..., Any]:
    """`f`, with values that are computed again. What it changes in the layer changes once."""

    def again(*args: Any, **kwargs: Any) -> Any:
        state = _State(layer)
        call = functools.partial(f, *args, **kwargs)
        return computed_again(f, call, state.first(), nullcontext(), around=state)

    return again


class RematScope:
    """A context: layers that are made in it compute values again for their gradient.

    That saves memory and costs the time of one more call of them (see `remat`). The cell of a
    recurrent layer is computed again with that layer, never step by step.

    Args:
        mode: which layers: "full" for all; "activations" for the activations of layers alone;
            "larger_than" for layers with large outputs; "list_of_layers" for those with certain
            names; None for none, within another scope.
        output_size_threshold: for "larger_than", layers whose outputs have more elements than this,
            those of the whole batch counted. The first call for inputs of a shape finds it out.
        layer_names: for "list_of_layers".

    Raises:
        ValueError: another mode.

    Source: `keras.RematScope` of Keras 3.

    Example:
        >>> with fastdl.RematScope(mode="full"):
        ...     layer = layers.Dense(2, activation="relu")
        >>> layer(fastdl.ones(1, 3)).shape
        (1, 2)
    """

    def __init__(
        self,
        mode: str | None = "full",
        output_size_threshold: int = 1024,
        layer_names: Sequence[str] | None = None,
    ) -> None:
        who = "RematScope"
        self.mode = check_choice(who, "mode", mode, _MODES)
        self.output_size_threshold = check_integer(
            who, "output_size_threshold", output_size_threshold, 0
        )
        self.layer_names = list(layer_names or ())
        if isinstance(layer_names, str) or not all(isinstance(n, str) for n in self.layer_names):
            raise ValueError(f"{who}: layer_names: expected a list of names, got {layer_names!r}")
        self._outer: list[RematScope | None] = []

    def __enter__(self) -> Self:
        self._outer.append(context.remat)
        context.remat = self
        return self

    def __exit__(self, *exception: object) -> None:
        context.remat = self._outer.pop()

    def take_up(self, layer: Layer) -> None:
        """Has a new layer compute its values again."""
        if self.mode is not None and layer._may_compute_again:
            layer.__dict__["call"] = _Again(layer, self)


class _Again(Watched):
    """Stands for the method `call` of one layer, and computes its values again."""

    _bookkeeping = frozenset(("_sizes",))

    def __init__(self, layer: Layer, scope: RematScope) -> None:
        self._layer = layer
        self._scope = scope
        self.__wrapped__ = functools.partial(type(layer).call, layer)  # for its signature
        self._sizes: dict[Any, int] = {}  # of the outputs, for the shapes of the inputs

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        call = self.__wrapped__
        if in_trial() or not _core.grad_enabled():
            return call(*args, **kwargs)
        return self._layer.rematerialized_call(call, *args, **kwargs)(*args, **kwargs)

    def again(self, call: Callable[..., Any], args: Any, kwargs: Any) -> Callable[..., Any]:
        """`call`, or a function that computes as it does and keeps less."""
        layer, scope = self._layer, self._scope
        if scope.mode == "activations":
            return functools.partial(self._with_activation, call)
        if scope.mode == "list_of_layers" and layer.name not in scope.layer_names:
            return call
        if scope.mode == "larger_than":
            key = repr(shape_of((args, sorted(kwargs.items()))))
            if key not in self._sizes:  # the first call finds out
                return functools.partial(self._measured, call, key)
            if self._sizes[key] <= scope.output_size_threshold:
                return call
        return _again(call, layer)

    def _measured(self, call: Callable[..., Any], key: str, *args: Any, **kwargs: Any) -> Any:
        outputs = call(*args, **kwargs)
        tensors = (t for t in tree.leaves(outputs) if isinstance(t, Tensor))
        self._sizes[key] = sum(math.prod(t.shape) for t in tensors)
        return outputs

    def _with_activation(self, call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        layer: Any = self._layer
        name = "activation" if "activation" in layer.__dict__ else "_activation"
        activation = getattr(layer, name, None)
        # One that is a part of the product keeps its result alone.
        if activation is None or getattr(layer, "_fused", None) is not None:
            return call(*args, **kwargs)
        layer.__dict__[name] = _again(activation, None)
        try:
            return call(*args, **kwargs)
        finally:
            layer.__dict__[name] = activation
