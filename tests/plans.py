"""Plans of steps given as functions, for tests."""

import numpy as np

import fastdl
from fastdl import _core


def recorded(step, inputs):
    recorder = _core.Recorder()
    try:
        outputs = step(*inputs)
    finally:
        recorder.stop()
    outputs = [outputs] if isinstance(outputs, fastdl.Tensor) else list(outputs)
    return _core.Plan(recorder, inputs, outputs)


def random(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def chains(plan):
    """The names of calls. The names of a chain are in a list of their own."""
    found = []
    for line in str(plan).splitlines():
        name = line.removeprefix("  with it: ").split("(")[0]
        if line.startswith("  with it: "):
            found[-1].append(name)
        else:
            found.append([name])
    return found
