"""The built-in steps of training and evaluation, and the runners of a model's steps."""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import TYPE_CHECKING, Any

from .. import _core
from .._base import functional as F
from .._base import tree
from .._base.checks import shown
from .._core import Tensor
from .._engine.runner import Batch, Runner, Settings
from .._graph.calls import signature_of
from ..autograd import set_grad_enabled
from ..layers.layer import Layer
from ..regularizers import factors_of
from ..utils.batches import pack_x_y_sample_weight, unpack_x_y_sample_weight

if TYPE_CHECKING:
    from .._base.types import Tensors
    from .trainer import Trainer


def make_runner(model: Trainer, phase: str) -> Runner:
    """The runner of the model's `train_step`, `test_step` or `predict_step`."""
    training = phase == "train"

    def step(batch: Batch) -> Any:
        data = pack_x_y_sample_weight(*batch)
        # Losses, metrics and steps are Keras's: in them `x += y` makes a new tensor.
        rebinds = _core.set_rebinding(True)
        try:
            with set_grad_enabled(training):
                if model._has_own(f"make_{phase}_function"):
                    return _own_function(model, phase)(iter((data,)))
                return getattr(model, f"{phase}_step")(data)
        finally:
            _core.set_rebinding(rebinds)

    epoch = -1
    trained: tuple[bool, ...] = ()

    def settings() -> Settings:
        nonlocal epoch, trained
        if not training:
            return Settings(None, model.run_eagerly)
        if epoch != _core.epoch():  # otherwise no weight was frozen since
            epoch, trained = _core.epoch(), tuple(w.requires_grad for w in model.weights)
        # A user's step may apply the optimizer any number of times.
        one_update = not _has_own_training(model)
        return Settings(trained, model.run_eagerly, model.optimizer, one_update)

    def counts() -> bool:
        return counts_itself(model)

    return Runner(step, settings, counts if training else None)


def counts_itself(model: Trainer) -> bool:
    """Whether the runner counts the training steps; otherwise the optimizer does."""
    return _has_own_training(model) or (model.built and not model.trainable_weights)


def _has_own_training(model: Trainer) -> bool:
    return model._has_own("train_step") or model._has_own("make_train_function")


def _own_function(model: Trainer, phase: str) -> Any:
    """The function that the model's own `make_train_function`, or a similar method, has made."""
    name = f"{phase}_function"
    if getattr(model, name) is None:
        made = getattr(model, f"make_{name}")()
        if getattr(model, name) is None:
            setattr(model, name, made)
    if not callable(getattr(model, name)):
        raise TypeError(
            f"model {model.name!r}: make_{name}: expected it to set {name} to a function, got "
            f"{shown(getattr(model, name))}"
        )
    return getattr(model, name)


def train_step(model: Trainer, data: Any) -> dict[str, Any]:
    """One step of training on a batch (x, y, sample_weight); returns the logs."""
    x, y, sample_weight = unpack_x_y_sample_weight(data)
    y_pred = model(x, training=True)
    weights = model.trainable_weights
    penalties = _penalties(model, weights)
    if penalties:
        loss = total_loss(model, y, y_pred, sample_weight, penalties)
    else:
        loss = loss_of(model, x, y, y_pred, sample_weight, training=True)
    if weights:
        optimizer = model.optimizer
        penalty = optimizer._descend(optimizer.scale_loss(loss), weights, penalties)
        if penalty is not None:
            loss = F.add(loss, penalty)
    # Metrics come last: Ctrl-C may end a step until the first state is updated.
    model._loss_tracker.update_state(loss.detach(), _batch_size(x))
    return model.compute_metrics(x, y, y_pred, sample_weight)


def test_step(model: Trainer, data: Any) -> dict[str, Any]:
    """One step of evaluation on a batch (x, y, sample_weight); returns the logs."""
    x, y, sample_weight = unpack_x_y_sample_weight(data)
    y_pred = model(x, training=False)
    loss = loss_of(model, x, y, y_pred, sample_weight, training=False)
    model._loss_tracker.update_state(loss.detach(), _batch_size(x))
    return model.compute_metrics(x, y, y_pred, sample_weight)


def loss_of(
    model: Trainer, x: Any, y: Any, y_pred: Any, sample_weight: Any, training: bool
) -> Tensor:
    """The loss by the model's `compute_loss`, which the user may have defined."""
    if model._has_own("compute_loss"):
        taken = signature_of(model, "compute_loss")
        if not (taken.training or taken.takes_anything):  # the signature before Keras 3.3
            return model.compute_loss(x, y, y_pred, sample_weight)
    return model.compute_loss(x, y, y_pred, sample_weight, training=training)


def _penalties(model: Trainer, weights: Sequence[Tensor]) -> dict[int, tuple[float, float]]:
    """The penalties of weights that the optimizer adds in its pass, as `_descend` takes them.

    None where the model's class has a say in the loss, or where it is all of the loss.
    """
    found: dict[int, tuple[float, float]] = {}
    for weight in weights:
        regularizer = getattr(weight, "regularizer", None)
        factors = None if regularizer is None else factors_of(regularizer)
        if factors is not None:
            found[id(weight)] = factors
    if not found or model._compile_loss is None or not model.optimizer._adds_penalties():
        return {}
    own = model._has_own("compute_loss") or type(model).losses is not Layer.losses
    return {} if own else found


def total_loss(
    model: Trainer,
    y: Tensors,
    y_pred: Tensors,
    sample_weight: Tensors,
    without: Container[int] = (),
) -> Tensor:
    """The loss of `compile` and those that layers added.

    Args:
        without: the identities of weights whose penalties are left out.

    Raises:
        ValueError: there is no loss, or there are no targets for that of `compile`.
    """
    terms: list[Tensor] = []
    if model._compile_loss is not None:
        if y is None:
            raise ValueError(f"y: expected targets for the loss of model {model.name!r}, got None")
        terms.append(model._compile_loss(y, y_pred, sample_weight))
    losses = model._losses_without(without) if without else model.losses
    terms += [F.sum(t) if t.ndim else t for t in losses]
    if not terms:
        raise ValueError(
            f"model {model.name!r} has no loss: give one to compile(), or call add_loss() in a "
            "layer"
        )
    total = terms[0]
    for term in terms[1:]:
        total = F.add(total, term)
    return total


def _batch_size(x: Tensors) -> int:
    return next(t.shape[0] if t.ndim else 1 for t in tree.leaves(x) if t is not None)
