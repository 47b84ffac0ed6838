"""The networks of networks.py, and single convolutions, in PyTorch.

Each is measured with both memory formats, channels first and last; the faster one counts.
"""

from __future__ import annotations

from statistics import median
from typing import Any

from .networks import NETWORKS, Layer, data_for, out_size, padding_of
from .rows import repeat


def module(name: str) -> Any:
    """The network as a module; it gives logits."""
    import torch
    from torch import nn

    class Residual(nn.Module):
        def __init__(self, main: Any, around: Any) -> None:
            super().__init__()
            self.main, self.around = main, around

        def forward(self, x: Any) -> Any:
            return self.main(x) + self.around(x)

    def follow(parts: tuple[Layer, ...], shape: tuple[int, ...]) -> tuple[Any, tuple[int, ...]]:
        found: list[Any] = []
        for kind, *options in parts:
            if kind in ("conv", "depthwise"):
                if kind == "conv":
                    filters, window, stride, padding, bias = options
                else:
                    (window, stride), filters, padding, bias = options, shape[0], "same", False
                pairs = list(zip(shape[1:], window, strict=True))
                pads = tuple(padding_of(n, k, stride, padding) for n, k in pairs)
                groups = 1 if kind == "conv" else shape[0]
                found.append(
                    nn.Conv2d(shape[0], filters, window, stride, pads, groups=groups, bias=bias)
                )
                shape = (filters, *(out_size(n, k, stride, padding) for n, k in pairs))
            elif kind == "norm":
                found.append(nn.BatchNorm2d(shape[0], 1e-3, 0.01))
            elif kind == "relu":
                found.append(nn.ReLU(inplace=True))
            elif kind == "pool":
                found.append(nn.MaxPool2d(options[0]))
                shape = (shape[0], *(n // options[0] for n in shape[1:]))
            elif kind == "mean":
                found += [nn.AdaptiveAvgPool2d(1), nn.Flatten()]
                shape = (shape[0],)
            elif kind == "flatten":
                found.append(nn.Flatten())
                shape = (shape[0] * shape[1] * shape[2],)
            elif kind == "dense":
                found.append(nn.Linear(shape[0], options[0]))
                shape = (options[0],)
            else:
                main, after = follow(options[0], shape)
                around, _ = follow(options[1], shape)
                found.append(Residual(main, around))
                shape = after
        return nn.Sequential(*found), shape

    height, width, channels = NETWORKS[name].image
    torch.manual_seed(0)
    return follow(NETWORKS[name].layers, (channels, height, width))[0]


def formats() -> list[Any]:
    import torch

    return [torch.contiguous_format, torch.channels_last]


def faster(measure: Any) -> list[float]:
    """The samples of the faster memory format; `measure(format)` gives those of one."""
    return min((measure(each) for each in formats()), key=median)


def train(name: str, batch: int, compiled: bool = False, mixed: bool = False) -> list[float]:
    """Seconds of a training step."""
    import torch

    images, classes = data_for(name, batch)

    def measure(memory_format: Any) -> list[float]:
        net = module(name).to(memory_format=memory_format)
        optimizer = torch.optim.Adam(net.parameters(), fused=True)
        loss = torch.nn.CrossEntropyLoss()
        x = torch.from_numpy(images).permute(0, 3, 1, 2).contiguous(memory_format=memory_format)
        y = torch.from_numpy(classes)

        def forward(rows: Any) -> Any:
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=mixed):
                return loss(net(x[rows]), y[rows])

        step = torch.compile(forward, dynamic=False) if compiled else forward

        def epoch() -> None:
            order = torch.randperm(len(x))
            for i in range(0, len(x), batch):
                optimizer.zero_grad()
                step(order[i : i + batch]).backward()
                optimizer.step()

        return repeat(epoch, per=len(x) // batch)

    return faster(measure)


def predict(name: str, batch: int, compiled: bool = False) -> list[float]:
    """Seconds of the logits of a batch, from a NumPy array to a NumPy array."""
    import numpy as np
    import torch

    images = np.random.default_rng(0).random((batch, *NETWORKS[name].image), np.float32)

    def measure(memory_format: Any) -> list[float]:
        net: Any = module(name).eval().to(memory_format=memory_format)
        if compiled:
            net = torch.compile(net, dynamic=False)

        def run() -> Any:
            x = torch.from_numpy(images).permute(0, 3, 1, 2)
            return net(x.contiguous(memory_format=memory_format)).numpy()

        with torch.inference_mode():
            return repeat(run)

    return faster(measure)


def convolution(
    part: str, size: int, channels: int, window: int, stride: int, depthwise: bool, batch: int
) -> list[float]:
    """Seconds of one convolution, or of one of its gradients."""
    import torch

    groups = channels if depthwise else 1
    padding = padding_of(size, window, stride, "same")

    def measure(memory_format: Any) -> list[float]:
        x = torch.rand(batch, channels, size, size).contiguous(memory_format=memory_format)
        w = torch.rand(channels, channels // groups, window, window)
        w = w.contiguous(memory_format=memory_format)

        def forward() -> Any:
            return torch.nn.functional.conv2d(x, w, None, stride, padding, groups=groups)

        if part == "forward":
            with torch.inference_mode():
                return repeat(forward)
        dy = torch.ones_like(forward())
        mask = (part == "data", part == "weights", False)
        gradient = torch.ops.aten.convolution_backward

        def backward() -> Any:
            return gradient(
                dy, x, w, None, (stride,) * 2, (padding,) * 2, (1, 1), False, (0, 0), groups, mask
            )

        with torch.inference_mode():
            return repeat(backward)

    return faster(measure)
