"""`fastdl demo`: trains a classifier of handwritten digits, and shows how well it does."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import numpy as np

import fastdl

from . import EXIT_FAILED, REQUIRED_ACCURACY, UsageError

if TYPE_CHECKING:
    import argparse

    from numpy.typing import NDArray


def run(options: argparse.Namespace) -> int:
    """The exit status: 1 if the accuracy is missed."""
    from time import perf_counter

    if options.plot:
        _check_plot(options.plot)  # before the work, not after it
    (images, y), (test_images, y_test) = fastdl.datasets.digits.load_data()
    x, x_test = _scaled(images), _scaled(test_images)
    # A random tenth of the training pictures is for validation. The pictures for the test take no
    # part in any choice.
    held_out, kept = np.split(
        np.random.default_rng(options.seed).permutation(len(x)), [len(x) // 10]
    )
    x_train, y_train = _with_shifted(x[kept], y[kept])
    print(
        f"fastdl {fastdl.__version__} learns to read handwritten digits of 8 x 8 pixels:\n"
        f"{len(kept):,} pictures to learn from (each also shifted), "
        f"{len(held_out)} for validation, {len(x_test)} for the test"
    )
    fastdl.utils.set_random_seed(options.seed)
    model = fastdl.Sequential(
        [
            fastdl.Input(shape=(64,)),
            fastdl.layers.Dense(256, activation="relu"),
            fastdl.layers.Dropout(0.3),
            fastdl.layers.Dense(256, activation="relu"),
            fastdl.layers.Dropout(0.3),
            fastdl.layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    start = perf_counter()
    history = model.fit(
        x_train,
        y_train,
        batch_size=options.batch_size,
        epochs=options.epochs,
        validation_data=(x[held_out], y[held_out]),
    ).history
    seconds = perf_counter() - start
    _, accuracy = model.evaluate(x_test, y_test, verbose=0)
    print(f"Test accuracy: {accuracy:.2%} of {len(x_test)} pictures it has never seen")
    print(f"Training time: {seconds:.2f} s for {options.epochs} epochs")
    if options.plot:
        plot(history, accuracy, options.plot)
    if accuracy < REQUIRED_ACCURACY:
        print(
            f"fastdl: error: the test accuracy is {accuracy:.2%}, expected at least "
            f"{REQUIRED_ACCURACY:.0%} (epochs: {options.epochs})",
            file=sys.stderr,
        )
        return EXIT_FAILED
    return 0


def _scaled(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Rows of 64 pixels from 0 to 1."""
    return images.reshape(len(images), 64).astype(np.float32) / np.float32(16)


def _with_shifted(
    x: NDArray[np.float32], y: NDArray[np.uint8]
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """The pictures as they are, and shifted by a pixel in each of four directions.

    A shifted digit is the same digit, and more pictures make a better classifier.
    """
    padded = np.pad(x.reshape(-1, 8, 8), ((0, 0), (1, 1), (1, 1)))
    corners = [(1, 1), (0, 1), (2, 1), (1, 0), (1, 2)]
    shifted = [padded[:, i : i + 8, j : j + 8].reshape(-1, 64) for i, j in corners]
    return np.concatenate(shifted), np.tile(y, len(corners))


def _check_plot(path: str) -> None:
    """Checks before the training whether the picture can be written.

    Raises:
        UsageError: there is no such folder, or matplotlib doesn't know the format.
    """
    folder = os.path.dirname(os.path.abspath(path))
    if not os.path.isdir(folder) or not os.access(folder, os.W_OK):
        raise UsageError(f"--plot: there is no folder {folder} to write to")
    try:
        from matplotlib.backend_bases import FigureCanvasBase
    except ImportError:
        return
    known = FigureCanvasBase.get_supported_filetypes()
    extension = os.path.splitext(path)[1].removeprefix(".").lower()
    if extension not in known:
        raise UsageError(
            f"--plot: expected a file name that ends in one of {', '.join(sorted(known))}, "
            f"got {path!r}"
        )


def plot(history: dict[str, list[float]], test_accuracy: float, path: str) -> None:
    """Draws loss and accuracy over the epochs. An interrupt leaves no part of a picture."""
    try:
        figure = fastdl.utils.plot_history(history, ["loss", "accuracy"])
    except ImportError:
        print("No learning curve, since matplotlib is missing: pip install 'fastdl[plot]'")
        return
    axes = figure.axes[1]
    axes.axhline(test_accuracy, color="black", linestyle=":", label=f"test: {test_accuracy:.2%}")
    axes.legend()
    figure.suptitle("fastdl demo: handwritten digits")
    try:
        fastdl.utils.plots.written(figure, path, "--plot")
    except OSError as error:
        raise UsageError(f"--plot: {path} can't be written: {error.strerror}") from None
    print(f"Learning curve: {path}")
