"""PyTorch's side: eager, fused Adam, batches taken by index: its fastest plain use."""

from __future__ import annotations

from itertools import pairwise

from . import torch_networks, torch_sequences
from .rows import data_for, load_mnist, product, repeat, stored

IMPORTS = "torch"  # what the row "import" imports


def name_and_version() -> str:
    import torch

    return f"torch {torch.__version__.split('+')[0]}"


class _Training:
    """A model and its training. `forward` gives the loss of some rows of the data."""

    def __init__(self, sizes, mixed=False):
        import torch
        from torch import nn

        layers = []
        for a, b in pairwise(sizes):
            layers += [nn.Linear(a, b), nn.ReLU()]
        self.model = nn.Sequential(*layers[:-1])
        self.optimizer = torch.optim.Adam(self.model.parameters(), fused=True)
        self.loss = nn.MSELoss() if sizes[-1] == 1 else nn.CrossEntropyLoss()
        self.mixed = mixed

    def forward(self, x, y, rows):
        import torch

        # The backward pass takes the types of the forward pass and needs no autocast.
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=self.mixed):
            return self.loss(self.model(x[rows]), y[rows])

    def epoch(self, x, y, batch):
        import torch

        order = torch.randperm(len(x))
        for i in range(0, len(x), batch):
            rows = order[i : i + batch]
            self.optimizer.zero_grad()
            self.forward(x, y, rows).backward()
            self.optimizer.step()


def mlp(sizes, batch, mixed=False, kind=_Training):
    import torch

    x, y = (torch.from_numpy(a) for a in data_for(sizes, batch))
    training = kind(sizes, mixed)
    return repeat(lambda: training.epoch(x, y, batch), per=len(x) // batch)


def mlp_bf16(sizes, batch):
    return mlp(sizes, batch, mixed=True)


def matmul(m, n, k, a_t, b_t):
    import torch

    a, b = (torch.rand(shape) for shape in stored(m, n, k, a_t, b_t))
    return repeat(product(a, b, a_t, b_t))


def predict(sizes, batch):
    import numpy as np
    import torch

    x = np.random.default_rng(0).random((batch, sizes[0]), np.float32)
    model = torch.nn.Sequential(_Training(sizes).model, torch.nn.Softmax(-1)).eval()
    with torch.inference_mode():
        return repeat(lambda: model(torch.from_numpy(x)).numpy())


def network(name, batch):
    return torch_networks.train(name, batch)


def network_bf16(name, batch):
    return torch_networks.train(name, batch, mixed=True)


def network_predict(name, batch):
    return torch_networks.predict(name, batch)


convolution = torch_networks.convolution
attention = torch_sequences.attention
generate = torch_sequences.generate
lstm_step = torch_sequences.lstm_step


def sequence(name):
    return torch_sequences.train(name)


def sequence_bf16(name):
    return torch_sequences.train(name, mixed=True)


def cold_mnist():
    import torch

    (x, y), (x_test, y_test) = [(torch.from_numpy(a), torch.from_numpy(b)) for a, b in load_mnist()]
    training = _Training((784, 512, 10))
    for _ in range(5):
        training.epoch(x, y, 128)
    with torch.no_grad():
        return {"accuracy": (training.model(x_test).argmax(1) == y_test).float().mean().item()}
