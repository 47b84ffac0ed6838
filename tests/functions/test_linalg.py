"""Matrices without a result, gradients that do not exist, recorded steps, and models' graphs."""

import numpy as np
import pytest

import fastdl
from fastdl import Model, layers, linalg, ops
from fastdl.autograd import grad

EPSILON = np.finfo(np.float32).eps
SINGULAR = np.float32([[1.0, 2.0], [2.0, 4.0]])
TURN = np.float32([[0.0, -1.0], [1.0, 0.0]])
REGULAR = np.float32([[2.0, 1.0], [0.5, 3.0]])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: linalg.inv(SINGULAR), "linalg.inv: a matrix is singular"),
        (lambda: fastdl.inverse(SINGULAR), "inverse: a matrix is singular"),
        (lambda: ops.inv(np.stack([REGULAR, SINGULAR])), "inv: a matrix is singular"),
        (lambda: linalg.solve(SINGULAR, SINGULAR), "linalg.solve: a matrix is singular"),
        (lambda: linalg.cholesky(-REGULAR), "linalg.cholesky: a matrix is not positive definite"),
        (lambda: linalg.lu_factor(SINGULAR * 0), "linalg.lu_factor: pivot 1 is 0"),
        (lambda: linalg.inv_ex(SINGULAR, check_errors=True), "linalg.inv_ex: a matrix is singular"),
    ],
)
def test_a_matrix_without_a_result_is_an_error(call, message):
    with pytest.raises(linalg.LinAlgError, match=message) as error:
        call()
    assert isinstance(error.value, RuntimeError)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: linalg.eig(TURN), "linalg.eig: an eigenvalue is complex"),
        (lambda: ops.eig(TURN), "eig: an eigenvalue is complex"),
        (lambda: linalg.inv([1.0, 2.0]), r"linalg.inv: A: expected at least 2 axes, .* \(2,\)"),
        (lambda: linalg.det(np.ones((2, 3))), r"det: input: expected square matrices, .* \(2, 3\)"),
        (lambda: ops.solve(REGULAR, np.ones((3, 1))), r"solve: expected 2 rows of B, .* \(3, 1\)"),
        (lambda: linalg.qr(REGULAR, "raw"), "linalg.qr: mode: expected 'reduced'"),
        (lambda: linalg.matrix_norm(REGULAR, 3), "matrix_norm: ord: expected 'fro', 'nuc'"),
        (lambda: linalg.multi_dot([REGULAR]), "multi_dot: expected at least two matrices"),
        (
            lambda: linalg.multi_dot([REGULAR, [[1.0]]]),
            r"\(2, 2\) and \(1, 1\) can't be multiplied",
        ),
    ],
)
def test_other_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_singular_matrices_among_others():
    both = np.stack([REGULAR, SINGULAR])
    inverse, info = linalg.inv_ex(both)
    assert info.tolist() == [0, 2]
    bound = 4 * EPSILON
    np.testing.assert_allclose(inverse[0].numpy(), np.linalg.inv(REGULAR), bound)
    assert np.isnan(inverse[1].numpy()).all()
    solution, info = linalg.solve_ex(both, np.ones((2, 2), np.float32))
    assert info.tolist() == [0, 2] and np.isnan(solution[1].numpy()).all()
    np.testing.assert_allclose(solution[0].numpy(), np.linalg.solve(REGULAR, [1, 1]), bound)
    factor, info = linalg.cholesky_ex(np.stack([np.eye(2), -np.eye(2)]))
    assert info.tolist() == [0, 1] and np.isnan(factor[1].numpy()).all()
    assert linalg.cond(both, 1)[1].item() == np.inf
    assert linalg.det(both)[1].item() == 0
    sign, size = linalg.slogdet(both)
    assert sign.tolist() == [1.0, 0.0] and size[1].item() == -np.inf
    assert np.isinf(linalg.solve_triangular([[0.0]], [[1.0]], upper=True).item())


def test_the_gradient_of_a_determinant_of_0():
    """It is the matrix of cofactors."""
    x = fastdl.tensor(SINGULAR, requires_grad=True)
    (gradient,) = grad(linalg.det(x), x)
    np.testing.assert_allclose(gradient.numpy(), [[4.0, -2.0], [-2.0, 1.0]], rtol=8 * EPSILON)


def test_gradients_that_do_not_exist_are_errors():
    x = fastdl.tensor(np.float32([[1.0, 2.0], [3.0, 4.0], [5.0, 7.0]]), requires_grad=True)
    with pytest.raises(RuntimeError, match="vectors that belong to no singular value"):
        linalg.svd(x).U[:, 2].sum().backward()
    u, s, vh = linalg.svd(x)
    (u[:, :2].square().sum() + s.sum() + vh.square().sum()).backward()  # of the others it exists
    with pytest.raises(RuntimeError, match="no gradient with a square Q"):
        linalg.qr(x, "complete").R.sum().backward()


def test_a_recorded_step_runs_eagerly():
    step = fastdl.plan(lambda x: linalg.inv(x))
    with pytest.warns(
        UserWarning, match=r"eagerly, without a plan: linalg.inv computes with NumPy"
    ):
        for scale in (1.0, 2.0, 4.0):
            y = step(fastdl.tensor(REGULAR * np.float32(scale)))
            expected = np.linalg.inv(REGULAR) / scale
            np.testing.assert_allclose(y.numpy(), expected, rtol=4 * EPSILON)


@pytest.mark.filterwarnings("error")
def test_functions_of_indices_are_replayed():
    def compute(x):
        order = x.argsort(1)
        y = fastdl.scatter_reduce(x, 1, order, x, "amax")
        y = fastdl.index_add(y, 0, order[0], fastdl.diag_embed(fastdl.diagonal(x)))
        y = fastdl.masked_scatter(y, x > 0, x * 2) + ops.segment_min(x, order[0], 3)
        return fastdl.select_scatter(y, x[0], 1, 1)

    step, random = fastdl.plan(compute), np.random.RandomState(0)
    for _ in range(4):
        x = fastdl.tensor(random.standard_normal((3, 3)).astype("float32"))
        assert step(x).tolist() == compute(x).tolist()


def test_models_have_functions_of_matrices():
    """A graph is inferred from zeros, which have no inverse."""
    x = layers.Input((2, 2))
    outputs = [ops.inv(x), ops.det(x), ops.svd(x)[1], linalg.solve(x, x), ops.trace(x, 0, 1, 2)]
    model = Model(x, outputs)
    assert [y.shape for y in outputs] == [
        (None, 2, 2), (None,), (None, 2), (None, 2, 2), (None,),
    ]  # fmt: skip
    data = np.stack([REGULAR, 2 * REGULAR])
    again = Model.from_config(model.get_config())
    for net in (model, again):
        inverse, *_, trace = net(data)
        np.testing.assert_allclose(inverse.numpy(), np.linalg.inv(data), rtol=4 * EPSILON)
        assert trace.tolist() == [5.0, 10.0]


def test_lu_factor_of_more_columns_than_rows():
    x = np.random.default_rng(0).standard_normal((2, 3, 5)).astype("float32")
    packed, pivots = (np.asarray(t) for t in ops.linalg.lu_factor(x))
    assert packed.shape == (2, 3, 5) and pivots.shape == (2, 3) and pivots.dtype == np.int32
    for one, factors, exchanged in zip(x, packed, pivots, strict=True):
        for row, other in enumerate(exchanged):
            one[[row, other]] = one[[other, row]]
        low, up = np.tril(factors[:, :3], -1) + np.eye(3), np.triu(factors)
        np.testing.assert_allclose(low @ up, one, atol=8 * np.finfo("float32").eps)


def test_a_matrix_without_a_result_is_the_error_of_both_libraries():
    for kind in (linalg.LinAlgError, RuntimeError, ValueError):
        with pytest.raises(kind, match="not positive definite"):
            ops.cholesky(-np.eye(2))
