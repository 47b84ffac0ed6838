"""Derivatives of functions, with the names of `torch.autograd.functional`.

A function takes tensors and returns a tensor or several. Inputs are a tensor or a tuple of them;
results have the same form.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import _core
from .._base import functional as F
from .._core import Tensor
from .gradients import grad
from .modes import enable_grad

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def _tuple(value: Any, who: str, what: str) -> tuple[tuple[Tensor, ...], bool]:
    """The tensors as a tuple, and whether they came as one."""
    several = isinstance(value, (tuple, list))
    tensors = tuple(value) if several else (value,)
    for tensor in tensors:
        if not isinstance(tensor, Tensor):
            raise TypeError(
                f"{who}: {what}: expected a tensor or a tuple of tensors, got "
                f"{type(tensor).__name__}"
            )
    return tensors, several


def _form(values: Sequence[Any], several: bool) -> Any:
    return tuple(values) if several else values[0]


def _leaves(inputs: Sequence[Tensor], create_graph: bool) -> tuple[Tensor, ...]:
    """Inputs that require a gradient: of the caller's graph, or leaves of their own."""
    found = []
    for tensor in inputs:
        if create_graph and tensor.requires_grad:
            found.append(F.reshape(tensor, shape=tensor.shape))
        else:
            leaf = tensor.detach()
            leaf.requires_grad = True
            found.append(leaf)
    return tuple(found)


def _checked(
    gradients: Sequence[Tensor | None], inputs: Sequence[Tensor], strict: bool, who: str
) -> list[Tensor]:
    found = []
    for i, (gradient, tensor) in enumerate(zip(gradients, inputs, strict=True)):
        if gradient is None and strict:
            raise RuntimeError(f"{who}: the output doesn't depend on input {i}, and strict is True")
        found.append(_core.full(tensor.shape, "float32", 0.0) if gradient is None else gradient)
    return found


def _gradients(
    outputs: Sequence[Tensor],
    inputs: Sequence[Tensor],
    weights: Sequence[Tensor | None],
    strict: bool,
    create_graph: bool,
    who: str,
) -> list[Tensor]:
    pairs = [(y, w) for y, w in zip(outputs, weights, strict=True) if y.requires_grad]
    if len(pairs) < len(outputs) and strict:
        raise RuntimeError(f"{who}: an output doesn't depend on the inputs, and strict is True")
    none: list[Tensor | None] = [None] * len(inputs)
    if pairs:
        ys, ws = zip(*pairs, strict=True)
        none = list(
            grad(ys, inputs, ws, retain_graph=True, create_graph=create_graph, allow_unused=True)
        )
    return _checked(none, inputs, strict, who)


def vjp(
    func: Callable[..., Any],
    inputs: Tensor | Sequence[Tensor],
    v: Tensor | Sequence[Tensor] | None = None,
    create_graph: bool = False,
    strict: bool = False,
) -> tuple[Any, Any]:
    """The function's value, and v times its Jacobian.

    Args:
        func: a function of the inputs that returns a tensor or a tuple of tensors.
        inputs: a tensor or several.
        v: for each output a tensor of its shape; it may be left out for one number.
        create_graph: whether the result can be differentiated.
        strict: an output that doesn't depend on an input is an error instead of zeros.

    Example:
        >>> vjp(lambda x: x * x, fastdl.tensor([1.0, 2.0]), fastdl.tensor([1.0, 10.0]))[1].tolist()
        [2.0, 40.0]
    """
    tensors, several = _tuple(inputs, "vjp", "inputs")
    with enable_grad():
        leaves = _leaves(tensors, create_graph)
        outputs, many = _tuple(func(*leaves), "vjp", "func's result")
        weights = _vectors(v, outputs, "vjp", "output")
        found = _gradients(outputs, leaves, weights, strict, create_graph, "vjp")
    values = outputs if create_graph else [y.detach() for y in outputs]
    found = found if create_graph else [g.detach() for g in found]
    return _form(values, many), _form(found, several)


def _vectors(
    v: Tensor | Sequence[Tensor] | None, like: Sequence[Tensor], who: str, what: str
) -> tuple[Tensor, ...]:
    if v is None:
        if len(like) != 1 or like[0].numel() != 1:
            raise RuntimeError(f"{who}: v: it can be left out only for one {what} of one element")
        return (_core.full(like[0].shape, "float32", 1.0),)
    vectors, _ = _tuple(v, who, "v")
    if [t.shape for t in vectors] != [t.shape for t in like]:
        raise RuntimeError(
            f"{who}: v: expected shapes {[t.shape for t in like]}, as of each {what}, got "
            f"{[t.shape for t in vectors]}"
        )
    return vectors


def jvp(
    func: Callable[..., Any],
    inputs: Tensor | Sequence[Tensor],
    v: Tensor | Sequence[Tensor] | None = None,
    create_graph: bool = False,
    strict: bool = False,
) -> tuple[Any, Any]:
    """The function's value, and its Jacobian times v, by differentiating `vjp` for its vector.

    Args:
        func, inputs, create_graph, strict: as for `vjp`.
        v: for each input a tensor of its shape; it may be left out for one number.

    Example:
        >>> jvp(lambda x: x * x, fastdl.tensor([1.0, 2.0]), fastdl.tensor([1.0, 10.0]))[1].tolist()
        [2.0, 40.0]
    """
    tensors, _ = _tuple(inputs, "jvp", "inputs")
    vectors = _vectors(v, tensors, "jvp", "input")
    with enable_grad():
        leaves = _leaves(tensors, create_graph)
        outputs, many = _tuple(func(*leaves), "jvp", "func's result")
        dummies = [_core.full(y.shape, "float32", 0.0) for y in outputs]
        for dummy in dummies:
            dummy.requires_grad = True
        rows = _gradients(outputs, leaves, dummies, strict, True, "jvp")
        found = _gradients(rows, dummies, vectors, False, create_graph, "jvp")
    values = outputs if create_graph else [y.detach() for y in outputs]
    found = found if create_graph else [g.detach() for g in found]
    return _form(values, many), _form(found, many)


def jacobian(
    func: Callable[..., Any],
    inputs: Tensor | Sequence[Tensor],
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    strategy: str = "reverse-mode",
) -> Any:
    """The derivative of each element of the outputs for each element of the inputs.

    One backward pass for each element of the outputs; `vectorize` and `strategy` change nothing.

    Args:
        func, inputs, create_graph, strict: as for `vjp`.

    Returns:
        A tensor of the output's and the input's shape together; for several inputs a tuple of
        them; for several outputs a tuple of these.

    Example:
        >>> jacobian(lambda x: x * x, fastdl.tensor([1.0, 2.0])).tolist()
        [[2.0, 0.0], [0.0, 4.0]]
    """
    tensors, several = _tuple(inputs, "jacobian", "inputs")
    with enable_grad():
        leaves = _leaves(tensors, create_graph)
        outputs, many = _tuple(func(*leaves), "jacobian", "func's result")
        table = []
        for y in outputs:
            rows = []
            for i in range(y.numel()):
                unit = F.reshape(F.one_hot(i, depth=y.numel()), shape=y.shape)
                rows.append(_gradients([y], leaves, [unit], strict, create_graph, "jacobian"))
            columns = zip(*rows, strict=True) if rows else [()] * len(leaves)
            made = []
            for of, x in zip(columns, leaves, strict=True):
                whole = (
                    F.stack(list(of), axis=0) if of else _core.full((0, *x.shape), "float32", 0.0)
                )
                whole = F.reshape(whole, shape=(*y.shape, *x.shape))
                made.append(whole if create_graph else whole.detach())
            table.append(_form(made, several))
    return _form(table, many)


def hessian(
    func: Callable[..., Any],
    inputs: Tensor | Sequence[Tensor],
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    outer_jacobian_strategy: str = "reverse-mode",
) -> Any:
    """The second derivatives of a function whose value is one number.

    Args:
        func, inputs, create_graph, strict: as for `vjp`. `vectorize` and
            `outer_jacobian_strategy` change nothing.

    Returns:
        A tensor of twice the input's shape; for several inputs a tuple of tuples of them.

    Example:
        >>> hessian(lambda x: (x * x * x).sum(), fastdl.tensor([1.0, 2.0])).tolist()
        [[6.0, 0.0], [0.0, 12.0]]
    """
    tensors, several = _tuple(inputs, "hessian", "inputs")

    def slopes(*leaves: Tensor) -> Any:
        y = func(*leaves)
        _check_number(y, "hessian")
        found = _gradients([y], leaves, [None], strict, True, "hessian")
        return tuple(found)

    table = jacobian(slopes, tensors, create_graph, strict)
    return table if several else table[0][0]


def _check_number(y: Any, who: str) -> None:
    if not isinstance(y, Tensor) or y.numel() != 1:
        got = f"shape {y.shape}" if isinstance(y, Tensor) else type(y).__name__
        raise RuntimeError(f"{who}: func: expected a tensor of one element, got {got}")


def vhp(
    func: Callable[..., Any],
    inputs: Tensor | Sequence[Tensor],
    v: Tensor | Sequence[Tensor] | None = None,
    create_graph: bool = False,
    strict: bool = False,
) -> tuple[Any, Any]:
    """The value of a function that gives one number, and v times its Hessian.

    Args:
        func, inputs, create_graph, strict: as for `vjp`.
        v: for each input a tensor of its shape.

    Example:
        >>> x, v = fastdl.tensor([1.0, 2.0]), fastdl.tensor([1.0, 1.0])
        >>> vhp(lambda x: (x * x).sum(), x, v)[1].tolist()
        [2.0, 2.0]
    """
    tensors, several = _tuple(inputs, "vhp", "inputs")
    vectors = _vectors(v, tensors, "vhp", "input")
    with enable_grad():
        leaves = _leaves(tensors, create_graph)
        y = func(*leaves)
        _check_number(y, "vhp")
        slopes = _gradients([y], leaves, [None], strict, True, "vhp")
        found = _gradients(slopes, leaves, vectors, strict, create_graph, "vhp")
    if create_graph:
        return y, _form(found, several)
    return y.detach(), _form([g.detach() for g in found], several)


def hvp(
    func: Callable[..., Any],
    inputs: Tensor | Sequence[Tensor],
    v: Tensor | Sequence[Tensor] | None = None,
    create_graph: bool = False,
    strict: bool = False,
) -> tuple[Any, Any]:
    """The value of a function that gives one number, and its Hessian times v.

    The Hessian is symmetric, so this is `vhp`.
    """
    return vhp(func, inputs, v, create_graph, strict)
