"""Losses as modules. Formulas, arguments and errors are those of `nn.functional`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import _core
from .._base.checks import (
    check_callable,
    check_choice,
    check_flag,
    check_fraction,
    check_integer,
    check_number,
    prefixed,
)
from .._base.module import Module
from . import _ctc, _likelihood_losses, _losses, _margin_losses
from ._calls import OfPair
from ._losses import older_reduction

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .._core import Tensor, TensorLike


class _Reduced(Module):
    _reductions: tuple[str, ...] = ("mean", "sum", "none")

    def __init__(
        self,
        reduction: str = "mean",
        *,
        size_average: bool | None = None,
        reduce: bool | None = None,
    ) -> None:
        reduction = older_reduction(type(self).__name__, size_average, reduce, reduction)
        super().__init__()
        self.reduction = check_choice(type(self).__name__, "reduction", reduction, self._reductions)


class _Loss(_Reduced, OfPair):
    """A loss of an input and a target."""


class _PairLoss(_Reduced):
    """A loss of two inputs and a target, with a margin."""

    def __init__(self, margin: float, reduction: str) -> None:
        super().__init__(reduction)
        self.margin = _margin_losses.check_margin(type(self).__name__, margin)

    if TYPE_CHECKING:

        def __call__(
            self, input1: TensorLike, input2: TensorLike, target: TensorLike
        ) -> Tensor: ...


class _TripletLoss(_Reduced):
    """A loss of an anchor, a positive and a negative."""

    def __init__(self, margin: float, swap: bool, reduction: str) -> None:
        super().__init__(reduction)
        who = type(self).__name__
        self.margin = check_number(who, "margin", margin, above=0.0)
        self.swap = check_flag(who, "swap", swap)

    if TYPE_CHECKING:

        def __call__(
            self, anchor: TensorLike, positive: TensorLike, negative: TensorLike
        ) -> Tensor: ...


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

    def __init__(
        self,
        reduction: str = "mean",
        beta: float = 1.0,
        *,
        size_average: bool | None = None,
        reduce: bool | None = None,
    ) -> None:
        reduction = older_reduction(type(self).__name__, size_average, reduce, reduction)
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
        *,
        size_average: bool | None = None,
        reduce: bool | None = None,
    ) -> None:
        reduction = older_reduction(type(self).__name__, size_average, reduce, reduction)
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
        self,
        weight: TensorLike | None = None,
        ignore_index: int = -100,
        reduction: str = "mean",
        *,
        size_average: bool | None = None,
        reduce: bool | None = None,
    ) -> None:
        reduction = older_reduction(type(self).__name__, size_average, reduce, reduction)
        super().__init__(weight, reduction)
        self.ignore_index = check_integer(type(self).__name__, "ignore_index", ignore_index)

    def forward(self, input: TensorLike, target: TensorLike) -> Tensor:
        return _losses.nll_loss(input, target, self.weight, self.ignore_index, self.reduction)


class NLLLoss2d(NLLLoss):
    """`NLLLoss`, by its former name for images."""


class BCELoss(_WeightedLoss):
    """Cross-entropy of probabilities, see `functional.binary_cross_entropy`."""

    def __init__(
        self,
        weight: TensorLike | None = None,
        reduction: str = "mean",
        *,
        size_average: bool | None = None,
        reduce: bool | None = None,
    ) -> None:
        reduction = older_reduction(type(self).__name__, size_average, reduce, reduction)
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
        *,
        size_average: bool | None = None,
        reduce: bool | None = None,
    ) -> None:
        reduction = older_reduction(type(self).__name__, size_average, reduce, reduction)
        super().__init__(weight, reduction)
        self._keep("pos_weight", pos_weight)

    def forward(self, input: TensorLike, target: TensorLike) -> Tensor:
        return _losses.binary_cross_entropy_with_logits(
            input, target, self.weight, self.reduction, self.pos_weight
        )


# --- distributions


class KLDivLoss(_Loss):
    """The Kullback-Leibler divergence of logarithms of probabilities, see `functional.kl_div`.

    `reduction` may also be "batchmean".

    Example:
        >>> loss = nn.KLDivLoss(reduction="batchmean")
        >>> loss(fastdl.tensor([[-1.0, -1.0]]), fastdl.tensor([[0.5, 0.5]])).item()
        0.3068528175354004
    """

    _reductions = ("mean", "batchmean", "sum", "none")

    def __init__(
        self,
        reduction: str = "mean",
        log_target: bool = False,
        *,
        size_average: bool | None = None,
        reduce: bool | None = None,
    ) -> None:
        reduction = older_reduction(type(self).__name__, size_average, reduce, reduction)
        super().__init__(reduction)
        self.log_target = check_flag("KLDivLoss", "log_target", log_target)

    def forward(self, input: TensorLike, target: TensorLike) -> Tensor:
        return _likelihood_losses.kl_div(input, target, self.reduction, self.log_target)


class PoissonNLLLoss(_Loss):
    """The negative log-likelihood of counts, see `functional.poisson_nll_loss`."""

    def __init__(
        self,
        log_input: bool = True,
        full: bool = False,
        eps: float = 1e-8,
        reduction: str = "mean",
        *,
        size_average: bool | None = None,
        reduce: bool | None = None,
    ) -> None:
        reduction = older_reduction(type(self).__name__, size_average, reduce, reduction)
        super().__init__(reduction)
        self.log_input = check_flag("PoissonNLLLoss", "log_input", log_input)
        self.full = check_flag("PoissonNLLLoss", "full", full)
        self.eps = check_number("PoissonNLLLoss", "eps", eps)

    def forward(self, input: TensorLike, target: TensorLike) -> Tensor:
        return _likelihood_losses.poisson_nll_loss(
            input, target, self.log_input, self.full, self.eps, self.reduction
        )


class GaussianNLLLoss(_Reduced):
    """The negative log-likelihood of a normal distribution, see `functional.gaussian_nll_loss`.

    It is called as `loss(input, target, var)`.

    Example:
        >>> nn.GaussianNLLLoss()(fastdl.zeros(2), fastdl.ones(2), fastdl.ones(2)).item()
        0.5
    """

    def __init__(self, *, full: bool = False, eps: float = 1e-6, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.full = check_flag("GaussianNLLLoss", "full", full)
        self.eps = check_number("GaussianNLLLoss", "eps", eps, above=0.0)

    if TYPE_CHECKING:

        def __call__(self, input: TensorLike, target: TensorLike, var: TensorLike) -> Tensor: ...

    def forward(self, input: TensorLike, target: TensorLike, var: TensorLike) -> Tensor:
        return _likelihood_losses.gaussian_nll_loss(
            input, target, var, self.full, self.eps, self.reduction
        )


class CTCLoss(_Reduced):
    """Labels whose alignment with the inputs is unknown, see `functional.ctc_loss`.

    It is called as `loss(log_probs, targets, input_lengths, target_lengths)`.

    Example:
        >>> even = fastdl.full((2, 1, 2), -0.6931472)
        >>> round(nn.CTCLoss()(even, [[1]], [2], [1]).item(), 4)
        0.2877
    """

    def __init__(
        self, blank: int = 0, reduction: str = "mean", zero_infinity: bool = False
    ) -> None:
        super().__init__(reduction)
        self.blank = check_integer("CTCLoss", "blank", blank, 0)
        self.zero_infinity = check_flag("CTCLoss", "zero_infinity", zero_infinity)

    if TYPE_CHECKING:

        def __call__(
            self,
            log_probs: TensorLike,
            targets: TensorLike,
            input_lengths: TensorLike | Sequence[int],
            target_lengths: TensorLike | Sequence[int],
        ) -> Tensor: ...

    def forward(
        self,
        log_probs: TensorLike,
        targets: TensorLike,
        input_lengths: TensorLike | Sequence[int],
        target_lengths: TensorLike | Sequence[int],
    ) -> Tensor:
        return _ctc.ctc_loss(
            log_probs,
            targets,
            input_lengths,
            target_lengths,
            self.blank,
            self.reduction,
            self.zero_infinity,
        )


# --- pairs and triplets


class CosineEmbeddingLoss(_PairLoss):
    """Angles between pairs of vectors, see `functional.cosine_embedding_loss`.

    It is called as `loss(input1, input2, target)`.
    """

    def __init__(
        self,
        margin: float = 0.0,
        reduction: str = "mean",
        *,
        size_average: bool | None = None,
        reduce: bool | None = None,
    ) -> None:
        reduction = older_reduction(type(self).__name__, size_average, reduce, reduction)
        super().__init__(margin, reduction)

    def forward(self, input1: TensorLike, input2: TensorLike, target: TensorLike) -> Tensor:
        return _margin_losses.cosine_embedding_loss(
            input1, input2, target, self.margin, self.reduction
        )


class MarginRankingLoss(_PairLoss):
    """Which of two scores is larger, see `functional.margin_ranking_loss`.

    It is called as `loss(input1, input2, target)`.
    """

    def __init__(
        self,
        margin: float = 0.0,
        reduction: str = "mean",
        *,
        size_average: bool | None = None,
        reduce: bool | None = None,
    ) -> None:
        reduction = older_reduction(type(self).__name__, size_average, reduce, reduction)
        super().__init__(margin, reduction)

    def forward(self, input1: TensorLike, input2: TensorLike, target: TensorLike) -> Tensor:
        return _margin_losses.margin_ranking_loss(
            input1, input2, target, self.margin, self.reduction
        )


class HingeEmbeddingLoss(_Loss):
    """Distances of pairs that are alike or not, see `functional.hinge_embedding_loss`."""

    def __init__(
        self,
        margin: float = 1.0,
        reduction: str = "mean",
        *,
        size_average: bool | None = None,
        reduce: bool | None = None,
    ) -> None:
        reduction = older_reduction(type(self).__name__, size_average, reduce, reduction)
        super().__init__(reduction)
        self.margin = _margin_losses.check_margin("HingeEmbeddingLoss", margin)

    def forward(self, input: TensorLike, target: TensorLike) -> Tensor:
        return _margin_losses.hinge_embedding_loss(input, target, self.margin, self.reduction)


class TripletMarginLoss(_TripletLoss):
    """An anchor nearer to a positive than to a negative, see `functional.triplet_margin_loss`.

    It is called as `loss(anchor, positive, negative)`.

    Example:
        >>> anchor, positive, negative = fastdl.zeros(1, 2), fastdl.ones(1, 2), fastdl.ones(1, 2)
        >>> round(nn.TripletMarginLoss()(anchor, positive, negative).item(), 4)
        1.0
    """

    def __init__(
        self,
        margin: float = 1.0,
        p: float = 2.0,
        eps: float = 1e-6,
        swap: bool = False,
        reduction: str = "mean",
        *,
        size_average: bool | None = None,
        reduce: bool | None = None,
    ) -> None:
        reduction = older_reduction(type(self).__name__, size_average, reduce, reduction)
        super().__init__(margin, swap, reduction)
        self.p = check_number("TripletMarginLoss", "p", p, infinite=True)
        self.eps = check_number("TripletMarginLoss", "eps", eps)

    def forward(self, anchor: TensorLike, positive: TensorLike, negative: TensorLike) -> Tensor:
        return _margin_losses.triplet_margin_loss(
            anchor,
            positive,
            negative,
            self.margin,
            self.p,
            self.eps,
            self.swap,
            self.reduction,
        )


class TripletMarginWithDistanceLoss(_TripletLoss):
    """Triplets with a distance of one's own, see `functional.triplet_margin_with_distance_loss`.

    It is called as `loss(anchor, positive, negative)`.
    """

    def __init__(
        self,
        *,
        distance_function: Callable[[Tensor, Tensor], Tensor] | None = None,
        margin: float = 1.0,
        swap: bool = False,
        reduction: str = "mean",
    ) -> None:
        super().__init__(margin, swap, reduction)
        if distance_function is not None:
            check_callable(type(self).__name__, "distance_function", distance_function)
        self.distance_function = distance_function

    def forward(self, anchor: TensorLike, positive: TensorLike, negative: TensorLike) -> Tensor:
        return _margin_losses.triplet_margin_with_distance_loss(
            anchor,
            positive,
            negative,
            distance_function=self.distance_function,
            margin=self.margin,
            swap=self.swap,
            reduction=self.reduction,
        )


# --- labels


class SoftMarginLoss(_Loss):
    """Targets of 1 and -1, see `functional.soft_margin_loss`."""

    def forward(self, input: TensorLike, target: TensorLike) -> Tensor:
        return _margin_losses.soft_margin_loss(input, target, self.reduction)


class MultiMarginLoss(_WeightedLoss):
    """The target's score against those of the others, see `functional.multi_margin_loss`."""

    def __init__(
        self,
        p: int = 1,
        margin: float = 1.0,
        weight: TensorLike | None = None,
        reduction: str = "mean",
        *,
        size_average: bool | None = None,
        reduce: bool | None = None,
    ) -> None:
        reduction = older_reduction(type(self).__name__, size_average, reduce, reduction)
        super().__init__(weight, reduction)
        self.p = _margin_losses.check_power("MultiMarginLoss", p)
        self.margin = _margin_losses.check_margin("MultiMarginLoss", margin)

    def forward(self, input: TensorLike, target: TensorLike) -> Tensor:
        return _margin_losses.multi_margin_loss(
            input, target, self.p, self.margin, self.weight, self.reduction
        )


class MultiLabelMarginLoss(_Loss):
    """Scores of several target classes, see `functional.multilabel_margin_loss`."""

    def forward(self, input: TensorLike, target: TensorLike) -> Tensor:
        return _margin_losses.multilabel_margin_loss(input, target, self.reduction)


class MultiLabelSoftMarginLoss(_WeightedLoss):
    """Yes-or-no targets of each class, see `functional.multilabel_soft_margin_loss`."""

    def __init__(
        self,
        weight: TensorLike | None = None,
        reduction: str = "mean",
        *,
        size_average: bool | None = None,
        reduce: bool | None = None,
    ) -> None:
        reduction = older_reduction(type(self).__name__, size_average, reduce, reduction)
        super().__init__(weight, reduction)

    def forward(self, input: TensorLike, target: TensorLike) -> Tensor:
        return _margin_losses.multilabel_soft_margin_loss(
            input, target, self.weight, self.reduction
        )
