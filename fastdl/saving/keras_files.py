"""Keras's own files of models, `.keras`: archives with `config.json` and `model.weights.h5`.

Configs have Keras's form already. What differs is the modules that they name, and functions in
graphs: those are classes in Keras (`keras.src.ops.numpy` has Add, Sum, ...).
"""

from __future__ import annotations

import io
import json
import time
from importlib import import_module
from inspect import signature
from typing import TYPE_CHECKING, Any

import numpy as np

from .._base.notices import warn
from . import archive
from .hdf5 import h5py, keras_weights, read_keras_weights
from .weights import label_of

if TYPE_CHECKING:
    from .files import Region

WEIGHTS = "model.weights.h5"


VERSION = "3.15.1"  # of Keras, whose files these are


# --- writing


def parts_of(model: Any, config: Any, with_training: bool) -> dict[str, bytes]:
    """What the file of a model holds.

    Args:
        model: the model.
        config: its config, made while `naming_modules()`.
        with_training: whether the state of the optimizer is included.
    """
    date = time.strftime("%Y-%m-%d@%H:%M:%S")
    return {
        "metadata.json": json.dumps({"keras_version": VERSION, "date_saved": date}).encode(),
        "config.json": json.dumps(as_keras(config)).encode(),
        WEIGHTS: keras_weights(model, with_training),
    }


def as_keras(config: Any) -> Any:
    """A config of this library as Keras has it.

    Raises:
        ValueError: a function of a graph that is not in Keras.
    """
    if isinstance(config, list):
        return [as_keras(item) for item in config]
    if not isinstance(config, dict):
        return config
    if config.get("class_name") == "__tuple__":
        return as_keras(config["config"]["value"])
    made = {key: as_keras(value) for key, value in config.items()}
    module, kind = made.get("module"), made.get("class_name")
    if kind == "Operation" and isinstance(module, str) and module.startswith("fastdl."):
        _name_class(made)
    elif isinstance(module, str) and module.startswith("fastdl."):
        made["module"] = _MODULES.get(str(kind)) or _public(module)
    return made


# Models are in other modules.
_MODULES = {
    "Sequential": "keras",
    "Model": "keras",
    "Functional": "keras.src.models.functional",
}


def _public(module: str) -> str:
    """The module of Keras for `fastdl.layers.core` and the like."""
    if module.startswith("fastdl.optimizers.schedules"):
        return "keras.optimizers.schedules"
    return f"keras.{module.split('.')[1]}"


# The functions of graphs that Keras has as classes, by their modules.
_FUNCTIONS = {
    name: module
    for module, names in {
        "core": "cast",
        "image": "resize",
        "math": "erf erfc erfinv logsumexp rsqrt",
        "nn": "average_pool dot_product_attention elu gelu hard_sigmoid leaky_relu log_sigmoid "
        "log_softmax max_pool relu relu6 selu sigmoid silu softmax softplus softsign",
        "numpy": "absolute add all amax amin any argmax argmin clip concatenate cos equal exp "
        "expand_dims expm1 flip floor floor_divide get_item greater greater_equal less "
        "less_equal log log1p logical_and logical_not logical_or matmul max maximum mean min "
        "minimum mod multiply negative not_equal pad power prod reshape round sign sin sqrt "
        "square squeeze stack std subtract sum swapaxes tanh transpose true_divide var where "
        "arccos arccosh arcsin arcsinh arctan arctan2 arctanh cbrt cosh count_nonzero deg2rad "
        "divide_no_nan exp2 fabs fmax fmin fmod heaviside hypot i0 isneginf isposinf logaddexp "
        "logaddexp2 logical_xor median ptp rad2deg signbit sinc sinh tan",
    }.items()
    for name in names.split()
}


def _name_class(made: dict[str, Any]) -> None:
    """Makes a function in a graph the class that Keras has for it."""
    config = made["config"]
    kind = _SYNONYMS.get(config["kind"], config["kind"])
    if kind not in _FUNCTIONS:
        raise ValueError(
            f"the graph contains the function {config['kind']!r}, which has no class in Keras; put "
            "it into a layer, or save as .fastdl"
        )
    made["class_name"] = "".join(word.capitalize() for word in kind.split("_"))
    made["module"] = f"keras.src.ops.{_FUNCTIONS[kind]}"
    options: dict[str, Any] = {}
    for call in made.get("inbound_nodes") or ():
        if kind not in _KEEPS_ARGUMENTS:
            options.update(_options(call, config["function"]))
            for argument in _OF_CALLS.get(kind, ()):
                if argument in options:
                    call["kwargs"][argument] = options.pop(argument)
    if kind in ("average_pool", "max_pool"):  # Keras's classes do not fill these in
        options["data_format"] = options.get("data_format") or "channels_last"
        options["strides"] = options.get("strides") or options["pool_size"]
        for argument in ("pool_size", "strides"):
            options[argument] = _as_number(options[argument])
    made["config"] = {"name": config["name"], **options}


def _as_number(sizes: Any) -> Any:
    """Equal sizes as one number: Keras on JAX cannot pool by a list, as it reads tuples."""
    return sizes[0] if isinstance(sizes, list) and len(set(sizes)) == 1 else sizes


# Functions that take numbers, too: their arguments stay with the call.
_KEEPS_ARGUMENTS = frozenset(
    "add equal floor_divide get_item greater greater_equal less less_equal logical_and logical_or "
    "logical_xor maximum minimum mod multiply not_equal power subtract true_divide where arctan2 "
    "divide_no_nan fmax fmin fmod heaviside hypot logaddexp logaddexp2".split()
)
# Arguments that belong to the call, beside others that belong to the class.
_OF_CALLS = {"pad": ("constant_values",), "dot_product_attention": ("bias", "mask", "scale")}
_SYNONYMS = {"divide": "true_divide", "abs": "absolute"}


def _options(call: dict[str, Any], function: str) -> dict[str, Any]:
    """Takes the arguments that are no tensors from a call; in Keras they belong to the class."""
    module, _, name = function.partition(":")
    taken, kept = dict(call["kwargs"]), list(call["args"])
    call["kwargs"] = {}
    names = list(signature(getattr(import_module(module), name)).parameters)
    while kept and not _holds_tensor(kept[-1]):
        value = kept.pop()
        taken[names[len(kept)]] = value
    call["args"] = kept
    return taken


def _holds_tensor(value: Any) -> bool:
    if isinstance(value, list):
        return any(map(_holds_tensor, value))
    return isinstance(value, dict) and value.get("class_name") == "__keras_tensor__"


# --- reading


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
    no_options = ("name",) if name == "cast" else ("name", "dtype")
    options = {k: v for k, v in settings.items() if k not in no_options}
    place = str(settings.get("name", name))
    home = "fastdl.ops.image" if module == "keras.src.ops.image" else "fastdl.ops"
    config["config"] = {"name": place, "kind": name, "function": f"{home}:{name}"}
    if name == "get_item":
        config["config"]["function"] = "_operator:getitem"
    config["class_name"], config["module"] = "Operation", None
    for call in config.get("inbound_nodes") or []:
        if isinstance(call, dict) and isinstance(call.get("kwargs"), dict):
            call["kwargs"] = {**options, **call["kwargs"]}
        if name == "get_item" and isinstance(call, dict):  # x[:, 1], whose tuple became a list
            call["args"] = [_as_tuple(argument) for argument in call.get("args", ())]


def _as_tuple(value: Any) -> Any:
    if isinstance(value, list):
        return {"class_name": "__tuple__", "config": {"value": value}}
    return value


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
