"""Layers that prepare numbers: Normalization, Discretization, CategoryEncoding.

Their statistics come from `adapt(data)`, or are given. They are part of the model, so a saved model
takes the numbers as they come.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _core
from .._base import functional as F
from .._base.checks import (
    check_choice,
    check_flag,
    check_integer,
    check_integers,
    check_number,
    check_numbers,
    is_sparse,
    shown,
)
from .._base.registry import LAYERS
from .._base.settings import settings
from .._base.tables import without_tables
from .._core import AxisError, Tensor
from .._graph.symbolic import KerasTensor
from .layer import Layer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from typing_extensions import Unpack

    from .._base.types import Config, Shape
    from .._core import TensorLike
    from .options import LayerOptions

_ROWS = 4096  # of a sparse matrix that are dense at a time


def _batches(who: str, data: Any, steps: int | None = None) -> Iterator[np.ndarray]:
    """The data of `adapt` in arrays: one array, or the inputs of each batch.

    Raises:
        ValueError: there is no batch, or values are no numbers.
    """
    data = without_tables(f"{who}: adapt: data", data)
    if is_sparse(data):
        starts = range(0, data.shape[0], _ROWS)
        rows: Any = data.tocsr()  # type: ignore[attr-defined]
        batches: Iterable[Any] = (rows[start : start + _ROWS].toarray() for start in starts)
    elif isinstance(data, (np.ndarray, Tensor)) or hasattr(data, "__array__"):
        batches = [data]
    elif hasattr(data, "__iter__") or hasattr(data, "__getitem__"):
        batches = data
    else:
        raise TypeError(f"{who}: adapt: data: expected arrays, got {shown(data)}")
    count = 0
    for batch in batches:
        if steps is not None and count >= steps:
            break
        count += 1
        inputs = batch[0] if isinstance(batch, tuple) else batch
        inputs = without_tables(f"{who}: adapt: data", inputs)
        array = inputs.numpy() if isinstance(inputs, Tensor) else np.asarray(inputs)
        if array.dtype.kind not in "biuf":
            raise ValueError(
                f"{who}: adapt: data: expected numbers, got an array of type {array.dtype}"
            )
        yield array.astype(np.float64)
    if not count:
        raise ValueError(f"{who}: adapt: data: expected at least one batch, got none")


@LAYERS.register
class Normalization(Layer):
    """Subtracts the mean and divides by the standard deviation, those of `adapt` or given ones.

    Args:
        axis: the axes that keep statistics of their own, one for each place; -1 for one for each
            feature, None for one mean and variance of everything.
        mean, variance: the statistics, numbers or arrays, in place of `adapt`.
        invert: whether to undo it: multiply by the deviation and add the mean.

    Raises:
        ValueError: only one of `mean` and `variance`, or shapes that do not fit.

    The weights, none of them trained, are `mean`, `variance` and `count`, unless they are given.
    Before `adapt` the mean is 0 and the variance 1. A deviation below 1e-7 counts as 1e-7.

    Source: `keras.layers.Normalization` of Keras 3, with the statistics summed in float64.

    Example:
        >>> layer = layers.Normalization()
        >>> layer.adapt(np.array([[1.0, 10.0], [3.0, 30.0]]))
        >>> layer(np.array([[1.0, 20.0]])).tolist()
        [[-1.0, 0.0]]
    """

    supports_masking = True

    def __init__(
        self,
        axis: int | Sequence[int] | None = -1,
        mean: TensorLike | None = None,
        variance: TensorLike | None = None,
        invert: bool = False,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**kwargs)
        who = f"Normalization {self.name!r}"
        axes = () if axis is None else check_integers(who, "axis", axis)
        self.axis: tuple[int, ...] = axes if isinstance(axes, tuple) else (axes,)
        if (mean is None) != (variance is None):
            raise ValueError(f"{who}: mean, variance: expected both of them, or neither")
        self.input_mean = None if mean is None else _numbers(who, "mean", mean)
        self.input_variance = None if variance is None else _numbers(who, "variance", variance)
        if self.input_mean is not None and self.input_variance is not None:
            if self.input_mean.shape != self.input_variance.shape:
                raise ValueError(
                    f"{who}: mean has shape {self.input_mean.shape}, variance "
                    f"{self.input_variance.shape}"
                )
            if (self.input_variance < 0).any():
                raise ValueError(f"{who}: variance: expected numbers of at least 0")
            if self.input_mean.ndim > len(self.axis):
                raise ValueError(
                    f"{who}: mean: expected at most {len(self.axis)} axes, as many as `axis` has, "
                    f"got shape {self.input_mean.shape}"
                )
        self.invert = check_flag(who, "invert", invert)

    def build(self, input_shape: Shape) -> None:
        ndim = len(input_shape)
        for axis in self.axis:
            if not -ndim <= axis < ndim:
                raise AxisError(f"axis: {axis} is out of range for inputs of shape {input_shape}")
        kept = sorted({axis % ndim for axis in self.axis})
        sizes = []
        for axis in kept:
            size = input_shape[axis]
            if size is None:
                raise ValueError(f"axis: the size of axis {axis} must be known, got {input_shape}")
            sizes.append(size)
        self._kept = tuple(kept)
        self._broadcast = tuple(input_shape[i] or 1 if i in kept else 1 for i in range(ndim))
        if self.input_mean is None:
            shape = tuple(sizes)
            self.adapt_mean = self.add_weight(shape, "zeros", trainable=False, name="mean")
            self.adapt_variance = self.add_weight(shape, "ones", trainable=False, name="variance")
            self.count = self.add_weight((), "zeros", "int32", trainable=False, name="count")
            return
        for name, given in (("_mean", self.input_mean), ("_variance", self.input_variance)):
            assert given is not None
            laid = [1] * ndim
            for size, axis in zip(reversed(given.shape), reversed(kept), strict=False):
                laid[axis] = size
            try:
                full = np.broadcast_to(given.reshape(laid), self._broadcast)
            except ValueError:
                raise ValueError(
                    f"{name[1:]}: shape {given.shape} does not fit inputs of shape {input_shape}"
                ) from None
            setattr(self, name, _core.as_tensor(np.array(full, np.float32)))

    def adapt(self, data: Any, steps: int | None = None) -> None:
        """Computes mean and variance of data.

        Args:
            data: an array; or batches, each an array or a tuple that begins with one.
            steps: the number of batches; all unless given.

        Raises:
            ValueError: the layer has been given its statistics, no data, or sizes differ.
        """
        who = f"Normalization {self.name!r}"
        if self.input_mean is not None:
            raise ValueError(f"{who}: adapt: mean and variance were given")
        total: Any = 0.0
        squares: Any = 0.0
        count = 0
        for batch in _batches(who, data, steps):
            if not self.built:
                self.build((None, *batch.shape[1:]) if batch.ndim > 1 else batch.shape)
            reduced = tuple(i for i in range(batch.ndim) if i not in self._kept)
            sizes = tuple(batch.shape[i] for i in self._kept if i < batch.ndim)
            if sizes != self.adapt_mean.shape or batch.ndim != len(self._broadcast):
                raise ValueError(
                    f"{who}: adapt: data of shape {batch.shape} does not fit statistics of shape "
                    f"{self.adapt_mean.shape}"
                )
            number = math.prod(batch.shape[i] for i in reduced)
            if not number:
                continue
            mean = batch.mean(axis=reduced)
            # Of two parts: the squares of each, and those of the distance of their means.
            share = number / (count + number)
            squares = (
                squares
                + np.square(batch - mean.reshape(_spread(mean, batch, reduced))).sum(axis=reduced)
                + np.square(mean - total) * (count * share)
            )
            total = total + (mean - total) * share
            count += number
        if not count:
            raise ValueError(f"{who}: adapt: data: expected samples, got none")
        self.adapt_mean.assign(np.asarray(total, np.float32))
        self.adapt_variance.assign(np.asarray(squares / count, np.float32))

    @property
    def mean(self) -> Tensor | None:
        """The mean in the shape that broadcasts against the inputs; None before the layer is built.

        The variance is such a tensor, too.
        """
        return self._statistic("mean")

    @property
    def variance(self) -> Tensor | None:
        """The variance; see `mean`."""
        return self._statistic("variance")

    def _statistic(self, name: str) -> Tensor | None:
        if not self.built:
            return None
        if self.input_mean is not None:
            given: Tensor = getattr(self, f"_{name}")
            return given
        return F.reshape(getattr(self, f"adapt_{name}"), shape=self._broadcast)

    def call(self, inputs: Tensor) -> Tensor:
        if self.input_mean is None:
            mean = F.reshape(self.adapt_mean, shape=self._broadcast)
            variance = F.reshape(self.adapt_variance, shape=self._broadcast)
        else:
            mean, variance = self._mean, self._variance
        deviation = F.maximum(F.sqrt(variance), settings.epsilon)
        x = F.cast(inputs, dtype="float32")
        if self.invert:
            return F.add(mean, F.mul(x, deviation))
        return F.div(F.sub(x, mean), deviation)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "axis": self.axis,
            "invert": self.invert,
            "mean": None if self.input_mean is None else self.input_mean.tolist(),
            "variance": None if self.input_variance is None else self.input_variance.tolist(),
        }


def _numbers(who: str, name: str, value: Any) -> np.ndarray:
    try:
        array = np.asarray(value.numpy() if isinstance(value, Tensor) else value, np.float64)
    except (TypeError, ValueError):
        array = np.array(np.nan)
    if not np.isfinite(array).all():
        raise ValueError(f"{who}: {name}: expected finite numbers, got {shown(value)}")
    return array


def _spread(mean: np.ndarray, batch: np.ndarray, reduced: tuple[int, ...]) -> tuple[int, ...]:
    """The shape in which the means of a batch broadcast against it."""
    return tuple(1 if i in reduced else size for i, size in enumerate(batch.shape))


_MODES = ("int", "one_hot", "multi_hot", "count")


def encoded(x: Tensor, depth: int, mode: str, count_weights: Tensor | None = None) -> Tensor:
    """Numbers of categories as rows of `depth` float32; Keras's output modes."""
    if not x.ndim:
        x = F.reshape(x, shape=(1,))
    if mode == "one_hot" and x.ndim > 1 and x.shape[-1] == 1:
        x = F.reshape(x, shape=x.shape[:-1])
    numbers = _core.as_tensor(np.arange(depth, dtype=np.int64))
    hot = F.cast(F.eq(F.reshape(x, shape=(*x.shape, 1)), numbers), dtype="float32")
    if mode == "one_hot":
        return hot
    if mode == "multi_hot":
        return F.max(hot, axes=1 if x.ndim > 1 else 0)
    if count_weights is not None:
        hot = F.mul(hot, F.reshape(count_weights, shape=(*count_weights.shape, 1)))
    return F.sum(hot, axes=1 if x.ndim > 1 else 0)


def encoded_shape(shape: Shape, depth: int, mode: str) -> Shape:
    if mode == "int":
        return shape
    if mode == "one_hot":
        single = len(shape) > 1 and shape[-1] == 1
        return (*(shape[:-1] if single else shape), depth)
    if len(shape) > 1:  # the categories of axis 1 together
        return (shape[0], *shape[2:], depth)
    return (depth,)


@LAYERS.register
class CategoryEncoding(Layer):
    """Numbers of categories as rows of 0 and 1, or as counts.

    Args:
        num_tokens: how many categories there are. Numbers outside of [0, num_tokens) give no 1.
        output_mode: "one_hot" gives a row for each number; "multi_hot" one row for each sample,
            with a 1 for each number in it; "count" how often each number is in it.
        sparse: only False.

    Raises:
        ValueError: an argument is none of these.

    Shapes: (batch, n) to (batch, n, num_tokens) with "one_hot", or (batch, num_tokens) if n is 1,
    and to (batch, num_tokens) with the others, which take axis 1 together if there are more.
    `count_weights`, an argument of the call, gives each number a weight in "count".

    Source: `keras.layers.CategoryEncoding` of Keras 3.

    Example:
        >>> layers.CategoryEncoding(3)(np.array([[0, 2], [1, 1]])).tolist()
        [[1.0, 0.0, 1.0], [0.0, 1.0, 0.0]]
    """

    _takes_several = True

    def __init__(
        self,
        num_tokens: int | None = None,
        output_mode: str = "multi_hot",
        sparse: bool = False,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**kwargs)
        who = f"CategoryEncoding {self.name!r}"
        self.num_tokens = check_integer(who, "num_tokens", num_tokens, 1)
        older = isinstance(output_mode, str) and output_mode == "binary"
        mode = "multi_hot" if older else output_mode
        self.output_mode = check_choice(who, "output_mode", mode, _MODES[1:])
        self.sparse = _dense_only(who, sparse)

    def call(self, inputs: Tensor, count_weights: TensorLike | None = None) -> Tensor:
        weights = None
        if count_weights is not None:
            if self.output_mode != "count":
                raise ValueError(
                    f"count_weights: expected output_mode 'count', got {self.output_mode!r}"
                )
            weights = F.cast(_core.as_tensor(count_weights), dtype="float32")
        rows = encoded(inputs, self.num_tokens, self.output_mode, weights)
        kind = np.dtype("float32" if self.compute_dtype == "bfloat16" else self.compute_dtype)
        return rows if kind == rows.dtype else F.cast(rows, dtype=kind)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return encoded_shape(input_shape or (1,), self.num_tokens, self.output_mode)

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        return self._infer_output_spec(args, kwargs)

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "num_tokens": self.num_tokens,
            "output_mode": self.output_mode,
        }


def _dense_only(who: str, sparse: Any) -> bool:
    if check_flag(who, "sparse", sparse):
        raise ValueError(f"{who}: sparse: sparse outputs are not supported")
    return False


@LAYERS.register
class Discretization(Layer):
    """The number of the bin that each value falls into.

    Args:
        bin_boundaries: the bounds between the bins, rising: n of them make n + 1 bins. A value that
            is equal to a bound is in the bin above it.
        num_bins: the number of bins whose bounds `adapt` finds, such that as many values fall into
            each.
        epsilon: the precision of the quantiles that `adapt` finds.
        output_mode: "int" for numbers of bins (int32); else as for `CategoryEncoding`.
        sparse: only False.

    Raises:
        ValueError: neither or both of `bin_boundaries` and `num_bins`, or an argument is none of
            these; when it is called, it has no bounds yet.

    Source: `keras.layers.Discretization` of Keras 3.

    Example:
        >>> layers.Discretization([0.0, 1.0])(np.array([-5.0, 0.0, 0.5, 7.0])).tolist()
        [0, 1, 1, 2]
    """

    def __init__(
        self,
        bin_boundaries: Sequence[float] | None = None,
        num_bins: int | None = None,
        epsilon: float = 0.01,
        output_mode: str = "int",
        sparse: bool = False,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**kwargs)
        who = f"Discretization {self.name!r}"
        if (bin_boundaries is None) == (num_bins is None):
            raise ValueError(f"{who}: expected either bin_boundaries or num_bins")
        self.num_bins = None if num_bins is None else check_integer(who, "num_bins", num_bins, 1)
        self.epsilon = check_number(who, "epsilon", epsilon, above=0.0, at_most=1.0)
        self.output_mode = check_choice(who, "output_mode", output_mode, _MODES)
        self.sparse = _dense_only(who, sparse)
        self.bin_boundaries: list[float] | None = None
        if bin_boundaries is not None:
            bounds = check_numbers(who, "bin_boundaries", bin_boundaries, -math.inf)
            if not bounds or any(a > b for a, b in itertools.pairwise(bounds)):
                raise ValueError(
                    f"{who}: bin_boundaries: expected numbers that rise, got {bin_boundaries}"
                )
            self.bin_boundaries = bounds

    def adapt(self, data: Any, steps: int | None = None) -> None:
        """Finds the bounds, such that as many values fall into each bin.

        Args:
            data: an array; or batches, each an array or a tuple that begins with one.
            steps: the number of batches; all unless given.

        Raises:
            ValueError: the bounds were given, or there is no data.
        """
        who = f"Discretization {self.name!r}"
        if self.num_bins is None:
            raise ValueError(f"{who}: adapt: bin_boundaries were given")
        summary = np.zeros((2, 0), np.float32)
        for batch in _batches(who, data, steps):
            values = batch.astype(np.float32).ravel()
            summary = _merged(_summary(values[np.isfinite(values)], self.epsilon), summary)
            summary = _compressed(summary, self.epsilon)
        if not summary.shape[1]:
            raise ValueError(f"{who}: adapt: data: expected finite numbers, got none")
        self.bin_boundaries = _compressed(summary, 1.0 / self.num_bins)[0, :-1].tolist()

    def call(self, inputs: Tensor) -> Tensor:
        bounds = self.bin_boundaries
        if bounds is None:
            raise ValueError("the bounds are not known yet: call adapt(data) first")
        x = F.cast(inputs, dtype="float32")
        values = _core.as_tensor(np.asarray(bounds, np.float32))
        above = F.ge(F.reshape(x, shape=(*x.shape, 1)), values)
        bins = F.cast(F.sum(F.cast(above, dtype="int32"), axes=-1), dtype="int32")
        if self.output_mode == "int":
            return bins
        return encoded(bins, len(bounds) + 1, self.output_mode)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        bounds = self.bin_boundaries
        depth = self.num_bins if bounds is None else len(bounds) + 1
        assert depth is not None  # one of both is given
        if self.output_mode == "int":
            return tuple(input_shape)
        return encoded_shape(tuple(input_shape) or (1,), depth, self.output_mode)

    def compute_output_spec(self, inputs: Any) -> Any:
        dtype = np.dtype("int32" if self.output_mode == "int" else "float32")
        return KerasTensor(self.compute_output_shape(inputs.shape), dtype)

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "bin_boundaries": self.bin_boundaries,
            "num_bins": self.num_bins,
            "epsilon": self.epsilon,
            "output_mode": self.output_mode,
        }

    @classmethod
    def from_config(cls, config: Config) -> Discretization:
        """The layer that `get_config` described, with the bounds that `adapt` had found."""
        bounds, number = config.get("bin_boundaries"), config.get("num_bins")
        if bounds is None or number is None:
            return cls(**config)
        layer = cls(**{**config, "bin_boundaries": None})
        given = cls(**{**config, "num_bins": None})
        layer.bin_boundaries = given.bin_boundaries
        return layer


# Summaries of many values: values in order (row 0), each with the number of values it stands for.
# They are float32 throughout, as in Keras, so that the bounds are the same to the bit.


def _summary(values: np.ndarray, epsilon: float) -> np.ndarray:
    """The summary of an array: about 1 / epsilon of its values, evenly spaced in order."""
    ordered = np.sort(values)
    step = max(len(ordered) * epsilon, 1.0)
    chosen = ordered[int(step - 1) :: int(step)]
    return np.stack([chosen, np.full(len(chosen), step, np.float32)])


def _merged(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    both = np.concatenate([one, other], axis=1)
    return both[:, np.argsort(both[0], kind="stable")]


def _compressed(summary: np.ndarray, epsilon: float) -> np.ndarray:
    """A summary of 1 / epsilon values, interpolated where the shares of all values are equal."""
    if summary.shape[1] * epsilon < 1:
        return summary
    shares = epsilon + np.arange(0.0, 1.0, epsilon)
    sums = summary[1].cumsum()
    values = np.interp(shares, sums / sums[-1], summary[0])
    ends = np.interp(shares, sums / sums[-1], sums)
    return np.stack([values, np.diff(ends, prepend=0.0)]).astype(np.float32)
