"""`fastdl convert`: import lines of Keras's and PyTorch's programs, and what is missing."""

import ast
import inspect
import json
import os

import numpy as np
import pytest

import fastdl
from fastdl import cli
from fastdl.cli.program import Program
from fastdl.cli.tensorflow import backend_functions, functions


def run(capsys, *arguments):
    """The exit status, the output and the errors."""
    status = cli.main(["convert", *map(str, arguments)])
    captured = capsys.readouterr()
    return status, captured.out, captured.err


# line of a program, line after the conversion
IMPORTS = [
    ("import torch", "import fastdl as torch"),
    ("import torch as t  # torch", "import fastdl as t  # torch"),
    ("import torch.nn as nn", "import fastdl.nn as nn"),
    ("import torch.nn", "import fastdl as torch"),
    ("import torch.utils.data", "import fastdl as torch"),
    ("import torch.utils.benchmark", "import fastdl as torch"),
    ("import torch.backends.cudnn as cudnn", "import fastdl.backends.cudnn as cudnn"),
    ("import torch.utils.data as data", "import fastdl.data as data"),
    ("import torch.nn.functional as F", "import fastdl.nn.functional as F"),
    ("import os, torch, sys", "import os, fastdl as torch, sys"),
    ("import torch . nn  as nn, os", "import fastdl.nn  as nn, os"),
    ("from torch import nn, optim", "from fastdl import nn, optim"),
    ("from torch.utils.data import DataLoader", "from fastdl.data import DataLoader"),
    ("from torch.utils.data.dataset import Dataset", "from fastdl.data import Dataset"),
    ("from torch.nn.parameter import Parameter", "from fastdl.nn import Parameter"),
    ("from torch.nn.modules.linear import Linear", "from fastdl.nn import Linear"),
    (
        "from torch.distributions.normal import Normal",
        "from fastdl.distributions import Normal",
    ),
    (
        "from torch.distributions.transforms import ExpTransform",
        "from fastdl.distributions.transforms import ExpTransform",
    ),
    (
        "from torch.nn.utils.clip_grad import clip_grad_norm_",
        "from fastdl.nn.utils import clip_grad_norm_",
    ),
    ("from torch.optim.lr_scheduler import StepLR", "from fastdl.optim.lr_scheduler import StepLR"),
    ("from torch \\\n  import (  # a\n  nn,)", "from fastdl \\\n  import (  # a\n  nn,)"),
    ("import keras", "import fastdl as keras"),
    ("import keras.layers", "import fastdl as keras"),
    ("from keras import layers as L", "from fastdl import layers as L"),
    ("from keras.models import Sequential", "from fastdl.models import Sequential"),
    ("import tensorflow as tf", "import fastdl as tf"),
    ("from tensorflow import keras", "from fastdl import keras"),
    ("import tensorflow.keras as keras", "import fastdl as keras"),
    ("import tensorflow.keras.layers as L", "import fastdl.layers as L"),
    ("from tensorflow.keras import layers", "from fastdl import layers"),
    ("from tensorflow.keras.layers import Dense", "from fastdl.layers import Dense"),
    ("from tensorflow.python.keras.layers import Dense", "from fastdl.layers import Dense"),
    # Keras 2 and 1
    ("from keras.layers.core import Dense", "from fastdl.layers import Dense"),
    ("from keras.utils.np_utils import to_categorical", "from fastdl.utils import to_categorical"),
    (
        "def f():\n\timport torch\n\treturn torch",
        "def f():\n\timport fastdl as torch\n\treturn torch",
    ),
    ("é = 1; import torch; ü = 'torch'", "é = 1; import fastdl as torch; ü = 'torch'"),
    ("if 1: from torch import nn", "if 1: from fastdl import nn"),
    # Types are NumPy's, so the tensor is asked.
    ("import torch\nx.dtype.is_complex", "import fastdl as torch\nx.is_complex()"),
    (
        "import torch\nif (é + 1).dtype. is_floating_point: pass",
        "import fastdl as torch\nif (é + 1).is_floating_point(): pass",
    ),
    # What stays
    ("import numpy\nx.dtype.is_complex", "import numpy\nx.dtype.is_complex"),
    ("from . import torch", "from . import torch"),
    ("from .torch import nn", "from .torch import nn"),
    ("import torchlike.nn", "import torchlike.nn"),
    ("from __future__ import annotations", "from __future__ import annotations"),
    ("s = '''\nimport torch\n'''", "s = '''\nimport torch\n'''"),
    ("# import torch", "# import torch"),
    ("import torch.utils.cpp_extension as c", "import torch.utils.cpp_extension as c"),
    ("import torch.utils.benchmark as tb", "import fastdl.utils.benchmark as tb"),
    ("from torch.utils import benchmark", "from fastdl.utils import benchmark"),
]


@pytest.mark.parametrize(("before", "after"), IMPORTS)
def test_import_lines(before, after):
    for end in ("\n", "\r\n"):
        program = Program(before.replace("\n", end) + end)
        assert program.converted() == after.replace("\n", end) + end
        ast.parse(program.converted())


# program, what is found: (line, column, text)
FINDINGS = [
    ("import torch\ny = torch.export(2)", [(2, 11, "torch.export is not in fastdl")]),
    ("from torch import nn, distributed", [(1, 23, "torch.distributed is not in fastdl")]),
    ("import torch.nn as nn\nnn.Linear(1, 2).x\nnn.TimeTravel()", [(3, 4, "torch.nn.TimeTravel")]),
    ("from torch.utils.dlpack import A", [(1, 1, "torch.utils.dlpack is not")]),
    ("import os, torch, torchvision", [(1, 19, "torchvision is not part of fastdl")]),
    ("from torchvision import datasets", [(1, 1, "torchvision is not part of fastdl: ")]),
    ("from keras import layers\nlayers.Warp(1)", [(2, 8, "keras.layers.Warp is not in")]),
    ("from torch import nn\nnn.Linear(1, 2, warp=2)", [(2, 17, "takes no argument warp")]),
    ("import keras\nkeras.Model.warp", [(2, 13, "keras.Model.warp is not in fastdl")]),
    (
        "import tensorflow as tf\nL = tf.keras.layers\nL.Dense(1)\nL.Warp(1)",
        [(4, 3, "Warp is not")],
    ),
    (
        "from tensorflow.keras import backend as K\nK.hard_sigmoid(1)\nK.sum(1, dim=2)",
        [(2, 3, "has another slope"), (3, 3, "fastdl.ops.sum takes no argument dim")],
    ),
    ("import torch\ntorch.distributions.normal.Normal(0, 1)", [(2, 21, "in fastdl.distributions")]),
    ("import torch\ntorch.cuda.amp.autocast()", [(2, 12, "there is fastdl.amp.autocast('cpu')")]),
    (
        "import tensorflow as tf\nassert tf.__version__.startswith('2')\nprint(tf.__version__)",
        [(2, 11, "that of fastdl here: ")],
    ),
    ("import torch\nif parse(torch.__version__) < new: pass", [(2, 16, "that of fastdl here")]),
    ("import numpy, torch\nassert numpy.__version__ > '1'", []),
    ("import tensorflow as tf\ntf.config.list_physical_devices()", [(2, 11, "on the CPU")]),
    ("import tensorflow as tf\nf = tf.config.list_physical_devices", [(2, 8, "on the CPU")]),
    ("import tensorflow as tf\ntf.summary.scalar('a', 1)", [(2, 4, "TensorBoard")]),
    ("import tensorflow as tf\ntf.placeholder(2)", [(2, 4, "graphs of TensorFlow 1")]),
    ("import tensorflow as tf\ntf.train.AdamOptimizer(2)", [(2, 4, "fastdl.optimizers has")]),
    ("from tensorflow import reduce_mean", [(1, 24, "fastdl: fastdl.ops.mean")]),
    ("import tensorflow as tf\nm = tf.math\nm.log(1)", [(2, 8, "math is not"), (3, 3, "ops.log")]),
    ("import tensorflow as tf\ntf.split(x, [1, 2])", [(2, 4, "sizes are split points")]),
    ("import tensorflow as tf\ntf.Variable(x, False)", [(2, 4, "takes 1 arguments by pos")]),
    ("import tensorflow as tf\ntf.pad(x, y, mode='REFLECT')", [(2, 4, "takes no argument mode")]),
    ("import tensorflow as tf\ntf.argmax(*x)", [(2, 4, "has other defaults here")]),
    ("import tensorflow as tf\ntf.reduce_sum(**x)", [(2, 4, "has other names of arguments")]),
    ("import tensorflow as tf\nf = tf.cumsum", [(2, 8, "fastdl: fastdl.ops.cumsum")]),
    (
        "import tensorflow as tf\ntf.random.uniform((), 0, 9, tf.int32)",
        [(2, 11, "use random.randint")],
    ),
    ("import tensorflow as tf\ntf.metrics.Warp()", [(2, 12, "tensorflow.metrics.Warp")]),
    (
        "import tensorflow as tf\nf = tf.math.squared_difference",
        [(2, 8, "ops.square of fastdl.ops.subtract")],
    ),
    ("import tensorflow as tf\ntf.train.Checkpoint()", [(2, 4, "tensorflow.train")]),
    ("import tensorflow as tf\ntf.data.Dataset.range(3)", [(2, 4, "tensorflow.data.Dataset")]),
    ("import torch\ndef f(x):\n  return x.sparse_mask(x)", [(3, 12, "if this is a tensor")]),
    ("import torch\ndef f(dtype): dtype.is_complex", [(2, 21, "types are NumPy's")]),
    ("import torch\ndef f():\n    é, y = 'é', torch.warp", [(3, 23, "torch.warp is not in")]),
    ("def f():\n  import torch\n  torch.warp\ndef g(torch): torch.warp", [(3, 9, "torch.warp")]),
    ("from torch import *", [(1, 19, "are not checked")]),
    (
        "from torch import nn\nclass A(nn.Warp):\n  @nn.warp\n  def f(self): pass",
        [(2, 12, "torch.nn.Warp"), (3, 7, "torch.nn.warp")],
    ),
    # A name that an import binds later is, before that line, what the program assigned
    (
        "import torch\noptim = torch.optim.SGD([])\noptim.step()\n"
        "from torch import optim\noptim.warp",
        [(5, 7, "torch.optim.warp")],
    ),
    ("try:\n  import torch\nexcept ImportError: torch = None\ntorch.warp", [(4, 7, "torch.warp")]),
    ("import torch\ntorch.matmul(1, 2, out=3)\ntorch.matmul(1, 2, warp=3)", [(3, 20, "warp")]),
    # Nothing to say of these
    ("import torch\ndef f(metric): return metric.name", []),
    ("from torch import nn\nclass A:\n  nn = 1\n  nn.warp\n  def f(self, nn): nn.warp", []),
    (
        "import tensorflow as tf\nwith tf.GradientTape() as t: t.warp\ntf.random.normal((2,))",
        [],
    ),
    ("import torch, scipy\nscipy.sparse_mask\nclass A:\n  def warp(self): self.warp()", []),
    ("import torch.nn as nn\nnn.Conv2d(1, 2, kernel_size=3).warp.nonsense", []),
]


@pytest.mark.parametrize(("text", "expected"), FINDINGS)
def test_what_is_missing(text, expected):
    found = sorted(Program(text).findings)
    assert [(f.line, f.column) for f in found] == [(line, column) for line, column, _ in expected]
    for finding, (_, _, part) in zip(found, expected, strict=True):
        assert part in finding.text


PROGRAM = b"\xef\xbb\xbfimport torch\r\nprint('\xc3\xa9')\x0c\r\ntorch.export\r\n"


# expressions of a program with TensorFlow, and after the conversion
TENSORFLOW = [
    ("tf.reduce_mean(tf.square(y - x), axis=[1])", "tf.ops.mean(tf.ops.square(y - x), axis=[1])"),
    ("tf.reduce_sum(input_tensor=x, axis=0)", "tf.ops.sum(x=x, axis=0)"),
    ("tf.math.reduce_std(x)", "tf.ops.std(x)"),
    ("tf.math.log(tf.shape(x)[0])", "tf.ops.log(tf.ops.shape(x)[0])"),
    ("tf.argmax(p)", "tf.ops.argmax(p, axis=0)"),
    ("tf.argmax(p, -1)", "tf.ops.argmax(p, -1)"),
    ("tf.argmax(input=p, )", "tf.ops.argmax(x=p, axis=0)"),
    ("tf.gather((x), indices=(i))", "tf.ops.take((x), indices=(i), axis=0)"),
    ("tf.cumsum(x, axis=1)", "tf.ops.cumsum(x, axis=1)"),
    ("tf.concat(values=[x, é], axis=0)", "tf.ops.concatenate(xs=[x, é], axis=0)"),
    ("tf.split(x, 3, axis=1)", "tf.ops.split(x, 3, axis=1)"),
    ("x[:, tf.newaxis]", "x[:, None]"),
    ("tf.random.normal([2], stddev=0.1)", "tf.random.normal([2], stddev=0.1)"),
    ("tf.random.set_seed(1)", "tf.utils.set_random_seed(1)"),
    ("tf.Variable(x, trainable=False)", "tf.Variable(x, trainable=False)"),
    ("tf.cast(x, tf.float32)", "tf.ops.cast(x, tf.float32)"),
    ("tf.nn.softmax(logits=x)", "tf.ops.softmax(x=x)"),
    ("map(tf.nn.relu, x)", "map(tf.ops.relu, x)"),
    ("tf.nn.gelu(x)", "tf.ops.gelu(x, approximate=False)"),
    (
        "tf.nn.sigmoid_cross_entropy_with_logits(labels=a, logits=b)",
        "tf.ops.binary_crossentropy(target=a, output=b, from_logits=True)",
    ),
    ("len(tf.config.list_physical_devices('GPU')), tf", "len([]), tf"),
    ("tf.config.experimental.list_physical_devices(device_type='GPU')", "[]"),
    ("tf.function(f)", "tf.compile(f)"),
    ("tf.function(jit_compile=True)(f)", "tf.compile(fullgraph=True)(f)"),
    ("tf.math.squared_difference(x, y=é)", "tf.ops.square(tf.ops.subtract(x, x2=é))"),
    ("tf.losses.MeanSquaredError()", "tf.losses.MeanSquaredError()"),
    ("tf.linalg.inv(x)", "tf.ops.linalg.inv(x)"),
    ("tf.keras.layers.Dense(3)", "tf.keras.layers.Dense(3)"),
    ("tf.GradientTape(persistent=True)", "tf.GradientTape(persistent=True)"),
]


@pytest.mark.parametrize(("before", "after"), TENSORFLOW)
def test_functions_of_tensorflow(before, after):
    program = Program(f"import tensorflow as tf\né = 'é'; {before}\n")
    assert program.converted() == f"import fastdl as tf\né = 'é'; {after}\n"
    assert not program.findings


# programs with keras.backend, and after the conversion
BACKEND = [
    (
        "from keras import backend as K, layers\nK.mean(x, axis=1) + K.epsilon()",
        "from fastdl import backend as K, ops as K_ops, layers\n"
        "K_ops.mean(x, axis=1) + K.epsilon()",
    ),
    (
        "import tensorflow.keras.backend as K\nK.random_normal((2,)) + K.sum(K.square(x))",
        "import fastdl.backend as K, fastdl.ops as K_ops, fastdl.random as K_random\n"
        "K_random.normal((2,)) + K_ops.sum(K_ops.square(x))",
    ),
    (
        "def f(x):\n  from keras import (\n  backend)\n  return backend.concatenate([x])",
        "def f(x):\n  from fastdl import (\n  backend, ops as backend_ops)\n"
        "  return backend_ops.concatenate([x], axis=-1)",
    ),
    (
        "import tensorflow as tf\ntf.keras.backend.clip(x, min_value=0, max_value=1)",
        "import fastdl as tf\ntf.ops.clip(x, x_min=0, x_max=1)",
    ),
    (
        "from tensorflow import keras\nK = keras.backend  # é\nK.exp(1), K.epsilon",
        "from fastdl import keras\n"
        "K = keras.backend; K_ops = keras.ops  # é\nK_ops.exp(1), K.epsilon",
    ),
    (
        "from tensorflow import keras\nmap(keras.backend.exp, x)",
        "from fastdl import keras\nmap(keras.ops.exp, x)",
    ),
]


@pytest.mark.parametrize(("before", "after"), BACKEND)
def test_functions_of_keras_backend(before, after):
    program = Program(before)
    assert program.converted() == after
    assert not program.findings


def test_a_program_with_keras_backend_computes_the_same():
    text = """
from tensorflow.keras import backend as K
x = K.constant([[1, 4], [9, 16]])
made = [
    K.argmax(x), K.expand_dims(x), K.dot(x, x), K.concatenate([x, x]), K.gather(x, [1]),
    K.permute_dimensions(x, (1, 0)), K.flatten(x), K.repeat_elements(x, 2, 0), K.reverse(x, 1),
    K.std(x, axis=0), K.pow(x, 2), K.clip(x, 2, 10), K.int_shape(x), K.eval(x), K.cumsum(x),
    K.categorical_crossentropy(x, x),
]
"""
    space = {}
    exec(Program(text).converted(), space)
    x = np.array([[1.0, 4.0], [9.0, 16.0]])
    share = x / x.sum(1, keepdims=True)
    expected = [
        [1, 1], x[..., None], x @ x, np.hstack([x, x]), x[1:], x.T, x.ravel(), x[[0, 0, 1, 1]],
        x[:, ::-1], x.std(0), x**2, np.clip(x, 2, 10), (2, 2), x, x.cumsum(0),
        -(x * np.log(share)).sum(1),
    ]  # fmt: skip
    for made, right in zip(space["made"], expected, strict=True):
        np.testing.assert_allclose(np.asarray(made), right, rtol=1e-5)


def test_functions_are_here_with_these_arguments():
    for name, function in [*functions().items(), *backend_functions().items()]:
        if function.place in ("None", "NONE"):
            continue
        found = fastdl
        for part in function.place.split("."):
            found = getattr(found, part)
        if name in ("Variable", "math.Variable"):
            found = found.__new__
        parameters = inspect.signature(found).parameters
        named = [p for p in parameters if p not in ("self", "cls")]
        here = list(function.arguments.values())
        assert {*here, *function.added} <= {*named}, name
        if function.positional:
            assert named[: function.positional] == here[: function.positional], name


def test_a_converted_program_computes_the_same():
    text = """
import tensorflow as tf
x = tf.constant([[1.0, 4.0], [9.0, 16.0]])
w = tf.Variable(tf.zeros((2, 1)), trainable=True)
@tf.function
def loss(w):
    return tf.reduce_mean(tf.square(tf.matmul(x, w) - tf.reduce_sum(x, axis=1, keepdims=True)))
with tf.GradientTape() as tape:
    value = loss(w)
gradient = tape.gradient(value, w)
best = tf.argmax(x)
picked = tf.gather(tf.transpose(x, perm=[1, 0]), [1])
"""
    space = {}
    exec(Program(text).converted(), space)
    x = np.array([[1.0, 4.0], [9.0, 16.0]])
    y = x.sum(1, keepdims=True)
    np.testing.assert_allclose(float(space["value"]), (y**2).mean())
    np.testing.assert_allclose(np.asarray(space["gradient"]), -(x.T @ y), rtol=1e-6)
    assert np.asarray(space["best"]).tolist() == [1, 1]
    assert np.asarray(space["picked"]).tolist() == [[4.0, 16.0]]


def test_bytes_outside_of_import_lines_stay(tmp_path, capsys):
    script = tmp_path / "script.py"
    script.write_bytes(PROGRAM)
    script.chmod(0o750)
    status, output, _ = run(capsys, script)
    assert status == 0
    assert f"{script}:3:7: torch.export is not in fastdl" in output
    assert output.endswith(f"{script} imports torch; 1 name missing\n")
    written = tmp_path / "script_fastdl.py"
    assert written.read_bytes() == PROGRAM.replace(b"import torch", b"import fastdl as torch")
    assert written.stat().st_mode == script.stat().st_mode
    latin = "# -*- coding: latin-1 -*-\nimport keras\ns = 'é'\n".encode("latin-1")
    script.write_bytes(latin)
    assert run(capsys, script, "-o", tmp_path / "b.py")[0] == 0
    after = latin.replace(b"import keras", b"import fastdl as keras")
    assert (tmp_path / "b.py").read_bytes() == after


def test_outputs(tmp_path, capsys):
    script = tmp_path / "a.py"
    script.write_text("import torch\n")
    assert run(capsys, script)[0] == 0
    status, _, errors = run(capsys, script)
    assert status == 2 and "a_fastdl.py is there already; --overwrite replaces it" in errors
    assert run(capsys, script, "--overwrite")[0] == 0
    assert run(capsys, script, "--output", script)[0] == 2
    assert run(capsys, script, "-o", tmp_path / "none" / "a.py")[0] == 2
    assert run(capsys, script, "--in-place")[0] == 0
    assert script.read_text() == "import fastdl as torch\n"
    assert (tmp_path / "a.py.bak").read_text() == "import torch\n"
    status, output, _ = run(capsys, script, "--in-place")
    assert status == 0 and "imports none of keras, tensorflow and torch" in output
    script.write_text("import keras\n")
    status, _, errors = run(capsys, script, "--in-place")
    assert status == 2 and "a.py.bak" in errors and script.read_text() == "import keras\n"


def test_check_writes_nothing(tmp_path, capsys):
    script = tmp_path / "a.py"
    script.write_text("import torch\n")
    assert run(capsys, script, "--check")[0] == 0
    script.write_text("import torch\ntorch.export\n")
    status, output, _ = run(capsys, script, "--check")
    assert status == 1 and "a.py:2:7: torch.export" in output
    assert os.listdir(tmp_path) == ["a.py"]
    assert run(capsys, script, "--check", "--in-place")[0] == 2


@pytest.mark.parametrize("text", ["import torch\nx = (\n", "def f(:\n", "if 1:\nx\n", "\0"])
def test_syntax_errors_name_their_place(text, tmp_path, capsys):
    script = tmp_path / "a.py"
    script.write_text(text)
    status, _, errors = run(capsys, script)
    assert status == 2 and errors.startswith("fastdl: error:") and "a.py:" in errors
    assert run(capsys, tmp_path / "none.py")[0] == 2


def test_folders(tmp_path, capsys):
    project = tmp_path / "project"
    for name in ("model/net.py", "train.py", ".git/hook.py", "env/lib.py", "notes.txt", "bad.py"):
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text("import torch\n")
    (project / "env" / "pyvenv.cfg").touch()
    (project / "bad.py").write_text("import torch(\n")
    (project / "model" / "plain.py").write_text("import os\n")
    status, output, errors = run(capsys, project)
    assert status == 2 and "1 of 4 files cannot be read" in errors
    assert "bad.py:1:13: " in output and "3 files, 2 import torch; no names missing" in output
    made = tmp_path / "project_fastdl"
    files = sorted(str(p.relative_to(made)) for p in made.rglob("*.py"))
    assert files == ["model/net.py", "model/plain.py", "train.py"]
    assert (made / "train.py").read_text() == "import fastdl as torch\n"
    (project / "bad.py").unlink()
    assert run(capsys, project)[0] == 2
    assert run(capsys, project, "--in-place")[0] == 0
    assert (project / "model" / "net.py").read_text() == "import fastdl as torch\n"
    assert not (project / "model" / "plain.py.bak").exists()
    (tmp_path / "empty").mkdir()
    assert run(capsys, tmp_path / "empty")[0] == 2


def test_notebooks(tmp_path, capsys):
    def cell(source, kind="code"):
        return {"cell_type": kind, "metadata": {}, "source": source}

    cells = [
        cell(["# import torch\n"], "markdown"),
        cell(["%matplotlib inline\n", "import torch\n", "!pip install torch"]),
        cell("%%bash\nimport torch"),
        cell(["\n", "torch.export(é)"]),
        cell("%%time\nimport torch"),
        # Lines that a command could begin with, within a statement
        cell("print('%d'\n  %(3))\ny = 7 \\\n  % 4\nf(y,  # why?\n  y)\ntorch.relu?"),
    ]
    path = tmp_path / "a.ipynb"
    path.write_text(json.dumps({"cells": cells, "nbformat": 4}, ensure_ascii=False), "utf-8")
    status, output, _ = run(capsys, path)
    assert status == 0 and f"{path}:cell 3:2:7: torch.export" in output
    after = json.loads((tmp_path / "a_fastdl.ipynb").read_text("utf-8"))
    cells[1]["source"][1] = "import fastdl as torch\n"
    cells[4]["source"] = "%%time\nimport fastdl as torch"
    assert after == {"cells": cells, "nbformat": 4}
    path.write_text('{"cells": []}')
    assert run(capsys, path, "--check")[0] == 0
    path.write_text("{")
    assert run(capsys, path)[0] == 2


def test_nothing_of_the_program_runs(tmp_path, capsys):
    script = tmp_path / "a.py"
    script.write_text("import torch\nraise SystemExit(5)\n")
    (tmp_path / "torch.py").write_text("raise SystemExit(6)\n")
    assert run(capsys, script)[0] == 0
