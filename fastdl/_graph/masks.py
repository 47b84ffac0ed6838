"""Masks: truth values that say which steps of a sequence count. Layers hand them on with tensors.

A tensor has its mask from the layer that made it, in `_keras_mask`. Results of functions have none.
A KerasTensor has in `_mask` the shape and type of the mask that its tensor will have.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._base import tree
from .._core import Tensor, with_mask
from .symbolic import KerasTensor

if TYPE_CHECKING:
    from .._base.types import Args, Kwargs
    from .calls import Signature


def masks_of(x: object) -> Any:
    """The masks of the tensors in a structure, None for those without one, in that structure."""
    return tree.map_structure(_mask_of, x)


def _mask_of(leaf: object) -> Tensor | KerasTensor | None:
    if isinstance(leaf, Tensor):
        return leaf._keras_mask
    return leaf._mask if isinstance(leaf, KerasTensor) else None


def has_masks(masks: object) -> bool:
    """Whether a structure that `masks_of` returned has a mask."""
    return any(mask is not None for mask in tree.leaves(masks))


def with_masks(outputs: object, masks: object, replace: bool = False) -> Any:
    """The tensors of a structure with masks, which are given in the same order.

    Tensors are new objects if they get a mask, so no other holder of the tensor sees it.

    Args:
        replace: whether a tensor that has a mask gets another one.
    """
    supply = tree.leaves(masks)

    def masked(leaf: object) -> object:
        mask = next(supply, None)
        if mask is None or not isinstance(leaf, (Tensor, KerasTensor)):
            return leaf
        present = _mask_of(leaf)
        if present is mask or (present is not None and not replace):
            return leaf
        if isinstance(leaf, Tensor):
            return with_mask(leaf, mask)
        leaf._mask = mask
        return leaf

    return tree.map_structure(masked, outputs)


def fill_masks(
    taken: Signature, args: Args, kwargs: Kwargs, of_steps: bool = True
) -> tuple[Args, Any]:
    """Gives a call the masks of its arguments, where it takes them and none are given.

    `call(inputs, mask)` takes the mask of its only tensor. With more tensors an argument `x_mask`
    takes the mask of the argument `x`. A structure of tensors has a structure of masks.

    Args:
        taken: the signature of the call.
        args, kwargs: the arguments; kwargs is changed.
        of_steps: whether the call takes masks with fewer axes than their tensors.

    Returns:
        The positional arguments, and the mask of the first one: what the call's argument `mask`
        got, else what came with the tensor.
    """
    given = {**dict(zip(taken.names, args, strict=False)), **kwargs}
    tensors = {name: value for name, value in given.items() if _holds_tensors(value)}
    wanted: dict[str, str] = {}
    if len(tensors) == 1:
        wanted["mask"] = next(iter(tensors))
    else:
        wanted = {f"{name}_mask": name for name in tensors}
    for mask, name in wanted.items():
        if mask not in taken.names or given.get(mask) is not None:
            continue
        found = masks_of(given[name])
        if not of_steps and isinstance(found, (Tensor, KerasTensor)):
            found = found if found.ndim == given[name].ndim else None
        given[mask] = found
        place = taken.names.index(mask)
        if place < len(args):
            args = (*args[:place], found, *args[place + 1 :])
        else:
            kwargs[mask] = found
    told = given.get("mask")
    return args, masks_of(first_argument(taken, args, kwargs)) if told is None else told


def first_argument(taken: Signature, args: Args, kwargs: Kwargs) -> Any:
    """The first argument of a call, by its position or its name."""
    return args[0] if args else kwargs.get(taken.names[0]) if taken.names else None


def _holds_tensors(x: object) -> bool:
    """Whether an argument is a tensor, or a structure of nothing but tensors and None."""
    if isinstance(x, (Tensor, KerasTensor)):
        return True
    if not tree.is_nested(x):
        return False
    found = tree.flatten(x)
    return bool(found) and all(
        leaf is None or isinstance(leaf, (Tensor, KerasTensor)) for leaf in found
    )
