"""plan: a function of tensors that is recorded and replayed without Python."""

from __future__ import annotations

from collections.abc import Callable
from functools import update_wrapper
from typing import Any

from .. import _core
from .._base import tree
from .._core import Tensor
from .steps import StepFunction


class plan:
    """Makes a function of tensors fast: its second call is recorded, later ones are replayed.

    A replay runs the recorded operations on new inputs, without Python and with memory fixed in
    advance; results are bit for bit those of an eager call. Each combination of input shapes and
    types gets its own recording; the 8 used last are kept. State that the function changes in place
    (parameters, optimizers) is changed by each call; arguments are not, since the function gets
    copies of them.

    What the function reads in Python (attributes of layers, modules and optimizers, variables of
    the functions around it, values of tensors) may change at any time: it is recorded anew. A
    function that changes something in Python or looks at values it computes (`item()`, `if tensor`)
    runs eagerly, and a warning names the line. What cannot be seen is what it reads and changes
    elsewhere: global variables, the time, files; call `forget()` after such a change. Prints happen
    while it is recorded and not again.

    Args:
        function: takes tensors or structures (lists, tuples, dicts) of them, returns likewise.

    Raises:
        TypeError: when called, for arguments that are no numbers.

    Example:
        >>> @fastdl.plan
        ... def scores(x, w):
        ...     return fastdl.softmax(x @ w)
        >>> x, w = fastdl.rand(4, 3), fastdl.rand(3, 2)
        >>> for _ in range(3):
        ...     y = scores(x, w)
        >>> y.shape
        (4, 2)
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self._steps = StepFunction(lambda arguments: function(*arguments), root=function)
        update_wrapper(self, function)

    def __call__(self, *arguments: Any) -> Any:
        """Calls the function; tensors of the result are the caller's own."""
        tensors = tree.map_structure(_core.as_tensor, arguments)
        marks = tree.map_structure(lambda _: True, tensors)
        leaves = tree.flatten(tensors)
        key = (
            repr(marks),
            _core.grad_enabled(),
            *(t.requires_grad for t in leaves),
        )
        with self._steps.turn:
            result = self._steps(leaves, lambda values: tree.pack(marks, list(values)), key)
            return tree.map_structure(_own, result)

    def forget(self) -> None:
        """Drops the recordings, as when something changed that cannot be seen."""
        self._steps.forget()


def _own(value: Any) -> Any:
    return value.detach().clone() if isinstance(value, Tensor) else value
