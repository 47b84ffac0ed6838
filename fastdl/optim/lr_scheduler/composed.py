"""Schedulers made of schedulers: all at once, or one after the other."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from ..._base.checks import check_integer, shown
from ..optimizer import Optimizer
from .plateau import ReduceLROnPlateau
from .scheduler import LRScheduler, check_optimizer, rates_of, set_rate

if TYPE_CHECKING:
    from collections.abc import Mapping


class _Composed(LRScheduler):
    """What both kinds share: a list of schedulers of one optimizer."""

    _schedulers: list[LRScheduler]

    def _take(self, schedulers: Sequence[LRScheduler], optimizer: Optimizer | None) -> None:
        """Checks the schedulers and stores them."""
        who = type(self).__name__
        if not isinstance(schedulers, (list, tuple)):
            raise TypeError(
                f"{who}: schedulers: expected a list of schedulers, got {shown(schedulers)}"
            )
        if not schedulers:
            raise ValueError(f"{who}: schedulers: expected at least one scheduler, got none")
        for i, scheduler in enumerate(schedulers):
            if not isinstance(scheduler, LRScheduler):
                raise TypeError(
                    f"{who}: schedulers[{i}]: expected a scheduler, got {shown(scheduler)}"
                )
            if isinstance(scheduler, ReduceLROnPlateau):
                raise ValueError(
                    f"{who}: schedulers[{i}]: ReduceLROnPlateau needs a metric in each step, so it "
                    "can't be combined; call its step() yourself"
                )
        if optimizer is None:
            optimizer = schedulers[0].optimizer
        check_optimizer(who, optimizer)
        for i, scheduler in enumerate(schedulers):
            if scheduler.optimizer is not optimizer:
                raise ValueError(
                    f"{who}: schedulers[{i}]: expected a scheduler of the same optimizer, got a "
                    f"{type(scheduler).__name__} of another one"
                )
        self._schedulers = list(schedulers)
        self.optimizer = optimizer

    def _restart(self) -> None:
        _reset(self.optimizer)
        _rewind(self)
        self._initial_step()

    def state_dict(self) -> dict[str, Any]:
        """All attributes except the optimizer, and the schedulers' own states."""
        states = [scheduler.state_dict() for scheduler in self._schedulers]
        return {**super().state_dict(), "_schedulers": states}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Loads what `state_dict` returned.

        Raises:
            ValueError: the state is that of another number of schedulers.
        """
        states = state_dict.get("_schedulers", ())
        if len(states) != len(self._schedulers):
            raise ValueError(
                f"{type(self).__name__}.load_state_dict: expected the states of "
                f"{len(self._schedulers)} schedulers, got {len(states)}"
            )
        own = {name: value for name, value in state_dict.items() if name != "_schedulers"}
        super().load_state_dict(own)
        for scheduler, state in zip(self._schedulers, states, strict=True):
            scheduler.load_state_dict(state)


class ChainedScheduler(_Composed):
    """Several schedulers at once: each changes the rate that the one before has left.

    Args:
        schedulers: schedulers of one optimizer, in this order.
        optimizer: their optimizer; that of the first one unless given.

    Raises:
        TypeError: an item isn't a scheduler.
        ValueError: there is none, they have different optimizers, or one is a
            `ReduceLROnPlateau`.

    Source: `torch.optim.lr_scheduler.ChainedScheduler`.

    Example:
        >>> adam = optim.Adam(model.parameters(), lr=1.0)
        >>> scheduler = optim.lr_scheduler.ChainedScheduler([
        ...     optim.lr_scheduler.ConstantLR(adam, factor=0.5, total_iters=2),
        ...     optim.lr_scheduler.ExponentialLR(adam, gamma=0.5),
        ... ])
        >>> for epoch in range(2):
        ...     print(scheduler.get_last_lr())
        ...     adam.step()
        ...     scheduler.step()
        [0.5]
        [0.25]
    """

    def __init__(
        self, schedulers: Sequence[LRScheduler], optimizer: Optimizer | None = None
    ) -> None:
        self._take(schedulers, optimizer)
        self._last_lr = rates_of(self.optimizer)

    def step(self) -> None:  # type: ignore[override]
        """Steps all schedulers in their order."""
        for scheduler in self._schedulers:
            scheduler.step()
        self._last_lr = rates_of(self.optimizer)

    def _initial_step(self) -> None:
        for scheduler in self._schedulers:
            scheduler._initial_step()
        self._last_lr = rates_of(self.optimizer)


class SequentialLR(_Composed):
    """Several schedulers one after the other, each from its own beginning.

    The rates are reset to the initial ones when it is made. At a milestone the next scheduler
    begins at its epoch 0.

    Args:
        optimizer: the schedulers' optimizer.
        schedulers: its schedulers, in this order. One that is composed begins anew with all of its
            parts.
        milestones: the epochs at which the second one and those after it begin, ascending.
        last_epoch: -1 starts anew.

    Raises:
        TypeError: an item isn't a scheduler.
        ValueError: the numbers of schedulers and milestones don't fit, the milestones don't ascend,
            the schedulers have different optimizers, or one is a `ReduceLROnPlateau`.

    Source: `torch.optim.lr_scheduler.SequentialLR`.

    Example:
        >>> sgd = optim.SGD(model.parameters(), lr=1.0)
        >>> warmup = optim.lr_scheduler.LinearLR(sgd, start_factor=0.5, total_iters=2)
        >>> decay = optim.lr_scheduler.ExponentialLR(sgd, gamma=0.5)
        >>> scheduler = optim.lr_scheduler.SequentialLR(sgd, [warmup, decay], milestones=[2])
        >>> for epoch in range(4):
        ...     print(scheduler.get_last_lr())
        ...     sgd.step()
        ...     scheduler.step()
        [0.5]
        [0.75]
        [1.0]
        [0.5]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        schedulers: Sequence[LRScheduler],
        milestones: Sequence[int],
        last_epoch: int = -1,
    ) -> None:
        who = "SequentialLR"
        check_optimizer(who, optimizer)
        check_integer(who, "last_epoch", last_epoch, -1)
        self._take(schedulers, optimizer)
        if not isinstance(milestones, (list, tuple)):
            raise ValueError(f"{who}: milestones: expected integers, got {shown(milestones)}")
        epochs = [check_integer(who, "milestones", epoch, 0) for epoch in milestones]
        if epochs != sorted(epochs):
            raise ValueError(f"{who}: milestones: expected ascending epochs, got {epochs}")
        if len(epochs) != len(schedulers) - 1:
            raise ValueError(
                f"{who}: milestones: expected one less than schedulers, got {len(epochs)} "
                f"milestones and {len(schedulers)} schedulers"
            )
        self._milestones = epochs
        self.last_epoch = last_epoch + 1
        _reset(optimizer)
        # Each scheduler took its first step when it was made. Only the first one keeps it.
        for scheduler in _parts(self):
            scheduler.last_epoch -= 1
        self._initial_step()

    def _initial_step(self) -> None:
        self._schedulers[bisect_right(self._milestones, 0)]._initial_step()
        self._last_lr = rates_of(self.optimizer)

    def step(self) -> None:  # type: ignore[override]
        """Steps the scheduler of the next epoch, or begins it."""
        self.last_epoch += 1
        number = bisect_right(self._milestones, self.last_epoch)
        scheduler = self._schedulers[number]
        if number and self._milestones[number - 1] == self.last_epoch:
            scheduler._restart()
        else:
            scheduler.step()
        self._last_lr = rates_of(self.optimizer)


def _reset(optimizer: Optimizer) -> None:
    """Sets the groups' rates to the initial ones."""
    for group in optimizer.param_groups:
        set_rate(group, group["initial_lr"])


def _parts(scheduler: LRScheduler) -> Iterator[LRScheduler]:
    """The schedulers that a scheduler consists of and that have no parts themselves."""
    if not isinstance(scheduler, _Composed):
        yield scheduler
        return
    for part in scheduler._schedulers:
        yield from _parts(part)


def _rewind(scheduler: LRScheduler) -> None:
    """Sets a scheduler and its parts to the state before the first step."""
    if not isinstance(scheduler, _Composed):
        scheduler.last_epoch = -1
        return
    if isinstance(scheduler, SequentialLR):
        scheduler.last_epoch = 0
    for part in scheduler._schedulers:
        _rewind(part)
