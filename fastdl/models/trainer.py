"""Trainer: compile, and what one step of training, evaluation and prediction is.

A step is a Python function on a batch. Its second run is recorded, later ones are replayed by the
core (`fastdl._engine.steps.StepFunction`), from the loops over the data (`_fitting.Fitting`).
"""

from __future__ import annotations

from typing import Any

from .._base import functional as F
from .._base import tree
from .._base.checks import check_count
from .._core import Tensor
from .._graph.calls import signature_of
from ..utils.batches import unpack_x_y_sample_weight
from ._fitting import Fitting


class Trainer(Fitting):
    """The training interface of models; `Model` inherits it. Semantics and names are Keras 3's."""

    # Until compile; class attributes, so that a model costs nothing more to make.
    optimizer: Any = None
    loss: Any = None
    stop_training = False
    run_eagerly = False
    _compiled = False
    _compile_loss: Any = None
    _compile_metrics: Any = None
    _loss_tracker: Any = None

    # --- compile

    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        loss_weights: Any = None,
        metrics: Any = None,
        weighted_metrics: Any = None,
        run_eagerly: bool = False,
        steps_per_execution: int = 1,
        jit_compile: Any = "auto",
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
            steps_per_execution: at least 1. Steps run together as far as callbacks allow, whatever
                it says; callbacks are called for every batch.
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
        if jit_compile not in ("auto", True, False, None):
            raise ValueError(
                f"compile: jit_compile: expected 'auto', True, False or None, got {jit_compile!r}"
            )
        new_optimizer = optimizers.get(optimizer)
        names = getattr(self, "output_names", None)
        compile_loss = None if loss is None else CompileLoss(loss, loss_weights, names)
        compile_metrics = None
        if metrics is not None or weighted_metrics is not None:
            compile_metrics = CompileMetrics(metrics, weighted_metrics, names)
        self.__dict__.update(
            optimizer=new_optimizer,
            loss=loss,
            run_eagerly=bool(run_eagerly),
            stop_training=False,
            _compiled=True,
            _compile_loss=compile_loss,
            _compile_metrics=compile_metrics,
            _loss_tracker=metrics_module.Mean(name="loss"),
        )
        self._forget_steps()

    @property
    def compiled(self) -> bool:
        """Whether `compile` was called."""
        return self._compiled

    @property
    def metrics(self) -> list[Any]:
        """What logs report: the mean loss, `compile`'s metrics (as one metric with a dict of
        results), the losses of several outputs, then the metrics that are attributes of the model
        and its layers."""
        found: list[Any] = []
        if self._compiled:
            found.append(self._loss_tracker)
            if self._compile_metrics is not None:
                found.append(self._compile_metrics)
            if self._compile_loss is not None:
                found += self._compile_loss.metrics
        found += self._metrics
        for layer in self._flatten_layers(include_self=False):
            if not isinstance(layer, Trainer):  # a model inside reports to its own fit
                found += layer._metrics
        return found

    @property
    def metrics_names(self) -> list[str]:
        """The names of `metrics`."""
        return [m.name for m in self.metrics]

    def reset_metrics(self) -> None:
        """Sets all metrics back."""
        for metric in self.metrics:
            metric.reset_state()

    def _forget_steps(self) -> None:
        """Drops recorded steps; called when something they depend on changes."""
        for function in self.__dict__.get("_functions", {}).values():
            function.forget()

    def _check_compiled(self, who: str) -> None:
        if not self._compiled:
            raise RuntimeError(
                f"{who}: model {self.name!r} has to be compiled first: "
                "model.compile(optimizer, loss)"
            )

    # --- the steps; a subclass may define its own

    def _has_own(self, method: str) -> bool:
        """Whether a subclass defines this method itself."""
        return getattr(type(self), method) is not getattr(Trainer, method)

    def train_step(self, data: Any) -> dict[str, Any]:
        """One step of training on a batch (x, y, sample_weight); returns the logs.

        A subclass may define its own. It is recorded and replayed: `fit` says what that asks of it.
        """
        x, y, sample_weight = unpack_x_y_sample_weight(data)
        y_pred = self(x, training=True)
        loss = self._compute_loss(x, y, y_pred, sample_weight, training=True)
        weights = self.trainable_weights
        if weights:
            self.optimizer._descend(self.optimizer.scale_loss(loss), weights)
        # Metrics come last: until some state is updated, Ctrl-C may end a step in the middle.
        self._loss_tracker.update_state(loss.detach(), _batch_size(x))
        return self.compute_metrics(x, y, y_pred, sample_weight)

    def test_step(self, data: Any) -> dict[str, Any]:
        """One step of evaluation on a batch (x, y, sample_weight); returns the logs."""
        x, y, sample_weight = unpack_x_y_sample_weight(data)
        y_pred = self(x, training=False)
        loss = self._compute_loss(x, y, y_pred, sample_weight, training=False)
        self._loss_tracker.update_state(loss.detach(), _batch_size(x))
        return self.compute_metrics(x, y, y_pred, sample_weight)

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
        """The total loss of a batch: that of `compile`, and those that layers added."""
        terms: list[Tensor] = []
        if self._compile_loss is not None:
            if y is None:
                raise ValueError(
                    f"model {self.name!r} was compiled with a loss but got no targets y"
                )
            terms.append(self._compile_loss(y, y_pred, sample_weight))
        terms += [F.sum(t) if t.ndim else t for t in self.losses]
        if not terms:
            raise ValueError(
                f"model {self.name!r} has no loss: give one to compile(), or call add_loss() in a "
                "layer"
            )
        total = terms[0]
        for term in terms[1:]:
            total = F.add(total, term)
        return total

    def _compute_loss(
        self, x: Any, y: Any, y_pred: Any, sample_weight: Any, training: bool
    ) -> Tensor:
        if self._has_own("compute_loss"):
            taken = signature_of(self, "compute_loss")
            if not (taken.training or taken.takes_anything):  # as was usual before Keras 3.3
                return self.compute_loss(x, y, y_pred, sample_weight)
        return self.compute_loss(x, y, y_pred, sample_weight, training=training)

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Takes a batch into the metrics and returns `get_metrics_result()`."""
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


def _batch_size(x: Any) -> int:
    return next(t.shape[0] if t.ndim else 1 for t in tree.leaves(x) if t is not None)
