"""The normal distribution of vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from .. import linalg
from .._base import functional as F
from . import constraints
from .distribution import LOG_ROOT_2PI, Distribution, floats, one_of

if TYPE_CHECKING:
    from .._core import Tensor, TensorLike
    from .distribution import Shape


def matrix_times(matrix: Tensor, vector: Tensor) -> Tensor:
    column = F.matmul(matrix, F.reshape(vector, shape=(*vector.shape, 1)))
    return F.reshape(column, shape=column.shape[:-1])


def turned(matrix: Tensor) -> Tensor:
    """The transpose of the last two axes."""
    return F.transpose(matrix, perm=(*range(matrix.ndim - 2), matrix.ndim - 1, matrix.ndim - 2))


def mahalanobis(root: Tensor, vector: Tensor) -> Tensor:
    """The squared length of `root^-1 vector`."""
    shape = np.broadcast_shapes(root.shape[:-1], vector.shape)
    root = F.broadcast_to(root, shape=(*shape, shape[-1]))
    column = F.reshape(F.broadcast_to(vector, shape=shape), shape=(*shape, 1))
    solved = linalg.solve_triangular(root, column, upper=False)
    return F.sum(F.square(solved), axes=(-2, -1))


def half_log_det(root: Tensor) -> Tensor:
    """The sum of the logarithms on the diagonal."""
    return F.sum(F.log(linalg.diagonal(root)), axes=-1)


class MultivariateNormal(Distribution):
    """Normally distributed vectors.

    Args:
        loc: the means, (..., n).
        covariance_matrix: the covariances, (..., n, n); or
        precision_matrix: their inverses; or
        scale_tril: their lower Cholesky factors, which are used as they are.
        validate_args: see `Distribution`.

    Raises:
        ValueError: not exactly one of the three matrices is given, or a shape does not fit.

    Source: `torch.distributions.MultivariateNormal`.

    Example:
        >>> plane = MultivariateNormal([0.0, 0.0], fastdl.eye(2))
        >>> round(plane.log_prob([0.0, 0.0]).item(), 4)
        -1.8379
    """

    arg_constraints: ClassVar[dict[str, constraints.Constraint]] = {
        "loc": constraints.real_vector,
        "covariance_matrix": constraints.positive_definite,
        "precision_matrix": constraints.positive_definite,
        "scale_tril": constraints.lower_cholesky,
    }
    has_rsample = True

    def __init__(
        self,
        loc: TensorLike,
        covariance_matrix: TensorLike | None = None,
        precision_matrix: TensorLike | None = None,
        scale_tril: TensorLike | None = None,
        validate_args: bool | None = None,
    ) -> None:
        who = "MultivariateNormal"
        matrices = {
            "covariance_matrix": covariance_matrix,
            "precision_matrix": precision_matrix,
            "scale_tril": scale_tril,
        }
        name = one_of(who, **matrices)
        (mean,), (matrix,) = floats(who, loc=loc), floats(who, **{name: matrices[name]})
        if not mean.ndim or matrix.ndim < 2 or matrix.shape[-2:] != (matrix.shape[-1],) * 2:
            raise ValueError(
                f"{who}: loc, {name}: expected vectors and square matrices, got {mean.shape} and "
                f"{matrix.shape}"
            )
        try:
            shape = np.broadcast_shapes(mean.shape, matrix.shape[:-1])
        except ValueError:
            raise ValueError(
                f"{who}: {name}: expected a shape that fits loc of shape {mean.shape}, got "
                f"{matrix.shape}"
            ) from None
        self.loc = F.broadcast_to(mean, shape=shape)
        matrix = F.broadcast_to(matrix, shape=(*shape, shape[-1]))
        self._known: dict[str, Tensor] = {name: matrix}
        self._given = ("loc", name)
        super().__init__(shape[:-1], shape[-1:], validate_args)
        self._root = self._factor(name, matrix)

    @staticmethod
    def _factor(name: str, matrix: Tensor) -> Tensor:
        if name == "scale_tril":
            return matrix
        if name == "covariance_matrix":
            return linalg.cholesky(matrix)
        return linalg.cholesky(linalg.inv(matrix))

    def _found(self, name: str, make: Any) -> Tensor:
        if name not in self._known:
            self._known[name] = make()
        return self._known[name]

    @property
    def scale_tril(self) -> Tensor:
        """The lower Cholesky factors of the covariances."""
        return self._found("scale_tril", lambda: self._root)

    @property
    def covariance_matrix(self) -> Tensor:
        """The covariances."""
        return self._found("covariance_matrix", lambda: F.matmul(self._root, turned(self._root)))

    @property
    def precision_matrix(self) -> Tensor:
        """The inverses of the covariances."""
        return self._found("precision_matrix", lambda: linalg.inv(self.covariance_matrix))

    @property
    def support(self) -> constraints.Constraint:
        return constraints.real_vector

    @property
    def mean(self) -> Tensor:
        return self.loc

    @property
    def mode(self) -> Tensor:
        return self.loc

    @property
    def variance(self) -> Tensor:
        return F.sum(F.square(self._root), axes=-1)

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        noise = F.normal(shape=self._shape(sample_shape))
        return F.add(self.loc, matrix_times(self._root, noise))

    def log_prob(self, value: TensorLike) -> Tensor:
        off = F.sub(self._checked(value), self.loc)
        squares = F.mul(mahalanobis(self._root, off), -0.5)
        constant = self._event_shape[0] * LOG_ROOT_2PI
        return F.sub(F.sub(squares, half_log_det(self._root)), constant)

    def entropy(self) -> Tensor:
        return F.add(half_log_det(self._root), self._event_shape[0] * (0.5 + LOG_ROOT_2PI))
