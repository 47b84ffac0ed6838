"""`utils.generate`: memory of attention and recurrent layers, draws, beam search, bad input."""

import copy
import gc
import itertools
import pickle
import warnings
import weakref
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import fastdl
from fastdl import layers
from fastdl.utils import generate, generation, stepping

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


@pytest.fixture
def whole_calls(monkeypatch):
    """The shapes of the calls with whole sequences."""
    calls = []
    run = generation._Reader._run
    monkeypatch.setattr(
        generation._Reader, "_run", lambda self, rows: calls.append(rows.shape) or run(self, rows)
    )
    return calls


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("start", [1, 3, 9])
def test_tokens_are_those_of_whole_calls(name, start, whole_calls):
    model = MODELS[name]()
    tokens = np.random.default_rng(0).integers(0, VOCABULARY, (3, start))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = generate(model, tokens, 20, temperature=0)
    assert found.dtype == np.int64
    np.testing.assert_array_equal(found, by_hand(model, tokens, 20))
    # With a memory the model sees whole sequences at the beginning only.
    least = stepping.CHECKED + 1
    assert whole_calls == [(3, start), *([(3, least)] if start < least else [])]
    one = generate(model, tokens[1], 20, temperature=0)
    np.testing.assert_array_equal(one, found[1])


def set_by_assignment(model):
    model.set_weights([w + 0.1 for w in model.get_weights()])


def set_by_array(model):
    model.weights[0].detach().numpy()[...] += 0.5


def set_by_training(model):
    model.compile(fastdl.optimizers.SGD(0.5), "mse")
    model.train_on_batch(np.ones((2, 3), np.int64), np.zeros((2, 3, VOCABULARY)))


@pytest.mark.parametrize("name", MODELS)
def test_a_recorded_step_is_kept_while_the_model_stays_the_same(name, whole_calls):
    model = MODELS[name]()
    tokens = np.random.default_rng(0).integers(0, VOCABULARY, (2, 12))
    options = {"temperature": 0.7, "top_p": 0.9, "seed": 5}
    wanted = [generate(MODELS[name](), tokens[:, :n], 20, **options) for n in (12, 10, 1)]
    beams = generate(MODELS[name](), tokens[:1], 9, beams=2)
    generate(model, tokens, 20, **options)  # after the other models: a new layer is a change, too
    whole_calls.clear()
    for n, each in zip((12, 10, 1), wanted, strict=True):
        np.testing.assert_array_equal(generate(model, tokens[:, :n], 20, **options), each)
    np.testing.assert_array_equal(generate(model, tokens[:1], 9, beams=2), beams)
    assert not whole_calls
    # Nothing longer than what was checked, no more sequences.
    longer = np.concatenate([tokens, tokens], 1)
    np.testing.assert_array_equal(
        generate(model, longer, 5, temperature=0), by_hand(model, longer, 5)
    )
    assert whole_calls == [(2, 24)]
    generate(model, tokens[:1], 5)
    assert whole_calls == [(2, 24), (1, 12)]
    # A few tokens are not worth a check.
    generate(model, tokens, 2)
    assert whole_calls[2:] == [(2, 12), (2, 13)]


@pytest.mark.parametrize("change", [set_by_assignment, set_by_array, set_by_training])
def test_a_changed_weight_is_seen(change, whole_calls):
    model = gpt()
    tokens = [[1, 2, 3, 4, 5, 6]]
    before = generate(model, tokens, 20, temperature=0)
    for _ in range(2):
        change(model)
        whole_calls.clear()
        found = generate(model, tokens, 20, temperature=0)
        assert whole_calls == [(1, 6)]
        np.testing.assert_array_equal(found, by_hand(model, tokens, 20))
    assert not np.array_equal(found, before)


class LooksAhead(layers.Layer):
    """Adds the step after each, times a weight that is 0 at first."""

    ahead = False

    def build(self, shape):
        self.gate = self.add_weight((), "zeros")

    def call(self, x):
        if self.ahead or x.shape[1] == 1:
            return x
        after = fastdl.ops.pad(x[:, 1:], [[0, 0], [0, 1], [0, 0]])
        return x + self.gate * after


def looking():
    fastdl.utils.set_random_seed(1)
    return fastdl.Sequential(
        [
            layers.Input((None,), dtype="int64"),
            layers.Embedding(VOCABULARY, 8),
            LooksAhead(),
            layers.GRU(8, return_sequences=True),
            layers.Dense(VOCABULARY),
        ]
    )


def test_a_model_that_begins_to_look_ahead_is_found():
    model = looking()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        generate(model, [[1, 2, 3, 4, 5]], 6)
    model.layers[1].gate.assign(5.0)
    with pytest.warns(UserWarning, match="its logits differ if steps come one by one"):
        found = generate(model, [[1, 2, 3, 4, 5]], 12, temperature=0)
    np.testing.assert_array_equal(found, by_hand(model, [[1, 2, 3, 4, 5]], 12))


def test_a_changed_attribute_makes_a_new_check(whole_calls):
    model = looking()
    generate(model, [[1, 2, 3, 4, 5]], 6)
    model.layers[1].ahead = True
    whole_calls.clear()
    generate(model, [[1, 2, 3, 4, 5]], 6)
    assert whole_calls == [(1, 5)]


def test_a_vocabulary_with_more_tokens_than_the_model_takes(whole_calls):
    fastdl.utils.set_random_seed(1)
    model = fastdl.Sequential(
        [
            layers.Input((None,), dtype="int64"),
            layers.Embedding(3, 8),
            layers.GRU(8, return_sequences=True),
            layers.Dense(8),
        ]
    )
    kernel, _ = model.layers[-1].get_weights()
    kernel[:, 3:] = 0  # the tokens that it does not take are the next most probable ones
    model.layers[-1].set_weights([kernel * 9, np.array([50, 0, 0, 40, 40, 40, 40, 40.0])])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = generate(model, [[1, 2]], 12, temperature=0)
    assert whole_calls[-1] == (1, 5) and model.__dict__[stepping.KEPT] is not None
    np.testing.assert_array_equal(found, by_hand(model, [[1, 2]], 12))


def test_copies_of_a_model_record_their_own_step():
    model, small = gpt(), looking()
    want = generate(model, [[1, 2, 3, 4, 5, 6]], 9, seed=1)
    generate(small, [[1, 2, 3, 4, 5, 6]], 9)
    for copied in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(generate(copied, [[1, 2, 3, 4, 5, 6]], 9, seed=1), want)
    layer = copy.deepcopy(small.layers[0])
    assert layer.built
    seen = weakref.ref(model)
    del model
    gc.collect()
    assert seen() is None


def test_threads_generate_with_one_model():
    model = gpt()
    tokens = [[1, 2, 3, 4, 5, 6]]
    want = generate(model, tokens, 20, seed=1)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: generate(model, tokens, 20, seed=1), range(12)))
    for each in found:
        np.testing.assert_array_equal(each, want)


def test_a_large_memory_is_not_kept(monkeypatch):
    monkeypatch.setattr(stepping, "_MOST_BYTES", 1000)
    model = gpt()
    found = generate(model, [[1, 2, 3, 4, 5, 6]], 20, temperature=0)
    assert stepping.KEPT not in model.__dict__
    np.testing.assert_array_equal(found, by_hand(model, [[1, 2, 3, 4, 5, 6]], 20))


def test_a_failed_call_leaves_nothing_behind():
    model = gpt(context=12)
    want = generate(model, [[1, 2, 3, 4, 5, 6]], 6, seed=1)
    for _ in range(2):
        with pytest.raises(IndexError, match="PositionEmbedding"):
            generate(model, [[1, 2, 3, 4, 5, 6]], 9)
        np.testing.assert_array_equal(generate(model, [[1, 2, 3, 4, 5, 6]], 6, seed=1), want)


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


def rounded(dtype, x):
    """Keys or values as a cache holds them."""
    if dtype == "bfloat16":
        return fastdl.ops.cast(fastdl.ops.cast(x, dtype), "float32")
    scale = np.abs(x.numpy()).max(-1, keepdims=True) / np.float32(127)
    return fastdl.tensor(np.round(x.numpy() / np.where(scale == 0, 1, scale)) * scale)


@pytest.mark.parametrize("dtype", ["bfloat16", "int8"])
@pytest.mark.parametrize("start", [1, 3, 9])
def test_caches_in_shorter_types(dtype, start, monkeypatch):
    tokens = np.random.default_rng(0).integers(0, VOCABULARY, (3, start))
    model = gpt()
    found = generate(model, tokens, 20, seed=1, cache_dtype=dtype)
    seen = model.__dict__[stepping.KEPT]._memory
    assert {str(t.dtype) for t in seen.tensors()} == {
        "int64",
        dtype,
        *(["float32"] if dtype == "int8" else []),
    }
    # A kept memory goes on with the same type and gives the same; another type has its own.
    np.testing.assert_array_equal(generate(model, tokens, 20, seed=1, cache_dtype=dtype), found)
    assert model.__dict__[stepping.KEPT]._memory is seen
    generate(model, tokens, 20, cache_dtype=None)
    assert model.__dict__[stepping.KEPT]._memory is not seen
    # Whole calls whose keys and values are rounded give the same logits, but for float32's errors.
    logits = []
    run = stepping.Steps.__call__
    monkeypatch.setattr(
        stepping.Steps, "__call__", lambda self, x: logits.append(run(self, x)) or logits[-1]
    )
    found = generate(model, tokens, 20, seed=1, cache_dtype=dtype)
    exact = model(found).numpy()
    attend = layers.MultiHeadAttention._attend
    monkeypatch.setattr(
        layers.MultiHeadAttention,
        "_attend",
        lambda self, q, k, v, *more: attend(self, q, rounded(dtype, k), rounded(dtype, v), *more),
    )
    wanted = model(found).numpy()
    # Logits are below 20. A quotient near a half may be rounded to the other neighbour, which is
    # 1/127 of a head's largest number away.
    close = 20 * 16 * 2**-23 if dtype == "bfloat16" else 0.02
    for n, each in enumerate(logits[-19:]):
        assert np.abs(each - wanted[:, start + n]).max() <= close
    assert 0 < np.abs(wanted - exact).max() < 0.2


def test_a_short_cache_changes_no_recurrent_layer():
    model = recurrent("LSTM")
    tokens = [[1, 2, 3, 4, 5, 6]]
    wanted = generate(model, tokens, 12, seed=1)
    np.testing.assert_array_equal(generate(model, tokens, 12, seed=1, cache_dtype="int8"), wanted)


def test_beams_reorder_a_short_cache():
    model = gpt()
    tokens = [[1, 2, 3, 4, 5, 6]]
    wanted = generate(model, tokens, 10, beams=3)
    found = generate(model, tokens, 10, beams=3, cache_dtype="int8")
    np.testing.assert_array_equal(found, wanted)  # of this model: the scores are far apart


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
        patch.setattr(generation._Reader, "_begin", lambda self, rows, logits: logits)
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
        (([1], 1, 1.0, *[None] * 6, "float16"), "cache_dtype: expected one of float32, bfloat16"),
        (([1], 1, 1.0, *[None] * 6, 8), "cache_dtype: expected one of float32, bfloat16"),
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
