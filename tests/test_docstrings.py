"""The examples in the docstrings run."""

import doctest
from importlib import import_module

import numpy as np
import pytest

import fastdl
from fastdl import nn

MODULES = """
    ops.activation ops.arithmetic ops.indexing ops.linalg ops.movement ops.reduction ops.unary
    autograd _creation _random nn.activation nn.container nn.dropout nn.flatten nn.functional
    nn.init nn.linear nn.loss nn._losses nn.module nn.parameter nn.utils
    data.dataset data.loader data.sampler
""".split()


@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    module = import_module(f"fastdl.{name}")
    names = {"fastdl": fastdl, "nn": nn, "np": np}
    result = doctest.testmod(module, extraglobs=names, raise_on_error=False)
    assert result.attempted > 0 and result.failed == 0
