"""`nn.utils.parametrizations.orthogonal`: the maps by SciPy's and NumPy's matrices, in doubles."""

import numpy as np
import pytest
from scipy import linalg

import fastdl
from fastdl import nn
from fastdl.nn.utils.parametrizations import orthogonal

RNG = np.random.default_rng(5)
SHAPES = [(4, 4), (5, 3), (3, 5)]
MAPS = ["matrix_exp", "cayley", "householder"]


def made(shape, how=None, **options):
    layer = nn.Linear(shape[1], shape[0], bias=False)
    return orthogonal(layer, "weight", how, **options)


def mapped(how, x):
    """The matrix of parameters x, by the definition."""
    if x.shape[0] < x.shape[1]:
        return mapped(how, x.T).T
    n, k = x.shape
    if how == "householder":
        q = np.eye(n)
        for i in range(k):
            v = np.where(np.arange(n) > i, x[:, i], 0) + np.eye(n)[i]
            q = q @ (np.eye(n) - 2 * np.outer(v, v) / (v @ v))
        return q[:, :k] * np.sign(np.diagonal(x))
    low = np.zeros((n, n))
    low[:, :k] = np.tril(x)
    skew = low - low.T
    if how == "matrix_exp":
        return linalg.expm(skew)[:, :k]
    return (np.linalg.inv(np.eye(n) - skew / 2) @ (np.eye(n) + skew / 2))[:, :k]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("how", MAPS)
def test_the_matrix_follows_from_the_parameters(shape, how):
    layer = made(shape, how)
    before = layer.weight.detach().numpy().astype("float64")
    small = before.T @ before if shape[0] >= shape[1] else before @ before.T
    np.testing.assert_allclose(small, np.eye(min(shape)), atol=1e-6)
    x = RNG.standard_normal(shape)
    np.fill_diagonal(x, np.sign(np.diagonal(x)))
    parametrization = layer.parametrizations.weight
    with fastdl.no_grad():
        parametrization.original.copy_(x.astype("float32"))
    base = parametrization[0].base.numpy().astype("float64")
    wanted = mapped(how, x.astype("float32").astype("float64"))
    wanted = base @ wanted if shape[0] >= shape[1] else (base @ wanted.T).T
    np.testing.assert_allclose(layer.weight.detach().numpy(), wanted, atol=3e-6)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_matrix_that_is_assigned_stays(shape):
    layer = made(shape)
    q = np.linalg.qr(RNG.standard_normal((5, 5)))[0]
    value = q[: shape[0], : shape[1]] if shape[0] == 5 else q[:, : shape[0]].T[:, : shape[1]]
    if shape == (4, 4):
        value = np.linalg.qr(RNG.standard_normal(shape))[0]
    value = value * np.sign(value[:1, :1])
    layer.weight = fastdl.tensor(value.astype("float32"))
    small = value.T @ value if shape[0] >= shape[1] else value @ value.T
    np.testing.assert_allclose(small, np.eye(min(shape)), atol=1e-9)
    np.testing.assert_allclose(layer.weight.detach().numpy(), value, atol=2e-6)


@pytest.mark.parametrize("shape", SHAPES)
def test_reflections_without_a_start(shape):
    layer = made(shape, "householder", use_trivialization=False)
    value = np.linalg.qr(RNG.standard_normal((5, 5)))[0][: max(shape), : min(shape)]
    if max(shape) < 5:
        value = np.linalg.qr(RNG.standard_normal(shape))[0]
    value = value if shape[0] >= shape[1] else value.T
    layer.weight = fastdl.tensor(value.astype("float32"))
    np.testing.assert_allclose(layer.weight.detach().numpy(), value, atol=3e-6)


@pytest.mark.parametrize("how", MAPS)
def test_training_keeps_the_columns_orthonormal(how):
    fastdl.manual_seed(1)
    layer = made((5, 3), how)
    optimizer = fastdl.optim.SGD(layer.parameters(), lr=0.3)
    x = fastdl.randn(16, 3)
    wanted = x @ fastdl.tensor(np.linalg.qr(RNG.standard_normal((5, 3)))[0].astype("float32")).T
    losses = []
    for _ in range(40):
        optimizer.zero_grad()
        loss = ((layer(x) - wanted) ** 2).mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.6 * losses[0]
    weight = layer.weight.detach().numpy()
    np.testing.assert_allclose(weight.T @ weight, np.eye(3), atol=1e-5)


def test_bad_arguments():
    with pytest.raises(ValueError, match="orthogonal: name: Linear has no parameter or buffer 'w'"):
        orthogonal(nn.Linear(2, 2), "w")
    with pytest.raises(ValueError, match=r"orthogonal: name: expected a matrix, got shape \(2,\)"):
        orthogonal(nn.Linear(2, 2), "bias")
    with pytest.raises(ValueError, match="orthogonal: orthogonal_map: expected None, 'matrix_exp'"):
        orthogonal(nn.Linear(2, 2), "weight", "qr")
    layer = made((3, 3), "cayley", use_trivialization=False)
    with pytest.raises(NotImplementedError, match="use_trivialization=True"):
        layer.weight = fastdl.eye(3)
