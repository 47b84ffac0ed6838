"""The bar chart of a comparison: how many times as long as fastdl each peer takes, row by row."""

from __future__ import annotations

from pathlib import Path
from typing import Any

# Rows that stand side by side, by the start of their names. Anything else comes last.
_PANELS = {
    "one training step": ("mlp_",),
    "prediction": ("predict_",),
    "matrix product": ("matmul_",),
    "whole process": ("cold_", "import"),
}


def ratios(table: dict[str, Any]) -> dict[str, dict[str, float]]:
    """{row: {peer: its median over fastdl's}}, without the rows that have no peer or no fastdl."""
    found = {}
    for row, entry in table["rows"].items():
        medians = {name: library["median"] for name, library in entry["libraries"].items()}
        ours = next((s for name, s in medians.items() if name.startswith("fastdl")), None)
        peers = {name: s for name, s in medians.items() if not name.startswith("fastdl")}
        if ours and peers:
            found[row] = {name: s / ours for name, s in peers.items()}
    return found


def panels(rows: list[str]) -> dict[str, list[str]]:
    """The rows of each panel, empty panels left out."""
    grouped: dict[str, list[str]] = {title: [] for title in (*_PANELS, "more")}
    for row in rows:
        titles = [title for title, starts in _PANELS.items() if row.startswith(starts)]
        grouped[titles[0] if titles else "more"].append(row)
    return {title: members for title, members in grouped.items() if members}


def draw(table: dict[str, Any], path: Path) -> None:
    """Writes the chart as PNG. Nothing is drawn if no row has both fastdl and a peer.

    Raises:
        ModuleNotFoundError: matplotlib is not installed.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    found = ratios(table)
    if not found:
        return
    grouped = panels(list(found))
    libraries = list(dict.fromkeys(name for peers in found.values() for name in peers))
    colors = {name: f"C{i}" for i, name in enumerate(libraries)}
    bars = {title: sum(len(found[r]) + 1.5 for r in rows) for title, rows in grouped.items()}
    figure = Figure(figsize=(9, 0.13 * sum(bars.values()) + 0.75 * len(bars) + 1))
    FigureCanvasAgg(figure)
    axes = figure.subplots(
        len(grouped), 1, squeeze=False, sharex=True, height_ratios=list(bars.values())
    )[:, 0]
    values = [value for peers in found.values() for value in peers.values()]
    low, high = min(0.8, *values), max(1.25, *values)

    for ax, (title, rows) in zip(axes, grouped.items(), strict=True):
        y, ticks = 0.0, []
        for row in rows:
            peers = found[row]
            ticks.append(y + (len(peers) - 1) / 2)
            for name, value in peers.items():
                # From 1 on: to the right where fastdl is faster, to the left where it is slower.
                ax.barh(y, value - 1, left=1, height=0.85, color=colors[name])
                faster = value >= 1
                ax.annotate(
                    f"{value:.2f}" if value < 10 else f"{value:.0f}",
                    (value, y),
                    xytext=(3 if faster else -3, 0),
                    textcoords="offset points",
                    ha="left" if faster else "right",
                    va="center",
                    fontsize=7,
                )
                y += 1
            y += 1.5
        ax.set_yticks(ticks, rows)
        ax.set_title(title, loc="left", fontsize=10)
        ax.axvline(1, color="black", linewidth=1)
        ax.set_xscale("log")
        ax.set_xlim(low / 1.3, high * 1.3)
        ax.set_ylim(y - 1, -1)
        ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        ax.xaxis.set_minor_formatter(NullFormatter())
        ax.grid(axis="x", which="both", alpha=0.2)
        ax.set_axisbelow(True)
        for side in ("top", "right"):
            ax.spines[side].set_visible(False)
    axes[-1].set_xlabel(
        f"time over fastdl's, {table['threads']} threads: right of 1 fastdl is faster"
    )
    figure.legend(
        handles=[axes[0].bar(1, 0, color=colors[name], label=name) for name in libraries],
        loc="upper center",
        ncols=min(len(libraries), 4),
        frameon=False,
    )
    legend_height = 0.3 * (1 + (len(libraries) - 1) // 4) / figure.get_figheight()
    figure.tight_layout(rect=(0, 0, 1, 1 - legend_height))
    figure.savefig(path, dpi=150)
