"""Keras-style models: Sequential, functional and subclassed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import layers as _layers
from .._graph.symbolic import KerasTensor
from .cloning import clone_model
from .model import Functional, Model
from .sequential import Sequential

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .._base.types import Config


def model_from_config(config: Config, custom_objects: Mapping[str, object] | None = None) -> Model:
    """The model that `layers.serialize(model)` described, with new weights."""
    return _layers.deserialize(config, custom_objects)


__all__ = ["Functional", "KerasTensor", "Model", "Sequential", "clone_model", "model_from_config"]

if not TYPE_CHECKING:
    from .._base.missing import attributes_missing_from

    __getattr__ = attributes_missing_from(__name__)
