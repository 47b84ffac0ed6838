"""PyTorch's side: eager, fused Adam, batches taken by index: its fastest plain use."""

from __future__ import annotations

from itertools import pairwise

from .rows import data_for, load_mnist, repeat

IMPORTS = "torch"  # what the row "import" imports


def name_and_version() -> str:
    import torch

    return f"torch {torch.__version__.split('+')[0]}"


class _Training:
    def __init__(self, sizes):
        import torch
        from torch import nn

        layers = []
        for a, b in pairwise(sizes):
            layers += [nn.Linear(a, b), nn.ReLU()]
        self.model = nn.Sequential(*layers[:-1])
        self.optimizer = torch.optim.Adam(self.model.parameters(), fused=True)
        self.loss = nn.MSELoss() if sizes[-1] == 1 else nn.CrossEntropyLoss()

    def epoch(self, x, y, batch):
        import torch

        order = torch.randperm(len(x))
        for i in range(0, len(x), batch):
            rows = order[i : i + batch]
            self.optimizer.zero_grad()
            loss = self.loss(self.model(x[rows]), y[rows])
            loss.backward()
            self.optimizer.step()


def mlp(sizes, batch):
    import torch

    x, y = (torch.from_numpy(a) for a in data_for(sizes, batch))
    training = _Training(sizes)
    return repeat(lambda: training.epoch(x, y, batch), per=len(x) // batch)


def matmul(m, n, k):
    import torch

    a, b = torch.rand(m, k), torch.rand(k, n)
    return repeat(lambda: a @ b)


def predict(sizes, batch):
    import numpy as np
    import torch

    x = np.random.default_rng(0).random((batch, sizes[0]), np.float32)
    model = torch.nn.Sequential(_Training(sizes).model, torch.nn.Softmax(-1)).eval()
    with torch.inference_mode():
        return repeat(lambda: model(torch.from_numpy(x)).numpy())


def cold_mnist():
    import torch

    (x, y), (x_test, y_test) = [(torch.from_numpy(a), torch.from_numpy(b)) for a, b in load_mnist()]
    training = _Training((784, 512, 10))
    for _ in range(5):
        training.epoch(x, y, 128)
    with torch.no_grad():
        return {"accuracy": (training.model(x_test).argmax(1) == y_test).float().mean().item()}
