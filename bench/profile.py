"""Where the time of a training step goes: `python -m bench.profile mlp_512 [...]`.

Prints the calls of the plan that `fit` replays, the most expensive first, then what `fit` takes for
a step beyond their sum: gathering the batch, the loop, and caches that other calls have emptied
(a call's time is the least of many replays).
"""

from __future__ import annotations

import argparse

import fastdl

from .peers import fastdl_rows, keras_networks, networks
from .peers.rows import ROWS, data_for

_FUNCTIONS = {"mlp": fastdl_rows.mlp, "network": fastdl_rows.network}


def profile(name: str) -> list[tuple[float, str]]:
    """(seconds, call) of every call of the row's training step, in the order of the step."""
    what, batch = ROWS[name].arguments
    if ROWS[name].function == "mlp":
        (x, y), model = data_for(what, batch), fastdl_rows._model(what)
    else:
        (x, y), model = networks.data_for(what, batch), keras_networks.model(fastdl, what)
    model.fit(x, y, batch_size=batch, epochs=1, verbose=0)
    (signature,) = model._runner("train").function._signatures.values()
    plan = signature.plan
    return list(zip(plan.profile(), str(plan).splitlines(), strict=True))


def main() -> None:
    steps = [name for name in ROWS if ROWS[name].function in _FUNCTIONS]
    parser = argparse.ArgumentParser(
        prog="python -m bench.profile",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"of {', '.join(steps)}")
    names = parser.parse_args().rows or ["mlp_512"]
    if unknown := [name for name in names if name not in steps]:
        parser.error(f"no training step is called {unknown[0]!r}; possible: {', '.join(steps)}")
    for name in names:
        calls = profile(name)
        step = min(_FUNCTIONS[ROWS[name].function](*ROWS[name].arguments))
        print(f"{name}: {ROWS[name].what}: {step * 1e6:.1f} us")
        for seconds, call in sorted(calls, reverse=True):
            if seconds >= 0.005 * step:
                print(f"{seconds * 1e6:12.1f} us {seconds / step:6.1%}  {call}")
        small = [seconds for seconds, _ in calls if seconds < 0.005 * step]
        rest = step - sum(seconds for seconds, _ in calls)
        print(f"{sum(small) * 1e6:12.1f} us {sum(small) / step:6.1%}  {len(small)} small calls")
        print(f"{rest * 1e6:12.1f} us {rest / step:6.1%}  beyond the calls")


if __name__ == "__main__":
    main()
