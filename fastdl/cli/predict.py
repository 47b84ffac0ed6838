"""`fastdl predict`: the predictions of a model of a table, as CSV."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, TextIO

import fastdl
from fastdl.saving.files import replacing

from . import UsageError, blaming_the_input, check_output

if TYPE_CHECKING:
    import argparse


def run(options: argparse.Namespace) -> int:
    """Predicts, and writes one line for each row, in order. Notes go to standard error."""
    if options.output is not None:
        check_output("--output", options.output, options.data, options.model)
    with blaming_the_input():
        model = fastdl.tabular.load(options.model)
        table = model.read(
            options.data,
            who="predict",
            encoding=options.encoding,
            delimiter=options.delimiter,
            decimal=options.decimal,
            missing=options.missing,
        )
        encoded, notes = model.preprocessing.encode(table, "predict")
        outputs = model.outputs_for(encoded)
        known = {*model.preprocessing.encoders, model.target.name}
        known.update(model.about.get("dropped", ()))
    unknown = [name for name in table.columns if name not in known]
    if unknown:
        some = ", ".join(map(repr, unknown[:5])) + ", ..." * (len(unknown) > 5)
        notes.append(f"{len(unknown)} columns that the model does not know are ignored: {some}")
    for note in notes:
        print(f"fastdl: note: {note}", file=sys.stderr)
    predicted = model.decode(outputs).tolist()
    names = ["prediction"]
    rows: Iterable[list[object]] = ([value] for value in predicted)
    if model.target.task == "classification":
        names += [f"probability_{text}" for text in model.target.texts]
        rows = ([value, *map(str, row)] for value, row in zip(predicted, outputs, strict=True))
    if options.output is None:
        if sys.stdout is not None:
            _write(sys.stdout, names, rows)
        return 0
    try:
        with replacing(options.output, "--output") as file:
            text = io.TextIOWrapper(file, encoding="utf-8", newline="")
            _write(text, names, rows)
            text.detach()
    except ValueError as error:  # no regular file
        raise UsageError(str(error)) from None
    print(f"{len(predicted):,} predictions: {options.output}", file=sys.stderr)
    return 0


def _write(stream: TextIO, names: list[str], rows: Iterable[list[object]]) -> None:
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(names)
    writer.writerows(rows)
