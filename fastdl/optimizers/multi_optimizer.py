"""MultiOptimizer: different optimizers for different variables."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping, Sequence
from typing import TYPE_CHECKING, Any

from .._base import functional as F
from .._base.checks import shown
from .._base.registry import OPTIMIZERS, custom_object_scope, object_config
from ._variables import path_of
from .loss_scale_optimizer import LossScaleOptimizer
from .optimizer import Optimizer

if TYPE_CHECKING:
    import numpy as np
    from typing_extensions import Self

    from .._base.parameter import Parameter
    from .._base.types import Config
    from .._core import Tensor
    from .schedules import Rate


def _check_part(who: str, argument: str, optimizer: object) -> None:
    if not isinstance(optimizer, Optimizer) or isinstance(
        optimizer, (LossScaleOptimizer, MultiOptimizer)
    ):
        raise TypeError(
            f"{who}: {argument}: expected an optimizer that is no wrapper of others, got "
            f"{shown(optimizer)}"
        )


class OptimizerMap(MutableMapping[str, Optimizer]):
    """Optimizers by the paths of variables.

    A key is a path or a regular expression for whole paths. Other paths have the default
    optimizer.

    Args:
        default_optimizer: the optimizer of all paths that no key matches.
        optimizer_map: the first entries.

    Raises:
        TypeError: an optimizer isn't one, or wraps others; `optimizer_map` isn't a dictionary.
        ValueError: a key isn't a regular expression.

    Example:
        >>> adam, sgd = fastdl.optimizers.Adam(), fastdl.optimizers.SGD()
        >>> optimizers = fastdl.optimizers.OptimizerMap(adam, {"encoder/.*": sgd})
        >>> optimizers["encoder/dense/kernel"] is sgd, optimizers["head/kernel"] is adam
        (True, True)
    """

    def __init__(
        self,
        default_optimizer: Optimizer,
        optimizer_map: Mapping[str, Optimizer] | None = None,
    ) -> None:
        _check_part("OptimizerMap", "default_optimizer", default_optimizer)
        if not isinstance(optimizer_map, (Mapping, type(None))):
            raise TypeError(
                "OptimizerMap: optimizer_map: expected a dictionary of optimizers, got "
                f"{shown(optimizer_map)}"
            )
        self._default_optimizer = default_optimizer
        self._optimizer_map: dict[str, Optimizer] = {}
        self.update(optimizer_map or {})

    @property
    def default_optimizer(self) -> Optimizer:
        """The optimizer of all paths that no key matches."""
        return self._default_optimizer

    def __getitem__(self, key: str) -> Optimizer:
        if key in self._optimizer_map:
            return self._optimizer_map[key]
        found = [pattern for pattern in self._optimizer_map if re.fullmatch(pattern, key)]
        if len(found) > 1:
            raise ValueError(
                f"OptimizerMap: {key!r} matches several keys: {', '.join(map(repr, found))}"
            )
        return self._optimizer_map[found[0]] if found else self._default_optimizer

    def __setitem__(self, key: str, optimizer: Optimizer) -> None:
        if key in self._optimizer_map:
            raise ValueError(f"OptimizerMap: the key {key!r} is there already; delete it first")
        try:
            re.compile(key)
        except (re.error, TypeError) as error:
            raise ValueError(
                f"OptimizerMap: expected a path or a regular expression as key, got {shown(key)}: "
                f"{error}"
            ) from None
        _check_part("OptimizerMap", f"optimizer_map[{key!r}]", optimizer)
        self._optimizer_map[key] = optimizer

    def __delitem__(self, key: str) -> None:
        del self._optimizer_map[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._optimizer_map)

    def __len__(self) -> int:
        return len(self._optimizer_map)

    def __contains__(self, key: object) -> bool:
        return key in self._optimizer_map

    def __call__(self, variable: Tensor) -> Optimizer:
        """The optimizer of a variable."""
        return self[path_of(variable, 0)]

    def get_config(self) -> Config:
        """The arguments that make an equal map."""
        return {
            "default_optimizer": OPTIMIZERS.serialize(self._default_optimizer),
            "optimizer_map": {key: OPTIMIZERS.serialize(o) for key, o in self.items()},
        }

    @classmethod
    def from_config(cls, config: Config) -> Self:
        """The map that `get_config` described. Equal configs, names included, are one optimizer."""
        default, given = config.get("default_optimizer"), config.get("optimizer_map") or {}
        if not isinstance(given, Mapping):
            raise TypeError(
                f"OptimizerMap: optimizer_map: expected a dictionary, got {shown(given)}"
            )
        entries: dict[str, Any] = dict(given)
        made: list[tuple[Any, Optimizer]] = []
        for entry in (default, *entries.values()):
            if not any(entry == known for known, _ in made):
                made.append((entry, OPTIMIZERS.get(entry)))

        def find(entry: Any) -> Optimizer:
            return next(optimizer for known, optimizer in made if known == entry)

        return cls(find(default), {key: find(entry) for key, entry in entries.items()})


@OPTIMIZERS.register
class MultiOptimizer(Optimizer):
    """Updates each variable by the optimizer that a map or a function chooses for it.

    It has no learning rate; its `optimizers` have theirs.

    Args:
        optimizer_map: an `OptimizerMap`, or a function of a variable that returns its optimizer,
            one and the same for variables that share it.
        loss_scale_factor: the loss is multiplied by it and the gradients are divided by it.
        name: the class name in snake case, counted, by default.

    Raises:
        TypeError: `optimizer_map` is no map or function, or an optimizer isn't one.
        ValueError: an optimizer has been built for other variables.

    Example:
        >>> kernel = fastdl.Variable([1.0], name="kernel")
        >>> bias = fastdl.Variable([1.0], name="bias")
        >>> sgd, adam = fastdl.optimizers.SGD(0.5), fastdl.optimizers.Adam(0.1)
        >>> chosen = fastdl.optimizers.OptimizerMap(sgd, {"bias": adam})
        >>> fastdl.optimizers.MultiOptimizer(chosen).apply([[1.0], [1.0]], [kernel, bias])
        >>> round(float(kernel), 4), round(float(bias), 4)
        (0.5, 0.9)
    """

    def __init__(
        self,
        optimizer_map: OptimizerMap | Callable[[Tensor], Optimizer],
        loss_scale_factor: float | None = None,
        name: str | None = None,
    ) -> None:
        if not callable(optimizer_map) or isinstance(optimizer_map, type):
            raise TypeError(
                "MultiOptimizer: optimizer_map: expected an OptimizerMap or a function, got "
                f"{shown(optimizer_map)}"
            )
        # The optimizers, each with the positions of its variables.
        self._parts: list[tuple[Optimizer, list[int]]] = []
        super().__init__(0.0, loss_scale_factor=loss_scale_factor, name=name)
        self._optimizer_map = optimizer_map
        if isinstance(optimizer_map, OptimizerMap):
            for optimizer in (*optimizer_map.values(), optimizer_map.default_optimizer):
                self._places_of(optimizer)

    def _places_of(self, optimizer: Optimizer) -> list[int]:
        for known, places in self._parts:
            if known is optimizer:
                return places
        optimizer.loss_scale_factor = self.loss_scale_factor
        self._parts.append((optimizer, []))
        return self._parts[-1][1]

    @property
    def loss_scale_factor(self) -> float | None:
        """The factor, which all of the optimizers have. Setting it sets theirs."""
        return self._loss_scale_factor

    @loss_scale_factor.setter
    def loss_scale_factor(self, value: float | None) -> None:
        self._loss_scale_factor = value
        for optimizer, _ in self._parts:
            optimizer.loss_scale_factor = value

    @property
    def optimizers(self) -> list[Optimizer]:
        """The optimizers."""
        return [optimizer for optimizer, _ in self._parts]

    @property
    def learning_rate(self) -> Parameter:
        """There is none: AttributeError."""
        raise AttributeError("MultiOptimizer has no learning_rate; its `optimizers` have theirs")

    @learning_rate.setter
    def learning_rate(self, value: Rate) -> None:
        raise AttributeError("MultiOptimizer has no learning_rate; set that of its `optimizers`")

    def _set_rate(self, value: Rate) -> None:
        pass

    def build(self, variables: Iterable[Tensor]) -> None:
        if self.built:
            return
        variables = list(variables)
        for _, places in self._parts:
            places.clear()  # of a build that failed
        for i, variable in enumerate(variables):
            optimizer = self._optimizer_map(variable)
            _check_part("MultiOptimizer", f"the optimizer of {path_of(variable, i)!r}", optimizer)
            self._places_of(optimizer).append(i)
        for optimizer, places in self._parts:
            own = optimizer._trainable_variables
            if optimizer.built and [id(v) for v in own] != [id(variables[i]) for i in places]:
                raise ValueError(
                    f"MultiOptimizer: {optimizer.name} has been built for other variables; an "
                    "optimizer updates the variables that it was built with: make a new one"
                )
        super().build(variables)  # all of them in one buffer
        for optimizer, places in self._parts:
            if places:
                optimizer.build([variables[i] for i in places])

    @property
    def variables(self) -> list[Parameter]:
        """The step count, then the state of each optimizer that has variables."""
        parts = [v for optimizer, places in self._parts if places for v in optimizer.variables]
        return [self._calls_variable, *parts]

    def exclude_from_weight_decay(
        self, var_list: Iterable[Tensor] | None = None, var_names: Iterable[str] | None = None
    ) -> None:
        """Excludes variables from the weight decay of their optimizers, as `Optimizer` does.

        An optimizer that only a function knows is found when this one is built: exclude its
        variables there.
        """
        variables, names = list(var_list or ()), list(var_names or ())
        if variables or names:
            for optimizer in self.optimizers:
                optimizer.exclude_from_weight_decay(variables, names)

    def _exclusions(self) -> tuple[list[Tensor], list[str]]:
        excluded = [
            optimizer._trainable_variables[i]
            for optimizer, places in self._parts
            for i in range(len(places))
            if optimizer.built and optimizer._is_excluded(i)
        ]
        return excluded, []

    # --- the step

    def _looks_once(self) -> bool:
        return all(optimizer._looks_once() for optimizer in self.optimizers)

    def _tables(
        self, variables: Sequence[Tensor], penalties: Mapping[int, tuple[float, float]] | None
    ) -> list[int]:
        if not self._looks_once():
            return []
        parts = [optimizer for optimizer, places in self._parts if places]
        return sorted(i for part in parts for i in part._tables(variables, penalties))

    def _feeds(self, steps: int) -> list[tuple[Tensor, np.ndarray]]:
        feeds = [f for optimizer, places in self._parts if places for f in optimizer._feeds(steps)]
        common = min((len(values) for _, values in feeds), default=0)
        return [(target, values[:common]) for target, values in feeds]

    def _refresh_learning_rate(self) -> None:
        pass

    def _apply(self, gradients: list[Any]) -> None:
        for optimizer, places in self._parts:
            chosen = [gradients[i] for i in places]
            if any(gradient is not None for gradient in chosen):
                with optimizer._fed_as(self):
                    optimizer._apply(chosen)
        F.increment_(self._calls)

    def finalize_variable_values(self, var_list: Iterable[Tensor] | None = None) -> None:
        """`finalize_variable_values` of each optimizer."""
        for optimizer in self.optimizers:
            optimizer.finalize_variable_values(var_list)

    # --- configuration

    def __repr__(self) -> str:
        return f"<MultiOptimizer name={self.name}, optimizers={self.optimizers}>"

    def get_config(self) -> Config:
        """The arguments that make an equal optimizer. A function stands for itself."""
        chosen = self._optimizer_map
        return {
            "optimizer_map": object_config(chosen, chosen.get_config())
            if isinstance(chosen, OptimizerMap)
            else chosen,
            "loss_scale_factor": self.loss_scale_factor,
            "name": self.name,
        }

    @classmethod
    def from_config(
        cls, config: Config, custom_objects: Mapping[str, object] | None = None
    ) -> Self:
        """The optimizer that `get_config` described; `custom_objects` are classes of your own."""
        chosen: Any = config.get("optimizer_map")
        if isinstance(chosen, dict):
            settings = chosen.get("config")
            if not isinstance(settings, dict):
                raise TypeError(
                    f"MultiOptimizer: optimizer_map: expected the config of an OptimizerMap, got "
                    f"{shown(settings)}"
                )
            with custom_object_scope(custom_objects or {}):
                chosen = OptimizerMap.from_config(settings)
        return cls(**{**config, "optimizer_map": chosen})
