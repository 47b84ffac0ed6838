"""Loops: fit, evaluate and predict, the part of a model that goes over data.

Between callback points no Python runs: the core assembles batches and replays the recorded step.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _core, _tree
from .._core import Tensor
from .._steps import StepFunction
from ..autograd import set_grad_enabled
from ._data import (
    Arrays,
    Form,
    Stream,
    check_labels,
    class_weights_as_sample_weights,
    is_stream,
    pack_x_y_sample_weight,
    split_validation,
    to_tensors,
    unpack_x_y_sample_weight,
)

if TYPE_CHECKING:
    from ..callbacks import CallbackList, History

# How long the core runs before Python gets to see progress, and a pending Ctrl-C.
_REFRESH_SECONDS = 0.1
# Learning rates of a schedule are computed this many steps ahead.
_SCHEDULE_AHEAD = 1024


class Loops:
    """Going over data; `Trainer` has the steps and adds what they share."""

    if TYPE_CHECKING:  # what the classes that inherit this one bring along
        name: str
        optimizer: Any
        run_eagerly: bool
        stop_training: bool
        history: History
        built: bool
        weights: Any
        trainable_weights: Any
        losses: Any
        _flatten_layers: Any
        train_step: Any
        _has_default_train_step: Any
        test_step: Any
        predict_step: Any
        reset_metrics: Any
        _compile_loss: Any
        _check_compiled: Any
        __call__: Any

    # --- running steps

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
        if phase == "train" and self.optimizer is not None:
            self.optimizer._refresh_learning_rate()
        return self._function(phase)(
            form.leaves, form.fill, self._key(phase, form), self.run_eagerly
        )

    def _run_arrays(
        self,
        phase: str,
        data: Arrays,
        shuffle: bool = False,
        limit: int | None = None,
        every: bool = False,
        sinks: Sequence[Tensor] = (),
    ) -> Iterator[tuple[int, Any]]:
        """Runs over the arrays once; yields (steps done, result of the last one) now and then.

        Args:
            shuffle: take the samples in a new random order.
            limit: steps at most.
            every: yield after each step.
            sinks: arrays that take the rows of the results.
        """
        function = self._function(phase)
        indices = _core.permutation(data.samples) if shuffle else None
        full, rest = divmod(data.samples, data.batch_size)
        done = 0
        for start, batch, steps in (
            (0, data.batch_size, full),
            (full * data.batch_size, rest, int(rest > 0)),
        ):
            at = 0
            while at < steps and (limit is None or done < limit):
                wanted = (
                    1 if every else steps - at if limit is None else min(steps - at, limit - done)
                )
                per_step: list[tuple[Tensor, Any]] = []
                if phase == "train" and self.optimizer is not None:
                    wanted = min(wanted, _SCHEDULE_AHEAD)
                    rates = self.optimizer._learning_rates(int(self.optimizer._calls), wanted)
                    if rates is not None:
                        per_step.append((self.optimizer._hyper, rates))
                count, result = function.run(
                    data.leaves,
                    data.form.fill,
                    self._key(phase, data.form),
                    eager=self.run_eagerly,
                    indices=indices,
                    first=start + at * batch,
                    batch=batch,
                    steps=wanted,
                    seconds=_REFRESH_SECONDS,
                    sinks=sinks,
                    per_step=per_step,
                )
                at += count
                done += count
                yield done, result

    def _run_stream(
        self, phase: str, data: Stream, limit: int | None, weigh: Any = None
    ) -> Iterator[tuple[int, Any]]:
        """Runs over the batches of a stream; yields (steps done, result) after each."""
        done = 0
        for x, y, sample_weight in data.steps(limit):
            if weigh is not None:
                sample_weight = weigh(y, sample_weight)
            result = self._run_batch(phase, (x, y, sample_weight))
            done += 1
            yield done, result

    # --- fit

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: int | str = "auto",
        callbacks: Any = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool = True,
        class_weight: dict[int, float] | None = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int | None = None,
        validation_freq: int | Sequence[int] = 1,
    ) -> History:
        """Trains the model.

        Args:
            x: samples along axis 0: an array or tensor, a list or dict of them for several
                inputs; or something that yields batches (x, y) or (x, y, sample_weight): a
                generator, a `DataLoader`, an object with `__getitem__` and `__len__`.
            y: targets, likewise; None where x yields them.
            batch_size: samples per step, 32 by default; the last batch of an epoch may be smaller.
            epochs: the epoch to stop at, counted from 0.
            verbose: "auto" or 1 for a progress bar (one line per epoch in a log file), 2 for one
                line per epoch, 0 for silence.
            callbacks: a list of `Callback`s.
            validation_split: the last part of x and y, as a fraction, is kept for validation.
            validation_data: (x, y), (x, y, sample_weight) or something that yields batches.
            shuffle: draw a new order of the samples in each epoch (arrays only).
            class_weight: a weight for the samples of each class, by index.
            sample_weight: a weight for each sample.
            initial_epoch: where to start counting.
            steps_per_epoch: steps that make an epoch; needed for endless generators.
            validation_steps, validation_batch_size: the same for validation.
            validation_freq: validate every so many epochs, or after the epochs listed.

        Returns:
            The `History`: `history.history[name]` lists the values of each epoch.

        Raises:
            RuntimeError: the model isn't compiled.
            ValueError, TypeError: data that doesn't fit the model or itself; the model and the
                optimizer are as they were before the step that failed.

        Ctrl-C ends the work within 0.2 s; the model then is as after the last whole step.

        Source: `keras.Model.fit` of Keras 3.

        Example:
            >>> model = fastdl.Sequential([fastdl.layers.Dense(1)])
            >>> model.compile("sgd", "mse")
            >>> x = np.ones((8, 3), "float32")
            >>> len(model.fit(x, x[:, :1], epochs=2, verbose=0).history["loss"])
            2
        """
        self._check_compiled("fit")
        for name, value in (("epochs", epochs), ("initial_epoch", initial_epoch)):
            if not isinstance(value, (int, np.integer)) or value < 0:
                raise ValueError(f"fit: {name} must be an integer of at least 0, got {value!r}")
        if validation_split and validation_data is None:
            if is_stream(x):
                raise ValueError("fit: validation_split needs arrays, x yields batches")
            (x, y, sample_weight), validation_data = split_validation(
                (x, y, sample_weight), validation_split
            )
        weigh = _ClassWeights(class_weight) if class_weight else None
        data = self._training_data(x, y, sample_weight, batch_size, weigh)
        validation = self._validation_data(validation_data, validation_batch_size or batch_size)
        steps = data.batches if steps_per_epoch is None else steps_per_epoch
        callback_list = self._callbacks(
            callbacks, verbose, add_history=True, epochs=epochs, steps=steps
        )
        self.stop_training = False
        logs: dict[str, Any] = {}
        try:
            callback_list.on_train_begin()
            for epoch in range(initial_epoch, epochs):
                logs = self._fit_epoch(callback_list, epoch, data, shuffle, steps_per_epoch, weigh)
                if validation is not None and _is_due(epoch, validation_freq):
                    results = self._evaluate(validation, validation_steps, callback_list)
                    logs.update((f"val_{name}", value) for name, value in results.items())
                callback_list.on_epoch_end(epoch, logs)
                if self.stop_training:
                    break
            if self.optimizer is not None and epochs > initial_epoch:
                self.optimizer.finalize_variable_values(self.trainable_weights)
            callback_list.on_train_end(logs)
        except BaseException:
            callback_list.interrupted()
            raise
        return self.history

    def _fit_epoch(
        self,
        callbacks: CallbackList,
        epoch: int,
        data: Arrays | Stream,
        shuffle: bool,
        limit: int | None,
        weigh: Any,
    ) -> dict[str, Any]:
        self.reset_metrics()
        callbacks.on_epoch_begin(epoch)
        every = callbacks.needs_every_batch("train")
        if isinstance(data, Arrays):
            runs = self._run_arrays("train", data, shuffle, limit, every)
        else:
            runs = self._run_stream("train", data, limit, weigh)
        done, logs = 0, {}
        self.optimizer._learning_rate_is_fed = isinstance(data, Arrays)
        try:
            if every:
                callbacks.on_train_batch_begin(0)
            for done, result in runs:
                logs = _numbers(result)
                callbacks.on_train_batch_end(done - 1, logs)
                if self.stop_training:
                    break
                if every and (limit is None or done < limit):
                    callbacks.on_train_batch_begin(done)
        finally:
            self.optimizer._learning_rate_is_fed = False
        if not done:
            raise ValueError("fit: the data yielded no batch")
        if isinstance(data, Stream):
            data.end_of_epoch()
        return logs

    def _training_data(
        self, x: Any, y: Any, sample_weight: Any, batch_size: int | None, weigh: Any
    ) -> Arrays | Stream:
        if is_stream(x):
            for name, value in (("y", y), ("sample_weight", sample_weight)):
                if value is not None:
                    raise ValueError(f"fit: {name} must be None, since x yields whole batches")
            return Stream(x)
        if weigh is not None:
            y = to_tensors("y", y)
            sample_weight = weigh(y, to_tensors("sample_weight", sample_weight))
        data = Arrays("fit", x, y, sample_weight, batch_size)
        self._check_first_batch(data)
        return data

    def _check_first_batch(self, data: Arrays) -> None:
        """Finds what doesn't fit before any step is done: builds model, loss and metrics on the
        first batch and looks through the labels of all of them."""
        if not self._has_default_train_step() or self._compile_loss is None:
            return
        x, y, _ = data.first_batch()
        if y is None:
            raise ValueError(
                f"fit: model {self.name!r} was compiled with a loss, so targets y are needed"
            )
        if not self._compile_loss.built:
            state = _core.get_rng_state()
            with set_grad_enabled(False):
                y_pred = self(x, training=False)
            _core.set_rng_state(*state)
            self._compile_loss.build(y, y_pred)
            self.__dict__["_classes"] = [t.shape[-1] for t in _tree.leaves(y_pred)]
        check_labels(self._compile_loss, data.y, self.__dict__.get("_classes", ()))

    def _validation_data(self, data: Any, batch_size: int | None) -> Arrays | Stream | None:
        if data is None:
            return None
        if is_stream(data):
            return Stream(data)
        x, y, sample_weight = unpack_x_y_sample_weight(data)
        return Arrays("validation_data", x, y, sample_weight, batch_size)

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

    # --- evaluate and predict

    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: int | str = "auto",
        sample_weight: Any = None,
        steps: int | None = None,
        callbacks: Any = None,
        return_dict: bool = False,
    ) -> Any:
        """Loss and metrics on data; the arguments are those of `fit`.

        Returns:
            A dict by name with `return_dict`, else the loss, or a list that starts with it.

        Source: `keras.Model.evaluate` of Keras 3.
        """
        self._check_compiled("evaluate")
        data = Stream(x) if is_stream(x) else Arrays("evaluate", x, y, sample_weight, batch_size)
        total = data.batches if steps is None else steps
        callback_list = self._callbacks(callbacks, verbose, epochs=1, steps=total)
        logs = self._evaluate(data, steps, callback_list)
        if return_dict:
            return logs
        first = [name for name in ("loss",) if name in logs]
        values = [logs[name] for name in (*first, *sorted(set(logs) - {"loss"}))]
        return values[0] if len(values) == 1 else values

    def _evaluate(
        self, data: Arrays | Stream, limit: int | None, callbacks: CallbackList
    ) -> dict[str, Any]:
        self.reset_metrics()
        callbacks.on_test_begin()
        every = callbacks.needs_every_batch("test")
        if isinstance(data, Arrays):
            runs = self._run_arrays("test", data, limit=limit, every=every)
        else:
            runs = self._run_stream("test", data, limit)
        done, logs = 0, {}
        try:
            if every:
                callbacks.on_test_batch_begin(0)
            for done, result in runs:
                logs = _numbers(result)
                callbacks.on_test_batch_end(done - 1, logs)
                if every:
                    callbacks.on_test_batch_begin(done)
        except BaseException:
            callbacks.interrupted()
            raise
        if not done:
            raise ValueError("evaluate: the data yielded no batch")
        callbacks.on_test_end(logs)
        return logs

    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: int | str = "auto",
        steps: int | None = None,
        callbacks: Any = None,
    ) -> Any:
        """The outputs for data, as NumPy arrays in the structure of the model's outputs.

        Args:
            x: as in `fit`.
            batch_size: samples per step, 32 by default; it doesn't change the results' values.
            verbose, steps, callbacks: as in `fit`.

        Source: `keras.Model.predict` of Keras 3.

        Example:
            >>> model = fastdl.Sequential([fastdl.layers.Dense(2)])
            >>> model.predict(np.ones((5, 3)), verbose=0).shape
            (5, 2)
        """
        data = Stream(x) if is_stream(x) else Arrays("predict", x, batch_size=batch_size)
        total = data.batches if steps is None else steps
        callback_list = self._callbacks(callbacks, verbose, epochs=1, steps=total)
        try:
            callback_list.on_predict_begin()
            if isinstance(data, Arrays):
                outputs = self._predict_arrays(data, steps, callback_list)
            else:
                outputs = self._predict_stream(data, steps, callback_list)
            callback_list.on_predict_end()
        except BaseException:
            callback_list.interrupted()
            raise
        return outputs

    def _predict_arrays(self, data: Arrays, limit: int | None, callbacks: CallbackList) -> Any:
        every = callbacks.needs_every_batch("predict")
        if every:
            callbacks.on_predict_batch_begin(0)
        # The first batch tells what the outputs look like.
        x, _, _ = data.first_batch()
        first = self._run_batch("predict", (x, None, None))
        leaves = [np.array(t) for t in _tree.leaves(first)]
        size = min(data.samples, limit * data.batch_size if limit else data.samples)
        if leaves and all(a.shape[:1] == (min(data.batch_size, size),) for a in leaves):
            results = [np.empty((size, *a.shape[1:]), a.dtype) for a in leaves]
            for result, a in zip(results, leaves, strict=True):
                result[: len(a)] = a
        else:  # outputs without a sample axis: one per batch, as they come
            return self._predict_stream(Stream(_batches(data)), limit, callbacks)
        callbacks.on_predict_batch_end(0, {})
        if data.batches > 1 and limit != 1:
            rest = Arrays("predict", *_from(data, data.batch_size), batch_size=data.batch_size)
            sinks = [_core.as_tensor(a[data.batch_size :]) for a in results]
            left = None if limit is None else limit - 1
            if every:
                callbacks.on_predict_batch_begin(1)
            for done, _ in self._run_arrays("predict", rest, False, left, every, sinks):
                callbacks.on_predict_batch_end(done, {})
                if every:
                    callbacks.on_predict_batch_begin(done + 1)
        return _tree.pack(first, results)

    def _predict_stream(self, data: Stream, limit: int | None, callbacks: CallbackList) -> Any:
        pieces: list[list[np.ndarray]] = []
        result: Any = None
        for done, result in self._run_stream("predict", data, limit):
            pieces.append([np.array(t) for t in _tree.leaves(result)])
            callbacks.on_predict_batch_end(done - 1, {})
        if not pieces:
            raise ValueError("predict: the data yielded no batch")
        joined = [
            np.concatenate(p) if p[0].ndim else np.stack(p) for p in zip(*pieces, strict=True)
        ]
        return _tree.pack(result, joined)

    # --- single batches

    def train_on_batch(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        class_weight: dict[int, float] | None = None,
        return_dict: bool = False,
    ) -> Any:
        """One step of training; returns loss and metrics so far as `evaluate` does."""
        self._check_compiled("train_on_batch")
        if class_weight:
            y = to_tensors("y", y)
            sample_weight = _ClassWeights(class_weight)(
                y, to_tensors("sample_weight", sample_weight)
            )
        data = Arrays("train_on_batch", x, y, sample_weight)
        self._check_first_batch(data)
        return self._batch_logs("train", data, return_dict)

    def test_on_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False
    ) -> Any:
        """One step of evaluation; returns loss and metrics so far as `evaluate` does."""
        self._check_compiled("test_on_batch")
        return self._batch_logs("test", Arrays("test_on_batch", x, y, sample_weight), return_dict)

    def predict_on_batch(self, x: Any) -> Any:
        """The outputs for one batch, as NumPy arrays."""
        result = self._run_batch("predict", (to_tensors("x", x), None, None))
        return _tree.map_structure(np.array, result)

    def _batch_logs(self, phase: str, data: Arrays, return_dict: bool) -> Any:
        logs = _numbers(self._run_batch(phase, (data.x, data.y, data.sample_weight)))
        if return_dict:
            return logs
        values = [logs.pop("loss")] if "loss" in logs else []
        values += [logs[name] for name in sorted(logs)]
        return values[0] if len(values) == 1 else values


class _ClassWeights:
    """Turns class weights into sample weights, times those that are given."""

    def __init__(self, weights: dict[int, float]) -> None:
        self._weights = weights

    def __call__(self, y: Any, sample_weight: Any) -> Tensor:
        own = _core.as_tensor(class_weights_as_sample_weights(y, self._weights))
        if sample_weight is None:
            return own
        return _core.mul(_core.reshape(sample_weight, (-1,)), own)


def _numbers(logs: Any) -> dict[str, Any]:
    """A step's logs as Python floats (or arrays, for values of several elements)."""
    if not isinstance(logs, dict):
        raise TypeError(
            f"a train_step or test_step must return a dict of logs, got {type(logs).__name__}"
        )
    numbers: dict[str, Any] = {}
    for name, value in sorted(logs.items()):
        if isinstance(value, dict):
            numbers.update(_numbers(value))
        elif isinstance(value, Tensor):
            numbers[name] = value.item() if value.numel() == 1 else np.array(value)
        else:
            numbers[name] = value
    return numbers


def _is_due(epoch: int, frequency: int | Sequence[int]) -> bool:
    if isinstance(frequency, int):
        return (epoch + 1) % frequency == 0
    return epoch + 1 in frequency


def _from(data: Arrays, start: int) -> tuple[Any, Any, Any]:
    """The arrays without their first samples, as views."""
    rows = [
        t._view((t.shape[0] - start, *t.shape[1:]), start * (t.numel() // t.shape[0]))
        for t in data.leaves
    ]
    return data.form.fill(rows)


def _batches(data: Arrays) -> Iterator[Any]:
    for start in range(0, data.samples, data.batch_size):
        stop = min(start + data.batch_size, data.samples)
        rows = [
            t._view((stop - start, *t.shape[1:]), start * (t.numel() // t.shape[0]))
            for t in data.leaves
        ]
        yield data.form.fill(rows)
