"""`fastdl train`: a model of a table, its scores and a report."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import fastdl

from . import UsageError, blaming_the_input, check_output, printable

if TYPE_CHECKING:
    import argparse

_MOST_COLUMNS = 5  # of which the importance is printed


def run(options: argparse.Namespace) -> int:
    """Trains, prints the scores, and writes the files when all else is done."""
    if not options.output.endswith(".fastdl"):
        raise UsageError(f"--output: expected a name that ends in .fastdl, got {options.output!r}")
    check_output("--output", options.output, options.data)
    report = None
    if not options.no_report:
        report = options.report or options.output.removesuffix(".fastdl") + ".html"
        check_output("--report", report, options.data, options.output)
    kinds = dict(options.kind)
    if len(kinds) < len(options.kind):
        raise UsageError("--kind: a column has two kinds")
    with blaming_the_input():
        result = fastdl.tabular.train(
            options.data,
            options.target,
            task=options.task,
            test=options.test,
            epochs=options.epochs,
            seed=options.seed,
            kinds=kinds,
            drop=options.drop,
            encoding=options.encoding,
            delimiter=options.delimiter,
            decimal=options.decimal,
            missing=options.missing,
            tell=lambda line: print(line, flush=True),
        )
    print(f"\nOn the {len(result.test_rows):,} rows of the test:\n{result.summary()}\n")
    first = [entry for entry in result.importance if entry["mean"] > 0][:_MOST_COLUMNS]
    if first:
        print("Most important columns:", ", ".join(printable(entry["column"]) for entry in first))
    # Without the random state of the process, the same call writes the same bytes.
    result.model.save(options.output, include_optimizer=False)
    print(f"Model: {options.output}")
    if report is not None:
        result.report(report, os.path.basename(options.output))
        print(f"Report: {report}")
    return 0
