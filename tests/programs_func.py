"""Programs with `func`, run here and by PyTorch itself. See programs_hooks.py."""

from programs_hooks import filled, numbers, values


def gradients(k):
    f, x, y = k.func, values(k, 3), values(k, 3, seed=1)

    def product(a, b):
        return (a.exp() * b).sum()

    def with_aux(a, b):
        return (a * b).sum(), {"twice": a * 2}

    return numbers(
        [
            f.grad(product)(x, y),
            f.grad(product, argnums=1)(x, y),
            f.grad(product, argnums=(1, 0))(x, y),
            f.grad_and_value(product)(x, y),
            f.grad(with_aux, has_aux=True)(x, y),
            f.grad_and_value(with_aux, has_aux=True)(x, y),
            f.grad(f.grad(lambda a: a**3))(x[0]),
            f.grad(lambda d: (d["w"] * d["b"]).sum())({"w": x, "b": y}),
            f.grad(lambda a: product(x, y))(x),
            [f.grad(product)(x, y).requires_grad],
        ]
    )


def in_a_graph(k):
    x, w = values(k, 3, grad=True), values(k, 3, seed=1, grad=True)
    g = k.func.grad(lambda a: (a**3 * w).sum())(x)
    (g * g).sum().backward()
    return [numbers(x.grad), numbers(w.grad)]


def products(k):
    f, x, v = k.func, values(k, 3), values(k, 3, seed=1)

    def several(a, b):
        return a * b, (a * a).sum()

    output, vjp_fn = f.vjp(several, x, v)
    one, one_fn = f.vjp(lambda a: a.sin(), x)
    aux = f.vjp(lambda a: (a.sin(), a * 5), x, has_aux=True)
    return numbers(
        [
            list(output),
            list(vjp_fn((v, k.tensor(2.0)))),
            list(vjp_fn((x, k.tensor(0.5)))),
            one,
            list(one_fn(v)),
            aux[2],
            list(f.jvp(several, (x, v), (v, x))[1]),
            list(f.jvp(lambda a: a.sin(), (x,), (v,))),
            f.jvp(lambda a: f.jvp(lambda b: b**3, (a,), (v,))[1], (x,), (v,))[1],
        ]
    )


def jacobians(k):
    f, x, y = k.func, values(k, 2), values(k, 3, seed=1)

    def outer(a, b):
        return {"p": a.reshape(2, 1) * b, "s": a.sum() * b.sum()}

    return [
        numbers(jac)
        for make in (f.jacrev, f.jacfwd)
        for jac in (
            make(lambda a: a**2)(x),
            make(outer)(x, y),
            make(outer, argnums=(0, 1))(x, y),
        )
    ] + [
        numbers(f.hessian(lambda a: (a**3).sum() * a[0])(x)),
        numbers(f.jacrev(f.jacrev(lambda a: (a**3).sum() * a[0]))(x)),
    ]


def batches(k):
    f = k.func
    x, y = values(k, 4, 3), values(k, 4, 3, seed=1)
    layer = filled(k, k.nn.Linear(3, 2))
    found = [
        f.vmap(lambda a, b: (a * b).sum())(x, y),
        f.vmap(lambda a, b: a * b, in_dims=(1, None))(x, y[:, 0]),
        f.vmap(lambda a: (a, a.sum()), out_dims=(1, 0))(x),
        f.vmap(lambda d, b: d["a"] + b, in_dims=({"a": 0}, 1))({"a": x}, y.T),
        f.vmap(f.grad(lambda a: (a**3).sum()))(x),
        f.vmap(f.vmap(lambda a: a * 2))(x),
        f.vmap(layer)(x),
    ]
    return numbers(found)


def functional_calls(k):
    f = k.func
    net = k.nn.Sequential(k.nn.Linear(3, 3), k.nn.BatchNorm1d(3), k.nn.Linear(3, 3, bias=False))
    filled(k, net)
    net[2].weight = net[0].weight
    state = {"0.weight": values(k, 3, 3, seed=20), "1.running_mean": values(k, 3, seed=21)}
    x = values(k, 4, 3)
    found = [numbers(f.functional_call(net, state, (x,)))]
    found.append(numbers(f.functional_call(net, state, x, tie_weights=False)))
    found += [numbers(state["1.running_mean"]), numbers(net[1].running_mean)]
    net.eval()
    parameters = dict(net.named_parameters())
    gradient = f.grad(lambda p: f.functional_call(net, p, (x,)).pow(2).sum())(parameters)
    found.append(numbers([gradient[name] for name in sorted(gradient)]))
    for names in ({"0.weight": x}, {"other": x}):
        try:
            f.functional_call(net, names, (x,), strict=True)
        except RuntimeError:
            found.append("RuntimeError")
    models = [filled(k, k.nn.Linear(3, 2)) for _ in range(3)]
    parameters, buffers = f.stack_module_state(models)
    found += [list(parameters), parameters["weight"].requires_grad, len(buffers)]
    base = models[0]
    found.append(
        numbers(
            f.vmap(lambda p, b, a: f.functional_call(base, (p, b), (a,)), in_dims=(0, 0, None))(
                parameters, buffers, x
            )
        )
    )
    return found


CASES = [gradients, in_a_graph, products, jacobians, batches, functional_calls]
