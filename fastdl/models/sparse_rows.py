"""SparseRows: samples in a sparse matrix of SciPy. Only the rows of a batch become dense."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from .._base.checks import Sparse

# A matrix that takes no more bytes than this when it is dense becomes an array: steps over arrays
# run in the core.
_SMALL = 64 << 20
_ROWS = 4096  # that are dense at a time where all are looked at


def samples_of(matrix: Sparse) -> SparseRows | np.ndarray:
    """The samples of a sparse matrix: an array if it is small, else its rows as they are needed."""
    if len(matrix.shape) != 2 or 4 * matrix.shape[0] * matrix.shape[1] <= _SMALL:
        return matrix.toarray()
    return SparseRows(matrix)


class SparseRows:
    """The rows of a sparse matrix. Chosen ones are arrays, with the bits of `matrix.toarray()`.

    Args:
        matrix: a sparse matrix or array of two axes. It is not changed; it is used in place if it
            is in the form CSR and holds no float64.

    Attributes:
        shape: its shape.
    """

    def __init__(self, matrix: Any) -> None:
        rows = matrix.tocsr()
        if not rows.has_canonical_format:  # entries of one place are added before they are rounded
            rows = rows.copy() if rows is matrix else rows
            rows.sum_duplicates()
        if rows.dtype == np.float64:
            with np.errstate(over="ignore"):  # as where an array becomes a tensor
                rows = rows.astype(np.float32)
        self._rows = rows
        self.shape: tuple[int, ...] = tuple(rows.shape)

    def __getitem__(self, rows: np.ndarray | slice) -> np.ndarray:
        """The rows with these numbers, dense."""
        return self._rows[rows].toarray()

    def cut(self, start: int, stop: int) -> SparseRows:
        """The samples from `start` to `stop`."""
        return SparseRows(self._rows[start:stop])

    def numpy(self) -> SparseRows:
        """Itself: it is indexed like an array of its rows."""
        return self

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return self._rows.toarray().astype(dtype or self._rows.dtype, copy=False)

    def classes(self) -> np.ndarray:
        """The place of the largest value in each row."""
        starts = range(0, self.shape[0], _ROWS)
        return np.concatenate([self[start : start + _ROWS].argmax(-1) for start in starts])
