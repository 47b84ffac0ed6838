"""Learning rates by a formula of the epoch."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ..._base.checks import check_callable, check_fraction, check_integer, check_number, shown
from ..optimizer import Optimizer
from .scheduler import LRScheduler, check_optimizer, per_group, state_of


class LambdaLR(LRScheduler):
    """The initial rate times `lr_lambda(epoch)`.

    Args:
        optimizer: the optimizer whose learning rates are set.
        lr_lambda: a function of the epoch, or a list with one for each group.
        last_epoch: -1 starts anew.

    Source: `torch.optim.lr_scheduler.LambdaLR`.

    Example:
        >>> sgd = optim.SGD(model.parameters(), lr=1.0)
        >>> scheduler = optim.lr_scheduler.LambdaLR(sgd, lambda epoch: 0.95**epoch)
        >>> sgd.step(); scheduler.step()
        >>> scheduler.get_last_lr()
        [0.95]
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

    def get_lr(self) -> list[float]:
        return [
            base * function(self.last_epoch)
            for base, function in zip(self.base_lrs, self.lr_lambdas, strict=True)
        ]

    def state_dict(self) -> dict[str, Any]:
        """All attributes except the optimizer; of the functions those that are objects."""
        states = [state_of(function) for function in self.lr_lambdas]
        return {**super().state_dict(), "lr_lambdas": states}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Loads what `state_dict` returned."""
        own = {name: value for name, value in state_dict.items() if name != "lr_lambdas"}
        super().load_state_dict(own)
        for function, state in zip(self.lr_lambdas, state_dict.get("lr_lambdas", ()), strict=False):
            if state is not None:
                vars(function).update(state)


class MultiplicativeLR(LambdaLR):
    """Multiplies the rate by `lr_lambda(epoch)` every epoch. Arguments as for `LambdaLR`.

    Source: `torch.optim.lr_scheduler.MultiplicativeLR`.

    Example:
        >>> scheduler = optim.lr_scheduler.MultiplicativeLR(optimizer, lambda epoch: 0.95)
    """

    def get_lr(self) -> list[float]:
        if self._is_initial:
            return self._rates()
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

    Source: `torch.optim.lr_scheduler.StepLR`.

    Example:
        >>> sgd = optim.SGD(model.parameters(), lr=1.0)
        >>> scheduler = optim.lr_scheduler.StepLR(sgd, step_size=1, gamma=0.1)
        >>> sgd.step(); scheduler.step()
        >>> scheduler.get_last_lr()
        [0.1]
    """

    def __init__(
        self, optimizer: Optimizer, step_size: int, gamma: float = 0.1, last_epoch: int = -1
    ) -> None:
        check_number("StepLR", "step_size", step_size, above=0.0)
        self.step_size = step_size
        self.gamma = check_number("StepLR", "gamma", gamma, -math.inf)
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        changes = self.last_epoch != 0 and self.last_epoch % self.step_size == 0
        return self._scaled(self.gamma if changes else 1.0)

    def _get_closed_form_lr(self) -> list[float]:
        factor = self.gamma ** (self.last_epoch // self.step_size)
        return [base * factor for base in self.base_lrs]


class MultiStepLR(LRScheduler):
    """Multiplies the rate by `gamma` at each of the milestones.

    Args:
        optimizer: the optimizer whose learning rates are set.
        milestones: epochs. An epoch that is listed twice counts twice.
        gamma: the factor.
        last_epoch: -1 starts anew.

    Source: `torch.optim.lr_scheduler.MultiStepLR`.

    Example:
        >>> sgd = optim.SGD(model.parameters(), lr=1.0)
        >>> scheduler = optim.lr_scheduler.MultiStepLR(sgd, milestones=[1, 3], gamma=0.1)
        >>> sgd.step(); scheduler.step()
        >>> scheduler.get_last_lr()
        [0.1]
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
        return self._scaled(self.gamma ** self.milestones.get(self.last_epoch, 0))

    def _get_closed_form_lr(self) -> list[float]:
        passed = sum(n for epoch, n in self.milestones.items() if epoch <= self.last_epoch)
        return [base * self.gamma**passed for base in self.base_lrs]


class ExponentialLR(LRScheduler):
    """Multiplies the rate by `gamma` every epoch.

    Args:
        optimizer: the optimizer whose learning rates are set.
        gamma: the factor.
        last_epoch: -1 starts anew.

    Source: `torch.optim.lr_scheduler.ExponentialLR`.

    Example:
        >>> sgd = optim.SGD(model.parameters(), lr=1.0)
        >>> scheduler = optim.lr_scheduler.ExponentialLR(sgd, gamma=0.9)
        >>> sgd.step(); scheduler.step()
        >>> scheduler.get_last_lr()
        [0.9]
    """

    def __init__(self, optimizer: Optimizer, gamma: float, last_epoch: int = -1) -> None:
        self.gamma = check_number("ExponentialLR", "gamma", gamma, -math.inf)
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        return self._scaled(1.0 if self._is_initial else self.gamma)

    def _get_closed_form_lr(self) -> list[float]:
        return [base * self.gamma**self.last_epoch for base in self.base_lrs]


class ConstantLR(LRScheduler):
    """The rate times a factor, until epoch `total_iters`.

    Args:
        optimizer: the optimizer whose learning rates are set.
        factor: the factor, in (0, 1].
        total_iters: the number of epochs with the factor.
        last_epoch: -1 starts anew.

    Raises:
        ValueError: the factor is out of range.

    Source: `torch.optim.lr_scheduler.ConstantLR`.

    Example:
        >>> sgd = optim.SGD(model.parameters(), lr=1.0)
        >>> scheduler = optim.lr_scheduler.ConstantLR(sgd, factor=0.5, total_iters=4)
        >>> sgd.step(); scheduler.step()
        >>> scheduler.get_last_lr()
        [0.5]
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

    def get_lr(self) -> list[float]:
        if self.last_epoch == 0:
            return self._scaled(self.factor)
        return self._scaled(1 / self.factor if self.last_epoch == self.total_iters else 1.0)

    def _get_closed_form_lr(self) -> list[float]:
        factor = self.factor if self.last_epoch < self.total_iters else 1.0
        return [base * factor for base in self.base_lrs]


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

    Source: `torch.optim.lr_scheduler.LinearLR`.

    Example:
        >>> sgd = optim.SGD(model.parameters(), lr=1.0)
        >>> scheduler = optim.lr_scheduler.LinearLR(sgd, start_factor=0.5, total_iters=4)
        >>> sgd.step(); scheduler.step()
        >>> scheduler.get_last_lr()
        [0.625]
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

    def get_lr(self) -> list[float]:
        if self.last_epoch == 0:
            return self._scaled(self.start_factor)
        if self._is_initial or self.last_epoch > self.total_iters:
            return self._rates()
        change = self.end_factor - self.start_factor
        before = self.total_iters * self.start_factor + (self.last_epoch - 1) * change
        return self._scaled(1 + change / before)

    def _get_closed_form_lr(self) -> list[float]:
        share = min(self.last_epoch / self.total_iters, 1.0) if self.total_iters else 1.0
        factor = self.start_factor + (self.end_factor - self.start_factor) * share
        return [base * factor for base in self.base_lrs]


class PolynomialLR(LRScheduler):
    """The initial rate times `(1 - epoch / total_iters) ** power`, then 0.

    Args:
        optimizer: the optimizer whose learning rates are set.
        total_iters: the number of epochs until the rate is 0.
        power: the exponent; with 1 the rate falls linearly.
        last_epoch: -1 starts anew.

    Source: `torch.optim.lr_scheduler.PolynomialLR`.

    Example:
        >>> sgd = optim.SGD(model.parameters(), lr=1.0)
        >>> scheduler = optim.lr_scheduler.PolynomialLR(sgd, total_iters=4, power=2.0)
        >>> sgd.step(); scheduler.step()
        >>> scheduler.get_last_lr()
        [0.5625]
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
        if self._is_initial or left < 0:
            return self._rates()
        return self._scaled((left / (left + 1)) ** self.power)

    def _get_closed_form_lr(self) -> list[float]:
        left = max(1 - self.last_epoch / self.total_iters, 0.0) if self.total_iters else 0.0
        return [base * left**self.power for base in self.base_lrs]


class CosineAnnealingLR(LRScheduler):
    """Half a cosine from the initial rate to `eta_min` (arXiv:1608.03983), without restarts.

    Args:
        optimizer: the optimizer whose learning rates are set.
        T_max: the number of epochs in which the rate falls. After them it rises again.
        eta_min: the lowest rate.
        last_epoch: -1 starts anew.

    Source: `torch.optim.lr_scheduler.CosineAnnealingLR`.

    Example:
        >>> sgd = optim.SGD(model.parameters(), lr=1.0)
        >>> scheduler = optim.lr_scheduler.CosineAnnealingLR(sgd, T_max=4)
        >>> sgd.step(); scheduler.step()
        >>> round(scheduler.get_last_lr()[0], 6)
        0.853553
    """

    def __init__(
        self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0, last_epoch: int = -1
    ) -> None:
        check_number("CosineAnnealingLR", "T_max", T_max, above=0.0)
        self.T_max = T_max
        self.eta_min = check_number("CosineAnnealingLR", "eta_min", eta_min, -math.inf)
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        if self._is_initial:
            return self._rates()
        epoch, low, period = self.last_epoch, self.eta_min, self.T_max
        now = 1 + math.cos(math.pi * epoch / period)
        before = 1 + math.cos(math.pi * (epoch - 1) / period)
        if (epoch - 1 - period) % (2 * period) == 0:  # at the lowest rate `before` is 0
            rise = (1 - math.cos(math.pi / period)) / 2
            pairs = zip(self.base_lrs, self._rates(), strict=True)
            return [rate + (base - low) * rise for base, rate in pairs]
        return [now / before * (rate - low) + low for rate in self._rates()]

    def _get_closed_form_lr(self) -> list[float]:
        share = (1 + math.cos(math.pi * self.last_epoch / self.T_max)) / 2
        return [self.eta_min + (base - self.eta_min) * share for base in self.base_lrs]


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

    Source: `torch.optim.lr_scheduler.CosineAnnealingWarmRestarts`.

    Example:
        >>> sgd = optim.SGD(model.parameters(), lr=1.0)
        >>> scheduler = optim.lr_scheduler.CosineAnnealingWarmRestarts(sgd, T_0=2, T_mult=2)
        >>> sgd.step(); scheduler.step()
        >>> scheduler.get_last_lr()
        [0.5]
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

    def get_lr(self) -> list[float]:
        share = (1 + math.cos(math.pi * self.T_cur / self.T_i)) / 2
        return [self.eta_min + (base - self.eta_min) * share for base in self.base_lrs]

    def step(self, epoch: float | None = None) -> None:
        """Sets the learning rates of the next epoch.

        Args:
            epoch: the number of the epoch, if it is not the next one. It may have a fraction, such
                as `epoch + batch / batches`, to change the rates with every batch.

        Raises:
            ValueError: `epoch` is negative or no finite number.
        """
        if epoch is not None:
            self._move_to(check_number("CosineAnnealingWarmRestarts.step", "epoch", epoch))
        elif self._is_initial:
            self._move_to(self.last_epoch + 1)
        else:
            self.last_epoch += 1
            self.T_cur += 1
            if self.T_cur >= self.T_i:
                self.T_cur %= self.T_i
                self.T_i *= self.T_mult
        self._step_count += 1
        self._set(self.get_lr())

    def _update_lr(self, epoch: int | None = None) -> None:
        self.step(epoch)

    def _move_to(self, epoch: float) -> None:
        """Sets `T_i`, the epochs of the current fall, and `T_cur`, those of it that are over."""
        self.last_epoch = math.floor(epoch)
        self.T_i, self.T_cur = self.T_0, epoch
        if self.T_mult == 1:
            self.T_cur %= self.T_0
        while self.T_cur >= self.T_i:
            self.T_cur -= self.T_i
            self.T_i *= self.T_mult
