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


def update(op, id, states, call, reference, l2=0.0, decoupled=0.0, finished=4):
    """A case of an update op.

    call(p, g, *states, hyper, step, l2, decoupled) works in place; reference(p, g, *states, t)
    gives the new values, t being the number of this step. The values are around 1 and go through
    at most a dozen roundings, so the tolerance is absolute.
    """

    def run(*tensors):
        call(*tensors, l2, decoupled)
        return [tensors[0], *tensors[2 : 2 + states]]

    def expected(p, g, *rest):
        p, g = prepared(p, g, l2, decoupled)
        return reference(p, g, *rest[:states], finished + 1)

    CASES.append(
        Case(op, id, buffers(states, finished), run, expected, eps=12, scale=lambda *inputs: 1)
    )


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
    update(
        "sgd_",
        "plain" + decay,
        0,
        lambda p, g, h, s, l2, wd: _core.sgd_(p, g, None, h, s, 0, False, 0, False, l2, wd),
        sgd,
        **options,
    )
    for nesterov in (False, True):
        name = ("nesterov" if nesterov else "momentum") + decay
        update(
            "sgd_",
            f"keras-{name}",
            1,
            lambda p, g, m, h, s, l2, wd, n=nesterov: _core.sgd_(
                p, g, m, h, s, MU, n, 0, False, l2, wd
            ),
            keras_momentum(nesterov),
            **options,
        )
        update(
            "sgd_",
            f"torch-{name}",
            1,
            lambda p, g, m, h, s, l2, wd, n=nesterov: _core.sgd_(
                p, g, m, h, s, MU, n, 0, True, l2, wd
            ),
            torch_momentum(nesterov, 0),
            **options,
        )
for finished in (0, 1):
    update(
        "sgd_",
        f"torch-dampened-{finished}",
        1,
        lambda p, g, m, h, s, l2, wd: _core.sgd_(p, g, m, h, s, MU, False, DAMPENING, True, l2, wd),
        torch_momentum(False, DAMPENING),
        finished=finished,
    )
# Neither step nor a buffer is needed without momentum.
CASES.append(
    Case(
        "sgd_",
        "bare",
        lambda d: [d.normal(d.n(5, 70001)), d.normal(d.n(5, 70001))],
        lambda p, g: (_core.sgd_(p, g, None, np.float32([LR]), None, 0, False, 0, False, 0, 0), p)[
            1
        ],
        lambda p, g: p - LR * g,
        eps=2,
        scale=lambda p, g: 1 + np.abs(p),
    )
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
    for lr_decay in (0, 0.5):
        update(
            "adagrad_",
            f"{face}{'-decay' if lr_decay else ''}",
            1,
            lambda p, g, a, h, s, l2, wd, torch=torch, lr_decay=lr_decay: _core.adagrad_(
                p, g, a, h, s, lr_decay, EPS, torch, l2, wd
            ),
            adagrad(torch, lr_decay),
            l2=L2,
        )
    for centered in (False, True):
        for momentum in (False, True):

            def call(p, g, v, *rest, torch=torch, centered=centered, momentum=momentum):
                *rest, h, _, l2, wd = rest
                _core.rmsprop_(
                    p,
                    g,
                    v,
                    rest[0] if centered else None,
                    rest[-1] if momentum else None,
                    h,
                    RHO,
                    MU if momentum else 0,
                    EPS,
                    torch,
                    l2,
                    wd,
                )

            name = face + ("-centered" if centered else "") + ("-momentum" if momentum else "")
            update(
                "rmsprop_",
                name,
                1 + centered + momentum,
                call,
                rmsprop(torch, centered, momentum),
                decoupled=DECOUPLED,
            )
    for amsgrad in (False, True):
        for finished in (0, 1000):

            def call(p, g, m, v, *rest, torch=torch, amsgrad=amsgrad):
                *rest, h, s, l2, wd = rest
                _core.adam_(
                    p, g, m, v, rest[0] if amsgrad else None, h, s, BETA1, BETA2, EPS, torch, l2, wd
                )

            update(
                "adam_",
                f"{face}{'-amsgrad' if amsgrad else ''}-{finished}",
                2 + amsgrad,
                call,
                adam(torch, amsgrad),
                l2=L2,
                finished=finished,
            )
    update(
        "adam_",
        f"{face}-decoupled",
        2,
        lambda p, g, m, v, h, s, l2, wd, torch=torch: _core.adam_(
            p, g, m, v, None, h, s, BETA1, BETA2, EPS, torch, l2, wd
        ),
        adam(torch, False),
        decoupled=DECOUPLED,
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
