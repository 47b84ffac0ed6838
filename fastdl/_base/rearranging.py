"""The language of `einops.rearrange`."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from .. import _core
from .._core import ArgumentError, ShapeError
from . import functional as F
from .checks import check_integer

if TYPE_CHECKING:
    from .._core import Tensor, TensorLike

_DOTS = "..."


def _groups(side: str, pattern: str, who: str) -> list[list[str] | None]:
    """The axes of one side, each as the names that are joined to it; None for "..." alone."""
    found: list[list[str] | None] = []
    inside: list[str] | None = None
    for token in re.findall(r"\.\.\.|[()]|\w+|\S", side):
        if token == "(" and inside is None:
            inside = []
            found.append(inside)
        elif token == ")" and inside is not None:
            inside = None
        elif token != _DOTS and token != "1" and not token.isidentifier():
            raise ArgumentError(f"{who}: pattern: {token!r} is not expected in {pattern!r}")
        elif inside is None:
            found.append(None if token == _DOTS else [] if token == "1" else [token])
        elif token != "1":
            inside.append(token)
    if inside is not None:
        raise ArgumentError(f"{who}: pattern: a bracket is not closed in {pattern!r}")
    return found


def _spelled(groups: list[list[str] | None], other: list[str]) -> list[list[str]]:
    """The axes with names for those that "..." stands for."""
    found: list[list[str]] = []
    for group in groups:
        if group is None:
            found += [[name] for name in other]
        else:
            found.append([n for name in group for n in (other if name == _DOTS else [name])])
    return found


def rearranged(x: TensorLike, pattern: str, lengths: Mapping[str, int], who: str) -> Tensor:
    """The axes in another order, joined and cut as a pattern says.

    Raises:
        ValueError: the pattern cannot be read, or does not fit the shape.
    """
    x = _core.as_tensor(x)
    if not isinstance(pattern, str) or pattern.count("->") != 1:
        raise ArgumentError(f"{who}: pattern: expected a text with one '->', got {pattern!r}")
    left, right = (_groups(side, pattern, who) for side in pattern.split("->"))
    names, wanted = (
        [name for group in side for name in ([_DOTS] if group is None else group)]
        for side in (left, right)
    )
    if len(set(names)) < len(names) or sorted(names) != sorted(wanted):
        raise ArgumentError(
            f"{who}: pattern: expected each name once on both sides, got {pattern!r}"
        )
    if any(group and _DOTS in group for group in left):
        raise ArgumentError(f"{who}: pattern: '...' can't be cut, got {pattern!r}")
    unknown = lengths.keys() - set(names)
    if unknown:
        raise ArgumentError(f"{who}: {min(unknown)} is no axis of {pattern!r}")
    sizes = {name: check_integer(who, name, size, 0) for name, size in lengths.items()}
    more = x.ndim - (len(left) - (_DOTS in names))
    if more < 0 or (more and _DOTS not in names):
        raise ShapeError(f"{who}: expected {len(left)} axes for {pattern!r}, got shape {x.shape}")
    other = [f"...{i}" for i in range(more)]
    cut, joined = _spelled(left, other), _spelled(right, other)
    for size, group in zip(x.shape, cut, strict=True):
        free = [name for name in group if name not in sizes]
        known = math.prod(sizes[name] for name in group if name in sizes)
        if len(free) > 1:
            raise ShapeError(f"{who}: the sizes of {', '.join(free)} are unknown in {pattern!r}")
        if free:
            sizes[free[0]] = size // known if known else 0
            known *= sizes[free[0]]
        if known != size:
            raise ShapeError(
                f"{who}: an axis of size {size} does not fit ({' '.join(group)}) of {pattern!r} "
                f"with {dict(lengths)}"
            )
    order = [name for group in cut for name in group]
    place = {name: i for i, name in enumerate(order)}
    apart = F.reshape(x, shape=[sizes[name] for name in order])
    perm = [place[name] for group in joined for name in group]
    if perm != sorted(perm):
        apart = F.transpose(apart, perm=perm)
    return F.reshape(apart, shape=[math.prod(sizes[n] for n in group) for group in joined])
