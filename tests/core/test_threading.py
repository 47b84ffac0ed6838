"""The threads that compute: fastdl's team, or OpenMP's on request. The results are the same."""

import ctypes
import os
import pathlib
import re
import shutil
import subprocess

import children
import pytest

import fastdl
from fastdl import _core
from fastdl._base import config as _config

HERE = {name: "" for name in ("FASTDL_THREADING", "FASTDL_NUM_THREADS", "OMP_NUM_THREADS")}
needs_openmp = pytest.mark.skipif(
    not _config._has_openmp(), reason="this fastdl was built without OpenMP"
)


def output(code, cwd, **env):
    return children.output(code, cwd, **{**HERE, "OPENBLAS_NUM_THREADS": "1", **env})


# --- the choice


def test_the_team_is_the_default(tmp_path):
    code = "import fastdl; print(fastdl.get_threading()); fastdl.show_config()"
    first, *config = output(code, tmp_path).splitlines()
    assert first == "team"
    assert any(line.split()[:2] == ["threading", "team"] for line in config)


@needs_openmp
def test_openmp_is_chosen_by_a_call_or_the_environment(tmp_path):
    code = "import fastdl; fastdl.set_threading('openmp'); fastdl.show_config()"
    called = output(code, tmp_path)
    assert re.search(r"^  threading openmp \(\S*(libg|lib|libi)omp\S*\)$", called, re.MULTILINE)
    code = "from fastdl import cli; cli.main(['info'])"
    assert output(code, tmp_path, FASTDL_THREADING="openmp") == called


def test_unknown_names_are_refused_with_those_there_are(tmp_path):
    with pytest.raises(ValueError, match="unknown threading 'tbb'; possible: 'team', 'openmp'"):
        fastdl.set_threading("tbb")
    code = "try:\n    import fastdl\nexcept ImportError as error:\n    print(error)"
    assert output(code, tmp_path, FASTDL_THREADING="OpenMP") == (
        "FASTDL_THREADING: unknown threading 'OpenMP'; possible: 'team', 'openmp'\n"
    )


def test_the_choice_is_made_before_the_first_computation(tmp_path):
    now = fastdl.get_threading()
    fastdl.ones(3) + 1
    fastdl.set_threading(now)  # the current threads
    with pytest.raises(RuntimeError, match="computations have run already; call it right after"):
        # If the test runs with OpenMP's threads, the team is the other choice.
        fastdl.set_threading("openmp" if now == "team" and _config._has_openmp() else "team")
        raise RuntimeError("computations have run already; call it right after")  # built without
    assert fastdl.get_threading() == now


def test_a_build_without_openmp_says_so(tmp_path):
    code = """
import sys
sys.modules["fastdl._openmp"] = None  # as if there were no such file
try:
    import fastdl
    fastdl.show_config()
    fastdl.set_threading("openmp")
except (ImportError, RuntimeError) as error:
    print(type(error).__name__, error)
"""
    text = "this fastdl was built without OpenMP, since the compiler had none; possible: 'team'"
    shown = output(code, tmp_path)
    assert "threading team (built without OpenMP)" in shown
    assert shown.endswith(f"RuntimeError set_threading: {text}\n")
    from_environment = output(code, tmp_path, FASTDL_THREADING="openmp")
    assert from_environment == f"ImportError FASTDL_THREADING: {text}\n"


def test_tables_of_another_version_are_refused():
    with pytest.raises((TypeError, ValueError)):
        _core.set_threading(fastdl)


# --- results

PROGRAM = """
import hashlib
import numpy as np, fastdl
from fastdl import layers
digest = hashlib.sha256()
rng = np.random.default_rng(0)
x, y = rng.random((600, 40), np.float32), rng.integers(0, 10, 600)
for threads in (1, 2, 5):
    fastdl.set_num_threads(threads)
    fastdl.manual_seed(1)
    model = fastdl.Sequential(
        [layers.Dense(300, activation="gelu"), layers.Dropout(0.2), layers.Dense(10)]
    )
    loss = fastdl.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss, metrics=["accuracy"])
    history = model.fit(x, y, batch_size=128, epochs=3, verbose=0).history
    digest.update(repr(history).encode())
    for value in model.get_weights() + [model.predict(x, verbose=0)]:
        digest.update(value.tobytes())
    a = fastdl.rand(700, 500)
    for value in (a @ a.T, fastdl.softmax(a, 1), fastdl.cumsum(a, 1), fastdl.sum(a, 0)):
        digest.update(value.numpy().tobytes())
    print(digest.hexdigest())
print(fastdl.get_threading())
"""


@needs_openmp
def test_openmp_gives_the_bits_of_the_team(tmp_path):
    *team, name = output(PROGRAM, tmp_path, FASTDL_THREADING="team").split()
    assert name == "team"
    *openmp, name = output(PROGRAM, tmp_path, FASTDL_THREADING="openmp").split()
    assert name == "openmp"
    assert openmp == team


@needs_openmp
def test_a_fork_computes_with_the_team(tmp_path):
    """libgomp would hang in the first region of the child."""
    code = """
import os
import numpy as np, fastdl
a = fastdl.rand(500, 500)
want = (a @ a).numpy().copy()
print(fastdl.get_threading(), flush=True)
child = os.fork()
if not child:
    print(fastdl.get_threading(), np.array_equal((a @ a).numpy(), want))
    fastdl.set_threading("team")
    try:
        fastdl.set_threading("openmp")
    except RuntimeError as error:
        print(error, flush=True)
    os._exit(0)
print(os.waitpid(child, 0)[1], np.array_equal((a @ a).numpy(), want), fastdl.get_threading())
"""
    found = output(code, tmp_path, FASTDL_THREADING="openmp", FASTDL_NUM_THREADS="4")
    assert found.splitlines() == [
        "openmp",
        "team True",
        "set_threading: a forked process computes with fastdl's own team, since the threads of "
        "other libraries may not survive a fork",
        "0 True openmp",
    ]


# --- other OpenMP code of the program

OTHER = """
#include <omp.h>
void in_region(int threads, void (*f)(int)) {
#pragma omp parallel num_threads(threads)
  {
#pragma omp critical
    f(omp_get_thread_num());
  }
}
"""


@pytest.fixture(scope="module")
def other(tmp_path_factory):
    """The path of a library that calls back from a parallel region of OpenMP."""
    compiler = shutil.which(os.environ.get("CC", "cc"))
    if not _config._has_openmp() or compiler is None:
        pytest.skip("needs an fastdl with OpenMP and a C compiler with it")
    folder = tmp_path_factory.mktemp("openmp")
    (folder / "other.c").write_text(OTHER)
    command = [compiler, "-shared", "-fPIC", "-fopenmp", "other.c", "-o", "libother.so"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"the C compiler has no OpenMP: {done.stderr}")
    return folder / "libother.so"


CALLER = """
import ctypes, os
import numpy as np, fastdl
from fastdl import _core
other = ctypes.CDLL({other!r})
callback = ctypes.CFUNCTYPE(None, ctypes.c_int)
def threads_of_the_process():
    return len(os.listdir("/proc/self/task"))
"""


def with_other(other, code, cwd, **env):
    caller = CALLER.format(other=str(other))
    return output(caller + code, cwd, FASTDL_THREADING="openmp", **env)


@pytest.mark.skipif(not os.path.exists("/proc/self/task"), reason="counts threads in /proc")
def test_openmp_s_threads_are_shared_with_the_program(other, tmp_path):
    code = """
before = threads_of_the_process()
other.in_region(4, callback(lambda i: None))
theirs = threads_of_the_process() - before
a = fastdl.rand(600, 600)
a @ a
print(theirs, threads_of_the_process() - before)
"""
    assert with_other(other, code, tmp_path, FASTDL_NUM_THREADS="4") == "3 3\n"


def test_within_a_region_of_the_program_work_stays_on_the_thread(other, tmp_path):
    code = """
a = fastdl.rand(600, 600)
want, got, raised = (a @ a).numpy().copy(), {}, []
labels = np.zeros(100_000, np.int64)
labels[70_000] = labels[90_000] = 3
scores = fastdl.zeros(100_000, 3)
def work(i):
    before = threads_of_the_process()
    got[i] = np.array_equal((a @ a).numpy(), want) and threads_of_the_process() == before
    try:
        _core.sparse_softmax_cross_entropy(scores, labels, -1)
    except ValueError as error:
        raised.append("label 3 of sample 70000" in str(error))
for _ in range(3):
    other.in_region(4, callback(work))
print(sorted(got.items()), len(raised), all(raised))
"""
    expected = "[(0, True), (1, True), (2, True), (3, True)] 12 True\n"
    assert with_other(other, code, tmp_path, FASTDL_NUM_THREADS="4") == expected


def test_the_runtime_that_another_library_brought_is_used(other, tmp_path):
    """Wheels contain copies of the runtime with other names."""
    maps = "print(*{l.split()[-1] for l in open('/proc/self/maps') if 'libgomp' in l})"
    runtime = with_other(other, maps, tmp_path).strip()
    if not os.path.exists(runtime):
        pytest.skip("the compiler's OpenMP is not libgomp")
    copy = shutil.copy(runtime, tmp_path / "libgomp-0123abcd.so.1.0.0")
    code = f"""
import ctypes, os
import fastdl
ctypes.CDLL({str(copy)!r})  # after fastdl, but before its first computation
a = fastdl.rand(600, 600)
a @ a
fastdl.show_config()
"""
    found = output(code, tmp_path, FASTDL_THREADING="openmp")
    assert f"threading openmp ({copy})" in found


@needs_openmp
def test_threads_of_python_and_more_threads_than_cpus(tmp_path):
    code = """
import threading
import numpy as np, fastdl
a = fastdl.rand(300, 300)
want, failed = (a @ a).numpy().copy(), []
def work():
    for n in range(40):
        fastdl.set_num_threads(1 + n % 9)
        if not np.array_equal((a @ a).numpy(), want):
            failed.append(n)
threads = [threading.Thread(target=work) for _ in range(4)]
[t.start() for t in threads]
[t.join() for t in threads]
print(failed)
"""
    assert output(code, tmp_path, FASTDL_THREADING="openmp") == "[]\n"


def test_the_core_itself_needs_no_openmp():
    """Every program loads _core. Only programs that ask for OpenMP load its runtime."""
    needed = pathlib.Path(_core.__file__).read_bytes()
    assert b"libgomp" not in needed and b"libomp" not in needed
    ctypes.CDLL(_core.__file__)
