"""Threads and processes: forks, models used by several threads, the environment."""

import threading

import children
import numpy as np
import pytest

import fastdl
from fastdl import _core

MODEL = """
import os, threading
import numpy as np
import fastdl

def make():
    model = fastdl.Sequential([fastdl.layers.Dense(64, activation="relu"), fastdl.layers.Dense(10)])
    model.compile("adam", fastdl.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model

rng = np.random.default_rng(0)
x, y = rng.random((512, 32), np.float32), rng.integers(0, 10, 512)
"""


def together(*functions):
    """Runs each function in a thread. Raises the error that one of them raised."""
    raised = []

    def run(function):
        try:
            function()
        except BaseException as error:
            raised.append(error)

    threads = [threading.Thread(target=run, args=(f,)) for f in functions]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    if raised:
        raise raised[0]


@pytest.fixture
def threads():
    before = _core.num_threads()
    yield _core.set_num_threads
    _core.set_num_threads(before)


# --- the environment

ISAS = ", ".join(_core.runnable_isas())


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"FASTDL_NUM_THREADS": "3"}, "3"),
        ({"FASTDL_NUM_THREADS": "5", "OMP_NUM_THREADS": "3"}, "5"),
        ({"FASTDL_NUM_THREADS": "", "OMP_NUM_THREADS": "3,2"}, "3"),
    ],
)
def test_threads_from_the_environment(tmp_path, environment, expected):
    code = "import fastdl; print(fastdl.get_num_threads())"
    assert children.output(code, tmp_path, **environment).strip() == expected


def test_what_others_say_is_ignored_if_it_makes_no_sense(tmp_path):
    code = "import fastdl; print(fastdl.get_num_threads())"
    plain = children.output(code, tmp_path, OMP_NUM_THREADS="", FASTDL_NUM_THREADS="")
    for text in ("many", "0", "-2"):
        found = children.output(code, tmp_path, OMP_NUM_THREADS=text, FASTDL_NUM_THREADS="")
        assert found == plain


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        *(
            ("FASTDL_NUM_THREADS", text, f"expected an integer from 1 to 1024, got '{text}'")
            for text in ("many", "0", "1025", "-1", "2.5", "3 threads", "9" * 30)
        ),
        *(
            ("FASTDL_SPIN", text, f"expected an integer from 0 to 1000000, got '{text}'")
            for text in ("-1", "1000001", "long", "1e3")
        ),
        *(
            ("FASTDL_ISA", text, f"unknown instruction set '{text}'; possible here: {ISAS}\n")
            for text in ("foo", "AVX2", "avx", " avx2")
        ),
    ],
)
def test_our_variables_are_checked_at_import(tmp_path, name, text, expected):
    code = "try:\n    import fastdl\nexcept ImportError as error:\n    print(error)"
    assert f"{name}: {expected}" in children.output(code, tmp_path, **{name: text})


# --- processes


def test_a_fork_trains_on(tmp_path):
    code = (
        MODEL
        + """
model = make()
model.fit(x, y, verbose=0)
child = os.fork()
losses = model.fit(x, y, epochs=2, verbose=0).history["loss"]
losses += make().fit(x, y, verbose=0).history["loss"]
with open("parent" if child else "child", "w") as file:
    print(losses, file=file)
if child:
    print(os.waitpid(child, 0)[1])
else:
    os._exit(0)
"""
    )
    assert children.output(code, tmp_path, FASTDL_NUM_THREADS="4") == "0\n"
    # Both continue from the same numbers.
    assert (tmp_path / "child").read_text() == (tmp_path / "parent").read_text()


def test_forks_beside_a_thread_that_works(tmp_path):
    """Each child starts while the team is busy. It has its own team, also for loops that raise."""
    code = """
import os, threading, warnings
import numpy as np, fastdl
from fastdl import _core
warnings.simplefilter("ignore", DeprecationWarning)  # of Python: forks beside threads
a, labels = fastdl.rand(300, 300), np.zeros(100_000, np.int64)
labels[70_000] = labels[90_000] = 3
scores = fastdl.zeros(100_000, 3)
want = (a @ a).numpy().copy()
plan, done = fastdl.plan(lambda a: a @ a), False
def work():
    while not done: plan(a)
thread = threading.Thread(target=work)
thread.start()
failed = []
for i in range(20):
    child = os.fork()
    if not child:
        try:
            good = all(np.array_equal((a @ a).numpy(), want) for _ in range(5))
            try:
                _core.sparse_softmax_cross_entropy(scores, labels, -1)
            except ValueError as error:
                good &= "label 3 of sample 70000" in str(error)
            os._exit(0 if good else 1)
        except BaseException:
            os._exit(2)
    failed.append(os.waitpid(child, 0)[1])
done = True
thread.join()
print(sum(failed))
"""
    assert children.output(code, tmp_path, FASTDL_NUM_THREADS="7", timeout=60) == "0\n"


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_pools_of_processes(tmp_path, method):
    (tmp_path / "pool.py").write_text(
        MODEL
        + f"""
import multiprocessing

def work(seed):
    fastdl.manual_seed(seed)
    return make().fit(x, y, verbose=0).history["loss"][0]

if __name__ == "__main__":
    work(1)
    with multiprocessing.get_context({method!r}).Pool(2) as pool:
        print(pool.map(work, [1, 2]) == [work(1), work(2)])
"""
    )
    child = children.start("pool.py", cwd=tmp_path, env={"FASTDL_NUM_THREADS": "2"})
    out, errors = child.communicate(timeout=120)
    assert (child.returncode, out) == (0, "True\n"), errors


def test_the_process_ends_while_threads_work(tmp_path):
    code = """
import builtins, threading, numpy as np, fastdl
fastdl.set_num_threads(4)
a = fastdl.rand(512, 512)
builtins.kept = [a, a @ a, fastdl.as_tensor(np.ones(3, np.float32)), fastdl.plan(lambda x: x @ x)]
[builtins.kept[3](a) for _ in range(3)]
def work():
    while True:
        builtins.kept[3](a)
threading.Thread(target=work, daemon=True).start()
print("end")
"""
    assert children.output(code, tmp_path) == "end\n"


def test_fewer_threads_than_asked_for(tmp_path):
    """If the system provides no more threads, the existing threads do the work."""
    code = """
import resource
import numpy as np, fastdl
a = fastdl.rand(512, 512)
want = (a @ a).numpy()
fastdl.set_num_threads(1000)
resource.setrlimit(resource.RLIMIT_AS, (1 << 31, 1 << 31))  # room for some 200 stacks
print(np.array_equal((a @ a).numpy(), want))
"""
    assert children.output(code, tmp_path) == "True\n"


# --- threads of Python


def model(seed):
    fastdl.manual_seed(seed)
    m = fastdl.Sequential([fastdl.layers.Dense(32, activation="relu"), fastdl.layers.Dense(4)])
    m.compile("sgd", "mse")
    return m


def test_models_trained_in_threads_do_not_meet(threads):
    rng = np.random.default_rng(0)
    x, y = rng.random((256, 16), np.float32), rng.random((256, 4), np.float32)

    def trained(m):
        return m.fit(x, y, epochs=5, shuffle=False, verbose=0).history["loss"]

    want = [trained(built(s, x)) for s in range(4)]
    threads(7)
    models, got = [built(s, x) for s in range(4)], {}
    together(*(lambda i=i: got.update({i: trained(models[i])}) for i in range(4)))
    assert [got[i] for i in range(4)] == want


def built(seed, x):
    m = model(seed)
    m.predict_on_batch(x[:1])  # draws the weights from the library's generator
    return m


def test_one_model_predicts_in_many_threads():
    m = model(0)
    inputs = [np.random.default_rng(i).random((100, 16), np.float32) for i in range(4)]
    want = [m.predict(x, verbose=0) for x in inputs]

    def predict(i):
        for _ in range(20):
            np.testing.assert_array_equal(m.predict(inputs[i], verbose=0), want[i])
            np.testing.assert_array_equal(m.predict_on_batch(inputs[i]), want[i])

    together(*(lambda i=i: predict(i) for i in range(4)))


def test_one_plan_in_many_threads():
    plan = fastdl.plan(lambda x: fastdl.tanh(x @ x) + x)

    def check(seed):
        rng = np.random.default_rng(seed)
        for _ in range(50):
            x = fastdl.tensor(rng.random((20, 20), np.float32))
            np.testing.assert_array_equal(plan(x).numpy(), (fastdl.tanh(x @ x) + x).numpy())

    together(*(lambda s=s: check(s) for s in range(4)))


def test_threads_record_plans_of_their_own():
    def check(factor):
        plan = fastdl.plan(lambda x: fastdl.tanh(x * factor) + 1.0)
        for seed in range(20):
            x = fastdl.tensor(np.random.default_rng(seed).random((5, 5 + seed % 3), np.float32))
            np.testing.assert_array_equal(plan(x).numpy(), (fastdl.tanh(x * factor) + 1.0).numpy())

    together(*(lambda f=f: check(float(f)) for f in range(4)))


def test_a_recorder_may_be_dropped_by_another_thread():
    made, dropped = threading.Event(), threading.Event()
    recorders = []

    def record():
        recorders.append(_core.Recorder())
        made.set()
        dropped.wait()
        fastdl.ones(2) + 1  # no thread observes it
        _core.Recorder().stop()

    def drop():
        made.wait()
        recorders.clear()
        dropped.set()

    together(record, drop)


def test_the_number_of_threads_changes_while_others_work(threads):
    a = fastdl.rand(400, 400)
    want = (a @ a).numpy().copy()
    done = threading.Event()

    def change():
        n = 0
        while not done.is_set():
            n += 1
            threads(1 + n % 7)

    def work():
        try:
            for _ in range(30):
                np.testing.assert_array_equal((a @ a).numpy(), want)
        finally:
            done.set()

    together(change, change, work)


def test_gradients_are_switched_for_one_thread():
    seen = []
    with fastdl.no_grad():
        together(lambda: seen.append(fastdl.is_grad_enabled()))
    assert seen == [True]


def test_threads_draw_different_numbers():
    fastdl.manual_seed(0)
    drawn = []
    together(*[lambda: drawn.extend(fastdl.rand(16).numpy().tobytes() for _ in range(50))] * 4)
    assert len(set(drawn)) == 200
    seed, counter = _core.get_rng_state()
    assert (seed, counter) == (0, 200 * 4)  # every block was reserved once


def test_errors_leave_parallel_loops(threads):
    threads(4)
    labels = np.zeros(100_000, np.int64)
    labels[77_777] = 10
    scores = fastdl.zeros(100_000, 10)
    for _ in range(3):
        with pytest.raises(ValueError, match="label 10 of sample 77777"):
            _core.sparse_softmax_cross_entropy(scores, labels, -1)
        with pytest.raises(ValueError, match="negative power"):
            _core.tensor(np.full(10**6, 3)) ** _core.tensor(np.full(10**6, -1))
    assert _core.sum(scores, None, False).item() == 0
