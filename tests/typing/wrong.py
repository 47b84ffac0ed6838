"""Mistakes, each with the error that mypy gives for it."""

# ruff: noqa: B018, F841

import numpy as np
from numpy.typing import NDArray

import fastdl
from fastdl import Tensor, callbacks, layers, losses, nn, ops, optim, optimizers
from fastdl.models import Model, Sequential
from fastdl.nn import functional as F


def methods(t: Tensor) -> None:
    t.foo()  # E: "Tensor" has no attribute "foo"  [attr-defined]
    t.sum(dim="rows")  # E: Argument "dim" to "sum" of "TensorMethods" has incompatible type "str"
    t.sum(dims=0)  # E: Unexpected keyword argument "dims" for "sum" of "TensorMethods"
    t.add("one")  # E: Argument 1 to "add" of "TensorMethods" has incompatible type "str"
    t.view("all")  # E: Argument 1 to "view" of "TensorMethods" has incompatible type "str"
    t.max(dim=0).tolist()  # E: "ValuesIndices" has no attribute "tolist"
    t.relu(1)  # E: Too many arguments for "relu" of "TensorMethods"
    t.topk()  # E: Missing positional argument "k" in call to "topk" of "TensorMethods"
    t + "a"  # E: Unsupported operand types for + ("Tensor" and "str")
    t["first"]  # E: Invalid index type "str" for "Tensor"
    t.to(device=0)  # E: Argument "device" to "to" of "TensorMethods" has incompatible type "int"
    t.to(dtyp="int32")  # E: Unexpected keyword argument "dtyp" for "to" of "TensorMethods"
    t.device = 3  # E: Property "device" defined in "TensorMethods" is read-only
    count: int = t.size()  # E: Incompatible types in assignment
    row: list[int] = t.shape  # E: Incompatible types in assignment


def functions(t: Tensor) -> None:
    fastdl.cat(t, axis="last")  # E: Argument "axis" to "cat" has incompatible type "str"
    fastdl.relu(object())  # E: Argument 1 to "relu" has incompatible type "object"
    fastdl.no_such_name  # E: Module has no attribute "no_such_name"
    ops.softmax(t, axis="last")  # E: Argument "axis" to "softmax" has incompatible type "str"
    fastdl.zeros("two")  # E: Argument 1 to "zeros" has incompatible type "str"
    fastdl.tensor(None)  # E: Argument 1 to "tensor" has incompatible type "None"
    ops.relu(None)  # E: Argument 1 to "relu" has incompatible type "None"
    F.cross_entropy(t)  # E: Missing positional argument "target" in call to "cross_entropy"
    losses.mean_squared_error(t, "y")  # E: Argument 2 to "mean_squared_error" has incompatible


def classes(net: nn.Module) -> None:
    nn.Linear(3)  # E: Missing positional argument "out_features" in call to "Linear"
    nn.Linear("3", 4)  # E: Argument 1 to "Linear" has incompatible type "str"
    nn.Sequential(nn.Linear(3, 4), "relu")  # E: No overload variant of "Sequential" matches
    nn.ModuleList([nn.Linear(3, 4), F.relu])  # E: has incompatible type
    nn.LSTM(3)  # E: Missing positional argument "hidden_size" in call to "LSTM"
    nn.Embedding(3, 4, padding_idx="no")  # E: Argument "padding_idx" to "Embedding" has
    nn.GRUCell(3, 4)(None)  # E: Argument 1 to "__call__" of "RNNCellBase" has incompatible type
    layers.LSTM(3, return_sequence=True)  # E: Unexpected keyword argument "return_sequence" for
    layers.MultiHeadAttention(2)  # E: Missing positional argument "key_dim" in call to
    net.load_state_dict({"weight": None})  # E: Dict entry 0 has incompatible type "str": "None"
    net.register_buffer("total", 3)  # E: Argument 2 to "register_buffer" of "Module" has
    layers.Dense("ten")  # E: Argument 1 to "Dense" has incompatible type "str"
    layers.Dense(3, activation=5)  # E: Argument "activation" to "Dense" has incompatible type "int"
    layers.Dense(3, kernel_initializer=0.1)  # E: Argument "kernel_initializer" to "Dense" has
    layers.Layer().add_weight("2")  # E: Argument 1 to "add_weight" of "LayerState" has incompatible
    optimizers.SGD("fast")  # E: Argument 1 to "SGD" has incompatible type "str"
    optim.SGD(0.1)  # E: Argument 1 to "SGD" has incompatible type "float"
    optim.Adam(net.parameters(), betas=0.9)  # E: Argument "betas" to "Adam" has incompatible
    optim.SGD(net.parameters()).step(len)  # E: Argument 1 to "step" of "Optimizer" has


def options(model: Sequential, x: NDArray[np.float32]) -> None:
    layers.Dense(3, nmae="dense")  # E: Unexpected keyword argument "nmae" for "Dense"
    layers.add(layers.Input((2,)))  # E: Argument 1 to "__call__" of "MergeFunction" has
    layers.Dropout(0.1, trainable="no")  # E: Argument "trainable" to "Dropout" has incompatible
    optimizers.Adam(clipnom=1.0)  # E: Unexpected keyword argument "clipnom" for "Adam"
    model.optimizer.learning_rate = "fast"  # E: Incompatible types in assignment
    model.compile(loss=3)  # E: Argument "loss" to "compile" of "Trainer" has incompatible
    model.compile(metrics="mae")  # E: Argument "metrics" to "compile" of "Trainer" has incompatible
    model.compile(jit_compile="yes")  # E: Argument "jit_compile" to "compile" of "Trainer" has


def training(model: Sequential, x: NDArray[np.float32]) -> None:
    model.fit("x.npy")  # E: Argument 1 to "fit" of "Trainer" has incompatible type "str"
    model.fit(x, x, callbacks=["stop"])  # E: List item 0 has incompatible type "str"
    model.fit(x, x).history["loss"].mean()  # E: "list[float | Any]" has no attribute "mean"
    model.add("dense")  # E: Argument 1 to "add" of "Sequential" has incompatible type "str"
    Model(3, 4)  # E: No overload variant of "Model" matches argument types "int", "int"


class Report(callbacks.Callback):
    def on_epoch_end(self, epoch: int) -> None:  # E: Signature of "on_epoch_end" incompatible
        pass
