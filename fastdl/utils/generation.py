"""Generation: a model of sequences says what may follow, one of it is drawn, and so on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _core
from .._base.checks import check_fraction, check_integer, check_number, shown
from .._base.decoding import Decoding
from .._base.notices import warn_once
from .._engine.plan import plan

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike

_CHECKED = 4  # steps whose logits must be the same with and without memory
_SIMILAR = 1e-4  # of the largest logit: some hundred roundings of float32


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
) -> np.ndarray:
    """Continues sequences of tokens.

    The model gives logits `(batch, steps, vocabulary)` for tokens `(batch, steps)`, those of each
    step from this and earlier steps only: a stack of causal attention, recurrent layers and layers
    that treat each step alone, whose input has any number of steps (`Input((None,))`). Then each
    new token costs one step: attention keeps its keys and values and recurrent layers their states.
    Whether that gives the model's own logits is checked on some steps first; if not, each token
    costs a call with all steps, and a warning says so.

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

    Returns:
        int64 of the shape of `tokens` with up to `max_new_tokens` more steps; fewer if all
        sequences have ended.

    Raises:
        ValueError: tokens that are no integers, numbers out of their range, or logits of another
            shape.

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
    rows = np.atleast_2d(given).astype(np.int64)
    next_logits = _Reader(model, rows.shape[1] + max_new_tokens, context)
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
    return found[0] if given.ndim == 1 else found


class _Reader:
    """Gives the logits behind the last step of sequences, which grow by one step a call."""

    def __init__(self, model: Any, length: int, context: int | None) -> None:
        self._model = model
        self._context = context
        # Positions within a window move with each token, so nothing can be kept.
        self._remembers = context is None or length <= context
        self._length = length
        self._memory: Decoding | None = None
        self._step: Callable[..., Any] | None = None

    def __call__(self, rows: np.ndarray) -> np.ndarray:
        if self._step is not None:
            return self._checked(self._step(_core.as_tensor(rows[:, -1:])).numpy())
        seen = rows if self._context is None else rows[:, -self._context :]
        logits = self._run(seen)
        if self._remembers and rows.shape[1] > _CHECKED:
            self._begin(rows, logits)
        return logits[:, -1]

    def _run(self, rows: np.ndarray) -> np.ndarray:
        logits = self._model(_core.as_tensor(rows)).numpy()
        if logits.ndim != 3 or logits.shape[:2] != rows.shape:
            raise ValueError(
                f"generate: model: expected logits of shape ({rows.shape[0]}, {rows.shape[1]}, "
                f"vocabulary), got {logits.shape}"
            )
        return self._checked(logits)

    def _checked(self, logits: np.ndarray) -> np.ndarray:
        if np.isnan(logits).any():
            raise ValueError("generate: model: its logits are NaN")
        return logits

    def _begin(self, rows: np.ndarray, wanted: np.ndarray) -> None:
        """Reads the sequences again, with a memory, the last steps one by one."""
        self._remembers = False  # once
        memory = Decoding(self._length)

        def step(x: Any) -> Any:
            with memory:
                logits = self._model(x)[:, -1]
                memory.advance(x.shape[1])
            return logits

        first = rows.shape[1] - _CHECKED
        try:
            step(_core.as_tensor(rows[:, :first]))
            one = plan(step)
            found = [
                one(_core.as_tensor(rows[:, t : t + 1])).numpy()
                for t in range(first, rows.shape[1])
            ]
        except (ValueError, RuntimeError, IndexError, NotImplementedError) as error:
            return self._give_up(str(error))
        apart = np.abs(np.stack(found, 1) - wanted[:, first:]).max()
        if not apart <= _SIMILAR * max(1.0, np.abs(wanted[:, first:]).max()):
            return self._give_up("its logits differ if steps come one by one")
        self._memory, self._step = memory, one

    def _give_up(self, why: str) -> None:
        name = getattr(self._model, "name", type(self._model).__name__)
        warn_once(
            f"generate: {name} is called with all steps for each token, since it cannot be called "
            f"with the new ones alone: {why}"
        )

    def reorder(self, rows: np.ndarray) -> None:
        """Gives each sequence the past of another one."""
        if self._memory is not None:
            self._memory.reorder(_core.as_tensor(rows))


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
        z = logits.astype(np.float64) / temperature
        if top_k is not None and top_k < z.shape[-1]:
            least = np.partition(z, -top_k, -1)[:, -top_k, None]
            z = np.where(z < least, -np.inf, z)
        p = np.exp(_log_softmax(z))
        if top_p is not None:
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
    for _ in range(count):
        token = choose(next_logits(rows))
        if end_token is not None:
            token = np.where(ended, end_token, token)
            ended |= token == end_token
        rows = np.concatenate([rows, token[:, None]], 1)
        if ended.all():
            break
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
