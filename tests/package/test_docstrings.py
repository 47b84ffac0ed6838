"""The examples in the docstrings run: those of every module of the package, found by looking."""

import doctest
import pkgutil
from importlib import import_module

import numpy as np
import pytest

import fastdl
from fastdl import nn, optim

PUBLIC = """
    activations amp applications backend config constraints dtype_policies func initializers
    layers losses metrics models ops preprocessing random regularizers tree utils
"""


def lifted(module, name):
    """Whether it is a function whose examples run in the module that defines it."""
    function = getattr(module, name.removeprefix(f"{module.__name__}."), None)
    return hasattr(function, "__wrapped__") and function.__wrapped__.__module__ != module.__name__


def modules():
    """The names of all modules whose docstrings have examples, below `fastdl`."""
    found = pkgutil.walk_packages(fastdl.__path__, "fastdl.")
    names = [m.name for m in found if not m.name.endswith(("__main__", "._core", "._openmp"))]
    finder = doctest.DocTestFinder(exclude_empty=True)
    return [
        name.removeprefix("fastdl.")
        for name in ["fastdl", *names]
        if any(
            test.examples and not lifted(import_module(name), test.name)
            for test in finder.find(import_module(name))
        )
    ]


def names_for(module):
    """What the examples of a module may use beside what stands in it."""
    names = {"fastdl": fastdl, "np": np, "nn": nn, "optim": optim}
    names |= {name: getattr(fastdl, name) for name in PUBLIC.split()}
    names["schedules"] = fastdl.optimizers.schedules
    if module.startswith("optim."):
        names["model"] = nn.Linear(2, 1)
        names["optimizer"] = optim.SGD(names["model"].parameters(), lr=0.1)
        names |= {"x": fastdl.ones(4, 2), "y": fastdl.zeros(4, 1)}
    if module.startswith("callbacks."):
        names["model"] = fastdl.models.Sequential([fastdl.layers.Dense(1)])
        names["model"].compile(fastdl.optimizers.SGD(0.01), "mse")
        names |= {"x": np.ones((20, 2)), "y": np.zeros((20, 1))}
    return names


@pytest.mark.filterwarnings("ignore:mixed_bfloat16")  # on a CPU without it
@pytest.mark.parametrize("name", modules())
def test_examples(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    module = import_module(f"fastdl.{name}" if name != "fastdl" else name)
    own = {key: value for key, value in names_for(name).items() if not hasattr(module, key)}
    runner = doctest.DocTestRunner()
    for test in doctest.DocTestFinder(exclude_empty=True).find(module, extraglobs=own):
        if not lifted(module, test.name):
            runner.run(test)
    result = runner.summarize()
    assert result.attempted > 0 and result.failed == 0
