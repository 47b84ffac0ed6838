"""The bar chart of a comparison: how many times as long as fastdl each peer takes, row by row, and
how many times as much memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .networks import NETWORKS

Ratios = dict[str, dict[str, float]]  # {row: {peer: its value over fastdl's}}

# Rows that stand side by side, by the start of their names. Anything else comes last.
_PRODUCTS = "matrix product m x k x n; its worst transposition"
_PANELS = {
    "one training step": ("mlp_", *NETWORKS),
    "prediction": ("predict_", *(f"{name}_predict_" for name in NETWORKS)),
    "convolutions and their gradients": ("conv", "depthwise"),
    _PRODUCTS: ("matmul_",),
    "whole process": ("cold_", "import"),
}
_MEMORY = "peak memory"
_WITH_MEMORY = ("mlp_", "cold_", *NETWORKS)  # others hold little beyond the import
_FORMS = ("_tn", "_nt", "_tt")


def ratios(table: dict[str, Any], what: str = "median") -> Ratios:
    """Each row's peers over fastdl, without the rows that have no peer or no fastdl."""
    found = {}
    for row, entry in table["rows"].items():
        values = {name: library.get(what) for name, library in entry["libraries"].items()}
        ours = next((v for name, v in values.items() if name.startswith("fastdl")), None)
        peers = {name: v for name, v in values.items() if v and not name.startswith("fastdl")}
        if ours and peers:
            found[row] = {name: v / ours for name, v in peers.items()}
    return found


def worst_forms(found: Ratios) -> Ratios:
    """Of each product only the plain one and the transposition where fastdl's lead over the best
    peer is smallest, since four of each are too many to read."""
    worst: dict[str, str] = {}
    for row in found:
        if row.startswith("matmul_") and row.endswith(_FORMS):
            size = row.rpartition("_")[0]
            if size not in worst or min(found[row].values()) < min(found[worst[size]].values()):
                worst[size] = row
    left_out = {row for row in found if row.startswith("matmul_") and row.endswith(_FORMS)}
    return {row: peers for row, peers in found.items() if row not in left_out - {*worst.values()}}


def panels(rows: list[str]) -> dict[str, list[str]]:
    """The rows of each panel, empty panels left out."""
    grouped: dict[str, list[str]] = {title: [] for title in (*_PANELS, "more")}
    for row in rows:
        titles = [title for title, starts in _PANELS.items() if row.startswith(starts)]
        titles.sort(key=lambda title: "_predict_" not in row or title != "prediction")
        grouped[titles[0] if titles else "more"].append(row)
    return {title: members for title, members in grouped.items() if members}


def _content(table: dict[str, Any], short: bool) -> list[dict[str, Ratios]]:
    """The columns: each panel's rows. The products have a column of their own, unless it is short:
    then steps stand beside predictions and processes, without products and memory.
    """
    found = worst_forms(ratios(table))
    grouped = {
        title: {row: found[row] for row in rows} for title, rows in panels(list(found)).items()
    }
    products = {title: grouped.pop(title) for title in (_PRODUCTS,) if title in grouped}
    if short:
        steps = {title: grouped.pop(title) for title in list(_PANELS)[:1] if title in grouped}
        return [column for column in (steps, grouped) if column]
    memory = {
        row: peers for row, peers in ratios(table, "peak").items() if row.startswith(_WITH_MEMORY)
    }
    if memory:
        grouped[_MEMORY] = memory
    return [column for column in (grouped, products) if column]


def _height(rows: Ratios) -> float:
    """In bars: a gap after each row, and the panel's title."""
    return sum(len(peers) + 1.2 for peers in rows.values()) + 3


def draw(table: dict[str, Any], path: Path, short: bool = False) -> None:
    """Writes the chart as PNG. Nothing is drawn if no row has both fastdl and a peer.

    Args:
        table: the measurements.
        path: of the file.
        short: only training steps, predictions and whole processes.

    Raises:
        ModuleNotFoundError: matplotlib is not installed.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    columns = _content(table, short)
    if not columns:
        return
    libraries = list(
        dict.fromkeys(
            name
            for c in columns
            for rows in c.values()
            for peers in rows.values()
            for name in peers
        )
    )
    colors = {name: f"C{i}" for i, name in enumerate(libraries)}
    bars = max(sum(map(_height, column.values())) for column in columns)
    legend_height = 0.3 * (1 + (len(libraries) - 1) // 4) + 0.2
    height = 0.125 * bars + legend_height
    figure = Figure(figsize=(6.5 * len(columns), height), layout="constrained")
    figure.get_layout_engine().set(rect=(0, 0, 1, 1 - legend_height / height))
    FigureCanvasAgg(figure)
    outer = figure.add_gridspec(1, len(columns), wspace=0.04)
    for place, column in zip(outer, columns, strict=True):
        inner = place.subgridspec(len(column), 1, height_ratios=[*map(_height, column.values())])
        values = [v for rows in column.values() for peers in rows.values() for v in peers.values()]
        for spot, (title, rows) in zip(inner, column.items(), strict=True):
            ax = figure.add_subplot(spot)
            _panel(ax, title, rows, colors)
            ax.set_xlim(min(0.7, *values) / 1.6, max(1.5, *values) * 1.4)
    figure.legend(
        handles=[Patch(color=color, label=name) for name, color in colors.items()],
        loc="upper center",
        ncols=min(len(libraries), 4),
        frameon=False,
        title=f"{'time' if short else 'time and memory'} over fastdl's, {table['threads']} threads"
        + (f", {table['isa']}" if table.get("isa") else "")
        + ": right of 1 fastdl is better",
    )
    figure.savefig(path, dpi=110)


def _panel(ax: Any, title: str, rows: Ratios, colors: dict[str, str]) -> None:
    """One panel: a bar for each peer of each row."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    y, ticks = 0.0, []
    for peers in rows.values():
        ticks.append(y + (len(peers) - 1) / 2)
        for name, value in peers.items():
            # From 1 on: to the right where fastdl is better, to the left where it is worse.
            ax.barh(y, value - 1, left=1, height=0.85, color=colors[name])
            better = value >= 1
            ax.annotate(
                f"{value:.2f}" if value < 10 else f"{value:.0f}",
                (value, y),
                xytext=(3 if better else -3, 0),
                textcoords="offset points",
                ha="left" if better else "right",
                va="center",
                fontsize=7,
            )
            y += 1
        y += 1.2
    ax.set_yticks(ticks, [row.removeprefix("matmul_").replace("_", " ") for row in rows])
    ax.set_title(title, loc="left", fontsize=10, fontweight="bold")
    ax.axvline(1, color="black", linewidth=1)
    ax.set_xscale("log")
    ax.set_ylim(y - 1.2, -1)
    ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5), numticks=20))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ax.tick_params(axis="x", labelsize=7)
    ax.grid(axis="x", alpha=0.2)
    ax.set_axisbelow(True)
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
