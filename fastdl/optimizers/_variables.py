"""The variables of an optimizer: how they are made, named and set."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .._base import functional as F
from .._base.checks import AGGREGATIONS, check_choice
from .._base.context import path_of as scoped
from .._base.watch import Watched
from .._core import Tensor

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

    from .._base.parameter import Parameter
    from .._base.registry import Identifier
    from .._core import TensorLike


def named_variable(value: Tensor, name: str, owner: str) -> Parameter:
    """A variable in the tensor's memory that isn't trained, of an optimizer of the name `owner`."""
    from .._base.parameter import Parameter

    return Parameter(value, requires_grad=False, name=name, path=f"{scoped(owner)}/{name}")


def path_of(variable: Tensor, index: int) -> str:
    return getattr(variable, "path", "") or getattr(variable, "name", "") or f"variable_{index}"


class Pull(NamedTuple):
    """How the variables of a run are pulled to 0.

    Attributes:
        decay: the weight decay.
        l1, l2: the penalty l1 |w| + l2 / 2 w^2, whose gradient the update adds.
    """

    decay: float
    l1: float = 0.0
    l2: float = 0.0


class Variables(Watched):
    """The part of `Optimizer` that makes and sets state, and says which variables decay."""

    built: bool
    name: str
    weight_decay: float | None
    _active_slots: Any
    _built_slots: list[str]
    _excluded: list[Tensor]
    _excluded_names: list[str]
    _penalties: Mapping[int, tuple[float, float]]
    _positions: dict[int, int]
    _slot_variables: list[Parameter]
    _trainable_variables: list[Tensor]

    @property
    def variables(self) -> list[Parameter]:
        """The state; defined by `Optimizer`."""
        raise NotImplementedError

    def set_weights(self, weights: Sequence[TensorLike]) -> None:
        """Writes arrays, in the order of `variables`, into the optimizer's state.

        Raises:
            ValueError: not built yet, or number or shapes differ; then nothing was changed.
        """
        if not self.built:
            raise ValueError(
                f"{type(self).__name__}.set_weights: the optimizer is not built yet; call "
                "build(variables) first"
            )
        arrays = [np.asarray(weight) for weight in weights]
        variables = self.variables
        if [a.shape for a in arrays] != [v.shape for v in variables]:
            raise ValueError(
                f"{type(self).__name__}.set_weights: expected arrays of shapes "
                f"{[v.shape for v in variables]}, got {[a.shape for a in arrays]}"
            )
        for variable, array in zip(variables, arrays, strict=True):
            variable.assign(array)

    def save_own_variables(self, store: MutableMapping[str, Any]) -> None:
        """Puts the state into a dict as arrays, by their numbers "0", "1", ...

        `save` does not call it: files of models have the state of the optimizer.
        """
        for i, variable in enumerate(self.variables):
            store[str(i)] = variable.numpy().copy()

    def load_own_variables(self, store: Mapping[str, Any]) -> None:
        """Takes the state from what `save_own_variables` made.

        Raises:
            ValueError: not built yet, or number or shapes differ; then nothing was changed.
        """
        numbers = [str(i) for i in range(len(self.variables))]
        if set(store) != set(numbers):
            raise ValueError(
                f"{type(self).__name__}.load_own_variables: expected {len(numbers)} values, got "
                f"the keys {sorted(store)}"
            )
        self.set_weights([store[number] for number in numbers])

    def add_variable(
        self,
        shape: Sequence[int],
        initializer: Identifier = "zeros",
        dtype: DTypeLike | None = None,
        aggregation: str | None = "none",
        layout: None = None,
        name: str | None = None,
    ) -> Parameter:
        """A state variable of the given shape, listed in `variables`; its name is "var".

        `aggregation` has no effect, and `layout` is None, since there is one device.
        """
        from .. import initializers

        who = f"{type(self).__name__}.add_variable"
        check_choice(who, "aggregation", aggregation, AGGREGATIONS)
        if layout is not None:
            raise ValueError(f"{who}: layout: expected None: there is one device")
        value = initializers.get(initializer)(tuple(shape), dtype or "float32")
        variable = named_variable(value, name or "var", self.name)
        self._slot_variables.append(variable)
        return variable

    def add_variable_from_reference(
        self,
        reference_variable: Tensor,
        name: str | None = None,
        initializer: Identifier = "zeros",
    ) -> Parameter:
        """A state variable of the shape of a variable that is trained."""
        name = name or "var"
        index = self._positions.get(id(reference_variable), len(self._slot_variables))
        path = path_of(reference_variable, index).replace("/", "_")
        return self.add_variable(reference_variable.shape, initializer, name=f"{path}_{name}")

    def add_optimizer_variables(
        self, trainable_variables: Sequence[Tensor], name: str, initializer: Identifier = "zeros"
    ) -> list[Parameter]:
        """One state variable for each variable that is trained."""
        return [self.add_variable_from_reference(v, name, initializer) for v in trainable_variables]

    def _get_variable_index(self, variable: Tensor) -> int:
        return self._positions[id(variable)]

    def assign(self, variable: Tensor, value: TensorLike) -> None:
        """Overwrites a variable."""
        F.assign_(variable, value)

    def assign_add(self, variable: Tensor, value: TensorLike) -> None:
        """Adds to a variable."""
        F.add_(variable, value)

    def assign_sub(self, variable: Tensor, value: TensorLike) -> None:
        """Subtracts from a variable."""
        F.add_(variable, F.neg(value))

    # --- those that decay

    def exclude_from_weight_decay(
        self, var_list: Iterable[Tensor] | None = None, var_names: Iterable[str] | None = None
    ) -> None:
        """Excludes variables from weight decay: those in `var_list`, and those whose name contains
        one of `var_names` (`["bias"]` excludes all biases).

        Raises:
            ValueError: the optimizer is already built.
        """
        if self.built:
            raise ValueError(
                f"{type(self).__name__}.exclude_from_weight_decay: the optimizer is already built; "
                "call it before"
            )
        self._excluded = list(var_list or ())
        self._excluded_names = list(var_names or ())

    def _exclusions(self) -> tuple[list[Tensor], list[str]]:
        """The arguments with which `exclude_from_weight_decay` was called."""
        return self._excluded, self._excluded_names

    def _check_slots(self) -> None:
        """ValueError if a setting has changed that needs other state than was built."""
        names = [name for name, _ in self._active_slots()]
        if names != self._built_slots[: len(names)]:
            raise ValueError(
                f"{type(self).__name__}: its settings now need the state {names}, but it was built "
                f"with {self._built_slots}; make a new optimizer"
            )

    def _decays(self) -> tuple[float | None, ...]:
        """The settings that the weight decays of variables depend on. They may change."""
        return (self.weight_decay,)

    def _decay_of(self, index: int) -> float:
        """The weight decay of a variable."""
        if self.weight_decay is None or self._is_excluded(index):
            return 0.0
        return self.weight_decay

    def _pull_of(self, index: int) -> Pull:
        l1, l2 = self._penalties.get(id(self._trainable_variables[index]), (0.0, 0.0))
        return Pull(self._decay_of(index), l1, l2)

    def _is_excluded(self, index: int) -> bool:
        variable = self._trainable_variables[index]
        name = getattr(variable, "name", "")
        return any(variable is excluded for excluded in self._excluded) or any(
            part in name for part in self._excluded_names
        )
