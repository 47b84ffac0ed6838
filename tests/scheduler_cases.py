"""Programs with PyTorch's learning rate schedulers, run here and by PyTorch itself.

Each takes a namespace with `optim` and `parameter()` and returns the rates of two groups
by step. `golden/schedulers.py` writes PyTorch's into `golden/schedulers.json`.
"""

import copy
import warnings
from functools import partial

STEPS = 17

FACTORS = {
    "step": ("StepLR", {"step_size": 3, "gamma": 0.5}),
    "step growing": ("StepLR", {"step_size": 1, "gamma": -1.5}),
    "milestones": ("MultiStepLR", {"milestones": [0, 2, 5, 5, 30], "gamma": 0.5}),
    "exponential": ("ExponentialLR", {"gamma": 1.25}),
    "constant": ("ConstantLR", {"factor": 0.5, "total_iters": 4}),
    "constant without steps": ("ConstantLR", {"total_iters": 0}),
    "linear": ("LinearLR", {"start_factor": 0.1, "end_factor": 0.7, "total_iters": 6}),
    "linear to 0": ("LinearLR", {"start_factor": 1.0, "end_factor": 0.0, "total_iters": 4}),
    "linear in one step": ("LinearLR", {"total_iters": 1}),
    "polynomial": ("PolynomialLR", {"total_iters": 6, "power": 0.5}),
    "cosine": ("CosineAnnealingLR", {"T_max": 5, "eta_min": 0.03}),
    "cosine in one step": ("CosineAnnealingLR", {"T_max": 1}),
    "restarts": ("CosineAnnealingWarmRestarts", {"T_0": 2, "T_mult": 2, "eta_min": 0.001}),
    "restarts every step": ("CosineAnnealingWarmRestarts", {"T_0": 1}),
    "one cycle": ("OneCycleLR", {"max_lr": [0.5, 0.1], "total_steps": 18, "pct_start": 0.5}),
    "one cycle falling": ("OneCycleLR", {"max_lr": 0.5, "total_steps": 18, "pct_start": 0.0}),
    "triangular": ("CyclicLR", {"base_lr": 0.01, "max_lr": [0.1, 0.2], "step_size_up": 3}),
    "triangular2": (
        "CyclicLR",
        {
            "base_lr": [0.1, 0.2],
            "max_lr": 1.0,
            "step_size_up": 2,
            "step_size_down": 4,
            "mode": "triangular2",
            "base_momentum": [0.7, 0.75],
            "max_momentum": 0.95,
        },
    ),
    "exp_range": (
        "CyclicLR",
        {"base_lr": 0.1, "max_lr": 0.3, "step_size_up": 4, "mode": "exp_range", "gamma": 0.9},
    ),
    "cyclic without momentum": (
        "CyclicLR",
        {"base_lr": 0.3, "max_lr": 0.1, "step_size_up": 2, "cycle_momentum": False},
    ),
}


class Halving:
    """A callable object: its attributes are part of a scheduler's state."""

    def __init__(self, base):
        self.base = base

    def __call__(self, x):
        return self.base**x


def optimizer_of(k, kind="SGD", **options):
    groups = [{"params": [k.parameter()]}, {"params": [k.parameter()], "lr": 0.02}]
    return getattr(k.optim, kind)(groups, lr=0.1, **options)


def sgd(k):
    return optimizer_of(k, momentum=0.9)


def values(optimizer):
    """The rates and momenta of the groups now."""
    momenta = [g["betas"][0] if "betas" in g else g["momentum"] for g in optimizer.param_groups]
    return [float(group["lr"]) for group in optimizer.param_groups] + momenta


def rates(optimizer, scheduler, steps=STEPS):
    found = [values(optimizer)]
    for _ in range(steps):
        scheduler.step()
        found.append(values(optimizer))
        assert scheduler.get_last_lr() == found[-1][: len(scheduler.get_last_lr())]
    return found


def made(k, optimizer, name, **more):
    kind, options = FACTORS[name]
    return getattr(k.optim.lr_scheduler, kind)(optimizer, **options, **more)


def plain(name, kind, k):
    optimizer = optimizer_of(k, kind, **{"momentum": 0.9} if kind == "SGD" else {})
    return rates(optimizer, made(k, optimizer, name))


def resumed_by_epoch(name, k):
    """A new optimizer with the old state, and a new scheduler with `last_epoch`."""
    optimizer = sgd(k)
    rates(optimizer, made(k, optimizer, name), 4)
    again = sgd(k)
    again.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    return rates(again, made(k, again, name, last_epoch=4), 6)


def resumed_by_state(name, k):
    optimizer = sgd(k)
    scheduler = made(k, optimizer, name)
    rates(optimizer, scheduler, 5)
    again = sgd(k)
    other = made(k, again, name)
    again.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    other.load_state_dict(copy.deepcopy(scheduler.state_dict()))
    return rates(again, other, 8)


def given_epochs(name, k):
    """The deprecated `step(epoch)`, which uses the closed forms."""
    optimizer = sgd(k)
    scheduler = made(k, optimizer, name)
    found = []
    for epoch in (0, 3, 4, 9, 2):
        scheduler.step(epoch)
        found.append(values(optimizer))
    scheduler.step()
    return [*found, values(optimizer)]


def restarts_in_fractions(k):
    found = []
    for times in (1, 2, 3):
        optimizer = sgd(k)
        restarts = k.optim.lr_scheduler.CosineAnnealingWarmRestarts
        scheduler = restarts(optimizer, T_0=3, T_mult=times)
        for step in range(24):
            scheduler.step(step / 2)
            found.append([*values(optimizer), scheduler.T_cur, scheduler.T_i])
        for _ in range(3):
            scheduler.step()
            found.append([*values(optimizer), scheduler.T_cur, scheduler.T_i])
    return found


def cyclic_functions(mode, k):
    optimizer = sgd(k)
    return rates(
        optimizer,
        k.optim.lr_scheduler.CyclicLR(
            optimizer, 0.1, 1.0, 2, 3, "any", scale_fn=Halving(0.75), scale_mode=mode
        ),
    )


def lambdas(kind, k):
    """The state of a callable object is kept, that of a function is not."""
    optimizer = sgd(k)
    make = getattr(k.optim.lr_scheduler, kind)
    scheduler = make(optimizer, [Halving(0.5), lambda epoch: 1 / (epoch + 1)])
    found = rates(optimizer, scheduler, 4)
    again = sgd(k)
    other = make(again, [Halving(0.9), lambda epoch: 1 / (epoch + 1)])
    again.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    other.load_state_dict(copy.deepcopy(scheduler.state_dict()))
    return found + rates(again, other, 4)


def chained(names, k):
    optimizer = sgd(k)
    parts = [made(k, optimizer, name) for name in names]
    return rates(optimizer, k.optim.lr_scheduler.ChainedScheduler(parts, optimizer))


def chained_by_hand(names, k):
    """Two schedulers of one optimizer, stepped one after the other."""
    optimizer = sgd(k)
    parts = [made(k, optimizer, name) for name in names]
    found = [values(optimizer)]
    for _ in range(STEPS):
        for part in parts:
            part.step()
        found.append(values(optimizer) + parts[0].get_last_lr())
    return found


def sequence(names, milestones, k):
    optimizer = sgd(k)
    parts = [made(k, optimizer, name) for name in names]
    return rates(optimizer, k.optim.lr_scheduler.SequentialLR(optimizer, parts, milestones))


def sequence_resumed(names, milestones, k):
    def make():
        optimizer = sgd(k)
        parts = [made(k, optimizer, name) for name in names]
        return optimizer, k.optim.lr_scheduler.SequentialLR(optimizer, parts, milestones)

    optimizer, scheduler = make()
    rates(optimizer, scheduler, 6)
    again, other = make()
    again.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    other.load_state_dict(copy.deepcopy(scheduler.state_dict()))
    return rates(again, other, 8)


def own_scheduler(k):
    """`get_lr` of a user's class gives the first rates, too."""

    class WarmUp(k.optim.lr_scheduler.LRScheduler):
        def get_lr(self):
            return [lr * min(1.0, (self.last_epoch + 1) / 5) for lr in self.base_lrs]

    optimizer = sgd(k)
    return rates(optimizer, WarmUp(optimizer))


def swa(options, before, k):
    optimizer = sgd(k)
    if before:
        rates(optimizer, made(k, optimizer, before), 4)
    scheduler = k.optim.swa_utils.SWALR(optimizer, **options)
    found = rates(optimizer, scheduler, 5)
    again = sgd(k)
    other = k.optim.swa_utils.SWALR(again, 1.0)
    again.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    other.load_state_dict(copy.deepcopy(scheduler.state_dict()))
    return found + rates(again, other, 6)


CLOSED = [name for name, (kind, _) in FACTORS.items() if kind not in ("OneCycleLR", "CyclicLR")]

CASES = {
    **{f"{name}": partial(plain, name, "SGD") for name in FACTORS},
    **{f"{name} with Adam": partial(plain, name, "Adam") for name in ("triangular2", "one cycle")},
    **{f"{name} resumed by epoch": partial(resumed_by_epoch, name) for name in FACTORS},
    **{f"{name} resumed by state": partial(resumed_by_state, name) for name in FACTORS},
    **{f"{name} at given epochs": partial(given_epochs, name) for name in CLOSED},
    "restarts in fractions": restarts_in_fractions,
    **{f"cyclic by {mode}": partial(cyclic_functions, mode) for mode in ("cycle", "iterations")},
    "lambdas": partial(lambdas, "LambdaLR"),
    "multiplicative": partial(lambdas, "MultiplicativeLR"),
    "own scheduler": own_scheduler,
}
for _names in (["constant", "exponential"], ["linear", "cosine"], ["step", "polynomial", "step"]):
    CASES[f"chained {_names}"] = partial(chained, _names)
    CASES[f"by hand {_names}"] = partial(chained_by_hand, _names)
for _names, _milestones in (
    (["linear", "exponential"], [3]),
    (["constant", "cosine", "step"], [3, 9]),
    (["polynomial", "restarts", "linear"], [2, 7]),
    (["exponential", "milestones", "constant"], [1, 8]),
    (["cosine", "polynomial", "triangular"], [5, 6]),
    (["step", "linear"], [0]),
    (["linear", "one cycle"], [4]),
):
    CASES[f"sequence {_names} {_milestones}"] = partial(sequence, _names, _milestones)
    CASES[f"sequence {_names} {_milestones} resumed"] = partial(
        sequence_resumed, _names, _milestones
    )

for _options in (
    {"swa_lr": 0.05},
    {"swa_lr": [0.05, 0.5], "anneal_epochs": 3, "anneal_strategy": "linear"},
    {"swa_lr": 0.05, "anneal_epochs": 0},
    {"swa_lr": 0.3, "anneal_epochs": 1},
):
    CASES[f"swa {_options}"] = partial(swa, _options, None)
    CASES[f"swa {_options} after cosine"] = partial(swa, _options, "cosine")


def run(name, k):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return CASES[name](k)
