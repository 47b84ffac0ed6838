"""Philox4x32-10 in NumPy (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC11)."""

import numpy as np


def philox4x32(counter: np.ndarray, key: tuple[int, int]) -> np.ndarray:
    """counter: uint64 (n, 4) of 32-bit words -> the same shape."""
    x = [counter[:, i].astype(np.uint64) for i in range(4)]
    k = [np.uint64(key[0]), np.uint64(key[1])]
    low = np.uint64(0xFFFFFFFF)
    for _ in range(10):
        a, b = x[0] * np.uint64(0xD2511F53), x[2] * np.uint64(0xCD9E8D57)
        x = [
            (b >> np.uint64(32)) ^ x[1] ^ k[0],
            b & low,
            (a >> np.uint64(32)) ^ x[3] ^ k[1],
            a & low,
        ]
        k = [(k[0] + np.uint64(0x9E3779B9)) & low, (k[1] + np.uint64(0xBB67AE85)) & low]
    return np.stack(x, axis=1)


def words(n: int, seed: int, counter: int = 0) -> np.ndarray:
    """The first n 32-bit words from `counter` on, four to a counter, as uint64."""
    c = np.arange(counter, counter + (n + 3) // 4, dtype=np.uint64)
    zero = np.zeros_like(c)
    c = np.stack([c & np.uint64(0xFFFFFFFF), c >> np.uint64(32), zero, zero], axis=1)
    return philox4x32(c, (seed & 0xFFFFFFFF, seed >> 32)).reshape(-1)[:n]


def words64(n: int, seed: int) -> np.ndarray:
    """n 64-bit words, each of two in order, the lower half first."""
    w = words(2 * n, seed).reshape(n, 2)
    return w[:, 0] | w[:, 1] << np.uint64(32)


def unit(n: int, seed: int) -> np.ndarray:
    """float32 in [0, 1), multiples of 2^-24."""
    return (words(n, seed) >> np.uint64(8)).astype(np.float32) * np.float32(2**-24)
