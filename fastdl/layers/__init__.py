"""Keras-style layers: what a model is made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._identifiers import Registry
from .activation import ELU, LeakyReLU, PReLU, ReLU, Softmax
from .core import Activation, Dense, Identity, Lambda, Rescaling
from .input_layer import Input, InputLayer
from .input_spec import InputSpec
from .layer import Layer
from .merging import (
    Add,
    Average,
    Concatenate,
    Dot,
    Maximum,
    Minimum,
    Multiply,
    Subtract,
    add,
    average,
    concatenate,
    dot,
    maximum,
    minimum,
    multiply,
    subtract,
)
from .regularization import ActivityRegularization, Dropout, GaussianNoise
from .reshaping import Flatten, Permute, RepeatVector, Reshape

_CLASSES: list[type[Layer]] = [
    Activation,
    ActivityRegularization,
    Add,
    Average,
    Concatenate,
    Dense,
    Dot,
    Dropout,
    ELU,
    Flatten,
    GaussianNoise,
    Identity,
    InputLayer,
    Lambda,
    LeakyReLU,
    Maximum,
    Minimum,
    Multiply,
    PReLU,
    Permute,
    ReLU,
    RepeatVector,
    Rescaling,
    Reshape,
    Softmax,
    Subtract,
]

_registry = Registry("layer", _CLASSES, base=Layer, callables=False)
get = _registry.get
serialize = _registry.serialize


def deserialize(config: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """The layer or model that `serialize` described; ValueError for an unknown class."""
    from .. import models  # noqa: F401  (registers the model classes)

    return _registry.deserialize(config, custom_objects)


__all__ = [
    "ELU",
    "Activation",
    "ActivityRegularization",
    "Add",
    "Average",
    "Concatenate",
    "Dense",
    "Dot",
    "Dropout",
    "Flatten",
    "GaussianNoise",
    "Identity",
    "Input",
    "InputLayer",
    "InputSpec",
    "Lambda",
    "Layer",
    "LeakyReLU",
    "Maximum",
    "Minimum",
    "Multiply",
    "PReLU",
    "Permute",
    "ReLU",
    "RepeatVector",
    "Rescaling",
    "Reshape",
    "Softmax",
    "Subtract",
    "add",
    "average",
    "concatenate",
    "deserialize",
    "dot",
    "get",
    "maximum",
    "minimum",
    "multiply",
    "serialize",
    "subtract",
]
