"""Sums of products that an equation of letters names, as transposes, matrix products and sums."""

from __future__ import annotations

import functools
import math
from collections import Counter
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, NoReturn

from .._core import ShapeError
from . import functional as F

if TYPE_CHECKING:
    from .._core import Precision, Tensor

# The letter of an axis, or the number of an axis of the ellipsis, counted from its end: -1, -2 ...
Label = str | int
Labels = tuple[Label, ...]


def einsum(
    equation: str,
    operands: Sequence[Tensor],
    precision: Precision = "float32",
    open_result: bool = True,
) -> Tensor:
    """The sum of products of the operands' elements, as `numpy.einsum` defines it.

    Operands are multiplied one after the other. Letters that two of them share and that nothing
    else needs are summed by a matrix product.

    Args:
        equation: terms with a letter for each axis, between commas; then maybe "->" and the axes of
            the result. "..." stands for axes that broadcast. Without an arrow the result has the
            axes of "..." and the letters that occur once, sorted.
        operands: a tensor for each term.
        precision: "bfloat16" rounds the operands of matrix products.
        open_result: whether a result must have the "..." of the operands. Otherwise a result
            without it is summed over these axes.

    Raises:
        TypeError: the equation is no text.
        ValueError: it is none, or the operands do not fit it. The message names it.
    """
    if not isinstance(equation, str):
        raise TypeError(f"einsum: expected an equation, got {type(equation).__name__}")
    terms, result = _parsed(equation, tuple(x.ndim for x in operands), open_result)
    _check_sizes(equation, terms, operands)
    x, labels = _diagonal(operands[0], terms[0])
    for number, (term, operand) in enumerate(zip(terms[1:], operands[1:], strict=True), 2):
        needed = {*result, *(label for later in terms[number:] for label in later)}
        x, labels = _product(x, labels, *_diagonal(operand, term), needed, precision)
    x, labels = _summed(x, labels, result)
    return _in_order(x, labels, result)


def _wrong(equation: str, problem: str) -> NoReturn:
    raise ShapeError(f"einsum: equation {equation!r}: {problem}")


@functools.lru_cache(maxsize=256)
def _parsed(
    equation: str, ranks: tuple[int, ...], open_result: bool
) -> tuple[list[Labels], Labels]:
    """The labels of the axes of each operand and of the result."""
    text = equation.replace(" ", "")
    left, arrow, right = text.partition("->")
    texts = left.split(",")
    if len(texts) != len(ranks):
        _wrong(equation, f"it has {len(texts)} terms, got {len(ranks)} operands")
    terms = [_labels(equation, t, rank) for t, rank in zip(texts, ranks, strict=True)]
    open_axes = sorted({label for term in terms for label in term if isinstance(label, int)})
    counts = Counter(label for term in terms for label in term if isinstance(label, str))
    if not arrow:
        return terms, (*open_axes, *sorted(label for label, n in counts.items() if n == 1))
    if open_result and open_axes and "..." not in right:
        _wrong(equation, "'...' stands for axes of the operands, but the result has none")
    rank = len(right.replace("...", "")) + (len(open_axes) if "..." in right else 0)
    result = _labels(equation, right, rank)
    for label in result:
        if isinstance(label, str) and label not in counts:
            _wrong(equation, f"no operand has the axis {label!r} of the result")
    if len({*result}) < len(result):
        _wrong(equation, "a letter occurs twice in the result")
    return terms, result


def _labels(equation: str, text: str, rank: int) -> Labels:
    before, dots, after = text.partition("...")
    for letter in before + after:
        if not (letter.isascii() and letter.isalpha()):
            _wrong(equation, f"expected letters, commas, '...' and '->', got {letter!r}")
    open_axes = rank - len(before) - len(after)
    if open_axes < 0 or (open_axes and not dots):
        _wrong(equation, f"the term {text!r} does not fit an operand with {rank} axes")
    return (*before, *range(-open_axes, 0), *after)


def _check_sizes(equation: str, terms: Sequence[Labels], operands: Sequence[Tensor]) -> None:
    sizes: dict[Label, int] = {}
    for term, x in zip(terms, operands, strict=True):
        for label, size in zip(term, x.shape, strict=True):
            known = sizes.get(label, 1)
            if 1 not in (known, size) and known != size:
                name = repr(label) if isinstance(label, str) else "of '...'"
                _wrong(equation, f"the axis {name} has the sizes {known} and {size}")
            sizes[label] = size if known == 1 else known


def _diagonal(x: Tensor, labels: Labels) -> tuple[Tensor, Labels]:
    """The elements for which axes with one label have one index, with one axis for them."""
    for label in {*labels}:
        while labels.count(label) > 1:
            places = [i for i, other in enumerate(labels) if other == label][:2]
            others = [i for i in range(x.ndim) if i not in places]
            size = x.shape[places[0]]
            if size != x.shape[places[1]]:
                raise ShapeError(
                    f"einsum: the two axes {label!r} of an operand of shape {x.shape} differ"
                )
            kept = [x.shape[i] for i in others]
            x = F.reshape(F.transpose(x, perm=[*others, *places]), shape=(*kept, size * size))
            ones = [1] * len(kept)
            stop = [*kept, max(size * size, 1)]
            x = F.slice(x, starts=[0] * x.ndim, stops=stop, steps=[*ones, size + 1])
            labels = (*(labels[i] for i in others), label)
    return x, labels


def _product(
    a: Tensor,
    of_a: Labels,
    b: Tensor,
    of_b: Labels,
    needed: Collection[Label],
    precision: Precision,
) -> tuple[Tensor, Labels]:
    """The product of two operands, summed over the labels that are not needed."""
    a, of_a = _summed(a, of_a, {*of_b, *needed})
    b, of_b = _summed(b, of_b, {*of_a, *needed})
    shared = [label for label in of_a if label in of_b]
    a, b = _spread(a, of_a, b, of_b, shared), _spread(b, of_b, a, of_a, shared)
    batch = [label for label in shared if label in needed]
    inner = [label for label in shared if label not in needed]
    rows = [label for label in of_a if label not in shared]
    columns = [label for label in of_b if label not in shared]
    sizes = {**dict(zip(of_a, a.shape, strict=True)), **dict(zip(of_b, b.shape, strict=True))}
    result = (*batch, *rows, *columns)
    shape = [sizes[label] for label in result]
    if not inner:
        wide = [sizes[label] for label in (*batch, *rows)]
        a = F.reshape(_in_order(a, of_a, (*batch, *rows)), shape=(*wide, *[1] * len(columns)))
        narrow = [*wide[: len(batch)], *[1] * len(rows), *shape[len(wide) :]]
        b = F.reshape(_in_order(b, of_b, (*batch, *columns)), shape=narrow)
        return F.mul(a, b), result
    a, turned_a = _matrix(a, of_a, batch, rows, inner)
    b, turned_b = _matrix(b, of_b, batch, inner, columns)
    if batch or turned_a or not a.dtype == b.dtype == "float32":
        y = F.matmul(a, b, transpose_a=turned_a, transpose_b=turned_b, precision=precision)
    else:  # plans keep a packed copy of its weight
        y = F.linear(a, b, transpose_w=turned_b, precision=precision)
    return F.reshape(y, shape=shape), result


def _summed(x: Tensor, labels: Labels, needed: Collection[Label]) -> tuple[Tensor, Labels]:
    axes = [i for i, label in enumerate(labels) if label not in needed]
    if not axes:
        return x, labels
    return F.sum(x, axes=axes), tuple(label for label in labels if label in needed)


def _spread(x: Tensor, labels: Labels, y: Tensor, of_y: Labels, shared: list[Label]) -> Tensor:
    """x with the sizes of y along shared axes where it has 1."""
    shape = list(x.shape)
    for label in shared:
        place = labels.index(label)
        if shape[place] == 1:
            shape[place] = y.shape[of_y.index(label)]
    return x if tuple(shape) == x.shape else F.broadcast_to(x, shape=shape)


def _matrix(
    x: Tensor, labels: Labels, batch: list[Label], rows: list[Label], columns: list[Label]
) -> tuple[Tensor, bool]:
    """x as a matrix, or a batch of them; and whether it is transposed, which saves a copy."""
    sizes = dict(zip(labels, x.shape, strict=True))
    turned = labels == (*batch, *columns, *rows) and bool(rows)
    if turned:
        rows, columns = columns, rows
    shape = [math.prod(sizes[label] for label in group) for group in (batch, rows, columns)]
    x = _in_order(x, labels, (*batch, *rows, *columns))
    return F.reshape(x, shape=shape if batch else shape[1:]), turned


def _in_order(x: Tensor, labels: Labels, wanted: Labels) -> Tensor:
    if labels == wanted:
        return x
    return F.transpose(x, perm=[labels.index(label) for label in wanted])
