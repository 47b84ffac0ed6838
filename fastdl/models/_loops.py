"""Loops: evaluate, predict, and steps on single batches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _core
from .._base import tree
from .._core import Tensor
from ._running import Running, numbers
from .compile_utils import CompileMetrics
from .data_adapters import ONE_ARRAY, Arrays, Stream, as_sample_weights, is_stream, to_tensors

if TYPE_CHECKING:
    from ..callbacks import CallbackList


class NoBatch(ValueError):
    """The data ended before the first batch."""


class Loops(Running):
    """Evaluation and prediction; `Fitting` adds `fit`, `Trainer` the steps."""

    stop_evaluating = False
    stop_predicting = False

    if TYPE_CHECKING:
        _check_data: Any
        _check_trainable: Any

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
            A dict by name with `return_dict`; else the loss, or where there is more a list: the
            loss, the losses of several outputs, the metrics of a single output in the order of
            `compile`, then what remains by name.

        Source: `keras.Model.evaluate` of Keras 3.
        """
        self._check_compiled("evaluate")
        data: Arrays | Stream
        if is_stream(x):
            data = Stream("evaluate", x, y, sample_weight)
        else:
            data = Arrays("evaluate", x, y, sample_weight, batch_size, steps)
        total = data.batches if steps is None else steps
        callback_list = self._callbacks(callbacks, verbose, epochs=1, steps=total)
        logs = self._evaluate(data, steps, callback_list)
        return logs if return_dict else self._in_order(logs)

    def _evaluate(
        self, data: Arrays | Stream, limit: int | None, callbacks: CallbackList
    ) -> dict[str, Any]:
        data.begin_epoch()
        self.stop_evaluating = False
        logs: dict[str, Any] = {}
        try:
            callbacks.on_test_begin()
            self.reset_metrics()
            begin = callbacks.on_test_batch_begin if callbacks.needs_every_batch("test") else None
            for done, result in self._run("test", data, limit, begin):
                logs = numbers(result)
                callbacks.on_test_batch_end(done - 1, logs)
                if self.stop_evaluating:
                    break
        except BaseException:
            callbacks.interrupted()
            raise
        if not logs:
            raise NoBatch("evaluate: the data yielded no batch")
        data.end_epoch()
        callbacks.on_test_end(logs)
        return logs

    def _in_order(self, logs: dict[str, Any]) -> Any:
        """The values as a list in Keras's order, or the only one."""
        names: list[str] = []
        for metric in self.metrics:
            parts = metric.metrics if isinstance(metric, CompileMetrics) else [metric]
            names += [part.name for part in parts]
        known = [name for name in names if name in logs]
        values = [logs[name] for name in (*known, *sorted(set(logs) - set(known)))]
        return values[0] if len(values) == 1 else values

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
            verbose, callbacks: as in `fit`.
            steps: batches at most; without `batch_size` the number of batches the data make.

        Source: `keras.Model.predict` of Keras 3.

        Example:
            >>> model = fastdl.Sequential([fastdl.layers.Dense(2)])
            >>> model.predict(np.ones((5, 3)), verbose=0).shape
            (5, 2)
        """
        data: Arrays | Stream
        if is_stream(x):
            data = Stream("predict", x)
        else:
            data = Arrays("predict", x, batch_size=batch_size, steps=steps)
        total = data.batches if steps is None else steps
        callback_list = self._callbacks(callbacks, verbose, epochs=1, steps=total)
        self.stop_predicting = False
        try:
            callback_list.on_predict_begin()
            outputs = self._predict(data, steps, callback_list)
            callback_list.on_predict_end()
        except BaseException:
            callback_list.interrupted()
            raise
        return outputs

    def _predict(self, data: Arrays | Stream, limit: int | None, callbacks: CallbackList) -> Any:
        whole: list[np.ndarray] = []  # the outputs for all samples
        pieces: list[list[np.ndarray]] = []  # or, where those aren't known in advance, by batch

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

        every = callbacks.needs_every_batch("predict")
        begin = callbacks.on_predict_batch_begin if every else None
        result: Any = None
        for done, result in self._run("predict", data, limit, begin, sinks=allocate):
            if not whole:
                pieces.append([np.array(t) for t in tree.leaves(result)])
            outputs = {"outputs": tree.map_structure(np.array, result)} if every else {}
            callbacks.on_predict_batch_end(done - 1, outputs)
            if self.stop_predicting:
                break
        if isinstance(data, Arrays) and whole:
            return tree.pack(result, [a[: data.step * data.batch_size] for a in whole])
        if not pieces:
            raise ValueError("predict: the data yielded no batch")
        batches = zip(*pieces, strict=True)
        joined = [np.concatenate(b) if b[0].ndim else np.stack(b) for b in batches]
        return tree.pack(result, joined)

    # --- single batches

    def train_on_batch(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        class_weight: dict[int, float] | None = None,
        return_dict: bool = False,
    ) -> Any:
        """One step of training; returns this batch's loss and metrics as `evaluate` does."""
        self._check_compiled("train_on_batch")
        if class_weight:
            y, sample_weight = to_tensors("y", y), to_tensors("sample_weight", sample_weight)
            sample_weight = as_sample_weights(class_weight, y, sample_weight)
        data = Arrays("train_on_batch", x, y, sample_weight)
        self._check_data("train_on_batch", data)
        self._check_trainable("train_on_batch")
        return self._batch_logs("train", data, return_dict)

    def test_on_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False
    ) -> Any:
        """One step of evaluation; returns this batch's loss and metrics as `evaluate` does."""
        self._check_compiled("test_on_batch")
        return self._batch_logs("test", Arrays("test_on_batch", x, y, sample_weight), return_dict)

    def predict_on_batch(self, x: Any) -> Any:
        """The outputs for one batch, as NumPy arrays."""
        if type(x) is np.ndarray and not self.run_eagerly:
            result = self._function("predict").call(x, ONE_ARRAY)
            if result is not None:
                return result
        with self._function("predict").turn:
            result = self._run_batch("predict", (to_tensors("x", x), None, None))
            return tree.map_structure(np.array, result)

    def _batch_logs(self, phase: str, data: Arrays, return_dict: bool) -> Any:
        with self._function(phase).turn:
            self.reset_metrics()
            logs = numbers(self._run_batch(phase, (data.x, data.y, data.sample_weight)))
        return logs if return_dict else self._in_order(logs)
