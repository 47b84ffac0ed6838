"""`torch.nn.modules`: the modules of `nn`, and `module` with the hooks of all modules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import module as module
from .module import Module as Module

if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        from ... import nn

        if name.startswith("_") or not hasattr(nn, name):
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(nn, name)
