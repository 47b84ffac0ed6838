"""PyTorch's modules as parts of Keras-style layers and models: their buffers are plain tensors."""

import numpy as np
import pytest

import fastdl
from fastdl import layers, nn


class Scaled(nn.Module):
    """A module with trained weights and two buffers: it reads one and changes the other."""

    def __init__(self):
        super().__init__()
        self.register_buffer("scale", fastdl.tensor([1.0, 2.0, 3.0]))
        self.register_buffer("calls", fastdl.tensor(0))
        self.linear = nn.Linear(3, 2)

    def forward(self, x):
        self.calls.add_(1)
        return self.linear(x * self.scale)


class Wrapper(layers.Layer):
    def __init__(self):
        super().__init__()
        self.inner = Scaled()

    def call(self, x):
        return self.inner(x)


@pytest.fixture
def model():
    fastdl.manual_seed(0)
    inputs = layers.Input((3,))
    return fastdl.Model(inputs, Wrapper()(inputs))


X = np.arange(12, dtype=np.float32).reshape(4, 3)


def _expected(model):
    inner = model.layers[-1].inner
    scale, w, b = (t.numpy() for t in (inner.scale, inner.linear.weight, inner.linear.bias))
    return (X * scale) @ w.T.astype(np.float64) + b


def _close(got, want):
    np.testing.assert_allclose(got, want, rtol=8 * np.finfo(np.float32).eps * 3)


def test_building_the_graph_changes_no_buffer(model):
    assert model.layers[-1].inner.calls.item() == 0
    _close(model.predict(X, verbose=0), _expected(model))


def test_training_moves_the_weights_and_runs_the_module(model):
    before = _expected(model)
    model.compile("sgd", "mse")
    model.fit(X, np.zeros((4, 2), np.float32), batch_size=2, epochs=3, verbose=0)
    assert model.layers[-1].inner.calls.item() == 6
    assert not np.allclose(before, _expected(model))
    _close(model.predict(X, verbose=0), _expected(model))


def test_weights_are_copies(model):
    """Also those of a module's buffers, whose `numpy()` shares."""
    before = [w.tolist() for w in model.weights]
    for array in model.get_weights():
        array[...] = 7.0
    assert [w.tolist() for w in model.weights] == before


def test_weights_can_be_read_and_set(model):
    weights = model.get_weights()
    assert sorted(w.shape for w in weights) == [(), (2,), (2, 3), (3,)]
    model.set_weights([w * 0 for w in weights])
    assert not model.predict(X, verbose=0).any()
    model.set_weights(weights)
    _close(model.predict(X, verbose=0), _expected(model))


def test_what_models_print(model, capsys):
    model.summary()
    shown = capsys.readouterr().out
    assert "12 (" in shown  # 6 + 2 trained, 3 + 1 in the buffers
    assert model.count_params() == 12
