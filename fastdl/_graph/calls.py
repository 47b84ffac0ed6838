"""Calls of layers: signatures, conversion of arguments, and the calls under way."""

from __future__ import annotations

import numbers
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _core
from .._base import functional as F
from .._base import tree
from .._base.checks import KindError, check_dense
from .._base.context import context
from .._base.tables import without_tables
from .._core import (
    ArgumentError,
    AxisError,
    DTypeError,
    RangeError,
    ScalarError,
    ShapeError,
    Tensor,
)
from .symbolic import KerasTensor

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    from .._base.parameter import Parameter
    from .._base.types import Shapes

    class Named(Protocol):
        """A layer or model, as error messages name it."""

        name: str
        _kind: str

    class HasWeights(Protocol):
        """A layer or model, as `trial` uses it."""

        @property
        def non_trainable_variables(self) -> list[Parameter]: ...


class trial:
    """A context for calls that find out shapes. It restores the variables that they change.

    Calls change only variables that are not trained (counters, statistics, states of the layer's
    random streams). The context restores those of the layer and those that the calls create. The
    library's own stream goes on: weights that a call makes have their values from it.
    """

    def __init__(self, layer: HasWeights) -> None:
        self._layer = layer

    def __enter__(self) -> None:
        self._outside = context.made
        context.made = []
        found = self._layer.non_trainable_variables
        self._before = [(w, np.array(w.detach().numpy())) for w in found]

    def __exit__(self, *exception: object) -> None:
        made = context.made or []
        context.made = self._outside
        if self._outside is not None:
            self._outside.extend(made)
        before = _core.set_grad_enabled(False)
        try:
            for weight, value in (*self._before, *made):
                F.assign_(weight, value)  # a buffer of a Module is a Tensor, without assign()
        finally:
            _core.set_grad_enabled(before)


class once_more:
    """A context for a second call of a part of the call that is under way when it is made.

    Layers within it have the mode of the first call. What they add to the losses does not count
    again. It may be entered repeatedly.
    """

    def __init__(self) -> None:
        self._calls = context.root, context.training, context.scope

    def __enter__(self) -> None:
        calls = context.__dict__
        self._outside = calls["root"], calls["training"], calls["scope"]
        calls["root"], calls["training"], calls["scope"] = self._calls
        root = self._calls[0]
        layers = [] if root is None else root._flatten_layers()
        lists = [x for layer in layers for x in (layer._losses, layer._loss_layers)]
        self._before = [(x, list(x)) for x in lists]

    def __exit__(self, *exception: object) -> None:
        calls = context.__dict__
        calls["root"], calls["training"], calls["scope"] = self._outside
        for now, before in self._before:
            now[:] = before
        self._before = []


def in_trial() -> bool:
    """Whether the calls under way only find out shapes, so that they may change nothing else."""
    return context.made is not None


class Signature:
    """The parameters of a method. Reading them takes longer than small layers compute."""

    def __init__(self, method: Callable[..., object]) -> None:
        import inspect

        parameters = list(inspect.signature(method).parameters.values())
        kinds = {p.kind for p in parameters}
        self.takes_anything = inspect.Parameter.VAR_KEYWORD in kinds
        named = [p for p in parameters if p.kind.name not in ("VAR_POSITIONAL", "VAR_KEYWORD")]
        self.names = [p.name for p in named]
        self.required = [p.name for p in named if p.default is p.empty]
        self.training = "training" in self.names
        self.mask = "mask" in self.names
        positional = [p.name for p in named if p.kind.name != "KEYWORD_ONLY"]
        self.training_index = positional.index("training") if "training" in positional else None
        defaults = {p.name: p.default for p in named}
        default = defaults.get("training")
        self.default_training = default if isinstance(default, bool) else None


_signatures: dict[tuple[type, str], Signature] = {}


def signature_of(layer: object, method: str) -> Signature:
    """The signature of a method without `self`. It is read once per class."""
    key = (type(layer), method)
    found = _signatures.get(key)
    if found is None:
        found = _signatures[key] = Signature(getattr(layer, method))
    return found


def _convert(x: Any) -> Any:
    if isinstance(x, (Tensor, KerasTensor)):
        return x
    if isinstance(x, (np.ndarray, np.generic)) or hasattr(x, "__array__"):
        return _core.as_tensor(x)
    return x


_NO_TABLES = (np.ndarray, KerasTensor, bool, type(None))


def convert(x: Any) -> Any:
    """An argument with its arrays as tensors. A nested list of numbers counts as an array."""
    if not isinstance(x, Tensor):
        check_dense("inputs", x)
        if not isinstance(x, _NO_TABLES):
            x = without_tables("inputs", x)
    if not tree.is_nested(x):
        return _convert(x)
    if isinstance(x, (list, tuple)) and x and all(_is_number(leaf) for leaf in tree.leaves(x)):
        return _core.as_tensor(x)
    return tree.map_structure(_convert, x)


def _is_number(x: object) -> bool:
    return isinstance(x, numbers.Number)


def is_tensor_like(x: object) -> bool:
    """Whether an argument holds tensors, real or symbolic."""
    return any(isinstance(leaf, (Tensor, KerasTensor)) for leaf in tree.leaves(x))


def shape_of(x: object) -> Shapes:
    """The shapes of the tensors in a structure, in that structure."""
    return tree.map_structure(lambda leaf: getattr(leaf, "shape", None), x)


def argument_shapes(
    layer: object, args: tuple[object, ...], kwargs: dict[str, object]
) -> dict[str, Shapes]:
    """`{"<argument>_shape": shape}` for the arguments of `call` that hold tensors, but no masks."""
    names = signature_of(layer, "call").names
    given = [*zip(names, args, strict=False), *kwargs.items()]
    return {
        f"{name}_shape": shape_of(value)
        for name, value in given
        if name != "mask" and is_tensor_like(value)
    }


# The layer's name is put in front of the messages of these errors. Subclasses are left alone, since
# their arguments may have another meaning.
NAMED_ERRORS = (
    *(ValueError, TypeError, IndexError, RuntimeError),
    *(ShapeError, ScalarError, AxisError, ArgumentError, DTypeError, KindError, RangeError),
)


def name_error(error: Exception, layer: Named) -> None:
    """Puts "layer 'dense' (Dense): " in front of the message. The innermost layer is named."""
    if type(error) in NAMED_ERRORS and not hasattr(error, "_layer"):
        error._layer = layer.name  # type: ignore[attr-defined]
        label, message = f"{layer._kind} {layer.name!r}", str(error)
        if label not in message:
            error.args = (f"{label} ({type(layer).__name__}): {message}", *error.args[1:])
