"""A program that alternates between Cython's `prange` and fastdl. `python -m bench.mixed` prints
the seconds of its turns as JSON. FASTDL_THREADING selects the threads that fastdl uses."""

from __future__ import annotations

import argparse
import json

import numpy as np

import fastdl

from . import cython_library
from .peers import fastdl_rows
from .peers.rows import repeat

BATCH = 128
WHAT = f"{BATCH} pictures of 784 bytes standardized by prange, then a step of 784-512-10"


def main() -> None:
    argparse.ArgumentParser(prog="python -m bench.mixed", description=__doc__).parse_args()
    module = cython_library.build("cython_prange", "-fopenmp")
    if module is None:
        raise ModuleNotFoundError("Cython")
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 256, (BATCH, 784), np.uint8)
    x, y = np.empty((BATCH, 784), np.float32), rng.integers(0, 10, BATCH)
    model, threads = fastdl_rows._model((784, 512, 10)), fastdl.get_num_threads()

    def turn() -> None:
        module.standardize(pictures, x, threads)
        model.train_on_batch(x, y)

    print(json.dumps({"seconds": repeat(turn)}))


if __name__ == "__main__":
    main()
