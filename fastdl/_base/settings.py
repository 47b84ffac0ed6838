"""The settings of `keras.config` that programs may change.

They are attributes of a watched object, so that a step which was recorded with other settings is
recorded again.
"""

from __future__ import annotations

from .watch import Watched


class Settings(Watched):
    """Settings of the process."""

    def __init__(self) -> None:
        self.epsilon = 1e-7  # keeps divisions and logarithms finite
        self.data_format = "channels_last"  # of images, where a layer is not told
        self.max_epochs: int | None = None
        self.max_steps: int | None = None  # of an epoch
        self.flash_attention: bool | None = None  # whether it was asked for; each call is so
        self.interactive = True  # whether `verbose="auto"` shows a bar


settings = Settings()


def enable_interactive_logging() -> None:
    """`verbose="auto"` shows a progress bar, or a line for each epoch in a log file: the default.

    Example:
        >>> config.enable_interactive_logging()
        >>> config.is_interactive_logging_enabled()
        True
    """
    settings.interactive = True


def disable_interactive_logging() -> None:
    """`verbose="auto"` shows one line for each epoch, on a terminal, too.

    Source: `keras.config.disable_interactive_logging` of Keras 3.

    Example:
        >>> config.disable_interactive_logging()
        >>> config.is_interactive_logging_enabled()
        False
        >>> config.enable_interactive_logging()
    """
    settings.interactive = False


def is_interactive_logging_enabled() -> bool:
    """Whether `verbose="auto"` shows a progress bar.

    Example:
        >>> config.is_interactive_logging_enabled()
        True
    """
    return settings.interactive
