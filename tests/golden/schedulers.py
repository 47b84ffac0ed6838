"""Writes schedulers.json: the rates that PyTorch gives for the programs of scheduler_cases.py.

python schedulers.py
"""

import json
import sys
from pathlib import Path
from types import SimpleNamespace

import torch
import torch.optim.swa_utils

sys.path.insert(0, str(Path(__file__).parent.parent))
import scheduler_cases as cases

TORCH = SimpleNamespace(optim=torch.optim, parameter=lambda: torch.nn.Parameter(torch.ones(1)))


def rounded(x):
    return [rounded(v) for v in x] if isinstance(x, (list, tuple)) else float(f"{x:.12g}")


if __name__ == "__main__":
    lines = ",\n".join(
        f"{json.dumps(name)}: {json.dumps(rounded(cases.run(name, TORCH)))}" for name in cases.CASES
    )
    Path(__file__).with_name("schedulers.json").write_text("{\n" + lines + "\n}\n")
