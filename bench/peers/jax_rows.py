"""JAX's side: a whole epoch as one jitted scan over shuffled batches, parameters donated."""

from __future__ import annotations

from .rows import data_for, load_mnist, product, repeat, stored

IMPORTS = "jax.numpy"  # what the row "import" imports


def name_and_version() -> str:
    import jax

    return f"jax {jax.__version__} (scan)"


def _epoch_function(sizes, batch):
    import jax
    import jax.numpy as jnp

    def forward(params, x):
        for w, b in params[:-1]:
            x = jax.nn.relu(x @ w + b)
        w, b = params[-1]
        return x @ w + b

    def loss(params, x, y):
        out = forward(params, x)
        if sizes[-1] == 1:
            return jnp.mean((out - y) ** 2)
        return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(out), y[:, None], 1))

    def step(state, xy):
        params, m, v, t = state
        value, g = jax.value_and_grad(loss)(params, *xy)
        t = t + 1
        rate = 1e-3 * jnp.sqrt(1 - 0.999**t) / (1 - 0.9**t)
        m = jax.tree.map(lambda m, g: m + 0.1 * (g - m), m, g)
        v = jax.tree.map(lambda v, g: v + 0.001 * (g * g - v), v, g)
        params = jax.tree.map(lambda p, m, v: p - rate * m / (jnp.sqrt(v) + 1e-7), params, m, v)
        return (params, m, v, t), value

    def epoch(state, key, x, y):
        order = jax.random.permutation(key, len(x))[: len(x) // batch * batch].reshape(-1, batch)
        return jax.lax.scan(lambda s, rows: step(s, (x[rows], y[rows])), state, order)

    keys = jax.random.split(jax.random.key(0), len(sizes))
    params = [
        (jax.random.normal(k, (a, b)) * (2 / a) ** 0.5, jnp.zeros(b))
        for k, a, b in zip(keys, sizes, sizes[1:], strict=False)
    ]
    zeros = jax.tree.map(jnp.zeros_like, params)
    state = (params, zeros, jax.tree.map(jnp.zeros_like, params), jnp.float32(0))
    return jax.jit(epoch, donate_argnums=0), state, jax.jit(forward)


def mlp(sizes, batch):
    import jax
    import jax.numpy as jnp

    x, y = (jnp.asarray(a) for a in data_for(sizes, batch))
    epoch, state, _ = _epoch_function(sizes, batch)
    key = jax.random.key(1)

    def run():
        nonlocal state
        state, values = epoch(state, key, x, y)
        values.block_until_ready()

    return repeat(run, per=len(x) // batch)


def matmul(m, n, k, a_t, b_t):
    import jax

    keys = jax.random.split(jax.random.key(0))
    shapes = stored(m, n, k, a_t, b_t)
    a, b = (jax.random.uniform(*which) for which in zip(keys, shapes, strict=True))
    multiply = jax.jit(lambda a, b: product(a, b, a_t, b_t)())
    return repeat(lambda: multiply(a, b).block_until_ready())


def predict(sizes, batch):
    import jax
    import numpy as np

    x = np.random.default_rng(0).random((batch, sizes[0]), np.float32)
    _, state, forward = _epoch_function(sizes, batch)
    outputs = jax.jit(lambda params, x: jax.nn.softmax(forward(params, x)))
    return repeat(lambda: np.asarray(outputs(state[0], x)))


def cold_mnist():
    import jax
    import jax.numpy as jnp

    (x, y), (x_test, y_test) = load_mnist()
    epoch, state, forward = _epoch_function((784, 512, 10), 128)
    x, y = jnp.asarray(x), jnp.asarray(y)
    for i in range(5):
        state, _ = epoch(state, jax.random.key(i), x, y)
    return {"accuracy": float((forward(state[0], x_test).argmax(1) == y_test).mean())}
