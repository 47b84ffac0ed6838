"""Pruning: weights that are held at 0 by a mask, as `torch.nn.utils.prune`.

A pruned parameter `weight` becomes the parameter `weight_orig`, which an optimizer trains, and the
buffer `weight_mask`. `weight` is their product whenever it is read.

The file is long because each way of pruning has a class and a function with their arguments.

Example:
    >>> layer = nn.Linear(4, 2)
    >>> _ = l1_unstructured(layer, "weight", amount=0.5)
    >>> int((layer.weight == 0).sum()), sorted(dict(layer.named_parameters()))
    (4, ['bias', 'weight_orig'])
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from ... import _core
from ..._base import functional as F
from ..._base.checks import check_integer, shown
from ...autograd.modes import no_grad
from ._computed import compute_attribute, forget_attribute, is_computed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from ..._base.module import Module
    from ..._core import Tensor


class BasePruningMethod:
    """A way to choose what is pruned. A subclass has `compute_mask` and `PRUNING_TYPE`.

    Attributes:
        PRUNING_TYPE: what a further pruning of the same tensor sees: "unstructured" the values that
            are left, "structured" the channels along `self.dim` that have any, "global" all.

    Source: `torch.nn.utils.prune.BasePruningMethod`.
    """

    PRUNING_TYPE: str
    _tensor_name: str

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """The mask for values or importances t; what `default_mask` has pruned stays so."""
        raise NotImplementedError(f"{type(self).__name__} has no compute_mask")

    def apply_mask(self, module: Module) -> Tensor:
        """The masked tensor of a module."""
        name = self._tensor_name
        original: Any = getattr(module, f"{name}_orig")
        return F.mul(original, getattr(module, f"{name}_mask"))

    @classmethod
    def apply(
        cls,
        module: Module,
        name: str,
        *args: Any,
        importance_scores: Tensor | None = None,
        **kwargs: Any,
    ) -> BasePruningMethod:
        """Prunes a parameter, which may have been pruned before.

        Args:
            module: the module.
            name: the parameter's name.
            args, kwargs: what the class takes.
            importance_scores: what decides instead of the values; of the parameter's shape.

        Returns:
            The method; after several a `PruningContainer` of them.

        Raises:
            ValueError: there is no such parameter, or the scores have another shape.
        """
        who = cls.__name__
        known = _methods(module).get(name)
        original = module._parameters.get(name if known is None else f"{name}_orig")
        if original is None:
            raise _core.ArgumentError(
                f"{who}: name: {type(module).__name__} has no parameter {name!r}"
            )
        method: BasePruningMethod = cls(*args, **kwargs)
        method._tensor_name = name
        if known is not None:
            container = known if isinstance(known, PruningContainer) else PruningContainer(known)
            container.add_pruning_method(method)
            method = container
        scores = original.detach() if importance_scores is None else importance_scores
        if tuple(scores.shape) != original.shape:
            raise _core.ArgumentError(
                f"{who}: importance_scores: expected shape {original.shape}, got {scores.shape}"
            )
        with no_grad():
            before = (
                getattr(module, f"{name}_mask")
                if known is not None
                else _core.full(original.shape, "float32", 1)
            )
            mask = F.copy(F.cast(method.compute_mask(scores, before), dtype="float32"))
        if known is None:
            delattr(module, name)
            module.register_parameter(f"{name}_orig", original)
        module.register_buffer(f"{name}_mask", mask)
        _methods(module)[name] = method
        compute_attribute(module, name, lambda owner: _methods(owner)[name].apply_mask(owner))
        return method

    def prune(
        self,
        t: Tensor,
        default_mask: Tensor | None = None,
        importance_scores: Tensor | None = None,
    ) -> Tensor:
        """A pruned copy of a tensor.

        Raises:
            ValueError: the scores have another shape.
        """
        scores = t if importance_scores is None else importance_scores
        if scores.shape != t.shape:
            raise _core.ArgumentError(
                f"{type(self).__name__}: importance_scores: expected shape {t.shape}, got "
                f"{scores.shape}"
            )
        before = _core.full(t.shape, "float32", 1) if default_mask is None else default_mask
        return F.mul(t, self.compute_mask(scores, before))

    def remove(self, module: Module) -> None:
        """Makes the pruned values those of the parameter, which is an ordinary one again."""
        name = self._tensor_name
        with no_grad():
            value = self.apply_mask(module)
        original: Any = module._parameters[f"{name}_orig"]
        with no_grad():
            original.copy_(value)
        forget_attribute(module, name)
        delattr(module, f"{name}_orig")
        delattr(module, f"{name}_mask")
        del _methods(module)[name]
        module.register_parameter(name, original)


def _methods(module: Module) -> dict[str, BasePruningMethod]:
    """The methods of a module's pruned parameters."""
    found: dict[str, BasePruningMethod] = module.__dict__.setdefault("_pruned", {})
    return found


class PruningContainer(BasePruningMethod):
    """The methods that have pruned one parameter, one after the other.

    Source: `torch.nn.utils.prune.PruningContainer`.
    """

    def __init__(self, *args: BasePruningMethod | Iterable[BasePruningMethod]) -> None:
        self._pruning_methods: list[BasePruningMethod] = []
        several = args[0] if len(args) == 1 and not isinstance(args[0], BasePruningMethod) else args
        for method in several:
            if not self._pruning_methods and isinstance(method, BasePruningMethod):
                self._tensor_name = method._tensor_name
            self.add_pruning_method(method)

    def add_pruning_method(self, method: Any) -> None:
        """Adds a method of the same parameter.

        Raises:
            TypeError: it is no method.
            ValueError: it is one of another parameter.
        """
        if not isinstance(method, BasePruningMethod):
            raise TypeError(f"PruningContainer: method: expected a pruning method, got {method!r}")
        if method._tensor_name != self._tensor_name:
            raise _core.ArgumentError(
                f"PruningContainer: method: expected one of {self._tensor_name!r}, got "
                f"{method._tensor_name!r}"
            )
        self._pruning_methods.append(method)

    def __len__(self) -> int:
        return len(self._pruning_methods)

    def __iter__(self) -> Iterator[BasePruningMethod]:
        return iter(self._pruning_methods)

    def __getitem__(self, index: int) -> BasePruningMethod:
        return self._pruning_methods[index]

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """The mask of the last method, of what the others have left."""
        method = self._pruning_methods[-1]
        before = np.asarray(default_mask)
        if method.PRUNING_TYPE == "unstructured":
            left: Any = before == 1
        elif method.PRUNING_TYPE == "structured":
            axis = method.dim % before.ndim  # type: ignore[attr-defined]
            others = tuple(i for i in range(before.ndim) if i != axis)
            left = (*[slice(None)] * axis, before.sum(others) != 0)
        elif method.PRUNING_TYPE == "global":
            left = ...
        else:
            raise _core.ArgumentError(
                f"{type(method).__name__}: PRUNING_TYPE: expected 'unstructured', 'structured' or "
                f"'global', got {shown(method.PRUNING_TYPE)}"
            )
        values, mask = np.asarray(t.detach())[left], before.copy()
        part = method.compute_mask(_core.tensor(values), _core.tensor(before[left]))
        mask[left] = np.asarray(part)
        return _core.tensor(mask)


def _amount(who: str, amount: Any) -> float:
    """An amount: a share as a float, a number of values as an int.

    Raises:
        ValueError: it is neither.
    """
    if isinstance(amount, (int, np.integer)) and not isinstance(amount, bool):
        return check_integer(who, "amount", amount, 0)
    if not isinstance(amount, (float, np.floating)) or not 0 <= amount <= 1:
        raise _core.ArgumentError(
            f"{who}: amount: expected a share in [0, 1] or a number of values, got {shown(amount)}"
        )
    return float(amount)


def _count(who: str, amount: float, size: int) -> int:
    """How many of `size` to prune."""
    count = amount if isinstance(amount, int) else round(amount * size)
    if count > size:
        raise _core.ArgumentError(f"{who}: amount: expected at most {size}, got {count}")
    return count


def _without_smallest(mask: np.ndarray, scores: np.ndarray, count: int) -> Tensor:
    """The mask with 0 where the scores are smallest."""
    mask = mask.copy()
    mask.reshape(-1)[np.argsort(scores.reshape(-1), kind="stable")[:count]] = 0
    return _core.tensor(mask)


def _along(mask: np.ndarray, scores: np.ndarray, axis: int, count: int) -> Tensor:
    """The mask with 0 in the channels of an axis whose scores are smallest."""
    mask = mask.copy()
    gone = np.argsort(scores, kind="stable")[:count]
    where: Any = (*[slice(None)] * axis, gone)
    mask[where] = 0
    return _core.tensor(mask)


class Identity(BasePruningMethod):
    """Prunes nothing.

    Source: `torch.nn.utils.prune.Identity`.
    """

    PRUNING_TYPE = "unstructured"

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        return default_mask


class RandomUnstructured(BasePruningMethod):
    """Prunes values at random places.

    Args:
        amount: which share of the values, a float, or how many, an int.

    Source: `torch.nn.utils.prune.RandomUnstructured`.
    """

    PRUNING_TYPE = "unstructured"

    def __init__(self, amount: float) -> None:
        self.amount = _amount(type(self).__name__, amount)

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        count = _count(type(self).__name__, self.amount, t.numel())
        scores = np.asarray(F.uniform(shape=t.shape))
        return _without_smallest(np.asarray(default_mask), scores, count)


class L1Unstructured(BasePruningMethod):
    """Prunes the values of the smallest amounts.

    Args:
        amount: which share of the values, a float, or how many, an int.

    Source: `torch.nn.utils.prune.L1Unstructured`.
    """

    PRUNING_TYPE = "unstructured"

    def __init__(self, amount: float) -> None:
        self.amount = _amount(type(self).__name__, amount)

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        count = _count(type(self).__name__, self.amount, t.numel())
        scores = np.abs(np.asarray(t.detach()))
        return _without_smallest(np.asarray(default_mask), scores, count)


class RandomStructured(BasePruningMethod):
    """Prunes whole channels, which are drawn.

    Args:
        amount: which share of the channels, a float, or how many, an int.
        dim: the axis of the channels.

    Source: `torch.nn.utils.prune.RandomStructured`.
    """

    PRUNING_TYPE = "structured"

    def __init__(self, amount: float, dim: int = -1) -> None:
        self.amount = _amount(type(self).__name__, amount)
        self.dim = check_integer(type(self).__name__, "dim", dim)

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        axis = _axis(type(self).__name__, self.dim, t)
        count = _count(type(self).__name__, self.amount, t.shape[axis])
        scores = np.asarray(F.uniform(shape=(t.shape[axis],)))
        return _along(np.asarray(default_mask), scores, axis, count)


class LnStructured(BasePruningMethod):
    """Prunes the channels of the smallest norms.

    Args:
        amount: which share of the channels, a float, or how many, an int.
        n: the order of the norm, or "fro", or "nuc" of matrices.
        dim: the axis of the channels.

    Source: `torch.nn.utils.prune.LnStructured`.
    """

    PRUNING_TYPE = "structured"

    def __init__(self, amount: float, n: float | str, dim: int = -1) -> None:
        self.amount = _amount(type(self).__name__, amount)
        if n not in ("fro", "nuc") and not isinstance(n, (int, float)):
            raise _core.ArgumentError(
                f"LnStructured: n: expected a number, 'fro' or 'nuc', got {shown(n)}"
            )
        self.n, self.dim = n, check_integer(type(self).__name__, "dim", dim)

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        axis = _axis("LnStructured", self.dim, t)
        count = _count("LnStructured", self.amount, t.shape[axis])
        from ... import linalg

        others = tuple(i for i in range(t.ndim) if i != axis)
        if self.n == "nuc":
            scores = linalg.matrix_norm(t, "nuc", others)
        else:
            order: Any = 2 if self.n == "fro" else self.n
            scores = linalg.vector_norm(t, order, others)
        return _along(np.asarray(default_mask), np.asarray(scores), axis, count)


def _axis(who: str, dim: int, t: Tensor) -> int:
    if t.ndim < 2:
        raise _core.ArgumentError(
            f"{who}: expected a tensor with two axes or more, got shape {t.shape}"
        )
    if not -t.ndim <= dim < t.ndim:
        raise IndexError(f"{who}: dim: expected an axis of shape {t.shape}, got {dim}")
    return dim % t.ndim


class CustomFromMask(BasePruningMethod):
    """Prunes where a mask is 0.

    Args:
        mask: a tensor of the parameter's shape.

    Source: `torch.nn.utils.prune.CustomFromMask`.
    """

    PRUNING_TYPE = "global"

    def __init__(self, mask: Tensor) -> None:
        self.mask = mask

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        mask = _core.as_tensor(self.mask)
        if mask.shape != default_mask.shape:
            raise _core.ArgumentError(
                f"CustomFromMask: mask: expected shape {default_mask.shape}, got {mask.shape}"
            )
        return F.mul(default_mask, F.cast(mask, dtype="float32"))


def identity(module: Module, name: str) -> Module:
    """Gives a parameter a mask of ones, and returns the module.

    Raises:
        ValueError: there is no such parameter.

    Source: `torch.nn.utils.prune.identity`.

    Example:
        >>> identity(nn.Linear(2, 1), "bias").bias_mask.tolist()
        [1.0]
    """
    Identity.apply(module, name)
    return module


def random_unstructured(module: Module, name: str, amount: float) -> Module:
    """Prunes values of a parameter at random places, and returns the module.

    Args:
        module: the module.
        name: the parameter's name.
        amount: which share of the values, a float, or how many, an int.

    Raises:
        ValueError: there is no such parameter, or no such amount.

    Source: `torch.nn.utils.prune.random_unstructured`.

    Example:
        >>> int(random_unstructured(nn.Linear(4, 2), "weight", 3).weight_mask.sum())
        5
    """
    RandomUnstructured.apply(module, name, amount=amount)
    return module


def l1_unstructured(
    module: Module, name: str, amount: float, importance_scores: Tensor | None = None
) -> Module:
    """Prunes the values of a parameter that are nearest to 0, and returns the module.

    Args:
        module: the module.
        name: the parameter's name.
        amount: which share of the values, a float, or how many, an int.
        importance_scores: what decides instead of the values; of the parameter's shape.

    Raises:
        ValueError: there is no such parameter, no such amount, or the scores have another shape.

    Source: `torch.nn.utils.prune.l1_unstructured`.

    Example:
        >>> scores = fastdl.tensor([[1.0, 3.0], [4.0, 2.0]])
        >>> l1_unstructured(nn.Linear(2, 2), "weight", 2, scores).weight_mask.tolist()
        [[0.0, 1.0], [1.0, 0.0]]
    """
    L1Unstructured.apply(module, name, amount=amount, importance_scores=importance_scores)
    return module


def random_structured(module: Module, name: str, amount: float, dim: int) -> Module:
    """Prunes whole channels of a parameter, which are drawn, and returns the module.

    Args:
        module: the module.
        name: the parameter's name.
        amount: which share of the channels, a float, or how many, an int.
        dim: the axis of the channels.

    Raises:
        ValueError: there is no such parameter, no such amount, or the parameter is a vector.
        IndexError: there is no such axis.

    Source: `torch.nn.utils.prune.random_structured`.

    Example:
        >>> mask = random_structured(nn.Linear(3, 4), "weight", 0.5, dim=0).weight_mask
        >>> sorted(mask.sum(1).tolist())
        [0.0, 0.0, 3.0, 3.0]
    """
    RandomStructured.apply(module, name, amount=amount, dim=dim)
    return module


def ln_structured(
    module: Module,
    name: str,
    amount: float,
    n: float | str,
    dim: int,
    importance_scores: Tensor | None = None,
) -> Module:
    """Prunes the channels of a parameter that have the smallest norms, and returns the module.

    Args:
        module: the module.
        name: the parameter's name.
        amount: which share of the channels, a float, or how many, an int.
        n: the order of the norm, or "fro", or "nuc" of matrices.
        dim: the axis of the channels.
        importance_scores: what decides instead of the values; of the parameter's shape.

    Raises:
        ValueError: there is no such parameter, amount or norm, or the parameter is a vector.
        IndexError: there is no such axis.

    Source: `torch.nn.utils.prune.ln_structured`.

    Example:
        >>> scores = fastdl.tensor([[1.0, 3.0], [4.0, 2.0]])
        >>> ln_structured(nn.Linear(2, 2), "weight", 1, 2, 0, scores).weight_mask.tolist()
        [[0.0, 0.0], [1.0, 1.0]]
    """
    options = {"amount": amount, "n": n, "dim": dim}
    LnStructured.apply(module, name, importance_scores=importance_scores, **options)
    return module


def global_unstructured(
    parameters: Iterable[tuple[Module, str]],
    pruning_method: type[BasePruningMethod],
    importance_scores: Mapping[tuple[Module, str], Tensor] | None = None,
    **kwargs: Any,
) -> None:
    """Prunes several parameters as if they were one: the smallest values of all, for example.

    Args:
        parameters: pairs of a module and the name of its parameter.
        pruning_method: a class whose type is "unstructured", such as `L1Unstructured`.
        importance_scores: for pairs, what decides instead of the values.
        kwargs: what the class takes.

    Raises:
        TypeError: the class has another type.
        ValueError: there is no such parameter.

    Source: `torch.nn.utils.prune.global_unstructured`.

    Example:
        >>> one, two = nn.Linear(4, 2), nn.Linear(2, 2)
        >>> pairs = [(one, "weight"), (two, "weight")]
        >>> global_unstructured(pairs, L1Unstructured, amount=0.25)
        >>> int(one.weight_mask.sum() + two.weight_mask.sum())
        9
    """
    who = "global_unstructured"
    pairs = list(parameters)
    if getattr(pruning_method, "PRUNING_TYPE", None) != "unstructured":
        raise TypeError(
            f"{who}: pruning_method: expected a class of the type 'unstructured', got "
            f"{shown(pruning_method)}"
        )
    values, masks = [], []
    for module, name in pairs:
        pruned = _is_pruned(module, name)
        original = module._parameters.get(f"{name}_orig" if pruned else name)
        if original is None:
            raise _core.ArgumentError(f"{who}: {type(module).__name__} has no parameter {name!r}")
        given = (importance_scores or {}).get((module, name), original)
        if tuple(given.shape) != original.shape:
            raise _core.ArgumentError(
                f"{who}: importance_scores: expected shape {original.shape}, got {given.shape}"
            )
        values.append(np.asarray(given.detach()))
        mask = getattr(module, f"{name}_mask") if pruned else np.ones(original.shape, "float32")
        masks.append(np.asarray(mask))
    container = PruningContainer()
    container._tensor_name = "temporary"
    method = pruning_method(**kwargs)
    method._tensor_name = "temporary"
    container.add_pruning_method(method)
    flat = [np.concatenate([a.reshape(-1) for a in many]) for many in (values, masks)]
    found = np.asarray(container.compute_mask(_core.tensor(flat[0]), _core.tensor(flat[1])))
    start = 0
    for (module, name), mask in zip(pairs, masks, strict=True):
        stop = start + math.prod(mask.shape)
        custom_from_mask(module, name, _core.tensor(found[start:stop].reshape(mask.shape)))
        start = stop


def custom_from_mask(module: Module, name: str, mask: Tensor) -> Module:
    """Prunes a parameter where a mask is 0, and returns the module.

    Args:
        module: the module.
        name: the parameter's name.
        mask: a tensor of the parameter's shape.

    Raises:
        ValueError: there is no such parameter, or the mask has another shape.

    Source: `torch.nn.utils.prune.custom_from_mask`.

    Example:
        >>> custom_from_mask(nn.Linear(1, 2), "bias", fastdl.tensor([1, 0])).bias_mask.tolist()
        [1.0, 0.0]
    """
    CustomFromMask.apply(module, name, mask)
    return module


def remove(module: Module, name: str) -> Module:
    """Makes a pruned parameter an ordinary one with the values that it has; returns the module.

    Raises:
        ValueError: the parameter is not pruned.

    Source: `torch.nn.utils.prune.remove`.

    Example:
        >>> layer = l1_unstructured(nn.Linear(4, 2), "weight", 3)
        >>> int((remove(layer, "weight").weight == 0).sum()), is_pruned(layer)
        (3, False)
    """
    if not _is_pruned(module, name):
        raise _core.ArgumentError(
            f"remove: name: {type(module).__name__} has no pruned parameter {name!r}"
        )
    _methods(module)[name].remove(module)
    return module


def _is_pruned(module: Module, name: str) -> bool:
    """Whether a parameter of the module is pruned."""
    return name in module.__dict__.get("_pruned", {}) and is_computed(module, name)


def is_pruned(module: Module) -> bool:
    """Whether a parameter of the module, or of one within it, is pruned.

    Source: `torch.nn.utils.prune.is_pruned`.

    Example:
        >>> is_pruned(nn.Sequential(nn.Linear(1, 1)))
        False
    """
    return any(part.__dict__.get("_pruned") for part in module.modules())
