"""Optimizer updates: the formulas of Keras 3 (keras/src/optimizers) and PyTorch (torch/optim)."""

import numpy as np

from fastdl import _core

from .case import Case, Draw

CASES: list[Case] = []
LR, SCALE = 0.01, 0.5  # the learning rate and the factor on the gradient
HYPER = np.array([LR, SCALE], np.float32)
L2, DECOUPLED = 0.1, 0.2


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


def prepared(p, g, l2, decoupled):
    """Weight decay in its two forms, and the factor on the gradient."""
    p = p - LR * decoupled * p
    return p, SCALE * g + l2 * p


def update(rule, id, states, parameters, reference, l2=0.0, decoupled=0.0, finished=4):
    """A case of a rule with these states and hyper-parameters.

    reference(p, g, *states, t) gives the new values, t being the number of this step. The values
    are around 1 and go through at most a dozen roundings, so the tolerance is absolute.
    """
    count = len(states)

    def run(p, g, *rest):
        *given, hyper, step = rest
        named = dict(zip(states, given, strict=True))
        _core.update_(rule, p, g, hyper, step, named, parameters, l2=l2, decay=decoupled)
        return [p, *given]

    def expected(p, g, *rest):
        p, g = prepared(p, g, l2, decoupled)
        return reference(p, g, *rest[:count], finished + 1)

    name = f"{rule}-{id}" if id else rule
    inputs = buffers(count, finished)
    CASES.append(Case("update_", name, inputs, run, expected, eps=12, scale=lambda *inputs: 1))


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


for decay, options in {"": {}, "-l2": {"l2": L2}, "-decoupled": {"decoupled": DECOUPLED}}.items():
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

CASES.append(
    Case(
        "increment_",
        "",
        lambda d: [np.array(41)],
        lambda t: (_core.increment_(t, 2), t)[1],
        lambda t: np.array(43),
    )
)
