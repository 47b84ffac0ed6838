"""Writes torch_face.json: what PyTorch computes, for the tests of nn. Run with PyTorch installed.

Inputs are rounded to 3 decimals, so that they are the same in float32 wherever they are read;
outputs and gradients are PyTorch's, in float64 where it computes in float64.
"""

import json
from pathlib import Path

import torch
from torch import nn


def values(*shape, low=-2.0, high=2.0):
    return (torch.rand(*shape) * (high - low) + low).mul(1000).round().div(1000).double()


def listed(value):
    return value.tolist() if isinstance(value, torch.Tensor) else value


def loss_case(kind, input, target, **options):
    """The loss and its gradient with respect to the input, summed where it isn't reduced."""
    arguments = dict(options)
    for name in ("weight", "pos_weight"):
        if name in arguments:
            arguments[name] = torch.tensor(arguments[name]).double()
    input = input.clone().requires_grad_()
    loss = getattr(nn, kind)(**arguments)(input, target)
    loss.sum().backward()
    return {
        "loss": kind,
        "options": options,
        "input": listed(input.detach()),
        "target": listed(target),
        "value": listed(loss.detach()),
        "grad": listed(input.grad),
    }


def loss_cases():
    x, y = values(4, 3), values(4, 3)
    for reduction in ("mean", "sum", "none"):
        for kind in ("MSELoss", "L1Loss", "HuberLoss", "SmoothL1Loss"):
            yield loss_case(kind, x, y, reduction=reduction)
    yield loss_case("HuberLoss", x, y, delta=0.5)
    yield loss_case("SmoothL1Loss", x, y, beta=0.5)
    yield loss_case("SmoothL1Loss", x, y, beta=0.0)

    p, t = values(4, 3, low=0.0, high=1.0), values(4, 3, low=0.0, high=1.0)
    edge, hard = torch.tensor([0.0, 1.0, 0.5]).double(), torch.tensor([1.0, 0.0, 1.0]).double()
    for reduction in ("mean", "sum", "none"):
        yield loss_case("BCELoss", p, t, reduction=reduction)
        yield loss_case("BCEWithLogitsLoss", 5 * x, t, reduction=reduction)
    case = loss_case("BCELoss", edge, hard, reduction="none")
    case["grad"] = None  # PyTorch's is +-1e12 there, ours 0
    yield case
    yield loss_case("BCELoss", p, t, weight=[0.5, 1.0, 2.0])
    yield loss_case("BCEWithLogitsLoss", x, t, weight=[0.5, 1.0, 2.0])
    yield loss_case("BCEWithLogitsLoss", x, t, pos_weight=[0.5, 1.0, 2.0])
    yield loss_case("BCEWithLogitsLoss", x, t, pos_weight=[3.0], weight=[0.5, 1.0, 2.0])
    yield loss_case("BCEWithLogitsLoss", torch.tensor([100.0, -100.0]).double(),
                    torch.tensor([0.0, 1.0]).double())  # fmt: skip

    logits, labels = 3 * values(5, 4), torch.tensor([0, 3, 1, -100, 2])
    soft = torch.softmax(values(5, 4), 1).mul(1000).round().div(1000)
    weight = [0.5, 1.0, 2.0, 0.25]
    for reduction in ("mean", "sum", "none"):
        for smoothing in (0.0, 0.1):
            for w in ({}, {"weight": weight}):
                options = {"reduction": reduction, "label_smoothing": smoothing, **w}
                yield loss_case("CrossEntropyLoss", logits, labels, **options)
                yield loss_case("CrossEntropyLoss", logits, soft, **options)
        yield loss_case("NLLLoss", logits, labels, reduction=reduction)
        yield loss_case("NLLLoss", logits, labels, reduction=reduction, weight=weight)
    yield loss_case("CrossEntropyLoss", logits, torch.tensor([0, 3, 1, 1, 2]), ignore_index=1)
    yield loss_case("CrossEntropyLoss", logits[0], torch.tensor(2))
    yield loss_case("CrossEntropyLoss", logits[0], soft[0])
    images, pixels = values(2, 3, 2, 2), torch.tensor([[[0, 1], [2, -100]], [[1, 1], [0, 2]]])
    for options in ({}, {"reduction": "none"}, {"weight": [0.5, 1.0, 2.0], "label_smoothing": 0.2}):
        yield loss_case("CrossEntropyLoss", images, pixels, **options)
        yield loss_case("CrossEntropyLoss", images, torch.softmax(values(2, 3, 2, 2), 1), **options)
    yield loss_case("NLLLoss", images, pixels, weight=[0.5, 1.0, 2.0])
    yield loss_case("CrossEntropyLoss", torch.tensor([[1000.0, 0.0], [-1000.0, 0.0]]).double(),
                    torch.tensor([1, 1]))  # fmt: skip


def call_case(kind, *inputs, **options):
    """A loss of several inputs, and its gradients with respect to those that are float."""
    inputs = [x.clone().requires_grad_(x.is_floating_point()) for x in inputs]
    loss = getattr(nn, kind)(**options)(*inputs)
    (loss * torch.arange(1.0, loss.numel() + 1).reshape(loss.shape)).sum().backward()
    return {
        "loss": kind,
        "options": options,
        "inputs": [listed(x.detach()) for x in inputs],
        "value": listed(loss.detach()),
        "grads": [None if x.grad is None else listed(x.grad) for x in inputs],
    }


def call_cases():
    """Losses of several inputs."""
    x, y, z = values(4, 3), values(4, 3), values(4, 3)
    mean, target, var = values(4, 3), values(4, 3), values(4, 3, low=0.1)
    signs, several = torch.tensor([1, -1, -1, 1]), torch.tensor([[1, -1, 1]] * 4)
    for options in ({}, {"reduction": "sum"}, {"reduction": "none"}):
        yield call_case("GaussianNLLLoss", mean, target, var, **options)
        yield call_case("CosineEmbeddingLoss", x, y, signs, margin=-0.2, **options)
        yield call_case("MarginRankingLoss", x, y, several, margin=0.5, **options)
        yield call_case("TripletMarginLoss", x, y, z, **options)
        yield call_case("TripletMarginWithDistanceLoss", x, y, z, margin=2.0, **options)
    yield call_case("GaussianNLLLoss", mean, target, var[:, 0], full=True)
    yield call_case("GaussianNLLLoss", mean, target, var[:, :1], eps=0.9)
    yield call_case("GaussianNLLLoss", mean, target, torch.zeros(4, 3).double(), eps=0.01)
    yield call_case("CosineEmbeddingLoss", x, y, signs)
    yield call_case("CosineEmbeddingLoss", x[0], y[0], torch.tensor(1))
    yield call_case("CosineEmbeddingLoss", 0 * x[:1], y[:1], torch.tensor([1]))
    yield call_case("TripletMarginLoss", x, y, z, p=1.0, swap=True, margin=3.0, reduction="none")
    yield call_case("TripletMarginLoss", x, y, z, p=3.0, eps=0.1, reduction="none")
    yield call_case("TripletMarginLoss", x, x, z, margin=4.0, reduction="none")
    yield call_case("TripletMarginLoss", x[0], y[0], z[0])
    yield call_case("TripletMarginWithDistanceLoss", x, y, z, swap=True, reduction="none")


def ctc_case(x, targets, input_lengths, target_lengths, **options):
    """The loss of logits, and their gradient."""
    x = x.clone().requires_grad_()
    loss = nn.CTCLoss(**options)(x.log_softmax(-1), targets, input_lengths, target_lengths)
    loss.sum().backward()
    return {
        "loss": "CTCLoss",
        "options": options,
        "inputs": [listed(x.detach()), *map(listed, (targets, input_lengths, target_lengths))],
        "value": listed(loss.detach()),
        "grad": listed(x.grad),
    }


def ctc_cases():
    x = values(9, 6, 4)
    targets = torch.tensor([[1, 2, 3], [2, 2, 3], [1, 1, 1], [3, 2, 1], [3, 1, 2], [1, 2, 3]])
    times, counts = torch.tensor([9, 8, 4, 9, 0, 3]), torch.tensor([3, 3, 3, 0, 0, 3])
    for reduction in ("mean", "sum", "none"):
        # The third sample needs five times.
        yield ctc_case(x, targets, times, counts, reduction=reduction, zero_infinity=True)
    for n in (1, 2):  # without and with an alignment
        part = x[:, n : n + 1], targets[n : n + 1], times[n : n + 1], counts[n : n + 1]
        yield ctc_case(*part, reduction="none")
    flat = torch.tensor([1, 2, 3, 3, 3])
    yield ctc_case(x[:, :2], flat, torch.tensor([9, 9]), torch.tensor([2, 3]))
    yield ctc_case(x[:, :2], flat - 1, torch.tensor([9, 9]), torch.tensor([2, 3]), blank=3)
    yield ctc_case(x[:, 0], torch.tensor([1, 2]), torch.tensor(9), torch.tensor(2))
    yield ctc_case(10 * x[:, :1], targets[:1], torch.tensor([9]), torch.tensor([3]))


def more_loss_cases():
    """Losses of one input; after the others, whose random numbers stay as they are."""
    x, p = values(4, 3), values(4, 3, low=0.0, high=1.0)
    logs, counts = x.log_softmax(1).mul(1000).round().div(1000), torch.tensor([[0, 1, 7]] * 4)
    counts, signs = counts.double(), torch.tensor([[1, -1, 1]] * 4)
    bits, labels = torch.tensor([[0.0, 1.0, 1.0]] * 4).double(), torch.tensor([0, 2, 1, 2])
    lists = torch.tensor([[2, 0, -1], [-1, 1, 2], [1, -1, 0], [0, 1, 2]])
    weight = [0.5, 1.0, 2.0]
    for reduction in ("mean", "sum", "none"):
        yield loss_case("KLDivLoss", logs, p, reduction=reduction)
        yield loss_case("PoissonNLLLoss", x, counts, reduction=reduction)
        yield loss_case("HingeEmbeddingLoss", x, signs, reduction=reduction)
        yield loss_case("SoftMarginLoss", x, signs, reduction=reduction)
        yield loss_case("MultiMarginLoss", x, labels, reduction=reduction)
        yield loss_case("MultiLabelMarginLoss", x, lists, reduction=reduction)
        yield loss_case("MultiLabelSoftMarginLoss", x, bits, reduction=reduction)
    yield loss_case("KLDivLoss", logs, p, reduction="batchmean")
    yield loss_case("KLDivLoss", logs, bits, reduction="none")
    yield loss_case("KLDivLoss", logs, logs.roll(1, 0), reduction="batchmean", log_target=True)
    yield loss_case("PoissonNLLLoss", x, counts, full=True, reduction="none")
    yield loss_case("PoissonNLLLoss", p, counts, log_input=False, eps=0.01)
    yield loss_case("HingeEmbeddingLoss", x, signs, margin=0.3)
    yield loss_case("MultiMarginLoss", x, labels, p=2, margin=0.5, weight=weight)
    yield loss_case("MultiMarginLoss", x[0], torch.tensor(1))
    yield loss_case("MultiLabelMarginLoss", x[0], torch.tensor([1, 1, -1]))
    yield loss_case("MultiLabelSoftMarginLoss", x, bits, weight=weight, reduction="none")
    yield loss_case("MultiLabelSoftMarginLoss", x[0], bits[0])
    yield loss_case("HuberLoss", x, 0 * x, delta=0.25, reduction="none")
    yield loss_case("SmoothL1Loss", x, 0 * x, beta=0.25, reduction="none")


def activation_case(kind, x, **options):
    leaf = x.clone().requires_grad_()
    y = getattr(nn, kind)(**options)(leaf)
    (y * torch.arange(1.0, y.numel() + 1).reshape(y.shape)).sum().backward()
    return {
        "kind": kind,
        "options": options,
        "input": listed(x),
        "value": listed(y.detach()),
        "grad": listed(leaf.grad),
        "repr": repr(getattr(nn, kind)(**options)),
    }


def activation_cases():
    x = torch.tensor([[-30.0, -4.0, -2.5, -1.0], [-0.25, 0.25, 1.0, 2.0], [3.5, 5.0, 25.0, 90.0]])
    x = x.double()
    for kind in ("ReLU", "LeakyReLU", "ELU", "SELU", "GELU", "SiLU", "Softplus", "Softsign"):
        yield activation_case(kind, x)
    for kind in ("Sigmoid", "LogSigmoid", "Hardsigmoid", "Tanh"):
        yield activation_case(kind, x)
    yield activation_case("LeakyReLU", x, negative_slope=0.2)
    yield activation_case("ELU", x, alpha=0.5)
    yield activation_case("GELU", x, approximate="tanh")
    yield activation_case("Softplus", x, beta=2.0, threshold=5.0)
    for dim in (0, 1, -1):
        yield activation_case("Softmax", x / 10, dim=dim)
        yield activation_case("LogSoftmax", x / 10, dim=dim)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(4, 6)
        self.blocks = nn.ModuleList([nn.Linear(6, 6, bias=False), nn.Linear(6, 6)])
        self.head = nn.Sequential(nn.Tanh(), nn.Linear(6, 3))
        self.register_buffer("shift", torch.tensor([1.0, -1.0, 0.5]))

    def forward(self, x):
        x = torch.relu(self.fc1(x))
        for block in self.blocks:
            x = x + torch.nn.functional.gelu(block(x))
        return self.head(x) + self.shift


def network():
    net = Net()
    x = values(5, 4).float()
    out = net(x)
    out.square().sum().backward()
    return {
        "state": {name: listed(value) for name, value in net.state_dict().items()},
        "input": listed(x),
        "output": listed(out.detach()),
        "grads": {name: listed(p.grad) for name, p in net.named_parameters()},
        "repr": repr(net),
    }


def main():
    torch.manual_seed(0)
    golden = {
        "source": f"PyTorch {torch.__version__}",
        "losses": list(loss_cases()),
        "activations": list(activation_cases()),
        "network": network(),
    }
    golden["losses"] += more_loss_cases()
    golden["calls"] = list(call_cases())
    golden["ctc"] = list(ctc_cases())
    path = Path(__file__).with_suffix(".json")
    path.write_text(
        json.dumps(golden, separators=(",", ":")).replace('{"loss"', '\n{"loss"') + "\n"
    )


if __name__ == "__main__":
    main()
