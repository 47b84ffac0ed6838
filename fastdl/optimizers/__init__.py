"""Optimizers with the interface and the updates of Keras 3."""

from typing import TYPE_CHECKING

from .._base.registry import OPTIMIZERS
from . import schedules as schedules
from .adadelta import Adadelta as Adadelta
from .adafactor import Adafactor as Adafactor
from .adagrad import Adagrad as Adagrad
from .adam import Adam as Adam
from .adam import AdamW as AdamW
from .adamax import Adamax as Adamax
from .ftrl import Ftrl as Ftrl
from .lamb import Lamb as Lamb
from .lion import Lion as Lion
from .loss_scale_optimizer import LossScaleOptimizer as LossScaleOptimizer
from .multi_optimizer import MultiOptimizer as MultiOptimizer
from .multi_optimizer import OptimizerMap as OptimizerMap
from .muon import Muon as Muon
from .nadam import Nadam as Nadam
from .optimizer import Optimizer as Optimizer
from .rmsprop import RMSprop as RMSprop
from .schedule_free_adamw import ScheduleFreeAdamW as ScheduleFreeAdamW
from .sgd import SGD as SGD

get = OPTIMIZERS.get
serialize = OPTIMIZERS.serialize
deserialize = OPTIMIZERS.deserialize

if not TYPE_CHECKING:
    from .._base.missing import attributes_missing_from

    __getattr__ = attributes_missing_from(__name__)
