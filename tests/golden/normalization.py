"""Writes normalization.json: layers of Keras and PyTorch over three batches, in float64.

KERAS_BACKEND=tensorflow PYTHONPATH=tests python tests/golden/normalization.py
"""

import json
from pathlib import Path

import keras
import normalization_cases as cases
import numpy as np
import tensorflow as tf
import torch

keras.config.set_floatx("float64")


def doubled(x):
    return torch.tensor(x, dtype=torch.float64)


def listed(x):
    """The values to ten digits; float32 has eight."""
    values = np.asarray(x.detach() if isinstance(x, torch.Tensor) else x)
    return [float(f"{v:.10g}") for v in values.reshape(-1).tolist()]


def keras_step(layer, shape, number, **options):
    x, weight = (tf.constant(a, tf.float64) for a in cases.batch(shape, number))
    parameters = [w.value for w in layer.trainable_weights]
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = layer(x, training=True, **options)
        loss = tf.reduce_sum(y * weight[tuple(slice(n) for n in y.shape)])
    gradients = tape.gradient(loss, [x, *parameters])
    return {"output": listed(y), "grads": [listed(g) for g in gradients]}


def torch_step(module, shape, number):
    x, weight = map(doubled, cases.batch(shape, number))
    x.requires_grad_()
    module.zero_grad()
    y = module(x)
    (y * weight).sum().backward()
    gradients = [t.grad for t in (x, *module.parameters())]
    return {"output": listed(y), "grads": [listed(g) for g in gradients]}


def keras_case(name, make, shape):
    layer = make(keras)
    layer.build(shape)
    layer.set_weights([cases.state(tuple(w.shape), i, w.path) for i, w in enumerate(layer.weights)])
    steps = []
    for number in range(cases.STEPS):
        mask = {"mask": cases.mask_of(shape, number)} if "mask" in name else {}
        steps.append(keras_step(layer, shape, number, **mask))
    x = tf.constant(cases.batch(shape, 0)[0], tf.float64)
    return {
        "weights": [[w.name, list(w.shape)] for w in layer.weights],
        "trained": len(layer.trainable_weights),
        "steps": steps,
        "state": [listed(w.value) for w in layer.weights],
        "inference": listed(layer(x)),
    }


def torch_case(kind, options, shape):
    module = getattr(torch.nn, kind)(**options)
    text = repr(module)
    module = module.double()
    with torch.no_grad():
        for i, (name, value) in enumerate(module.state_dict().items()):
            if value.ndim:
                value.copy_(doubled(cases.state(tuple(value.shape), i, name)))
    steps = [torch_step(module, shape, number) for number in range(cases.STEPS)]
    state = {name: listed(value.double()) for name, value in module.state_dict().items()}
    module.eval()
    x = doubled(cases.batch(shape, 0)[0])
    return {"repr": text, "steps": steps, "state": state, "inference": listed(module(x))}


if __name__ == "__main__":
    golden = {
        "source": f"Keras {keras.__version__}, PyTorch {torch.__version__}",
        "keras": {name: keras_case(name, *case) for name, case in cases.KERAS.items()},
        "torch": {name: torch_case(*case) for name, case in cases.TORCH.items()},
    }
    lines = json.dumps(golden, separators=(",", ":")).replace('},"', '},\n"')
    Path(__file__).with_suffix(".json").write_text(lines + "\n")
