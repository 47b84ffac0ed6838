"""The files of `BackupAndRestore`: all that a fit goes on with, without the architecture.

The archive has the parts `metadata.json`, `weights.safetensors`, `optimizer.safetensors`,
`training.json` as a model's file has them, and `position.safetensors`: the position of the fit and
the states of callbacks, as `fastdl.save` writes them.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from typing import Any

from .. import _core
from . import archive
from .files import Region, parse_json, replacing
from .models import Parts, json_part, restore_optimizer, tensors_part, training_of
from .safetensors import TensorFile
from .states import load_region, save
from .weights import named_weights, read_weights

FORMAT = 1


def saved_later(model: Any, path: str, before: str | None, more: Any) -> Callable[[], None]:
    """A function that writes a backup of a fit as it is now, while training goes on.

    Args:
        model: the model that is fitted.
        path: the file.
        before: where the last backup goes, None to replace it.
        more: further values, which `restore` returns.
    """
    training, state = training_of(model)
    training["input_shape"] = _input_shape(model)
    position = io.BytesIO()  # now: lists in it may change until they are written
    save({"position": model._fit_position.state_dict(), "more": more}, position)
    parts: Parts = {
        "metadata.json": json_part({"backup": FORMAT, "fastdl": _core.version}),
        "training.json": json_part(training),
        "position.safetensors": lambda file: file.write(position.getvalue()),
        "weights.safetensors": tensors_part(named_weights(model), copy=True),
        "optimizer.safetensors": tensors_part(state, copy=True),
    }

    def write() -> None:
        if before is not None and os.path.exists(path):
            os.replace(path, before)
        with replacing(path, "BackupAndRestore") as file:
            archive.write(file, parts)

    return write


def _input_shape(model: Any) -> Any:
    """The shape that a Sequential was built for by its first data, for the next process."""
    tensors = getattr(model, "_tensors", None)
    return list(tensors[0].shape) if tensors else None


def restore(model: Any, path: str) -> Any:
    """Makes the fit of a model go on from a backup; returns `more` of `saved_later`.

    Raises:
        ValueError: the file is damaged, or is of another model, optimizer or data.
    """
    with open(path, "rb") as file:
        parts = archive.read(Region.whole(file, path))
        for name in _PARTS:
            if name not in parts:
                raise ValueError(f"{path}: the part {name!r} is missing")
            archive.verify(parts[name])
        metadata, training = (
            parse_json(parts[name].read(), parts[name].label)
            for name in ("metadata.json", "training.json")
        )
        if not isinstance(metadata, dict) or metadata.get("backup") != FORMAT:
            raise ValueError(f"{path}: this is no backup of a format that is known: {metadata}")
        try:
            position = load_region(parts["position.safetensors"])
            if not model.built and training["input_shape"] is not None:
                model.build(tuple(training["input_shape"]))
            read_weights(model, TensorFile(parts["weights.safetensors"]))
            if training.get("optimizer") is not None:
                source = TensorFile(parts["optimizer.safetensors"])
                restore_optimizer(model, training["optimizer"], source)
            model._fit_position.load_state_dict(position["position"])
            return position["more"]
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"{path}: the backup is damaged: {error!r}") from error


_PARTS = (
    "metadata.json",
    "training.json",
    "position.safetensors",
    "weights.safetensors",
    "optimizer.safetensors",
)
