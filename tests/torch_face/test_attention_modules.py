"""Attention, embeddings and transformers against PyTorch's outputs and gradients; bad input of the
first two."""

import json
from pathlib import Path

import attention_module_cases as cases
import image_module_cases as evaluation
import numpy as np
import pytest
from trainings import module_trained

import fastdl
import fastdl.nn.functional as F
from fastdl import nn

GOLDEN = json.loads((Path(__file__).parents[1] / "golden/attention_modules.json").read_text())
EPS = float(np.finfo(np.float32).eps)
MADE = {
    "ints": lambda values: fastdl.tensor(np.array(values, np.int64)),
    "flags": lambda values: fastdl.tensor(np.array(values, bool)),
    "floats": lambda values: fastdl.tensor(np.array(values, np.float32)),
    "NINF": float("-inf"),
}


def tensor(array, parameter):
    return fastdl.tensor(array, requires_grad=parameter is None)


def close(found, wanted):
    """Some hundred float32 roundings of the largest value: several layers and their gradients."""
    wanted = np.array(wanted)
    scale = max(1.0, np.abs(wanted).max(initial=0.0, where=np.isfinite(wanted)))
    found = np.asarray(found.numpy(), np.float64).reshape(-1)
    np.testing.assert_allclose(found, wanted, rtol=0, atol=200 * EPS * scale)


@pytest.mark.parametrize("case", cases.CASES, ids=lambda c: f"{c[0]} {c[1]}")
def test_outputs_and_gradients_are_those_of_pytorch(case):
    text, shape = case
    row = GOLDEN[f"{text} {shape}"]
    y, x, parameters = evaluation.evaluate(text, shape, nn, F, tensor, MADE)
    assert list(y.shape) == row["shape"]
    close(y, row["output"])
    (y * fastdl.tensor(evaluation.values(text, tuple(y.shape), -1 & 0xFFFF))).sum().backward()
    for found, wanted in zip((x, *parameters), row["grads"], strict=True):
        assert (found.grad is None) == (wanted is None)
        if wanted is not None:
            close(found.grad, wanted)


# --- scaled_dot_product_attention


def test_dropout_keeps_the_expectation_and_drops_the_share():
    fastdl.manual_seed(0)
    keys = 64
    q, v = fastdl.zeros(1, 1, 4000, 2), fastdl.tensor(np.eye(keys, dtype=np.float32)[None, None])
    y = F.scaled_dot_product_attention(q, fastdl.zeros(1, 1, keys, 2), v, dropout_p=0.25).numpy()
    # Values are the dropped weights: 0, or 1 / keys / 0.75. 256,000 draws: five deviations.
    dropped = (y == 0).mean()
    assert abs(dropped - 0.25) < 5 * (0.25 * 0.75 / y.size) ** 0.5
    np.testing.assert_allclose(y[y != 0], 1 / keys / 0.75, rtol=10 * EPS)
    assert not F.scaled_dot_product_attention(q, q, q, dropout_p=1.0).numpy().any()


@pytest.mark.parametrize(
    ("kind", "call", "message"),
    [
        (ValueError, lambda x: F.scaled_dot_product_attention(x[0, 0, 0], x, x), "at least 2 axes"),
        (
            ValueError,
            lambda x: F.scaled_dot_product_attention(x, x[..., :2], x),
            r"same width of query and key, got query \(2, 4, 3, 4\), key \(2, 4, 3, 2\)",
        ),
        (ValueError, lambda x: F.scaled_dot_product_attention(x, x[:, :, :1], x), "keys as values"),
        (
            ValueError,
            lambda x: F.scaled_dot_product_attention(x, x[:, :2], x[:, :2]),
            "fewer heads of key and value need enable_gqa=True",
        ),
        (
            ValueError,
            lambda x: F.scaled_dot_product_attention(x, x[:, :3], x[:, :3], enable_gqa=True),
            "heads of key and value that divide those of query",
        ),
        (
            ValueError,
            lambda x: F.scaled_dot_product_attention(x, x, x, fastdl.ones(3, 2)),
            r"attn_mask: expected a shape that broadcasts to \(2, 4, 3, 3\), got \(3, 2\)",
        ),
        (
            TypeError,
            lambda x: F.scaled_dot_product_attention(x, x, x, fastdl.ones(3, 3).long()),
            "'mask' must be bool or float32, got int64",
        ),
        (
            ValueError,
            lambda x: F.scaled_dot_product_attention(x, x, x, fastdl.ones(3, 3), 0.0, True),
            "attn_mask, is_causal: expected one of them, got both",
        ),
        (ValueError, lambda x: F.scaled_dot_product_attention(x, x, x, None, 1.5), "dropout_p"),
        (ValueError, lambda x: F.scaled_dot_product_attention(x, x, x, scale="a"), "scale"),
    ],
)
def test_bad_input_of_attention(kind, call, message):
    with pytest.raises(kind, match=f"scaled_dot_product_attention: .*{message}"):
        call(fastdl.ones(2, 4, 3, 4))


# --- embeddings


def test_first_values_of_tables_are_normal_and_paddings_are_zero():
    fastdl.manual_seed(0)
    for table in (
        nn.Embedding(1000, 50, padding_idx=-1),
        nn.EmbeddingBag(1000, 50, padding_idx=999),
    ):
        values = table.weight.numpy()
        assert table.padding_idx == 999
        assert not values[-1].any()
        # 50,000 draws: five standard errors of the mean and of the deviation.
        assert abs(values[:-1].mean()) < 5 / values.size**0.5
        assert abs(values[:-1].std() - 1) < 5 / (2 * values.size) ** 0.5


def test_tables_of_given_rows():
    rows = fastdl.tensor([[1.0, 2.0], [3.0, 4.0]])
    for kind in (nn.Embedding, nn.EmbeddingBag):
        frozen, trained = kind.from_pretrained(rows), kind.from_pretrained(rows, freeze=False)
        assert (frozen.weight.requires_grad, trained.weight.requires_grad) == (False, True)
        assert list(frozen.state_dict()) == ["weight"]
        assert fastdl.equal(frozen.weight, rows)
    net = nn.Embedding(3, 2, 1, max_norm=1, norm_type=1.0, scale_grad_by_freq=True, sparse=True)
    assert str(net) == (
        "Embedding(3, 2, padding_idx=1, max_norm=1.0, norm_type=1.0, scale_grad_by_freq=True, "
        "sparse=True)"
    )
    net = nn.EmbeddingBag(3, 2, 1.0, mode="sum", padding_idx=1)
    assert str(net) == "EmbeddingBag(3, 2, max_norm=1.0, mode='sum', padding_idx=1)"


def test_max_norm_changes_the_rows_that_are_used():
    table = nn.Embedding.from_pretrained([[3.0, 4.0], [0.3, 0.4], [-5.0, 0.0]], max_norm=1.0)
    table(fastdl.tensor([0, 1, 0]))
    np.testing.assert_allclose(
        table.weight.numpy(), [[0.6, 0.8], [0.3, 0.4], [-5.0, 0.0]], rtol=4 * EPS
    )


@pytest.mark.parametrize("mode", ["sum", "mean"])
def test_gradients_of_bags_are_divided_by_how_often_a_row_is_used(mode):
    """By the formula: PyTorch 2.13 divides the gradients of other rows."""
    indices, grads = [1, 2, 4, 5, 4, 3], []
    for by_freq in (False, True):
        table = fastdl.ones(6, 2, requires_grad=True)
        bags = F.embedding_bag(indices, table, [0, 2], mode=mode, scale_grad_by_freq=by_freq)
        (bags * fastdl.tensor([[1.0, 2.0], [3.0, 4.0]])).sum().backward()
        grads.append(table.grad.numpy())
    grads[0][4] /= 2
    np.testing.assert_allclose(grads[1], grads[0], rtol=2 * EPS)


@pytest.mark.parametrize("mode", ["sum", "mean", "max"])
def test_bags_without_indices_are_zero(mode):
    table = fastdl.ones(3, 2)
    for indices, offsets, bags in (
        (fastdl.zeros(0).long(), [0, 0], 2),
        (fastdl.zeros(2, 0).long(), None, 2),
        (fastdl.zeros(0).long(), fastdl.zeros(0).long(), 0),
    ):
        y = F.embedding_bag(indices, table, offsets, mode=mode)
        assert y.shape == (bags, 2)
        assert not y.numpy().any()
    # The last offset is the end: what lies behind it counts in no bag.
    y = F.embedding_bag([0, 1, 2], table, [0, 1, 2], mode=mode, include_last_offset=True)
    assert y.tolist() == [[1.0, 1.0]] * 2


class Tables(nn.Module):
    def __init__(self):
        super().__init__()
        self.bags = nn.ModuleList(
            nn.EmbeddingBag(9, 4, max_norm=1.5, mode=mode, padding_idx=0)
            for mode in ("sum", "mean", "max")
        )
        self.rows = nn.Embedding(9, 4, padding_idx=0, scale_grad_by_freq=True)

    def forward(self, indices, offsets):
        found = [(bags(indices, offsets) ** 2).sum() for bags in self.bags]
        return sum(found) + (self.rows(indices) ** 2).sum()


def test_recorded_steps_of_embeddings_agree_with_eager_ones_to_the_bit():
    random = np.random.default_rng(0)
    steps = [(random.integers(0, 9, 7), np.array([0, n, 6])) for n in (0, 3, 5, 6)]
    assert module_trained(Tables, steps, planned=False) == module_trained(
        Tables, steps, planned=True
    )


@pytest.mark.parametrize("options", [{}, {"max_norm": 1.0, "scale_grad_by_freq": True}])
@pytest.mark.parametrize("kind", ["Embedding", "EmbeddingBag"])
def test_a_replayed_step_names_an_index_of_no_row(kind, options):
    module = getattr(nn, kind)(3, 2, **options)
    optimizer = fastdl.optim.SGD(module.parameters(), lr=0.1)

    @fastdl.plan
    def step(indices):
        optimizer.zero_grad()
        loss = module(indices).square().sum()
        loss.backward()
        optimizer.step()
        return loss.detach()

    for _ in range(3):
        step(fastdl.tensor([[0, 1], [2, 2]]))
    before = module.weight.numpy().copy()
    with pytest.raises(IndexError, match=rf"^{kind}\(3, 2\): id 7 at position \(1, 0\)"):
        step(fastdl.tensor([[0, 1], [7, 2]]))
    np.testing.assert_array_equal(module.weight.numpy(), before)
    assert np.isfinite(step(fastdl.tensor([[0, 1], [2, 0]])).item())


@pytest.mark.parametrize(
    ("kind", "call", "message"),
    [
        (ValueError, lambda: nn.Embedding(-1, 2), "Embedding: num_embeddings: .* got -1"),
        (
            ValueError,
            lambda: nn.Embedding(3, 2, padding_idx=3),
            "Embedding: padding_idx: expected an index from -3 to 2 of the 3 rows, got 3",
        ),
        (
            ValueError,
            lambda: nn.EmbeddingBag(3, 2, _weight=fastdl.ones(2, 2)),
            r"EmbeddingBag: _weight: expected shape \(3, 2\), .* got \(2, 2\)",
        ),
        (ValueError, lambda: nn.Embedding.from_pretrained([1.0]), "embeddings: expected 2 axes"),
        (
            IndexError,
            lambda: nn.Embedding(3, 2)(fastdl.tensor([3, 1])),
            r"^Embedding\(3, 2\): id 3 at position \(0,\) .* which has 3 ids: 0 to 2",
        ),
        (IndexError, lambda: nn.Embedding(3, 2)(fastdl.tensor([-1])), r"id -1 at position \(0,\)"),
        (
            IndexError,
            lambda: F.embedding([[0, 3]], fastdl.ones(3, 2)),
            r"^embedding: id 3 .*\(0, 1\)",
        ),
        (
            IndexError,
            lambda: nn.EmbeddingBag(3, 2)(fastdl.tensor([[0, 1], [0, -2]])),
            r"^EmbeddingBag\(3, 2\): id -2 at position \(1, 1\)",
        ),
        (
            IndexError,
            lambda: nn.Embedding(3, 2, max_norm=1.0)(fastdl.tensor(5)),
            r"^Embedding\(3, 2\): id 5 at position \(\)",
        ),
        (TypeError, lambda: nn.Embedding(3, 2)(fastdl.ones(1)), "input: expected integers, got fl"),
        (ValueError, lambda: F.embedding([0], fastdl.ones(3)), "weight: expected 2 axes"),
        (ValueError, lambda: nn.EmbeddingBag(3, 2, mode="min"), "EmbeddingBag: mode: .*'min'"),
        (
            ValueError,
            lambda: nn.EmbeddingBag(3, 2)(fastdl.tensor([1])),
            r"EmbeddingBag\(3, 2\): offsets: expected them beside an input of one axis",
        ),
        (
            ValueError,
            lambda: nn.EmbeddingBag(3, 2)(fastdl.tensor([[1]]), fastdl.tensor([0])),
            r"EmbeddingBag\(3, 2\): offsets: expected None beside an input of two axes",
        ),
        *(
            (
                IndexError,
                lambda offsets=offsets: nn.EmbeddingBag(3, 2)(fastdl.tensor([1, 1]), offsets),
                rf"offsets: expected sorted ones from 0 \(the first\) to 2, got \[{offsets[0]}",
            )
            for offsets in ([1, 2], [0, 2, 1], [0, 3], [-1, 0], [-1])
        ),
        (
            NotImplementedError,
            lambda: F.embedding_bag([[1]], fastdl.ones(3, 2), per_sample_weights=[[1.0]]),
            "per_sample_weights: expected mode 'sum'",
        ),
        (
            ValueError,
            lambda: F.embedding_bag([[1]], fastdl.ones(3, 2), per_sample_weights=[1.0]),
            r"per_sample_weights: expected the shape \(1, 1\)",
        ),
        (
            ValueError,
            lambda: F.embedding_bag([[1]], fastdl.ones(3, 2), mode="max", scale_grad_by_freq=True),
            "scale_grad_by_freq: expected False with mode 'max'",
        ),
    ],
)
def test_bad_input_of_embeddings(kind, call, message):
    with pytest.raises(kind, match=message):
        call()


# --- multi-head attention


def test_first_weights_of_heads_and_their_names():
    fastdl.manual_seed(0)
    net = nn.MultiheadAttention(64, 4, add_bias_kv=True)
    shapes = {name: tuple(value.shape) for name, value in net.state_dict().items()}
    assert shapes == {
        "in_proj_weight": (192, 64),
        "in_proj_bias": (192,),
        "bias_k": (1, 1, 64),
        "bias_v": (1, 1, 64),
        "out_proj.weight": (64, 64),
        "out_proj.bias": (64,),
    }
    bound = (6 / (192 + 64)) ** 0.5  # Glorot's
    values = net.in_proj_weight.numpy()
    assert 0.98 * bound < np.abs(values).max() <= bound
    # Uniform: five standard errors of the mean square of 12,288 draws.
    assert abs((values**2).mean() / (bound**2 / 3) - 1) < 5 * (0.8 / values.size) ** 0.5
    assert not net.in_proj_bias.numpy().any()
    assert not net.out_proj.bias.numpy().any()
    assert 0.98 / 8 < np.abs(net.out_proj.weight.numpy()).max() <= 1 / 8
    # A normal distribution of variance 2 / (64 + 64), of 64 values.
    assert abs(net.bias_k.numpy().std() * 8 - 1) < 0.5
    other = nn.MultiheadAttention(64, 4, kdim=3, vdim=5, bias=False)
    assert {name: tuple(value.shape) for name, value in other.state_dict().items()} == {
        "q_proj_weight": (64, 64),
        "k_proj_weight": (64, 3),
        "v_proj_weight": (64, 5),
        "out_proj.weight": (64, 64),
    }
    assert other.in_proj_weight is None


def test_queries_without_a_key_are_nan_with_weights_only():
    x = fastdl.ones(2, 3, 4)
    net = nn.MultiheadAttention(4, 2, bias=False, batch_first=True)
    padding = fastdl.tensor([[True] * 3, [False] * 3])
    y, weights = net(x, x, x, padding)
    assert np.isnan(y.detach().numpy()[0]).all()
    assert np.isnan(weights.detach().numpy()[0]).all()
    y, _ = net(x, x, x, padding, need_weights=False)
    assert not y.detach().numpy()[0].any()
    assert np.isfinite(y.detach().numpy()).all()


@pytest.mark.parametrize("need_weights", [False, True])
def test_dropout_of_heads(need_weights):
    """The share that is dropped, by values that are the weights; evaluation drops nothing."""
    fastdl.manual_seed(0)
    size = 64
    net = nn.MultiheadAttention(size, 1, dropout=0.25, bias=False)
    eye = np.eye(size, dtype=np.float32)
    net.in_proj_weight.data = fastdl.tensor(np.concatenate([0 * eye, eye, eye]))
    net.out_proj.weight.data = fastdl.tensor(eye)
    x, keys = fastdl.zeros(4000, 1, size), fastdl.tensor(eye[:, None])
    y = net(x, keys, keys, need_weights=need_weights)[0].detach().numpy()
    # 256,000 draws: five deviations.
    assert abs((y == 0).mean() - 0.25) < 5 * (0.25 * 0.75 / y.size) ** 0.5
    np.testing.assert_allclose(y[y != 0], 1 / size / 0.75, rtol=10 * EPS)
    net.eval()
    y = net(x[:2], keys, keys, need_weights=need_weights)[0].detach().numpy()
    np.testing.assert_allclose(y, 1 / size, rtol=10 * EPS)
    net.train()
    net.dropout = 1.0
    assert not net(x[:2], keys, keys, need_weights=need_weights)[0].detach().numpy().any()


class Heads(nn.Module):
    def __init__(self):
        super().__init__()
        self.fused = nn.MultiheadAttention(4, 2, dropout=0.3, batch_first=True, add_bias_kv=True)
        self.composed = nn.MultiheadAttention(4, 2, dropout=0.3, kdim=3)

    def forward(self, x, padding, mask):
        y, _ = self.fused(x, x, x, padding, False, mask)
        y, weights = self.composed(x + y, x[..., :3], y, attn_mask=mask[:2, :2])
        return (y**2).mean() + (weights**2).mean()


def test_recorded_steps_of_heads_agree_with_eager_ones_to_the_bit():
    random = np.random.default_rng(0)
    causal = np.triu(np.ones((3, 3), bool), 1)
    steps = [
        (random.standard_normal((2, 3, 4)).astype("float32"), np.arange(3) > [[n], [2]], causal)
        for n in (1, 2, 0, 1)
    ]
    assert module_trained(Heads, steps, planned=False) == module_trained(Heads, steps, planned=True)


def heads(*inputs, embed=4, number=2, options=None, **more):
    return nn.MultiheadAttention(embed, number, **(options or {}))(*inputs, **more)


@pytest.mark.parametrize(
    ("kind", "call", "message"),
    [
        (ValueError, lambda x: nn.MultiheadAttention(4, 3), "num_heads: expected a divisor of 4"),
        (ValueError, lambda x: heads(x, x[0], x), "query, key and value of 2 or 3 axes, got query"),
        (ValueError, lambda x: heads(x, x, x, embed=6), "a query of 6 features, got query"),
        (ValueError, lambda x: heads(x, x[:2], x), "as many keys as values, got query"),
        (ValueError, lambda x: heads(x, x[:, :1], x[:, :1]), "one batch size of query and key"),
        (
            ValueError,
            lambda x: heads(x, x, x, options={"kdim": 3}),
            r"a key of 3 features, got query \(3, 2, 4\), key",
        ),
        (
            ValueError,
            lambda x: heads(x, x, x, fastdl.ones(3, 2)),
            r"key_padding_mask: expected shape \(2, 3\), got \(3, 2\)",
        ),
        (
            ValueError,
            lambda x: heads(x, x, x, attn_mask=fastdl.ones(2, 3, 3)),
            r"attn_mask: expected shape \(3, 3\) or \(4, 3, 3\), got \(2, 3, 3\)",
        ),
        (
            TypeError,
            lambda x: heads(x, x, x, attn_mask=fastdl.ones(3, 3).long()),
            "attn_mask: expected bool or float32, got int64",
        ),
        (
            ValueError,
            lambda x: heads(x, x, x, is_causal=True),
            "is_causal: expected an attn_mask beside it",
        ),
    ],
)
def test_bad_input_of_heads(kind, call, message):
    with pytest.raises(kind, match=f"MultiheadAttention: .*{message}"):
        call(fastdl.ones(3, 2, 4))


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"in_proj_weight": None}, "in_proj_weight: expected a weight, got None"),
        ({"in_proj_weight": fastdl.ones(4, 4)}, r"in_proj_weight: expected shape \(12, 4\)"),
        ({"use_separate_proj_weight": True}, "q_proj_weight: expected a weight, got None"),
        ({"bias_k": fastdl.ones(1, 1, 4)}, "bias_k, bias_v: expected both or none"),
        ({"static_k": fastdl.ones(2, 3, 2)}, r"static_k: expected shape \(4, keys, 2\)"),
        ({"dropout_p": 2.0}, "dropout_p: expected a number in"),
    ],
)
def test_bad_input_of_the_function_of_heads(more, message):
    x = fastdl.ones(3, 2, 4)
    given = {
        "in_proj_weight": fastdl.ones(12, 4),
        "in_proj_bias": None,
        "bias_k": None,
        "bias_v": None,
        "add_zero_attn": False,
        "dropout_p": 0.0,
        "out_proj_weight": fastdl.ones(4, 4),
        "out_proj_bias": None,
    }
    with pytest.raises(ValueError, match=f"multi_head_attention_forward: {message}"):
        F.multi_head_attention_forward(x, x, x, 4, 2, **{**given, **more})
