"""PyTorch-style optimizers: golden trajectories, groups, state and bad input.

The golden values were computed by PyTorch in float64 (golden/optimizers.py).
"""

import copy
import json
import pickle
from pathlib import Path

import numpy as np
import pytest

import fastdl
from fastdl import nn, optim
from fastdl.optim import lr_scheduler

HERE = Path(__file__).parents[1]
GOLDEN = json.loads((HERE / "golden/optimizers.json").read_text("utf-8"))
EPSILON = np.finfo(np.float32).eps
SHAPES = ((2, 3), (3,), (3, 1))


def arrays(flat):
    sizes = [int(np.prod(shape)) for shape in SHAPES]
    parts = np.split(np.array(flat, np.float32), np.cumsum(sizes)[:-1])
    return [part.reshape(shape) for part, shape in zip(parts, SHAPES, strict=True)]


def start():
    return [nn.Parameter(value) for value in arrays(GOLDEN["start"][0])]


def give(parameters, gradients):
    for parameter, gradient in zip(parameters, gradients, strict=True):
        parameter.grad = None if gradient is None else fastdl.tensor(gradient)


def flat(tensors):
    return np.concatenate([t.detach().numpy().ravel() for t in tensors])


def ids(case):
    return "-".join(
        [case.get("name", "plateau"), *(f"{k}={v}" for k, v in case["options"].items())]
    )


def assert_near(actual, expected, steps):
    """Each step rounds the parameter and its change, by at most half an epsilon each."""
    size = np.maximum(1, np.abs(expected))
    np.testing.assert_array_less(np.abs(actual - expected) / size, steps * EPSILON)


def chosen(case, values):
    """Muon is for matrices."""
    return [v for v in values if case["name"] != "Muon" or v.ndim == 2]


def gradients_of(case, step):
    gradients = chosen(case, arrays(GOLDEN["gradients"][step]))
    if case["name"] == "SparseAdam":  # a row is absent in each step
        gradients = [(g.T * (np.arange(len(g)) != step % len(g))).T for g in gradients]
    return [np.float32(g) for g in gradients]


TORCH_CASES = [case for case in GOLDEN["cases"] if case["peer"] == "torch"]


@pytest.mark.parametrize("case", TORCH_CASES, ids=ids)
def test_trajectory(case):
    parameters = chosen(case, start())
    optimizer = getattr(optim, case["name"])(parameters, **case["options"])
    for step in range(len(GOLDEN["gradients"])):
        give(parameters, gradients_of(case, step))
        optimizer.step()
        if str(step) in case["rows"]:
            assert_near(flat(parameters), np.array(case["rows"][str(step)]), step + 1)


@pytest.mark.parametrize("case", TORCH_CASES, ids=ids)
def test_state_dict_goes_on_from_where_it_was_taken(case):
    one, other = chosen(case, start()), chosen(case, start())
    optimizer = getattr(optim, case["name"])(one, **case["options"])
    for step in range(3):
        give(one, gradients_of(case, step))
        optimizer.step()
    again = getattr(optim, case["name"])(other)
    again.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    with fastdl.no_grad():
        for a, b in zip(other, one, strict=True):
            a.copy_(b)
    for step in range(3, 6):
        for parameters, o in ((one, optimizer), (other, again)):
            give(parameters, gradients_of(case, step))
            o.step()
    np.testing.assert_array_equal(flat(one), flat(other))


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_copy_trains_the_copied_parameters(copied):
    one = start()
    optimizer = optim.SGD([{"params": one[:1]}, {"params": one[1:], "lr": 0.5}], 0.1, momentum=0.9)
    give(one, arrays(GOLDEN["gradients"][0]))
    optimizer.step()
    other, again = copied((one, optimizer))
    assert again.param_groups[1]["params"][0] is other[1]
    for row in GOLDEN["gradients"][1:4]:
        for parameters, o in ((one, optimizer), (other, again)):
            give(parameters, arrays(row))
            o.step()
    np.testing.assert_array_equal(flat(one), flat(other))


def test_trained_loop():
    fastdl.manual_seed(0)
    x = fastdl.randn(64, 5)
    y = (x * fastdl.tensor([1.0, -2.0, 3.0, 0.0, 0.5])).sum(1, keepdim=True)
    model = nn.Sequential(nn.Linear(5, 16), nn.ReLU(), nn.Linear(16, 1))
    optimizer = optim.Adam(model.parameters(), lr=0.01)
    losses = []
    for _ in range(200):
        optimizer.zero_grad()
        loss = ((model(x) - y) ** 2).mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] / 100


def test_gradients_at_home_and_from_outside_give_the_same():
    ours, theirs = start(), start()
    inside, outside = optim.SGD(ours, lr=0.1), optim.SGD(theirs, lr=0.1)
    for _ in range(3):
        inside.zero_grad()
        sum((p * p).sum() for p in ours).backward()
        give(theirs, [2 * p.detach().numpy() for p in theirs])
        inside.step()
        outside.step()
    np.testing.assert_array_equal(flat(ours), flat(theirs))


def test_parameter_without_gradient_is_skipped_and_its_steps_are_not_counted():
    a, b = nn.Parameter(np.ones(2, "f")), nn.Parameter(np.ones(2, "f"))
    optimizer = optim.Adam([a, b], lr=0.1)
    give([a, b], [[1.0, 1.0], None])
    optimizer.step()
    assert b.tolist() == [1.0, 1.0] and b not in optimizer.state
    give([a, b], [[1.0, 1.0], [1.0, 1.0]])
    optimizer.step()
    # Adam's first step has the size lr for any gradient. b makes its first step only now.
    np.testing.assert_allclose(b.detach().numpy(), 0.9, rtol=4 * EPSILON)
    np.testing.assert_allclose(a.detach().numpy(), 0.8, rtol=4 * EPSILON)
    assert [int(optimizer.state[p]["step"]) for p in (a, b)] == [2, 1]
    assert optimizer.state_dict()["state"][1]["step"].item() == 1.0


def test_frozen_parameters_stay():
    model = nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 1))
    model[0].requires_grad_(False)
    optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    before = [p.numpy().copy() for p in model.parameters()]
    for _ in range(2):
        optimizer.zero_grad()
        model(fastdl.ones(1, 3)).sum().backward()
        optimizer.step()
    changed = [
        not np.array_equal(p.detach().numpy(), v)
        for p, v in zip(model.parameters(), before, strict=True)
    ]
    assert changed == [False, False, True, True]
    model[0].requires_grad_(True)
    optimizer.zero_grad()
    model(fastdl.ones(1, 3)).sum().backward()
    optimizer.step()
    assert not np.array_equal(model[0].weight.detach().numpy(), before[0])


def test_groups_have_options_of_their_own():
    a, b = nn.Parameter(np.ones(1, "f")), nn.Parameter(np.ones(1, "f"))
    optimizer = optim.SGD([{"params": [a]}, {"params": b, "lr": 0.5}], lr=0.25)
    give([a, b], [[1.0], [1.0]])
    optimizer.step()
    assert (a.item(), b.item()) == (0.75, 0.5)
    for group in optimizer.param_groups:
        group["lr"] *= 2
    optimizer.step()
    assert (a.item(), b.item()) == (0.25, -0.5)
    c = nn.Parameter(np.ones(1, "f"))
    optimizer.add_param_group({"params": [c], "lr": 1.0, "weight_decay": 1.0})
    give([a, b, c], [None, None, [0.0]])
    optimizer.step()
    assert (a.item(), b.item(), c.item()) == (0.25, -0.5, 0.0)
    assert [group["params"] for group in optimizer.state_dict()["param_groups"]] == [[0], [1], [2]]


def test_options_can_change_between_steps():
    one, other = start(), start()
    changed, peer = optim.SGD(one, lr=0.1), optim.SGD(other, lr=0.1, momentum=0.5)
    changed.param_groups[0]["momentum"] = 0.5
    changed.param_groups[0]["lr"] = fastdl.tensor(0.1)
    for row in GOLDEN["gradients"][:3]:
        for parameters, optimizer in ((one, changed), (other, peer)):
            give(parameters, arrays(row))
            optimizer.step()
    np.testing.assert_array_equal(flat(one), flat(other))


def test_state_shows_and_takes_values():
    [w] = [nn.Parameter(np.ones(2, "f"))]
    optimizer = optim.SGD([w], lr=0.1, momentum=0.5)
    assert not optimizer.state_dict()["state"]
    give([w], [[1.0, 2.0]])
    optimizer.step()
    assert optimizer.state[w]["momentum_buffer"].tolist() == [1.0, 2.0]
    optimizer.state[w]["momentum_buffer"].zero_()
    before = w.detach().numpy().copy()
    optimizer.step()
    np.testing.assert_allclose(w.detach().numpy(), before - [0.1, 0.2], rtol=4 * EPSILON)


def test_state_dict_has_pytorchs_layout():
    parameters = start()
    optimizer = optim.Adam(parameters, lr=0.01, amsgrad=True)
    give(parameters, arrays(GOLDEN["gradients"][0]))
    optimizer.step()
    saved = optimizer.state_dict()
    assert list(saved) == ["state", "param_groups"]
    assert list(saved["state"]) == [0, 1, 2]
    assert list(saved["state"][0]) == ["step", "exp_avg", "exp_avg_sq", "max_exp_avg_sq"]
    [group] = saved["param_groups"]
    assert group["params"] == [0, 1, 2]
    assert {"lr", "betas", "eps", "weight_decay", "amsgrad", "maximize"} <= set(group)


@pytest.mark.parametrize(
    ("name", "states"),
    [
        ("Adamax", ["step", "exp_avg", "exp_inf"]),
        ("NAdam", ["step", "mu_product", "exp_avg", "exp_avg_sq"]),
        ("RAdam", ["step", "exp_avg", "exp_avg_sq"]),
        ("Adadelta", ["step", "square_avg", "acc_delta"]),
        ("Rprop", ["step", "prev", "step_size"]),
        ("ASGD", ["step", "eta", "mu", "ax"]),
        ("SparseAdam", ["step", "exp_avg", "exp_avg_sq"]),
    ],
)
def test_states_have_pytorchs_names(name, states):
    parameters = start()
    optimizer = getattr(optim, name)(parameters)
    give(parameters, arrays(GOLDEN["gradients"][0]))
    optimizer.step()
    state = optimizer.state_dict()["state"][0]
    assert list(state) == states
    scalars = {"step", "mu_product", "eta", "mu"}
    assert all(state[n].shape == (() if n in scalars else SHAPES[0]) for n in states)


def test_numbers_that_follow_from_the_steps_are_in_the_state():
    parameters = start()
    nadam = optim.NAdam(parameters, betas=(0.8, 0.9), momentum_decay=0.5)
    asgd = optim.ASGD(parameters, lr=0.1, lambd=0.2, alpha=0.5, t0=1)
    give(parameters, arrays(GOLDEN["gradients"][0]))
    for _ in range(4):
        nadam.step()
        asgd.step()
    momenta = [0.8 * (1 - 0.5 * 0.96 ** (0.5 * t)) for t in (1, 2, 3, 4)]
    product = nadam.state_dict()["state"][2]["mu_product"].item()
    np.testing.assert_allclose(product, np.prod(momenta), rtol=EPSILON)
    state = asgd.state_dict()["state"][2]
    np.testing.assert_allclose(state["eta"].item(), 0.1 / (1 + 0.2 * 0.1 * 4) ** 0.5, rtol=EPSILON)
    np.testing.assert_allclose(state["mu"].item(), 1 / 3, rtol=EPSILON)


def test_adafactors_states_are_rows_and_columns():
    parameters = [nn.Parameter(np.ones((2, 3, 4), "f")), nn.Parameter(np.ones(5, "f"))]
    optimizer = optim.Adafactor(parameters)
    give(parameters, [np.ones((2, 3, 4), "f"), None])
    optimizer.step()
    saved = optimizer.state_dict()["state"]
    assert list(saved) == [0]
    assert {name: v.shape for name, v in saved[0].items()} == {
        "step": (),
        "row_var": (2, 3, 1),
        "col_var": (2, 1, 4),
    }
    give(parameters, [None, np.ones(5, "f")])
    optimizer.step()
    assert [optimizer.state[p]["step"].item() for p in parameters] == [1, 1]
    wrong = copy.deepcopy(optimizer.state_dict())
    wrong["state"][0]["row_var"] = np.ones((2, 3, 4), "f")
    with pytest.raises(ValueError, match=r"'row_var' of parameter 0: .*\(2, 3, 1\), got"):
        optimizer.load_state_dict(wrong)


def test_sparse_adam_leaves_absent_rows_alone():
    table = nn.Parameter(np.ones((6, 3), "f"))
    optimizer = optim.SparseAdam([table], lr=0.1)
    for indices in ([1, 4, 4], [1, 2]):
        optimizer.zero_grad()
        table[fastdl.tensor(indices)].square().sum().backward()
        optimizer.step()
    moved = (table.detach().numpy() != 1).any(1)
    assert moved.tolist() == [False, True, True, False, True, False]
    assert not optimizer.state[table]["exp_avg"].numpy()[[0, 3, 5]].any()


def test_muon_refuses_vectors_and_serves_groups():
    with pytest.raises(ValueError, match=r"Muon: parameter 1: expected a matrix, got shape \(3,\)"):
        optim.Muon(start())
    a, b = nn.Parameter(np.eye(3, dtype="f")), nn.Parameter(np.eye(3, dtype="f"))
    optimizer = optim.Muon([{"params": [a]}, {"params": [b], "lr": 0.0}], lr=0.5)
    give([a, b], [np.eye(3), np.eye(3)])
    optimizer.step()
    assert a.detach().numpy()[0, 0] < 1.0
    np.testing.assert_array_equal(b.detach().numpy(), np.eye(3))


def rosenbrock(p):
    return ((1 - p[:-1]) ** 2 + 100 * (p[1:] - p[:-1] ** 2) ** 2).sum()


def lbfgs(p, function=rosenbrock, **options):
    optimizer = optim.LBFGS([p], **options)

    def closure():
        optimizer.zero_grad()
        loss = function(p)
        loss.backward()
        return loss

    return optimizer, closure


def test_lbfgs_takes_pytorchs_moves():
    """The losses before each step, and the evaluations, are those of PyTorch in float32.

    The search magnifies roundings; so the later losses are compared to fewer digits.
    """
    p = nn.Parameter(np.array([-1, 2], "f"))
    optimizer, closure = lbfgs(p, lr=0.001)
    losses = [optimizer.step(closure).item() for _ in range(5)]
    np.testing.assert_allclose(losses, [104, 82.67, 67.48, 58.64, 52.33], rtol=1e-4)
    assert optimizer.state[p]["func_evals"] == optimizer.state[p]["n_iter"] == 100
    p = nn.Parameter(np.array([-1, 2], "f"))
    optimizer, closure = lbfgs(p, line_search_fn="strong_wolfe", max_iter=4)
    losses = [optimizer.step(closure).item() for _ in range(8)]
    wanted = [104, 5.505, 4.849, 3.635, 2.442, 1.566, 0.7976, 0.3804]
    np.testing.assert_allclose(losses, wanted, rtol=2e-3)
    p = nn.Parameter(np.array([-1, 2], "f"))
    optimizer, closure = lbfgs(p, line_search_fn="strong_wolfe")
    for _ in range(3):
        optimizer.step(closure)
    assert 45 < optimizer.state[p]["func_evals"] < 65  # PyTorch needs 52
    np.testing.assert_allclose(p.detach().numpy(), 1.0, atol=1e-3)


def test_lbfgs_solves_least_squares_exactly():
    random = np.random.default_rng(0)
    matrix, right = random.standard_normal((30, 6)), random.standard_normal((30, 1))
    model = nn.Linear(6, 1)
    x, y = fastdl.tensor(np.float32(matrix)), fastdl.tensor(np.float32(right))
    optimizer = optim.LBFGS(model.parameters(), line_search_fn="strong_wolfe", max_iter=50)

    def closure():
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(x), y)
        loss.backward()
        return loss

    optimizer.step(closure)
    exact = np.linalg.lstsq(np.hstack([matrix, np.ones((30, 1))]), right, rcond=None)[0].ravel()
    np.testing.assert_allclose(flat(model.parameters()), exact, atol=1e-4)


def test_lbfgs_goes_on_from_its_state(tmp_path):
    one, other = (nn.Parameter(np.linspace(-1, 2, 5, dtype="f")) for _ in range(2))
    options = {"line_search_fn": "strong_wolfe", "max_iter": 5, "history_size": 3}
    optimizer, closure = lbfgs(one, **options)
    for _ in range(2):
        optimizer.step(closure)
    fastdl.save({"optimizer": optimizer.state_dict()}, tmp_path / "state.fastdl")
    again, closure_again = lbfgs(other, **options)
    again.load_state_dict(fastdl.load(tmp_path / "state.fastdl")["optimizer"])
    with fastdl.no_grad():
        other.copy_(one)
    for _ in range(2):
        assert optimizer.step(closure).item() == again.step(closure_again).item()
    np.testing.assert_array_equal(one.detach().numpy(), other.detach().numpy())
    wrong = {**again.state_dict(), "state": {0: {"d": np.ones(3, "f")}}}
    with pytest.raises(ValueError, match=r"'d': expected shape \(5,\), got \(3,\)"):
        again.load_state_dict(wrong)


def test_an_exception_in_a_line_search_leaves_the_last_move():
    p = nn.Parameter(np.array([-1, 2], "f"))
    optimizer, closure = lbfgs(p, line_search_fn="strong_wolfe")
    calls = []

    def interrupted():
        calls.append(None)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return closure()

    with pytest.raises(KeyboardInterrupt):
        optimizer.step(interrupted)
    assert p.tolist() == [-1.0, 2.0]
    optimizer.step(closure)
    assert rosenbrock(p).item() < 2.0


def test_rprop_waits_after_a_change_of_sign():
    w = nn.Parameter(np.zeros(1, "f"))
    optimizer = optim.Rprop([w], lr=0.5)
    places = []
    for gradient in (1.0, 1.0, -1.0, -1.0):
        give([w], [[gradient]])
        optimizer.step()
        places.append(w.item())
    np.testing.assert_allclose(places, [-0.5, -1.1, -1.1, -0.8], rtol=4 * EPSILON)


def test_pytorchs_state_loads_from_arrays():
    parameters = start()
    optimizer = optim.Adam(parameters, lr=0.5)
    state = {
        i: {"step": np.float32(3), "exp_avg": np.full(s, 0.1), "exp_avg_sq": np.full(s, 0.01)}
        for i, s in enumerate(SHAPES)
    }
    group = {"lr": 0.1, "betas": (0.9, 0.999), "eps": 1e-8, "params": [0, 1, 2]}
    optimizer.load_state_dict({"state": state, "param_groups": [group]})
    before = flat(parameters)
    give(parameters, [np.full(s, 0.1) for s in SHAPES])
    optimizer.step()
    v = 0.01 * 0.999 + 0.01 * 0.001
    step = 0.1 / (1 - 0.9**4) * 0.1 / (np.sqrt(v / (1 - 0.999**4)) + 1e-8)
    assert_near(flat(parameters), before - step, 4)


def test_closure_is_called_with_gradients_enabled():
    w = nn.Parameter(np.ones(1, "f"))
    optimizer = optim.SGD([w], lr=0.25)

    def closure():
        optimizer.zero_grad()
        loss = (w * w).sum()
        loss.backward()
        return loss

    with fastdl.no_grad():
        assert optimizer.step(closure).item() == 1.0
    assert w.item() == 0.5


def test_zero_grad():
    w = nn.Parameter(np.ones(2, "f"))
    optimizer = optim.SGD([w], lr=0.1)
    optimizer.zero_grad(set_to_none=False)
    assert w.grad is None
    (w * 3.0).sum().backward()
    optimizer.zero_grad(set_to_none=False)
    assert w.grad.tolist() == [0.0, 0.0]
    optimizer.zero_grad()
    assert w.grad is None


def test_named_parameters_and_plain_tensors():
    model = nn.Linear(2, 1)
    optimizer = optim.SGD(model.named_parameters(), lr=0.1)
    assert optimizer.param_groups[0]["param_names"] == ["weight", "bias"]
    x = fastdl.tensor([1.0, 2.0]).requires_grad_()
    optimizer = optim.SGD([x], lr=0.5)
    (x * x).sum().backward()
    optimizer.step()
    assert x.tolist() == [0.0, 0.0]


def test_repr_shows_the_groups():
    text = repr(optim.SGD(start(), lr=0.1))
    assert text.startswith("SGD (\nParameter Group 0\n") and "    lr: 0.1\n" in text


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda p: optim.Adam(p, lr=-1), ValueError, r"Adam: lr: .*at least 0, got -1"),
        (lambda p: optim.Adam(p, betas=(0.9, 1.0)), ValueError, r"betas\[1\]: .*\[0, 1\), got 1.0"),
        (lambda p: optim.Adadelta(p, rho=1.5), ValueError, r"Adadelta: rho: .*1.5"),
        (lambda p: optim.Rprop(p, etas=(1.0, 1.2)), ValueError, r"Rprop: etas\[0\]: .*got 1.0"),
        (lambda p: optim.NAdam(p, momentum_decay=-1), ValueError, "NAdam: momentum_decay: .*-1"),
        (lambda p: optim.LBFGS(p, line_search_fn="armijo"), ValueError, "line_search_fn: .*armijo"),
        (lambda p: optim.LBFGS(p).step(), TypeError, "closure"),
        (lambda p: optim.LBFGS([{"params": [q]} for q in p]), ValueError, "one parameter group"),
        (lambda p: optim.Adafactor(p, d=0.5), ValueError, r"Adafactor: d: .*got 0.5"),
        (lambda p: optim.SparseAdam(p, eps=0), ValueError, r"SparseAdam: eps: .*got 0"),
        (lambda p: optim.SGD(p, nesterov=True), ValueError, "SGD: nesterov: expected a momentum"),
        (lambda p: optim.SGD(p, differentiable=True), ValueError, "differentiable: expected False"),
        (lambda p: optim.SGD([]), ValueError, "at least one parameter"),
        (lambda p: optim.SGD(p[0]), TypeError, "got one tensor"),
        (lambda p: optim.SGD([p[0], p[0]]), ValueError, "given twice"),
        (lambda p: optim.SGD([{"params": p}, {"params": p[:1]}]), ValueError, "more than one"),
        (lambda p: optim.SGD([1.0]), TypeError, "parameter 0: expected a tensor, got float"),
        (lambda p: optim.SGD([{"lr": 1.0}]), TypeError, "expected a dict with 'params'"),
        (
            lambda p: lr_scheduler.StepLR(p, 1),
            TypeError,
            "StepLR: optimizer: expected an optimizer",
        ),
        (
            lambda p: lr_scheduler.OneCycleLR(optim.SGD(p), 0.1),
            ValueError,
            "expected total_steps, or epochs and steps_per_epoch",
        ),
        (
            lambda p: lr_scheduler.OneCycleLR(optim.Adagrad(p), 0.1, 10),
            ValueError,
            "expected an optimizer with momentum or betas",
        ),
        (
            lambda p: lr_scheduler.ReduceLROnPlateau(optim.SGD(p), factor=1.0),
            ValueError,
            "factor: expected a number below 1",
        ),
        (
            lambda p: lr_scheduler.LambdaLR(optim.SGD(p), [abs, abs]),
            ValueError,
            "expected 1 values, one for each parameter group, got 2",
        ),
    ],
)
def test_bad_arguments(make, error, message):
    with pytest.raises(error, match=message):
        make(start())


def test_state_of_another_network_is_refused_and_changes_nothing():
    optimizer = optim.SGD(start(), lr=0.1, momentum=0.9)
    saved = copy.deepcopy(optimizer.state_dict())
    with pytest.raises(ValueError, match=r"groups of \[3\] parameters, got groups of \[1\]"):
        optim.SGD(start()).load_state_dict(optim.SGD(start()[:1]).state_dict())
    wrong = copy.deepcopy(saved)
    wrong["state"][1] = {"momentum_buffer": np.ones(7)}
    wrong["param_groups"][0]["lr"] = 9.0
    with pytest.raises(ValueError, match=r"'momentum_buffer' of parameter 1: .*got \(7,\)"):
        optimizer.load_state_dict(wrong)
    assert optimizer.param_groups[0]["lr"] == 0.1
