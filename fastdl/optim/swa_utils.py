"""Averages of weights over training, as `torch.optim.swa_utils`.

Stochastic weight averaging (arXiv:1803.05407) takes the mean of the weights of several epochs; an
exponential moving average forgets older ones.

Example:
    >>> swa_model = optim.swa_utils.AveragedModel(model)
    >>> scheduler = optim.swa_utils.SWALR(optimizer, swa_lr=0.05)
    >>> for epoch in range(3):
    ...     nn.functional.mse_loss(model(x), y).backward()
    ...     optimizer.step()
    ...     swa_model.update_parameters(model)
    ...     scheduler.step()
    >>> swa_model.n_averaged.item()
    3
"""

from __future__ import annotations

import copy
import itertools
import math
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from .. import _core
from .._base import functional as F
from .._base.checks import (
    check_callable,
    check_choice,
    check_flag,
    check_fraction,
    check_integer,
    check_numbers,
    shown,
)
from .._base.device import device as Device
from .._base.module import Module
from .._core import Tensor
from .lr_scheduler.scheduler import LRScheduler, check_optimizer, per_group

if TYPE_CHECKING:
    from .optimizer import Optimizer

# (average, current value, number of averaged models) -> new average
Average: TypeAlias = "Callable[[Tensor, Tensor, Tensor], Tensor]"
# The same for several at once, whose averages are changed in place.
Averages: TypeAlias = "Callable[[list[Tensor], list[Tensor], Tensor], object]"


def _moved(average: Tensor, current: Tensor, share: Any) -> Tensor:
    """The average, moved towards the current value by a share of the difference."""
    return average + (current - average) * share


def get_swa_avg_fn() -> Average:
    """The mean of all models: `average + (current - average) / (n + 1)`.

    Source: `torch.optim.swa_utils.get_swa_avg_fn`.

    Example:
        >>> mean = get_swa_avg_fn()
        >>> mean(fastdl.tensor([1.0]), fastdl.tensor([4.0]), fastdl.tensor(2)).tolist()
        [2.0]
    """

    def mean(average: Tensor, current: Tensor, num_averaged: Tensor) -> Tensor:
        return average + (current - average) / (num_averaged + 1)

    return mean


def get_ema_avg_fn(decay: float = 0.999) -> Average:
    """The moving average: `decay * average + (1 - decay) * current`.

    Args:
        decay: the share of the average that is kept, in [0, 1].

    Raises:
        ValueError: `decay` is out of its range.

    Source: `torch.optim.swa_utils.get_ema_avg_fn`.

    Example:
        >>> moving = get_ema_avg_fn(0.75)
        >>> moving(fastdl.tensor([1.0]), fastdl.tensor([5.0]), fastdl.tensor(2)).tolist()
        [2.0]
    """
    kept = check_fraction("get_ema_avg_fn", "decay", decay)

    def moving(average: Tensor, current: Tensor, _num_averaged: Tensor) -> Tensor:
        return kept * average + (1 - kept) * current

    return moving


def get_swa_multi_avg_fn() -> Averages:
    """As `get_swa_avg_fn`, for lists of tensors; the averages are changed in place.

    Source: `torch.optim.swa_utils.get_swa_multi_avg_fn`.

    Example:
        >>> averages = [fastdl.tensor([1.0]), fastdl.tensor([2.0])]
        >>> current = [fastdl.tensor([3.0]), fastdl.tensor([0.0])]
        >>> get_swa_multi_avg_fn()(averages, current, fastdl.tensor(1))
        >>> averages
        [tensor([2.]), tensor([1.])]
    """

    def mean(averages: list[Tensor], current: list[Tensor], num_averaged: Tensor) -> None:
        share = 1 / (float(num_averaged) + 1)
        for average, value in zip(averages, current, strict=True):
            F.assign_(average, _moved(average, value, share))

    return mean


def get_ema_multi_avg_fn(decay: float = 0.999) -> Averages:
    """As `get_ema_avg_fn`, for lists of tensors; the averages are changed in place.

    Args:
        decay: the share of the average that is kept, in [0, 1].

    Raises:
        ValueError: `decay` is out of its range.

    Source: `torch.optim.swa_utils.get_ema_multi_avg_fn`.

    Example:
        >>> averages = [fastdl.tensor([1.0])]
        >>> get_ema_multi_avg_fn(0.75)(averages, [fastdl.tensor([5.0])], fastdl.tensor(1))
        >>> averages
        [tensor([2.])]
    """
    share = 1 - check_fraction("get_ema_multi_avg_fn", "decay", decay)

    def moving(averages: list[Tensor], current: list[Tensor], _num_averaged: Tensor) -> None:
        for average, value in zip(averages, current, strict=True):
            F.assign_(average, _moved(average, value, share))

    return moving


class AveragedModel(Module):
    """A copy of a model whose weights are an average of the model's weights over training.

    It is called like the model. `state_dict` holds the averages and `n_averaged`, the number of
    models in them.

    Args:
        model: the model. Its own weights are not touched.
        device: only the CPU.
        avg_fn: a function (average, current value, number of averaged models) that gives the new
            average of a parameter; the mean of all models unless given. `get_ema_avg_fn` makes one.
        multi_avg_fn: the same for lists of tensors of one type, whose averages it changes in place.
        use_buffers: whether buffers are averaged, too. Otherwise they are copied.

    Raises:
        TypeError: `model` isn't a module, or a function can't be called.
        ValueError: both functions are given, or another device.

    Source: `torch.optim.swa_utils.AveragedModel`.

    Example:
        >>> ema = optim.swa_utils.AveragedModel(
        ...     model, multi_avg_fn=optim.swa_utils.get_ema_multi_avg_fn(0.99)
        ... )
        >>> ema.update_parameters(model)
        >>> ema(x).shape
        (4, 1)
    """

    n_averaged: Tensor

    def __init__(
        self,
        model: Module,
        device: Any = None,
        avg_fn: Average | None = None,
        multi_avg_fn: Averages | None = None,
        use_buffers: bool = False,
    ) -> None:
        super().__init__()
        who = "AveragedModel"
        if not isinstance(model, Module):
            raise TypeError(f"{who}: model: expected a module, got {shown(model)}")
        if avg_fn is not None and multi_avg_fn is not None:
            raise ValueError(f"{who}: avg_fn, multi_avg_fn: expected one of them, got both")
        if avg_fn is not None:
            check_callable(who, "avg_fn", avg_fn)
        if multi_avg_fn is not None:
            check_callable(who, "multi_avg_fn", multi_avg_fn)
        self.module = copy.deepcopy(model)
        _check_device(who, device)
        self.register_buffer("n_averaged", _core.tensor(0))
        self.avg_fn = avg_fn
        self.multi_avg_fn = multi_avg_fn
        self.use_buffers = check_flag(who, "use_buffers", use_buffers)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the model gives with the averages."""
        return self.module(*args, **kwargs)

    def update_parameters(self, model: Module) -> None:
        """Takes the model's present weights into the average. The first ones are copied.

        Args:
            model: the model, or another one with the same weights.

        Raises:
            ValueError: the model has other weights. Nothing is changed then.
        """
        averages, current = list(self.module.parameters()), list(model.parameters())
        kept, buffers = list(self.module.buffers()), list(model.buffers())
        for what, own, others in (("parameters", averages, current), ("buffers", kept, buffers)):
            shapes, given = [t.shape for t in own], [t.shape for t in others]
            if shapes != given:
                raise ValueError(
                    f"AveragedModel.update_parameters: model: expected {what} of shapes {shapes}, "
                    f"got {given}"
                )
        before = _core.set_grad_enabled(False)
        try:
            if self.use_buffers:
                self._average([*averages, *kept], [*current, *buffers])
            else:
                self._average(averages, current)
                _copy(kept, buffers)
            self.n_averaged += 1
        finally:
            _core.set_grad_enabled(before)

    def _average(self, averages: Sequence[Tensor], current: Sequence[Tensor]) -> None:
        count = self.n_averaged
        averages, current = [t.detach() for t in averages], [t.detach() for t in current]
        if count.item() == 0:
            _copy(averages, current)
        elif self.avg_fn is not None:
            for average, value in zip(averages, current, strict=True):
                F.assign_(average, self.avg_fn(average, value, count))
        else:
            several = self.multi_avg_fn or get_swa_multi_avg_fn()
            pairs = sorted(zip(averages, current, strict=True), key=lambda pair: pair[0].dtype)
            for _, group in itertools.groupby(pairs, key=lambda pair: pair[0].dtype):
                of_one_type = list(group)
                several([a for a, _ in of_one_type], [c for _, c in of_one_type], count)


def _check_device(who: str, device: Any) -> None:
    """ValueError unless it is the CPU or None: a module's parameters lie there."""
    try:
        if device is None or Device(device).type == "cpu":
            return
    except RuntimeError:
        pass
    raise ValueError(f"{who}: device: expected 'cpu' or None, got {shown(device)}")


def _copy(targets: Sequence[Tensor], values: Sequence[Tensor]) -> None:
    for target, value in zip(targets, values, strict=True):
        F.assign_(target, value.detach())


def update_bn(loader: Iterable[Any], model: Module, device: Any = None) -> None:
    """Computes the running statistics of a model's normalization layers anew.

    The layers are those with `reset_running_stats()` and `momentum`. Their statistics are reset,
    and then the means over all batches. Averaged weights need it, since the statistics are those
    of the weights before. Layers' modes and momenta are as before in the end, also after an error.

    Args:
        loader: batches. Of a list or tuple the first item is the input.
        model: the model. It runs in training mode.
        device: only the CPU.

    Raises:
        TypeError: `model` isn't a module, or `loader` can't be read.

    Source: `torch.optim.swa_utils.update_bn`.

    Example:
        >>> optim.swa_utils.update_bn([(x, y)], model)
    """
    who = "update_bn"
    if not isinstance(model, Module):
        raise TypeError(f"{who}: model: expected a module, got {shown(model)}")
    if not hasattr(loader, "__iter__"):
        raise TypeError(f"{who}: loader: expected batches, got {shown(loader)}")
    _check_device(who, device)
    layers: list[Any] = [
        m for m in model.modules() if hasattr(m, "reset_running_stats") and hasattr(m, "momentum")
    ]
    if not layers:
        return
    modes = [(module, module.training) for module in model.modules()]
    momenta = [layer.momentum for layer in layers]
    before = _core.set_grad_enabled(False)
    try:
        model.train()
        for layer in layers:
            layer.reset_running_stats()
            layer.momentum = None
        for batch in loader:
            model(batch[0] if isinstance(batch, (list, tuple)) else batch)
    finally:
        _core.set_grad_enabled(before)
        for layer, momentum in zip(layers, momenta, strict=True):
            layer.momentum = momentum
        for module, mode in modes:
            module.training = mode


class SWALR(LRScheduler):
    """The rate goes from its present value to `swa_lr` and stays there.

    In step `t` it is `swa_lr * a + lr * (1 - a)`, where `a` is `t / anneal_epochs` ("linear") or
    `(1 - cos(pi * t / anneal_epochs)) / 2` ("cos").

    Args:
        optimizer: the optimizer whose learning rates are set.
        swa_lr: the rate at the end, or a list with one for each group.
        anneal_epochs: the number of epochs until then; 0 sets it at once.
        anneal_strategy: "cos" or "linear".
        last_epoch: -1 starts anew.

    Raises:
        ValueError: an argument is out of its range.

    Source: `torch.optim.swa_utils.SWALR`.

    Example:
        >>> sgd = optim.SGD(model.parameters(), lr=1.0)
        >>> scheduler = optim.swa_utils.SWALR(sgd, 0.5, anneal_epochs=2, anneal_strategy="linear")
        >>> for epoch in range(3):
        ...     print(scheduler.get_last_lr())
        ...     sgd.step()
        ...     scheduler.step()
        [1.0]
        [0.75]
        [0.5]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        swa_lr: float | Sequence[float],
        anneal_epochs: int = 10,
        anneal_strategy: str = "cos",
        last_epoch: int = -1,
    ) -> None:
        who = "SWALR"
        check_optimizer(who, optimizer)
        check_integer(who, "last_epoch", last_epoch, -1)
        rates = check_numbers(who, "swa_lr", per_group(who, "swa_lr", swa_lr, optimizer), -math.inf)
        self._anneal_strategy = check_choice(
            who, "anneal_strategy", anneal_strategy, ("cos", "linear")
        )
        self.anneal_epochs = check_integer(who, "anneal_epochs", anneal_epochs, 0)
        for group, rate in zip(optimizer.param_groups, rates, strict=True):
            group["swa_lr"] = rate
        super().__init__(optimizer, last_epoch)

    def _share(self, step: int) -> float:
        """How much of the rate is `swa_lr` in this step."""
        done = max(0.0, min(1.0, step / max(1, self.anneal_epochs)))
        return done if self._anneal_strategy == "linear" else (1 - math.cos(math.pi * done)) / 2

    def get_lr(self) -> list[float]:
        step = self._step_count - 1
        if self.anneal_epochs == 0:
            step = max(1, step)
        before, now = self._share(step - 1), self._share(step)
        rates = []
        for group in self.optimizer.param_groups:
            end = group["swa_lr"]
            # The rate of the start follows from the present one.
            start = end if before == 1 else (float(group["lr"]) - before * end) / (1 - before)
            rates.append(end * now + start * (1 - now))
        return rates
