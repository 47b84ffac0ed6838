"""The rarer modules and functions of PyTorch's face, as text that both libraries evaluate.

As in image_module_cases.py: `nn` and `F` are the modules of the library, `x` is the input.
"""

IMAGES = (2, 3, 5, 4)
# A grid that depends on x, within and beyond the image.
GRID = "x[:, :2, :3].permute(0, 2, 3, 1) * 0.7"
SAMPLED = [
    (f"F.grid_sample(x, {GRID}, mode='{mode}', padding_mode='{padding}', align_corners={aligned})",
     IMAGES)
    for mode in ("bilinear", "nearest", "bicubic")
    for padding in ("zeros", "border", "reflection")
    for aligned in (False, True)
]  # fmt: skip
VOLUME = "x[:, :3].permute(0, 2, 3, 4, 1)"
CASES = [
    *SAMPLED,
    (f"F.grid_sample(x, {VOLUME}, padding_mode='border', align_corners=False)", (2, 3, 3, 4, 2)),
    (f"F.grid_sample(x, {VOLUME}, mode='nearest', align_corners=True)", (1, 4, 3, 4, 2)),
    ("F.affine_grid(x, (2, 3, 4, 3), align_corners=False)", (2, 2, 3)),
    ("F.affine_grid(x, (2, 3, 1, 3), align_corners=True)", (2, 2, 3)),
    ("F.affine_grid(x, (1, 3, 2, 4, 3), align_corners=True)", (1, 3, 4)),
    ("nn.Bilinear(3, 4, 2)(x[:, :3], x)", (5, 4)),
    ("nn.Bilinear(3, 4, 2, bias=False)(x[..., :3], x)", (2, 3, 4)),
    ("nn.CELU()(3 * x)", (4, 5)),
    ("nn.CELU(0.3)", (4, 5)),
    ("nn.GLU()", (4, 6)),
    ("nn.GLU(0)", (4, 6, 2)),
    ("nn.Hardshrink()", (4, 5)),
    ("nn.Hardshrink(0.9)", (4, 5)),
    ("nn.Softshrink()", (4, 5)),
    ("nn.Softshrink(0.0)", (4, 5)),
    ("nn.Tanhshrink()", (4, 5)),
    ("nn.Threshold(0.2, -3.0)", (4, 5)),
    ("nn.Softmin(1)", (4, 5)),
    ("nn.Softmax2d()", (2, 3, 2, 4)),
    ("nn.Softmax2d()", (3, 2, 4)),
    ("nn.RReLU().eval()", (4, 5)),
    ("F.rrelu(x, 0.3, 0.3, training=True)", (4, 5)),
    ("nn.CosineSimilarity()(x[0], x[1])", (2, 3, 4)),
    ("nn.CosineSimilarity(dim=-1)(x, x[0])", (3, 4)),
    ("F.cosine_similarity(x * 0, x + 1)", (3, 4)),
    ("nn.PairwiseDistance()(x[0], x[1])", (2, 3, 4)),
    ("nn.PairwiseDistance(p=1, keepdim=True)(x[0], x[1])", (2, 3, 4)),
    ("F.pdist(x)", (5, 3)),
    ("F.pdist(x, 1)", (5, 3)),
    ("F.pdist(x, 3.5)", (5, 3)),
    ("F.pdist(x, float('inf'))", (5, 3)),
    ("F.pdist(x)", (1, 3)),
    ("F.upsample_nearest(x, scale_factor=2)", (1, 2, 3, 2)),
    ("F.upsample_bilinear(x, size=(5, 4))", (1, 2, 3, 2)),
    ("F.max_pool2d_with_indices(x, 2)[0]", (1, 2, 4, 4)),
    ("F.max_pool1d_with_indices(x, 2, 1)[1]", (2, 4, 5)),
    ("F.adaptive_max_pool2d_with_indices(x, 2)[1]", (1, 2, 4, 5)),
    ("F.softmin(x, 0)", (3, 4)),
]  # fmt: skip
