"""Metric: the base class."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from .. import _core
from .._base import functional as F
from .._base import tree
from .._base.checks import AGGREGATIONS, check_choice, check_name, shown
from .._base.context import path_of
from .._base.dtype_policy import DTypePolicy, policy_from
from .._base.registry import METRICS, snake_case, unique_name
from .._base.stateless import copies, holding, kept
from .._base.watch import Watched
from .._core import Tensor

if TYPE_CHECKING:
    from numpy.typing import DTypeLike
    from typing_extensions import Self

    from .._base.parameter import Parameter
    from .._base.registry import Identifier
    from .._base.types import Config
    from .._core import TensorLike


@METRICS.register_base
class Metric(Watched):
    """Base class of metrics: state that `update_state` adds to and `result` evaluates.

    To define a metric, create the state with `add_variable` in `__init__` and override
    `update_state` and `result`. `fit` records `update_state`, so it may use operations on tensors
    only. State is float32, as in Keras. What `assign_add` rounds away is kept beside it, so that
    totals and counts go on beyond 2^24.

    Args:
        dtype: float32, the type of the state.
        name: the name in logs; the class name in snake case by default.

    Raises:
        ValueError: another dtype.

    Example:
        >>> class Positives(fastdl.metrics.Metric):
        ...     def __init__(self):
        ...         super().__init__(name="positives")
        ...         self.count = self.add_variable(())
        ...     def update_state(self, y_true, y_pred, sample_weight=None):
        ...         self.count.assign_add(fastdl.sum(y_true))
        ...     def result(self):
        ...         return self.count
    """

    # "up" if larger is better, "down" if smaller is, None if unknown. Callbacks that monitor a
    # metric with mode "auto" read it.
    _direction: str | None = None

    _announced = frozenset(("_variables", "_fn_kwargs"))
    dtype = "float32"  # the type of the state

    def __init__(self, dtype: DTypeLike | None = None, name: str | None = None) -> None:
        try:
            given = policy_from(dtype).name if isinstance(dtype, (dict, DTypePolicy)) else dtype
        except ValueError:
            given = "no policy"
        if given is not None and str(given) != "float32":
            raise ValueError(
                f"{type(self).__name__}: dtype: expected 'float32', got {shown(dtype)}"
            )
        check_name(type(self).__name__, "name", name)
        self.name = name or unique_name(snake_case(type(self).__name__))
        self._variables: list[Parameter] = []

    def add_variable(
        self,
        shape: Sequence[int] = (),
        initializer: Identifier = "zeros",
        dtype: DTypeLike | None = None,
        aggregation: str | None = "sum",
        name: str | None = None,
    ) -> Parameter:
        """A state variable, listed in `variables` and set to zeros by `reset_state`.

        `aggregation` has no effect, since there is one device.
        """
        check_choice(f"{self.name}: add_variable", "aggregation", aggregation, AGGREGATIONS)
        dtype = dtype or "float32"
        if initializer in ("zeros", None):
            value = _core.full(tuple(shape), dtype, 0.0)
        else:
            from .. import initializers

            value = initializers.get(initializer)(tuple(shape), dtype)
        name = name or "variable"
        path = f"{path_of(self.name)}/{name}"
        variable: Parameter
        if dtype == "float32":
            from ._total import Total

            variable = Total(value, name=name, path=path)
        else:
            from .._base.parameter import Parameter

            variable = Parameter(value, requires_grad=False, name=name, path=path)
        self._variables.append(variable)
        return variable

    def add_weight(
        self,
        shape: Sequence[int] = (),
        initializer: Identifier = None,
        dtype: DTypeLike | None = None,
        name: str | None = None,
    ) -> Parameter:
        """`add_variable`; without an initializer it is zeros."""
        return self.add_variable(shape, initializer, dtype, name=name)

    @property
    def variables(self) -> list[Parameter]:
        """The state, including variables in attributes and the state of metrics there."""
        inner = [variable for metric in self._inner_metrics() for variable in metric.variables]
        return [*self._own_variables(), *inner]

    def _own_variables(self) -> list[Parameter]:
        """Those of `add_variable`, then those that are attributes."""
        from .._base.parameter import Parameter

        known = {id(variable): variable for variable in self._variables}
        known.update((id(leaf), leaf) for leaf in self._leaves() if isinstance(leaf, Parameter))
        return list(known.values())

    def _inner_metrics(self) -> list[Metric]:
        """The metrics in attributes of this one, also within lists, tuples and dicts."""
        found = {id(leaf): leaf for leaf in self._leaves() if isinstance(leaf, Metric)}
        found.pop(id(self), None)
        return list(found.values())

    def _leaves(self) -> Iterator[Any]:
        """The values of attributes, and what lists, tuples and dicts among them hold."""
        for value in vars(self).values():
            if isinstance(value, (list, tuple, dict)):
                yield from tree.leaves(value)
            elif isinstance(value, (Metric, Tensor)):
                yield value

    def reset_state(self) -> None:
        """Resets the state to zeros, including variables and metrics in attributes."""
        before = _core.set_grad_enabled(False)  # variables in attributes may be trained ones
        try:
            for variable in self._own_variables():
                F.assign_(variable, 0.0)
        finally:
            _core.set_grad_enabled(before)
        for metric in self._inner_metrics():
            metric.reset_state()

    def update_state(self, *args: Any, **kwargs: Any) -> None:
        """Takes in a batch. A subclass overrides it."""
        raise NotImplementedError(f"{type(self).__name__}: a metric must define update_state()")

    def result(self) -> Any:
        """The metric's value over everything since the last `reset_state`."""
        raise NotImplementedError(f"{type(self).__name__}: a metric must define result()")

    # --- other state than its own

    def stateless_update_state(
        self, metric_variables: Iterable[TensorLike], *args: Any, **kwargs: Any
    ) -> list[Tensor]:
        """The state after an update of other state; the metric's own stays as it is.

        Args:
            metric_variables: a value for each of `variables`.
            args, kwargs: as for `update_state`.

        Raises:
            ValueError: the values do not fit the variables.

        Example:
            >>> mean = metrics.Mean()
            >>> state = mean.stateless_update_state(mean.stateless_reset_state(), [1.0, 3.0])
            >>> mean.stateless_result(state).item(), mean.result().item()
            (2.0, 0.0)
        """
        with holding(f"{self.name}: metric_variables", self.variables, metric_variables):
            self.update_state(*args, **kwargs)
            return copies(self.variables)

    def stateless_result(self, metric_variables: Iterable[TensorLike]) -> Any:
        """The result for other state; the metric's own stays as it is.

        Args:
            metric_variables: a value for each of `variables`.

        Raises:
            ValueError: the values do not fit the variables.
        """
        with holding(f"{self.name}: metric_variables", self.variables, metric_variables):
            return tree.map_structure(lambda x: F.copy(_core.as_tensor(x)), self.result())

    def stateless_reset_state(self) -> list[Tensor]:
        """The state that `reset_state` gives; the metric's own stays as it is."""
        with kept(self.variables):
            self.reset_state()
            return copies(self.variables)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """`update_state`, then `result`."""
        self.update_state(*args, **kwargs)
        return self.result()

    def get_config(self) -> Config:
        """The arguments that make an equal metric, without its state."""
        return {"name": self.name, "dtype": self.dtype}

    @classmethod
    def from_config(cls, config: Config) -> Self:
        """The metric that `get_config` described."""
        return cls(**config)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}>"


def without_gradients(*values: TensorLike) -> list[Tensor]:
    """Tensors of the same values through which no gradient flows."""
    return [_core.as_tensor(value).detach() for value in values]
