"""Weights in safetensors files: by name, or by position."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import _core
from .._base import functional as F
from .._base.checks import check_flag
from .._base.notices import warn
from .._base.state import named_state
from . import safetensors
from .files import Region, mapped, path_of, replacing
from .safetensors import TensorFile
from .states import refuse_others

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import BinaryIO

    from .._base.module import Module
    from .._core import Tensor
    from .files import Path

METADATA = {"format": "pt"}  # tensors lie as PyTorch would write them


def named_weights(module: Module) -> dict[str, Tensor]:
    """Each weight once, under the first of the names that `state_dict` has for it."""
    found: dict[int, tuple[str, Tensor]] = {}
    for name, weight in named_state(module):
        found.setdefault(id(weight), (name, weight))
    return dict(found.values())


def label_of(module: Any) -> str:
    """The model or layer as messages name it."""
    return f"{module._kind} {module.name!r}"


def write_weights(module: Module, file: BinaryIO) -> None:
    """Writes the weights of a model as a safetensors file."""
    safetensors.write(file, named_weights(module), METADATA)


def save_weights(model: Any, filepath: Path, overwrite: bool = True) -> None:
    """`Model.save_weights`."""
    name = path_of(filepath, "save_weights: filepath")
    check_flag("save_weights", "overwrite", overwrite)
    if not model.built:
        raise ValueError(
            f"{label_of(model)}: save_weights: it has no weights yet: call it on data or "
            "build(input_shape)"
        )
    from .models import check_own_state

    check_own_state(model)
    if name.endswith(".h5"):
        from .hdf5 import write_keras_weights as write

        with replacing(name, "save_weights: filepath", overwrite) as file:
            write(model, file)
        return
    if not name.endswith(".safetensors"):
        raise ValueError(
            f"save_weights: filepath: expected a name that ends in .safetensors or .weights.h5, "
            f"got {name!r}"
        )
    with replacing(name, "save_weights: filepath", overwrite) as file:
        write_weights(model, file)


def weights_saved_later(model: Any, path: str) -> Callable[[], None]:
    """A function that writes the weights as they are now, while training goes on."""
    before = named_weights(model)
    weights = {name: F.copy(weight.detach()) for name, weight in before.items()}

    def write() -> None:
        with replacing(path, "save_weights: filepath") as file:
            safetensors.write(file, weights, METADATA)

    if path.endswith(".h5"):
        from .hdf5 import keras_weights_saved_later

        return keras_weights_saved_later(model, path)
    return write


def load_weights(
    model: Any,
    filepath: Path,
    skip_mismatch: bool = False,
    by_name: bool | None = None,
    mmap: bool = False,
) -> None:
    """`Model.load_weights`."""
    name = path_of(filepath, "load_weights: filepath")
    skip_mismatch = check_flag("load_weights", "skip_mismatch", skip_mismatch)
    mmap = check_flag("load_weights", "mmap", mmap)
    if by_name is not None:
        by_name = check_flag("load_weights", "by_name", by_name)
    with open(name, "rb") as file:
        region = Region.whole(file, name)
        if region.part(0, min(4, region.size)).read() == b"\x89HDF":
            from .hdf5 import read_keras_weights

            read_keras_weights(model, file, name, skip_mismatch, by_name)
            return
        if region.part(0, min(4, region.size)).read() == b"PK\x03\x04":
            from .models import weights_part

            region = weights_part(region)
        else:
            refuse_others(region)
        source = TensorFile(region)
        memory = mapped(file) if mmap and region.size else None
        read_weights(model, source, skip_mismatch, by_name, memory)


def read_weights(
    model: Any,
    source: TensorFile,
    skip_mismatch: bool = False,
    by_name: bool | None = None,
    memory: memoryview | None = None,
) -> None:
    """Loads the weights of a model from a safetensors file: all of them or none.

    Args:
        model: the model; built.
        source: the file.
        skip_mismatch, by_name: as for `Model.load_weights`.
        memory: the whole file in memory, whose pages the weights then use.

    Raises:
        ValueError: names, shapes or types differ. The message lists them.
    """
    own = named_weights(model)
    who = f"{label_of(model)}: load_weights: {source.label}"
    if not own:
        raise ValueError(f"{who}: the model has no weights yet; build it, or call it on data")
    pairs, problems = _pairs(own, source, by_name)
    if not pairs:
        problems.append("no weight of the model is in the file")
    for name, stored in list(pairs.items()):
        problem = _mismatch(own[name], source, stored)
        if problem:
            problems.append(f"{name!r}: {problem}")
            del pairs[name]
    if problems and not (skip_mismatch and pairs):
        listed = "; ".join(problems[:5]) + ("; ..." if len(problems) > 5 else "")
        raise ValueError(f"{who}: {listed}")
    values = {name: source.tensor(stored, memory) for name, stored in pairs.items()}
    write_values({name: own[name] for name in pairs}, values, adopt=memory is not None)
    if problems:
        warn(f"{who}: {len(problems)} weights keep their values: {'; '.join(problems)}")


def _pairs(
    own: dict[str, Tensor], source: TensorFile, by_name: bool | None
) -> tuple[dict[str, str], list[str]]:
    """For each weight its name in the file, and what does not fit."""
    stored = source.entries
    if by_name is None:
        shapes = [weight.shape for weight in own.values()]
        one_holds_the_other = own.keys() <= stored.keys() or stored.keys() <= own.keys()
        others = own.keys().isdisjoint(stored) and len(own) == len(stored)
        fit = [entry.shape for entry in stored.values()] == shapes
        by_name = one_holds_the_other or not (others or fit)
        only_common = False
    else:
        only_common = by_name
    if by_name:
        pairs = {name: name for name in own if name in stored}
        if only_common:
            return pairs, []
        missing = [f"{name!r} is not in the file" for name in own if name not in stored]
        more = [f"the model has no {name!r}" for name in stored if name not in own]
        return pairs, missing + more
    pairs = dict(zip(own, stored, strict=False))
    if len(own) != len(stored):
        return pairs, [f"the model has {len(own)} weights, the file {len(stored)}"]
    return pairs, []


def _mismatch(weight: Tensor, source: TensorFile, stored: str) -> str:
    """Why a weight cannot have the stored values; "" if it can."""
    entry = source.entries[stored]
    if entry.shape != weight.shape:
        return f"it has shape {weight.shape}, the file {entry.shape}"
    is_float = entry.kind in ("F16", "BF16", "F32", "F64")
    if is_float != (weight.dtype.kind == "f"):
        return f"it is of type {weight.dtype}, the file of {entry.kind}"
    return ""


def write_values(weights: dict[str, Tensor], values: dict[str, Any], adopt: bool = False) -> None:
    """Writes values into weights.

    Args:
        weights: by name.
        values: tensors or arrays of their shapes, by name.
        adopt: whether weights use the memory of values of their type.
    """
    before = _core.set_grad_enabled(False)
    try:
        for name, weight in weights.items():
            value = values[name]
            if adopt and value.dtype == weight.dtype:
                weight._set_data(value)
            else:
                F.assign_(weight, value)
    finally:
        _core.set_grad_enabled(before)
