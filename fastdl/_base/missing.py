"""AttributeErrors for names that Keras or PyTorch has and fastdl lacks."""

from __future__ import annotations

import os
from collections.abc import Callable
from fnmatch import fnmatchcase
from functools import lru_cache
from importlib import import_module
from typing import Any, NoReturn

from .. import _core

# The modules of PyTorch and Keras that ours correspond to. For others it is Keras's of that name.
_PEERS = {
    "fastdl": ("torch", "keras"),
    "fastdl.autograd": ("torch.autograd",),
    "fastdl.backends": ("torch.backends",),
    "fastdl.cuda": ("torch.cuda",),
    "fastdl.data": ("torch.utils.data",),
    "fastdl.distributions": ("torch.distributions",),
    "fastdl.fft": ("torch.fft",),
    "fastdl.func": ("torch.func",),
    "fastdl.linalg": ("torch.linalg",),
    "fastdl.nn": ("torch.nn",),
    "fastdl.nn.functional": ("torch.nn.functional",),
    "fastdl.nn.init": ("torch.nn.init",),
    "fastdl.nn.utils": ("torch.nn.utils",),
    "fastdl.nn.utils.rnn": ("torch.nn.utils.rnn",),
    "fastdl.optim": ("torch.optim",),
    "fastdl.optim.lr_scheduler": ("torch.optim.lr_scheduler",),
    "fastdl.random": ("keras.random", "torch.random"),
    "fastdl.special": ("torch.special",),
}


@lru_cache(1)
def peer_names() -> dict[str, set[str]]:
    """The public names of Keras and PyTorch by module or class."""
    found: dict[str, set[str]] = {}
    names: set[str] = set()
    with open(os.path.join(os.path.dirname(__file__), "peer_names.txt")) as file:
        for line in file:
            if line.startswith("  "):
                names.update(line.split())
            elif not line.startswith("#"):
                names = found.setdefault(line.strip().rstrip(":"), set())
    return found


@lru_cache(1)
def left_out() -> list[tuple[list[str], str]]:
    """Patterns of names of PyTorch and Keras that are not here, and why."""
    with open(os.path.join(os.path.dirname(__file__), "left_out.txt"), encoding="utf-8") as file:
        lines = file.read().replace("\n  ", " ").splitlines()
    pairs = (line.partition(": ") for line in lines if line and not line.startswith("#"))
    return [(names.split(), why) for names, _, why in pairs]


def reason(peer: str) -> str:
    """Why a name of PyTorch or Keras is not here; "" if nothing is known."""
    found = (why for patterns, why in left_out() if any(fnmatchcase(peer, p) for p in patterns))
    return next(found, "")


def missing(where: str, name: str) -> AttributeError:
    """The error for a missing attribute of a module of this full name."""
    peers = _PEERS.get(where, (where.replace("fastdl", "keras", 1),))
    message = f"module {where!r} has no attribute {name!r}"
    message += _found(name, peers) or (where == "fastdl" and _elsewhere(name)) or ""
    if where == "fastdl.ops" and name in peer_names()["torch"]:
        message += "; fastdl.ops has the functions of keras.ops, fastdl itself those of PyTorch"
    return AttributeError(message)


def _elsewhere(name: str) -> str:
    """The end of a message for a name of Keras that is in another module of fastdl."""
    if name.startswith("_"):
        return ""
    for peer, names in peer_names().items():
        module = peer.replace("keras", "fastdl", 1)
        if name in names and peer.startswith("keras."):
            try:
                getattr(import_module(module), name)
            except (ImportError, AttributeError):
                continue
            return f"; it is {module}.{name}"
    return ""


def _found(name: str, peers: tuple[str, ...]) -> str:
    """The end of a message, if one of these modules or classes has the name."""
    if name.startswith("_"):
        return ""
    version = ".".join(_core.version.split(".")[:2])
    for peer in peers:
        if name in peer_names().get(peer, ()):
            why = reason(f"{peer}.{name}")
            return f": {peer}.{name} is not in fastdl {version}{f': {why}' if why else ''}"
    return ""


def lookup_failed(owner: object, name: str, peers: tuple[str, ...]) -> Any:
    """What `__getattr__` of an object does: raises the error for an attribute it lacks.

    An attribute that its class has is a property that failed: its own error is raised again.
    """
    if any(name in vars(cls) for cls in type(owner).__mro__):
        return object.__getattribute__(owner, name)
    message = f"{type(owner).__name__!r} object has no attribute {name!r}{_found(name, peers)}"
    raise AttributeError(message, name=name, obj=owner)


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
