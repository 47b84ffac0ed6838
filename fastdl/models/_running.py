"""Running: steps over batches, whole arrays and streams, replayed by the core where possible."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .._core import Tensor
from .._engine.steps import StepFunction
from ..autograd import set_grad_enabled
from ..utils.batches import pack_x_y_sample_weight
from .data_adapters import Arrays, Form, Stream

if TYPE_CHECKING:
    from ..callbacks import CallbackList

# How long the core runs before Python gets to see progress, and a pending Ctrl-C.
_REFRESH_SECONDS = 0.1
# Learning rates of a schedule are computed this many steps ahead.
_SCHEDULE_AHEAD = 1024

Begin = Callable[[int], None]
Sinks = Callable[[Any], "list[Tensor]"]


class Running:
    """How a model's steps are run; `Loops` and `Fitting` say over what."""

    if TYPE_CHECKING:  # what the classes that inherit this one bring along
        name: str
        optimizer: Any
        run_eagerly: bool
        weights: Any
        metrics: Any
        losses: Any
        _metrics: list[Any]
        _flatten_layers: Any
        train_step: Any
        test_step: Any
        predict_step: Any
        reset_metrics: Any
        _has_own: Any
        _check_compiled: Any
        __call__: Any

    def _function(self, phase: str) -> StepFunction:
        functions = self.__dict__.setdefault("_functions", {})
        if phase not in functions:
            steps = {"train": self._run_train, "test": self._run_test, "predict": self._run_predict}
            functions[phase] = StepFunction(steps[phase], limit=16 if phase == "predict" else 8)
        return functions[phase]

    def _run_train(self, data: Any) -> Any:
        with set_grad_enabled(True):
            return self.train_step(pack_x_y_sample_weight(*data))

    def _run_test(self, data: Any) -> Any:
        with set_grad_enabled(False):
            return self.test_step(pack_x_y_sample_weight(*data))

    def _run_predict(self, data: Any) -> Any:
        with set_grad_enabled(False):
            return self.predict_step(pack_x_y_sample_weight(*data))

    def _key(self, phase: str, form: Form) -> Any:
        """What a recorded step depends on besides its data's shapes."""
        if phase != "train":
            return form.key
        return form.key, tuple(w.requires_grad for w in self.weights)

    def _run_batch(self, phase: str, data: tuple[Any, Any, Any]) -> Any:
        """One step on a batch."""
        form = Form(data)
        optimizer = self.optimizer if phase == "train" else None
        if optimizer is not None:  # the rate is set here, so a recorded step needn't look for it
            optimizer._refresh_learning_rate()
            optimizer.__dict__["_learning_rate_is_fed"] = True
        try:
            key = self._key(phase, form)
            return self._function(phase)(form.leaves, form.fill, key, self.run_eagerly)
        finally:
            if optimizer is not None:
                optimizer.__dict__["_learning_rate_is_fed"] = False

    def _run(
        self,
        phase: str,
        data: Arrays | Stream,
        limit: int | None = None,
        begin: Begin | None = None,
        sinks: Sinks | None = None,
    ) -> Iterator[tuple[int, Any]]:
        """Runs over the data from where they stand; yields (steps done, result of the last one).

        Args:
            phase: "train", "test" or "predict".
            limit: steps at most.
            begin: called with each step's number before it; then each step is yielded, too. Without
                it several steps on arrays are run at once.
            sinks: called with the result of the first step on arrays; returns arrays that take the
                rows of the results of all others.
        """
        with self._function(phase).turn:  # a result is read before another thread makes the next
            if isinstance(data, Arrays):
                yield from self._run_arrays(phase, data, limit, begin, sinks)
            else:
                yield from self._run_stream(phase, data, limit, begin)

    def _run_arrays(
        self,
        phase: str,
        data: Arrays,
        limit: int | None,
        begin: Begin | None,
        sinks: Sinks | None,
    ) -> Iterator[tuple[int, Any]]:
        function = self._function(phase)
        optimizer = self.optimizer if phase == "train" else None
        targets: Sequence[Tensor] = ()
        start, end = data.step, data.end(limit)
        full = data.samples // data.batch_size  # batches before a smaller last one
        while data.step < end:
            first = data.step * data.batch_size
            if begin is not None:
                begin(data.step - start)
            if begin is not None or (sinks is not None and not targets) or data.step == full:
                wanted = 1
            else:
                wanted = min(end, full) - data.step
            per_step: list[tuple[Tensor, Any]] = []
            if optimizer is not None:
                if optimizer._learning_rate is not None:
                    # A step of the user's own may apply the optimizer any number of times.
                    wanted = min(wanted, 1 if self._has_own("train_step") else _SCHEDULE_AHEAD)
                    rates = optimizer._learning_rates(int(optimizer._calls), wanted)
                    per_step.append((optimizer._hyper, rates))
                optimizer.__dict__["_learning_rate_is_fed"] = True
            try:
                count, result = function.run(
                    data.leaves,
                    data.form.fill,
                    self._key(phase, data.form),
                    eager=self.run_eagerly,
                    indices=data.indices,
                    first=first,
                    batch=min(data.batch_size, data.samples - first),
                    steps=wanted,
                    seconds=_REFRESH_SECONDS,
                    sinks=targets,
                    per_step=per_step,
                )
            finally:
                if optimizer is not None:
                    optimizer.__dict__["_learning_rate_is_fed"] = False
            data.step += count
            if sinks is not None and not targets:
                targets = sinks(result)
            yield data.step - start, result

    def _run_stream(
        self, phase: str, data: Stream, limit: int | None, begin: Begin | None
    ) -> Iterator[tuple[int, Any]]:
        """`_run` for a stream: every step is yielded."""
        for done, batch in enumerate(data.steps(limit)):
            if begin is not None:
                begin(done)
            yield done + 1, self._run_batch(phase, batch)

    def _callbacks(
        self, callbacks: Any, verbose: int | str, add_history: bool = False, **params: Any
    ) -> CallbackList:
        from ..callbacks import CallbackList

        if isinstance(callbacks, CallbackList):
            return callbacks
        return CallbackList(
            callbacks,
            add_history=add_history,
            add_progbar=verbose != 0,
            model=self,
            verbose=verbose,
            **params,
        )


def numbers(logs: Any) -> dict[str, Any]:
    """A step's logs as Python floats (or arrays, for values of several elements), by name."""
    if not isinstance(logs, dict):
        raise TypeError(
            f"a train_step or test_step must return a dict of logs, got {type(logs).__name__}"
        )
    found: dict[str, Any] = {}
    for name, value in sorted(logs.items()):
        if isinstance(value, dict):
            found.update(numbers(value))
        elif isinstance(value, Tensor):
            found[name] = value.item() if value.numel() == 1 else np.array(value)
        else:
            found[name] = value
    return found
