"""Layers and models described once, for Keras and for fastdl: `k` is either package.

`golden/keras_layers.py` runs them with Keras and stores the results. test_keras_golden.py runs them
with fastdl and compares. Weights and inputs are formulas, so both packages use the same values.
"""

import numpy as np


def filled(shape, seed, scale=1.0):
    """Irregular values between -scale and scale that are the same on every machine."""
    steps = np.arange(int(np.prod(shape)), dtype=np.float64)
    values = np.sin(steps * 1.7 + seed * 0.37) * scale
    return values.astype(np.float32).reshape(shape)


ACTIVATIONS = (
    "linear relu leaky_relu relu6 elu celu selu gelu silu swish mish softplus softsign squareplus "
    "sparse_plus sigmoid log_sigmoid hard_sigmoid sparse_sigmoid hard_silu tanh tanh_shrink "
    "hard_tanh soft_shrink hard_shrink exponential softmax log_softmax glu"
).split()

# name: (equation, shape of the input, shape of the output, axes of the bias)
EQUATIONS = {
    "vector": ("ab,b->a", (2, 5), (), None),
    "matrix": ("ab,bc->ac", (2, 5), 6, "c"),
    "heads": ("abc,cde->abde", (2, 3, 4), (3, 5, 6), None),
    "heads_bias": ("abc,cde->abde", (2, 3, 4), (None, 5, 6), "d"),
    "heads_two_biases": ("abc,cde->abde", (2, 3, 4), (3, 5, 6), "be"),
    "joined": ("BFNH,NHD->BFD", (2, 3, 4, 5), (None, 6), "D"),
    "steps": ("abc,cd->abd", (2, 3, 4), (None, 6), "d"),
    "outer": ("i,d->id", (3,), (4,), None),
    "turned": ("ibd,nd->ibn", (2, 3, 4), (None, 5), "n"),
    "left": ("...b,bc->...c", (2, 3, 4), (5,), "c"),
    "left_elided": ("...bc,bc->...b", (2, 3, 4), (3,), None),
    "left_two": ("...c,cde->...de", (2, 3, 4), (5, 6), "d"),
    "right": ("bc...,cd->bd...", (2, 3, 4, 5), (6,), "d"),
    "right_two": ("bc...,cde->bde...", (2, 3, 4), (5, 6), "e"),
}

# name: (function from the package to a layer, shapes of its inputs)
LAYERS = {
    **{
        f"einsum_dense_{name}": (
            lambda k, case=case: k.layers.EinsumDense(
                case[0], output_shape=case[2], bias_axes=case[3], activation="tanh"
            ),
            [case[1]],
        )
        for name, case in EQUATIONS.items()
    },
    "time_distributed": (
        lambda k: k.layers.TimeDistributed(k.layers.Dense(5, "tanh")),
        [(2, 3, 4)],
    ),
    "time_distributed_convolution": (
        lambda k: k.layers.TimeDistributed(k.layers.Conv1D(4, 2)),
        [(2, 3, 5, 4)],
    ),
    "time_distributed_twice": (
        lambda k: k.layers.TimeDistributed(k.layers.TimeDistributed(k.layers.Dense(2))),
        [(2, 3, 5, 4)],
    ),
    "time_distributed_model": (
        lambda k: k.layers.TimeDistributed(
            k.Sequential([k.Input((5, 4)), k.layers.Flatten(), k.layers.Dense(3)])
        ),
        [(2, 3, 5, 4)],
    ),
    "dense": (lambda k: k.layers.Dense(5), [(3, 4)]),
    "dense_no_bias": (lambda k: k.layers.Dense(5, use_bias=False), [(3, 4)]),
    "dense_3d": (lambda k: k.layers.Dense(5, "relu"), [(2, 3, 4)]),
    "dense_function": (
        lambda k: k.layers.Dense(5, activation=k.activations.softplus),
        [(3, 4)],
    ),
    "dense_lambda": (lambda k: k.layers.Dense(5, activation=lambda x: x * x), [(3, 4)]),
    "activation": (lambda k: k.layers.Activation("softplus"), [(3, 4)]),
    "flatten": (lambda k: k.layers.Flatten(), [(2, 3, 4, 5)]),
    "flatten_1d": (lambda k: k.layers.Flatten(), [(4,)]),
    "flatten_first": (lambda k: k.layers.Flatten(data_format="channels_first"), [(2, 3, 4, 5)]),
    "reshape": (lambda k: k.layers.Reshape((3, -1)), [(2, 12)]),
    "reshape_flat": (lambda k: k.layers.Reshape((-1,)), [(2, 3, 4)]),
    "permute": (lambda k: k.layers.Permute((3, 1, 2)), [(2, 3, 4, 5)]),
    "repeat_vector": (lambda k: k.layers.RepeatVector(3), [(2, 4)]),
    "identity": (lambda k: k.layers.Identity(), [(2, 4)]),
    "dropout_inference": (lambda k: k.layers.Dropout(0.5), [(2, 4)]),
    "noise_inference": (lambda k: k.layers.GaussianNoise(0.5), [(2, 4)]),
    "relu": (
        lambda k: k.layers.ReLU(max_value=0.6, negative_slope=0.1, threshold=0.2),
        [(4, 5)],
    ),
    "relu_max": (lambda k: k.layers.ReLU(max_value=0.5), [(4, 5)]),
    "relu_slope": (lambda k: k.layers.ReLU(negative_slope=0.25), [(4, 5)]),
    "leaky_relu": (lambda k: k.layers.LeakyReLU(), [(4, 5)]),
    "elu": (lambda k: k.layers.ELU(alpha=0.7), [(4, 5)]),
    "prelu": (lambda k: k.layers.PReLU(), [(2, 3, 4)]),
    "prelu_shared": (lambda k: k.layers.PReLU(shared_axes=[1]), [(2, 3, 4)]),
    "softmax": (lambda k: k.layers.Softmax(), [(2, 3, 4)]),
    "softmax_axis": (lambda k: k.layers.Softmax(axis=1), [(2, 3, 4)]),
    "softmax_axes": (lambda k: k.layers.Softmax(axis=(1, 2)), [(2, 3, 4)]),
    "rescaling": (lambda k: k.layers.Rescaling(0.5, offset=-1.0), [(2, 4)]),
    "unit_normalization": (lambda k: k.layers.UnitNormalization(), [(2, 3, 4)]),
    "unit_normalization_axes": (lambda k: k.layers.UnitNormalization(axis=[1, 2]), [(2, 3, 4)]),
    "layer_normalization": (lambda k: k.layers.LayerNormalization(), [(2, 3, 4)]),
    "group_normalization": (lambda k: k.layers.GroupNormalization(groups=2), [(2, 3, 4)]),
    "rms_normalization": (lambda k: k.layers.RMSNormalization(), [(2, 3, 4)]),
    "gaussian_dropout_inference": (lambda k: k.layers.GaussianDropout(0.5), [(2, 4)]),
    "alpha_dropout_inference": (lambda k: k.layers.AlphaDropout(0.5), [(2, 4)]),
    "lambda": (lambda k: k.layers.Lambda(lambda x: x * 3.0 - 1.0), [(2, 4)]),
    "add": (lambda k: k.layers.Add(), [(2, 4)] * 3),
    "subtract": (lambda k: k.layers.Subtract(), [(2, 4)] * 2),
    "multiply": (lambda k: k.layers.Multiply(), [(2, 4)] * 3),
    "average": (lambda k: k.layers.Average(), [(2, 4)] * 3),
    "maximum": (lambda k: k.layers.Maximum(), [(2, 4)] * 3),
    "minimum": (lambda k: k.layers.Minimum(), [(2, 4)] * 3),
    "add_broadcast": (lambda k: k.layers.Add(), [(2, 3, 4), (2, 1, 4)]),
    "add_ranks": (lambda k: k.layers.Add(), [(2, 3, 4), (2, 4)]),
    "concatenate": (lambda k: k.layers.Concatenate(), [(2, 4), (2, 3), (2, 1)]),
    "concatenate_axis": (lambda k: k.layers.Concatenate(axis=1), [(2, 4, 3), (2, 1, 3)]),
    "dot": (lambda k: k.layers.Dot(axes=1), [(2, 4), (2, 4)]),
    "dot_normalized": (lambda k: k.layers.Dot(axes=-1, normalize=True), [(2, 4), (2, 4)]),
    "dot_axes": (lambda k: k.layers.Dot(axes=(1, 2)), [(2, 3, 5), (2, 6, 3)]),
    "dot_last": (lambda k: k.layers.Dot(axes=(2, 1)), [(2, 3, 5), (2, 5)]),
}


def sequential(k):
    return k.Sequential(
        [
            k.Input((10,)),
            k.layers.Dense(8, activation="relu", name="first"),
            k.layers.Dropout(0.2, name="drop"),
            k.layers.Dense(3, activation="softmax", name="last"),
        ],
        name="stack",
    )


def two_inputs(k):
    """A shared layer, a merge, operators, and two outputs of different depth."""
    a = k.Input((4,), name="a")
    b = k.Input((4,), name="b")
    shared = k.layers.Dense(6, activation="tanh", name="shared")
    both = k.layers.concatenate([shared(a), shared(b)], name="both")
    scaled = both * 2.0 + 1.0
    head = k.layers.Dense(2, name="head")(scaled)
    side = k.layers.Dense(1, activation="sigmoid", name="side")(shared(a))
    return k.Model(inputs=[a, b], outputs=[head, side], name="two")


def branches(k):
    """Branches of different length: the order of layers is by distance from the output."""
    x = k.Input((5,), name="x")
    long = k.layers.Dense(4, activation="relu", name="long_1")(x)
    long = k.layers.Dense(4, activation="elu", name="long_2")(long)
    short = k.layers.Dense(4, name="short")(x)
    merged = k.layers.Add(name="sum")([short, long])
    return k.Model(x, k.layers.Dense(2, name="out")(merged), name="branches")


def nested(k):
    """A functional and a Sequential model as layers; the functional one is called twice."""
    inner_in = k.Input((4,), name="inner_in")
    inner_out = k.layers.Dense(4, activation="softsign", name="inner_dense")(inner_in)
    inner = k.Model(inner_in, inner_out, name="inner")
    tail = k.Sequential([k.Input((4,)), k.layers.Dense(3, name="tail_dense")], name="tail")
    x = k.Input((4,), name="outer_in")
    return k.Model(x, tail(inner(inner(x))), name="outer")


def dicts(k):
    one = k.Input((3,), name="one")
    two = k.Input((2,), name="two")
    joined = k.layers.Concatenate(name="joined")([one, two])
    outputs = {
        "zeta": k.layers.Dense(2, name="zeta")(joined),
        "alpha": k.layers.Dense(1, name="alpha")(joined),
    }
    return k.Model({"one": one, "two": two}, outputs, name="dicts")


# name: (function from the package to a model, shapes of its inputs)
MODELS = {
    "sequential": (sequential, [(3, 10)]),
    "two_inputs": (two_inputs, [(3, 4), (3, 4)]),
    "branches": (branches, [(3, 5)]),
    "nested": (nested, [(3, 4)]),
    "dicts": (dicts, {"one": (3, 3), "two": (3, 2)}),
}

REGULARIZERS = {
    "l1": lambda k: k.regularizers.L1(0.02),
    "l2": lambda k: k.regularizers.L2(0.03),
    "l1l2": lambda k: k.regularizers.L1L2(0.02, 0.03),
    "default": lambda k: k.regularizers.get("l2"),
    "rows": lambda k: k.regularizers.OrthogonalRegularizer(0.5),
    "columns": lambda k: k.regularizers.OrthogonalRegularizer(0.5, mode="columns"),
}

CONSTRAINTS = {
    "max_norm": lambda k: k.constraints.MaxNorm(0.8),
    "max_norm_axis": lambda k: k.constraints.MaxNorm(0.8, axis=1),
    "non_neg": lambda k: k.constraints.NonNeg(),
    "unit_norm": lambda k: k.constraints.UnitNorm(),
    "min_max_norm": lambda k: k.constraints.MinMaxNorm(0.5, 0.9, rate=0.7),
}


def inputs_for(shapes):
    """The input of these shapes: an array, a list or a dict of arrays."""
    if isinstance(shapes, dict):
        return {key: filled(shape, i + 11, 1.3) for i, (key, shape) in enumerate(shapes.items())}
    arrays = [filled(shape, i + 11, 1.3) for i, shape in enumerate(shapes)]
    return arrays if len(arrays) > 1 else arrays[0]


def weights_for(shapes):
    """Arrays for weights of these shapes, in order."""
    return [filled(shape, i + 3, 0.6) for i, shape in enumerate(shapes)]
