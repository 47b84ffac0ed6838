"""Loop: runs fit, evaluate and predict over the data, and calls the callbacks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _core
from .._base import tree
from .._base.checks import check_count, prefixed
from .._base.moving import is_integer
from .._base.notices import warn
from .._base.progress import mode_from_verbose
from .._core import Tensor
from .data_adapters import Arrays, Stream
from .logs import numbers
from .position import Position

if TYPE_CHECKING:
    from .._base.types import Logs
    from .._engine.runner import Sinks
    from ..callbacks import History
    from ..callbacks.callback import Callbacks
    from .trainer import Trainer


class NoBatch(ValueError):
    """The data ended before the first batch."""


@dataclass
class FitOptions:
    """What `fit` does with its data."""

    epochs: int
    initial_epoch: int
    steps_per_epoch: int | None
    shuffle: bool
    validation: Arrays | Stream | None
    validation_steps: int | None
    validation_freq: int | Sequence[int]


class Loop:
    """One fit, evaluation or prediction of a model.

    The model's runners run the steps. The loop gives them the data, gives the results to the
    callbacks, and stops when a callback asks for it.

    Args:
        who: the method that was called, for messages.
        model: the model.
        callbacks, verbose: as given to `fit`.
        add_history: whether to add a `History` if there is none.
        params: what `Callback.params` holds.
    """

    def __init__(
        self,
        who: str,
        model: Trainer,
        callbacks: Callbacks,
        verbose: int | str,
        add_history: bool = False,
        **params: int | None,
    ) -> None:
        from ..callbacks import CallbackList

        self.model = model
        self._together = check_count(who, "steps_per_execution", model.steps_per_execution, 1) or 1
        try:
            silent = mode_from_verbose(verbose) == "none"
            self.callbacks = (
                callbacks
                if isinstance(callbacks, CallbackList)
                else CallbackList(
                    callbacks,
                    add_history=add_history,
                    add_progbar=not silent,
                    model=model,
                    verbose=verbose,
                    **params,
                )
            )
        except (TypeError, ValueError) as error:
            raise prefixed(who, error) from None

    def _number_after(self, done: int) -> int | None:
        """The number of the last step for hooks, if the steps done end an execution."""
        return None if done % self._together else done - 1

    def _last_number(self, done: int) -> int:
        """The same at the end of the data, where an execution may be incomplete."""
        return -(-done // self._together) * self._together - 1

    def _steps(
        self,
        phase: str,
        data: Arrays | Stream,
        limit: int | None,
        first: int = 0,
        sinks: Sinks | None = None,
    ) -> Iterator[tuple[int, Any]]:
        """Runs steps and yields (steps done, result of the last one).

        It yields after every step if a callback has hooks for batches, else now and then.

        Args:
            phase: "train", "test" or "predict".
            limit: the largest number of steps, or None.
            first: the number of the first step.
            sinks: as for `Runner.over_samples`.
        """
        begin = None
        if self.callbacks.needs_every_batch(phase):
            hook, together = getattr(self.callbacks, f"on_{phase}_batch_begin"), self._together

            def begin(step: int) -> None:
                if not (first + step) % together:
                    hook(first + step)

        else:
            self._together = 1  # the progress bar sees each step that it is shown
        runner = self.model._runner(phase)
        with runner.turn:  # no other thread replaces a result before it is read
            if isinstance(data, Arrays) and not data.lazy:
                steps = runner.over_samples(data, limit, begin, sinks)
            else:
                steps = runner.over_batches(data, limit, begin)
            for done, result in steps:
                yield first + done, result

    # --- fit

    def fit(self, data: Arrays | Stream, options: FitOptions) -> History:
        """Trains the model from its position on. `on_train_begin` may change the position."""
        model, callbacks = self.model, self.callbacks
        position = Position(model, data, options.initial_epoch)
        model.__dict__["_fit_position"] = position
        if model.stop_training:
            model.stop_training = False
        logs: Logs = {}
        try:
            callbacks.on_train_begin()
            first = position.epoch
            while position.epoch < options.epochs:
                results = self._fit_epoch(data, options, position, position.epoch == first)
                if results is None:
                    callbacks.interrupted()
                    break
                logs = results
                callbacks.on_epoch_end(position.epoch - 1, logs)
                if model.stop_training:
                    break
            position.take_up_the_end()
            if model.optimizer is not None and options.epochs > options.initial_epoch:
                model.optimizer.finalize_variable_values(model.trainable_weights)
            callbacks.on_train_end(logs)
        except BaseException:
            callbacks.interrupted()
            raise
        finally:
            position.settle()
        return model.history

    def _fit_epoch(
        self, data: Arrays | Stream, options: FitOptions, position: Position, is_first: bool
    ) -> Logs | None:
        """Runs an epoch, except for `on_epoch_end`. Returns its logs, None without data."""
        epoch, limit = position.epoch, options.steps_per_epoch
        self._begin_epoch(data, options, position)
        logs = self._train(data, limit, position)
        if logs is None:
            if is_first:
                raise ValueError("fit: the data yielded no batch")
            return None
        if options.validation is not None and _is_due(epoch, options.validation_freq):
            try:
                results = self.evaluate(options.validation, options.validation_steps)
            except NoBatch:
                if is_first:
                    raise ValueError("fit: validation_data yielded no batch") from None
                warn(
                    "fit: validation_data is used up, so training continues without it; a "
                    "generator can be read only once: give arrays, a PyDataset or a DataLoader, or "
                    "validation_steps"
                )
                options.validation, results = None, {}
            logs.update((f"val_{name}", value) for name, value in results.items())
        position.next_epoch(pass_is_over=limit is None or data.over)
        return logs

    def _begin_epoch(self, data: Arrays | Stream, options: FitOptions, position: Position) -> None:
        """Tells the callbacks, and moves the data to the first step of the epoch."""
        optimizer = self.model.optimizer
        self.model.reset_metrics()
        rate = optimizer._hyper_array[0] if position.step and optimizer is not None else None
        self.callbacks.on_epoch_begin(position.epoch)
        if rate is not None:  # a resumed epoch: callbacks have set its rate when it began
            optimizer._hyper_array[0] = rate
        position.take_up(data, options.steps_per_epoch is not None, options.shuffle)

    def _train(self, data: Arrays | Stream, limit: int | None, position: Position) -> Logs | None:
        """Trains for `limit` steps, or on all data. Returns the logs, None without data."""
        model, callbacks = self.model, self.callbacks
        done = first = position.step
        logs = position.logs if first else None
        left = None if limit is None else limit - first
        told = first
        for done, result in self._steps("train", data, left, first):
            logs = numbers(result)
            position.after_steps(done, logs)
            number = self._number_after(done)
            if number is not None:
                callbacks.on_train_batch_end(number, logs)
                told = done
                if model.stop_training:
                    break
            position.before_steps()
        if told != done:
            callbacks.on_train_batch_end(self._last_number(done), logs)
        if logs is None or (limit is not None and done < limit and not model.stop_training):
            expected = "before the first step" if logs is None else f"after {done} of {limit} steps"
            warn(
                f"fit: the data ran out {expected} of an epoch; give steps_per_epoch * epochs "
                "batches, or an iterable that can be read again"
            )
        data.end_epoch()
        return logs

    # --- evaluate

    def evaluate(self, data: Arrays | Stream, limit: int | None) -> Logs:
        """Evaluates `limit` steps, or all; returns the logs.

        Raises:
            NoBatch: the data has no batch.
        """
        model, callbacks = self.model, self.callbacks
        data.begin_epoch()
        if model.stop_evaluating:
            model.stop_evaluating = False
        logs: Logs = {}
        try:
            callbacks.on_test_begin()
            model.reset_metrics()
            told = done = 0
            for done, result in self._steps("test", data, limit):
                number = self._number_after(done)
                logs = numbers(result)
                if number is not None:
                    callbacks.on_test_batch_end(number, logs)
                    told = done
                    if model.stop_evaluating:
                        break
            if told != done:
                callbacks.on_test_batch_end(self._last_number(done), logs)
        except BaseException:
            callbacks.interrupted()
            raise
        if not logs:
            raise NoBatch("evaluate: the data yielded no batch")
        data.end_epoch()
        callbacks.on_test_end(logs)
        return logs

    # --- predict

    def predict(self, data: Arrays | Stream, limit: int | None) -> Any:
        """The outputs for `limit` batches, or all, as arrays."""
        if self.model.stop_predicting:
            self.model.stop_predicting = False
        try:
            self.callbacks.on_predict_begin()
            outputs = self._outputs(data, limit)
            self.callbacks.on_predict_end()
        except BaseException:
            self.callbacks.interrupted()
            raise
        return outputs

    def _outputs(self, data: Arrays | Stream, limit: int | None) -> Any:
        whole: list[np.ndarray] = []  # the outputs for all samples
        pieces: list[list[np.ndarray]] = []  # by batch, if the number of samples is unknown

        def allocate(first: Any) -> list[Tensor]:
            assert isinstance(data, Arrays)
            last = data.batches if limit is None else limit
            rows = min(data.samples, last * data.batch_size)
            batch = [t.numpy() for t in tree.leaves(first)]
            if all(a.shape[:1] == (min(data.batch_size, rows),) for a in batch):
                for a in batch:
                    whole.append(np.empty((rows, *a.shape[1:]), a.dtype))
                    whole[-1][: len(a)] = a
            return [_core.as_tensor(a) for a in whole]

        every = self.callbacks.needs_every_batch("predict")
        result: Any = None
        together: list[list[np.ndarray]] = []  # the outputs of an execution's steps

        def tell(number: int) -> None:
            outputs: Any = {}
            if together:
                all_of_them = together[0] if len(together) == 1 else _joined(together)
                outputs["outputs"] = tree.pack(result, all_of_them)
                together.clear()
            self.callbacks.on_predict_batch_end(number, outputs)

        done = 0
        for done, result in self._steps("predict", data, limit, sinks=allocate):
            if not whole:
                pieces.append([np.array(t) for t in tree.leaves(result)])
            if every:
                together.append([np.array(t) for t in tree.leaves(result)])
            number = self._number_after(done)
            if number is not None:
                tell(number)
                if self.model.stop_predicting:
                    break
        if together:
            tell(self._last_number(done))
        if isinstance(data, Arrays) and whole:
            return tree.pack(result, [a[: data.step * data.batch_size] for a in whole])
        if not pieces:
            raise ValueError("predict: the data yielded no batch")
        return tree.pack(result, _joined(pieces))


def _joined(pieces: list[list[np.ndarray]]) -> list[np.ndarray]:
    """For each output the values of all batches in one array."""
    batches = zip(*pieces, strict=True)
    return [np.concatenate(b) if b[0].ndim else np.stack(b) for b in batches]


def _is_due(epoch: int, frequency: int | Sequence[int]) -> bool:
    if is_integer(frequency):
        return (epoch + 1) % frequency == 0
    return epoch + 1 in frequency
