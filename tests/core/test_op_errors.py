"""Bad input to ops: the exception names the op, the expected value and the given one."""

from __future__ import annotations

import numpy as np
import pytest

from fastdl import _core

F = np.float32
x23 = np.arange(6, dtype=F).reshape(2, 3)
empty = np.zeros((0, 3), F)
hyper, step = np.array([0.1], F), np.array(0)
half = np.array(0.5, F)
image = np.ones((1, 4, 5, 2), F)


def sgd(p=x23, g=x23, h=hyper, s=step, states=None, **parameters):
    _core.update_("sgd", _core.tensor(p), g, h, s, states, parameters)


def by_ids(g, ids, **options):
    _core.update_("sgd", _core.tensor(x23), g, hyper, step, ids=np.array(ids), **options)


def adam(m=x23, v=x23, s=step, **more):
    states = {"mean": m, "square": v, **more}
    _core.update_("adam", _core.tensor(x23), x23, hyper, s, states)


scores = np.zeros((3, 2, 4), F)
BAD = {
    # reductions
    "sum: axis 5 is out of range for a tensor with 2 dimensions": (
        IndexError,
        lambda: _core.sum(x23, [5], False),
    ),
    "mean: axis -3 is out of range": (IndexError, lambda: _core.mean(x23, [-3], False)),
    "var: axis 0 is given more than once": (
        ValueError,
        lambda: _core.var(x23, [1, 0, 0], False, 0),
    ),
    "sum: axis -1 is given more than once": (ValueError, lambda: _core.sum(x23, [1, -1], False)),
    "max: no elements to choose from in shape (0, 3)": (
        IndexError,
        lambda: _core.max(empty, None, False),
    ),
    "min: no elements": (IndexError, lambda: _core.min(empty, [0], False)),
    "argmax: axis 0 of shape (0, 3) has no elements": (
        IndexError,
        lambda: _core.argmax(empty, 0, False),
    ),
    "argmin: axis 0 of shape (0,) has no elements": (
        IndexError,
        lambda: _core.argmin(empty, None, False),
    ),
    "cumsum: axis 2 is out of range": (IndexError, lambda: _core.cumsum(x23, 2)),
    "sum: argument 'x' must be a tensor, got None": (
        TypeError,
        lambda: _core.sum(None, None, False),
    ),
    # softmax and losses
    "softmax: axis 2 is out of range": (IndexError, lambda: _core.softmax(x23, 2)),
    "log_softmax: argument 'x' must be a tensor": (TypeError, lambda: _core.log_softmax(None, 0)),
    "label 3 of sample 1 is outside [0, 3) for 3 classes": (
        ValueError,
        lambda: _core.sparse_softmax_cross_entropy(x23, [0, 3], -100),
    ),
    "label -1 of sample 0 is outside [0, 3)": (
        ValueError,
        lambda: _core.sparse_softmax_cross_entropy(x23, [-1, 7], -100),
    ),
    "label nan of sample 1 is not a class number": (
        ValueError,
        lambda: _core.sparse_softmax_cross_entropy(x23, np.array([0, np.nan], F), -100),
    ),
    "label 0.5 of sample 0 is not a class number": (
        ValueError,
        lambda: _core.sparse_softmax_cross_entropy(x23, np.array([0.5, 1], F), -100),
    ),
    "label inf of sample 0 is not a class number": (
        ValueError,
        lambda: _core.sparse_softmax_cross_entropy(x23, np.array([np.inf, 1], F), -100),
    ),
    "logits of shape (2, 3) need labels of shape (2,), got (3,)": (
        ValueError,
        lambda: _core.sparse_softmax_cross_entropy(x23, [0, 1, 2], -100),
    ),
    "logits must have a last axis of at least one class, got shape (3, 0)": (
        ValueError,
        lambda: _core.sparse_softmax_cross_entropy(empty.T, [0, 0, 0], -100),
    ),
    "softmax_cross_entropy: logits and targets must have one shape, got (2, 3) and (3,)": (
        ValueError,
        lambda: _core.softmax_cross_entropy(x23, x23[0]),
    ),
    "sigmoid_cross_entropy: logits and targets must have one shape": (
        ValueError,
        lambda: _core.sigmoid_cross_entropy(x23, x23.T),
    ),
    "huber: predictions and targets must have one shape": (
        ValueError,
        lambda: _core.huber(x23, 1.0, 1),
    ),
    "huber: delta must be above 0, got -1": (ValueError, lambda: _core.huber(x23, x23, -1)),
    "huber: delta must be above 0, got nan": (ValueError, lambda: _core.huber(x23, x23, np.nan)),
    "ctc_loss: log_probs must have shape (times, samples, classes), got (2, 3)": (
        ValueError,
        lambda: _core.ctc_loss(x23, [[1]], [2], [1]),
    ),
    "ctc_loss: targets must have shape (2, labels), or (labels) for all samples": (
        ValueError,
        lambda: _core.ctc_loss(scores, [[1]], [3, 3], [1, 1]),
    ),
    "ctc_loss: input_lengths must have shape (2,), got (1,)": (
        ValueError,
        lambda: _core.ctc_loss(scores, [[1], [2]], [3], [1, 1]),
    ),
    "ctc_loss: target_lengths must have shape (2,), got ()": (
        ValueError,
        lambda: _core.ctc_loss(scores, [[1], [2]], [3, 3], 1),
    ),
    "ctc_loss: blank must be in [0, 4) for 4 classes, got 4": (
        ValueError,
        lambda: _core.ctc_loss(scores, [[1], [2]], [3, 3], [1, 1], 4),
    ),
    "ctc_loss: input_lengths: 4 of sample 1 is outside [0, 3]": (
        ValueError,
        lambda: _core.ctc_loss(scores, [[1], [2]], [3, 4], [1, 1]),
    ),
    "ctc_loss: target_lengths: 2 of sample 0 is outside [0, 1]": (
        ValueError,
        lambda: _core.ctc_loss(scores, [[1], [2]], [3, 3], [2, 1]),
    ),
    "ctc_loss: target_lengths: -1 of sample 1 is outside [0, 1]": (
        ValueError,
        lambda: _core.ctc_loss(scores, [[1], [2]], [3, 3], [1, -1]),
    ),
    "ctc_loss: target_lengths: 3 of sample 1 is outside [0, 2]": (
        ValueError,
        lambda: _core.ctc_loss(scores, [1, 2, 3], [3, 3], [1, 3]),
    ),
    "ctc_loss: target_lengths add up to 2 for 3 targets": (
        ValueError,
        lambda: _core.ctc_loss(scores, [1, 2, 3], [3, 3], [1, 1]),
    ),
    "ctc_loss: targets: label 4 of sample 1 is outside [0, 4)": (
        ValueError,
        lambda: _core.ctc_loss(scores, [[1], [4]], [3, 3], [1, 1]),
    ),
    "ctc_loss: targets: label 0 of sample 1 is the blank, 0": (
        ValueError,
        lambda: _core.ctc_loss(scores, [[1, 1], [0, 1]], [3, 3], [2, 2]),
    ),
    "ctc_loss: argument 'target_lengths' must be of an integer type, got float32": (
        TypeError,
        lambda: _core.ctc_loss(scores, [[1], [2]], [3, 3], np.ones(2, F)),
    ),
    # movement
    "reshape: shape (2, 3) with 6 elements cannot become (4, 2) with 8": (
        ValueError,
        lambda: _core.reshape(x23, [4, 2]),
    ),
    "reshape: 6 elements of shape (2, 3) do not fill shape (4, -1)": (
        ValueError,
        lambda: _core.reshape(x23, [4, -1]),
    ),
    "reshape: only one extent can be -1": (ValueError, lambda: _core.reshape(x23, [-1, -1])),
    "reshape: 0 elements of shape (0, 3) do not fill shape (0, -1)": (
        ValueError,
        lambda: _core.reshape(empty, [0, -1]),
    ),
    "reshape: extents must be at least 0": (ValueError, lambda: _core.reshape(x23, [-2, -3])),
    "reshape: shape (4611686018427387904, 4611686018427387904) has too many elements": (
        ValueError,
        lambda: _core.reshape(x23, [2**62, 2**62]),
    ),
    "a tensor has at most 8 dimensions": (ValueError, lambda: _core.reshape(x23, [1] * 8 + [6])),
    "transpose: expected a permutation of 2 axes for shape (2, 3), got 1": (
        ValueError,
        lambda: _core.transpose(x23, [0]),
    ),
    "transpose: axis 1 appears twice": (ValueError, lambda: _core.transpose(x23, [1, -1])),
    "transpose: axis 7 is out of range": (IndexError, lambda: _core.transpose(x23, [0, 7])),
    "broadcast_to: shape (2, 3) does not broadcast to (3, 3)": (
        ValueError,
        lambda: _core.broadcast_to(x23, [3, 3]),
    ),
    "broadcast_to: shape (2, 3) does not broadcast to (3,)": (
        ValueError,
        lambda: _core.broadcast_to(x23, [3]),
    ),
    "slice: expected one start, stop and step for each of the 2 axes": (
        ValueError,
        lambda: _core.slice(x23, [0], [1], [1]),
    ),
    "slice: the step of axis 1 must not be 0": (
        ValueError,
        lambda: _core.slice(x23, [0, 0], [1, 1], [1, 0]),
    ),
    "slice: 0:9:1 is out of range for axis 1 with size 3": (
        IndexError,
        lambda: _core.slice(x23, [0, 0], [1, 9], [1, 1]),
    ),
    f"slice: {-(2**63)}:{2**63 - 1}:{2**63 - 1} is out of range": (
        IndexError,
        lambda: _core.slice(x23, [0, -(2**63)], [1, 2**63 - 1], [1, 2**63 - 1]),
    ),
    "setitem_: a value of shape (2,) does not fit into a slice of shape (2, 1)": (
        ValueError,
        lambda: _core.setitem_(_core.tensor(x23), [0, 0], [2, 1], [1, 1], x23[:, 0]),
    ),
    "pad: expected widths of at least 0, got -1 and 0 for axis 0": (
        ValueError,
        lambda: _core.pad(x23, [-1, 0], [0, 0], 0),
    ),
    "pad: expected one width before and after each of the 2 axes": (
        ValueError,
        lambda: _core.pad(x23, [1], [1], 0),
    ),
    "pad: shape (1152921504606846977, 1152921504606846978) has too many elements": (
        ValueError,
        lambda: _core.pad(x23, [2**60 - 1] * 2, [0, 0], 0),
    ),
    "concat: expected at least one tensor": (ValueError, lambda: _core.concat([], 0)),
    "concat: tensor 1 of shape (2, 2) does not fit shape (2, 3) along axis 0": (
        ValueError,
        lambda: _core.concat([x23, x23[:, :2]], 0),
    ),
    "concat: axis 0 is out of range for a tensor with 0 dimensions": (
        IndexError,
        lambda: _core.concat([half], 0),
    ),
    "stack: expected tensors of one shape, got (2, 3) and (3,)": (
        ValueError,
        lambda: _core.stack([x23, x23[0]], 0),
    ),
    "stack: expected at least one tensor": (ValueError, lambda: _core.stack([], 0)),
    "split: the parts sum to 2 but axis 1 of shape (2, 3) has size 3": (
        ValueError,
        lambda: _core.split(x23, [1, 1], 1),
    ),
    "split: a part of size -1": (ValueError, lambda: _core.split(x23, [1, -1, 3], 1)),
    "split: the parts exceed axis 1": (ValueError, lambda: _core.split(x23, [2, 2], 1)),
    # indices
    "take: index 2 is out of range for axis 0 with size 2": (
        IndexError,
        lambda: _core.take(x23, [0, 2], 0),
    ),
    "take: index -4 is out of range for axis 1 with size 3": (
        IndexError,
        lambda: _core.take(x23, -4, 1),
    ),
    "take: index 0 is out of range for axis 0 with size 0": (
        IndexError,
        lambda: _core.take(empty, 0, 0),
    ),
    "take: argument 'indices' must be of an integer type, got float32": (
        TypeError,
        lambda: _core.take(x23, [0.0], 0),
    ),
    "take: argument 'indices' must be of an integer type, got bool": (
        TypeError,
        lambda: _core.take(x23, [True], 0),
    ),
    "take: axis 2 is out of range": (IndexError, lambda: _core.take(x23, 0, 2)),
    "gather: index 3 is out of range for axis 1 with size 3": (
        IndexError,
        lambda: _core.gather(x23, [[3]], 1),
    ),
    "gather: indices of shape (1,) must have as many axes as x": (
        ValueError,
        lambda: _core.gather(x23, [0], 1),
    ),
    "gather: indices of shape (3, 1) must have": (
        ValueError,
        lambda: _core.gather(x23, [[0]] * 3, 1),
    ),
    "scatter_add: index 5 is out of range for axis 0 with size 5": (
        IndexError,
        lambda: _core.scatter_add(x23, [0, 5], 0, 5),
    ),
    "scatter_add: updates of shape (2, 3) must have the indices' shape (3,) at axis 0": (
        ValueError,
        lambda: _core.scatter_add(x23, [0, 0, 0], 0, 5),
    ),
    "scatter_add: expected a size of at least 0": (
        ValueError,
        lambda: _core.scatter_add(x23, [0, 0], 0, -5),
    ),
    "put_: index 9 is out of range for axis 1 with size 3": (
        IndexError,
        lambda: _core.put_(_core.tensor(x23), 9, 1.0, 1),
    ),
    "broadcast_to: shape (5,) does not broadcast to (2, 1)": (
        ValueError,
        lambda: _core.put_(_core.tensor(x23), [0], np.zeros(5, F), 1),
    ),
    "one_hot: argument 'indices' must be of an integer type": (
        TypeError,
        lambda: _core.one_hot(x23, 3, F, False),
    ),
    "one_hot: expected a depth of at least 0, got -1": (
        ValueError,
        lambda: _core.one_hot([0], -1, F, False),
    ),
    "one_hot: class 3 at position 1 is outside [0, 3)": (
        ValueError,
        lambda: _core.one_hot([0, 3], 3, F, True),
    ),
    # pooling
    "max_pool: expected a tensor (samples, places..., channels) with 3 to 5 axes, got shape (2,": (
        ValueError,
        lambda: _core.max_pool(x23, 2),
    ),
    "max_pool: window: expected 2 sizes for a tensor of shape (1, 4, 5, 2), got 1": (
        ValueError,
        lambda: _core.max_pool(image, 2),
    ),
    "max_pool: window: expected sizes of at least 1, got (2, 0)": (
        ValueError,
        lambda: _core.max_pool(image, (2, 0)),
    ),
    "max_pool: strides: expected sizes of at least 1, got (0, 1)": (
        ValueError,
        lambda: _core.max_pool(image, (2, 2), (0, 1)),
    ),
    "avg_pool: low: expected sizes of at least 0, got (-1, 0)": (
        ValueError,
        lambda: _core.avg_pool(image, (2, 2), None, (-1, 0)),
    ),
    "max_pool: the padding 2 and 0 of axis 1 must be less than the window of 2": (
        ValueError,
        lambda: _core.max_pool(image, (2, 2), None, None, (2, 0)),
    ),
    "avg_pool: the window of 6 places is larger than axis 2 of shape (1, 4, 5, 2) with its "
    "padding, 5": (ValueError, lambda: _core.avg_pool(image, (2, 6))),
    "max_pool: with dilation 2 a window has no place in axis 1 of shape (1, 1, 2)": (
        ValueError,
        lambda: _core.max_pool(np.ones((1, 1, 2), F), 2, 1, 2, 1, 1),
    ),
    "max_pool: the window (65536, 65536) is too large": (
        ValueError,
        lambda: _core.max_pool(image, (1 << 16,) * 2, (1, 1), None, (65535,) * 2, (65535,) * 2),
    ),
    "avg_pool: expected a divisor other than 0": (
        ValueError,
        lambda: _core.avg_pool(image, (2, 2), divisor=0),
    ),
    "adaptive_avg_pool: size: expected sizes of at least 1, got (3, 0)": (
        ValueError,
        lambda: _core.adaptive_avg_pool(image, (3, 0)),
    ),
    "adaptive_max_pool: a tensor of shape (1, 0, 2) has no places to choose from": (
        ValueError,
        lambda: _core.adaptive_max_pool(np.ones((1, 0, 2), F), 3),
    ),
    "resample: expected a matrix (out, 5) for axis 2 of shape (1, 4, 5, 2), got shape (2, 3)": (
        ValueError,
        lambda: _core.resample(image, x23, 2),
    ),
    "resample: axis 4 is out of range": (IndexError, lambda: _core.resample(image, x23, 4)),
    # random
    "uniform: expected low <= high, got 1 and 0": (ValueError, lambda: _core.uniform([2], 1, 0)),
    "uniform: expected low <= high, got nan": (ValueError, lambda: _core.uniform([2], np.nan, 0)),
    "uniform: expected finite parameters": (ValueError, lambda: _core.uniform([2], 0, np.inf)),
    "normal: the standard deviation must not be negative, got -1": (
        ValueError,
        lambda: _core.normal([2], 0, -1),
    ),
    "truncated_normal: the standard deviation must not be negative, got nan": (
        ValueError,
        lambda: _core.truncated_normal([2], 0, np.nan),
    ),
    "normal: expected extents of at least 0": (ValueError, lambda: _core.normal([2, -1], 0, 1)),
    "randint: expected low < high, got 3 and 3": (ValueError, lambda: _core.randint([2], 3, 3)),
    "permutation: expected a length of at least 0, got -1": (
        ValueError,
        lambda: _core.permutation(-1),
    ),
    "dropout: rate must lie in [0, 1), got 1": (ValueError, lambda: _core.dropout(x23, 1)),
    "dropout: rate must lie in [0, 1), got -0.1": (ValueError, lambda: _core.dropout(x23, -0.1)),
    "dropout: rate must lie in [0, 1), got nan": (ValueError, lambda: _core.dropout(x23, np.nan)),
    # updates
    "update_: 'g' must have the parameters' shape (2, 3), got (3, 2)": (
        ValueError,
        lambda: sgd(g=x23.T.copy()),
    ),
    "update_: argument 'g' must be float32, got int64": (
        TypeError,
        lambda: sgd(g=np.zeros((2, 3), int)),
    ),
    "update_: argument 'p' must be float32, got int64": (
        TypeError,
        lambda: sgd(p=np.zeros((2, 3), int)),
    ),
    "update_: argument 'g' must be a tensor, got None": (TypeError, lambda: sgd(g=None)),
    "update_: momentum 0.9 of rule 'sgd' needs a state to keep it, got None": (
        ValueError,
        lambda: sgd(momentum=0.9),
    ),
    "update_: 'p' of shape (2, 3) and 'ids' of shape (2,) do not fit 'g' of shape (3, 3)": (
        ValueError,
        lambda: by_ids(np.ones((3, 3), F), [0, 1]),
    ),
    "update_: id 2 is none of 2 rows": (IndexError, lambda: by_ids(x23, [0, 2])),
    "update_: id -1 is none of 2 rows": (IndexError, lambda: by_ids(x23, [-1, 1])),
    "update_: with 'ids' only some rows change": (ValueError, lambda: by_ids(x23, [0, 1], l2=0.1)),
    "update_: present_only: expected no penalty": (
        ValueError,
        lambda: _core.update_(
            "sgd", _core.tensor(x23), x23, hyper, step, penalty=half, present_only=True
        ),
    ),
    "update_: 'hyper' must hold the learning rate": (ValueError, lambda: sgd(h=np.zeros(3, F))),
    "update_: argument 'hyper' must be a tensor, got None": (TypeError, lambda: sgd(h=None)),
    "update_: 'square' must have the parameters' shape": (ValueError, lambda: adam(v=x23[0])),
    "update_: 'largest' must have the parameters' shape": (
        ValueError,
        lambda: adam(largest=x23[0]),
    ),
    "update_: rule 'adam' needs the state 'mean', got None": (TypeError, lambda: adam(m=None)),
    "update_: unknown state 'velocity' of rule 'adam'; possible: mean, square, largest": (
        ValueError,
        lambda: adam(velocity=x23),
    ),
    "update_: unknown parameter 'mu' of rule 'sgd'; possible: momentum, nesterov, dampening": (
        ValueError,
        lambda: sgd(mu=0.9),
    ),
    "update_: unknown rule 'adamix'; possible: sgd, adagrad, rmsprop, adam, lion, adamax": (
        ValueError,
        lambda: _core.update_("adamix", x23, x23, hyper, step),
    ),
    "update_: argument 'states': expected a dict, got list": (
        TypeError,
        lambda: sgd(states=[x23]),
    ),
    "update_: argument 'parameters': momentum: expected a number, got str": (
        TypeError,
        lambda: sgd(momentum="x"),
    ),
    "update_: 'step' must be one int64, got float32": (TypeError, lambda: adam(s=half)),
    "update_: argument 'step' must be a tensor": (TypeError, lambda: adam(s=None)),
    "reserve: 'generator' must be two int64, seed and counter, got float32 of shape (2, 3)": (
        TypeError,
        lambda: _core.uniform([2], generator=x23),
    ),
    "increment_: 'counts' must be int64, got float32": (
        TypeError,
        lambda: _core.increment_(half, 1),
    ),
}


@pytest.mark.parametrize("message", BAD, ids=range(len(BAD)))
def test_message(message):
    expected, call = BAD[message]
    with pytest.raises(expected) as caught:
        call()
    assert message in str(caught.value)
    kinds = {
        ValueError: (_core.ArgumentError, _core.ShapeError),
        IndexError: (_core.RangeError, _core.AxisError),
        TypeError: (_core.DTypeError, TypeError),
    }
    assert type(caught.value) in kinds.get(expected, (expected,))


def read_only():
    a = x23.copy()
    a.flags.writeable = False
    return a


@pytest.mark.parametrize(
    "call",
    [
        lambda a: _core.assign_(a, 0.0),
        lambda a: _core.add_(a, 0.0),
        lambda a: _core.setitem_(a, [0, 0], [1, 1], [1, 1], 0.0),
        lambda a: _core.put_(a, [0], 0.0, 0),
        lambda a: _core.update_("sgd", a, x23, hyper, step),
        lambda a: adam(m=a),
    ],
)
def test_read_only_memory_is_not_written(call):
    a = read_only()
    with pytest.raises(ValueError, match="read-only array of shape"):
        call(_core.as_tensor(a))
    np.testing.assert_array_equal(a, x23)


@pytest.mark.parametrize(
    "call",
    [
        lambda v: _core.setitem_(_core.tensor(x23), [0, 0], [2, 3], [1, 1], v),
        lambda v: _core.put_(_core.tensor(x23), [0, 1], v, 0),
    ],
)
def test_assigned_values_do_not_lose_a_gradient_in_silence(call):
    v = _core.tensor(x23)
    v.requires_grad = True
    with pytest.raises(RuntimeError, match="requires a gradient"):
        call(v)
    call(v.detach())


def test_a_failing_label_in_a_plan_raises_as_it_does_eagerly():
    logits, labels = _core.tensor(x23), _core.tensor([0, 1])
    recorder = _core.Recorder()
    loss = _core.sparse_softmax_cross_entropy(logits, labels, -100)
    recorder.stop()
    plan = _core.Plan(recorder, [logits, labels], [loss])
    with pytest.raises(ValueError, match="label 5 of sample 1 is outside"):
        plan.replay([_core.tensor(x23), _core.tensor([0, 5])])
    (again,) = plan.replay([_core.tensor(x23), _core.tensor([0, 1])])
    np.testing.assert_array_equal(again.numpy(), loss.numpy())


# Only values that the gradient does not read may change before backward.
KEEPS = {
    "sum": (lambda x: _core.sum(x, [1], False), True),
    "mean": (lambda x: _core.mean(x, None, False), True),
    "reshape": (lambda x: _core.reshape(x, [3, 2]), True),
    "transpose": (lambda x: _core.transpose(x, None), True),
    "slice": (lambda x: _core.slice(x, [0, 0], [1, 1], [1, 1]), True),
    "concat": (lambda x: _core.concat([x, x], 0), True),
    "take": (lambda x: _core.take(x, [0, 0], 0), True),
    "softmax": (lambda x: _core.softmax(x, -1), True),
    "sparse_softmax_cross_entropy": (
        lambda x: _core.sparse_softmax_cross_entropy(x, [0, 1], -100),
        True,
    ),
    "dropout": (lambda x: _core.dropout(x, 0.5), True),
    "max_pool": (lambda x: _core.max_pool(_core.reshape(x, [2, 3, 1]), 2), True),
    "avg_pool": (lambda x: _core.avg_pool(_core.reshape(x, [2, 3, 1]), 2), True),
    "max": (lambda x: _core.max(x, [1], False), False),
    "sigmoid_cross_entropy": (lambda x: _core.sigmoid_cross_entropy(x, x23), False),
    "huber": (lambda x: _core.huber(x, 2 * x23, 1), False),
}


@pytest.mark.parametrize("op", KEEPS)
def test_only_what_the_gradient_reads_is_version_checked(op):
    call, may_change = KEEPS[op]
    leaf = _core.tensor(x23)
    leaf.requires_grad = True
    x = _core.mul(leaf, 2.0)
    y = call(x)
    _core.assign_(x.detach(), 0.0)
    weight = _core.tensor(np.ones(y.shape, F))
    if may_change:
        y.backward(weight)
        assert leaf.grad.shape == leaf.shape
    else:
        with pytest.raises(RuntimeError, match=f"of {op} .* was changed in place"):
            y.backward(weight)
