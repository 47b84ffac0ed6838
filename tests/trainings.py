"""Small classifiers and data for tests of training; steps of modules of PyTorch's face."""

import warnings

import numpy as np

import fastdl
from fastdl import _core, layers, models, optim

EPS = float(np.finfo(np.float32).eps)


def make_model(dropout=0.0, seed=3, outputs=3):
    fastdl.manual_seed(seed)
    return models.Sequential(
        [
            layers.Input(shape=(6,)),
            layers.Dense(16, activation="relu"),
            layers.Dropout(dropout),
            layers.Dense(outputs, activation="softmax"),
        ]
    )


def make_data(n=70, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, 6)).astype(np.float32)
    return x, (x[:, 0] > 0).astype(np.int64) + (x[:, 1] > 0)


def trained(x, y, *, threads=None, isa=None, eager=False, dropout=0.0, **fit):
    model = make_model(dropout)
    model.compile(
        "adam", "sparse_categorical_crossentropy", metrics=["accuracy"], run_eagerly=eager
    )
    before = _core.num_threads(), _core.config()["isa"]
    try:
        if threads:
            _core.set_num_threads(threads)
        if isa:
            _core.select_isa(isa)
        fastdl.manual_seed(11)
        history = model.fit(x, y, epochs=3, batch_size=16, verbose=0, **fit)
    finally:
        _core.set_num_threads(before[0])
        _core.select_isa(before[1])
    return model.get_weights(), history.history


def assert_same(a, b):
    for u, v in zip(a[0], b[0], strict=True):
        np.testing.assert_array_equal(u, v)
    assert a[1] == b[1]


def module_trained(make, steps, planned):
    """Losses of some training steps, and the weights after them."""
    fastdl.manual_seed(3)
    net = make()
    optimizer = optim.SGD(net.parameters(), lr=0.1)

    def step(*inputs):
        optimizer.zero_grad()
        loss = net(*inputs)
        loss.backward()
        optimizer.step()
        return loss.detach()

    call = fastdl.plan(step) if planned else step
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a step that no plan can replay
        losses = [call(*map(fastdl.tensor, inputs)).item() for inputs in steps]
    assert np.isfinite(losses).all()
    return losses, {key: value.tolist() for key, value in net.state_dict().items()}
