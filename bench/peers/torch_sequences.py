"""The networks of sequences.py in PyTorch, and single attentions."""

from __future__ import annotations

from typing import Any

from .rows import repeat
from .sequences import GPT, RECURRENT, gpt_data, recurrent_data


def recurrent(kind: str) -> Any:
    """Embedding, LSTM or GRU, one logit of the last step."""
    import torch
    from torch import nn

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embed = nn.Embedding(RECURRENT.vocabulary, RECURRENT.width)
            layer = {"lstm": nn.LSTM, "gru": nn.GRU}[kind]
            self.layer = layer(RECURRENT.width, RECURRENT.units, batch_first=True)
            self.head = nn.Linear(RECURRENT.units, 1)

        def forward(self, x: Any) -> Any:
            return self.head(self.layer(self.embed(x))[0][:, -1])

    torch.manual_seed(0)
    return Net()


def gpt() -> Any:
    """The transformer, with one product for queries, keys and values."""
    import torch
    from torch import nn
    from torch.nn import functional as F

    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.before, self.between = nn.LayerNorm(GPT.width), nn.LayerNorm(GPT.width)
            self.qkv = nn.Linear(GPT.width, 3 * GPT.width)
            self.out = nn.Linear(GPT.width, GPT.width)
            self.up = nn.Linear(GPT.width, 4 * GPT.width)
            self.down = nn.Linear(4 * GPT.width, GPT.width)

        def forward(self, x: Any) -> Any:
            batch, steps, width = x.shape
            q, k, v = (
                part.view(batch, steps, GPT.heads, -1).transpose(1, 2)
                for part in self.qkv(self.before(x)).split(width, 2)
            )
            y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
            x = x + self.out(y.transpose(1, 2).reshape(batch, steps, width))
            return x + self.down(F.gelu(self.up(self.between(x))))

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.tokens = nn.Embedding(GPT.vocabulary, GPT.width)
            self.positions = nn.Parameter(torch.randn(GPT.context, GPT.width) * 0.02)
            self.blocks = nn.Sequential(*(Block() for _ in range(GPT.layers)))
            self.norm = nn.LayerNorm(GPT.width)
            self.head = nn.Linear(GPT.width, GPT.vocabulary)

        def forward(self, x: Any) -> Any:
            return self.head(self.norm(self.blocks(self.tokens(x) + self.positions))).flatten(0, 1)

    torch.manual_seed(0)
    return Net()


def train(name: str, compiled: bool = False, mixed: bool = False) -> list[float]:
    """Seconds of a training step of the rows `lstm`, `gru` and `gpt`."""
    import torch

    net: Any = gpt() if name == "gpt" else recurrent(name)
    x, y = map(torch.from_numpy, gpt_data() if name == "gpt" else recurrent_data())
    loss: Any = torch.nn.CrossEntropyLoss() if name == "gpt" else torch.nn.BCEWithLogitsLoss()
    batch = GPT.batch if name == "gpt" else RECURRENT.batch
    optimizer = torch.optim.Adam(net.parameters(), fused=True)

    def forward(rows: Any) -> Any:
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=mixed):
            targets = y[rows]
            return loss(net(x[rows]), targets.flatten() if name == "gpt" else targets)

    step = torch.compile(forward, dynamic=False) if compiled else forward

    def epoch() -> None:
        order = torch.randperm(len(x))
        for i in range(0, len(x), batch):
            optimizer.zero_grad()
            step(order[i : i + batch]).backward()
            optimizer.step()

    return repeat(epoch, per=len(x) // batch)


def attention(length: int, causal: bool, batch: int, heads: int, width: int) -> list[float]:
    """Seconds of attention with its gradients."""
    import torch
    from torch.nn import functional as F

    parts = [torch.rand(batch, heads, length, width, requires_grad=True) for _ in range(3)]
    weight = torch.rand(batch, heads, length, width)

    def run() -> Any:
        y = F.scaled_dot_product_attention(*parts, is_causal=causal)
        return torch.autograd.grad(y, parts, weight)

    return repeat(run)


def generate(tokens: int) -> list[float]:
    """Seconds of a token of batch 1, drawn from the logits; keys and values are kept."""
    import torch
    from torch.nn import functional as F

    net = gpt()
    shape = (2, GPT.layers, 1, GPT.heads, GPT.context, GPT.width // GPT.heads)

    def one(token: Any, t: int, keys: Any, values: Any) -> Any:
        x = net.tokens(token) + net.positions[t]
        for i, block in enumerate(net.blocks):
            q, k, v = (
                part.view(1, 1, GPT.heads, -1).transpose(1, 2)
                for part in block.qkv(block.before(x)).split(GPT.width, 2)
            )
            keys[i, :, :, t : t + 1] = k
            values[i, :, :, t : t + 1] = v
            past = keys[i, :, :, : t + 1], values[i, :, :, : t + 1]
            y = F.scaled_dot_product_attention(q, *past)
            x = x + block.out(y.transpose(1, 2).reshape(1, 1, -1))
            x = x + block.down(F.gelu(block.up(block.between(x))))
        probabilities = net.head(net.norm(x))[0].softmax(-1)
        return torch.multinomial(probabilities, 1)

    def run() -> Any:
        keys, values = torch.empty(shape)
        token = torch.zeros(1, 1, dtype=torch.int64)
        found = [token]
        for t in range(tokens):
            token = one(token, t, keys, values)
            found.append(token)
        return torch.cat(found, 1)

    with torch.inference_mode():
        return repeat(run, per=tokens)


def lstm_step(units: int) -> list[float]:
    """Seconds of one step of batch 1 with carried states, from NumPy to NumPy."""
    import numpy as np
    import torch

    x = np.random.default_rng(0).random((1, units), np.float32)
    cell = torch.nn.LSTMCell(units, units)
    states: Any = None

    def run() -> Any:
        nonlocal states
        states = cell(torch.from_numpy(x), states)
        return states[0].numpy()

    with torch.inference_mode():
        return repeat(run)
