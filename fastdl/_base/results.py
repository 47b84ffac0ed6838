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

    class SlogdetResult(NamedTuple):
        """Signs of determinants, and the logarithms of their absolute values."""

        sign: Tensor
        logabsdet: Tensor

    class QRResult(NamedTuple):
        """Orthogonal columns and an upper triangle."""

        Q: Tensor
        R: Tensor

    class SVDResult(NamedTuple):
        """U, the singular values and V."""

        U: Tensor
        S: Tensor
        V: Tensor

    class LUResult(NamedTuple):
        """A permutation of rows, a lower and an upper triangle."""

        P: Tensor
        L: Tensor
        U: Tensor

    class SolutionResult(NamedTuple):
        """The solution, and the matrix of the system."""

        solution: Tensor
        cloned_coefficient: Tensor

    class GeqrfResult(NamedTuple):
        """Reflections and their factors."""

        a: Tensor
        tau: Tensor

else:  # typing takes a quarter of a millisecond for that, which is 3 % of the import
    ValuesIndices = namedtuple("ValuesIndices", ["values", "indices"], module=__name__)
    ValuesIndices.__doc__ = "Values chosen along an axis, and their places there."
    MantissaExponent = namedtuple("MantissaExponent", ["mantissa", "exponent"], module=__name__)
    MantissaExponent.__doc__ = "Numbers as `mantissa * 2^exponent`."
    MinMax = namedtuple("MinMax", ["min", "max"], module=__name__)
    MinMax.__doc__ = "The smallest and the largest values."
    Histogram = namedtuple("Histogram", ["hist", "bin_edges"], module=__name__)
    Histogram.__doc__ = "Counts of bins, and the edges of the bins."
    SlogdetResult = namedtuple("SlogdetResult", ["sign", "logabsdet"], module=__name__)
    QRResult = namedtuple("QRResult", ["Q", "R"], module=__name__)
    SVDResult = namedtuple("SVDResult", ["U", "S", "V"], module=__name__)
    LUResult = namedtuple("LUResult", ["P", "L", "U"], module=__name__)
    SolutionResult = namedtuple(
        "SolutionResult", ["solution", "cloned_coefficient"], module=__name__
    )
    GeqrfResult = namedtuple("GeqrfResult", ["a", "tau"], module=__name__)
