"""`fastdl.optim.lr_scheduler` against PyTorch's, and what is beside the numbers."""

import json
import math
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import scheduler_cases as cases

import fastdl
from fastdl import nn, optim
from fastdl.optim import lr_scheduler

GOLDEN = json.loads((Path(__file__).parents[1] / "golden/schedulers.json").read_text("utf-8"))
HERE = SimpleNamespace(optim=optim, parameter=lambda: nn.Parameter(np.ones(1, np.float32)))


def sgd(lr=1.0):
    return optim.SGD([HERE.parameter()], lr=lr, momentum=0.9)


def rates(scheduler, steps):
    found = [scheduler.get_last_lr()[0]]
    for _ in range(steps):
        scheduler.step()
        found.append(scheduler.get_last_lr()[0])
    return found


def test_the_golden_file_has_all_cases():
    assert list(GOLDEN) == list(cases.CASES)


# PyTorch loses its place in the falls if the scheduler is made anew with `last_epoch`.
@pytest.mark.parametrize("name", [n for n in GOLDEN if n != "restarts resumed by epoch"])
def test_rates(name):
    for step, (got, wanted) in enumerate(zip(cases.run(name, HERE), GOLDEN[name], strict=True)):
        # The golden file has 12 digits.
        np.testing.assert_allclose(got, wanted, rtol=1e-11, atol=1e-12, err_msg=f"step {step}")


def test_restarts_go_on_in_their_place_after_last_epoch():
    whole = cases.plain("restarts", "SGD", HERE)
    again = cases.resumed_by_epoch("restarts", HERE)
    np.testing.assert_allclose(again, whole[5:12], rtol=1e-15)


def test_all_of_pytorch():
    # torch.optim.lr_scheduler.__all__ of 2.13
    for name in """LambdaLR MultiplicativeLR StepLR MultiStepLR ConstantLR LinearLR ExponentialLR
        SequentialLR CosineAnnealingLR ChainedScheduler ReduceLROnPlateau CyclicLR
        CosineAnnealingWarmRestarts OneCycleLR PolynomialLR LRScheduler""".split():
        assert issubclass(getattr(lr_scheduler, name), lr_scheduler.LRScheduler)


# --- state


def all_kinds(optimizer):
    """One of each kind with functions, for each how to step it."""
    for name in cases.FACTORS:
        yield cases.made(HERE, optimizer, name)
    yield lr_scheduler.LambdaLR(optimizer, [cases.Halving(0.5), lambda epoch: 0.5])
    yield lr_scheduler.MultiplicativeLR(optimizer, cases.Halving(0.5))
    yield lr_scheduler.ReduceLROnPlateau(optimizer, patience=2)
    yield lr_scheduler.CyclicLR(optimizer, 0.1, 0.2, 3, scale_fn=cases.Halving(0.5))
    parts = [cases.made(HERE, optimizer, name) for name in ("milestones", "linear")]
    yield lr_scheduler.ChainedScheduler(parts)
    parts = [cases.made(HERE, optimizer, name) for name in ("milestones", "linear")]
    yield lr_scheduler.SequentialLR(optimizer, parts, [3])


def step(scheduler, times):
    found = []
    for _ in range(times):
        metric = isinstance(scheduler, lr_scheduler.ReduceLROnPlateau)
        scheduler.step(*[1.0] * metric)
        found.append(cases.values(scheduler.optimizer))
    return found


@pytest.mark.parametrize("number", range(len(list(all_kinds(cases.sgd(HERE))))))
def test_states_in_a_file_go_on_bit_for_bit(tmp_path, number):
    scheduler = list(all_kinds(cases.sgd(HERE)))[number]
    for group in scheduler.optimizer.param_groups:  # the others have changed it
        group["lr"] = group["initial_lr"]
    step(scheduler, 5)
    state = {"o": scheduler.optimizer.state_dict(), "s": scheduler.state_dict()}
    fastdl.save(state, tmp_path / "state")
    wanted = step(scheduler, 6)
    other = list(all_kinds(cases.sgd(HERE)))[number]
    state = fastdl.load(tmp_path / "state")
    other.optimizer.load_state_dict(state["o"])
    other.load_state_dict(state["s"])
    assert step(other, 6) == wanted


def test_a_state_without_functions_keeps_them():
    # That of an older file has no "lr_lambdas", that of PyTorch has None for functions.
    for more in ({}, {"lr_lambdas": [None]}):
        scheduler = lr_scheduler.LambdaLR(sgd(), lambda epoch: 0.5**epoch)
        scheduler.load_state_dict({"last_epoch": 2, "base_lrs": [1.0], **more})
        scheduler.step()
        assert scheduler.get_last_lr() == [0.125]


def test_a_composed_state_of_another_length_changes_nothing():
    optimizer = sgd()
    chained = lr_scheduler.ChainedScheduler([lr_scheduler.ExponentialLR(optimizer, 0.5)])
    with pytest.raises(ValueError, match="expected the states of 1 schedulers, got 0"):
        chained.load_state_dict({"_last_lr": [7.0]})
    assert chained.get_last_lr() == [1.0]


# --- composed ones within composed ones


def test_composed_schedulers_begin_anew_at_a_milestone():
    # PyTorch raises NotImplementedError here.
    optimizer = sgd()
    first = lr_scheduler.ConstantLR(optimizer, 0.1, 9)
    both = lr_scheduler.ChainedScheduler(
        [lr_scheduler.ConstantLR(optimizer, 0.5, 2), lr_scheduler.ExponentialLR(optimizer, 0.5)]
    )
    scheduler = lr_scheduler.SequentialLR(optimizer, [first, both], [3])
    np.testing.assert_allclose(
        rates(scheduler, 7), [0.1, 0.1, 0.1, 0.5, 0.25, 0.25, 0.125, 0.0625], rtol=1e-15
    )


def test_a_sequence_within_a_sequence():
    optimizer = sgd()
    inner = lr_scheduler.SequentialLR(
        optimizer,
        [lr_scheduler.ConstantLR(optimizer, 0.5, 9), lr_scheduler.ExponentialLR(optimizer, 0.5)],
        [2],
    )
    wanted = [0.5, 0.5, 1.0, 0.5, 0.25]
    first = lr_scheduler.SequentialLR(
        optimizer, [inner, lr_scheduler.ConstantLR(optimizer, 0.1, 9)], [5]
    )
    assert rates(first, 6) == [*wanted, 0.1, 0.1]
    optimizer = sgd()
    inner = lr_scheduler.SequentialLR(
        optimizer,
        [lr_scheduler.ConstantLR(optimizer, 0.5, 9), lr_scheduler.ExponentialLR(optimizer, 0.5)],
        [2],
    )
    last = lr_scheduler.SequentialLR(
        optimizer, [lr_scheduler.ConstantLR(optimizer, 0.1, 9), inner], [1]
    )
    assert rates(last, 5) == [0.1, *wanted]


# --- groups, arguments, messages


@pytest.mark.parametrize("name", cases.FACTORS)
def test_a_tensor_as_rate_is_changed_in_place(name):
    rate = fastdl.tensor(0.1)
    groups = [{"params": [HERE.parameter()]}, {"params": [HERE.parameter()], "lr": 0.02}]
    optimizer = optim.SGD(groups, lr=rate, momentum=0.9)
    got = cases.rates(optimizer, cases.made(HERE, optimizer, name))
    assert optimizer.param_groups[0]["lr"] is rate
    # The tensor rounds to float32 in each step.
    wanted = cases.plain(name, "SGD", HERE)
    rounding = 2 * cases.STEPS * np.finfo(np.float32).eps
    np.testing.assert_allclose(got, wanted, rtol=rounding, atol=rounding)


def test_cyclic_begins_at_base_lr_whatever_came_before():
    optimizer = sgd(0.5)
    lr_scheduler.ExponentialLR(optimizer, 0.5)
    assert rates(lr_scheduler.CyclicLR(optimizer, 0.1, 0.2, 1), 2) == [0.1, 0.2, 0.1]


def test_plateau_and_groups_that_are_added():
    optimizer = sgd()
    scheduler = lr_scheduler.ReduceLROnPlateau(optimizer, patience=0, min_lr=0.3)
    listed = lr_scheduler.ReduceLROnPlateau(optimizer, patience=0, min_lr=[0.3])
    optimizer.add_param_group({"params": [HERE.parameter()], "lr": 0.5})
    scheduler.step(1.0)
    assert not scheduler.in_cooldown
    scheduler.step(1.0)
    assert scheduler.get_last_lr() == [0.3, 0.3]
    listed.step(1.0)
    with pytest.raises(ValueError, match=r"min_lr: expected 2 values, .* got 1; groups were added"):
        listed.step(1.0)
    with pytest.raises(ValueError, match=r"ReduceLROnPlateau.step: metrics: expected a number"):
        scheduler.step("low")


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_plateau_takes_nan_as_no_improvement(bad):
    scheduler = lr_scheduler.ReduceLROnPlateau(sgd(), patience=0, factor=0.5)
    scheduler.step(1.0)
    scheduler.step(bad)
    assert scheduler.get_last_lr() == [0.5]


def test_given_epochs_warn():
    scheduler = lr_scheduler.StepLR(sgd(), 2, 0.5)
    with pytest.warns(UserWarning, match="StepLR.step: epoch is deprecated") as given:
        scheduler.step(4)
    assert given[0].filename == __file__ and scheduler.get_last_lr() == [0.25]
    with pytest.raises(ValueError, match=r"StepLR.step: epoch: expected an integer of at least 0"):
        scheduler.step(-1)
    restarts = lr_scheduler.CosineAnnealingWarmRestarts(sgd(), 2)
    restarts.step(2.5)  # no warning: this is how it is used with batches
    with pytest.raises(ValueError, match=r"Restarts.step: epoch: expected a number of at least 0"):
        restarts.step(-0.5)


def exponential(optimizer):
    return lr_scheduler.ExponentialLR(optimizer, 0.5)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda o: lr_scheduler.ChainedScheduler([]), ValueError, "expected at least one"),
        (
            lambda o: lr_scheduler.ChainedScheduler(exponential(o)),
            TypeError,
            "ChainedScheduler: schedulers: expected a list of schedulers, got <",
        ),
        (
            lambda o: lr_scheduler.ChainedScheduler([exponential(o), 0.1]),
            TypeError,
            r"schedulers\[1\]: expected a scheduler, got 0.1",
        ),
        (
            lambda o: lr_scheduler.ChainedScheduler([exponential(o), exponential(sgd())]),
            ValueError,
            r"schedulers\[1\]: expected a scheduler of the same optimizer, got a ExponentialLR",
        ),
        (
            lambda o: lr_scheduler.SequentialLR(o, [lr_scheduler.ReduceLROnPlateau(o)], []),
            ValueError,
            r"SequentialLR: schedulers\[0\]: ReduceLROnPlateau needs a metric",
        ),
        (
            lambda o: lr_scheduler.SequentialLR(o, [exponential(o)], [3]),
            ValueError,
            "milestones: expected one less than schedulers, got 1 milestones and 1 schedulers",
        ),
        (
            lambda o: lr_scheduler.SequentialLR(o, [exponential(o)] * 3, [3, 2]),
            ValueError,
            r"milestones: expected ascending epochs, got \[3, 2\]",
        ),
        (
            lambda o: lr_scheduler.CyclicLR(o, 0.1, 0.2, mode="up"),
            ValueError,
            "CyclicLR: mode: expected 'triangular', 'triangular2' or 'exp_range', got 'up'",
        ),
        (
            lambda o: lr_scheduler.CyclicLR(o, [0.1, 0.2], 0.2),
            ValueError,
            "CyclicLR: base_lr: expected 1 values, one for each parameter group, got 2",
        ),
        (
            lambda o: lr_scheduler.CyclicLR(optim.Adagrad([HERE.parameter()]), 0.1, 0.2),
            ValueError,
            "CyclicLR: cycle_momentum: expected an optimizer with momentum or betas, or False",
        ),
        (
            lambda o: lr_scheduler.CyclicLR(o, 0.1, 0.2, scale_fn=3),
            TypeError,
            "CyclicLR: scale_fn: expected a function, got 3",
        ),
    ],
)
def test_messages(make, error, message):
    with pytest.raises(error, match=message):
        make(sgd())


def test_one_cycle_that_only_rises():
    scheduler = lr_scheduler.OneCycleLR(sgd(), 1.0, total_steps=1, pct_start=1.0)
    assert scheduler.get_last_lr() == [1.0]


# --- the tables of golden/schedules.json


TABLES = json.loads((Path(__file__).parents[1] / "golden/schedules.json").read_text("utf-8"))


def ids(case):
    return "-".join(
        [case.get("name", "plateau"), *(f"{k}={v}" for k, v in case["options"].items())]
    )


def two_groups():
    a, b = nn.Parameter(np.ones(1, "f")), nn.Parameter(np.ones(1, "f"))
    return optim.Adam([{"params": [a]}, {"params": [b], "lr": 0.02}], lr=0.1)


@pytest.mark.parametrize("case", TABLES["torch"], ids=ids)
def test_scheduler(case):
    optimizer = two_groups()
    scheduler = getattr(lr_scheduler, case["name"])(optimizer, **case["options"])
    rates = [scheduler.get_last_lr()]
    for _ in case["rates"][1:]:
        scheduler.step()
        rates.append(scheduler.get_last_lr())
    # The golden file has 12 digits.
    np.testing.assert_allclose(rates, case["rates"], rtol=1e-11, atol=1e-11)
    assert [group["lr"] for group in optimizer.param_groups] == rates[-1]
    assert optimizer.param_groups[0]["betas"][0] == pytest.approx(case["beta"], rel=1e-11)


@pytest.mark.parametrize("case", TABLES["plateau"], ids=ids)
def test_plateau(case):
    scheduler = lr_scheduler.ReduceLROnPlateau(two_groups(), **case["options"])
    rates = []
    for metric in case["metrics"]:
        scheduler.step(metric)
        rates.append(scheduler.get_last_lr())
    np.testing.assert_allclose(rates, case["rates"], rtol=1e-11)


def test_lambda_and_going_on():
    optimizer = two_groups()
    scheduler = lr_scheduler.LambdaLR(optimizer, [lambda e: 1 / (1 + e), lambda e: 0.5**e])
    scheduler.step()
    assert scheduler.get_last_lr() == [0.05, 0.01]
    again = two_groups()
    with pytest.raises(KeyError, match="initial_lr"):
        lr_scheduler.ExponentialLR(again, 0.5, last_epoch=3)
    again.load_state_dict(optimizer.state_dict())
    resumed = lr_scheduler.ExponentialLR(again, 0.5, last_epoch=1)
    assert resumed.get_last_lr() == [0.05, 0.01] and resumed.last_epoch == 2


def test_multiplicative():
    scheduler = lr_scheduler.MultiplicativeLR(two_groups(), lambda epoch: 1 / epoch)
    assert scheduler.get_last_lr() == [0.1, 0.02]
    scheduler.step()
    scheduler.step()
    assert scheduler.get_last_lr() == [0.05, 0.01]


def test_scheduler_state():
    one = lr_scheduler.StepLR(two_groups(), 2, 0.5)
    one.step()
    other = lr_scheduler.StepLR(two_groups(), 5)
    other.load_state_dict(one.state_dict())
    other.step()
    assert other.get_last_lr() == [0.05, 0.01]


def test_one_cycle_ends():
    scheduler = lr_scheduler.OneCycleLR(sgd(), 0.1, total_steps=2)
    scheduler.step()
    scheduler.step()
    with pytest.raises(ValueError, match="expected at most 2 steps, got step 3"):
        scheduler.step()


def test_a_scheduler_of_ones_own_by_the_older_name():
    class Halves(lr_scheduler._LRScheduler):
        def get_lr(self):
            return [rate * 0.5**self.last_epoch for rate in self.base_lrs]

    scheduler = Halves(two_groups())
    scheduler.step()
    assert scheduler.get_last_lr() == [0.05, 0.01]
