"""Programs with hooks of optimizers, run here and by PyTorch itself. See programs_hooks.py."""

from programs_hooks import numbers, values


def step_hooks(k):
    p, log = k.nn.Parameter(values(k, 3)), []
    optimizer = k.optim.Adam([p], 0.1)
    before = optimizer.register_step_pre_hook(
        lambda o, args, kwargs: log.append(["before", o is optimizer, len(args), len(kwargs)])
    )
    optimizer.register_step_post_hook(lambda o, args, kwargs: log.append(numbers(p)))

    def closure():
        optimizer.zero_grad()
        loss = (p * p).sum()
        loss.backward()
        return loss

    first = optimizer.step(closure)
    optimizer.register_step_pre_hook(lambda o, args, kwargs: ((o, closure), {}))
    second = optimizer.step()
    before.remove()
    optimizer.step()
    return [log, numbers(first), numbers(second)]


def state_hooks(k):
    p, log = k.nn.Parameter(values(k, 3)), []
    optimizer = k.optim.SGD([p], 0.1, momentum=0.9)
    p.grad = values(k, 3, seed=1)
    optimizer.step()
    optimizer.register_state_dict_pre_hook(lambda o: log.append("before"))
    optimizer.register_state_dict_post_hook(lambda o, state: {**state, "more": 1})
    state = optimizer.state_dict()

    def change(o, loaded):
        log.append(sorted(loaded))
        loaded.pop("more")
        groups = [{**group, "lr": 0.5} for group in loaded["param_groups"]]
        return {**loaded, "param_groups": groups}

    optimizer.register_load_state_dict_pre_hook(change)
    optimizer.register_load_state_dict_post_hook(lambda o: log.append("after"))
    optimizer.load_state_dict(state)
    return [log, sorted(state), optimizer.param_groups[0]["lr"]]


CASES = [step_hooks, state_hooks]
