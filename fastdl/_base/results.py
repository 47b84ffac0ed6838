"""The results of functions that return more than one tensor."""

from __future__ import annotations

from collections import namedtuple
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from .._core import Tensor

    class ValuesIndices(NamedTuple):
        """Values chosen along an axis, and their places there."""

        values: Tensor
        indices: Tensor

    class MantissaExponent(NamedTuple):
        """Numbers as `mantissa * 2^exponent`."""

        mantissa: Tensor
        exponent: Tensor

    class MinMax(NamedTuple):
        """The smallest and the largest values."""

        min: Tensor
        max: Tensor

    class Histogram(NamedTuple):
        """Counts of bins, and the edges of the bins."""

        hist: Tensor
        bin_edges: Tensor

else:  # typing takes a quarter of a millisecond for that, which is 3 % of the import
    ValuesIndices = namedtuple("ValuesIndices", ["values", "indices"], module=__name__)
    ValuesIndices.__doc__ = "Values chosen along an axis, and their places there."
    MantissaExponent = namedtuple("MantissaExponent", ["mantissa", "exponent"], module=__name__)
    MantissaExponent.__doc__ = "Numbers as `mantissa * 2^exponent`."
    MinMax = namedtuple("MinMax", ["min", "max"], module=__name__)
    MinMax.__doc__ = "The smallest and the largest values."
    Histogram = namedtuple("Histogram", ["hist", "bin_edges"], module=__name__)
    Histogram.__doc__ = "Counts of bins, and the edges of the bins."
