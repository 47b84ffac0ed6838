"""Position: where a fit is. It can be saved and restored."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from .. import _core
from .._base import functional as F
from .._base.random import Generator
from .._core import Tensor
from .checks import try_out
from .logs import numbers
from .steps import counts_itself

if TYPE_CHECKING:
    from typing import TypedDict

    from .._base.types import Logs
    from .._engine.runner import Batch
    from .data_adapters import Arrays, Stream
    from .trainer import Trainer

    class State(TypedDict):
        """What `state_dict` returns."""

        epoch: int
        step: int
        batch: int
        order: np.ndarray
        random: np.ndarray
        metrics: list[np.ndarray]
        logs: Logs
        data: dict[str, int]


Random = list[tuple[int, int]]  # for each generator its seed and how far it has been used

_ENTRIES = {"epoch", "step", "batch", "order", "random", "metrics", "logs", "data"}


class _Now(NamedTuple):
    """The values that change from step to step. Replaced as a whole, in case of Ctrl-C."""

    epoch: int
    step: int
    batch: int
    order: Random
    random: Random | None  # before the running steps; None between steps
    mark: int  # the count of steps before the running steps; -1 between steps
    logs: Logs  # of the last step, {} if steps were done since


class Position:
    """The position of a fit: all that is needed to continue it to the bit, besides the weights.

    Call `state_dict()` in any callback, or after the fit has ended or was interrupted. Call
    `load_state_dict()` in `on_train_begin`: the fit then continues there, on the same data, also
    within an epoch. Restore the weights of model and optimizer as well.

    The random state has parts: the library's generator, those of layers with a seed (in any
    attribute) and that of a `DataLoader`. State outside of fastdl, such as NumPy's random state, is
    not part of the position; nor are callbacks and the `History` of earlier epochs.

    Args:
        model: the model.
        data: the training data.
        epoch: the first epoch.

    Attributes:
        restored: a restored state, until the fit has used it.
    """

    def __init__(self, model: Trainer, data: Arrays | Stream, epoch: int) -> None:
        self.restored: State | None = None
        self._model = model
        self._choose_counter()
        self._of_data: tuple[Generator, ...] = data.generators
        self._generators = self._find_generators()
        self._knows_layers = model.built
        self._description = data.description
        self._metrics: list[np.ndarray] | None = None  # set when the fit has ended
        self._now = _Now(int(epoch), 0, 0, [], None, -1, {})
        data.on_pass = self._begin_pass

    @property
    def epoch(self) -> int:
        """The running epoch, or the next one."""
        return self._now.epoch

    @property
    def step(self) -> int:
        """The finished steps of the epoch."""
        return self._now.step + self._moved

    @property
    def batch(self) -> int:
        """The finished batches of the pass over the data; a pass may span several epochs."""
        return self._now.batch + self._moved

    @property
    def logs(self) -> Logs:
        """The logs of the last step."""
        return self._now.logs or numbers(self._model.get_metrics_result())

    @property
    def _moved(self) -> int:
        """The steps finished since `before_steps`. An exception leaves them unreported."""
        mark = self._now.mark
        return 0 if mark < 0 else self._finished.item() - mark

    def _choose_counter(self) -> None:
        """Chooses the counter of finished steps, again after any change of an attribute."""
        model = self._model
        self._chosen_in = _core.epoch()
        own = counts_itself(model)
        counter = model._runner("train").finished if own else model.optimizer._calls
        self._finished: np.ndarray = counter.numpy()  # reads in a tenth of the time

    # --- what the loop reports

    def before_steps(self) -> None:
        """Called before steps run and before the data makes batches for them."""
        if self._chosen_in != _core.epoch():
            self._choose_counter()
        epoch, step, batch, order, _, _, logs = self._now
        mark = self._finished.item()
        self._now = _Now(epoch, step, batch, order, self._random(), mark, logs)

    def after_steps(self, step: int, logs: Logs) -> None:
        """Called when `step` steps of the epoch are finished, with the logs of the last one."""
        epoch, before, batch, order, *_ = self._now
        if not self._knows_layers:  # the first step has made them
            self._generators, self._knows_layers = self._find_generators(), True
        self._now = _Now(epoch, step, batch + step - before, order, None, -1, logs)

    def next_epoch(self, pass_is_over: bool) -> None:
        """Called at the end of an epoch, before the callbacks."""
        now = self._now
        batch, order = (0, []) if pass_is_over else (now.batch, now.order)
        self._now = _Now(now.epoch + 1, 0, batch, order, None, -1, {})

    def settle(self) -> None:
        """Called when the fit has ended in any way. Later changes do not count."""
        self._now = now = self._settled()
        if now.step and self.restored is None:
            self._metrics = self._totals()

    def _settled(self) -> _Now:
        """The current state, including steps that an exception left unreported."""
        now, moved = self._now, self._moved
        if moved:
            step, batch = now.step + moved, now.batch + moved
            return _Now(now.epoch, step, batch, now.order, self._random(), -1, {})
        random = self._random() if now.random is None else now.random
        return _Now(now.epoch, now.step, now.batch, now.order, random, -1, now.logs)

    def _begin_pass(self) -> None:
        epoch, step, _, _, random, mark, logs = self._now
        assert random is not None  # before_steps has run
        self._now = _Now(epoch, step, 0, random, random, mark, logs)

    # --- as plain data

    def state_dict(self) -> State:
        """The position as numbers, strings, NumPy arrays, and lists and dicts of them."""
        if self.restored is not None:
            return self.restored
        now = self._settled()
        return {
            "epoch": now.epoch,
            "step": now.step,
            "batch": now.batch,
            # The random states before the order of the pass was drawn, and now.
            "order": _as_array(now.order if now.batch else []),
            "random": _as_array(now.random or []),
            "metrics": self._totals() if now.step else [],
            "logs": dict(now.logs),
            "data": dict(self._description),
        }

    def load_state_dict(self, state: State) -> None:
        """Makes the fit continue from a state of `state_dict`.

        Raises:
            ValueError: an entry is missing, or the state is from a fit to other data.
        """
        missing = _ENTRIES - state.keys()
        if missing:
            raise ValueError(f"position: the state has no {', '.join(sorted(missing))}")
        if state["batch"] and dict(state["data"]) != self._description:
            raise ValueError(
                f"position: the state is within a pass over data with {dict(state['data'])}, but "
                f"this fit has {self._description}"
            )
        self._now = _now_of(state)
        self.restored = state

    def take_up(self, data: Arrays | Stream, resume: bool, shuffle: bool) -> None:
        """Restores data, random state and metrics if a state was loaded.

        It includes `before_steps` and `begin_epoch` of the data.

        Raises:
            ValueError: the data is too short, or model, metrics or data do not fit the state.
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
        """`take_up` when no epoch is left."""
        state, self.restored = self.restored, None
        if state is not None:
            self._set_random(self._random_of(state))

    # --- random state: the library's generator, those of the data, those of layers

    def _find_generators(self) -> list[Tensor]:
        found = [g._state for g in self._of_data] + self._model._generator_states()
        return list({id(state): state for state in found}.values())

    def _random(self) -> Random:
        if not self._generators:
            return [_core.get_rng_state()]
        return [_core.get_rng_state(), *map(_core.get_rng_state, self._generators)]

    def _random_of(self, state: State) -> Random:
        random, count = _as_pairs(state["random"]), 1 + len(self._find_generators())
        if len(random) != count:
            raise ValueError(
                f"position: the state has {len(random)} random generators, but model and data have "
                f"{count}"
            )
        return random

    def _set_random(self, states: Random) -> None:
        self._generators = self._find_generators()
        _core.set_rng_state(*states[0])
        for generator, state in zip(self._generators, states[1:], strict=False):
            _core.set_rng_state(*state, generator)

    # --- metrics: the totals of the epoch so far

    def _total_tensors(self) -> list[Tensor]:
        found: list[Tensor] = []
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
                f"position: the state has metrics' totals of shapes {shapes}, but the model has "
                f"{[t.shape for t in state]}"
            )
        for total, value in zip(state, values, strict=True):
            F.assign_(total, value)

    def _make_metrics(self, batch: Batch) -> None:
        """Makes the state that loss and metrics make at the first batch."""
        model, (x, y, sample_weight) = self._model, batch
        y_pred = try_out(model, x)
        if model._compile_loss is not None and not model._compile_loss.built:
            model._compile_loss.build(y, y_pred)
        before = _core.set_grad_enabled(False)
        try:
            model.compute_metrics(x, y, y_pred, sample_weight)
        finally:
            _core.set_grad_enabled(before)


def _now_of(state: State) -> _Now:
    epoch, step, batch = int(state["epoch"]), int(state["step"]), int(state["batch"])
    return _Now(epoch, step, batch, _as_pairs(state["order"]), None, -1, dict(state["logs"]))


def _as_array(random: Random) -> np.ndarray:
    return np.array(random, np.uint64).reshape(-1, 2)


def _as_pairs(array: np.ndarray) -> Random:
    return [(int(seed), int(used)) for seed, used in np.asarray(array, np.uint64)]
