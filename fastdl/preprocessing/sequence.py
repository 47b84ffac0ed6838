"""Functions of sequences."""

from typing import TYPE_CHECKING

from ..utils.time_series import pad_sequences

__all__ = ["pad_sequences"]

if not TYPE_CHECKING:
    from .._base.missing import attributes_missing_from

    __getattr__ = attributes_missing_from(__name__)
