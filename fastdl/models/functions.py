"""StepFunctions: the steps of a model as functions of iterators and of values."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, cast

from .._base import functional as F
from .._base import tree
from .._base.checks import check_flag, shown
from .._base.scopes import StatelessScope
from .._base.stateless import copies, holding
from .._core import Tensor
from ..autograd import set_grad_enabled
from ..utils.batches import pack_x_y_sample_weight
from . import steps as built_in
from .checks import check_compiled
from .data_adapters import Stream
from .intake import Intake

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from .._core import TensorLike
    from .trainer import Trainer

    Function = Callable[[Iterator[Any]], Any]


class Steps:
    """A function that takes an iterator of batches and makes steps of a model.

    A call makes as many steps as `compile` says in `steps_per_execution`, or fewer if the iterator
    ends. It returns the result of the last one; for predictions the outputs of all.

    Args:
        model: the model.
        phase: "train", "test" or "predict".
    """

    def __init__(self, model: Trainer, phase: str) -> None:
        self._model = model
        self._phase = phase

    def __call__(self, iterator: Iterator[Any]) -> Any:
        """Makes the steps.

        Raises:
            StopIteration: the iterator has no batch.
            TypeError: it is no iterator.
        """
        model, phase = self._model, self._phase
        who = f"{phase}_function"
        if not hasattr(iterator, "__next__"):
            raise TypeError(f"{who}: iterator: expected an iterator, got {shown(iterator)}")
        count = getattr(model, "_compile_arguments", {}).get("steps_per_execution") or 1
        batches = Stream(who, Intake(model, learns=phase == "train"), iterator)
        results: list[Any] = []
        for batch in islice(batches, count):
            found = self._step(batch)
            results = [*results, found] if phase == "predict" else [found]
        if not results:
            raise StopIteration
        if len(results) == 1:
            return results[0]
        several = zip(*(tree.leaves(result) for result in results), strict=True)
        return tree.pack(results[0], [F.concat(list(parts), axis=0) for parts in several])

    def _step(self, batch: Any) -> Any:
        model, phase = self._model, self._phase
        if model._has_own(f"make_{phase}_function"):  # which calls this one within its steps
            with set_grad_enabled(phase == "train"):
                return getattr(model, f"{phase}_step")(pack_x_y_sample_weight(*batch))
        runner = model._runner(phase)
        with runner.turn:
            return tree.map_structure(_own, runner.batch(batch))


def _own(value: Any) -> Any:
    """A value that the next step does not overwrite."""
    return value.detach().clone() if isinstance(value, Tensor) else value


class StepFunctions:
    """The part of `Trainer` with steps as functions."""

    # What the methods below have made; a model's own methods may set others.
    train_function: Function | None = None
    test_function: Function | None = None
    predict_function: Function | None = None

    def make_train_function(self, force: bool = False) -> Function:
        """Makes `train_function`, which takes an iterator of batches, trains, and returns the logs.

        A step is recorded and replayed, as those of `fit` are. The logs are the values of metrics
        since the last `reset_metrics()`. A class may define the method, and set `train_function` to
        a function of its own: `fit` then calls that for each batch.

        Args:
            force: whether to make another one if there is one.

        Returns:
            The function. (Keras returns it only if it was there.)

        Raises:
            RuntimeError: the model isn't compiled.

        Source: `keras.Model.make_train_function` of Keras 3.

        Example:
            >>> model = fastdl.Sequential([layers.Dense(1)])
            >>> model.compile("sgd", "mse")
            >>> step = model.make_train_function()
            >>> sorted(step(iter([(np.ones((4, 2)), np.ones((4, 1)))])))
            ['loss']
        """
        check_compiled(cast("Trainer", self), "make_train_function")
        return self._made("train", force)

    def make_test_function(self, force: bool = False) -> Function:
        """Makes `test_function`, as `make_train_function` does: it evaluates."""
        check_compiled(cast("Trainer", self), "make_test_function")
        return self._made("test", force)

    def make_predict_function(self, force: bool = False) -> Function:
        """Makes `predict_function`, as `make_train_function` does: it returns the outputs."""
        return self._made("predict", force)

    def _made(self, phase: str, force: bool) -> Function:
        name = f"{phase}_function"
        check_flag(f"make_{name}", "force", force)
        found: Function | None = getattr(self, name)
        if found is None or force:
            found = Steps(cast("Trainer", self), phase)
            self.__dict__[name] = found
        return found

    def stateless_compute_loss(
        self,
        trainable_variables: Iterable[TensorLike],
        non_trainable_variables: Iterable[TensorLike],
        metrics_variables: Iterable[TensorLike],
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> tuple[Tensor, tuple[list[Any], list[Tensor], list[Tensor]]]:
        """`compute_loss` with other weights and metrics; the model's own stay as they are.

        Args:
            trainable_variables, non_trainable_variables, metrics_variables: a value for each of
                the model's.
            x, y, y_pred, sample_weight, training: as for `compute_loss`.

        Returns:
            The loss, and the values of the three lists after the call.

        Raises:
            ValueError: the model isn't built, or the values do not fit its variables.

        Source: `stateless_compute_loss` of Keras 3 on JAX.
        """
        model: Any = self  # which is a layer
        who = "stateless_compute_loss"
        metrics = model.metrics_variables
        with (
            holding(f"{who}: metrics_variables", metrics, metrics_variables),
            model._having(who, trainable_variables, non_trainable_variables) as (values, states),
        ):
            loss = built_in.loss_of(model, x, y, y_pred, sample_weight, training)
            return loss, (values, [s.detach() for s in states], copies(metrics))

    def compute_loss_and_updates(
        self,
        trainable_variables: Iterable[TensorLike],
        non_trainable_variables: Iterable[TensorLike],
        metrics_variables: Iterable[TensorLike],
        x: Any,
        y: Any,
        sample_weight: Any,
        training: bool = False,
        optimizer_variables: Iterable[TensorLike] | None = None,
    ) -> tuple[Tensor, tuple[Tensor, Any, list[Tensor], list[Tensor]]]:
        """The outputs and the loss for other weights; the model's own stay as they are.

        Gradients of the loss flow to the weights that are given.

        Args:
            trainable_variables, non_trainable_variables, metrics_variables: a value for each of
                the model's.
            x, y, sample_weight: a batch; None for what there is not.
            training: the mode of the layers.
            optimizer_variables: a value for each of the optimizer's, for its scaling of the loss;
                its own unless given.

        Returns:
            The loss as the optimizer scales it, and `(loss, y_pred, non_trainable_variables,
            metrics_variables)` with the values after the call.

        Raises:
            ValueError: the model isn't built, or the values do not fit its variables.

        Source: `compute_loss_and_updates` of Keras 3 on JAX.

        Example:
            >>> model = fastdl.Sequential([layers.Input((2,)), layers.Dense(1)])
            >>> model.compile("sgd", "mse")
            >>> values = [fastdl.zeros(*v.shape) for v in model.trainable_variables]
            >>> batch = np.ones((4, 2)), 3 * np.ones((4, 1)), None
            >>> metrics = model.metrics_variables
            >>> model.compute_loss_and_updates(values, [], metrics, *batch)[0].item()
            9.0
        """
        model: Any = self  # which is a layer
        who = "compute_loss_and_updates"
        metrics = model.metrics_variables
        batch = Stream(who, Intake(model, within=True), iter([(x, y, sample_weight)]))
        x, y, sample_weight = next(iter(batch))
        with (
            holding(f"{who}: metrics_variables", metrics, metrics_variables),
            model._having(who, trainable_variables, non_trainable_variables) as (_, states),
        ):
            y_pred = model(x, training=training)
            loss = built_in.loss_of(model, x, y, y_pred, sample_weight, training)
            found = y_pred, [s.detach() for s in states], copies(metrics)
        scaled = loss
        if training and model.optimizer is not None:
            given = list(optimizer_variables or ())
            with StatelessScope(zip(model.optimizer.variables, given, strict=False)):
                scaled = model.optimizer.scale_loss(loss)
        return scaled, (loss, *found)
