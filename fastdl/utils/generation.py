"""Generation: a model of sequences says what may follow, one of it is drawn, and so on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from .. import _core
from .._base.checks import check_fraction, check_integer, check_number, shown
from .._base.notices import warn_once
from .stepping import CHECKED, Steps

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike

_SIMILAR = 1e-4  # of the largest logit: some hundred roundings of float32
_CACHES = ("float32", "bfloat16", "int8")


def generate(
    model: Any,
    tokens: ArrayLike,
    max_new_tokens: int,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    beams: int | None = None,
    end_token: int | None = None,
    context: int | None = None,
    seed: int | None = None,
    cache_dtype: Literal["float32", "bfloat16", "int8"] | None = None,
) -> np.ndarray:
    """Continues sequences of tokens.

    The model gives logits `(batch, steps, vocabulary)` for tokens `(batch, steps)`, those of each
    step from this and earlier steps only: a stack of causal attention, recurrent layers and layers
    that treat each step alone, whose input has any number of steps (`Input((None,))`). Then each
    new token costs one step: attention keeps its keys and values and recurrent layers their states.
    Whether that gives the model's own logits is checked on some steps first; if not, each token
    costs a call with all steps, and a warning says so. A model whose weights and attributes stay as
    they are keeps the recorded step, so that later calls with as many sequences need no check; not
    if its memory takes more than 64 MiB.

    Args:
        model: the model, or a function of a tensor of tokens.
        tokens: integers, (steps) or (batch, steps), with at least one step.
        max_new_tokens: how many follow.
        temperature: logits are divided by it; 0 takes the most probable token.
        top_k: draws among so many tokens of the highest probability.
        top_p: draws among the most probable tokens whose probabilities first sum up to this.
        beams: instead of drawing, keeps so many continuations, and returns the one with the largest
            product of probabilities (beam search).
        end_token: a sequence ends with it; it is repeated behind the end.
        context: the most steps that the model takes; of longer sequences it sees the last ones.
        seed: of the draws.
        cache_dtype: the type in which attention keeps its keys and values, float32 unless given.
            int8 has a scale for each step and head. States of recurrent layers stay float32. It
            has no effect where each token costs a call with all steps.

    Returns:
        int64 of the shape of `tokens` with up to `max_new_tokens` more steps; fewer if all
        sequences have ended.

    Raises:
        ValueError: tokens that are no integers, numbers out of their range, an unknown
            `cache_dtype`, or logits of another shape.

    Source: Holtzman et al. 2020 (top_p), Fan et al. 2018 (top_k).

    Example:
        >>> steps = [layers.Input((None,)), layers.Embedding(7, 8)]
        >>> steps += [layers.GRU(8, return_sequences=True), layers.Dense(7)]
        >>> model = fastdl.Sequential(steps)
        >>> fastdl.utils.generate(model, [1, 2], 3, seed=0).shape
        (5,)
    """
    who = "generate"
    given = np.asarray(tokens)
    if given.dtype.kind not in "iu" or given.ndim not in (1, 2) or given.shape[-1] == 0:
        raise ValueError(
            f"{who}: tokens: expected integers of shape (steps) or (batch, steps), at least one "
            f"step, got {shown(tokens)}"
        )
    check_integer(who, "max_new_tokens", max_new_tokens, 0)
    check_number(who, "temperature", temperature, 0)
    for name, value in (("top_k", top_k), ("beams", beams), ("context", context)):
        if value is not None:
            check_integer(who, name, value, 1)
    if top_p is not None:
        check_fraction(who, "top_p", top_p)
    if end_token is not None:
        check_integer(who, "end_token", end_token, 0)
    if cache_dtype not in (None, *_CACHES):
        raise ValueError(
            f"{who}: cache_dtype: expected one of {', '.join(_CACHES)} or None, got "
            f"{shown(cache_dtype)}"
        )
    rows = np.atleast_2d(given).astype(np.int64)
    begin = (len(rows) * (beams or 1), rows.shape[1])
    next_logits = _Reader(model, begin, max_new_tokens, context, cache_dtype or "float32")
    before = _core.set_grad_enabled(False)
    try:
        if beams is not None:
            found = _search(next_logits, rows, max_new_tokens, beams, end_token)
        else:
            rng = np.random.default_rng(seed)
            choose = _chooser(temperature, top_k, top_p, rng)
            found = _draw(next_logits, rows, max_new_tokens, choose, end_token)
    finally:
        _core.set_grad_enabled(before)
    next_logits.keep()
    return found[0] if given.ndim == 1 else found


class _Reader:
    """Gives the logits behind the last step of sequences, which grow by one step a call."""

    def __init__(
        self, model: Any, begin: tuple[int, int], count: int, context: int | None, cache_dtype: str
    ) -> None:
        self._model = model
        self._context = context
        self._length = length = begin[1] + count
        self._cache_dtype = cache_dtype
        self._steps: Steps | None = None
        self._behind = 0  # steps that `_steps` has read
        # Positions within a window move with each token, so nothing can be kept. A few tokens are
        # not worth a check, except that they have to be those of a short cache.
        self._remembers = context is None or length <= context
        if self._remembers:
            self._steps = Steps.kept(model, begin, length, cache_dtype)
            self._remembers = count > CHECKED or (cache_dtype != "float32" and count > 0)

    def __call__(self, rows: np.ndarray) -> np.ndarray:
        if self._steps is None:
            seen = rows if self._context is None else rows[:, -self._context :]
            logits = self._run(seen)
            if self._remembers:
                logits = self._begin(rows, logits)
            if self._steps is None or self._behind:
                return logits[:, -1]
        if self._behind == 0:
            self._steps.read(rows[:, :-1])
        self._behind = rows.shape[1]
        return self._checked(self._steps(rows[:, -1:]))

    def _run(self, rows: np.ndarray) -> np.ndarray:
        logits = self._model(_core.as_tensor(rows)).numpy()
        if logits.ndim != 3 or logits.shape[:2] != rows.shape:
            raise ValueError(
                f"generate: model: expected logits of shape ({rows.shape[0]}, {rows.shape[1]}, "
                f"vocabulary), got {logits.shape}"
            )
        return self._checked(logits)

    def _checked(self, logits: np.ndarray) -> np.ndarray:
        most = logits.max(initial=-np.inf)
        if most != most:
            raise ValueError("generate: model: its logits are NaN")
        return logits

    def _begin(self, rows: np.ndarray, logits: np.ndarray) -> np.ndarray:
        """Reads the sequences again, with a memory, the last steps one by one."""
        longer = self._lengthened(rows, logits[:, -1])
        try:
            wanted = logits if longer is rows else self._run(longer)
        except IndexError:  # the model does not take all tokens that it knows: wait for drawn ones
            return logits
        self._remembers = False  # once
        size = (self._model, len(rows), self._length)
        steps = Steps(*size, "float32")
        try:
            found = steps.follow(longer)
            wanted = wanted[:, -found.shape[1] :]
            apart = np.abs(found - wanted).max(initial=0.0)
            if not apart <= _SIMILAR * max(1.0, np.abs(wanted).max(initial=0.0)):
                return self._give_up(logits, "its logits differ if steps come one by one")
            short = self._cache_dtype != "float32" and steps.has_caches
            if short:
                steps = Steps(*size, self._cache_dtype)
                steps.follow(longer)
        except (ValueError, RuntimeError, IndexError, NotImplementedError) as error:
            return self._give_up(logits, str(error))
        steps.note_check(longer.shape[1])
        self._steps = steps
        if longer is rows and not short:
            self._behind = rows.shape[1]
        return found

    def _lengthened(self, rows: np.ndarray, logits: np.ndarray) -> np.ndarray:
        """Sequences of enough steps for the check, behind short ones the most probable tokens."""
        missing = min(CHECKED + 1, self._length) - rows.shape[1]
        if missing <= 0:
            return rows
        order = np.argsort(-logits, -1, kind="stable")
        more = order[:, np.arange(missing) % order.shape[1]]
        return np.concatenate([rows, more], 1)

    def _give_up(self, logits: np.ndarray, why: str) -> np.ndarray:
        name = getattr(self._model, "name", type(self._model).__name__)
        warn_once(
            f"generate: {name} is called with all steps for each token, since it cannot be called "
            f"with the new ones alone: {why}"
        )
        return logits

    def reorder(self, rows: np.ndarray) -> None:
        """Gives each sequence the past of another one."""
        if self._steps is not None and self._behind:
            self._steps.reorder(rows)

    def keep(self) -> None:
        """Leaves the recorded step and its memory to the next call for this model."""
        if self._steps is not None:
            self._steps.keep()


def _log_softmax(logits: np.ndarray) -> np.ndarray:
    z = logits.astype(np.float64)
    z -= z.max(-1, keepdims=True)
    return z - np.log(np.exp(z).sum(-1, keepdims=True))


def _chooser(
    temperature: float, top_k: int | None, top_p: float | None, rng: np.random.Generator
) -> Callable[[np.ndarray], np.ndarray]:
    """A function that draws a token for each row of logits."""

    def choose(logits: np.ndarray) -> np.ndarray:
        if temperature == 0:
            return logits.argmax(-1)
        z = logits.astype(np.float64)
        if temperature != 1:
            z /= temperature
        if top_k is not None and top_k < z.shape[-1]:
            least = np.partition(z, -top_k, -1)[:, -top_k, None]
            z = np.where(z < least, -np.inf, z)
        z -= z.max(-1, keepdims=True)
        p = np.exp(z, out=z)  # but for a factor
        if top_p is not None:
            p /= p.sum(-1, keepdims=True)
            order = np.argsort(-p, -1, kind="stable")
            sums = np.cumsum(np.take_along_axis(p, order, -1), -1)
            dropped = np.zeros(p.shape, bool)
            # A token stays if those before it do not reach top_p yet.
            np.put_along_axis(dropped, order[:, 1:], sums[:, :-1] >= top_p, -1)
            p = np.where(dropped, 0.0, p)
        sums = np.cumsum(p, -1)
        return (rng.random((len(p), 1)) * sums[:, -1:] >= sums).sum(-1)

    return choose


def _draw(
    next_logits: _Reader,
    rows: np.ndarray,
    count: int,
    choose: Callable[[np.ndarray], np.ndarray],
    end_token: int | None,
) -> np.ndarray:
    ended = np.zeros(len(rows), bool)
    given = rows.shape[1]
    rows = np.concatenate([rows, np.zeros((len(rows), count), np.int64)], 1)
    for n in range(given, given + count):
        token = choose(next_logits(rows[:, :n]))
        if end_token is not None:
            token = np.where(ended, end_token, token)
            ended |= token == end_token
        rows[:, n] = token
        if end_token is not None and ended.all():
            return rows[:, : n + 1]
    return rows


def _search(
    next_logits: _Reader, rows: np.ndarray, count: int, beams: int, end_token: int | None
) -> np.ndarray:
    """Beam search. The beams of a sample follow one another."""
    samples = len(rows)
    rows = np.repeat(rows, beams, 0)
    # At first the beams of a sample are the same, so only the first one counts.
    scores = np.tile([0.0] + [-np.inf] * (beams - 1), samples)
    ended = np.zeros(len(rows), bool)
    for _ in range(count):
        p = _log_softmax(next_logits(rows))
        vocabulary = p.shape[-1]
        if end_token is not None:
            p[ended] = -np.inf
            p[ended, end_token] = 0.0
        total = (scores[:, None] + p).reshape(samples, -1)
        best = np.argsort(-total, -1, kind="stable")[:, :beams]
        scores = np.take_along_axis(total, best, -1).reshape(-1)
        source = (best // vocabulary + beams * np.arange(samples)[:, None]).reshape(-1)
        token = (best % vocabulary).reshape(-1)
        if not np.array_equal(source, np.arange(len(rows))):
            next_logits.reorder(source)
        rows = np.concatenate([rows[source], token[:, None]], 1)
        if end_token is not None:
            ended = ended[source] | (token == end_token)
            # The best beam of a sample comes first, and the others only lose probability.
            if ended[::beams].all():
                break
    return rows[::beams]
