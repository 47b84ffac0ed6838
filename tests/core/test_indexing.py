"""tensor[key] and tensor[key] = value, compared with NumPy, or with PyTorch where they differ."""

import numpy as np
import pytest

import fastdl

SHAPE = (4, 5, 6)
MASK = np.random.default_rng(1).random(SHAPE) < 0.4

# Keys with the same meaning in NumPy and PyTorch.
KEYS = [
    0,
    -1,
    np.int64(2),
    (1, 2),
    (1, 2, 3),
    (-1, -1, -1),
    slice(None),
    slice(1, 3),
    slice(None, None, 2),
    slice(None, None, -1),
    slice(-2, None),
    slice(3, 0, -2),
    slice(10, 20),
    slice(2, 2),
    (slice(1, 3), slice(None, None, 2)),
    (slice(None), 2),
    (slice(None), slice(None), 3),
    (0, slice(None), slice(5, None, -2)),
    None,
    (None, 1),
    (slice(None), None, slice(1, 2)),
    (0, None, 1, None),
    Ellipsis,
    (),
    (Ellipsis, 0),
    (0, Ellipsis),
    (1, Ellipsis, slice(0, 2)),
    (Ellipsis, None),
    (0, 1, 2, Ellipsis),
    [0, 2],
    [3, -1, 0, 0],
    [],
    np.array([[0, 1], [2, 3]]),
    np.array([1, 2], "int32"),
    np.array([1, 2], "uint8"),
    range(2),
    (slice(None), [0, 4]),
    (slice(None), slice(None), [0, 5, 1]),
    (Ellipsis, [0, 5, 1]),
    (slice(1, 3), [0, 1]),
    ([0, 1], slice(None, None, 2)),
    ([0, 1], [2, 3]),
    ([0, 1], [2, -3], [4, 5]),
    ([[0], [1]], [2, 3]),
    (slice(None), [0, 1], [2, 3]),
    (slice(None, None, -1), [0, 1], [2, 3]),
    ([0, 1], slice(None), [2, 3]),
    ([0, 1], slice(-6, None, -1), [2, 3]),
    ([0, 1], slice(0, None, -1), [2, 3]),
    ([[0, 1]], slice(1, 4), [2]),
    ([0, 1], None, [2, 3]),
    MASK,
    MASK[:, 0, 0],
    MASK[:, :, 0],
    np.zeros(SHAPE, bool),
    (slice(None), MASK[0, :, 0]),
    (slice(None), MASK[0]),
    (0, MASK[0, :, 0]),
    (slice(1, 2), slice(None), MASK[0, 0]),
]


def data():
    return np.arange(np.prod(SHAPE), dtype="float32").reshape(SHAPE)


def name(key):
    return repr(key).replace("\n", "")[:50]


@pytest.mark.parametrize("key", KEYS, ids=name)
def test_getitem(key):
    expected = data()[key]
    actual = fastdl.tensor(data())[key]
    assert actual.shape == expected.shape
    np.testing.assert_array_equal(actual.numpy(), expected)


def as_tensors(key):
    """Arrays and lists of a key as tensors."""
    if isinstance(key, tuple):
        return tuple(as_tensors(k) for k in key)
    return fastdl.tensor(key) if isinstance(key, np.ndarray) else key


@pytest.mark.parametrize("key", KEYS, ids=name)
def test_setitem(key):
    full = np.full(data()[key].shape, -2.0) + data()[key] / 8
    for value in (-1.0, full, full[None, None], [[[[-3.0]]]]):
        expected = data()
        t = fastdl.tensor(data())
        bare = np.asarray(value)
        while bare.ndim and bare.shape[0] == 1:  # as PyTorch does
            bare = bare[0]
        expected[key] = bare
        t[as_tensors(key)] = value
        np.testing.assert_array_equal(t.numpy(), expected)


@pytest.mark.parametrize("key", KEYS, ids=name)
def test_gradient_of_getitem(key):
    """Each element's gradient is the sum of the weights of its places in the result."""
    t = fastdl.tensor(data(), requires_grad=True)
    y = t[as_tensors(key)]
    weights = np.arange(1.0, y.numel() + 1, dtype="float32").reshape(y.shape)
    (y * weights).sum().backward()
    expected = np.zeros(SHAPE, "float32")
    np.add.at(expected, key, weights)
    np.testing.assert_array_equal(t.grad.numpy(), expected)


def test_integers_are_applied_before_arrays_as_in_pytorch():
    # NumPy treats the 0 as an array and puts the axis of [1, 2, 3] first: (3, 5).
    t = fastdl.tensor(data())
    np.testing.assert_array_equal(t[0, :, [1, 2, 3]].numpy(), data()[0][:, [1, 2, 3]])
    t[0, :, [1, 2, 3]] = 7
    assert (t.numpy() == 7).sum() == 15 and (t[0, :, 1:4].numpy() == 7).all()


def test_tensors_as_indices():
    t = fastdl.tensor(data())
    i, j = fastdl.tensor([0, 3]), fastdl.tensor([[1], [2]], dtype="int32")
    np.testing.assert_array_equal(t[i, j].numpy(), data()[[0, 3], [[1], [2]]])
    np.testing.assert_array_equal(t[i[1]].numpy(), data()[3])
    np.testing.assert_array_equal(t[:, i[1], : i[1]].numpy(), data()[:, 3, :3])
    np.testing.assert_array_equal(t[t > 50].numpy(), data()[data() > 50])


def test_assignment_through_a_mask_broadcasts_over_the_other_axes():
    t = fastdl.tensor(data())
    t[fastdl.tensor([True, False, False, True])] = -1
    expected = data()
    expected[[0, 3]] = -1
    np.testing.assert_array_equal(t.numpy(), expected)


def test_assignment_converts_to_the_tensors_type():
    t = fastdl.tensor([1, 2, 3])
    t[0] = 7.9
    t[t == 2] = 5.5
    t[[2]] = [9.9]
    assert t.tolist() == [7, 5, 9] and t.dtype == "int64"


def test_large_integers_survive_assignment_through_a_mask():
    t = fastdl.tensor([2**53 + 1, 2])
    t[t == 2] = 2**53 + 3
    assert t.tolist() == [2**53 + 1, 2**53 + 3]


def test_a_tensor_may_be_assigned_to_itself_shifted():
    t = fastdl.arange(6.0)
    t[1:] = t[:-1]
    assert t.tolist() == [0, 0, 1, 2, 3, 4]


def test_augmented_assignment_to_an_item():
    t = fastdl.zeros(3, 2)
    t[1] += 1
    t[:, 0] *= 3
    assert t.tolist() == [[0, 0], [3, 1], [0, 0]]


def test_zero_sized():
    t = fastdl.zeros(0, 3)
    assert t[:, 0].shape == (0,)
    assert t[[]].shape == (0, 3)
    assert t[fastdl.zeros(0, dtype=bool)].shape == (0, 3)
    assert fastdl.zeros(3, 0)[[0, 1]].shape == (2, 0)


@pytest.mark.parametrize(
    ("key", "message"),
    [
        (4, r"index 4 is out of range for axis 0 with size 4"),
        (10**30, r"index 10+ is out of range"),
        ((0, -6), r"index -6 is out of range for axis 1 with size 5"),
        ((0, 0, 0, 0), r"4 axes are indexed, but the tensor has 3"),
        ([0, 4], r"index 4 is out of range for axis 0 with size 4"),
        (([0, 1], [0, -6]), r"index -6 is out of range for an axis with size 5"),
        (([0, 1], [0, 1, 2]), r"arrays of shapes \(2,\) and \(3,\) don't broadcast"),
        (1.0, r"got float"),
        ("a", r"got str"),
        ([0.5], r"integers or bools, got dtype float64"),
        ((Ellipsis, 0, Ellipsis), r"at most one ellipsis"),
        (np.zeros((4, 4), bool), r"mask of shape \(4, 4\) doesn't fit axes of shape \(4, 5\)"),
        (np.zeros(3, bool), r"mask of shape \(3,\) doesn't fit"),
    ],
    ids=str,
)
def test_bad_keys(key, message):
    t = fastdl.tensor(data())
    with pytest.raises(IndexError, match=message):
        t[key]
    with pytest.raises(IndexError):
        t[key] = 0
    np.testing.assert_array_equal(t.numpy(), data())


def test_an_integer_for_a_tensor_without_axes():
    with pytest.raises(IndexError, match="without axes"):
        fastdl.tensor(1.0)[0]


@pytest.mark.parametrize("key", [slice(0, 2), 0, [0, 1], ([0, 1], [1, 2]), ([0, 1], 0, [1, 2])])
def test_values_that_do_not_fit(key):
    t = fastdl.tensor(data())
    with pytest.raises(ValueError, match=r"\(7,\)"):
        t[key] = fastdl.zeros(7)
    np.testing.assert_array_equal(t.numpy(), data())


def test_assignment_never_drops_a_gradient():
    leaf = fastdl.zeros(3, requires_grad=True)
    with pytest.raises(RuntimeError, match="no_grad"):
        leaf[0] = 1.0
    with pytest.raises(RuntimeError, match="no_grad"):
        leaf[[0]] = 1.0
    with fastdl.no_grad():
        leaf[0] = 1.0
    assert leaf.tolist() == [1, 0, 0]


KEYS = [
    0,
    slice(1, 3),
    (slice(None), 2),
    [0, 2, 0],
    ([0, 1], [1, 2]),
    (..., None, 0),
    [True, False, True],
]


@pytest.mark.parametrize("key", KEYS, ids=str)
@pytest.mark.parametrize("kind", ["the same shape", "one number", "a constant"])
def test_assignment_has_a_gradient(key, kind):
    """Of the value and of the tensor: by a mask of the places in NumPy."""
    rng = np.random.default_rng(0)
    x0, w = rng.standard_normal((2, 3, 4)).astype(np.float32)
    shape = {"the same shape": x0[key].shape}.get(kind, ())
    v0 = rng.standard_normal(shape).astype(np.float32)
    x, v = fastdl.tensor(x0, requires_grad=True), fastdl.tensor(v0, requires_grad=True)
    y = x * 1
    y[key] = 2.0 if kind == "a constant" else v * 3
    expected = x0.copy()
    expected[key] = 2.0 if kind == "a constant" else v0 * 3
    np.testing.assert_allclose(y.detach().numpy(), expected, rtol=1e-6)
    places = np.arange(12).reshape(3, 4)[key]  # of equal places the last one counts
    last = np.full(12, -1)
    last[places.reshape(-1)] = np.arange(places.size)
    (y * y * w).sum().backward()
    slope = 2 * expected * w
    replaced = last.reshape(3, 4) >= 0
    np.testing.assert_allclose(x.grad.numpy(), np.where(replaced, 0, slope), rtol=1e-5)
    if kind == "one number" and np.unique(places).size == places.size:
        np.testing.assert_allclose(v.grad.numpy(), 3 * slope[key].sum(), rtol=1e-5)
    if kind == "the same shape" and np.unique(places).size == places.size:
        np.testing.assert_allclose(v.grad.numpy(), 3 * slope[key], rtol=1e-5)


def test_assignments_in_a_graph():
    x = fastdl.tensor([1.0, 2.0, 3.0], requires_grad=True)
    out = fastdl.zeros(3)
    for i in range(3):
        out[i] = x[i] ** 2
    out[1] += 10 * x[0]
    assert out.tolist() == [1.0, 14.0, 9.0]
    (slope,) = fastdl.autograd.grad((out * out).sum(), x, create_graph=True)
    # f = x0^4 + (x1^2 + 10 x0)^2 + x2^4
    np.testing.assert_allclose(slope.tolist(), [4 + 20 * 14, 4 * 2 * 14, 4 * 27], rtol=1e-6)
    (curve,) = fastdl.autograd.grad(slope[0], x)
    np.testing.assert_allclose(curve.tolist(), [12 + 200, 20 * 4, 0], rtol=1e-6)


def test_what_an_assignment_overwrites_is_not_used_by_gradients():
    x = fastdl.tensor([1.0, 2.0], requires_grad=True)
    y = x * 2
    z = y * y
    y[0] = 5.0
    with pytest.raises(RuntimeError, match="changed in place"):
        z.sum().backward()


def test_an_index_array_may_change_after_the_assignment():
    x = fastdl.tensor([1.0, 2.0, 3.0], requires_grad=True)
    y, index = x * 1, np.array([0])
    y[index] = 7.0
    index[0] = 2
    y.sum().backward()
    assert x.grad.tolist() == [0.0, 1.0, 1.0]


def test_iteration():
    assert [row.tolist() for row in fastdl.tensor([[1, 2], [3, 4]])] == [[1, 2], [3, 4]]
    a, b = fastdl.tensor([1.0, 2.0])
    assert (a.item(), b.item()) == (1.0, 2.0)
    assert list(fastdl.zeros(0, 2)) == []
    with pytest.raises(TypeError, match="0-dimensional"):
        iter(fastdl.tensor(1.0))
