"""Names of PyTorch at the top level and of tensors: PyTorch's results (golden/names.py)."""

import json
from pathlib import Path

import name_cases as cases
import numpy as np
import pytest
from golden_lines import answer

import fastdl

GOLDEN = json.loads((Path(__file__).parents[1] / "golden/names.json").read_text("utf-8"))
TOLERANCE = {"rtol": 64 * np.finfo(np.float32).eps, "atol": 4e-6}  # sums of some dozen terms


def made(function, x):
    function(x)
    return x


@pytest.mark.parametrize("line", cases.lines(cases.TORCH))
def test_names(line):
    names = {**cases.ARRAYS, "torch": fastdl, "T": fastdl.tensor, "made": made}
    answer(line, GOLDEN[line], names, **TOLERANCE)


# --- shapes changed in place


def test_a_shape_changed_in_place_is_an_operation_of_the_graph():
    w = np.arange(6.0, dtype="float32").reshape(3, 2)
    x = fastdl.tensor(cases.A, requires_grad=True)
    y = x * 2
    assert y.t_() is y and y.shape == (3, 2)
    y.unsqueeze_(0).mul_(3).squeeze_(0)
    (y * w).sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), 6 * w.T)


@pytest.mark.parametrize("change", [lambda t: t.t_(), lambda t: t.unsqueeze_(0)])
def test_gradients_of_calls_before_a_shape_changed(change):
    """A call keeps the result of another call as it was. That of a constant raises."""
    x = fastdl.tensor(cases.A, requires_grad=True)
    y = x * 2
    squares = (y * y).sum()
    change(y)
    squares.backward()
    np.testing.assert_array_equal(x.grad.numpy(), 8 * np.float32(cases.A))
    values = fastdl.ones(2, 3)
    products = (x * values).sum()
    change(values)
    with pytest.raises(RuntimeError, match="was changed in place"):
        products.backward()


def test_shapes_that_cannot_change_in_place():
    x = fastdl.tensor(cases.A, requires_grad=True)
    with pytest.raises(RuntimeError, match="t_: a leaf that requires a gradient"):
        x.t_()
    with pytest.raises(RuntimeError, match="resize_: a tensor that requires a gradient"):
        x.resize_(2, 2)
    with fastdl.no_grad():
        assert x.t_().shape == (3, 2) and x.requires_grad
    x.sum().backward()
    with fastdl.no_grad(), pytest.raises(RuntimeError, match="t_: the tensor has a gradient"):
        x.t_()
    values = fastdl.ones(2, 3)
    part = values.view(6)
    with pytest.raises(RuntimeError, match=r"t_: .* shares the tensor's memory: use t\(\)"):
        values.t_()
    values.unsqueeze_(0)[:] = 2  # the values stay where they are
    assert part.tolist() == [2.0] * 6
    with pytest.raises(RuntimeError, match="resize_: 8 values do not fit"):
        values.resize_(8)
    values = fastdl.ones(2, 3)
    result = (x.detach().requires_grad_() * values.t().clone()).sum()
    assert values.resize_(4, 2).tolist() == [[1.0, 1.0]] * 3 + [[0.0, 0.0]]
    assert result.requires_grad


def test_a_tensor_over_an_array_leaves_the_array_alone():
    array = np.arange(6, dtype="float32").reshape(2, 3)
    x = fastdl.from_numpy(array)
    x.t_().zero_()
    np.testing.assert_array_equal(array.reshape(-1), np.arange(6))


def test_a_recorded_step_sees_shapes_that_change():
    kept = fastdl.tensor(cases.A)

    def step(x):
        kept.t_()
        return kept.sum(0)[0] + x.sum()

    planned = fastdl.plan(step)
    found = [planned(fastdl.zeros(2)).item() for _ in range(4)]
    wanted = [cases.A.T[:, 0].sum(), cases.A[:, 0].sum()] * 2
    np.testing.assert_allclose(found, wanted, rtol=1e-6)


def test_detach_in_place():
    x = fastdl.tensor(cases.A, requires_grad=True)
    y = x * 2
    assert y.detach_() is y and y.is_leaf and not y.requires_grad
    assert not x.detach_().requires_grad


def test_python_functions_of_values():
    x = fastdl.ones(2, requires_grad=True)
    with pytest.raises(RuntimeError, match="map_: a gradient can't be recorded"):
        x.apply_(lambda v: v)


def test_types_by_name():
    x = fastdl.ones(1)
    assert x.type() == "torch.FloatTensor" and x.bfloat16().type() == "torch.BFloat16Tensor"
    for wrong in ("torch.cuda.FloatTensor", "torch.DoubleTensor", "torch.Tensor"):
        with pytest.raises(TypeError, match="type: dtype: expected a type"):
            x.type(wrong)
    fastdl.set_default_tensor_type(fastdl.FloatTensor)
    with pytest.raises(TypeError, match="set_default_tensor_type: expected FloatTensor"):
        fastdl.set_default_tensor_type("torch.HalfTensor")


def test_random_integers_like_a_tensor():
    fastdl.manual_seed(1)
    x = fastdl.randint_like(fastdl.zeros(1000), -2, 3)
    assert x.dtype == "float32" and set(x.tolist()) == {-2.0, -1.0, 0.0, 1.0, 2.0}
    assert fastdl.randint_like(fastdl.zeros(2, dtype="uint8"), 256).dtype == "uint8"
    with pytest.raises(ValueError, match="randint_like: 256 does not fit into uint8"):
        fastdl.randint_like(fastdl.zeros(2, dtype="uint8"), 257)


def test_memory_of_buffers_is_shared():
    memory = bytearray(8)
    x = fastdl.frombuffer(memory, dtype="int32")
    x[0] = 1
    assert memory[0] == 1
    array = np.zeros(2, "float32")
    fastdl.asarray(array)[0] = 1
    fastdl.asarray(array, copy=True)[1] = 1
    assert array.tolist() == [1.0, 0.0]
    with pytest.raises(ValueError, match="asarray: copy: expected True or None"):
        fastdl.asarray([1.0], copy=False)


def test_random_windows_cover_the_image():
    fastdl.manual_seed(2)
    x = fastdl.arange(36.0).reshape(1, 1, 6, 6).requires_grad_()
    pool = fastdl.nn.FractionalMaxPool2d(2, 4, return_indices=True)
    y, places = pool(x)
    np.testing.assert_array_equal(y.detach().numpy(), places.numpy())  # values are their places
    assert y[0, 0, -1, -1].item() == 35
    y.sum().backward()
    assert x.grad.sum().item() == 16
    assert any(pool(x)[0].tolist() != y.tolist() for _ in range(9))


# --- what PyTorch's numbers do not show


def test_a_function_in_place_is_an_operation_of_the_graph():
    x = fastdl.tensor([0.0, 1.0], requires_grad=True)
    y = x * 2
    assert fastdl.exp_(y) is y
    y.sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), 2 * np.exp([0.0, 2.0]), rtol=1e-6)


def test_a_function_in_place_wants_a_tensor():
    for wrong in ([0.5], np.ones(2, "float32"), fastdl.Input((3,))):
        with pytest.raises(TypeError, match="exp_: input: expected a tensor, got"):
            fastdl.exp_(wrong)


def test_functions_that_are_methods_take_symbols():
    assert fastdl.detach(fastdl.Input((3,))).shape == (None, 3)


def test_the_value_of_fill_has_a_gradient():
    value = fastdl.tensor([2.0], requires_grad=True)
    fastdl.fill(fastdl.ones(3), value).sum().backward()
    assert value.grad.tolist() == [3.0]


@pytest.mark.parametrize("count, prob", [(-1.0, 0.5), (1.5, 0.5), (np.nan, 0.5), (3.0, 1.5)])
def test_binomial_refuses(count, prob):
    with pytest.raises(ValueError, match=r"binomial: (count|prob): expected"):
        fastdl.binomial(count, prob)


def test_binomial_has_its_moments():
    n, p = 20, 0.3
    with fastdl.random.fork_rng():
        fastdl.random.manual_seed(1)
        drawn = fastdl.binomial(fastdl.full((4000,), n), p).numpy().astype("float64")
    assert drawn.min() >= 0 and drawn.max() <= n and (drawn == drawn.round()).all()
    np.testing.assert_allclose(drawn.mean(), n * p, atol=5 * np.sqrt(n * p * (1 - p) / 4000))
    np.testing.assert_allclose(drawn.var(), n * p * (1 - p), rtol=0.15)


def test_fork_rng_restores_the_state():
    fastdl.manual_seed(3)
    expected = fastdl.rand(4)
    for enabled in (True, False):
        fastdl.manual_seed(3)
        with pytest.raises(KeyError), fastdl.random.fork_rng(enabled=enabled):
            fastdl.random.manual_seed(0)
            fastdl.rand(5)
            raise KeyError
        assert fastdl.equal(fastdl.rand(4), expected) == enabled
