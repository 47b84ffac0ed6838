"""Parametrizations: parameters that are computed from others, as `torch.nn.utils.parametrize`.

A parametrization is a module whose `forward` takes the original tensor, or several, and returns the
parameter. It may have a `right_inverse`, which returns the original for a value of the parameter.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from ... import _core
from ..._base import functional as F
from ..._base.module import Module
from ..._base.parameter import Parameter
from ..._core import ArgumentError, ShapeError, Tensor
from ...autograd.modes import no_grad
from ..container import ModuleDict, ModuleList
from ._computed import class_before, compute_attribute, forget_attribute, is_computed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# The parameters that are kept within `cached()`, by the list of their parametrizations.
_kept: dict[int, Tensor] = {}
_depth = 0


@contextlib.contextmanager
def cached() -> Iterator[None]:
    """Within this block each parametrized tensor is computed once, and then kept.

    Example:
        >>> layer = nn.utils.parametrizations.weight_norm(nn.Linear(2, 2))
        >>> with nn.utils.parametrize.cached():
        ...     layer.weight is layer.weight
        True
    """
    global _depth
    _depth += 1
    try:
        yield
    finally:
        _depth -= 1
        if not _depth:
            _kept.clear()


class ParametrizationList(ModuleList):
    """The parametrizations of one tensor, with its original as the parameter `original`.

    If the last parametrization takes several tensors, these are `original0`, `original1`, ...

    Args:
        modules: the parametrizations, in the order in which they are applied.
        original: the parameter or buffer.
        unsafe: whether they may change its shape or type.

    Source: `torch.nn.utils.parametrize.ParametrizationList`.
    """

    def __init__(self, modules: Sequence[Module], original: Tensor, unsafe: bool = False) -> None:
        super().__init__(modules)
        self.unsafe = unsafe
        value: Any = original
        with no_grad():
            for module in reversed(list(self)):
                inverse = getattr(module, "right_inverse", None)
                if inverse is not None:
                    try:
                        value = inverse(value)
                    except NotImplementedError:
                        pass
        self.is_tensor = isinstance(value, Tensor)
        if isinstance(value, Tensor):
            self.ntensors = 1
            if value.shape != original.shape:
                if not unsafe:
                    raise ShapeError(
                        f"right_inverse: expected a tensor of the parameter's shape "
                        f"{original.shape}, got {value.shape}; unsafe=True allows it"
                    )
                made = value.detach()
                original = Parameter(made, original.requires_grad) if isinstance(
                    original, Parameter
                ) else made  # fmt: skip
            elif value is not original:
                _write(original, value)
            self._register_original("original", original, original)
        else:
            if not isinstance(value, (tuple, list)) or not all(
                isinstance(v, Tensor) for v in value
            ):
                raise ArgumentError(
                    "right_inverse: expected a tensor or several, got " + type(value).__name__
                )
            self.ntensors = len(value)
            for i, part in enumerate(value):
                self._register_original(f"original{i}", part.detach(), original)
        if not unsafe:
            with no_grad():
                _check_result(self(), original, "register_parametrization")

    def _register_original(self, name: str, value: Tensor, like: Tensor) -> None:
        if isinstance(like, Parameter):
            if not isinstance(value, Parameter):
                value = Parameter(F.copy(value), like.requires_grad)
            self.register_parameter(name, value)
        else:
            self.register_buffer(name, value)

    def _originals(self) -> list[Tensor]:
        if self.is_tensor:
            return [self.original]
        return [getattr(self, f"original{i}") for i in range(self.ntensors)]

    def right_inverse(self, value: Tensor) -> None:
        """Sets the original such that the parametrized tensor becomes `value`.

        Raises:
            RuntimeError: a parametrization has no `right_inverse`.
        """
        found: Any = value
        with no_grad():
            for module in reversed(list(self)):
                inverse = getattr(module, "right_inverse", None)
                if inverse is None:
                    raise RuntimeError(
                        f"parametrization {type(module).__name__} has no right_inverse, so the "
                        "tensor can't be set"
                    )
                found = inverse(found)
            parts = [found] if self.is_tensor else list(found)
            if len(parts) != self.ntensors:
                raise ArgumentError(
                    f"right_inverse: expected {self.ntensors} tensors, got {len(parts)}"
                )
            for original, part in zip(self._originals(), parts, strict=True):
                if original.shape != part.shape:
                    raise ShapeError(
                        f"right_inverse: expected shape {original.shape}, got {part.shape}"
                    )
                _write(original, part)

    def forward(self) -> Any:
        first, *others = list(self)
        value = first(*self._originals())
        for module in others:
            value = module(value)
        return value


def _write(target: Tensor, value: Tensor) -> None:
    with no_grad():
        F.assign_(target, F.copy(value))


def _check_result(value: Any, original: Tensor, who: str) -> None:
    if not isinstance(value, Tensor):
        raise ArgumentError(f"{who}: a parametrization must return a tensor, got {type(value)}")
    if value.dtype != original.dtype or value.shape != original.shape:
        raise ShapeError(
            f"{who}: expected a parametrization that keeps type and shape {original.dtype}, "
            f"{original.shape}, got {value.dtype}, {value.shape}; unsafe=True allows it"
        )


def register_parametrization(
    module: Module, tensor_name: str, parametrization: Module, *, unsafe: bool = False
) -> Module:
    """Computes a parameter or buffer of a module by another module.

    The original goes to `module.parametrizations.<name>.original`; it is trained. `module.<name>`
    is computed when it is read, and setting it sets the original by `right_inverse`. A second
    parametrization is applied after the first.

    Args:
        module: the module, whose class becomes a subclass of its own.
        tensor_name: the name of the parameter or buffer.
        parametrization: the module that computes it.
        unsafe: whether it may change shape or type.

    Returns:
        The module.

    Raises:
        ValueError: no such parameter or buffer; a result of another shape or type.

    Source: `torch.nn.utils.parametrize.register_parametrization`.

    Example:
        >>> class Symmetric(nn.Module):
        ...     def forward(self, x):
        ...         return (x + x.T) / 2
        >>> layer = nn.Linear(3, 3)
        >>> _ = nn.utils.parametrize.register_parametrization(layer, "weight", Symmetric())
        >>> bool((layer.weight == layer.weight.T).all())
        True
    """
    who = "register_parametrization"
    if not isinstance(parametrization, Module):
        raise TypeError(
            f"{who}: parametrization: expected a Module, got {type(parametrization).__name__}"
        )
    parametrization.train(module.training)
    if is_parametrized(module, tensor_name):
        known: Any = module.parametrizations[tensor_name]
        if not unsafe:
            with no_grad():
                value = getattr(module, tensor_name)
                _check_result(parametrization(value), value, who)
        known.append(parametrization)
        known.unsafe = known.unsafe or unsafe
        return module
    if tensor_name not in module._parameters and tensor_name not in module._buffers:
        raise ArgumentError(
            f"{who}: tensor_name: {type(module).__name__} has no parameter or buffer "
            f"{tensor_name!r}"
        )
    original = getattr(module, tensor_name)
    found = ParametrizationList([parametrization], original, unsafe)
    found.train(module.training)
    delattr(module, tensor_name)
    if "parametrizations" not in module._modules:
        module.parametrizations = ModuleDict()

    def read(owner: Any) -> Any:
        parametrizations = owner.parametrizations[tensor_name]
        if not _depth:
            return parametrizations()
        if id(parametrizations) not in _kept:
            _kept[id(parametrizations)] = parametrizations()
        return _kept[id(parametrizations)]

    def write(owner: Any, value: Tensor) -> None:
        owner.parametrizations[tensor_name].right_inverse(value)

    compute_attribute(module, tensor_name, read, write)
    module.parametrizations[tensor_name] = found
    return module


def is_parametrized(module: Module, tensor_name: str | None = None) -> bool:
    """Whether a module has parametrizations, or one of this tensor."""
    known = module._modules.get("parametrizations")
    if not isinstance(known, ModuleDict):
        return False
    if tensor_name is None:
        return len(known) > 0
    return tensor_name in known and is_computed(module, tensor_name)


def remove_parametrizations(
    module: Module, tensor_name: str, leave_parametrized: bool = True
) -> Module:
    """Makes a parametrized tensor an ordinary one again.

    Args:
        module: the module.
        tensor_name: the name of the tensor.
        leave_parametrized: whether it keeps the value that it has, or gets that of the original.

    Returns:
        The module.

    Raises:
        ValueError: the tensor isn't parametrized, or it has several originals and should get the
            value of one.

    Source: `torch.nn.utils.parametrize.remove_parametrizations`.
    """
    who = "remove_parametrizations"
    if not is_parametrized(module, tensor_name):
        raise ArgumentError(
            f"{who}: tensor_name: {type(module).__name__} has no parametrization of {tensor_name!r}"
        )
    known: Any = module.parametrizations[tensor_name]
    if not leave_parametrized and not known.is_tensor:
        raise ArgumentError(
            f"{who}: leave_parametrized: expected True, since {tensor_name!r} has several "
            "originals, got False"
        )
    original = known._originals()[0]
    if leave_parametrized:
        with no_grad():
            value = F.copy(known())
        if known.is_tensor and value.shape == original.shape:
            _write(original, value)
        else:
            made = isinstance(original, Parameter)
            original = Parameter(value, original.requires_grad) if made else value
    forget_attribute(module, tensor_name)
    del module.parametrizations[tensor_name]
    if not len(module.parametrizations):
        del module.parametrizations
    if isinstance(original, Parameter):
        module.register_parameter(tensor_name, original)
    else:
        module.register_buffer(tensor_name, original)
    _core.raise_epoch()
    return module


def type_before_parametrizations(module: Module) -> type[Module]:
    """The class of a module without its parametrizations."""
    return class_before(module)
