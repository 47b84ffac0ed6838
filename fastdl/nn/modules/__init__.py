"""`torch.nn.modules`: the modules of `nn`, and `module` with the hooks of all modules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import module as module
from .module import Module as Module

if not TYPE_CHECKING:
    # PyTorch's files of modules. All modules are in `nn`, so that stands for each of them.
    _FILES = frozenset(
        "activation adaptive batchnorm channelshuffle container conv distance dropout flatten fold "
        "instancenorm lazy linear loss normalization padding pixelshuffle pooling rnn sparse "
        "transformer upsampling".split()
    )

    def __getattr__(name: str) -> Any:
        from ... import nn

        if name in _FILES:
            return nn
        if name.startswith("_") or not hasattr(nn, name):
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(nn, name)
