"""Learning rates that change from epoch to epoch or step to step, as `torch.optim.lr_scheduler`.

The `step()` of a scheduler sets `lr` in each group of the optimizer. Call it after the optimizer's
`step()`. A new rate follows from the one before, so several schedulers can be chained.

Example:
    >>> scheduler = optim.lr_scheduler.StepLR(optimizer, step_size=30, gamma=0.1)
    >>> for epoch in range(60):
    ...     optimizer.step()
    ...     scheduler.step()
    >>> round(optimizer.param_groups[0]["lr"], 6)
    0.001
"""

from typing import TYPE_CHECKING

from .composed import ChainedScheduler as ChainedScheduler
from .composed import SequentialLR as SequentialLR
from .cyclic import CyclicLR as CyclicLR
from .factors import ConstantLR as ConstantLR
from .factors import CosineAnnealingLR as CosineAnnealingLR
from .factors import CosineAnnealingWarmRestarts as CosineAnnealingWarmRestarts
from .factors import ExponentialLR as ExponentialLR
from .factors import LambdaLR as LambdaLR
from .factors import LinearLR as LinearLR
from .factors import MultiplicativeLR as MultiplicativeLR
from .factors import MultiStepLR as MultiStepLR
from .factors import PolynomialLR as PolynomialLR
from .factors import StepLR as StepLR
from .one_cycle import OneCycleLR as OneCycleLR
from .plateau import ReduceLROnPlateau as ReduceLROnPlateau
from .scheduler import LRScheduler as LRScheduler

_LRScheduler = LRScheduler  # its older name, which programs subclass

if not TYPE_CHECKING:
    from ..._base.missing import attributes_missing_from

    __getattr__ = attributes_missing_from(__name__)
