"""Mutated files for load_model, load_weights, load and restore: they may fail, with a ValueError.

`python tests/saving/fuzz.py COUNT SEED` tries that many, for a run under sanitizers.
"""

import copy
import io
import json
import pathlib
import random
import sys
import tempfile
import time
import tracemalloc
import warnings
import zipfile

import numpy as np

import fastdl
from fastdl import layers, models

ALLOWED = (ValueError,)


def originals(folder):
    """The files to mutate, each with the function that reads it."""
    x = np.random.default_rng(0).standard_normal((12, 4)).astype(np.float32)
    a = layers.Input((4,), name="a")
    b = layers.Dense(3, activation="relu", kernel_regularizer="l2", name="b")(a[:, :4] * 2.0)
    c = layers.Dropout(0.5, seed=1, name="c")(layers.Dense(3, name="d")(a))
    model = models.Model(a, layers.Add(name="e")([b, c]), name="model")
    model.compile("adam", "mse", metrics=["mae"])
    backups = folder / "backups"
    keep = fastdl.callbacks.BackupAndRestore(backups, delete_checkpoint=False)
    model.fit(x, x[:, :3], verbose=0, callbacks=[keep])
    model.save(folder / "m.fastdl")
    model.save_weights(folder / "w.safetensors")
    fastdl.save({"w": model.get_weights(), "n": [1, (2, None)]}, folder / "s.safetensors")

    def restored(path):
        from fastdl.saving.backup import restore

        restore(model, str(path))

    def weights(path):
        model.load_weights(path)

    model.__dict__["_fit_position"] = model._fit_position
    return {
        "model": ((folder / "m.fastdl").read_bytes(), models.load_model),
        "weights": ((folder / "w.safetensors").read_bytes(), weights),
        "state": ((folder / "s.safetensors").read_bytes(), fastdl.load),
        "backup": ((backups / "latest.fastdl-backup").read_bytes(), restored),
    }


def flipped(data, random):
    """The bytes with a few changes: bits, cuts, copies, numbers."""
    data = bytearray(data)
    for _ in range(random.choice((1, 1, 1, 2, 5))):
        if not data:
            break
        place = random.randrange(len(data))
        kind = random.randrange(7)
        if kind == 0:
            data[place] ^= 1 << random.randrange(8)
        elif kind == 1:
            data[place] = random.choice((0, 1, 0x7F, 0x80, 0xFF, random.randrange(256)))
        elif kind == 2:
            del data[place:]
        elif kind == 3:
            del data[place : place + random.randrange(1, 64)]
        elif kind == 4:
            data[place:place] = data[random.randrange(len(data)) :][: random.randrange(1, 64)]
        elif kind == 5:
            data[place : place + 8] = random.randrange(1 << 64).to_bytes(8, "little")
        else:
            data[place : place + 4] = bytes([0xFF] * 4)
    return bytes(data)


STRANGE = (None, True, -1, 0, 1, 2**31, 2**63, 2**70, 1e308, float("nan"), "", "x", "Dense", [], {})
STRANGE += ([[]], {"class_name": "Dense"}, {"class_name": "Dense", "config": {}}, "../../etc/x")


def places(value, path=()):
    yield path
    if isinstance(value, dict):
        for key in value:
            yield from places(value[key], (*path, key))
    elif isinstance(value, list):
        for i, item in enumerate(value):
            yield from places(item, (*path, i))


def at(value, path):
    for key in path:
        value = value[key]
    return value


def other_json(text, random):
    """A JSON text with some values replaced, removed or exchanged."""
    value = json.loads(text)
    for _ in range(random.choice((1, 1, 2, 3))):
        found = [path for path in places(value) if path]
        if not found:
            break
        path = random.choice(found)
        parent, key = at(value, path[:-1]), path[-1]
        kind = random.randrange(5)
        if kind == 0:
            parent.pop(key)
        elif kind == 1:
            parent[key] = json.loads(json.dumps(at(value, random.choice(found))))
        elif kind == 2 and isinstance(parent[key], int):
            parent[key] = parent[key] * random.choice((-1, 2, 1000, 10**9)) + 1
        else:
            parent[key] = copy.deepcopy(random.choice(STRANGE))
    return json.dumps(value).encode()


def rewritten(data, random):
    """An archive whose parts are changed, with the right checksums."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    name = random.choice(list(parts))
    if name.endswith(".json"):
        parts[name] = other_json(parts[name], random)
    else:
        parts[name] = rewritten_tensors(parts[name], random)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", random.choice((0, 0, 0, 8))) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return file.getvalue()


def rewritten_tensors(data, random):
    if random.randrange(2):
        return flipped(data, random)
    length = int.from_bytes(data[:8], "little")
    header = other_json(data[8 : 8 + length], random)
    return len(header).to_bytes(8, "little") + header + data[8 + length :]


def mutated(data, random):
    if random.randrange(2):
        return flipped(data, random)
    return rewritten(data, random) if data[:2] == b"PK" else rewritten_tensors(data, random)


def run(folder, count, seed, report=lambda text: None):
    """Tries `count` files. Returns how many were refused, the slowest in s and the most memory."""
    rng = random.Random(seed)
    files = originals(folder)
    kinds = [*files, "model", "model"]
    refused, slowest, most = 0, 0.0, 0
    path = folder / "mutated.fastdl"
    for i in range(count):
        kind = rng.choice(kinds)
        data, read = files[kind]
        path.write_bytes(mutated(data, rng))
        if i % 10 == 0:
            tracemalloc.start()
        begin = time.perf_counter()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                read(path)
        except ALLOWED:
            refused += 1
        except BaseException:
            print(f"file {i} of kind {kind}, seed {seed}", file=sys.stderr)
            raise
        slowest = max(slowest, time.perf_counter() - begin)
        if i % 10 == 0:
            most = max(most, tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
        if i % 1000 == 999:
            report(f"{i + 1}: {refused} refused, slowest {slowest:.2f} s, memory {most >> 20} MiB")
    left = {p.name for p in folder.iterdir()}
    assert left == {"m.fastdl", "w.safetensors", "s.safetensors", "backups", "mutated.fastdl"}, left
    return refused, slowest, most


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        print(
            run(
                pathlib.Path(name),
                int(sys.argv[1]),
                int(sys.argv[2]),
                lambda t: print(t, flush=True),
            )
        )
