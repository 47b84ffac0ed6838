"""LossScaleOptimizer: the loss is scaled up, as far as no gradient overflows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from .. import _core
from .._base import functional as F
from .._base.checks import check_flag, check_integer, check_number, shown
from .._base.registry import OPTIMIZERS, custom_object_scope
from ._options import changed_by_update
from ._variables import named_variable
from .optimizer import Optimizer

if TYPE_CHECKING:
    import numpy as np
    from typing_extensions import Self

    from .._base.parameter import Parameter
    from .._base.types import Config
    from .._core import Tensor
    from .schedules import Rate

# The scale stays a normal number, so that it can always change again.
_LEAST, _MOST = 2.0**-126, 2.0**127


# Options that only the inner optimizer has, with their defaults.
_OF_INNER = {
    "weight_decay": None,
    "clipnorm": None,
    "global_clipnorm": None,
    "clipvalue": None,
    "use_ema": False,
    "ema_momentum": 0.99,
    "ema_overwrite_frequency": None,
    "loss_scale_factor": None,
    "gradient_accumulation_steps": None,
}


@OPTIMIZERS.register
class LossScaleOptimizer(Optimizer):
    """Multiplies the loss by a scale and divides the gradients by it, for another optimizer.

    Small gradients then do not vanish in numbers of low precision. A step with a gradient that is
    not finite changes neither weights nor the inner optimizer, and halves the scale. After
    `dynamic_growth_steps` finite steps in a row the scale is doubled.

    fastdl computes in float32, where gradients rarely need it. While all are finite, the weights
    are those of the inner optimizer alone.

    Args:
        inner_optimizer: the optimizer that updates the weights. Set options such as clipping there.
        initial_scale: the first scale; powers of two round nothing.
        dynamic_growth_steps: so many finite steps double the scale.
        name: the class name in snake case, counted, by default.
        dynamic: only True. Options of the inner optimizer, such as `clipnorm`, are accepted only
            with their defaults, which older configs have.

    Raises:
        TypeError: `inner_optimizer` isn't an optimizer.
        ValueError: an argument is out of its range, or unknown.

    Example:
        >>> w = fastdl.Variable([1.0])
        >>> optimizer = fastdl.optimizers.LossScaleOptimizer(fastdl.optimizers.SGD(0.1), 8.0)
        >>> optimizer.apply([[16.0]], [w])  # the gradient of 8 times the loss
        >>> round(float(w), 4)
        0.8
        >>> optimizer.apply([[float("inf")]], [w])
        >>> round(float(w), 4), float(optimizer.dynamic_scale)
        (0.8, 4.0)
    """

    def __init__(
        self,
        inner_optimizer: Optimizer,
        initial_scale: float = 2.0**15,
        dynamic_growth_steps: int = 2000,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        who = "LossScaleOptimizer"
        if not isinstance(inner_optimizer, Optimizer) or isinstance(
            inner_optimizer, LossScaleOptimizer
        ):
            raise TypeError(
                f"{who}: inner_optimizer: expected another optimizer, got {shown(inner_optimizer)}"
            )
        if not check_flag(who, "dynamic", kwargs.pop("dynamic", True)):
            raise ValueError(
                f"{who}: dynamic: expected True, got False; for a fixed scale set "
                "`loss_scale_factor` of the optimizer itself"
            )
        for argument, value in kwargs.items():
            if argument not in _OF_INNER:
                raise ValueError(f"{who}: unknown argument {argument!r}")
            plain = isinstance(value, (bool, int, float, type(None)))
            if not plain or value != _OF_INNER[argument]:
                raise ValueError(
                    f"{who}: {argument}: give it to the inner optimizer, got {shown(value)}"
                )
        self.inner_optimizer = inner_optimizer
        super().__init__(0.0, name=name)
        self.initial_scale = check_number(who, "initial_scale", initial_scale, above=0.0)
        self.dynamic_growth_steps = check_integer(
            who, "dynamic_growth_steps", dynamic_growth_steps, 1
        )
        inner_optimizer.loss_scale_factor = None  # else gradients would be divided twice
        self._hyper, self._hyper_array = inner_optimizer._hyper, inner_optimizer._hyper_array
        self.step_counter = named_variable(_core.full((), "int64", 0), "step_counter", self.name)
        self.dynamic_scale = named_variable(
            _core.full((), "float32", self.initial_scale), "dynamic_scale", self.name
        )

    # --- what the inner optimizer has

    @property
    def learning_rate(self) -> Parameter:
        """That of the inner optimizer."""
        return self.inner_optimizer.learning_rate

    @learning_rate.setter
    def learning_rate(self, value: Rate) -> None:
        self.inner_optimizer.learning_rate = value

    def _set_rate(self, value: Rate) -> None:
        pass  # the inner optimizer has one already

    @property
    def iterations(self) -> Parameter:
        """The steps of the inner optimizer: those with finite gradients."""
        return self.inner_optimizer.iterations

    @property
    def variables(self) -> list[Parameter]:
        """The count of calls, the finite steps in a row, the scale, and the inner state."""
        own = [self._calls_variable, self.step_counter, self.dynamic_scale]
        return [*own, *self.inner_optimizer.variables]

    def exclude_from_weight_decay(
        self, var_list: Iterable[Tensor] | None = None, var_names: Iterable[str] | None = None
    ) -> None:
        """`exclude_from_weight_decay` of the inner optimizer."""
        self.inner_optimizer.exclude_from_weight_decay(var_list, var_names)

    def _exclusions(self) -> tuple[list[Tensor], list[str]]:
        return self.inner_optimizer._exclusions()

    def finalize_variable_values(self, var_list: Iterable[Tensor] | None = None) -> None:
        """`finalize_variable_values` of the inner optimizer."""
        self.inner_optimizer.finalize_variable_values(var_list)

    def build(self, variables: Iterable[Tensor]) -> None:
        if self.built:
            return
        inner = self.inner_optimizer
        inner.build(variables)
        self._trainable_variables, self._positions = inner._trainable_variables, inner._positions
        self._flat = inner._flat
        self.built = True

    def _feeds(self, steps: int) -> list[tuple[Tensor, np.ndarray]]:
        return self.inner_optimizer._feeds(1)  # how a step ends decides the rate of the next

    def _refresh_learning_rate(self) -> None:
        self.inner_optimizer._refresh_learning_rate()

    # --- the step

    def scale_loss(self, loss: Tensor) -> Tensor:
        """The loss times the scale."""
        return F.mul(loss, self.dynamic_scale)

    def _looks_once(self) -> bool:
        return False  # all gradients are looked at before the first update

    def _apply(self, gradients: list[Any]) -> None:
        inner = self.inner_optimizer
        selected = self._flat.bring_home(gradients)
        runs = inner._runs(selected)
        finite = F.all(F.isfinite(runs[0].gradients))
        for run in runs[1:]:
            finite = F.logical_and(finite, F.all(F.isfinite(run.gradients)))
        for run in runs:
            F.assign_(run.gradients, F.div(run.gradients, self.dynamic_scale))
        changing = [*changed_by_update(inner, inner._all_runs()), inner._calls]
        old = [F.copy(tensor) for tensor in changing]
        with inner._fed_as(self):
            homes = self._flat.homes
            inner._apply([h if s else None for h, s in zip(homes, selected, strict=True)])
        for tensor, value in zip(changing, old, strict=True):
            F.assign_(tensor, F.where(finite, tensor, value))
        self._adapt(finite)
        F.increment_(self._calls)

    def _adapt(self, finite: Tensor) -> None:
        count, scale = self.step_counter, self.dynamic_scale
        grows = F.eq(count, self.dynamic_growth_steps - 1)
        larger = F.where(grows, F.minimum(F.mul(scale, 2.0), _MOST), scale)
        smaller = F.maximum(F.mul(scale, 0.5), _LEAST)
        F.assign_(scale, F.where(finite, larger, smaller))
        goes_on = F.logical_and(finite, F.logical_not(grows))
        F.assign_(count, F.where(goes_on, F.add(count, 1), 0))

    # --- configuration

    def __repr__(self) -> str:
        return f"<LossScaleOptimizer name={self.name}, inner_optimizer={self.inner_optimizer!r}>"

    def get_config(self) -> Config:
        return {
            "name": self.name,
            "inner_optimizer": OPTIMIZERS.serialize(self.inner_optimizer),
            "initial_scale": self.initial_scale,
            "dynamic_growth_steps": self.dynamic_growth_steps,
        }

    @classmethod
    def from_config(
        cls, config: Config, custom_objects: Mapping[str, object] | None = None
    ) -> Self:
        """The optimizer that `get_config` described; `custom_objects` are classes of your own."""
        with custom_object_scope(custom_objects or {}):
            inner = OPTIMIZERS.get(config.get("inner_optimizer"))
        return cls(**{**config, "inner_optimizer": inner})
