"""Callbacks with the interface of Keras 3: hooks of `fit`, `evaluate` and `predict`."""

from typing import TYPE_CHECKING

from .backup import BackupAndRestore as BackupAndRestore
from .callback import Callback as Callback
from .callback import History as History
from .callback import LambdaCallback as LambdaCallback
from .callback import TerminateOnNaN as TerminateOnNaN
from .callback_list import CallbackList as CallbackList
from .checkpoint import ModelCheckpoint as ModelCheckpoint
from .csv_logger import CSVLogger as CSVLogger
from .learning_rate_scheduler import LearningRateScheduler as LearningRateScheduler
from .monitor import EarlyStopping as EarlyStopping
from .monitor import ReduceLROnPlateau as ReduceLROnPlateau
from .progbar_logger import ProgbarLogger as ProgbarLogger
from .remote_monitor import RemoteMonitor as RemoteMonitor
from .swap_ema_weights import SwapEMAWeights as SwapEMAWeights
from .tensorboard import TensorBoard as TensorBoard

if not TYPE_CHECKING:
    from .._base.missing import attributes_missing_from

    __getattr__ = attributes_missing_from(__name__)
