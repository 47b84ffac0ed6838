"""Distributions whose results must be PyTorch's (golden/distributions.py), and their functions.

`D` is `torch.distributions` or `fastdl.distributions`, `T` makes a tensor.
"""

import numpy as np

A = np.array([0.3, 1.2, 4.5])
B = np.array([0.8, 2.5, 0.6])
P = np.array([0.1, 0.5, 0.85])
W = np.array([[0.2, 0.3, 0.5], [0.6, 0.1, 0.3]])
V = np.array([-0.4, 0.1, 2.2])
R = np.array([[1.0, 0.0, 0.0], [0.5, 2.0, 0.0], [-0.3, 0.4, 0.7]])
C = R @ R.T
L = np.tril(R.T @ R + np.eye(3))
ARRAYS = {name: value for name, value in list(globals().items()) if isinstance(value, np.ndarray)}

# How a distribution is made, and a value.
MADE = {
    "D.Normal(T(V), T(B))": "T(A)",
    "D.Laplace(T(V), T(B))": "T(A)",
    "D.Cauchy(T(V), T(B))": "T(A)",
    "D.Gumbel(T(V), T(B))": "T(A)",
    "D.HalfNormal(T(B))": "T(A)",
    "D.LogNormal(T(V), T(B))": "T(A)",
    "D.Uniform(T(V), T(V + 2 * B))": "T(V + B)",
    "D.Exponential(T(B))": "T(A)",
    "D.Gamma(T(A), T(B))": "T(B)",
    "D.Chi2(T(A))": "T(B)",
    "D.Beta(T(A), T(B))": "T(P)",
    "D.StudentT(T(A), T(V), T(B))": "T(B)",
    "D.Dirichlet(T(np.stack([A, B])))": "T(W)",
    "D.Bernoulli(T(P))": "T([1.0, 0.0, 1.0])",
    "D.Bernoulli(logits=T(V))": "T([1.0, 0.0, 1.0])",
    "D.Geometric(T(P))": "T([0.0, 3.0, 1.0])",
    "D.Geometric(logits=T(V))": "T([0.0, 3.0, 1.0])",
    "D.Binomial(5, T(P))": "T([0.0, 3.0, 5.0])",
    "D.Binomial(5, logits=T(V))": "T([0.0, 3.0, 5.0])",
    "D.Poisson(T(A))": "T([0.0, 3.0, 1.0])",
    "D.Categorical(T(2 * W))": "T([2, 0])",
    "D.Categorical(logits=T(V))": "T([2, 0])",
    "D.OneHotCategorical(T(2 * W))": "T(np.eye(3)[[2, 0]])",
    "D.OneHotCategorical(logits=T(V))": "T(np.eye(3)[[2, 0]])",
    "D.MultivariateNormal(T(V), T(C))": "T(np.stack([A, B]))",
    "D.MultivariateNormal(T(V), precision_matrix=T(C))": "T(np.stack([A, B]))",
    "D.MultivariateNormal(T(V), scale_tril=T(R))": "T(np.stack([A, B]))",
    "D.MultivariateNormal(T(np.stack([A, B])), T(C))": "T(V)",
    "D.Independent(D.Normal(T(np.stack([A, B])), T(B)), 1)": "T(V)",
    "D.TransformedDistribution(D.Normal(T(V), T(B)), [D.TanhTransform(), "
    "D.AffineTransform(T(A), 2.0)])": "T(A + P - 0.5)",
    "D.TransformedDistribution(D.Normal(T(V), T(B)), D.SigmoidTransform())": "T(P)",
    "D.TransformedDistribution(D.Normal(T(V), T(B)), [D.SoftplusTransform(), "
    "D.PowerTransform(T(B))])": "T(A)",
    "D.TransformedDistribution(D.Exponential(T(B)), D.AffineTransform(1.0, -2.0))": "T(-A)",
    "D.TransformedDistribution(D.Normal(0.0, T(B)), D.AffineTransform(T(V), T(W), 1))": "T(W)",
    "D.MixtureSameFamily(D.Categorical(T(W)), D.Normal(T(W), T(B)))": "T([0.5, 0.1])",
}
ASKED = ("mean", "mode", "variance", "stddev", "batch_shape", "event_shape")
CALLS = ("entropy()", "perplexity()", "enumerate_support()", "enumerate_support(expand=False)")

LINES = []
for made, value in MADE.items():
    LINES += [f"{made}.{name}" for name in (*ASKED, *CALLS)]
    LINES += [f"{made}.log_prob({value})", f"{made}.cdf({value})", f"{made}.icdf(T(P))"]

# PyTorch gives 1 for the mode where both weights are below 1, whichever is larger.
LINES[LINES.index("D.Beta(T(A), T(B)).mode")] = "D.Beta(T(A + 0.9), T(B + 0.3)).mode"

PAIRS = """
D.Normal(T(V), T(B)), D.Normal(T(A), T(P))
D.HalfNormal(T(A)), D.HalfNormal(T(B))
D.Laplace(T(V), T(B)), D.Laplace(T(A), T(P))
D.Uniform(T(V), T(V + B)), D.Uniform(T(V - P), T(V + B + 0.1))
D.Uniform(T(V), T(V + B)), D.Uniform(T(V + P), T(V + 3.0))
D.Exponential(T(A)), D.Exponential(T(B))
D.Gamma(T(A), T(B)), D.Gamma(T(B), T(P))
D.Chi2(T(A)), D.Chi2(T(B))
D.Beta(T(A), T(B)), D.Beta(T(B), T(P))
D.Dirichlet(T(A)), D.Dirichlet(T(B))
D.Bernoulli(T(P)), D.Bernoulli(T(P[::-1].copy()))
D.Bernoulli(T([0.0, 1.0, 0.5])), D.Bernoulli(T([0.5, 0.5, 0.0]))
D.Bernoulli(logits=T(V)), D.Bernoulli(T(P))
D.Binomial(4, T(P)), D.Binomial(4, logits=T(V))
D.Geometric(T(P)), D.Geometric(T(P[::-1].copy()))
D.Poisson(T(A)), D.Poisson(T(B))
D.Categorical(T(W)), D.Categorical(logits=T(V))
D.Categorical(T([0.0, 0.5, 0.5])), D.Categorical(T([0.5, 0.5, 0.0]))
D.OneHotCategorical(T(W)), D.OneHotCategorical(logits=T(V))
D.MultivariateNormal(T(V), T(C)), D.MultivariateNormal(T(A), scale_tril=T(L))
D.Independent(D.Normal(T(V), T(B)), 1), D.Independent(D.Normal(T(A), T(P)), 1)
D.LogNormal(T(V), T(B)), D.LogNormal(T(A), T(P))
"""
LINES += [f"D.kl_divergence({pair})" for pair in PAIRS.strip().splitlines()]

TRANSFORMS = (
    "D.ExpTransform()",
    "D.PowerTransform(T(B))",
    "D.SigmoidTransform()",
    "D.SoftplusTransform()",
    "D.TanhTransform()",
    "D.AffineTransform(T(V), T(B))",
    "D.AffineTransform(T(V), T(B), event_dim=1)",
    "D.ComposeTransform([D.AffineTransform(T(V), -2.0), D.ExpTransform()])",
    "D.ExpTransform().inv",
)
for made in TRANSFORMS:
    LINES += [f"{made}(T(A))", f"{made}.inv(T(P))"]
    LINES += [f"(lambda t: t.log_abs_det_jacobian(T(A), t(T(A))))({made})"]

SETS = (
    "real boolean nonnegative positive unit_interval simplex nonnegative_integer real_vector "
    "positive_integer one_hot"
).split()
LINES += [
    f"D.constraints.{name}.check(T({values}))"
    for name in SETS
    for values in ("[[0.0, 1.0, 0.0], [-1.0, np.nan, 2.0]]", "W", "[[0.5, 0.5], [3.0, np.inf]]")
]
LINES += [
    "D.constraints.lower_cholesky.check(T(np.stack([R, R.T, C, -R])))",
    "D.constraints.positive_definite.check(T(np.stack([C, -C, np.eye(3)])))",
    "D.constraints.positive_definite.check(T(R))",
    "D.constraints.interval(-1.0, 1.0).check(T([-2.0, -1.0, 1.0]))",
    "D.constraints.half_open_interval(-1.0, 1.0).check(T([-2.0, -1.0, 1.0]))",
    "D.constraints.greater_than(1.0).check(T([0.0, 1.0, 2.0]))",
    "D.constraints.less_than(1.0).check(T([0.0, 1.0, 2.0]))",
    "D.constraints.integer_interval(0, 2).check(T([0.5, 1.0, 3.0]))",
    "D.Normal(T(V), T(B)).expand((2, 3)).log_prob(T(A))",
    "D.Categorical(T(W)).expand((4, 2)).batch_shape",
    "D.Bernoulli(logits=T(V)).expand((2, 3)).entropy()",
    "D.Independent(D.Normal(T(W), 1.0), 1).expand((5, 2)).batch_shape",
    "D.Normal(0.0, 1.0).log_prob(T(V))",
    "D.Normal(T(V), -1.0)",
    "D.Normal(T(V), T(W[0, :2]))",
    "D.Normal(T(V), 1.0).log_prob(T([1.0, 2.0]))",
    "D.Bernoulli(T(P)).log_prob(T(0.5))",
    "D.Bernoulli(T(P), T(P))",
    "D.Bernoulli()",
    "D.Bernoulli(T(A))",
    "D.Categorical(T([-0.5, 1.0]))",
    "D.Categorical(T(W)).log_prob(T([3, 0]))",
    "D.Categorical(T(0.5))",
    "D.Dirichlet(T(0.5))",
    "D.Uniform(1.0, 0.0)",
    "D.Independent(D.Normal(T(V), 1.0), 2)",
    "D.MultivariateNormal(T(V), T(-C))",
    "D.MultivariateNormal(T(V))",
    "D.Beta(T(A), T(B)).log_prob(T(A))",
]

# Gradients of the sum of the result, for the parameters.
GRADIENTS = """
lambda D, a, b: D.Normal(a, b).log_prob(b * 0 + 0.7)
lambda D, a, b: D.Beta(a, b).log_prob(b * 0 + 0.7)
lambda D, a, b: D.Beta(a, b).entropy()
lambda D, a, b: D.Gamma(a, b).log_prob(b * 0 + 0.7)
lambda D, a, b: D.Gamma(a, b).entropy()
lambda D, a, b: D.StudentT(a, b, 2.0).log_prob(b * 0 + 0.7)
lambda D, a, b: D.Dirichlet(a).entropy()
lambda D, a, b: D.Categorical(logits=a).entropy()
lambda D, a, b: D.Categorical(probs=a).log_prob(a.new_tensor(1))
lambda D, a, b: D.Bernoulli(logits=a).log_prob(a.new_tensor(1.0))
lambda D, a, b: D.Bernoulli(logits=a).entropy()
lambda D, a, b: D.Poisson(a).log_prob(a.new_tensor(2.0))
lambda D, a, b: D.kl_divergence(D.Normal(a, b), D.Normal(b, a))
lambda D, a, b: D.kl_divergence(D.Gamma(a, b), D.Gamma(b, a))
lambda D, a, b: D.kl_divergence(D.Beta(a, b), D.Beta(b, a))
lambda D, a, b: D.kl_divergence(D.Dirichlet(a), D.Dirichlet(b))
lambda D, a, b: D.kl_divergence(D.Categorical(logits=a), D.Categorical(logits=b))
lambda D, a, b: D.MultivariateNormal(a, scale_tril=(b + 2.0).diag()).log_prob(b)
lambda D, a, b: D.TransformedDistribution(D.Normal(a, b), D.TanhTransform()).log_prob(b * 0.1)
"""
GRADIENTS = GRADIENTS.strip().splitlines()

# Places of the derivative of samples of the gamma distribution.
GAMMA_A = np.array([0.02, 0.3, 0.9, 1.0, 2.5, 7.0, 30.0, 200.0, 5000.0])
GAMMA_X = np.array([0.01, 0.3, 0.95, 1.0, 1.5, 3.0])  # times a
