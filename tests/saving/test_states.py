"""fastdl.save and fastdl.load, and the format of their files."""

import io
import json
import os
import pathlib
import pickle
import struct

import numpy as np
import pytest

import fastdl
from fastdl import nn, optim
from fastdl.saving import safetensors

RNG = np.random.default_rng(3)


def independent_reader(data):
    """The tensors of a safetensors file, read by the words of the format's description."""
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    header.pop("__metadata__", None)
    values = data[8 + length :]
    kinds = {"F32": "<f4", "F16": "<f2", "BF16": "<u2", "I64": "<i8", "I32": "<i4", "I8": "i1"}
    kinds |= {"U8": "u1", "BOOL": "?", "F64": "<f8", "U64": "<u8", "I16": "<i2"}
    found = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        flat = np.frombuffer(values[begin:end], kinds[entry["dtype"]])
        found[name] = flat.reshape(entry["shape"])
    used = sorted(entry["data_offsets"] for entry in header.values())
    assert [begin for begin, _ in used] == [0, *(end for _, end in used[:-1])]
    assert not used or used[-1][1] == len(values)
    return found


def tensors_of_all_types():
    numbers = RNG.integers(0, 2, (3, 5))
    types = ("float32", "float16", "bfloat16", "int64", "int32", "int8", "uint8", "bool")
    made = {kind: fastdl.tensor(numbers).to(kind) for kind in types}
    return {**made, "empty": fastdl.zeros(0, 4), "scalar": fastdl.tensor(2.5)}


def test_the_file_is_as_the_format_says(tmp_path):
    tensors = tensors_of_all_types()
    fastdl.save(tensors, tmp_path / "t.safetensors")
    data = (tmp_path / "t.safetensors").read_bytes()
    found = independent_reader(data)
    assert list(found) == list(tensors)
    for name, tensor in tensors.items():
        wanted = tensor.float().numpy()
        got = found[name]
        if name == "bfloat16":  # the upper half of a float32
            got = (got.astype(np.uint32) << 16).view(np.float32)
        np.testing.assert_array_equal(got, wanted)
    assert (8 + struct.unpack("<Q", data[:8])[0]) % 64 == 0
    offsets = json.loads(data[8 : 8 + struct.unpack("<Q", data[:8])[0]])
    assert all(
        offsets[name]["data_offsets"][0] % tensors[name].element_size() == 0 for name in tensors
    )


def test_tensors_come_back(tmp_path):
    tensors = tensors_of_all_types()
    fastdl.save(tensors, tmp_path / "t.safetensors")
    for mmap in (None, True):
        again = fastdl.load(tmp_path / "t.safetensors", mmap=mmap)
        assert list(again) == list(tensors)
        for name, tensor in tensors.items():
            assert again[name].dtype == tensor.dtype and again[name].shape == tensor.shape
            assert fastdl.equal(again[name], tensor)
            again[name].zero_()  # memory of its own
    assert fastdl.equal(fastdl.load(tmp_path / "t.safetensors")["float32"], tensors["float32"])


def test_the_package_safetensors_reads_and_writes_it(tmp_path):
    package = pytest.importorskip("safetensors.numpy")
    fastdl.save({"b": fastdl.ones(2, 3), "a": fastdl.arange(4)}, tmp_path / "ours.safetensors")
    found = package.load_file(tmp_path / "ours.safetensors")
    np.testing.assert_array_equal(found["b"], np.ones((2, 3), "float32"))
    np.testing.assert_array_equal(found["a"], np.arange(4))
    arrays = {
        "x": RNG.standard_normal((3, 4)),
        "y": np.arange(5, dtype=np.int16),
        "z": np.array([True, False]),
    }
    package.save_file(arrays, tmp_path / "theirs.safetensors", metadata={"by": "them"})
    again = fastdl.load(tmp_path / "theirs.safetensors")
    np.testing.assert_array_equal(again["x"].numpy(), arrays["x"].astype("float32"))
    assert again["y"].dtype == "int32" and again["y"].tolist() == list(range(5))
    assert again["z"].tolist() == [True, False]


def test_a_checkpoint_of_a_loop(tmp_path):
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1))
    optimizer = optim.Adam(model.parameters(), lr=0.01, betas=(0.8, 0.99))
    scheduler = optim.lr_scheduler.StepLR(optimizer, 2)
    x = fastdl.randn(16, 4)

    def step():
        optimizer.zero_grad()
        model(x).square().mean().backward()
        optimizer.step()
        scheduler.step()

    for _ in range(3):
        step()
    state = {
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "scheduler": scheduler.state_dict(),
        "epoch": 3,
        "best": float("inf"),
        "names": ["a", None, True, (1, 2.5)],
        "history": np.arange(3) / 7,
        1: {"by number": np.float32(0.5)},
    }
    fastdl.save(state, tmp_path / "checkpoint")
    step()
    wanted = [p.numpy().copy() for p in model.parameters()]
    again = fastdl.load(tmp_path / "checkpoint")
    assert again["epoch"] == 3 and again["best"] == float("inf")
    assert again["names"] == ["a", None, True, (1, 2.5)] and again[1] == {"by number": 0.5}
    assert again["history"].dtype == np.float64
    np.testing.assert_array_equal(again["history"], state["history"])
    model.load_state_dict(again["model"])
    optimizer.load_state_dict(again["optimizer"])
    scheduler.load_state_dict(again["scheduler"])
    step()
    for got, value in zip(model.parameters(), wanted, strict=True):
        np.testing.assert_array_equal(got.numpy(), value)


@pytest.mark.parametrize(
    "value",
    [
        fastdl.ones(2),
        [],
        {},
        (),
        None,
        3,
        "text",
        [[[fastdl.ones(1)], {"x": ()}]],
        {"a.b": fastdl.ones(1), "a": {"b": fastdl.zeros(1)}},
        {"__metadata__": fastdl.ones(1)},
        {"ä€\U0001f600": fastdl.ones(1)},
        np.array(7, np.uint64),
        ["\ud800"],
    ],
)
def test_structures(value):
    file = io.BytesIO()
    fastdl.save(value, file)
    file.seek(0)
    again = fastdl.load(file)
    assert type(again) is type(value) and str(again) == str(value)


def test_tied_and_transposed_tensors():
    w = fastdl.arange(6).reshape(2, 3)
    file = io.BytesIO()
    fastdl.save({"a": w, "b": w, "c": w.t()}, file)
    again = fastdl.load(io.BytesIO(file.getvalue()))
    assert fastdl.equal(again["a"], again["b"]) and again["c"].tolist() == w.t().tolist()


class Something:
    pass


within = []
within.append(within)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"x": Something()}, r"obj\['x'\]: .* got Something"),
        ({"m": nn.Linear(2, 1)}, r"obj\['m'\]: .* got Linear; save its state_dict"),
        ([lambda: 0], r"obj\[0\]: .* got function"),
        ({(1, 2): 3}, "as keys, got"),
        ({"x": np.array([object()])}, "type object cannot be saved"),
        ({"x": 1j}, "got complex"),
        (within, "nested too deeply, or within itself"),
        ({"\ud800": fastdl.ones(1)}, "UTF-8"),
        ({"x"}, "got set"),
    ],
)
def test_what_cannot_be_saved(value, message, tmp_path):
    path = tmp_path / "x"
    path.write_bytes(b"old")
    with pytest.raises((TypeError, ValueError), match=message):
        fastdl.save(value, path)
    assert path.read_bytes() == b"old" and os.listdir(tmp_path) == ["x"]


def torch_save_like(tmp_path):
    """A file as torch.save writes it: a zip archive with a pickle in it."""
    import zipfile

    with zipfile.ZipFile(tmp_path / "x", "w") as archive:
        archive.writestr("x/data.pkl", pickle.dumps({}, 2))


OTHERS = {
    "torch": (torch_save_like, "safetensors.torch.save_file"),
    "pickle": (lambda d: (d / "x").write_bytes(pickle.dumps({1: "x" * 300}, 2)), "a pickle"),
    "hdf5": (lambda d: (d / "x").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100)), "HDF5"),
    "numpy": (lambda d: (d / "x").write_bytes(b"\x93NUMPY\x01\0v\0" + bytes(200)), "numpy.load"),
    "empty": (lambda d: (d / "x").write_bytes(b""), "beyond the end"),
    "text": (lambda d: (d / "x").write_text("hello world, how are you?"), "no safetensors file"),
}


@pytest.mark.parametrize("kind", OTHERS)
def test_files_of_other_kinds(kind, tmp_path):
    make, message = OTHERS[kind]
    make(tmp_path)
    with pytest.raises(ValueError, match=message):
        fastdl.load(tmp_path / "x")


def raw(header, values=b"", length=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + values


def entry(kind="F32", shape=(1,), places=(0, 4)):
    return {"dtype": kind, "shape": list(shape), "data_offsets": list(places)}


DAMAGED = {
    "long header": (raw({}, length=1 << 40), "a header of"),
    "beyond the file": (raw({}, length=100), "a header of"),
    "no json": (raw(b"{"), "no valid JSON"),
    "no utf-8": (raw(b'{"\xff": 1}'), "no valid JSON"),
    "a list": (raw([]), "expected an object, got list"),
    "deep": (raw(b"[" * 100_000), "nested too deeply|no valid JSON"),
    "twice": (
        raw(
            b'{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},'
            b'"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}',
            b"1",
        ),
        "'a' is there twice",
    ),
    "type": (raw({"a": entry("F4")}, bytes(4)), "tensor 'a': unknown type 'F4'"),
    "type of type": (raw({"a": entry(["F32"])}, bytes(4)), "tensor 'a': unknown type"),
    "negative size": (raw({"a": entry(shape=(-1,))}, bytes(4)), "'shape': expected"),
    "bool as size": (raw({"a": entry(shape=(True,))}, bytes(4)), "'shape': expected"),
    "fraction": (raw({"a": entry(shape=(1.0,))}, bytes(4)), "'shape': expected"),
    "huge": (raw({"a": entry(shape=(1 << 62, 1 << 62))}, bytes(4)), "does not fit 4 bytes"),
    "overflow": (raw({"a": entry(shape=(1 << 32, 1 << 32))}, bytes(4)), "does not fit 4 bytes"),
    "axes": (raw({"a": entry(shape=(1,) * 65)}, bytes(4)), "'shape': expected"),
    "backwards": (raw({"a": entry(places=(4, 0))}, bytes(4)), "'data_offsets': expected"),
    "beyond": (raw({"a": entry(shape=(2,), places=(0, 8))}, bytes(4)), "damaged or incomplete"),
    "overlap": (raw({"a": entry(), "b": entry()}, bytes(4)), "tensor 'b': its place overlaps"),
    "gap": (raw({"a": entry(places=(4, 8))}, bytes(8)), "tensor 'a': its place leaves a gap"),
    "more": (raw({"a": entry()}, bytes(8)), "end at byte 4, the file at 8"),
    "missing": (raw({"a": {"dtype": "F32"}}, bytes(4)), "tensor 'a': expected 'dtype', 'shape'"),
    "unknown": (raw({"a": {**entry(), "x": 1}}, bytes(4)), "tensor 'a': expected 'dtype'"),
    "metadata": (raw({"__metadata__": {"a": 1}}), "__metadata__"),
    "bool": (raw({"a": entry("BOOL", (2,), (0, 2))}, b"\1\2"), "neither 0 nor 1"),
    "uint64": (raw({"a": entry("U64", (1,), (0, 8))}, b"\xff" * 8), "does not fit int64"),
}
STRUCTURES = {
    "no tensor": ({"tensor": "b"}, "there is no tensor 'b'"),
    "unhashable": ({"tensor": []}, "fastdl.structure"),
    "kind": ({"module": "os"}, "expected a tensor"),
    "nothing": ({}, "expected a tensor"),
    "two": ({"tensor": "a", "array": "a"}, "expected a tensor"),
    "pairs": ({"dict": [[1]]}, "expected pairs"),
    "key": ({"dict": [[[1], 2]]}, "expected pairs"),
    "no list": ({"tuple": {"list": 3}}, "expected a list"),
}
for name, (structure, message) in STRUCTURES.items():
    metadata = {"fastdl.structure": json.dumps(structure)}
    DAMAGED[f"structure: {name}"] = raw({"__metadata__": metadata, "a": entry()}, bytes(4)), message


@pytest.mark.parametrize("kind", DAMAGED)
def test_damaged_files(kind, tmp_path):
    data, message = DAMAGED[kind]
    (tmp_path / "x").write_bytes(data)
    for mmap in (False, True):
        with pytest.raises(ValueError, match=message):
            fastdl.load(tmp_path / "x", mmap=mmap)


def test_each_cut_is_noticed(tmp_path):
    file = io.BytesIO()
    fastdl.save({"a": fastdl.ones(3), "b": {"c": fastdl.arange(2)}}, file)
    data = file.getvalue()
    for size in range(len(data)):
        with pytest.raises(ValueError):
            fastdl.load(io.BytesIO(data[:size]))


def test_values_at_places_that_are_not_aligned(tmp_path):
    values = np.arange(3, dtype="<f4").tobytes()
    header = {"a": entry("U8", (1,), (0, 1)), "b": entry(shape=(3,), places=(1, 13))}
    (tmp_path / "x").write_bytes(raw(header, b"\7" + values))
    for mmap in (False, True):
        again = fastdl.load(tmp_path / "x", mmap=mmap)
        assert again["b"].tolist() == [0.0, 1.0, 2.0] and (again["b"] + 1).sum().item() == 6


def test_other_arguments(tmp_path):
    path = str(tmp_path / "x")
    fastdl.save({"a": fastdl.ones(1)}, path)
    assert fastdl.load(path, "cpu", weights_only=True)["a"].tolist() == [1.0]
    assert fastdl.load(pathlib.Path(path), map_location=fastdl.device("cpu"))
    with open(path, "rb") as file:
        assert fastdl.load(file)["a"].tolist() == [1.0]
    for call, message in (
        (lambda: fastdl.load(path, "cuda:7"), "unknown device"),
        (lambda: fastdl.load(path, mmap="yes"), "mmap"),
        (lambda: fastdl.load(io.BytesIO(), mmap=True), "mmap: expected a path"),
        (lambda: fastdl.load(3), "expected a path, got int"),
        (lambda: fastdl.save({}, 3), "expected a path, got int"),
        (lambda: fastdl.load(path + "y"), "xy"),
    ):
        with pytest.raises((ValueError, TypeError, OSError, RuntimeError), match=message):
            call()


def test_names_of_types_are_all_known():
    # Every type of a tensor can be written.
    for tensor in tensors_of_all_types().values():
        safetensors.write(io.BytesIO(), {"x": tensor})
