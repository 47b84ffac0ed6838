"""Bad arguments of a model's methods: an error names the method and the argument, or it works."""

import re
import warnings

import numpy as np
import pytest
from hostile import HOSTILE, NO_NUMBERS, REFUSALS, X

import fastdl
from fastdl import layers

TARGETS = np.array([[0.0], [1.0]], np.float32)
DATA = {"x": X, "y": TARGETS}
VALIDATION = {"validation_data": (X, TARGETS)}
SILENT = {"verbose": 0}
LABELS = {"y": np.array([0, 1])}
# Values that only a method of a model gets.
MORE = {"texts": np.array(["a", "b"]), "set": {1}, "class": dict, "zero": 0, "one": "1"}
# What each method needs by argument; what an argument needs beside itself stands in BESIDE.
METHODS = {
    "fit": {
        **dict.fromkeys(("batch_size", "callbacks", "class_weight", "validation_data"), None),
        **dict.fromkeys(("steps_per_epoch", "validation_steps", "validation_batch_size"), None),
        **{"epochs": 1, "initial_epoch": 0, "validation_split": 0.0, "validation_freq": 1},
        **{"sample_weight": None, "shuffle": True, **DATA, **SILENT},
    },
    "evaluate": {
        **dict.fromkeys(("batch_size", "steps", "callbacks", "sample_weight"), None),
        **{"return_dict": False, **DATA, **SILENT},
    },
    "predict": {**dict.fromkeys(("batch_size", "steps", "callbacks"), None), "x": X, **SILENT},
    "train_on_batch": {"sample_weight": None, "class_weight": None, "return_dict": False, **DATA},
    "test_on_batch": {"sample_weight": None, "return_dict": False, **DATA},
    "predict_on_batch": {"x": X},
    "compile": {
        **dict.fromkeys(("loss_weights", "metrics", "weighted_metrics"), None),
        **{"optimizer": "sgd", "loss": "mse", "jit_compile": "auto"},
        **{"run_eagerly": False, "steps_per_execution": 1},
    },
    "build": {"input_shape": (2, 3)},
    "summary": {
        **dict.fromkeys(("line_length", "positions", "layer_range"), None),
        **{"print_fn": lambda text: None, "expand_nested": False, "show_trainable": False},
    },
}
BESIDE = {
    "class_weight": LABELS,
    "validation_steps": VALIDATION,
    "validation_batch_size": VALIDATION,
    "validation_freq": VALIDATION,
}
# (method, argument): kinds that a layer or the user's function refuses, which names itself.
NAMED_BY_OTHERS = {
    ("fit", "epochs"): ("huge",),  # nothing is wrong with it, but it takes a while
    ("predict_on_batch", "x"): ("nan", "inf", "negative", "true", "half", "zero"),
    ("compile", "loss"): ("class", "None"),  # layers may add losses
    ("compile", "optimizer"): ("None",),  # for evaluate
    ("build", "input_shape"): ("list",),
    **{(method, "sample_weight"): ("tensor",) for method in METHODS},  # the loss sees its shape
    ("summary", "print_fn"): ("class",),
}
FLAGS = ("shuffle", "return_dict", "run_eagerly", "expand_nested", "show_trainable")
COUNTS = ("batch_size", "epochs", "steps", "steps_per_epoch", "validation_steps", "line_length")


def method_fault(method, argument, kind, value):
    if kind in NAMED_BY_OTHERS.get((method, argument), ()):
        return None
    trained = fastdl.Sequential([layers.Dense(1)])
    trained.compile("sgd", "mse")
    if method == "summary":
        trained.build((2, 3))
    given = {**METHODS[method], **BESIDE.get(argument, {}), argument: value}
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            getattr(trained, method)(**given)
            if method == "compile":
                trained.fit(X, TARGETS, verbose=0)
    except REFUSALS as error:
        text = str(error)
        named = re.search(rf"(?<!\w){method}: (.*: )?{argument}(?!\w)", text)
        return None if named else f"not named: {type(error).__name__}: {text}"
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    none = kind in ("None", *["list"] * (argument not in (*FLAGS, *COUNTS)))
    refused = kind in NO_NUMBERS and not none and argument in (*FLAGS, *COUNTS)
    return "accepted" if refused else None


@pytest.mark.parametrize("method", METHODS)
def test_a_bad_argument_of_a_model_is_named(method):
    faults = []
    for argument in METHODS[method]:
        for kind, value in {**HOSTILE, **MORE}.items():
            found = method_fault(method, argument, kind, value)
            if found:
                faults.append(f"{argument}={kind}: {found}")
    assert not faults, "\n" + "\n".join(faults)


def compiled():
    net = fastdl.Sequential([layers.Dense(1)])
    net.compile("sgd", "mse")
    return net


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: compiled().fit(X, TARGETS, validation_data=("a", TARGETS), verbose=0),
            "fit: validation_data: x: expected numbers",
        ),
        (
            lambda: compiled().fit(iter([(X, TARGETS, 1, 2)]), verbose=0),
            "fit: expected batches of x, .* got a tuple of 4",
        ),
        (
            lambda: compiled().fit(X, LABELS["y"], class_weight={0: "a"}, verbose=0),
            r"fit: class_weight\[0\]: expected a finite number, got 'a'",
        ),
        (
            lambda: compiled().evaluate(X, [TARGETS, TARGETS], verbose=0),
            "evaluate: y: expected 1 entries, one for each output, got 2",
        ),
        (
            lambda: compiled().fit(X, TARGETS, sample_weight=[X, X], verbose=0),
            "fit: sample_weight: expected 1 entries, one for each output, got 2",
        ),
    ],
)
def test_the_message_says_what_was_expected(call, message):
    with pytest.raises((TypeError, ValueError), match=message):
        call()
