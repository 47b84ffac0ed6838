"""The calls of layers under way, and where new variables belong."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    from .parameter import Parameter


class Context(threading.local):
    """The layer calls under way in this thread."""

    root: Any  # the outermost layer
    training: bool | None  # the mode of the innermost layer
    number: int  # counts the outermost calls
    scope: str  # the path of the innermost layer or `name_scope`
    made: list[tuple[Parameter, np.ndarray]] | None = None  # untrained weights of a trial call
    # The bytes that weights may still take while a model is made from a file, which has their
    # values; None at other times.
    room: int | None = None
    remat: Any = None  # the innermost RematScope, for layers that are made in it

    def __init__(self) -> None:  # for each thread
        self.__dict__.update(root=None, training=None, number=0, scope="")


context = Context()


def path_of(name: str) -> str:
    """The path of something of this name that is made now."""
    return f"{context.scope}/{name}" if context.scope else name
