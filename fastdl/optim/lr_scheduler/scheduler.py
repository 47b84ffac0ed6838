"""LRScheduler: the base class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from ..._base.checks import check_integer, shown
from ..optimizer import Optimizer

if TYPE_CHECKING:
    from collections.abc import Mapping

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


class LRScheduler:
    """Base class: a subclass defines `get_lr`.

    Args:
        optimizer: the optimizer whose learning rates are set.
        last_epoch: the last finished epoch; -1 starts anew.

    Raises:
        TypeError: `optimizer` isn't an optimizer.
        KeyError: `last_epoch` isn't -1, and a group has no "initial_lr".
    """

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        who = type(self).__name__
        check_optimizer(who, optimizer)
        check_integer(who, "last_epoch", last_epoch, -1)
        self.optimizer = optimizer
        for i, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", group["lr"])
            elif "initial_lr" not in group:
                raise KeyError(
                    f"{who}: param_groups[{i}]: expected 'initial_lr' for last_epoch={last_epoch}, "
                    "got none"
                )
        self.base_lrs = [float(group["initial_lr"]) for group in optimizer.param_groups]
        self.last_epoch = last_epoch + 1
        self._set(self._first_lr())

    def _first_lr(self) -> list[float]:
        """The first learning rates: those of the groups."""
        return self._rates()

    def get_lr(self) -> list[float]:
        """The groups' learning rates in epoch `last_epoch`."""
        raise NotImplementedError(f"{type(self).__name__}: a scheduler must define get_lr()")

    def get_last_lr(self) -> list[float]:
        """The learning rates that were set last."""
        return list(self._last_lr)

    def step(self) -> None:
        """Sets the learning rates of the next epoch."""
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
        """All attributes except the optimizer."""
        return {name: value for name, value in self.__dict__.items() if name != "optimizer"}

    def load_state_dict(self, state_dict: Mapping[str, object]) -> None:
        """Loads what `state_dict` returned."""
        self.__dict__.update(state_dict)
