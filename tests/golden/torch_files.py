"""Writes a state_dict of PyTorch, as safetensors, and what the network computes.

`python torch_files.py`, with PyTorch and the package safetensors.
"""

import json
import pathlib

import numpy as np

HERE = pathlib.Path(__file__).parent / "saved"


def make(nn):
    return nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Sequential(nn.Linear(8, 3), nn.Tanh()))


def inputs():
    return np.random.default_rng(2).standard_normal((5, 6)).astype(np.float32)


def main():
    import torch
    from safetensors.torch import save_file

    torch.manual_seed(0)
    model = make(torch.nn)
    save_file(model.state_dict(), HERE / "torch.safetensors")
    with torch.no_grad():
        outputs = model(torch.tensor(inputs())).tolist()
        half = model.half().state_dict()
    save_file(half, HERE / "torch-half.safetensors")
    (HERE / "torch.json").write_text(json.dumps({"torch": torch.__version__, "outputs": outputs}))


if __name__ == "__main__":
    main()
