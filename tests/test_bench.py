"""The tools of bench/: their arithmetic, not their timings."""

import importlib
import json
import random
import re
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT))  # last: an installed fastdl comes first

chart, floors, rows, plain, regress = (
    importlib.import_module(f"bench.{name}")
    for name in ("peers.chart", "peers.floors", "peers.rows", "plain_mlp", "regress")
)

MACHINE = {"flops": 100.0, "bytes_at": [[10, 50.0], [1000, 20.0], [100000, 5.0]], "bytes": 5.0}


def test_floor_is_the_longer_of_arithmetic_and_memory():
    assert floors.seconds(MACHINE, 1000.0, 4.0) == 10.0  # 1000 / 100; 4 bytes take 0.08 s
    assert floors.seconds(MACHINE, 10.0, 200000.0) == 40000.0  # 200000 / 5
    assert floors.seconds(MACHINE, 0.0, 40.0) == 0.8  # within the first cache
    assert floors.seconds(MACHINE, 0.0, 1000.0) == 50.0  # 1000 / 20
    assert floors.seconds(MACHINE, 0.0, 99999.0) == 99999 / 20.0  # the cache may still hold it
    assert floors.seconds(MACHINE, 0.0, 0.0) is None
    assert floors.seconds(None, 1.0, 1.0) is None


def test_floor_takes_the_best_rate_of_larger_arrays():
    noisy = {**MACHINE, "bytes_at": [[10, 15.0], [1000, 20.0], [100000, 5.0]]}
    assert floors.seconds(noisy, 0.0, 40.0) == 2.0


def test_work_of_the_rows():
    # Counted by hand for one hidden layer: 2 products of 3 x 4 and 3 of 4 x 2 (forward, weights,
    # and the second layer's input), for 5 samples; 7 arrays of 3 * 4 + 4 * 2 + 4 + 2 parameters.
    row = rows.mlp_row("", (3, 4, 2), 5)
    assert row.flops == 2 * 5 * (2 * 12 + 3 * 8)
    assert row.bytes == 7 * 4 * 26
    product = rows.matmul_row(2, 3, 4)
    assert (product.flops, product.bytes) == (48, 4 * (8 + 12 + 6))


def _libraries(**medians):
    return {"floor": None, "libraries": {k: {"median": v, "all": [v]} for k, v in medians.items()}}


def test_chart(tmp_path):
    pytest.importorskip("matplotlib")
    table = {
        "threads": 2,
        "rows": {
            "mlp_tiny": _libraries(fastdl=2.0, torch=20.0, jax=1.0),
            "import": _libraries(fastdl=1.0, torch=30.0),
            "matmul_64": _libraries(fastdl=1.0),
            "other": _libraries(torch=1.0),
        },
    }
    found = chart.ratios(json.loads(json.dumps(table)))
    assert found == {"mlp_tiny": {"torch": 10.0, "jax": 0.5}, "import": {"torch": 30.0}}
    assert chart.panels([*found, "other"]) == {
        "one training step": ["mlp_tiny"],
        "whole process": ["import"],
        "more": ["other"],
    }
    chart.draw(table, tmp_path / "chart.png")
    header = (tmp_path / "chart.png").read_bytes()[:24]
    assert header[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", header[16:])
    assert width > 600 and height > 200


def test_chart_of_nothing_writes_nothing(tmp_path):
    chart.draw({"threads": 1, "rows": {}}, tmp_path / "chart.png")
    assert not list(tmp_path.iterdir())


def _samples(middle, spread, n=11, seed=0):
    draw = random.Random(seed)
    return [middle * 2.0 ** draw.gauss(0, spread) for _ in range(n)]


def test_noise_is_the_standard_error_of_the_median():
    """Against the spread of many medians, which the estimate has to meet on average."""
    sets = [_samples(3.0, 0.05, n=25, seed=s) for s in range(400)]
    of_medians = np.std([np.log(np.median(s)) for s in sets])
    estimated = np.mean([regress.noise_of(s) for s in sets])
    # 400 sets know a standard deviation to within 1 / sqrt(800) = 3.5 %; small samples bias the
    # estimate by a few per cent more.
    assert estimated == pytest.approx(of_medians, rel=0.15)


def test_a_slowdown_beyond_the_noise_is_found():
    verdict = regress.compare(_samples(1.0, 0.01), _samples(1.1, 0.01, seed=1))
    assert verdict.slower and not verdict.faster and "SLOWER" in str(verdict)


def test_a_speedup_is_no_failure():
    verdict = regress.compare(_samples(1.1, 0.01), _samples(1.0, 0.01, seed=1))
    assert verdict.faster and not verdict.slower and "faster" in str(verdict)


def test_differences_within_the_noise_are_none():
    noisy = [
        regress.compare(_samples(1.0, 0.3, seed=s), _samples(1.1, 0.3, seed=-s - 1))
        for s in range(20)
    ]
    assert sum(v.slower for v in noisy) <= 1
    same = regress.compare([1.0] * 5, [1.005] * 5)  # no noise, but less than another build makes
    assert not same.slower and not same.faster
    assert regress.compare([1.0] * 5, [1.011] * 5).slower


def test_one_outlier_decides_nothing():
    quiet = _samples(1.0, 0.005)
    assert not regress.compare(quiet, [*quiet[:-1], 50.0]).slower


def test_report_prints_each_row(capsys):
    base = {"mlp_tiny": [1e-3] * 5, "matmul_64": [1e-6] * 5}
    assert regress.report(base, base)
    assert not regress.report(base, {**base, "matmul_64": [2e-6] * 5})
    printed = capsys.readouterr().out
    assert re.search(r"mlp_tiny +1\.000 -> +1\.000 ms .*same", printed)
    assert re.search(r"matmul_64 +1\.000 -> +2\.000 us +\+100\.0% .*SLOWER", printed)


def test_a_baseline_of_another_machine_is_refused(tmp_path):
    path = tmp_path / "baseline.json"
    here = {"host": "a", "threads": 2}
    path.write_text(json.dumps({"machine": here, "commit": "0", "rows": {"mlp_tiny": [1.0]}}))
    assert regress.load(path, here, ["mlp_tiny"]) == {"mlp_tiny": [1.0]}
    with pytest.raises(regress.CannotCompare, match=r"was measured on .* this is"):
        regress.load(path, {**here, "threads": 1}, ["mlp_tiny"])
    with pytest.raises(regress.CannotCompare, match="lacks matmul_64"):
        regress.load(path, here, ["mlp_tiny", "matmul_64"])


@pytest.mark.parametrize(
    "arguments, message",
    [
        ([], "expected BASE"),
        (["a", "b", "c"], "expected BASE"),
        (["a", "b", "--save", "x.json"], "expected BASE"),
        (["a", "--rows", "mlp_9"], "no row 'mlp_9'"),
        (["a", "--rounds", "1"], "fewer than 3 rounds"),
    ],
)
def test_wrong_arguments_of_regress(arguments, message, capsys):
    with pytest.raises(SystemExit) as e:
        regress.main(arguments)
    assert e.value.code == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("sizes", [(4, 6, 3), (5, 7, 6, 1)])
def test_network_by_hand_trains_as_fit_does(sizes):
    """The NumPy step that the benchmarks time does what fastdl's does."""
    rng = np.random.default_rng(0)
    x = rng.random((8, sizes[0]), np.float32)
    y = x.sum(1, keepdims=True) if sizes[-1] == 1 else rng.integers(0, sizes[-1], 8)
    model = importlib.import_module("bench.peers.fastdl_rows")._model(sizes)
    by_hand = plain.PlainMLP(model.get_weights())
    start = model.evaluate(x, y, verbose=0)
    assert by_hand.step(x, y) == pytest.approx(float(np.ravel(start)[0]), rel=1e-5)
    by_hand.step(x, y)
    model.fit(x, y, batch_size=8, epochs=2, shuffle=False, verbose=0)
    for ours, theirs in zip(model.get_weights(), by_hand.weights, strict=True):
        # Two steps of 0.001, each with a rounding error of sums of 8 products in the gradient.
        np.testing.assert_allclose(ours, theirs, atol=2e-5)


def test_the_clone_comes_last_on_the_path():
    """Or its fastdl/, which may have no compiled core, would hide the installed package."""
    code = "import bench, json, sys; print(json.dumps(sys.path))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=True)
    path = json.loads(done.stdout)
    assert path[-1] == str(ROOT)
    assert not {"", str(ROOT)} & set(path[:-1])
