"""The commands train, predict, show and bench, run as a user runs them."""

import csv
import io
import re
import signal
import sys
from pathlib import Path

import children
import numpy as np
import pytest

import fastdl
from fastdl import cli


def write_table(path, rows=60, delimiter=",", target=True):
    rng = np.random.default_rng(0)
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter=delimiter)
        writer.writerow(["size", "color", "when", *["sold"] * target])
        for i in range(rows):
            size, color = rng.normal(), ["red", "green"][i % 2]
            sold = "yes" if size + (color == "red") > 0.5 else "no"
            when = f"2024-01-{i % 28 + 1:02}"
            writer.writerow([f"{size:.3f}" if i % 7 else "", color, when, *[sold] * target])


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder with a table, the model that was trained on it, and what was printed."""
    folder = tmp_path_factory.mktemp("trained")
    write_table(folder / "data.csv")
    arguments = ("train", "data.csv", "--target", "sold", "--epochs", "5")
    child = children.start("-m", "fastdl", *arguments, cwd=folder)
    output, errors = child.communicate(timeout=300)
    assert (child.returncode, errors) == (0, "")
    return folder, output


def run(capsys, *arguments):
    """The exit status, the output and the errors of the command."""
    status = cli.main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def test_train(trained):
    folder, output = trained
    assert sorted(p.name for p in folder.iterdir()) == ["data.csv", "model.fastdl", "model.html"]
    assert "data.csv: 60 rows, 4 columns; target 'sold' (2 classes)" in output
    assert "48 rows to learn from, 12 for the test" in output
    assert len(re.findall(r"^network \d of 5: \d+ epochs, loss", output, re.M)) == 5
    for name in ("fastdl", "linear model", "most frequent"):
        assert re.search(rf"^{name} +0\.\d{{4}}|^{name} +1\.0000", output, re.M)
    assert "Most important columns: " in output
    assert output.endswith("Model: model.fastdl\nReport: model.html\n")
    assert "shop" not in (folder / "model.html").read_text("utf-8")
    assert "model.fastdl" in (folder / "model.html").read_text("utf-8")


def test_the_command_does_what_the_function_does(trained):
    folder, _ = trained
    model = fastdl.tabular.train(folder / "data.csv", "sold", epochs=5).model
    again = fastdl.tabular.load(folder / "model.fastdl")
    assert again.about == model.about
    p = model.predict_proba(folder / "data.csv")
    assert np.array_equal(again.predict_proba(folder / "data.csv"), p)


def test_options_of_train(tmp_path, capsys):
    write_table(tmp_path / "data.csv", delimiter=";")
    status, output, errors = run(
        capsys,
        *("train", tmp_path / "data.csv", "--target", "sold", "--epochs", 1, "--seed", 3),
        *("--output", tmp_path / "m.fastdl", "--no-report", "--drop", "when", "--test", 0.5),
        *("--kind", "size=category", "--delimiter", ";", "--missing", "red"),
    )
    assert (status, errors) == (0, "")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["data.csv", "m.fastdl"]
    assert "30 rows to learn from, 30 for the test" in output
    assert "column 'when' is dropped: it was to be dropped" in output
    model = fastdl.tabular.load(tmp_path / "m.fastdl")
    kinds = {name: e.kind for name, e in model.preprocessing.encoders.items()}
    assert kinds == {"size": "category", "color": "category"}
    assert model.about["seed"] == 3
    assert model.preprocessing.encoders["color"].missing


def test_regression_of_a_table_with_tabs(tmp_path, capsys):
    rows = [f"{i % 9}\t{i % 5}\t{i % 9 * 10 + 0.5}" for i in range(80)]
    (tmp_path / "data.tsv").write_text("a\tb\ty\n" + "\n".join(rows))
    output = tmp_path / "m.fastdl"
    arguments = ("train", tmp_path / "data.tsv", "--target", "y", "--output", output)
    status, text, errors = run(capsys, *arguments, "--report", tmp_path / "r.html")
    assert (status, errors) == (0, "")
    assert re.search(r"R2 +MAE +RMSE\n", text) and (tmp_path / "r.html").exists()
    status, text, errors = run(capsys, "predict", output, tmp_path / "data.tsv")
    found = np.array(text.split()[1:], float)
    assert text.startswith("prediction\n") and len(found) == 80
    assert np.array_equal(found, fastdl.tabular.load(output).predict(tmp_path / "data.tsv"))


def test_predict(trained, tmp_path, capsys):
    folder, _ = trained
    write_table(tmp_path / "new.csv", rows=25, target=False)
    model = fastdl.tabular.load(folder / "model.fastdl")
    status, output, errors = run(capsys, "predict", folder / "model.fastdl", tmp_path / "new.csv")
    assert (status, errors) == (0, "")
    head, *rows = csv.reader(io.StringIO(output))
    assert head == ["prediction", "probability_no", "probability_yes"]
    p = model.predict_proba(tmp_path / "new.csv")
    assert np.array_equal(np.array([row[1:] for row in rows], np.float32), p)
    assert [row[0] for row in rows] == model.predict(tmp_path / "new.csv").tolist()
    target = tmp_path / "out.csv"
    status, nothing, errors = run(
        capsys, "predict", folder / "model.fastdl", tmp_path / "new.csv", "--output", target
    )
    assert (status, nothing, errors) == (0, "", f"25 predictions: {target}\n")
    assert target.read_text() == output


def test_predict_says_what_is_odd(trained, tmp_path, capsys):
    folder, _ = trained
    content = "more,when,size,color\n1,2024-01-05,x,red\n2,soon,3,pink\n3,,,\n"
    (tmp_path / "new.csv").write_text(content)
    status, output, errors = run(capsys, "predict", folder / "model.fastdl", tmp_path / "new.csv")
    assert status == 0 and output.count("\n") == 4
    for note in (
        "column 'color': 1 values are unknown: 'pink'",
        "column 'size': 1 values are no numbers: taken as missing",
        "column 'when': 1 values are no dates: taken as missing",
        "column 'when': 1 values are missing; none was in training",
        "1 columns that the model does not know are ignored: 'more'",
    ):
        assert f"fastdl: note: {note}\n" in errors


def test_show(trained, tmp_path, capsys):
    folder, _ = trained
    status, output, errors = run(capsys, "show", folder / "model.fastdl")
    assert (status, errors) == (0, "")
    for text in (
        f"model.fastdl: model, .* written by fastdl {re.escape(fastdl.__version__)}",
        r"Predicts 'sold' \(2 classes: no, yes\)",
        "1 of kind number: size",
        "1 of kind category: color",
        "average of 5 networks",
        "hidden_1",
        "Trained by fastdl .* on 48 rows, seed 0: AdamW",
        "linear   accuracy",
    ):
        assert re.search(text, output)
    model = fastdl.Sequential([fastdl.layers.Input((3,)), fastdl.layers.Dense(2, name="out")])
    model.compile(fastdl.optimizers.SGD(0.25), "mse", metrics=["mae"])
    model.fit(np.ones((4, 3)), np.ones((4, 2)), verbose=0)
    model.save(tmp_path / "m.fastdl")
    status, output, _ = run(capsys, "show", tmp_path / "m.fastdl")
    assert status == 0 and "out (Dense)" in output and "(None, 2)" in output
    assert "optimizer: SGD(learning_rate=0.25" in output and "loss: mse" in output
    assert "The state of training is in the file" in output
    model.save_weights(tmp_path / "m.safetensors")
    model.save_weights(tmp_path / "m.weights.h5")
    fastdl.save(model.state_dict(), tmp_path / "m.pt")
    for name in ("m.safetensors", "m.weights.h5", "m.pt"):
        status, output, _ = run(capsys, "show", tmp_path / name)
        assert status == 0 and "(3, 2)" in output
        # Keras's file has the variables of the optimizer, too.
        assert ("2 tensors, 8 values" in output) == (name != "m.weights.h5")


def test_show_of_files_of_keras(capsys):
    folder = Path(__file__).resolve().parents[1] / "golden" / "saved"
    files = sorted(folder.glob("*.keras"))
    assert files
    for file in files:
        status, output, errors = run(capsys, "show", file)
        assert (status, errors) == (0, "")
        assert f"{file}: Keras model, " in output and "Total params" in output


def test_texts_of_files_cannot_control_the_terminal(tmp_path, capsys):
    (tmp_path / "t.csv").write_text(
        "\x1b[31ma,y\n" + "".join(f"{i % 7},{i % 7 > 3}\n" for i in range(40))
    )
    output = tmp_path / "m.fastdl"
    arguments = ("train", tmp_path / "t.csv", "--target", "y", "--output", output, "--epochs", 20)
    status, text, errors = run(capsys, *arguments, "--no-report")
    shown = run(capsys, "show", output)[1]
    assert (status, errors) == (0, "")
    assert "[31ma" in text and "[31ma" in shown and "\x1b" not in text + shown


def test_show_of_a_class_that_is_not_known(tmp_path, capsys):
    program = """
import fastdl
class Twice(fastdl.layers.Layer):
    def call(self, x):
        return x + x
model = fastdl.Sequential([fastdl.layers.Input((3,)), Twice(), fastdl.layers.Dense(2)])
model.save("m.fastdl")
"""
    children.output(program, tmp_path)
    status, output, _ = run(capsys, "show", tmp_path / "m.fastdl")
    assert status == 0
    assert "Its layers cannot be made here: unknown layer 'Twice'" in output
    assert "2 tensors, 8 values" in output


@pytest.mark.parametrize(
    "content, message",
    [
        (b"", "the file is empty"),
        (b"a,b\n1,2\n", "this is no safetensors file"),
        (b"PK\x03\x04 and no more", "no zip archive, or it is damaged"),
        (b"\x80\x02}q\x00.", "pickle"),
    ],
)
def test_show_of_other_files(content, message, tmp_path, capsys):
    (tmp_path / "file").write_bytes(content)
    status, output, errors = run(capsys, "show", tmp_path / "file")
    assert (status, output) == (2, "")
    assert errors.startswith("fastdl: error: ") and message in errors and errors.count("\n") == 1


def test_bench(capsys, monkeypatch, tmp_path):
    from fastdl.cli import bench

    (tmp_path / "fastdl").mkdir()  # as a clone has: the sources, without the compiled part
    (tmp_path / "fastdl/__init__.py").write_text("raise ImportError")
    monkeypatch.chdir(tmp_path)

    monkeypatch.setattr(bench, "_SECONDS", 0.0)
    monkeypatch.setattr(bench, "_LEAST_RUNS", 1)
    status, output, errors = run(capsys, "bench")
    assert (status, errors) == (0, "")
    for row in (
        r"matrix product.* \d+ GFLOP/s",
        r"copy of 128 MiB.* [\d.]+ GB/s",
        r"training step, 784-128-10, .* [\d.e-]+ (us|ms|s)",
        r"prediction of one row, 64-64-10 .* [\d.e-]+ (us|ms|s)",
        r"import fastdl.* [\d.e-]+ (us|ms|s)",
    ):
        assert re.search(row, output)


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["train", "data.csv"], "required: --target"),
        (["train", "no.csv", "--target", "y"], "No such file or directory: 'no.csv'"),
        (["train", ".", "--target", "y"], "Is a directory"),
        (["train", "data.csv", "--target", "sould"], "Did you mean 'sold'?"),
        (["train", "empty.csv", "--target", "y"], "empty.csv: the file is empty"),
        (["train", "ragged.csv", "--target", "b"], "line 3 has 3 cells, the first line has 2"),
        (["train", "model.zip", "--target", "b"], "expected CSV or Parquet, but this is a zip"),
        (["train", "data.csv", "--target", "sold", "--output", "m.txt"], "ends in .fastdl"),
        (["train", "data.csv", "--target", "sold", "--output", "no/m.fastdl"], "no folder"),
        (
            ["train", "data.csv", "--target", "sold", "--report", "data.csv"],
            "--report: data.csv is",
        ),
        (
            ["train", "data.csv", "--target", "sold", "--report", "no/r.html"],
            "--report: there is no",
        ),
        (["train", "data.csv", "--target", "sold", "--test", "1"], "between 0 and 1, got 1"),
        (["train", "data.csv", "--target", "sold", "--epochs", "0"], "expected 1 to 1000000"),
        (["train", "data.csv", "--target", "sold", "--kind", "size"], "expected COLUMN=number"),
        (["train", "data.csv", "--target", "sold", "--kind", "s=number"], "no column 's'"),
        (["train", "data.csv", "--target", "sold", "--delimiter", ";;"], "expected one character"),
        (["train", "data.csv", "--target", "sold", "--encoding", "x"], "unknown encoding 'x'"),
        (["train", "data.csv", "--target", "when"], "got dates"),
        (["predict", "data.csv", "data.csv"], "data.csv: this is no file of save()"),
        (["predict", "m.fastdl", "short.csv"], "lacks 2 columns that the model needs: 'color'"),
        (["predict", "m.fastdl", "data.csv", "--output", "data.csv"], "--output: data.csv is also"),
        (["predict", "m.fastdl", "data.csv", "--output", "m.fastdl"], "--output: m.fastdl is also"),
        (["predict", "m.fastdl", "data.csv", "--output", "."], "is a folder"),
        (["show", "no.fastdl"], "No such file or directory: 'no.fastdl'"),
    ],
)
def test_wrong_usage_is_one_line(arguments, message, trained, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "m.fastdl").write_bytes((trained[0] / "model.fastdl").read_bytes())
    write_table(tmp_path / "data.csv")
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "ragged.csv").write_text("a,b\n1,2\n1,2,3\n")
    (tmp_path / "short.csv").write_text("size,b\n1,2\n")
    (tmp_path / "model.zip").write_bytes(b"PK\x03\x04")
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    try:
        status = cli.main(arguments)
    except SystemExit as error:  # of argparse
        status = error.code
    _, errors = capsys.readouterr()
    assert status == 2 and "Traceback" not in errors
    assert message in errors
    assert errors.splitlines()[-1].startswith("fastdl")
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before


def test_missing_extras_are_named(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    (tmp_path / "t.parquet").write_bytes(b"PAR1....")
    output = tmp_path / "m.fastdl"
    arguments = ("train", tmp_path / "t.parquet", "--target", "y", "--output", output)
    status, _, errors = run(capsys, *arguments)
    assert status == 2 and "pip install 'fastdl[tables]'" in errors


def test_ctrl_c_ends_with_130_and_leaves_no_file(tmp_path):
    write_table(tmp_path / "data.csv", rows=3000)
    # A shell may have told us to ignore interrupts, and the child inherits that.
    program = (
        "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler);"
        "from fastdl.cli import main; sys.exit(main())"
    )
    arguments = ("train", "data.csv", "--target", "sold", "--epochs", "1000000")
    child = children.start("-uc", program, *arguments, cwd=tmp_path)
    try:
        while "rows to learn from" not in child.stdout.readline():
            assert child.poll() is None
        child.send_signal(signal.SIGINT)
        _, errors = child.communicate(timeout=60)
    finally:
        child.kill()
        child.communicate()
    assert (child.returncode, errors) == (130, "fastdl: interrupted\n")
    assert [p.name for p in tmp_path.iterdir()] == ["data.csv"]


def test_the_start_loads_what_a_command_needs(tmp_path):
    program = """
import sys
from fastdl import cli
try:
    cli.main(["--version"])
except SystemExit:
    pass
wanted = ("csv", "fastdl.layers")
print(*sorted(m for m in sys.modules if m.startswith("fastdl.cli") or m in wanted))
"""
    assert children.output(program, tmp_path).split()[2:] == ["fastdl.cli"]
