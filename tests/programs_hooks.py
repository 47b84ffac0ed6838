"""Programs with hooks of modules and their state, run here and by PyTorch itself.

Each takes the library, `fastdl` or `torch`, and returns numbers, texts and lists of them. The file
`golden/torch_programs.py` writes PyTorch's into `golden/torch_programs.json`.
"""

import warnings

import numpy as np


def numbers(value):
    """Tensors as nested lists of their values."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (tuple, list)):
        return [numbers(v) for v in value]
    if isinstance(value, dict):
        return [[key, numbers(v)] for key, v in value.items()]
    return np.asarray(value.detach().numpy()).tolist()


def values(k, *shape, seed=0, grad=False):
    array = np.random.default_rng(seed).normal(scale=0.4, size=shape).round(3).astype(np.float32)
    tensor = k.tensor(array)
    tensor.requires_grad = grad
    return tensor


def filled(k, module):
    """The module with weights that both libraries have."""
    with k.no_grad():
        for i, p in enumerate(module.parameters()):
            p.copy_(values(k, *p.shape, seed=i + 1))
    return module


def two_layers(k):
    return filled(k, k.nn.Sequential(k.nn.Linear(3, 4), k.nn.Tanh(), k.nn.Linear(4, 2)))


def run(k, net, x):
    net(x).pow(2).sum().backward()
    return [numbers(x.grad), *(numbers(p.grad) for p in net.parameters())]


def seen_gradients(k):
    net, log = two_layers(k), []
    for module in net:
        module.register_full_backward_hook(lambda m, gi, go: log.append([numbers(gi), numbers(go)]))
        module.register_full_backward_pre_hook(lambda m, go: log.append(numbers(go)))
    return [run(k, net, values(k, 2, 3, grad=True)), log]


def inputs_without_gradient(k):
    net, log = two_layers(k), []
    for module in (net, net[0]):
        module.register_full_backward_hook(lambda m, gi, go: log.append([numbers(gi), numbers(go)]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = run(k, net, values(k, 2, 3))
    return [found, log]


def replaced_gradients(k):
    net = two_layers(k)
    net[0].register_full_backward_hook(lambda m, gi, go: (gi[0] * 2,))
    net[0].register_full_backward_hook(lambda m, gi, go: (gi[0] + 1,), prepend=True)
    net[2].register_full_backward_pre_hook(lambda m, go: (go[0] * -3,))
    net[2].register_full_backward_pre_hook(lambda m, go: (go[0] + 0.5,), prepend=True)
    return run(k, net, values(k, 2, 3, grad=True))


def several_inputs(k):
    log = []

    class Mix(k.nn.Module):
        def forward(self, a, number, b, c):
            return a * number, c, b.exp() * a

    a, b, c = (values(k, 2, seed=i, grad=i != 1) for i in range(3))
    mix = Mix()
    mix.register_full_backward_hook(lambda m, gi, go: log.append([numbers(gi), numbers(go)]))
    x, _, z = mix(a, 3.0, b, c)
    (x.sum() + (z * z).sum()).backward()
    return [log, numbers(a.grad), numbers(b.grad), numbers(c.grad)]


def every_module(k):
    hooks, log = k.nn.modules.module, []
    handles = [
        hooks.register_module_forward_pre_hook(lambda m, a: log.append(type(m).__name__)),
        hooks.register_module_forward_hook(lambda m, a, y: y * 2),
        hooks.register_module_full_backward_hook(lambda m, gi, go: log.append(numbers(go))),
        hooks.register_module_full_backward_pre_hook(lambda m, go: (go[0] * 3,)),
    ]
    net = two_layers(k)
    found = run(k, net, values(k, 2, 3, grad=True))
    for handle in handles:
        handle.remove()
    return [found, log, numbers(net(values(k, 2, 3)))]


def hooks_after_errors(k):
    log = []

    class Fails(k.nn.Module):
        def forward(self, x):
            if x.sum().item() > 0:
                raise ValueError("no")
            return x

    net = Fails()
    net.register_forward_hook(lambda m, a, y: log.append("plain"))
    net.register_forward_hook(lambda m, a, y: log.append(y is None), always_call=True)
    net.register_forward_hook(
        lambda m, a, kw, y: log.append("kwargs"), always_call=True, with_kwargs=True, prepend=True
    )
    net(k.tensor([-1.0]))
    try:
        net(k.tensor([1.0]))
    except ValueError as error:
        log.append(str(error)[:2])
    return log


def invalid_numbers_of_gradients(k):
    found = []
    for name in ("register_full_backward_hook", "register_full_backward_pre_hook"):
        net = two_layers(k)
        getattr(net, name)(lambda m, *g: (g[0][0], g[0][0]))
        try:
            run(k, net, values(k, 2, 3, grad=True))
        except RuntimeError as error:
            found.append(str(error))
    return found


def state_hooks(k):
    net, log = two_layers(k), []
    net[0].register_state_dict_pre_hook(lambda m, prefix, keep: log.append([prefix, keep]))

    def after(module, state, prefix, metadata):
        log.append(prefix)
        state[prefix + "renamed"] = state.pop(prefix + "weight")

    net[2].register_state_dict_post_hook(after)
    net._register_state_dict_hook(
        lambda m, state, p, meta: {"net." + n: v for n, v in state.items()}
    )
    return [numbers(net.state_dict()), log]


def load_hooks(k):
    net, log = two_layers(k), []
    state = {n: v.clone() * 2 for n, v in net.state_dict().items()}
    state["2.renamed"] = state.pop("2.weight")
    state["more"] = k.tensor([1.0])

    def before(module, state, prefix, metadata, strict, missing, unexpected, errors):
        log.append([prefix, strict])
        state[prefix + "weight"] = state.pop(prefix + "renamed")

    net[2].register_load_state_dict_pre_hook(before)
    net.register_load_state_dict_post_hook(lambda m, keys: keys.unexpected_keys.clear())
    net[0].register_load_state_dict_post_hook(lambda m, keys: log.append(type(m).__name__))
    result = net.load_state_dict(state)
    log.sort(key=str)  # PyTorch calls hooks after loading before it reads the next module
    return [log, numbers(net.state_dict()), len(result.missing_keys), sorted(state)]


def extra_state(k):
    class Counts(k.nn.Module):
        def __init__(self):
            super().__init__()
            self.count = 3
            self.w = k.nn.Parameter(k.tensor([1.0]))

        def get_extra_state(self):
            return {"count": self.count}

        def set_extra_state(self, state):
            self.count = state["count"]

    net = k.nn.Sequential(Counts())
    state = dict(net.state_dict())
    other = k.nn.Sequential(Counts())
    other[0].count = 0
    other.load_state_dict(state)
    missing = net.load_state_dict({"0.w": k.tensor([2.0])}, strict=False)
    return [list(state), other[0].count, missing.missing_keys]


def assigned(k):
    net = two_layers(k)
    state = {n: values(k, *v.shape, seed=9) for n, v in net.state_dict().items()}
    net[2].weight.requires_grad = False
    net.load_state_dict(state, assign=True)
    state["0.bias"][0] = 7.0
    return [numbers(net[0].bias), [p.requires_grad for p in net.parameters()],
            [type(p).__name__ for p in net.parameters()]]  # fmt: skip


def submodules(k):
    relu = k.nn.ReLU()
    net = k.nn.Sequential(relu, k.nn.Sequential(relu, k.nn.Linear(2, 2)))
    before = len(list(net.modules())), len(list(net.modules(remove_duplicate=False)))
    net.set_submodule("1.1", k.nn.Tanh())
    found = [*before, str(net[1])]
    for path, strict in (("1.7", True), ("", False), ("5.0", False)):
        try:
            net.set_submodule(path, k.nn.Tanh(), strict)
        except (ValueError, AttributeError) as error:
            found.append(type(error).__name__)
    return found


def super_init(k):
    class Mixin:
        def __init__(self, value=0):
            super().__init__()
            self.value = value

    class Net(k.nn.Module, Mixin):
        call_super_init = True

        def __init__(self, value):
            super().__init__(value=value)

    found = [Net(5).value]
    try:
        k.nn.Module(value=5)
    except TypeError:
        found.append("TypeError")
    return found


def arguments_by_name(k):
    x = values(k, 2, 4)
    kinds = [k.nn.ReLU(), k.nn.Tanh(), k.nn.Softmax(1), k.nn.Linear(4, 4), k.nn.Dropout(0.0)]
    kinds += [k.nn.BatchNorm1d(4), k.nn.LayerNorm(4), k.nn.Identity(), k.nn.Flatten()]
    kinds += [k.nn.Sequential(k.nn.ReLU()), k.nn.GELU(), k.nn.Hardtanh(), k.nn.LeakyReLU()]
    return [list(module(input=x).shape) for module in kinds]


CASES = [
    seen_gradients,
    inputs_without_gradient,
    replaced_gradients,
    several_inputs,
    every_module,
    hooks_after_errors,
    invalid_numbers_of_gradients,
    state_hooks,
    load_hooks,
    extra_state,
    assigned,
    submodules,
    super_init,
    arguments_by_name,
]
