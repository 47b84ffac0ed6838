"""Metrics with the interface and the numbers of Keras 3."""

from typing import TYPE_CHECKING

from .._base.registry import METRICS
from ..losses.functions import binary_crossentropy as binary_crossentropy
from ..losses.functions import binary_focal_crossentropy as binary_focal_crossentropy
from ..losses.functions import categorical_crossentropy as categorical_crossentropy
from ..losses.functions import categorical_focal_crossentropy as categorical_focal_crossentropy
from ..losses.functions import categorical_hinge as categorical_hinge
from ..losses.functions import hinge as hinge
from ..losses.functions import huber as huber
from ..losses.functions import kl_divergence as kl_divergence
from ..losses.functions import log_cosh as log_cosh
from ..losses.functions import mean_absolute_error as mean_absolute_error
from ..losses.functions import mean_absolute_percentage_error as mean_absolute_percentage_error
from ..losses.functions import mean_squared_error as mean_squared_error
from ..losses.functions import mean_squared_logarithmic_error as mean_squared_logarithmic_error
from ..losses.functions import poisson as poisson
from ..losses.functions import sparse_categorical_crossentropy as sparse_categorical_crossentropy
from ..losses.functions import squared_hinge as squared_hinge
from .accuracy import Accuracy as Accuracy
from .accuracy import BinaryAccuracy as BinaryAccuracy
from .accuracy import CategoricalAccuracy as CategoricalAccuracy
from .accuracy import SparseCategoricalAccuracy as SparseCategoricalAccuracy
from .accuracy import SparseTopKCategoricalAccuracy as SparseTopKCategoricalAccuracy
from .accuracy import TopKCategoricalAccuracy as TopKCategoricalAccuracy
from .accuracy import binary_accuracy as binary_accuracy
from .accuracy import categorical_accuracy as categorical_accuracy
from .accuracy import sparse_categorical_accuracy as sparse_categorical_accuracy
from .accuracy import sparse_top_k_categorical_accuracy as sparse_top_k_categorical_accuracy
from .accuracy import top_k_categorical_accuracy as top_k_categorical_accuracy
from .auc import AUC as AUC
from .confusion import FalseNegatives as FalseNegatives
from .confusion import FalsePositives as FalsePositives
from .confusion import Precision as Precision
from .confusion import Recall as Recall
from .confusion import TrueNegatives as TrueNegatives
from .confusion import TruePositives as TruePositives
from .constrained import PrecisionAtRecall as PrecisionAtRecall
from .constrained import RecallAtPrecision as RecallAtPrecision
from .constrained import SensitivityAtSpecificity as SensitivityAtSpecificity
from .constrained import SpecificityAtSensitivity as SpecificityAtSensitivity
from .correlation import ConcordanceCorrelation as ConcordanceCorrelation
from .correlation import PearsonCorrelation as PearsonCorrelation
from .correlation import concordance_correlation as concordance_correlation
from .correlation import pearson_correlation as pearson_correlation
from .errors import BinaryCrossentropy as BinaryCrossentropy
from .errors import CategoricalCrossentropy as CategoricalCrossentropy
from .errors import CategoricalHinge as CategoricalHinge
from .errors import CosineSimilarity as CosineSimilarity
from .errors import Hinge as Hinge
from .errors import KLDivergence as KLDivergence
from .errors import LogCoshError as LogCoshError
from .errors import MeanAbsoluteError as MeanAbsoluteError
from .errors import MeanAbsolutePercentageError as MeanAbsolutePercentageError
from .errors import MeanSquaredError as MeanSquaredError
from .errors import MeanSquaredLogarithmicError as MeanSquaredLogarithmicError
from .errors import Poisson as Poisson
from .errors import RootMeanSquaredError as RootMeanSquaredError
from .errors import SparseCategoricalCrossentropy as SparseCategoricalCrossentropy
from .errors import SquaredHinge as SquaredHinge
from .iou import BinaryIoU as BinaryIoU
from .iou import IoU as IoU
from .iou import MeanIoU as MeanIoU
from .iou import OneHotIoU as OneHotIoU
from .iou import OneHotMeanIoU as OneHotMeanIoU
from .metric import Metric as Metric
from .reduction import Mean as Mean
from .reduction import MeanMetricWrapper as MeanMetricWrapper
from .reduction import Sum as Sum
from .scores import F1Score as F1Score
from .scores import FBetaScore as FBetaScore
from .scores import R2Score as R2Score

get = METRICS.get
serialize = METRICS.serialize
deserialize = METRICS.deserialize

if not TYPE_CHECKING:
    from .._base.missing import attributes_missing_from

    __getattr__ = attributes_missing_from(__name__)
