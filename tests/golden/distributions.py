"""Writes distributions.json: PyTorch's results, in doubles, for distribution_cases.py."""

import json
import sys
import warnings
from pathlib import Path

import numpy as np
import torch
from scipy import special, stats

sys.path.insert(0, str(Path(__file__).parent.parent))
import distribution_cases as cases

warnings.simplefilter("ignore")
torch.set_default_dtype(torch.float64)


def flat(value):
    if isinstance(value, tuple):
        return list(value)
    array = np.asarray(value)
    values = [float(f"{v:.9g}") for v in array.astype("float64").reshape(-1)]
    return {"shape": list(array.shape), "values": [str(v) for v in values]}


def answer(line):
    names = {"np": np, **cases.ARRAYS, "D": torch.distributions, "T": torch.tensor}
    try:
        return flat(eval(line, names))
    except Exception as error:
        return {"error": type(error).__name__}


def gradient(line):
    a = torch.tensor(cases.A, requires_grad=True)
    b = torch.tensor(cases.B, requires_grad=True)
    found = eval(line)(torch.distributions, a, b).sum()
    used = torch.autograd.grad(found, [a, b], allow_unused=True)
    return [None if g is None else flat(g) for g in used]


def gamma_derivative():
    """By differences of the quantile function, in doubles."""
    a, x = np.meshgrid(cases.GAMMA_A, cases.GAMMA_X)
    x = x * a
    step = 1e-4 * a

    def distribution(of):
        return np.where(x < a, special.gammainc(of, x), -special.gammaincc(of, x))

    change = (
        distribution(a - 2 * step)
        - 8 * distribution(a - step)
        + 8 * distribution(a + step)
        - distribution(a + 2 * step)
    ) / (12 * step)
    return flat(-change / stats.gamma.pdf(x, a))


golden = {
    "lines": {line: answer(line) for line in cases.LINES},
    "gradients": {line: gradient(line) for line in cases.GRADIENTS},
    "gamma": gamma_derivative(),
}
text = json.dumps(golden, sort_keys=True).replace('}, "', '},\n"').replace('], "', '],\n"')
Path(__file__).with_suffix(".json").write_text(text + "\n")
for line, result in golden["lines"].items():
    if isinstance(result, dict) and "error" in result:
        print(line, result["error"])
