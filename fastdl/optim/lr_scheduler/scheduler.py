"""LRScheduler: the base class."""

from __future__ import annotations

import types
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from ..._base import functional as F
from ..._base.checks import check_integer, shown
from ..._base.notices import warn
from ..._core import Tensor
from ..optimizer import Optimizer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..optimizer import Group

Value = TypeVar("Value")


def check_optimizer(who: str, optimizer: object) -> None:
    """TypeError unless it is an optimizer."""
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"{who}: optimizer: expected an optimizer, got {shown(optimizer)}")


def per_group(
    who: str, argument: str, value: Value | Sequence[Value], optimizer: Optimizer
) -> list[Value]:
    """One value for each group of the optimizer."""
    count = len(optimizer.param_groups)
    if not isinstance(value, (list, tuple)):
        return [value] * count  # type: ignore[list-item]
    if len(value) != count:
        raise ValueError(
            f"{who}: {argument}: expected {count} values, one for each parameter group, got "
            f"{len(value)}"
        )
    return list(value)


def rates_of(optimizer: Optimizer) -> list[float]:
    """The groups' learning rates."""
    return [float(group["lr"]) for group in optimizer.param_groups]


def set_rate(group: Group, rate: float) -> None:
    """Sets the learning rate of a group. A tensor keeps its place: others may hold it, too."""
    if isinstance(group["lr"], Tensor):
        F.assign_(group["lr"], rate)
    else:
        group["lr"] = rate


def state_of(function: object) -> dict[str, Any] | None:
    """What a state_dict keeps of a function: the attributes of a callable object, else None."""
    plain = isinstance(function, types.FunctionType) or not hasattr(function, "__dict__")
    return None if plain else dict(vars(function))


class LRScheduler:
    """Base class. A subclass defines `get_lr`.

    `get_lr` gives the learning rates of epoch `last_epoch`. It runs when the scheduler is made,
    with `last_epoch` 0, and in each `step`. A subclass may define `_get_closed_form_lr`, too: the
    rates of epoch `last_epoch` as a function of `base_lrs` alone. `SequentialLR` begins with it.

    Args:
        optimizer: the optimizer whose learning rates are set.
        last_epoch: the last finished epoch; -1 starts anew.

    Raises:
        TypeError: `optimizer` isn't an optimizer.
        KeyError: `last_epoch` isn't -1, and a group has no "initial_lr".

    Source: `torch.optim.lr_scheduler.LRScheduler`.

    Example:
        >>> class WarmUp(optim.lr_scheduler.LRScheduler):
        ...     def get_lr(self):
        ...         return [lr * min(1, (self.last_epoch + 1) / 4) for lr in self.base_lrs]
        >>> scheduler = WarmUp(optim.SGD(model.parameters(), lr=1.0))
        >>> scheduler.get_last_lr()
        [0.25]
    """

    # Whether the scheduler is being made, so that `get_lr` gives the rates of the start.
    _is_initial = False

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        who = type(self).__name__
        check_optimizer(who, optimizer)
        check_integer(who, "last_epoch", last_epoch, -1)
        self.optimizer = optimizer
        for i, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                rate = group["lr"]
                group.setdefault("initial_lr", float(rate) if isinstance(rate, Tensor) else rate)
            elif "initial_lr" not in group:
                raise KeyError(
                    f"{who}: param_groups[{i}]: expected 'initial_lr' for last_epoch={last_epoch}, "
                    "got none"
                )
        self.base_lrs = [float(group["initial_lr"]) for group in optimizer.param_groups]
        self.last_epoch = last_epoch
        self._initial_step()

    def _initial_step(self) -> None:
        self._step_count = 0
        self._is_initial = True
        try:
            self.step()
        finally:
            del self._is_initial

    def get_lr(self) -> list[float]:
        """The groups' learning rates in epoch `last_epoch`."""
        raise NotImplementedError(f"{type(self).__name__}: a scheduler must define get_lr()")

    def get_last_lr(self) -> list[float]:
        """The learning rates that were set last."""
        return list(self._last_lr)

    def step(self, epoch: int | None = None) -> None:
        """Sets the learning rates of the next epoch.

        Args:
            epoch: the number of the epoch, if it is not the next one. As in PyTorch it is
                deprecated, and the rates are those of `_get_closed_form_lr` if there is one.
        """
        self._step_count += 1
        if epoch is not None:
            check_integer(f"{type(self).__name__}.step", "epoch", epoch, 0)
            warn(
                f"{type(self).__name__}.step: epoch is deprecated, as in PyTorch; call step() once "
                "for each epoch"
            )
        self._update_lr(epoch)

    def _update_lr(self, epoch: int | None = None) -> None:
        """Sets the rates of the next epoch, or begins anew at an epoch."""
        if epoch is None:
            self.last_epoch += 1
            self._set(self.get_lr())
            return
        self.last_epoch = epoch
        closed_form = getattr(self, "_get_closed_form_lr", self.get_lr)
        self._set(closed_form())

    def _restart(self) -> None:
        """Begins anew at epoch 0, from the initial rates."""
        self._update_lr(0)

    def _set(self, rates: Sequence[float]) -> None:
        for group, rate in zip(self.optimizer.param_groups, rates, strict=True):
            set_rate(group, rate)
        self._last_lr = rates_of(self.optimizer)

    def _rates(self) -> list[float]:
        return rates_of(self.optimizer)

    def _scaled(self, factor: float) -> list[float]:
        return [rate * factor for rate in self._rates()]

    def state_dict(self) -> dict[str, Any]:
        """All attributes except the optimizer."""
        return {name: value for name, value in self.__dict__.items() if name != "optimizer"}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Loads what `state_dict` returned."""
        self.__dict__.update(state_dict)
