"""Writes promotion.json: the types that NumPy, PyTorch and JAX give to a + b for pairs of types.

Weak operands are the Python numbers True, 1 and 1.0. Null: the library refuses the pair.

    python promotion.py
"""

import json
import operator
import warnings
from pathlib import Path

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import torch

jax.config.update("jax_enable_x64", True)
warnings.simplefilter("ignore")

TYPES = "bool uint8 int8 int32 int64 float16 bfloat16 float32".split()
NUMBERS = {"bool": True, "int": 1, "float": 1.0}


def numpy_ones(name):
    return np.ones(1, getattr(ml_dtypes, name) if name == "bfloat16" else name)


def torch_ones(name):
    return torch.ones(1, dtype=getattr(torch, name))


def jax_ones(name):
    return jnp.ones(1, name)


def name_of(f):
    try:
        return str(f().dtype).removeprefix("torch.")
    except TypeError:
        return None


tables = {}
for library, ones in {"numpy": numpy_ones, "torch": torch_ones, "jax": jax_ones}.items():
    tables[library] = {
        "types": {
            a: {b: name_of(lambda a=a, b=b, f=ones: f(a) + f(b)) for b in TYPES} for a in TYPES
        },
        "numbers": {
            a: {
                kind: name_of(lambda a=a, n=number, f=ones: operator.mul(f(a), n))
                for kind, number in NUMBERS.items()
            }
            for a in TYPES
        },
    }
versions = {
    "numpy": np.__version__,
    "torch": torch.__version__,
    "jax": jax.__version__,
    "ml_dtypes": ml_dtypes.__version__,
}
Path(__file__).with_suffix(".json").write_text(
    json.dumps({"versions": versions, **tables}, indent=1) + "\n"
)
