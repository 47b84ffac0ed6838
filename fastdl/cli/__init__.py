"""The command `fastdl`: models of tables, programs for other libraries, a demonstration."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING

import fastdl

if TYPE_CHECKING:
    import argparse

REQUIRED_ACCURACY = 0.97  # of the demonstration
EXIT_FAILED = 1
_EXIT_USAGE = 2
_EXIT_INTERRUPTED = 130  # 128 + SIGINT, as shells report it


class UsageError(Exception):
    """A wrong argument, or data that cannot be used; the message names it."""


@contextmanager
def blaming_the_input() -> Iterator[None]:
    """Errors of the library in the block are about what the user gave: one line, no traceback."""
    try:
        yield
    except (ValueError, TypeError, ImportError, MemoryError) as error:
        raise UsageError(str(error) or "not enough memory") from error


def printable(text: object) -> str:
    """A text of a file as a terminal may show it: control characters could do harm there."""
    return "".join(c if c.isprintable() else "\ufffd" for c in str(text))


def check_output(option: str, path: str, *inputs: str) -> None:
    """Checks before the work whether a file can be written.

    Raises:
        UsageError: there is no such folder, or the file is one of the inputs.
    """
    folder = os.path.dirname(os.path.abspath(path))
    if not os.path.isdir(folder) or not os.access(folder, os.W_OK):
        raise UsageError(f"{option}: there is no folder {folder} to write to")
    if os.path.isdir(path):
        raise UsageError(f"{option}: {path} is a folder")
    for given in inputs:
        if os.path.realpath(path) == os.path.realpath(given):
            raise UsageError(f"{option}: {path} is also read or written for something else")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit status.

    0: done. 1: the demonstration missed its accuracy, `convert --check` found a name that is
    missing, or the reader of the output went away.
    2: wrong usage, data that cannot be used, or a file that can't be written. 130: interrupted.
    """
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.command is None:
        parser.print_help()
        return 0
    try:
        status: int = import_module(f".{options.command}", __name__).run(options)
        if sys.stdout is not None:  # None: closed before the start
            sys.stdout.flush()
        return status
    except KeyboardInterrupt:
        print("fastdl: interrupted", file=sys.stderr)
        return _EXIT_INTERRUPTED
    except BrokenPipeError:
        # The rest of the output has no reader: the interpreter would print an error at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_FAILED
    except (OSError, UsageError) as error:
        if os.environ.get("FASTDL_FULL_TRACEBACK"):
            raise
        print(f"fastdl: error: {error}", file=sys.stderr)
        return _EXIT_USAGE


def _parser() -> argparse.ArgumentParser:
    import argparse

    def between(low: int, high: int) -> Callable[[str], int]:
        def number(text: str) -> int:
            value = int(text)
            if not low <= value <= high:
                raise argparse.ArgumentTypeError(f"expected {low} to {high}, got {value}")
            return value

        return number

    def fraction(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = 0.0
        if not 0 < value < 1:
            raise argparse.ArgumentTypeError(f"expected a number between 0 and 1, got {text}")
        return value

    def delimiter(text: str) -> str:
        found = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "space": " "}.get(
            text, text
        )
        if len(found) != 1 or found in '"\r\n':
            raise argparse.ArgumentTypeError(f"expected one character or 'tab', got {text!r}")
        return found

    def kind(text: str) -> tuple[str, str]:
        name, equals, value = text.rpartition("=")
        if not equals or value not in ("number", "category", "date"):
            raise argparse.ArgumentTypeError(
                f"expected COLUMN=number, COLUMN=category or COLUMN=date, got {text!r}"
            )
        return name, value

    def add_csv_options(command: argparse.ArgumentParser) -> None:
        group = command.add_argument_group("CSV files")
        group.add_argument("--encoding", metavar="NAME", help="UTF-8 unless given")
        group.add_argument(
            "--delimiter", type=delimiter, metavar="CHARACTER", help="guessed unless given"
        )
        group.add_argument(
            "--decimal",
            choices=[".", ","],
            metavar="MARK",
            help="the mark in numbers, . or a comma; guessed unless given",
        )
        group.add_argument(
            "--missing",
            action="append",
            default=[],
            metavar="TEXT",
            help="means a missing value, besides the empty cell, NA, null and the like; repeatable",
        )

    parser = argparse.ArgumentParser(prog="fastdl", description="Deep learning on CPUs.")
    parser.add_argument("--version", action="version", version=f"fastdl {fastdl.__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=False)

    train = commands.add_parser(
        "train",
        help="train a model on a CSV or Parquet file",
        description="Trains a model that predicts one column of a table from the others, compares "
        "it with simpler models on rows kept for the test, and writes the model with its "
        "preprocessing to one file, and a report to another.",
    )
    train.add_argument("data", help="a CSV or Parquet file")
    train.add_argument("--target", required=True, metavar="COLUMN", help="the column to predict")
    train.add_argument(
        "--output", default="model.fastdl", metavar="FILE", help="the model (default: %(default)s)"
    )
    report = train.add_mutually_exclusive_group()
    report.add_argument(
        "--report", metavar="FILE", help="the report (default: the model's name with .html)"
    )
    report.add_argument("--no-report", action="store_true", help="write no report")
    train.add_argument(
        "--task",
        choices=["auto", "classification", "regression"],
        default="auto",
        help="what the target is (default: by its values)",
    )
    train.add_argument(
        "--test",
        type=fraction,
        default=0.2,
        metavar="FRACTION",
        help="of the rows is kept for the test (default: %(default)s)",
    )
    train.add_argument(
        "--epochs", type=between(1, 10**6), metavar="N", help="the most passes over the data"
    )
    train.add_argument(
        "--seed",
        type=between(0, 2**32 - 1),
        default=0,
        metavar="S",
        help="of the random numbers (default: %(default)s)",
    )
    train.add_argument(
        "--kind",
        type=kind,
        action="append",
        default=[],
        metavar="COLUMN=KIND",
        help="number, category or date, where it is not to be inferred; repeatable",
    )
    train.add_argument(
        "--drop", action="append", default=[], metavar="COLUMN", help="leave it out; repeatable"
    )
    add_csv_options(train)

    predict = commands.add_parser(
        "predict",
        help="predict with a model of `fastdl train`",
        description="Predicts the target for each row of a table. Writes CSV: the prediction and, "
        "for classes, their probabilities.",
    )
    predict.add_argument("model", help="a file of `fastdl train`")
    predict.add_argument("data", help="a CSV or Parquet file")
    predict.add_argument("--output", metavar="FILE", help="standard output unless given")
    add_csv_options(predict)

    show = commands.add_parser(
        "show",
        help="show what a file of a model or of weights holds",
        description="Shows the layers of a model, their sizes, and how it was trained.",
    )
    show.add_argument("file", help="a file of save(), save_weights() or fastdl.save()")

    convert = commands.add_parser(
        "convert",
        help="change the import lines of a program for Keras or PyTorch, and list what is missing",
        description="Writes a program for Keras, TensorFlow or PyTorch with the import lines of "
        "fastdl, beside it as NAME_fastdl.py, and lists with file, line and column each name that "
        "fastdl lacks. Nothing of the program runs.",
    )
    convert.add_argument("path", help="a program (.py), a notebook (.ipynb), or a folder of them")
    convert.add_argument(
        "-o", "--output", metavar="FILE", help="write there; for a folder a folder"
    )
    convert.add_argument(
        "--in-place", action="store_true", help="change the files, and keep each as NAME.bak"
    )
    convert.add_argument(
        "--overwrite", action="store_true", help="replace what an earlier conversion has written"
    )
    convert.add_argument(
        "--check", action="store_true", help="write nothing; exit status 1 if a name is missing"
    )

    demo = commands.add_parser(
        "demo",
        help="train a classifier on handwritten digits and show how well it does",
        description="Trains a classifier on the 1,797 handwritten digits that come with fastdl, "
        f"and fails if it recognises less than {REQUIRED_ACCURACY:.0%} of those kept for testing.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    demo.add_argument(
        "--epochs", type=between(1, 10**6), default=20, metavar="N", help="passes over the data"
    )
    demo.add_argument(
        "--batch-size", type=between(1, 10**6), default=64, metavar="N", help="per step"
    )
    demo.add_argument(
        "--seed", type=between(0, 2**32 - 1), default=0, metavar="S", help="of the random numbers"
    )
    plot = demo.add_mutually_exclusive_group()
    plot.add_argument(
        "--plot", default="fastdl-demo.png", metavar="FILE", help="picture of the learning curve"
    )
    plot.add_argument(
        "--no-plot",
        dest="plot",
        action="store_const",
        const=None,
        default=argparse.SUPPRESS,
        help="draw no learning curve",
    )
    commands.add_parser(
        "bench",
        help="measure this machine: arithmetic, memory, and steps of small networks",
        description="Measures in a few seconds what this machine gives fastdl.",
    )
    commands.add_parser(
        "info", help="show version, instruction set, bfloat16, threads, caches, compiler"
    )
    return parser
