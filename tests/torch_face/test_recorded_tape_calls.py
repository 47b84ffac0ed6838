"""Hooks, checkpoints and other calls of Python code in recorded steps: each step is compared
with the same step run eagerly."""

import copy
import warnings

import numpy as np
import pytest

import fastdl
from fastdl import nn, optim
from fastdl.utils.checkpoint import checkpoint

X = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)


def losses(net, call, recorded, steps=5):
    """The losses of some steps. A recorded step must not run eagerly without being told so."""
    net = copy.deepcopy(net)
    fastdl.manual_seed(1)
    optimizer = optim.SGD(net.parameters(), 0.05)

    def step(x):
        optimizer.zero_grad()
        loss = call(net, x).pow(2).sum()
        loss.backward()
        optimizer.step()
        return loss

    run = fastdl.plan(step) if recorded else step
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return [run(fastdl.tensor(X)).item() for _ in range(steps)]


def network():
    fastdl.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Dropout(0.5), nn.Linear(8, 2))


def test_gradient_hooks_are_recorded():
    net = network()
    net[0].register_full_backward_pre_hook(lambda m, go: (go[0] * 2,))
    net[3].register_full_backward_hook(lambda m, gi, go: (gi[0] + 0.1,))
    assert losses(net, nn.Module.__call__, True) == losses(net, nn.Module.__call__, False)
    assert losses(net, nn.Module.__call__, True) != losses(network(), nn.Module.__call__, True)


def test_a_hook_that_keeps_values_makes_the_step_run_eagerly():
    net, kept = network(), []
    net[3].register_full_backward_hook(lambda m, gi, go: kept.append(go[0].sum().item()))
    with pytest.warns(UserWarning, match="runs eagerly"):
        optimizer = optim.SGD(net.parameters(), 0.05)

        def step(x):
            optimizer.zero_grad()
            net(x).sum().backward()
            optimizer.step()

        run = fastdl.plan(step)
        for _ in range(4):
            run(fastdl.tensor(X))
    assert len(kept) == 4


def test_checkpoints_are_recorded_with_the_same_random_numbers():
    def through(net, x):
        *first, last = net

        def part(x):
            for layer in first:
                x = layer(x)
            return x

        return last(checkpoint(part, x))

    plain = losses(network(), nn.Module.__call__, False)
    for recorded in (False, True):
        assert losses(network(), through, recorded) == plain


def test_normalized_weights_are_recorded():
    for wrap in (
        nn.utils.weight_norm,
        nn.utils.spectral_norm,
        nn.utils.parametrizations.weight_norm,
        nn.utils.parametrizations.spectral_norm,
    ):
        net = network()
        wrap(net[0])
        found = [losses(net, nn.Module.__call__, recorded) for recorded in (True, False)]
        assert found[0] == found[1]


def test_a_checkpoint_that_gives_something_else_is_an_error():
    calls = []

    def part(x):
        calls.append(1)
        return x * 2 if len(calls) == 1 else (x * 2).sum()

    y = checkpoint(part, fastdl.ones(3, requires_grad=True))
    with pytest.raises(RuntimeError, match="when it was called for the gradient one of shape"):
        y.sum().backward()
    with fastdl.no_grad():
        assert not checkpoint(part, fastdl.ones(3)).requires_grad
    with pytest.raises(ValueError, match="segments: expected at most 4"):
        from fastdl.utils.checkpoint import checkpoint_sequential

        checkpoint_sequential(network(), 5, fastdl.ones(1, 3))


def test_steps_with_hooks_of_optimizers():
    def run(recorded):
        net, log = network().eval(), []
        optimizer = optim.SGD(net.parameters(), 0.05)

        def step(x):
            optimizer.zero_grad()
            loss = net(x).pow(2).sum()
            loss.backward()
            optimizer.step()
            return loss

        def halved(o, args, kwargs):
            for p in net.parameters():
                p.grad.mul_(0.5)

        call = fastdl.plan(step) if recorded else step
        found = [call(fastdl.tensor(X)).item() for _ in range(3)]
        handle = optimizer.register_step_pre_hook(halved)
        found += [call(fastdl.tensor(X)).item() for _ in range(3)]
        handle.remove()
        found += [call(fastdl.tensor(X)).item() for _ in range(3)]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            optimizer.register_step_post_hook(lambda *_: log.append(1))
            return found + [call(fastdl.tensor(X)).item() for _ in range(3)], len(log)

    assert run(True) == run(False)


@pytest.mark.filterwarnings("ignore:autocast")  # a CPU without bfloat16 computes in float32
def test_programs_with_mixed_precision_run():
    net = network().eval()
    optimizer, scaler = optim.SGD(net.parameters(), 0.05), fastdl.amp.GradScaler("cpu")
    before = net(fastdl.tensor(X)).pow(2).sum().item()
    for _ in range(3):
        optimizer.zero_grad()
        with fastdl.autocast("cpu", dtype=fastdl.bfloat16):
            loss = net(fastdl.tensor(X)).pow(2).sum()
        scaler.scale(loss).backward()
        scaler.unscale_(optimizer)
        scaler.step(optimizer)
        scaler.update()
    assert loss.item() < before and loss.dtype == "float32"
    assert fastdl.amp.is_autocast_available("cpu")
    with pytest.raises(ValueError, match="autocast: dtype: expected"):
        fastdl.autocast("cpu", dtype=fastdl.int32)
    with pytest.raises(RuntimeError, match="unknown device 'cuda'"):
        fastdl.amp.autocast("cuda")


@pytest.mark.filterwarnings("ignore:autocast", "ignore:mixed_bfloat16")
def test_autocast_is_a_precision_of_products():
    """That of layers with the policy, in the thread and context that ask for it."""
    import threading

    rng = np.random.default_rng(0)
    x = fastdl.tensor(rng.normal(size=(64, 256)).astype("float32"))
    net = nn.Linear(256, 128)
    layer = fastdl.layers.Dense(128, dtype="mixed_bfloat16")
    layer.build((None, 256))
    layer.set_weights([net.weight.detach().numpy().T, net.bias.detach().numpy()])
    plain, mixed = net(x).tolist(), layer(x).tolist()
    run = fastdl.plan(net)
    for _ in range(3):
        assert run(x).tolist() == plain

    @fastdl.autocast("cpu")
    def within():
        return net(x).tolist()

    with fastdl.autocast("cpu", dtype=fastdl.bfloat16):
        assert fastdl.is_autocast_enabled("cpu")
        # Both round the operands alike; sums of 256 products may be in another order.
        np.testing.assert_allclose(net(x).numpy(), mixed, atol=256 * 2**-24 * 8)
        assert net(x).tolist() == run(x).tolist()
        with fastdl.autocast("cpu", enabled=False):
            assert net(x).tolist() == plain
        elsewhere = []
        thread = threading.Thread(target=lambda: elsewhere.append(net(x).tolist()))
        thread.start()
        thread.join()
        assert elsewhere == [plain]
    assert not fastdl.is_autocast_enabled("cpu")
    np.testing.assert_allclose(within(), mixed, atol=256 * 2**-24 * 8)
    assert net(x).tolist() == plain == run(x).tolist()
    # bfloat16 has 8 bits: a sum of 256 products of two roundings each.
    np.testing.assert_allclose(mixed, plain, atol=256**0.5 * 2**-8 * 2)
    with pytest.raises(ZeroDivisionError), fastdl.autocast("cpu"):
        raise ZeroDivisionError
    assert net(x).tolist() == plain
