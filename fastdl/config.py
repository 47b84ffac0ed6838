"""Keras's module of settings: the dtype policy, tracebacks, and the settings of `backend`."""

from ._base.dtype_policy import dtype_policy, set_dtype_policy
from ._base.tracebacks import (
    disable_traceback_filtering,
    enable_traceback_filtering,
    is_traceback_filtering_enabled,
)
from .backend import backend, epsilon, floatx, image_data_format, set_floatx

__all__ = [
    "backend",
    "disable_traceback_filtering",
    "dtype_policy",
    "enable_traceback_filtering",
    "epsilon",
    "floatx",
    "image_data_format",
    "is_traceback_filtering_enabled",
    "set_dtype_policy",
    "set_floatx",
]
