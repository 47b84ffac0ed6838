"""Random numbers by the functions and seeds of `keras.random`, and the state as in `torch.random`.

Without a seed they come from the library's stream, which `utils.set_random_seed` starts. A
`SeedGenerator` is a separate stream. An integer seed gives the same numbers at every call.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING

import numpy as np

from . import _core
from ._base import functional as F
from ._base.checks import (
    blamed,
    check_fraction,
    check_integer,
    check_name,
    check_number,
    check_shape,
    prefixed,
    shown,
)
from ._base.context import path_of
from ._base.dtypes import check_range_fits
from ._base.moving import checked_axis
from ._base.promotion import is_float_dtype, is_int_dtype
from ._base.random import get_rng_state as get_rng_state
from ._base.random import initial_seed as initial_seed
from ._base.random import manual_seed as manual_seed
from ._base.random import note_stream, numpy_generator
from ._base.random import seed as seed
from ._base.random import set_rng_state as set_rng_state
from ._base.registry import unique_name
from ._core import ArgumentError, Tensor

if TYPE_CHECKING:
    from numpy.typing import DTypeLike
    from typing_extensions import Self

    from ._base.types import Config
    from ._core import TensorLike


@contextmanager
def fork_rng(
    devices: Iterable[object] | None = None,
    enabled: bool = True,
    device_type: str = "cpu",
) -> Iterator[None]:
    """A context after which the random state is that of before.

    Args:
        devices: other devices with a random state, of which there are none; without an effect.
        enabled: False for a context without an effect.
        device_type: the kind of the `devices`; without an effect.

    Source: `torch.random.fork_rng`.

    Example:
        >>> with random.fork_rng():
        ...     random.manual_seed(0)
    """
    before = get_rng_state()
    try:
        yield
    finally:
        if enabled:
            set_rng_state(before)


class SeedGenerator:
    """A separate stream of random numbers. Recorded steps continue it, too.

    Args:
        seed: an integer gives the same stream in every process; None draws the start from the
            library's stream.
        name: its name; `seed_generator`, `seed_generator_1`, ... unless given.

    Attributes:
        state: the seed and a counter, two int64.

    Raises:
        ValueError: the seed is no integer of at least 0.

    Example:
        >>> generator = random.SeedGenerator(7)
        >>> one, two = (random.uniform((2,), seed=generator) for _ in range(2))
        >>> again = random.SeedGenerator(7)
        >>> fastdl.equal(random.uniform((2,), seed=again), one), fastdl.equal(one, two)
        (True, False)
    """

    def __init__(self, seed: int | None = None, name: str | None = None) -> None:
        from ._base.parameter import Parameter

        checked_seed(seed, "SeedGenerator")
        self.seed = seed
        self.name = check_name("SeedGenerator", "name", name) or unique_name("seed_generator")
        start = (
            F.randint(shape=(), low=0, high=1 << 62).item()
            if seed is None
            else _as_int64(int(seed))
        )
        self.state = Parameter(
            _core.tensor([start, 0], "int64"),
            requires_grad=False,
            name="seed_generator_state",
            path=f"{path_of(self.name)}/seed_generator_state",
        )
        self._outside: list[Tensor | None] = []

    def __enter__(self) -> Self:
        """Random operations draw from this stream until the block ends."""
        note_stream(self.state)
        self._outside.append(_core.use_generator(self.state))
        return self

    def __exit__(self, *exception: object) -> None:
        _core.use_generator(self._outside.pop())

    def get_config(self) -> Config:
        """The arguments that make an equal one."""
        return {"seed": self.seed, "name": self.name}

    @classmethod
    def from_config(cls, config: Config) -> Self:
        """The generator that `get_config` described, at its start."""
        return cls(**config)

    def next(self, ordered: bool = True) -> Tensor:
        """The state before the stream moves on by one number: a seed for a function of your own.

        Args:
            ordered: has no effect; the order of calls is kept.

        Example:
            >>> generator = random.SeedGenerator(7)
            >>> generator.next().tolist() == generator.next().tolist()
            False
        """
        before = F.copy(self.state)
        with self:
            F.uniform(shape=(1,))
        return before


def checked_seed(seed: int | SeedGenerator | None, who: str = "") -> int | SeedGenerator | None:
    """The seed. ValueError unless it is None, an integer of at least 0 or a SeedGenerator."""
    if seed is None or isinstance(seed, SeedGenerator):
        return seed
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise ValueError(
            f"{who}{': ' * bool(who)}seed: expected an integer of at least 0, a SeedGenerator or "
            f"None, got {shown(seed)}"
        )
    return seed


def _as_int64(seed: int) -> int:
    """The lower 64 bits."""
    low = seed & ((1 << 64) - 1)
    return low - (1 << 64) if low >> 63 else low


def stream_of(seed: int | SeedGenerator | None) -> AbstractContextManager[object]:
    """A context in which random operations draw from what the seed names."""
    if seed is None:
        return nullcontext()
    return seed if isinstance(seed, SeedGenerator) else SeedGenerator(seed)


def generator_of(seed: int | SeedGenerator | None, who: str = "") -> SeedGenerator | None:
    """The stream that a layer with this seed draws from; None is the library's."""
    checked_seed(seed, who)
    return seed if seed is None or isinstance(seed, SeedGenerator) else SeedGenerator(seed)


def _fixed(seed: int | SeedGenerator | None, who: str) -> np.random.Generator | None:
    """NumPy's generator for an integer seed, else None. A recorded step keeps the numbers drawn."""
    checked_seed(seed, who)
    return None if seed is None or isinstance(seed, SeedGenerator) else np.random.default_rng(seed)


def _check_plain(who: str, **numbers: float) -> None:
    """Checks numbers: NumPy would take arrays, which the library's stream does not."""
    for argument, value in numbers.items():
        check_number(who, argument, value, -math.inf)


def _drawn(
    who: str,
    shape: Sequence[int],
    dtype: DTypeLike | None,
    seed: int | SeedGenerator | None,
    ours: Callable[..., Tensor],
    theirs: Callable[[np.random.Generator, tuple[int, ...]], np.ndarray],
    **numbers: float,
) -> Tensor:
    """What `ours(shape=...)` draws, or with an integer seed `theirs(generator, sizes)`.

    `numbers` are the arguments of the function `who` that one of them may refuse.
    """
    if dtype is not None and not is_float_dtype(dtype):
        raise ValueError(f"{who}: dtype: expected a floating type, got {shown(dtype)}")
    fixed = _fixed(seed, who)
    sizes = _sizes(who, shape)
    try:
        if fixed is None:
            with stream_of(seed):
                values = ours(shape=sizes)
        else:
            _check_plain(who, **numbers)
            values = _core.as_tensor(theirs(fixed, sizes))
    except (TypeError, ValueError, OverflowError) as error:
        raise blamed(who, error, sizes={"shape": sizes}, numbers=numbers) from None
    return F.cast(values, dtype=dtype or "float32")


def _truncated(generator: np.random.Generator, sizes: tuple[int, ...]) -> np.ndarray:
    array = generator.standard_normal(sizes)
    while (beyond := abs(array) > 2).any():
        array[beyond] = generator.standard_normal(int(beyond.sum()))
    return array


def _sizes(who: str, shape: Sequence[int]) -> tuple[int, ...]:
    try:
        return tuple(shape)
    except TypeError:
        raise TypeError(f"{who}: shape: expected several integers, got {shown(shape)}") from None


def normal(
    shape: Sequence[int],
    mean: float = 0.0,
    stddev: float = 1.0,
    dtype: DTypeLike | None = None,
    seed: int | SeedGenerator | None = None,
) -> Tensor:
    """Normally distributed numbers.

    Example:
        >>> random.normal((2, 3), seed=1).shape
        (2, 3)
    """
    return _drawn(
        "normal",
        shape,
        dtype,
        seed,
        lambda shape: F.normal(shape=shape, mean=mean, std=stddev),
        lambda generator, sizes: generator.normal(mean, stddev, sizes),
        mean=mean,
        stddev=stddev,
    )


def truncated_normal(
    shape: Sequence[int],
    mean: float = 0.0,
    stddev: float = 1.0,
    dtype: DTypeLike | None = None,
    seed: int | SeedGenerator | None = None,
) -> Tensor:
    """Normally distributed numbers; those beyond two standard deviations are drawn again."""
    return _drawn(
        "truncated_normal",
        shape,
        dtype,
        seed,
        lambda shape: F.truncated_normal(shape=shape, mean=mean, std=stddev),
        lambda generator, sizes: _truncated(generator, sizes) * stddev + mean,
        mean=mean,
        stddev=stddev,
    )


def uniform(
    shape: Sequence[int],
    minval: float = 0.0,
    maxval: float = 1.0,
    dtype: DTypeLike | None = None,
    seed: int | SeedGenerator | None = None,
) -> Tensor:
    """Numbers evenly distributed between `minval` and `maxval`, the latter excluded."""
    return _drawn(
        "uniform",
        shape,
        dtype,
        seed,
        lambda shape: F.uniform(shape=shape, low=minval, high=maxval),
        lambda generator, sizes: generator.uniform(minval, maxval, sizes),
        minval=minval,
        maxval=maxval,
    )


def randint(
    shape: Sequence[int],
    minval: int,
    maxval: int,
    dtype: DTypeLike = "int32",
    seed: int | SeedGenerator | None = None,
) -> Tensor:
    """Integers from `minval` to `maxval`, the latter excluded.

    Raises:
        ValueError: the range is empty, or the type is none of integers or cannot hold it.
    """
    if not is_int_dtype(dtype):
        raise ArgumentError(f"randint: dtype: expected a type of integers, got {shown(dtype)}")
    kind = _core.dtype(dtype)
    fixed = _fixed(seed, "randint")
    sizes = _sizes("randint", shape)
    try:
        if fixed is None:
            with stream_of(seed):
                values = F.randint(shape=sizes, low=minval, high=maxval)
        else:
            _check_plain("randint", minval=minval, maxval=maxval)
            values = _core.as_tensor(fixed.integers(minval, maxval, sizes))
    except (TypeError, ValueError, OverflowError) as error:
        integers = {"minval": minval, "maxval": maxval}
        raise blamed("randint", error, sizes={"shape": sizes}, integers=integers) from None
    check_range_fits("randint", minval, maxval, kind)
    return F.cast(values, dtype=kind)


def dropout(
    inputs: TensorLike,
    rate: float,
    noise_shape: Sequence[int | None] | None = None,
    seed: int | SeedGenerator | None = None,
) -> Tensor:
    """The inputs with a share of `rate` set to 0 and the others divided by `1 - rate`.

    Args:
        inputs: float32.
        rate: in [0, 1].
        noise_shape: along an axis where it has size 1, all elements share one draw.
        seed: an integer, a `SeedGenerator` or None; see the top of this module.

    Raises:
        ValueError: the rate isn't in [0, 1].

    Example:
        >>> random.dropout([1.0, 2.0], 1.0).tolist()
        [0.0, 0.0]
    """
    rate = check_fraction("dropout", "rate", rate)
    checked_seed(seed, "dropout")
    try:
        x = _core.as_tensor(inputs)
    except (TypeError, ValueError) as error:
        raise prefixed("dropout: inputs", error) from None
    if rate == 1:  # 1 / (1 - rate) would be infinite
        return F.mul(x, 0.0)
    if noise_shape is None:
        shape = x.shape
    else:
        sizes = check_shape("dropout", "noise_shape", noise_shape, 1)
        if len(sizes) != x.ndim:
            raise ValueError(
                f"dropout: noise_shape: expected {x.ndim} sizes for inputs of shape {x.shape}, got "
                f"{noise_shape}"
            )
        shape = tuple(n if s is None else s for n, s in zip(x.shape, sizes, strict=True))
    kept = F.cast(F.ge(uniform(shape, seed=seed), rate), dtype="float32")
    left = F.mul(x, F.div(kept, 1.0 - rate))
    return F.cast(left, dtype=x.dtype) if x.dtype.name in ("float16", "bfloat16") else left


def categorical(
    logits: TensorLike,
    num_samples: int,
    dtype: DTypeLike = "int32",
    seed: int | SeedGenerator | None = None,
) -> Tensor:
    """Class numbers, drawn with the probabilities `softmax(logits)` of each row.

    Args:
        logits: (batch, classes), float32.
        num_samples: how many are drawn for each row.
        dtype: the type of the class numbers.
        seed: an integer, a `SeedGenerator` or None; see the top of this module.

    Returns:
        A tensor (batch, num_samples).

    Raises:
        ValueError: the logits have no two axes, or no classes.

    Source: `keras.random.categorical` of Keras 3; drawn as the largest of the logits plus numbers
    of Gumbel's distribution.

    Example:
        >>> random.categorical([[0.0, 1000.0], [1000.0, 0.0]], 3).tolist()
        [[1, 1, 1], [0, 0, 0]]
    """
    who = "categorical"
    checked_seed(seed, who)
    count = check_integer(who, "num_samples", num_samples, 0)
    try:
        x = F.cast(_core.as_tensor(logits), dtype="float32")
    except (TypeError, ValueError) as error:
        raise prefixed(f"{who}: logits", error) from None
    if x.ndim != 2 or not x.shape[1]:
        raise ValueError(f"{who}: logits: expected shape (batch, classes), got {x.shape}")
    rows, classes = x.shape
    u = uniform((rows, count, classes), seed=seed)
    # Gumbel's numbers are -log(-log(u)); for u = 0 half of the smallest u above it counts.
    noise = F.neg(F.log(F.neg(F.log(F.maximum(u, 2.0**-25)))))
    x = F.add(F.reshape(x, shape=(rows, 1, classes)), noise)
    return F.cast(F.argmax(x, axis=2), dtype=dtype)


def gamma(
    shape: Sequence[int],
    alpha: TensorLike,
    dtype: DTypeLike | None = None,
    seed: int | SeedGenerator | None = None,
) -> Tensor:
    """Numbers of the gamma distribution with the scale 1.

    A step of `fit` that draws them runs eagerly, and a notice says so.

    Args:
        shape: the shape of the result.
        alpha: the shape of the distribution, above 0; numbers that broadcast to `shape`.
        dtype: float32 unless given.
        seed: an integer, a `SeedGenerator` or None; see the top of this module.

    Raises:
        ValueError: `alpha` is not above 0, or does not broadcast to `shape`.

    Example:
        >>> random.gamma((2, 3), alpha=2.0, seed=1).shape
        (2, 3)
    """
    a = _parameter("gamma", "alpha", alpha, above=0.0)
    return _by_numpy("gamma", shape, dtype, seed, lambda g, sizes: g.standard_gamma(a, sizes))


def beta(
    shape: Sequence[int],
    alpha: TensorLike,
    beta: TensorLike,
    dtype: DTypeLike | None = None,
    seed: int | SeedGenerator | None = None,
) -> Tensor:
    """Numbers of the beta distribution, in [0, 1].

    A step of `fit` that draws them runs eagerly, and a notice says so.

    Args:
        shape: the shape of the result.
        alpha, beta: the parameters, above 0; numbers that broadcast to `shape`.
        dtype: float32 unless given.
        seed: an integer, a `SeedGenerator` or None; see the top of this module.

    Raises:
        ValueError: a parameter is not above 0, or does not broadcast to `shape`.

    Example:
        >>> random.beta((2, 3), alpha=2.0, beta=1.0, seed=1).shape
        (2, 3)
    """
    a = _parameter("beta", "alpha", alpha, above=0.0)
    b = _parameter("beta", "beta", beta, above=0.0)
    return _by_numpy("beta", shape, dtype, seed, lambda g, sizes: g.beta(a, b, sizes))


def binomial(
    shape: Sequence[int],
    counts: TensorLike,
    probabilities: TensorLike,
    dtype: DTypeLike | None = None,
    seed: int | SeedGenerator | None = None,
) -> Tensor:
    """How many of `counts` tries succeed.

    A step of `fit` that draws them runs eagerly, and a notice says so.

    Args:
        shape: the shape of the result.
        counts: numbers of tries, at least 0, that broadcast to `shape`; fractions are dropped.
        probabilities: of a success, in [0, 1]; numbers that broadcast to `shape`.
        dtype: float32 unless given.
        seed: an integer, a `SeedGenerator` or None; see the top of this module.

    Raises:
        ValueError: a parameter is out of its range, or does not broadcast to `shape`.

    Example:
        >>> random.binomial((2,), counts=[5, 7], probabilities=1.0).tolist()
        [5.0, 7.0]
    """
    n = _parameter("binomial", "counts", counts, at_least=0.0).astype(np.int64)
    p = _parameter("binomial", "probabilities", probabilities, at_least=0.0, at_most=1.0)
    return _by_numpy("binomial", shape, dtype, seed, lambda g, sizes: g.binomial(n, p, sizes))


def _parameter(
    who: str,
    argument: str,
    value: TensorLike,
    above: float = -math.inf,
    at_least: float = -math.inf,
    at_most: float = math.inf,
) -> np.ndarray:
    """Parameters of a distribution, within their range."""
    try:
        found = np.asarray(_core.as_tensor(value).detach().numpy(), np.float64)
    except (TypeError, ValueError) as error:
        raise prefixed(f"{who}: {argument}", error) from None
    if not ((found > above) & (found >= at_least) & (found <= at_most)).all():
        limits = [f"above {above:g}"] * (above > -math.inf)
        limits += [f"at least {at_least:g}"] * (at_least > -math.inf)
        limits += [f"at most {at_most:g}"] * (at_most < math.inf)
        raise ValueError(
            f"{who}: {argument}: expected numbers {' and '.join(limits)}, got {shown(value)}"
        )
    return found


def _by_numpy(
    who: str,
    shape: Sequence[int],
    dtype: DTypeLike | None,
    seed: int | SeedGenerator | None,
    draw: Callable[[np.random.Generator, tuple[int, ...]], np.ndarray],
) -> Tensor:
    """What NumPy draws: with an integer seed from its own stream, else seeded from ours."""
    generator = _fixed(seed, who)
    sizes = _sizes(who, shape)
    if generator is None:
        with stream_of(seed):
            generator = numpy_generator(None)
    try:
        values = np.asarray(draw(generator, sizes))
    except (TypeError, ValueError) as error:
        raise prefixed(who, error) from None
    return F.cast(_core.as_tensor(values), dtype=dtype or "float32")


def shuffle(x: TensorLike, axis: int = 0, seed: int | SeedGenerator | None = None) -> Tensor:
    """The slices of `x` along an axis in random order."""
    fixed = _fixed(seed, "shuffle")
    try:
        x = _core.as_tensor(x)
    except (TypeError, ValueError) as error:
        raise prefixed("shuffle: x", error) from None
    axis = checked_axis(axis, x.ndim, "shuffle")
    if fixed is None:
        with stream_of(seed):
            order: TensorLike = F.permutation(n=x.shape[axis])
    else:
        order = fixed.permutation(x.shape[axis])
    return F.take(x, order, axis=axis)


__all__ = [
    "SeedGenerator",
    "beta",
    "binomial",
    "categorical",
    "dropout",
    "gamma",
    "normal",
    "randint",
    "shuffle",
    "truncated_normal",
    "uniform",
]

if not TYPE_CHECKING:
    from ._base.missing import attributes_missing_from

    __getattr__ = attributes_missing_from(__name__)
