"""Keras-style models: Sequential, functional and subclassed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import layers as _layers
from .._graph.symbolic import KerasTensor
from .cloning import clone_model
from .model import Functional, Model
from .sequential import Sequential


def model_from_config(config: dict[str, Any], custom_objects: Any = None) -> Any:
    """The model that `layers.serialize(model)` described, with new weights."""
    return _layers.deserialize(config, custom_objects)


__all__ = ["Functional", "KerasTensor", "Model", "Sequential", "clone_model", "model_from_config"]

if not TYPE_CHECKING:
    from .._base.missing import attributes_missing_from

    __getattr__ = attributes_missing_from(__name__)
