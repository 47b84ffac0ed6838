"""Programs with checkpoints, run here and by PyTorch itself. See programs_hooks.py."""

import importlib

from programs_hooks import filled, numbers, values


def module(k):
    return importlib.import_module(f"{k.__name__}.utils.checkpoint")


def deep(k, count):
    layers = []
    for _ in range(count):
        layers += [k.nn.Linear(3, 3), k.nn.Tanh()]
    return filled(k, k.nn.Sequential(*layers))


def gradients_of_all_it_reads(k):
    """Of arguments, parameters and results from outside, by backward and by grad."""
    net, found = deep(k, 2), []
    for _ in range(2):
        x, w = values(k, 2, 3, grad=True), values(k, 3, seed=5, grad=True)
        outside = w.exp()
        first = x * 2

        def part(a, scale, outside=outside):
            return net(a) * outside * scale, a.sin()

        y, z = module(k).checkpoint(part, first, 3.0, use_reentrant=False)
        loss = (y * y).sum() + (z * outside).sum() + first.sum()
        if not found:
            loss.backward()
            found.append(numbers([x.grad, w.grad, *(p.grad for p in net.parameters())]))
        else:
            gradients = k.autograd.grad(loss, [x, w, *net.parameters()])
            found.append(numbers(gradients))
    return found


def many_sources_and_results(k):
    net = deep(k, 12)
    x = values(k, 2, 3, grad=True)

    def part(a):
        found = []
        for layer in net:
            a = layer(a)
            found.append(a)
        return found

    results = module(k).checkpoint(part, x, use_reentrant=False)
    loss = sum((y * (i + 1)).sum() for i, y in enumerate(results) if i != 5)
    loss.backward(retain_graph=True)
    first = numbers([x.grad, *(p.grad for p in net.parameters())])
    loss.backward()
    return [first, numbers(x.grad)]


def second_derivatives(k):
    x = values(k, 3, grad=True)
    y = module(k).checkpoint(lambda a: a**3, x, use_reentrant=False)
    (g,) = k.autograd.grad(y.sum(), x, create_graph=True)
    (h,) = k.autograd.grad((g * g).sum(), x)
    return [numbers(g), numbers(h)]


def hooks_run_once(k):
    net, log = deep(k, 1), []
    net[0].weight.register_hook(lambda g: log.append("weight"))
    x = values(k, 2, 3, grad=True)
    first = x * 2
    first.register_hook(lambda g: log.append("input"))
    module(k).checkpoint(net, first, use_reentrant=False).sum().backward()
    return sorted(log)


def segments(k):
    found = []
    for count in (1, 2, 3):
        net = deep(k, 3)
        x = values(k, 2, 3, grad=True)
        y = module(k).checkpoint_sequential(net, count, x, use_reentrant=False)
        y.pow(2).sum().backward()
        found.append(numbers([y, x.grad, *(p.grad for p in net.parameters())]))
    return found


CASES = [
    gradients_of_all_it_reads,
    many_sources_and_results,
    second_derivatives,
    hooks_run_once,
    segments,
]
