"""Writes torch_utils.json: what PyTorch gives for the programs of torch_utils_cases.py.

python torch_utils.py
"""

import json
import sys
from pathlib import Path
from types import SimpleNamespace

import torch
import torch.optim.swa_utils

sys.path.insert(0, str(Path(__file__).parent.parent))
import torch_utils_cases as cases

TORCH = SimpleNamespace(nn=torch.nn, optim=torch.optim, tensor=torch.tensor)


def rounded(x):
    return [rounded(v) for v in x] if isinstance(x, list) else float(f"{x:.9g}")


if __name__ == "__main__":
    lines = ",\n".join(
        f"{json.dumps(name)}: {json.dumps(rounded(case(TORCH)))}"
        for name, case in cases.CASES.items()
    )
    Path(__file__).with_name("torch_utils.json").write_text("{\n" + lines + "\n}\n")
