"""Normalizing layers described once, for the peers and for fastdl.

`golden/normalization.py` trains them with Keras and PyTorch for three batches and stores outputs,
gradients and state; test_normalization.py and test_norms.py do the same with fastdl.
"""

import numpy as np
from keras_cases import filled

STEPS = 3


def batch(shape, step):
    """The input of a step, and the weights of the outputs in the loss."""
    x = filled(shape, step + 11, 1.3) + np.float32(0.5 * step)
    return x, filled(shape, step + 31, 1.0)


def mask_of(shape, step):
    """A mask of about two thirds of the places."""
    return filled(shape[:-1], step + 5) > -0.5


def state(shape, seed, name):
    """A first value of a weight: variances are positive."""
    value = filled(shape, seed, 0.6)
    return np.abs(value) + np.float32(0.2) if "var" in name or "stddev" in name else value


# name: (function from the package to a layer, shape of its input); "mask" in a name gives one.
KERAS = {
    "batch": (lambda k: k.layers.BatchNormalization(), (7, 5)),
    "batch_images": (lambda k: k.layers.BatchNormalization(momentum=0.8), (3, 4, 5, 6)),
    "batch_axis": (lambda k: k.layers.BatchNormalization(axis=1, epsilon=0.1), (3, 4, 5)),
    "batch_plain": (lambda k: k.layers.BatchNormalization(center=False, scale=False), (4, 3)),
    "batch_center": (lambda k: k.layers.BatchNormalization(scale=False), (4, 3)),
    "batch_frozen": (lambda k: k.layers.BatchNormalization(trainable=False), (4, 3)),
    "batch_single": (lambda k: k.layers.BatchNormalization(), (1, 3)),
    "batch_mask": (lambda k: k.layers.BatchNormalization(), (4, 3, 5)),
    "batch_renorm": (lambda k: k.layers.BatchNormalization(renorm=True, momentum=0.9), (6, 4)),
    "batch_renorm_clipped": (
        lambda k: k.layers.BatchNormalization(
            renorm=True,
            renorm_clipping={"rmin": 0.6, "rmax": 1.5, "dmax": 0.4},
            renorm_momentum=0.7,
        ),
        (6, 4),
    ),
    "layer": (lambda k: k.layers.LayerNormalization(), (4, 6)),
    "layer_axes": (lambda k: k.layers.LayerNormalization(axis=[1, 2]), (3, 4, 5)),
    "layer_middle": (lambda k: k.layers.LayerNormalization(axis=1, epsilon=0.1), (3, 4, 5)),
    "layer_plain": (lambda k: k.layers.LayerNormalization(center=False, scale=False), (4, 6)),
    "layer_rms": (lambda k: k.layers.LayerNormalization(rms_scaling=True), (4, 6)),
    "group": (lambda k: k.layers.GroupNormalization(groups=3), (2, 4, 5, 6)),
    "group_instance": (lambda k: k.layers.GroupNormalization(groups=-1), (2, 4, 5, 6)),
    "group_first": (lambda k: k.layers.GroupNormalization(groups=2, axis=1), (2, 4, 5)),
    "group_dense": (lambda k: k.layers.GroupNormalization(groups=2, scale=False), (3, 8)),
    "rms": (lambda k: k.layers.RMSNormalization(), (4, 6)),
    "rms_axes": (lambda k: k.layers.RMSNormalization(axis=[1, 2], epsilon=0.1), (3, 4, 5)),
    "spectral": (
        lambda k: k.layers.SpectralNormalization(k.layers.Dense(3), power_iterations=2),
        (4, 5),
    ),
}

# name: (class of nn, its arguments, shape of the input)
TORCH = {
    "batch1d": ("BatchNorm1d", {"num_features": 5}, (7, 5)),
    "batch1d_series": ("BatchNorm1d", {"num_features": 4, "momentum": 0.3}, (3, 4, 6)),
    "batch2d": ("BatchNorm2d", {"num_features": 3, "eps": 0.1}, (4, 3, 5, 2)),
    "batch3d": ("BatchNorm3d", {"num_features": 2, "bias": False}, (2, 2, 3, 2, 2)),
    "cumulative": ("BatchNorm1d", {"num_features": 5, "momentum": None}, (6, 5)),
    "untracked": ("BatchNorm1d", {"num_features": 5, "track_running_stats": False}, (6, 5)),
    "plain": ("BatchNorm2d", {"num_features": 3, "affine": False}, (4, 3, 2, 2)),
    "instance1d": ("InstanceNorm1d", {"num_features": 4}, (3, 4, 6)),
    "instance1d_single": ("InstanceNorm1d", {"num_features": 4, "affine": True}, (4, 6)),
    "instance2d": (
        "InstanceNorm2d",
        {"num_features": 3, "affine": True, "track_running_stats": True},
        (4, 3, 5, 2),
    ),
    "instance3d": ("InstanceNorm3d", {"num_features": 2, "eps": 0.1}, (2, 2, 3, 2, 2)),
    "group": ("GroupNorm", {"num_groups": 2, "num_channels": 6}, (3, 6, 4)),
    "group_dense": ("GroupNorm", {"num_groups": 3, "num_channels": 6, "affine": False}, (3, 6)),
    "layer": ("LayerNorm", {"normalized_shape": 6}, (4, 6)),
    "layer_axes": ("LayerNorm", {"normalized_shape": [3, 4], "bias": False}, (2, 3, 4)),
    "layer_plain": ("LayerNorm", {"normalized_shape": 6, "elementwise_affine": False}, (4, 6)),
    "rms": ("RMSNorm", {"normalized_shape": 6}, (4, 6)),
    "rms_eps": ("RMSNorm", {"normalized_shape": [3, 4], "eps": 0.1}, (2, 3, 4)),
    "response": ("LocalResponseNorm", {"size": 3, "alpha": 0.5}, (2, 7, 4)),
    "response_even": ("LocalResponseNorm", {"size": 4, "k": 2.0, "beta": 0.5}, (2, 3, 2, 2)),
}
