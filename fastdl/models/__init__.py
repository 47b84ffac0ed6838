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
    from ..saving.models import load_model as load_model
    from ..saving.models import save_model as save_model


def model_from_config(config: Config, custom_objects: Mapping[str, object] | None = None) -> Model:
    """The model that `layers.serialize(model)` described, with new weights."""
    return _layers.deserialize(config, custom_objects)


def model_from_json(json_string: str, custom_objects: Mapping[str, object] | None = None) -> Model:
    """The model that `Model.to_json` described, with new weights, and not compiled.

    Raises:
        ValueError: it is no such text, or names a class that is not known.
    """
    from .._base.registry import custom_object_scope
    from ..saving.files import parse_json
    from ..saving.models import build_model

    config = parse_json(json_string.encode("utf-8"), "model_from_json")
    with custom_object_scope(custom_objects or {}):
        return build_model(config)


__all__ = [
    "Functional",
    "KerasTensor",
    "Model",
    "Sequential",
    "clone_model",
    "load_model",
    "model_from_config",
    "model_from_json",
    "save_model",
]

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        if name in ("load_model", "save_model"):  # loaded on first use
            from ..saving import models

            return getattr(models, name)
        from .._base.missing import missing

        raise missing(__name__, name)
