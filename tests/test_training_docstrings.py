"""The examples in the docstrings of optimizers, losses, metrics and callbacks run."""

import doctest
import pkgutil
from importlib import import_module

import numpy as np
import pytest

import fastdl
from fastdl import nn, optim

PLAIN = """
    _flat optimizers losses._reduce losses.classes losses.functions losses.loss
    metrics.accuracy metrics.auc metrics.confusion metrics.errors metrics.metric metrics.reduction
""".split()
PLAIN += [
    f"optimizers.{module.name}"
    for module in pkgutil.iter_modules(fastdl.optimizers.__path__)
    if not module.name.startswith("_")
]
TORCH_STYLE = """
    optim.adagrad optim.adam optim.rmsprop optim.sgd optim.lr_scheduler optim.lr_scheduler.plateau
""".split()
WITH_A_MODEL = """
    callbacks.callback callbacks.csv_logger callbacks.learning_rate_scheduler callbacks.monitor
""".split()


def run(name, **names):
    module = import_module(f"fastdl.{name}")
    names |= {"fastdl": fastdl, "nn": nn, "np": np, "schedules": fastdl.optimizers.schedules}
    result = doctest.testmod(module, extraglobs=names)
    assert result.attempted > 0 and result.failed == 0


@pytest.mark.parametrize("name", PLAIN)
def test_examples(name):
    run(name)


@pytest.mark.parametrize("name", TORCH_STYLE)
def test_examples_with_a_module(name):
    model = nn.Linear(2, 1)
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    run(
        name,
        model=model,
        optimizer=optimizer,
        x=fastdl.ones(4, 2),
        y=fastdl.zeros(4, 1),
        optim=optim,
    )


@pytest.mark.parametrize("name", WITH_A_MODEL)
def test_examples_with_a_model(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model = fastdl.models.Sequential([fastdl.layers.Dense(1)])
    model.compile(fastdl.optimizers.SGD(0.01), "mse")
    run(name, model=model, x=np.ones((20, 2)), y=np.zeros((20, 1)))
