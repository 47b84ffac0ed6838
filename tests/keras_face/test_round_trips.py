"""Objects from their configs, structures by their keys, streams of random numbers."""

import json
from collections import OrderedDict, defaultdict

import numpy as np
import pytest

import fastdl
from fastdl import initializers, layers, losses, metrics, ops, random, saving, tree

# Classes of one name in two folders.
NAMESAKES = [
    metrics.BinaryCrossentropy(from_logits=True),
    metrics.KLDivergence(),
    metrics.Hinge(),
    metrics.CosineSimilarity(axis=-1),
    losses.BinaryCrossentropy(from_logits=True),
    losses.CosineSimilarity(axis=-1),
    initializers.Identity(gain=2.0),
    layers.Identity(),
]


@pytest.mark.parametrize("one", NAMESAKES, ids=lambda one: type(one).__module__)
def test_namesakes_keep_their_class(one):
    config = json.loads(json.dumps(saving.serialize_keras_object(one)))
    again = saving.deserialize_keras_object(config)
    assert type(again) is type(one) and again.get_config() == one.get_config()


def test_modules_as_keras_writes_them():
    config = {"module": "keras.metrics", "class_name": "Poisson", "config": {"name": "p"}}
    assert type(saving.deserialize_keras_object(config)) is metrics.Poisson
    config = {"module": "keras.losses", "class_name": "Poisson", "config": {"name": "p"}}
    assert type(saving.deserialize_keras_object(config)) is losses.Poisson


def test_dicts_are_paired_by_their_keys():
    one, other = {"a": 1, "b": 2}, OrderedDict([("b", 20), ("a", 10)])
    assert tree.map_structure(lambda x, y: x + y, one, other) == {"a": 11, "b": 22}
    assert list(tree.map_structure(lambda x, y: x + y, other, one)) == ["b", "a"]
    found = tree.map_structure_up_to(other, lambda x, y: (x, y), other, one)
    assert found == {"a": (10, 1), "b": (20, 2)}
    tree.assert_same_structure(
        OrderedDict([("b", [2]), ("a", 1)]), defaultdict(int, [("a", 10), ("b", [20])])
    )


def test_a_stream_of_seeds():
    generator = random.SeedGenerator(7, name="stream")
    first, second = generator.next(), generator.next()
    assert first.tolist() != second.tolist() and first.dtype == generator.state.dtype
    again = random.SeedGenerator.from_config(generator.get_config())
    assert again.name == "stream" and again.next().tolist() == first.tolist()


@pytest.mark.parametrize("draw", [random.uniform, random.normal, random.truncated_normal])
def test_random_numbers_of_a_whole_type(draw):
    with pytest.raises(ValueError, match="dtype: expected a floating type, got 'int32'"):
        draw((2,), dtype="int32")
    assert draw((2,), dtype="bfloat16").dtype == fastdl.bfloat16


def test_dropout_keeps_the_type():
    x = ops.ones((200,), "float16")
    left = random.dropout(x, 0.5, seed=1)
    assert left.dtype == "float16"
    assert set(np.asarray(ops.cast(left, "float32")).tolist()) == {0.0, 2.0}


@pytest.mark.parametrize(
    "thing",
    [
        fastdl.random.SeedGenerator(42, name="seeds"),
        fastdl.DTypePolicy("mixed_bfloat16"),
        fastdl.dtype_policies.DTypePolicyMap(
            policy_map={"dense": fastdl.DTypePolicy("mixed_bfloat16")}
        ),
    ],
    ids=lambda thing: type(thing).__name__,
)
def test_what_is_in_no_registry_comes_back(thing):
    config = json.loads(json.dumps(fastdl.saving.serialize_keras_object(thing)))
    again = fastdl.saving.deserialize_keras_object(config)
    assert type(again) is type(thing)
    assert fastdl.saving.serialize_keras_object(again) == config


def test_settings_of_a_class_are_a_dict():
    with pytest.raises(TypeError, match=r"the config of 'Dense': expected a dict, got \[1, 2\]"):
        fastdl.saving.deserialize_keras_object({"class_name": "Dense", "config": [1, 2]})
