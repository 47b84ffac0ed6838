"""Boston Housing: prices of 506 houses and 13 numbers about each (Harrison and Rubinfeld, 1978).

One of the numbers is made from the share of Black people in a town, and stands for the assumption
that segregation raises prices. Use `california_housing` unless you study that.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from . import _files

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Split = tuple[NDArray[Any], NDArray[Any]]

_FILE = _files.PublishedFile(
    "boston_housing",
    "Boston Housing",
    "boston_housing.npz",
    "f553886a1f8d56431e820c5b82552d9d95cfcb96d1e678153f8839538947dff5",
    most=100_000,
)


def load_data(
    path: str | os.PathLike[str] = "boston_housing.npz",
    test_split: float = 0.2,
    seed: int | None = 113,
) -> tuple[Split, Split]:
    """Loads the prices, downloading them the first time if need be.

    Places and errors are those of `fastdl.datasets.imdb.load_data`, for the file
    `boston_housing.npz` in the folder `boston_housing`.

    Args:
        path: the file, or a folder with it.
        test_split: the share of the houses that are for tests, in [0, 1).
        seed: of their order.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: float64 arrays of shapes (404, 13), (404,),
        (102, 13), (102,); the prices are in 1,000 dollars.

    Source: `keras.datasets.boston_housing` of Keras 3.

    Example::

        from fastdl.datasets import boston_housing
        (x_train, y_train), (x_test, y_test) = boston_housing.load_data()
    """
    who = "boston_housing.load_data"
    _files.check_share(who, test_split)
    return _files.split(*_files.arrays(_files.load(_FILE, path)), test_split, seed)
