"""Random values whose distribution follows from tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .. import _core
from .._base import functional as F
from .._base.random import drawing_from, numpy_generator
from .._base.scans import part
from .._core import ArgumentError, DTypeError, ShapeError

if TYPE_CHECKING:
    from .._base.random import Generator
    from .._core import Tensor, TensorLike


def multinomial(
    input: TensorLike,
    num_samples: int,
    replacement: bool = False,
    *,
    generator: Generator | None = None,
) -> Tensor:
    """Places drawn with probabilities that are the values divided by their sum, int64.

    Args:
        input: a vector of weights, or rows of them: floats of 0 or more.
        num_samples: how many places to draw for each row.
        replacement: whether a place may be drawn again.
        generator: the random state; the library's own by default.

    Raises:
        TypeError: the weights are integers or truth values.
        ValueError: a weight that is negative or not finite, a row without weights, or fewer
            weights than samples without replacement.

    Example:
        >>> multinomial([0.0, 3.0, 0.0], 1).tolist()
        [1]
    """
    given = _core.as_tensor(input)
    if given.dtype.kind != "f":
        raise DTypeError(f"multinomial: input: expected floats as weights, got {given.dtype}")
    weights = F.cast(given, dtype="float32").detach()
    if weights.ndim not in (1, 2) or num_samples < 1:
        raise ShapeError(
            "multinomial: expected one or two axes and one sample or more, got shape "
            f"{weights.shape} and {num_samples}"
        )
    last = weights.ndim - 1
    if not bool(F.all(F.logical_and(F.isfinite(weights), F.ge(weights, 0)))):
        raise ArgumentError("multinomial: expected finite weights of 0 or more")
    needed = 1 if replacement else num_samples
    if not bool(F.all(F.ge(F.sum(F.gt(weights, 0), axes=last), needed))):
        raise ArgumentError(
            f"multinomial: expected at least {needed} weights above 0 in each row of shape "
            f"{weights.shape}"
        )
    with drawing_from(generator, "multinomial"):
        if replacement:
            places = F.uniform(shape=(*weights.shape[:-1], num_samples, 1))
            ends = F.cumsum(weights, axis=last)
            total = part(ends, last, ends.shape[last] - 1, ends.shape[last])
            ends = F.reshape(ends, shape=(*ends.shape[:-1], 1, ends.shape[-1]))
            below = F.ge(F.mul(places, F.reshape(total, shape=(*total.shape[:-1], 1, 1))), ends)
            drawn = F.sum(below, axes=last + 1)
            # Rounding may lead to the place after the last one that has a weight.
            places = F.broadcast_to(np.arange(weights.shape[-1]), shape=weights.shape)
            final = F.argmax(F.where(F.eq(weights, 0), -1, places), axis=last, keepdims=True)
            return F.minimum(drawn, final)
        # The first to arrive, where times are exponential with these rates.
        times = F.div(F.neg(F.log(F.sub(1.0, F.uniform(shape=weights.shape)))), weights)
        order = F.order(times, axis=last)
        return part(order, last, 0, num_samples)


def poisson(input: TensorLike, generator: Generator | None = None) -> Tensor:
    """Random counts with the means that the input has, float32.

    Raises:
        ValueError: a mean that is negative or NaN.

    Example:
        >>> poisson([0.0, 0.0]).tolist()
        [0.0, 0.0]
    """
    rates = _core.as_tensor(input).detach().numpy()
    if not (rates >= 0).all():
        raise ArgumentError("poisson: expected means of 0 or more")
    return _core.as_tensor(numpy_generator(generator).poisson(rates).astype("float32"))


def binomial(count: TensorLike, prob: TensorLike, generator: Generator | None = None) -> Tensor:
    """Random numbers of successes in `count` trials with the chance `prob` each, float32.

    Args:
        count: numbers of trials.
        prob: chances of a success, in [0, 1]; broadcasts with `count`.
        generator: the random state; the library's own by default.

    Raises:
        ValueError: a count that is negative or no whole number, or a chance outside of [0, 1].

    Example:
        >>> binomial([3.0, 3.0], [0.0, 1.0]).tolist()
        [0.0, 3.0]
    """
    trials, chances = (_core.as_tensor(x).detach().numpy() for x in (count, prob))
    if not ((trials >= 0) & (trials == np.floor(trials)) & np.isfinite(trials)).all():
        raise ArgumentError("binomial: count: expected whole numbers of 0 or more")
    if not ((chances >= 0) & (chances <= 1)).all():
        raise ArgumentError("binomial: prob: expected chances in [0, 1]")
    drawn = numpy_generator(generator).binomial(trials.astype("int64"), chances)
    return _core.as_tensor(np.asarray(drawn, "float32"))
