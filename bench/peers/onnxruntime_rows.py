"""ONNX Runtime's side: inference of Gemm, Relu, Gemm, Softmax (needs the package onnx too)."""

from __future__ import annotations

from itertools import pairwise

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
