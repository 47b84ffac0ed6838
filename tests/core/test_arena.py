"""The memory of intermediates. The plans of one step function share it."""

import numpy as np

import fastdl
from fastdl import _core
from fastdl._base import functional as F


def test_plans_of_one_function_share_an_arena():
    """A larger plan moves the arena. The smaller plans follow, with their workspaces."""
    arena = _core.Arena()
    rng = np.random.default_rng(0)
    w = _core.tensor(rng.standard_normal((300, 200)).astype(np.float32), "float32")

    def make(rows):
        x = _core.tensor(rng.standard_normal((rows, 300)).astype(np.float32), "float32")
        recorder = _core.Recorder([x])
        return _core.Plan(recorder, [x], step(x), arena)

    def step(x):
        y = F.softmax(F.matmul(x, w), axis=-1)
        z = F.var(F.matmul(y, w, transpose_b=True), axes=(0,))  # it needs a workspace
        return [y, z]

    plans = [make(rows) for rows in (7, 64, 3, 200)]
    sizes = [p.arena_bytes for p in plans]
    assert arena.bytes == max(sizes) < sum(sizes) and all(sizes)
    for plan in (*plans, *reversed(plans)):
        shape = plan.inputs[0].shape
        x = _core.tensor(rng.standard_normal(shape).astype(np.float32), "float32")
        for got, want in zip(plan.replay([x]), step(x), strict=True):
            assert np.array_equal(got.numpy(), want.numpy())


def test_a_model_works_in_the_memory_of_its_largest_batch():
    model = fastdl.Sequential(
        [fastdl.layers.Input((50,)), fastdl.layers.Dense(400, "relu"), fastdl.layers.Dense(3)]
    )
    rng = np.random.default_rng(0)
    batches = [rng.standard_normal((n, 50)).astype(np.float32) for n in (10, 500, 30)]
    wanted = [model(x).numpy() for x in batches]
    for _ in range(4):
        for x, want in zip(batches, wanted, strict=True):
            assert np.array_equal(model.predict_on_batch(x), want)
    function = model._runner("predict").function
    plans = [s.plan for s in function._signatures.values()]
    assert len(plans) == 3 and all(plans)
    assert function._arena.bytes == max(p.arena_bytes for p in plans)
