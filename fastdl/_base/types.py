"""Types for annotations that several rooms share. The library never imports this at run time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar

if TYPE_CHECKING:
    from .._core import Tensor, TensorLike

Item = TypeVar("Item", covariant=True)

# A shape; None stands for a size that is not fixed.
Shape: TypeAlias = "tuple[int | None, ...]"

# The arguments of a constructor by name. Each class has its own, so a value can be anything.
Config: TypeAlias = "dict[str, Any]"

# What a call hands on to a user's function.
Args: TypeAlias = "tuple[Any, ...]"
Kwargs: TypeAlias = "dict[str, Any]"

# Loss and metrics by name. A value is a float; a metric with several values gives an array.
Logs: TypeAlias = "dict[str, float | Any]"


class Items(Protocol[Item]):
    """A list or tuple. A string is none."""

    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[Item]: ...
    def __getitem__(self, index: int, /) -> Item: ...
    def __contains__(self, value: object, /) -> bool: ...


# A shape, or lists and dicts of shapes.
Shapes: TypeAlias = "Items[int | None] | Items[Shapes] | Mapping[str, Shapes]"

# Arrays as users give them: one, or lists and dicts of them; None where there is none.
Data: TypeAlias = "TensorLike | Mapping[str, Data] | Items[Data] | None"

# The same as tensors.
Tensors: TypeAlias = "Tensor | Mapping[str, Tensors] | Items[Tensors] | None"


class BatchesByNumber(Protocol):
    """An object that returns batch `index`."""

    def __getitem__(self, index: int, /) -> Data: ...


# What yields batches: x, (x, y) or (x, y, sample_weight).
Batches: TypeAlias = "Iterable[Data] | BatchesByNumber"
