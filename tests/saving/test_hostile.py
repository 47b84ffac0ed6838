"""Files that were made to do harm, and files that are damaged: an error that names the place."""

import io
import json
import random
import struct
import zipfile

import fuzz
import numpy as np
import pytest

import fastdl
from fastdl import layers, models


@pytest.fixture(scope="module")
def parts():
    """The parts of a good file."""
    model = models.Sequential([layers.Input((3,)), layers.Dense(2, name="dense")], name="m")
    model.compile("adam", "mse")
    model.fit(np.ones((4, 3)), np.ones((4, 2)), verbose=0)
    from fastdl.saving import archive
    from fastdl.saving.models import parts_of

    file = io.BytesIO()
    archive.write(file, parts_of(model, True))
    with zipfile.ZipFile(file) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def archive_of(parts, compression=zipfile.ZIP_STORED):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, content in parts.items() if isinstance(parts, dict) else parts:
            archive.writestr(name, content)
    return file.getvalue()


def with_config(parts, change):
    config = json.loads(parts["config.json"])
    change(config)
    return {**parts, "config.json": json.dumps(config).encode()}


def dense(config):
    return next(x for x in config["config"]["layers"] if x["class_name"] == "Dense")


def set_units(units):
    def change(config):
        dense(config)["config"]["units"] = units

    return lambda parts: archive_of(with_config(parts, change))


def set_class(name, config=None):
    def change(whole):
        layer = dense(whole)
        layer["class_name"] = name
        if config is not None:
            layer["config"] = config

    return lambda parts: archive_of(with_config(parts, change))


def a_graph(function, args):
    """A functional model with a call of this function in its graph."""
    x = {
        "class_name": "__keras_tensor__",
        "config": {"shape": [None, 3], "dtype": "float32", "keras_history": ["x", 0, 0]},
    }

    def change(config):
        config["class_name"] = "Functional"
        config["config"] = {
            "name": "m",
            "layers": [
                {
                    "class_name": "InputLayer",
                    "name": "x",
                    "config": {"batch_shape": [None, 3], "name": "x"},
                    "inbound_nodes": [],
                },
                {
                    "class_name": "Operation",
                    "name": "f",
                    "config": {"name": "f", "kind": "f", "function": function},
                    "inbound_nodes": [{"args": [x if a == "x" else a for a in args], "kwargs": {}}],
                },
            ],
            "input_layers": [["x", 0, 0]],
            "output_layers": [["f", 0, 0]],
        }

    return lambda parts: archive_of(with_config(parts, change))


def overlapping(parts):
    """Two entries of the list of parts that point at the same bytes."""
    data = bytearray(archive_of({**parts, "training2json": parts["training.json"]}))
    first = data.index(b"PK\x01\x02")
    places = []
    while data[first : first + 4] == b"PK\x01\x02":
        name, extra, comment = struct.unpack("<3H", data[first + 28 : first + 34])
        places.append(first)
        first += 46 + name + extra + comment
    one, other = places[0], places[1]
    data[other + 42 : other + 46] = data[one + 42 : one + 46]
    return bytes(data)


def bomb(parts):
    return archive_of({**parts, "config.json": b" " * 50_000_000}, zipfile.ZIP_DEFLATED)


def flipped_value(parts):
    data = bytearray(archive_of(parts))
    place = data.index(parts["weights.safetensors"][-8:])
    data[place] ^= 1
    return bytes(data)


def flag(bit):
    def change(parts):
        data = bytearray(archive_of(parts))
        place = data.index(b"PK\x01\x02")
        data[place + 8] |= bit
        return bytes(data)

    return change


HOSTILE = {
    "nothing": (lambda p: b"", "beyond the end|no file of save"),
    "cut": (lambda p: archive_of(p)[:-40], "no zip archive, or it is damaged"),
    "text": (lambda p: b"PK\x03\x04 but no archive", "no zip archive, or it is damaged"),
    "safetensors": (lambda p: p["weights.safetensors"], "load_weights"),
    "bomb": (bomb, r"part '.*': it is compressed"),
    "encrypted": (flag(1), "it is encrypted"),
    "overlap": (overlapping, "overlaps another part|begin where|two parts"),
    "flipped": (flipped_value, "weights.safetensors.*checksum is wrong"),
    "twice": (
        lambda p: archive_of({**p, "config.jsom": b"{}"}).replace(b"config.jsom", b"config.json"),
        "two parts of this name",
    ),
    "path": (
        lambda p: archive_of({**p, "../../../tmp/evil": b"x"}),
        "unknown part '../../../tmp/evil'",
    ),
    "many": (lambda p: archive_of({**p, **{f"{i}": b"" for i in range(2000)}}), "at most 1000"),
    "no weights": (
        lambda p: archive_of({k: v for k, v in p.items() if k[0] != "w"}),
        "'weights.safetensors' is missing",
    ),
    "no metadata": (
        lambda p: archive_of({k: v for k, v in p.items() if k[0] != "m"}),
        "'metadata.json' is missing",
    ),
    "future": (
        lambda p: archive_of({**p, "metadata.json": b'{"format": 99, "fastdl": "9.9"}'}),
        r"fastdl 9\.9 wrote it in format 99; .* update fastdl",
    ),
    "format": (
        lambda p: archive_of({**p, "metadata.json": b'{"format": "one"}'}),
        "expected 'format' 1",
    ),
    "deep": (
        lambda p: archive_of({**p, "config.json": b'{"a":' * 100_000}),
        "nested too deeply|no valid JSON",
    ),
    "deep list": (
        lambda p: archive_of(
            with_config(p, lambda c: c["config"].update(layers=json.loads("[" * 900 + "]" * 900)))
        ),
        r"config\.json",
    ),
    "names twice": (
        lambda p: archive_of({**p, "config.json": b'{"class_name": "a", "class_name": "b"}'}),
        "'class_name' is there twice",
    ),
    "no model": (
        lambda p: archive_of({**p, "config.json": b'{"class_name": "Dense", "config": {}}'}),
        r"config\.json",
    ),
    "layer": (
        lambda p: archive_of(
            {**p, "config.json": b'{"class_name": "Dense", "config": {"units": 2}}'}
        ),
        "expected a model, got a Dense",
    ),
    "unknown class": (set_class("Evil"), "unknown layer 'Evil'"),
    "class of a module": (set_class("os.system"), "unknown layer 'os.system'"),
    "class is a list": (set_class(["Dense"]), "name of a layer's class"),
    "unknown argument": (set_class("Dense", {"units": 2, "evil": 1}), "evil"),
    "huge": (set_units(10**12), r"config\.json: .*larger than what the file has"),
    "large": (set_units(10**6), r"larger than what the file has"),
    "more than 64 bits": (set_units(2**70), r"config\.json: .*units"),
    "negative": (set_units(-1), r"config\.json: .*units"),
    "lambda": (
        set_class("Lambda", {"name": "l", "function": {"class_name": "__lambda__", "config": {}}}),
        r"config\.json",
    ),
    "function of a module": (
        set_class(
            "Lambda", {"name": "l", "function": {"class_name": "function", "config": "exec"}}
        ),
        "unknown function 'exec'",
    ),
    "import": (a_graph("fastdl._base.registry:import_module", ["os"]), "expected a function of"),
    "os": (a_graph("os:system", ["x"]), "expected a function of"),
    "cli": (a_graph("fastdl.__main__:main", ["x"]), "expected a function of"),
    "saves": (a_graph("fastdl:save", ["x", "evil"]), "expected a function of"),
    "private": (a_graph("fastdl:_import_module", ["x"]), "expected a function of"),
    "operator": (a_graph("_operator:call", ["x"]), "expected a function of"),
    "attribute": (a_graph("_operator:attrgetter", ["x"]), "expected a function of"),
    "no input": (a_graph("fastdl:tanh", [[1.0, 2.0]]), "without an input"),
    "memory": (a_graph("fastdl.ops:repeat", ["x", 10**12]), r"config\.json"),
    "much memory": (a_graph("fastdl.ops:repeat", ["x", 10**9]), r"config\.json"),
    "no compile": (
        lambda p: archive_of(with_config(p, lambda c: c.update(compile_config={"optimizer": 3}))),
        "compile_config",
    ),
    "other optimizer": (
        lambda p: archive_of(
            with_config(p, lambda c: c["compile_config"]["optimizer"].update(class_name="SGD"))
        ),
        r"compile_config|training\.json",
    ),
    "seed": (
        lambda p: archive_of(
            {**p, "training.json": b'{"random": {"library": [-1, 1e400], "generators": []}}'}
        ),
        r"training\.json",
    ),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_files(kind, parts, tmp_path):
    make, message = HOSTILE[kind]
    (tmp_path / "m.fastdl").write_bytes(make(parts))
    state, names = fastdl.get_rng_state(), dict(fastdl.utils.get_custom_objects())
    with pytest.raises(ValueError, match=message) as caught:
        models.load_model(tmp_path / "m.fastdl")
    assert "m.fastdl" in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["m.fastdl"]
    assert fastdl.get_rng_state() == state and fastdl.utils.get_custom_objects() == names
    assert fastdl.zeros(1 << 20).numel() == 1 << 20  # the limit of memory is lifted


def test_the_good_file(parts, tmp_path):
    (tmp_path / "m.fastdl").write_bytes(archive_of(parts))
    assert models.load_model(tmp_path / "m.fastdl").count_params() == 8


def test_a_long_graph_in_reverse_order_takes_linear_time():
    x = y = layers.Input((2,), name="x")
    for i in range(1500):
        y = fastdl.tanh(y) if i % 2 else y + 1.0
    config = models.Model(x, y).get_config()
    config["layers"].reverse()
    again = models.Model.from_config(config)
    assert len(again.outputs) == 1


@pytest.mark.parametrize("seed", range(4))
def test_mutated_files(seed, tmp_path):
    refused, _, most = fuzz.run(tmp_path, 150, seed)
    assert refused > 75
    assert most < 100 << 20  # bytes of Python's memory


def test_mutations_change_files():
    rng = random.Random(0)
    data = bytes(range(256)) * 4
    assert sum(fuzz.flipped(data, rng) != data for _ in range(100)) > 90
