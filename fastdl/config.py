"""Keras's name for the settings: the policy of precision, and those of `backend`."""

from ._base.dtype_policy import dtype_policy, set_dtype_policy
from .backend import backend, epsilon, floatx, image_data_format, set_floatx

__all__ = [
    "backend",
    "dtype_policy",
    "epsilon",
    "floatx",
    "image_data_format",
    "set_dtype_policy",
    "set_floatx",
]
