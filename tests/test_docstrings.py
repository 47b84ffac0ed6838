"""The examples in the docstrings run."""

import doctest
from importlib import import_module

import numpy as np
import pytest

import fastdl
from fastdl import nn

MODULES = """
    _functions.activation _functions.arithmetic _functions.indexing _functions.linalg
    _functions.movement _functions.reduction _functions.unary
    autograd _creation _random nn.activation nn.container nn.dropout nn.flatten nn.functional
    nn.init nn.linear nn.loss nn._losses nn.module nn.parameter nn.utils
    data.dataset data.loader data.sampler
""".split()


KERAS_STYLE = """
    _lift activations constraints initializers random regularizers utils utils.py_dataset
    layers.core layers.input_layer layers.layer layers.merging layers.reshaping
    ops.activation ops.arithmetic ops.indexing ops.linalg ops.movement ops.reduction ops.tensors
    ops.unary
    models._fitting models._loops models.cloning models.model models.sequential models.trainer
    _dtype_policy
""".split()
NAMES = "activations constraints initializers layers models ops random regularizers utils".split()


@pytest.mark.filterwarnings("ignore:mixed_bfloat16")  # on a CPU without it
@pytest.mark.parametrize("name", KERAS_STYLE)
def test_examples_with_the_names_of_keras(name):
    module = import_module(f"fastdl.{name}")
    names = {"fastdl": fastdl, "np": np, **{n: getattr(fastdl, n) for n in NAMES}}
    result = doctest.testmod(module, extraglobs=names)
    assert result.attempted > 0 and result.failed == 0


@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    module = import_module(f"fastdl.{name}")
    names = {"fastdl": fastdl, "nn": nn, "np": np}
    result = doctest.testmod(module, extraglobs=names, raise_on_error=False)
    assert result.attempted > 0 and result.failed == 0
