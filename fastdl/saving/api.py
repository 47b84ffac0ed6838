"""serialize_keras_object and deserialize_keras_object: any object as plain data, and back."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from .._base.registry import (
    CONSTRAINTS,
    INITIALIZERS,
    LAYERS,
    LOSSES,
    METRICS,
    OPTIMIZERS,
    REGULARIZERS,
    SCHEDULES,
    custom_object_scope,
    get_registered_object,
    naming_modules,
)
from .values import decode, encode, is_object

_REGISTRIES = (
    LAYERS,
    LOSSES,
    METRICS,
    OPTIMIZERS,
    SCHEDULES,
    INITIALIZERS,
    REGULARIZERS,
    CONSTRAINTS,
)
# By the folder of a class's module, in fastdl and in Keras: losses and metrics share names.
_BY_FOLDER = {
    "layers": LAYERS,
    "losses": LOSSES,
    "metrics": METRICS,
    "initializers": INITIALIZERS,
    "regularizers": REGULARIZERS,
    "constraints": CONSTRAINTS,
}
# Classes that no registry has, with their modules.
_OTHERS = {
    "SeedGenerator": "fastdl.random",
    "DTypePolicy": "fastdl.dtype_policies",
    "FloatDTypePolicy": "fastdl.dtype_policies",
    "DTypePolicyMap": "fastdl.dtype_policies",
}


def serialize_keras_object(obj: Any) -> Any:
    """A layer, loss, optimizer, function, array or plain value as data that JSON can hold.

    Raises:
        TypeError: it is a value of another kind, such as a lambda.

    Source: `keras.saving.serialize_keras_object` of Keras 3.

    Example:
        >>> config = serialize_keras_object(fastdl.layers.Dense(2, name="dense"))
        >>> config["class_name"], config["config"]["units"]
        ('Dense', 2)
    """
    with naming_modules():
        return encode(obj, "serialize_keras_object")


def deserialize_keras_object(
    config: Any,
    custom_objects: Mapping[str, object] | None = None,
    safe_mode: bool = True,
) -> Any:
    """The object that `serialize_keras_object` described.

    Args:
        config: the data.
        custom_objects: classes and functions of your own by name.
        safe_mode: accepted; configs hold no code.

    Raises:
        ValueError: the data names a class or function that is not known.

    Source: `keras.saving.deserialize_keras_object` of Keras 3.

    Example:
        >>> deserialize_keras_object(serialize_keras_object(slice(1, 3)))
        slice(1, 3, None)
    """
    with custom_object_scope(custom_objects or {}):
        return _made(decode(config, "deserialize_keras_object"))


def _made(config: Any) -> Any:
    if isinstance(config, (list, tuple)):
        return type(config)(_made(item) for item in config)
    if not isinstance(config, dict):
        return config
    if not is_object(config):
        return {key: _made(item) for key, item in config.items()}
    name = config["class_name"]
    if name in _OTHERS and str(config.get("module")).split(".")[0] in ("fastdl", "keras"):
        return getattr(import_module(_OTHERS[name]), name).from_config(config["config"])
    return _registry_of(config).deserialize(config)


def _registry_of(config: Mapping[str, Any]) -> Any:
    """The registry that knows the class of a config."""
    names = [name for key in ("registered_name", "class_name") if (name := config.get(key))]
    package, *folders = str(config.get("module")).split(".")
    if package in ("fastdl", "keras"):
        folder = next((name for name in folders if name in _BY_FOLDER), "")
        if folder:
            _BY_FOLDER[folder]._load_homes()
            if config["class_name"] in _BY_FOLDER[folder].objects:
                return _BY_FOLDER[folder]
    for registry in _REGISTRIES:
        for name in names:
            own = get_registered_object(name)
            base = registry.base
            if isinstance(own, type) and base is not None and issubclass(own, base):
                return registry
        registry._load_homes()
        if config["class_name"] in registry.objects:
            return registry
    return LAYERS  # a user's own class, or an error that names it
