"""Models in files, and the names of classes in them: `keras.saving`.

`save_model` and `load_model` write and read whole models, `save_weights`, `load_weights` weights.
`fastdl.save` and `fastdl.load` do so for state_dicts, as PyTorch users know it. No file holds code.
`describe` says what is in a file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._base.registry import (
    CustomObjectScope,
    custom_object_scope,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
)

if TYPE_CHECKING:
    from .api import deserialize_keras_object as deserialize_keras_object
    from .api import serialize_keras_object as serialize_keras_object
    from .description import describe as describe
    from .models import load_model as load_model
    from .models import save_model as save_model
    from .weights import load_weights as load_weights
    from .weights import save_weights as save_weights

# Where names live that are loaded on first use.
_HOMES = {
    "api": ("deserialize_keras_object", "serialize_keras_object"),
    "description": ("describe",),
    "models": ("load_model", "save_model"),
    "weights": ("load_weights", "save_weights"),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "CustomObjectScope",
    "custom_object_scope",
    "describe",
    "deserialize_keras_object",
    "get_custom_objects",
    "get_registered_name",
    "get_registered_object",
    "load_model",
    "load_weights",
    "register_keras_serializable",
    "save_model",
    "save_weights",
    "serialize_keras_object",
]


if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        if name in _HOME:
            from importlib import import_module

            return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
        from .._base.missing import missing

        raise missing(__name__, name)
