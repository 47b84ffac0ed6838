"""Keras's older names for functions of `fastdl.utils`; `sequence` has `pad_sequences`."""

from typing import TYPE_CHECKING

from ..utils import (
    image_dataset_from_directory,
    text_dataset_from_directory,
    timeseries_dataset_from_array,
)
from . import sequence

__all__ = [
    "image_dataset_from_directory",
    "sequence",
    "text_dataset_from_directory",
    "timeseries_dataset_from_array",
]

if not TYPE_CHECKING:  # otherwise every name would be right
    from .._base.missing import attributes_missing_from

    __getattr__ = attributes_missing_from(__name__)
