"""Hashes of texts, many at a time: FarmHash's 64-bit fingerprint and SipHash-2-4.

Both work on the bytes of UTF-8. Texts of one length are hashed together, column by column of their
bytes, in NumPy's unsigned integers, which wrap. The formulas are those of the published
descriptions: Google's FarmHash (`Fingerprint64`, stable over versions and machines), and Aumasson
and Bernstein, "SipHash: a fast short-input PRF", 2012.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

_U = np.uint64
_K0, _K1, _K2 = _U(0xC3A5C85C97CB3127), _U(0xB492B66FBE98F273), _U(0x9AE16A3B2F90404F)

Words = np.ndarray  # of uint64, one for each text


def fingerprints(texts: Sequence[bytes]) -> Words:
    """FarmHash's `Fingerprint64` of each text."""
    return _by_length(texts, _farm)


def keyed_hashes(texts: Sequence[bytes], key: Sequence[int]) -> Words:
    """SipHash-2-4 of each text, with a key of two integers of 64 bits."""
    low, high = (_U(part % 2**64) for part in key)
    return _by_length(texts, lambda data: _sip(data, low, high))


def crossed(one: Words, other: Words) -> Words:
    """One fingerprint of two, as TensorFlow joins those of crossed features."""
    mul = _U(0xC6A4A7935BD1E995)
    result = one ^ mul
    result = result ^ (_mixed(other * mul) * mul)
    result = result * mul
    return _mixed(_mixed(result) * mul)


def _by_length(texts: Sequence[bytes], hashed: Callable[[np.ndarray], Words]) -> Words:
    lengths = np.fromiter(map(len, texts), np.int64, len(texts))
    found = np.empty(len(texts), np.uint64)
    for length in np.unique(lengths):
        places = np.flatnonzero(lengths == length)
        joined = b"".join([texts[i] for i in places.tolist()])
        data = np.frombuffer(joined, np.uint8).reshape(len(places), length)
        found[places] = hashed(data)
    return found


def _word(data: np.ndarray, start: int, size: int = 8) -> Words:
    """The little-endian integers of `size` bytes at `start`."""
    found = np.zeros(len(data), np.uint64)
    for i in range(size):
        found |= data[:, start + i].astype(np.uint64) << _U(8 * i)
    return found


def _turned(x: Words, bits: int) -> Words:
    """Rotated right."""
    return (x >> _U(bits)) | (x << _U(64 - bits))


def _mixed(x: Words) -> Words:
    return x ^ (x >> _U(47))


# --- FarmHash


def _farm(data: np.ndarray) -> Words:
    length = data.shape[1]
    if length <= 16:
        return _farm_short(data)
    if length <= 32:
        return _farm_middle(data)
    return _farm_64(data) if length <= 64 else _farm_long(data)


def _of_two(u: Words, v: Words, mul: np.uint64) -> Words:
    a = _mixed((u ^ v) * mul)
    return _mixed((v ^ a) * mul) * mul


def _multiplier(length: int) -> np.uint64:
    return _U((int(_K2) + 2 * length) % 2**64)


def _farm_short(data: np.ndarray) -> Words:
    length = data.shape[1]
    mul = _multiplier(length)
    if length >= 8:
        a = _word(data, 0) + _K2
        b = _word(data, length - 8)
        return _of_two(_turned(b, 37) * mul + a, (_turned(a, 25) + b) * mul, mul)
    if length >= 4:
        a = _word(data, 0, 4)
        return _of_two(_U(length) + (a << _U(3)), _word(data, length - 4, 4), mul)
    if length:
        first, middle, last = (data[:, i].astype(np.uint64) for i in (0, length >> 1, length - 1))
        y = first + (middle << _U(8))
        z = _U(length) + (last << _U(2))
        return _mixed((y * _K2) ^ (z * _K0)) * _K2
    return np.full(len(data), _K2)


def _farm_middle(data: np.ndarray) -> Words:
    length = data.shape[1]
    mul = _multiplier(length)
    a, b = _word(data, 0) * _K1, _word(data, 8)
    c, d = _word(data, length - 8) * mul, _word(data, length - 16) * _K2
    return _of_two(_turned(a + b, 43) + _turned(c, 30) + d, a + _turned(b + _K2, 18) + c, mul)


def _farm_64(data: np.ndarray) -> Words:
    length = data.shape[1]
    mul = _multiplier(length)
    a, b = _word(data, 0) * _K2, _word(data, 8)
    c, d = _word(data, length - 8) * mul, _word(data, length - 16) * _K2
    y = _turned(a + b, 43) + _turned(c, 30) + d
    z = _of_two(y, a + _turned(b + _K2, 18) + c, mul)
    e, f = _word(data, 16) * mul, _word(data, 24)
    g = (y + _word(data, length - 32)) * mul
    h = (z + _word(data, length - 24)) * mul
    return _of_two(_turned(e + f, 43) + _turned(g, 30) + h, e + _turned(f + a, 18) + g, mul)


def _weak(data: np.ndarray, start: int, a: Words, b: Words) -> tuple[Words, Words]:
    """Two words of 32 bytes at `start` and two seeds."""
    first, second, third, fourth = (_word(data, start + 8 * i) for i in range(4))
    a = a + first
    b = _turned(b + a + fourth, 21)
    c = a
    a = a + second + third
    b = b + _turned(a, 44)
    return a + fourth, b + c


def _farm_long(data: np.ndarray) -> Words:
    rows, length = data.shape
    nothing = np.zeros(rows, np.uint64)
    seed = nothing + _U(81)
    x = seed * _K2 + _word(data, 0)
    y = seed * _K1 + _U(113)
    z = _mixed(y * _K2 + _U(113)) * _K2
    v = w = (nothing, nothing)
    rest = (length - 1) & 63
    end = (length - 1) // 64 * 64

    def block(start: int, mul: Words, nine: np.uint64) -> None:
        nonlocal x, y, z, v, w
        x = _turned(x + y + v[0] + _word(data, start + 8), 37) * mul
        y = _turned(y + v[1] + _word(data, start + 48), 42) * mul
        x = x ^ (w[1] * nine)
        y = y + v[0] * nine + _word(data, start + 40)
        z = _turned(z + w[0], 33) * mul
        v = _weak(data, start, v[1] * mul, x + w[0])
        w = _weak(data, start + 32, z + w[1], y + _word(data, start + 16))
        z, x = x, z

    for start in range(0, end, 64):
        block(start, nothing + _K1, _U(1))
    mul = _K1 + ((z & _U(0xFF)) << _U(1))
    w = (w[0] + _U(rest), w[1])
    v = (v[0] + w[0], v[1])
    w = (w[0] + v[0], w[1])
    block(length - 64, mul, _U(9))
    return _of_two(
        _of_two(v[0], w[0], mul) + _mixed(y) * _K0 + z, _of_two(v[1], w[1], mul) + x, mul
    )


# --- SipHash


def _sip(data: np.ndarray, low: np.uint64, high: np.uint64) -> Words:
    rows, length = data.shape
    nothing = np.zeros(rows, np.uint64)
    state = [
        nothing + (key ^ _U(constant))
        for key, constant in (
            (low, 0x736F6D6570736575),
            (high, 0x646F72616E646F6D),
            (low, 0x6C7967656E657261),
            (high, 0x7465646279746573),
        )
    ]
    whole = length // 8 * 8
    for start in range(0, whole, 8):
        _sip_block(state, _word(data, start))
    last = _U((length & 0xFF) << 56) | _word(data, whole, length - whole)
    _sip_block(state, last)
    state[2] = state[2] ^ _U(0xFF)
    for _ in range(4):
        _sip_round(state)
    return state[0] ^ state[1] ^ state[2] ^ state[3]


def _sip_block(state: list[Words], word: Words) -> None:
    state[3] = state[3] ^ word
    for _ in range(2):
        _sip_round(state)
    state[0] = state[0] ^ word


def _sip_round(state: list[Words]) -> None:
    a, b, c, d = state
    a, c = a + b, c + d
    b, d = _turned(b, 51) ^ a, _turned(d, 48) ^ c
    a = _turned(a, 32)
    a, c = a + d, c + b
    b, d = _turned(b, 47) ^ c, _turned(d, 43) ^ a
    c = _turned(c, 32)
    state[:] = a, b, c, d
