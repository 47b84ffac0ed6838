"""`distributions`: PyTorch's numbers (golden/distributions.py), and samples against densities."""

import json
import math
from pathlib import Path

import distribution_cases as cases
import numpy as np
import pytest

import fastdl
from fastdl import distributions as D
from fastdl.autograd import grad
from fastdl.distributions.gammas import change_of_gamma

GOLDEN = json.loads((Path(__file__).parents[1] / "golden/distributions.json").read_text("utf-8"))
EPSILON = np.finfo(np.float32).eps
NAMES = {"np": np, **cases.ARRAYS, "D": D, "T": fastdl.tensor}


def check(actual, expected, line, rtol=64 * EPSILON):
    """The golden values are doubles with nine digits; sums of a dozen terms are rounded here."""
    if isinstance(expected, list):
        assert list(actual) == expected, line
        return
    array = np.asarray(actual.detach())
    assert str(array.dtype) in ("float32", "int64", "bool"), line
    assert list(array.shape) == expected["shape"], line
    values = np.array([float(v) for v in expected["values"]]).reshape(array.shape)
    largest = np.abs(values[np.isfinite(values)]).max(initial=1)
    bounds = {"rtol": rtol, "atol": rtol * largest}
    np.testing.assert_allclose(array.astype("float64"), values, **bounds, err_msg=line)


@pytest.mark.parametrize("line", GOLDEN["lines"])
def test_numbers(line):
    expected = GOLDEN["lines"][line]
    if isinstance(expected, dict) and "error" in expected:
        with pytest.raises((ValueError, NotImplementedError)):
            eval(line, NAMES)
    else:
        check(eval(line, NAMES), expected, line)


def test_the_golden_file_has_all_lines():
    assert set(GOLDEN["lines"]) == set(cases.LINES)
    assert set(GOLDEN["gradients"]) == set(cases.GRADIENTS)


@pytest.mark.parametrize("line", cases.GRADIENTS)
def test_gradients(line):
    a, b = (fastdl.tensor(x, requires_grad=True) for x in (cases.A, cases.B))
    expected = GOLDEN["gradients"][line]
    used = [t for t, wanted in zip((a, b), expected, strict=True) if wanted]
    found = grad(eval(line)(D, a, b).sum(), used)
    for one, wanted in zip(found, filter(None, expected), strict=True):
        check(one, wanted, line, 256 * EPSILON)


def test_the_derivative_of_samples_of_the_gamma_distribution():
    a, x = np.meshgrid(cases.GAMMA_A, cases.GAMMA_X)
    found = change_of_gamma(a, x * a)
    expected = np.array([float(v) for v in GOLDEN["gamma"]["values"]]).reshape(found.shape)
    # The golden values are differences of the distribution, which is 0 or 1 far from a.
    known = np.isfinite(expected) & (np.abs(expected) < 1e6)
    assert known.mean() > 0.6
    near = (np.abs(x - 1) < 8 / np.sqrt(a)) & known
    np.testing.assert_allclose(found[near], expected[near], rtol=3e-6)


# --- samples: the mean of n values of a standard deviation s is within 5 s / sqrt(n)

SAMPLED = [
    line
    for line in cases.MADE
    if not any(name in line for name in ("Cauchy", "Transformed", "Categorical(", "Independent"))
]


@pytest.mark.parametrize("line", SAMPLED)
def test_samples_have_the_mean_and_the_variance(line):
    fastdl.manual_seed(3)
    n = 20000
    made = eval(line, NAMES)
    x = np.asarray(made.sample((n,))).astype("float64")
    assert x.shape == (n, *made.batch_shape, *made.event_shape)
    assert made.support.check(fastdl.tensor(x)).all()
    mean, variance = np.asarray(made.mean), np.asarray(made.variance)
    finite = np.isfinite(mean) & np.isfinite(variance)
    off = np.abs(x.mean(0) - mean) / np.sqrt(np.maximum(variance, 1e-12) / n)
    assert (off[finite] < 5).all(), off
    # The variance of (x - m)^2 is that of the sample, since some distributions have long tails.
    squares = (x - mean) ** 2
    off = np.abs(squares.mean(0) - variance) / np.maximum(squares.std(0) / math.sqrt(n), 1e-9)
    long_tails = "LogNormal" in line or "StudentT" in line
    assert long_tails or (off[finite] < 5).all(), off


@pytest.mark.parametrize("line", [line for line in cases.MADE if "Categorical(" in line])
def test_classes_come_as_often_as_they_should(line):
    fastdl.manual_seed(4)
    made = eval(line, NAMES)
    n = 20000
    values = made.enumerate_support() if made.has_enumerate_support else None
    if values is None:  # of a mixture
        x = np.asarray(made.sample((n,)))
        assert np.abs(x.mean(0) - np.asarray(made.mean)).max() < 5 * x.std() / math.sqrt(n)
        return
    x = np.asarray(made.sample((n,)))
    for value in values:
        p = np.exp(np.asarray(made.log_prob(value)))
        same = x == np.asarray(value)
        share = (same.all(-1) if made.event_shape else same).mean(0)
        np.testing.assert_allclose(share, p, atol=5 * math.sqrt(0.25 / n))


def test_the_median_of_a_cauchy_sample():
    fastdl.manual_seed(5)
    x = np.asarray(D.Cauchy([1.0], [2.0]).sample((20001,)))
    # The deviation of the median is pi / 2 times the scale over the root of n.
    assert abs(np.median(x) - 1) < 5 * math.pi / math.sqrt(20001)


@pytest.mark.parametrize(
    ("line", "mean"),
    [
        ("lambda a, b: D.Normal(a, b)", lambda a, b: a + 0 * b),
        ("lambda a, b: D.Gamma(a, b)", lambda a, b: a / b),
        ("lambda a, b: D.Beta(a, b)", lambda a, b: a / (a + b)),
        ("lambda a, b: D.Laplace(a, b)", lambda a, b: a + 0 * b),
        ("lambda a, b: D.Exponential(a + 0 * b)", lambda a, b: 1 / (a + 0 * b)),
        ("lambda a, b: D.Uniform(a, a + b)", lambda a, b: a + b / 2),
    ],
)
def test_gradients_flow_through_samples(line, mean):
    """The mean of the gradients of samples is the gradient of the mean."""
    fastdl.manual_seed(6)
    parameters = [fastdl.tensor(v, requires_grad=True) for v in (1.7, 0.9)]
    expected = grad(mean(*parameters), parameters)
    n = 50000
    found = grad(eval(line, NAMES)(*parameters).rsample((n,)).mean(), parameters)
    for one, wanted in zip(found, expected, strict=True):
        assert abs(one.item() - wanted.item()) < 0.03


def test_the_mode_of_a_beta_distribution_is_where_its_density_is_highest():
    made = D.Beta([0.3, 0.8, 0.5, 1.0], [0.8, 0.3, 0.5, 1.0])
    np.testing.assert_array_equal(np.asarray(made.mode), [0.0, 1.0, np.nan, np.nan])


def test_straight_through_samples_pass_gradients_on():
    logits = fastdl.tensor([0.5, -0.5, 1.0], requires_grad=True)
    made = D.OneHotCategoricalStraightThrough(logits=logits)
    x = made.rsample()
    np.testing.assert_allclose(np.sort(np.asarray(x.detach())), [0, 0, 1], atol=1e-6)
    weights = fastdl.tensor([1.0, 2.0, 4.0])
    (found,) = grad((x * weights).sum(), [logits], retain_graph=True)
    (wanted,) = grad((made.probs * weights).sum(), [logits])
    np.testing.assert_allclose(np.asarray(found), np.asarray(wanted), rtol=1e-6)


def test_samples_without_a_gradient():
    p = fastdl.tensor([0.5, 0.5], requires_grad=True)
    assert not D.Normal(p, 1.0).sample().requires_grad and D.Normal(p, 1.0).rsample().requires_grad
    for made in (D.Bernoulli(p), D.Categorical(p), D.Poisson(p)):
        assert not made.has_rsample
        with pytest.raises(NotImplementedError, match="has no rsample"):
            made.rsample()
    with pytest.raises(NotImplementedError, match="no formula for Normal and Laplace"):
        D.kl_divergence(D.Normal(p, 1.0), D.Laplace(p, 1.0))


def test_the_same_seed_gives_the_same_samples():
    for made in (D.Normal(0.0, 1.0), D.Gamma(2.0, 1.0), D.Categorical([0.5, 0.5]), D.Poisson(3.0)):
        fastdl.manual_seed(7)
        first = made.sample((5,)).tolist()
        second = made.sample((5,)).tolist()
        fastdl.manual_seed(7)
        assert made.sample((5,)).tolist() == first != second


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            lambda: D.Normal(0.0, -1.0),
            r"Normal: scale: expected values of greater_than\(0.0\), got",
        ),
        (lambda: D.Normal(math.nan, 1.0), "Normal: loc: expected values of Real, got"),
        (lambda: D.Normal("a", 1.0), "Normal: loc: expected numbers, got 'a'"),
        (lambda: D.Normal([1.0, 2.0], [1.0] * 3), r"Normal: .*loc of shape \(2,\), scale of .*3"),
        (lambda: D.Bernoulli(), "Bernoulli: expected exactly one of probs, logits, got none"),
        (
            lambda: D.Bernoulli(0.5).log_prob(2.0),
            "Bernoulli: value: expected values of integer_int",
        ),
        (
            lambda: D.Normal([0.0, 0.0], 1.0).log_prob([1.0] * 3),
            r"Normal: value: .*\(2,\), got \(3",
        ),
        (lambda: D.Uniform(2.0, 1.0), "Uniform: low: expected values below high, got 2.0 and 1.0"),
        (
            lambda: D.Independent(D.Normal(0.0, 1.0), 1),
            "Independent: reinterpreted_batch_ndims: .*1",
        ),
        (lambda: D.MixtureSameFamily(D.Categorical([1.0]), D.Normal(0.0, 1.0)), "expected 1 parts"),
    ],
)
def test_bad_arguments(call, text):
    with pytest.raises(ValueError, match=text):
        call()


def test_checks_can_be_left_out():
    assert math.isnan(D.Normal(0.0, -1.0, validate_args=False).log_prob(0.0).item())
    assert D.Bernoulli(0.5, validate_args=False).log_prob(0.5).item() == pytest.approx(-math.log(2))
    D.Distribution.set_default_validate_args(False)
    try:
        D.Normal(0.0, -1.0)
    finally:
        D.Distribution.set_default_validate_args(True)
    with pytest.raises(ValueError, match="scale"):
        D.Normal(0.0, -1.0)


def test_a_policy_learns_the_better_arm():
    """REINFORCE on two arms, of which the second one pays."""
    fastdl.manual_seed(0)
    logits = fastdl.zeros(2, requires_grad=True)
    optimizer = fastdl.optim.SGD([logits], lr=1.0)
    for _ in range(30):
        policy = D.Categorical(logits=logits)
        action = policy.sample((64,))
        loss = -(policy.log_prob(action) * action.float()).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert D.Categorical(logits=logits).probs[1].item() > 0.9


def test_transforms_keep_the_last_value():
    t = D.TanhTransform(cache_size=1)
    x = fastdl.tensor([20.0])
    y = t(x)
    assert t.inv(y) is x and t(x) is y
    assert math.isinf(D.TanhTransform().inv(y).item())
    assert D.ExpTransform().inv.inv.__class__ is D.ExpTransform
    with pytest.raises(ValueError, match="TanhTransform: cache_size: expected an integer"):
        D.TanhTransform(cache_size=2)


def test_a_step_that_is_recorded_draws_anew():
    import fastdl as f

    def step(x):
        q = D.Normal(x, 1.0, validate_args=False)
        return q.rsample(), q.log_prob(x)

    planned = f.plan(step)
    x = f.zeros(4)
    first = [planned(x)[0].tolist() for _ in range(4)]
    assert len({tuple(v) for v in first}) == 4


def test_representations():
    assert repr(D.Normal(0.0, 1.0)) == "Normal(loc: 0.0, scale: 1.0)"
    assert repr(D.Independent(D.Bernoulli([0.5, 0.5]), 1)).startswith(
        "Independent(Bernoulli(probs:"
    )
    assert repr(D.constraints.interval(0.0, 1.0)) == "interval(0.0, 1.0)"
