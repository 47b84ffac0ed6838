"""Attention, embeddings and transformers of PyTorch's face, as text that both libraries evaluate.

As those of image_module_cases.py: `nn` and `F` are the modules of the library, `x` is the input.

`ints` makes a tensor of integers, `flags` one of bools, `floats` one of floats.
"""

ATTENTION = [
    ("F.scaled_dot_product_attention(x, x * x, x + 1)", (2, 3, 5, 4)),
    ("F.scaled_dot_product_attention(x[:, :3], x, x[..., :2], is_causal=True)", (2, 5, 4)),
    ("F.scaled_dot_product_attention(x, x[:3], x[:3], is_causal=True, scale=-0.3)", (5, 4)),
    ("F.scaled_dot_product_attention(x, x, x, scale=0.0)", (3, 2, 2, 5, 4)),
    ("F.scaled_dot_product_attention(x, x, x, flags([[1, 0, 1], [0, 0, 0], [1, 1, 0]]))",
     (2, 2, 3, 4)),
    ("F.scaled_dot_product_attention(x, x, x, flags([[[[1, 0, 1]]], [[[0, 1, 0]]]]))",
     (2, 2, 3, 4)),
    ("F.scaled_dot_product_attention(x, x, x, x[:, :1, :, :3] + x[..., 3:])", (2, 2, 3, 4)),
    ("F.scaled_dot_product_attention(x, x, x, x[0, :1, :, :, :3])", (2, 2, 2, 3, 4)),
    ("F.scaled_dot_product_attention(x, x, x, x[:, :1, :, :, :3])", (2, 2, 2, 3, 4)),
    ("F.scaled_dot_product_attention(x, x, x, floats([[0, -2, NINF], [NINF] * 3, [1, 0, 1]]))",
     (2, 3, 4)),
    ("F.scaled_dot_product_attention(x, x[:, :2], x[:, 2:], enable_gqa=True)", (2, 4, 3, 4)),
    ("F.scaled_dot_product_attention(x, x[:, :2], x[:, :1], enable_gqa=True)", (2, 4, 3, 4)),
    ("F.scaled_dot_product_attention(x, x[:2], x[2:], enable_gqa=True)", (4, 3, 4)),
    ("F.scaled_dot_product_attention(x, x[:1, :1], x[:1, 1:2])", (2, 4, 3, 4)),
    ("F.scaled_dot_product_attention(x[:, :1], x, x[0])", (2, 4, 3, 4)),
    ("F.scaled_dot_product_attention(x, x[:, :, :0], x[:, :, :0])", (1, 2, 3, 4)),
]  # fmt: skip
CASES = [*ATTENTION]
