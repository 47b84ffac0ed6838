"""Input: where a model's graph begins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._base.checks import check_count, check_flag, check_shape, shown
from .._base.dtypes import as_dtype
from .._base.notices import warn
from .._base.registry import LAYERS
from .._graph.symbolic import KerasTensor, Node
from .layer import Layer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import DTypeLike

    from .._base.types import Config, Shape


@LAYERS.register
class InputLayer(Layer):
    """The layer behind `Input`; stands first in a `Sequential`. Arguments are those of `Input`."""

    batch_shape: Shape
    optional: bool
    sparse = False
    ragged = False

    def __init__(
        self,
        shape: Sequence[int | None] | None = None,
        batch_size: int | None = None,
        dtype: DTypeLike | None = None,
        sparse: bool | None = None,
        ragged: bool | None = None,
        batch_shape: Sequence[int | None] | None = None,
        input_tensor: KerasTensor | None = None,
        optional: bool = False,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        if "input_shape" in kwargs:
            warn(f"InputLayer {name!r}: input_shape: the argument is called shape")
            shape = kwargs.pop("input_shape")
        batch_shape = kwargs.pop("batch_input_shape", batch_shape)
        if isinstance(dtype, str) and dtype == "string":
            raise ValueError(
                f"InputLayer {name!r}: dtype: text is no input of a model: call StringLookup or "
                "Hashing on the data, or use utils.FeatureSpace"
            )
        super().__init__(name=name, dtype=dtype, **kwargs)
        who = f"InputLayer {self.name!r}"
        for argument, wanted in (("sparse", sparse), ("ragged", ragged)):
            if check_flag(who, argument, wanted):
                raise ValueError(f"{who}: {argument}: such inputs are not supported")
        if input_tensor is not None:
            if not isinstance(input_tensor, KerasTensor):
                raise ValueError(
                    f"{who}: input_tensor: expected a KerasTensor, got {shown(input_tensor)}"
                )
            own = input_tensor.shape
            for option, asked, found in (
                ("shape", shape, own[1:]),
                ("batch_shape", batch_shape, own),
                ("batch_size", batch_size, own[0] if own else None),
                ("dtype", None if dtype is None else as_dtype(self.dtype), input_tensor.dtype),
            ):
                given: Any = tuple(asked) if isinstance(asked, (list, tuple)) else asked
                if given is not None and given != found:
                    raise ValueError(
                        f"{who}: {option}: expected {found}, as input_tensor has it, or None, "
                        f"got {shown(asked)}"
                    )
            batch_shape = own
        elif shape is not None and batch_shape is not None:
            raise ValueError(f"{who}: give shape or batch_shape, not both")
        elif batch_shape is None:
            if shape is None:
                raise ValueError(f"{who}: expected shape or batch_shape, got neither")
            check_count(who, "batch_size", batch_size, 0)
            batch_shape = (batch_size, *check_shape(who, "shape", shape))
        elif batch_size is not None:
            raise ValueError(f"{who}: batch_shape already has the batch_size")
        batch_shape = check_shape(who, "batch_shape", batch_shape)
        self.__dict__.update(
            batch_shape=batch_shape, optional=check_flag(who, "optional", optional), built=True
        )
        if input_tensor is None:
            input_tensor = KerasTensor(self.batch_shape, as_dtype(self.dtype), name=self.name)
        Node(self, (), {}, input_tensor)

    def call(self) -> None:
        """An input computes nothing."""

    def get_config(self) -> Config:
        return {
            "batch_shape": self.batch_shape,
            "dtype": self.dtype,
            "optional": self.optional,
            "name": self.name,
        }

    @classmethod
    def from_config(cls, config: Config) -> InputLayer:
        known = ("batch_shape", "dtype", "optional", "name")
        return cls(**{key: config[key] for key in known if key in config})


def Input(
    shape: Sequence[int | None] | None = None,
    batch_size: int | None = None,
    dtype: DTypeLike | None = None,
    sparse: bool | None = None,
    ragged: bool | None = None,
    batch_shape: Sequence[int | None] | None = None,
    name: str | None = None,
    tensor: KerasTensor | None = None,
    optional: bool = False,
) -> KerasTensor:
    """The symbolic input of a functional model.

    Args:
        shape: its shape without the batch axis; None for sizes that may vary.
        batch_size: the size of the batch axis if it is fixed.
        dtype: the type that data is converted to; float32 unless given.
        sparse, ragged: not supported; only None and False.
        batch_shape: the shape with the batch axis, in place of `shape`.
        name: the name of the input, and its key if the data is a dict.
        tensor: an existing KerasTensor to use as the input.
        optional: whether None is accepted as its value.

    Raises:
        ValueError: no shape, two shapes, or a size that is no integer.

    Source: `keras.Input` of Keras 3.

    Example:
        >>> x = layers.Input(shape=(10,))
        >>> model = models.Model(x, layers.Dense(1)(x))
        >>> model.output_shape
        (None, 1)
    """
    layer = InputLayer(
        shape=shape,
        batch_size=batch_size,
        dtype=dtype,
        sparse=sparse,
        ragged=ragged,
        batch_shape=batch_shape,
        input_tensor=tensor,
        optional=optional,
        name=name,
    )
    return layer.output
