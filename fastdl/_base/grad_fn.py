"""GradFn: the operation that made a tensor, and those that made its inputs."""

from __future__ import annotations

from .. import _core


class GradFn(str):
    """The name of a recorded operation, from which the graph can be walked.

    Attributes:
        next_functions: for each input with a gradient a pair of its operation, `AccumulateGrad` for
            a tensor that the program made, and which of the operation's outputs it is. Empty where
            `backward()` has released values that the operation held.

    Source: `grad_fn` of PyTorch, whose names are others.

    Example:
        >>> x = fastdl.ones(2, requires_grad=True)
        >>> y = (x * 3).sum()
        >>> y.grad_fn, y.grad_fn.next_functions[0][0]
        ('sum', 'mul')
        >>> y.grad_fn.next_functions[0][0].next_functions[0][0].variable is x
        True
    """

    _result: _core.Tensor

    def __new__(cls, name: str, result: _core.Tensor) -> GradFn:
        made = super().__new__(cls, name)
        made._result = result
        return made

    def name(self) -> str:
        """The name as a plain text."""
        return str.__str__(self)

    @property
    def next_functions(self) -> tuple[tuple[GradFn, int], ...]:
        found: list[tuple[GradFn, int]] = []
        for tensor, name, index in _core.grad_inputs(self._result):
            if name and tensor is not None:
                found.append((GradFn(name, tensor), index))
            elif tensor is not None and tensor.requires_grad:
                found.append((AccumulateGrad("accumulate_grad", tensor), 0))
        return tuple(found)


class AccumulateGrad(GradFn):
    """Stands for adding to the `grad` of a tensor that no operation made.

    Attributes:
        variable: the tensor.
    """

    @property
    def variable(self) -> _core.Tensor:
        return self._result

    @property
    def next_functions(self) -> tuple[tuple[GradFn, int], ...]:
        return ()
