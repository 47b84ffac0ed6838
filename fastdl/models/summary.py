"""The table that `model.summary()` prints: Keras's, as plain text."""

from __future__ import annotations

import math
import re
import shutil
from typing import TYPE_CHECKING, Any

from .._base import tree
from .._base.checks import check_flag, check_integer, check_numbers, shown
from ..layers.layer import Layer
from . import costs

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .._base.parameter import Parameter
    from .._core import Tensor
    from .._graph.graph import Graph
    from .._graph.symbolic import KerasTensor, Operation
    from .model import Model

# The same lines for a terminal or file whose encoding lacks the box characters.
ASCII = str.maketrans("┏┳┓┡╇┩├┼┤└┴┘━─┃│…", "++++++++++++--||.")


def summary_text(
    model: Model,
    line_length: int | None,
    positions: Sequence[float] | None,
    expand_nested: bool,
    show_trainable: bool,
    layer_range: Sequence[str] | None,
    show_flops: bool,
) -> str:
    """The whole text; `Model.summary` describes the arguments."""
    if positions is not None:
        positions = check_numbers("summary", "positions", positions, at_most=1.0)
    expand_nested = check_flag("summary", "expand_nested", expand_nested)
    show_trainable = check_flag("summary", "show_trainable", show_trainable)
    show_flops = check_flag("summary", "show_flops", show_flops)
    graph = model._graph
    chain = graph is None or type(model).__name__ == "Sequential" or _is_chain(graph)
    header = ["Layer (type)", "Output Shape", "Param #"]
    align: list[Callable[[str, int], str]] = [str.ljust, str.ljust, str.rjust]
    width, ends = 88, list(positions or (0.45, 0.80, 1.0))
    if not chain:
        header.append("Connected to")
        align.append(str.ljust)
        width, ends = 108, list(positions or (0.3, 0.56, 0.74, 1.0))
    if show_trainable:
        header.append("Trainable")
        align.append(str.center)
        width, ends = width + 12, [*(end * 0.9 for end in ends), 1.0]
    if show_flops:
        header += ["Mult-adds", "Bytes"]
        align += [str.rjust, str.rjust]
        width, ends = width + 28, [*(end * 0.66 for end in ends), 0.83, 1.0]
    if line_length is not None:
        line_length = check_integer("summary", "line_length", line_length, 0, 10_000)
    width = line_length or min(width, shutil.get_terminal_size().columns - 4)

    listed: list[Any] = model.layers if chain or graph is None else graph.operations
    if chain and graph is not None and type(model).__name__ != "Sequential":
        listed = graph.operations
    rows: list[list[str]] = []
    for layer in _in_range(listed, layer_range):
        rows += _rows(layer, None if chain else graph, expand_nested, show_trainable)
        if show_flops:
            nested = _with_inner(layer, graph, expand_nested)
            for row, cost in zip(rows[-len(nested) :], nested, strict=True):
                row += [costs.short(cost.multiply_adds), costs.short_bytes(cost.bytes)]
    if len(ends) != len(header):
        extra = show_trainable + 2 * show_flops
        raise ValueError(
            f"summary: positions: expected {len(header) - extra} numbers, one for each "
            f"column, got {shown(positions)}"
        )
    table = _table([header, *rows], align, _column_widths(width, ends))
    totals = _totals(model)
    if show_flops:
        totals += _total_costs([costs.cost_of(layer, graph) for layer in listed])
    return "\n".join([f'Model: "{model.name}"', *table, *totals])


def _with_inner(layer: Any, graph: Graph | None, expand_nested: bool) -> list[costs.Cost]:
    """The costs of a layer and, in the order of `_rows`, of the layers in it."""
    found = [costs.cost_of(layer, graph)]
    if expand_nested:
        own = getattr(layer, "_graph", None)
        for inner in getattr(layer, "layers", []):
            found += _with_inner(inner, own, expand_nested)
    return found


def _total_costs(found: Sequence[costs.Cost]) -> list[str]:
    """What one sample takes, of the layers whose cost is known."""
    lines = []
    for what, values in zip(("multiply-adds", "bytes"), zip(*found, strict=True), strict=True):
        known = [value for value in values if value is not None]
        missing = len(values) - len(known)
        note = f" (layers that are not counted: {missing})" if missing else ""
        lines.append(f" Total {what} of a sample: {sum(known):,}{note}")
    return lines


def _is_chain(graph: Graph) -> bool:
    """Whether each layer has one input and is called once, so that "Connected to" is not needed."""
    users = [id(tensor._node) for node in graph.nodes for tensor in node.inputs]
    called = [id(node.operation) for node in graph.nodes]
    straight = all(len(node.inputs) <= 1 for node in graph.nodes) and len(graph.inputs) == 1
    return straight and len(set(users)) == len(users) and len(set(called)) == len(called)


def _in_range(layers: list[Any], layer_range: Sequence[str] | None) -> list[Any]:
    if layer_range is None:
        return layers
    two = isinstance(layer_range, (list, tuple)) and len(layer_range) == 2
    if not two or not all(isinstance(pattern, str) for pattern in layer_range):
        raise ValueError(f"summary: layer_range: expected two names, got {shown(layer_range)}")
    places = [
        [i for i, layer in enumerate(layers) if re.match(pattern, layer.name)]
        for pattern in layer_range
    ]
    for pattern, found in zip(layer_range, places, strict=True):
        if not found:
            names = [layer.name for layer in layers]
            raise ValueError(
                f"summary: layer_range: {pattern!r} matches none of the layers {names}"
            )
    first, last = sorted((min(places[0]), max(places[1])))
    return layers[first : last + 1]


def _rows(
    layer: Any, graph: Graph | None, expand_nested: bool, show_trainable: bool, level: int = 0
) -> list[list[str]]:
    prefix = "   " * level + "└ " if level else ""
    fields = [f"{prefix}{layer.name} ({_type_name(layer)})", _output_shape(layer)]
    if not isinstance(layer, Layer):
        fields.append("0")
    else:
        fields.append(f"{layer.count_params():,}" if layer.built else "0 (unbuilt)")
    if graph is not None:
        fields.append(_connections(layer, graph) if level == 0 else "-")
    if show_trainable:
        weights = getattr(layer, "weights", [])
        fields.append(("Y" if layer.trainable else "N") if weights else "-")
    rows = [fields]
    if expand_nested:
        for inner in getattr(layer, "layers", []):
            rows += _rows(inner, graph, expand_nested, show_trainable, level + 1)
    return rows


def _type_name(layer: Layer | Operation) -> str:
    if isinstance(layer, Layer):
        return type(layer).__name__
    return "".join(part.capitalize() for part in layer.kind.split("_"))


def _output_shape(layer: Any) -> str:
    if layer._inbound_nodes:
        shapes = tree.map_structure(_shape_text, layer._inbound_nodes[-1].outputs_struct)
    elif getattr(layer, "_build_shapes", None):
        args, kwargs = layer._build_shapes
        try:
            shape = layer.compute_output_shape(*args, **kwargs)
        except (TypeError, ValueError, NotImplementedError):  # shapes that depend on values
            return "?"
        shapes = tree.map_shapes(lambda sizes: f"({', '.join(map(str, sizes))})", shape)
    else:
        return "?"
    flat = tree.flatten(shapes)
    return flat[0] if len(flat) == 1 else str(shapes).replace("'", "")


def _shape_text(tensor: KerasTensor) -> str:
    return f"({', '.join(map(str, tensor.shape))})"


def _connections(layer: Layer | Operation, graph: Graph) -> str:
    own = set(map(id, graph.nodes))
    found = []
    for node in layer._inbound_nodes:
        if id(node) in own:
            for tensor in node.inputs:
                history = tensor._keras_history
                place = f"[{history.node_index}][{history.tensor_index}]"
                found.append(history.operation.name + place)
    return ", ".join(found) or "-"


def _column_widths(width: int, ends: Sequence[float]) -> list[int]:
    """The room for text in each column of a table that is `width` wide, borders included."""
    widths: list[int] = []
    for end in ends:
        widths.append(int(end * width) - sum(widths))
        if widths[-1] < 4:
            raise ValueError(
                f"summary: line_length, positions: {width} characters are too narrow for the table"
            )
    # Borders, and a space on each side of a text, take the same room from all columns.
    excess = 3 * len(widths) + 1
    for i in range(len(widths)):
        share = round(excess / (len(widths) - i))
        widths[i] += 2 - share
        excess -= share
    return [max(1, size - 2) for size in widths]


def _wrapped(text: str, width: int) -> list[str]:
    """The text in lines of at most `width`, broken at spaces; longer words are cut."""
    lines = [""]
    for word in re.findall(r"\s*\S+\s*", text):
        line = lines[-1] + word
        if len(line.rstrip()) <= width or not lines[-1].strip():
            lines[-1] = line
        else:
            lines.append(word)
    stripped = [line.rstrip() for line in lines]
    return [line if len(line) <= width else line[: width - 1] + "…" for line in stripped]


def _table(
    rows: list[list[str]], align: list[Callable[[str, int], str]], widths: list[int]
) -> list[str]:
    def rule(left: str, line: str, middle: str, right: str) -> str:
        return left + middle.join(line * (width + 2) for width in widths) + right

    def cells(row: list[str], border: str) -> list[str]:
        columns = [_wrapped(text, width) for text, width in zip(row, widths, strict=True)]
        lines = []
        for i in range(max(map(len, columns))):
            texts = [column[i] if i < len(column) else "" for column in columns]
            padded = [
                f" {justify(text, width)} "
                for text, justify, width in zip(texts, align, widths, strict=True)
            ]
            lines.append(border + border.join(padded) + border)
        return lines

    lines = [rule("┏", "━", "┳", "┓"), *cells(rows[0], "┃"), rule("┡", "━", "╇", "┩")]
    for number, row in enumerate(rows[1:]):
        if number:
            lines.append(rule("├", "─", "┼", "┤"))
        lines += cells(row, "│")
    return [*lines, rule("└", "─", "┴", "┘")]


def _totals(model: Model) -> list[str]:
    def line(label: str, tensors: Sequence[Tensor]) -> str:
        count = sum(math.prod(tensor.shape) for tensor in tensors)
        size = float(sum(tensor.nbytes for tensor in tensors))
        unit = 0
        while size >= 1024 and unit < 4:
            size, unit = size / 1024, unit + 1
        return f" {label} params: {count:,} ({size:.2f} {('B', 'KB', 'MB', 'GB', 'TB')[unit]})"

    trained, others = model.trainable_weights, model.non_trainable_weights
    optimizer = getattr(model, "optimizer", None)
    slots: list[Parameter] = []
    if optimizer is not None and getattr(optimizer, "built", False):
        slots = list(optimizer.variables)
    lines = [
        line("Total", [*trained, *others, *slots]),
        line("Trainable", trained),
        line("Non-trainable", others),
    ]
    return [*lines, line("Optimizer", slots)] if slots else lines


def summary_html(model: Model) -> str:
    """The layers and totals of a model as an HTML table, for notebooks."""
    from html import escape

    rows = [row for layer in model.layers for row in _rows(layer, None, True, False)]
    body = "".join(
        f"<tr><td style='text-align:left'>{escape(name)}</td>"
        f"<td style='text-align:left'>{escape(shape)}</td><td>{escape(count)}</td></tr>"
        for name, shape, count in rows
    )
    totals = "".join(f"<div>{escape(line.strip())}</div>" for line in _totals(model))
    head = "".join(f"<th>{title}</th>" for title in ("Layer", "Output shape", "Params"))
    return (
        f"<div><b>{escape(type(model).__name__)}: {escape(model.name)}</b>"
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{totals}</div>"
    )
