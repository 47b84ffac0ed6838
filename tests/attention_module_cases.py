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
# Tables are of constants of x, so both libraries have the same values.
_I, _OFFSETS = "ints([1, 2, 4, 5, 4, 3])", "ints([0, 2, 2, 5])"
EMBEDDINGS = [
    ("F.embedding(ints([[1, 5], [5, 0]]), x)", (6, 3)),
    ("F.embedding(ints(2), x, padding_idx=1)", (6, 3)),
    ("F.embedding(ints([[1, 5], [5, 0]]), x, padding_idx=-1)", (6, 3)),
    (f"F.embedding({_I}, x, scale_grad_by_freq=True, padding_idx=1)", (6, 3)),
    ("F.embedding(ints([]), x)", (6, 3)),
    *(
        (f"x.sum() + F.embedding({_I}, (4 * x).detach(), max_norm=1.5, norm_type={p})", (6, 3))
        for p in ("2.0", "1.0", "3.5", "float('inf')")
    ),
    ("nn.Embedding(4, 2)(ints([[1, 3, 1]])) + x", (1, 3, 2)),
    ("nn.Embedding(4, 2, padding_idx=1)(ints([[1, 3, 1]])) + x", (1, 3, 2)),
    ("nn.Embedding(4, 2, 1, 0.7, 1.0, True)(ints([[1, 3, 1]])) + x", (1, 3, 2)),
    *(
        (f"F.embedding_bag({_I}, x, {_OFFSETS}, mode='{mode}'{more})", (6, 3))
        for mode in ("sum", "mean", "max")
        for more in ("", ", padding_idx=4", ", padding_idx=-3")
    ),
    *(
        (f"F.embedding_bag({_I}, x, ints([0, 2, 2, 6]), mode='{mode}', include_last_offset=True)",
         (6, 3))
        for mode in ("sum", "mean", "max")
    ),
    *(
        (f"F.embedding_bag(ints([[1, 2, 1], [0, 4, 4]]), x, mode='{mode}', padding_idx=4)", (6, 3))
        for mode in ("sum", "mean", "max")
    ),
    ("F.embedding_bag(ints([3, 1, 3, 2]), x, ints([0, 3]), mode='max')", (6, 1)),
    ("F.embedding_bag(ints([3, 1, 3, 2]), x * 0 + 1, ints([0, 3]), mode='max')", (6, 2)),
    (f"F.embedding_bag({_I}, x, {_OFFSETS}, mode='sum', per_sample_weights=x[:, 1])", (6, 3)),
    (f"F.embedding_bag({_I}, x, {_OFFSETS}, mode='sum', per_sample_weights=x[:, 1], padding_idx=4)",
     (6, 3)),
    ("nn.EmbeddingBag(4, 2, 0.9, mode='sum', padding_idx=3)(ints([[1, 3, 1], [2, 2, 0]]))"
     " + x", (2, 2)),
    ("nn.EmbeddingBag(4, 2)(ints([1, 3, 1]), ints([0, 1])) * x", (2, 2)),
]  # fmt: skip
CASES = [*ATTENTION, *EMBEDDINGS]
