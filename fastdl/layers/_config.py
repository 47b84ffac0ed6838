"""Configs of layers without a get_config of their own, from the constructor's arguments."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

from .._base import tree
from .._base.arguments import ConstructorSignature as ConstructorSignature
from ..random import SeedGenerator

if TYPE_CHECKING:
    from .._base.types import Config
    from .layer import Layer


def has_own_config(cls: type[Layer]) -> bool:
    """Whether a class below Layer and Model defines get_config."""
    definer = next(base for base in cls.__mro__ if "get_config" in base.__dict__)
    return not definer.__dict__.get("_defaults", False)


def plain_config(layer: Layer, config: Config) -> Config:
    """The entries of `config` that the constructor takes, and the constructor's own arguments.

    Raises:
        NotImplementedError: an argument is no number, string, None or list of these.
    """
    args, kwargs = layer._init_args
    signature = inspect.signature(type(layer).__init__)
    bound = list(signature.bind(layer, *args, **kwargs).arguments.items())[1:]
    own = {key: value for key, value in bound if key not in ("kwargs", "name", "trainable")}
    for key, value in own.items():
        if not all(isinstance(x, (int, float, str, type(None))) for x in tree.leaves(value)):
            raise NotImplementedError(
                f"{type(layer).__name__} needs a get_config(): its argument {key!r} is no plain "
                f"value but {type(value).__name__}"
            )
    takes_all = any(p.kind is p.VAR_KEYWORD for p in signature.parameters.values())
    if not takes_all:
        config = {key: value for key, value in config.items() if key in signature.parameters}
    return {**config, **own}


def plain_seed(seed: int | SeedGenerator | None) -> int | None:
    """The seed as a number, for a config."""
    return seed.seed if isinstance(seed, SeedGenerator) else seed
