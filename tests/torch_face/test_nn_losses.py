"""Losses of nn beyond the golden values: errors, limits, replays."""

import math

import numpy as np
import plans
import pytest

import fastdl
import fastdl.nn.functional as F
from fastdl import nn

EPS = float(np.finfo("float32").eps)
X, Y = fastdl.tensor(plans.random(4, 3)), fastdl.tensor(plans.random(4, 3, seed=1))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: F.kl_div(X, Y, "batchsum"), "kl_div: reduction: expected .*got 'batchsum'"),
        (lambda: nn.KLDivLoss("batch"), "KLDivLoss: reduction: expected .*'batchmean'"),
        (lambda: F.l1_loss(X, Y, "batchmean"), "reduction: .* got 'batchmean'"),
        (lambda: F.poisson_nll_loss(X, Y, eps=-1.0), "poisson_nll_loss: eps: .* at least 0"),
        (lambda: F.gaussian_nll_loss(X, Y, -1.0), "var: expected variances of at least 0, got -1"),
        (lambda: F.gaussian_nll_loss(X, Y, [1.0, -2.0, 1.0, 1.0]), "variances .* got -2"),
        (lambda: F.gaussian_nll_loss(X, Y, fastdl.ones(3)), r"var: .*\(4, 3\).*got \(3,\)"),
        (lambda: F.gaussian_nll_loss(X, Y, fastdl.ones(1, 1)), r"var: .*got \(1, 1\)"),
        (lambda: nn.GaussianNLLLoss(eps=0.0), "GaussianNLLLoss: eps: .* above 0"),
        (lambda: F.cosine_embedding_loss(X, Y, 1), r"target: expected shape \(4,\), got \(\)"),
        (lambda: F.cosine_embedding_loss(X, Y[:2], 1), r"one shape .* \(4, 3\) and \(2, 3\)"),
        (lambda: F.margin_ranking_loss(X, Y, [1] * 4), r"same number of axes, .* and \(4,\)"),
        (lambda: nn.MarginRankingLoss("1"), "MarginRankingLoss: margin: expected a finite number"),
        (lambda: F.triplet_margin_loss(X, Y, X, 0.0), "triplet_margin_loss: margin: .* above 0"),
        (lambda: F.triplet_margin_loss(X, Y, X[0]), r"same number of axes, .* and \(3,\)"),
        (lambda: F.multi_margin_loss(X, [0, 1, 2, 3]), r"target: .* outside \[0, 3\)"),
        (lambda: F.multi_margin_loss(X, [0, 1, 2, -1]), r"target: .* outside \[0, 3\)"),
        (lambda: F.multi_margin_loss(X, [0, 1]), r"of shape \(4,\), got int64 of shape \(2,\)"),
        (lambda: F.multi_margin_loss(X, [0.0] * 4), "got float32 of shape"),
        (lambda: F.multi_margin_loss(X, [0] * 4, p=3), "p: expected 1 or 2, got 3"),
        (lambda: F.multi_margin_loss(X, [0] * 4, weight=[1.0]), "one for each of 3 classes"),
        (
            lambda: F.multi_margin_loss(fastdl.ones(1, 2, 3), 0),
            r"\(N, C\) or \(C\), got \(1, 2, 3\)",
        ),
        (lambda: F.multilabel_margin_loss(X, [[0, 1, 3]] * 4), r"outside \[0, 3\)"),
        (lambda: F.multilabel_margin_loss(X, [[0, -2, 1]] * 4), r"outside \[0, 3\)"),
        (lambda: F.multilabel_margin_loss(X, [0, 1, -1]), r"shape \(4, 3\), got int64 of shape"),
        (lambda: F.multilabel_soft_margin_loss(1.0, 1.0), "expected input of shape"),
    ],
)
def test_bad_losses(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_a_distance_that_is_no_function():
    with pytest.raises(TypeError, match="distance_function"):
        nn.TripletMarginWithDistanceLoss(distance_function=2)
    with pytest.raises(TypeError, match="distance_function"):
        F.triplet_margin_with_distance_loss(X, Y, X, distance_function="l2")


@pytest.mark.parametrize("p", [1.0, 2.0, 3.0, math.inf])
def test_pairwise_distance(p):
    x, y = X.numpy().astype(float), Y.numpy().astype(float)
    expected = np.linalg.norm(x - y + 1e-6, p, axis=-1)
    # A difference, a power, a sum of three and a root.
    np.testing.assert_allclose(F.pairwise_distance(X, Y, p).numpy(), expected, rtol=8 * EPS)
    assert F.pairwise_distance(X, Y, p, keepdim=True).shape == (4, 1)


def test_large_scores_do_not_overflow():
    assert F.soft_margin_loss([-1e4, 1e4], [1, 1], reduction="none").tolist() == [1e4, 0.0]
    assert F.multilabel_soft_margin_loss([[-1e4, 1e4]], [[1, 0]]).item() == 1e4
    big = [[1e15, 1e15]]
    assert F.cosine_embedding_loss(big, big, [1]).item() == pytest.approx(0.0, abs=4 * EPS)


def test_targets_of_a_divergence_may_be_0_with_gradient():
    target = fastdl.tensor([[0.0, 1.0]], requires_grad=True)
    loss = F.kl_div(fastdl.tensor([[-2.0, -3.0]]), target, reduction="sum")
    assert loss.item() == 3.0
    loss.backward()
    assert np.isfinite(target.grad.numpy()).all()


def test_infinite_scores_of_other_classes_keep_the_value():
    loss = F.multi_margin_loss([[-math.inf, 0.5, 0.0]], [1], reduction="none")
    assert loss.tolist() == [np.float32(0.5) / np.float32(3)]


def listed(scores):
    """The class of the largest score alone, then the end of the list and what does not count."""
    best = fastdl.argmax(scores, 1)
    return fastdl.stack([best, best * 0 - 1, best], 1)


LOSSES = {
    "kl_div": lambda x, y: F.kl_div(x, abs(y)),
    "poisson_nll_loss": lambda x, y: F.poisson_nll_loss(x, abs(y), full=True),
    "gaussian_nll_loss": lambda x, y: F.gaussian_nll_loss(x, y, abs(y)),
    "cosine_embedding_loss": lambda x, y: F.cosine_embedding_loss(x, y, [1, -1, 1, -1]),
    "margin_ranking_loss": lambda x, y: F.margin_ranking_loss(x, y, fastdl.sign(x)),
    "hinge_embedding_loss": lambda x, y: F.hinge_embedding_loss(x, fastdl.sign(y)),
    "triplet_margin_loss": lambda x, y: F.triplet_margin_loss(x, y, x + 1.0, swap=True),
    "soft_margin_loss": lambda x, y: F.soft_margin_loss(x, fastdl.sign(y)),
    "multi_margin_loss": lambda x, y: F.multi_margin_loss(x, fastdl.argmax(y, 1)),
    "multilabel_margin_loss": lambda x, y: F.multilabel_margin_loss(x, listed(y)),
    "multilabel_soft_margin_loss": lambda x, y: F.multilabel_soft_margin_loss(x, y > 0.0),
}


@pytest.mark.parametrize("name", LOSSES)
def test_a_replay_gives_what_the_loss_gives(name):
    slots = [fastdl.tensor(plans.random(4, 3)), fastdl.tensor(plans.random(4, 3, seed=1))]
    plan = plans.recorded(lambda x, y: [LOSSES[name](x, y)], slots)
    fresh = [fastdl.tensor(plans.random(4, 3, seed=seed)) for seed in (2, 3)]
    plan.replay(fresh)
    assert plan.outputs[0].item() == LOSSES[name](*fresh).item()


def test_a_replay_refuses_a_negative_variance():
    slots = [X, Y, fastdl.ones(4, 3)]
    plan = plans.recorded(lambda *inputs: F.gaussian_nll_loss(*inputs), slots)
    plan.replay([X, Y, fastdl.ones(4, 3)])
    with pytest.raises(IndexError):
        plan.replay([X, Y, -fastdl.ones(4, 3)])
