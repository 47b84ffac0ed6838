"""Transformers: names and first values of weights, dropout, recorded steps, bad input.

test_attention_modules.py compares their outputs and gradients with PyTorch's.
"""

import json
from pathlib import Path

import attention_module_cases as cases
import numpy as np
import pytest
from trainings import module_trained

import fastdl
import fastdl.nn.functional as F
from fastdl import nn

GOLDEN = json.loads((Path(__file__).parents[1] / "golden/attention_modules.json").read_text())
EPS = float(np.finfo(np.float32).eps)


@pytest.mark.parametrize("options", cases.NETS, ids=str)
def test_names_of_weights_of_transformers_are_those_of_pytorch(options):
    state = nn.Transformer(**options).state_dict()
    assert {name: list(value.shape) for name, value in state.items()} == GOLDEN[
        f"Transformer {options}"
    ]


def test_first_weights_of_transformers():
    fastdl.manual_seed(0)
    net = nn.Transformer(16, 2, 2, 1, 64)
    for name, weight in net.named_parameters():
        values = np.abs(weight.detach().numpy())
        if weight.ndim > 1:  # Glorot's bound; of at least 256 draws one is above 0.9 of it
            bound = (6 / sum(weight.shape)) ** 0.5
            assert 0.9 * bound < values.max() <= bound, name
        elif "norm" in name:
            assert (values == ("weight" in name)).all(), name
        else:
            assert values.max() <= 0.25, name
    # A layer of its own keeps the distributions of its parts, and copies begin alike.
    layer = nn.TransformerEncoderLayer(16, 2, 64)
    assert np.abs(layer.linear1.weight.detach().numpy()).max() <= 0.25
    stack = nn.TransformerEncoder(layer, 2)
    first, second = (each.linear1.weight for each in stack.layers)
    assert fastdl.equal(first, second)
    assert first is not second
    fastdl.nn.init.zeros_(first)
    assert second.detach().numpy().any()


def test_strings_of_transformers():
    assert str(nn.TransformerDecoderLayer(4, 2, 8)) == (
        "TransformerDecoderLayer(\n"
        "  (self_attn): MultiheadAttention(\n"
        "    (out_proj): Linear(in_features=4, out_features=4, bias=True)\n"
        "  )\n"
        "  (multihead_attn): MultiheadAttention(\n"
        "    (out_proj): Linear(in_features=4, out_features=4, bias=True)\n"
        "  )\n"
        "  (linear1): Linear(in_features=4, out_features=8, bias=True)\n"
        "  (dropout): Dropout(p=0.1, inplace=False)\n"
        "  (linear2): Linear(in_features=8, out_features=4, bias=True)\n"
        + "".join(
            f"  (norm{i}): LayerNorm((4,), eps=1e-05, elementwise_affine=True, bias=True)\n"
            for i in (1, 2, 3)
        )
        + "".join(f"  (dropout{i}): Dropout(p=0.1, inplace=False)\n" for i in (1, 2, 3))
        + ")"
    )


def test_a_hint_that_a_mask_is_causal_changes_no_result():
    fastdl.manual_seed(0)
    net, x = nn.TransformerEncoderLayer(8, 2, 8, dropout=0.0), fastdl.randn(5, 3, 8)
    mask = nn.Transformer.generate_square_subsequent_mask(5)
    assert mask.tolist() == np.where(np.tri(5, dtype=bool), 0.0, -np.inf).tolist()
    y = net(x, mask).detach().numpy()
    # Some roundings of values around 1: the two ways sum in another order.
    np.testing.assert_allclose(net(x, mask, is_causal=True).detach().numpy(), y, atol=64 * EPS)
    # What comes later has no influence.
    np.testing.assert_allclose(net(x[:2], mask[:2, :2]).detach().numpy(), y[:2], atol=64 * EPS)


def test_dropout_of_transformers_acts_in_training_only():
    """Each of the dropouts: with a rate of 1 a layer without normalization gives its input."""
    fastdl.manual_seed(0)
    x = fastdl.randn(5, 3, 8)
    for make in (nn.TransformerEncoderLayer, nn.TransformerDecoderLayer):
        memory = (x,) if make is nn.TransformerDecoderLayer else ()
        net = make(8, 2, 16, dropout=0.3, norm_first=True)
        first, second = net(x, *memory), net(x, *memory)
        assert not fastdl.equal(first, second)
        everything = make(8, 2, 16, dropout=1.0, norm_first=True)
        assert fastdl.equal(everything(x, *memory), x)
        still = make(8, 2, 16, dropout=0.0, norm_first=True)
        still.load_state_dict(net.state_dict())
        assert fastdl.equal(net.eval()(x, *memory), still(x, *memory))
        # The mean of many draws comes near the result without dropout.
        net.train()
        draws = np.stack([net(x, *memory).detach().numpy() for _ in range(400)])
        errors = np.abs(draws.mean(0) - still(x, *memory).detach().numpy())
        assert errors.mean() < 0.15 * draws.std(0).mean()  # 1 / sqrt(400) and relu's bias


class Translator(nn.Module):
    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(9, 8, padding_idx=0)
        self.net = nn.Transformer(8, 2, 1, 1, 12, dropout=0.2, activation="gelu", batch_first=True)
        self.out = nn.Linear(8, 9)

    def forward(self, source, target, mask):
        padding = source == 0
        y = self.net(
            self.words(source),
            self.words(target),
            tgt_mask=mask,
            src_key_padding_mask=padding,
            memory_key_padding_mask=padding,
            tgt_is_causal=True,
        )
        return F.cross_entropy(self.out(y).flatten(0, 1), target.flatten())


def test_recorded_steps_of_transformers_agree_with_eager_ones_to_the_bit():
    random = np.random.default_rng(0)
    mask = nn.Transformer.generate_square_subsequent_mask(4).numpy()
    steps = []
    for length in (3, 5, 2, 4):
        source = random.integers(1, 9, (2, 5))
        source[0, length:] = 0
        steps.append((source, random.integers(1, 9, (2, 4)), mask))
    assert module_trained(Translator, steps, planned=False) == module_trained(
        Translator, steps, planned=True
    )


@pytest.mark.parametrize(
    ("kind", "call", "message"),
    [
        (
            ValueError,
            lambda: nn.TransformerEncoderLayer(4, 3),
            "TransformerEncoderLayer: nhead: expected a divisor of d_model 4, got 3",
        ),
        (
            ValueError,
            lambda: nn.TransformerDecoderLayer(4, 2, activation="tanh"),
            "TransformerDecoderLayer: activation: expected 'relu' or 'gelu', got 'tanh'",
        ),
        (
            TypeError,
            lambda: nn.TransformerEncoderLayer(4, 2, activation=3),
            "TransformerEncoderLayer: activation: expected a function, got 3",
        ),
        (
            TypeError,
            lambda: nn.TransformerEncoder("layer", 2),
            "TransformerEncoder: encoder_layer: expected a module, got 'layer'",
        ),
        (
            ValueError,
            lambda: nn.TransformerDecoder(nn.TransformerDecoderLayer(4, 2), 0),
            "TransformerDecoder: num_layers: expected an integer of at least 1, got 0",
        ),
        (
            ValueError,
            lambda: nn.TransformerEncoderLayer(4, 2)(fastdl.ones(3, 2, 5)),
            "MultiheadAttention: expected a query of 4 features",
        ),
        (
            ValueError,
            lambda: nn.TransformerEncoderLayer(4, 2)(fastdl.ones(3, 2, 4), is_causal=True),
            "is_causal: expected an attn_mask beside it",
        ),
        (
            ValueError,
            lambda: nn.Transformer(4, 2, 1, 1, 8)(fastdl.ones(3, 2, 4), fastdl.ones(3, 1, 4)),
            "Transformer: expected one batch size of src and tgt",
        ),
        (
            ValueError,
            lambda: nn.Transformer(4, 2, 1, 1, 8)(fastdl.ones(3, 2, 4), fastdl.ones(3, 2, 3)),
            r"Transformer: expected src and tgt of 4 features \(d_model\), got src \(3, 2, 4\)",
        ),
        (
            ValueError,
            lambda: nn.Transformer(4, 2, 1, 1, 8)(fastdl.ones(3, 2, 4), fastdl.ones(3, 4)),
            "Transformer: expected src and tgt of 2 or 3 axes",
        ),
    ],
)
def test_bad_input_of_transformers(kind, call, message):
    with pytest.raises(kind, match=message):
        call()
