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
_MASK = "flags([[0, 1, 0], [0, 0, 1], [0, 0, 0]])"
_BIAS = "floats([[0, NINF, 1], [0, 0, NINF], [-1, 0, 0]])"
_CAUSAL = "flags([[0, 1, 1], [0, 0, 1], [0, 0, 0]])"
_PADDING = "flags([[0, 0, 1], [0, 0, 0]])"
_LEANING = "floats([[0, 1, NINF], [0, 0.5, 0]])"
_MANY = "flags([[[0, 0, 1]] * 3] * 3 + [[[0, 1, 0]] * 3])"
_HEADS = [
    ("nn.MultiheadAttention(4, 2)(x, x, x)[0]", (3, 2, 4)),
    ("nn.MultiheadAttention(4, 2)(x, x, x)[1]", (3, 2, 4)),
    ("nn.MultiheadAttention(4, 2)(x, x, x, need_weights=False)[0]", (3, 2, 4)),
    ("nn.MultiheadAttention(4, 1, bias=False)(x, x[:2], x[1:])[0]", (3, 2, 4)),
    ("nn.MultiheadAttention(4, 4, batch_first=True)(x, x * x, x + 1, need_weights=False)[0]",
     (2, 3, 4)),
    ("nn.MultiheadAttention(4, 2)(x, x, x, average_attn_weights=False)[1]", (3, 4)),
    ("nn.MultiheadAttention(4, 2)(x, x, x, flags([0, 1, 0]), False)[0]", (3, 4)),
    ("nn.MultiheadAttention(4, 2)(x, x, x, attn_mask=" + _MANY + "[:2], need_weights=False)[0]",
     (3, 4)),
    ("nn.MultiheadAttention(4, 2, kdim=2, vdim=3)(x, x[:2, :, :2], x[1:, :, :3])[0]", (3, 2, 4)),
    ("nn.MultiheadAttention(4, 2, vdim=3, bias=False)(x, x, x[..., :3], need_weights=False)[0]",
     (3, 2, 4)),
]  # fmt: skip


def _masked_heads():
    options = ("", ", add_bias_kv=True", ", add_zero_attn=True",
               ", add_bias_kv=True, add_zero_attn=True")  # fmt: skip
    masks = (
        "",
        f", key_padding_mask={_PADDING}",
        f", attn_mask={_MASK}",
        f", attn_mask={_BIAS}",
        f", attn_mask={_MANY}",
        f", key_padding_mask={_PADDING}, attn_mask={_MASK}",
        f", key_padding_mask={_LEANING}, attn_mask={_BIAS}",
        f", key_padding_mask={_PADDING}, attn_mask={_BIAS}",
        f", attn_mask={_CAUSAL}, is_causal=True",
        f", attn_mask={_CAUSAL}, is_causal=True, key_padding_mask={_PADDING}",
    )
    for i, mask in enumerate(masks):
        for option in options if i in (0, 5, 7) else options[: 1 + i % 2]:
            made = f"nn.MultiheadAttention(4, 2, batch_first=True{option})"
            yield f"{made}(x, x, x, need_weights=False{mask})[0]", (2, 3, 4)
            yield f"(lambda a: a[0].sum(-1) + a[1].sum(-1))({made}(x, x, x{mask}))", (2, 3, 4)


_FORWARD = (
    "F.multi_head_attention_forward(x, x, x, 4, 2, {weight}, x[0, 0].repeat(3), None, None, {zero},"
    " 0.0, x[0, :2].T @ x[1, :2], x[1, 1]{more})[0]"
)
_SEPARATE = (
    ", use_separate_proj_weight=True, q_proj_weight=x[0].T @ x[0], k_proj_weight=x[1].T @ x[0],"
    " v_proj_weight=x[2].T @ x[0]"
)
_STATIC = ", static_k=x.reshape(4, 3, 2), static_v=x.reshape(4, 3, 2) + 1"
HEADS = [
    *_HEADS,
    *_masked_heads(),
    (_FORWARD.format(weight="x.reshape(6, 4).repeat(2, 1)", zero=False, more=""), (3, 2, 4)),
    (_FORWARD.format(weight="None", zero=True, more=_SEPARATE), (3, 2, 4)),
    (_FORWARD.format(weight="x.reshape(6, 4).repeat(2, 1)", zero=True, more=_STATIC), (3, 2, 4)),
    (_FORWARD.format(weight="x.reshape(6, 4).repeat(2, 1)", zero=False, more=_STATIC
                     + ", need_weights=False"), (3, 2, 4)),
]  # fmt: skip
_ENCODE = "nn.TransformerEncoderLayer(4, 2, 6, 0.0{options})"
_DECODE = "nn.TransformerDecoderLayer(4, 2, 6, 0.0{options})"
_ENCODER = "nn.TransformerEncoder(" + _ENCODE + ", 2{more})"
_DECODER = "nn.TransformerDecoder(" + _DECODE + ", 2{more})"
_OPTIONS = (
    "",
    ", 'gelu', batch_first=True",
    ", F.silu, norm_first=True",
    ", nn.Tanh(), 0.1, norm_first=True, bias=False",
    ", layer_norm_eps=0.5, bias=False, batch_first=True",
)
_SIZES = ", 2, 1, 2, 5, 0.0"
TRANSFORMERS = [
    *((_ENCODE.format(options=options) + "(x)", (2, 3, 4)) for options in _OPTIONS),
    *((_DECODE.format(options=options) + "(x, x[:, :] * 2)", (2, 3, 4)) for options in _OPTIONS),
    (_ENCODE.format(options=", batch_first=True") + f"(x, {_MASK}, {_PADDING})", (2, 3, 4)),
    (_ENCODE.format(options="") + f"(x, {_CAUSAL}, is_causal=True)", (3, 4)),
    (_DECODE.format(options=", batch_first=True") + f"(x, x * 2, {_CAUSAL}, {_BIAS}, {_PADDING}, "
     f"{_LEANING}, False)", (2, 3, 4)),
    (_ENCODER.format(options=", batch_first=True", more="") + f"(x, {_BIAS})", (2, 3, 4)),
    (_ENCODER.format(options=", batch_first=True", more=", nn.LayerNorm(4), False")
     + f"(x, {_CAUSAL}, {_PADDING}, True)", (2, 3, 4)),
    (_DECODER.format(options="", more=", nn.LayerNorm(4)") + f"(x, x[1:], {_CAUSAL})", (3, 2, 4)),
    (_DECODER.format(options="", more="")
     + "(x, x, floats([[0, NINF, NINF], [0, 0, NINF], [0, 0, 0]]), tgt_is_causal=True)",
     (3, 2, 4)),
    (f"nn.Transformer(4{_SIZES})(x, x[1:])", (3, 2, 4)),
    (f"nn.Transformer(4{_SIZES}, 'gelu', batch_first=True, norm_first=True)(x, x, {_BIAS}, "
     f"{_CAUSAL}, {_MASK}, {_PADDING}, {_PADDING}, {_PADDING})", (2, 3, 4)),
    (f"nn.Transformer(4{_SIZES}, bias=False)(x, x[1:], tgt_mask={_CAUSAL}[:2, :2],"
     " tgt_is_causal=True)", (3, 4)),
    (f"nn.Transformer(4{_SIZES}, custom_decoder="
     + _DECODER.format(options="", more="") + ")(x, x)", (3, 2, 4)),
]  # fmt: skip
CASES = [*ATTENTION, *EMBEDDINGS, *HEADS, *TRANSFORMERS]
# Arguments of transformers whose names of weights are compared.
_NET = {"d_model": 4, "nhead": 2, "num_encoder_layers": 2, "num_decoder_layers": 1}
NETS = [{**_NET, "dim_feedforward": 3, "bias": bias} for bias in (True, False)]
