"""Writes names.json: what PyTorch gives for the lines of name_cases.py."""

import json
import sys
import warnings
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parent.parent))
import name_cases as cases

warnings.simplefilter("ignore")


def made(function, x):
    function(x)
    return x


def answer(line):
    names = {"np": np, **cases.ARRAYS, "torch": torch, "made": made}
    names["T"] = lambda a: torch.from_numpy(np.array(a))
    try:
        value = eval(line, names)
        return value if isinstance(value, str) else cases.flat(detached(value))
    except Exception as error:
        return {"error": type(error).__name__}


def detached(value):
    if isinstance(value, tuple):
        return tuple(map(detached, value))
    return value.detach() if isinstance(value, torch.Tensor) else value


golden = {line: answer(line) for line in cases.lines(cases.TORCH)}
text = json.dumps(golden, sort_keys=True).replace('}, "', '},\n"')
Path(__file__).with_suffix(".json").write_text(text + "\n")
for line, result in golden.items():
    if isinstance(result, dict) and "error" in result:
        print(line, result["error"])
