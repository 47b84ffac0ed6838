"""CIFAR-10: 60,000 colored pictures of 32 x 32 pixels in ten classes (Krizhevsky, 2009)."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from . import _files

if TYPE_CHECKING:
    from ._idx import Split

_FILE = _files.PublishedFile(
    "cifar10",
    "CIFAR-10",
    "cifar-10-python.tar.gz",
    "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
    most=180_000_000,
    folder="https://www.cs.toronto.edu/~kriz/",
)


def load_data(path: str | os.PathLike[str] | None = None) -> tuple[Split, Split]:
    """Loads CIFAR-10, downloading it the first time if need be.

    Labels: 0 airplane, 1 automobile, 2 bird, 3 cat, 4 deer, 5 dog, 6 frog, 7 horse, 8 ship,
    9 truck. The file is `cifar-10-python.tar.gz` (170 MB). Places and errors are those of
    `fastdl.datasets.imdb.load_data`; the folder is called `cifar10`.

    Args:
        path: the file, or a folder with it.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: uint8 arrays of shapes (50000, 32, 32, 3),
        (50000, 1), (10000, 32, 32, 3), (10000, 1). With `set_image_data_format("channels_first")`
        pictures are (3, 32, 32).

    Source: `keras.datasets.cifar10` of Keras 3, which takes no path.

    Example::

        from fastdl.datasets import cifar10
        (x_train, y_train), (x_test, y_test) = cifar10.load_data()
    """
    from ._cifar import batches, pictures

    names = [f"data_batch_{i}" for i in range(1, 6)]
    parts = batches(_files.load(_FILE, path), "cifar-10-batches-py", [*names, "test_batch"])
    train, test = pictures(parts[:-1], b"labels"), pictures(parts[-1:], b"labels")
    return (train[0], train[1].astype("uint8")), (test[0], test[1].astype("uint8"))
