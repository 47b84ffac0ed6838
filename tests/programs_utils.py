"""Programs with parametrizations and normalized weights, run here and by PyTorch itself.

See programs_hooks.py.
"""

from programs_hooks import filled, numbers, values


def trained(k, net, x, parameters=None):
    """Two steps of SGD; the losses and the parameters."""
    optimizer = k.optim.SGD(parameters or net.parameters(), 0.1)
    losses = []
    for _ in range(2):
        optimizer.zero_grad()
        loss = net(x).pow(2).sum()
        loss.backward()
        optimizer.step()
        losses.append(numbers(loss))
    return [losses, numbers(dict(net.named_parameters()))]


def weight_norms(k):
    found = []
    for dim in (0, 1, None):
        for wrap in (k.nn.utils.parametrizations.weight_norm, k.nn.utils.weight_norm):
            layer = wrap(filled(k, k.nn.Linear(3, 2)), dim=dim)
            found.append(sorted(layer.state_dict()))
            found.append(numbers(layer.weight))
            found.append(trained(k, layer, values(k, 4, 3)))
    return found


def weight_norm_of_a_convolution_removed(k):
    conv = k.nn.utils.weight_norm(filled(k, k.nn.Conv1d(2, 3, 2)))
    found = [trained(k, conv, values(k, 2, 2, 4))]
    k.nn.utils.remove_weight_norm(conv)
    found += [list(conv.state_dict()), type(conv).__name__, numbers(conv.weight)]
    try:
        k.nn.utils.remove_weight_norm(conv)
    except ValueError as error:
        found.append(str(error))
    return found


def old_states_of_weight_norm(k):
    old = k.nn.utils.weight_norm(filled(k, k.nn.Linear(3, 2)))
    new = k.nn.utils.parametrizations.weight_norm(k.nn.Linear(3, 2))
    new.load_state_dict(old.state_dict())
    return numbers(new.weight)


def spectral_norms(k):
    found = []
    for make, shape in (
        (lambda: k.nn.Linear(3, 2), (4, 3)),
        (lambda: k.nn.ConvTranspose1d(3, 2, 2), (2, 3, 4)),
    ):
        layer = k.nn.utils.spectral_norm(filled(k, make()), n_power_iterations=2)
        with k.no_grad():
            layer.weight_u.copy_(values(k, *layer.weight_u.shape, seed=7))
            layer.weight_v.copy_(values(k, *layer.weight_v.shape, seed=8))
        found.append([sorted(layer.state_dict()), trained(k, layer, values(k, *shape))])
        layer.eval()
        found.append(numbers(layer(values(k, *shape))))
        k.nn.utils.remove_spectral_norm(layer)
        found.append([sorted(layer.state_dict()), numbers(layer.weight)])
        layer = k.nn.utils.parametrizations.spectral_norm(filled(k, make()), n_power_iterations=3)
        inner = layer.parametrizations.weight[0]
        with k.no_grad():
            inner._u.copy_(values(k, *inner._u.shape, seed=7))
            inner._v.copy_(values(k, *inner._v.shape, seed=8))
        found.append([sorted(layer.state_dict()), trained(k, layer, values(k, *shape))])
    return found


def classes(k):
    class Double(k.nn.Module):
        def forward(self, x):
            return x * 2

        def right_inverse(self, x):
            return x / 2

    class Exp(k.nn.Module):
        def forward(self, x):
            return x.exp()

    class Sum(k.nn.Module):
        def forward(self, a, b):
            return a + b

        def right_inverse(self, x):
            return x * 0.25, x * 0.75

    return Double, Exp, Sum


def parametrized(k):
    double, exp, sum_of = classes(k)
    p = k.nn.utils.parametrize
    layer = filled(k, k.nn.Linear(3, 2))
    weight = layer.weight
    p.register_parametrization(layer, "weight", double())
    found = [type(layer).__name__, layer.parametrizations.weight.original is weight]
    found += [numbers(layer.weight), numbers(weight), p.is_parametrized(layer)]
    p.register_parametrization(layer, "weight", exp())
    found += [numbers(layer.weight), p.is_parametrized(layer, "bias")]
    found.append(trained(k, layer, values(k, 2, 3)))
    p.register_parametrization(layer, "bias", sum_of())
    found.append(trained(k, layer, values(k, 2, 3)))
    found.append(sorted(layer.state_dict()))
    try:
        layer.weight = values(k, 2, 3)
    except RuntimeError:
        found.append("no right_inverse")
    layer.bias = values(k, 2)
    found += [numbers(layer.bias), numbers(layer.parametrizations.bias.original0)]
    p.remove_parametrizations(layer, "weight", leave_parametrized=False)
    found += [numbers(layer.weight), layer.weight is weight, p.is_parametrized(layer, "weight")]
    try:
        p.remove_parametrizations(layer, "bias", leave_parametrized=False)
    except ValueError:
        found.append("ValueError")
    p.remove_parametrizations(layer, "bias")
    found += [numbers(layer.bias), type(layer).__name__, list(layer.state_dict())]
    return found


def kept_in_a_block(k):
    double, *_ = classes(k)
    layer = filled(k, k.nn.Linear(3, 2))
    p = k.nn.utils.parametrize
    p.register_parametrization(layer, "weight", double())
    with p.cached():
        same = layer.weight is layer.weight
    return [same, layer.weight is layer.weight]


def refused(k):
    _, _, sum_of = classes(k)
    p = k.nn.utils.parametrize
    found = []

    class Wrong(k.nn.Module):
        def forward(self, x):
            return x[0]

    for name, made in (("other", sum_of()), ("weight", Wrong())):
        layer = k.nn.Linear(3, 2)
        try:
            p.register_parametrization(layer, name, made)
        except ValueError:
            found.append([name, sorted(layer.state_dict())])
    return found


def fused_layers(k):
    found = []
    for first, bn, shape, transpose in (
        (k.nn.Conv2d(2, 3, 2, bias=False), k.nn.BatchNorm2d(3), (2, 2, 4, 4), False),
        (k.nn.ConvTranspose1d(2, 3, 2), k.nn.BatchNorm1d(3, affine=False), (2, 2, 4), True),
        (k.nn.Linear(2, 3), k.nn.BatchNorm1d(3), (4, 2), None),
    ):
        filled(k, first).eval()
        filled(k, bn).eval()
        with k.no_grad():
            bn.running_mean.copy_(values(k, 3, seed=5))
            bn.running_var.copy_(values(k, 3, seed=6) ** 2 + 0.5)
        if transpose is None:
            made = k.nn.utils.fuse_linear_bn_eval(first, bn)
        else:
            made = k.nn.utils.fuse_conv_bn_eval(first, bn, transpose)
        x = values(k, *shape)
        found.append([numbers(made(x)), numbers(made.weight), numbers(made.bias)])
    return found


CASES = [
    weight_norms,
    weight_norm_of_a_convolution_removed,
    old_states_of_weight_norm,
    spectral_norms,
    parametrized,
    kept_in_a_block,
    refused,
    fused_layers,
]
