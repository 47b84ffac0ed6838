"""PyTorch's side: eager, fused Adam, batches taken by index: its fastest plain use."""

from __future__ import annotations

from .rows import load_mnist, repeat


def library() -> str:
    import torch

    return f"torch {torch.__version__.split('+')[0]}"


def import_() -> None:
    import torch  # noqa: F401


def _model():
    import torch
    from torch import nn

    model = nn.Sequential(nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 10))
    return model, torch.optim.Adam(model.parameters(), fused=True), nn.CrossEntropyLoss()


def _epoch(model, optimizer, loss_function, x, y) -> None:
    import torch

    order = torch.randperm(len(x))
    for i in range(0, len(x), 128):
        rows = order[i : i + 128]
        optimizer.zero_grad()
        loss = loss_function(model(x[rows]), y[rows])
        loss.backward()
        optimizer.step()


def mlp_512() -> list[float]:
    import torch

    x, y = torch.rand(12800, 784), torch.randint(0, 10, (12800,))
    parts = _model()
    return repeat(lambda: _epoch(*parts, x, y), 10, per=100)


def cold_mnist() -> dict[str, float]:
    import torch

    (x, y), (x_test, y_test) = [(torch.from_numpy(a), torch.from_numpy(b)) for a, b in load_mnist()]
    parts = _model()
    for _ in range(5):
        _epoch(*parts, x, y)
    with torch.no_grad():
        return {"accuracy": (parts[0](x_test).argmax(1) == y_test).float().mean().item()}
