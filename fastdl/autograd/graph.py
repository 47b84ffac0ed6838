"""Names of `torch.autograd.graph`."""

from __future__ import annotations

from .._base.hooks import RemovableHandle as RemovableHandle
