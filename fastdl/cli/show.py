"""`fastdl show`: what a file of a model or of weights holds."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from math import prod
from typing import TYPE_CHECKING, Any

import fastdl

from . import blaming_the_input, printable

if TYPE_CHECKING:
    import argparse

_MOST_TENSORS = 200
_MOST_NAMES = 12


def run(options: argparse.Namespace) -> int:
    """Prints it. The values of the weights are not read."""
    with blaming_the_input():
        found = fastdl.saving.describe(options.file)
    by = f", written by fastdl {found.version}" if found.version else ""
    print(f"{options.file}: {found.kind}, {_size(os.path.getsize(options.file))}{by}")
    if found.config is None:
        _print_tensors(found.tensors)
        return 0
    try:
        model = found.model()
    except ValueError as error:
        print(f"Its layers cannot be made here: {printable(error)}")
        _print_tensors(found.tensors)
        return 0
    if isinstance(model, fastdl.tabular.TableModel):
        _print_table_model(model)
    else:
        model.summary(expand_nested=True)
    _print_compiled(found.compiled)
    print(f"The state of training is {'in the file' if found.training else 'not in the file'}")
    return 0


def _size(size: float) -> str:
    for unit in ("bytes", "KiB", "MiB"):
        if size < 1024:
            return f"{size:.4g} {unit}"
        size /= 1024
    return f"{size:.4g} GiB"


def _names(names: list[str]) -> str:
    return ", ".join(map(printable, names[:_MOST_NAMES])) + ", ..." * (len(names) > _MOST_NAMES)


def _print_tensors(tensors: dict[str, tuple[str, tuple[int, ...]]]) -> None:
    count = sum(prod(shape) for _, shape in tensors.values())
    print(f"{len(tensors):,} tensors, {count:,} values")
    width = max(map(len, tensors), default=0)
    for name, (kind, shape) in list(tensors.items())[:_MOST_TENSORS]:
        print(f"  {printable(name):<{width}}  {kind:<8}  {shape}")
    if len(tensors) > _MOST_TENSORS:
        print(f"  and {len(tensors) - _MOST_TENSORS:,} more")


def _print_table_model(model: Any) -> None:
    target, encoders = model.target, model.preprocessing.encoders
    classes = f" ({len(target.texts)} classes: {_names(target.texts)})"
    print(f"Predicts {target.name!r}{classes if target.task == 'classification' else ''} from")
    kinds = Counter(encoder.kind for encoder in encoders.values())
    for kind, count in kinds.items():
        names = [name for name, encoder in encoders.items() if encoder.kind == kind]
        print(f"  {count} of kind {kind}: {_names(names)}")
    members = [layer for layer in model.layers if hasattr(layer, "layers")]
    if members:
        print(f"The average of {len(members)} networks of this form:")
        members[0].summary()
        print(f"Parameters of all: {model.count_params():,}")
    else:
        model.summary()
    if model.about:
        try:
            print("\n".join(_training_lines(model.about)))
        except (
            LookupError,
            TypeError,
            ValueError,
            AttributeError,
        ):  # another version's, or damaged
            print("How it was trained is not known here")


def _training_lines(about: dict[str, Any]) -> Iterator[str]:
    settings = about["settings"]
    yield (
        f"Trained by fastdl {printable(about['fastdl'])} on {about['trained_on']:,} rows, seed "
        f"{about['seed']}: AdamW, learning rate {settings['learning_rate']:g}, weight decay "
        f"{settings['weight_decay']:g}, batches of {settings['batch_size']}; "
        f"epochs: {_names([str(n) for n in about['epochs']])}"
    )
    yield f"Scores on {about['tested_on']:,} rows of the test:"
    for kind, scores in about["scores"].items():
        texts = (f"{name} {'-' if v is None else format(v, '.4g')}" for name, v in scores.items())
        yield f"  {kind:<8} {', '.join(texts)}"
    if about["importance"]:
        names = [e["column"] for e in about["importance"] if e["mean"] > 0]
        yield f"Most important columns: {_names(names[:5])}"


def _print_compiled(config: Any) -> None:
    if not isinstance(config, dict):
        return
    for key in ("optimizer", "loss", "metrics"):
        value = config.get(key)
        if value:
            print(f"{key}: {printable(_described(value))}")


def _described(value: Any) -> str:
    """The config of an object, or of several, in a line."""
    if isinstance(value, dict) and "class_name" in value:
        inner = value.get("config")
        if not isinstance(inner, dict):
            return str(inner or value["class_name"])
        plain = [
            f"{k}={_described(v)}"
            for k, v in inner.items()
            if k != "name" and v not in (None, False, {}, [])
        ]
        return f"{value['class_name']}({', '.join(plain)})"
    if isinstance(value, dict):
        return ", ".join(f"{k}: {_described(v)}" for k, v in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_described, value))
    return format(value, ".6g") if isinstance(value, float) else str(value)
