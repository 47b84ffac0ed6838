"""What else could compute: questions and switches of PyTorch's programs, as in `torch.backends`."""

# ruff: noqa: I001 - one import per module, not per name
from typing import TYPE_CHECKING

from . import cuda as cuda, cudnn as cudnn, mkldnn as mkldnn, mps as mps

if not TYPE_CHECKING:
    from .._base.missing import attributes_missing_from

    __getattr__ = attributes_missing_from(__name__)
