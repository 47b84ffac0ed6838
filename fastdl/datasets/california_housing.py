"""California Housing: prices of houses in 20,640 blocks, with 8 numbers each (census of 1990)."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from .._base.checks import check_choice
from . import _files

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Split = tuple[NDArray[Any], NDArray[Any]]

_FILE = _files.PublishedFile(
    "california_housing",
    "California Housing",
    "california_housing.npz",
    "1a2e3a52e0398de6463aebe6f4a8da34fb21fbb6b934cf88c3425e766f2a1a6f",
    most=1_000_000,
)
_SMALL = 600


def load_data(
    version: str = "large",
    path: str | os.PathLike[str] = "california_housing.npz",
    test_split: float = 0.2,
    seed: int | None = 113,
) -> tuple[Split, Split]:
    """Loads the prices, downloading them the first time if need be.

    The numbers are the median income, the median age of houses, rooms and bedrooms for each
    household, people, people for each household, latitude and longitude. Places and errors are
    those of `fastdl.datasets.imdb.load_data`, for the file `california_housing.npz` in the folder
    `california_housing`.

    Args:
        version: "large", or "small" for the first 600 blocks.
        path: the file, or a folder with it.
        test_split: the share of the blocks that are for tests, in [0, 1).
        seed: of their order.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: arrays of shapes (16512, 8), (16512,), (4128, 8),
        (4128,); the prices are in dollars.

    Raises:
        ValueError: another version.

    Source: `keras.datasets.california_housing` of Keras 3.

    Example::

        from fastdl.datasets import california_housing
        (x_train, y_train), (x_test, y_test) = california_housing.load_data("small")
    """
    who = "california_housing.load_data"
    check_choice(who, "version", version, ("small", "large"))
    _files.check_share(who, test_split)
    x, y = _files.arrays(_files.load(_FILE, path))
    if version == "small":
        x, y = x[:_SMALL], y[:_SMALL]
    return _files.split(x, y, test_split, seed)
