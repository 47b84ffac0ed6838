"""What is compared. A row is measured by a function of the same name in each library's file
(fastdl_rows.py, torch_rows.py, ...); a library without that function does not take part."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

# name: (what one measurement is, unit of the result)
ROWS = {
    "import": ("importing the library in a new process, NumPy's own import subtracted", "ms"),
    "mlp_512": ("one training step 784-512-10, Adam, batch 128, shuffled epochs in memory", "ms"),
    "cold_mnist": ("process start, import, load MNIST, 5 epochs of mlp_512, evaluate", "s"),
}


def repeat(run: Callable[[], object], times: int, per: int = 1, warm_up: int = 1) -> list[float]:
    """Seconds of `times` calls of run, each divided by `per`, after `warm_up` calls."""
    for _ in range(warm_up):
        run()
    seconds = []
    for _ in range(times):
        start = time.perf_counter()
        run()
        seconds.append((time.perf_counter() - start) / per)
    return seconds


def mnist_folder() -> str:
    """The folder with MNIST's IDX files: $FASTDL_DATA/mnist."""
    return os.path.join(os.environ.get("FASTDL_DATA", "."), "mnist")


def load_mnist():
    """MNIST for everyone: (x_train, y_train), (x_test, y_test), x flat and in [0, 1]."""
    import gzip

    import numpy as np

    def read(name: str, offset: int):
        with gzip.open(os.path.join(mnist_folder(), name)) as f:
            return np.frombuffer(f.read(), np.uint8, offset=offset)

    pairs = []
    for part in ("train", "t10k"):
        y = read(f"{part}-labels-idx1-ubyte.gz", 8)
        x = read(f"{part}-images-idx3-ubyte.gz", 16).reshape(len(y), 784).astype("float32") / 255
        pairs.append((x, y.astype("int64")))
    return pairs
