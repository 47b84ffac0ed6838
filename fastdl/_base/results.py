"""The results of functions that return more than one tensor."""

from __future__ import annotations

from typing import NamedTuple

from .._core import Tensor


class ValuesIndices(NamedTuple):
    """Values chosen along an axis, and their places there."""

    values: Tensor
    indices: Tensor
