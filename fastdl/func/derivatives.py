"""Functions that compute derivatives of functions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import _core
from .._base import functional as F
from .._base import tree
from .._base.checks import check_callable
from .._core import Tensor
from ..autograd.modes import enable_grad

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Argnums = int | tuple[int, ...]


def _tensors(values: Any, who: str, what: str) -> list[Tensor]:
    found = tree.flatten(values)
    for value in found:
        if not isinstance(value, Tensor):
            raise TypeError(f"{who}: {what}: expected tensors, got {type(value).__name__}")
    return found


class _Call:
    """One call of a function, with its derivatives for some of its arguments.

    Results belong to the graph of the caller if they depend on something in it.
    """

    def __init__(self, who: str, func: Callable[..., Any], has_aux: bool) -> None:
        self.who = who
        self._func = check_callable(who, "func", func)
        self._has_aux = has_aux
        self.aux: Any = None

    def run(self, primals: Any, call: Callable[[Any], Any]) -> None:
        """Calls the function. `call(primals)` does it with others in the place of `primals`."""
        given = _tensors(primals, self.who, "arguments")
        self._outer = _core.grad_enabled()
        with enable_grad():
            self.leaves = []
            for tensor in given:
                if self._outer and tensor.requires_grad:
                    self.leaves.append(F.reshape(tensor, shape=tensor.shape))
                else:
                    leaf = tensor.detach()
                    leaf.requires_grad = True
                    self.leaves.append(leaf)
            # Derivatives go no further back than to these.
            self._since = _core.tape_length()
            result = call(tree.pack(primals, self.leaves))
        if self._has_aux:
            if not (isinstance(result, tuple) and len(result) == 2):
                raise RuntimeError(
                    f"{self.who}: with has_aux=True expected the function to return (output, aux)"
                )
            result, self.aux = result
        self.result = result
        self.outputs = _tensors(result, self.who, "the function's result")
        own = {id(leaf) for leaf in self.leaves if leaf.is_leaf}
        self.in_graph = self._outer and (
            any(t.requires_grad for t in given)
            or any(id(s) not in own for s in _core.sources(self.outputs, self._since))
        )

    def gradients(self, weights: Sequence[Tensor | None], create_graph: bool) -> list[Tensor]:
        """The gradients of the outputs, times weights, for all leaves."""
        pairs = [(y, w) for y, w in zip(self.outputs, weights, strict=True) if y.requires_grad]
        found: list[Tensor | None] = [None] * len(self.leaves)
        if pairs:
            ys, ws = zip(*pairs, strict=True)
            found = _core.grad(ys, ws, self.leaves, True, create_graph, self._since)
        return [
            _core.full(leaf.shape, "float32", 0.0) if g is None else g
            for g, leaf in zip(found, self.leaves, strict=True)
        ]

    def freed(self, value: Any) -> Any:
        """The tensors without a graph, unless they belong to that of the caller."""
        if self.in_graph:
            return value
        return tree.map_structure(lambda t: t.detach() if isinstance(t, Tensor) else t, value)


def _chosen(who: str, argnums: Argnums, args: tuple[Any, ...]) -> Any:
    """The arguments that are differentiated."""
    numbers = argnums if isinstance(argnums, tuple) else (argnums,)
    for number in numbers:
        if isinstance(number, bool) or not isinstance(number, int):
            raise RuntimeError(f"{who}: argnums: expected an int or a tuple of them, got {argnums}")
        if not -len(args) <= number < len(args):
            raise RuntimeError(
                f"{who}: argnums: expected positions of {len(args)} arguments, got {argnums}"
            )
    found = tuple(args[number] for number in numbers)
    return found if isinstance(argnums, tuple) else found[0]


def _with(args: tuple[Any, ...], argnums: Argnums, values: Any) -> list[Any]:
    replaced = list(args)
    numbers = argnums if isinstance(argnums, tuple) else (argnums,)
    for number, value in zip(
        numbers, values if isinstance(argnums, tuple) else (values,), strict=True
    ):
        replaced[number] = value
    return replaced


def grad_and_value(
    func: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False
) -> Callable[..., Any]:
    """A function that gives the gradient of `func`, and its value.

    Args:
        func: returns a tensor of one element.
        argnums: the positions of the arguments for which the gradient is taken: an int, or a tuple
            for a tuple of gradients. Each may be a nested structure of tensors.
        has_aux: whether `func` returns `(output, aux)`; the function then gives
            `(gradient, (output, aux))`.

    Source: `torch.func.grad_and_value`.

    Example:
        >>> g, y = func.grad_and_value(lambda x: (x * x).sum())(fastdl.tensor([1.0, 2.0]))
        >>> g.tolist(), y.item()
        ([2.0, 4.0], 5.0)
    """
    return _gradient("grad_and_value", func, argnums, has_aux)


def _gradient(
    who: str, func: Callable[..., Any], argnums: Argnums, has_aux: bool
) -> Callable[..., Any]:
    check_callable(who, "func", func)

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        primals = _chosen(who, argnums, args)
        call = _Call(who, func, has_aux)
        call.run(primals, lambda values: func(*_with(args, argnums, values), **kwargs))
        if not isinstance(call.result, Tensor) or call.result.numel() != 1 or call.result.ndim:
            got = getattr(call.result, "shape", type(call.result).__name__)
            raise RuntimeError(f"{who}: func: expected a tensor without axes, got {got}")
        found = call.gradients([None], call.in_graph)
        gradient = call.freed(tree.pack(primals, found))
        value = call.freed(call.result)
        return gradient, ((value, call.freed(call.aux)) if has_aux else value)

    return wrapped


def grad(
    func: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False
) -> Callable[..., Any]:
    """A function that gives the gradient of `func`.

    Args:
        func, argnums: as for `grad_and_value`.
        has_aux: whether `func` returns `(output, aux)`; the function then gives `(gradient, aux)`.

    Source: `torch.func.grad`.

    Example:
        >>> cube = lambda x: x**3
        >>> func.grad(func.grad(cube))(fastdl.tensor(2.0)).item()
        12.0
    """
    both = _gradient("grad", func, argnums, has_aux)

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        gradient, value = both(*args, **kwargs)
        return (gradient, value[1]) if has_aux else gradient

    return wrapped


def vjp(func: Callable[..., Any], *primals: Any, has_aux: bool = False) -> Any:
    """The value of a function, and a function that gives a vector times its Jacobian.

    Args:
        func: the function.
        primals: its arguments, tensors or nested structures of them.
        has_aux: whether `func` returns `(output, aux)`.

    Returns:
        `(output, vjp_fn)`, or `(output, vjp_fn, aux)`. `vjp_fn(cotangents)` takes what has the form
        of the output, and gives a tuple with what has the form of each argument.

    Source: `torch.func.vjp`.

    Example:
        >>> y, vjp_fn = func.vjp(lambda x: x * x, fastdl.tensor([1.0, 2.0]))
        >>> vjp_fn(fastdl.tensor([1.0, 10.0]))[0].tolist()
        [2.0, 40.0]
    """
    call = _Call("vjp", func, has_aux)
    call.run(primals, lambda values: func(*values))

    def vjp_fn(*cotangents: Any) -> Any:
        given = cotangents[0] if len(cotangents) == 1 else cotangents
        vectors = _like(call, given, call.outputs, "cotangents")
        create = _core.grad_enabled() and (call.in_graph or any(v.requires_grad for v in vectors))
        found = call.gradients(vectors, create)
        packed = tree.pack(primals, found)
        return packed if create else tree.map_structure(lambda t: t.detach(), packed)

    value = call.freed(call.result)
    return (value, vjp_fn, call.freed(call.aux)) if has_aux else (value, vjp_fn)


def _like(call: _Call, given: Any, like: Sequence[Tensor], what: str) -> list[Tensor]:
    vectors = _tensors(given, call.who, what)
    if [v.shape for v in vectors] != [t.shape for t in like]:
        raise RuntimeError(
            f"{call.who}: {what}: expected shapes {[t.shape for t in like]}, got "
            f"{[v.shape for v in vectors]}"
        )
    return vectors


def jvp(
    func: Callable[..., Any],
    primals: Any,
    tangents: Any,
    *,
    strict: bool = False,
    has_aux: bool = False,
) -> Any:
    """The value of a function, and its Jacobian times a vector.

    It differentiates the vector-Jacobian product for its vector: there are no forward derivatives.

    Args:
        func: the function.
        primals: a tuple of its arguments.
        tangents: a tuple of the same form.
        strict: whether an output that depends on no argument is an error; otherwise it is 0.
        has_aux: whether `func` returns `(output, aux)`.

    Returns:
        `(output, tangent)`, or `(output, tangent, aux)`.

    Source: `torch.func.jvp`.

    Example:
        >>> x, v = fastdl.tensor([1.0, 2.0]), fastdl.tensor([1.0, 10.0])
        >>> func.jvp(lambda x: x * x, (x,), (v,))[1].tolist()
        [2.0, 40.0]
    """
    if not isinstance(primals, tuple) or not isinstance(tangents, tuple):
        raise RuntimeError("jvp: primals, tangents: expected two tuples")
    call = _Call("jvp", func, has_aux)
    call.run(primals, lambda values: func(*values))
    vectors = _like(call, tangents, call.leaves, "tangents")
    if strict and not all(y.requires_grad for y in call.outputs):
        raise RuntimeError("jvp: strict: an output depends on no argument")
    found = _forward(call, vectors)
    if call.in_graph or (_core.grad_enabled() and any(v.requires_grad for v in vectors)):
        value = call.freed(call.result)
    else:
        value, found = call.freed(call.result), [t.detach() for t in found]
    tangent = tree.pack(call.result, found)
    return (value, tangent, call.freed(call.aux)) if has_aux else (value, tangent)


def _forward(call: _Call, vectors: Sequence[Tensor]) -> list[Tensor]:
    """The Jacobian times a vector, for each output."""
    with enable_grad():
        dummies = [_core.full(y.shape, "float32", 0.0) for y in call.outputs]
        for dummy in dummies:
            dummy.requires_grad = True
        rows = call.gradients(dummies, True)
        pairs = [(r, v) for r, v in zip(rows, vectors, strict=True) if r.requires_grad]
        found: list[Tensor | None] = [None] * len(dummies)
        if pairs:
            rs, vs = zip(*pairs, strict=True)
            found = _core.grad(rs, vs, dummies, True, True)
    return [
        _core.full(d.shape, "float32", 0.0) if g is None else g
        for g, d in zip(found, dummies, strict=True)
    ]


def jacrev(
    func: Callable[..., Any],
    argnums: Argnums = 0,
    *,
    has_aux: bool = False,
    chunk_size: int | None = None,
) -> Callable[..., Any]:
    """A function that gives the Jacobian of `func`, one backward pass for each output element.

    Args:
        func: the function.
        argnums: the positions of the arguments, as for `grad`.
        has_aux: whether `func` returns `(output, aux)`; the function then gives `(jacobian, aux)`.
        chunk_size: without effect.

    Returns:
        A function. For each output, and for each argument within, it gives a tensor of both
        shapes together.

    Source: `torch.func.jacrev`.

    Example:
        >>> func.jacrev(lambda x: x * x)(fastdl.tensor([1.0, 2.0])).tolist()
        [[2.0, 0.0], [0.0, 4.0]]
    """
    return _jacobian("jacrev", func, argnums, has_aux, _reverse_rows)


def jacfwd(
    func: Callable[..., Any],
    argnums: Argnums = 0,
    has_aux: bool = False,
    *,
    randomness: str = "error",
) -> Callable[..., Any]:
    """A function that gives the Jacobian of `func`, one pass for each input element.

    Args:
        func, argnums, has_aux: as for `jacrev`.
        randomness: without effect: the function is called once.

    Source: `torch.func.jacfwd`.

    Example:
        >>> func.jacfwd(lambda x: x * x)(fastdl.tensor([1.0, 2.0])).tolist()
        [[2.0, 0.0], [0.0, 4.0]]
    """
    return _jacobian("jacfwd", func, argnums, has_aux, _forward_rows)


def hessian(func: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., Any]:
    """A function that gives the second derivatives of `func`: `jacfwd(jacrev(func))`.

    Source: `torch.func.hessian`.

    Example:
        >>> func.hessian(lambda x: (x**3).sum())(fastdl.tensor([1.0, 2.0])).tolist()
        [[6.0, 0.0], [0.0, 12.0]]
    """
    return jacfwd(jacrev(func, argnums), argnums)


def _jacobian(
    who: str,
    func: Callable[..., Any],
    argnums: Argnums,
    has_aux: bool,
    rows: Callable[[_Call], list[list[Tensor]]],
) -> Callable[..., Any]:
    check_callable(who, "func", func)

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        primals = _chosen(who, argnums, args)
        call = _Call(who, func, has_aux)
        call.run(primals, lambda values: func(*_with(args, argnums, values), **kwargs))
        table = [tree.pack(primals, of_output) for of_output in rows(call)]
        # Each output has a structure in its place, which must not be taken for more outputs.
        supply = iter(table)
        found = call.freed(tree.map_structure(lambda _: next(supply), call.result))
        return (found, call.freed(call.aux)) if has_aux else found

    return wrapped


def _unit(shape: tuple[int, ...], index: int) -> Tensor:
    size = 1
    for n in shape:
        size *= n
    return F.reshape(F.one_hot(index, depth=size), shape=shape)


def _reverse_rows(call: _Call) -> list[list[Tensor]]:
    """For each output and each leaf a tensor of both shapes together."""
    table = []
    for j, y in enumerate(call.outputs):
        rows = []
        for i in range(y.numel()):
            weights: list[Tensor] = [
                _unit(y.shape, i) if k == j else _core.full(other.shape, "float32", 0.0)
                for k, other in enumerate(call.outputs)
            ]
            rows.append(call.gradients(weights, call.in_graph))
        table.append(
            [
                F.reshape(F.stack([row[k] for row in rows], axis=0), shape=(*y.shape, *leaf.shape))
                if rows
                else _core.full((*y.shape, *leaf.shape), "float32", 0.0)
                for k, leaf in enumerate(call.leaves)
            ]
        )
    return table


def _forward_rows(call: _Call) -> list[list[Tensor]]:
    columns: list[list[list[Tensor]]] = []  # by leaf, element of the leaf, output
    for j, x in enumerate(call.leaves):
        columns.append([])
        for i in range(x.numel()):
            vectors = [
                _unit(x.shape, i) if k == j else _core.full(other.shape, "float32", 0.0)
                for k, other in enumerate(call.leaves)
            ]
            columns[-1].append(_forward(call, vectors))
    return [
        [
            F.reshape(
                F.stack([column[o] for column in columns[k]], axis=-1),
                shape=(*y.shape, *leaf.shape),
            )
            if columns[k]
            else _core.full((*y.shape, *leaf.shape), "float32", 0.0)
            for k, leaf in enumerate(call.leaves)
        ]
        for o, y in enumerate(call.outputs)
    ]
