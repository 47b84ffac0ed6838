"""plot_model: the layers of a model and how they are connected, as a picture or a text."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING, Any, NamedTuple

from .._base import tree
from .._base.checks import check_choice, check_flag, check_integer, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..saving.files import Path


class Options(NamedTuple):
    """What a drawing shows of each layer."""

    show_shapes: bool = False
    show_dtype: bool = False
    show_layer_names: bool = False
    show_layer_activations: bool = False
    show_trainable: bool = False


class Box(NamedTuple):
    """A layer, or an operation, in a drawing."""

    key: str
    layer: Any
    inputs: tuple[str, ...]  # keys of the boxes whose outputs it takes
    inner: tuple[Box, ...] = ()


def _boxes(model: Any, expand: bool, prefix: str = "") -> list[Box]:
    """The boxes of a model in the order of computation."""
    graph = getattr(model, "_graph", None)
    if graph is None:
        layers = list(model.layers)
        keys = [f"{prefix}{layer.name}" for layer in layers]
        chained = hasattr(model, "_stack")  # without a graph only a Sequential has an order
        return [
            Box(key, layer, tuple(keys[i - 1 : i]) if chained else (), _inner(layer, expand, key))
            for i, (key, layer) in enumerate(zip(keys, layers, strict=True))
        ]
    known = set(map(id, graph.nodes)) | {id(tensor._node) for tensor in graph.inputs}
    boxes = []
    for operation in graph.operations:
        nodes = [node for node in operation._inbound_nodes if id(node) in known]
        inputs: dict[str, None] = {}
        for node in nodes:
            for tensor in node.inputs:
                inputs[f"{prefix}{tensor._node.operation.name}"] = None
        key = f"{prefix}{operation.name}"
        boxes.append(Box(key, operation, tuple(inputs), _inner(operation, expand, key)))
    return boxes


def _inner(layer: Any, expand: bool, key: str) -> tuple[Box, ...]:
    nested = expand and hasattr(layer, "fit") and layer.layers
    return tuple(_boxes(layer, expand, f"{key}/")) if nested else ()


def _kind(layer: Any) -> str:
    kind = getattr(layer, "kind", None)
    return kind if isinstance(kind, str) else type(layer).__name__


def _shapes(structure: Any) -> str:
    shapes = ["(" + ", ".join(map(str, tensor.shape)) + ")" for tensor in tree.leaves(structure)]
    return shapes[0] if len(shapes) == 1 else f"[{', '.join(shapes)}]"


def _lines(box: Box, options: Options) -> list[str]:
    """The texts of a box: its kind, and what the options ask for."""
    layer = box.layer
    title = _kind(layer)
    if options.show_layer_names:
        title = f"{layer.name} ({title})"
    lines = [title]
    activation = getattr(layer, "activation", None)
    if options.show_layer_activations and callable(activation):
        lines.append(f"activation: {getattr(activation, '__name__', type(activation).__name__)}")
    nodes = getattr(layer, "_inbound_nodes", [])
    if options.show_shapes:
        if nodes and nodes[-1].inputs:
            lines.append(f"input: {_shapes(nodes[-1].inputs)}")
        lines.append(f"output: {_shapes(nodes[-1].outputs_struct)}" if nodes else "output: ?")
    if options.show_dtype:
        kinds = [str(t.dtype) for t in tree.leaves(nodes[-1].outputs_struct)] if nodes else ["?"]
        lines.append(f"dtype: {', '.join(dict.fromkeys(kinds))}")
    if options.show_trainable and getattr(layer, "weights", None):
        lines.append(f"trainable: {layer.trainable}")
    return lines


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def model_to_dot(
    model: Any,
    show_shapes: bool = False,
    show_dtype: bool = False,
    show_layer_names: bool = True,
    rankdir: str = "TB",
    expand_nested: bool = False,
    dpi: int = 200,
    show_layer_activations: bool = False,
    show_trainable: bool = False,
) -> str:
    """The drawing of a model in the language DOT of Graphviz. Arguments as for `plot_model`.

    As in Keras, the names of layers are shown by default here, and not by `plot_model`.

    Example:
        >>> model = models.Sequential([layers.Input((3,)), layers.Dense(2, name="d")], name="m")
        >>> '"d" [label="Dense"]' in utils.model_to_dot(model, show_layer_names=False)
        True
    """
    who = "model_to_dot"
    options = _options(
        who, show_shapes, show_dtype, show_layer_names, show_layer_activations, show_trainable
    )
    check_choice(who, "rankdir", rankdir, ("TB", "LR", "BT", "RL"))
    dpi = check_integer(who, "dpi", dpi, 1, 10_000)
    boxes = _checked(who, model, check_flag(who, "expand_nested", expand_nested))
    lines = [
        f"digraph {_quoted(model.name)} {{",
        f"  graph [rankdir={rankdir}, dpi={dpi}, splines=ortho];",
        '  node [shape=box, style="filled,rounded", fillcolor="#eef3fb", fontname="Helvetica"];',
        *_dot_boxes(boxes, options, "  "),
        *_dot_edges(boxes, "  "),
        "}",
    ]
    return "\n".join(lines) + "\n"


def _dot_boxes(boxes: list[Box] | tuple[Box, ...], options: Options, indent: str) -> Iterator[str]:
    for box in boxes:
        label = _quoted("\n".join(_lines(box, options)))
        if not box.inner:
            yield f"{indent}{_quoted(box.key)} [label={label}];"
            continue
        yield f"{indent}subgraph {_quoted(f'cluster {box.key}')} {{"
        yield f"{indent}  label={label};"
        yield from _dot_boxes(box.inner, options, f"{indent}  ")
        yield f"{indent}}}"


def _ends(box: Box) -> tuple[list[str], list[str]]:
    """The boxes that an arrow to this one reaches, and those that an arrow from it leaves."""
    if not box.inner:
        return [box.key], [box.key]
    taken = {key for inner in box.inner for key in inner.inputs}
    first = [key for inner in box.inner if not inner.inputs for key in _ends(inner)[0]]
    last = [key for inner in box.inner if inner.key not in taken for key in _ends(inner)[1]]
    return first, last


def _dot_edges(boxes: list[Box] | tuple[Box, ...], indent: str) -> Iterator[str]:
    ends = {box.key: _ends(box) for box in boxes}
    for box in boxes:
        for source in box.inputs:
            for start in ends[source][1]:
                for end in ends[box.key][0]:
                    yield f"{indent}{_quoted(start)} -> {_quoted(end)};"
        yield from _dot_edges(box.inner, indent)


def model_to_text(
    model: Any,
    show_shapes: bool = False,
    show_dtype: bool = False,
    show_layer_names: bool = False,
    expand_nested: bool = False,
    show_layer_activations: bool = False,
    show_trainable: bool = False,
) -> str:
    """The drawing of a model as a tree of text. Arguments as for `plot_model`.

    A layer that takes the output of the one above it stands alone; others list their inputs.

    Example:
        >>> stack = [layers.Input((3,), name="x"), layers.Dense(2, name="d")]
        >>> model = models.Sequential(stack, name="m")
        >>> print(utils.model_to_text(model, show_layer_names=True), end="")
        m (Sequential)
        ├─ x (InputLayer)
        └─ d (Dense)
    """
    who = "model_to_text"
    options = _options(
        who, show_shapes, show_dtype, show_layer_names, show_layer_activations, show_trainable
    )
    boxes = _checked(who, model, check_flag(who, "expand_nested", expand_nested))
    lines = [f"{model.name} ({type(model).__name__})", *_text(boxes, options, "")]
    return "\n".join(lines) + "\n"


def _text(boxes: list[Box] | tuple[Box, ...], options: Options, indent: str) -> Iterator[str]:
    before: tuple[str, ...] = ()
    for i, box in enumerate(boxes):
        last = i == len(boxes) - 1
        title, *more = _lines(box, options)
        if box.inputs and box.inputs != before:
            names = ", ".join(key.rpartition("/")[2] for key in box.inputs)
            title += f"  <- {names}"
        yield f"{indent}{'└─ ' if last else '├─ '}{title}"
        deeper = f"{indent}{'   ' if last else '│  '}"
        for line in more:
            yield f"{deeper}   {line}"
        yield from _text(box.inner, options, deeper)
        before = (box.key,)


def _options(who: str, *flags: Any) -> Options:
    named = zip(Options._fields, flags, strict=True)
    return Options(*(check_flag(who, name, flag) for name, flag in named))


def _checked(who: str, model: Any, expand: bool) -> list[Box]:
    if not hasattr(model, "layers") or not hasattr(model, "fit"):
        raise ValueError(f"{who}: model: expected a model, got {shown(model)}")
    boxes = _boxes(model, expand)
    if not boxes:
        raise ValueError(f"{who}: model: {model.name!r} has no layers to draw")
    return boxes


def plot_model(
    model: Any,
    to_file: Path = "model.png",
    show_shapes: bool = False,
    show_dtype: bool = False,
    show_layer_names: bool = False,
    rankdir: str = "TB",
    expand_nested: bool = False,
    dpi: int = 200,
    show_layer_activations: bool = False,
    show_trainable: bool = False,
) -> str:
    """Draws the layers of a model and their connections.

    A file name that ends in `.txt` gives a tree of text, `.dot` or `.gv` the language of Graphviz.
    Any other ending (`.png`, `.svg`, `.pdf`, ...) needs the program `dot` of Graphviz. Where it is
    missing, the tree is printed, with a line that says so.

    Args:
        model: a model of any kind.
        to_file: the file.
        show_shapes: whether to show the shapes of inputs and outputs.
        show_dtype: whether to show the element types of the outputs.
        show_layer_names: whether to show names beside classes.
        rankdir: "TB" for top to bottom, "LR" for left to right, "BT" or "RL".
        expand_nested: whether to draw the layers of models within the model.
        dpi: the resolution.
        show_layer_activations: whether to show activation functions.
        show_trainable: whether to show which layers are trained.

    Returns:
        The tree of text.

    Raises:
        ValueError: an argument is none of these, it is no model, or `dot` refuses the ending.
        OSError: the file cannot be written.

    Source: `keras.utils.plot_model` of Keras 3.

    Example:
        >>> model = models.Sequential([layers.Input((3,)), layers.Dense(2, name="d")], name="m")
        >>> print(utils.plot_model(model, "model.txt", show_shapes=True), end="")
        m (Sequential)
        ├─ InputLayer
        │     output: (None, 3)
        └─ Dense
              input: (None, 3)
              output: (None, 2)
    """
    from ..saving.files import path_of, replacing

    who = "plot_model: to_file"
    name = path_of(to_file, who)
    flags = {
        "show_shapes": show_shapes,
        "show_dtype": show_dtype,
        "show_layer_names": show_layer_names,
        "expand_nested": expand_nested,
        "show_layer_activations": show_layer_activations,
        "show_trainable": show_trainable,
    }
    text = model_to_text(model, **flags)
    dot = model_to_dot(model, rankdir=rankdir, dpi=dpi, **flags)
    extension = os.path.splitext(name)[1].removeprefix(".").lower()
    if not extension:
        raise ValueError(f"{who}: expected a name with an ending such as .png, got {name!r}")
    if extension in ("txt", "dot", "gv"):
        data = (text if extension == "txt" else dot).encode()
    else:
        program = shutil.which("dot")
        if program is None:
            print(
                f"{text}{name} was not written: it takes Graphviz, whose program 'dot' is missing"
            )
            return text
        done = subprocess.run([program, f"-T{extension}"], input=dot.encode(), capture_output=True)
        if done.returncode:
            reason = done.stderr.decode(errors="replace").strip().splitlines()[:1]
            raise ValueError(f"{who}: Graphviz cannot draw {name!r}: {''.join(reason)}")
        data = done.stdout
    with replacing(name, who) as file:
        file.write(data)
    return text
