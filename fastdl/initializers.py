"""Initializers: the first values of weights, with Keras's names and semantics.

An initializer is called with a shape (and a dtype) and returns a tensor. With an integer `seed` it
gives the same values at each call. Without one it draws from the library's stream, which
`fastdl.utils.set_random_seed` and `fastdl.manual_seed` start.
"""

from __future__ import annotations

import copy
import math
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

import numpy as np

from . import _core
from ._base import functional as F
from ._base.checks import check_choice, check_flag, check_integers, check_number, shown
from ._base.dtypes import as_dtype
from ._base.registry import INITIALIZERS, described
from ._base.watch import Watched
from ._core import Tensor
from .random import SeedGenerator, checked_seed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import DTypeLike

    from ._base.registry import Identifier
    from ._base.types import Config
    from ._core import TensorLike

_FLOAT32 = np.dtype("float32")


class Initializer(Watched):
    """Base class: a call takes `shape` and `dtype` and returns a tensor."""

    def __call__(self, shape: Sequence[int], dtype: DTypeLike | None = None) -> Tensor:
        raise NotImplementedError(f"{type(self).__name__} has no __call__(self, shape, dtype)")

    def get_config(self) -> Config:
        """The constructor's arguments."""
        return {}

    @classmethod
    def from_config(cls, config: Config) -> Initializer:
        """The initializer that `get_config` described."""
        return cls(**config)

    def clone(self) -> Initializer:
        """An initializer with the same settings."""
        return type(self).from_config(self.get_config())

    def __repr__(self) -> str:
        return described(self)


@INITIALIZERS.register
class Constant(Initializer):
    """Every element `value`: a number, or an array that broadcasts to the shape."""

    def __init__(self, value: TensorLike = 0.0) -> None:
        try:
            _core.as_tensor(value)
        except (TypeError, ValueError):
            raise ValueError(f"Constant: value: expected numbers, got {shown(value)}") from None
        self.value = value

    def __call__(self, shape: Sequence[int], dtype: DTypeLike | None = None) -> Tensor:
        kind = as_dtype(dtype or _FLOAT32)
        if isinstance(self.value, (int, float)):
            return _core.full(tuple(shape), kind, self.value)
        value = _core.as_tensor(self.value)
        wanted = tuple(shape)
        fits = zip(reversed(value.shape), reversed(wanted), strict=False)
        if value.ndim > len(wanted) or not all(one in (1, size) for one, size in fits):
            raise ValueError(
                f"Constant: value: expected a number or an array that broadcasts to {wanted}, got "
                f"{shown(self.value)}"
            )
        return F.copy(F.cast(F.broadcast_to(value, shape=tuple(shape)), dtype=kind))

    def get_config(self) -> Config:
        value = self.value
        return {"value": value if isinstance(value, (int, float)) else np.asarray(value).tolist()}


@INITIALIZERS.register("zero")
class Zeros(Initializer):
    """Every element 0."""

    def __call__(self, shape: Sequence[int], dtype: DTypeLike | None = None) -> Tensor:
        return _core.full(tuple(shape), as_dtype(dtype or _FLOAT32), 0)


@INITIALIZERS.register("one")
class Ones(Initializer):
    """Every element 1."""

    def __call__(self, shape: Sequence[int], dtype: DTypeLike | None = None) -> Tensor:
        return _core.full(tuple(shape), as_dtype(dtype or _FLOAT32), 1)


@INITIALIZERS.register("IdentityInitializer")
class Identity(Initializer):
    """`gain` on the diagonal of a matrix, 0 elsewhere. ValueError when it isn't a matrix."""

    def __init__(self, gain: float = 1.0) -> None:
        self.gain = check_number("Identity", "gain", gain, -math.inf)

    def __call__(self, shape: Sequence[int], dtype: DTypeLike | None = None) -> Tensor:
        if len(shape) != 2:
            raise ValueError(f"Identity initializes matrices only, got shape {tuple(shape)}")
        kind = as_dtype(dtype or _FLOAT32)
        return _core.tensor(np.eye(*shape, dtype=np.float32) * np.float32(self.gain), kind)

    def get_config(self) -> Config:
        return {"gain": self.gain}


class _Random(Initializer):
    """An initializer with a `seed`: None, an int that makes it repeat its values, or a
    `random.SeedGenerator`, whose stream it continues."""

    def __init__(self, seed: int | SeedGenerator | None = None) -> None:
        self._seed = checked_seed(seed, type(self).__name__)

    @property
    def seed(self) -> int | None:
        """The seed as a number."""
        return self._seed.seed if isinstance(self._seed, SeedGenerator) else self._seed

    def get_config(self) -> Config:
        return {"seed": self.seed}

    def __call__(self, shape: Sequence[int], dtype: DTypeLike | None = None) -> Tensor:
        kind = as_dtype(dtype or _FLOAT32)
        if kind.kind != "f":
            raise ValueError(f"{type(self).__name__} gives floating-point values, not {kind}")
        with own_stream(self._seed):
            return self._draw(tuple(int(size) for size in shape))

    def _draw(self, shape: tuple[int, ...]) -> Tensor:
        raise NotImplementedError(f"{type(self).__name__} has no _draw(self, shape)")


@contextmanager
def own_stream(seed: int | SeedGenerator | None) -> Iterator[None]:
    """Inside the block random values come from `seed`; None leaves the library's stream."""
    if seed is None or isinstance(seed, SeedGenerator):
        with seed or nullcontext():
            yield
        return
    state = _core.get_rng_state()
    _core.manual_seed(int(seed) & ((1 << 64) - 1))
    try:
        yield
    finally:
        _core.set_rng_state(*state)


@INITIALIZERS.register("normal")
class RandomNormal(_Random):
    """Normal values with `mean` (0.0) and `stddev` (0.05)."""

    def __init__(
        self, mean: float = 0.0, stddev: float = 0.05, seed: int | SeedGenerator | None = None
    ) -> None:
        super().__init__(seed)
        who = type(self).__name__
        self.mean = check_number(who, "mean", mean, -math.inf)
        self.stddev = check_number(who, "stddev", stddev)

    def _draw(self, shape: tuple[int, ...]) -> Tensor:
        return F.normal(shape=shape, mean=self.mean, std=self.stddev)

    def get_config(self) -> Config:
        return {"mean": self.mean, "stddev": self.stddev, "seed": self.seed}


@INITIALIZERS.register
class TruncatedNormal(RandomNormal):
    """Normal values, those more than two `stddev` from the `mean` drawn again."""

    def _draw(self, shape: tuple[int, ...]) -> Tensor:
        return F.truncated_normal(shape=shape, mean=self.mean, std=self.stddev)


@INITIALIZERS.register("uniform")
class RandomUniform(_Random):
    """Values spread evenly from `minval` (-0.05) to `maxval` (0.05)."""

    def __init__(
        self, minval: float = -0.05, maxval: float = 0.05, seed: int | SeedGenerator | None = None
    ) -> None:
        super().__init__(seed)
        self.minval = check_number("RandomUniform", "minval", minval, -math.inf)
        self.maxval = check_number("RandomUniform", "maxval", maxval, -math.inf)
        if self.minval > self.maxval:
            raise ValueError(
                f"RandomUniform: minval: expected a number of at most maxval, {maxval!r}, got "
                f"{minval!r}"
            )

    def _draw(self, shape: tuple[int, ...]) -> Tensor:
        return F.uniform(shape=shape, low=self.minval, high=self.maxval)

    def get_config(self) -> Config:
        return {"minval": self.minval, "maxval": self.maxval, "seed": self.seed}


def compute_fans(
    shape: Sequence[int],
    input_axes: Sequence[int] | None = None,
    output_axes: Sequence[int] | None = None,
) -> tuple[int, int]:
    """How many inputs feed one output of a weight, and how many outputs one input feeds.

    A matrix is `(in, out)`, a convolution's kernel `(*window, in, out)`. For other weights the two
    lists give the axes.
    """
    if input_axes is not None and output_axes is not None:
        fan_in = math.prod(shape[axis] for axis in input_axes)
        return fan_in, math.prod(shape[axis] for axis in output_axes)
    if len(shape) == 0:
        return 1, 1
    if len(shape) == 1:
        return shape[0], shape[0]
    window = math.prod(shape[:-2])
    return shape[-2] * window, shape[-1] * window


@INITIALIZERS.register
class VarianceScaling(_Random):
    """Values with variance `scale / n`, where n is the fan in, the fan out or their mean.

    Args:
        scale: 1.0 unless given.
        mode: "fan_in", "fan_out" or "fan_avg".
        distribution: "truncated_normal" (cut at two deviations; the standard deviation is
            corrected for that), "untruncated_normal" or "uniform".
        seed: an int makes every call give the same values.
        input_axes, output_axes: the axes of the weight that count inputs and outputs, if they are
            not its last two.

    Raises:
        ValueError: scale not positive, unknown mode or distribution.

    Source: Glorot & Bengio 2010, He et al. 2015, LeCun et al. 1998, as Keras implements them.

    Example:
        >>> w = initializers.VarianceScaling(2.0, "fan_in", "uniform", seed=1)((64, 8))
        >>> w.shape
        (64, 8)
    """

    # The standard deviation of a standard normal variable cut off at -2 and 2.
    _CUT_DEVIATION = 0.87962566103423978

    def __init__(
        self,
        scale: float = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        seed: int | SeedGenerator | None = None,
        input_axes: Sequence[int] | None = None,
        output_axes: Sequence[int] | None = None,
    ) -> None:
        super().__init__(seed)
        who = type(self).__name__
        self.scale = check_number(who, "scale", scale, above=0.0)
        self.mode = check_choice(who, "mode", mode, ("fan_in", "fan_out", "fan_avg"))
        if isinstance(distribution, str):
            distribution = distribution.lower()
            if distribution == "normal":
                distribution = "truncated_normal"
        distributions = ("uniform", "truncated_normal", "untruncated_normal")
        self.distribution = check_choice(who, "distribution", distribution, distributions)
        for argument, axes in (("input_axes", input_axes), ("output_axes", output_axes)):
            if axes is not None:
                check_integers(who, argument, axes)
        self.input_axes = input_axes
        self.output_axes = output_axes

    def _draw(self, shape: tuple[int, ...]) -> Tensor:
        fan_in, fan_out = compute_fans(shape, self.input_axes, self.output_axes)
        fans = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2.0}
        variance = self.scale / max(1.0, fans[self.mode])
        if self.distribution == "uniform":
            limit = math.sqrt(3.0 * variance)
            return F.uniform(shape=shape, low=-limit, high=limit)
        if self.distribution == "untruncated_normal":
            return F.normal(shape=shape, std=math.sqrt(variance))
        return F.truncated_normal(shape=shape, std=math.sqrt(variance) / self._CUT_DEVIATION)

    def get_config(self) -> Config:
        return {
            "scale": self.scale,
            "mode": self.mode,
            "distribution": self.distribution,
            "seed": self.seed,
            "input_axes": self.input_axes,
            "output_axes": self.output_axes,
        }


class _Named(VarianceScaling):
    """A `VarianceScaling` with fixed settings."""

    _settings: tuple[float, str, str]

    def __init__(
        self,
        seed: int | SeedGenerator | None = None,
        input_axes: Sequence[int] | None = None,
        output_axes: Sequence[int] | None = None,
    ) -> None:
        super().__init__(*self._settings, seed, input_axes, output_axes)

    def get_config(self) -> Config:
        config = super().get_config()
        return {key: config[key] for key in ("seed", "input_axes", "output_axes")}


@INITIALIZERS.register
class GlorotUniform(_Named):
    """Uniform in plus and minus `sqrt(6 / (fan_in + fan_out))`: Keras's default for kernels."""

    _settings = (1.0, "fan_avg", "uniform")


@INITIALIZERS.register
class GlorotNormal(_Named):
    """Truncated normal with deviation `sqrt(2 / (fan_in + fan_out))`."""

    _settings = (1.0, "fan_avg", "truncated_normal")


@INITIALIZERS.register
class HeUniform(_Named):
    """Uniform in plus and minus `sqrt(6 / fan_in)`: for relu networks."""

    _settings = (2.0, "fan_in", "uniform")


@INITIALIZERS.register
class HeNormal(_Named):
    """Truncated normal with deviation `sqrt(2 / fan_in)`: for relu networks."""

    _settings = (2.0, "fan_in", "truncated_normal")


@INITIALIZERS.register
class LecunUniform(_Named):
    """Uniform in plus and minus `sqrt(3 / fan_in)`."""

    _settings = (1.0, "fan_in", "uniform")


@INITIALIZERS.register
class LecunNormal(_Named):
    """Truncated normal with deviation `sqrt(1 / fan_in)`: for selu networks."""

    _settings = (1.0, "fan_in", "truncated_normal")


@INITIALIZERS.register("OrthogonalInitializer")
class Orthogonal(_Random):
    """`gain` times an orthogonal matrix, from the QR decomposition of normal values.

    All axes but the last count as rows. With fewer rows than columns the rows are orthogonal, else
    the columns. ValueError for fewer than two axes.

    Source: Saxe et al. 2014, as Keras implements it.
    """

    def __init__(self, gain: float = 1.0, seed: int | SeedGenerator | None = None) -> None:
        super().__init__(seed)
        self.gain = check_number("Orthogonal", "gain", gain, -math.inf)

    def _draw(self, shape: tuple[int, ...]) -> Tensor:
        if len(shape) < 2:
            raise ValueError(f"Orthogonal needs a shape of two axes or more, got {shape}")
        rows, columns = math.prod(shape[:-1]), shape[-1]
        normal = F.normal(shape=(max(rows, columns), min(rows, columns)))
        q, r = np.linalg.qr(normal.numpy())
        q = q * np.sign(np.diag(r))  # makes the distribution uniform over orthogonal matrices
        q = (q.T if rows < columns else q) * np.float32(self.gain)
        return _core.tensor(np.ascontiguousarray(q, np.float32).reshape(shape))

    def get_config(self) -> Config:
        return {"gain": self.gain, "seed": self.seed}


@INITIALIZERS.register("stft", "STFTInitializer")
class STFT(Initializer):
    """Kernels of a convolution that computes a short-time Fourier transform.

    Entry (t, 0, f) of the shape (frame length, 1, frequencies) is `window[t] * cos(2 pi t f / n)`,
    or `-window[t] * sin(2 pi t f / n)`, with n = 2 (frequencies - 1).

    Args:
        side: "real" for the cosine, "imag" for the sine.
        window: "hann", "hamming", "blackman", "bartlett" or "boxcar", an array of the frame
            length, or None for no window and no scaling. Where SciPy is installed, other names are
            those of `scipy.signal.get_window`.
        scaling: "density" divides by the root of the sum of the window's squares, "spectrum" by
            the sum of its magnitudes; None.
        periodic: whether the window is periodic, for spectra, or symmetric.

    Raises:
        ValueError: an unknown side, window or scaling, or when called with another shape than
            (frame length, 1, at least 2 frequencies) or one that does not fit the window.

    Source: `keras.initializers.STFT` of Keras 3.

    Example:
        >>> initializers.STFT(window=None)((2, 1, 2)).tolist()
        [[[1.0, 1.0]], [[1.0, -1.0]]]
    """

    def __init__(
        self,
        side: str = "real",
        window: str | TensorLike | None = "hann",
        scaling: str | None = "density",
        periodic: bool = False,
    ) -> None:
        self.side = check_choice("STFT", "side", side, ("real", "imag"))
        if isinstance(window, str):
            if window not in _WINDOWS and _of_scipy(window, 4, True) is None:
                check_choice("STFT", "window", window, tuple(_WINDOWS))
        elif window is not None:
            try:
                window = np.asarray(window, np.float64)
            except (TypeError, ValueError):
                raise ValueError(
                    f"STFT: window: expected a name or numbers, got {shown(window)}"
                ) from None
        if scaling is not None:
            check_choice("STFT", "scaling", scaling, ("density", "spectrum"))
        self.window: str | np.ndarray | None = window
        self.scaling = scaling
        self.periodic = check_flag("STFT", "periodic", periodic)

    def __call__(self, shape: Sequence[int], dtype: DTypeLike | None = None) -> Tensor:
        shape = tuple(shape)
        if len(shape) != 3 or shape[1] != 1 or shape[2] < 2:
            raise ValueError(
                f"STFT: shape: expected (frame length, 1, at least 2 frequencies), got {shape}"
            )
        length, _, frequencies = shape
        angles = np.outer(np.arange(length), np.arange(frequencies)) * (np.pi / (frequencies - 1))
        kernel = np.cos(angles) if self.side == "real" else -np.sin(angles)
        if self.window is not None:
            window = self._window(length)
            if self.scaling == "density":
                window = window / np.sqrt(np.sum(window**2))
            elif self.scaling == "spectrum":
                window = window / np.sum(np.abs(window))
            kernel *= window[:, None]
        kind = as_dtype(dtype or _FLOAT32)
        return _core.tensor(kernel.astype(np.float32).reshape(shape), kind)

    def _window(self, length: int) -> np.ndarray:
        if isinstance(self.window, str):
            named = _WINDOWS.get(self.window)
            if named is None:
                found = _of_scipy(self.window, length, self.periodic)
                assert found is not None
                return found
            return named(length + 1)[:-1] if self.periodic else named(length)
        assert self.window is not None
        if self.window.shape != (length,):
            raise ValueError(
                f"STFT: window: expected an array of shape {(length,)}, got shape "
                f"{self.window.shape}"
            )
        return self.window

    def get_config(self) -> Config:
        window = self.window
        return {
            "side": self.side,
            "window": window.tolist() if isinstance(window, np.ndarray) else window,
            "scaling": self.scaling,
            "periodic": self.periodic,
        }


# Symmetric windows of a length. A periodic one is that of one sample more, without the last.
_WINDOWS: dict[str, Callable[[int], np.ndarray]] = {
    "hann": np.hanning,
    "hamming": np.hamming,
    "blackman": np.blackman,
    "bartlett": np.bartlett,
    "boxcar": np.ones,
}


def _of_scipy(name: str, length: int, periodic: bool) -> np.ndarray | None:
    """A window of SciPy; None for an unknown name, or without SciPy."""
    try:
        from scipy.signal import get_window

        return np.asarray(get_window(name, length, fftbins=periodic), np.float64)
    except (ImportError, ValueError):
        return None


def for_axes(initializer: Any, input_axes: Sequence[int], output_axes: Sequence[int]) -> Any:
    """The initializer for a weight whose axes count inputs and outputs in this way.

    It is another one only if its variance depends on them, and it was not made for some axes.
    """
    if not isinstance(initializer, VarianceScaling):
        return initializer
    if initializer.input_axes is not None and initializer.output_axes is not None:
        return initializer
    initializer = copy.copy(initializer)
    initializer.input_axes, initializer.output_axes = input_axes, output_axes
    return initializer


serialize = INITIALIZERS.serialize
deserialize = INITIALIZERS.deserialize


def get(identifier: Identifier | TensorLike, who: str = "") -> Any:
    """The initializer for a name, config, class, instance, function, number or array.

    Raises:
        ValueError: unknown name (the nearest one is suggested) or nothing of these kinds.
    """
    if isinstance(identifier, (Tensor, np.ndarray, np.number, int, float)):
        try:
            return Constant(identifier)
        except ValueError as error:
            raise ValueError(f"{who}{': ' * bool(who)}{error}") from None
    return INITIALIZERS.get(identifier, who)


# Keras's other names for the classes.
IdentityInitializer = identity = Identity
OrthogonalInitializer = orthogonal = Orthogonal
STFTInitializer = stft = STFT
constant = Constant
zeros = Zeros
ones = Ones
random_normal = RandomNormal
random_uniform = RandomUniform
truncated_normal = TruncatedNormal
variance_scaling = VarianceScaling
glorot_normal = GlorotNormal
glorot_uniform = GlorotUniform
he_normal = HeNormal
he_uniform = HeUniform
lecun_normal = LecunNormal
lecun_uniform = LecunUniform


if not TYPE_CHECKING:
    from ._base.missing import attributes_missing_from

    __getattr__ = attributes_missing_from(__name__)
