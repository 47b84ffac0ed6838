"""Keras's module of settings: the dtype policy, tracebacks, limits, and those of `backend`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._base.checks import check_count, shown
from ._base.dtype_policy import dtype_policy, set_dtype_policy
from ._base.settings import (
    disable_interactive_logging,
    enable_interactive_logging,
    is_interactive_logging_enabled,
    settings,
)
from ._base.tracebacks import (
    disable_traceback_filtering,
    enable_traceback_filtering,
    is_traceback_filtering_enabled,
)
from .backend import (
    backend,
    epsilon,
    floatx,
    image_data_format,
    set_epsilon,
    set_floatx,
    set_image_data_format,
)


def set_backend(backend: str) -> None:
    """Accepts "fastdl", the only backend; ValueError for others.

    Example:
        >>> config.set_backend("fastdl")
    """
    if backend != "fastdl":
        raise ValueError(f"set_backend: expected 'fastdl', the only backend, got {shown(backend)}")


def max_epochs() -> int | None:
    """The most epochs that a `fit` runs, None without a limit.

    Example:
        >>> config.max_epochs() is None
        True
    """
    return settings.max_epochs


def set_max_epochs(max_epochs: int | None) -> None:
    """Limits the epochs of each `fit`, to try a program out; None ends that.

    Raises:
        ValueError: it is below 1.

    Source: `keras.config.set_max_epochs` of Keras 3.

    Example:
        >>> config.set_max_epochs(2)
        >>> config.max_epochs()
        2
        >>> config.set_max_epochs(None)
    """
    settings.max_epochs = check_count("set_max_epochs", "max_epochs", max_epochs, 1)


def max_steps_per_epoch() -> int | None:
    """The most steps of an epoch of `fit`, and of `evaluate` and `predict`; None without a limit.

    Example:
        >>> config.max_steps_per_epoch() is None
        True
    """
    return settings.max_steps


def set_max_steps_per_epoch(max_steps_per_epoch: int | None) -> None:
    """Limits the steps of each epoch, and of `evaluate` and `predict`; None ends that.

    Raises:
        ValueError: it is below 1.

    Source: `keras.config.set_max_steps_per_epoch` of Keras 3.

    Example:
        >>> config.set_max_steps_per_epoch(100)
        >>> config.max_steps_per_epoch()
        100
        >>> config.set_max_steps_per_epoch(None)
    """
    settings.max_steps = check_count(
        "set_max_steps_per_epoch", "max_steps_per_epoch", max_steps_per_epoch, 1
    )


def enable_flash_attention() -> None:
    """Has layers of attention compute without a matrix of all weights, as they do in any case.

    A `MultiHeadAttention` that is made afterwards must have no dropout, as in Keras.

    Source: `keras.config.enable_flash_attention` of Keras 3.

    Example:
        >>> config.enable_flash_attention()
        >>> config.is_flash_attention_enabled()
        True
        >>> config.disable_flash_attention()
    """
    settings.flash_attention = True


def disable_flash_attention() -> None:
    """Ends what `enable_flash_attention` began; no result depends on it.

    Example:
        >>> config.disable_flash_attention()
        >>> config.is_flash_attention_enabled()
        False
    """
    settings.flash_attention = False


def is_flash_attention_enabled() -> bool | None:
    """Whether flash attention was enabled, or disabled; None if neither.

    Example:
        >>> config.is_flash_attention_enabled() in (None, True, False)
        True
    """
    return settings.flash_attention


def is_nnx_enabled() -> bool:
    """False: Flax's modules belong to JAX.

    Example:
        >>> config.is_nnx_enabled()
        False
    """
    return False


__all__ = [
    "backend",
    "disable_flash_attention",
    "disable_interactive_logging",
    "disable_traceback_filtering",
    "dtype_policy",
    "enable_flash_attention",
    "enable_interactive_logging",
    "enable_traceback_filtering",
    "epsilon",
    "floatx",
    "image_data_format",
    "is_flash_attention_enabled",
    "is_interactive_logging_enabled",
    "is_nnx_enabled",
    "is_traceback_filtering_enabled",
    "max_epochs",
    "max_steps_per_epoch",
    "set_backend",
    "set_dtype_policy",
    "set_epsilon",
    "set_floatx",
    "set_image_data_format",
    "set_max_epochs",
    "set_max_steps_per_epoch",
]

if not TYPE_CHECKING:
    from ._base.missing import attributes_missing_from

    __getattr__ = attributes_missing_from(__name__)
