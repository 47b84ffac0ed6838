"""Keras's files of weights, `.weights.h5`: HDF5 with a group of numbered arrays for each layer.

Where the group of a layer is follows from the place of the layer in the model, not from its name:
layers of a Sequential or functional model are in "layers", all others in the attribute that holds
them. Layers in containers go by the names of their classes, counted.

Source: the layout that Keras 3's saving_lib writes. The package h5py does the rest.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from .._base.notices import warn
from .._base.registry import snake_case
from .files import replacing
from .weights import label_of, write_values

if TYPE_CHECKING:
    from .._core import Tensor

# Groups that other libraries need and this one does not.
_OTHERS = ("optimizer", "seed_generator", "generator")


def h5py() -> Any:
    """The package h5py. ImportError that says how to install it."""
    try:
        import h5py as package
    except ImportError:
        raise ImportError("HDF5 files need the package h5py: pip install 'fastdl[hdf5]'") from None
    return package


def _groups(model: Any) -> Iterator[tuple[str, Any]]:
    """The layers of a model that have a group, with the path of it, in Keras's order."""
    seen: set[int] = set()

    def visit(layer: Any, path: str) -> Iterator[tuple[str, Any]]:
        if id(layer) in seen:
            return
        seen.add(id(layer))
        yield path, layer
        if hasattr(layer, "fit") and hasattr(layer, "_graph"):
            own_layers = layer._graph is not None or hasattr(layer, "_stack")
            if own_layers:
                yield from contained(layer.layers, f"{path}/layers")
        public = getattr(layer, "_public_names", {})
        attributes = {public.get(name, name): value for name, value in layer.__dict__.items()}
        for name, value in sorted(attributes.items(), key=lambda item: _order(item[0])):
            if name in _INTERNAL:
                continue
            if _is_layer(value):
                yield from visit(value, f"{path}/{name}")
            elif isinstance(value, (list, tuple, dict)):
                yield from contained(value, f"{path}/{name}")

    def contained(container: Any, path: str) -> Iterator[tuple[str, Any]]:
        counts: dict[str, int] = {}
        for value in container.values() if isinstance(container, dict) else container:
            nested = isinstance(value, (list, tuple, dict))
            if not nested and not _is_layer(value):
                continue
            name = "container" if nested else _class_name(value)
            count = counts.get(name, 0)
            counts[name] = count + 1
            place = f"{path}/{name}_{count}" if count else f"{path}/{name}"
            yield from contained(value, place) if nested else visit(value, place)

    for path, layer in visit(model, ""):
        yield path.strip("/"), layer


def _class_name(layer: Any) -> str:
    return snake_case(type(layer).__name__)


def _order(name: str) -> str:
    """Private attributes come last."""
    return f"~{name}" if name.startswith("_") else name


def _is_layer(value: object) -> bool:
    return hasattr(value, "add_weight") and hasattr(value, "_parameters")


# Attributes of layers and models that hold layers for the library's own use.
_INTERNAL = frozenset(
    "_modules _parameters _buffers _unassigned _stack _tensors _graph _foreign _init_args _runners "
    "_inbound_nodes _loss_layers _losses _metrics _build_shapes _fit_position _compile_arguments "
    "_compile_loss _compile_metrics _loss_tracker optimizer loss history".split()
)


def _own_weights(layer: Any) -> list[Tensor]:
    return [w for w in (*layer._parameters.values(), *layer._buffers.values()) if w is not None]


# --- writing


def write_keras_weights(model: Any, file: BinaryIO) -> None:
    """Writes the weights as Keras does."""
    file.write(keras_weights(model))


def keras_weights_saved_later(model: Any, path: str) -> Callable[[], None]:
    """A function that writes the weights as they are now."""
    data = keras_weights(model)

    def write() -> None:
        with replacing(path, "save_weights: filepath") as file:
            file.write(data)

    return write


def keras_weights(model: Any, with_optimizer: bool = True) -> bytes:
    """The content of such a file."""
    buffer = io.BytesIO()
    with h5py().File(buffer, "w") as store:
        for path, layer in _groups(model):
            weights = _own_weights(layer)
            group = store.create_group(f"{path}/vars" if path else "vars")
            group.attrs["name"] = layer.name
            for i, weight in enumerate(weights):
                group[str(i)] = (
                    weight.detach().float().numpy() if _is_short(weight) else weight.numpy()
                )
            generator = getattr(layer, "seed_generator", None)
            if generator is not None and hasattr(generator, "state"):
                seed, used = (int(x) & 0xFFFFFFFF for x in generator.state.tolist())
                group = store.create_group(f"{path}/{layer._generator_group}/vars")
                group["0"] = np.array([seed, used], np.uint32)
        optimizer = getattr(model, "optimizer", None)
        if with_optimizer and optimizer is not None and optimizer.built:
            group = store.create_group("optimizer/vars")
            for i, variable in enumerate(optimizer.variables):
                group[str(i)] = variable.numpy()
    return buffer.getvalue()


def _is_short(weight: Tensor) -> bool:
    return weight.dtype == "bfloat16" or weight.dtype == "float16"


# --- reading


def read_keras_weights(
    model: Any, file: BinaryIO, label: str, skip_mismatch: bool = False, by_name: bool | None = None
) -> None:
    """Loads the weights of a model from a file of Keras: all of them or none.

    Raises:
        ValueError: layers or shapes differ, or the file is damaged.
        ImportError: the package h5py is missing.
    """
    package = h5py()
    who = f"{label_of(model)}: load_weights: {label}"
    try:
        store = package.File(file, "r")
    except (OSError, ValueError, RuntimeError, TypeError, KeyError) as error:
        raise ValueError(f"{who}: this is no HDF5 file, or it is damaged: {error}") from None
    with store:
        try:
            _read(model, _Store(store, package, who), skip_mismatch, by_name)
        except (OSError, RuntimeError, KeyError, TypeError) as error:  # of h5py
            raise ValueError(f"{who}: the file is damaged: {error}") from None


class _Store:
    """The groups of weights in a file."""

    def __init__(self, store: Any, package: Any, who: str) -> None:
        self.who = who
        self.package = package
        if "layer_names" in store.attrs:
            raise ValueError(
                f"{who}: this is a file of Keras 2; load it in Keras 3 and save the weights again"
            )
        self.paths: dict[str, Any] = {}
        self._collect(store, "", 0)

    def _collect(self, group: Any, path: str, depth: int) -> None:
        if depth > 100:
            raise ValueError(f"{self.who}: groups are nested too deeply")
        for name in group:
            if not isinstance(group.get(name, getlink=True), self.package.HardLink):
                raise ValueError(f"{self.who}: {path}/{name}: links are not followed")
            inner = group[name]
            if not isinstance(inner, self.package.Group):
                continue
            if name == "vars":
                self.paths[path] = inner
            elif name not in _OTHERS:
                self._collect(inner, f"{path}/{name}" if path else name, depth + 1)

    def arrays(self, path: str) -> list[Any]:
        """The numbered arrays of a group, unread."""
        group = self.paths[path]
        found = []
        for i in range(len(group)):
            name = str(i)
            if name not in group:
                raise ValueError(f"{self.who}: {path}: the array {name} is missing")
            item = group[name]
            hard = isinstance(group.get(name, getlink=True), self.package.HardLink)
            if not hard or not isinstance(item, self.package.Dataset):
                raise ValueError(f"{self.who}: {path}: {name} is no array")
            if item.is_virtual or item.external:
                raise ValueError(f"{self.who}: {path}: {name} has its values in another file")
            found.append(item)
        return found


def _read(model: Any, store: _Store, skip_mismatch: bool, by_name: bool | None) -> None:
    problems: list[str] = []
    weights: dict[str, Tensor] = {}
    values: dict[str, Any] = {}
    left = {path for path, group in store.paths.items() if len(group)}
    names = {group.attrs.get("name"): path for path, group in store.paths.items()}
    for path, layer in _groups(model):
        own = _own_weights(layer)
        place = names.get(layer.name) if by_name else path
        if not own:
            continue
        if place not in store.paths:
            if not by_name:
                problems.append(f"layer {layer.name!r} ({path or 'the model'}) is not in the file")
            continue
        left.discard(place)
        stored = store.arrays(place)
        shapes = [tuple(array.shape) for array in stored]
        if shapes != [weight.shape for weight in own]:
            problems.append(
                f"layer {layer.name!r} has weights of shapes {[w.shape for w in own]}, the file "
                f"({place}) {shapes}"
            )
            continue
        if any(array.dtype.kind not in "fiub" and array.dtype.itemsize != 2 for array in stored):
            problems.append(f"layer {layer.name!r}: the file has values that are no numbers")
            continue
        for i, (weight, array) in enumerate(zip(own, stored, strict=True)):
            weights[f"{path}/{i}"] = weight
            values[f"{path}/{i}"] = _values(array)
    if not by_name:
        problems += [f"the model has no layer for {path!r}" for path in sorted(left)]
    if not weights and (model.weights or not model.built):
        problems.append("no weight of the model is in the file")
    if problems and not (skip_mismatch and weights):
        listed = "; ".join(problems[:5]) + ("; ..." if len(problems) > 5 else "")
        raise ValueError(f"{store.who}: {listed}")
    write_values(weights, values)
    if problems:
        warn(f"{store.who}: some weights keep their values: {'; '.join(problems)}")


def _values(array: Any) -> np.ndarray:
    """The values of an array; Keras writes bfloat16 as two bytes without a type."""
    if array.attrs.get("dtype") == "bfloat16":
        bits = np.asarray(array).view(np.uint16).astype(np.uint32) << 16
        return bits.view(np.float32)
    return np.asarray(array)
