"""Learning rates by a formula of the epoch."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ..._base.checks import check_callable, check_fraction, check_integer, check_number, shown
from ..optimizer import Optimizer
from .scheduler import LRScheduler, check_optimizer, per_group


class LambdaLR(LRScheduler):
    """The initial rate times `lr_lambda(epoch)`.

    Args:
        optimizer: the optimizer whose learning rates are set.
        lr_lambda: a function of the epoch, or a list with one for each group.
        last_epoch: -1 starts anew.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        lr_lambda: Callable[[int], float] | Sequence[Callable[[int], float]],
        last_epoch: int = -1,
    ) -> None:
        check_optimizer(type(self).__name__, optimizer)
        self.lr_lambdas = per_group(type(self).__name__, "lr_lambda", lr_lambda, optimizer)
        for function in self.lr_lambdas:
            check_callable(type(self).__name__, "lr_lambda", function)
        super().__init__(optimizer, last_epoch)

    def _first_lr(self) -> list[float]:
        return self.get_lr()

    def get_lr(self) -> list[float]:
        return [
            base * function(self.last_epoch)
            for base, function in zip(self.base_lrs, self.lr_lambdas, strict=True)
        ]

    def state_dict(self) -> dict[str, Any]:
        """All attributes except the optimizer and the functions."""
        state = super().state_dict()
        del state["lr_lambdas"]
        return state


class MultiplicativeLR(LambdaLR):
    """Multiplies the rate by `lr_lambda(epoch)` every epoch. Arguments as for `LambdaLR`."""

    def _first_lr(self) -> list[float]:
        return self._rates()

    def get_lr(self) -> list[float]:
        return [
            rate * function(self.last_epoch)
            for rate, function in zip(self._rates(), self.lr_lambdas, strict=True)
        ]


class StepLR(LRScheduler):
    """Multiplies the rate by `gamma` every `step_size` epochs.

    Args:
        optimizer: the optimizer whose learning rates are set.
        step_size: epochs between two changes.
        gamma: the factor.
        last_epoch: -1 starts anew.
    """

    def __init__(
        self, optimizer: Optimizer, step_size: int, gamma: float = 0.1, last_epoch: int = -1
    ) -> None:
        check_number("StepLR", "step_size", step_size, above=0.0)
        self.step_size = step_size
        self.gamma = check_number("StepLR", "gamma", gamma, -math.inf)
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        return self._scaled(1.0 if self.last_epoch % self.step_size else self.gamma)


class MultiStepLR(LRScheduler):
    """Multiplies the rate by `gamma` at each of the milestones.

    Args:
        optimizer: the optimizer whose learning rates are set.
        milestones: epochs. An epoch that is listed twice counts twice.
        gamma: the factor.
        last_epoch: -1 starts anew.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        milestones: Iterable[int],
        gamma: float = 0.1,
        last_epoch: int = -1,
    ) -> None:
        try:
            self.milestones = Counter(milestones)
        except TypeError:
            raise TypeError(
                f"MultiStepLR: milestones: expected integers, got {shown(milestones)}"
            ) from None
        for epoch in self.milestones:
            check_number("MultiStepLR", "milestones", epoch, -math.inf)
        self.gamma = check_number("MultiStepLR", "gamma", gamma, -math.inf)
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        return self._scaled(self.gamma ** self.milestones[self.last_epoch])


class ExponentialLR(LRScheduler):
    """Multiplies the rate by `gamma` every epoch.

    Args:
        optimizer: the optimizer whose learning rates are set.
        gamma: the factor.
        last_epoch: -1 starts anew.
    """

    def __init__(self, optimizer: Optimizer, gamma: float, last_epoch: int = -1) -> None:
        self.gamma = check_number("ExponentialLR", "gamma", gamma, -math.inf)
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        return self._scaled(self.gamma)


class ConstantLR(LRScheduler):
    """The rate times a factor, until epoch `total_iters`.

    Args:
        optimizer: the optimizer whose learning rates are set.
        factor: the factor, in (0, 1].
        total_iters: the number of epochs with the factor.
        last_epoch: -1 starts anew.

    Raises:
        ValueError: the factor is out of range.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        factor: float = 1.0 / 3,
        total_iters: int = 5,
        last_epoch: int = -1,
    ) -> None:
        self.factor = check_number("ConstantLR", "factor", factor, above=0.0, at_most=1.0)
        check_number("ConstantLR", "total_iters", total_iters)
        self.total_iters = total_iters
        super().__init__(optimizer, last_epoch)

    def _first_lr(self) -> list[float]:
        return self._rates() if self.last_epoch else self._scaled(self.factor)

    def get_lr(self) -> list[float]:
        return self._scaled(1 / self.factor if self.last_epoch == self.total_iters else 1.0)


class LinearLR(LRScheduler):
    """The rate times a factor that changes linearly from one value to another.

    Args:
        optimizer: the optimizer whose learning rates are set.
        start_factor: the factor of the first epoch.
        end_factor: the factor from epoch `total_iters` on.
        total_iters: the number of epochs of the change.
        last_epoch: -1 starts anew.

    Raises:
        ValueError: `start_factor` isn't in (0, 1], or `end_factor` isn't in [0, 1].
    """

    def __init__(
        self,
        optimizer: Optimizer,
        start_factor: float = 1.0 / 3,
        end_factor: float = 1.0,
        total_iters: int = 5,
        last_epoch: int = -1,
    ) -> None:
        who = "LinearLR"
        self.start_factor = check_number(who, "start_factor", start_factor, above=0.0, at_most=1.0)
        self.end_factor = check_fraction(who, "end_factor", end_factor)
        check_number(who, "total_iters", total_iters)
        self.total_iters = total_iters
        super().__init__(optimizer, last_epoch)

    def _first_lr(self) -> list[float]:
        return self._rates() if self.last_epoch else self._scaled(self.start_factor)

    def get_lr(self) -> list[float]:
        if self.last_epoch > self.total_iters:
            return self._rates()
        change = self.end_factor - self.start_factor
        before = self.total_iters * self.start_factor + (self.last_epoch - 1) * change
        return self._scaled(1 + change / before)


class PolynomialLR(LRScheduler):
    """The initial rate times `(1 - epoch / total_iters) ** power`, then 0.

    Args:
        optimizer: the optimizer whose learning rates are set.
        total_iters: the number of epochs until the rate is 0.
        power: the exponent; with 1 the rate falls linearly.
        last_epoch: -1 starts anew.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        total_iters: int = 5,
        power: float = 1.0,
        last_epoch: int = -1,
    ) -> None:
        check_number("PolynomialLR", "total_iters", total_iters)
        self.total_iters = total_iters
        self.power = check_number("PolynomialLR", "power", power, -math.inf)
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        left = self.total_iters - self.last_epoch
        return self._scaled((left / (left + 1)) ** self.power if left >= 0 else 1.0)


class CosineAnnealingLR(LRScheduler):
    """Half a cosine from the initial rate to `eta_min` (arXiv:1608.03983), without restarts.

    Args:
        optimizer: the optimizer whose learning rates are set.
        T_max: the number of epochs in which the rate falls. After them it rises again.
        eta_min: the lowest rate.
        last_epoch: -1 starts anew.
    """

    def __init__(
        self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0, last_epoch: int = -1
    ) -> None:
        check_number("CosineAnnealingLR", "T_max", T_max, above=0.0)
        self.T_max = T_max
        self.eta_min = check_number("CosineAnnealingLR", "eta_min", eta_min, -math.inf)
        super().__init__(optimizer, last_epoch)

    def _first_lr(self) -> list[float]:
        if self.last_epoch == 0:
            return self._rates()
        share = (1 + math.cos(math.pi * self.last_epoch / self.T_max)) / 2
        return [self.eta_min + (base - self.eta_min) * share for base in self.base_lrs]

    def get_lr(self) -> list[float]:
        epoch, low, period = self.last_epoch, self.eta_min, self.T_max
        now = 1 + math.cos(math.pi * epoch / period)
        before = 1 + math.cos(math.pi * (epoch - 1) / period)
        if (epoch - 1 - period) % (2 * period) == 0:  # at the lowest rate `before` is 0
            rise = (1 - math.cos(math.pi / period)) / 2
            pairs = zip(self.base_lrs, self._rates(), strict=True)
            return [rate + (base - low) * rise for base, rate in pairs]
        return [now / before * (rate - low) + low for rate in self._rates()]


class CosineAnnealingWarmRestarts(LRScheduler):
    """Half a cosine from the initial rate to `eta_min`, again and again (arXiv:1608.03983).

    Args:
        optimizer: the optimizer whose learning rates are set.
        T_0: the number of epochs in which the rate falls for the first time.
        T_mult: each fall takes this many times longer than the one before.
        eta_min: the lowest rate.
        last_epoch: -1 starts anew.

    Raises:
        ValueError: `T_0` or `T_mult` isn't an integer of at least 1.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        T_0: int,
        T_mult: int = 1,
        eta_min: float = 0.0,
        last_epoch: int = -1,
    ) -> None:
        who = "CosineAnnealingWarmRestarts"
        self.T_0 = check_integer(who, "T_0", T_0, 1)
        self.T_mult = check_integer(who, "T_mult", T_mult, 1)
        self.eta_min = check_number(who, "eta_min", eta_min, -math.inf)
        super().__init__(optimizer, last_epoch)

    def _first_lr(self) -> list[float]:
        return self.get_lr()

    def get_lr(self) -> list[float]:
        epoch, period = self.last_epoch, self.T_0
        if self.T_mult == 1:
            epoch %= period
        while epoch >= period:
            epoch -= period
            period *= self.T_mult
        share = (1 + math.cos(math.pi * epoch / period)) / 2
        return [self.eta_min + (base - self.eta_min) * share for base in self.base_lrs]
