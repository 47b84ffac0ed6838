"""Random distributions with densities, gradients and divergences, as `torch.distributions`.

Policies of reinforcement learning and the latent variables of autoencoders need them: `sample`
gives values, `rsample` values through which gradients flow, `log_prob` their densities.

Example:
    >>> q = Normal(fastdl.tensor([1.0], requires_grad=True), 1.0)
    >>> loss = kl_divergence(q, Normal(0.0, 1.0)).sum()
    >>> loss.item()
    0.5
"""

# ruff: noqa: I001 - one import per module, not per name
from typing import TYPE_CHECKING

from . import constraints as constraints, transforms as transforms
from .combined import (
    Independent as Independent,
    LogNormal as LogNormal,
    MixtureSameFamily as MixtureSameFamily,
    TransformedDistribution as TransformedDistribution,
)
from .continuous import (
    Cauchy as Cauchy,
    Exponential as Exponential,
    Gumbel as Gumbel,
    HalfNormal as HalfNormal,
    Laplace as Laplace,
    Normal as Normal,
    Uniform as Uniform,
)
from .discrete import (
    Bernoulli as Bernoulli,
    Binomial as Binomial,
    Categorical as Categorical,
    Geometric as Geometric,
    OneHotCategorical as OneHotCategorical,
    OneHotCategoricalStraightThrough as OneHotCategoricalStraightThrough,
    Poisson as Poisson,
)
from .distribution import Distribution as Distribution
from .gammas import (
    Beta as Beta,
    Chi2 as Chi2,
    Dirichlet as Dirichlet,
    Gamma as Gamma,
    StudentT as StudentT,
)
from .kl import kl_divergence as kl_divergence, register_kl as register_kl
from .multivariate import MultivariateNormal as MultivariateNormal
from .transforms import (
    AffineTransform as AffineTransform,
    ComposeTransform as ComposeTransform,
    ExpTransform as ExpTransform,
    PowerTransform as PowerTransform,
    SigmoidTransform as SigmoidTransform,
    SoftplusTransform as SoftplusTransform,
    TanhTransform as TanhTransform,
    Transform as Transform,
    identity_transform as identity_transform,
)

if not TYPE_CHECKING:
    from .._base.missing import attributes_missing_from

    __getattr__ = attributes_missing_from(__name__)
