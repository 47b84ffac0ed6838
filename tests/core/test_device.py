"""A second device, registered from outside: every op through its registered functions.

`device/shadow.cc` is built here with the C++ compiler, against the core's headers alone. Its
memory faults when the CPU touches it.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from op_cases import CASES, Draw
from shadow_device import build, capsule, register
from test_ops import bits, cotangents, gradients, run, tensors_of

import fastdl
from fastdl import _core


@pytest.fixture(scope="session")
def library_path(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("device") / "shadow.so"
    build(path)
    return path


@pytest.fixture(scope="session")
def shadow(library_path):
    return register(library_path, "shadow")


@pytest.fixture(scope="session")
def bare(library_path):
    """A device without a function for matmul."""
    copy = library_path.with_name("bare.so")
    shutil.copy(library_path, copy)
    return register(copy, "bare:0", "matmul")


def there(tensors):
    out = [_core.to_device(t.detach(), "shadow") for t in tensors]
    for t, original in zip(out, tensors, strict=True):
        t.requires_grad = original.requires_grad
    return out


def here(tensors):
    return [_core.to_device(t.detach(), "cpu") for t in tensors]


every_case = pytest.mark.parametrize("case", [c for c in CASES if not c.rng], ids=str)


@every_case
def test_results_and_gradients_are_the_cpus(case, shadow):
    """Random ops draw on the CPU for every device, since none of their inputs has a device."""
    arrays = case.inputs(Draw("small"))
    on_cpu = tensors_of(case, arrays, requires_grad=True)
    on_shadow = there(on_cpu)
    expected, calls = run(case, on_cpu), shadow.shadow_calls()
    actual = run(case, on_shadow)
    assert {t._device for t in actual} == {"shadow"}
    assert bits(here(actual)) == bits(expected)
    # Reshapes are views. The device's functions computed all other results.
    assert shadow.shadow_calls() > calls or all(t._shares_storage(on_shadow[0]) for t in actual)
    if case.wrt:
        weights = cotangents(case, on_cpu)
        expected = gradients(case, on_cpu, weights)
        wrt = [on_shadow[i] for i in case.wrt]
        given = [_core.to_device(_core.tensor(w), "shadow") for w in weights]
        actual = _core.grad(actual, given, wrt, True, False)
        for a, e in zip(actual, expected, strict=True):
            if a is None:
                assert not e.numpy().any()
            else:
                assert a._device == "shadow"
                assert bits(here([a])) == bits([e])


@every_case
def test_plans_replay_there(case, shadow):
    recorded, replayed = (case.inputs(Draw("small", seed=s)) for s in (2, 3))
    slots = there(tensors_of(case, recorded))
    recorder = _core.Recorder()
    try:
        outputs = run(case, slots)
    finally:
        recorder.stop()
    assert not recorder.problem
    plan = _core.Plan(recorder, slots, outputs)
    expected = bits(run(case, tensors_of(case, replayed)))
    assert bits(here(plan.replay(there(tensors_of(case, replayed))))) == expected


# The user's generators lie on the CPU, like the library's own.
@pytest.mark.parametrize("case", [c for c in CASES if c.rng and c.id != "generator"], ids=str)
def test_random_results_are_moved(case, shadow):
    arrays = case.inputs(Draw("small"))
    expected = run(case, tensors_of(case, arrays))
    actual = run(case, there(tensors_of(case, arrays)))
    assert bits(here(actual)) == bits(expected)


def test_the_memory_faults(library_path, tmp_path):
    """So the tests find code that reads a device's memory directly."""
    program = (
        "import ctypes, sys\n"
        "sys.path.insert(0, sys.argv[2])\n"
        "import fastdl, shadow_device\n"
        "shadow_device.register(sys.argv[1], 'shadow')\n"
        "t = fastdl.ones(4, device='shadow')\n"
        "print(t.tolist(), flush=True)\n"
        "ctypes.string_at(t.data_ptr(), 4)\n"
    )
    arguments = [str(library_path), str(Path(__file__).parents[1])]
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, cwd=tmp_path
    )
    assert done.stdout.strip() == "[1.0, 1.0, 1.0, 1.0]"
    assert done.returncode < 0


def test_tensors_move_and_are_printed(shadow):
    x = fastdl.tensor([[1.0, 2.0], [3.0, 4.0]], device="shadow")
    assert x.device == fastdl.device("shadow") == "shadow"
    assert x.device.type == "shadow"
    assert repr(x) == repr(x.to("cpu"))[:-1] + ", device='shadow')"
    assert x.tolist() == [[1.0, 2.0], [3.0, 4.0]]
    assert x.sum().item() == 10 and int(x[1, 0]) == 3
    assert fastdl.zeros_like(x).device == x.device
    assert x.to("shadow") is x
    y = x.to("cpu")
    assert y.device == "cpu"
    np.testing.assert_array_equal(y.numpy(), x.to(y).numpy())
    assert x.to("shadow", "int32").dtype == "int32"
    x[0, 0] = 7.0
    assert (x * 2 + 1).tolist() == [[15.0, 5.0], [7.0, 9.0]]


def test_a_gradient_crosses(shadow):
    w = fastdl.tensor([1.0, 2.0, 3.0], requires_grad=True)
    (w.to("shadow") ** 2).sum().backward()
    assert w.grad.device == "cpu"
    assert w.grad.tolist() == [2.0, 4.0, 6.0]


def test_memory_is_given_back(shadow):
    before = shadow.shadow_live()
    x = fastdl.ones(1000, device="shadow")
    y = x.exp().sum()
    assert shadow.shadow_live() > before + 4000
    del x, y
    assert shadow.shadow_live() == before


def test_a_step_that_crosses_is_not_replayed(shadow):
    x = fastdl.ones(3)
    recorder = _core.Recorder()
    out = [x.to("shadow").exp()]
    recorder.stop()
    assert recorder.problem == "the step works on two devices, 'cpu' and 'shadow'"
    with pytest.raises(RuntimeError, match="two devices"):
        _core.Plan(recorder, [x], out)


def test_an_error_on_the_device_comes_at_the_next_wait(shadow):
    x = fastdl.ones(3, device="shadow")
    shadow.shadow_fail(b"address out of range in kernel 'exp'")
    shadow.shadow_fail(b"a consequence of it")
    with pytest.raises(RuntimeError, match="shadow: address out of range in kernel 'exp'"):
        x.tolist()
    assert x.tolist() == [1.0, 1.0, 1.0]
    shadow.shadow_fail(b"again")
    with pytest.raises(RuntimeError, match="shadow: again"):
        _core.synchronize("shadow")


def test_errors_say_what_is_possible(shadow, bare):
    x, y = fastdl.ones(2, 2, device="shadow"), fastdl.ones(2, 2)
    with pytest.raises(
        TypeError,
        match=r"add: expected all tensors on one device, got argument 'b' on 'cpu' and another on "
        r"'shadow'; move one with .to\(device\)",
    ):
        x + y
    with pytest.raises(TypeError, match=r"linear: .* argument 'bias' on 'cpu'"):
        _core.linear(x, x, fastdl.ones(2))
    with pytest.raises(TypeError, match=r"update_: .* argument 'hyper' on 'cpu'"):
        _core.update_("sgd", x, x, np.float32([0.1]), np.int64(0))
    with pytest.raises(TypeError, match="a tensor on device 'shadow' cannot share memory"):
        x.numpy()
    with pytest.raises(TypeError, match=r"copy it with .to\('cpu'\)"):
        np.from_dlpack(x)
    z = fastdl.ones(2, 2, device="bare")
    assert z.device == "bare:0"
    assert (z + z).tolist() == [[2.0, 2.0], [2.0, 2.0]]
    with pytest.raises(
        TypeError, match=r"matmul: the op has no function for device 'bare:0'; move its inputs"
    ):
        z @ z
    with pytest.raises(
        RuntimeError, match="unknown device 'cuda:1'; possible: 'cpu', 'shadow', 'bare:0'"
    ):
        fastdl.zeros(2, device="cuda:1")
    with pytest.raises(ValueError, match="unknown device 'nowhere'; possible: 'cpu'"):
        _core.to_device(y, "nowhere")
    with pytest.raises(RuntimeError, match=r"expected 'cpu' for parameters, got 'shadow'"):
        fastdl.nn.Linear(2, 2).to("shadow")


def test_a_name_is_given_once(shadow, library_path):
    with pytest.raises(ValueError, match="a device named 'shadow' is already registered"):
        register(library_path, "shadow")
    with pytest.raises(ValueError, match="PyCapsule"):
        _core.register_device(capsule(1, b"fastdl.Device.0"))
