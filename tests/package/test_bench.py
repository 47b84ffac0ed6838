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

import fastdl

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT))  # last: an installed fastdl comes first

chart, floors, memory, networks, process, rows, plain, regress, report, sweep = (
    importlib.import_module(f"bench.{name}")
    for name in (
        *("peers.chart", "peers.floors", "peers.memory", "peers.networks", "peers.process"),
        "peers.rows",
        *("plain_mlp", "regress", "report", "sweep"),
    )
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
    assert floors.seconds({**MACHINE, "bf16_flops": 400.0}, 1000.0, 4.0, "bf16_flops") == 2.5
    for without in (MACHINE, {**MACHINE, "bf16_flops": 0.0}):
        assert floors.seconds(without, 1000.0, 4.0, "bf16_flops") is None


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
    # Mixed precision: the same operations; gradients of two bytes.
    mixed = rows.mlp_bf16_row("", (3, 4, 2), 5)
    assert (mixed.flops, mixed.bytes) == (row.flops, (6 * 4 + 2) * 26)
    assert (mixed.rate, mixed.function) == ("bf16_flops", "mlp_bf16")


def test_work_of_networks():
    # By hand for 28 x 28 pixels: 26 x 26 pixels of 32 filters with 9 taps, 24 x 24 of 64 with 288,
    # and dense layers.
    work = networks.work_of(networks.NETWORKS["cnn_mnist"])
    dense = 12 * 12 * 64 * 128 + 128 * 10
    assert work.first == 26 * 26 * 32 * 9
    assert work.products == 24 * 24 * 64 * 288 + dense
    assert work.weights == 9 * 32 + 288 * 64 + dense
    assert work.values == 26 * 26 * 32 + 24 * 24 * 64 + 128 + 10
    # Figures of MLPerf Tiny's models: 12.5, 2.66 and 7.5 million multiply-adds.
    millions = [
        (w.first + w.products) / 1e6
        for w in (networks.work_of(networks.NETWORKS[n]) for n in ("resnet8", "dscnn", "mobilenet"))
    ]
    np.testing.assert_allclose(millions, (12.5, 2.66, 7.5), rtol=0.01)


@pytest.mark.parametrize("name", networks.NETWORKS)
def test_networks_are_built_as_described(name):
    network = networks.NETWORKS[name]
    model = importlib.import_module("bench.peers.keras_networks").model(fastdl, name)
    products = sum(w.numel() for w in model.trainable_weights if w.ndim > 1)
    assert products == networks.work_of(network).weights
    assert model.output_shape == (None, network.classes)


def test_every_product_has_its_transpositions():
    for name, row in rows.ROWS.items():
        if row.function == "matmul":
            base, _, form = name.rpartition("_")
            form = form if form in ("tn", "nt", "tt") else "nn"
            assert row.arguments[3:] == (form[0] == "t", form[1] == "t")
            same = rows.ROWS[name if form == "nn" else base]
            assert (row.arguments[:3], row.flops) == (same.arguments[:3], same.flops)
            assert {f"{name if form == 'nn' else base}_{t}" for t in ("tn", "nt", "tt")} < {
                *rows.ROWS
            }
    assert rows.matmul_row(2, 3, 4, "tn").what == "(4, 2)^T times (4, 3)"
    assert rows.matmul_row(2, 3, 4, "nt").what == "(2, 4) times (3, 4)^T"


@pytest.mark.parametrize("a_t", [False, True])
@pytest.mark.parametrize("b_t", [False, True])
def test_stored_operands_multiply_to_the_same_shape(a_t, b_t):
    a, b = (np.ones(shape, np.float32) for shape in rows.stored(2, 3, 4, a_t, b_t))
    assert a.shape == ((4, 2) if a_t else (2, 4)) and b.shape == ((3, 4) if b_t else (4, 3))
    np.testing.assert_array_equal(rows.product(a, b, a_t, b_t)(), np.full((2, 3), 4.0))


def test_rows_are_chosen_by_patterns():
    assert rows.select(["*"]) == list(rows.ROWS)
    assert rows.select(["mlp_512", "mlp_*"])[:3] == ["mlp_512", "mlp_tiny", "mlp_128"]
    assert rows.select(["predict_?", "predict_1"]) == ["predict_1"]
    assert rows.select(["matmul_64*_t[nt]"])[:2] == ["matmul_64_tn", "matmul_64_tt"]
    with pytest.raises(ValueError, match=r"no row 'mlp_9\*'; there are import, "):
        rows.select(["mlp_512", "mlp_9*"])


def test_environment_of_a_worker():
    here = {"PATH": "p", "OPENBLAS_CORETYPE": "Zen", "OPENBLAS_L2_SIZE": "1", "XLA_FLAGS": "--a=b"}
    found = process.environment(here, 3)
    assert found.pop("PATH") == "p" and found.pop("XLA_FLAGS") == "--a=b"
    # Where there is a GPU nobody uses it.
    assert found.pop("CUDA_VISIBLE_DEVICES") == "" and found.pop("JAX_PLATFORMS") == "cpu"
    assert found == {f"{p}_NUM_THREADS": "3" for p in ("OMP", "MKL", "OPENBLAS", "FASTDL")}
    held = process.environment(here, 3, "avx2")
    assert held["FASTDL_ISA"] == "avx2" and held["OPENBLAS_CORETYPE"] == "Haswell"
    assert held["XLA_FLAGS"] == "--a=b --xla_cpu_max_isa=AVX2"
    assert "OPENBLAS_L2_SIZE" not in held and here["OPENBLAS_CORETYPE"] == "Zen"
    assert process.not_held("onnxruntime", None) == process.not_held("torch", "avx2") == ""
    assert process.not_held("jax", "avx2") == " (products not held to avx2)"


def test_a_peer_that_crashes_loses_its_round_alone(monkeypatch, capsys):
    from types import SimpleNamespace

    from bench.peers import __main__ as peers

    turns = iter([1.0, RuntimeError("jax mlp_512 failed"), 3.0, 4.0])

    def run(python, library, row, threads, isa):
        turn = next(turns)
        if isinstance(turn, Exception):
            raise turn
        return {"seconds": [turn], "peak": 10}

    monkeypatch.setattr(peers, "run", run)
    options = SimpleNamespace(rounds=2, threads=1, isa=None)
    versions = dict.fromkeys(("fastdl", "jax"), "0")
    found = peers.measure("mlp_512", versions, versions, options)
    assert found["fastdl"]["all"] == [1.0, 3.0] and found["jax"]["all"] == [4.0]
    assert "jax mlp_512 failed" in capsys.readouterr().err
    turns = iter([RuntimeError("fastdl failed")])
    with pytest.raises(RuntimeError, match="fastdl failed"):
        peers.measure("mlp_512", versions, versions, options)


def test_rows_that_a_machine_must_emulate_are_left_out(capsys):
    from bench.peers import __main__ as peers

    names = ["mlp_512", "mlp_4096_bf16"]
    for with_both in ({**MACHINE, "bf16_flops": 400.0}, None):
        assert peers.within(names, with_both) == names
        assert capsys.readouterr().out == ""
    assert peers.within(names, {**MACHINE, "bf16_flops": 0.0}) == ["mlp_512"]
    assert "mlp_4096_bf16 is left out" in capsys.readouterr().out


def test_peak_memory_is_the_high_water_mark():
    status = "Name:\tpython\nVmPeak:\t  900 kB\nVmHWM:\t   12 kB\nVmRSS:\t   10 kB\n"
    assert memory.high_water(status) == 12 * 1024
    assert memory.high_water("Name:\tVmHWM\n") is None
    before = memory.peak()
    data = np.ones(8 << 20, np.float64)  # 64 MiB, written
    assert memory.peak() >= data.nbytes and memory.peak() >= before


def test_rows_that_hold_more_than_half_of_pytorchs_memory():
    def entry(**peaks):
        return {"libraries": {k.replace("_", " "): {"peak": v} for k, v in peaks.items()}}

    rows_of = {
        "a": entry(fastdl_0_avx2=51, torch_2=100, torch_2_compiled=300),
        "b": entry(fastdl_0_avx2=50, torch_2=100),
        "c": entry(fastdl_0_avx2=50, jax_0=60, torch_2_compiled=60),
        "d": entry(torch_2=100),
    }
    assert memory.above_limit(rows_of) == {"a": 0.51}


def _libraries(**medians):
    return {
        "floor": None,
        "libraries": {k: {"median": v, "all": [v], "peak": 3 * v} for k, v in medians.items()},
    }


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
    assert chart.ratios(table, "peak") == found
    chart.draw(table, tmp_path / "chart.png")
    header = (tmp_path / "chart.png").read_bytes()[:24]
    assert header[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", header[16:])
    assert width > 600 and height > 200
    chart.draw(table, tmp_path / "short.png", short=True)
    header = (tmp_path / "short.png").read_bytes()[:24]
    assert struct.unpack(">II", header[16:])[1] < height


def test_chart_shows_the_worst_transposition():
    found = {
        "matmul_64": {"torch": 9.0},
        "matmul_64_tn": {"torch": 2.0, "jax": 3.0},
        "matmul_64_nt": {"torch": 4.0, "jax": 1.5},
        "matmul_64_tt": {"torch": 5.0},
        "matmul_8x4x2_tt": {"torch": 5.0},
        "mlp_tiny": {"torch": 1.0},
    }
    assert list(chart.worst_forms(found)) == [
        *("matmul_64", "matmul_64_nt", "matmul_8x4x2_tt", "mlp_tiny")
    ]


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


def test_grid_of_the_sweep():
    assert sweep.WIDTHS[:10] == [1, 2, 3, 4, 7, 8, 9, 15, 16, 17]
    assert sweep.WIDTHS[-4:] == [2048, 2049, 4095, 4096]
    assert sweep.DEFAULT_BATCHES == [2**i for i in range(11)]
    assert sweep.choose(["7-16", "100", "8"], sweep.WIDTHS) == [7, 8, 9, 15, 16, 100]
    for wrong in ("a", "4-", "-4", "5-6", "0", "4097", "1.5"):
        with pytest.raises(ValueError, match=r"expected a number or|names nothing"):
            sweep.choose([wrong], sweep.WIDTHS)


def _cells():
    """Seconds of three widths: threads harm the first and one unit more the second."""
    return [
        sweep.Cell(8, 4, one=[1.0, 2.0, 1.0], all=[1.2, 2.4, 1.0]),
        sweep.Cell(9, 4, one=[2.0] * 3, all=[1.2] * 3),
        sweep.Cell(10, 4, one=[2.0] * 3, all=[1.8] * 3),
        sweep.Cell(10, 5, one=[1.0], all=[1.0]),
        sweep.Cell(15, 4, one=[9.0], all=[9.0]),
    ]


def test_verdict_of_the_sweep():
    cells = _cells()
    assert cells[0].ratio == pytest.approx(1.2)  # of turns in pairs, not of medians
    assert sweep.jumps(cells) == {(8, 4): 1.0, (9, 4): pytest.approx(1.5)}
    slow, high = sweep.beyond(cells, sweep.Bounds(threads=0.03, unit=0.4))
    assert slow == cells[:1] and list(high) == [(9, 4)]
    assert sweep.beyond(cells, sweep.Bounds(threads=0.25, unit=0.6)) == ([], {})


def test_report_of_the_sweep(capsys):
    cells = _cells()
    assert not sweep.report(cells, sweep.Bounds(0.03, 0.6), worst=1)
    printed = capsys.readouterr().out
    assert re.search(r"width 8 +batch 4 .* \+20\.0%  BEYOND", printed)
    assert re.search(r"width 9, 10 +batch 4 .* \+50\.0%$", printed, re.M)
    assert "width 15" not in printed
    assert sweep.report(cells, sweep.Bounds(0.25, 0.6))
    table = json.loads(json.dumps(sweep.as_table(cells, 2, sweep.Bounds(0.25, 0.6))))
    assert table["cells"][1]["jump"] == pytest.approx(1.5) and table["cells"][3]["jump"] is None


def test_sweep_measures_in_pairs(monkeypatch):
    monkeypatch.setattr(sweep, "TURN", 0.0)
    before = fastdl.get_num_threads()
    bounds = sweep.Bounds(threads=1e9, unit=1e9)
    cells = sweep.sweep([1, 2], [1, 3], threads=2, turns=2, bounds=bounds)
    assert [(c.width, c.batch) for c in cells] == [(1, 1), (2, 1), (1, 3), (2, 3)]
    assert all(len(c.one) == len(c.all) == 2 and min(c.one + c.all) > 0 for c in cells)
    again = sweep.sweep([1], [1], threads=2, turns=2, bounds=sweep.Bounds(-1.0, 0.0))
    assert len(again[0].one) == len(again[0].all) == 6  # beyond the bound: twice as long once more
    assert fastdl.get_num_threads() == before


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--widths", "0"], "names nothing"),
        (["--batches", "x"], "expected a number"),
        (["--threads", "1"], "two threads"),
    ],
)
def test_wrong_arguments_of_the_sweep(arguments, message, capsys):
    with pytest.raises(SystemExit) as e:
        sweep.main(arguments)
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


def _peers_table():
    """Two rows: a step in which PyTorch is slower, and a product in which NumPy is faster."""

    def library(seconds, mebibytes):
        return {"median": seconds, "all": [seconds], "peak": mebibytes * 2**20}

    step = {"fastdl 0.1": library(1e-3, 60), "torch 2.13.0": library(3e-3, 100)}
    step["torch 2.13.0 compiled"] = library(2e-3, 900)
    product = {"fastdl 0.1": library(4e-6, 30), "numpy 2.4": library(2e-6, 30)}
    return {
        "threads": 2,
        "rounds": 3,
        "cpu": "2 cores of a CPU",
        "date": "2026-01-02",
        "machine": {"flops": 4e11, "bf16_flops": 0, "bytes": 3e10},
        "rows": {
            "mlp_4096": {"floor": 5e-4, "libraries": step},
            "matmul_64_tn": {"floor": 1e-6, "libraries": product},
        },
    }


def test_report_of_the_results():
    sweep_table = sweep.as_table(_cells(), 2, sweep.Bounds(0.03, 0.4))
    text = report.results({"peers": _peers_table(), "sweep": sweep_table})
    step = (
        "| mlp_4096 | 500 us | 1 ms | 50% | torch 2.13.0 compiled 2 ms | 2.00 | 60 MiB, 100 MiB |"
    )
    assert step in text.splitlines()
    assert "| 64 |  | 4 us, 25%, 0.50 numpy |  |  |" in text.splitlines()
    assert "Peak memory above 50% of PyTorch's: mlp_4096 (60%)." in text
    assert "1 of 5 cells take more than 3%" in text and "width 8 and batch 4, +20.0%" in text


def test_report_in_the_readme():
    text = "before\n<!-- measured: begin -->\nold\n<!-- measured: end -->\nafter\n"
    new = report.between_marks(text, report.readme_table(_peers_table()))
    assert new.startswith("before\n<!--") and new.endswith("-->\nafter\n") and "old" not in new
    assert "| | fastdl | torch 2.13.0 | torch 2.13.0 compiled |" in new
    assert "| peak memory of that | 60 MiB | 100 MiB | 900 MiB |" in new
    assert (ROOT / "README.md").read_text().count("<!-- measured:") == 2
    with pytest.raises(ValueError, match="no <!-- measured: begin"):
        report.between_marks("nothing", "x")
