"""Values that most arguments must refuse, for the tests of error messages."""

import numpy as np

import fastdl


class Thing:
    def __repr__(self):
        return "a thing"


NO_NUMBERS = {
    "None": None,
    "text": "a",
    "list": [],
    "dict": {},
    "object": Thing(),
    "matrix": np.ones((2, 2), np.float32),
    "tensor": fastdl.ones(2, 3),
}
ODD_NUMBERS = {
    "nan": float("nan"),
    "inf": float("inf"),
    "negative": -1,
    "huge": 2**70,
    "true": True,
    "half": 0.5,
}
HOSTILE = {**NO_NUMBERS, **ODD_NUMBERS}

REFUSALS = (ValueError, TypeError, IndexError, KeyError, NotImplementedError)

X = np.array([[0.1, 0.2, 0.7], [0.3, 0.3, 0.4]], np.float32)
