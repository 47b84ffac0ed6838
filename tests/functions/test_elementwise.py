"""Elementwise and special functions, reductions and statistics: results of Keras and PyTorch.

The golden values are results of both (golden/elementwise.py).
"""

import json
from pathlib import Path

import children
import elementwise_cases as cases
import numpy as np
import pytest
from golden_lines import answer

import fastdl
from fastdl import ops

GOLDEN = json.loads((Path(__file__).parents[1] / "golden/elementwise.json").read_text("utf-8"))
# Special functions are rounded once; PyTorch computes them in float32, up to 32 ulp off. The golden
# values are rounded to 1e-7.
TOLERANCE = {"rtol": 32 * np.finfo(np.float32).eps, "atol": 1e-6}


@pytest.mark.parametrize("line", cases.lines(cases.KERAS))
def test_keras(line):
    answer(line, GOLDEN["keras"][line], {**cases.ARRAYS, "ops": ops}, **TOLERANCE)


@pytest.mark.parametrize("line", cases.lines(cases.TORCH))
def test_torch(line):
    names = {**cases.ARRAYS, "torch": fastdl, "T": fastdl.tensor}
    names |= cases.helpers(fastdl, fastdl.tensor)
    answer(line, GOLDEN["torch"][line], names, **TOLERANCE)


# --- out, and writing in place


def test_out_is_written_and_returned():
    out = fastdl.zeros(2)
    assert fastdl.add([1.0, 2.0], 1, out=out) is out
    assert out.tolist() == [2.0, 3.0]
    values, places = fastdl.zeros(2), fastdl.zeros(2).long()
    result = fastdl.sort(fastdl.tensor([2.0, 1.0]), out=(values, places))
    assert result.values is values and result.indices is places
    assert values.tolist() == [1.0, 2.0] and places.tolist() == [1, 0]
    assert fastdl.special.expit([0.0], out=fastdl.zeros(1)).tolist() == [0.5]
    assert fastdl.add(1.0, 2.0, out=None).item() == 3.0


@pytest.mark.parametrize(
    "call, error, text",
    [
        (lambda: fastdl.add([1.0], 1, out=fastdl.zeros(3)), ValueError, r"add: out: .*\(1,\)"),
        (lambda: fastdl.add([1.0], 1, out=3), TypeError, "add: out: expected a tensor, got 3"),
        (lambda: fastdl.sin([1.0], out=fastdl.zeros(1).long()), TypeError, "sin: out: .* int64"),
        (lambda: fastdl.max([1.0], 0, out=fastdl.zeros(())), TypeError, "max: out: expected 2"),
        (lambda: fastdl.clone([1.0], out=fastdl.zeros(1)), TypeError, "unexpected .* 'out'"),
        (lambda: fastdl.ops.add([1.0], 1, out=fastdl.zeros(1)), TypeError, "unexpected .* 'out'"),
    ],
)
def test_out_that_does_not_fit(call, error, text):
    with pytest.raises(error, match=text):
        call()


def test_no_gradient_is_recorded_through_out():
    x = fastdl.ones(2, requires_grad=True)
    with pytest.raises(RuntimeError, match="sin: out: a gradient"):
        fastdl.sin(x, out=fastdl.zeros(2))
    with fastdl.no_grad():
        assert fastdl.sin(x * 0, out=fastdl.ones(2)).tolist() == [0.0, 0.0]


def test_methods_that_are_loaded_later_are_known_before(tmp_path):
    program = (
        "import fastdl; T = fastdl.Tensor; assert hasattr(T, 'acos') and 'lerp_' in dir(T); "
        "assert fastdl.ones(1).atan_().shape == (1,); assert 'acos' in dir(fastdl)"
    )
    children.output(program, tmp_path)


def test_functions_within_recorded_steps_and_graphs():
    @fastdl.plan
    def step(x):
        values = fastdl.cummax(x, 1).values
        return fastdl.quantile(x, 0.3, dim=1), values, fastdl.cumprod(x, 0), fastdl.logit(x, 0.1)

    for seed in range(3):
        x = fastdl.tensor(np.random.RandomState(seed).rand(3, 4).astype("float32"))
        for one, other in zip(step(x), step.__wrapped__(x), strict=True):
            np.testing.assert_array_equal(one, other)
    x = fastdl.Input((4,))
    assert ops.median(ops.arctan2(x, 2.0), axis=1).shape == (None,)
    assert ops.nanmax(ops.diff(x), axis=-1).shape == (None,)


def test_operators_of_masks_and_special_functions_in_saved_graphs():
    x = fastdl.Input((3,))
    mask = ~((x > 0) & (x < 1)) ^ (x > 2) | (x < -5)
    y = ops.where(mask, fastdl.special.expit(x), ops.sinc(x))
    model = fastdl.Model(x, y)
    again = fastdl.Model.from_config(json.loads(json.dumps(model.get_config())))
    values = np.float32([[0.5, 1.5, 2.5], [-6.0, -1.0, 0.0]])
    inside = (values > 0) & (values < 1)
    chosen = ~inside ^ (values > 2) | (values < -5)
    expected = np.where(chosen, 1 / (1 + np.exp(-values)), np.sinc(values))
    for made in (model, again):
        np.testing.assert_allclose(made(values), expected, rtol=1e-6, atol=1e-7)


def test_unknown_sizes_that_broadcasting_settles():
    def shape(*of):
        return fastdl.KerasTensor(of)

    assert (shape(None, 3) + shape(2, None)).shape == (2, 3)
    assert (fastdl.Input((None, 3)) * fastdl.Input((5, 3))).shape == (None, 5, 3)
    where = ops.where(shape(2, None, 1), shape(None, 3), shape(None, 1, 3))
    assert where.shape == (2, None, 3)
    with pytest.raises(ValueError, match=r"\(2, 3\) and \(4, 32\)"):
        ops.matmul(shape(None, 3), shape(4, None))


X = np.float32([-1.01, -1, -0.7, 0, 0.3, 0.999, 1, 1.001])


@pytest.mark.parametrize("n", [600, 601])
def test_polynomials_of_large_degrees(n):
    """NumPy sums the series in float64, by another recurrence."""
    first = [0.0] * n + [1.0]
    third = [(-1) ** (n - k) * (2 - (k == 0)) for k in range(n + 1)]
    special, wide = fastdl.special, X.astype(np.float64)
    wanted = {
        special.chebyshev_polynomial_t: np.polynomial.chebyshev.chebval(wide, first),
        special.chebyshev_polynomial_v: np.polynomial.chebyshev.chebval(wide, third),
        special.legendre_polynomial_p: np.polynomial.legendre.legval(wide, first),
        special.laguerre_polynomial_l: np.polynomial.laguerre.lagval(wide, first),
    }
    second = np.polynomial.chebyshev.chebval(wide, np.polynomial.chebyshev.chebder([*first, 1.0]))
    second -= np.polynomial.chebyshev.chebval(wide, np.polynomial.chebyshev.chebder(first))
    wanted[special.chebyshev_polynomial_u] = second / (n + 1)  # the derivative of T of degree n + 1
    for function, value in wanted.items():
        np.testing.assert_allclose(function(X, n).numpy(), value, 2e-6, 1e-6)
    many = special.chebyshev_polynomial_t(X, fastdl.tensor([n, 3] * 4))
    np.testing.assert_allclose(many[1::2].numpy(), (4 * wide**3 - 3 * wide)[1::2], 1e-5, 1e-15)
    assert special.hermite_polynomial_h(0.5, n).isnan()
    assert special.hermite_polynomial_h(0.5, fastdl.tensor([n, 2, -1])).tolist()[1:] == [-1.0, 0.0]


def test_huge_degrees_end_soon():
    special = fastdl.special
    angle = np.arccos(np.float64(X[4]))
    found = special.chebyshev_polynomial_t(X[4], 10**8 + 1).item()
    assert abs(found - np.cos((10**8 + 1) * angle)) < 1e-6
    assert special.hermite_polynomial_he(0.5, 10**15).isnan()
    with pytest.raises(ValueError, match="up to 1000000, got 10000000000"):
        special.legendre_polynomial_p(0.5, 10**10)
    with pytest.raises(ValueError, match="up to 512 for a gradient"):
        special.chebyshev_polynomial_t(fastdl.ones(2, requires_grad=True), 513)
