"""Optimizers with the interface and the updates of Keras 3."""

from typing import Any

from .._identifiers import Registry
from . import schedules as schedules
from .adagrad import Adagrad as Adagrad
from .adam import Adam as Adam
from .adam import AdamW as AdamW
from .lion import Lion as Lion
from .optimizer import Optimizer as Optimizer
from .rmsprop import RMSprop as RMSprop
from .sgd import SGD as SGD

_registry = Registry(
    "optimizer", [SGD, RMSprop, Adam, AdamW, Adagrad, Lion], base=Optimizer, callables=False
)
# Keras takes optimizer names in any case.
_registry.objects.update({name.lower(): cls for name, cls in list(_registry.objects.items())})
serialize = _registry.serialize
deserialize = _registry.deserialize


def get(identifier: Any) -> Any:
    """The optimizer for a name in any case, a config dictionary, a class or an instance.

    Raises:
        ValueError: unknown name (the nearest known one is suggested), or no optimizer.

    Example:
        >>> type(fastdl.optimizers.get("adam")).__name__
        'Adam'
    """
    if isinstance(identifier, str) and identifier.lower() in _registry.objects:
        identifier = identifier.lower()
    return _registry.get(identifier)
