"""Position: where a fit is, as something that can be saved and put back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .. import _core
from .._base import functional as F
from .._base.random import Generator
from .._core import Tensor
from ..random import SeedGenerator
from .checks import try_out
from .logs import numbers

if TYPE_CHECKING:
    from .._engine.runner import Batch
    from .data_adapters import Arrays, Stream
    from .trainer import Trainer

Random = list[tuple[int, int]]  # for each generator its seed and how far it has been used

_GENERATORS = (SeedGenerator, Generator)
_ENTRIES = {"epoch", "step", "batch", "order", "random", "metrics", "logs", "data"}


class _Now(NamedTuple):
    """What changes from step to step. Replaced as a whole, so that Ctrl-C leaves no half of it."""

    epoch: int
    step: int
    batch: int
    order: Random
    random: Random | None  # before the steps that run; None between steps: what it is now
    mark: int  # what the runner's count was before the steps that run; -1 between steps
    logs: dict[str, Any]  # of the last step, {} where steps were done since


class Position:
    """Where a fit is: all it takes to go on with it to the bit, besides the weights of the model
    and the optimizer.

    `state_dict()` may be called in any callback, and after the fit has ended or was interrupted.
    `load_state_dict()` is to be called in `on_train_begin`: the fit then goes on from there, on the
    same data, in the middle of an epoch. Weights and optimizer have to be put back as well.

    Random state is that of the library's generator, those of layers with a seed (any attribute
    that is one) and that of a `DataLoader`. What lies outside of fastdl isn't part of the position,
    such as NumPy's random state; nor are callbacks and the `History` of earlier epochs.

    Args:
        model: the model.
        data: what it is fitted to.
        epoch: the epoch to begin with.

    Attributes:
        restored: a state that was put back, until the fit has taken it up.
    """

    def __init__(self, model: Trainer, data: Arrays | Stream, epoch: int) -> None:
        self.restored: dict[str, Any] | None = None
        self._model = model
        # As an array, of which reading costs a tenth.
        self._finished: np.ndarray = model._runner("train").finished.numpy()
        self._of_data: tuple[Generator, ...] = data.generators
        self._generators = self._find_generators()
        self._knows_layers = model.built
        self._description = data.description
        self._metrics: list[np.ndarray] | None = None  # once the fit has ended
        self._now = _Now(int(epoch), 0, 0, [], None, -1, {})
        data.on_pass = self._begin_pass

    @property
    def epoch(self) -> int:
        """The epoch that runs, or comes next."""
        return self._now.epoch

    @property
    def step(self) -> int:
        """The finished steps of the epoch."""
        return self._now.step + self._moved

    @property
    def batch(self) -> int:
        """The finished batches of the pass over the data, in which several epochs may lie."""
        return self._now.batch + self._moved

    @property
    def logs(self) -> dict[str, Any]:
        """The logs of the last step."""
        return self._now.logs or numbers(self._model.get_metrics_result())

    @property
    def _moved(self) -> int:
        """The steps finished since `before_steps`, which nobody could report if an exception
        came."""
        mark = self._now.mark
        return 0 if mark < 0 else self._finished.item() - mark

    # --- what the loop reports

    def before_steps(self) -> None:
        """To be called before steps run, and before the data are asked for batches."""
        epoch, step, batch, order, _, _, logs = self._now
        mark = self._finished.item()
        self._now = _Now(epoch, step, batch, order, self._random(), mark, logs)

    def after_steps(self, step: int, logs: dict[str, Any]) -> None:
        """To be called when the epoch's first `step` steps are finished, with the last's logs."""
        epoch, before, batch, order, *_ = self._now
        if not self._knows_layers:  # the first step has made them
            self._generators, self._knows_layers = self._find_generators(), True
        self._now = _Now(epoch, step, batch + step - before, order, None, -1, logs)

    def next_epoch(self, pass_is_over: bool) -> None:
        """To be called when all is done for an epoch but to tell the callbacks."""
        now = self._now
        batch, order = (0, []) if pass_is_over else (now.batch, now.order)
        self._now = _Now(now.epoch + 1, 0, batch, order, None, -1, {})

    def settle(self) -> None:
        """To be called when the fit has ended, however that was: what comes later is no part of
        it."""
        self._now = now = self._settled()
        if now.step and self.restored is None:
            self._metrics = self._totals()

    def _settled(self) -> _Now:
        """What is known now, with the steps that nobody could report."""
        now, moved = self._now, self._moved
        if moved:
            step, batch = now.step + moved, now.batch + moved
            return _Now(now.epoch, step, batch, now.order, self._random(), -1, {})
        random = self._random() if now.random is None else now.random
        return _Now(now.epoch, now.step, now.batch, now.order, random, -1, now.logs)

    def _begin_pass(self) -> None:
        epoch, step, _, _, random, mark, logs = self._now
        assert random is not None  # that before the epoch's begin, of which the data was told
        self._now = _Now(epoch, step, 0, random, random, mark, logs)

    # --- as plain data

    def state_dict(self) -> dict[str, Any]:
        """The position as numbers, strings, NumPy arrays, and lists and dicts of them."""
        if self.restored is not None:
            return self.restored
        now = self._settled()
        return {
            "epoch": now.epoch,
            "step": now.step,
            "batch": now.batch,
            # The state before the pass began, of which its order was drawn, and that now.
            "order": _as_array(now.order if now.batch else []),
            "random": _as_array(now.random or []),
            "metrics": self._totals() if now.step else [],
            "logs": dict(now.logs),
            "data": dict(self._description),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Has the fit go on from a state of `state_dict`.

        Raises:
            ValueError: it lacks an entry, or is of a fit to other data.
        """
        missing = _ENTRIES - state.keys()
        if missing:
            raise ValueError(f"position: the state has no {', '.join(sorted(missing))}")
        if state["batch"] and dict(state["data"]) != self._description:
            raise ValueError(
                f"position: it is within a pass over data with {dict(state['data'])}, this fit "
                f"has {self._description}"
            )
        self._now = _now_of(state)
        self.restored = state

    def take_up(self, data: Arrays | Stream, resume: bool, shuffle: bool) -> None:
        """Brings data, random state and metrics to where the restored state says, if there is one.

        Takes the place of `before_steps` and of the data's `begin_epoch`.

        Raises:
            ValueError: the data end before, or model, metrics and data are others.
        """
        state, self.restored = self.restored, None
        if state is None:
            self.before_steps()
            data.begin_epoch(resume, shuffle)
            return
        now, random = _now_of(state), self._random_of(state)
        if now.batch:
            self._set_random(now.order)
            seen = data.go_to(now.batch, shuffle)
            if now.step:
                self._set_totals(seen, state["metrics"])
        self._set_random(random)
        self._now = now
        self.before_steps()
        if not now.step:
            data.begin_epoch(resume, shuffle)

    def take_up_the_end(self) -> None:
        """`take_up` where no epoch is left."""
        state, self.restored = self.restored, None
        if state is not None:
            self._set_random(self._random_of(state))

    # --- random state: the library's generator, those of the data, those of layers

    def _find_generators(self) -> list[Tensor]:
        found: dict[int, Tensor] = {id(g._state): g._state for g in self._of_data}
        for layer in self._model._flatten_layers():
            attributes = layer.__dict__
            ours = type(layer).__module__.startswith("fastdl.")  # looking at all takes its time
            for value in (attributes.get("seed_generator"),) if ours else attributes.values():
                if isinstance(value, _GENERATORS):
                    memory = value.state if isinstance(value, SeedGenerator) else value._state
                    found[id(memory)] = memory
        return list(found.values())

    def _random(self) -> Random:
        if not self._generators:
            return [_core.get_rng_state()]
        return [_core.get_rng_state(), *map(_core.get_rng_state, self._generators)]

    def _random_of(self, state: dict[str, Any]) -> Random:
        random, count = _as_pairs(state["random"]), 1 + len(self._find_generators())
        if len(random) != count:
            raise ValueError(
                f"position: it has the state of {len(random)} random generators, model and data "
                f"have {count}"
            )
        return random

    def _set_random(self, states: Random) -> None:
        self._generators = self._find_generators()
        _core.set_rng_state(*states[0])
        for generator, state in zip(self._generators, states[1:], strict=False):
            _core.set_rng_state(*state, generator)

    # --- metrics: the totals of the epoch so far

    def _total_tensors(self) -> list[Tensor]:
        found = []
        for metric in self._model.metrics:
            for variable in metric.variables:
                found.append(variable)
                rest = getattr(variable, "rest", None)
                if rest is not None:
                    found.append(rest)
        return found

    def _totals(self) -> list[np.ndarray]:
        if self._metrics is not None:
            return self._metrics
        return [np.array(t) for t in self._total_tensors()]

    def _set_totals(self, batch: Batch, values: list[np.ndarray]) -> None:
        shapes = [np.shape(v) for v in values]
        state = self._total_tensors()
        if [t.shape for t in state] != shapes:
            self._make_metrics(batch)
            state = self._total_tensors()
        if [t.shape for t in state] != shapes:
            raise ValueError(
                "position: the model's metrics have totals of shapes "
                f"{[t.shape for t in state]}, the state has {shapes}"
            )
        for total, value in zip(state, values, strict=True):
            F.assign_(total, value)

    def _make_metrics(self, batch: Batch) -> None:
        """Makes what loss and metrics make at a first batch."""
        model, (x, y, sample_weight) = self._model, batch
        y_pred = try_out(model, x)
        if model._compile_loss is not None and not model._compile_loss.built:
            model._compile_loss.build(y, y_pred)
        before = _core.set_grad_enabled(False)
        try:
            model.compute_metrics(x, y, y_pred, sample_weight)
        finally:
            _core.set_grad_enabled(before)


def _now_of(state: dict[str, Any]) -> _Now:
    epoch, step, batch = (int(state[name]) for name in ("epoch", "step", "batch"))
    return _Now(epoch, step, batch, _as_pairs(state["order"]), None, -1, dict(state["logs"]))


def _as_array(random: Random) -> np.ndarray:
    return np.array(random, np.uint64).reshape(-1, 2)


def _as_pairs(array: Any) -> Random:
    return [(int(seed), int(used)) for seed, used in np.asarray(array, np.uint64)]
