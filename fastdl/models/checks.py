"""Checks before the first step of fit, evaluate and predict: a failure leaves nothing half done."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _core
from .._base import tree
from .._base.moving import is_integer
from .._base.notices import warn
from .._graph.calls import trial
from ..autograd import set_grad_enabled
from ..losses import sparse_categorical_crossentropy
from .data_adapters import Arrays, Stream

if TYPE_CHECKING:
    from .._base.types import Tensors
    from .compile_utils import CompileLoss
    from .trainer import Trainer


def check_compiled(model: Trainer, who: str) -> None:
    """Raises RuntimeError unless `compile` was called."""
    if not model.compiled:
        raise RuntimeError(
            f"{who}: model {model.name!r} must be compiled first: model.compile(optimizer, loss)"
        )


def check_epochs(epochs: int, initial_epoch: int, frequency: int | Sequence[int]) -> None:
    """Checks the numbers of epochs that `fit` was given."""
    for name, value in (("epochs", epochs), ("initial_epoch", initial_epoch)):
        if not isinstance(value, (int, np.integer)) or value < 0:
            raise ValueError(f"fit: {name} must be an integer of at least 0, got {value!r}")
    if is_integer(frequency):
        if frequency < 1:
            raise ValueError(
                f"fit: validation_freq: expected at least 1, or a list of epochs, got {frequency}"
            )
    elif isinstance(frequency, str) or not hasattr(frequency, "__contains__"):
        raise TypeError(
            f"fit: validation_freq: expected an integer, or a list of epochs, got {frequency!r}"
        )


def check_data(model: Trainer, who: str, data: Arrays) -> None:
    """Builds model and loss on the first batch and checks the labels of all batches."""
    loss = model._compile_loss
    if model._has_own("train_step") or model._has_own("compute_loss") or loss is None:
        return
    x, y, _ = data.first_batch()
    if y is None:
        raise ValueError(
            f"{who}: y: expected targets for the loss of model {model.name!r}, got None"
        )
    if not loss.built:
        y_pred = try_out(model, x)
        loss.build(y, y_pred)
        model.__dict__["_classes"] = [t.shape[-1] for t in tree.leaves(y_pred)]
    check_labels(loss, data.y, model.__dict__.get("_classes", ()))


def check_trainable(model: Trainer, who: str) -> None:
    """Checks that the built-in step can train, and warns if there is nothing to train."""
    if model._has_own("train_step"):
        return
    if model.optimizer is None:
        raise ValueError(f"{who}: model {model.name!r} was compiled without an optimizer")
    if model.built and not model.trainable_weights:
        warn(f"{who}: model {model.name!r} has no trainable weights, so nothing will be learned")


def check_validation(model: Trainer, validation: Arrays, data: Arrays | Stream) -> None:
    """Checks before the training what would else fail after the first epoch."""
    check_data(model, "validation_data", validation)
    rows = [t.shape[1:] for t in tree.leaves(validation.x)]
    if isinstance(data, Stream) or rows != [t.shape[1:] for t in tree.leaves(data.x)]:
        try_out(model, validation.first_batch()[0])


def try_out(model: Trainer, x: Tensors) -> Any:
    """The outputs for x. It builds the model and changes nothing else."""
    state = _core.get_rng_state() if model.built else None
    x = tree.map_structure(lambda t: t if t is None else t.clone(), x)
    _core.keep_random_numbers()
    try:
        with set_grad_enabled(False), trial(model):
            y_pred = model(x, training=False)
    except BaseException:
        _core.give_back_random_numbers()  # except for those of weights that were made
        raise
    if state is not None:
        _core.set_rng_state(*state)
    return y_pred


def check_labels(compile_loss: CompileLoss, y: Tensors, classes: Sequence[int]) -> None:
    """Checks the class indices for sparse losses.

    Args:
        compile_loss: a built `CompileLoss`.
        y: the targets.
        classes: the size of the last axis of each output.

    Raises:
        ValueError: a label that is NaN, no whole number, or no index of a class.
    """
    targets = compile_loss._targets(y)
    for i, loss, _ in compile_loss._entries:
        if getattr(loss, "fn", None) is not sparse_categorical_crossentropy or i >= len(classes):
            continue
        labels = np.asarray(targets[i])
        if labels.dtype.kind == "f":
            if np.isnan(labels).any():
                raise ValueError(f"y: {int(np.isnan(labels).sum())} of the labels are NaN")
            if (labels != np.floor(labels)).any():
                raise ValueError("y: class labels must be whole numbers")
        ignored = loss.get_config().get("ignore_class")
        used = labels if ignored is None else labels[labels != ignored]
        if used.size and (used.min() < 0 or used.max() >= classes[i]):
            bad = used.min() if used.min() < 0 else used.max()
            raise ValueError(
                f"y: label {int(bad)} is out of range for an output of {classes[i]} classes: "
                f"labels must lie in [0, {classes[i]})"
            )
