"""Fitting: fit."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _core
from .._base import tree
from .._base.moving import is_integer
from .._graph.calls import trial
from ..autograd import set_grad_enabled
from ..utils.batches import unpack_x_y_sample_weight
from ._loops import Loops, NoBatch
from ._running import numbers
from .data_adapters import (
    Arrays,
    Stream,
    as_sample_weights,
    check_labels,
    is_stream,
    split_validation,
    to_tensors,
)

if TYPE_CHECKING:
    from ..callbacks import CallbackList, History


class Fitting(Loops):
    """`fit`, on top of evaluation and single batches."""

    if TYPE_CHECKING:  # what `Trainer` brings along
        stop_training: bool
        history: History
        trainable_weights: Any
        built: bool
        _compile_loss: Any

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
                generator, a `DataLoader`, a `utils.PyDataset` or something like it.
            y: targets, likewise; None where x yields them.
            batch_size: samples per step, 32 by default; the last batch of an epoch may be smaller.
            epochs: the epoch to stop at, counted from 0.
            verbose: "auto" or 1 for a progress bar (one line per epoch in a log file), 2 for one
                line per epoch, 0 for silence.
            callbacks: a list of `Callback`s.
            validation_split: the last part of x and y, as a fraction, is kept for validation.
            validation_data: (x, y), (x, y, sample_weight) or something that yields batches.
            shuffle: draw a new order of the samples in each epoch; with a `PyDataset` of its
                batches; not of what other objects yield.
            class_weight: a weight for the samples of each class, by index.
            sample_weight: a weight for each sample.
            initial_epoch: where to start counting.
            steps_per_epoch: steps that make an epoch; needed for endless generators. The next
                epoch goes on where the last one stopped. For arrays without `batch_size` it is the
                number of batches they make.
            validation_steps, validation_batch_size: the same for validation, which always starts
                at the beginning.
            validation_freq: validate every so many epochs, or after the epochs listed.

        Returns:
            The `History`: `history.history[name]` lists the values of each epoch.

        Raises:
            RuntimeError: the model isn't compiled.
            ValueError, TypeError: data that doesn't fit the model or itself; the model and the
                optimizer are as they were before the step that failed.

        Ctrl-C ends the work within 0.2 s; the model then is as after the last whole step.

        Steps are recorded and replayed without Python. What a step reads in Python (attributes of
        the model, its layers, metrics, losses and the optimizer, values of tensors) may change at
        any time: the step is recorded anew. A step that changes something in Python
        (`self.i += 1`, `self.kept.append(loss)`) or looks at values it computes runs eagerly, and
        a warning names the line. What cannot be seen is what it reads and changes elsewhere: global
        variables, the time, files; prints happen while it is recorded and not again. State that is
        to change from step to step belongs in a `Variable`; otherwise `compile` with
        `run_eagerly=True`.

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
        _check_frequency(validation_freq)
        if validation_split and validation_data is None:
            if is_stream(x):
                raise ValueError("fit: validation_split needs arrays, x yields batches")
            (x, y, sample_weight), validation_data = split_validation(
                (x, y, sample_weight), validation_split
            )
        data: Arrays | Stream
        if is_stream(x):
            data = Stream("fit", x, y, sample_weight, class_weight)
        else:
            if class_weight:
                y, sample_weight = to_tensors("y", y), to_tensors("sample_weight", sample_weight)
                sample_weight = as_sample_weights(class_weight, y, sample_weight)
            data = Arrays("fit", x, y, sample_weight, batch_size, steps_per_epoch)
            self._check_data("fit", data)
        self._check_trainable("fit")
        validation = _validation(
            validation_data, validation_batch_size or batch_size, validation_steps
        )
        if isinstance(validation, Arrays):
            self._check_validation(validation, data)
        callback_list = self._callbacks(
            callbacks,
            verbose,
            add_history=True,
            epochs=epochs,
            steps=data.batches if steps_per_epoch is None else steps_per_epoch,
        )
        self.stop_training = False
        logs: dict[str, Any] = {}
        try:
            callback_list.on_train_begin()
            for epoch in range(initial_epoch, epochs):
                self.reset_metrics()
                callback_list.on_epoch_begin(epoch)
                results = self._train_epoch(data, steps_per_epoch, shuffle, callback_list)
                if results is None:
                    if epoch == initial_epoch:
                        raise ValueError("fit: the data yielded no batch")
                    callback_list.interrupted()
                    break
                logs = results
                if validation is not None and _is_due(epoch, validation_freq):
                    try:
                        results = self._evaluate(validation, validation_steps, callback_list)
                    except NoBatch:
                        if epoch == initial_epoch:
                            raise ValueError("fit: validation_data yielded no batch") from None
                        warnings.warn(
                            "fit: validation_data is used up, training goes on without it; a "
                            "generator can be read once: give arrays, a PyDataset or a DataLoader, "
                            "or validation_steps",
                            stacklevel=2,
                        )
                        validation, results = None, {}
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

    def _train_epoch(
        self, data: Arrays | Stream, limit: int | None, shuffle: bool, callbacks: CallbackList
    ) -> dict[str, Any] | None:
        """The logs of an epoch of `limit` steps or all there are; None if there are none left."""
        data.begin_epoch(resume=limit is not None, shuffle=shuffle)
        begin = callbacks.on_train_batch_begin if callbacks.needs_every_batch("train") else None
        logs: dict[str, Any] | None = None
        done = 0
        for done, result in self._run("train", data, limit, begin):
            logs = numbers(result)
            callbacks.on_train_batch_end(done - 1, logs)
            if self.stop_training:
                break
        if logs is None or (limit is not None and done < limit and not self.stop_training):
            expected = "before the first step" if logs is None else f"after {done} of {limit} steps"
            warnings.warn(
                f"fit: the data ran out {expected} of an epoch; give steps_per_epoch * epochs "
                "batches, or something that can be gone through again",
                UserWarning,
                stacklevel=3,
            )
        data.end_epoch()
        return logs

    def _check_data(self, who: str, data: Arrays) -> None:
        """Finds what doesn't fit before any step is done: builds model, loss and metrics on the
        first batch and looks through the labels of all of them."""
        own = self._has_own("train_step") or self._has_own("compute_loss")
        if own or self._compile_loss is None:
            return
        x, y, _ = data.first_batch()
        if y is None:
            raise ValueError(
                f"{who}: model {self.name!r} was compiled with a loss, so targets y are needed"
            )
        if not self._compile_loss.built:
            y_pred = self._try_out(x)
            self._compile_loss.build(y, y_pred)
            self.__dict__["_classes"] = [t.shape[-1] for t in tree.leaves(y_pred)]
        check_labels(self._compile_loss, data.y, self.__dict__.get("_classes", ()))

    def _check_trainable(self, who: str) -> None:
        """Finds that the built-in step can't train, or that it has nothing to train."""
        if self._has_own("train_step"):
            return
        if self.optimizer is None:
            raise ValueError(f"{who}: model {self.name!r} was compiled without an optimizer")
        if self.built and not self.trainable_weights:
            warnings.warn(
                f"{who}: model {self.name!r} has no trainable weights, nothing will be learned",
                UserWarning,
                stacklevel=3,
            )

    def _check_validation(self, validation: Arrays, data: Arrays | Stream) -> None:
        """Finds before training what would fail after its first epoch."""
        self._check_data("validation_data", validation)
        rows = [t.shape[1:] for t in tree.leaves(validation.x)]
        if isinstance(data, Arrays) and rows != [t.shape[1:] for t in tree.leaves(data.x)]:
            self._try_out(validation.first_batch()[0])

    def _try_out(self, x: Any) -> Any:
        """The outputs for x; afterwards all is as before, except that the model is built."""
        state = _core.get_rng_state() if self.built else None
        x = tree.map_structure(lambda t: t if t is None else t.clone(), x)
        _core.keep_random_numbers()
        try:
            with set_grad_enabled(False), trial(self):
                y_pred = self(x, training=False)
        except BaseException:
            _core.give_back_random_numbers()  # but for those of weights that are made
            raise
        if state is not None:
            _core.set_rng_state(*state)
        return y_pred


def _validation(data: Any, batch_size: int | None, steps: int | None) -> Arrays | Stream | None:
    if data is None:
        return None
    if is_stream(data):
        return Stream("validation_data", data)
    x, y, sample_weight = unpack_x_y_sample_weight(data)
    return Arrays("validation_data", x, y, sample_weight, batch_size, steps)


def _check_frequency(frequency: Any) -> None:
    if is_integer(frequency):
        if frequency < 1:
            raise ValueError(
                f"fit: validation_freq: expected at least 1, or a list of epochs, got {frequency}"
            )
    elif isinstance(frequency, str) or not hasattr(frequency, "__contains__"):
        raise TypeError(
            f"fit: validation_freq: expected an integer, or a list of epochs, got {frequency!r}"
        )


def _is_due(epoch: int, frequency: int | Sequence[int]) -> bool:
    if is_integer(frequency):
        return (epoch + 1) % frequency == 0
    return epoch + 1 in frequency
