"""Writes schedules.json: learning rates by Keras's schedules and PyTorch's schedulers.

KERAS_BACKEND=torch python schedules.py
"""

import json
import warnings
from pathlib import Path

import keras
import torch

keras.config.set_floatx("float64")
warnings.simplefilter("ignore")  # PyTorch's about schedulers without steps of the optimizer

KERAS = [
    ("ExponentialDecay", [0.1, 10, 0.5], {}),
    ("ExponentialDecay", [0.1, 10, 0.5], {"staircase": True}),
    ("InverseTimeDecay", [0.1, 10, 0.5], {}),
    ("InverseTimeDecay", [0.1, 10, 0.5], {"staircase": True}),
    ("PiecewiseConstantDecay", [[5, 11], [1.0, 0.5, 0.1]], {}),
    ("PolynomialDecay", [0.1, 10], {}),
    ("PolynomialDecay", [0.1, 7, 0.01, 2.0], {"cycle": True}),
    ("CosineDecay", [0.1, 12], {}),
    ("CosineDecay", [0.01, 12, 0.1], {"warmup_target": 0.1, "warmup_steps": 5}),
    ("CosineDecayRestarts", [0.1, 4], {}),
    ("CosineDecayRestarts", [0.1, 5, 1.0, 0.8, 0.1], {}),
    ("CosineDecayRestarts", [0.1, 3, 1.5, 0.9], {}),
    ("ExponentialDecay", [0.1, 2.5, 2.0, True], {}),
    ("ExponentialDecay", [0.1, 3, -0.5, True], {}),
    ("ExponentialDecay", [0.1, 1, 0.0], {}),
    ("InverseTimeDecay", [0.1, 2.5, 2.0], {}),
    ("PiecewiseConstantDecay", [[0.5, 2.5, 2.5], [0.3, 0.4, 7.0, 1.0]], {}),
    ("PolynomialDecay", [0.1, 4, 0.2, 0.5], {"cycle": True}),
    ("PolynomialDecay", [0.1, 2.5, -0.1, 3], {}),
    ("PolynomialDecay", [0.1, 5, 0.01, 0.0], {}),
    ("CosineDecay", [0.1, 7.5, 1.5], {}),
    ("CosineDecay", [-0.1, 10, 0.2], {"warmup_target": 0.0, "warmup_steps": 3}),
    ("CosineDecay", [0.5, 10, 0.2], {"warmup_target": 0.1, "warmup_steps": 7.5}),
    ("CosineDecay", [0.5, 10], {"warmup_target": 0.1}),
    ("CosineDecay", [0.5, 10], {"warmup_steps": 5}),
    ("CosineDecayRestarts", [0.1, 2.5, 1, 2.0, 0.2], {}),
    ("CosineDecayRestarts", [0.1, 1, 3, -1.0, 0.5], {}),
    ("CosineDecayRestarts", [0.1, 15, 0.5, 0.5, 0.2], {}),
]
KERAS_STEPS = 25

TORCH = [
    ("StepLR", {"step_size": 4, "gamma": 0.5}),
    ("MultiStepLR", {"milestones": [3, 8, 8], "gamma": 0.5}),
    ("ExponentialLR", {"gamma": 0.9}),
    ("LinearLR", {}),
    ("LinearLR", {"start_factor": 0.5, "end_factor": 0.1, "total_iters": 8}),
    ("ConstantLR", {}),
    ("ConstantLR", {"factor": 0.5, "total_iters": 3}),
    ("PolynomialLR", {"total_iters": 8, "power": 2.0}),
    ("CosineAnnealingLR", {"T_max": 7, "eta_min": 0.01}),
    ("CosineAnnealingWarmRestarts", {"T_0": 4}),
    ("CosineAnnealingWarmRestarts", {"T_0": 3, "T_mult": 2, "eta_min": 0.01}),
    ("OneCycleLR", {"max_lr": 1.0, "total_steps": 20}),
    (
        "OneCycleLR",
        {
            "max_lr": [1.0, 0.5],
            "epochs": 5,
            "steps_per_epoch": 4,
            "anneal_strategy": "linear",
            "three_phase": True,
        },
    ),
]
TORCH_STEPS = 19
METRICS = [1.0, 0.9, 0.95, 0.91, 0.9, 0.92, 0.5, 0.6, 0.55, 0.6, 0.7, 0.5, 0.51, 0.52, 0.53, 0.54]
PLATEAU = [
    {"patience": 1, "factor": 0.5},
    {"patience": 2, "threshold": 0.2, "threshold_mode": "abs", "cooldown": 1, "min_lr": 0.02},
    {"mode": "max", "patience": 1, "factor": 0.3, "min_lr": [0.01, 0.001]},
]


def torch_optimizer():
    groups = [
        {"params": [torch.nn.Parameter(torch.ones(1))]},
        {"params": [torch.nn.Parameter(torch.ones(1))], "lr": 0.02},
    ]
    return torch.optim.Adam(groups, lr=0.1)


def keras_rates(name, arguments, options):
    schedule = getattr(keras.optimizers.schedules, name)(*arguments, **options)
    return [float(schedule(torch.tensor(float(step)))) for step in range(KERAS_STEPS)]


def torch_rates(name, options):
    optimizer = torch_optimizer()
    scheduler = getattr(torch.optim.lr_scheduler, name)(optimizer, **options)
    rates = [scheduler.get_last_lr()]
    for _ in range(TORCH_STEPS):
        scheduler.step()
        rates.append(scheduler.get_last_lr())
    return rates, optimizer.param_groups[0]["betas"][0]


def plateau_rates(options):
    optimizer = torch_optimizer()
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, **options)
    rates = []
    for metric in METRICS:
        scheduler.step(metric)
        rates.append(scheduler.get_last_lr())
    return rates


def rounded(x):
    return [rounded(v) for v in x] if isinstance(x, (list, tuple)) else float(f"{x:.12g}")


if __name__ == "__main__":
    golden = {
        "keras": [
            {"name": n, "arguments": a, "options": o, "rates": rounded(keras_rates(n, a, o))}
            for n, a, o in KERAS
        ],
        "torch": [
            {"name": n, "options": o, "rates": rounded(rates), "beta": rounded(beta)}
            for n, o in TORCH
            for rates, beta in [torch_rates(n, o)]
        ],
        "plateau": [
            {"options": o, "metrics": METRICS, "rates": rounded(plateau_rates(o))} for o in PLATEAU
        ],
    }
    text = ",\n".join(
        f'"{key}": [\n' + ",\n".join(json.dumps(case) for case in cases) + "\n]"
        for key, cases in golden.items()
    )
    Path(__file__).with_name("schedules.json").write_text("{\n" + text + "\n}\n")
