"""The report of a training as one HTML file: no script, nothing loaded from elsewhere.

All texts from the table go through `html.escape`.
"""

from __future__ import annotations

import base64
import io
import os
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _core
from ..saving.files import path_of, replacing
from . import pictures
from .preprocessing import Classes
from .scores import LOWER_IS_BETTER
from .training import number_text, trivial_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..saving.files import Path
    from .training import TrainResult

_STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --dim: #5c6670; --line: #d5dae0;
  --paper: #fff; --soft: #f4f6f8; --bar: #3572b0; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e8ec; --dim: #9aa5b1; --line: #3a424b;
  --paper: #15191e; --soft: #1e242b; --bar: #5b9bd8; } }
@media print { :root { --ink: #000; --dim: #444; --line: #bbb; --paper: #fff; --soft: #f6f6f6;
  --bar: #3572b0; } body { font-size: 10pt; max-width: none !important; }
  section { break-inside: avoid; } }
* { box-sizing: border-box; }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);
  max-width: 60rem; margin: 2rem auto; padding: 0 1.2rem; }
h1 { font-size: 1.7rem; line-height: 1.25; margin: 0 0 .3rem; }
h2 { font-size: 1.2rem; margin: 2.2rem 0 .6rem; }
p { margin: .5rem 0; max-width: 46rem; }
.dim { color: var(--dim); font-size: .92em; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; margin: .6rem 0; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .28rem .9rem .28rem 0; border-bottom: 1px solid var(--line);
  vertical-align: top; overflow-wrap: anywhere; }
th { font-weight: 600; color: var(--dim); font-size: .9em; }
td.n, th.n { text-align: right; white-space: nowrap; overflow-wrap: normal; }
td.best { font-weight: 700; }
td.bars { width: 55%; min-width: 12rem; }
.bar { height: .85em; background: var(--bar); border-radius: 2px; min-width: 1px;
  print-color-adjust: exact; -webkit-print-color-adjust: exact; }
.pictures { display: flex; flex-wrap: wrap; gap: 1rem; align-items: flex-start; }
img { max-width: 100%; height: auto; background: #fff; border: 1px solid var(--line);
  border-radius: 4px; padding: 4px; }
.pair img { max-width: min(100%, 27rem); max-height: 30rem; }
pre { background: var(--soft); padding: .8rem 1rem; border-radius: 4px; overflow-x: auto;
  font-size: .9em; }
ul { padding-left: 1.2rem; margin: .4rem 0; }
"""
_MOST_BARS = 30
_MOST_COLUMNS = 200


def write_report(result: TrainResult, filepath: Path, model_file: str) -> None:
    """Writes the report. The file is complete or not there."""
    name = path_of(filepath, "report: filepath")
    text = report_html(result, model_file)
    with replacing(name, "report: filepath") as file:
        file.write(text.encode("utf-8"))


def report_html(result: TrainResult, model_file: str) -> str:
    """The report as a text."""
    target = result.model.target
    source = os.path.basename(result.label)
    title = f"{target.name}, predicted from {source}"
    sections = [
        ("How good the model is", _scores(result)),
        ("Where it is right and wrong", _pictures(result, pictures.of_predictions)),
        ("What it goes by", _importance(result)),
        ("The data", _data(result)),
        ("How it was trained", _training(result)),
        ("How to use it", _usage(result, model_file)),
    ]
    body = "".join(f"<section><h2>{head}</h2>{text}</section>" for head, text in sections if text)
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>"
        f"<h1>{escape(title)}</h1>{_words(result)}{body}"
        f'<p class="dim">fastdl {escape(_core.version)}</p></body></html>\n'
    )


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], numbers: int = 1) -> str:
    """A table whose columns from `numbers` on are numbers. Cells are escaped already."""

    def kind(i: int) -> str:
        return ' class="n"' if i >= numbers else ""

    top = "".join(f"<th{kind(i)}>{cell}</th>" for i, cell in enumerate(head))
    lines = "".join(
        "<tr>"
        + "".join(
            cell if cell.startswith("<td") else f"<td{kind(i)}>{cell}</td>"
            for i, cell in enumerate(row)
        )
        + "</tr>"
        for row in rows
    )
    return f'<div class="scroll"><table><thead><tr>{top}</tr></thead>{lines}</table></div>'


def _words(result: TrainResult) -> str:
    """The result in a few sentences."""
    net, line, rest = (result.scores[kind] for kind in ("network", "linear", "trivial"))
    count = len(result.y_true)
    if isinstance(result.model.target, Classes):
        hits = round(net["accuracy"] * count)
        text = (
            f"Of {count:,} rows that it has never seen the model gets {hits:,} right "
            f"(<b>{net['accuracy']:.1%}</b>). Always saying the most frequent class would be right "
            f"in {rest['accuracy']:.1%} of them, and a linear model is in {line['accuracy']:.1%}."
        )
        better = net["log loss"] < line["log loss"]
    else:
        text = (
            f"On {count:,} rows that it has never seen the model is off by "
            f"<b>{number_text(net['MAE'])}</b> on average (R2 {number_text(net['R2'])}). Always "
            f"saying the mean would be off by {number_text(rest['MAE'])}, and a linear model is by "
            f"{number_text(line['MAE'])}."
        )
        better = net["MAE"] < line["MAE"]
    if not better:
        text += " The linear model does no worse here, and is easier to explain."
    spread = 1 / np.sqrt(max(count, 1)) / 2
    if isinstance(result.model.target, Classes) and spread > 0.02:
        text += f" With so few rows for the test, shares are uncertain by some {spread:.0%}."
    most = max((entry["mean"] for entry in result.importance), default=0.0)
    first = [e["column"] for e in result.importance[:3] if e["mean"] > max(0.0, most / 10)]
    if first:
        names = ", ".join(f"<b>{escape(name)}</b>" for name in first)
        text += f" It goes by {names} most."
    return f"<p>{text}</p>"


def _scores(result: TrainResult) -> str:
    names = list(result.scores["network"])
    kinds = {
        "network": "fastdl",
        "linear": "linear model",
        "trivial": f"{trivial_name(result.model)}, whatever the columns",
    }
    rows = []
    for key, label in kinds.items():
        cells = [label]
        for name in names:
            all_values = [found[name] for found in result.scores.values()]
            values = [value for value in all_values if value == value] or [0.0]
            best = min(values) if name in LOWER_IS_BETTER else max(values)
            value = result.scores[key][name]
            mark = " best" if value == best else ""
            cells.append(f'<td class="n{mark}">{number_text(value)}</td>')
        rows.append(cells)
    text = _table(["", *names], rows)
    target = result.model.target
    if isinstance(target, Classes):
        note = "ROC-AUC and log loss judge the probabilities; lower log loss is better."
        if target.outputs == 2:
            note = f"F1 is that of the class {escape(target.texts[1])}. {note}"
    else:
        note = "R2 is the share of the variance that is explained. Lower MAE and RMSE are better."
    return f'{text}<p class="dim">On the rows kept for the test. {note}</p>'


def _pictures(result: TrainResult, make: Any) -> str:
    """Pictures as data within the page, or a line that says how to get them."""
    try:
        figures = make(result)
    except ImportError:
        return (
            '<p class="dim">No pictures, since matplotlib is missing: '
            "pip install 'fastdl[plot]'</p>"
        )
    found = []
    for alt, figure in figures:
        stream = io.BytesIO()
        figure.savefig(stream, format="png", dpi=110)
        data = base64.b64encode(stream.getvalue()).decode("ascii")
        found.append(f'<img alt="{escape(alt)}" src="data:image/png;base64,{data}">')
    side_by_side = " pair" if len(found) > 1 else ""
    return f'<div class="pictures{side_by_side}">{"".join(found)}</div>' if found else ""


def _importance(result: TrainResult) -> str:
    entries = result.importance[:_MOST_BARS]
    if not entries:
        return ""
    most = max((entry["mean"] for entry in entries), default=0.0)
    rows = []
    for entry in entries:
        width = 100 * max(entry["mean"], 0.0) / most if most > 0 else 0.0
        rows.append(
            [
                escape(entry["column"]),
                f'<td class="bars"><div class="bar" style="width:{width:.1f}%"></div></td>',
                f"{number_text(entry['mean'])} ± {number_text(entry['std'])}",
            ]
        )
    what = "log loss rises" if isinstance(result.model.target, Classes) else "R2 falls"
    more = len(result.importance) - len(entries)
    rest = f" {more:,} columns of less importance are not shown." if more else ""
    return (
        f'<p class="dim">By how much the {what} when the values of a column are shuffled among the '
        "rows of the test: mean and standard deviation of five shuffles. Columns that tell the "
        f"same share their importance.{rest}</p>" + _table(["column", "", what], rows, 2)
    )


def _data(result: TrainResult) -> str:
    rows = []
    for column in result.columns[:_MOST_COLUMNS]:
        kind = column.kind if column.kind != "dropped" else f"dropped: {column.why}"
        if column.kind == "date" and column.format:
            kind += f" ({column.format})"
        missing = f"{column.missing:,}" if column.missing else "-"
        distinct = f"{column.distinct:,}" if column.distinct else "-"
        rows.append([escape(column.name), escape(kind), missing, distinct])
    more = len(result.columns) - len(rows)
    rest = f'<p class="dim">and {more:,} columns more</p>' if more > 0 else ""
    target = result.model.target
    about = ""
    if isinstance(target, Classes):
        counts = np.bincount(result.y_true, minlength=target.outputs)
        shares = [
            f"{escape(text)} {count / len(result.y_true):.0%}"
            for text, count in list(zip(target.texts, counts, strict=True))[:20]
        ]
        about = f" with {target.outputs} classes ({', '.join(shares)} of the rows of the test)"
    notes = "".join(f"<li>{escape(note)}</li>" for note in result.notes)
    return (
        f"<p>The target is <b>{escape(target.name)}</b>{about}. "
        f"{result.train_count:,} rows were learned from, {len(result.y_true):,} kept for the test."
        f"</p>{_table(['column', 'taken as', 'missing', 'different'], rows, 2)}{rest}"
        + (f"<ul>{notes}</ul>" if notes else "")
    )


def _training(result: TrainResult) -> str:
    s = result.settings
    epochs = [len(found["loss"]) for found in result.history]
    many = f"{s.members} networks, whose outputs are averaged" if s.members > 1 else "one network"
    units = " and ".join(str(u) for u in s.units)
    seed = result.model.about["seed"]
    words = (
        f"<p>{many[0].upper()}{many[1:]}, each with hidden layers of {units} units beside a linear "
        f"model; {result.model.count_params():,} parameters in all. AdamW with a learning rate of "
        f"{s.learning_rate:g} and a weight decay of {s.weight_decay:g}, dropout {s.dropout:g}, "
        f"steps of {s.batch_size} rows, {min(epochs)} to {max(epochs)} epochs in "
        f"{result.seconds:.1f} s. Each stopped when {s.patience} epochs brought nothing better on "
        f"rows held out from training; the best weights were kept. Seed {seed}.</p>"
    )
    return words + _pictures(result, pictures.of_training)


def _usage(result: TrainResult, model_file: str) -> str:
    file = escape(repr(model_file))
    lines = (
        f"fastdl predict {escape(model_file)} new.csv --output predictions.csv\n\n"
        f"import fastdl\n\nmodel = fastdl.tabular.load({file})\n"
        "model.predict(&quot;new.csv&quot;)  # or a DataFrame, or a dict of columns\n"
    )
    if isinstance(result.model.target, Classes):
        lines += "model.predict_proba(&quot;new.csv&quot;)\n"
    names = ", ".join(escape(name) for name in list(result.model.preprocessing.encoders)[:50])
    return (
        f"<pre>{lines}</pre><p class='dim'>The table needs these columns, in any order: {names}. "
        "Values may be missing, and categories unknown.</p>"
    )
