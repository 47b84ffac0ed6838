"""Random programs of views and changes in place, on the tape and in recorded steps.

The same program runs on NumPy's views in float64, and central differences of it are the gradients.
"""

import random

import numpy as np
import pytest

import fastdl

STEPS = 14
SIZES = ((3, 4), (2, 3, 2), (4,), (2, 1, 3))


def piece(t, draw):
    """A view of t; t has no axes left, or one of its axes is drawn."""
    if not t.ndim:
        return t.reshape(1)
    axis = draw.randrange(t.ndim)
    size = t.shape[axis]
    start = draw.randrange(max(size, 1))
    whole = (slice(None),) * axis
    order = draw.sample(range(t.ndim), t.ndim)
    choices = [
        lambda: t[(*whole, start, ...)] if size else t,  # with dots NumPy gives views only
        lambda: t[(*whole, slice(start, start + draw.randrange(1, 3)))],
        lambda: t[(*whole, slice(start, None, 2))],
        lambda: t[..., None],
        lambda: t.transpose(order) if isinstance(t, np.ndarray) else t.permute(order),
        lambda: cut(t, axis)[draw.randrange(2)],
        lambda: t[None],
        lambda: t.reshape(t.shape[0], -1) if t.size and is_plain(t) else t,
    ]
    return draw.choice(choices)()


def cut(t, axis):
    half = t.shape[axis] // 2
    if isinstance(t, np.ndarray):
        return np.split(t, [half], axis)
    return t.tensor_split([half], axis)


def is_plain(t):
    """Whether reshape gives a view of t: known for new tensors only, so both sides agree."""
    return t.ndim > 1 and t.shape[0] == 1


def change(t, other, draw):
    """A change in place."""
    factor = draw.choice([0.5, 1.25, -2.0])
    kind = draw.randrange(7)
    if kind == 0:
        t *= factor
    elif kind == 1:
        t[...] = factor
    elif kind == 2 and t.ndim:
        t[0] += factor
    elif kind == 3 and t.ndim and t.shape[-1]:
        t[..., -1] = other.sum() * factor
    elif kind == 4:
        t[...] = t * factor + 1.0
    elif kind == 5:
        t += other.sum() * other.sum()
    elif kind == 6:
        copy = t * 1.0  # whose values stay, for the gradient
        t -= copy * copy


def run(seed, x):
    """All tensors of the program, and the sum that is differentiated."""
    draw = random.Random(seed)
    tensors = [x * 1.0, x * 0.5 + 1.0]
    total = 0.0
    for _ in range(STEPS):
        t = draw.choice(tensors)
        kind = draw.random()
        if kind < 0.45:
            tensors.append(piece(t, draw))
        elif kind < 0.8:
            change(t, draw.choice(tensors), draw)
        elif kind < 0.9 and t.ndim:
            tensors.append(t * 2.0)  # a call that needs its place, but not its values
        else:
            total = total + (t * 0.7).sum()  # of the value before later changes
    for weight, t in enumerate(tensors):
        total = total + (t * t).sum() * (0.03 * weight + 0.1)
    return tensors, total


def differences(seed, x, step=1e-6):
    slopes = np.zeros_like(x)
    for place in np.ndindex(x.shape):
        ends = []
        for sign in (1, -1):
            moved = x.copy()
            moved[place] += sign * step
            ends.append(run(seed, moved)[1])
        slopes[place] = (ends[0] - ends[1]) / (2 * step)
    return slopes


def close(actual, expected):
    # float32 sums of some 20 operations, each of which may enlarge the values.
    scale = max(1.0, np.abs(expected).max(initial=0.0))
    np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=1e-4 * scale)


@pytest.mark.parametrize("start", range(0, 200, 25))
def test_random_programs(start):
    """Values, gradients, and the same bits from a recorded step."""
    compared = 0
    for seed in range(start, start + 25):
        values = np.random.default_rng(seed).normal(size=SIZES[seed % len(SIZES)])
        expected, _ = run(seed, values.copy())
        if max(np.abs(t).max(initial=0.0) for t in expected) > 1e3:
            continue  # squares of squares
        plain, _ = run(seed, fastdl.tensor(values.astype("float32")))
        for t, e in zip(plain, expected, strict=True):
            close(t.numpy(), e)
        recorded = fastdl.plan(lambda x, seed=seed: run(seed, x)[0])
        for _ in range(3):
            again = recorded(fastdl.tensor(values.astype("float32")))
        for t, e in zip(again, plain, strict=True):
            np.testing.assert_array_equal(t.numpy(), e.numpy())

        x = fastdl.tensor(values.astype("float32")).requires_grad_()
        tensors, total = run(seed, x)
        for t, e in zip(tensors, expected, strict=True):
            close(t.detach().numpy(), e)
        try:
            total.backward()
        except RuntimeError as error:
            assert "was changed in place after it was used" in str(error), error
            continue
        close(x.grad.numpy(), differences(seed, values))
        compared += 1
    assert compared >= 12
