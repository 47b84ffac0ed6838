"""Functions with gradients of their own, and derivatives along a direction."""

from __future__ import annotations

import functools
import inspect
from typing import TYPE_CHECKING, Any

from .. import _core
from .._base import functional as F
from .._base import tree
from .._base.checks import check_callable, check_flag, shown
from .._base.watch import current
from .._core import Tensor
from ..autograd import functional
from ..autograd.attached import Attached

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def custom_gradient(f: Callable[..., Any]) -> Callable[..., Any]:
    """Decorator: gives a function a gradient of its own.

    Args:
        f: takes tensors, or lists, tuples and dicts of them, and returns the pair `(output,
            grad_fn)`. The output is a tensor or a structure of them. `grad_fn(upstream)` takes the
            gradient of each output, in their structure, and returns one for each of f's arguments
            by position, in its structure; None stands for 0. Keras's other forms are
            `grad_fn(*args, upstream=upstream)` with an argument `upstream` by name alone, and
            `grad_fn(upstream_1, upstream_2)` with an argument for each output.

    Returns:
        The function of f's arguments that returns its output.

    Raises:
        TypeError: from a call, if f returns no such pair.
        ValueError: from a call, if the output depends on tensors that require a gradient and are no
            arguments, such as variables from outside.
        RuntimeError: from `backward`, if there are too few gradients, or one of another shape.

    What `grad_fn` computes may be differentiated again. It may be part of a step of `fit`.

    Source: `keras.ops.custom_gradient` of Keras 3.

    Example:
        >>> @ops.custom_gradient
        ... def log1pexp(x):
        ...     e = ops.exp(x)
        ...     return ops.log(1 + e), lambda upstream: upstream * (1 - 1 / (1 + e))
        >>> x = fastdl.Variable(100.0)
        >>> log1pexp(x).backward()
        >>> x.grad.item()
        1.0
    """
    check_callable("custom_gradient", "f", f)
    who = f"custom_gradient: {getattr(f, '__name__', 'f')}"

    @functools.wraps(f, updated=())
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        watch = current()
        if watch is not None:
            watch.note_function(f)
        since = _core.tape_length()
        found = f(*args, **kwargs)
        if not isinstance(found, (tuple, list)) or len(found) != 2 or not callable(found[1]):
            raise TypeError(f"{who}: expected a pair (output, grad_fn), got {shown(found)}")
        output, grad_fn = found
        skeleton = tree.map_structure(lambda _: None, output)
        values = [_core.as_tensor(v) for v in tree.leaves(output)]
        sources = {id(t): t for t in tree.leaves(args) if isinstance(t, Tensor) and t.requires_grad}
        for tensor in _core.sources(values, since, list(sources.values())):
            label = getattr(tensor, "path", "") or f"of shape {tensor.shape}"
            raise ValueError(
                f"{who}: its output depends on a tensor that is no argument ({label}), which would "
                "get no gradient: make it an argument, or use stop_gradient() on it"
            )
        outputs = [v.detach() for v in values]
        if sources and _core.grad_enabled():
            rule = _Rule(who, grad_fn, args, list(sources.values()), skeleton, len(outputs))
            rule.known = [(v.shape, v.dtype.kind == "f") for v in values]
            outputs = rule.attached(outputs)
        return tree.pack(skeleton, outputs)

    return wrapped


class _Rule(Attached):
    """A call of a function with its own gradient."""

    known: list[tuple[tuple[int, ...], bool]]  # the shape of each output, and whether it has floats

    def __init__(
        self,
        who: str,
        grad_fn: Callable[..., Any],
        args: tuple[Any, ...],
        sources: list[Tensor],
        skeleton: Any,
        count: int,
    ) -> None:
        super().__init__(sources, count)
        self._who = who
        self._skeleton = skeleton
        self._call = _called(grad_fn, args, count)
        # The number of the source that each leaf of the arguments is.
        numbers = {id(t): i for i, t in enumerate(sources)}
        self._forms = [[numbers.get(id(leaf)) for leaf in tree.leaves(arg)] for arg in args]

    def _gradients(self, given: Sequence[Tensor | None]) -> list[Tensor | None]:
        upstream = [
            _core.full(shape, "float32", 0.0) if gradient is None else gradient
            for gradient, (shape, _) in zip(given, self.known, strict=True)
        ]
        found = self._call(tree.pack(self._skeleton, upstream))
        leaves = self._leaves_of(found)
        sums: list[Tensor | None] = [None] * len(self._sources)
        wanted = [number for form in self._forms for number in form]
        for number, gradient in zip(wanted, leaves, strict=True):
            if number is None or gradient is None:
                continue
            tensor = F.cast(_core.as_tensor(gradient), dtype="float32")
            if tensor.shape != self._sources[number].shape:
                raise RuntimeError(
                    f"{self._who}: grad_fn: expected a gradient of shape "
                    f"{self._sources[number].shape}, got {tensor.shape}"
                )
            before = sums[number]
            sums[number] = tensor if before is None else F.add(before, tensor)
        return sums

    def _leaves_of(self, found: Any) -> list[Any]:
        """A gradient or None for each leaf of the arguments."""
        forms = self._forms
        several = isinstance(found, (tuple, list))
        each = list(found) if several and not (len(forms) == 1 and len(found) != 1) else [found]
        count = sum(map(len, forms))
        if len(each) != len(forms):  # in one list, without the structure of the arguments
            each = tree.flatten(found)
            if len(each) == count:
                return each
            raise RuntimeError(
                f"{self._who}: grad_fn: expected a gradient or None for each of {len(forms)} "
                f"arguments, got {len(each)}"
            )
        leaves: list[Any] = []
        for one, form in zip(each, forms, strict=True):
            flat = [None] * len(form) if one is None else tree.flatten(one)
            if len(flat) != len(form):
                raise RuntimeError(
                    f"{self._who}: grad_fn: expected {len(form)} gradients for an argument, got "
                    f"{len(flat)}"
                )
            leaves += flat
        return leaves


def _called(grad_fn: Callable[..., Any], args: tuple[Any, ...], count: int) -> Callable[[Any], Any]:
    """A function of the upstream gradients, in the way that `grad_fn` takes them."""
    try:
        parameters = inspect.signature(grad_fn).parameters
    except (TypeError, ValueError):  # of a function in C
        return grad_fn
    upstream = parameters.get("upstream")
    if upstream is not None and upstream.kind is upstream.KEYWORD_ONLY:
        if upstream.default is upstream.empty:
            return lambda given: grad_fn(*args, upstream=given)
        return grad_fn
    kinds = [p.kind for p in parameters.values() if p.default is p.empty]
    needed = sum(kind in (inspect.Parameter.POSITIONAL_ONLY, _PLAIN) for kind in kinds)
    if count > 1 and needed == count:
        return lambda given: grad_fn(*tree.leaves(given))
    return grad_fn


_PLAIN = inspect.Parameter.POSITIONAL_OR_KEYWORD


def jvp(
    fun: Callable[..., Any], primals: Any, tangents: Any, has_aux: bool = False
) -> tuple[Any, ...]:
    """The value of a function, and its derivative along a direction.

    Args:
        fun: a function of tensors that returns a tensor, or a list, tuple or dict of them.
        primals: a tuple or list of its arguments, each a tensor or a structure of them.
        tangents: the direction: a tensor of the shape of each of them, in the same structure.
        has_aux: whether `fun` returns a pair of the value and something else.

    Returns:
        The value and its derivative, in the structure that `fun` returns; with `has_aux` then what
        else it returned.

    Raises:
        TypeError: primals or tangents is no tuple or list.
        ValueError: the tangents do not fit the primals, or `has_aux` and `fun` returns no pair.

    It computes the derivative backwards, twice, which costs about three calls of `fun`.

    Source: `keras.ops.jvp` of Keras 3.

    Example:
        >>> value, derivative = ops.jvp(ops.sin, (0.1,), (0.2,))
        >>> round(value.item(), 4), round(derivative.item(), 4)
        (0.0998, 0.199)
    """
    who = "jvp"
    check_callable(who, "fun", fun)
    check_flag(who, "has_aux", has_aux)
    for name, value in (("primals", primals), ("tangents", tangents)):
        if not isinstance(value, (tuple, list)):
            raise TypeError(f"{who}: {name}: expected a tuple or list, got {shown(value)}")
    points, directions = (
        tree.map_structure(lambda x: F.cast(_core.as_tensor(x), dtype="float32"), list(value))
        for value in (primals, tangents)
    )
    marks = [tree.map_structure(lambda _: None, x) for x in (points, directions)]
    shapes = [[t.shape for t in tree.leaves(x)] for x in (points, directions)]
    if marks[0] != marks[1] or shapes[0] != shapes[1]:
        raise ValueError(
            f"{who}: tangents: expected the structure and shapes of the primals, {shapes[0]}, got "
            f"{shapes[1]}"
        )
    kept: list[Any] = []

    def flat(*leaves: Tensor) -> tuple[Tensor, ...]:
        found = fun(*tree.pack(marks[0], leaves))
        if has_aux and (not isinstance(found, (tuple, list)) or len(found) != 2):
            raise ValueError(f"{who}: has_aux: expected fun to return a pair, got {shown(found)}")
        output, aux = found if has_aux else (found, None)
        kept[:] = [tree.map_structure(lambda _: None, output), aux]
        return tuple(_core.as_tensor(v) for v in tree.leaves(output))

    values, derivatives = functional.jvp(
        flat, tuple(tree.leaves(points)), tuple(tree.leaves(directions)), _core.grad_enabled()
    )
    packed = (tree.pack(kept[0], values), tree.pack(kept[0], derivatives))
    return (*packed, kept[1]) if has_aux else packed
