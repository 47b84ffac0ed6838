"""What makes `Dataset[int]` possible: the type of the samples, for readers and type checkers."""

from __future__ import annotations

from types import GenericAlias
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing import Generic

    from typing_extensions import TypeVar

    Sample = TypeVar("Sample", covariant=True, default=Any)

    class OfSamples(Generic[Sample]): ...

else:
    Sample = Any

    class OfSamples:
        """A base of classes that take the type of their samples in brackets."""

        __class_getitem__ = classmethod(GenericAlias)
