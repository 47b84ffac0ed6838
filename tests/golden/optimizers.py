"""Writes optimizers.json: what Keras's and PyTorch's optimizers make of given gradients.

Both peers compute in float64, so that the numbers are the formulas' own: a float32 optimizer has to
come within its rounding of them. Run with both peers installed (Keras over its PyTorch backend):

    KERAS_BACKEND=torch python optimizers.py
"""

import json
from pathlib import Path

import keras
import numpy as np
import torch

keras.config.set_floatx("float64")
torch.set_default_dtype(torch.float64)

STEPS = 20
ROWS = (0, 6, STEPS - 1)  # an error in between shows in the later ones
SHAPES = ((2, 3), (3,), (3, 1))
NAMES = ("dense_kernel", "dense_bias", "out_kernel")

KERAS = [
    ("SGD", {"learning_rate": 0.1}),
    ("SGD", {"learning_rate": 0.1, "momentum": 0.9}),
    ("SGD", {"learning_rate": 0.1, "momentum": 0.9, "nesterov": True}),
    ("SGD", {"learning_rate": 0.1, "weight_decay": 0.05}),
    ("SGD", {"learning_rate": 0.1, "clipnorm": 1.0}),
    ("SGD", {"learning_rate": 0.1, "clipvalue": 0.5}),
    ("SGD", {"learning_rate": 0.1, "global_clipnorm": 1.5}),
    ("SGD", {"learning_rate": 0.1, "loss_scale_factor": 4.0}),
    ("SGD", {"learning_rate": 0.1, "momentum": 0.9, "gradient_accumulation_steps": 3}),
    ("SGD", {"learning_rate": 0.1, "use_ema": True, "ema_momentum": 0.8}),
    (
        "SGD",
        {
            "learning_rate": 0.1,
            "use_ema": True,
            "ema_momentum": 0.8,
            "ema_overwrite_frequency": 7,
        },
    ),
    ("RMSprop", {"learning_rate": 0.01}),
    ("RMSprop", {"learning_rate": 0.01, "rho": 0.8, "momentum": 0.9}),
    ("RMSprop", {"learning_rate": 0.01, "centered": True}),
    ("RMSprop", {"learning_rate": 0.01, "momentum": 0.5, "centered": True, "epsilon": 1e-3}),
    ("Adagrad", {"learning_rate": 0.1}),
    ("Adagrad", {"learning_rate": 0.1, "initial_accumulator_value": 1.0, "epsilon": 1e-2}),
    ("Adam", {"learning_rate": 0.01}),
    ("Adam", {"learning_rate": 0.01, "beta_1": 0.8, "beta_2": 0.99, "epsilon": 1e-3}),
    ("Adam", {"learning_rate": 0.01, "amsgrad": True}),
    ("Adam", {"learning_rate": 0.01, "gradient_accumulation_steps": 4, "clipnorm": 1.0}),
    (
        "Adam",
        {
            "learning_rate": 0.01,
            "gradient_accumulation_steps": 2,
            "use_ema": True,
            "ema_momentum": 0.5,
            "ema_overwrite_frequency": 3,
        },
    ),
    ("AdamW", {"learning_rate": 0.01}),
    ("AdamW", {"learning_rate": 0.01, "weight_decay": 0.1, "amsgrad": True}),
    ("Lion", {}),
    ("Lion", {"learning_rate": 0.01, "beta_1": 0.7, "beta_2": 0.8, "weight_decay": 0.1}),
    ("Adamax", {"learning_rate": 0.01}),
    ("Adamax", {"learning_rate": 0.01, "beta_1": 0.8, "beta_2": 0.9, "epsilon": 1e-2}),
    ("Nadam", {"learning_rate": 0.01}),
    ("Nadam", {"learning_rate": 0.01, "beta_1": 0.6, "beta_2": 0.9, "epsilon": 1e-3}),
    ("Nadam", {"learning_rate": 0.01, "weight_decay": 0.1, "global_clipnorm": 1.0}),
    ("Adadelta", {"learning_rate": 1.0}),
    ("Adadelta", {"learning_rate": 0.5, "rho": 0.8, "epsilon": 1e-3, "weight_decay": 0.01}),
    ("Ftrl", {"learning_rate": 0.1}),
    (
        "Ftrl",
        {
            "learning_rate": 0.1,
            "learning_rate_power": -0.7,
            "initial_accumulator_value": 0.5,
            "l1_regularization_strength": 0.2,
            "l2_regularization_strength": 0.1,
            "beta": 0.3,
        },
    ),
    ("Lamb", {"learning_rate": 0.01}),
    ("Lamb", {"learning_rate": 0.01, "beta_1": 0.8, "beta_2": 0.9, "epsilon": 1e-2}),
    ("Lamb", {"learning_rate": 0.01, "weight_decay": 0.1, "clipnorm": 1.0}),
    ("Adafactor", {"learning_rate": 0.01}),
    ("Adafactor", {"learning_rate": 1.0, "beta_2_decay": -0.5, "clip_threshold": 0.5}),
    ("Adafactor", {"epsilon_1": 1e-2, "epsilon_2": 10.0, "gradient_accumulation_steps": 2}),
    ("Muon", {"learning_rate": 0.01}),
    ("Muon", {"learning_rate": 0.01, "exclude_layers": ["out"], "adam_lr_ratio": 0.5}),
    (
        "Muon",
        {
            "learning_rate": 0.01,
            "nesterov": False,
            "momentum": 0.8,
            "ns_steps": 2,
            "rms_rate": None,
            "weight_decay": 0.1,
            "adam_weight_decay": None,
        },
    ),
    ("ScheduleFreeAdamW", {}),
    ("ScheduleFreeAdamW", {"learning_rate": 0.05, "warmup_steps": 5, "weight_decay": 0.1}),
    ("ScheduleFreeAdamW", {"learning_rate": 0.05, "beta_1": 0.5, "beta_2": 0.9, "epsilon": 0.01}),
    ("Ftrl", {"learning_rate": 0.05, "l2_shrinkage_regularization_strength": 0.1}),
]
TORCH = [
    ("SGD", {"lr": 0.1}),
    ("SGD", {"lr": 0.1, "momentum": 0.9}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "dampening": 0.5, "weight_decay": 0.01}),
    ("SGD", {"lr": 0.1, "momentum": 0.5, "maximize": True, "weight_decay": 0.01}),
    ("Adagrad", {}),
    ("Adagrad", {"lr": 0.1, "lr_decay": 0.1, "weight_decay": 0.01}),
    ("Adagrad", {"lr": 0.1, "initial_accumulator_value": 0.5, "eps": 1e-2}),
    ("RMSprop", {}),
    ("RMSprop", {"lr": 0.01, "alpha": 0.9, "momentum": 0.9}),
    ("RMSprop", {"lr": 0.01, "centered": True, "weight_decay": 0.01}),
    ("RMSprop", {"lr": 0.01, "centered": True, "momentum": 0.5, "eps": 1e-3}),
    ("Adam", {}),
    ("Adam", {"lr": 0.01, "betas": [0.8, 0.99], "eps": 1e-3}),
    ("Adam", {"lr": 0.01, "weight_decay": 0.1, "amsgrad": True}),
    ("Adam", {"lr": 0.01, "maximize": True}),
    ("AdamW", {"lr": 0.01}),
    ("AdamW", {"lr": 0.01, "weight_decay": 0.1, "amsgrad": True}),
    ("Adamax", {}),
    ("Adamax", {"lr": 0.01, "betas": [0.8, 0.9], "eps": 1e-2, "weight_decay": 0.1}),
    ("NAdam", {}),
    ("NAdam", {"lr": 0.01, "betas": [0.6, 0.9], "eps": 1e-3, "momentum_decay": 1.0}),
    ("NAdam", {"lr": 0.01, "weight_decay": 0.1, "maximize": True, "momentum_decay": 0.0}),
    ("NAdam", {"lr": 0.01, "weight_decay": 0.1, "decoupled_weight_decay": True}),
    ("RAdam", {"lr": 0.01}),
    ("RAdam", {"lr": 0.01, "betas": [0.8, 0.99], "eps": 1e-3, "weight_decay": 0.1}),
    ("RAdam", {"lr": 0.01, "betas": [0.8, 0.6], "weight_decay": 0.1}),
    ("RAdam", {"lr": 0.01, "weight_decay": 0.1, "decoupled_weight_decay": True}),
    ("Adadelta", {}),
    ("Adadelta", {"lr": 0.5, "rho": 0.8, "eps": 1e-3, "weight_decay": 0.01}),
    ("Rprop", {}),
    ("Rprop", {"lr": 0.1, "etas": [0.3, 1.5], "step_sizes": [0.04, 0.3], "maximize": True}),
    ("Adafactor", {"eps": [1e-8, 1e-3]}),
    ("Adafactor", {"lr": 1.0, "beta2_decay": -0.5, "eps": [0.5, 0.1], "weight_decay": 0.1}),
    ("Adafactor", {"lr": 0.1, "eps": [0.0, 10.0], "d": 2.0, "maximize": True}),
    ("Muon", {"lr": 0.01}),
    ("Muon", {"lr": 0.01, "adjust_lr_fn": "match_rms_adamw", "momentum": 0.5, "ns_steps": 2}),
    ("Muon", {"lr": 0.01, "nesterov": False, "weight_decay": 0.5}),
    ("SparseAdam", {"lr": 0.01}),
    ("SparseAdam", {"lr": 0.01, "betas": [0.8, 0.9], "eps": 1e-2, "maximize": True}),
    ("ASGD", {"lr": 0.1}),
    ("ASGD", {"lr": 0.1, "lambd": 0.1, "alpha": 0.5, "t0": 3, "weight_decay": 0.1}),
]


def numbers(seed):
    random = np.random.RandomState(seed)
    # Exact in float32 too, so that all optimizers start from the same numbers.
    return [
        random.standard_normal(shape).round(2).astype("float32").astype(float) for shape in SHAPES
    ]


START = numbers(1000)
GRADIENTS = [numbers(step) for step in range(STEPS)]


class ScheduleFreeAdamW(keras.optimizers.ScheduleFreeAdamW):
    """Over PyTorch, Keras's own reads an old value after it was overwritten in place."""

    def assign_sub(self, variable, value):
        variable._value = variable._value - value


def keras_trajectory(name, options):
    variables = [
        keras.Variable(value, dtype="float64", name=name)
        for value, name in zip(START, NAMES, strict=True)
    ]
    kind = globals().get(name) or getattr(keras.optimizers, name)
    optimizer = kind(**options)
    rows = {}
    for step in range(STEPS):
        optimizer.apply([torch.tensor(g) for g in GRADIENTS[step]], variables)
        if step in ROWS:
            rows[step] = flat([v.numpy() for v in variables])
    return rows


# PyTorch rounds here to bfloat16, which hides the formula.
torch.Tensor.bfloat16 = torch.Tensor.clone


def torch_trajectory(name, options):
    start = [value for value in START if name != "Muon" or value.ndim == 2]
    parameters = [torch.nn.Parameter(torch.tensor(value)) for value in start]
    optimizer = getattr(torch.optim, name)(parameters, **options)
    rows = {}
    for step in range(STEPS):
        gradients = [g for g in GRADIENTS[step] if name != "Muon" or g.ndim == 2]
        for parameter, gradient in zip(parameters, gradients, strict=True):
            if name == "SparseAdam":  # a row is absent in each step
                present = np.arange(len(gradient)) != step % len(gradient)
                gradient = (gradient.T * present).T
                parameter.grad = torch.tensor(gradient).to_sparse(1)
            else:
                parameter.grad = torch.tensor(gradient)
        optimizer.step()
        if step in ROWS:
            rows[step] = flat([p.detach().numpy() for p in parameters])
    return rows


def flat(values):
    return [float(f"{x:.12g}") for value in values for x in np.ravel(value)]


def cases(peer, trajectory, list_of_cases):
    return [
        {"peer": peer, "name": name, "options": options, "rows": trajectory(name, options)}
        for name, options in list_of_cases
    ]


if __name__ == "__main__":
    everything = cases("keras", keras_trajectory, KERAS) + cases("torch", torch_trajectory, TORCH)
    golden = {
        "start": [flat(START)],
        "gradients": [flat(step) for step in GRADIENTS],
        "cases": everything,
    }
    text = ",\n".join(
        f'"{key}": [\n' + ",\n".join(json.dumps(entry) for entry in entries) + "\n]"
        for key, entries in golden.items()
    )
    Path(__file__).with_name("optimizers.json").write_text("{\n" + text + "\n}\n")
