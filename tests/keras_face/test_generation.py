"""`utils.generate`: memory of attention and recurrent layers, draws, beam search, bad input."""

import itertools
import warnings

import numpy as np
import pytest

import fastdl
from fastdl import layers
from fastdl.utils import generate, generation

VOCABULARY = 11


def gpt(context=32, **options):
    fastdl.utils.set_random_seed(1)
    tokens = layers.Input((None,), dtype="int64")
    x = layers.Embedding(VOCABULARY, 16)(tokens)
    x = x + layers.PositionEmbedding(context)(x)
    for _ in range(2):
        y = layers.LayerNormalization()(x)
        x = x + layers.MultiHeadAttention(2, 8, **options)(y, y, use_causal_mask=True)
        x = x + layers.Dense(16, "gelu")(layers.LayerNormalization()(x))
    return fastdl.Model(tokens, layers.Dense(VOCABULARY)(x) * 4.0)


def recurrent(kind):
    fastdl.utils.set_random_seed(1)
    return fastdl.Sequential(
        [
            layers.Input((None,), dtype="int64"),
            layers.Embedding(VOCABULARY, 16),
            layers.SinePositionEncoding(),
            getattr(layers, kind)(16, return_sequences=True),
            layers.RNN([layers.LSTMCell(8), layers.GRUCell(8)], return_sequences=True),
            layers.Dense(VOCABULARY),
        ]
    )


def within_steps():
    """A recurrent layer over the parts of a step, which does not go on in the next one."""
    fastdl.utils.set_random_seed(1)
    return fastdl.Sequential(
        [
            layers.Input((None,), dtype="int64"),
            layers.Embedding(VOCABULARY, 16),
            layers.Reshape((-1, 4, 4)),
            layers.TimeDistributed(layers.GRU(8)),
            layers.LSTM(8, return_sequences=True),
            layers.Dense(VOCABULARY),
        ]
    )


def by_hand(model, tokens, count):
    """The most probable token, each found with a call on all steps."""
    rows = np.array(tokens)
    for _ in range(count):
        rows = np.concatenate([rows, model(rows).numpy()[:, -1].argmax(-1)[:, None]], 1)
    return rows


MODELS = {"gpt": gpt, **{k: lambda k=k: recurrent(k) for k in ("LSTM", "GRU", "SimpleRNN")}}
MODELS["within steps"] = within_steps


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("start", [1, 3, 9])
def test_tokens_are_those_of_whole_calls(name, start, monkeypatch):
    model = MODELS[name]()
    tokens = np.random.default_rng(0).integers(0, VOCABULARY, (3, start))
    calls = []
    run = generation._Reader._run
    monkeypatch.setattr(
        generation._Reader, "_run", lambda self, rows: calls.append(rows.shape) or run(self, rows)
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = generate(model, tokens, 20, temperature=0)
    assert found.dtype == np.int64
    np.testing.assert_array_equal(found, by_hand(model, tokens, 20))
    # With a memory the model sees whole sequences at the beginning only.
    assert len(calls) == max(1, generation._CHECKED + 2 - start)
    one = generate(model, tokens[1], 20, temperature=0)
    np.testing.assert_array_equal(one, found[1])


def test_a_model_that_looks_ahead_is_called_with_all_steps():
    fastdl.utils.set_random_seed(1)
    model = fastdl.Sequential(
        [
            layers.Input((None,), dtype="int64"),
            layers.Embedding(VOCABULARY, 8),
            layers.Bidirectional(layers.GRU(8, return_sequences=True)),
            layers.Dense(VOCABULARY),
        ]
    )
    with pytest.warns(UserWarning, match="called with all steps for each token"):
        found = generate(model, [[1, 2, 3]], 8, temperature=0)
    np.testing.assert_array_equal(found, by_hand(model, [[1, 2, 3]], 8))
    window = gpt(sliding_window=3)
    with pytest.warns(UserWarning, match="with a mask, a window or scores"):
        found = generate(window, [[1, 2, 3]], 8, temperature=0)
    np.testing.assert_array_equal(found, by_hand(window, [[1, 2, 3]], 8))


def test_a_context_is_a_window_of_the_last_steps():
    model = gpt(context=6)
    found = generate(model, [[1, 2, 3]], 9, temperature=0, context=6)
    rows = np.array([[1, 2, 3]])
    for _ in range(9):
        rows = np.concatenate([rows, model(rows[:, -6:]).numpy()[:, -1].argmax(-1)[:, None]], 1)
    np.testing.assert_array_equal(found, rows)
    with pytest.raises(IndexError, match="PositionEmbedding"):
        generate(model, [[1, 2, 3]], 9)


def test_draws_follow_the_probabilities():
    logits = np.log(np.array([0.5, 0.25, 0.15, 0.1]))

    def model(x):
        return fastdl.tensor(np.broadcast_to(logits, (*x.shape, 4)).astype("float32"))

    def shares(**options):
        n = 4000
        found = generate(model, np.zeros((n, 1), np.int64), 1, seed=0, **options)[:, 1]
        return np.bincount(found, minlength=4) / n

    # Four standard deviations of a share of 4,000 draws are at most 0.032.
    close = {"rtol": 0, "atol": 0.032}
    np.testing.assert_allclose(shares(), np.exp(logits), **close)
    np.testing.assert_allclose(shares(top_k=2), [2 / 3, 1 / 3, 0, 0], **close)
    np.testing.assert_allclose(shares(top_p=0.6), [2 / 3, 1 / 3, 0, 0], **close)
    np.testing.assert_allclose(shares(top_p=0.0), [1, 0, 0, 0], **close)
    square = np.exp(2 * logits) / np.exp(2 * logits).sum()
    np.testing.assert_allclose(shares(temperature=0.5), square, **close)
    assert shares(temperature=0)[0] == 1
    assert not shares(top_k=3)[3] and shares(top_k=3)[2]


def test_a_seed_repeats_the_draws():
    model = gpt()
    one, two = (generate(model, [[1, 2]], 12, seed=3) for _ in range(2))
    np.testing.assert_array_equal(one, two)
    assert not np.array_equal(one, generate(model, [[1, 2]], 12, seed=4))


def test_beam_search_finds_the_best_of_all():
    model = gpt()
    start = np.array([[1, 2], [5, 3]])
    beams = VOCABULARY**2  # keeps everything, so nothing is lost
    found = generate(model, start, 3, beams=beams)
    for row, result in zip(start, found, strict=True):
        all_rows = np.array(
            [[*row, *rest] for rest in itertools.product(range(VOCABULARY), repeat=3)]
        )
        logits = model(all_rows[:, :-1]).numpy().astype(np.float64)
        p = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
        total = sum(p[np.arange(len(p)), 1 + i, all_rows[:, 2 + i]] for i in range(3))
        np.testing.assert_array_equal(result, all_rows[total.argmax()])


def test_beams_keep_their_own_past():
    model = gpt()
    found = generate(model, [[1, 2, 3, 4, 5, 6]], 10, beams=3)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(generation._Reader, "_begin", lambda self, rows, wanted: None)
        np.testing.assert_array_equal(found, generate(model, [[1, 2, 3, 4, 5, 6]], 10, beams=3))


def test_an_end_token_ends_a_sequence():
    # The token after t is t + 1.
    table = np.roll(np.eye(8, dtype="float32"), 1, 1) * 50
    model = fastdl.Sequential([layers.Input((None,)), layers.Embedding(8, 8, weights=[table])])
    found = generate(model, [[0], [3]], 9, end_token=5, temperature=0)
    np.testing.assert_array_equal(found, [[0, 1, 2, 3, 4, 5], [3, 4, 5, 5, 5, 5]])
    beams = generate(model, [[0], [3]], 9, end_token=5, beams=2)
    np.testing.assert_array_equal(beams, found)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([0.5], 1), "tokens: expected integers"),
        (([], 1), "tokens: expected integers"),
        (([[[1]]], 1), "tokens: expected integers"),
        (([1], -1), "max_new_tokens"),
        (([1], 1, -1.0), "temperature"),
        (([1], 1, 1.0, 0), "top_k"),
        (([1], 1, 1.0, None, 1.5), "top_p"),
        (([1], 1, 1.0, None, None, 0), "beams"),
        (([99], 1), "Embedding"),
    ],
)
def test_bad_input(arguments, message):
    with pytest.raises((ValueError, IndexError), match=message):
        generate(gpt(), *arguments)


def test_a_model_of_another_shape_is_named():
    model = fastdl.Sequential([layers.Input((None,)), layers.Embedding(5, 3), layers.GRU(4)])
    with pytest.raises(
        ValueError, match=r"expected logits of shape \(1, 2, vocabulary\), got \(1, 4\)"
    ):
        generate(model, [[1, 2]], 3)
