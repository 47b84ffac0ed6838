"""ctc_loss against the sum over all paths, its gradient, and its limits."""

from itertools import product

import numpy as np
import pytest

import fastdl
from fastdl import _core

EPS = np.finfo(np.float32).eps


def collapsed(path):
    """A path without repetitions, and then without blanks."""
    return tuple(c for i, c in enumerate(path) if c and (i == 0 or c != path[i - 1]))


def loss_of_paths(scores, labels):
    """-log of the sum of the probabilities of all paths that give the labels."""
    times, classes = scores.shape
    total = sum(
        np.exp(sum(scores[t, c] for t, c in enumerate(path)))
        for path in product(range(classes), repeat=times)
        if collapsed(path) == tuple(labels)
    )
    return -np.log(total) if total else np.inf


def scores(*shape, seed=0):
    return -np.random.default_rng(seed).uniform(0.1, 3, shape).astype(np.float32)


@pytest.mark.parametrize("labels", [[], [1], [2, 2], [1, 2, 1], [1, 1, 2], [2, 2, 2]])
@pytest.mark.parametrize("times", [1, 3, 5])
def test_sum_over_all_paths(labels, times):
    x = scores(times, 1, 3)
    found = _core.ctc_loss(x, np.array([labels], np.int64), [times], [len(labels)])
    expected = loss_of_paths(x[:, 0].astype(float), labels)
    np.testing.assert_allclose(found.numpy(), [expected], rtol=2 * EPS, atol=EPS)


def test_gradient_is_that_of_the_sum_over_paths():
    x, labels, h = scores(4, 1, 3), [1, 2], 1e-5
    t = fastdl.tensor(x, requires_grad=True)
    _core.ctc_loss(t, [labels], [4], [2]).sum().backward()
    wide = x[:, 0].astype(float)
    for at in np.ndindex(4, 3):
        step = np.zeros_like(wide)
        step[at] = h
        ends = [loss_of_paths(wide + sign * step, labels) for sign in (1, -1)]
        assert t.grad.numpy()[at[0], 0, at[1]] == pytest.approx(
            (ends[0] - ends[1]) / (2 * h), abs=1e-6
        )


def test_only_the_times_and_labels_of_a_sample_count():
    x = scores(6, 3, 4)
    used, counts = [6, 4, 0], [2, 1, 0]
    t = fastdl.tensor(x, requires_grad=True)
    loss = _core.ctc_loss(t, [[1, 3], [2, 0], [7, 7]], used, counts)  # what follows may be anything
    loss.sum().backward()
    alone = [loss_of_paths(x[:n, i].astype(float), y) for i, n, y in ((0, 6, [1, 3]), (1, 4, [2]))]
    np.testing.assert_allclose(loss.numpy(), [*alone, 0.0], rtol=2 * EPS)
    assert (t.grad.numpy()[4:, 1] == 0).all() and (t.grad.numpy()[:, 2] == 0).all()


@pytest.mark.parametrize("zero", [False, True])
def test_labels_that_do_not_fit(zero):
    t = fastdl.tensor(scores(2, 2, 3), requires_grad=True)
    loss = _core.ctc_loss(t, [[1, 1], [1, 2]], [2, 2], [2, 2], 0, zero)
    assert loss.tolist()[0] == (0.0 if zero else np.inf) and np.isfinite(loss.tolist()[1])
    loss.sum().backward()
    first, second = t.grad.numpy()[:, 0], t.grad.numpy()[:, 1]
    assert (first == 0).all() if zero else np.isnan(first).all()
    assert np.isfinite(second).all()


def test_many_times_and_impossible_classes():
    """Products of 2000 probabilities of 1e-3 are far below the range of float64."""
    x = np.full((2000, 1, 3), np.log(1e-3), np.float32)
    x[:, 0, 2] = -np.inf
    t = fastdl.tensor(x, requires_grad=True)
    loss = _core.ctc_loss(t, [[1]], [2000], [1])
    paths = 2000 * 2001 / 2  # where the label begins and ends
    assert loss.item() == pytest.approx(-2000 * float(x[0, 0, 0]) - np.log(paths), rel=1e-6)
    loss.sum().backward()
    assert t.grad.numpy().sum() == pytest.approx(-2000, rel=1e-5)  # one class at each time
    assert (t.grad.numpy()[:, 0, 2] == 0).all()


def test_scores_that_are_no_number_are_not_hidden():
    x = scores(3, 1, 3)
    x[1, 0, 1] = np.nan
    assert np.isnan(_core.ctc_loss(x, [[1, 2]], [3], [2]).item())


def test_nothing():
    none = np.zeros(0, np.int64)
    assert _core.ctc_loss(np.zeros((3, 0, 2)), none.reshape(0, 1), none, none).shape == (0,)
    loss = _core.ctc_loss(np.zeros((0, 2, 2)), [[1], [1]], [0, 0], [0, 1])
    assert loss.tolist() == [0.0, np.inf]


def test_second_derivatives_are_refused():
    t = fastdl.tensor(scores(3, 1, 3), requires_grad=True)
    loss = _core.ctc_loss(t, [[1]], [3], [1]).sum()
    (first,) = _core.grad([loss], [fastdl.tensor(1.0)], [t], True, True)
    with pytest.raises(RuntimeError, match="second derivatives"):
        first.sum().backward()


def test_bad_lengths_in_a_plan_raise_as_they_do_eagerly():
    x, lengths = fastdl.tensor(scores(3, 1, 3)), fastdl.tensor([3])
    recorder = _core.Recorder()
    loss = _core.ctc_loss(x, [[1]], lengths, [1])
    recorder.stop()
    plan = _core.Plan(recorder, [x, lengths], [loss])
    with pytest.raises(ValueError, match="input_lengths: 4 of sample 0"):
        plan.replay([x, fastdl.tensor([4])])
    (again,) = plan.replay([x, fastdl.tensor([2])])
    assert again.item() == _core.ctc_loss(x, [[1]], [2], [1]).item()
