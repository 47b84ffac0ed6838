"""ONNX Runtime's side: inference of Gemm, Relu, Gemm, Softmax (needs the package onnx too)."""

from __future__ import annotations

from itertools import pairwise

from .networks import NETWORKS, out_size, padding_of
from .rows import repeat

IMPORTS = "onnxruntime"  # what the row "import" imports


def name_and_version() -> str:
    import onnx
    import onnxruntime

    return f"onnxruntime {onnxruntime.__version__} (onnx {onnx.__version__})"


def predict(sizes, batch):
    import os

    import numpy as np
    import onnxruntime as ort
    from onnx import TensorProto, helper, numpy_helper

    rng = np.random.default_rng(0)
    nodes, weights, value = [], [], "x"
    for i, (a, b) in enumerate(pairwise(sizes)):
        w = (rng.standard_normal((a, b)) * (2 / a) ** 0.5).astype(np.float32)
        weights += [numpy_helper.from_array(w, f"w{i}")]
        weights += [numpy_helper.from_array(np.zeros(b, np.float32), f"b{i}")]
        nodes.append(helper.make_node("Gemm", [value, f"w{i}", f"b{i}"], [f"z{i}"]))
        last = i == len(sizes) - 2
        nodes.append(helper.make_node("Softmax" if last else "Relu", [f"z{i}"], [f"h{i}"]))
        value = f"h{i}"
    graph = helper.make_graph(
        nodes,
        "mlp",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, sizes[0]])],
        [helper.make_tensor_value_info(value, TensorProto.FLOAT, [None, sizes[-1]])],
        weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    options = ort.SessionOptions()
    options.intra_op_num_threads = int(os.environ["OMP_NUM_THREADS"])
    session = ort.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    x = rng.random((batch, sizes[0]), np.float32)
    return repeat(lambda: session.run(None, {"x": x}))


def network_predict(name, batch):
    import numpy as np

    network = NETWORKS[name]
    rng = np.random.default_rng(0)
    graph = _Graph(rng)
    graph.follow("x", network.layers, (network.image[2], *network.image[:2]))
    session = graph.session((None, network.image[2], *network.image[:2]), network.classes)
    x = rng.random((batch, *network.image), np.float32)
    # Images come as channels last for all libraries.
    return repeat(lambda: session.run(None, {"x": np.ascontiguousarray(x.transpose(0, 3, 1, 2))}))


class _Graph:
    """An ONNX graph with random weights, layer by layer."""

    def __init__(self, rng):
        self.rng, self.nodes, self.weights = rng, [], []

    def weight(self, *shape):
        from onnx import numpy_helper

        values = self.rng.random(shape, "float32") / max(1, len(shape))
        self.weights.append(numpy_helper.from_array(values, f"w{len(self.weights)}"))
        return self.weights[-1].name

    def node(self, kind, inputs, **options):
        from onnx import helper

        name = f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], **options))
        return name

    def follow(self, x, parts, shape):
        """The name of the result, and its shape."""
        for kind, *options in parts:
            if kind in ("conv", "depthwise"):
                if kind == "conv":
                    filters, window, stride, padding, bias = options
                else:
                    (window, stride), filters, padding, bias = options, shape[0], "same", False
                pairs = list(zip(shape[1:], window, strict=True))
                pads = [padding_of(n, k, stride, padding) for n, k in pairs]
                groups = 1 if kind == "conv" else shape[0]
                inputs = [x, self.weight(filters, shape[0] // groups, *window)]
                inputs += [self.weight(filters)] if bias else []
                x = self.node("Conv", inputs, pads=pads * 2, strides=[stride, stride], group=groups)
                shape = (filters, *(out_size(n, k, stride, padding) for n, k in pairs))
            elif kind == "norm":
                x = self.node("BatchNormalization", [x, *(self.weight(shape[0]) for _ in range(4))])
            elif kind == "relu":
                x = self.node("Relu", [x])
            elif kind == "pool":
                size = [options[0]] * 2
                x = self.node("MaxPool", [x], kernel_shape=size, strides=size)
                shape = (shape[0], *(n // options[0] for n in shape[1:]))
            elif kind == "mean":
                x = self.node("Flatten", [self.node("GlobalAveragePool", [x])])
                shape = (shape[0],)
            elif kind == "flatten":
                x = self.node("Flatten", [x])
                shape = (shape[0] * shape[1] * shape[2],)
            elif kind == "dense":
                x = self.node(
                    "Gemm", [x, self.weight(shape[0], options[0]), self.weight(options[0])]
                )
                shape = (options[0],)
            else:
                main, after = self.follow(x, options[0], shape)
                x = self.node("Add", [main, self.follow(x, options[1], shape)[0]])
                shape = after
        return x, shape

    def session(self, shape, classes):
        import os

        import onnxruntime as ort
        from onnx import TensorProto, helper

        last = self.nodes[-1].output[0]
        graph = helper.make_graph(
            self.nodes,
            "network",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
            [helper.make_tensor_value_info(last, TensorProto.FLOAT, [None, classes])],
            self.weights,
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        options = ort.SessionOptions()
        options.intra_op_num_threads = int(os.environ["OMP_NUM_THREADS"])
        return ort.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )


def lstm_step(units):
    import os

    import numpy as np
    import onnxruntime as ort
    from onnx import TensorProto, helper, numpy_helper

    rng = np.random.default_rng(0)
    shapes = {"W": (1, 4 * units, units), "R": (1, 4 * units, units), "B": (1, 8 * units)}
    weights = [
        numpy_helper.from_array((rng.random(s, np.float32) - 0.5) / 8, n) for n, s in shapes.items()
    ]
    state = [1, 1, units]
    values = {n: helper.make_tensor_value_info(n, TensorProto.FLOAT, state) for n in ("h", "c")}
    node = helper.make_node(
        "LSTM", ["x", "W", "R", "B", "", "h", "c"], ["", "h2", "c2"], hidden_size=units
    )
    graph = helper.make_graph(
        [node],
        "lstm",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, state), *values.values()],
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, state) for n in ("h2", "c2")],
        weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    options = ort.SessionOptions()
    options.intra_op_num_threads = int(os.environ["OMP_NUM_THREADS"])
    session = ort.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    x = rng.random(state, np.float32)
    states = [np.zeros(state, np.float32)] * 2

    def run():
        nonlocal states
        states = session.run(None, {"x": x, "h": states[0], "c": states[1]})

    return repeat(run)
