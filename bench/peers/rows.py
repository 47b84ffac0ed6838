"""What is compared. A row names a function and its arguments; each library's file (fastdl_rows.py,
torch_rows.py, ...) has that function, or takes no part in the row."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from itertools import pairwise
from typing import Any

from .networks import NETWORKS, out_size, work_of
from .sequences import GATES, GPT, RECURRENT


@dataclass(frozen=True)
class Row:
    """One comparison.

    Attributes:
        what: what one measurement is.
        function: the name of the function that each library's file has for it.
        arguments: what it is called with; it returns seconds (several samples) or a dict.
        unit: of the printed times.
        flops, bytes: the least that one measurement has to compute and to move, for the floor.
        rate: which of the machine's rates the operations count at, see floors.py.
        whole_process: timed from outside, process start included.
    """

    what: str
    function: str
    arguments: tuple[Any, ...] = ()
    unit: str = "ms"
    flops: float = 0.0
    bytes: float = 0.0
    rate: str = "flops"
    whole_process: bool = False


class NoPart(Exception):
    """A library is there but cannot do what the row asks for; the message says why."""


def mlp_row(what: str, sizes: tuple[int, ...], batch: int) -> Row:
    """One training step of a dense network with Adam.

    Floor: forward and weight gradients of every layer, input gradients of all but the first (2
    flops for each weight and sample); Adam reads p, g, m, v and writes p, m, v once.
    """
    weights = [a * b for a, b in pairwise(sizes)]
    flops = 2.0 * batch * (3 * sum(weights) - weights[0])
    moved = 7 * 4.0 * (sum(weights) + sum(sizes[1:]))
    return Row(what, "mlp", (sizes, batch), flops=flops, bytes=moved)


def mlp_bf16_row(what: str, sizes: tuple[int, ...], batch: int) -> Row:
    """`mlp_row` in mixed precision: products of bfloat16, parameters and Adam in float32.

    Floor: as many operations, at the rate of bfloat16; gradients may be bfloat16 too.
    """
    exact = mlp_row(what, sizes, batch)
    moved = exact.bytes * (6 * 4 + 2) / (7 * 4)
    return replace(exact, function="mlp_bf16", bytes=moved, rate="bf16_flops")


def matmul_row(m: int, n: int, k: int, transposed: str = "nn") -> Row:
    """One product of (m, k) and (k, n); a "t" for an operand that is stored transposed."""
    left, right = (f"({a}, {b})" for a, b in ((m, k), (k, n)))
    if transposed[0] == "t":
        left = f"({k}, {m})^T"
    if transposed[1] == "t":
        right = f"({n}, {k})^T"
    moved = 4.0 * (m * k + k * n + m * n)
    arguments = (m, n, k, transposed[0] == "t", transposed[1] == "t")
    return Row(f"{left} times {right}", "matmul", arguments, "us", 2.0 * m * n * k, moved)


def matmul_rows(name: str, m: int, n: int, k: int) -> dict[str, Row]:
    """A B, and A^T B, A B^T and A^T B^T as name_tn, name_nt, name_tt."""
    plain = {f"matmul_{name}": matmul_row(m, n, k)}
    return plain | {f"matmul_{name}_{t}": matmul_row(m, n, k, t) for t in ("tn", "nt", "tt")}


def predict_row(batch: int) -> Row:
    """Outputs of 784-512-10 for one batch, from a NumPy array to a NumPy array."""
    flops = 2.0 * batch * (784 * 512 + 512 * 10)
    moved = 4.0 * (784 * 512 + 512 * 10 + batch * (784 + 10))
    what = f"784-512-10, batch {batch}, NumPy in, NumPy out"
    return Row(what, "predict", ((784, 512, 10), batch), "us", flops, moved)


def network_row(name: str, batch: int) -> Row:
    """One training step of a convolutional network with Adam.

    Floor: forward and weight gradients of every layer, input gradients of all but the first; Adam
    as in `mlp_row`; each convolution's output is written and read once, forward and backward.
    """
    work = work_of(NETWORKS[name])
    flops = 2.0 * batch * (3 * work.products + 2 * work.first)
    moved = 7 * 4.0 * work.weights + 4 * 4.0 * batch * work.values
    what = f"training step, batch {batch}"
    return Row(what, "network", (name, batch), flops=flops, bytes=moved)


def network_bf16_row(name: str, batch: int) -> Row:
    """`network_row` in mixed precision."""
    exact = network_row(name, batch)
    return replace(exact, function="network_bf16", rate="bf16_flops")


def network_predict_row(name: str, batch: int) -> Row:
    """Logits of one batch, from a NumPy array to a NumPy array."""
    work = work_of(NETWORKS[name])
    flops, moved = 2.0 * batch * (work.products + work.first), 4.0 * work.weights
    what = f"logits, batch {batch}, NumPy in, NumPy out"
    return Row(what, "network_predict", (name, batch), "us", flops, moved)


def network_rows() -> dict[str, Row]:
    """Training, mixed precision and prediction of the networks of networks.py."""
    found = {}
    for name in NETWORKS:
        batch = 32 if name == "mobilenet" else 64
        found[name] = network_row(name, batch)
        found[f"{name}_bf16"] = network_bf16_row(name, batch)
        for size in (1, 64):
            found[f"{name}_predict_{size}"] = network_predict_row(name, size)
    return found


def convolution_rows() -> dict[str, Row]:
    """Single convolutions and their gradients, with padding "same"."""
    shapes = [(k, c, n, 1, False) for k in (3, 1) for c in (64, 128) for n in (56, 28, 14, 7)]
    shapes += [(3, c, n, s, True) for c, n in ((32, 56), (64, 28), (128, 14)) for s in (1, 2)]
    found = {}
    for window, channels, size, stride, depthwise in shapes:
        batch = max(1, 64 * 14 * 14 // (size * size))
        out = out_size(size, window, stride, "same")
        taps = window * window * (1 if depthwise else channels)
        flops = 2.0 * batch * out * out * channels * taps
        moved = 4.0 * (batch * channels * (size * size + out * out) + taps * channels)
        kind = "depthwise" if depthwise else f"conv{window}x{window}"
        name = f"{kind}_{channels}_{size}" + (f"_stride{stride}" if stride > 1 else "")
        for part in ("forward", "data", "weights"):
            what = f"{channels} channels, {size} x {size} pixels, batch {batch}: {part}"
            arguments = (part, size, channels, window, stride, depthwise, batch)
            found[f"{name}_{part}"] = Row(what, "convolution", arguments, "us", flops, moved)
    return found


def sequence_rows() -> dict[str, Row]:
    """Training of recurrent networks and of a small transformer, attention, and single steps."""
    found = {}
    for name in (*GATES, "gpt"):
        gpt = name == "gpt"
        flops = GPT.flops() if gpt else RECURRENT.flops(GATES[name])
        what = f"training step, batch {GPT.batch if gpt else RECURRENT.batch}"
        moved = 0.0 if gpt else RECURRENT.bytes()
        found[name] = Row(what, "sequence", (name,), flops=flops, bytes=moved)
        found[f"{name}_bf16"] = replace(found[name], function="sequence_bf16", rate="bf16_flops")
    for length in (16, 64, 512, 4096):
        batch, heads, width = max(1, 1024 // length), 4, 64
        for causal in (False, True):
            # Two products forward and five backward; causal: half of each.
            flops = 14.0 * batch * heads * length * length * width * (0.5 if causal else 1)
            name = f"attention_{length}" + ("_causal" if causal else "")
            what = f"{batch} x {heads} heads of width {width}, length {length}, with gradients"
            arguments = (length, causal, batch, heads, width)
            found[name] = Row(what, "attention", arguments, "us", flops)
    tokens, blocks = GPT.context - 1, GPT.layers * 12 * GPT.width**2
    what = f"a token of the gpt of batch 1, mean of {tokens}, keys and values kept"
    weights = float(blocks + GPT.width * GPT.vocabulary)
    found["generate"] = Row(what, "generate", (tokens,), "us", 2 * weights, 4 * weights)
    step = 2.0 * 4 * 64 * 128
    what = "one LSTM(64) step of batch 1, NumPy in, NumPy out"
    found["lstm_step"] = Row(what, "lstm_step", (64,), "us", step, 4.0 * 4 * 64 * 128)
    return found


_SQUARE = (64, 128, 256, 512, 1024, 2048, 4096)
_THIN = [(128, 512, 784), (32, 64, 64), (128, 10, 512), (64, 1024, 4096), (1, 1024, 1024)]
# Few elements, each a long sum: weight gradients of convolutions.
_THIN += [(64, 64, 50176), (27, 16, 200000)]
_PRODUCTS = {str(n): (n, n, n) for n in _SQUARE}
_PRODUCTS |= {f"{m}x{k}x{n}": (m, n, k) for m, n, k in _THIN}

ROWS: dict[str, Row] = {
    "import": Row("import in a new process, NumPy's own import subtracted", "IMPORTS"),
    "mlp_tiny": mlp_row("10-64-64-1, mse, batch 32, one step", (10, 64, 64, 1), 32),
    "mlp_128": mlp_row("784-128-10, batch 32, one step", (784, 128, 10), 32),
    "mlp_512": mlp_row("784-512-10, batch 128, one step", (784, 512, 10), 128),
    "mlp_4096": mlp_row("1024-4096-4096-1000, batch 256, one step", (1024, 4096, 4096, 1000), 256),
    "mlp_4096_bf16": mlp_bf16_row(
        "1024-4096-4096-1000 in mixed bfloat16, batch 256, one step", (1024, 4096, 4096, 1000), 256
    ),
    **{n: row for name, size in _PRODUCTS.items() for n, row in matmul_rows(name, *size).items()},
    **{f"predict_{batch}": predict_row(batch) for batch in (1, 64, 1024)},
    **network_rows(),
    **sequence_rows(),
    **convolution_rows(),
    "cold_mnist": Row(
        "process start, import, load MNIST, 5 epochs of mlp_512, evaluate",
        "cold_mnist",
        unit="s",
        whole_process=True,
    ),
}


def select(patterns: Iterable[str]) -> list[str]:
    """The names of the rows that match the patterns, which may have *, ? and [...] as for files.

    In the order of the patterns, each once.

    Raises:
        ValueError: a pattern that names none.
    """
    found: dict[str, None] = {}
    for pattern in patterns:
        names = [name for name in ROWS if fnmatchcase(name, pattern)]
        if not names:
            raise ValueError(f"no row {pattern!r}; there are {', '.join(ROWS)}")
        found.update(dict.fromkeys(names))
    return list(found)


def stored(m: int, n: int, k: int, a_t: bool, b_t: bool) -> tuple[tuple[int, int], ...]:
    """The shapes in which the operands of a matmul row lie in memory."""
    return (k, m) if a_t else (m, k), (n, k) if b_t else (k, n)


def product(a: Any, b: Any, a_t: bool, b_t: bool) -> Callable[[], Any]:
    """Multiplies operands that lie as `stored` says, as users of NumPy and its likes write it."""
    if a_t:
        return (lambda: a.T @ b.T) if b_t else (lambda: a.T @ b)
    return (lambda: a @ b.T) if b_t else (lambda: a @ b)


def repeat(run: Callable[[], object], per: int = 1, seconds: float = 0.2) -> list[float]:
    """Seconds of one unit of work, ten samples; `run` does `per` units.

    Each sample repeats `run` until `seconds` have passed, after a warm-up of the same length.
    """

    def sample() -> float:
        start, count = time.perf_counter(), 0
        while True:
            run()
            count += 1
            passed = time.perf_counter() - start
            if passed >= seconds:
                return passed / (count * per)

    sample()
    return [sample() for _ in range(10)]


def samples_for(batch: int, sizes: tuple[int, ...]) -> int:
    """How many samples an epoch of the training rows has: 100 steps, 8 of the large network."""
    return batch * (100 if sizes[0] * sizes[1] < 10**6 else 8)


def mnist_folder() -> str:
    """The folder with MNIST's IDX files: $FASTDL_DATA/mnist."""
    return os.path.join(os.environ.get("FASTDL_DATA", "."), "mnist")


def load_mnist() -> list[tuple[Any, Any]]:
    """MNIST for everyone: (x_train, y_train), (x_test, y_test), x flat and in [0, 1]."""
    import gzip

    import numpy as np

    def read(name: str, offset: int) -> Any:
        with gzip.open(os.path.join(mnist_folder(), name)) as f:
            return np.frombuffer(f.read(), np.uint8, offset=offset)

    pairs = []
    for part in ("train", "t10k"):
        y = read(f"{part}-labels-idx1-ubyte.gz", 8)
        x = read(f"{part}-images-idx3-ubyte.gz", 16).reshape(len(y), 784).astype("float32")
        x /= 255  # in place: a second copy would be the peak of every library's memory
        pairs.append((x, y.astype("int64")))
    return pairs


def data_for(sizes: tuple[int, ...], batch: int) -> tuple[Any, Any]:
    """Random training data of an epoch: class indices, or one real target where the output is 1."""
    import numpy as np

    rng, n = np.random.default_rng(0), samples_for(batch, sizes)
    x = rng.random((n, sizes[0]), np.float32)
    if sizes[-1] == 1:
        return x, x.sum(1, keepdims=True)
    return x, rng.integers(0, sizes[-1], n)
