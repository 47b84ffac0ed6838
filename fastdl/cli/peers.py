"""What a name of Keras, TensorFlow or PyTorch is in fastdl, for `fastdl convert`."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from inspect import isclass, ismodule
from typing import Any

import fastdl
from fastdl._base.missing import peer_names, reason

from .tensorflow import functions

# Modules of the peers whose place here is another. Of all others only the first name changes.
_PLACES = {
    "tensorflow.keras": "fastdl",
    "tensorflow": "fastdl",
    "keras": "fastdl",
    "torch": "fastdl",
    "tensorflow.python.keras": "fastdl",
    "torch.nn.modules": "fastdl.nn",
    "keras.utils.np_utils": "fastdl.utils",
    "keras.layers.experimental.preprocessing": "fastdl.layers",
    "tensorflow.keras.layers.experimental.preprocessing": "fastdl.layers",
    "torch.functional": "fastdl",
    "torch.nn.parameter": "fastdl.nn",
    "torch.optim.optimizer": "fastdl.optim",
    "torch.random": "fastdl",
    "torch.nn.utils.clip_grad": "fastdl.nn.utils",
    "torch.nn.utils.convert_parameters": "fastdl.nn.utils",
    "torch.utils.data": "fastdl.data",
    "torch.utils.data.dataloader": "fastdl.data",
    "torch.utils.data.dataset": "fastdl.data",
    "torch.utils.data.sampler": "fastdl.data",
}
# Those whose modules hold what they have themselves, such as `torch.distributions.normal`. Those of
# Keras 2 are among them.
_FLAT = {
    "torch.nn.modules": "fastdl.nn",
    "torch.distributions": "fastdl.distributions",
    "keras.layers": "fastdl.layers",
    "tensorflow.keras.layers": "fastdl.layers",
    "tensorflow.python.keras.layers": "fastdl.layers",
}
_NOT_FLAT = ("torch.distributions.constraints", "torch.distributions.transforms")
# What belongs to the peers and has no place here, and what to use instead.
FOREIGN = {
    "torchvision": "fastdl.data.ImageFolder reads folders of images, fastdl.datasets has MNIST, "
    "layers such as RandomFlip change images",
    "torchaudio": "fastdl.layers has MelSpectrogram and STFTSpectrogram",
    "torchtext": "fastdl.layers.TextVectorization and fastdl.utils have tokenizers",
    "torchmetrics": "fastdl.metrics has Keras's metrics",
    "tensorflow_datasets": "fastdl.datasets and fastdl.utils read data sets from files",
    "tensorflow_probability": "",
    "tensorflow_hub": "",
    "pytorch_lightning": "model.fit trains",
    "lightning": "model.fit trains",
    "keras_tuner": "",
    "keras_hub": "",
    "keras_cv": "",
    "keras_nlp": "",
    "timm": "fastdl.applications has models without weights",
    "transformers": "",
}
_PEERS = ("torch", "keras", "tensorflow")
# TensorFlow's own names that mean the same under the same name here.
_AS_IN_TENSORFLOW = frozenset(
    "GradientTape Tensor __version__ bfloat16 bool float16 float32 int32 int64 int8 keras "
    "uint8".split()
)
# Modules of TensorFlow that are Keras's.
_OF_KERAS = ("keras", "initializers", "losses", "metrics", "optimizers")
_INSTEAD = {  # of TensorFlow's own functions
    "data": "fit takes arrays; fastdl.data.DataLoader makes batches",
    "math": "fastdl.ops has Keras's functions",
    "nn": "fastdl.ops has Keras's functions",
    "config": "fastdl computes on the CPU",
    "image": "fastdl.ops.image and fastdl.layers have Keras's functions",
    "linalg": "fastdl.ops.linalg has Keras's functions",
    "random": "fastdl.random has Keras's functions",
    "device": "fastdl computes on the CPU",
    "distribute": "fastdl trains on one machine",
    "float64": "fastdl has no float64",
    "print": "use print(); a step of fit that does runs eagerly",
    "py_function": "call the function: fit runs what it cannot record eagerly",
    "saved_model": "fastdl.models.load_model reads .keras files",
    "train": "fastdl.optimizers has optimizers, fastdl.saving.save keeps states",
    "summary": "fastdl.callbacks.TensorBoard and utils.tensorboard.SummaryWriter write such files",
    **dict.fromkeys(
        "ConfigProto Session app contrib flags get_default_graph get_variable "
        "global_variables_initializer layers logging placeholder reset_default_graph "
        "trainable_variables variable_scope".split(),
        "it belongs to graphs of TensorFlow 1",
    ),
}


def is_peer(module: str) -> bool:
    """Whether a module is one of Keras, TensorFlow or PyTorch."""
    return module.partition(".")[0] in _PEERS


def place_of(module: str) -> str | None:
    """The module of fastdl for a module of a peer; None if there is none."""
    above = module.rpartition(".")[0]
    if above in _FLAT and module not in _NOT_FLAT:
        return _FLAT[above]
    name, rest = module, ""
    while name not in _PLACES:
        name, _, last = name.rpartition(".")
        rest = f".{last}{rest}"
    if name == "tensorflow" and rest:
        return None
    place = _PLACES[name] + rest
    return place if _object(place) is not None else None


def _object(path: str) -> Any:
    """The object of this name in fastdl, None if there is none."""
    found: Any = fastdl
    for name in path.split(".")[1:]:
        try:
            found = getattr(found, name)
        except AttributeError:
            if not ismodule(found):
                return None
            try:
                found = import_module(f"{found.__name__}.{name}")
            except ImportError:
                return None
    return found


def lookup(peer: str, here: str) -> tuple[Any, str | None]:
    """The object for a name of a peer, and what is missing of it.

    Args:
        peer: the whole name, such as "torch.nn.functional.relu".
        here: the same name after the change of the import lines. What follows a function or an
            object that is neither a module nor a class is not looked at.

    Returns:
        The object, None where it is not known, and None or a text that says what is missing.
    """
    theirs, ours = peer.split("."), here.split(".")
    if theirs[0] == "tensorflow" and theirs[1:2] and theirs[1] not in _OF_KERAS:
        return _in_tensorflow(theirs[1:])
    found: Any = fastdl
    for i, name in enumerate(ours[1:], 2):
        if not ismodule(found) and not isclass(found):
            return None, None
        module = ismodule(found)
        path = ".".join(ours[:i])
        if (_object(path) is None) if module else not hasattr(found, name):
            return None, absence(".".join(theirs[: len(theirs) - len(ours) + i]))
        found = _object(path) if module else getattr(found, name)
    return found, None


# What to use instead of names that the newest versions no longer list.
_OLDER = {
    "torch.cuda.amp": "there is fastdl.amp.autocast('cpu')",
    "keras.backend.random_normal": "there is fastdl.random.normal",
    "keras.backend.set_value": "variables have assign(value)",
    "keras.backend.update": "variables have assign(value)",
    "keras.backend.hard_sigmoid": "fastdl.ops.hard_sigmoid has another slope",
    "keras.backend.variable": "there is fastdl.Variable",
    "keras.backend.batch_flatten": "there is fastdl.layers.Flatten",
    "keras.backend.gradients": "there is fastdl.GradientTape",
    "keras.backend.function": "a fastdl.Model of the inputs and outputs does it",
    "keras.preprocessing.image.ImageDataGenerator": "fastdl.utils.image_dataset_from_directory "
    "reads folders, layers such as RandomFlip change images",
    "keras.preprocessing.text": "there is fastdl.layers.TextVectorization",
}


def absence(peer: str) -> str:
    """What to say of a name that is not here."""
    version = ".".join(fastdl.__version__.split(".")[:2])
    hint = next(_elsewhere(peer), "")
    return f"{peer} is not in fastdl {version}" + (f": {hint}" if hint else "")


def _elsewhere(peer: str) -> Iterator[str]:
    """What could be used instead of a name."""
    module, _, name = peer.rpartition(".")
    module = module.replace("tensorflow.keras", "keras")
    plain = peer.replace("tensorflow.keras", "keras")
    if module in _FLAT and name.islower() and name not in peer_names().get(module, ()):
        yield f"what it holds may be in {_FLAT[module]}"
        return
    why = _OLDER.get(plain) or _OLDER.get(module) or reason(plain)
    if why:
        yield why.rstrip(".")
        return
    if name.startswith("_"):
        return
    if module == "keras.backend" and _object(f"fastdl.ops.{name}") is not None:
        yield f"there is fastdl.ops.{name}"
        return
    root = peer.partition(".")[0]
    for other, names in peer_names().items():
        if name in names and other != module and other.partition(".")[0] == root:
            place = f"{other.replace('torch', 'fastdl', 1).replace('keras', 'fastdl', 1)}.{name}"
            if other in _PLACES:
                place = f"{_PLACES[other]}.{name}"
            if _object(place) is not None:
                yield f"there is {place}"
                return


def _in_tensorflow(names: list[str]) -> tuple[Any, str | None]:
    """The same for TensorFlow's own names, of which few are here; see `tensorflow.functions`."""
    for i in range(len(names), 0, -1):
        path = ".".join(names[:i])
        if path in _AS_IN_TENSORFLOW:
            found = _object(f"fastdl.{path}")
            if found is not None:
                return (found if i == len(names) else None), None
    if not names:
        return None, None
    first = ".".join(names[:2])
    for path in (first, names[0]):
        if path in functions() and functions()[path].place != "NONE":
            function = functions()[path]
            outer = f"fastdl.{function.around} of " if function.around else ""
            return None, f"tensorflow.{path} is not in fastdl: {outer}fastdl.{function.place}"
    hint = _INSTEAD.get(names[0], "fastdl has Keras's names of TensorFlow")
    return None, f"tensorflow.{first} is not in fastdl: {hint}"


def tensor_lacks(name: str) -> str | None:
    """What to say of an attribute that only a tensor of PyTorch has."""
    import numpy as np

    if name.startswith("_") or name not in peer_names()["torch.Tensor"]:
        return None
    if name in ("indices", "values", "name"):  # what max, sort, topk return; layers, files
        return None
    others = (fastdl.Tensor, fastdl.nn.Module, np.ndarray, str, bytes, list, dict, set, tuple)
    if any(hasattr(other, name) for other in others):
        return None
    return absence(f"torch.Tensor.{name}") + ", if this is a tensor"
