"""Losses with the interface and the numbers of Keras 3, as classes and as functions."""

from typing import TYPE_CHECKING

from .._base.registry import LOSSES
from .classes import CTC as CTC
from .classes import BinaryCrossentropy as BinaryCrossentropy
from .classes import BinaryFocalCrossentropy as BinaryFocalCrossentropy
from .classes import CategoricalCrossentropy as CategoricalCrossentropy
from .classes import CategoricalFocalCrossentropy as CategoricalFocalCrossentropy
from .classes import CategoricalGeneralizedCrossEntropy as CategoricalGeneralizedCrossEntropy
from .classes import CategoricalHinge as CategoricalHinge
from .classes import Circle as Circle
from .classes import CosineSimilarity as CosineSimilarity
from .classes import Dice as Dice
from .classes import Hinge as Hinge
from .classes import Huber as Huber
from .classes import KLDivergence as KLDivergence
from .classes import LogCosh as LogCosh
from .classes import MeanAbsoluteError as MeanAbsoluteError
from .classes import MeanAbsolutePercentageError as MeanAbsolutePercentageError
from .classes import MeanSquaredError as MeanSquaredError
from .classes import MeanSquaredLogarithmicError as MeanSquaredLogarithmicError
from .classes import Poisson as Poisson
from .classes import SparseCategoricalCrossentropy as SparseCategoricalCrossentropy
from .classes import SquaredHinge as SquaredHinge
from .classes import Tversky as Tversky
from .ctc import ctc as ctc
from .functions import binary_crossentropy as binary_crossentropy
from .functions import binary_focal_crossentropy as binary_focal_crossentropy
from .functions import categorical_crossentropy as categorical_crossentropy
from .functions import categorical_focal_crossentropy as categorical_focal_crossentropy
from .functions import (
    categorical_generalized_cross_entropy as categorical_generalized_cross_entropy,
)
from .functions import categorical_hinge as categorical_hinge
from .functions import cosine_similarity as cosine_similarity
from .functions import hinge as hinge
from .functions import huber as huber
from .functions import kl_divergence as kl_divergence
from .functions import log_cosh as log_cosh
from .functions import mean_absolute_error as mean_absolute_error
from .functions import mean_absolute_percentage_error as mean_absolute_percentage_error
from .functions import mean_squared_error as mean_squared_error
from .functions import mean_squared_logarithmic_error as mean_squared_logarithmic_error
from .functions import poisson as poisson
from .functions import sparse_categorical_crossentropy as sparse_categorical_crossentropy
from .functions import squared_hinge as squared_hinge
from .loss import Loss as Loss
from .loss import LossFunctionWrapper as LossFunctionWrapper
from .overlap import circle as circle
from .overlap import dice as dice
from .overlap import tversky as tversky
from .reduction import check_broadcast as check_broadcast

get = LOSSES.get
serialize = LOSSES.serialize
deserialize = LOSSES.deserialize

mse = MSE = mean_squared_error
mae = MAE = mean_absolute_error
mape = MAPE = mean_absolute_percentage_error
msle = MSLE = mean_squared_logarithmic_error
bce = BCE = binary_crossentropy
kld = KLD = kl_divergence
logcosh = log_cosh

if not TYPE_CHECKING:
    from .._base.missing import attributes_missing_from

    __getattr__ = attributes_missing_from(__name__)
