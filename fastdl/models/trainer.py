"""Trainer: compile, fit, evaluate, predict, and their steps.

A step is a Python function of a batch. A `Runner` has the core record and replay it. A `Loop` runs
it over the data and calls the callbacks. `Trainer` combines them. The file is long because five
methods spell and explain all of Keras's arguments.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _core
from .._base import tree
from .._base.arguments import suggests_arguments
from .._base.checks import check_count, check_flag, check_number, shown
from .._base.decoding import KEPT
from .._base.notices import warn
from .._core import Tensor
from .._engine.runner import Runner
from ..utils.batches import unpack_x_y_sample_weight
from . import steps as built_in
from .checks import (
    check_compiled,
    check_counts,
    check_data,
    check_epochs,
    check_trainable,
    check_validation,
    limited_epochs,
    limited_steps,
)
from .data_adapters import Arrays, adapt, is_stream
from .data_conversion import some_tensors, split_validation
from .functions import StepFunctions
from .intake import Intake
from .logs import in_order, numbers
from .loop import FitOptions, Loop
from .state_tree import set_state_tree, state_tree

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Literal

    from .._base.parameter import Parameter
    from .._base.registry import Identifier
    from .._base.types import Batches, Config, Data
    from ..callbacks import History
    from ..callbacks.callback import Callbacks
    from ..metrics import Mean, Metric
    from ..optimizers import Optimizer
    from .compile_utils import CompileLoss, CompileMetrics, Losses, LossWeights, Metrics


class Trainer(StepFunctions):
    """The training interface of models; `Model` inherits it. Semantics and names are Keras 3's."""

    if TYPE_CHECKING:  # from `Layer`, the other base of `Model`
        name: str
        built: bool
        history: History
        losses: list[Tensor]
        _losses_without: Any
        weights: list[Parameter]
        trainable_weights: list[Parameter]
        non_trainable_weights: list[Parameter]
        non_trainable_variables: list[Parameter]
        _metrics: list[Metric]
        _flatten_layers: Any
        _generator_states: Any
        __call__: Any

    if TYPE_CHECKING:  # set by compile
        optimizer: Optimizer
        _loss_tracker: Mean
    else:
        optimizer = None
        _loss_tracker = None

    # The values before compile. As class attributes they cost a new model nothing.
    loss: Losses = None
    stop_training = False
    stop_evaluating = False
    stop_predicting = False
    run_eagerly = False
    steps_per_execution = 1
    _compiled = False
    _compile_arguments: Config
    _compile_loss: CompileLoss | None = None
    _compile_metrics: CompileMetrics | None = None

    # --- compile

    @suggests_arguments("Model")
    def compile(
        self,
        optimizer: Optimizer | Identifier = "rmsprop",
        loss: Losses = None,
        loss_weights: LossWeights = None,
        metrics: Metrics = None,
        weighted_metrics: Metrics = None,
        run_eagerly: bool = False,
        steps_per_execution: int = 1,
        jit_compile: bool | Literal["auto"] | None = "auto",
        auto_scale_loss: bool = True,
    ) -> None:
        """Sets how the model is trained.

        Args:
            optimizer: an optimizer or its name.
            loss: a loss, its name or a function of (y_true, y_pred); for several outputs a list or
                dict of them.
            loss_weights: a number for each output, to weigh its loss in the total.
            metrics: metrics, their names or functions; for several outputs a list or dict of lists.
            weighted_metrics: metrics that take sample weights into account.
            run_eagerly: run every step in Python: for debugging, and for steps that depend on what
                `fit` cannot see (global variables, the time).
            steps_per_execution: how many steps belong together. Hooks for batches are called once
                for all of them, before the first and after the last, with the number of the last
                (also where the data ends before it), and `predict` gives them the outputs of all.
                The attribute of this name may change between calls of `fit`.
            jit_compile: "auto", True, False or None; changes no result. Steps are recorded unless
                `run_eagerly` says otherwise.
            auto_scale_loss: accepted; float32 losses need no scaling.

        Raises:
            ValueError: unknown names (the nearest known one is suggested), or an option that is
                none of the values above.

        Source: `keras.Model.compile` of Keras 3.

        Example:
            >>> model = fastdl.Sequential([fastdl.layers.Dense(1)])
            >>> model.compile("adam", "mse", metrics=["mae"])
        """
        from .. import metrics as metrics_module
        from .. import optimizers
        from .compile_utils import CompileLoss, CompileMetrics

        check_count("compile", "steps_per_execution", steps_per_execution, 1)
        _check_jit_compile("compile", jit_compile)
        eager = check_flag("compile", "run_eagerly", run_eagerly)
        new_optimizer = optimizers.get(optimizer, "compile: optimizer")
        names = getattr(self, "output_names", None)
        compile_loss = None if loss is None else CompileLoss(loss, loss_weights, names)
        compile_metrics = None
        if metrics is not None or weighted_metrics is not None:
            compile_metrics = CompileMetrics(metrics, weighted_metrics, names)
            compile_metrics.loss = compile_loss
        self.__dict__.update(
            optimizer=new_optimizer,
            loss=loss,
            run_eagerly=eager,
            steps_per_execution=steps_per_execution,
            stop_training=False,
            _compiled=True,
            _compile_loss=compile_loss,
            _compile_metrics=compile_metrics,
            _loss_tracker=metrics_module.Mean(name="loss"),
            _compile_arguments={
                "optimizer": new_optimizer,
                "loss": loss,
                "loss_weights": loss_weights,
                "metrics": metrics,
                "weighted_metrics": weighted_metrics,
                "run_eagerly": eager,
                "steps_per_execution": steps_per_execution,
                "jit_compile": jit_compile,
            },
        )
        for phase in ("train", "test", "predict"):
            self.__dict__.pop(f"{phase}_function", None)
        _core.raise_epoch()
        self._forget_steps()

    def get_compile_config(self) -> Config | None:
        """The arguments of `compile`, for `compile_from_config`; None if it was not called.

        The values are those that were given, with the optimizer as an object; `save` makes them
        plain. A class with a compile() of its own defines both methods.
        """
        if not self._compiled:
            return None
        if type(self).compile is not Trainer.compile and not self._has_own("compile_from_config"):
            warn(
                f"model {self.name!r}: its class {type(self).__name__} has a compile() of its own, "
                "so its compile settings are not saved; define get_compile_config() and "
                "compile_from_config()"
            )
            return None
        return dict(self._compile_arguments)

    def compile_from_config(self, config: Config) -> None:
        """Compiles the model as `get_compile_config` says; objects may be configs."""
        from .. import losses, optimizers
        from .. import metrics as metrics_module
        from ..saving.values import is_object

        def made(registry: Any, value: Any) -> Any:
            if is_object(value):
                return registry.deserialize(value)
            if isinstance(value, dict):
                return {key: made(registry, item) for key, item in value.items()}
            if isinstance(value, (list, tuple)):
                return [made(registry, item) for item in value]
            return value

        registries = {
            "optimizer": optimizers,
            "loss": losses,
            "metrics": metrics_module,
            "weighted_metrics": metrics_module,
        }
        arguments = {
            key: made(registries[key], value) if key in registries else value
            for key, value in config.items()
        }
        self.compile(**arguments)

    @property
    def compiled(self) -> bool:
        """Whether `compile` was called."""
        return self._compiled

    @property
    def metrics(self) -> list[Metric]:
        """The metrics in the logs: the mean loss, `compile`'s metrics (as one metric with a dict of
        results), the losses of several outputs, then the metrics that are attributes of the model
        and its layers."""
        found: list[Metric] = []
        if self._compiled:
            found.append(self._loss_tracker)
            if self._compile_metrics is not None:
                found.append(self._compile_metrics)
            if self._compile_loss is not None:
                found += self._compile_loss.metrics
        found += self._metrics
        for layer in self._flatten_layers(include_self=False):
            if not isinstance(layer, Trainer):  # an inner model reports only in its own fit
                found += layer._metrics
        return found

    @property
    def metrics_names(self) -> list[str]:
        """The names of `metrics`."""
        return [m.name for m in self.metrics]

    def reset_metrics(self) -> None:
        """Resets all metrics."""
        for metric in self.metrics:
            metric.reset_state()

    # --- running

    def _runner(self, phase: str) -> Runner:
        """The runner of the steps of "train", "test" or "predict"."""
        try:
            found: Runner = self.__dict__["_runners"][phase]
        except KeyError:
            found = built_in.make_runner(self, phase)
            self.__dict__.setdefault("_runners", {})[phase] = found
        return found

    def _forget_steps(self) -> None:
        """Drops recorded steps, after a change of something that they depend on."""
        for runner in self.__dict__.get("_runners", {}).values():
            runner.forget()
        self.__dict__.pop(KEPT, None)

    @suggests_arguments("Model")
    def fit(
        self,
        x: Data | Batches = None,
        y: Data = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: int | str = "auto",
        callbacks: Callbacks = None,
        validation_split: float = 0.0,
        validation_data: Data | Batches = None,
        shuffle: bool = True,
        class_weight: dict[int, float] | Literal["balanced"] | None = None,
        sample_weight: Data = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int | None = None,
        validation_freq: int | Sequence[int] = 1,
    ) -> History:
        """Trains the model.

        Args:
            x: samples along axis 0: an array or tensor, a list or dict of them for several
                inputs; a table (below); a sparse matrix of SciPy, of which only the rows of a
                batch become dense; or an object that yields batches (x, y) or (x, y,
                sample_weight): a generator, a `DataLoader`, a `utils.PyDataset`.
            y: targets, in the same forms; None if x yields them.
            batch_size: samples per step, 32 by default; the last batch of an epoch may be smaller.
            epochs: the number of epochs, those before `initial_epoch` included.
            verbose: "auto" or 1 for a progress bar (one line per epoch in a log file), 2 for one
                line per epoch, 0 for silence.
            callbacks: a list of `Callback`s.
            validation_split: the last part of x and y, as a fraction, is kept for validation.
            validation_data: (x, y), (x, y, sample_weight) or an object that yields batches.
            shuffle: whether to draw a new order of the samples in each epoch; for a `PyDataset` a
                new order of its batches. Other objects that yield batches keep their order.
            class_weight: a weight for the samples of each class, by index; or "balanced", which
                weighs classes alike: n / (classes x samples of the class), as in scikit-learn.
            sample_weight: a weight for each sample.
            initial_epoch: the number of the first epoch, counted from 0.
            steps_per_epoch: the number of steps of an epoch; needed for endless generators. The
                next epoch continues where the last one stopped. Without `batch_size`, arrays are
                cut into this number of batches.
            validation_steps, validation_batch_size: the same for validation, which always starts
                at the beginning.
            validation_freq: the number of epochs from one validation to the next, or a list of the
                epochs to validate after.

        Returns:
            The `History`: `history.history[name]` lists the values of each epoch.

        Raises:
            RuntimeError: the model isn't compiled.
            ValueError, TypeError: the data does not fit the model, or x, y and sample_weight do
                not fit each other. Model and optimizer are as before the step that failed.

        Tables are DataFrames of pandas and polars, Tables of pyarrow, lists of dicts. Several
        inputs, or those of a dict, take the columns of their names. Another model takes all columns
        as one array of shape (samples, columns), remembers their names, also in its file, and puts
        the columns of later tables into that order; a table with other columns is an error. A
        column alone, such as a Series, has the shape (samples, 1), as in Keras.

        Ctrl-C ends the fit within 0.2 s and leaves the model as after the last whole step. A step
        that runs eagerly and has updated weights is finished first; a second Ctrl-C does not wait.

        Steps are recorded and replayed without Python. What a step reads in Python (attributes of
        the model, its layers, metrics, losses and the optimizer, values of tensors) may change at
        any time: the step is then recorded again. A step that changes something in Python
        (`self.i += 1`, `self.kept.append(loss)`) or looks at values it computes runs eagerly, and
        a warning names the line. A recorded step does not see changes of global variables, of
        modules' attributes, of the time and of files, and it prints only while it is recorded. Keep
        state that changes from step to step in a `Variable`, or `compile` with `run_eagerly=True`.

        Source: `keras.Model.fit` of Keras 3.

        Example:
            >>> model = fastdl.Sequential([fastdl.layers.Dense(1)])
            >>> model.compile("sgd", "mse")
            >>> x = np.ones((8, 3), "float32")
            >>> len(model.fit(x, x[:, :1], epochs=2, verbose=0).history["loss"])
            2
        """
        check_compiled(self, "fit")
        check_epochs(epochs, initial_epoch, validation_freq)
        check_counts("fit", batch_size=batch_size, steps_per_epoch=steps_per_epoch)
        check_counts(
            "fit",
            validation_steps=validation_steps,
            validation_batch_size=validation_batch_size,
        )
        shuffle = check_flag("fit", "shuffle", shuffle)
        if validation_split is not None:
            validation_split = check_number("fit", "validation_split", validation_split, below=1.0)
        intake = Intake(self, learns=True)
        x, y, sample_weight = intake.data("fit", x, y, sample_weight)
        split = bool(validation_split) and validation_data is None
        if split:
            if is_stream(x):
                raise ValueError(
                    "fit: validation_split: expected x to be arrays, got a source of batches "
                    f"({type(x).__name__})"
                )
            (x, y, sample_weight), validation_data = split_validation(
                (x, y, sample_weight), validation_split
            )
        data = adapt("fit", intake, x, y, sample_weight, class_weight, batch_size, steps_per_epoch)
        if isinstance(data, Arrays):
            check_data(self, "fit", data)
        check_trainable(self, "fit")
        validation = None
        if validation_data is not None:
            x, y, sample_weight = validation_data, None, None
            who = "fit: validation_data"
            if not is_stream(x):
                x, y, sample_weight = unpack_x_y_sample_weight(x, who)
                if not split:  # its parts have no tables any more
                    x, y, sample_weight = intake.data(who, x, y, sample_weight)
            size = validation_batch_size or batch_size
            validation = adapt(who, intake, x, y, sample_weight, None, size, validation_steps)
        if isinstance(validation, Arrays):
            check_validation(self, validation, data)
        intake.keep()
        epochs = limited_epochs(epochs)
        steps_per_epoch = limited_steps(data, steps_per_epoch)
        if validation is not None:
            validation_steps = limited_steps(validation, validation_steps)
        total = data.batches if steps_per_epoch is None else steps_per_epoch
        loop = Loop("fit", self, callbacks, verbose, add_history=True, epochs=epochs, steps=total)
        options = FitOptions(
            epochs=epochs,
            initial_epoch=initial_epoch,
            steps_per_epoch=steps_per_epoch,
            shuffle=shuffle,
            validation=validation,
            validation_steps=validation_steps,
            validation_freq=validation_freq,
        )
        return loop.fit(data, options)

    @suggests_arguments("Model")
    def evaluate(
        self,
        x: Data | Batches = None,
        y: Data = None,
        batch_size: int | None = None,
        verbose: int | str = "auto",
        sample_weight: Data = None,
        steps: int | None = None,
        callbacks: Callbacks = None,
        return_dict: bool = False,
    ) -> Any:
        """Loss and metrics on data; the arguments are those of `fit`.

        Returns:
            With `return_dict` a dict by name. Else the loss, or, if there are further values, a
            list: the loss, the losses of several outputs, the metrics of a single output in the
            order of `compile`, then the others by name.

        Source: `keras.Model.evaluate` of Keras 3.
        """
        check_compiled(self, "evaluate")
        check_counts("evaluate", batch_size=batch_size, steps=steps)
        return_dict = check_flag("evaluate", "return_dict", return_dict)
        intake = Intake(self)
        x, y, sample_weight = intake.data("evaluate", x, y, sample_weight)
        data = adapt("evaluate", intake, x, y, sample_weight, None, batch_size, steps)
        if isinstance(data, Arrays):
            check_data(self, "evaluate", data, "test_step")
        steps = limited_steps(data, steps)
        total = data.batches if steps is None else steps
        loop = Loop("evaluate", self, callbacks, verbose, epochs=1, steps=total)
        logs = loop.evaluate(data, steps)
        return logs if return_dict else in_order(self, logs)

    @suggests_arguments("Model")
    def predict(
        self,
        x: Data | Batches,
        batch_size: int | None = None,
        verbose: int | str = "auto",
        steps: int | None = None,
        callbacks: Callbacks = None,
    ) -> Any:
        """The outputs for data, as NumPy arrays in the structure of the model's outputs.

        Args:
            x: as in `fit`.
            batch_size: samples per step, 32 by default; it doesn't change the results' values.
            verbose, callbacks: as in `fit`.
            steps: the largest number of batches. Without `batch_size`, arrays are cut into this
                number of batches.

        Source: `keras.Model.predict` of Keras 3.

        Example:
            >>> model = fastdl.Sequential([fastdl.layers.Dense(2)])
            >>> model.predict(np.ones((5, 3)), verbose=0).shape
            (5, 2)
        """
        check_counts("predict", batch_size=batch_size, steps=steps)
        intake = Intake(self)
        x = intake.x("predict: x", x)
        data = adapt("predict", intake, x, batch_size=batch_size, steps=steps)
        steps = limited_steps(data, steps)
        total = data.batches if steps is None else steps
        loop = Loop("predict", self, callbacks, verbose, epochs=1, steps=total)
        return loop.predict(data, steps)

    def train_on_batch(
        self,
        x: Data,
        y: Data = None,
        sample_weight: Data = None,
        class_weight: dict[int, float] | Literal["balanced"] | None = None,
        return_dict: bool = False,
    ) -> Any:
        """One step of training; returns this batch's loss and metrics as `evaluate` does."""
        check_compiled(self, "train_on_batch")
        return_dict = check_flag("train_on_batch", "return_dict", return_dict)
        intake = Intake(self, learns=True)
        x, y, sample_weight = intake.data("train_on_batch", x, y, sample_weight)
        data = adapt("train_on_batch", intake, x, y, sample_weight, class_weight)
        if not isinstance(data, Arrays):
            raise TypeError(f"train_on_batch: x: expected arrays, got {shown(x)}")
        check_data(self, "train_on_batch", data)
        check_trainable(self, "train_on_batch")
        intake.keep()
        return self._batch_logs("train", data, return_dict)

    def test_on_batch(
        self, x: Data, y: Data = None, sample_weight: Data = None, return_dict: bool = False
    ) -> Any:
        """One step of evaluation; returns this batch's loss and metrics as `evaluate` does."""
        check_compiled(self, "test_on_batch")
        return_dict = check_flag("test_on_batch", "return_dict", return_dict)
        data = Arrays("test_on_batch", *Intake(self).data("test_on_batch", x, y, sample_weight))
        check_data(self, "test_on_batch", data, "test_step")
        return self._batch_logs("test", data, return_dict)

    def predict_on_batch(self, x: Data) -> Any:
        """The outputs for one batch, as NumPy arrays."""
        runner = self._runner("predict")
        if type(x) is np.ndarray and not self.run_eagerly:
            result = runner.array(x)
            if result is not None:
                return result
        with runner.turn:
            x = Intake(self).x("predict_on_batch: x", x)
            result = runner.batch((some_tensors("predict_on_batch: x", x), None, None))
            return tree.map_structure(np.array, result)

    def _batch_logs(self, phase: str, data: Arrays, return_dict: bool) -> Any:
        runner = self._runner(phase)
        with runner.turn:
            self.reset_metrics()
            logs = numbers(runner.batch(data.whole()))
        return logs if return_dict else in_order(self, logs)

    # --- the steps; a subclass may define its own

    def _has_own(self, method: str) -> bool:
        """Whether a subclass or this object defines the method."""
        found = getattr(self, method)  # by a look-up, which a step that is being recorded notes
        return getattr(found, "__func__", None) is not getattr(Trainer, method)

    def train_step(self, data: Any) -> dict[str, Any]:
        """One step of training on a batch (x, y, sample_weight); returns the logs.

        A subclass may define its own. It is recorded and replayed: see `fit` for the conditions.
        """
        return built_in.train_step(self, data)

    def test_step(self, data: Any) -> dict[str, Any]:
        """One step of evaluation on a batch (x, y, sample_weight); returns the logs."""
        return built_in.test_step(self, data)

    def predict_step(self, data: Any) -> Any:
        """The outputs for a batch."""
        x, _, _ = unpack_x_y_sample_weight(data)
        return self(x, training=False)

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Tensor:
        """The total loss of a batch: that of `compile` and those that layers added."""
        return built_in.total_loss(self, y, y_pred, sample_weight)

    @property
    def jit_compile(self) -> bool:
        """False: steps are recorded in any case, and nothing compiles them.

        It may be set as in Keras: to "auto", True, False or None, which changes nothing.

        Raises:
            ValueError: it is set to something else.
        """
        return False

    @jit_compile.setter
    def jit_compile(self, value: bool | Literal["auto"] | None) -> None:
        _check_jit_compile(f"model {self.name!r}", value)

    def get_state_tree(self, value_format: str = "backend_tensor") -> dict[str, Any]:
        """The values of weights, optimizer and metrics as nested dicts.

        Args:
            value_format: "backend_tensor" for tensors or "numpy_array" for arrays; both are copies.

        Raises:
            ValueError: two variables have the same path.

        Source: `keras.Model.get_state_tree` of Keras 3.

        Example:
            >>> stack = [layers.Input((2,)), layers.Dense(1, name="out")]
            >>> model = fastdl.Sequential(stack, name="m")
            >>> model.get_state_tree("numpy_array")["trainable_variables"]["m"]["out"]["bias"]
            array([0.], dtype=float32)
        """
        return state_tree(self, value_format)

    def set_state_tree(self, state_tree: Mapping[str, Any]) -> None:
        """Takes values from what `get_state_tree` returned, or a part of it.

        Raises:
            ValueError: an unknown variable, or another shape; then nothing was changed.
        """
        set_state_tree(self, state_tree)

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Updates the metrics with a batch and returns `get_metrics_result()`."""
        if y is not None and self._compile_metrics is not None:
            self._compile_metrics.update_state(y, y_pred, sample_weight)
        return self.get_metrics_result()

    def get_metrics_result(self) -> dict[str, Any]:
        """The current values of all metrics by name."""
        results: dict[str, Any] = {}
        for metric in self.metrics:
            value = metric.result()
            results.update(value if isinstance(value, dict) else {metric.name: value})
        return results


def _check_jit_compile(who: str, value: object) -> None:
    text = isinstance(value, str) and value == "auto"
    if not text and not isinstance(value, (bool, np.bool_, type(None))):
        raise ValueError(
            f"{who}: jit_compile: expected 'auto', True, False or None, got {shown(value)}"
        )
