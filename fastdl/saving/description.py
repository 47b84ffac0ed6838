"""What a file holds, without its values: for programs that show files."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .. import _core
from . import keras_files
from .files import Region, path_of
from .hdf5 import h5py
from .models import build_model, building, read_json, read_parts
from .safetensors import TensorFile
from .states import refuse_others

if TYPE_CHECKING:
    from .files import Path


@dataclass
class Description:
    """What a file holds.

    Attributes:
        path: the file.
        size: of the file, in bytes.
        kind: "model", "Keras model", "weights" or "Keras weights".
        version: the version of fastdl that wrote it, None if the file does not say.
        config: class and config of the model, None for weights.
        compiled: optimizer, loss and metrics as configs, None for weights or without them.
        training: whether the state of the optimizer is in the file.
        tensors: type and shape of each tensor by name.
    """

    path: str
    size: int
    kind: str
    version: str | None = None
    config: Any = None
    compiled: Any = None
    training: bool = False
    tensors: dict[str, tuple[str, tuple[int, ...]]] = field(default_factory=dict)

    def model(self) -> Any:
        """The model, with weights of unknown values, which take no memory.

        Raises:
            ValueError: the config is damaged, or names a class that is not known.
        """
        random = _core.get_rng_state()
        try:
            with building(self.size):
                return build_model(self.config)
        except ValueError:
            raise
        except RecursionError:
            raise ValueError("the config is nested too deeply") from None
        except Exception as error:  # of classes and functions that the file names
            reason = f"{error} is missing" if isinstance(error, KeyError) else error
            raise ValueError(str(reason)) from error
        finally:
            _core.set_rng_state(*random)


def describe(filepath: Path) -> Description:
    """What a file of `save`, `save_weights`, `fastdl.save` or Keras holds.

    Only headers and configs are read.

    Raises:
        ValueError: the file is damaged, or of another kind.
        ImportError: an HDF5 file needs the package h5py.
        OSError: the file cannot be read.

    Example:
        >>> layer = fastdl.layers.Dense(1, name="out")
        >>> fastdl.Sequential([fastdl.layers.Input((3,)), layer]).save("model.fastdl")
        >>> describe("model.fastdl").tensors
        {'out.kernel': ('F32', (3, 1)), 'out.bias': ('F32', (1,))}
    """
    name = path_of(filepath, "describe: filepath")
    with open(name, "rb") as file:
        region = Region.whole(file, name)
        if not region.size:
            raise ValueError(f"{name}: the file is empty")
        first = region.part(0, min(8, region.size)).read()
        if first.startswith(b"PK\x03\x04"):
            return _of_archive(name, region)
        if first.startswith(b"\x89HDF"):
            with h5py().File(file, "r") as store:
                return Description(name, region.size, "Keras weights", tensors=_datasets(store))
        refuse_others(region)
        return Description(name, region.size, "weights", tensors=_entries(TensorFile(region)))


def _of_archive(name: str, region: Region) -> Description:
    parts = read_parts(region)
    config = read_json(parts, "config.json", name)
    if keras_files.WEIGHTS in parts:
        with h5py().File(io.BytesIO(parts[keras_files.WEIGHTS].read()), "r") as store:
            tensors = _datasets(store)
        made = keras_files.model_config_of(config)
        return Description(
            name, region.size, "Keras model", None, made, made.get("compile_config"), False, tensors
        )
    if not isinstance(config, dict):
        raise ValueError(f"{name}: config.json: expected an object, got {type(config).__name__}")
    version = read_json(parts, "metadata.json", name).get("fastdl")
    return Description(
        name,
        region.size,
        "model",
        version if isinstance(version, str) else None,
        config,
        config.get("compile_config"),
        "optimizer.safetensors" in parts,
        _entries(TensorFile(parts["weights.safetensors"])),
    )


def _entries(file: TensorFile) -> dict[str, tuple[str, tuple[int, ...]]]:
    return {name: (entry.kind, entry.shape) for name, entry in file.entries.items()}


def _datasets(store: Any) -> dict[str, tuple[str, tuple[int, ...]]]:
    """The arrays in an HDF5 file. Links to other files are not followed."""
    found: dict[str, tuple[str, tuple[int, ...]]] = {}

    def visit(name: str, item: Any) -> None:
        if hasattr(item, "dtype") and hasattr(item, "shape"):
            found[name] = (str(item.dtype), tuple(item.shape or ()))

    store.visititems(visit)
    return found
