"""Optimizer updates: the formulas of Keras 3 (keras/src/optimizers) and PyTorch (torch/optim)."""

import numpy as np

from fastdl import _core

from .case import Case, Draw

CASES: list[Case] = []
LR, SCALE = 0.01, 0.5  # the learning rate and the factor on the gradient
HYPER = np.array([LR, SCALE], np.float32)
L1, L2, DECOUPLED = 0.3, 0.1, 0.2


# States are positive, since some are squares; the second is below the root of the first, as a mean
# is.
RANGES = [(0.5, 2), (0.1, 0.5), (0.05, 1)]


def buffers(states: int, finished: int):
    """p, g, the states, hyper and the number of finished steps."""

    def inputs(d: Draw):
        n = d.n(37, 50021)
        return [
            d.normal(n),
            d.normal(n),
            *[d.uniform(*r, n) for r in RANGES[:states]],
            HYPER,
            np.array(finished),
        ]

    return inputs


def prepared(p, g, l1, l2, decoupled):
    """The gradient of the penalty, the factor on the gradient, and weight decay."""
    return p - LR * decoupled * p, SCALE * g + l1 * np.sign(p) + l2 * p


def update(
    rule, id, states, parameters, reference, l1=0.0, l2=0.0, decoupled=0.0, finished=4, size=1
):
    """A case of a rule with these states and hyper-parameters.

    reference(p, g, *states, t) gives the new values, t being the number of this step. The values
    are around `size` and go through at most a dozen roundings, so the tolerance is absolute.
    """
    count = len(states)

    def run(p, g, *rest):
        *given, hyper, step = rest
        named = dict(zip(states, given, strict=True))
        pull = {"l1": l1, "l2": l2, "decay": decoupled}
        _core.update_(rule, p, g, hyper, step, named, parameters, **pull)
        return [p, *given]

    def expected(p, g, *rest):
        p, g = prepared(p, g, l1, l2, decoupled)
        return reference(p, g, *rest[:count], finished + 1)

    name = f"{rule}-{id}" if id else rule
    inputs = buffers(count, finished)
    CASES.append(Case("update_", name, inputs, run, expected, eps=12, scale=lambda *inputs: size))


MU, DAMPENING = 0.9, 0.3


def sgd(p, g, t):
    return [p - LR * g]


def keras_momentum(nesterov):
    def f(p, g, m, t):
        m = MU * m - LR * g
        return [p + (MU * m - LR * g if nesterov else m), m]

    return f


def torch_momentum(nesterov, dampening):
    def f(p, g, m, t):
        m = MU * m + (g if t == 1 else (1 - dampening) * g)
        return [p - LR * (g + MU * m if nesterov else m), m]

    return f


PULLS = {
    "": {},
    "-l2": {"l2": L2},
    "-decoupled": {"decoupled": DECOUPLED},
    "-all": {"l1": L1, "l2": L2, "decoupled": DECOUPLED},
}
for decay, options in PULLS.items():
    update("sgd", "plain" + decay, [], {}, sgd, **options)
    for nesterov in (False, True):
        name = ("nesterov" if nesterov else "momentum") + decay
        parameters = {"momentum": MU, "nesterov": nesterov}
        keras, torch = keras_momentum(nesterov), torch_momentum(nesterov, 0)
        update("sgd", f"keras-{name}", ["velocity"], parameters, keras, **options)
        update("sgd", f"torch-{name}", ["buffer"], parameters, torch, **options)
for finished in (0, 1):
    update(
        "sgd",
        f"torch-dampened-{finished}",
        ["buffer"],
        {"momentum": MU, "dampening": DAMPENING},
        torch_momentum(False, DAMPENING),
        finished=finished,
    )

EPS = 1e-3  # large, so that its place in the formula shows


def adagrad(torch, lr_decay):
    def f(p, g, a, t):
        a = a + g * g
        lr = LR / (1 + (t - 1) * lr_decay)
        return [p - lr * g / (np.sqrt(a) + EPS if torch else np.sqrt(a + EPS)), a]

    return f


RHO = 0.8


def rmsprop(torch, centered, momentum):
    def f(p, g, v, *rest):
        v = RHO * v + (1 - RHO) * g * g
        d, out = v, [v]
        if centered:
            average = RHO * rest[0] + (1 - RHO) * g
            d = v - average**2
            out.append(average)
        step = g / (np.sqrt(d) + EPS) if torch else LR * g / np.sqrt(d + EPS)
        if momentum:
            step = MU * rest[-2] + step
            out.append(step)
        return [p - (LR * step if torch else step), *out]

    return f


BETA1, BETA2 = 0.8, 0.95


def adam(torch, amsgrad):
    def f(p, g, m, v, *rest):
        t = rest[-1]
        m = BETA1 * m + (1 - BETA1) * g
        v = BETA2 * v + (1 - BETA2) * g * g
        out = [m, v]
        if amsgrad:
            out.append(np.maximum(rest[0], v))
        c1, c2 = 1 - BETA1**t, 1 - BETA2**t
        if torch:
            return [p - LR / c1 * m / (np.sqrt(out[-1]) / np.sqrt(c2) + EPS), *out]
        return [p - LR * np.sqrt(c2) / c1 * m / (np.sqrt(out[-1]) + EPS), *out]

    return f


for torch in (False, True):
    face = "torch" if torch else "keras"
    epsilon = {"epsilon" if torch else "inner_epsilon": EPS}
    for lr_decay in (0, 0.5):
        update(
            "adagrad",
            f"{face}{'-decay' if lr_decay else ''}",
            ["accumulator"],
            {"lr_decay": lr_decay, **epsilon},
            adagrad(torch, lr_decay),
            l2=L2,
        )
    for centered in (False, True):
        for momentum in (False, True):
            states = ["square"]
            if centered:
                states.append("average")
            if momentum:
                states.append("buffer" if torch else "velocity")
            update(
                "rmsprop",
                face + ("-centered" if centered else "") + ("-momentum" if momentum else ""),
                states,
                {"rho": RHO, "momentum": MU if momentum else 0, **epsilon},
                rmsprop(torch, centered, momentum),
                decoupled=DECOUPLED,
            )
    betas = {"beta_1": BETA1, "beta_2": BETA2, "epsilon" if torch else "epsilon_hat": EPS}
    for amsgrad in (False, True):
        states = ["mean", "square", "largest"][: 2 + amsgrad]
        for finished in (0, 1000):
            update(
                "adam",
                f"{face}{'-amsgrad' if amsgrad else ''}-{finished}",
                states,
                betas,
                adam(torch, amsgrad),
                l2=L2,
                finished=finished,
            )
    update(
        "adam",
        f"{face}-decoupled",
        ["mean", "square"],
        betas,
        adam(torch, False),
        decoupled=DECOUPLED,
    )


def lion(p, g, m, t):
    return [p - LR * np.sign(BETA1 * m + (1 - BETA1) * g), BETA2 * m + (1 - BETA2) * g]


update("lion", "", ["mean"], {"beta_1": BETA1, "beta_2": BETA2}, lion, decoupled=DECOUPLED)


def adamax(torch):
    def f(p, g, m, u, t):
        m = BETA1 * m + (1 - BETA1) * g
        u = np.maximum(BETA2 * u, np.abs(g) + (EPS if torch else 0))
        return [p - LR / (1 - BETA1**t) * m / (u + (0 if torch else EPS)), m, u]

    return f


def nadam(decay):
    def f(p, g, m, v, t):
        m = BETA1 * m + (1 - BETA1) * g
        v = BETA2 * v + (1 - BETA2) * g * g
        mu = BETA1 * (1 - 0.5 * 0.96 ** (decay * np.arange(1, t + 2)))
        first, then = np.prod(mu[:-1]), np.prod(mu)
        step = mu[-1] * m / (1 - then) + (1 - mu[-2]) * g / (1 - first)
        return [p - LR * step / (np.sqrt(v / (1 - BETA2**t)) + EPS), m, v]

    return f


def radam(p, g, m, v, t):
    m = BETA1 * m + (1 - BETA1) * g
    v = BETA2 * v + (1 - BETA2) * g * g
    c1, c2 = 1 - BETA1**t, 1 - BETA2**t
    most = 2 / (1 - BETA2) - 1
    rho = most - 2 * t * BETA2**t / c2
    if rho <= 5:
        return [p - LR * m / c1, m, v]
    r = np.sqrt((rho - 4) * (rho - 2) * most / ((most - 4) * (most - 2) * rho))
    return [p - LR * r * np.sqrt(c2) / c1 * m / (np.sqrt(v) + EPS), m, v]


def adadelta(p, g, v, a, t):
    v = RHO * v + (1 - RHO) * g * g
    d = np.sqrt(a + EPS) / np.sqrt(v + EPS) * g
    return [p - LR * d, v, RHO * a + (1 - RHO) * d * d]


def ftrl(power, l1, l2, shrinkage, beta):
    def f(p, g, a, z, t):
        n = a + g * g
        z = z + g + 2 * shrinkage * p - (n**-power - a**-power) / LR * p
        p = (np.clip(z, -l1, l1) - z) / ((beta + n**-power) / LR + 2 * l2)
        return [p, n, z]

    return f


def rprop(p, g, previous, step, t):
    same = np.sign(g * previous)
    step = np.clip(step * np.where(same > 0, 1.3, np.where(same < 0, 0.4, 1.0)), 0.1, 0.6)
    g = np.where(same < 0, 0, g)
    return [p - np.sign(g) * step, g, step]


def asgd(p, g, a, t):
    eta = LR / (1 + 0.3 * LR * (t - 1)) ** 0.6
    p = (1 - 0.3 * eta) * p - eta * g
    return [p, a + (p - a) / max(1, t - 1 - 5)]


def schedule_free(warmup):
    def f(p, g, z, v, t):
        x = (p - (1 - BETA1) * z) / BETA1
        v = BETA2 * v + (1 - BETA2) * g * g
        lr = LR * min(1, t / warmup) if warmup else LR
        z = z - lr * g / (np.sqrt(v / (1 - BETA2**t)) + EPS)
        x = x + (z - x) / t
        return [(1 - BETA1) * z + BETA1 * x, z, v]

    return f


betas = {"beta_1": BETA1, "beta_2": BETA2}
for finished in (0, 4, 1000):
    keras, torch = {**betas, "epsilon": EPS}, {**betas, "inner_epsilon": EPS}
    at = {"finished": finished, "l2": L2}
    update("adamax", f"keras-{finished}", ["mean", "norm"], keras, adamax(False), **at)
    update("adamax", f"torch-{finished}", ["mean", "norm"], torch, adamax(True), **at)
    for decay in (0.0, 0.004, 1.0):
        named = {**keras, "momentum_decay": decay}
        update("nadam", f"{decay}-{finished}", ["mean", "square"], named, nadam(decay), **at)
    update("radam", f"{finished}", ["mean", "square"], keras, radam, **at)
    named = {"lambda": 0.3, "alpha": 0.6, "t0": 5}
    update("asgd", f"{finished}", ["average"], named, asgd, **at)
    for warmup in (0, 10):
        named = {**keras, "warmup": warmup}
        id = f"{warmup}-{finished}"
        update("schedule_free", id, ["base", "square"], named, schedule_free(warmup), **at)
named = {"rho": RHO, "epsilon": EPS}
update("adadelta", "", ["square", "delta"], named, adadelta, decoupled=DECOUPLED)
for id, values in {"root": (-0.5, 0, 0, 0, 0), "all": (-0.7, 0.4, 0.3, 0.2, 0.1)}.items():
    named = dict(zip(("power", "l1", "l2", "l2_shrinkage", "beta"), values, strict=True))
    # The divisions by the learning rate magnify roundings.
    update("ftrl", id, ["accumulator", "linear"], named, ftrl(*values), size=4 / LR)
named = {"eta_minus": 0.4, "eta_plus": 1.3, "step_min": 0.1, "step_max": 0.6}
update("rprop", "", ["previous", "step_size"], named, rprop)


# --- some rows of a table


def table(states: int, dtype=np.int64):
    """p (rows, width), g of some rows, the states, hyper, finished steps, and ids that repeat."""

    def inputs(d: Draw):
        rows, width = d.m(9, 700), d.m(5, 1100)
        ids = d.integers(0, d.m(9, 150), d.n(4, 60), 3, dtype=dtype)
        like = [d.uniform(*r, rows, width) for r in RANGES[:states]]
        return [
            d.normal(rows, width),
            d.normal(*ids.shape, width),
            *like,
            HYPER,
            np.array(4),
            ids,
        ]

    return inputs


def rows_case(rule, states, parameters, reference, dtype=np.int64):
    """A rule for the rows that ids name; it leaves the others alone."""

    def run(p, g, *rest):
        *given, hyper, step, ids = rest
        named = dict(zip(states, given, strict=True))
        _core.update_(rule, p, g, hyper, step, named, parameters, ids=ids)
        return [p, *given]

    def expected(p, g, *rest):
        *given, _, _, ids = rest
        total = np.zeros_like(p)
        np.add.at(total, ids.astype(int), g)
        new = reference(p, SCALE * total, *given, 5)
        there = np.isin(np.arange(len(p)), ids.astype(int))[:, None]
        return [np.where(there, a, b) for a, b in zip(new, [p, *given], strict=True)]

    # In the largest case 180 ids are spread over 150 rows: some gradients are sums of 6.
    CASES.append(
        Case(
            "update_",
            f"{rule}-rows-{np.dtype(dtype).name}",
            table(len(states), dtype),
            run,
            expected,
            eps=16,
            scale=lambda *inputs: 8,
        )
    )


rows_case("sgd", [], {}, lambda p, g, t: [p - LR * g])
rows_case("sgd", [], {}, lambda p, g, t: [p - LR * g], np.int32)
rows_case("sgd", [], {}, lambda p, g, t: [p - LR * g], np.float32)
rows_case(
    "adagrad",
    ["accumulator"],
    {"inner_epsilon": EPS},
    lambda p, g, a, t: [p - LR * g / np.sqrt(a + g * g + EPS), a + g * g],
)


def present(d: Draw):
    """Gradients of which some rows are all 0."""
    p, g, *states, hyper, step, _ = table(1)(d)
    g = d.normal(*p.shape)
    g[d.booleans(len(p))] = 0
    return [p, g, *states, hyper, step]


def of_present(p, g, a, hyper, step):
    options = {"l2": L2, "decay": DECOUPLED, "present_only": True}
    _core.update_(
        "adagrad", p, g, hyper, step, {"accumulator": a}, {"inner_epsilon": EPS}, **options
    )
    return [p, a]


def present_reference(p, g, a, hyper, step):
    pulled, slope = prepared(p, g, 0, L2, DECOUPLED)
    there = g.any(axis=1, keepdims=True)
    total = np.where(there, a + slope * slope, a)
    return [np.where(there, pulled - LR * slope / np.sqrt(total + EPS), p), total]


CASES.append(
    Case("update_", "present", present, of_present, present_reference, eps=16, scale=lambda *i: 8)
)


def penalty_of(p):
    return L1 * np.abs(p).sum() + L2 / 2 * (p * p).sum()


def with_penalty(p, g, hyper, step, total):
    _core.update_("sgd", p, g, hyper, step, l1=L1, l2=L2, penalty=total)
    return p, total


CASES.append(
    Case(
        "update_",
        "sgd-penalized",
        lambda d: [*buffers(0, 4)(d), np.array(3.0, np.float32)],
        lambda *inputs: with_penalty(*inputs)[0],
        lambda p, g, *rest: p - LR * prepared(p, g, L1, L2, 0)[1],
        eps=12,
        scale=lambda *inputs: 1,
    )
)
# A sum of 50,021 positive terms is balanced: about 40 roundings.
CASES.append(
    Case(
        "update_",
        "sgd-penalty",
        lambda d: [*buffers(0, 4)(d), np.array(3.0, np.float32)],
        lambda *inputs: with_penalty(*inputs)[1],
        lambda p, g, hyper, step, total: total + penalty_of(p),
        eps=40,
    )
)
for id, (l1, l2) in {"l1": (L1, 0), "l2": (0, L2), "both": (L1, L2), "none": (0, 0)}.items():
    CASES.append(
        Case(
            "penalty",
            id,
            lambda d: [d.nonzero(d.n(37, 50021))],
            lambda x, l1=l1, l2=l2: _core.penalty(x, l1, l2),
            lambda x, l1=l1, l2=l2: l1 * np.abs(x).sum() + l2 / 2 * (x * x).sum(),
            wrt=(0,),
            eps=40,
        )
    )
CASES.append(
    Case(
        "increment_",
        "",
        lambda d: [np.array(41)],
        lambda t: (_core.increment_(t, 2), t)[1],
        lambda t: np.array(43),
    )
)
