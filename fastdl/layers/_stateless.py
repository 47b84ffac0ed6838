"""Calls of layers on other weights than their own, and Keras's ways to store weights by number."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NoReturn

from .._base import functional as F
from .._base.checks import shown
from .._base.parameter import Parameter
from .._base.stateless import replaced, substitutes, write
from .._core import Tensor
from ._state import LayerState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, MutableMapping, Sequence

    from numpy.typing import DTypeLike

    from .._base.registry import Identifier
    from .._core import TensorLike
    from .input_spec import Specs


class StatelessCalls(LayerState):
    """The part of `Layer` with Keras's calls on weights that are given."""

    input_spec: Specs = None
    # In a stateless call each weight that is trained, and the value in its place.
    _given: list[tuple[Tensor, Tensor]] | None = None

    if TYPE_CHECKING:

        def __call__(self, *args: Any, **kwargs: Any) -> Any: ...

    @contextmanager
    def _having(
        self, who: str, trainable: Iterable[TensorLike], others: Iterable[TensorLike]
    ) -> Iterator[tuple[list[Tensor], list[Tensor]]]:
        """In the block the layer has the given weights; yields the tensors in their places.

        Those that are not trained are copies, which the layer may change.
        """
        who = f"{self._kind} {self.name!r}: {who}"
        if not self.built:
            raise ValueError(f"{who}: it isn't built yet: call it on data or build(input_shape)")
        trained, fixed = self.trainable_variables, self.non_trainable_variables
        values = substitutes(f"{who}: trainable_variables", trained, trainable)
        states: list[Tensor] = [
            Parameter(F.copy(value.detach()), False, name=own.name, path=own.path)
            for own, value in zip(
                fixed, substitutes(f"{who}: non_trainable_variables", fixed, others), strict=True
            )
        ]
        pairs = zip([*trained, *fixed], [*values, *states], strict=True)
        places = {id(own): value for own, value in pairs if own is not value}
        with replaced(self, places, self._streams()):
            self.__dict__["_given"] = list(zip(trained, values, strict=True))
            try:
                yield values, states
            finally:
                del self.__dict__["_given"]

    def stateless_call(
        self,
        trainable_variables: Iterable[TensorLike],
        non_trainable_variables: Iterable[TensorLike],
        *args: Any,
        return_losses: bool = False,
        **kwargs: Any,
    ) -> Any:
        """The layer's outputs with other weights; its own stay as they are.

        Gradients flow to the tensors that are given. Random numbers of the library's stream go on;
        those of a layer's own stream begin at the state that is given.

        Args:
            trainable_variables: a value for each of `trainable_variables`.
            non_trainable_variables: a value for each of `non_trainable_variables`.
            args, kwargs: what the layer is called with.
            return_losses: whether to return the losses of the call, too.

        Returns:
            The outputs, and the new values of `non_trainable_variables`; then the losses.

        Raises:
            ValueError: the layer isn't built, or the values do not fit its weights.

        Source: `keras.layers.Layer.stateless_call` of Keras 3.

        Example:
            >>> layer = layers.Dense(1, use_bias=False)
            >>> layer.build((None, 2))
            >>> w = fastdl.ones(2, 1, requires_grad=True)
            >>> y, state = layer.stateless_call([w], [], np.float32([[1, 2]]))
            >>> y.sum().backward()
            >>> y.tolist(), w.grad.tolist(), state
            ([[3.0]], [[1.0], [2.0]], [])
        """
        given = self._having("stateless_call", trainable_variables, non_trainable_variables)
        with given as (_, states):
            outputs = self(*args, **kwargs)
            losses = self.losses if return_losses else []
        found = [state.detach() for state in states]
        return (outputs, found, losses) if return_losses else (outputs, found)

    def symbolic_call(self, *args: Any, **kwargs: Any) -> Any:
        """The symbolic tensors that a call on symbolic tensors gives, as calling the layer does.

        Raises:
            ValueError: there is no symbolic tensor among the arguments.
        """
        from .._graph.symbolic import symbolic_leaves

        if not symbolic_leaves(args, kwargs):
            raise ValueError(
                f"{self._kind} {self.name!r}: symbolic_call: expected a KerasTensor, got "
                f"{shown(args[0] if args else None)}"
            )
        return self(*args, **kwargs)

    def rematerialized_call(
        self, layer_call: Callable[..., Any], *args: Any, **kwargs: Any
    ) -> Callable[..., Any]:
        """`layer_call`, or a function that computes its values again for the gradient.

        The layer asks it before each call if it was made in a `RematScope`. A layer of your own may
        decide for itself, with `keras.remat`.

        Args:
            layer_call: the method `call` of the layer.
            args, kwargs: what it will be called with.

        Source: `keras.layers.Layer.rematerialized_call` of Keras 3.
        """
        call = self.__dict__.get("call")
        again = getattr(call, "again", None)
        return layer_call if again is None else again(layer_call, args, kwargs)

    # --- weights

    @property
    def path(self) -> str | None:
        """The name of the layer, with those of the layers around it: "model/block/dense".

        It stays the one of the layer's first call or build, and is None before. A functional
        model calls no layers: these have the paths of where they were called.
        """
        return self._scope

    def add_metric(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Raises NotImplementedError, as in Keras 3: a metric is an attribute of the layer."""
        raise NotImplementedError(
            f"{self._kind} {self.name!r}: add_metric: give metrics to compile(), or make one in "
            "__init__() as an attribute and call its update_state() in call()"
        )

    @property
    def quantization_mode(self) -> None:
        """None: there are no quantized layers."""
        return None

    @property
    def metrics_variables(self) -> list[Parameter]:
        """The state of all `metrics`."""
        return [variable for metric in self.metrics for variable in metric.variables]

    def add_variable(
        self,
        shape: Sequence[int] | int,
        initializer: Identifier,
        dtype: DTypeLike | None = None,
        trainable: bool = True,
        autocast: bool = True,
        regularizer: Identifier = None,
        constraint: Identifier = None,
        name: str | None = None,
    ) -> Parameter:
        """`add_weight`, with a shape and an initializer that must be given."""
        return self.add_weight(
            shape=shape,
            initializer=initializer,
            dtype=dtype,
            trainable=trainable,
            autocast=autocast,
            regularizer=regularizer,
            constraint=constraint,
            name=name,
        )

    def _own_variables(self) -> list[Parameter]:
        """The weights of this layer without those of layers in it."""
        found: dict[Any, None] = dict.fromkeys(
            weight
            for weight in (*self._parameters.values(), *self._buffers.values())
            if weight is not None
        )
        return list(found)

    def save_own_variables(self, store: MutableMapping[str, Any]) -> None:
        """Puts the layer's own weights into a dict as arrays, by their numbers "0", "1", ...

        `save` does not call it: files have all weights. A layer that overrides it cannot be saved.
        """
        for i, weight in enumerate(self._own_variables()):
            store[str(i)] = weight.numpy().copy()

    def load_own_variables(self, store: MutableMapping[str, Any]) -> None:
        """Takes the layer's own weights from what `save_own_variables` made.

        Raises:
            ValueError: there are more or fewer values, or one has another shape.
        """
        own = self._own_variables()
        who = f"{self._kind} {self.name!r}: load_own_variables"
        if set(store) != {str(i) for i in range(len(own))}:
            raise ValueError(f"{who}: expected {len(own)} values, got the keys {sorted(store)}")
        write(own, substitutes(who, own, [store[str(i)] for i in range(len(own))]))
