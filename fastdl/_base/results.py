"""What functions with more than one result return."""

from __future__ import annotations

from typing import NamedTuple

from .._core import Tensor


class ValuesIndices(NamedTuple):
    """What functions that choose among the values of an axis return."""

    values: Tensor
    indices: Tensor
