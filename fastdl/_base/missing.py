"""AttributeErrors for names that Keras or PyTorch has and fastdl lacks."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import NoReturn

from .. import _core

# The modules of PyTorch and Keras that ours correspond to. For others it is Keras's of that name.
_PEERS = {
    "fastdl": ("torch", "keras"),
    "fastdl.autograd": ("torch.autograd",),
    "fastdl.cuda": ("torch.cuda",),
    "fastdl.data": ("torch.utils.data",),
    "fastdl.nn": ("torch.nn",),
    "fastdl.nn.functional": ("torch.nn.functional",),
    "fastdl.nn.init": ("torch.nn.init",),
    "fastdl.nn.utils": ("torch.nn.utils",),
    "fastdl.optim": ("torch.optim",),
    "fastdl.optim.lr_scheduler": ("torch.optim.lr_scheduler",),
    "Tensor": ("torch.Tensor",),
}


def peer_names() -> dict[str, set[str]]:
    """The public names of Keras and PyTorch by module."""
    found: dict[str, set[str]] = {}
    names: set[str] = set()
    with open(os.path.join(os.path.dirname(__file__), "peer_names.txt")) as file:
        for line in file:
            if line.startswith("  "):
                names.update(line.split())
            elif not line.startswith("#"):
                names = found.setdefault(line.strip().rstrip(":"), set())
    return found


def missing(where: str, name: str) -> AttributeError:
    """The error for a missing attribute.

    Args:
        where: the module's full name, or "Tensor".
        name: the attribute.
    """
    kind = f"module {where!r}" if where.startswith("fastdl") else f"{where!r} object"
    message = f"{kind} has no attribute {name!r}"
    if name.startswith("_"):
        return AttributeError(message)
    known = peer_names()
    version = ".".join(_core.config()["version"].split(".")[:2])
    for peer in _PEERS.get(where, (where.replace("fastdl", "keras", 1),)):
        if name in known.get(peer, ()):
            return AttributeError(f"{message}: {peer}.{name} is not in fastdl {version}")
    if where == "fastdl.ops" and name in known["torch"]:
        message += "; fastdl.ops has the functions of keras.ops, fastdl itself those of PyTorch"
    return AttributeError(message)


def attributes_missing_from(module: str) -> Callable[[str], NoReturn]:
    """The `__getattr__` of a module.

    Example:
        >>> fastdl.layers.TimeTravel  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        ...
        AttributeError: module 'fastdl.layers' has no attribute 'TimeTravel'
    """

    def __getattr__(name: str) -> NoReturn:
        raise missing(module, name)

    return __getattr__
