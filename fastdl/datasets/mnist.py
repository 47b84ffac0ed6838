"""MNIST: 70,000 handwritten digits of 28 x 28 pixels (LeCun, Cortes, Burges, 1998)."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from . import _idx

if TYPE_CHECKING:
    from ._idx import Split

_DATASET = _idx.IdxDataset(
    name="mnist",
    title="MNIST",
    mirrors=(
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
    ),
    train_images=_idx.IdxFile(
        "train-images-idx3-ubyte",
        (60000, 28, 28),
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    ),
    train_labels=_idx.IdxFile(
        "train-labels-idx1-ubyte",
        (60000,),
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    ),
    test_images=_idx.IdxFile(
        "t10k-images-idx3-ubyte",
        (10000, 28, 28),
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    ),
    test_labels=_idx.IdxFile(
        "t10k-labels-idx1-ubyte",
        (10000,),
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    ),
)


def load_data(path: str | os.PathLike[str] | None = None) -> tuple[Split, Split]:
    """Loads MNIST, downloading it the first time if need be.

    The four files (`train-images-idx3-ubyte`, `train-labels-idx1-ubyte`, `t10k-images-idx3-ubyte`,
    `t10k-labels-idx1-ubyte`, each plain or with `.gz`) are looked for in

    1. the folder `path`, and nowhere else, if it is given;
    2. `$FASTDL_DATA/mnist/`, if that environment variable is set;
    3. the cache: `~/.fastdl/datasets/mnist/`, or `$FASTDL_HOME/datasets/mnist/`.

    Files that are in none of them are downloaded into the cache. Every file is checked against its
    SHA-256 digest before it is used. A damaged file in the cache is downloaded again.

    Args:
        path: the folder to read. A bare name that ends in ".npz" is ignored, so that programs
            written for Keras, where it names a file in its cache, run unchanged.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: uint8 arrays of shapes (60000, 28, 28), (60000,),
        (10000, 28, 28), (10000,); pixels 0 (background) to 255, labels 0 to 9.

    Raises:
        NotADirectoryError: `path` is no folder.
        FileNotFoundError: `path` lacks a file, or the download failed; the message says which
            files to put where.
        ValueError: a file in `path` or `$FASTDL_DATA` is truncated, damaged or a different one.

    Example::

        from fastdl.datasets import mnist
        (x_train, y_train), (x_test, y_test) = mnist.load_data()
    """
    return _idx.load(_DATASET, path)
