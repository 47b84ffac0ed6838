"""Learning rates that follow the step count; formulas and defaults of Keras 3.

Values are computed in float64 and rounded to float32 once.

Example:
    >>> rate = schedules.ExponentialDecay(0.1, decay_steps=100, decay_rate=0.5)
    >>> rate(0), rate(100)
    (0.1, 0.05)
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from .._base.checks import check_flag, check_name, check_number, check_numbers, shown
from .._base.registry import SCHEDULES, described
from .._base.watch import Watched

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import SupportsFloat

    from typing_extensions import Self

    from .._base.types import Config
    from .._core import Tensor


@SCHEDULES.register_base
class LearningRateSchedule(Watched):
    """Base class: `schedule(step)` gives the learning rate of a step, counted from 0.

    To define a schedule, override `__call__(step)`, where `step` is an int, and `get_config()` to
    make it savable.
    """

    name: str

    def __call__(self, step: Any) -> Any:
        """The learning rate of step `step`."""
        raise NotImplementedError(
            f"{type(self).__name__}: a schedule must define __call__(self, step)"
        )

    def _values(self, first_step: int, count: int) -> np.ndarray:
        """The learning rates of `count` steps from `first_step` on, as float32."""
        rates = [float(self(step)) for step in range(first_step, first_step + count)]
        return np.array(rates, np.float32)

    def get_config(self) -> Config:
        """The arguments that make an equal schedule."""
        raise NotImplementedError(
            f"{type(self).__name__}: a schedule must define get_config() to be saved"
        )

    @classmethod
    def from_config(cls, config: Config) -> Self:
        """The schedule that `get_config` described."""
        return cls(**config)

    def __repr__(self) -> str:
        return described(self)


class _Formula(LearningRateSchedule):
    """A schedule that is a formula over an array of steps.

    Its arguments are attributes. The formula and `get_config` read them.
    """

    # Arguments: above 0, not below 0, True or False, those that may be None, checked lists.
    _positive: tuple[str, ...] = ("decay_steps", "first_decay_steps", "t_mul")
    _not_negative: tuple[str, ...] = ("power", "warmup_steps")
    _flags: tuple[str, ...] = ("staircase", "cycle")
    _optional: tuple[str, ...] = ("warmup_target",)
    _lists: tuple[str, ...] = ("boundaries", "values")

    def __init__(self, name: str, **arguments: Any) -> None:
        who = type(self).__name__
        self.name = check_name(who, "name", name) or who
        self._names = tuple(arguments)
        for key, value in arguments.items():
            if key in self._flags:
                value = check_flag(who, key, value)
            elif key not in self._lists and (value is not None or key not in self._optional):
                above = 0.0 if key in self._positive else -math.inf
                least = 0.0 if key in self._not_negative else -math.inf
                number = check_number(who, key, value, least, above=above)
                if not isinstance(value, (int, float)):  # of NumPy, or a tensor
                    value = number
            setattr(self, key, value)

    @property
    def _arguments(self) -> Config:
        return {name: getattr(self, name) for name in self._names}

    def _rate(self, step: np.ndarray) -> np.ndarray:
        """The learning rates of float64 steps."""
        raise NotImplementedError

    def __call__(self, step: Any) -> Any:
        try:
            steps = np.asarray(step, None if step is None else np.float64)
        except (TypeError, ValueError):
            steps = np.asarray(None)
        if steps.dtype != np.float64:
            raise ValueError(
                f"{type(self).__name__}: step: expected a number or an array, got {shown(step)}"
            )
        rates = self._rate(steps.reshape(-1)).reshape(steps.shape)
        return rates if rates.ndim else float(rates)

    def _values(self, first_step: int, count: int) -> np.ndarray:
        steps = np.arange(first_step, first_step + count, dtype=np.float64)
        return self._rate(steps).astype(np.float32)

    def get_config(self) -> Config:
        return {**self._arguments, "name": self.name}


# A learning rate, as optimizers take it.
Rate: TypeAlias = "float | Tensor | LearningRateSchedule | Callable[[], SupportsFloat]"


@SCHEDULES.register
class ExponentialDecay(_Formula):
    """`initial * decay_rate ** (step / decay_steps)`.

    Args:
        initial_learning_rate: the rate of step 0.
        decay_steps: steps after which the rate is `decay_rate` times what it was.
        decay_rate: that factor.
        staircase: whether the exponent is rounded down.
        name: its name.

    Raises:
        ValueError: `decay_steps` isn't positive, or `decay_rate` is negative without `staircase`.

    Source: `keras.optimizers.schedules.ExponentialDecay` of Keras 3.

    Example:
        >>> rate = schedules.ExponentialDecay(0.5, 10, 0.5, staircase=True)
        >>> rate([9, 10, 25]).tolist()
        [0.5, 0.25, 0.125]
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        decay_rate: float,
        staircase: bool = False,
        name: str = "ExponentialDecay",
    ) -> None:
        super().__init__(
            name,
            initial_learning_rate=initial_learning_rate,
            decay_steps=decay_steps,
            decay_rate=decay_rate,
            staircase=staircase,
        )
        if not staircase:  # a negative number has no powers with fractions
            check_number("ExponentialDecay", "decay_rate", decay_rate)

    def _rate(self, step: np.ndarray) -> np.ndarray:
        a = self._arguments
        periods = step / a["decay_steps"]
        if a["staircase"]:
            periods = np.floor(periods)
        return a["initial_learning_rate"] * np.power(float(a["decay_rate"]), periods)


@SCHEDULES.register
class InverseTimeDecay(_Formula):
    """`initial / (1 + decay_rate * step / decay_steps)`.

    Args:
        initial_learning_rate: the rate of step 0.
        decay_steps, decay_rate: the formula's.
        staircase: whether `step / decay_steps` is rounded down.
        name: its name.

    Raises:
        ValueError: `decay_steps` isn't positive.

    Source: `keras.optimizers.schedules.InverseTimeDecay` of Keras 3.

    Example:
        >>> rate = schedules.InverseTimeDecay(0.5, decay_steps=10, decay_rate=1.0)
        >>> rate([0, 10, 30]).tolist()
        [0.5, 0.25, 0.125]
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        decay_rate: float,
        staircase: bool = False,
        name: str = "InverseTimeDecay",
    ) -> None:
        super().__init__(
            name,
            initial_learning_rate=initial_learning_rate,
            decay_steps=decay_steps,
            decay_rate=decay_rate,
            staircase=staircase,
        )

    def _rate(self, step: np.ndarray) -> np.ndarray:
        a = self._arguments
        periods = step / a["decay_steps"]
        if a["staircase"]:
            periods = np.floor(periods)
        return a["initial_learning_rate"] / (1 + a["decay_rate"] * periods)


@SCHEDULES.register
class PiecewiseConstantDecay(_Formula):
    """`values[0]` up to and including step `boundaries[0]`, then `values[1]`, and so on.

    Args:
        boundaries: the last steps of all pieces but the last one, ascending.
        values: the rates, one more than boundaries.
        name: its name.

    Raises:
        ValueError: the lengths don't fit, or the boundaries don't ascend.

    Source: `keras.optimizers.schedules.PiecewiseConstantDecay` of Keras 3.

    Example:
        >>> rate = schedules.PiecewiseConstantDecay([5], [0.5, 0.1])
        >>> rate(5), rate(6)
        (0.5, 0.1)
    """

    def __init__(
        self, boundaries: Sequence[float], values: Sequence[float], name: str = "PiecewiseConstant"
    ) -> None:
        boundaries = check_numbers("PiecewiseConstantDecay", "boundaries", boundaries, -math.inf)
        values = check_numbers("PiecewiseConstantDecay", "values", values, -math.inf)
        if len(boundaries) != len(values) - 1:
            raise ValueError(
                f"PiecewiseConstantDecay: expected one more value than boundaries, got "
                f"{len(values)} values and {len(boundaries)} boundaries"
            )
        if any(b < a for a, b in itertools.pairwise(boundaries)):
            raise ValueError(
                f"PiecewiseConstantDecay: boundaries: expected ascending steps, got {boundaries}"
            )
        super().__init__(name, boundaries=boundaries, values=values)

    def _rate(self, step: np.ndarray) -> np.ndarray:
        a = self._arguments
        piece = np.searchsorted(np.asarray(a["boundaries"], np.float64), step, side="left")
        return np.asarray(a["values"], np.float64)[piece]


@SCHEDULES.register
class PolynomialDecay(_Formula):
    """`(initial - end) * (1 - step / decay_steps) ** power + end`, then `end`.

    Args:
        initial_learning_rate: the rate of step 0.
        decay_steps: steps until the end rate.
        end_learning_rate: the end rate.
        power: 1 is a straight line.
        cycle: whether the decay restarts at the end of each period; the next period then ends at
            the next multiple of `decay_steps`.
        name: its name.

    Raises:
        ValueError: `decay_steps` isn't positive, or `power` is negative.

    Source: `keras.optimizers.schedules.PolynomialDecay` of Keras 3.

    Example:
        >>> rate = schedules.PolynomialDecay(1.0, decay_steps=4, end_learning_rate=0.0)
        >>> rate([0, 1, 4, 9]).tolist()
        [1.0, 0.75, 0.0, 0.0]
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        end_learning_rate: float = 0.0001,
        power: float = 1.0,
        cycle: bool = False,
        name: str = "PolynomialDecay",
    ) -> None:
        super().__init__(
            name,
            initial_learning_rate=initial_learning_rate,
            decay_steps=decay_steps,
            end_learning_rate=end_learning_rate,
            power=power,
            cycle=cycle,
        )

    def _rate(self, step: np.ndarray) -> np.ndarray:
        a = self._arguments
        period: float | np.ndarray = float(a["decay_steps"])
        if a["cycle"]:
            period = period * np.maximum(np.ceil(step / period), 1)
        else:
            step = np.minimum(step, period)
        end = a["end_learning_rate"]
        return (a["initial_learning_rate"] - end) * np.power(1 - step / period, a["power"]) + end


@SCHEDULES.register
class CosineDecay(_Formula):
    """Half a cosine from the initial rate down to `alpha` times it (arXiv:1608.03983).

    `initial * ((1 - alpha) * (1 + cos(pi * step / decay_steps)) / 2 + alpha)`, then the last rate.

    Args:
        initial_learning_rate: the rate of step 0.
        decay_steps: steps of the decay.
        alpha: the share of the rate that is left at the end.
        name: its name.
        warmup_target: if set, the rate first rises from the initial one to this in a straight line
            over `warmup_steps`, and the decay starts from there.
        warmup_steps: steps of the rise.

    Raises:
        ValueError: `decay_steps` isn't positive, or `warmup_steps` is negative.

    Source: `keras.optimizers.schedules.CosineDecay` of Keras 3.

    Example:
        >>> rate = schedules.CosineDecay(0.0, 10, warmup_target=1.0, warmup_steps=4)
        >>> rate([0, 2, 4, 9, 14]).round(6).tolist()
        [0.0, 0.5, 1.0, 0.5, 0.0]
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        alpha: float = 0.0,
        name: str = "CosineDecay",
        warmup_target: float | None = None,
        warmup_steps: float = 0,
    ) -> None:
        super().__init__(
            name,
            initial_learning_rate=initial_learning_rate,
            decay_steps=decay_steps,
            alpha=alpha,
            warmup_target=warmup_target,
            warmup_steps=warmup_steps,
        )

    def _rate(self, step: np.ndarray) -> np.ndarray:
        a = self._arguments
        initial, target, warmup = a["initial_learning_rate"], a["warmup_target"], a["warmup_steps"]
        if target is None:
            return initial * self._share(step)
        rising = initial + (target - initial) * step / (warmup or 1)
        return np.where(step < warmup, rising, target * self._share(step - warmup))

    def _share(self, step: np.ndarray) -> np.ndarray:
        a = self._arguments
        done = np.clip(step / a["decay_steps"], 0, 1)
        return (1 - a["alpha"]) * 0.5 * (1 + np.cos(math.pi * done)) + a["alpha"]


@SCHEDULES.register
class CosineDecayRestarts(_Formula):
    """Cosine decay with warm restarts (SGDR, arXiv:1608.03983).

    In period `i`, `done` the share of it that is over, the rate is
    `initial * ((1 - alpha) * m_mul ** i * (1 + cos(pi * done)) / 2 + alpha)`. With `t_mul` below 1
    the periods end after `first_decay_steps / (1 - t_mul)` steps; then it is `initial * alpha`.

    Args:
        initial_learning_rate: the rate of step 0.
        first_decay_steps: steps of the first period.
        t_mul: the ratio of the length of a period to that of the period before.
        m_mul: the ratio of the first rate of a period to that of the period before.
        alpha: the share of the rate that is left at a period's end.
        name: its name.

    Raises:
        ValueError: `first_decay_steps` or `t_mul` isn't positive.

    Source: `keras.optimizers.schedules.CosineDecayRestarts` of Keras 3.

    Example:
        >>> rate = schedules.CosineDecayRestarts(1.0, first_decay_steps=4, m_mul=0.5)
        >>> rate([0, 2, 4, 8]).round(6).tolist()
        [1.0, 0.5, 0.5, 0.25]
    """

    def __init__(
        self,
        initial_learning_rate: float,
        first_decay_steps: float,
        t_mul: float = 2.0,
        m_mul: float = 1.0,
        alpha: float = 0.0,
        name: str = "SGDRDecay",
    ) -> None:
        super().__init__(
            name,
            initial_learning_rate=initial_learning_rate,
            first_decay_steps=first_decay_steps,
            t_mul=t_mul,
            m_mul=m_mul,
            alpha=alpha,
        )

    def _rate(self, step: np.ndarray) -> np.ndarray:
        a = self._arguments
        done, longer = step / a["first_decay_steps"], float(a["t_mul"])
        over: bool | np.ndarray = False
        if longer == 1.0:
            restarts = np.floor(done)
            done = done - restarts
        else:
            # If periods get shorter, they are over after a finite number of steps.
            left = 1 - done * (1 - longer)
            over = left <= 0
            # Without the small term, rounding of the logarithm could miss a restart.
            restarts = np.floor(np.log(np.where(over, 1, left)) / math.log(longer) + 1e-9)
            done = (done - (1 - longer**restarts) / (1 - longer)) / longer**restarts
        cosine = 0.5 * np.power(float(a["m_mul"]), restarts) * (1 + np.cos(math.pi * done))
        share = np.where(over, 0.0, (1 - a["alpha"]) * cosine) + a["alpha"]
        return a["initial_learning_rate"] * share


serialize = SCHEDULES.serialize
deserialize = SCHEDULES.deserialize
