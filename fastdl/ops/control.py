"""Conditions, loops and functions mapped over axes.

They run in Python: a condition on a tensor's value looks at it, so a step of `fit` with one runs
eagerly, and a notice says so. Loops over numbers and over the axes of tensors are recorded.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from .. import _core
from .._base import functional as F
from .._base import tree
from .._base.checks import check_callable, check_count, check_integer, shown
from .._base.moving import checked_axis
from .._core import Tensor
from .._graph.lift import liftable
from .._graph.symbolic import KerasTensor, is_keras_tensor, like, symbolic_leaves
from . import arithmetic
from .movement import stack
from .tensors import convert_to_tensor

if TYPE_CHECKING:
    from collections.abc import Collection

    from .._base.types import Args, Kwargs
    from .._core import TensorLike


def _in_graphs(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function as `fastdl.ops` has it: for symbolic tensors, too."""
    lifted = liftable(function)
    lifted.__module__ = __package__  # where configs of graphs find it
    return lifted


_equal = _in_graphs(arithmetic.equal)
_maximum = _in_graphs(arithmetic.maximum)
_minimum = _in_graphs(arithmetic.minimum)
_where = _in_graphs(arithmetic.where)


def _tensors(structure: Any) -> Any:
    """The structure with its arrays and numbers as tensors."""
    return tree.map_structure(
        lambda leaf: leaf if isinstance(leaf, (Tensor, KerasTensor)) else convert_to_tensor(leaf),
        structure,
    )


def _same_form(who: str, structures: Sequence[Any]) -> list[list[Any]]:
    """The leaves of the results of several branches. ValueError if their structures differ."""
    found = [tree.flatten(structure) for structure in structures]
    forms = [tree.map_structure(lambda leaf: leaf is None, one) for one in structures]
    if any(form != forms[0] for form in forms):
        raise ValueError(
            f"{who}: expected results of the same structure from all branches, got "
            f"{' and '.join(shown(one) for one in structures)}"
        )
    return found


def cond(pred: TensorLike, true_fn: Callable[[], Any], false_fn: Callable[[], Any]) -> Any:
    """`true_fn()` where `pred` holds, else `false_fn()`.

    Args:
        pred: a boolean or a number, a tensor of one element. In a model's graph, where it has no
            value yet, both branches are computed, and each result is chosen from theirs.
        true_fn, false_fn: functions without arguments. In a graph both must return tensors of the
            same structure.

    Raises:
        TypeError: a branch is no function.
        ValueError: in a graph, the results of the branches have different structures.

    Example:
        >>> x = fastdl.tensor(3.0)
        >>> cond(x > 2, lambda: x * 10, lambda: x).item()
        30.0
    """
    check_callable("cond", "true_fn", true_fn)
    check_callable("cond", "false_fn", false_fn)
    if not is_keras_tensor(pred):
        return true_fn() if pred else false_fn()
    results = true_fn(), false_fn()
    one, other = _same_form("cond", results)
    chosen = [None if a is None else _where(pred, a, b) for a, b in zip(one, other, strict=True)]
    return tree.pack(results[0], chosen)


# It chooses between symbolic results itself: it must not run on zeros, which take one branch.
cond.__dict__["_takes_symbols"] = True


def switch(index: TensorLike, branches: Sequence[Callable[..., Any]], *operands: Any) -> Any:
    """`branches[index](*operands)`; an index below or above counts as the first or the last.

    Args:
        index: an integer, or a tensor of one. In a model's graph all branches are computed, and
            each result is chosen from theirs.
        branches: functions of the operands.
        operands: what they get.

    Raises:
        ValueError: there are no branches; in a graph, their results have different structures.

    Example:
        >>> switch(1, [lambda x: x, lambda x: x * 2, lambda x: x * 3], 5)
        10
    """
    count = len(branches)
    if not count:
        raise ValueError("switch: branches: expected at least one function, got none")
    for branch in branches:
        check_callable("switch", "branches", branch)
    if not is_keras_tensor(index):
        return branches[min(max(int(index), 0), count - 1)](*operands)  # type: ignore[arg-type]
    place = _minimum(_maximum(index, 0), count - 1)
    results = [branch(*operands) for branch in branches]
    leaves = _same_form("switch", results)
    chosen = leaves[0]
    for i, others in enumerate(leaves[1:], 1):
        chosen = [
            None if a is None else _where(_equal(place, i), b, a)
            for a, b in zip(chosen, others, strict=True)
        ]
    return tree.pack(results[0], chosen)


switch.__dict__["_takes_symbols"] = True


def while_loop(
    cond: Callable[..., TensorLike],
    body: Callable[..., Any],
    loop_vars: Any,
    maximum_iterations: int | None = None,
) -> Any:
    """`loop_vars = body(*loop_vars)` as long as `cond(*loop_vars)` holds.

    Gradients flow through all rounds. Numbers stay numbers within the loop: a loop whose condition
    depends on them alone is recorded.

    Args:
        cond: a function of the variables.
        body: a function of the variables that returns the new ones.
        loop_vars: a tuple or list of variables, or a single one; each a tensor or a structure.
        maximum_iterations: the largest number of rounds; no limit unless given.

    Returns:
        The variables as tensors: a tuple, or a single one.

    Raises:
        ValueError: `body` returns another number of variables.

    Example:
        >>> i, total = while_loop(lambda i, t: i < 4, lambda i, t: (i + 1, t + i), (0, 0.0))
        >>> i.item(), total.item()
        (4, 6.0)
    """
    who = "while_loop"
    check_callable(who, "cond", cond)
    check_callable(who, "body", body)
    several = isinstance(loop_vars, (tuple, list))
    values = tuple(loop_vars) if several else (loop_vars,)
    rounds: Any = itertools.count()
    if check_count(who, "maximum_iterations", maximum_iterations, 0) is not None:
        rounds = range(maximum_iterations)  # type: ignore[arg-type]
    if all(isinstance(leaf, KerasTensor) for leaf in tree.flatten(values)):
        raise TypeError(f"{who}: loop_vars: all are symbolic")  # it becomes a part of the graph
    for _ in rounds:
        if not cond(*values):
            break
        found = body(*values)
        found = tuple(found) if several and isinstance(found, (tuple, list)) else (found,)
        if len(found) != len(values):
            raise ValueError(
                f"{who}: body: expected {len(values)} variables as results, got {len(found)}"
            )
        values = found
    results = tuple(_tensors(value) for value in values)
    return results if several else results[0]


def _form_of_loop(args: Args, kwargs: Kwargs) -> Any:
    """The results of a loop on symbolic variables: tensors like these variables."""
    loop_vars = kwargs["loop_vars"] if "loop_vars" in kwargs else args[2]
    form: Any = tree.map_structure(like, _tensors(loop_vars))
    return tuple(form) if isinstance(form, list) else form


while_loop.__dict__["_spec"] = _form_of_loop


def fori_loop(lower: int, upper: int, body_fun: Callable[[int, Any], Any], init_val: Any) -> Any:
    """`value = body_fun(i, value)` for i from `lower` up to but not including `upper`.

    Args:
        lower, upper: the bounds; tensors are looked at.
        body_fun: a function of the number and the value.
        init_val: the first value, a tensor or a structure.

    Example:
        >>> fori_loop(1, 5, lambda i, x: x * i, fastdl.tensor(1.0)).item()
        24.0
    """
    check_callable("fori_loop", "body_fun", body_fun)
    value = _tensors(init_val)
    for i in range(int(lower), int(upper)):
        value = body_fun(i, value)
    return _tensors(value)


def scan(
    f: Callable[[Any, Any], tuple[Any, Any]],
    init: Any,
    xs: Any = None,
    length: int | None = None,
    reverse: bool = False,
    unroll: int = 1,
) -> tuple[Any, Any]:
    """`carry, y = f(carry, x)` for the slices x of `xs` along their first axis.

    Args:
        f: a function of the state and a slice that returns the new state and a result.
        init: the first state, a tensor or a structure.
        xs: a tensor or a structure of them with the same first size; None for none.
        length: the number of steps; that of `xs` unless given.
        reverse: whether to go from the last slice to the first.
        unroll: an integer of at least 1 or a boolean, as in Keras; it changes nothing.

    Returns:
        The last state, and the results stacked in the order of the slices. None for results that
        are None.

    Raises:
        ValueError: neither `xs` nor `length`, or they differ.

    Example:
        >>> last, sums = scan(lambda s, x: (s + x, s + x), 0.0, fastdl.tensor([1.0, 2.0, 3.0]))
        >>> last.item(), sums.tolist()
        (6.0, [1.0, 3.0, 6.0])
    """
    who = "scan"
    check_callable(who, "f", f)
    if not isinstance(unroll, bool):
        check_integer(who, "unroll", unroll, 1)
    count = check_count(who, "length", length, 0)
    xs = None if xs is None else _tensors(xs)
    slices = [] if xs is None else tree.flatten(xs)
    for x in slices:
        size = _first_size(who, x)
        count = size if count is None else count
        if size != count:
            raise ValueError(f"{who}: xs: expected a first axis of size {count}, got {x.shape}")
    if count is None:
        raise ValueError(f"{who}: xs, length: expected one of them, got None for both")
    carry = _tensors(init)
    results: list[Any] = []
    for i in reversed(range(count)) if reverse else range(count):
        carry, y = f(carry, None if xs is None else tree.pack(xs, [x[i] for x in slices]))
        results.append(y)
    carry = _tensors(carry)
    return carry, _stacked(who, results[::-1] if reverse else results)


def _first_size(who: str, x: Any) -> int:
    if isinstance(x, KerasTensor):
        raise TypeError(f"{who}: a symbolic tensor has no slices")  # the call becomes a node
    if not x.ndim:
        raise ValueError(f"{who}: expected tensors with a first axis, got a number")
    return int(x.shape[0])


def _stacked(who: str, results: list[Any]) -> Any:
    """A structure of the stacked leaves of several results of the same structure."""
    if not results:
        raise ValueError(f"{who}: expected at least one slice, got none: nothing tells the result")
    columns = zip(*_same_form(who, results), strict=True)
    stacked = [None if column[0] is None else stack(list(column)) for column in columns]
    return tree.pack(results[0], stacked)


def map(f: Callable[[Any], Any], xs: Any) -> Any:
    """`f` of each slice along the first axis, and the results stacked.

    Args:
        f: a function of a slice, or of a structure of slices.
        xs: a tensor, or a structure of them with the same first size.

    Raises:
        ValueError: the sizes differ, or there are no slices.

    Example:
        >>> map(lambda x: x.sum(), fastdl.tensor([[1.0, 2.0], [3.0, 4.0]])).tolist()
        [3.0, 7.0]
    """
    check_callable("map", "f", f)
    return _mapped("map", f, xs)


def vectorized_map(function: Callable[[Any], Any], elements: Any) -> Any:
    """`map`: a function of each slice along the first axis, and the results stacked.

    Args:
        function: a function of a slice, or of a structure of slices.
        elements: a tensor, or a structure of them with the same first size.

    Raises:
        ValueError: the sizes differ, or there are no slices.

    Example:
        >>> vectorized_map(lambda p: p[0] * p[1], [fastdl.ones(2), fastdl.tensor([3.0, 4.0])])
        tensor([3., 4.])
    """
    check_callable("vectorized_map", "function", function)
    return _mapped("vectorized_map", function, elements)


def _mapped(who: str, function: Callable[[Any], Any], xs: Any) -> Any:
    xs = _tensors(xs)
    leaves = tree.flatten(xs)
    sizes = {_first_size(who, x) for x in leaves}
    if len(sizes) != 1:
        raise ValueError(f"{who}: expected tensors with the same first size, got {sorted(sizes)}")
    results = [function(tree.pack(xs, [x[i] for x in leaves])) for i in range(sizes.pop())]
    return _stacked(who, results)


def associative_scan(
    f: Callable[[Any, Any], Any], elems: Any, reverse: bool = False, axis: int = 0
) -> Any:
    """All partial results of an associative function along an axis, in a number of steps that
    grows with the logarithm of its size.

    Args:
        f: an associative function of two parts of `elems`, which combines them element by element.
        elems: a tensor, or a structure of them with the same size along the axis.
        reverse: whether to begin at the end.
        axis: the axis.

    Raises:
        ValueError: the sizes differ.

    Example:
        >>> associative_scan(lambda a, b: a * b, fastdl.tensor([1.0, 2.0, 3.0, 4.0])).tolist()
        [1.0, 2.0, 6.0, 24.0]
    """
    who = "associative_scan"
    check_callable(who, "f", f)
    elems = _tensors(elems)
    leaves = tree.flatten(elems)
    if symbolic_leaves(leaves):
        raise TypeError(f"{who}: a symbolic tensor has no slices")  # the call becomes a node
    axes = [checked_axis(axis, x.ndim, who) for x in leaves]
    sizes = {x.shape[a] for x, a in zip(leaves, axes, strict=True)}
    if len(sizes) > 1:
        raise ValueError(f"{who}: elems: expected one size along axis {axis}, got {sorted(sizes)}")

    def part(xs: list[Tensor], start: int, stop: int, step: int = 1) -> list[Tensor]:
        found = []
        for x, a in zip(xs, axes, strict=True):
            starts, stops, steps = [0] * x.ndim, list(x.shape), [1] * x.ndim
            starts[a], stops[a], steps[a] = start, max(start, stop), step
            found.append(F.slice(x, starts=starts, stops=stops, steps=steps))
        return found

    def combined(a: list[Tensor], b: list[Tensor]) -> list[Tensor]:
        return tree.flatten(f(tree.pack(elems, a), tree.pack(elems, b)))

    def woven(evens: list[Tensor], odds: list[Tensor], size: int) -> list[Tensor]:
        """Elements of both by turns: those at even places come first."""
        count = size // 2
        order = [i // 2 if i % 2 == 0 else size - count + i // 2 for i in range(size)]
        return [
            F.take(F.concat([x, y], axis=a), order, axis=a)
            for x, y, a in zip(evens, odds, axes, strict=True)
        ]

    def scanned(xs: list[Tensor], size: int) -> list[Tensor]:
        if size < 2:
            return xs
        # Results at odd places are those of the pairs; the others add the element at their place.
        odds = scanned(combined(part(xs, 0, size - 1, 2), part(xs, 1, size, 2)), size // 2)
        evens = part(xs, 0, 1)
        if size > 2:
            later = combined(part(odds, 0, (size - 1) // 2), part(xs, 2, size, 2))
            evens = [F.concat([x, y], axis=a) for x, y, a in zip(evens, later, axes, strict=True)]
        return woven(evens, odds, size)

    size = sizes.pop()
    backwards = list(range(size))[::-1]
    if reverse:
        leaves = [F.take(x, backwards, axis=a) for x, a in zip(leaves, axes, strict=True)]
    results = scanned(leaves, size)
    if reverse:
        results = [F.take(x, backwards, axis=a) for x, a in zip(results, axes, strict=True)]
    return tree.pack(elems, results)


def vectorize(
    pyfunc: Callable[..., Any],
    *,
    excluded: Collection[int | str] | None = None,
    signature: str | None = None,
) -> Callable[..., Any]:
    """A function of tensors from one of their elements, or of their last axes.

    Args:
        pyfunc: a function of tensors without axes, or with those of `signature`.
        excluded: the places and names of arguments that it gets as they are.
        signature: the axes of a part, as `"(m,n),(n)->(m)"`; none unless given.

    Returns:
        A function whose arguments are broadcast along their other axes.

    Raises:
        TypeError: `pyfunc` is no function.
        ValueError: the signature cannot be read; from a call, arguments that do not fit it.

    Source: `numpy.vectorize`.

    Example:
        >>> larger = vectorize(lambda a, b: a if a > b else b)
        >>> larger([1, 5, 3], 4).tolist()
        [4, 5, 4]
        >>> vectorize(fastdl.dot, signature="(n),(n)->()")([[1.0, 2.0], [3.0, 4.0]], [1.0, 1.0])
        tensor([3., 7.])
    """
    who = "vectorize"
    check_callable(who, "pyfunc", pyfunc)
    kept = set(excluded or ())
    axes = None if signature is None else _axes_of(signature)

    @functools.wraps(pyfunc)
    def vectorized(*args: Any, **kwargs: Any) -> Any:
        places = [i for i, arg in enumerate(args) if i not in kept and arg is not None]
        names = [name for name in kwargs if name not in kept]
        values = [_core.as_tensor(convert_to_tensor(args[i])) for i in places]
        values += [_core.as_tensor(convert_to_tensor(kwargs[name])) for name in names]
        cores = [len(one) for one in axes] if axes is not None else [0] * len(values)
        if len(cores) != len(values):
            raise ValueError(f"{who}: expected {len(cores)} arguments, got {len(values)}")
        outer = _broadcast(who, values, cores)
        if axes is not None:
            _check_core(who, axes, values)
        flat = [
            F.reshape(
                F.broadcast_to(x, shape=(*outer, *x.shape[x.ndim - core :])),
                shape=(-1, *x.shape[x.ndim - core :]),
            )
            for x, core in zip(values, cores, strict=True)
        ]

        def call(parts: list[Tensor]) -> Any:
            given, named = list(args), dict(kwargs)
            for i, part in zip(places, parts, strict=False):
                given[i] = part
            named.update(zip(names, parts[len(places) :], strict=True))
            return pyfunc(*given, **named)

        if not flat:
            return call([])
        result = _mapped(who, call, flat)
        return tree.map_structure(lambda y: F.reshape(y, shape=(*outer, *y.shape[1:])), result)

    return liftable(vectorized)


def _axes_of(signature: str) -> list[list[str]]:
    """The names of the axes of the arguments."""
    import re

    group = r"\((?:\w+(?:,\w+)*)?\)"
    text = re.sub(r"\s", "", signature) if isinstance(signature, str) else ""
    if not re.fullmatch(rf"{group}(?:,{group})*->{group}(?:,{group})*", text):
        raise ValueError(
            f"vectorize: signature: expected a text like '(m,n),(n)->(m)', got {shown(signature)}"
        )
    return [re.findall(r"\w+", one) for one in re.findall(group, text.partition("->")[0])]


def _broadcast(who: str, values: list[Tensor], cores: list[int]) -> tuple[int, ...]:
    """The shape of the axes that are not the function's."""
    outer: tuple[int, ...] = ()
    for x, core in zip(values, cores, strict=True):
        if x.ndim < core:
            raise ValueError(f"{who}: expected at least {core} axes, got shape {x.shape}")
        shape = x.shape[: x.ndim - core]
        pairs = itertools.zip_longest(reversed(outer), reversed(shape), fillvalue=1)
        sizes = [(a, b) for a, b in pairs]
        if any(a != b and 1 not in (a, b) for a, b in sizes):
            raise ValueError(f"{who}: the shapes {outer} and {shape} cannot be broadcast")
        outer = tuple(b if a == 1 else a for a, b in reversed(sizes))
    return outer


def _check_core(who: str, axes: list[list[str]], values: list[Tensor]) -> None:
    known: dict[str, int] = {}
    for names, x in zip(axes, values, strict=True):
        for name, size in zip(names, x.shape[x.ndim - len(names) :], strict=True):
            if known.setdefault(name, size) != size:
                raise ValueError(
                    f"{who}: signature: axis {name} has the sizes {known[name]} and {size}"
                )
