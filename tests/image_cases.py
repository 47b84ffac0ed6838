"""Layers and functions of images described once, for Keras and for fastdl: `k` is either package.

`golden/images.py` runs them with Keras on JAX and stores results and gradients. test_images.py runs
them with fastdl and compares.
"""

from keras_cases import filled

SEQUENCE, IMAGE, VOLUME = (2, 7, 3), (2, 6, 7, 3), (2, 4, 5, 6, 2)
FIRST = {"data_format": "channels_first"}

# name: (function from the package to a layer, shape of its input)
LAYERS = {}
for axes, shape in ((1, SEQUENCE), (2, IMAGE), (3, VOLUME)):
    for kind in ("Max", "Average"):
        name = f"{kind}Pooling{axes}D"

        def pooling(k, name=name, **arguments):
            return getattr(k.layers, name)(2, **arguments)

        LAYERS |= {
            f"{name}": (pooling, shape),
            f"{name}_first": (lambda k, f=pooling: f(k, **FIRST), shape),
            f"{name}_same": (lambda k, f=pooling: f(k, padding="same"), shape),
            f"{name}_strides": (lambda k, f=pooling: f(k, strides=3), shape),
            f"{name}_overlap": (lambda k, f=pooling: f(k, strides=1, padding="same"), shape),
            f"Adaptive{name}": (
                lambda k, name=name: getattr(k.layers, f"Adaptive{name}")(3),
                shape,
            ),
            f"Adaptive{name}_first": (
                lambda k, name=name: getattr(k.layers, f"Adaptive{name}")(2, **FIRST),
                shape,
            ),
            f"Global{name}": (lambda k, name=name: getattr(k.layers, f"Global{name}")(), shape),
            f"Global{name}_first": (
                lambda k, name=name: getattr(k.layers, f"Global{name}")(keepdims=True, **FIRST),
                shape,
            ),
        }
LAYERS |= {
    "MaxPooling2D_large": (
        lambda k: k.layers.MaxPooling2D((3, 4), (2, 1), padding="same"),
        (2, 5, 4, 3),
    ),
    "AveragePooling2D_large": (
        lambda k: k.layers.AveragePooling2D((3, 4), (2, 1), padding="same"),
        (2, 5, 4, 3),
    ),
    "AveragePooling2D_channels": (
        lambda k: k.layers.AveragePooling2D(3, 2, padding="same"),
        (1, 5, 6, 17),
    ),
    "MaxPooling2D_channels": (
        lambda k: k.layers.MaxPooling2D(3, 2, padding="same"),
        (1, 5, 6, 17),
    ),
    "AdaptiveMaxPooling2D_uneven": (lambda k: k.layers.AdaptiveMaxPooling2D((4, 5)), IMAGE),
    "AdaptiveAveragePooling2D_uneven": (
        lambda k: k.layers.AdaptiveAveragePooling2D((4, 5)),
        IMAGE,
    ),
    "ZeroPadding1D": (lambda k: k.layers.ZeroPadding1D(2), SEQUENCE),
    "ZeroPadding1D_first": (lambda k: k.layers.ZeroPadding1D((0, 2), **FIRST), SEQUENCE),
    "ZeroPadding2D": (lambda k: k.layers.ZeroPadding2D(), IMAGE),
    "ZeroPadding2D_pair": (lambda k: k.layers.ZeroPadding2D((1, 2)), IMAGE),
    "ZeroPadding2D_pairs": (lambda k: k.layers.ZeroPadding2D(((1, 0), (2, 3)), **FIRST), IMAGE),
    "ZeroPadding3D": (lambda k: k.layers.ZeroPadding3D((1, 0, 2)), VOLUME),
    "Cropping1D": (lambda k: k.layers.Cropping1D(), SEQUENCE),
    "Cropping1D_pair": (lambda k: k.layers.Cropping1D((0, 3)), SEQUENCE),
    "Cropping2D": (lambda k: k.layers.Cropping2D(2), IMAGE),
    "Cropping2D_pair": (lambda k: k.layers.Cropping2D((1, 3)), IMAGE),
    "Cropping2D_pairs": (
        lambda k: k.layers.Cropping2D(((0, 1), (2, 0)), **FIRST),
        (2, 3, 6, 7),
    ),
    "Cropping3D": (lambda k: k.layers.Cropping3D(), VOLUME),
    "UpSampling1D": (lambda k: k.layers.UpSampling1D(3), SEQUENCE),
    "UpSampling2D": (lambda k: k.layers.UpSampling2D(), IMAGE),
    "UpSampling2D_first": (lambda k: k.layers.UpSampling2D((1, 3), **FIRST), IMAGE),
    "UpSampling2D_channels": (lambda k: k.layers.UpSampling2D((3, 2)), (1, 3, 2, 17)),
    "UpSampling3D": (lambda k: k.layers.UpSampling3D((1, 2, 3)), VOLUME),
    "SpatialDropout2D_inference": (lambda k: k.layers.SpatialDropout2D(0.5), IMAGE),
    "Resizing": (lambda k: k.layers.Resizing(4, 9), IMAGE),
    "Resizing_one": (lambda k: k.layers.Resizing(4, 9), (6, 7, 3)),
    "Resizing_first": (lambda k: k.layers.Resizing(4, 9, **FIRST), IMAGE),
    "Resizing_crop": (lambda k: k.layers.Resizing(8, 4, crop_to_aspect_ratio=True), IMAGE),
    "Resizing_crop_first": (
        lambda k: k.layers.Resizing(3, 8, crop_to_aspect_ratio=True, **FIRST),
        (2, 3, 6, 7),
    ),
    "Resizing_pad": (
        lambda k: k.layers.Resizing(8, 4, pad_to_aspect_ratio=True, fill_value=2.0),
        (2, 6, 9, 3),
    ),
    "Resizing_pad_wide": (
        lambda k: k.layers.Resizing(3, 9, pad_to_aspect_ratio=True),
        (2, 6, 9, 3),
    ),
    "CenterCrop": (lambda k: k.layers.CenterCrop(3, 4), IMAGE),
    "CenterCrop_one": (lambda k: k.layers.CenterCrop(3, 4), (6, 7, 3)),
    "CenterCrop_first": (lambda k: k.layers.CenterCrop(3, 4, **FIRST), (2, 3, 6, 7)),
    "CenterCrop_small": (lambda k: k.layers.CenterCrop(9, 4), IMAGE),
}
for kind in ("nearest", "bilinear", "bicubic", "lanczos3", "lanczos5"):
    for name, size in (("smaller", (2, 3)), ("larger", (9, 16)), ("mixed", (13, 3))):
        for antialias in (False, True):
            LAYERS[f"Resizing_{kind}_{name}_{antialias}"] = (
                lambda k, size=size, kind=kind, antialias=antialias: k.layers.Resizing(
                    *size, interpolation=kind, antialias=antialias
                ),
                IMAGE,
            )
    LAYERS[f"UpSampling2D_{kind}"] = (
        lambda k, kind=kind: k.layers.UpSampling2D((2, 3), interpolation=kind),
        IMAGE,
    )


def kernel(x, *shape):
    return weight_for(shape).astype(str(x.dtype))


# name: (function of the package and an input, shape of the input)
FUNCTIONS = {
    "conv": (lambda k, x: k.ops.conv(x, kernel(x, 3, 2, 3, 4), (2, 1), "same"), IMAGE),
    "conv_groups": (lambda k, x: k.ops.conv(x, kernel(x, 2, 2, 6), 1, "valid"), (2, 7, 6)),
    "conv_first": (
        lambda k, x: k.ops.conv(x, kernel(x, 2, 2, 3, 4), dilation_rate=2, **FIRST),
        (2, 3, 6, 7),
    ),
    "depthwise_conv": (
        lambda k, x: k.ops.depthwise_conv(x, kernel(x, 3, 3, 3, 2), 2, "same"),
        IMAGE,
    ),
    "separable_conv": (
        lambda k, x: k.ops.separable_conv(
            x, kernel(x, 3, 3, 3, 2), kernel(x, 1, 1, 6, 4), padding="same"
        ),
        IMAGE,
    ),
    "conv_transpose": (
        lambda k, x: k.ops.conv_transpose(x, kernel(x, 3, 2, 4, 3), 2, "same"),
        IMAGE,
    ),
    "conv_transpose_padded": (
        lambda k, x: k.ops.conv_transpose(x, kernel(x, 3, 4, 3), 2, "valid", output_padding=1),
        SEQUENCE,
    ),
    "max_pool": (lambda k, x: k.ops.max_pool(x, 2, 2), IMAGE),
    "max_pool_first": (lambda k, x: k.ops.max_pool(x, (2, 1), 1, "same", **FIRST), (2, 3, 6, 7)),
    "average_pool": (lambda k, x: k.ops.average_pool(x, 2, (1, 2), "same"), IMAGE),
    "adaptive_max_pool": (lambda k, x: k.ops.adaptive_max_pool(x, (4, 2)), IMAGE),
    "adaptive_average_pool": (lambda k, x: k.ops.adaptive_average_pool(x, (4, 2)), IMAGE),
    "resize": (lambda k, x: k.ops.image.resize(x, (3, 11), interpolation="bicubic"), IMAGE),
    "pad": (lambda k, x: k.ops.pad(x, ((0, 0), (1, 2), (0, 3)), constant_values=2.0), SEQUENCE),
    "pad_one": (lambda k, x: k.ops.pad(x, 2), (3, 4)),
    "pad_pair": (lambda k, x: k.ops.pad(x, ((1, 2),)), (3, 4)),
} | {
    f"pad_{mode}": (lambda k, x, m=mode: k.ops.pad(x, ((0, 2), (3, 1)), mode=m), (4, 5))
    for mode in ("edge", "reflect", "symmetric", "wrap")
}


def model(k):
    """A model with a layer of each kind and with functions in its graph."""
    at = k.layers
    picture = at.Input((16, 12, 3), name="picture")
    x = at.ZeroPadding2D(((1, 0), (2, 1)))(picture)
    x = at.MaxPooling2D(3, 2, padding="same")(x)
    x = at.SpatialDropout2D(0.3)(x)
    x = at.UpSampling2D((2, 1), interpolation="bilinear")(x)
    x = at.AveragePooling2D((2, 1))(x)
    x = at.Cropping2D(1)(x)
    x = at.Resizing(6, 7, interpolation="bicubic", antialias=True)(x)
    x = at.CenterCrop(5, 5)(x)
    x = at.AdaptiveAveragePooling2D(3)(x)
    s = at.Cropping1D((1, 0))(at.UpSampling1D(2)(at.Reshape((9, 3))(x)))
    s = at.SpatialDropout1D(0.2)(at.MaxPooling1D(2)(at.ZeroPadding1D(2)(s)))
    s = at.AdaptiveMaxPooling1D(4)(at.AveragePooling1D(2, padding="same")(s))
    v = at.MaxPooling3D(2, strides=1, padding="same")(at.Reshape((3, 3, 3, 1))(x))
    v = at.UpSampling3D(2)(at.Cropping3D(1)(at.ZeroPadding3D(1)(v)))
    f = k.ops.image.resize(k.ops.max_pool(picture, 2, 2), (4, 4))
    f = k.ops.pad(f, ((0, 0), (1, 1), (0, 0), (0, 0)), constant_values=1.0)
    f = k.ops.average_pool(f, 2, 2, padding="same")
    parts = [
        at.GlobalMaxPooling2D()(x),
        at.GlobalAveragePooling1D()(s),
        at.GlobalMaxPooling3D()(at.AveragePooling3D(2)(v)),
        at.GlobalAveragePooling2D()(f),
    ]
    return k.Model(picture, at.Dense(4)(at.Concatenate()(parts)))


def input_for(shape):
    """Irregular values without ties."""
    return filled(shape, 5, 1.3)


def weight_for(shape):
    """Factors of the results, whose sum is differentiated."""
    return filled(shape, 9)
