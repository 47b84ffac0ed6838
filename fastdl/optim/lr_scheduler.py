"""Learning rates that change from epoch to epoch (or step to step); as `torch.optim.lr_scheduler`.

A scheduler sets `lr` in each of the optimizer's groups when its `step()` is called, after the
optimizer's. Rates follow from the ones before, so that several schedulers can be chained.

Example:
    >>> scheduler = optim.lr_scheduler.StepLR(optimizer, step_size=30, gamma=0.1)
    >>> for epoch in range(100):
    ...     train()
    ...     scheduler.step()
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from .optimizer import Optimizer


def _check_optimizer(who: str, optimizer: Any) -> None:
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"{who}: expected an optimizer, got {type(optimizer).__name__}")


def _per_group(who: str, argument: str, value: Any, optimizer: Optimizer) -> list[Any]:
    """One value for each group of the optimizer."""
    count = len(optimizer.param_groups)
    if not isinstance(value, (list, tuple)):
        return [value] * count
    if len(value) != count:
        raise ValueError(
            f"{who}: {argument}: expected {count} values, one for each parameter group, got "
            f"{len(value)}"
        )
    return list(value)


class LRScheduler:
    """Base class: a subclass defines `get_lr`.

    Args:
        optimizer: whose learning rates are set.
        last_epoch: the number of the last epoch, to go on from there; -1 starts anew.

    Raises:
        TypeError: `optimizer` is none.
        KeyError: going on, and a group has no "initial_lr".
    """

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        who = type(self).__name__
        _check_optimizer(who, optimizer)
        self.optimizer = optimizer
        for i, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", group["lr"])
            elif "initial_lr" not in group:
                raise KeyError(
                    f"{who}: param_groups[{i}] has no 'initial_lr', which is needed to go on from "
                    f"last_epoch={last_epoch}"
                )
        self.base_lrs = [float(group["initial_lr"]) for group in optimizer.param_groups]
        self.last_epoch = last_epoch + 1
        self._set(self._first_lr())

    def _first_lr(self) -> list[float]:
        """The learning rates to start with; going on from an earlier epoch keeps the groups'."""
        return self._rates()

    def get_lr(self) -> list[float]:
        """The groups' learning rates in epoch `last_epoch`."""
        raise NotImplementedError(f"{type(self).__name__}: a scheduler has to define get_lr()")

    def get_last_lr(self) -> list[float]:
        """The learning rates that were set last."""
        return list(self._last_lr)

    def step(self) -> None:
        """Goes on to the next epoch and sets its learning rates."""
        self.last_epoch += 1
        self._set(self.get_lr())

    def _set(self, rates: Sequence[float]) -> None:
        for group, rate in zip(self.optimizer.param_groups, rates, strict=True):
            group["lr"] = rate
        self._last_lr = list(rates)

    def _rates(self) -> list[float]:
        return [float(group["lr"]) for group in self.optimizer.param_groups]

    def _scaled(self, factor: float) -> list[float]:
        return [rate * factor for rate in self._rates()]

    def state_dict(self) -> dict[str, Any]:
        """Everything but the optimizer."""
        return {name: value for name, value in self.__dict__.items() if name != "optimizer"}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Takes over what `state_dict` returned."""
        self.__dict__.update(state_dict)


class LambdaLR(LRScheduler):
    """The initial rate times `lr_lambda(epoch)`.

    Args:
        optimizer: whose learning rates are set.
        lr_lambda: a function of the epoch, or a list of one for each group.
        last_epoch: -1 starts anew.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        lr_lambda: Callable[[int], float] | Sequence[Callable[[int], float]],
        last_epoch: int = -1,
    ) -> None:
        _check_optimizer("LambdaLR", optimizer)
        self.lr_lambdas = _per_group("LambdaLR", "lr_lambda", lr_lambda, optimizer)
        super().__init__(optimizer, last_epoch)

    def _first_lr(self) -> list[float]:
        return self.get_lr()

    def get_lr(self) -> list[float]:
        return [
            base * function(self.last_epoch)
            for base, function in zip(self.base_lrs, self.lr_lambdas, strict=True)
        ]

    def state_dict(self) -> dict[str, Any]:
        """Everything but the optimizer and the functions."""
        state = super().state_dict()
        del state["lr_lambdas"]
        return state


class StepLR(LRScheduler):
    """Multiplies the rate by `gamma` every `step_size` epochs.

    Args:
        optimizer: whose learning rates are set.
        step_size: epochs between two changes.
        gamma: the factor.
        last_epoch: -1 starts anew.
    """

    def __init__(
        self, optimizer: Optimizer, step_size: int, gamma: float = 0.1, last_epoch: int = -1
    ) -> None:
        self.step_size = step_size
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        return self._scaled(1.0 if self.last_epoch % self.step_size else self.gamma)


class MultiStepLR(LRScheduler):
    """Multiplies the rate by `gamma` at each of the milestones.

    Args:
        optimizer: whose learning rates are set.
        milestones: epochs; one that is listed twice counts twice.
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
        self.milestones = Counter(milestones)
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        return self._scaled(self.gamma ** self.milestones[self.last_epoch])


class ExponentialLR(LRScheduler):
    """Multiplies the rate by `gamma` every epoch.

    Args:
        optimizer: whose learning rates are set.
        gamma: the factor.
        last_epoch: -1 starts anew.
    """

    def __init__(self, optimizer: Optimizer, gamma: float, last_epoch: int = -1) -> None:
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        return self._scaled(self.gamma)


class LinearLR(LRScheduler):
    """The rate times a factor that goes in a straight line from one value to another.

    Args:
        optimizer: whose learning rates are set.
        start_factor: the factor of the first epoch.
        end_factor: the factor from epoch `total_iters` on.
        total_iters: epochs in between.
        last_epoch: -1 starts anew.

    Raises:
        ValueError: a factor lies outside (0, 1] or [0, 1].
    """

    def __init__(
        self,
        optimizer: Optimizer,
        start_factor: float = 1.0 / 3,
        end_factor: float = 1.0,
        total_iters: int = 5,
        last_epoch: int = -1,
    ) -> None:
        if not 0 < start_factor <= 1 or not 0 <= end_factor <= 1:
            raise ValueError(
                "LinearLR: expected start_factor in (0, 1] and end_factor in [0, 1], got "
                f"{start_factor!r} and {end_factor!r}"
            )
        self.start_factor = start_factor
        self.end_factor = end_factor
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


class CosineAnnealingLR(LRScheduler):
    """Half a cosine from the initial rate to `eta_min` (arXiv:1608.03983), without restarts.

    Args:
        optimizer: whose learning rates are set.
        T_max: epochs of the way down; after them the rate goes up again.
        eta_min: the lowest rate.
        last_epoch: -1 starts anew.
    """

    def __init__(
        self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0, last_epoch: int = -1
    ) -> None:
        self.T_max = T_max
        self.eta_min = eta_min
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
        if (epoch - 1 - period) % (2 * period) == 0:  # the rate was the lowest: `before` is 0
            rise = (1 - math.cos(math.pi / period)) / 2
            pairs = zip(self.base_lrs, self._rates(), strict=True)
            return [rate + (base - low) * rise for base, rate in pairs]
        return [now / before * (rate - low) + low for rate in self._rates()]


class OneCycleLR(LRScheduler):
    """One rise and one fall over all of training, step by step (arXiv:1708.07120).

    From `max_lr / div_factor` up to `max_lr` and down to that start over `final_div_factor`; the
    momentum (SGD) or the first beta (Adam) goes the other way if `cycle_momentum`.

    Args:
        optimizer: whose learning rates are set.
        max_lr: the highest rate, or a list of one for each group.
        total_steps: steps in all; or give `epochs` and `steps_per_epoch`.
        epochs, steps_per_epoch: their product is the number of steps.
        pct_start: the share of the steps in which the rate rises.
        anneal_strategy: "cos" or "linear".
        cycle_momentum: whether the momentum changes too.
        base_momentum, max_momentum: the bounds of the momentum.
        div_factor: `max_lr` over the initial rate.
        final_div_factor: the initial rate over the last one.
        three_phase: whether the fall goes first to the initial rate, as fast as the rise, and then
            to the last one.
        last_epoch: -1 starts anew.

    Raises:
        ValueError: the number of steps isn't known, or another argument is out of its range; also
            from `step`, after the last step.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: float | Sequence[float],
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: str = "cos",
        cycle_momentum: bool = True,
        base_momentum: float | Sequence[float] = 0.85,
        max_momentum: float | Sequence[float] = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
        last_epoch: int = -1,
    ) -> None:
        who = "OneCycleLR"
        _check_optimizer(who, optimizer)
        if total_steps is None:
            if epochs is None or steps_per_epoch is None:
                raise ValueError(f"{who}: expected total_steps, or epochs and steps_per_epoch")
            total_steps = epochs * steps_per_epoch
        if not total_steps > 0:
            raise ValueError(f"{who}: expected at least one step, got {total_steps!r}")
        if not 0 <= pct_start <= 1:
            raise ValueError(f"{who}: pct_start: expected a number in [0, 1], got {pct_start!r}")
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(
                f"{who}: anneal_strategy: expected 'cos' or 'linear', got {anneal_strategy!r}"
            )
        self.total_steps = total_steps
        self.anneal_strategy = anneal_strategy
        self.cycle_momentum = cycle_momentum
        # The phases: the step each ends with, and which of a group's values it goes from and to.
        rise = float(pct_start * total_steps) - 1
        last = float(total_steps - 1)
        if three_phase:
            self._phases = [
                (rise, "initial_lr", "max_lr", "max_momentum", "base_momentum"),
                (2 * rise, "max_lr", "initial_lr", "base_momentum", "max_momentum"),
                (last, "initial_lr", "min_lr", "max_momentum", "max_momentum"),
            ]
        else:
            self._phases = [
                (rise, "initial_lr", "max_lr", "max_momentum", "base_momentum"),
                (last, "max_lr", "min_lr", "base_momentum", "max_momentum"),
            ]
        if last_epoch == -1:
            lows = _per_group(who, "base_momentum", base_momentum, optimizer)
            highs = _per_group(who, "max_momentum", max_momentum, optimizer)
            tops = _per_group(who, "max_lr", max_lr, optimizer)
            for group, top, low, high in zip(
                optimizer.param_groups, tops, lows, highs, strict=True
            ):
                initial = top / div_factor
                group.update(initial_lr=initial, max_lr=top, min_lr=initial / final_div_factor)
                if cycle_momentum:
                    group.update(base_momentum=low, max_momentum=high)
        if cycle_momentum and not all(
            "momentum" in group or "betas" in group for group in optimizer.param_groups
        ):
            raise ValueError(f"{who}: cycle_momentum needs an optimizer with momentum or betas")
        super().__init__(optimizer, last_epoch)

    def _between(self, start: float, end: float, share: float) -> float:
        if self.anneal_strategy == "linear":
            return (end - start) * share + start
        return end + (start - end) / 2 * (math.cos(math.pi * share) + 1)

    def _first_lr(self) -> list[float]:
        return self.get_lr()

    def get_lr(self) -> list[float]:
        step = self.last_epoch
        if step > self.total_steps:
            raise ValueError(
                f"OneCycleLR: step {step} is beyond the {self.total_steps} steps it was made for"
            )
        ends = [phase[0] for phase in self._phases]
        number = min(bisect_left(ends, step), len(ends) - 1)
        end, rate_from, rate_to, momentum_from, momentum_to = self._phases[number]
        start = ends[number - 1] if number else 0.0
        share = (step - start) / (end - start)
        rates = []
        for group in self.optimizer.param_groups:
            rates.append(self._between(group[rate_from], group[rate_to], share))
            if self.cycle_momentum:
                momentum = self._between(group[momentum_from], group[momentum_to], share)
                if "betas" in group:
                    group["betas"] = (momentum, *group["betas"][1:])
                else:
                    group["momentum"] = momentum
        return rates


class ReduceLROnPlateau:
    """Lowers the rate when a metric has stopped improving.

    Args:
        optimizer: whose learning rates are set.
        mode: "min" if a smaller metric is better, "max" if a larger one is.
        factor: what the rate is multiplied by, below 1.
        patience: epochs without improvement after which that happens with the next one.
        threshold: smaller changes count as none.
        threshold_mode: "rel": relative to the best value; "abs": absolute.
        cooldown: epochs after a change in which none is counted.
        min_lr: rates aren't lowered below this; a number or a list of one for each group.
        eps: changes below this aren't made.

    Raises:
        ValueError: `factor` isn't below 1, or an unknown mode.

    Example:
        >>> scheduler = optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=5)
        >>> scheduler.step(validation_loss)
    """

    def __init__(
        self,
        optimizer: Optimizer,
        mode: str = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: str = "rel",
        cooldown: int = 0,
        min_lr: float | Sequence[float] = 0,
        eps: float = 1e-8,
    ) -> None:
        who = "ReduceLROnPlateau"
        _check_optimizer(who, optimizer)
        if not factor < 1:
            raise ValueError(f"{who}: factor: expected a number below 1, got {factor!r}")
        if mode not in ("min", "max"):
            raise ValueError(f"{who}: mode: expected 'min' or 'max', got {mode!r}")
        if threshold_mode not in ("rel", "abs"):
            raise ValueError(
                f"{who}: threshold_mode: expected 'rel' or 'abs', got {threshold_mode!r}"
            )
        self.optimizer = optimizer
        self.mode = mode
        self.factor = factor
        self.patience = patience
        self.threshold = threshold
        self.threshold_mode = threshold_mode
        self.cooldown = cooldown
        self.min_lrs = [float(v) for v in _per_group(who, "min_lr", min_lr, optimizer)]
        self.eps = eps
        self.best = math.inf if mode == "min" else -math.inf
        self.num_bad_epochs = 0
        self.cooldown_counter = 0
        self.last_epoch = 0
        self._last_lr = [float(group["lr"]) for group in optimizer.param_groups]

    def is_better(self, value: float, best: float) -> bool:
        """Whether a value improves on the best one by more than the threshold."""
        sign = -1 if self.mode == "min" else 1
        if self.threshold_mode == "abs":
            return sign * (value - best) > self.threshold
        return sign * (value - best * (1 + sign * self.threshold)) > 0

    def step(self, metrics: Any) -> None:
        """Takes in an epoch's metric, and lowers the rate if it is time."""
        current = float(metrics)
        self.last_epoch += 1
        if self.is_better(current, self.best):
            self.best = current
            self.num_bad_epochs = 0
        else:
            self.num_bad_epochs += 1
        if self.cooldown_counter > 0:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        if self.num_bad_epochs > self.patience:
            for group, low in zip(self.optimizer.param_groups, self.min_lrs, strict=True):
                rate = max(group["lr"] * self.factor, low)
                if group["lr"] - rate > self.eps:
                    group["lr"] = rate
            self.cooldown_counter = self.cooldown
            self.num_bad_epochs = 0
        self._last_lr = [float(group["lr"]) for group in self.optimizer.param_groups]

    def get_last_lr(self) -> list[float]:
        """The learning rates that were set last."""
        return list(self._last_lr)

    def state_dict(self) -> dict[str, Any]:
        """Everything but the optimizer."""
        return {name: value for name, value in self.__dict__.items() if name != "optimizer"}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Takes over what `state_dict` returned."""
        self.__dict__.update(state_dict)
