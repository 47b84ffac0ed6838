"""Activations in place: results and gradients that could be wrong without an error."""

import numpy as np
import pytest

import fastdl
from fastdl import nn

ACTIVATIONS = [
    nn.ReLU(inplace=True), nn.LeakyReLU(0.1, inplace=True), nn.ELU(inplace=True),
    nn.SELU(inplace=True), nn.SiLU(inplace=True), nn.Hardsigmoid(inplace=True),
    nn.Dropout(1.0, inplace=True),
]  # fmt: skip


@pytest.mark.parametrize("module", ACTIVATIONS, ids=str)
def test_inplace_is_in_place(module):
    module.train()
    x = fastdl.tensor([-1.0, 2.0])
    expected = type(module)(1.0)(x.clone()) if "Dropout" in str(module) else None
    if expected is None:
        module.inplace = False
        expected = module(x.clone())
        module.inplace = True
    assert module(x) is x
    assert x.tolist() == expected.tolist()


@pytest.mark.parametrize("module", ACTIVATIONS, ids=str)
def test_inplace_on_the_tape(module):
    """The input takes the place of the result, as after `x.relu_()`."""
    w = fastdl.tensor([-1.0, 2.0], requires_grad=True)
    x = w * 1
    seen = x.view(2)
    y = module(x)
    assert y is x and seen.tolist() == x.tolist() != [-1.0, 2.0]
    (x * x).sum().backward()
    other = fastdl.tensor([-1.0, 2.0], requires_grad=True)
    if "Dropout" in str(module):
        return
    module.inplace = False
    (module(other * 1) ** 2).sum().backward()
    module.inplace = True
    np.testing.assert_array_equal(w.grad.numpy(), other.grad.numpy())
    with pytest.raises(RuntimeError, match="inplace=True: a leaf"):
        module(w)


def test_networks_with_and_without_inplace_are_the_same():
    """Eagerly and in recorded steps. The residual connection reads what the activation wrote."""

    class Net(nn.Module):
        def __init__(self, inplace):
            super().__init__()
            self.conv, self.norm = nn.Conv2d(1, 3, 3, padding=1), nn.BatchNorm2d(3)
            self.act, self.head = nn.ReLU(inplace=inplace), nn.Linear(3, 2)
            self.inplace = inplace

        def forward(self, x):
            x = self.norm(self.conv(x))
            y = self.act(x)
            return self.head((y + (x if self.inplace else y)).mean((2, 3)))

    rng = np.random.default_rng(0)
    images, labels = rng.normal(size=(12, 1, 4, 4)).astype("float32"), rng.integers(0, 2, 12)
    weights = []
    for inplace in (True, False):
        for recorded in (True, False):
            fastdl.manual_seed(0)
            net = Net(inplace)
            optimizer = fastdl.optim.SGD(net.parameters(), lr=0.1)

            def step(x, t, net=net, optimizer=optimizer):
                optimizer.zero_grad()
                loss = nn.functional.cross_entropy(net(x), t)
                loss.backward()
                optimizer.step()
                return loss

            run = fastdl.plan(step) if recorded else step
            for start in (0, 4, 8, 0, 4, 8):
                run(
                    fastdl.tensor(images[start : start + 4]),
                    fastdl.tensor(labels[start : start + 4]),
                )
            weights.append([p.detach().numpy() for p in net.parameters()])
    for other in weights[1:]:
        for one, two in zip(weights[0], other, strict=True):
            np.testing.assert_array_equal(one, two)
