"""Programs with `nn.utils` and `optim.swa_utils`, run here and by PyTorch itself.

Each takes a namespace with `nn`, `optim` and `tensor` and returns numbers. The file
`golden/torch_utils.py` writes PyTorch's into `golden/torch_utils.json`.
"""

from functools import partial

import numpy as np

GRADIENTS = [[3.0, -4.0], [[1.0, 2.0], [0.0, -7.0]], None]


def numbers(tensor):
    return tensor.detach().numpy().ravel().tolist()


def with_gradients(k):
    parameters = []
    for gradient in GRADIENTS:
        values = np.ones(1 if gradient is None else np.shape(gradient), np.float32)
        parameter = k.nn.Parameter(k.tensor(values))
        if gradient is not None:
            parameter.grad = k.tensor(np.float32(gradient))
        parameters.append(parameter)
    return parameters


def clipped(max_norm, norm_type, foreach, k):
    parameters = with_gradients(k)
    norm = k.nn.utils.clip_grad_norm_(parameters, max_norm, norm_type, foreach=foreach)
    return [numbers(norm), *(numbers(p.grad) for p in parameters[:2])]


def clipped_in_parts(k):
    parameters = with_gradients(k)
    total = k.nn.utils.get_total_norm([p.grad for p in parameters[:2]], 3.0)
    k.nn.utils.clip_grads_with_norm_(parameters, 2.0, total)
    return [numbers(total), *(numbers(p.grad) for p in parameters[:2])]


def clipped_values(limit, k):
    parameters = with_gradients(k)
    k.nn.utils.clip_grad_value_(parameters, limit, foreach=False)
    return [numbers(p.grad) for p in parameters[:2]]


def vectors(k):
    parameters = with_gradients(k)
    vector = k.nn.utils.parameters_to_vector(parameters)
    (vector * k.tensor(np.arange(7, dtype=np.float32))).sum().backward()
    gradients = [numbers(p.grad) for p in parameters]
    k.nn.utils.vector_to_parameters(k.tensor(np.arange(7, dtype=np.float32) / 3), parameters)
    return [numbers(vector), *gradients, *(numbers(p) for p in parameters)]


def averaged(kind, use_buffers, k):
    """The averages of weights and buffers after each of 5 updates."""

    class Net(k.nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = k.nn.Linear(2, 2)
            self.scale = k.nn.Parameter(k.tensor(np.float32([0.0])))
            self.register_buffer("mean", k.tensor(np.float32([0.0, 0.0, 0.0])))

        def forward(self, x):
            return self.inner(x) * self.scale + self.mean.sum()

    s = k.optim.swa_utils
    options = {
        "mean": {},
        "mean by function": {"avg_fn": s.get_swa_avg_fn()},
        "mean of lists": {"multi_avg_fn": s.get_swa_multi_avg_fn()},
        "moving": {"avg_fn": s.get_ema_avg_fn(0.7)},
        "moving lists": {"multi_avg_fn": s.get_ema_multi_avg_fn(0.7)},
        "own": {"avg_fn": lambda average, current, n: average * n + current},
    }[kind]
    net = Net()
    model = s.AveragedModel(net, use_buffers=use_buffers, **options)
    random = np.random.RandomState(7)
    found = []
    for _ in range(5):
        state = net.state_dict()
        values = {
            name: k.tensor(random.standard_normal(tuple(value.shape)).astype(np.float32).round(3))
            for name, value in state.items()
        }
        net.load_state_dict(values)
        model.update_parameters(net)
        found += [numbers(value) for _, value in sorted(model.state_dict().items())]
    found.append(numbers(model(k.tensor(np.float32([[1.0, -2.0], [0.5, 3.0]])))))
    return found


INF = float("inf")
AVERAGES = ("mean", "mean by function", "mean of lists", "moving", "moving lists", "own")
CASES = {
    **{
        f"norm {kind} to {limit}": partial(clipped, limit, kind, foreach)
        for kind, foreach in ((2, None), (1.0, True), (3, False), (0.5, None), (INF, None))
        for limit in (0.0, 1.5, 7.0, INF)
    },
    "norm 'inf'": partial(clipped, 1.0, "inf", None),
    "norm -inf": partial(clipped, 1.0, -INF, None),
    "norm 0": partial(clipped, 1.0, 0.0, None),
    "norm in parts": clipped_in_parts,
    **{f"values to {limit}": partial(clipped_values, limit) for limit in (0.5, 3, INF)},
    "vectors": vectors,
    **{f"{kind} {flag}": partial(averaged, kind, flag) for kind in AVERAGES for flag in (0, 1)},
}
