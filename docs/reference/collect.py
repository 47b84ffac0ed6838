"""`python docs/reference/collect.py {keras,torch}` prints the public names of that library.

Run it where Keras or PyTorch is installed (KERAS_BACKEND=jax for Keras without TensorFlow) and
write the output to `keras-VERSION.txt` or `torch-VERSION.txt` beside this file. It holds names,
arguments and default values, one name a line, below a line for the module or class. compare.py
reads it.
"""

from __future__ import annotations

import ast
import inspect
import os
import re
import sys
import warnings
from collections.abc import Iterator
from functools import lru_cache
from importlib import import_module
from typing import Any, get_overloads

SECTIONS = {
    "keras": """
        keras keras.activations keras.backend keras.callbacks keras.config keras.constraints
        keras.datasets keras.dtype_policies keras.initializers keras.layers keras.losses
        keras.metrics keras.mixed_precision keras.models keras.ops keras.ops.image
        keras.ops.linalg keras.optimizers keras.optimizers.schedules keras.preprocessing
        keras.preprocessing.image keras.preprocessing.sequence keras.random keras.regularizers
        keras.saving keras.tree keras.utils keras.utils.bounding_boxes keras.applications
        keras.distribution keras.quantizers keras.Model keras.layers.Layer
        keras.optimizers.Optimizer keras.metrics.Metric keras.callbacks.Callback
    """,
    "torch": """
        torch torch.Tensor torch.nn torch.nn.Module torch.nn.functional torch.nn.init
        torch.nn.utils torch.nn.utils.rnn torch.optim torch.optim.Optimizer torch.optim.lr_scheduler
        torch.optim.swa_utils torch.utils.data torch.autograd torch.linalg torch.fft
        torch.special torch.amp
    """,
}
# A line of a docstring that gives the arguments: `cat(tensors, dim=0, *, out=None) -> Tensor`.
_DOCUMENTED = re.compile(r"^\s*(?:\.\. (?:py:)?\w+:: )?(?:\w+\.)*(\w+)\((.*?)\)\s*(?:->.*)?$")
# The arguments of a function that a decorator made.
_WRAPPED = {"args", "kwargs"}
# Types of elements that are for other devices and for quantization.
_RARE_TYPES = re.compile(r"bits?\d*(x\d)?$|q|u?int[1-7]$|quint|c[dfh]|float[48]_")
# Where helpers come from that modules import for themselves.
_HELPERS = ("typing", "torch._jit_internal", "torch.overrides", "torch.jit", "torch._C._jit")


def public(owner: Any) -> list[str]:
    """The names that users of a module or class may use."""
    names = getattr(owner, "__all__", ()) if inspect.ismodule(owner) else ()
    if owner.__name__ in ("torch", "torch.nn"):  # their __all__ has not all
        names = ()
    found = names or [name for name in dir(owner) if not name.startswith("_")]
    return sorted({name for name in found if hasattr(owner, name) and not name.startswith("_")})


def without_types(arguments: str) -> str:
    """`input: Tensor, *, out: Optional[Tensor] = None` to `input, *, out=None`."""
    parts, depth, part = [], 0, ""
    for char in arguments + ",":
        depth += (char in "([{") - (char in ")]}")
        if char == "," and depth <= 0:
            parts.append(part.strip())
            part = ""
        else:
            part += char
    plain = []
    for part in filter(None, parts):
        name, equals, default = part.partition("=")
        name = name.split(":")[0].strip().split(" ")[-1]
        plain.append(f"{name}={default.strip()}" if equals else name)
    return ", ".join(plain)


def default(value: Any) -> str:
    """A default value as text that depends on no address and no path."""
    if isinstance(value, type) or inspect.isroutine(value):
        return str(value.__name__)
    if inspect.ismodule(value) or " object at 0x" in repr(value):
        return "..."
    return repr(value)


def from_signature(thing: Any) -> str | None:
    parameters = list(inspect.signature(thing).parameters.values())
    if isinstance(thing, type) and _WRAPPED == {p.name for p in parameters}:
        parameters = list(inspect.signature(thing.__init__).parameters.values())
    names = {p.name for p in parameters} - {"self"}
    if names and names <= _WRAPPED:
        return None
    if parameters and parameters[0].name == "self":
        parameters = parameters[1:]
    plain = []
    for p in parameters:
        given = inspect.Parameter.empty if p.default is p.empty else _Text(default(p.default))
        plain.append(p.replace(annotation=p.empty, default=given))
    return str(inspect.Signature(plain))[1:-1]


class _Text:
    """A default value that is shown as this text."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text


@lru_cache(1)
def stubs() -> dict[str, list[str]]:
    """The forms of PyTorch's functions in C, and of Tensor's methods, from its own stubs."""
    found: dict[str, list[str]] = {}
    folder = os.path.join(os.path.dirname(sys.modules["torch"].__file__ or ""), "_C")
    for file, owner in (("_VariableFunctions", ""), ("_nn", ""), ("__init__", "TensorBase")):
        with open(os.path.join(folder, f"{file}.pyi"), encoding="utf-8") as text:
            body = ast.parse(text.read()).body
        if owner:
            body = next(n.body for n in body if isinstance(n, ast.ClassDef) and n.name == owner)
        for node in body:
            if isinstance(node, ast.FunctionDef):
                forms = found.setdefault(f"{owner}.{node.name}" if owner else node.name, [])
                plain = without_types(ast.unparse(node.args))
                forms.append(re.sub(r"^self(, |$)", "" if owner else r"input\1", plain))
    return found


def arguments(thing: Any, name: str) -> str | None:
    """The arguments of a function or class, of several forms with ` | `; None if not known."""
    try:
        known = from_signature(thing)
        if known is not None:
            return known
    except (TypeError, ValueError):  # not written in Python
        pass
    forms = []
    if isinstance(thing, type) and inspect.isfunction(thing.__init__):
        # What the `*args` of a class stand for.
        written = map(from_signature, get_overloads(thing.__init__)[:1])
        forms = [form for form in written if form is not None]
    if "torch" in sys.modules and not isinstance(thing, type):
        method = str(getattr(thing, "__qualname__", "")).startswith(("Tensor", "_TensorBase"))
        forms = stubs().get(f"TensorBase.{name}" if method else name, [])
    if not forms:
        first, *others = (inspect.getdoc(thing) or "").strip().splitlines() or [""]
        written = [first, *(line for line in others if line.strip().startswith(".. "))]
        found = filter(None, map(_DOCUMENTED.match, written))
        forms = [without_types(m[2].replace("\\", "")) for m in found if m[1] == name]
    return " | ".join(dict.fromkeys(forms)) if forms and "..." not in forms else None


def listed(thing: Any, name: str, in_module: bool) -> bool:
    """Whether a name is part of the interface rather than a helper or a value of a module."""
    home = str(getattr(thing, "__module__", ""))
    if not callable(thing):
        dtype = type(thing).__name__ == "dtype" and not _RARE_TYPES.match(name)
        return not in_module or dtype or type(thing) is float
    if home.startswith(_HELPERS) or (isinstance(thing, type) and issubclass(thing, Exception)):
        return False
    if not home.startswith("torch") and not inspect.isbuiltin(thing):
        return True
    if inspect.getdoc(thing):
        return arguments(thing, name) is not None
    functional = sys.modules.get("torch.nn.functional")  # documents what torch has as well
    return functional is not None and bool(inspect.getdoc(getattr(functional, name, None)))


def lines(section: str) -> Iterator[str]:
    module, attributes = section, list[str]()
    while True:  # a class is an attribute of the longest module in its name
        try:
            owner = import_module(module)
            break
        except ImportError:
            module, _, last = module.rpartition(".")
            attributes.insert(0, last)
    for attribute in attributes:
        owner = getattr(owner, attribute)
    for name in public(owner):
        thing = getattr(owner, name)
        if inspect.ismodule(thing):
            known = SECTIONS[section.partition(".")[0]].split()
            if f"{section}.{name}" in known or section == "keras.datasets":
                yield name
        elif listed(thing, name, not attributes):
            known = arguments(thing, name) if callable(thing) else None
            yield name if known is None else f"{name}({known})"


def main(library: str) -> None:
    warnings.simplefilter("ignore")
    version = import_module(library).__version__.partition("+")[0]
    print(f"# The public names of {library} {version} and their arguments: see collect.py")
    for section in SECTIONS[library].split():
        print(f"## {section}")
        for line in lines(section):
            print(line)


if __name__ == "__main__":
    main(sys.argv[1])
