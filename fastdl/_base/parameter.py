"""Parameter: a tensor that belongs to a module or layer and is trained."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .. import _core
from .._base import functional as F
from .._core import ShapeError, Tensor
from .checks import check_name, prefixed
from .watch import noted

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import SupportsIndex, TypeAlias

    from numpy.typing import DTypeLike
    from typing_extensions import Self

    from .._core import TensorLike

    Function: TypeAlias = Callable[[Tensor], Tensor]  # a regularizer or constraint
    State: TypeAlias = tuple[np.ndarray, bool, str, str, Function | None, Function | None]


class Parameter(Tensor):
    """A trained tensor. A `Module` registers the parameters that are assigned to its attributes.

    It is both PyTorch's `nn.Parameter` and Keras's `Variable`: `layer.weights` and
    `module.parameters()` list these objects.

    Args:
        data: tensor, array or nested list. A tensor's memory is shared. Other data are copied, and
            float64 becomes float32. None is a tensor of no values.
        requires_grad: whether `backward()` computes its gradient and optimizers train it.
        name: the Keras name (`kernel`).
        path: the name with those of the layers around it; by default the name.
        dtype: the element type; by default that of the data.
        regularizer: a function of the value. `fit` adds its result to the loss. None for none.
        constraint: a function of the value. `fit` applies it after each update. None for none.

    Raises:
        TypeError: `requires_grad` is set, and the data aren't of a floating type.

    Example:
        >>> w = nn.Parameter(fastdl.zeros(2, 3))
        >>> w.requires_grad, w.shape
        (True, (2, 3))
    """

    name: str
    path: str
    regularizer: Function | None = noted("regularizer", "Its result is added to the loss.")
    constraint: Function | None = noted("constraint", "It is applied after each update.")

    def __init__(
        self,
        data: TensorLike | None = None,
        requires_grad: bool = True,
        *,
        name: str = "",
        path: str = "",
        dtype: DTypeLike | None = None,
        regularizer: Function | None = None,
        constraint: Function | None = None,
    ) -> None:
        try:
            if data is None:
                data = np.empty(0, np.float32)
            if not isinstance(data, Tensor):  # memory that nobody else sees
                data = F.copy(_core.as_tensor(data, dtype))
            super().__init__(F.in_order(data), dtype)
        except (TypeError, ValueError) as error:
            raise prefixed("Parameter: data, dtype", error) from None
        self._own()  # the memory is the parameter's own from now on
        _core.keep_random_numbers()  # of its first values
        try:
            self.requires_grad = requires_grad
        except (TypeError, RuntimeError) as error:
            raise prefixed("Parameter", error) from None
        self.name = name
        self.path = check_name("Parameter", "path", path) or name
        self.__dict__.update(regularizer=regularizer, constraint=constraint)

    @property
    def trainable(self) -> bool:
        """Keras's name for `requires_grad`."""
        return self.requires_grad

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self.requires_grad = bool(value)

    @property
    def value(self) -> Self:
        """The parameter itself. `keras.Variable.value` is the tensor of the backend."""
        return self

    def numpy(self) -> np.ndarray:
        """A copy of the values, as in Keras: later changes of the parameter do not change it.

        `detach().numpy()` shares the memory, as in PyTorch.
        """
        return super().numpy().copy()

    def assign(self, value: TensorLike) -> Self:
        """Overwrites the values in place and returns self.

        Raises:
            ValueError: the shape isn't exactly the parameter's.
        """
        return self._write(F.assign_, value, "assign")

    def assign_add(self, value: TensorLike) -> Self:
        """Adds `value`, of the same shape, in place and returns self."""
        return self._write(F.add_, value, "assign_add")

    def assign_sub(self, value: TensorLike) -> Self:
        """Subtracts `value`, of the same shape, in place and returns self."""
        return self._write(F.add_, F.neg(value), "assign_sub")

    def _write(self, op: Callable[[Tensor, Tensor], None], value: TensorLike, method: str) -> Self:
        value = _core.as_tensor(value)
        if value.shape != self.shape:
            label = f" '{self.path}'" if self.path else ""
            raise ShapeError(
                f"{method}: parameter{label}: expected shape {self.shape}, got {value.shape}"
            )
        before = _core.set_grad_enabled(False)
        try:
            op(self, value)
        finally:
            _core.set_grad_enabled(before)
        return self

    def __repr__(self) -> str:
        label = f" '{self.path}'" if self.path else ""
        return f"Parameter{label} containing:\n{super().__repr__()}"

    def __deepcopy__(self, memo: dict[int, object]) -> Self:
        return self._rebuild(*self._state(self.numpy()))

    def __reduce_ex__(self, protocol: SupportsIndex) -> tuple[Callable[..., Self], State]:
        return type(self)._rebuild, self._state(self.numpy())

    def _state(self, values: np.ndarray) -> State:
        attributes = (self.name, self.path, self.regularizer, self.constraint)
        return values, self.requires_grad, *attributes

    @classmethod
    def _rebuild(
        cls,
        values: np.ndarray,
        requires_grad: bool,
        name: str,
        path: str,
        regularizer: Function | None,
        constraint: Function | None,
    ) -> Self:
        return cls(
            values,
            requires_grad,
            name=name,
            path=path,
            regularizer=regularizer,
            constraint=constraint,
        )
