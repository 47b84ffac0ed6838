"""CIFAR-100: 60,000 colored pictures of 32 x 32 pixels in 100 classes (Krizhevsky, 2009)."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from .._base.checks import check_choice
from . import _files

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Split = tuple[NDArray[Any], NDArray[Any]]

_FILE = _files.PublishedFile(
    "cifar100",
    "CIFAR-100",
    "cifar-100-python.tar.gz",
    "85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7",
    most=180_000_000,
    folder="https://www.cs.toronto.edu/~kriz/",
)


def load_data(
    label_mode: str = "fine", path: str | os.PathLike[str] | None = None
) -> tuple[Split, Split]:
    """Loads CIFAR-100, downloading it the first time if need be.

    The file is `cifar-100-python.tar.gz` (169 MB). Places and errors are those of
    `fastdl.datasets.imdb.load_data`; the folder is called `cifar100`.

    Args:
        label_mode: "fine" for the 100 classes, "coarse" for the 20 groups of them.
        path: the file, or a folder with it.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: uint8 arrays of shapes (50000, 32, 32, 3) and
        (10000, 32, 32, 3), and int64 labels of shapes (50000, 1) and (10000, 1).

    Raises:
        ValueError: another `label_mode`.

    Source: `keras.datasets.cifar100` of Keras 3, which takes no path.

    Example::

        from fastdl.datasets import cifar100
        (x_train, y_train), (x_test, y_test) = cifar100.load_data()
    """
    from ._cifar import batches, pictures

    check_choice("cifar100.load_data", "label_mode", label_mode, ("fine", "coarse"))
    parts = batches(_files.load(_FILE, path), "cifar-100-python", ["train", "test"])
    labels = f"{label_mode}_labels".encode()
    return pictures(parts[:1], labels), pictures(parts[1:], labels)
