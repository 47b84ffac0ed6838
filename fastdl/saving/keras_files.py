"""Keras's own files of models, `.keras`: archives with `config.json` and `model.weights.h5`."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np

from .._base.notices import warn
from . import archive
from .hdf5 import h5py, read_keras_weights
from .weights import label_of

if TYPE_CHECKING:
    from .files import Region

WEIGHTS = "model.weights.h5"


def model_config_of(config: Any) -> Any:
    """The config of a model of Keras as one of this library."""
    made = as_ours(config)
    if isinstance(made, dict) and isinstance(config.get("build_config"), dict):
        made["build_config"] = config["build_config"]
    return made


def as_ours(config: Any) -> Any:
    """A config of Keras with the forms that this library has for the same."""
    if isinstance(config, list):
        return [as_ours(item) for item in config]
    if not isinstance(config, dict):
        return config
    kind, inner = config.get("class_name"), config.get("config")
    if kind == "DTypePolicy" and isinstance(inner, dict):
        return inner.get("name")
    made = {key: as_ours(value) for key, value in config.items() if key not in _LEFT_OUT}
    if "class_name" in made and "config" in made:
        _name_function(made)
    return made


# Settings of Keras that a model here does not have, or finds out by itself.
_LEFT_OUT = frozenset(
    "build_config input_axes lora_rank output_axes quantization_config ragged shared_object_id "
    "sparse".split()
)


def _name_function(config: dict[str, Any]) -> None:
    """Makes a function of Keras in a graph one of ours: `keras.src.ops.numpy` has Add, Sum, ..."""
    module = config.get("module")
    if not isinstance(module, str) or not module.startswith("keras.src.ops"):
        return
    from .._base.registry import snake_case

    name = snake_case(str(config["class_name"]))
    settings = config["config"] if isinstance(config["config"], dict) else {}
    options = {k: v for k, v in settings.items() if k not in ("name", "dtype")}
    place = str(settings.get("name", name))
    config["config"] = {"name": place, "kind": name, "function": f"fastdl.ops:{name}"}
    if name == "get_item":
        config["config"]["function"] = "_operator:getitem"
    config["class_name"], config["module"] = "Operation", None
    for call in config.get("inbound_nodes") or []:
        if isinstance(call, dict) and isinstance(call.get("kwargs"), dict):
            call["kwargs"] = {**options, **call["kwargs"]}


def read_weights_of(model: Any, part: Region, label: str) -> None:
    """Loads the weights of a model from the archive's file of weights."""
    archive.verify(part)
    read_keras_weights(model, io.BytesIO(part.read()), label)


def restore_keras_optimizer(model: Any, part: Region, label: str) -> None:
    """Restores the state of the optimizer, where the file has it in a form that fits."""
    with h5py().File(io.BytesIO(part.read()), "r") as store:
        group = store.get("optimizer/vars")
        if group is None or not len(group) or model.optimizer is None:
            return
        arrays = [np.asarray(group[str(i)]) for i in range(len(group))]
    optimizer = model.optimizer
    optimizer.build(model.trainable_weights)
    wanted = [variable.shape for variable in optimizer.variables]
    if [array.shape for array in arrays] != wanted:
        warn(
            f"{label_of(model)}: load_model: {label}: the state of the optimizer does not fit "
            f"{type(optimizer).__name__} here, so it begins anew"
        )
        return
    optimizer.set_weights(arrays)
