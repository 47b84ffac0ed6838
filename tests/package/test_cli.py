"""The command `fastdl`, run as a user runs it."""

import re
import signal
import struct
import sys

import children
import pytest

import fastdl
from fastdl import cli
from fastdl.cli import demo


def run(*arguments, cwd):
    """The exit status, the output and the errors of the command."""
    child = children.start("-m", "fastdl", *arguments, cwd=cwd)
    output, errors = child.communicate(timeout=300)
    return child.returncode, output, errors


def test_demo_learns_and_draws(tmp_path):
    picture = tmp_path / "curve.png"
    status, output, errors = run("demo", "--plot", str(picture), cwd=tmp_path)
    assert (status, errors) == (0, "")
    lines = output.splitlines()
    # Not a terminal: one line per epoch.
    epochs = [line for line in lines if line.startswith("Epoch ")]
    assert [line.split(" - ")[0] for line in epochs] == [f"Epoch {i}/20" for i in range(1, 21)]
    for name in ("accuracy", "loss", "val_accuracy", "val_loss"):
        assert all(f" - {name}: " in line for line in epochs)
    accuracy = re.search(r"Test accuracy: ([\d.]+)% of 355 pictures", output)
    assert accuracy and float(accuracy[1]) >= 97
    assert re.search(r"Training time: [\d.]+ s for 20 epochs", output)
    assert lines[-1] == f"Learning curve: {picture}"
    # A PNG file of the size drawn, and nothing beside it.
    header = picture.read_bytes()[:24]
    assert header[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">2I", header[16:]) == (1200, 480)
    assert [p.name for p in tmp_path.iterdir()] == ["curve.png"]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_demo_does_not_depend_on_luck(seed, capsys):
    assert cli.main(["demo", "--no-plot", "--seed", str(seed)]) == 0
    assert "Learning curve" not in capsys.readouterr().out


def test_same_seed_same_run(capsys):
    def metrics(seed):
        cli.main(["demo", "--no-plot", "--epochs", "2", "--seed", seed])
        return re.findall(r"(?:loss|accuracy): \S+", capsys.readouterr().out)

    first = metrics("5")
    assert len(first) == 2 * 4 + 1  # in each of two epochs, and of the test
    assert metrics("5") == first
    assert metrics("6") != first


def test_a_missed_accuracy_is_a_failure(capsys):
    assert cli.main(["demo", "--no-plot", "--epochs", "1", "--batch-size", "7000"]) == 1
    errors = capsys.readouterr().err
    assert re.fullmatch(
        r"fastdl: error: the test accuracy is [\d.]+%, expected at least 97% "
        r"\(epochs: 1\)\n",
        errors,
    )


def test_without_matplotlib_one_line_says_how_to_get_it(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    monkeypatch.setitem(sys.modules, "matplotlib.backend_bases", None)
    picture = tmp_path / "curve.png"
    cli.main(["demo", "--epochs", "1", "--plot", str(picture)])
    assert "pip install 'fastdl[plot]'" in capsys.readouterr().out
    assert not picture.exists()


def test_an_interrupted_picture_leaves_nothing(tmp_path, monkeypatch):
    from matplotlib.figure import Figure

    def interrupted(self, stream, **options):
        stream.write(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(Figure, "savefig", interrupted)
    history = {name: [0.5] for name in ("loss", "val_loss", "accuracy", "val_accuracy")}
    with pytest.raises(KeyboardInterrupt):
        demo.plot(history, 0.5, str(tmp_path / "curve.png"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["dance"], "invalid choice: 'dance'"),
        (["demo", "--epochs", "0"], "--epochs: expected 1 to 1000000, got 0"),
        (["demo", "--batch-size", "-5"], "--batch-size: expected 1 to 1000000, got -5"),
        (["demo", "--seed", "x"], "--seed: invalid number value: 'x'"),
        (["demo", "--seed", "-1"], "--seed: expected 0 to 4294967295, got -1"),
        (["demo", "--no-plot", "--plot", "a.png"], "not allowed with"),
        (["demo", "--plot", "no/such/folder/a.png"], "--plot: there is no folder"),
        (["demo", "--plot", "a.word"], "--plot: expected a file name that ends in one of"),
    ],
)
def test_wrong_usage_is_status_2_and_on_stderr(arguments, message, tmp_path):
    status, output, errors = run(*arguments, cwd=tmp_path)
    assert (status, output) == (2, "")
    assert message in errors
    assert "Traceback" not in errors


def test_the_command_alone_prints_help(tmp_path):
    status, output, errors = run(cwd=tmp_path)
    assert (status, errors) == (0, "") and output == run("--help", cwd=tmp_path)[1]
    for command in ("train", "predict", "show", "convert", "demo", "bench", "info"):
        assert command in output


def test_version(tmp_path):
    assert run("--version", cwd=tmp_path) == (0, f"fastdl {fastdl.__version__}\n", "")


def test_info_is_show_config(capsys):
    fastdl.show_config()
    expected = capsys.readouterr().out
    assert expected
    assert cli.main(["info"]) == 0
    assert capsys.readouterr().out == expected


def test_ctrl_c_ends_with_130_and_no_traceback(tmp_path):
    # A shell may have told us to ignore interrupts, and the child inherits that.
    program = (
        "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler);"
        "from fastdl.cli import main; sys.exit(main())"
    )
    arguments = ("demo", "--no-plot", "--epochs", "1000000")
    child = children.start("-uc", program, *arguments, cwd=tmp_path)
    try:
        while not child.stdout.readline().startswith("Epoch 1/"):
            assert child.poll() is None
        child.send_signal(signal.SIGINT)
        _, errors = child.communicate(timeout=60)
    finally:
        child.kill()
        child.communicate()
    assert child.returncode == 130
    assert errors == "fastdl: interrupted\n"


def test_a_picture_that_cannot_be_written(tmp_path, capsys):
    (tmp_path / "curve.png").mkdir()
    path = str(tmp_path / "curve.png")
    assert cli.main(["demo", "--epochs", "1", "--plot", path]) == 2
    assert f"--plot: {path} can't be written" in capsys.readouterr().err
    assert [p.name for p in tmp_path.iterdir()] == ["curve.png"]


def test_no_output_at_all(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    assert cli.main(["info"]) == 0


def test_a_reader_that_goes_away_is_no_traceback(tmp_path):
    child = children.start("-m", "fastdl", "info", cwd=tmp_path)
    child.stdout.close()
    assert child.wait(timeout=60) == 1
    errors = child.stderr.read()
    child.stderr.close()
    assert errors == ""
