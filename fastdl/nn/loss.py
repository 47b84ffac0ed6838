"""Losses as modules. Formulas, arguments and errors are those of `nn.functional`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import _core
from .._base.checks import check_choice, check_fraction, check_integer, check_number, prefixed
from . import _losses
from ._calls import OfPair

if TYPE_CHECKING:
    from .._core import Tensor, TensorLike


class _Loss(OfPair):
    def __init__(self, reduction: str = "mean") -> None:
        super().__init__()
        self.reduction = check_choice(
            type(self).__name__, "reduction", reduction, ("mean", "sum", "none")
        )


class MSELoss(_Loss):
    """The squared error, see `functional.mse_loss`.

    Example:
        >>> nn.MSELoss()(fastdl.zeros(2), fastdl.ones(2)).item()
        1.0
    """

    def forward(self, input: TensorLike, target: TensorLike) -> Tensor:
        return _losses.mse_loss(input, target, self.reduction)


class L1Loss(_Loss):
    """The absolute error, see `functional.l1_loss`."""

    def forward(self, input: TensorLike, target: TensorLike) -> Tensor:
        return _losses.l1_loss(input, target, self.reduction)


class HuberLoss(_Loss):
    """Squared error up to `delta`, absolute beyond, see `functional.huber_loss`."""

    def __init__(self, reduction: str = "mean", delta: float = 1.0) -> None:
        super().__init__(reduction)
        self.delta = check_number("HuberLoss", "delta", delta, above=0.0, infinite=True)

    def forward(self, input: TensorLike, target: TensorLike) -> Tensor:
        return _losses.huber_loss(input, target, self.reduction, self.delta)


class SmoothL1Loss(_Loss):
    """Huber's loss divided by `beta`, see `functional.smooth_l1_loss`."""

    def __init__(self, reduction: str = "mean", beta: float = 1.0) -> None:
        super().__init__(reduction)
        self.beta = check_number("SmoothL1Loss", "beta", beta)

    def forward(self, input: TensorLike, target: TensorLike) -> Tensor:
        return _losses.smooth_l1_loss(input, target, self.reduction, self.beta)


class _WeightedLoss(_Loss):
    """A loss whose weights are a buffer, so the state of a model with this loss includes them."""

    weight: Tensor | None

    def __init__(self, weight: TensorLike | None, reduction: str) -> None:
        super().__init__(reduction)
        self._keep("weight", weight)

    def _keep(self, name: str, weight: TensorLike | None) -> None:
        try:
            self.register_buffer(name, None if weight is None else _core.as_tensor(weight))
        except (TypeError, ValueError) as error:
            raise prefixed(f"{type(self).__name__}: {name}", error) from None


class CrossEntropyLoss(_WeightedLoss):
    """Softmax and cross-entropy of logits, see `functional.cross_entropy`.

    Example:
        >>> nn.CrossEntropyLoss()(fastdl.zeros(3, 2), fastdl.tensor([0, 1, 1])).item()
        0.6931471824645996
    """

    def __init__(
        self,
        weight: TensorLike | None = None,
        ignore_index: int = -100,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(weight, reduction)
        self.ignore_index = check_integer("CrossEntropyLoss", "ignore_index", ignore_index)
        self.label_smoothing = check_fraction(
            "CrossEntropyLoss", "label_smoothing", label_smoothing
        )

    def forward(self, input: TensorLike, target: TensorLike) -> Tensor:
        return _losses.cross_entropy(
            input, target, self.weight, self.ignore_index, self.reduction, self.label_smoothing
        )


class NLLLoss(_WeightedLoss):
    """Negative log-likelihood of log-probabilities, see `functional.nll_loss`."""

    def __init__(
        self, weight: TensorLike | None = None, ignore_index: int = -100, reduction: str = "mean"
    ) -> None:
        super().__init__(weight, reduction)
        self.ignore_index = check_integer("NLLLoss", "ignore_index", ignore_index)

    def forward(self, input: TensorLike, target: TensorLike) -> Tensor:
        return _losses.nll_loss(input, target, self.weight, self.ignore_index, self.reduction)


class BCELoss(_WeightedLoss):
    """Cross-entropy of probabilities, see `functional.binary_cross_entropy`."""

    def __init__(self, weight: TensorLike | None = None, reduction: str = "mean") -> None:
        super().__init__(weight, reduction)

    def forward(self, input: TensorLike, target: TensorLike) -> Tensor:
        return _losses.binary_cross_entropy(input, target, self.weight, self.reduction)


class BCEWithLogitsLoss(_WeightedLoss):
    """Sigmoid and cross-entropy, see `functional.binary_cross_entropy_with_logits`."""

    pos_weight: Tensor | None

    def __init__(
        self,
        weight: TensorLike | None = None,
        reduction: str = "mean",
        pos_weight: TensorLike | None = None,
    ) -> None:
        super().__init__(weight, reduction)
        self._keep("pos_weight", pos_weight)

    def forward(self, input: TensorLike, target: TensorLike) -> Tensor:
        return _losses.binary_cross_entropy_with_logits(
            input, target, self.weight, self.reduction, self.pos_weight
        )
