"""The older `weight_norm` and `spectral_norm`, with other names of tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..._base import functional as F
from ..._base.checks import check_integer, check_number
from ..._base.parameter import Parameter
from ..._core import ArgumentError
from ...autograd.modes import no_grad
from ._computed import compute_attribute, forget_attribute, is_computed
from .parametrizations import as_matrix, iterate, largest, norm_except, spectral_dim, unit

if TYPE_CHECKING:
    from ..._base.module import Module
    from ..._core import Tensor


def _taken(module: Module, name: str, who: str) -> Parameter:
    """The parameter, which the module has no longer."""
    parameter = module._parameters.get(name)
    if parameter is None:
        raise ArgumentError(f"{who}: name: {type(module).__name__} has no parameter {name!r}")
    delattr(module, name)
    return parameter


def _given_back(module: Module, name: str, parts: tuple[str, ...], who: str) -> Module:
    if not is_computed(module, name) or not hasattr(module, parts[0]):
        raise ArgumentError(f"{who} of {name!r} not found in {module}")
    with no_grad():
        value = F.copy(getattr(module, name))
    requires_grad = getattr(module, parts[0]).requires_grad
    forget_attribute(module, name)
    for part in parts:
        delattr(module, part)
    module.register_parameter(name, Parameter(value, requires_grad))
    return module


def weight_norm(module: Module, name: str = "weight", dim: int | None = 0) -> Module:
    """Trains length and direction of a weight apart: `g * v / |v|` (Salimans, Kingma 2016).

    The module gets the parameters `weight_g` and `weight_v` instead of `weight`, which is computed
    from them when it is read.

    Args:
        module: the module.
        name: the name of the weight.
        dim: the axis along which there is a length for each index; None for one length.

    Returns:
        The module.

    Raises:
        ValueError: there is no such parameter.

    Source: `torch.nn.utils.weight_norm`.

    Example:
        >>> layer = nn.utils.weight_norm(nn.Linear(20, 40))
        >>> layer.weight_g.shape, layer.weight_v.shape
        ((40, 1), (40, 20))
    """
    weight = _taken(module, name, "weight_norm")
    with no_grad():
        g = norm_except(weight, dim)
    module.register_parameter(f"{name}_g", Parameter(g, weight.requires_grad))
    module.register_parameter(f"{name}_v", Parameter(F.copy(weight.detach()), weight.requires_grad))

    def read(owner: Any) -> Tensor:
        v = getattr(owner, f"{name}_v")
        return F.mul(v, F.div(getattr(owner, f"{name}_g"), norm_except(v, dim)))

    compute_attribute(module, name, read)
    return module


def remove_weight_norm(module: Module, name: str = "weight") -> Module:
    """Makes the weight an ordinary parameter again, with the value that it has.

    Raises:
        ValueError: there is no weight norm of this name.

    Source: `torch.nn.utils.remove_weight_norm`.
    """
    return _given_back(module, name, (f"{name}_g", f"{name}_v"), "weight_norm")


def spectral_norm(
    module: Module,
    name: str = "weight",
    n_power_iterations: int = 1,
    eps: float = 1e-12,
    dim: int | None = None,
) -> Module:
    """Divides a weight by its largest singular value (Miyato et al. 2018).

    The module gets the parameter `weight_orig` and the buffer `weight_u` instead of `weight`. Each
    call in training mode does power iterations.

    Args:
        module: the module.
        name: the name of the weight.
        n_power_iterations: how many iterations.
        eps: the smallest norm to divide by.
        dim: the axis of the outputs; 1 for transposed convolutions, 0 for others.

    Returns:
        The module.

    Raises:
        ValueError: there is no such parameter.

    Source: `torch.nn.utils.spectral_norm`.

    Example:
        >>> layer = nn.utils.spectral_norm(nn.Linear(20, 40))
        >>> layer.weight_u.shape
        (40,)
    """
    steps = check_integer("spectral_norm", "n_power_iterations", n_power_iterations, 1)
    eps = check_number("spectral_norm", "eps", eps)
    axis = spectral_dim(module, dim)
    weight = _taken(module, name, "spectral_norm")
    module.register_parameter(f"{name}_orig", weight)
    sizes = as_matrix(weight.detach(), axis).shape
    for short, size in zip("uv", sizes, strict=True):
        module.register_buffer(f"{name}_{short}", unit(F.normal(shape=(size,)), eps))

    def before(owner: Any, _args: object) -> None:
        if owner.training and is_computed(owner, name):
            matrix = as_matrix(getattr(owner, f"{name}_orig").detach(), axis)
            u, v = (getattr(owner, f"{name}_{short}") for short in "uv")
            iterate(matrix, u, v, steps, eps, v_first=True)

    def read(owner: Any) -> Tensor:
        whole = getattr(owner, f"{name}_orig")
        u, v = (F.copy(getattr(owner, f"{name}_{short}")) for short in "uv")
        return F.div(whole, largest(as_matrix(whole, axis), u, v))

    compute_attribute(module, name, read)
    module.register_forward_pre_hook(before)
    return module


def remove_spectral_norm(module: Module, name: str = "weight") -> Module:
    """Makes the weight an ordinary parameter again, with the value that it has.

    Raises:
        ValueError: there is no spectral norm of this name.

    Source: `torch.nn.utils.remove_spectral_norm`.
    """
    parts = (f"{name}_orig", f"{name}_u", f"{name}_v")
    return _given_back(module, name, parts, "spectral_norm")
