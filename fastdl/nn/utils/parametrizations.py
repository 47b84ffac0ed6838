"""Parametrizations for weights, as `torch.nn.utils.parametrizations`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..._base import functional as F
from ..._base.checks import check_integer, check_number
from ..._base.module import Module
from ..._core import ArgumentError, AxisError
from ...autograd.modes import no_grad
from ..convolution import _ConvTranspose
from ._orthogonal import orthogonal as orthogonal
from .parametrize import register_parametrization

if TYPE_CHECKING:
    from ..._core import Tensor


def norm_except(v: Tensor, dim: int | None) -> Tensor:
    """The norm over all axes but one, which are kept with size 1; over all if it is None or -1."""
    if dim is None or dim == -1:
        return F.root(F.sum(F.square(v)))
    axes = tuple(i for i in range(v.ndim) if i != dim % v.ndim)
    return F.root(F.sum(F.square(v), axes=axes, keepdims=True)) if axes else F.abs(v)


class _WeightNorm(Module):
    def __init__(self, dim: int | None) -> None:
        super().__init__()
        self.dim = -1 if dim is None else dim

    def forward(self, weight_g: Tensor, weight_v: Tensor) -> Tensor:
        return F.mul(weight_v, F.div(weight_g, norm_except(weight_v, self.dim)))

    def right_inverse(self, weight: Tensor) -> tuple[Tensor, Tensor]:
        return norm_except(weight, self.dim), weight


def weight_norm(module: Module, name: str = "weight", dim: int | None = 0) -> Module:
    """Trains length and direction of a weight apart: `g * v / |v|` (Salimans, Kingma 2016).

    `module.parametrizations.weight` has the lengths as `original0` and v as `original1`.

    Args:
        module: the module.
        name: the name of the weight.
        dim: the axis along which there is a length for each index; None for one length.

    Returns:
        The module.

    Source: `torch.nn.utils.parametrizations.weight_norm`.

    Example:
        >>> layer = nn.utils.parametrizations.weight_norm(nn.Linear(20, 40))
        >>> layer.parametrizations.weight.original0.shape
        (40, 1)
    """
    parametrization = _WeightNorm(dim)
    register_parametrization(module, name, parametrization, unsafe=True)

    def rename(_module: Any, state: dict[str, Any], prefix: str, *_: Any) -> None:
        # A state of the older `nn.utils.weight_norm`.
        for old, new in ((f"{name}_g", "original0"), (f"{name}_v", "original1")):
            if prefix + old in state:
                value = state.pop(prefix + old)
                state[f"{prefix}parametrizations.{name}.{new}"] = value

    module.register_load_state_dict_pre_hook(rename)
    return module


def as_matrix(weight: Tensor, dim: int) -> Tensor:
    """The weight with an axis first and all others as columns."""
    if dim:
        perm = (dim, *(i for i in range(weight.ndim) if i != dim))
        weight = F.transpose(weight, perm=perm)
    return F.reshape(weight, shape=(weight.shape[0], -1))


def unit(x: Tensor, eps: float) -> Tensor:
    """The vector divided by its norm, or by eps if that is larger."""
    return F.div(x, F.maximum(F.root(F.sum(F.square(x))), eps))


def iterate(
    matrix: Tensor, u: Tensor, v: Tensor, steps: int, eps: float, v_first: bool = False
) -> None:
    """Power iteration: u and v, in place, come near the first singular vectors."""
    with no_grad():
        for i in range(2 * steps):
            if (i % 2 == 0) == v_first:
                row = F.matmul(F.reshape(u, shape=(1, -1)), matrix)
                F.assign_(v, unit(F.reshape(row, shape=(-1,)), eps))
            else:
                column = F.matmul(matrix, F.reshape(v, shape=(-1, 1)))
                F.assign_(u, unit(F.reshape(column, shape=(-1,)), eps))


def largest(matrix: Tensor, u: Tensor, v: Tensor) -> Tensor:
    """The largest singular value, if u and v are its vectors."""
    product = F.matmul(matrix, F.reshape(v, shape=(-1, 1)))
    return F.reshape(F.matmul(F.reshape(u, shape=(1, -1)), product), shape=())


def spectral_dim(module: Module, dim: int | None) -> int:
    """The axis of the outputs of a weight."""
    return (1 if isinstance(module, _ConvTranspose) else 0) if dim is None else dim


class _SpectralNorm(Module):
    def __init__(self, weight: Tensor, n_power_iterations: int, dim: int, eps: float) -> None:
        super().__init__()
        if not -weight.ndim <= dim < weight.ndim:
            raise AxisError(
                f"spectral_norm: dim: expected an axis of shape {weight.shape}, got {dim}"
            )
        self.dim = dim % weight.ndim
        self.eps = check_number("spectral_norm", "eps", eps)
        self.n_power_iterations = check_integer(
            "spectral_norm", "n_power_iterations", n_power_iterations, 1
        )
        if weight.ndim > 1:
            with no_grad():
                matrix = as_matrix(weight, self.dim)
                for name, size in zip(("_u", "_v"), matrix.shape, strict=True):
                    self.register_buffer(name, unit(F.normal(shape=(size,)), self.eps))
                iterate(matrix, self._u, self._v, 15, self.eps)

    def forward(self, weight: Tensor) -> Tensor:
        if weight.ndim == 1:
            return unit(weight, self.eps)
        matrix = as_matrix(weight, self.dim)
        if self.training:
            iterate(matrix, self._u, self._v, self.n_power_iterations, self.eps)
        # Copies, since the next call changes them and this one's gradient needs them.
        return F.div(weight, largest(matrix, F.copy(self._u), F.copy(self._v)))

    def right_inverse(self, value: Tensor) -> Tensor:
        return value


def spectral_norm(
    module: Module,
    name: str = "weight",
    n_power_iterations: int = 1,
    eps: float = 1e-12,
    dim: int | None = None,
) -> Module:
    """Divides a weight by its largest singular value (Miyato et al. 2018).

    Each read of the weight in training mode does a power iteration for that value.

    Args:
        module: the module.
        name: the name of the weight.
        n_power_iterations: how many iterations.
        eps: the smallest norm to divide by.
        dim: the axis of the outputs; 1 for transposed convolutions, 0 for others.

    Returns:
        The module.

    Source: `torch.nn.utils.parametrizations.spectral_norm`.

    Example:
        >>> layer = nn.utils.parametrizations.spectral_norm(nn.Linear(5, 5), n_power_iterations=50)
        >>> fastdl.allclose(fastdl.norm(layer.weight @ layer.parametrizations.weight[0]._v), 1.0)
        True
    """
    weight = getattr(module, name, None)
    if name not in module._parameters and name not in module._buffers:
        raise ArgumentError(
            f"spectral_norm: name: {type(module).__name__} has no parameter or buffer {name!r}"
        )
    assert weight is not None
    dim = spectral_dim(module, dim)
    made = _SpectralNorm(weight, n_power_iterations, dim, eps)
    return register_parametrization(module, name, made)
