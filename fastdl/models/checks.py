"""Checks before the first step of fit, evaluate and predict: a failure leaves nothing half done."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _core
from .._base import tree
from .._base.checks import check_count, check_integer, check_integers, prefixed, shown
from .._base.notices import warn
from .._base.settings import settings
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
    check_integer("fit", "epochs", epochs, 0)
    check_integer("fit", "initial_epoch", initial_epoch, 0)
    whole = isinstance(frequency, (bool, int, float, np.number))
    if whole or isinstance(frequency, str) or not hasattr(frequency, "__contains__"):
        try:
            check_integer("fit", "validation_freq", frequency, 1)
        except ValueError:
            raise ValueError(
                "fit: validation_freq: expected an integer of at least 1, or a list of epochs, got "
                f"{shown(frequency)}"
            ) from None
    else:
        check_integers("fit", "validation_freq", frequency, 1)


def check_counts(who: str, **counts: int | None) -> None:
    """Checks numbers of samples or steps, by argument: None or at least 1."""
    for argument, value in counts.items():
        check_count(who, argument, value, 1)


def check_data(model: Trainer, who: str, data: Arrays, step: str = "train_step") -> None:
    """Builds model and loss on the first batch and checks the labels of all batches.

    A `step` or `compute_loss` of the user's own may take other data: nothing is checked.
    """
    loss = model._compile_loss
    own = model._has_own(step) or model._has_own(f"make_{step.removesuffix('_step')}_function")
    if own or model._has_own("compute_loss") or loss is None:
        return
    x, y, sample_weight = data.first_batch()
    if y is None:
        raise ValueError(
            f"{who}: y: expected targets for the loss of model {model.name!r}, got None"
        )
    y_pred = None if loss.built else try_out(model, x)
    try:
        if not loss.built:
            loss.build(y, y_pred)
            model.__dict__["_classes"] = [t.shape[-1] for t in tree.leaves(y_pred)]
        loss.check(y, sample_weight)
    except (TypeError, ValueError) as error:
        raise prefixed(who, error) from None
    check_labels(who, loss, data.y, model.__dict__.get("_classes", ()))


def check_trainable(model: Trainer, who: str) -> None:
    """Checks that the built-in step can train, and warns if there is nothing to train."""
    if model._has_own("train_step") or model._has_own("make_train_function"):
        return
    if model.optimizer is None:
        raise ValueError(f"{who}: model {model.name!r} was compiled without an optimizer")
    if model.built and not model.trainable_weights:
        warn(f"{who}: model {model.name!r} has no trainable weights, so nothing will be learned")


def check_validation(model: Trainer, validation: Arrays, data: Arrays | Stream) -> None:
    """Checks before the training what would else fail after the first epoch."""
    check_data(model, "fit: validation_data", validation)
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


def check_labels(who: str, compile_loss: CompileLoss, y: Tensors, classes: Sequence[int]) -> None:
    """Checks the class indices for sparse losses.

    Args:
        who: the method, for messages.
        compile_loss: a built `CompileLoss`.
        y: the targets.
        classes: the size of the last axis of each output.

    Raises:
        ValueError: a label that is NaN, no whole number, or no index of a class.
    """
    targets = compile_loss._targets(y)
    for part, loss in compile_loss._entries:
        i = part.places  # a number: losses of the library take one output each
        if getattr(loss, "fn", None) is not sparse_categorical_crossentropy or i >= len(classes):
            continue
        labels = np.asarray(targets[i])
        if labels.dtype.kind == "f":
            if np.isnan(labels).any():
                raise ValueError(f"{who}: y: {int(np.isnan(labels).sum())} of the labels are NaN")
            if (labels != np.floor(labels)).any():
                raise ValueError(f"{who}: y: class labels must be whole numbers")
        ignored = loss.get_config().get("ignore_class")
        used = labels if ignored is None else labels[labels != ignored]
        if used.size and (used.min() < 0 or used.max() >= classes[i]):
            bad = used.min() if used.min() < 0 else used.max()
            raise ValueError(
                f"{who}: y: label {int(bad)} is out of range for an output of {classes[i]} "
                f"classes: labels must lie in [0, {classes[i]})"
            )


def limited_epochs(epochs: int) -> int:
    """The number of epochs, at most that of `set_max_epochs`; a warning says so."""
    most = settings.max_epochs
    if most is None or most >= epochs:
        return epochs
    warn(f"fit: {most} of {epochs} epochs are run, the limit of set_max_epochs")
    return most


def limited_steps(data: Arrays | Stream, steps: int | None) -> int | None:
    """The number of steps of an epoch, at most that of `set_max_steps_per_epoch`."""
    most = settings.max_steps
    known = data.batches if steps is None else steps
    if most is None or (known is not None and most >= known):
        return steps
    warn(f"{most} steps of an epoch are run, the limit of set_max_steps_per_epoch")
    return most
