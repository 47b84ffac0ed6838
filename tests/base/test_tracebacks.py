"""Tracebacks of wrong input show the user's lines, without the package's lines below them."""

import traceback

import children
import numpy as np
import pytest

import fastdl
from fastdl import callbacks, config, layers, models, nn

X, Y = np.ones((8, 5), "float32"), np.ones((8, 1), "float32")


def built():
    model = fastdl.Sequential([layers.Input((3,)), layers.Dense(4), layers.Dense(1)])
    model.compile("sgd", "mse")
    return model


class Wrong(models.Model):
    def __init__(self):
        super().__init__()
        self.dense = layers.Dense(3)
        self.compile("sgd", "mse")

    def call(self, x):
        return self.dense(x) @ np.ones((5, 2), "float32")  # mine


class WrongStep(Wrong):
    def call(self, x):
        return self.dense(x)

    def train_step(self, data):
        return {"loss": fastdl.zeros(3) + fastdl.zeros(2)}  # mine


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Sequential(nn.Linear(5, 4), nn.ReLU()), nn.Linear(6, 1))

    def forward(self, x):
        return self.body(x)  # mine


class Fails(callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        raise KeyError("mine")  # mine


def fit_with_a_callback():
    model = fastdl.Sequential([layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(X, Y, verbose=0, callbacks=[Fails()])


# Calls that fail, and the number of the user's lines below each.
CASES = {
    "fit": (lambda: built().fit(X, Y, verbose=0), 0),
    "evaluate": (lambda: built().evaluate(X, Y, verbose=0), 0),
    "predict": (lambda: built().predict(X, verbose=0), 0),
    "train_on_batch": (lambda: built().train_on_batch(X, Y), 0),
    "a model's call": (lambda: built()(X), 0),
    "a layer's call": (lambda: layers.Dense(1, input_shape=(2,))(X[0, 0]), 0),
    "a symbolic call": (lambda: layers.Dot(axes=1)(layers.Input((3,))), 0),
    "an operator of a graph": (lambda: layers.Input((3,)) @ np.ones((4, 4)), 0),
    "call of one's own in fit": (lambda: Wrong().fit(X, Y, verbose=0), 1),
    "call of one's own": (lambda: Wrong()(X), 1),
    "a step of one's own": (lambda: WrongStep().fit(X, Y, verbose=0), 1),
    "forward of one's own": (lambda: Net()(fastdl.tensor(X)), 1),
    "a callback": (fit_with_a_callback, 1),
}


def lines_of(call):
    """(whether it is the package's, the line) for each entry of a failing call's traceback."""
    try:
        call()
    except Exception as error:
        found = traceback.extract_tb(error.__traceback__)
        return [("/fastdl/" in f.filename.replace("\\", "/"), f.line) for f in found]
    pytest.fail("no error")


@pytest.mark.parametrize("name", CASES)
def test_the_package_has_one_line_and_the_user_all(name):
    call, below = CASES[name]
    found = lines_of(call)
    ours = [line for package, line in found if package]
    mine = [line for package, line in found if not package]
    assert len(ours) <= 2  # an operator has one frame above
    if below:
        assert mine[-1].endswith("# mine")
        assert found[-1][0] is False


@pytest.mark.parametrize("name", CASES)
def test_without_filtering_all_frames_are_there(name):
    short = lines_of(CASES[name][0])
    config.disable_traceback_filtering()
    try:
        assert not config.is_traceback_filtering_enabled()
        assert len(lines_of(CASES[name][0])) > len(short)
    finally:
        config.enable_traceback_filtering()
    assert config.is_traceback_filtering_enabled()


def test_the_error_is_the_same_object_with_its_cause():
    class Raises(layers.Layer):
        def call(self, x):
            try:
                raise KeyError("first")
            except KeyError as first:
                error = ValueError("second")
                raised.append(error)
                raise error from first

    raised = []
    with pytest.raises(ValueError, match="second") as caught:
        Raises()(X)
    assert caught.value is raised[0] and isinstance(caught.value.__cause__, KeyError)


def test_environment_variable(tmp_path):
    program = "from fastdl import config; print(config.is_traceback_filtering_enabled())"
    assert children.output(program, tmp_path, FASTDL_FULL_TRACEBACK="1").strip() == "False"
    assert children.output(program, tmp_path, FASTDL_FULL_TRACEBACK="0").strip() == "True"
