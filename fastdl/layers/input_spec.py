"""InputSpec: what a layer requires of its inputs, and the check of it. Semantics of Keras."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._base import tree
from .._base.checks import check_count, check_flag, check_name, check_shape, shown
from .._base.dtypes import as_dtype

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import TypeAlias

    from numpy.typing import DTypeLike

    from .._base.types import Config, Items, Shape
    from .._core import Tensor
    from .._graph.symbolic import KerasTensor
    from .layer import Layer

    # What a layer requires of all its inputs; None stands for an input without requirements.
    Specs: TypeAlias = "InputSpec | Items[InputSpec | None] | Mapping[str, InputSpec] | None"


class InputSpec:
    """Requirements on one input of a layer; what isn't given isn't checked.

    Args:
        dtype: the element type.
        shape: the whole shape with the batch axis; None for sizes that don't matter.
        ndim, max_ndim, min_ndim: the number of axes, at most, at least.
        axes: sizes of some axes, `{axis: size}`; negative axes count from the end.
        allow_last_axis_squeeze: accept an input with one more or one fewer last axis of size 1.
        name: the key of this input when inputs come as a dict.
        optional: whether None is accepted in its place.

    Raises:
        TypeError: the keys of `axes` aren't integers.
        ValueError: `axes` names an axis that a tensor of that rank doesn't have.
    """

    def __init__(
        self,
        dtype: DTypeLike | None = None,
        shape: Sequence[int | None] | None = None,
        ndim: int | None = None,
        max_ndim: int | None = None,
        min_ndim: int | None = None,
        axes: Mapping[int, int | None] | None = None,
        allow_last_axis_squeeze: bool = False,
        name: str | None = None,
        optional: bool = False,
    ) -> None:
        who = "InputSpec"
        try:
            self.dtype = None if dtype is None else as_dtype(dtype)
        except (TypeError, ValueError):
            raise ValueError(f"{who}: dtype: expected a type, got {shown(dtype)}") from None
        self.shape = None if shape is None else check_shape(who, "shape", shape)
        check_count(who, "ndim", ndim, 0)
        self.ndim = ndim if self.shape is None else len(self.shape)
        self.max_ndim = check_count(who, "max_ndim", max_ndim, 0)
        self.min_ndim = check_count(who, "min_ndim", min_ndim, 0)
        self.name = check_name(who, "name", name)
        self.optional = check_flag(who, "optional", optional)
        self.allow_last_axis_squeeze = check_flag(
            who, "allow_last_axis_squeeze", allow_last_axis_squeeze
        )
        try:
            pairs = {} if axes is None else dict(axes)
            self.axes = {int(axis): size for axis, size in pairs.items()}
        except (TypeError, ValueError):
            raise TypeError(
                f"{who}: axes: expected a dict with integer keys, got {shown(axes)}"
            ) from None
        self._accepted: Shape | None = (
            None  # the last shape that fitted; the next one is often equal
        )
        rank = self.ndim if self.ndim is not None else max_ndim
        if self.axes and rank is not None and max(self.axes) >= rank:
            raise ValueError(f"{who}: axes names axis {max(self.axes)} of inputs with {rank} axes")

    def __repr__(self) -> str:
        named = ("dtype", "shape", "ndim", "max_ndim", "min_ndim", "axes")
        given = [f"{key}={getattr(self, key)}" for key in named if getattr(self, key)]
        return f"InputSpec({', '.join(given)})"

    def get_config(self) -> Config:
        """The constructor's arguments."""
        named = ("dtype", "shape", "ndim", "max_ndim", "min_ndim", "axes", "optional")
        return {key: getattr(self, key) for key in named}

    @classmethod
    def from_config(cls, config: Config) -> InputSpec:
        """The spec that `get_config` described."""
        return cls(**config)

    def complaint(self, x: Tensor | KerasTensor) -> str | None:
        """What is wrong with this tensor, as "expected ..., got ..."; None when nothing is."""
        if x.shape == self._accepted:
            return None
        found = self._find_complaint(x)
        if found is None and self.dtype is None:
            self._accepted = x.shape
        return found

    def _find_complaint(self, x: Tensor | KerasTensor) -> str | None:
        shape = tuple(x.shape)
        rank = len(shape)
        wanted: str | None = None
        if self.ndim is not None and rank != self.ndim and not self.allow_last_axis_squeeze:
            wanted = f"{self.ndim} axes"
        elif self.max_ndim is not None and rank > self.max_ndim:
            wanted = f"at most {self.max_ndim} axes"
        elif self.min_ndim is not None and rank < self.min_ndim:
            wanted = f"at least {self.min_ndim} axes"
        elif self.dtype is not None and x.dtype != self.dtype:
            return f"expected elements of type {self.dtype}, got {x.dtype}"
        if wanted:
            return f"expected {wanted}, got {rank} (shape {shape})"
        for axis, size in self.axes.items():
            if size is not None and shape[axis] not in (size, None):
                return f"expected size {size} on axis {axis}, got {shape[axis]} (shape {shape})"
        if self.shape is not None and not self._fits(shape):
            return f"expected shape {self.shape}, got {shape}"
        return None

    def _fits(self, shape: Shape) -> bool:
        wanted = self.shape or ()
        if self.allow_last_axis_squeeze:
            shape = shape[:-1] if shape[-1:] == (1,) else shape
            wanted = wanted[:-1] if wanted[-1:] == (1,) else wanted
        if len(shape) != len(wanted):
            return False
        pairs = zip(wanted, shape, strict=True)
        return all(a is None or b is None or a == b for a, b in pairs)


def check_inputs(spec: Specs, inputs: Any) -> None:
    """Raises ValueError where `inputs` (a tensor or a structure of them) don't meet `spec`."""
    if isinstance(spec, InputSpec) and hasattr(inputs, "shape"):
        complaint = spec.complaint(inputs)
        if complaint:
            raise ValueError(f"incompatible input: {complaint}")
        return
    specs = tree.flatten(spec)
    if isinstance(inputs, dict) and all(one is not None and one.name for one in specs):
        missing = [one.name for one in specs if one.name not in inputs]
        if missing:
            raise ValueError(f"missing input {missing[0]!r}: got the keys {list(inputs)}")
        inputs = [inputs[one.name] for one in specs]
    tensors = tree.flatten(inputs)
    if len(tensors) != len(specs):
        raise ValueError(f"expected {len(specs)} input(s), got {len(tensors)}")
    for index, (one, x) in enumerate(zip(specs, tensors, strict=True)):
        if one is None or (x is None and one.optional):
            continue
        if not hasattr(x, "shape"):
            raise ValueError(f"expected a tensor, got {x!r} (of type {type(x).__name__})")
        complaint = one.complaint(x)
        if complaint:
            label = f"input {index}" + (f" ({one.name!r})" if one.name else "")
            raise ValueError(f"incompatible {label}: {complaint}")


def check_single(layer: Layer, inputs: object) -> None:
    """Raises ValueError where a built-in layer for one tensor got a structure of them.

    Its ops would take a list of tensors of one shape for an array of one more axis.
    """
    if layer._takes_several or not tree.is_nested(inputs):
        return
    if type(layer).__module__.startswith("fastdl.layers."):
        got = (
            f"a dict with the keys {list(inputs)}"
            if isinstance(inputs, dict)
            else f"a {type(inputs).__name__} of {len(list(tree.leaves(inputs)))}"
        )
        raise ValueError(f"expected a tensor, got {got}")
