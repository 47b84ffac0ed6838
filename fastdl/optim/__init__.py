"""Optimizers with the interface and the updates of `torch.optim`."""

from typing import TYPE_CHECKING

from . import lr_scheduler as lr_scheduler
from . import swa_utils as swa_utils
from .adagrad import Adagrad as Adagrad
from .adam import Adam as Adam
from .adam import AdamW as AdamW
from .optimizer import Optimizer as Optimizer
from .rmsprop import RMSprop as RMSprop
from .sgd import SGD as SGD

if not TYPE_CHECKING:
    from .._base.missing import attributes_missing_from

    __getattr__ = attributes_missing_from(__name__)
