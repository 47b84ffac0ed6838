"""Distributions: SciPy's densities and entropies, draws, gradients, divergences and errors."""

import math

import numpy as np
import pytest
from scipy import integrate, stats

import fastdl
from fastdl import distributions
from fastdl.distributions import Bernoulli, Categorical, Normal, Uniform, kl_divergence

# float32 arithmetic of a few operations on numbers below 10.
CLOSE = {"rtol": 2e-6, "atol": 2e-6}
PROBS = np.array([[0.1, 0.2, 0.7], [0.5, 0.0, 0.5]])


def test_normal():
    loc, scale = np.array([0.0, -1.5, 3.0]), np.array([1.0, 0.5, 4.0])
    d, known = Normal(loc, scale), stats.norm(loc, scale)
    x = np.array([[0.5, -1.0, 2.0], [-2.0, 0.25, 9.0]])
    np.testing.assert_allclose(d.log_prob(x).numpy(), known.logpdf(x), **CLOSE)
    np.testing.assert_allclose(d.cdf(x).numpy(), known.cdf(x), **CLOSE)
    np.testing.assert_allclose(d.icdf(known.cdf(x)).numpy(), x, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(d.entropy().numpy(), known.entropy(), **CLOSE)
    assert d.mean.tolist() == d.mode.tolist() == loc.tolist()
    np.testing.assert_allclose(d.variance.numpy(), scale**2)
    assert d.batch_shape == (3,) and d.sample((2, 5)).shape == (2, 5, 3)
    assert Normal(0, 1).sample().shape == () and Normal(0, fastdl.ones(2)).loc.shape == (2,)


def test_uniform():
    d, known = Uniform([0.0, -1.0], [2.0, 3.0]), stats.uniform([0.0, -1.0], [2.0, 4.0])
    x = np.array([1.5, -0.5])
    np.testing.assert_allclose(d.log_prob(x).numpy(), known.logpdf(x), **CLOSE)
    np.testing.assert_allclose(d.entropy().numpy(), known.entropy(), **CLOSE)
    np.testing.assert_allclose(d.variance.numpy(), known.var(), **CLOSE)
    assert d.mean.tolist() == [1.0, 1.0]
    drawn = d.sample((1000,)).numpy()
    assert (drawn >= [0, -1]).all() and (drawn < [2, 3]).all()
    with pytest.raises(ValueError, match="Uniform: value: expected values of interval"):
        d.log_prob([3.0, 0.0])
    assert Uniform(0.0, 1.0, validate_args=False).log_prob(2.0).item() == -math.inf


def test_categorical():
    for d in (Categorical(PROBS * 3), Categorical(logits=np.log(PROBS + 1e-30))):
        assert d.batch_shape == (2,) and d.param_shape == (2, 3)
        for classes in ([2, 0], [[0, 2], [1, 0], [2, 2]]):
            wanted = np.log(PROBS[np.arange(2), classes])
            np.testing.assert_allclose(d.log_prob(classes).numpy(), wanted, **CLOSE)
        np.testing.assert_allclose(
            d.entropy().numpy(), [stats.entropy(row) for row in PROBS], rtol=2e-6, atol=4e-6
        )
        assert d.mode.tolist()[0] == 2
    assert d.log_prob(fastdl.tensor([1.0, 0.0])).shape == (2,)  # whole numbers of another type


def test_bernoulli():
    p = np.array([0.25, 0.5, 0.99])
    for d in (Bernoulli(p), Bernoulli(logits=np.log(p / (1 - p)))):
        for x in ([0, 1, 1], [1, 0, 0]):
            wanted = stats.bernoulli(p).logpmf(x)
            np.testing.assert_allclose(d.log_prob(x).numpy(), wanted, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(d.entropy().numpy(), stats.bernoulli(p).entropy(), rtol=1e-5)
        np.testing.assert_allclose(d.variance.numpy(), p * (1 - p), rtol=1e-5)
    assert Bernoulli(logits=200.0).log_prob(0).item() == -200.0
    assert set(d.sample((50,)).unique().tolist()) <= {0.0, 1.0}


@pytest.mark.parametrize(
    ("make", "mean", "deviation"),
    [
        (lambda: Normal(2.0, 3.0), 2.0, 3.0),
        (lambda: Uniform(-1.0, 5.0), 2.0, 6 / math.sqrt(12)),
        (lambda: Bernoulli(0.3), 0.3, math.sqrt(0.21)),
        (lambda: Categorical([0.2, 0.3, 0.5]), 1.3, math.sqrt(0.61)),
    ],
)
def test_draws(make, mean, deviation):
    fastdl.manual_seed(0)
    drawn = make().sample((100, 100)).numpy().astype(np.float64)
    assert drawn.shape == (100, 100)
    # Five deviations of the mean of 10,000 numbers.
    assert abs(drawn.mean() - mean) < 5 * deviation / 100
    assert abs(drawn.std() / deviation - 1) < 0.05
    fastdl.manual_seed(0)
    assert (make().sample((100, 100)).numpy() == drawn).all()


def test_each_row_of_a_batch_is_drawn_with_its_own_weights():
    fastdl.manual_seed(0)
    drawn = Categorical([[[1.0, 0.0], [0.0, 1.0]], [[0.0, 1.0], [1.0, 0.0]]]).sample((4,))
    assert drawn.tolist() == [[[0, 1], [1, 0]]] * 4 and drawn.dtype == "int64"


def test_gradients():
    loc, scale = (fastdl.tensor([v], requires_grad=True) for v in (1.0, 2.0))
    d = Normal(loc, scale)
    drawn = d.rsample()
    drawn.sum().backward()
    assert loc.grad.item() == 1.0
    assert scale.grad.item() == pytest.approx((drawn.item() - 1) / 2, rel=1e-5)
    assert not d.sample().requires_grad
    # Of log(softmax): the indicator of the class less its probability.
    logits = fastdl.tensor([0.0, 1.0, 2.0], requires_grad=True)
    Categorical(logits=logits).log_prob(1).backward()
    e = np.exp([0.0, 1.0, 2.0])
    np.testing.assert_allclose(logits.grad.numpy(), [0, 1, 0] - e / e.sum(), atol=1e-6)
    with pytest.raises(NotImplementedError):
        Categorical(logits=logits).rsample()


def test_divergences():
    p, q = Normal(1.0, 2.0), Normal(-0.5, 3.0)
    one, other = stats.norm(1, 2), stats.norm(-0.5, 3)
    wanted = integrate.quad(lambda x: one.pdf(x) * (one.logpdf(x) - other.logpdf(x)), -30, 30)[0]
    assert kl_divergence(p, q).item() == pytest.approx(wanted, rel=1e-5)
    other = [0.3, 0.3, 0.4]
    found = kl_divergence(Categorical(PROBS), Categorical(other)).numpy()
    np.testing.assert_allclose(found, [stats.entropy(row, other) for row in PROBS], rtol=1e-5)
    assert kl_divergence(Categorical(other), Categorical(PROBS[1])).item() == math.inf
    found = kl_divergence(Bernoulli(0.2), Bernoulli(0.7)).item()
    assert found == pytest.approx(stats.entropy([0.2, 0.8], [0.7, 0.3]), rel=1e-5)
    assert kl_divergence(Uniform(0.0, 1.0), Uniform(-1.0, 3.0)).item() == pytest.approx(math.log(4))
    assert kl_divergence(Uniform(0.0, 4.0), Uniform(-1.0, 3.0)).item() == math.inf
    with pytest.raises(NotImplementedError, match="no formula for Normal and Uniform"):
        kl_divergence(p, Uniform(0.0, 1.0))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Normal(0.0, 0.0), "Normal: scale: expected values of greater_than"),
        (lambda: Uniform(1.0, 1.0), "Uniform: low: expected values below high"),
        (lambda: Categorical([-1.0, 2.0]), "Categorical: probs: expected values of Simplex"),
        (lambda: Categorical(0.5), "Categorical: probs: expected one axis or more"),
        (lambda: Categorical(), "Categorical: expected exactly one of probs, logits"),
        (lambda: Bernoulli(0.5, 0.5), "Bernoulli: expected exactly one of probs, logits"),
        (lambda: Bernoulli(1.5), "Bernoulli: probs: expected values of interval"),
        (
            lambda: Bernoulli(0.5).log_prob(0.5),
            "Bernoulli: value: expected values of integer_interval",
        ),
        (
            lambda: Categorical([1.0, 1.0]).log_prob(2),
            "Categorical: value: expected values of integer_interval",
        ),
        (lambda: Normal(0.0, 1.0).sample((-1,)), "normal: expected extents of at least 0"),
    ],
)
def test_errors(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_names_that_are_missing_say_so():
    with pytest.raises(AttributeError, match="has no attribute 'Weibull'"):
        distributions.Weibull  # noqa: B018
