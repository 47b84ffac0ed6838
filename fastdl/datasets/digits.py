"""The UCI handwritten digits: 1,797 pictures of 8 x 8 pixels, bundled with the package.

Source, licence (CC BY 4.0) and authors: see `digits.LICENSE.txt` beside this file.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ._idx import Split

_TEST_EVERY = 5


def load_data() -> tuple[Split, Split]:
    """Loads the digits; no network needed.

    The split is fixed: within each class, in the order of the source, every fifth picture (the 5th,
    10th, ...) is for testing. So both parts hold all classes in proportion, and the 13 people who
    wrote the digits appear in both.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: uint8 arrays of shapes (1442, 8, 8), (1442,),
        (355, 8, 8), (355,); pixels 0 (background) to 16, labels 0 to 9.

    Example:
        >>> from fastdl.datasets import digits
        >>> (x_train, y_train), (x_test, y_test) = digits.load_data()
        >>> x_train.shape, x_test.shape
        ((1442, 8, 8), (355, 8, 8))
    """
    with np.load(os.path.join(os.path.dirname(__file__), "digits.npz")) as archive:
        images, labels = archive["images"], archive["labels"]
    test = np.zeros(len(labels), bool)
    for digit in range(10):
        test[np.flatnonzero(labels == digit)[_TEST_EVERY - 1 :: _TEST_EVERY]] = True
    return (images[~test], labels[~test]), (images[test], labels[test])
