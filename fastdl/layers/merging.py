"""Layers that make one tensor of several, as classes and as functions."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from .. import _core
from .._base import functional as F
from .._base import tree
from .._base.checks import check_flag, check_integer, check_integers, shown
from .._base.moving import checked_axis, is_integer
from .._base.registry import LAYERS
from .._core import AxisError, Tensor, has_mask
from .layer import Layer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Protocol

    from typing_extensions import Unpack

    from .._base.types import Config, Items, Shape
    from .._core import TensorLike
    from .._graph.symbolic import KerasTensor
    from .options import LayerOptions

    class MergeFunction(Protocol):
        """A layer of this module as a function of its inputs."""

        def __call__(
            self, inputs: Items[TensorLike], **kwargs: Unpack[LayerOptions]
        ) -> KerasTensor | Any: ...


def _check_list(shapes: Sequence[Shape], at_least: int = 1) -> None:
    is_list = isinstance(shapes, (list, tuple)) and all(isinstance(s, tuple) for s in shapes)
    if not is_list or len(shapes) < at_least:
        raise ValueError(f"expected a list of at least {at_least} inputs, got shape {shapes}")


def _masks_of(inputs: Any, mask: Any) -> list[Any]:
    """The masks of the inputs.

    Raises:
        ValueError: inputs or masks are no lists, or not equally many.
    """
    if mask is None:
        return [None]
    for name, value in (("mask", mask), ("inputs", inputs)):
        if not isinstance(value, (list, tuple)):
            raise ValueError(f"compute_mask: {name}: expected a list, got {shown(value)}")
    if len(mask) != len(inputs):
        raise ValueError(f"compute_mask: mask: expected {len(inputs)} masks, got {len(mask)}")
    return tree.flatten(mask)


def _broadcast(one: Shape, two: Shape, shapes: Sequence[Shape]) -> Shape:
    """The shape of an elementwise result of samples of two shapes, aligned at the end."""
    if len(one) < len(two):
        one, two = two, one
    sizes = list(one)
    for i in range(1, len(two) + 1):
        a, b = one[-i], two[-i]
        if a is None or b is None:
            sizes[-i] = None
        elif a != b and 1 not in (a, b):
            raise ValueError(f"inputs of incompatible shapes: {shapes}")
        else:
            sizes[-i] = b if a == 1 else a
    return tuple(sizes)


class _Merge(Layer):
    """Base of the elementwise layers: any number of inputs, broadcast against each other.

    Inputs with fewer axes get axes of size 1 after the batch axis.
    """

    _takes_several = True
    _makes_masks = False
    _at_least = 1
    _function: Callable[..., Tensor]

    def build(self, input_shape: Sequence[Shape]) -> None:
        self.compute_output_shape(input_shape)

    def call(self, inputs: Sequence[Tensor]) -> Tensor:
        if has_mask(inputs):
            return self._merge_masked(inputs)
        return functools.reduce(type(self)._function, _aligned(inputs))

    def _merge_masked(self, inputs: Sequence[Tensor]) -> Tensor:
        """The same for inputs of which some have masks."""
        return functools.reduce(type(self)._function, _aligned(inputs))

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """A step counts if it counts in one of the inputs. There is no mask unless all have one."""
        masks = _masks_of(inputs, mask)
        if any(mask is None for mask in masks):
            return None
        return functools.reduce(F.logical_or, masks)

    def compute_output_shape(self, input_shape: Sequence[Shape]) -> Shape:
        _check_list(input_shape, self._at_least)
        batches = {shape[0] for shape in input_shape if shape} - {None}
        if len(batches) > 1:
            raise ValueError(f"inputs with different batch sizes: {list(input_shape)}")
        sizes: Shape = input_shape[0][1:]
        for shape in input_shape[1:]:
            sizes = _broadcast(sizes, shape[1:], list(input_shape))
        return (next(iter(batches), None), *sizes)


def _aligned(inputs: Sequence[Tensor]) -> list[Tensor]:
    """The inputs with equally many axes."""
    rank = max(x.ndim for x in inputs)
    return [
        x
        if x.ndim == rank
        else F.reshape(x, shape=(x.shape[0], *[1] * (rank - x.ndim), *x.shape[1:]))
        for x in inputs
    ]


def _counted(inputs: Sequence[Tensor]) -> list[Tensor | None]:
    """For each of the aligned inputs which elements its mask leaves; None for all."""
    masks = _aligned([_spread(x._keras_mask, x) for x in inputs])
    return [None if x._keras_mask is None else mask for x, mask in zip(inputs, masks, strict=True)]


class _Extreme(_Merge):
    """Base of Maximum and Minimum. A masked step of an input is left out where others have it."""

    def _merge_masked(self, inputs: Sequence[Tensor]) -> Tensor:
        (result, *others), (known, *masks) = _aligned(inputs), _counted(inputs)
        for x, mask in zip(others, masks, strict=True):
            if mask is not None:
                x = F.where(mask, x, result)
            if known is not None:
                result = F.where(known, result, x)
            known = None if known is None or mask is None else F.logical_or(known, mask)
            result = type(self)._function(result, x)
        return result


@LAYERS.register
class Add(_Merge):
    """The sum of the inputs.

    Example:
        >>> layers.Add()([np.ones((1, 2)), np.ones((1, 2))]).tolist()
        [[2.0, 2.0]]
    """

    _function = F.add


@LAYERS.register
class Subtract(_Merge):
    """The first input minus the second; exactly two inputs."""

    _function = F.sub
    _at_least = 2

    def compute_output_shape(self, input_shape: Sequence[Shape]) -> Shape:
        shape = super().compute_output_shape(input_shape)
        if len(input_shape) != 2:
            raise ValueError(f"expected a list of 2 inputs, got {len(input_shape)}")
        return shape


@LAYERS.register
class Multiply(_Merge):
    """The product of the inputs, element by element.

    A masked step of an input is left out; where all inputs are masked the product is 0.
    """

    _function = F.mul

    def _merge_masked(self, inputs: Sequence[Tensor]) -> Tensor:
        masks = _counted(inputs)
        factors = [
            x if mask is None else F.where(mask, x, 1)
            for x, mask in zip(_aligned(inputs), masks, strict=True)
        ]
        product = functools.reduce(F.mul, factors)
        known = [mask for mask in masks if mask is not None]
        if len(known) < len(masks):
            return product
        return F.where(functools.reduce(F.logical_or, known), product, 0)


@LAYERS.register
class Average(_Merge):
    """The mean of the inputs, element by element."""

    _function = F.add

    def call(self, inputs: Sequence[Tensor]) -> Tensor:
        return super().call(inputs) / len(inputs)


@LAYERS.register
class Maximum(_Extreme):
    """The greatest of the inputs, element by element; a masked step of an input is left out."""

    _function = F.maximum


@LAYERS.register
class Minimum(_Extreme):
    """The least of the inputs, element by element; a masked step of an input is left out."""

    _function = F.minimum


@LAYERS.register
class Concatenate(Layer):
    """The inputs one after another along `axis` (the last one unless given).

    Raises:
        ValueError: the shapes differ on another axis.

    Example:
        >>> layers.Concatenate()([np.ones((1, 2)), np.ones((1, 3))]).shape
        (1, 5)
    """

    _takes_several = True
    _makes_masks = False
    _keeps_dtype = True

    def __init__(self, axis: int = -1, **kwargs: Unpack[LayerOptions]) -> None:
        super().__init__(**kwargs)
        self.axis = check_integer("Concatenate", "axis", axis)

    def build(self, input_shape: Sequence[Shape]) -> None:
        self.compute_output_shape(input_shape)

    def call(self, inputs: Sequence[Tensor]) -> Tensor:
        return F.concat(list(inputs), axis=self.axis)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """The masks joined as the inputs are; inputs without a mask count in every step."""
        masks = _masks_of(inputs, mask)
        if all(mask is None for mask in masks):
            return None
        spread = [_spread(mask, x) for mask, x in zip(masks, inputs, strict=True)]
        return F.any(F.concat(spread, axis=self.axis), axes=-1)

    def compute_output_shape(self, input_shape: Sequence[Shape]) -> Shape:
        _check_list(input_shape)
        first = list(input_shape[0])
        axis = self.axis + len(first) if self.axis < 0 else self.axis
        if not 0 <= axis < len(first):
            raise AxisError(f"axis {self.axis} is out of range for inputs of shape {tuple(first)}")
        total: int | None = 0
        for shape in input_shape:
            pairs = list(zip(first, shape, strict=False))
            fits = len(shape) == len(first) and all(
                a is None or b is None or a == b for i, (a, b) in enumerate(pairs) if i != axis
            )
            if not fits:
                raise ValueError(
                    f"inputs must have the same shape except on axis {self.axis}, got "
                    f"{list(input_shape)}"
                )
            size = shape[axis]
            total = None if total is None or size is None else total + size
        first[axis] = total
        return tuple(first)

    def get_config(self) -> Config:
        return {**super().get_config(), "axis": self.axis}


@LAYERS.register
class Dot(Layer):
    """The dot product of two inputs along an axis of each, sample by sample.

    Args:
        axes: the axis to sum over (not 0), or one for each input.
        normalize: whether to scale to norm 1 along that axis first (cosine similarity).

    Raises:
        TypeError, ValueError: `axes` isn't an integer or a pair; the axes have different sizes.

    Example:
        >>> layers.Dot(axes=1)([np.ones((1, 3)), np.ones((1, 3))]).tolist()
        [[3.0]]
    """

    _takes_several = True
    _makes_masks = False

    def __init__(
        self, axes: int | Sequence[int], normalize: bool = False, **kwargs: Unpack[LayerOptions]
    ) -> None:
        super().__init__(**kwargs)
        if not is_integer(axes) and not isinstance(axes, (list, tuple)):
            raise TypeError(f"Dot: axes: expected an integer or two of them, got {shown(axes)}")
        self.axes = check_integers("Dot", "axes", axes)
        if not isinstance(self.axes, int) and len(self.axes) != 2:
            raise ValueError(f"Dot: axes: expected an integer or two of them, got {axes!r}")
        self.normalize = check_flag("Dot", "normalize", normalize)

    def _resolved(self, ranks: Sequence[int]) -> tuple[int, int]:
        given = (self.axes, self.axes) if isinstance(self.axes, int) else self.axes
        one, two = (
            checked_axis(axis, rank, "axes") for axis, rank in zip(given, ranks, strict=True)
        )
        if 0 in (one, two):
            raise ValueError(f"axes must not contain the batch axis 0, got {self.axes}")
        return one, two

    def build(self, input_shape: Sequence[Shape]) -> None:
        self.compute_output_shape(input_shape)

    def call(self, inputs: Sequence[Tensor]) -> Tensor:
        one, two = inputs
        a, b = self._resolved([one.ndim, two.ndim])
        if self.normalize:
            one, two = _normalized(one, a), _normalized(two, b)
        batch = one.shape[0]
        left = [axis for axis in range(1, one.ndim) if axis != a]
        right = [axis for axis in range(1, two.ndim) if axis != b]
        shape = [batch, *(one.shape[axis] for axis in left), *(two.shape[axis] for axis in right)]
        size = one.shape[a]
        one = F.reshape(F.transpose(one, perm=(0, *left, a)), shape=(batch, -1, size))
        two = F.reshape(F.transpose(two, perm=(0, b, *right)), shape=(batch, size, -1))
        product = F.matmul(one, two)
        return F.reshape(product, shape=shape if len(shape) > 1 else [batch, 1])

    def compute_mask(self, inputs: Any, mask: Any = None) -> None:
        """There is none: a product has no steps."""

    def compute_output_shape(self, input_shape: Sequence[Shape]) -> Shape:
        _check_list(input_shape, 2)
        if len(input_shape) != 2:
            raise ValueError(f"expected a list of 2 inputs, got {len(input_shape)}")
        one, two = list(input_shape[0]), list(input_shape[1])
        a, b = self._resolved([len(one), len(two)])
        if None not in (one[a], two[b]) and one[a] != two[b]:
            raise ValueError(
                f"cannot multiply inputs of shapes {tuple(one)} and {tuple(two)} along axes "
                f"{a} and {b}: their sizes are {one[a]} and {two[b]}"
            )
        sizes = [size for i, size in enumerate(one) if i != a]
        sizes += [size for i, size in enumerate(two) if i not in (0, b)]
        return tuple(sizes) if len(sizes) > 1 else (sizes[0], 1)

    def get_config(self) -> Config:
        return {**super().get_config(), "axes": self.axes, "normalize": self.normalize}


def _spread(mask: Tensor | None, x: Tensor) -> Tensor:
    """A mask for each element of the input; of a mask with more axes than that, itself."""
    if mask is None:
        return _core.full(x.shape, "bool", True)
    if mask.ndim >= x.ndim:
        return mask
    ones = (1,) * (x.ndim - mask.ndim)
    return F.broadcast_to(F.reshape(mask, shape=(*mask.shape, *ones)), shape=x.shape)


def _normalized(x: Tensor, axis: int) -> Tensor:
    squares = F.sum(F.square(x), axes=axis, keepdims=True)
    return x * F.rsqrt(F.maximum(squares, 1e-12))


def _as_function(cls: type[Layer]) -> MergeFunction:
    def function(inputs: Items[TensorLike], **kwargs: Unpack[LayerOptions]) -> Any:
        return cls(**kwargs)(inputs)

    function.__name__ = function.__qualname__ = cls.__name__.lower()
    function.__doc__ = cls.__doc__
    return function


add = _as_function(Add)
subtract = _as_function(Subtract)
multiply = _as_function(Multiply)
average = _as_function(Average)
maximum = _as_function(Maximum)
minimum = _as_function(Minimum)


def concatenate(inputs: Items[TensorLike], axis: int = -1, **kwargs: Unpack[LayerOptions]) -> Any:
    """`Concatenate(axis)(inputs)`."""
    return Concatenate(axis=axis, **kwargs)(inputs)


def dot(
    inputs: Items[TensorLike], axes: int | Sequence[int] = -1, **kwargs: Unpack[LayerOptions]
) -> Any:
    """`Dot(axes)(inputs)`."""
    return Dot(axes=axes, **kwargs)(inputs)
