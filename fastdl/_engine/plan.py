"""plan: a function of tensors that is recorded and replayed without Python."""

from __future__ import annotations

from collections.abc import Callable
from functools import update_wrapper
from typing import TYPE_CHECKING, Generic, ParamSpec, TypeVar

from .. import _core
from .._base import tree
from .._core import Tensor
from .steps import StepFunction

P = ParamSpec("P")
Result = TypeVar("Result")


class plan(Generic[P, Result]):
    """Makes a function of tensors fast: its second call is recorded, later calls are replayed.

    A replay runs the recorded operations on new inputs, without Python and without allocating
    memory. Its results have the same bits as those of an eager call. Each combination of input
    shapes and types is recorded separately; the 8 used last are kept. Each call changes the state
    that the function changes in place (parameters, optimizers). The arguments do not change, since
    the function gets copies of them.

    The function may read Python values: attributes of layers, modules and optimizers, variables of
    surrounding functions, default values, values of tensors. When one of them changes, the function
    is recorded anew. A function that changes Python values, or looks at values that it computes
    (`item()`, `if tensor`), runs eagerly, and a warning names the line. Changes of global
    variables, attributes of modules, time and files are not seen; call `forget()` after them. The
    function prints only while it is recorded.

    Args:
        function: takes tensors or structures (lists, tuples, dicts) of them by position, and
            returns tensors or a structure of them.

    Raises:
        TypeError: from a call, if an argument holds something other than numbers.

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

    def __init__(self, function: Callable[P, Result]) -> None:
        call: Callable[..., Result] = function
        self._steps = StepFunction(lambda arguments: call(*arguments), root=function)
        update_wrapper(self, function)

    if TYPE_CHECKING:  # a ParamSpec must have keywords; at run time there are none

        def __call__(self, *arguments: P.args, **keywords: P.kwargs) -> Result: ...

    else:

        def __call__(self, *arguments):
            """Calls the function. The tensors of the result belong to the caller."""
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
        """Drops the recordings. Call it after a change that a plan cannot see."""
        self._steps.forget()


def _own(value: object) -> object:
    return value.detach().clone() if isinstance(value, Tensor) else value
