"""Bad arguments of public classes: an error names the class and the argument, or the value works.

Every class is made and used once with each hostile value for each of its arguments. What must not
pass follows from the annotation: a number is no text, list or object. The file is long because the
tables of what each class needs, and of its exceptions, stand beside the one test that reads them.
"""

import inspect
import os
import re
import tempfile
import warnings
from functools import partial

import numpy as np
import pytest
from hostile import HOSTILE, NO_NUMBERS, REFUSALS, X

import fastdl
from fastdl import (
    callbacks,
    constraints,
    data,
    distributions,
    initializers,
    layers,
    losses,
    metrics,
    nn,
    ops,
    optim,
    optimizers,
    random,
    regularizers,
)
from fastdl.optim import lr_scheduler, swa_utils
from fastdl.optimizers import schedules

# --- how an object of each kind is used


def use_layer(layer):
    rank = getattr(layer, "rank", 0)  # of images
    layer(np.ones((2, *[4] * rank, 2), np.float32) if rank else X, training=True)


def use_grid(layer):
    places = (4,) * (layer.input_spec.ndim - 2)
    layer(np.ones((2, *places, 3), np.float32), training=True)


def use_images(layer):
    layer(np.ones((2, 4, 5, 3), np.float32))


def use_lookup(layer):
    layer([0, 1] if layer.invert or type(layer) is layers.IntegerLookup else ["a", "b"])


def use_hashing(layer):
    layer([0, 1])


def use_crossing(layer):
    layer([["a", "b"], [0, 1]])


def use_spatial(module):
    """Three channels, and as many axes of places as the module wants."""
    axes = re.search(r"[123]", type(module).__name__)
    module(np.ones((2, 3, *[2] * int(axes[0] if axes else 1)), np.float32))


def use_two(module):
    module(np.ones((2, 3), np.float32), np.ones((2, 3), np.float32))


def use_even(module):
    module(np.ones((2, 4), np.float32))


def use_labels(module):
    module(np.ones((2, 3), np.float32), np.array([0, 1]))


def use_pixels(module):
    module(np.ones((2, 4, 4, 4), np.float32))


def use_fractional(module):
    module(np.ones((2, 3, *[3] * int(type(module).__name__[-2])), np.float32))


def use_unpool(module):
    x = np.ones((2, 3, *[1] * int(type(module).__name__[-2])), np.float32)
    module(x, np.zeros(x.shape, np.int64))


def use_fold(module):
    module(np.ones((2, 4, 9), np.float32))


def use_ids(layer):
    layer([[0, 1]])


def use_texts(layer):
    layer(["a b", "b"])


def use_steps(layer):
    layer(np.ones((2, 3, 4), np.float32))


def use_merge(layer):
    layer([X, X])


def use_loss(loss):
    name = type(loss).__name__
    if name == "CTC":
        loss([[1], [2]], np.stack([X, X]))
        return
    classes = name.startswith("Sparse") or name in (
        "Circle",
        "CategoricalGeneralizedCrossEntropy",
    )
    loss([0, 1] if classes else [[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]], X)


def use_metric(metric):
    name = type(metric).__name__
    if name in ("Mean", "Sum"):
        metric(X)
    elif name.startswith("Sparse"):
        metric([0, 1], X)
    else:
        metric([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]], X)


def use_optimizer(optimizer):
    variable = nn.Parameter(np.ones(3, np.float32))
    optimizer.build([variable])
    optimizer.apply([fastdl.ones(3)])


def use_schedule(schedule):
    schedule(0), schedule(3)
    schedule._values(0, 4)


class Stub:
    """What callbacks see of a model."""

    stop_training = False
    metrics = ()

    def __init__(self):
        self.optimizer = optimizers.SGD(0.1)

    def get_weights(self):
        return []

    def set_weights(self, weights):
        pass


NEED_A_MODEL = ("BackupAndRestore", "ModelCheckpoint", "SwapEMAWeights", "TensorBoard")


def use_in_fit(callback):
    """Callbacks that need a real model, and a folder to write to."""
    model = fastdl.Sequential([layers.Input((3,)), layers.Dense(1)])
    model.compile(optimizers.SGD(0.1, use_ema=True), "mse")
    before = os.getcwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            model.fit(X, X[:, :1], epochs=2, verbose=0, callbacks=[callback])
        finally:
            os.chdir(before)


def use_callback(callback):
    if type(callback).__name__ in NEED_A_MODEL:
        use_in_fit(callback)
        return
    callback.set_params({"epochs": 3, "steps": 1, "verbose": 0})
    callback.set_model(Stub())
    callback.on_train_begin()
    for epoch in range(3):
        callback.on_epoch_begin(epoch)
        callback.on_train_batch_end(0, {"loss": 1.0})
        callback.on_epoch_end(epoch, {"loss": 1.0, "val_loss": 1.0 + epoch})
    callback.on_train_end()


def use_initializer(initializer):
    initializer((2, 1, 3) if isinstance(initializer, initializers.STFT) else (2, 3))


def use_on_weight(thing):
    thing(fastdl.ones(2, 3))


def use_module(module):
    module(fastdl.tensor(X))


def use_torch_loss(loss):
    name = type(loss).__name__
    if name in ("CrossEntropyLoss", "NLLLoss", "NLLLoss2d", "MultiMarginLoss"):
        loss(fastdl.tensor(X), fastdl.tensor([0, 1]))
    elif name == "MultiLabelMarginLoss":
        loss(fastdl.tensor(X), fastdl.tensor([[0, -1, 1], [2, 1, -1]]))
    elif name == "CTCLoss":
        loss(fastdl.tensor(X), [2], 2, 1)
    elif name == "CosineEmbeddingLoss":
        loss(fastdl.tensor(X), fastdl.ones(2, 3), fastdl.ones(2))
    elif name.startswith(("Gaussian", "MarginRanking", "Triplet")):
        loss(fastdl.tensor(X), fastdl.ones(2, 3), fastdl.ones(2, 3))
    else:
        loss(fastdl.tensor(X), fastdl.ones(2, 3))


def use_torch_optimizer(optimizer):
    for group in optimizer.param_groups:
        for weight in group["params"]:
            weight.grad = fastdl.ones(*weight.shape)
    if isinstance(optimizer, optim.LBFGS):
        optimizer.step(lambda: sum(fastdl.sum(weight) for weight in group["params"]))
    else:
        optimizer.step()


def use_scheduler(scheduler):
    plateau = isinstance(scheduler, lr_scheduler.ReduceLROnPlateau)
    for _ in range(4):
        scheduler.optimizer.step()
        scheduler.step(*[1.0] * plateau)


def use_averaged(model):
    model.update_parameters(model.module)
    model(fastdl.tensor(X))


def use_distribution(thing):
    if isinstance(thing, distributions.Transform):
        thing(fastdl.tensor(X))
    else:
        thing.sample((2,))


def use_iterable(thing):
    for position, _ in enumerate(thing):
        if position > 3:
            break


def use_nothing(thing):
    pass


def weights():
    return [nn.Parameter(np.ones(3, np.float32))]


def stepped():
    return optim.SGD(weights(), lr=0.1, momentum=0.9)


def chained():
    optimizer = stepped()
    return {"optimizer": optimizer, "schedulers": [lr_scheduler.ExponentialLR(optimizer, 0.5)]}


def numbers():
    return data.TensorDataset(np.arange(6.0, dtype=np.float32))


# --- the classes: what each needs, and how it is used

LAYER_OPTIONS = ("name", "dtype", "trainable", "activity_regularizer", "input_shape", "batch_size")
OPTIMIZER_OPTIONS = (
    "weight_decay clipnorm clipvalue global_clipnorm use_ema ema_momentum ema_overwrite_frequency "
    "loss_scale_factor gradient_accumulation_steps name"
).split()

# module: (how its objects are used, options that come as **kwargs)
MODULES = {
    layers: (use_layer, LAYER_OPTIONS),
    losses: (use_loss, ()),
    metrics: (use_metric, ()),
    optimizers: (use_optimizer, OPTIMIZER_OPTIONS),
    schedules: (use_schedule, ()),
    callbacks: (use_callback, ()),
    initializers: (use_initializer, ()),
    regularizers: (use_on_weight, ()),
    constraints: (use_on_weight, ()),
    nn: (use_module, ()),
    optim: (use_torch_optimizer, ()),
    lr_scheduler: (use_scheduler, ()),
    swa_utils: (use_scheduler, ()),
    data: (use_iterable, ()),
    distributions: (use_distribution, ()),
}
MERGES = "Add Average Concatenate Dot Maximum Minimum Multiply Subtract".split()
TORCH_LOSSES = """
    BCE BCEWithLogits CTC CosineEmbedding CrossEntropy GaussianNLL HingeEmbedding Huber KLDiv L1 MSE
    MarginRanking MultiLabelMargin MultiLabelSoftMargin MultiMargin NLL PoissonNLL SmoothL1
    SoftMargin TripletMargin TripletMarginWithDistance
""".split()
NORMS = "BatchNorm1d BatchNorm2d BatchNorm3d GroupNorm InstanceNorm1d InstanceNorm2d".split()
NORMS += ["InstanceNorm3d", "LayerNorm", "RMSNorm"]
CONVS = [f"{name}{n}d" for name in ("Conv", "ConvTranspose") for n in (1, 2, 3)]


def use_sequence(layer):
    layer(np.ones((2, 3, 2), "float32"))


def use_attention(layer):
    x = np.ones((2, 3, 4), "float32")
    layer(x, x)


def use_block(layer):
    layer(np.ones((2, 3, 4), "float32"))


def use_pair(layer):
    x = np.ones((2, 3, 4), "float32")
    layer([x, x])


def use_signal(layer):
    layer(np.ones((2, 2000), "float32"))


def use_channels(layer):
    layer(np.ones((2, 400, 2), "float32"))


def use_cell(cell):
    cell(np.ones((2, 3), "float32"), cell.get_initial_state(2))


def use_image_sequence(layer):
    axes = layer.input_spec.ndim - 3
    layer(np.ones((1, 2, *(4,) * axes, 1), "float32"))


def use_recurrent(module):
    module(fastdl.ones(3, 2, 2))


def use_table(module):
    module(fastdl.tensor([[1, 0]]))


def use_heads(module):
    module(fastdl.ones(3, 2, 4), fastdl.ones(3, 2, module.kdim), fastdl.ones(3, 2, module.vdim))


def use_pair_of_sequences(module):
    module(fastdl.ones(3, 2, 4), fastdl.ones(3, 2, 4))


def use_encoder(module):
    module(fastdl.ones(3, 2, 4))


def use_vectors(module):
    module(fastdl.ones(2, 2))


USES = {f"layers.{name}": use_merge for name in MERGES}
USES |= {f"layers.{name}": use_grid for name in layers.__all__ if name.endswith(("1D", "2D", "3D"))}
RECURRENT = ("SimpleRNN", "LSTM", "GRU", "RNN")
USES |= {f"layers.{name}": use_sequence for name in (*RECURRENT, "Bidirectional")}
USES |= {f"layers.{name}Cell": use_cell for name in ("SimpleRNN", "LSTM", "GRU")}
USES |= {f"layers.{name}": use_signal for name in ("MFCC", "MelSpectrogram")}
USES |= {"layers.STFTSpectrogram": use_channels}
USES |= {f"layers.ConvLSTM{n}D": use_image_sequence for n in (1, 2, 3)}
USES |= {f"layers.{name}": use_attention for name in ("MultiHeadAttention", "GroupQueryAttention")}
USES |= {f"layers.Transformer{name}": use_block for name in ("Encoder", "Decoder")}
USES |= {f"layers.{name}": use_pair for name in ("Attention", "AdditiveAttention")}
USES |= {"layers.StackedRNNCells": lambda cells: use_sequence(layers.RNN(cells))}
USES |= {f"nn.{name}": use_recurrent for name in RECURRENT[1:]}
USES |= {f"nn.{name}Cell": use_vectors for name in RECURRENT[1:]}
USES |= {f"nn.{name}": use_table for name in ("Embedding", "EmbeddingBag")}
USES["nn.MultiheadAttention"] = use_heads
USES |= {f"nn.TransformerEncoder{more}": use_encoder for more in ("", "Layer")}
USES |= {f"nn.TransformerDecoder{more}": use_pair_of_sequences for more in ("", "Layer")}
USES["nn.Transformer"] = use_pair_of_sequences
USES |= {f"nn.{kind}Norm{n}d": use_spatial for kind in ("Batch", "Instance") for n in (1, 2, 3)}
USES |= {f"nn.{name}Loss": use_torch_loss for name in TORCH_LOSSES}
SPATIAL = ("Conv", "ConvTranspose", "MaxPool", "AvgPool", "LPPool", "AdaptiveAvgPool")
SPATIAL += ("AdaptiveMaxPool", "ConstantPad", "ZeroPad", "ReflectionPad", "ReplicationPad")
SPATIAL += ("CircularPad", "Dropout")
USES |= {f"nn.{name}{n}d": use_spatial for name in SPATIAL for n in (1, 2, 3)}
USES |= {f"nn.MaxUnpool{n}d": use_unpool for n in (1, 2, 3)}
USES |= {
    "nn.LocalResponseNorm": use_spatial,
    "nn.ChannelShuffle": use_spatial,
    "nn.Fold": use_fold,
    "nn.PixelShuffle": use_pixels,
    "nn.PixelUnshuffle": use_pixels,
    "nn.Unfold": use_pixels,
    "nn.Upsample": use_pixels,
    "nn.UpsamplingBilinear2d": use_pixels,
    "nn.UpsamplingNearest2d": use_pixels,
    "nn.FractionalMaxPool2d": use_fractional,
    "nn.FractionalMaxPool3d": use_fractional,
    "optim.swa_utils.AveragedModel": use_averaged,
    "nn.ModuleList": use_nothing,
    "optimizers.OptimizerMap": use_nothing,
    "nn.ModuleDict": use_nothing,
    "nn.ParameterList": use_nothing,
    "nn.ParameterDict": use_nothing,
    "nn.Bilinear": use_two,
    "nn.CosineSimilarity": use_two,
    "nn.PairwiseDistance": use_two,
    "nn.CrossMapLRN2d": use_images,
    "nn.GLU": use_even,
    "nn.AdaptiveLogSoftmaxWithLoss": use_labels,
    "nn.NLLLoss2d": use_torch_loss,
    **{f"nn.Lazy{kind}Norm{n}d": use_spatial for kind in ("Batch", "Instance") for n in (1, 2, 3)},
    **{f"nn.LazyConv{more}{n}d": use_spatial for more in ("", "Transpose") for n in (1, 2, 3)},
    "nn.Parameter": use_nothing,
    "layers.InputSpec": use_nothing,
    "layers.InputLayer": use_nothing,
    **{
        f"layers.{name}": use_images
        for name in layers.__all__
        if name.startswith("Random")
        or name
        in (
            "AugMix",
            "AutoContrast",
            "ContrastLimitedAdaptiveHistogramEqualization",
            "MaxNumBoundingBoxes",
            "RandAugment",
            "Equalization",
            "CenterCrop",
            "CutMix",
            "MixUp",
            "Pipeline",
            "Solarization",
        )
    },
    "layers.Resizing": use_images,
    "layers.Embedding": use_ids,
    "layers.ReversibleEmbedding": use_ids,
    "layers.RotaryEmbedding": use_steps,
    "layers.TimeDistributed": use_steps,
    "layers.HashedCrossing": use_crossing,
    "layers.Hashing": use_hashing,
    "layers.IntegerLookup": use_lookup,
    "layers.StringLookup": use_lookup,
    "layers.TextVectorization": use_texts,
}
NEEDED = {
    f"layers.{name}{axes}D": (lambda given=given: dict(given))
    for name, given in (
        ("AdaptiveAveragePooling", {"output_size": 2}),
        ("AdaptiveMaxPooling", {"output_size": 2}),
        ("AveragePooling", {"pool_size": 2}),
        ("SpatialDropout", {"rate": 0.5}),
    )
    for axes in (1, 2, 3)
}
NEEDED |= {
    "layers.CenterCrop": lambda: {"height": 2, "width": 3},
    "layers.MaxNumBoundingBoxes": lambda: {"max_number": 3},
    "layers.TorchModuleWrapper": lambda: {"module": nn.Linear(3, 2)},
    "layers.RandomBrightness": lambda: {"factor": 0.2},
    "layers.RandomContrast": lambda: {"factor": 0.2},
    "layers.RandomCrop": lambda: {"height": 2, "width": 3},
    **{
        f"layers.{name}": lambda: {"factor": 0.2}
        for name in ("RandomColorDegeneration", "RandomHue", "RandomSaturation", "RandomSharpness")
    },
    "layers.RandomPosterization": lambda: {"factor": 3},
    "layers.Pipeline": lambda: {"layers": [layers.Rescaling(0.5)]},
    "layers.RandomRotation": lambda: {"factor": 0.2},
    "layers.RandomTranslation": lambda: {"height_factor": 0.2, "width_factor": 0.2},
    "layers.RandomZoom": lambda: {"height_factor": 0.2},
    "layers.Resizing": lambda: {"height": 2, "width": 3},
    "layers.Activation": lambda: {"activation": "relu"},
    "layers.Dense": lambda: {"units": 2},
    **{
        f"layers.{kind}{rank}D{more}": lambda: {"filters": 2, "kernel_size": 2}
        for kind, ranks, more in (
            ("Conv", (1, 2, 3), ""),
            ("Conv", (1, 2, 3), "Transpose"),
            ("SeparableConv", (1, 2), ""),
        )
        for rank in ranks
    },
    **{
        f"layers.{name}{more}": lambda: {"units": 2}
        for name in ("SimpleRNN", "LSTM", "GRU")
        for more in ("", "Cell")
    },
    **{f"layers.ConvLSTM{n}D": lambda: {"filters": 2, "kernel_size": 2} for n in (1, 2, 3)},
    "layers.MultiHeadAttention": lambda: {"num_heads": 2, "key_dim": 3},
    "layers.GroupQueryAttention": lambda: {
        "head_dim": 2,
        "num_query_heads": 4,
        "num_key_value_heads": 2,
    },
    **{
        f"layers.Transformer{name}": lambda: {"intermediate_dim": 3, "num_heads": 2}
        for name in ("Encoder", "Decoder")
    },
    "layers.RNN": lambda: {"cell": layers.GRUCell(2)},
    "layers.Bidirectional": lambda: {"layer": layers.GRU(2)},
    "layers.StackedRNNCells": lambda: {"cells": [layers.GRUCell(2)]},
    **{
        f"nn.{name}{more}": lambda: {"input_size": 2, "hidden_size": 3}
        for name in ("RNN", "LSTM", "GRU")
        for more in ("", "Cell")
    },
    **{
        f"nn.{name}": lambda: {"num_embeddings": 4, "embedding_dim": 3}
        for name in ("Embedding", "EmbeddingBag")
    },
    "nn.MultiheadAttention": lambda: {"embed_dim": 4, "num_heads": 2},
    "nn.TransformerEncoderLayer": lambda: {"d_model": 4, "nhead": 2, "dim_feedforward": 6},
    "nn.TransformerDecoderLayer": lambda: {"d_model": 4, "nhead": 2, "dim_feedforward": 6},
    "nn.TransformerEncoder": lambda: {
        "encoder_layer": nn.TransformerEncoderLayer(4, 2, 6),
        "num_layers": 1,
    },
    "nn.TransformerDecoder": lambda: {
        "decoder_layer": nn.TransformerDecoderLayer(4, 2, 6),
        "num_layers": 1,
    },
    "nn.Transformer": lambda: {
        "d_model": 4,
        "nhead": 2,
        "num_encoder_layers": 1,
        "num_decoder_layers": 1,
        "dim_feedforward": 6,
    },
    "layers.DepthwiseConv1D": lambda: {"kernel_size": 2},
    "layers.DepthwiseConv2D": lambda: {"kernel_size": 2},
    "layers.Embedding": lambda: {"input_dim": 2, "output_dim": 3},
    "layers.ReversibleEmbedding": lambda: {"input_dim": 2, "output_dim": 3},
    "layers.EinsumDense": lambda: {"equation": "ab,bc->ac", "output_shape": 2},
    "layers.TimeDistributed": lambda: {"layer": layers.Dense(2)},
    "layers.PositionEmbedding": lambda: {"sequence_length": 3},
    "layers.Dot": lambda: {"axes": 1},
    "layers.Dropout": lambda: {"rate": 0.5},
    "layers.AlphaDropout": lambda: {"rate": 0.5},
    "layers.GaussianDropout": lambda: {"rate": 0.5},
    "layers.GaussianNoise": lambda: {"stddev": 0.5},
    "layers.GroupNormalization": lambda: {"groups": 1},
    "layers.SpectralNormalization": lambda: {"layer": layers.Dense(2)},
    "layers.InputLayer": lambda: {"shape": (3,)},
    "layers.HashedCrossing": lambda: {"num_bins": 3},
    "layers.Hashing": lambda: {"num_bins": 3},
    "layers.IntegerLookup": lambda: {"vocabulary": [0, 1]},
    "layers.TextVectorization": lambda: {"vocabulary": ["a", "b"]},
    "layers.StringLookup": lambda: {"vocabulary": ["a", "b"]},
    "layers.Lambda": lambda: {"function": lambda x: x},
    "layers.Permute": lambda: {"dims": (1,)},
    "layers.CategoryEncoding": lambda: {"num_tokens": 3},
    "layers.Discretization": lambda: {"bin_boundaries": [0.0, 1.0]},
    "layers.RepeatVector": lambda: {"n": 2},
    "layers.Rescaling": lambda: {"scale": 2.0},
    "layers.Reshape": lambda: {"target_shape": (3,)},
    "losses.LossFunctionWrapper": lambda: {"fn": losses.mean_squared_error},
    "metrics.MeanMetricWrapper": lambda: {"fn": losses.mean_squared_error},
    "metrics.IoU": lambda: {"num_classes": 3, "target_class_ids": [0]},
    "metrics.MeanIoU": lambda: {"num_classes": 3},
    "metrics.OneHotIoU": lambda: {"num_classes": 3, "target_class_ids": [0]},
    "metrics.OneHotMeanIoU": lambda: {"num_classes": 3},
    "metrics.PrecisionAtRecall": lambda: {"recall": 0.5},
    "metrics.RecallAtPrecision": lambda: {"precision": 0.5},
    "metrics.SensitivityAtSpecificity": lambda: {"specificity": 0.5},
    "metrics.SpecificityAtSensitivity": lambda: {"sensitivity": 0.5},
    "optimizers.LossScaleOptimizer": lambda: {"inner_optimizer": optimizers.SGD()},
    "optimizers.MultiOptimizer": lambda: {"optimizer_map": lambda v: optimizers.SGD()},
    "optimizers.OptimizerMap": lambda: {"default_optimizer": optimizers.SGD()},
    "optimizers.schedules.CosineDecay": lambda: {"initial_learning_rate": 0.1, "decay_steps": 3},
    "optimizers.schedules.CosineDecayRestarts": lambda: {
        "initial_learning_rate": 0.1,
        "first_decay_steps": 3,
    },
    "optimizers.schedules.ExponentialDecay": lambda: {
        "initial_learning_rate": 0.1,
        "decay_steps": 3,
        "decay_rate": 0.5,
    },
    "optimizers.schedules.InverseTimeDecay": lambda: {
        "initial_learning_rate": 0.1,
        "decay_steps": 3,
        "decay_rate": 0.5,
    },
    "optimizers.schedules.PiecewiseConstantDecay": lambda: {
        "boundaries": [2],
        "values": [0.1, 0.2],
    },
    "optimizers.schedules.PolynomialDecay": lambda: {
        "initial_learning_rate": 0.1,
        "decay_steps": 3,
    },
    "callbacks.LearningRateScheduler": lambda: {"schedule": lambda epoch: 0.1},
    "callbacks.BackupAndRestore": lambda: {"backup_dir": "backup"},
    "callbacks.ModelCheckpoint": lambda: {"filepath": "m.fastdl"},
    **{
        f"nn.{name}{n}d": (lambda given=given: dict(given))
        for name, given in (
            ("Conv", {"in_channels": 3, "out_channels": 2, "kernel_size": 1}),
            ("ConvTranspose", {"in_channels": 3, "out_channels": 2, "kernel_size": 1}),
            ("MaxPool", {"kernel_size": 2}),
            ("MaxUnpool", {"kernel_size": 2}),
            ("AvgPool", {"kernel_size": 2}),
            ("LPPool", {"norm_type": 2.0, "kernel_size": 2}),
            ("AdaptiveAvgPool", {"output_size": 2}),
            ("AdaptiveMaxPool", {"output_size": 2}),
            ("ConstantPad", {"padding": 1, "value": 1.0}),
            ("ZeroPad", {"padding": 1}),
            ("ReflectionPad", {"padding": 1}),
            ("ReplicationPad", {"padding": 1}),
            ("CircularPad", {"padding": 1}),
        )
        for n in (1, 2, 3)
    },
    "nn.ChannelShuffle": lambda: {"groups": 3},
    "nn.Fold": lambda: {"output_size": 4, "kernel_size": 2},
    "nn.PixelShuffle": lambda: {"upscale_factor": 2},
    "nn.PixelUnshuffle": lambda: {"downscale_factor": 2},
    "nn.Unfold": lambda: {"kernel_size": 2},
    "nn.Upsample": lambda: {"scale_factor": 2.0},
    "nn.UpsamplingBilinear2d": lambda: {"scale_factor": 2.0},
    "nn.UpsamplingNearest2d": lambda: {"scale_factor": 2.0},
    "nn.BatchNorm1d": lambda: {"num_features": 3},
    "nn.BatchNorm2d": lambda: {"num_features": 3},
    "nn.BatchNorm3d": lambda: {"num_features": 3},
    "nn.GroupNorm": lambda: {"num_groups": 3, "num_channels": 3},
    "nn.InstanceNorm1d": lambda: {"num_features": 3},
    "nn.InstanceNorm2d": lambda: {"num_features": 3},
    "nn.InstanceNorm3d": lambda: {"num_features": 3},
    "nn.LayerNorm": lambda: {"normalized_shape": 3},
    "nn.Linear": lambda: {"in_features": 3, "out_features": 2},
    "nn.LocalResponseNorm": lambda: {"size": 2},
    "nn.CrossMapLRN2d": lambda: {"size": 2},
    "nn.AdaptiveLogSoftmaxWithLoss": lambda: {"in_features": 3, "n_classes": 6, "cutoffs": [2, 4]},
    "nn.Bilinear": lambda: {"in1_features": 3, "in2_features": 3, "out_features": 2},
    "nn.DataParallel": lambda: {"module": nn.Linear(3, 2)},
    "nn.LazyLinear": lambda: {"out_features": 2},
    **{
        f"nn.LazyConv{more}{n}d": lambda: {"out_channels": 2, "kernel_size": 1}
        for more in ("", "Transpose")
        for n in (1, 2, 3)
    },
    "nn.Softmin": lambda: {"dim": 1},
    "nn.Threshold": lambda: {"threshold": 0.5, "value": 0.0},
    "nn.RMSNorm": lambda: {"normalized_shape": 3},
    "nn.Parameter": lambda: {"data": [1.0]},
    "nn.Softmax": lambda: {"dim": 1},
    "nn.LogSoftmax": lambda: {"dim": 1},
    "nn.Unflatten": lambda: {"dim": 1, "unflattened_size": (3, 1)},
    "data.BatchSampler": lambda: {"sampler": range(6), "batch_size": 2, "drop_last": False},
    "data.ChainDataset": lambda: {"datasets": [numbers()]},
    "data.ConcatDataset": lambda: {"datasets": [numbers(), numbers()]},
    "data.DataLoader": lambda: {"dataset": numbers()},
    "data.RandomSampler": lambda: {"data_source": numbers()},
    "data.SequentialSampler": lambda: {"data_source": numbers()},
    "data.BucketBatchSampler": lambda: {"lengths": [3, 5], "batch_size": 2},
    "data.Subset": lambda: {"dataset": numbers(), "indices": [0, 1]},
    "data.SubsetRandomSampler": lambda: {"indices": [0, 1]},
    "data.WeightedRandomSampler": lambda: {"weights": [0.5, 0.5], "num_samples": 2},
    "optim.Muon": lambda: {"params": [nn.Parameter(fastdl.ones(2, 3))]},
    "optim.lr_scheduler.CosineAnnealingLR": lambda: {"optimizer": stepped(), "T_max": 3},
    "optim.lr_scheduler.CosineAnnealingWarmRestarts": lambda: {"optimizer": stepped(), "T_0": 3},
    "optim.lr_scheduler.ChainedScheduler": chained,
    "optim.lr_scheduler.CyclicLR": lambda: {"optimizer": stepped(), "base_lr": 0.1, "max_lr": 0.2},
    "optim.lr_scheduler.SequentialLR": lambda: {**chained(), "milestones": []},
    "optim.lr_scheduler.ExponentialLR": lambda: {"optimizer": stepped(), "gamma": 0.5},
    "optim.lr_scheduler.LambdaLR": lambda: {
        "optimizer": stepped(),
        "lr_lambda": lambda epoch: 0.5,
    },
    "optim.lr_scheduler.MultiStepLR": lambda: {"optimizer": stepped(), "milestones": [1, 2]},
    "optim.lr_scheduler.MultiplicativeLR": lambda: {
        "optimizer": stepped(),
        "lr_lambda": lambda epoch: 0.5,
    },
    "optim.lr_scheduler.OneCycleLR": lambda: {
        "optimizer": stepped(),
        "max_lr": 0.1,
        "total_steps": 6,
    },
    "optim.lr_scheduler.StepLR": lambda: {"optimizer": stepped(), "step_size": 2},
    **{f"nn.FractionalMaxPool{n}d": lambda: {"kernel_size": 1, "output_size": 1} for n in (2, 3)},
    **{
        f"distributions.{name}": lambda: {"loc": 0.0, "scale": 1.0}
        for name in ("Normal", "LogNormal", "Laplace", "Cauchy", "Gumbel")
    },
    **{
        f"distributions.{name}": lambda: {"probs": fastdl.tensor([0.25, 0.75])}
        for name in ("Bernoulli", "Geometric", "Binomial", "Categorical", "OneHotCategorical")
    },
    "distributions.OneHotCategoricalStraightThrough": lambda: {"probs": fastdl.tensor([0.5, 0.5])},
    "distributions.HalfNormal": lambda: {"scale": 1.0},
    "distributions.Exponential": lambda: {"rate": 1.0},
    "distributions.Poisson": lambda: {"rate": 1.0},
    "distributions.Uniform": lambda: {"low": 0.0, "high": 1.0},
    "distributions.Gamma": lambda: {"concentration": 1.0, "rate": 1.0},
    "distributions.Chi2": lambda: {"df": 1.0},
    "distributions.StudentT": lambda: {"df": 1.0},
    "distributions.Beta": lambda: {"concentration1": 1.0, "concentration0": 1.0},
    "distributions.Dirichlet": lambda: {"concentration": fastdl.ones(2)},
    "distributions.MultivariateNormal": lambda: {
        "loc": fastdl.zeros(2),
        "scale_tril": fastdl.eye(2),
    },
    "distributions.Independent": lambda: {
        "base_distribution": distributions.Normal([0.0], 1.0),
        "reinterpreted_batch_ndims": 1,
    },
    "distributions.TransformedDistribution": lambda: {
        "base_distribution": distributions.Normal(0.0, 1.0),
        "transforms": [],
    },
    "distributions.MixtureSameFamily": lambda: {
        "mixture_distribution": distributions.Categorical([0.5, 0.5]),
        "component_distribution": distributions.Normal([0.0, 1.0], 1.0),
    },
    "distributions.ComposeTransform": lambda: {"parts": []},
    "distributions.PowerTransform": lambda: {"exponent": 2.0},
    "distributions.AffineTransform": lambda: {"loc": 0.0, "scale": 1.0},
    "optim.swa_utils.AveragedModel": lambda: {"model": nn.Linear(3, 2)},
    "optim.swa_utils.SWALR": lambda: {"optimizer": stepped(), "swa_lr": 0.5},
}
# Base classes, which do nothing by themselves, and those whose arguments are theirs alone.
NOT_MADE = {
    "data.ImageFolder": "it needs a folder of files; test_image_folder.py tries its arguments",
    "layers.Layer": "a base class; its options are tried on each layer",
    "layers.Wrapper": "a base class; its arguments are those of SpectralNormalization",
    "losses.Loss": "a base class; its arguments are those of each loss",
    "metrics.Metric": "a base class; its arguments are those of each metric",
    "optimizers.Optimizer": "a base class; its arguments are those of each optimizer",
    "optimizers.schedules.LearningRateSchedule": "a base class",
    "callbacks.Callback": "a base class",
    "callbacks.CSVLogger": "its file name may be a number, that of an open file",
    "callbacks.CallbackList": "fit makes it",
    "initializers.Initializer": "a base class",
    "regularizers.Regularizer": "a base class",
    "constraints.Constraint": "a base class",
    "distributions.Distribution": "a base class",
    "distributions.Transform": "a base class",
    "nn.Module": "a base class",
    "nn.RNNBase": "a base class",
    "nn.RNNCellBase": "a base class",
    "nn.Identity": "takes any arguments, as PyTorch's",
    "nn.Sequential": "takes modules by position",
    "optim.Optimizer": "a base class",
    "optim.lr_scheduler.LRScheduler": "a base class",
    "data.Dataset": "a base class",
    "data.IterableDataset": "a base class",
    "data.Sampler": "a base class",
    "data.TensorDataset": "takes tensors by position",
    "data.StackDataset": "takes data sets by position or name",
}
# (class or "*", argument): values of another type than the annotation that work, and why.
_NO_PENALTY = "Keras takes None for no penalty"
_NO_EFFECT = "accepted for the sake of programs that give it, and without an effect"
ACCEPTED = {
    ("regularizers.L1", "l1"): (("None",), "Keras takes None for the default"),
    ("regularizers.L2", "l2"): (("None",), "Keras takes None for the default"),
    ("regularizers.L1L2", "l1"): (("None",), _NO_PENALTY),
    ("regularizers.L1L2", "l2"): (("None",), _NO_PENALTY),
    ("*", "autocast"): (tuple(NO_NUMBERS), _NO_EFFECT),
    ("data.DataLoader", "pin_memory"): (tuple(NO_NUMBERS), _NO_EFFECT),
}
_NO_DEVICE = "PyTorch's RuntimeError for a device that isn't there"
# (class, argument): an error of another kind or without names, and why it stands.
LAZY = [name for name in dir(nn) if name.startswith("Lazy")] + ["AdaptiveLogSoftmaxWithLoss"]
SEQUENCES = ("Embedding", "EmbeddingBag", "MultiheadAttention", "Transformer")
SEQUENCES += ("TransformerEncoderLayer", "TransformerDecoderLayer")
RECURRENT_MODULES = [f"{name}{more}" for name in RECURRENT[1:] for more in ("", "Cell")]
OTHER_ERRORS = {
    **{
        (f"nn.{name}", "device"): _NO_DEVICE
        for name in (
            "Linear",
            "PReLU",
            "Bilinear",
            *LAZY,
            *SEQUENCES,
            *NORMS,
            *CONVS,
            *RECURRENT_MODULES,
        )
    },
    ("nn.Parameter", "data"): "PyTorch's RuntimeError for a gradient of integers",
    ("layers.ActivityRegularization", "activity_regularizer"): "it has no such argument",
    ("data.DataLoader", "sampler"): "any iterable; the data set says what an index is",
    ("data.DataLoader", "batch_sampler"): "any iterable; the data set says what an index is",
    ("data.Subset", "dataset"): "a dict's own KeyError: a dict of samples is a data set",
    ("data.Subset", "indices"): "a dict's own KeyError: a dict of indices is a map of them",
}
# The function that a loss of PyTorch's face calls, which names itself.
FUNCTIONS = {
    "nn.BCELoss": "binary_cross_entropy",
    "nn.BCEWithLogitsLoss": "binary_cross_entropy_with_logits",
    "nn.CrossEntropyLoss": "cross_entropy",
    "nn.MultiLabelSoftMarginLoss": "multilabel_soft_margin_loss",
    "nn.MultiMarginLoss": "multi_margin_loss",
    "nn.NLLLoss": "nll_loss",
    "nn.NLLLoss2d": "nll_loss",
}
# What messages call an argument after the object is made.
ROLES = {
    "kernel_initializer": "initializer of weight 'kernel'",
    "bias_initializer": "initializer of weight 'bias'",
    "embeddings_initializer": "initializer of weight 'embeddings'",
    "alpha_initializer": "initializer of weight 'alpha'",
    "beta_initializer": "initializer of weight 'beta'",
    "gamma_initializer": "initializer of weight 'gamma'",
    "moving_mean_initializer": "initializer of weight 'moving_mean'",
    "moving_variance_initializer": "initializer of weight 'moving_variance'",
    "input_shape": "shape",
    "params": "parameter",
    "x": "tensor",
    "name": "names",
}


def classes():
    seen = set()
    for module, (use, options) in MODULES.items():
        short = module.__name__.removeprefix("fastdl.")
        for name, cls in sorted(vars(module).items()):
            label = f"{short}.{name}"
            if not inspect.isclass(cls) or name != cls.__name__ or cls in seen:
                continue
            if not cls.__module__.startswith(module.__name__) and name != "Parameter":
                continue
            if name.startswith("_") or label in NOT_MADE:
                continue
            seen.add(cls)
            yield label, cls, USES.get(label, use), options


CLASSES = {label: rest for label, *rest in classes()}


def arguments(cls, options):
    """The arguments of a constructor by name, with their annotations."""
    named = {}
    for parameter in list(inspect.signature(cls.__init__).parameters.values())[1:]:
        if parameter.kind is parameter.VAR_KEYWORD:
            named.update(dict.fromkeys(options, ""))
        elif parameter.kind is not parameter.VAR_POSITIONAL:
            named[parameter.name] = str(parameter.annotation)
    return named


def must_be_refused(label, argument, annotation, kind):
    """Whether the annotation says that no such value can work."""
    for owner in (label, "*"):
        if kind in ACCEPTED.get((owner, argument), ((), ""))[0]:
            return False
    wanted = {part.strip() for part in annotation.split("|")}
    if wanted <= {"bool", "None"}:  # None is False, and so are 0 and 0.0
        return kind in NO_NUMBERS and kind != "None"
    if not wanted <= {"int", "float", "None"}:
        return False
    if kind == "None":
        return "None" not in wanted
    return kind in NO_NUMBERS


def fault(label, cls, use, argument, annotation, kind):
    """What is wrong with how the class takes this value; None if nothing is."""
    needed = NEEDED.get(label, dict)()
    if label.startswith("optim.lr_scheduler.") and "optimizer" not in needed:
        needed["optimizer"] = stepped()
    elif label.startswith("optim.") and not {"params", "optimizer", "model"} & set(needed):
        needed["params"] = weights()
    value = HOSTILE[kind]
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            use(cls(**{**needed, argument: value}))
    except REFUSALS as error:
        if (label, argument) in OTHER_ERRORS:
            return None
        text = str(error)
        if not re.search(rf"(?<!\w)({argument}|{ROLES.get(argument, argument)})(?!\w)", text):
            return f"no argument: {type(error).__name__}: {text}"
        if cls.__name__ not in text and FUNCTIONS.get(label, label) not in text:
            return f"no class: {type(error).__name__}: {text}"
        return None
    except RuntimeError as error:
        return None if (label, argument) in OTHER_ERRORS else f"RuntimeError: {error}"
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    if must_be_refused(label, argument, annotation, kind):
        return "accepted"
    return None


@pytest.mark.parametrize("label", CLASSES)
def test_a_bad_argument_is_named(label):
    cls, use, options = CLASSES[label]
    faults = []
    for argument, annotation in arguments(cls, options).items():
        for kind in HOSTILE:
            found = fault(label, cls, use, argument, annotation, kind)
            if found:
                faults.append(f"{argument}={kind}: {found}")
    assert not faults, "\n" + "\n".join(faults)


# --- functions

SHAPE = (2, 3)
# Each function by its name in messages, and what it needs. "*size" is given by position.
CALLS = {
    "arange": (fastdl.arange, {"start": 0, "end": 4, "step": 1}),
    "linspace": (fastdl.linspace, {"start": 0, "end": 1, "steps": 3}),
    "eye": (fastdl.eye, {"n": 3, "m": 2}),
    "full": (fastdl.full, {"size": SHAPE, "fill_value": 1.0}),
    "zeros": (fastdl.zeros, {"size": SHAPE}),
    "ones": (fastdl.ones, {"size": SHAPE}),
    "empty": (fastdl.empty, {"size": SHAPE}),
    "rand": (fastdl.rand, {"size": SHAPE, "generator": None}),
    "randn": (fastdl.randn, {"size": SHAPE, "generator": None}),
    "randint": (fastdl.randint, {"low": 0, "high": 5, "size": SHAPE, "generator": None}),
    "randperm": (fastdl.randperm, {"n": 4, "generator": None}),
    "normal": (fastdl.normal, {"mean": 0.0, "std": 1.0, "size": SHAPE, "generator": None}),
    "full_like": (partial(fastdl.full_like, X), {"fill_value": 1.0}),
    "tensor": (fastdl.tensor, {"data": X, "dtype": None}),
    "random.normal": (random.normal, {"shape": SHAPE, "mean": 0.0, "stddev": 1.0, "seed": None}),
    "random.truncated_normal": (
        random.truncated_normal,
        {"shape": SHAPE, "mean": 0.0, "stddev": 1.0, "seed": None},
    ),
    "random.uniform": (
        random.uniform,
        {"shape": SHAPE, "minval": 0.0, "maxval": 1.0, "seed": None},
    ),
    "random.randint": (random.randint, {"shape": SHAPE, "minval": 0, "maxval": 5, "seed": None}),
    "random.dropout": (
        random.dropout,
        {"inputs": X, "rate": 0.5, "noise_shape": None, "seed": None},
    ),
    "random.shuffle": (random.shuffle, {"x": X, "axis": 0, "seed": None}),
    "ops.arange": (ops.arange, {"start": 0, "stop": 4, "step": 1}),
    "ops.linspace": (ops.linspace, {"start": 0, "stop": 1, "num": 3}),
    "ops.eye": (ops.eye, {"N": 3, "M": 2, "k": 0}),
    "ops.full": (ops.full, {"shape": SHAPE, "fill_value": 1.0}),
    "ops.zeros": (ops.zeros, {"shape": SHAPE}),
    "ops.ones": (ops.ones, {"shape": SHAPE}),
    "ops.one_hot": (ops.one_hot, {"x": [0, 1], "num_classes": 3, "axis": -1}),
}
# Those that draw from NumPy's generator where the seed is an integer.
SEEDED = ["random.normal", "random.truncated_normal", "random.uniform", "random.randint"]


def function_fault(label, argument, kind, seed=None):
    function, needed = CALLS[label]
    given = {**needed, argument: HOSTILE[kind]}
    if seed is not None and argument != "seed":
        given["seed"] = seed
    size = []
    if "size" in given and label in ("zeros", "ones", "empty", "rand", "randn"):
        size = [given.pop("size")]
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            function(*size, **given)
    except REFUSALS as error:
        text = str(error)
        if not re.search(rf"(?<!\w)({argument}|{ROLES.get(argument, argument)})(?!\w)", text):
            return f"no argument: {type(error).__name__}: {text}"
        if label.rpartition(".")[2] not in text:
            return f"no function: {type(error).__name__}: {text}"
        return None
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    annotation = str(inspect.signature(function).parameters[argument].annotation)
    return "accepted" if must_be_refused(label, argument, annotation, kind) else None


@pytest.mark.parametrize(
    ("label", "seed"), [(label, None) for label in CALLS] + [(label, 1) for label in SEEDED]
)
def test_a_bad_argument_of_a_function_is_named(label, seed):
    faults = []
    for argument in CALLS[label][1]:
        for kind in HOSTILE:
            found = function_fault(label, argument, kind, seed)
            if found:
                faults.append(f"{argument}={kind}: {found}")
    assert not faults, "\n" + "\n".join(faults)


# --- what the tables don't reach


def model():
    return fastdl.Sequential([layers.Input((3,)), layers.Dense(2, name="only")], name="net")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: model().get_layer(index="a"), "net.*get_layer: index: expected an integer"),
        (lambda: model().get_layer(index=1.0), "net.*get_layer: index: expected an integer"),
        (lambda: model().get_layer(name=3), "net.*get_layer: name: expected a string"),
        (lambda: layers.PReLU(shared_axes=[5])(X), r"PReLU.*shared_axes: .*from 1 to 1 .*\(5,\)"),
        (
            lambda: layers.Dropout(0.5, noise_shape=(2,))(X, training=True),
            "Dropout.*noise_shape: expected 2 sizes",
        ),
        (lambda: layers.Concatenate("a"), "Concatenate: axis: expected an integer, got 'a'"),
        (lambda: layers.Concatenate(2)([X, X]), "Concatenate.*axis 2"),
        (lambda: layers.Rescaling([1.0, 2.0])(X), "Rescaling.*scale: expected a number or 3"),
        (lambda: random.uniform(3), "uniform: shape: expected several integers, got 3"),
        (lambda: initializers.VarianceScaling(distribution=None), "distribution: .* got None"),
        (lambda: callbacks.EarlyStopping(patience="a"), "EarlyStopping: patience: .* got 'a'"),
        (lambda: optimizers.SGD("0.1"), "SGD: learning_rate: expected a number .* got '0.1'"),
        (
            lambda: nn.functional.l1_loss(X, X, reduction="avg"),
            "l1_loss: reduction: expected 'mean', 'sum' or 'none', got 'avg'",
        ),
        (lambda: ops.unique([], size=2), "unique: fill_value: expected a value"),
        (lambda: ops.unique([1, 2], axis=3), "unique: axis: "),
        (lambda: layers.Dropout(0.5)([X, X]), "Dropout.*: expected a tensor, got a list of 2"),
        (lambda: layers.ReLU()((X, X)), "ReLU.*: expected a tensor, got a tuple of 2"),
        (lambda: layers.Softmax()(inputs=[X, X]), "Softmax.*: expected a tensor, got a list of 2"),
    ],
)
def test_the_message_says_what_was_expected(call, message):
    with pytest.raises((TypeError, ValueError), match=message):
        call()


def test_an_error_in_a_layer_of_several_inputs_is_not_replaced():
    def broken(inputs):
        return inputs[0] + object()

    with pytest.raises(TypeError, match="object"):
        layers.Lambda(broken)([X, X])
    with pytest.raises(ValueError, match="expected a tensor, got a list of 2"):
        layers.Reshape((3,))([X, X])


@pytest.mark.parametrize("integer", [np.int64(2), np.int32(2), np.uint8(2)])
def test_integers_of_numpy_work(integer):
    assert layers.Dense(integer)(X).shape == (2, 2)
    assert nn.Linear(3, integer)(X).shape == (2, 2)
    assert layers.RepeatVector(integer)(X).shape == (2, 2, 3)
    assert len(data.BatchSampler(range(6), integer, False)) == 3
    assert callbacks.EarlyStopping(patience=integer).patience == 2
    assert callbacks.EarlyStopping(patience=float("inf")).patience == float("inf")
    assert fastdl.zeros(integer, integer).shape == (2, 2)
