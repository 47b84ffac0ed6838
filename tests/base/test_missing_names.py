"""An AttributeError says if Keras or PyTorch has the name."""

import builtins

import pytest

import fastdl
from fastdl import nn
from fastdl._base.missing import peer_names, reason


def check_message(owner, label, name, peer):
    with pytest.raises(AttributeError) as raised:
        getattr(owner, name)
    version = fastdl.__version__.rpartition(".")[0]
    end = f": {peer} is not in fastdl {version}" if peer else ""
    if peer:
        end += f": {reason(peer)}"
        assert reason(peer)
    assert str(raised.value) == f"{label} has no attribute {name!r}{end}"


@pytest.mark.parametrize(
    ("module", "name", "peer"),
    [
        (fastdl.layers, "LocallyConnected1D", None),
        (fastdl.callbacks, "OrbaxCheckpoint", "keras.callbacks.OrbaxCheckpoint"),
        (nn, "SyncBatchNorm", "torch.nn.SyncBatchNorm"),
        (nn.functional, "scaled_mm", "torch.nn.functional.scaled_mm"),
        (
            fastdl.optim,
            "swap_in_optimizer_params_and_state",
            "torch.optim.swap_in_optimizer_params_and_state",
        ),
        (fastdl, "float64", "torch.float64"),
        (fastdl.fft, "rfft", "torch.fft.rfft"),
        (fastdl, "no_such_name", None),
    ],
)
def test_names_of_the_peers(module, name, peer):
    check_message(module, f"module {module.__name__!r}", name, peer)


@pytest.mark.parametrize(
    ("owner", "name", "peer"),
    [
        (fastdl.ones(2), "double", "torch.Tensor.double"),
        (fastdl.ones(2), "no_such_name", None),
    ],
)
def test_names_of_the_peers_tensors(owner, name, peer):
    check_message(owner, f"{type(owner).__name__!r} object", name, peer)
    assert not hasattr(owner, name)


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("load_model", "fastdl.models.load_model"),
        ("Dense", "fastdl.layers.Dense"),
        ("EarlyStopping", "fastdl.callbacks.EarlyStopping"),
        ("pool", None),
        ("_private", None),
    ],
)
def test_names_of_other_modules(name, place):
    with pytest.raises(AttributeError) as raised:
        getattr(fastdl, name)
    end = f"; it is {place}" if place else ""
    assert str(raised.value) == f"module 'fastdl' has no attribute {name!r}{end}"


def test_files_of_functions_are_not_attributes():
    for name in ("indexing", "decompositions"):  # before and after its first use
        fastdl.det(fastdl.eye(1))
        with pytest.raises(AttributeError, match=rf"has no attribute '{name}'"):
            getattr(fastdl, name)


def test_pytorchs_functions_are_not_in_ops():
    with pytest.raises(AttributeError, match=r"fastdl itself those of PyTorch"):
        _ = fastdl.ops.cat


def test_lists_of_names():
    names = peer_names()
    assert {"Conv2D", "LSTM"} <= names["keras.layers"] and {"Conv2d", "LSTM"} <= names["torch.nn"]
    assert not any(name.startswith("_") for known in names.values() for name in known)


def test_dir_shows_public_names():
    names = dir(fastdl)
    assert {"Tensor", "layers", "zeros", "cat", "__version__"} <= set(names)
    assert [name for name in names if name.startswith("_")] == ["__version__"]
    assert "Variable" in names and not {"annotations", "TYPE_CHECKING"} & set(names)


def test_star_imports_spare_the_names_of_python():
    names = {}
    exec("from fastdl import *", names)
    assert names["zeros"] is fastdl.zeros and names["layers"] is fastdl.layers
    del names["__builtins__"]
    assert not set(names) & set(dir(builtins))
