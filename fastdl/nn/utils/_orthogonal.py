"""The parametrization by matrices with orthonormal columns or rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ... import _core
from ..._base import functional as F
from ..._base.checks import check_choice
from ..._base.module import Module
from ...autograd.modes import no_grad
from .parametrize import register_parametrization

if TYPE_CHECKING:
    from ..._core import Tensor

MAPS = ("matrix_exp", "cayley", "householder")


def _turned(x: Tensor) -> Tensor:
    return F.transpose(x, perm=(*range(x.ndim - 2), x.ndim - 1, x.ndim - 2))


def _triangle(x: Tensor, below: int) -> Tensor:
    n, k = x.shape[-2:]
    return F.mul(x, np.tri(n, k, -below, dtype="float32"))


def _diagonal(x: Tensor) -> Tensor:
    """Along the last axis, with one of size 1 before it."""
    n, k = x.shape[-2:]
    eye = np.eye(n, k, dtype="float32")
    return F.sum(F.mul(x, eye), axes=-2, keepdims=True)


def _orthonormal(x: np.ndarray) -> np.ndarray:
    """The Q of x = Q R whose R has a positive diagonal."""
    q, r = np.linalg.qr(x)
    sign = np.sign(np.diagonal(r, axis1=-2, axis2=-1))
    return np.asarray(q * np.where(sign == 0, 1, sign)[..., None, :])


class _Orthogonal(Module):
    def __init__(self, weight: Tensor, orthogonal_map: str, use_trivialization: bool) -> None:
        super().__init__()
        self.orthogonal_map = orthogonal_map
        self._shape = weight.shape
        if use_trivialization:
            self.register_buffer("base", None)
        self._moved = use_trivialization

    def forward(self, x: Tensor) -> Tensor:
        from ... import linalg

        n, k = x.shape[-2:]
        if n < k:
            return _turned(self._tall(_turned(x), linalg))
        return self._tall(x, linalg)

    def _tall(self, x: Tensor, linalg: Any) -> Tensor:
        n, k = x.shape[-2:]
        if self.orthogonal_map == "householder":
            below = _triangle(x, 1)
            tau = F.div(2.0, F.add(F.sum(F.square(below), axes=-2), 1.0))
            # The diagonal has signs, -1 or 1, as the start gives it.
            q = F.mul(linalg.householder_product(below, tau), F.sign(_diagonal(x).detach()))
        else:
            low = _triangle(x, 0)
            if n > k:
                zeros = _core.full((*x.shape[:-1], n - k), "float32", 0)
                low = F.concat([low, zeros], axis=x.ndim - 1)
            skew = F.sub(low, _turned(low))
            if self.orthogonal_map == "matrix_exp":
                q = linalg.matrix_exp(skew)
            else:
                half, eye = F.mul(skew, 0.5), np.eye(n, dtype="float32")
                q = linalg.solve(F.sub(eye, half), F.add(eye, half))
            q = q[..., :k] if n > k else q
        return F.matmul(self.base, q) if self._moved and self.base is not None else q

    def right_inverse(self, value: Tensor) -> Tensor:
        if value.shape != self._shape:
            raise _core.ArgumentError(
                f"orthogonal: expected a value of shape {self._shape}, got {value.shape}"
            )
        x = np.asarray(value.detach()).astype("float64")
        n, k = x.shape[-2:]
        tall = np.swapaxes(x, -2, -1) if n < k else x
        n, k = tall.shape[-2:]
        if not self._moved:
            if self.orthogonal_map != "householder":
                raise NotImplementedError(
                    f"orthogonal: with the map {self.orthogonal_map!r} a value is assigned only "
                    "with use_trivialization=True"
                )
            return self._reflections(tall, value)
        if n > k:  # other columns that complete it
            more = np.asarray(F.normal(shape=(*tall.shape[:-1], n - k)))
            tall = np.concatenate([tall, more], -1)
        with no_grad():
            self.base = _core.tensor(_orthonormal(tall).astype("float32"))
        rows, columns = value.shape[-2:]
        start = np.broadcast_to(-np.eye(rows, columns, dtype="float32"), value.shape)
        return _core.tensor(start.copy())

    def _reflections(self, tall: np.ndarray, value: Tensor) -> Tensor:
        from ..._functions import geqrf

        found, tau = (np.array(np.asarray(t)) for t in geqrf(_core.tensor(tall.astype("float32"))))
        count = found.shape[-1]
        places = (..., np.arange(count), np.arange(count))
        signs = np.sign(found[places])
        found[places] = np.where(tau == 0, -signs, signs)
        turned = found.shape != value.shape
        return _core.tensor(np.swapaxes(found, -2, -1).copy() if turned else found)


def orthogonal(
    module: Module,
    name: str = "weight",
    orthogonal_map: str | None = None,
    *,
    use_trivialization: bool = True,
) -> Module:
    """Makes a weight a matrix with orthonormal columns, or rows where they are fewer.

    Args:
        module: the module.
        name: the name of the weight, (..., n, k).
        orthogonal_map: how the matrix follows from the parameters: "matrix_exp" (of a skew
            matrix), "cayley" (Cayley's transform of one) or "householder" (reflections). By default
            "matrix_exp" for square matrices, "householder" for others.
        use_trivialization: whether the parameters say how the matrix differs from that of the
            start (Lezcano-Casado 2019), which can then be assigned.

    Returns:
        The module.

    Raises:
        ValueError: the weight is no matrix, there is none of this name, or another map.
        NotImplementedError: from an assignment, without trivialization and with another map than
            "householder".

    Source: `torch.nn.utils.parametrizations.orthogonal`.

    Example:
        >>> layer = nn.utils.parametrizations.orthogonal(nn.Linear(3, 5))
        >>> fastdl.allclose(layer.weight.T @ layer.weight, fastdl.eye(3), atol=1e-5)
        True
    """
    weight = getattr(module, name, None)
    if not isinstance(weight, _core.Tensor):
        raise _core.ArgumentError(
            f"orthogonal: name: {type(module).__name__} has no parameter or buffer {name!r}"
        )
    if weight.ndim < 2:
        raise _core.ArgumentError(f"orthogonal: name: expected a matrix, got shape {weight.shape}")
    check_choice("orthogonal", "orthogonal_map", orthogonal_map, (None, *MAPS))
    if orthogonal_map is None:
        square = weight.shape[-2] == weight.shape[-1]
        orthogonal_map = "matrix_exp" if square else "householder"
    made = _Orthogonal(weight, orthogonal_map, bool(use_trivialization))
    return register_parametrization(module, name, made, unsafe=True)
