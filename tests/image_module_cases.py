"""Modules and functions of images for PyTorch's face, as text that both libraries evaluate.

`nn` and `F` are the modules of the library, `x` is the input. A case is a module, which is called
with x, or an expression of x.
"""

import zlib

import numpy as np

NOTHING: dict[str, object] = {}

# Odd sizes, batch 1, one pixel, one channel, strides above the kernel, groups, dilation.
CASES = [
    ("nn.Conv1d(3, 4, 3)", (2, 3, 7)),
    ("nn.Conv1d(3, 4, 3)", (3, 7)),
    ("nn.Conv1d(2, 4, 4, padding='same', dilation=2)", (2, 2, 9)),
    ("nn.Conv1d(4, 4, 3, padding=2, padding_mode='circular', groups=2)", (2, 4, 5)),
    ("nn.Conv2d(1, 4, 3)", (2, 1, 6, 5)),
    ("nn.Conv2d(4, 6, 3, stride=2, padding=1, groups=2)", (2, 4, 7, 6)),
    ("nn.Conv2d(3, 2, (3, 2), stride=(1, 3), padding=(2, 0), dilation=(2, 1))", (1, 3, 6, 8)),
    ("nn.Conv2d(5, 5, 3, padding=1, groups=5, bias=False)", (2, 5, 4, 4)),
    ("nn.Conv2d(3, 9, 3, groups=3, padding='same')", (2, 3, 5, 4)),
    ("nn.Conv2d(17, 18, 1)", (2, 17, 3, 3)),
    ("nn.Conv2d(3, 4, 1, stride=3)", (2, 3, 7, 7)),
    ("nn.Conv2d(2, 3, 2, padding='valid')", (2, 2, 2, 2)),
    ("nn.Conv2d(2, 3, 4, padding='same', padding_mode='reflect')", (2, 2, 5, 6)),
    ("nn.Conv2d(2, 3, 3, padding=1, padding_mode='replicate')", (2, 4, 4)),
    ("nn.Conv3d(2, 3, 2, padding=1)", (1, 2, 3, 4, 3)),
    ("nn.ConvTranspose1d(3, 4, 3, stride=2, padding=1, output_padding=1)", (2, 3, 5)),
    ("nn.ConvTranspose1d(3, 4, 2, dilation=3, output_padding=2)", (3, 5)),
    ("nn.ConvTranspose2d(4, 6, 3, stride=2, groups=2)", (2, 4, 3, 4)),
    ("nn.ConvTranspose2d(2, 3, (2, 3), (3, 1), (0, 1), (2, 0), bias=False)", (1, 2, 3, 4)),
    ("nn.ConvTranspose2d(3, 3, 4, stride=4, padding=2, output_padding=3, groups=3)", (1, 3, 2, 2)),
    ("nn.ConvTranspose3d(2, 2, 2, stride=2)", (1, 2, 2, 3, 2)),
    ("nn.ConvTranspose2d(2, 3, 3, stride=2)(x, output_size=(8, 9))", (1, 2, 3, 4)),
    ("nn.MaxPool1d(3, stride=2, padding=1)", (2, 3, 8)),
    ("nn.MaxPool2d(2)", (2, 3, 5, 4)),
    ("nn.MaxPool2d(3, stride=2, padding=1, ceil_mode=True)", (2, 3, 6, 7)),
    ("nn.MaxPool2d((2, 3), stride=1, dilation=(2, 1))", (3, 5, 6)),
    ("nn.MaxPool3d(2, stride=1)", (1, 2, 3, 3, 3)),
    ("F.max_pool2d(x, 2, 1, return_indices=True)[1]", (2, 3, 4, 5)),
    ("F.max_pool2d(x, 3, 2, 1, return_indices=True)[1]", (1, 1, 5, 5)),
    ("F.max_unpool2d(*F.max_pool2d(x, 2, return_indices=True), 2)", (2, 3, 4, 6)),
    ("nn.MaxUnpool2d(2)(*F.max_pool2d(x, 2, return_indices=True), output_size=(5, 7))",
     (1, 3, 5, 7)),
    ("nn.MaxUnpool1d(3)(*F.max_pool1d(x, 3, return_indices=True), output_size=(11,))", (2, 2, 11)),
    ("nn.AvgPool1d(3, padding=1)", (2, 3, 7)),
    ("nn.AvgPool2d(2, ceil_mode=True)", (2, 3, 5, 5)),
    ("nn.AvgPool2d(3, 2, 1)", (2, 3, 6, 5)),
    ("nn.AvgPool2d(3, 2, 1, ceil_mode=True, count_include_pad=False)", (2, 3, 6, 6)),
    ("nn.AvgPool2d(3, 2, 1, divisor_override=5)", (1, 3, 6, 6)),
    ("nn.AvgPool3d(2, padding=1)", (1, 2, 3, 3, 4)),
    ("F.lp_pool2d(x * x + 0.5, 3, 2)", (2, 3, 4, 4)),
    ("nn.LPPool1d(2, 3, stride=2, ceil_mode=True)(x * x + 0.5)", (2, 3, 8)),
    ("nn.AdaptiveAvgPool1d(3)", (2, 3, 7)),
    ("nn.AdaptiveAvgPool2d(1)", (2, 3, 5, 4)),
    ("nn.AdaptiveAvgPool2d((3, None))", (2, 3, 5, 4)),
    ("nn.AdaptiveAvgPool3d(2)", (1, 2, 3, 3, 5)),
    ("nn.AdaptiveMaxPool1d(3)", (2, 3, 7)),
    ("nn.AdaptiveMaxPool2d((2, 3))", (3, 5, 4)),
    ("nn.AdaptiveMaxPool3d(2)", (1, 2, 3, 3, 5)),
    ("F.adaptive_max_pool2d(x, 2, return_indices=True)[1]", (2, 3, 5, 3)),
    ("nn.Upsample(scale_factor=2)", (2, 3, 4, 3)),
    ("nn.Upsample(size=(3, 7))", (2, 3, 4, 3)),
    ("nn.Upsample(scale_factor=1.7, mode='bilinear')", (2, 3, 4, 5)),
    ("nn.UpsamplingBilinear2d(scale_factor=2)", (1, 3, 4, 3)),
    ("nn.UpsamplingNearest2d(size=5)", (1, 3, 4, 3)),
    ("F.interpolate(x, scale_factor=1.5, mode='nearest')", (2, 3, 7)),
    ("F.interpolate(x, scale_factor=1.5, mode='nearest-exact')", (2, 3, 7)),
    ("F.interpolate(x, 5, mode='linear')", (2, 3, 3)),
    ("F.interpolate(x, 5, mode='linear', align_corners=True)", (2, 3, 3)),
    ("F.interpolate(x, (7, 2), mode='bicubic')", (1, 2, 4, 5)),
    ("F.interpolate(x, scale_factor=(0.6, 2.1), mode='bicubic', align_corners=True)", (1, 2, 5, 4)),
    ("F.interpolate(x, (3, 2), mode='bilinear', antialias=True)", (1, 2, 8, 7)),
    ("F.interpolate(x, (3, 9), mode='bicubic', antialias=True)", (1, 2, 8, 7)),
    ("F.interpolate(x, (3, 2), mode='area')", (1, 2, 8, 7)),
    ("F.interpolate(x, scale_factor=1.3, mode='bilinear', recompute_scale_factor=True)",
     (1, 2, 5, 5)),
    ("F.interpolate(x, scale_factor=2, mode='trilinear')", (1, 2, 2, 3, 2)),
    ("nn.PixelShuffle(2)", (2, 8, 3, 2)),
    ("nn.PixelShuffle(3)", (9, 2, 2)),
    ("nn.PixelUnshuffle(2)", (2, 3, 4, 6)),
    ("nn.ChannelShuffle(3)", (2, 6, 2, 3)),
    ("nn.Unfold(2)", (2, 3, 4, 3)),
    ("nn.Unfold((3, 2), dilation=(1, 2), padding=(1, 0), stride=(2, 1))", (2, 3, 5, 4)),
    ("nn.Fold((5, 4), (3, 2), padding=1, stride=(2, 1))", (2, 12, 15)),
    ("nn.Fold(4, 2)", (4, 9)),
    ("nn.ConstantPad1d((1, 2), 0.5)", (2, 3, 4)),
    ("nn.ConstantPad2d((1, 0, -1, 2), 0.5)", (2, 3, 4, 4)),
    ("nn.ZeroPad2d(2)", (3, 4, 4)),
    ("nn.ZeroPad3d(1)", (1, 2, 2, 2, 2)),
    ("nn.ReflectionPad1d(2)", (2, 3, 4)),
    ("nn.ReflectionPad2d((1, 2, 3, 0))", (2, 3, 4, 4)),
    ("nn.ReflectionPad3d(1)", (1, 2, 3, 3, 3)),
    ("nn.ReplicationPad1d((3, 1))", (2, 3, 2)),
    ("nn.ReplicationPad2d((1, 2, 3, 0))", (3, 4, 4)),
    ("nn.ReplicationPad3d(1)", (1, 2, 2, 3, 2)),
    ("nn.CircularPad1d(2)", (2, 3, 4)),
    ("nn.CircularPad2d((1, 2, 3, 0))", (2, 3, 4, 4)),
    ("nn.CircularPad3d(1)", (1, 2, 2, 3, 2)),
    ("nn.ReLU6()(3 * x)", (2, 3, 4)),
    ("nn.Hardtanh(-0.5, 0.75)", (2, 3, 4)),
    ("nn.Hardswish()(2 * x)", (2, 3, 4)),
    ("nn.Mish()", (2, 3, 4)),
    ("nn.PReLU()", (4, 3)),
    ("nn.PReLU(3)", (2, 3, 4, 2)),
    ("nn.Sequential(nn.Conv2d(2, 4, 3, padding=1), nn.PReLU(4))", (2, 2, 3, 4)),
    # Networks: what lies channels-last goes through all kinds of ops.
    ("nn.Sequential(nn.Conv2d(2, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2),"
     " nn.Conv2d(4, 3, 1), nn.Flatten(), nn.Linear(18, 5))", (3, 2, 6, 4)),
    ("nn.Sequential(nn.Conv2d(2, 4, 3), nn.GroupNorm(2, 4), nn.ELU(), nn.Conv2d(4, 4, 3, groups=4),"
     " nn.InstanceNorm2d(4, affine=True), nn.Sigmoid())", (2, 2, 8, 7)),
    ("nn.Sequential(nn.Conv1d(2, 4, 3), nn.BatchNorm1d(4), nn.Tanh(), nn.AdaptiveAvgPool1d(1),"
     " nn.Flatten())", (4, 2, 8)),
    ("nn.Sequential(nn.Conv2d(2, 4, 1), nn.Softmax(1))", (2, 2, 3, 4)),
    ("nn.Sequential(nn.Conv2d(2, 4, 1), nn.LayerNorm([4, 3, 5]))", (2, 2, 3, 5)),
    ("nn.Sequential(nn.Conv2d(2, 4, 1), nn.LocalResponseNorm(2))", (2, 2, 3, 4)),
    ("(lambda c: c * c.mean((2, 3), keepdim=True) + x.sum(1, keepdim=True) + c.amax(0))"
     "(nn.Conv2d(3, 4, 3, padding=1)(x))", (2, 3, 4, 3)),
    ("(lambda c: c[:, 1:3, ::2] * 2 + c.permute(0, 1, 3, 2).transpose(2, 3)[:, :2, :2])"
     "(nn.Conv2d(3, 4, 3, padding=1)(x))", (2, 3, 4, 3)),
    ("(lambda c: c.reshape(2, -1).cumsum(1) + c.permute(0, 2, 3, 1).flatten(1))"
     "(nn.Conv2d(3, 4, 3, padding=1)(x))", (2, 3, 4, 3)),
    ("(lambda c: c.split([1, 3], 1)[1] * c.var((0, 2, 3), keepdim=True)[:, :3] / c[0].exp().sum())"
     "(nn.Conv2d(3, 4, 3, padding=1)(x))", (2, 3, 4, 3)),
    ("F.cross_entropy(nn.Conv2d(2, 4, 1)(x), (x.sum(1) > 0).long())", (2, 2, 3, 4)),
]  # fmt: skip


def values(text: str, shape: tuple[int, ...], number: int = 0) -> np.ndarray:
    """Normally distributed float32 values that depend on the case alone."""
    seed = [zlib.crc32(text.encode()), number]
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def evaluate(
    text: str, shape: tuple[int, ...], nn: object, F: object, tensor: object, more: dict = NOTHING
):
    """The output of a case, the input and the parameters, for backward().

    `tensor(array)` makes the library's leaf tensor. Modules that are created within the expression
    get their parameters through `nn`'s classes; the values are set when the module is made. `more`
    has further names for the text.
    """
    made = []

    class Modules:
        def __getattr__(self, name):
            kind = getattr(nn, name)
            if not isinstance(kind, type):  # nn.utils
                return kind

            def make(*args, **kwargs):
                module = kind(*args, **kwargs)
                if name != "Sequential":
                    for p in module.parameters():
                        p.data = tensor(values(text, tuple(p.shape), len(made) + 1), p)
                        made.append(p)
                return module

            return make

    x = tensor(values(text, shape), None)
    names = {"nn": Modules(), "F": F, "x": x, **more}
    result = eval(text, names)
    return (result(x) if callable(result) else result), x, made


def name_of(case):
    return f"{case[0]}-{'x'.join(map(str, case[1]))}"
