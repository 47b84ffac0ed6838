"""The adaptive softmax, for many classes of which few are frequent."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from .. import _core
from .._base import functional as F
from .._base.checks import check_flag, check_integer, check_integers, check_number
from .._base.device import check_target
from .._base.module import Module
from .._core import ArgumentError, ShapeError
from .container import ModuleList, Sequential
from .linear import Linear

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import DTypeLike

    from .._base.device import Place
    from .._core import Tensor, TensorLike


class ASMoutput(NamedTuple):
    """What `AdaptiveLogSoftmaxWithLoss` returns."""

    output: Tensor
    loss: Tensor


class AdaptiveLogSoftmaxWithLoss(Module):
    """Softmax with the negative log-likelihood, fast for many classes (Grave et al. 2017).

    Classes are numbered by falling frequency. The first ones and the rarer clusters share the
    head; each cluster has a projection into fewer dimensions of its own, which is computed only
    for the samples whose target is in it. So a step of `fit` or `plan` runs eagerly.

    Args:
        in_features: size of the inputs.
        n_classes: how many classes there are.
        cutoffs: where clusters begin, rising; the first is the number of classes in the head.
        div_value: cluster i has `in_features / div_value ** (i + 1)` dimensions.
        head_bias: whether the head has a bias.
        device: "cpu" or None.
        dtype: float32 or None.

    Returns:
        A call gives `(output, loss)`: the log-probability of each target, and minus their mean.

    Raises:
        ValueError: cutoffs that don't rise or aren't below `n_classes`. From a call, if shapes
            don't fit.
        RuntimeError: from a call, a target that is no class.

    Source: `torch.nn.AdaptiveLogSoftmaxWithLoss`.

    Example:
        >>> layer = nn.AdaptiveLogSoftmaxWithLoss(8, 20, [4, 10])
        >>> output, loss = layer(fastdl.zeros(2, 8), fastdl.tensor([1, 15]))
        >>> output.shape, loss.shape
        ((2,), ())
    """

    def __init__(
        self,
        in_features: int,
        n_classes: int,
        cutoffs: Sequence[int],
        div_value: float = 4.0,
        head_bias: bool = False,
        device: Place | None = None,
        dtype: DTypeLike | None = None,
    ) -> None:
        super().__init__()
        who = type(self).__name__
        check_target(who, (), {"device": device, "dtype": dtype})
        self.in_features = check_integer(who, "in_features", in_features, 1)
        self.n_classes = check_integer(who, "n_classes", n_classes, 2)
        limits = check_integers(who, "cutoffs", cutoffs, 1)
        limits = list(limits) if isinstance(limits, (tuple, list)) else []
        if not limits or sorted(set(limits)) != limits or limits[-1] >= self.n_classes:
            raise ArgumentError(
                f"{who}: cutoffs: expected rising integers from 1 to {self.n_classes - 1}, got "
                f"{cutoffs!r}"
            )
        self.cutoffs = [*limits, self.n_classes]
        self.div_value = check_number(who, "div_value", div_value, above=0.0)
        self.head_bias = check_flag(who, "head_bias", head_bias)
        self.shortlist_size = limits[0]
        self.n_clusters = len(limits)
        self.head_size = self.shortlist_size + self.n_clusters
        self.head = Linear(self.in_features, self.head_size, bias=self.head_bias)
        self.tail = ModuleList()
        for i in range(self.n_clusters):
            width = int(self.in_features // self.div_value ** (i + 1))
            size = self.cutoffs[i + 1] - self.cutoffs[i]
            self.tail.append(
                Sequential(
                    Linear(self.in_features, width, bias=False), Linear(width, size, bias=False)
                )
            )

    def reset_parameters(self) -> None:
        """Draws new values."""
        for module in self.modules():
            if isinstance(module, Linear):
                module.reset_parameters()

    def forward(self, input_: TensorLike, target_: TensorLike) -> ASMoutput:
        x, target = _core.as_tensor(input_), _core.as_tensor(target_)
        if x.ndim not in (1, 2) or target.shape != x.shape[:-1]:
            raise ShapeError(
                f"{type(self).__name__}: expected an input (N, {self.in_features}) and a target "
                f"(N), or one of both without N, got shapes {x.shape} and {target.shape}"
            )
        single = x.ndim == 1
        if single:
            x, target = F.reshape(x, shape=(1, -1)), F.reshape(target, shape=(1,))
        classes = np.array(target.numpy())
        if classes.size and not (0 <= classes.min() and classes.max() < self.n_classes):
            raise RuntimeError(
                f"{type(self).__name__}: target: expected classes from 0 to {self.n_classes - 1}, "
                f"got {classes.min()} to {classes.max()}"
            )
        cluster = np.searchsorted(self.cutoffs, classes, side="right") - 1  # -1: the head
        in_head = np.where(cluster < 0, classes, self.shortlist_size + cluster)
        output = _picked(F.log_softmax(self.head(x)), in_head)
        for i in range(self.n_clusters):
            (rows,) = np.nonzero(cluster == i)
            if rows.size:
                local = F.log_softmax(self.tail[i](F.take(x, rows)))
                own = _picked(local, classes[rows] - self.cutoffs[i])
                output = F.add(output, F.scatter_add(own, rows, axis=0, size=len(classes)))
        loss = F.neg(F.mean(output))
        return ASMoutput(F.reshape(output, shape=()) if single else output, loss)

    def log_prob(self, input: TensorLike) -> Tensor:
        """The log-probabilities of all classes, (N, n_classes), for inputs (N, in_features)."""
        head = F.log_softmax(self.head(input))
        sizes = (self.shortlist_size, *(1,) * self.n_clusters)
        first, *clusters = F.split(head, sizes=sizes, axis=1)
        parts = [first]
        for tail, cluster in zip(self.tail, clusters, strict=True):
            parts.append(F.add(F.log_softmax(tail(input)), cluster))
        return F.concat(parts, axis=1)

    def predict(self, input: TensorLike) -> Tensor:
        """The likeliest class of each sample, (N), for inputs (N, in_features)."""
        return F.argmax(self.log_prob(input), axis=1)


def _picked(rows: Tensor, columns: np.ndarray) -> Tensor:
    return F.reshape(F.gather(rows, columns.reshape(-1, 1), axis=1), shape=(-1,))
