"""Data sets to learn and to measure with: `digits` (bundled), `mnist` and `fashion_mnist`.

Each module has `load_data()`, which returns `(x_train, y_train), (x_test, y_test)` as NumPy arrays.
"""

from . import digits, fashion_mnist, mnist

__all__ = ["digits", "fashion_mnist", "mnist"]
