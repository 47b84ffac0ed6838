"""Function: an operation with a gradient of its own, written in Python."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from .. import _core
from .._base.watch import current
from .._core import Tensor
from .modes import no_grad

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class FunctionCtx:
    """What `forward` leaves for `backward`. Other attributes may be set freely.

    Attributes:
        needs_input_grad: for each argument, whether `backward` has to give its gradient.
    """

    needs_input_grad: tuple[bool, ...]

    def __init__(self) -> None:
        self._to_save: tuple[Tensor | None, ...] = ()
        self._saved: list[tuple[str, Any, int]] | None = None
        self._constant: tuple[Tensor, ...] = ()
        self._changed: tuple[Tensor, ...] = ()
        self._materialize = True
        self._values: tuple[Sequence[Tensor | None], Sequence[Tensor | None]] = ((), ())

    def save_for_backward(self, *tensors: Tensor | None) -> None:
        """Keeps tensors for `backward`, which reads them as `ctx.saved_tensors`.

        A tensor that is changed in place before `backward` reads it is an error there.
        """
        for tensor in tensors:
            if tensor is not None and not isinstance(tensor, Tensor):
                raise TypeError(
                    "save_for_backward: expected tensors or None, got "
                    f"{type(tensor).__name__}; set other values as attributes of ctx"
                )
        self._to_save = tensors

    def mark_non_differentiable(self, *tensors: Tensor) -> None:
        """Says which outputs require no gradient."""
        self._constant = tensors

    def mark_dirty(self, *tensors: Tensor) -> None:
        """Says which arguments `forward` changed in place. It must return them."""
        self._changed = tensors

    def set_materialize_grads(self, value: bool) -> None:
        """Whether `backward` gets zeros, the default, or None where no gradient flows."""
        self._materialize = value

    @property
    def saved_tensors(self) -> tuple[Tensor | None, ...]:
        """The tensors that `forward` saved."""
        found: list[Tensor | None] = []
        for kind, value, version in self._saved or ():
            if kind == "input":
                found.append(self._values[0][value])
            elif kind == "output":
                found.append(self._values[1][value])
            else:
                if value is not None and value._version != version:
                    raise RuntimeError(
                        "saved_tensors: a tensor of shape "
                        f"{value.shape} was changed in place after it was saved"
                    )
                found.append(value)
        return tuple(found)

    def _place(self, inputs: list[Tensor], outputs: list[Tensor]) -> tuple[int, int]:
        """Notes where the saved tensors are; masks of the inputs and outputs among them."""
        places: list[tuple[str, Any, int]] = []
        reads_in = reads_out = 0
        for tensor in self._to_save:
            i = next((i for i, t in enumerate(inputs) if t is tensor), None)
            j = next((j for j, t in enumerate(outputs) if t is tensor), None)
            if i is not None and not any(t is tensor for t in self._changed):
                places.append(("input", i, 0))
                reads_in |= 1 << i
            elif j is not None:
                places.append(("output", j, 0))
                reads_out |= 1 << j
            else:
                places.append(("own", tensor, 0 if tensor is None else tensor._version))
        self._to_save = ()
        self._saved = places
        return reads_in, reads_out


class Function:
    """An operation that has its own gradient.

    A subclass has two static methods: `forward(ctx, *args)`, which computes the result, and
    `backward(ctx, *grad_outputs)`, which gives a gradient, or None, for each argument of `forward`.
    It is called as `MyFunction.apply(*args)`. Instead of `ctx` in `forward` there may be a third
    static method, `setup_context(ctx, inputs, output)`.

    Tensors within lists or dicts among the arguments count as constants. If `backward` computes
    with tensors, second derivatives work. It may be part of a recorded step of `fit` or `plan`.

    Raises:
        RuntimeError: a wrong number of gradients, or one of a wrong shape.

    Source: `torch.autograd.Function`.

    Example:
        >>> class Cube(Function):
        ...     @staticmethod
        ...     def forward(ctx, x):
        ...         ctx.save_for_backward(x)
        ...         return x**3
        ...     @staticmethod
        ...     def backward(ctx, dy):
        ...         (x,) = ctx.saved_tensors
        ...         return dy * 3 * x**2
        >>> x = fastdl.tensor(2.0, requires_grad=True)
        >>> Cube.apply(x).backward()
        >>> x.grad.item()
        12.0
    """

    @staticmethod
    def forward(*args: Any, **kwargs: Any) -> Any:
        """Computes the result, a tensor or a tuple of tensors and other values."""
        raise NotImplementedError("Function: forward: every subclass defines it")

    @staticmethod
    def setup_context(ctx: FunctionCtx, inputs: tuple[Any, ...], output: Any) -> None:
        """Keeps what `backward` needs, for a `forward` without `ctx`."""
        raise NotImplementedError("Function: setup_context is not defined")

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any) -> Any:
        """Gives a gradient or None for each argument of `forward`."""
        raise NotImplementedError("Function: backward: every subclass defines it")

    @classmethod
    def apply(cls, *args: Any) -> Any:
        """Calls `forward` and records it for `backward()`."""
        watch = current()
        if watch is not None:
            watch.note_function(cls.forward)
            watch.note_function(cls.backward)
        ctx = FunctionCtx()
        ctx.needs_input_grad = tuple(isinstance(a, Tensor) and a.requires_grad for a in args)
        with no_grad():
            if cls.setup_context is not Function.setup_context:
                result = cls.forward(*args)
                cls.setup_context(ctx, args, result)
            else:
                result = cls.forward(ctx, *args)
        if not _core.grad_enabled() or not any(ctx.needs_input_grad):
            return result
        several = isinstance(result, tuple)
        values: list[Any] = list(result) if several else [result]
        inputs = [a for a in args if isinstance(a, Tensor)]
        places = [i for i, value in enumerate(values) if isinstance(value, Tensor)]
        outputs = [values[i] for i in places]
        reads_in, reads_out = ctx._place(inputs, outputs)
        constant = sum(1 << j for j, t in enumerate(outputs) if any(t is c for c in ctx._constant))
        kinds = [isinstance(a, Tensor) for a in args]
        known = [(t.shape, t.dtype.kind == "f") for t in outputs]
        backward = functools.partial(_backward, cls, ctx, kinds, places, len(values), known)
        attached = _core.attach(inputs, outputs, backward, reads_in, reads_out, constant)
        for i, tensor in zip(places, attached, strict=True):
            if any(values[i] is t for t in ctx._changed):
                _core.become(values[i], tensor)
            else:
                values[i] = tensor
        return tuple(values) if several else values[0]


def _backward(
    cls: type[Function],
    ctx: FunctionCtx,
    kinds: list[bool],
    places: list[int],
    count: int,
    known: list[tuple[tuple[int, ...], bool]],
    inputs: list[Tensor | None],
    outputs: list[Tensor | None],
    grads: list[Tensor | None],
    needs: list[bool],
) -> list[Tensor | None]:
    """The gradients of the tensors among the arguments, by `backward`.

    `kinds` says which arguments are tensors, `places` where tensors are among `count` results, and
    `known` has the shape of each and whether it is of floats.
    """
    given: list[Tensor | None] = [None] * count
    for i, gradient, (shape, floats) in zip(places, grads, known, strict=True):
        if gradient is None and ctx._materialize and floats:
            gradient = _core.full(shape, "float32", 0.0)
        given[i] = gradient
    ctx._values = (inputs, outputs)
    try:
        found = cls.backward(ctx, *given)
    finally:
        ctx._values = ((), ())
    gradients = list(found) if isinstance(found, (tuple, list)) else [found]
    wanted = len(kinds)
    if len(gradients) < wanted or any(g is not None for g in gradients[wanted:]):
        raise RuntimeError(
            f"{cls.__name__}.backward: expected a gradient or None for each of {wanted} arguments "
            f"of forward, got {len(gradients)}"
        )
    return [g for tensor, g in zip(kinds, gradients, strict=False) if tensor]


def once_differentiable(function: Callable[..., Any]) -> Callable[..., Any]:
    """Decorator of `backward`: its result is a constant for further derivatives."""

    @functools.wraps(function)
    def wrapped(ctx: Any, *args: Any) -> Any:
        with no_grad():
            return function(ctx, *args)

    return wrapped
