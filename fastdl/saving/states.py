"""save and load: tensors and plain values in one file, as `torch.save` is used for state_dicts.

The file is a safetensors file. A dictionary of tensors by name is stored as just that. For other
structures an entry of the metadata describes how the tensors and values are nested:

    numbers, texts, True, False, None and lists stand for themselves
    {"tensor": name}, {"array": name}    a tensor, or an array of NumPy, of the file
    {"tuple": [...]}, {"dict": [[key, value], ...]}
"""

from __future__ import annotations

import json
import os
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from .._base.checks import check_flag, shown
from .._base.device import device as Device
from .._base.device import moved
from .._base.module import Module
from .._core import Tensor
from . import safetensors
from .files import Region, mapped, parse_json, path_of, replacing

if TYPE_CHECKING:
    from .._base.device import Place
    from .files import Path
    from .safetensors import Value

_STRUCTURE = "fastdl.structure"
_PLAIN = (bool, int, float, str, type(None))


def save(obj: Any, f: Path | BinaryIO) -> None:
    """Writes tensors and plain values to a file, in the safetensors format.

    Args:
        obj: a tensor, an array, a number, a text, None, or a list, tuple or dict of such values,
            as `module.state_dict()` and `optimizer.state_dict()` return them. Keys of dicts are
            texts, numbers or None. A `Parameter` is written as a tensor.
        f: a path, or a file that is open for writing in binary mode. A file at the path is replaced
            when the new one is complete, so it is never half-written.

    Raises:
        TypeError: something in `obj` is of another kind. The message says where it is. Modules and
            functions would need code in the file: save `module.state_dict()` instead.
        OSError: the file cannot be written.

    Source: `torch.save`, whose own files hold a pickle. A dict of tensors by name gives the file
    that `safetensors.torch.save_file` writes.

    Example:
        >>> layer = nn.Linear(4, 2)
        >>> fastdl.save(layer.state_dict(), "layer.safetensors")
        >>> sorted(fastdl.load("layer.safetensors"))
        ['bias', 'weight']
    """
    tensors, metadata = _taken_apart(obj)
    is_file = hasattr(f, "write")
    context: Any = nullcontext(f) if is_file else replacing(f, "save: f")  # type: ignore[arg-type]
    with context as file:
        try:
            safetensors.write(file, tensors, metadata)
        except (TypeError, ValueError) as error:
            error.args = (f"save: {error}",)
            raise


def load(
    f: Path | BinaryIO,
    map_location: Place | None = None,
    *,
    weights_only: bool | None = None,
    mmap: bool | None = None,
) -> Any:
    """Reads what `save` wrote, or a file of the package safetensors: a dict of tensors by name.

    Args:
        f: a path, or a file that is open for reading in binary mode and can seek.
        map_location: the device of the tensors; the CPU unless given.
        weights_only: accepted; a file holds no code, so any value is safe.
        mmap: whether tensors use the file's memory in place. Nothing is read before it is used, and
            processes share it. Writes to such a tensor do not reach the file. Do not overwrite the
            file in place while tensors use it; `save` replaces files and is safe.

    Returns:
        The values as they were saved. Tensors are new, without gradients. Tensors of 16-bit and
        of unsigned integers and of float64, which only other programs write, become the nearest
        type of fastdl.

    Raises:
        ValueError: it is no such file, or it is damaged. The message names the place. Files of
            `torch.save` hold a pickle, which could run any code: the message says how to convert
            them.
        OSError: the file cannot be read.

    Source: `torch.load`.
    """
    for name, flag in (("weights_only", weights_only), ("mmap", mmap)):
        check_flag("load", name, flag)
    device = None if map_location is None else Device(map_location)
    if not isinstance(f, (str, os.PathLike)) and hasattr(f, "read"):
        if mmap:
            raise ValueError("load: mmap: expected a path, got an open file")
        return load_region(Region.whole(f, str(getattr(f, "name", "load: f"))), None, device)
    name = path_of(f, "load: f")
    with open(name, "rb") as file:
        memory = None
        if mmap and os.path.getsize(name):
            memory = mapped(file)
        return load_region(Region.whole(file, name), memory, device)


def load_region(
    region: Region, memory: memoryview | None = None, device: Device | None = None
) -> Any:
    """`load` from a part of a file."""
    refuse_others(region)
    source = safetensors.TensorFile(region)

    def tensor(name: str) -> Tensor:
        made = source.tensor(name, memory)
        return made if device is None else moved(made, device)

    text = source.metadata.get(_STRUCTURE)
    if text is None:
        return {name: tensor(name) for name in source.entries}
    where = f"{region.label}: metadata {_STRUCTURE!r}"
    structure = parse_json(text.encode("utf-8", "surrogatepass"), where)
    try:
        return _put_together(structure, source, memory, tensor)
    except (KeyError, TypeError, RecursionError) as error:
        reason = f"there is no tensor {error}" if isinstance(error, KeyError) else str(error)
        raise ValueError(f"{where}: {reason}") from None


# How files of other formats begin, and what to do about them.
_OTHERS = (
    (
        b"PK\x03\x04",
        "this is a zip archive. A model of model.save() is read by fastdl.models.load_model(). A "
        "file of torch.save() holds a pickle, which could run any code. Convert it where PyTorch "
        "is installed: safetensors.torch.save_file(torch.load(path, weights_only=True), new_path)",
    ),
    (
        b"\x80",
        "this is a pickle, which could run any code. If torch.save() wrote it, convert it where "
        "PyTorch is installed: safetensors.torch.save_file(torch.load(path, weights_only=True), "
        "new_path)",
    ),
    (b"\x89HDF", "this is an HDF5 file: model.load_weights() reads those of Keras"),
    (b"\x93NUMPY", "this is an array of NumPy: numpy.load() reads it"),
)


def refuse_others(region: Region) -> None:
    """ValueError for a file of another known format; the message says what to do with it."""
    first = region.part(0, min(8, region.size)).read()
    if len(first) == 8 and not any(first[4:]):
        return  # the length of a header
    for beginning, message in _OTHERS:
        if first.startswith(beginning):
            raise ValueError(f"{region.label}: {message}")


# --- structures


def _taken_apart(obj: Any) -> tuple[dict[str, Value], dict[str, str]]:
    """The tensors of a structure by name, and the metadata that describe the structure."""
    flat = isinstance(obj, dict) and all(
        isinstance(k, str) and k != "__metadata__" and isinstance(v, Tensor) for k, v in obj.items()
    )
    if flat:
        return dict(obj), {"format": "pt"}
    tensors: dict[str, Value] = {}
    structure = _encoded(obj, (), tensors)
    return tensors, {"format": "pt", _STRUCTURE: json.dumps(structure, separators=(",", ":"))}


def _encoded(x: Any, path: tuple[object, ...], tensors: dict[str, Value]) -> Any:
    if len(path) > 100:
        raise ValueError(f"save: {_shown_path(path[:5])}...: nested too deeply, or within itself")
    if isinstance(x, np.generic):
        x = x.item()
    if isinstance(x, (Tensor, np.ndarray)):
        return {"tensor" if isinstance(x, Tensor) else "array": _added(x, path, tensors)}
    if type(x) in _PLAIN:
        return x
    if isinstance(x, (list, tuple)):
        items = [_encoded(item, (*path, i), tensors) for i, item in enumerate(x)]
        return {"tuple": items} if isinstance(x, tuple) else items
    if isinstance(x, dict):
        for key in x:
            if type(key) not in _PLAIN:
                raise TypeError(
                    f"save: {_shown_path(path)}: expected texts, numbers or None as keys, got "
                    f"{shown(key)}"
                )
        return {"dict": [[k, _encoded(v, (*path, k), tensors)] for k, v in x.items()]}
    hint = "; save its state_dict()" if isinstance(x, Module) or hasattr(x, "state_dict") else ""
    raise TypeError(
        f"save: {_shown_path(path)}: expected tensors, arrays, numbers, texts, None, and lists, "
        f"tuples and dicts of these, got {type(x).__name__}{hint}"
    )


def _shown_path(path: tuple[object, ...]) -> str:
    return "obj" + "".join(f"[{key!r}]" for key in path)


def _added(x: Value, path: tuple[object, ...], tensors: dict[str, Value]) -> str:
    """Adds a tensor under a name that tells its place, such as `optimizer.state.0.exp_avg`."""
    name = wanted = ".".join(map(str, path)) or "value"
    count = 1
    while name in tensors or name == "__metadata__":
        name = f"{wanted}_{count}"
        count += 1
    tensors[name] = x
    return name


def _put_together(
    x: Any, source: safetensors.TensorFile, memory: memoryview | None, tensor: Any
) -> Any:
    def made(x: Any) -> Any:
        if isinstance(x, list):
            return [made(item) for item in x]
        if not isinstance(x, dict):
            return x
        content: Any
        (kind, content), *more = x.items() or [("nothing", None)]
        if more or kind not in ("tensor", "array", "tuple", "dict"):
            raise TypeError(f"expected a tensor, an array, a tuple or a dict, got {shown(x)}")
        if kind == "tensor":
            return tensor(content)
        if kind == "array":
            return source.array(content, memory)
        if not isinstance(content, list):
            raise TypeError(f"expected a list, got {shown(content)}")
        if kind == "tuple":
            return tuple(made(item) for item in content)
        if not all(
            isinstance(pair, list) and len(pair) == 2 and type(pair[0]) in _PLAIN
            for pair in content
        ):
            raise TypeError(f"expected pairs of a key and a value, got {shown(content)}")
        return {key: made(value) for key, value in content}

    return made(x)
