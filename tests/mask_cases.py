"""Masked calls described once, for Keras and for fastdl: `k` is either package.

`golden/masks.py` runs them with Keras and stores values and masks. keras_face/test_masks.py runs
them with fastdl and compares.
"""

import numpy as np
from keras_cases import filled, weights_for

STEPS = np.array([[True, True, False], [True, False, False]])
OTHER = np.array([[True, False, True], [False, False, True]])
ALL = np.arange(24).reshape(2, 3, 4) % 3 > 0
IDS = np.array([[3, 1, 0], [2, 0, 0]])

X = filled((2, 3, 4), 5)
Y = filled((2, 3, 4), 9)
ZEROS = X * STEPS[..., None]


class Halves:
    """Layers of the user's own, made of either package."""

    @staticmethod
    def silent(k):
        class Silent(k.layers.Layer):
            def call(self, x):
                return x * 0.5

        return Silent()

    @staticmethod
    def supporting(k):
        class Supporting(k.layers.Layer):
            def __init__(self):
                super().__init__()
                self.supports_masking = True

            def call(self, x, mask=None):
                return x if mask is None else x * k.ops.cast(mask, "float32")[..., None]

        return Supporting()

    @staticmethod
    def changing(k):
        class Changing(k.layers.Layer):
            def call(self, x):
                return x[:, 1:]

            def compute_mask(self, inputs, previous_mask=None):
                return None if previous_mask is None else previous_mask[:, 1:]

        return Changing()

    @staticmethod
    def several(k):
        class Several(k.layers.Layer):
            def call(self, query, value, query_mask=None, value_mask=None):
                for x, mask in ((query, query_mask), (value, value_mask)):
                    if mask is not None:
                        x = x * k.ops.cast(mask, "float32")[..., None]
                    query = query + x
                return query

        return Several()

    @staticmethod
    def listed(k):
        class Listed(k.layers.Layer):
            def call(self, inputs, mask=None):
                x, y = inputs
                of_x, of_y = mask
                if of_x is not None:
                    x = x * k.ops.cast(of_x, "float32")[..., None]
                if of_y is not None:
                    y = y * k.ops.cast(of_y, "float32")[..., None]
                return x + y

        return Listed()

    @staticmethod
    def pair(k):
        class Pair(k.layers.Layer):
            supports = True

            def call(self, x):
                return x, x * 2.0

            def compute_mask(self, inputs, previous_mask=None):
                return [previous_mask, None]

        return Pair()

    @staticmethod
    def within(k):
        class Within(k.layers.Layer):
            def __init__(self):
                super().__init__()
                self.masking = k.layers.Masking()
                self.dense = k.layers.Dense(2)

            def call(self, x):
                return self.dense(self.masking(x))

        return Within()


def lay(name, *args, **kwargs):
    return lambda k: getattr(k.layers, name)(*args, **kwargs)


# name: (function from the package to a layer, the inputs, their masks; None is none)
LAYERS = {
    "dense": (lay("Dense", 5), [X], [STEPS]),
    "dense_unmasked": (lay("Dense", 5), [X], [None]),
    "activation": (lay("Activation", "tanh"), [X], [STEPS]),
    "relu": (lay("ReLU"), [X], [STEPS]),
    "leaky_relu": (lay("LeakyReLU"), [X], [STEPS]),
    "elu": (lay("ELU"), [X], [STEPS]),
    "prelu": (lay("PReLU"), [X], [STEPS]),
    "softmax_of_elements": (lay("Softmax"), [X], [ALL]),
    "identity": (lay("Identity"), [X], [STEPS]),
    "rescaling": (lay("Rescaling", 2.0), [X], [STEPS]),
    "normalization": (lay("Normalization", mean=[1.0] * 4, variance=[2.0] * 4), [X], [STEPS]),
    "dropout": (lay("Dropout", 0.5), [X], [STEPS]),
    "spatial_dropout": (lay("SpatialDropout1D", 0.5), [X], [STEPS]),
    "gaussian_noise": (lay("GaussianNoise", 0.5), [X], [STEPS]),
    "gaussian_dropout": (lay("GaussianDropout", 0.5), [X], [STEPS]),
    "alpha_dropout": (lay("AlphaDropout", 0.5), [X], [STEPS]),
    "activity": (lay("ActivityRegularization", l2=0.1), [X], [STEPS]),
    "layer_normalization": (lay("LayerNormalization"), [X], [STEPS]),
    "unit_normalization": (lay("UnitNormalization"), [X], [STEPS]),
    "group_normalization": (lay("GroupNormalization", 2), [X], [STEPS]),
    "batch_normalization": (lay("BatchNormalization"), [X], [STEPS]),
    "flatten": (lay("Flatten"), [X], [STEPS]),
    "reshape": (lay("Reshape", (4, 3)), [X], [STEPS]),
    "permute": (lay("Permute", (2, 1)), [X], [STEPS]),
    "repeat_vector": (lay("RepeatVector", 2), [X[:, 0]], [STEPS[:, 0]]),
    "convolution": (lay("Conv1D", 2, 2), [X], [STEPS]),
    "max_pooling": (lay("MaxPooling1D", 2), [X], [STEPS]),
    "global_average": (lay("GlobalAveragePooling1D"), [X], [STEPS]),
    "global_average_kept": (lay("GlobalAveragePooling1D", keepdims=True), [X], [OTHER]),
    "global_max": (lay("GlobalMaxPooling1D"), [X], [STEPS]),
    "up_sampling": (lay("UpSampling1D"), [X], [STEPS]),
    "zero_padding": (lay("ZeroPadding1D"), [X], [STEPS]),
    "cropping": (lay("Cropping1D"), [X], [STEPS]),
    "lambda": (lambda k: k.layers.Lambda(lambda x: x + 1.0), [X], [STEPS]),
    "lambda_with_mask": (
        lambda k: k.layers.Lambda(lambda x: x[:, 1:], mask=lambda x, mask: mask[:, 1:]),
        [X],
        [STEPS],
    ),
    "lambda_that_takes_it": (
        lambda k: k.layers.Lambda(lambda x, mask: x * k.ops.cast(mask, "float32")[..., None]),
        [X],
        [STEPS],
    ),
    "lambda_with_an_array": (
        lambda k: k.layers.Lambda(lambda x: x + 1.0, mask=k.ops.convert_to_tensor(OTHER)),
        [X],
        [STEPS],
    ),
    "masking": (lay("Masking"), [ZEROS], [None]),
    "masking_again": (lay("Masking"), [ZEROS], [OTHER]),
    "masking_value": (lay("Masking", 0.25), [np.where(STEPS[..., None], X, 0.25)], [None]),
    "masking_integers": (lay("Masking", 2), [np.int32([[[1, 2], [2, 2], [0, 3]]])], [None]),
    "embedding": (lay("Embedding", 4, 2, mask_zero=True), [IDS], [None]),
    "embedding_masked": (lay("Embedding", 4, 2, mask_zero=True), [IDS], [OTHER]),
    "embedding_without": (lay("Embedding", 4, 2), [IDS], [STEPS]),
    "reversible": (lay("ReversibleEmbedding", 4, 2, mask_zero=True), [IDS], [None]),
    "add": (lay("Add"), [X, Y], [STEPS, OTHER]),
    "multiply_half": (lay("Multiply"), [X, Y], [STEPS, None]),
    "maximum_half": (lay("Maximum"), [X, Y], [None, OTHER]),
    "minimum": (lay("Minimum"), [X, Y, ZEROS], [STEPS, OTHER, STEPS]),
    "add_half": (lay("Add"), [X, Y], [STEPS, None]),
    "multiply": (lay("Multiply"), [X, Y], [STEPS, OTHER]),
    "maximum": (lay("Maximum"), [X, Y], [STEPS, OTHER]),
    "average": (lay("Average"), [X, Y], [STEPS, OTHER]),
    "subtract": (lay("Subtract"), [X, Y], [STEPS, OTHER]),
    "concatenate": (lay("Concatenate"), [X, Y], [STEPS, OTHER]),
    "concatenate_half": (lay("Concatenate"), [X, Y], [STEPS, None]),
    "concatenate_none": (lay("Concatenate"), [X, Y], [None, None]),
    "concatenate_steps": (lay("Concatenate", axis=1), [X, Y], [STEPS, OTHER]),
    "dot": (lay("Dot", axes=2), [X, Y], [STEPS, OTHER]),
    "silent": (Halves.silent, [X], [STEPS]),
    "supporting": (Halves.supporting, [X], [STEPS]),
    "changing": (Halves.changing, [X], [STEPS]),
    "changing_unmasked": (Halves.changing, [X], [None]),
    "listed": (Halves.listed, [X, Y], [STEPS, None]),
    "listed_unmasked": (Halves.listed, [X, Y], [None, None]),
    "pair": (Halves.pair, [X], [STEPS]),
    "within": (Halves.within, [ZEROS], [None]),
}

# The same for calls of several arguments, by name.
CALLS = {
    "several": (Halves.several, {"query": X, "value": Y}, {"query": STEPS, "value": OTHER}),
    "several_half": (Halves.several, {"query": X, "value": Y}, {"query": None, "value": OTHER}),
}


def functional(k):
    """A mask that is made, changed, joined, ended and taken."""
    ids = k.Input((3,), dtype="int32")
    x = k.layers.Embedding(6, 4, mask_zero=True)(ids)
    y = k.layers.Dense(4, activation="tanh")(x)
    y = k.layers.LayerNormalization()(k.layers.Add()([x, y]))
    pooled = k.layers.GlobalAveragePooling1D()(y)
    return k.Model(ids, [k.layers.Dense(2)(y), k.layers.Dense(3)(pooled)])


def stacked(k):
    return k.Sequential(
        [
            k.layers.Embedding(6, 4, mask_zero=True),
            k.layers.Dense(3, activation="tanh"),
            Halves.supporting(k),
            k.layers.Dense(2),
        ]
    )


def nested(k):
    inner_in = k.Input((3, 4))
    inner = k.Model(inner_in, k.layers.Dense(4, activation="tanh")(inner_in))
    block = k.Sequential([k.Input((3, 4)), k.layers.Dense(4), Halves.supporting(k)])
    ids = k.Input((3,), dtype="int32")
    x = k.layers.Embedding(6, 4, mask_zero=True)(ids)
    return k.Model(ids, k.layers.GlobalAveragePooling1D()(block(inner(x))))


def subclassed(k):
    class Tagger(k.Model):
        def __init__(self):
            super().__init__()
            self.table = k.layers.Embedding(6, 4, mask_zero=True)
            self.hidden = k.layers.Dense(3, activation="tanh")
            self.last = k.layers.Dense(2)

        def call(self, ids):
            return self.last(self.hidden(self.table(ids)))

    return Tagger()


MODELS = {
    "functional": functional,
    "stacked": stacked,
    "nested": nested,
    "subclassed": subclassed,
}
BATCH = np.int32([[5, 2, 0], [1, 0, 0], [3, 4, 1], [2, 2, 2]])
TARGETS = filled((4, 3, 2), 3)
LABELS = np.int32([[1, 0, 1], [0, 1, 1], [1, 1, 0], [0, 0, 1]])
WEIGHTS = np.float32([[0.5], [1.0], [2.0], [0.25]])

# name: (model, targets, arguments of compile, whether samples have weights)
FITS = {
    "mse": (stacked, TARGETS, {"loss": "mse", "metrics": ["mae"]}, False),
    "weighted": (
        subclassed,
        TARGETS,
        {"loss": "mse", "metrics": ["mae"], "weighted_metrics": ["mse"]},
        True,
    ),
    "labels": (
        stacked,
        LABELS,
        {
            "loss": lambda k: k.losses.SparseCategoricalCrossentropy(from_logits=True),
            "metrics": ["accuracy"],
        },
        False,
    ),
    "ignored": (
        stacked,
        LABELS,
        {
            "loss": lambda k: k.losses.SparseCategoricalCrossentropy(
                from_logits=True, ignore_class=0
            ),
            "metrics": lambda k: [
                k.metrics.SparseCategoricalCrossentropy(from_logits=True, ignore_class=0)
            ],
        },
        False,
    ),
    "summed": (
        stacked,
        TARGETS,
        {"loss": lambda k: k.losses.MeanSquaredError(reduction="sum"), "metrics": []},
        False,
    ),
    "by_weights": (
        stacked,
        TARGETS,
        {
            "loss": lambda k: k.losses.MeanSquaredError(reduction="mean_with_sample_weight"),
            "metrics": [],
        },
        True,
    ),
}


def fill(layer):
    """Sets weights that are the same for both packages; variances are positive."""
    values = weights_for([w.shape for w in layer.weights])
    names = [w.name for w in layer.weights]
    layer.set_weights(
        [np.abs(v) if "variance" in n else v for n, v in zip(names, values, strict=True)]
    )


def compiled(k, name):
    """A model of FITS, compiled, with the arguments of its fit."""
    make, y, options, weighted = FITS[name]
    model = make(k)
    model(BATCH)
    options = {key: v(k) if callable(v) else v for key, v in options.items()}
    model.compile(optimizer=k.optimizers.SGD(0.1), **options)
    return model, {"x": BATCH, "y": y, "sample_weight": WEIGHTS if weighted else None}
