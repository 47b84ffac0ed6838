"""Dropout."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from .._base.checks import check_flag
from . import functional
from ._calls import OfTensor

if TYPE_CHECKING:
    from .._core import Tensor, TensorLike


class Dropout(OfTensor):
    """Sets values to 0 with probability `p` and multiplies the others by 1 / (1 - p).

    In evaluation mode it returns its input (Srivastava et al. 2014).

    Raises:
        ValueError: p isn't in [0, 1].

    Example:
        >>> nn.Dropout(0.5).eval()(fastdl.ones(2)).tolist()
        [1.0, 1.0]
    """

    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        super().__init__()
        functional.check_probability(p, "Dropout")
        self.p = p
        self.inplace = check_flag("Dropout", "inplace", inplace)

    def forward(self, input: TensorLike) -> Tensor:
        return functional.dropout(input, self.p, self.training, self.inplace)

    def extra_repr(self) -> str:
        return f"p={self.p}, inplace={self.inplace}"


class _ChannelDropout(OfTensor):
    """Sets whole channels of a sample to 0 with probability `p`, others times 1 / (1 - p).

    In evaluation mode it returns its input (Tompson et al. 2015).

    Args:
        p: probability in [0, 1].
        inplace: whether to write the result into the input, see `nn.functional.relu`.

    Raises:
        ValueError: p isn't in [0, 1]. From a call, if the input has other axes.
    """

    _rank: ClassVar[int]

    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        super().__init__()
        functional.check_probability(p, type(self).__name__)
        self.p = p
        self.inplace = check_flag(type(self).__name__, "inplace", inplace)

    def forward(self, input: TensorLike) -> Tensor:
        return functional.drop_channels(
            type(self).__name__, self._rank, input, self.p, self.training, self.inplace
        )

    def extra_repr(self) -> str:
        return f"p={self.p}, inplace={self.inplace}"


class Dropout1d(_ChannelDropout):
    __doc__ = f"""{_ChannelDropout.__doc__}
    The input is (N, C, L) or (C, L).

    Source: `torch.nn.Dropout1d`.

    Example:
        >>> nn.Dropout1d(0.5).eval()(fastdl.ones(1, 2, 1)).tolist()
        [[[1.0], [1.0]]]
    """
    _rank = 1


class Dropout2d(_ChannelDropout):
    __doc__ = f"""{_ChannelDropout.__doc__}
    The input is (N, C, H, W), or (N, C, L) as in PyTorch. Others of at least two axes, (N, C, ...),
    are taken with a warning.

    Source: `torch.nn.Dropout2d`.

    Example:
        >>> nn.Dropout2d(0.5).eval()(fastdl.ones(1, 2, 1, 1)).shape
        (1, 2, 1, 1)
    """
    _rank = 2


class Dropout3d(_ChannelDropout):
    __doc__ = f"""{_ChannelDropout.__doc__}
    The input is (N, C, D, H, W) or (C, D, H, W).

    Source: `torch.nn.Dropout3d`.

    Example:
        >>> nn.Dropout3d(0.5).eval()(fastdl.ones(1, 2, 1, 1, 1)).shape
        (1, 2, 1, 1, 1)
    """
    _rank = 3


class AlphaDropout(OfTensor):
    """Dropout that keeps mean and deviation, for networks with `SELU`.

    In training, values are set with probability `p` to what `selu` takes far below 0. Then all are
    scaled and shifted.

    Args:
        p: probability in [0, 1].
        inplace: whether to write the result into the input, see `nn.functional.relu`.

    Raises:
        ValueError: p isn't in [0, 1].

    Source: Klambauer et al. 2017; `torch.nn.AlphaDropout`.

    Example:
        >>> nn.AlphaDropout(0.5).eval()(fastdl.ones(2)).tolist()
        [1.0, 1.0]
    """

    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        super().__init__()
        functional.check_probability(p, type(self).__name__)
        self.p = p
        self.inplace = check_flag(type(self).__name__, "inplace", inplace)

    def forward(self, input: TensorLike) -> Tensor:
        return functional.alpha_dropout(input, self.p, self.training, self.inplace)

    def extra_repr(self) -> str:
        return f"p={self.p}, inplace={self.inplace}"


class FeatureAlphaDropout(AlphaDropout):
    """`AlphaDropout` of whole channels of (N, C, ...).

    Args:
        p: probability in [0, 1].
        inplace: whether to write the result into the input, see `nn.functional.relu`.

    Source: `torch.nn.FeatureAlphaDropout`.

    Example:
        >>> nn.FeatureAlphaDropout(0.5).eval()(fastdl.ones(1, 2)).tolist()
        [[1.0, 1.0]]
    """

    def forward(self, input: TensorLike) -> Tensor:
        return functional.feature_alpha_dropout(input, self.p, self.training, self.inplace)
