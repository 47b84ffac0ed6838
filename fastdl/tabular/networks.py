"""Networks for tables: their sizes, and their training.

Several small networks are trained, each with other rows held out to stop at the right time, and
their outputs averaged. So every row is learned from, and the average is better than its parts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING

import numpy as np

from .. import callbacks, layers, models, optimizers
from .._base.random import Generator
from ..utils.splits import k_fold

if TYPE_CHECKING:
    from .._base.types import Logs
    from ..models import Model

_SILENCE = 10.0  # seconds


@dataclass(frozen=True)
class Settings:
    """How networks are made and trained.

    Attributes:
        members: how many networks are averaged.
        units: of each hidden layer.
        dropout: the share of units that a step leaves out.
        learning_rate, weight_decay: of AdamW.
        batch_size: rows of a step.
        epochs: the most passes over the data.
        patience: passes without a better loss on the held-out rows after which training ends.
    """

    members: int
    units: tuple[int, ...]
    dropout: float
    learning_rate: float
    weight_decay: float
    batch_size: int
    epochs: int
    patience: int


def settings_for(rows: int) -> Settings:
    """Settings for a number of rows."""
    large = rows >= 50_000
    return Settings(
        members=1 if large else 5,
        units=(256, 256) if rows >= 5000 else (128, 128),
        dropout=0.1 if large else 0.25,
        learning_rate=1e-3,
        weight_decay=0.05,
        batch_size=int(np.clip(2 ** round(np.log2(max(rows, 1) / 25)), 16, 1024)),
        epochs=40 if large else 300,
        patience=4 if large else 25,
    )


def network(inputs: int, outputs: int, activation: str, settings: Settings, name: str) -> Model:
    """A network with hidden layers beside a linear model; both begin at 0.

    So where the truth is linear, or nothing can be known, the network need not learn it.
    """
    x = hidden = layers.Input((inputs,), name="inputs")
    for i, units in enumerate(settings.units, 1):
        dense = layers.Dense(units, "relu", kernel_initializer="he_normal", name=f"hidden_{i}")
        hidden = dense(hidden)
        if settings.dropout:
            hidden = layers.Dropout(settings.dropout, name=f"dropout_{i}")(hidden)
    deep = layers.Dense(outputs, kernel_initializer="zeros", name="deep")(hidden)
    line = layers.Dense(outputs, use_bias=False, kernel_initializer="zeros", name="linear")(x)
    total = layers.Add(name="sum")([deep, line])
    return models.Model(x, layers.Activation(activation, name="outputs")(total), name=name)


def trained(
    x: np.ndarray,
    y: np.ndarray,
    outputs: int,
    settings: Settings,
    seed: int,
    tell: Callable[[str], object],
) -> tuple[Model, list[dict[str, list[float]]]]:
    """The average of networks that learned from the rows, and the history of each.

    Args:
        x: inputs (n, d), float32.
        y: class numbers (n,), or standardized values (n, 1).
        outputs: the number of classes, or 1 for values.
        settings: of the networks.
        seed: of all random numbers.
        tell: called with a line after each network.
    """
    classes = y.ndim == 1
    loss = "sparse_categorical_crossentropy" if classes else "mean_squared_error"
    members, histories = [], []
    for number, (rows, held_out) in enumerate(_folds(y, settings.members, seed), 1):
        with Generator().manual_seed(seed * 1000 + number):
            activation = "softmax" if classes else "linear"
            model = network(x.shape[1], outputs, activation, settings, f"network_{number}")
            optimizer = optimizers.AdamW(settings.learning_rate, weight_decay=settings.weight_decay)
            optimizer.exclude_from_weight_decay(var_names=["bias"])
            model.compile(optimizer, loss)
            stop = callbacks.EarlyStopping(patience=settings.patience, restore_best_weights=True)
            slower = callbacks.ReduceLROnPlateau(
                factor=0.3, patience=max(2, settings.patience // 3), min_lr=1e-5
            )
            history = model.fit(
                x[rows],
                y[rows],
                batch_size=settings.batch_size,
                epochs=settings.epochs,
                validation_data=(x[held_out], y[held_out]),
                callbacks=[stop, slower, _News(f"network {number}", tell)],
                verbose=0,
            ).history
        members.append(model)
        histories.append({key: [float(v) for v in values] for key, values in history.items()})
        best = int(np.nanargmin(history["val_loss"])) if history["val_loss"] else 0
        tell(
            f"network {number} of {settings.members}: {len(history['loss'])} epochs, loss "
            f"{history['val_loss'][best]:.4g} on {len(held_out):,} held-out rows at epoch "
            f"{best + 1}"
        )
    return averaged(members), histories


class _News(callbacks.Callback):
    """A line about the training from time to time, for those who wait."""

    def __init__(self, name: str, tell: Callable[[str], object]) -> None:
        super().__init__()
        self.name, self.tell = name, tell
        self.last = monotonic()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if monotonic() - self.last > _SILENCE:
            self.last = monotonic()
            loss = (logs or {}).get("val_loss", float("nan"))
            self.tell(f"{self.name}: epoch {epoch + 1}, loss {loss:.4g} on held-out rows")


def averaged(members: list[Model]) -> Model:
    """A model that averages the outputs of models."""
    x = layers.Input(members[0].input_shape[1:], name="inputs")
    outputs = [member(x) for member in members]
    mean = layers.Average(name="average")(outputs) if len(outputs) > 1 else outputs[0]
    return models.Model(x, mean)


def _folds(y: np.ndarray, members: int, seed: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """For each network the rows to learn from, and those to stop by."""
    k = max(members, 5 if len(y) < 50_000 else 10)
    k = min(k, len(y))
    strata = y if y.ndim == 1 else None
    folds = k_fold(len(y), k, seed=seed, stratify=strata)
    for number, fold in enumerate(folds):
        if number < members:
            yield fold
