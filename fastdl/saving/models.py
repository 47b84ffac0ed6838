"""save_model and load_model: a model with its weights and the state of its training, in one file.

The file is a zip archive of these parts:

    metadata.json            {"format": 1, "fastdl": version}
    config.json              class, config, how it was built and compiled, in Keras's form
    weights.safetensors      weights by the names of `state_dict`
    optimizer.safetensors    the variables of the optimizer, numbered, if it has been used
    training.json            what else training goes on with: random state, variables trained

`docs/file-format.md` describes it in full.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO

from .. import _core
from .._base import functional as F
from .._base.checks import check_flag
from .._base.context import context
from .._base.registry import LAYERS, custom_object_scope, naming_modules
from . import archive, keras_files, safetensors
from .files import Region, mapped, parse_json, path_of, replacing
from .safetensors import TensorFile
from .values import decode, encode, is_object
from .weights import METADATA, label_of, named_weights, read_weights

if TYPE_CHECKING:
    from .._core import Tensor
    from .files import Path

Part = Callable[[BinaryIO], object]  # writes itself to a file
Parts = dict[str, Part]

FORMAT = 1
_MOST_JSON = 256 << 20  # bytes
# Beyond its own size, the memory that a file's model may take for one tensor while it is built.
_ROOM = 1 << 30


def save_model(
    model: Any, filepath: Path, overwrite: bool = True, zipped: bool | None = None, **kwargs: Any
) -> None:
    """Writes a model to one file: architecture, weights, optimizer, compile settings, random state.

    `load_model` reads it, and training goes on bit for bit. The file holds no code.

    Args:
        model: a model. Classes and functions of your own are written by name.
        filepath: a path that ends in `.fastdl`, or in `.keras` for a file that Keras reads (with
            the package h5py, and without random states). The file there is replaced when the new
            one is complete: a full disk or a killed process leaves the old one whole.
        overwrite: whether there may be a file already.
        zipped: only True or None, as files are always one archive.
        include_optimizer: whether the state of training is written, too: True unless given. Without
            it the file is a third as large with Adam, and ready for predictions.

    Raises:
        ValueError: the path has another ending.
        TypeError: a config holds a value that cannot be written, such as a lambda. The message
            names its place.
        FileExistsError: there is a file, and `overwrite` is False. (Keras asks at the terminal.)
        OSError: the file cannot be written.

    Source: `keras.saving.save_model` of Keras 3.

    Example:
        >>> model = fastdl.Sequential([fastdl.layers.Input((3,)), fastdl.layers.Dense(1)])
        >>> model.save("model.fastdl")
        >>> fastdl.models.load_model("model.fastdl").count_params()
        4
    """
    who = "save_model: filepath"
    name = path_of(filepath, who)
    check_flag("save_model", "overwrite", overwrite)
    with_training = check_flag(
        "save_model", "include_optimizer", kwargs.pop("include_optimizer", True)
    )
    if kwargs:
        raise TypeError(f"save_model: unknown argument {next(iter(kwargs))!r}")
    if zipped is not None and not check_flag("save_model", "zipped", zipped):
        raise ValueError("save_model: zipped: expected True or None, got False")
    if not name.endswith((".fastdl", ".keras")):
        raise ValueError(
            f"{who}: expected a name that ends in .fastdl or .keras, got {name!r} (for weights "
            "alone use save_weights())"
        )
    parts = parts_of(model, with_training, for_keras=name.endswith(".keras"))
    with replacing(name, who, overwrite) as file:
        archive.write(file, parts)


def saved_later(model: Any, path: str) -> Callable[[], None]:
    """A function that writes the model as it is now, while training goes on."""
    parts = parts_of(model, True, copy=True, for_keras=path.endswith(".keras"))

    def write() -> None:
        with replacing(path, "save_model: filepath") as file:
            archive.write(file, parts)

    return write


def parts_of(model: Any, with_training: bool, copy: bool = False, for_keras: bool = False) -> Parts:
    """What the archive of a model holds. What can fail for a model fails here.

    Args:
        model: the model.
        with_training: whether the state of training is included.
        copy: whether the values are copied, so that they can be written while training goes on.
        for_keras: whether it is a file of Keras.
    """
    check_own_state(model)
    if for_keras:
        with naming_modules():
            config = model_config(model, with_training)
        made = keras_files.parts_of(model, config, with_training)
        return {name: bytes_part(data) for name, data in made.items()}
    parts: Parts = {
        "metadata.json": json_part({"format": FORMAT, "fastdl": _core.version}),
        "config.json": json_part(model_config(model, with_training)),
        "weights.safetensors": tensors_part(named_weights(model), copy),
    }
    if with_training:
        training, state = training_of(model)
        if state:
            parts["optimizer.safetensors"] = tensors_part(state, copy)
        parts["training.json"] = json_part({**training, "random": _random_state(model)})
    return parts


def check_own_state(model: Any) -> None:
    """TypeError for a layer with methods of Keras that would save more than its weights.

    They are not called, so the file would lack what they save.
    """
    for layer in model._flatten_layers():
        for method in ("save_own_variables", "load_own_variables", "save_assets"):
            found = getattr(type(layer), method, None)
            if found is not None and not found.__module__.startswith("fastdl."):
                raise TypeError(
                    f"{label_of(layer)} ({type(layer).__name__}): save: {method}() is not called; "
                    "keep what it saves in weights (add_weight) or in the config (get_config)"
                )


def training_of(model: Any) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """What training goes on with: plain values, and the variables of the optimizer, numbered."""
    optimizer = model.optimizer
    if optimizer is None or not optimizer.built:
        return {}, {}
    # Names of layers may differ in the next process: the places of weights count.
    places = {id(weight): i for i, weight in enumerate(named_weights(model).values())}
    trained = optimizer._trainable_variables
    unknown = sum(id(variable) not in places for variable in trained)
    if unknown:
        raise ValueError(
            f"{label_of(model)}: the optimizer trains {unknown} variables that are no weights of "
            "the model, so its state cannot be saved"
        )
    excluded, names = optimizer._exclusions()
    about = {
        "class": type(optimizer).__name__,
        "variables": [places[id(v)] for v in trained],
        "excluded": [places[id(v)] for v in excluded if id(v) in places],
        "excluded_names": list(names),
    }
    state = {f"{i}.{v.name}": v for i, v in enumerate(optimizer.variables)}
    return {"optimizer": about}, state


def restore_optimizer(model: Any, about: Any, source: TensorFile | None) -> None:
    """Builds the optimizer of a model and restores what `training_of` returned."""
    optimizer, weights = model.optimizer, list(named_weights(model).values())
    if source is None:
        raise ValueError("the variables of the optimizer are missing")
    if about["class"] != type(optimizer).__name__:
        raise ValueError(
            f"the state is of the optimizer {about['class']}, the model has "
            f"{type(optimizer).__name__}"
        )
    if not optimizer.built:
        optimizer.exclude_from_weight_decay(
            [weights[place] for place in about["excluded"]], list(about["excluded_names"])
        )
        optimizer.build([weights[place] for place in about["variables"]])
    stored = sorted(source.entries, key=lambda name: int(name.partition(".")[0]))
    optimizer.set_weights([source.array(name) for name in stored])


def json_part(value: Any) -> Part:
    """A part with a JSON text."""
    return bytes_part(json.dumps(value, indent=1, ensure_ascii=False).encode("utf-8"))


def bytes_part(data: bytes) -> Part:
    """A part with these bytes."""
    return lambda file: file.write(data)


def tensors_part(tensors: Mapping[str, Tensor], copy: bool = False) -> Part:
    """A part with tensors, which are copied before if they may change until it is written."""
    if copy:
        tensors = {name: F.copy(tensor.detach()) for name, tensor in tensors.items()}
    return lambda file: safetensors.write(file, tensors, METADATA)


def model_config(model: Any, with_compile: bool = True) -> dict[str, Any]:
    """Class and config of a model, how it was built and compiled: all that makes one like it."""
    where = label_of(model)
    config = LAYERS.serialize(model)
    config["build_config"] = model.get_build_config()
    names = model.__dict__.get("_feature_names")
    if names is not None:
        config["feature_names"] = names
    config["compile_config"] = model.get_compile_config() if with_compile else None
    encoded: dict[str, Any] = encode(config, where)
    return encoded


def _random_state(model: Any) -> dict[str, Any]:
    generators = [list(_core.get_rng_state(state)) for state in model._generator_states()]
    return {"library": list(_core.get_rng_state()), "generators": generators}


# --- loading


def load_model(
    filepath: Path,
    custom_objects: Mapping[str, object] | None = None,
    compile: bool = True,
    safe_mode: bool = True,
    mmap: bool = False,
) -> Any:
    """The model that `Model.save` wrote, or Keras (`.keras`): same outputs, training goes on.

    Args:
        filepath: the file.
        custom_objects: classes and functions of your own by name. Those that
            `register_keras_serializable` decorates are found without it.
        compile: whether the model is compiled as it was, and the state of its training is restored:
            optimizer, random states of its layers, and the library's own random state. So the next
            `fit` does what it would have done in the process that saved the model.
        safe_mode: accepted; files hold no code, so loading is safe in any case.
        mmap: whether weights use the file's memory in place. Nothing is read before it is used, and
            processes share it. For predictions: training is slower on such weights. Do not
            overwrite the file in place while the model is used; `save` replaces files and is safe.

    Raises:
        ValueError: the file is damaged, was written by a later version in a format that this one
            does not know, or needs a class or function that is not known. The message names the
            place.
        OSError: the file cannot be read.

    Source: `keras.saving.load_model` of Keras 3.

    Example:
        >>> model = fastdl.Sequential([fastdl.layers.Input((3,)), fastdl.layers.Dense(1)])
        >>> model.compile("adam", "mse")
        >>> model.save("model.fastdl")
        >>> again = fastdl.models.load_model("model.fastdl")
        >>> round(float(again.optimizer.learning_rate), 6)
        0.001
    """
    name = path_of(filepath, "load_model: filepath")
    flags = {"compile": compile, "safe_mode": safe_mode, "mmap": mmap}
    for argument, flag in flags.items():
        check_flag("load_model", argument, flag)
    if custom_objects is not None and not isinstance(custom_objects, Mapping):
        raise TypeError(
            "load_model: custom_objects: expected a dict of classes and functions by name, got "
            f"{type(custom_objects).__name__}"
        )
    with open(name, "rb") as file, custom_object_scope(custom_objects or {}):
        parts = read_parts(Region.whole(file, name))
        memory = mapped(file) if mmap else None
        return _Loading(name, parts, memory).model(bool(compile))


def weights_part(region: Region) -> Region:
    """The weights in a file of `save_model`."""
    parts = read_parts(region)
    if "weights.safetensors" not in parts:
        raise ValueError(f"{region.label}: this is a model of Keras: load_model() reads it")
    return parts["weights.safetensors"]


def read_parts(region: Region) -> dict[str, Region]:
    """The parts of a model's file, of a format that is known."""
    label = region.label
    first = region.part(0, min(8, region.size)).read()
    if not first.startswith(b"PK\x03\x04"):
        hints = (
            (b"\x89HDF", "an HDF5 file: load_weights() reads weights; save whole models as .keras"),
            (b"", "no file of save()"),
        )
        hint = next(hint for beginning, hint in hints if first.startswith(beginning))
        if len(first) == 8 and not any(first[4:]) and any(first):
            hint = "a safetensors file, which has weights alone: load_weights() reads them"
        raise ValueError(f"{label}: this is {hint}")
    parts = archive.read(region)
    if keras_files.WEIGHTS in parts and "config.json" in parts:
        return parts
    metadata = read_json(parts, "metadata.json", label)
    number = metadata.get("format") if isinstance(metadata, dict) else None
    if isinstance(number, int) and number > FORMAT:
        version = metadata.get("fastdl")
        raise ValueError(
            f"{label}: fastdl {version} wrote it in format {number}; fastdl {_core.version} reads "
            f"formats up to {FORMAT}: update fastdl"
        )
    if number != FORMAT or isinstance(number, bool):
        raise ValueError(f"{label}: metadata.json: expected 'format' {FORMAT}, got {number!r}")
    known = {"metadata.json", "config.json", "weights.safetensors", *_TRAINING}
    unknown = parts.keys() - known
    if unknown:
        raise ValueError(f"{label}: unknown part {min(unknown)!r}")
    for needed in ("config.json", "weights.safetensors"):
        if needed not in parts:
            raise ValueError(f"{label}: the part {needed!r} is missing")
    return parts


_TRAINING = ("training.json", "optimizer.safetensors")


def read_json(parts: dict[str, Region], name: str, label: str) -> Any:
    if name not in parts:
        raise ValueError(f"{label}: the part {name!r} is missing; is this a file of save()?")
    part = parts[name]
    if part.size > _MOST_JSON:
        raise ValueError(f"{part.label}: {part.size} bytes are more than {_MOST_JSON}")
    archive.verify(part)
    return parse_json(part.read(), part.label)


class _Loading:
    """The loading of one file.

    Args:
        label: the file, for messages.
        parts: its parts.
        memory: the file in memory, to use in place; None to read it.
    """

    def __init__(self, label: str, parts: dict[str, Region], memory: memoryview | None) -> None:
        self.label = label
        self.parts = parts
        self.memory = memory

    def model(self, with_training: bool) -> Any:
        """The model."""
        if keras_files.WEIGHTS in self.parts:
            return self._keras_model(with_training)
        if self.memory is None:
            for name in ("weights.safetensors", "optimizer.safetensors"):
                if name in self.parts:
                    archive.verify(self.parts[name])
        weights = TensorFile(self.parts["weights.safetensors"])
        config = read_json(self.parts, "config.json", self.label)
        random = _core.get_rng_state()
        try:
            with self._blamed("config.json"), building(self.parts["weights.safetensors"].size):
                model = build_model(config)
            if weights.entries or named_weights(model):
                read_weights(model, weights, by_name=None, memory=self.memory)
            if with_training and config.get("compile_config"):
                with self._blamed("config.json: compile_config"):
                    model.compile_from_config(decode(config["compile_config"], "compile_config"))
        finally:
            _core.set_rng_state(*random)
        if with_training and "training.json" in self.parts:
            self._restore_training(model)
        return model

    def _keras_model(self, with_training: bool) -> Any:
        """The model of a file of Keras. Its random state means nothing here."""
        part = self.parts[keras_files.WEIGHTS]
        with self._blamed("config.json"):
            config = keras_files.model_config_of(read_json(self.parts, "config.json", self.label))
        random = _core.get_rng_state()
        try:
            with self._blamed("config.json"), building(part.size):
                model = build_model(config)
            keras_files.read_weights_of(model, part, self.label)
            if with_training and config.get("compile_config"):
                with self._blamed("config.json: compile_config"):
                    model.compile_from_config(decode(config["compile_config"], "compile_config"))
                    keras_files.restore_keras_optimizer(model, part, self.label)
        finally:
            _core.set_rng_state(*random)
        return model

    @contextmanager
    def _blamed(self, part: str) -> Iterator[None]:
        """Errors in the block become a ValueError that names file and part."""
        try:
            yield
        except RecursionError:
            raise ValueError(f"{self.label}: {part}: nested too deeply") from None
        except Exception as error:  # of classes and functions that the file names
            reason = f"{error} is missing" if isinstance(error, KeyError) else error
            raise ValueError(f"{self.label}: {part}: {reason}") from error

    def _restore_training(self, model: Any) -> None:
        training = read_json(self.parts, "training.json", self.label)
        with self._blamed("training.json"):
            about = training.get("optimizer")
            if about is not None and model.optimizer is not None:
                part = self.parts.get("optimizer.safetensors")
                restore_optimizer(model, about, None if part is None else TensorFile(part))
            random = training["random"]
            generators = model._generator_states()
            if len(generators) != len(random["generators"]):
                raise ValueError(
                    f"it has {len(random['generators'])} random generators, the model "
                    f"{len(generators)}"
                )
            for generator, (seed, used) in zip(generators, random["generators"], strict=True):
                _core.set_rng_state(int(seed), int(used), generator)
            seed, used = random["library"]
            _core.set_rng_state(int(seed), int(used))


def build_model(config: Any) -> Any:
    """A model as `model_config` describes it, built, with weights of unknown values."""
    if not is_object(config):
        raise ValueError("expected 'class_name' and 'config'")
    outer = {key: value for key, value in config.items() if key != "compile_config"}
    model = LAYERS.deserialize(decode(outer, "config"))
    if not hasattr(model, "compile_from_config") and not hasattr(model, "get_encoded_features"):
        raise ValueError(f"expected a model, got a {type(model).__name__}")
    build_config = decode(config.get("build_config"), "build_config")
    if build_config and not model.built:
        model.build_from_config(build_config)
    names = config.get("feature_names")
    if names is not None:
        model.__dict__["_feature_names"] = _checked_names(names)
    return model


def _checked_names(names: Any) -> list[list[str] | None]:
    """The names of columns, as `Intake` keeps them. ValueError if they are none."""
    lists = isinstance(names, list) and all(one is None or isinstance(one, list) for one in names)
    if not lists or not all(isinstance(name, str) for one in names for name in one or ()):
        raise ValueError("feature_names: expected lists of names")
    found: list[list[str] | None] = names
    return found


@contextmanager
def building(size: int) -> Iterator[None]:
    """Models that are made in the block leave their weights without values.

    Args:
        size: the bytes that the weights may take. A config may ask for no more than the file has.
    """
    before = context.room
    limit = _core.set_allocation_limit(size + _ROOM)
    context.room = size
    try:
        yield
    finally:
        context.room = before
        _core.set_allocation_limit(limit)
