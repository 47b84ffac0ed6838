"""PyTorch with torch.compile: a batch's rows, the model and the loss are compiled as one function,
with its gradients; the update is the fused one of torch_rows.py, which is a single call already.
Compiling the whole step, or without the rows, was slower. Prediction compiles the model.
`cold_mnist` is missing: in a process that trains for seconds the compiler does not pay."""

from __future__ import annotations

from . import torch_networks, torch_rows, torch_sequences
from .rows import NoPart, repeat


def name_and_version() -> str:
    import torch

    try:  # it needs a C++ compiler and Python's headers, and says so when first called
        torch.compile(lambda x: x + 1)(torch.zeros(4))
    except Exception as e:
        raise NoPart(f"torch.compile does not work here ({type(e).__name__})") from e
    return torch_rows.name_and_version() + " compiled"


class _Training(torch_rows._Training):
    def __init__(self, sizes, mixed=False):
        import torch

        super().__init__(sizes, mixed)
        self.forward = torch.compile(self.forward, dynamic=False)


def mlp(sizes, batch):
    return torch_rows.mlp(sizes, batch, kind=_Training)


def mlp_bf16(sizes, batch):
    return torch_rows.mlp(sizes, batch, mixed=True, kind=_Training)


def predict(sizes, batch):
    import numpy as np
    import torch

    x = np.random.default_rng(0).random((batch, sizes[0]), np.float32)
    model = torch.nn.Sequential(torch_rows._Training(sizes).model, torch.nn.Softmax(-1)).eval()
    compiled = torch.compile(model, dynamic=False)
    with torch.inference_mode():
        return repeat(lambda: compiled(torch.from_numpy(x)).numpy())


def network(name, batch):
    return torch_networks.train(name, batch, compiled=True)


def network_bf16(name, batch):
    return torch_networks.train(name, batch, compiled=True, mixed=True)


def network_predict(name, batch):
    return torch_networks.predict(name, batch, compiled=True)


def sequence(name):
    return torch_sequences.train(name, compiled=True)


def sequence_bf16(name):
    return torch_sequences.train(name, compiled=True, mixed=True)
