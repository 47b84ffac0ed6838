"""Creation of tensors, the random state, and turning gradients on and off."""

import math
import warnings

import numpy as np
import pytest

import fastdl


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (lambda: fastdl.tensor([[1, 2], [3, 4]]), np.array([[1, 2], [3, 4]])),
        (lambda: fastdl.tensor(2.5), np.float32(2.5)),
        (lambda: fastdl.tensor([True]), np.array([True])),
        (lambda: fastdl.tensor([1, 2], dtype="float32"), np.array([1, 2], "float32")),
        (lambda: fastdl.tensor(np.arange(3.0)), np.arange(3, dtype="float32")),
        (lambda: fastdl.zeros(2, 3), np.zeros((2, 3), "float32")),
        (lambda: fastdl.zeros((2, 3)), np.zeros((2, 3), "float32")),
        (lambda: fastdl.zeros(()), np.zeros((), "float32")),
        (lambda: fastdl.zeros(2, dtype="int32"), np.zeros(2, "int32")),
        (lambda: fastdl.ones([2], dtype=fastdl.uint8), np.ones(2, "uint8")),
        (lambda: fastdl.full((2,), 7), np.full(2, 7)),
        (lambda: fastdl.full((2,), 0.5), np.full(2, 0.5, "float32")),
        (lambda: fastdl.full((2,), True), np.full(2, True)),
        (lambda: fastdl.arange(5), np.arange(5)),
        (lambda: fastdl.arange(1, 8, 3), np.arange(1, 8, 3)),
        (lambda: fastdl.arange(5, 0, -2), np.arange(5, 0, -2)),
        (lambda: fastdl.arange(0, 1, 0.25), np.arange(0, 1, 0.25, "float32")),
        (lambda: fastdl.arange(3.0), np.arange(3, dtype="float32")),
        (lambda: fastdl.arange(3, dtype="float32"), np.arange(3, dtype="float32")),
        (lambda: fastdl.arange(0), np.arange(0)),
        (lambda: fastdl.linspace(-1, 1, 5), np.linspace(-1, 1, 5, dtype="float32")),
        (lambda: fastdl.eye(2, 3), np.eye(2, 3, dtype="float32")),
        (lambda: fastdl.zeros_like([1, 2]), np.zeros(2, "int64")),
        (lambda: fastdl.ones_like([1, 2], dtype="float32"), np.ones(2, "float32")),
        (lambda: fastdl.full_like([1.0], 3), np.full(1, 3, "float32")),
    ],
)
def test_values(made, expected):
    t = made()
    assert t.dtype == expected.dtype and t.shape == expected.shape and not t.requires_grad
    np.testing.assert_array_equal(t.numpy(), expected)


def test_what_copies_and_what_shares():
    a = np.zeros(2, "float32")
    copied, shared = fastdl.tensor(a), fastdl.from_numpy(a)
    a[0] = 1
    assert copied.tolist() == [0, 0] and shared.tolist() == [1, 0]
    assert fastdl.as_tensor(shared) is shared
    assert fastdl.from_dlpack(a).data_ptr() == a.ctypes.data
    leaf = fastdl.ones(2, requires_grad=True)
    assert fastdl.tensor(leaf).is_leaf and not fastdl.tensor(leaf * 2).requires_grad
    with pytest.raises(TypeError, match=r"expected a numpy.ndarray, got list"):
        fastdl.from_numpy([1])


def test_requires_grad_and_device():
    assert fastdl.randn(2, requires_grad=True).requires_grad
    assert fastdl.zeros(2, device="cpu").shape == (2,)
    with pytest.raises(RuntimeError, match="unknown device 'cuda'; possible: 'cpu'"):
        fastdl.zeros(2, device="cuda")
    with fastdl.device("cpu:0") as where:
        assert where == fastdl.device("cpu:0") and fastdl.zeros(2).device == "cpu"
    with pytest.raises(RuntimeError, match="only tensors of floats"):
        fastdl.zeros(2, dtype="int64", requires_grad=True)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: fastdl.tensor("a"), TypeError, r"expected numbers"),
        (lambda: fastdl.tensor(1, dtype="float64"), TypeError, r"float64 is not supported"),
        (lambda: fastdl.zeros(-1), ValueError, r"-1"),
        (lambda: fastdl.zeros("a"), TypeError, r"zeros: size: expected an integer .* got .a."),
        (lambda: fastdl.arange(0, 5, -1), ValueError, r"a step from 0 towards 5, got -1"),
        (lambda: fastdl.arange(0, 5, 0), ValueError, r"step: .* got 0"),
        (lambda: fastdl.randint(3, 3, (1,)), ValueError, r"randint"),
        (lambda: fastdl.no_such_name, AttributeError, r"no attribute 'no_such_name'"),
    ],
)
def test_bad_arguments(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_rows_of_different_lengths():
    # NumPy up to 1.23 makes an array of objects and warns; later versions raise.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises((ValueError, TypeError), match=r"inhomogeneous|different lengths"):
            fastdl.tensor([[1], [1, 2]])


# --- random numbers


def draws(generator=None):
    return [
        fastdl.rand(3, generator=generator).tolist(),
        fastdl.randn(2, 2, generator=generator).tolist(),
        fastdl.randint(0, 10, (4,), generator=generator).tolist(),
        fastdl.randperm(5, generator=generator).tolist(),
        fastdl.bernoulli([0.5] * 8, generator=generator).tolist(),
        fastdl.normal(fastdl.zeros(2), 1.0, generator=generator).tolist(),
    ]


def test_the_same_seed_gives_the_same_numbers():
    fastdl.manual_seed(5)
    first, second = draws(), draws()
    fastdl.manual_seed(5)
    assert draws() == first and first != second


def test_a_generator_is_independent_of_the_librarys():
    fastdl.manual_seed(5)
    expected = draws()
    fastdl.manual_seed(5)
    g = fastdl.Generator().manual_seed(6)
    other = draws(g)
    assert draws() == expected and other != expected
    state = g.get_state()
    later = draws(g)
    assert draws(g.set_state(state)) == later and g.initial_seed() == 6


def test_random_state():
    fastdl.manual_seed(-1)  # any integer is a seed
    state = fastdl.get_rng_state()
    a = fastdl.rand(2)
    fastdl.set_rng_state(state)
    assert fastdl.equal(fastdl.rand(2), a)
    assert fastdl.seed() == fastdl.initial_seed()


def test_distributions():
    """The tolerance is five standard deviations of the estimates."""
    fastdl.manual_seed(0)
    n = 10000
    u, z, k = fastdl.rand(n), fastdl.randn(n), fastdl.randint(3, 6, (n,))
    assert 0 <= u.min().item() and u.max().item() < 1
    assert abs(u.mean().item() - 0.5) < 5 / math.sqrt(12 * n)
    assert abs(z.mean().item()) < 5 / math.sqrt(n)
    assert abs(z.std().item() - 1) < 5 / math.sqrt(2 * n)
    assert set(k.tolist()) == {3, 4, 5} and k.dtype == "int64"
    assert sorted(fastdl.randperm(100).tolist()) == list(range(100))
    assert fastdl.randn_like(u).shape == fastdl.rand_like(u).shape == (n,)


# --- gradient modes


def test_no_grad_as_context_and_decorator():
    w = fastdl.ones(1, requires_grad=True)
    with fastdl.no_grad():
        assert not (w * 2).requires_grad
        with fastdl.enable_grad():
            assert (w * 2).requires_grad
        assert not fastdl.is_grad_enabled()

    @fastdl.no_grad()
    def double(x):
        """Doc."""
        return x * 2

    @fastdl.no_grad
    def triple(x):
        return x * 3

    @fastdl.inference_mode()
    def halve(x):
        return x / 2

    assert double.__doc__ == "Doc."
    assert not any(f(w).requires_grad for f in (double, triple, halve))
    assert fastdl.is_grad_enabled()


def test_modes_are_restored_after_errors_and_can_be_entered_again():
    mode = fastdl.no_grad()
    with pytest.raises(KeyError), mode, mode:
        raise KeyError
    assert fastdl.is_grad_enabled()


def test_set_grad_enabled():
    w = fastdl.ones(1, requires_grad=True)
    with fastdl.set_grad_enabled(False):
        assert not (w * 2).requires_grad
    assert fastdl.is_grad_enabled()
    fastdl.set_grad_enabled(False)
    assert not fastdl.is_grad_enabled()
    fastdl.set_grad_enabled(True)
    with fastdl.inference_mode(False):
        assert (w * 2).requires_grad


def test_grad_as_a_value():
    x = fastdl.tensor(3.0, requires_grad=True)
    y = fastdl.tensor(1.0, requires_grad=True)
    (gx,) = fastdl.autograd.grad(x**3, x, create_graph=True)
    assert gx.item() == 27 and x.grad is None
    assert fastdl.autograd.grad(gx, x)[0].item() == 18
    assert fastdl.autograd.grad(x * 2, [x, y], allow_unused=True)[1] is None
    with pytest.raises(RuntimeError, match="don't depend on input 1"):
        fastdl.autograd.grad(x * 2, [x, y])
    v = fastdl.ones(2, requires_grad=True)
    assert fastdl.autograd.grad(v * 2, v, fastdl.tensor([1.0, 5.0]))[0].tolist() == [2, 10]
    with pytest.raises(ValueError, match="expected one for each of 1 outputs, got 2"):
        fastdl.autograd.grad(v * 2, v, [None, None])


def test_no_dtype_is_the_default():
    for make, expected in [
        (lambda: fastdl.rand(2, dtype=None), "float32"),
        (lambda: fastdl.randn(2, dtype=None), "float32"),
        (lambda: fastdl.zeros(2, dtype=None), "float32"),
        (lambda: fastdl.randint(3, (2,), dtype=None), "int64"),
        (lambda: fastdl.randperm(3, dtype=None), "int64"),
        (lambda: fastdl.full((2,), 1, dtype=None), "int64"),
    ]:
        assert make().dtype == expected


def test_integer_types_cut_fractions_first():
    """Values of `torch.arange` and `torch.linspace` of PyTorch 2.13."""
    assert fastdl.arange(0.1, -7.9, -4.0, dtype="int64").tolist() == [0, -4]
    assert fastdl.arange(3.1, dtype="int64").tolist() == [0, 1, 2]
    assert fastdl.linspace(4.3, -3, 5, dtype="int64").tolist() == [4, 2, 0, -1, -3]
