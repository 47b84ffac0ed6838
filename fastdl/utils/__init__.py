"""Small helpers around training: labels, seeds, named objects; finders of rate and batch size.

`utils.data` is `fastdl.data`.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from .._base.dtype_policy import set_dtype_policy
from .._base.random import manual_seed
from .._base.registry import (
    CustomObjectScope,
    custom_object_scope,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
    reset_names,
)
from .._core import Tensor, as_tensor
from .batches import pack_x_y_sample_weight, unpack_x_y_sample_weight
from .py_dataset import PyDataset as PyDataset

if TYPE_CHECKING:
    from .._base.promotion import standardize_dtype as standardize_dtype
    from .._base.settings import disable_interactive_logging as disable_interactive_logging
    from .._base.settings import enable_interactive_logging as enable_interactive_logging
    from .._base.settings import is_interactive_logging_enabled as is_interactive_logging_enabled
    from .._core import TensorLike
    from .._finders.batch_size import BatchSizeTest, find_batch_size
    from .._finders.learning_rate import LearningRateTest, find_learning_rate
    from .._graph.graph import get_source_inputs as get_source_inputs
    from .._graph.symbolic import is_keras_tensor as is_keras_tensor
    from . import benchmark as benchmark
    from . import bounding_boxes as bounding_boxes
    from . import checkpoint as checkpoint
    from . import plots as plots
    from .audio_dataset import audio_dataset_from_directory as audio_dataset_from_directory
    from .bucketed import bucketed_dataset as bucketed_dataset
    from .config import Config as Config
    from .downloads import get_file as get_file
    from .drawing import model_to_dot as model_to_dot
    from .drawing import model_to_text as model_to_text
    from .drawing import plot_model as plot_model
    from .explain import grad_cam as grad_cam
    from .explain import plot_filters as plot_filters
    from .explain import plot_grad_cam as plot_grad_cam
    from .feature_space import FeatureSpace as FeatureSpace
    from .generation import generate as generate
    from .image_dataset import image_dataset_from_directory as image_dataset_from_directory
    from .pictures import array_to_img as array_to_img
    from .pictures import img_to_array as img_to_array
    from .pictures import load_img as load_img
    from .pictures import save_img as save_img
    from .plots import plot_activations as plot_activations
    from .plots import plot_calibration as plot_calibration
    from .plots import plot_confusion_matrix as plot_confusion_matrix
    from .plots import plot_history as plot_history
    from .plots import plot_weights as plot_weights
    from .progbar import Progbar as Progbar
    from .reports import calibration_curve as calibration_curve
    from .reports import classification_report as classification_report
    from .reports import confusion_matrix as confusion_matrix
    from .splits import k_fold as k_fold
    from .splits import split_dataset as split_dataset
    from .text_dataset import text_dataset_from_directory as text_dataset_from_directory
    from .time_series import pad_sequences as pad_sequences
    from .time_series import timeseries_dataset_from_array as timeseries_dataset_from_array
    from .tokenizer import Tokenizer as Tokenizer
    from .tokenizer import train_tokenizer as train_tokenizer


@overload
def to_categorical(  # type: ignore[overload-overlap]
    x: Tensor, num_classes: int | None = None
) -> Tensor: ...
@overload
def to_categorical(x: TensorLike, num_classes: int | None = None) -> np.ndarray: ...
def to_categorical(x: TensorLike, num_classes: int | None = None) -> np.ndarray | Tensor:
    """Class numbers as rows with a 1.0 at the class and 0.0 elsewhere.

    Args:
        x: integers of any shape; a last axis of size 1 is dropped.
        num_classes: the number of classes; the largest number plus one unless given.

    Returns:
        A float64 array of shape `x.shape + (num_classes,)`, like Keras's; for a tensor one of
        float32.

    Raises:
        ValueError: a number outside `[0, num_classes)`, numbers with fractions, or no numbers.
        TypeError: `x` isn't numeric.

    Example:
        >>> utils.to_categorical([0, 2]).tolist()
        [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]
    """
    given = np.asarray(x)
    if given.dtype.kind not in "iufb":
        raise TypeError(f"to_categorical: expected integers, got an array of type {given.dtype}")
    if given.dtype.kind == "f" and not np.array_equal(given, np.floor(given)):
        raise ValueError("to_categorical: expected whole numbers, got fractions or NaN")
    labels = given.astype(np.int64)
    if labels.ndim > 1 and labels.shape[-1] == 1:
        labels = labels[..., 0]
    if labels.size == 0 and num_classes is None:
        raise ValueError("to_categorical: expected num_classes, since there are no labels")
    classes = int(labels.max()) + 1 if num_classes is None else int(num_classes)
    if labels.size and (labels.min() < 0 or labels.max() >= classes):
        wrong = labels.min() if labels.min() < 0 else labels.max()
        raise ValueError(f"to_categorical: label {wrong} is not in [0, {classes})")
    rows = np.zeros((labels.size, classes))
    rows[np.arange(labels.size), labels.ravel()] = 1.0
    found = rows.reshape(*labels.shape, classes)
    return as_tensor(found) if isinstance(x, Tensor) else found


@overload
def normalize(  # type: ignore[overload-overlap]
    x: Tensor, axis: int = -1, order: int = 2
) -> Tensor: ...
@overload
def normalize(x: TensorLike, axis: int = -1, order: int = 2) -> np.ndarray: ...
def normalize(x: TensorLike, axis: int = -1, order: int = 2) -> np.ndarray | Tensor:
    """An array divided by its norm of the given order along `axis`; zero vectors stay zero.

    The result is a tensor if x is one.

    Example:
        >>> utils.normalize(np.array([[3.0, 4.0]])).tolist()
        [[0.6, 0.8]]
    """
    if isinstance(x, Tensor):
        from ..ops import norm, where

        length = norm(x, order, axis, keepdims=True)
        return x / where(length == 0, 1.0, length)
    values = np.asarray(x)
    norms = np.atleast_1d(np.linalg.norm(values, order, axis))
    norms[norms == 0] = 1
    return values / np.expand_dims(norms, axis)


def set_random_seed(seed: int) -> None:
    """Seeds the random streams of Python, NumPy and this library.

    Raises:
        ValueError: `seed` is no integer from 0 to 2^32 - 1.
    """
    if not isinstance(seed, (int, np.integer)) or not 0 <= seed < 2**32:
        raise ValueError(f"set_random_seed: expected an integer from 0 to 2**32 - 1, got {seed!r}")
    random.seed(int(seed))
    np.random.seed(int(seed))  # noqa: NPY002  (the global stream is what user code draws from)
    manual_seed(int(seed))


def clear_session(free_memory: bool = True) -> None:
    """Resets the dtype policy and the counters of names: the next Dense is `dense` again.

    Args:
        free_memory: no effect: memory that nothing uses is freed at once.
    """
    reset_names()
    set_dtype_policy("float32")


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name in (
        "benchmark",
        "bounding_boxes",
        "checkpoint",
        "data",
        "plots",
        "tensorboard",
    ):  # `data` is the name under which PyTorch users know fastdl.data
        return import_module(f"{__name__}.{name}")
    if name in _HOME:
        return getattr(import_module(_HOME[name], __name__), name)
    from .._base.missing import missing

    raise missing(__name__, name)


Sequence = PyDataset  # its name in tf.keras

# Where names live that are loaded on first use. Some of the modules use models, which use this one.
_HOMES = {
    ".audio_dataset": "audio_dataset_from_directory",
    ".bucketed": "bucketed_dataset",
    ".config": "Config",
    ".downloads": "get_file",
    ".feature_space": "FeatureSpace",
    ".pictures": "array_to_img img_to_array load_img save_img",
    ".progbar": "Progbar",
    ".._base.promotion": "standardize_dtype",
    ".._base.settings": "disable_interactive_logging enable_interactive_logging "
    "is_interactive_logging_enabled",
    ".._graph.symbolic": "is_keras_tensor",
    ".._graph.graph": "get_source_inputs",
    ".explain": "grad_cam plot_filters plot_grad_cam",
    ".generation": "generate",
    ".image_dataset": "image_dataset_from_directory",
    ".drawing": "model_to_dot model_to_text plot_model",
    ".plots": "plot_activations plot_calibration plot_confusion_matrix plot_history plot_weights",
    ".reports": "calibration_curve classification_report confusion_matrix",
    ".splits": "k_fold split_dataset",
    ".text_dataset": "text_dataset_from_directory",
    ".tokenizer": "Tokenizer train_tokenizer",
    ".time_series": "pad_sequences timeseries_dataset_from_array",
    ".._finders.batch_size": "BatchSizeTest find_batch_size",
    ".._finders.learning_rate": "LearningRateTest find_learning_rate",
    "..saving.api": "deserialize_keras_object serialize_keras_object",
}
_HOME = {name: module for module, names in _HOMES.items() for name in names.split()}

__all__ = [
    "BatchSizeTest",
    "Config",
    "CustomObjectScope",
    "FeatureSpace",
    "LearningRateTest",
    "Progbar",
    "PyDataset",
    "Sequence",
    "Tokenizer",
    "array_to_img",
    "audio_dataset_from_directory",
    "bucketed_dataset",
    "calibration_curve",
    "classification_report",
    "clear_session",
    "confusion_matrix",
    "custom_object_scope",
    "disable_interactive_logging",
    "enable_interactive_logging",
    "find_batch_size",
    "find_learning_rate",
    "generate",
    "get_custom_objects",
    "get_file",
    "get_registered_name",
    "get_registered_object",
    "get_source_inputs",
    "grad_cam",
    "image_dataset_from_directory",
    "img_to_array",
    "is_interactive_logging_enabled",
    "is_keras_tensor",
    "k_fold",
    "load_img",
    "model_to_dot",
    "model_to_text",
    "normalize",
    "pack_x_y_sample_weight",
    "pad_sequences",
    "plot_activations",
    "plot_calibration",
    "plot_confusion_matrix",
    "plot_filters",
    "plot_grad_cam",
    "plot_history",
    "plot_model",
    "plot_weights",
    "register_keras_serializable",
    "save_img",
    "set_random_seed",
    "split_dataset",
    "standardize_dtype",
    "text_dataset_from_directory",
    "timeseries_dataset_from_array",
    "to_categorical",
    "train_tokenizer",
    "unpack_x_y_sample_weight",
]
