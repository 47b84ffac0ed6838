"""Data sets to learn and to measure with. `digits` is bundled, the others are downloaded.

Each module has `load_data()`, which returns `(x_train, y_train), (x_test, y_test)` as NumPy arrays.
"""

from . import (
    boston_housing,
    california_housing,
    cifar10,
    cifar100,
    digits,
    fashion_mnist,
    imdb,
    mnist,
    reuters,
)

__all__ = [
    "boston_housing",
    "california_housing",
    "cifar10",
    "cifar100",
    "digits",
    "fashion_mnist",
    "imdb",
    "mnist",
    "reuters",
]
