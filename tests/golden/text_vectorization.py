"""Writes text_vectorization.json: what Keras 3 makes of texts.

Run from the tests folder's parent with Keras and TensorFlow installed:
    KERAS_BACKEND=tensorflow python tests/golden/text_vectorization.py
"""

import json
from pathlib import Path

import numpy as np

TEXTS = [
    "The quick, brown fox -- it jumps!",
    "the lazy dog\tsleeps;\n the fox doesn't",
    "",
    "ÜBER den Fluß,   über die Brücke…",
    'e-mail: a.b@c.de (50% off) [x_y] {z} ~ `q` ^ | \\ "s" #1 $2 &c *',
    "\x0b fox \x0c fox\r\nfox \u00a0 dog\u2003dog",
    "fox\x1cfox dog\x1fdog",
]
ASKED = ["the fox and the dog", "FOX!", "nothing known", "", "über ÜBER Fluß", "a dog a dog a fox"]
WORDS = [["the", "fox", "jumps"], ["a", "fox", ""]]

# Arguments, texts for adapt (None for none), texts to look up.
CASES = [
    ({}, TEXTS, ASKED),
    ({"standardize": "lower"}, TEXTS, ASKED),
    ({"standardize": "strip_punctuation"}, TEXTS, ASKED),
    ({"standardize": None}, TEXTS, ASKED),
    ({"split": "character"}, TEXTS[:2], ASKED[:3]),
    ({"max_tokens": 5}, TEXTS, ASKED),
    ({"output_sequence_length": 3}, TEXTS, ASKED),
    ({"output_sequence_length": 9}, TEXTS, ASKED),
    ({"ngrams": 2}, TEXTS, ASKED),
    ({"ngrams": (2, 3)}, TEXTS, ASKED),
    ({"ngrams": (3, 1), "output_sequence_length": 4}, TEXTS, ASKED),
    ({"output_mode": "multi_hot"}, TEXTS, ASKED),
    ({"output_mode": "count"}, TEXTS, ASKED),
    ({"output_mode": "count", "ngrams": 2, "max_tokens": 8}, TEXTS, ASKED),
    ({"output_mode": "count", "max_tokens": 40, "pad_to_max_tokens": True}, TEXTS, ASKED),
    ({"output_mode": "tf_idf"}, TEXTS, ASKED),
    ({"output_mode": "tf_idf", "max_tokens": 6}, TEXTS, ASKED),
    ({"output_mode": "tf-idf", "max_tokens": 40, "pad_to_max_tokens": True}, TEXTS, ASKED),
    ({"vocabulary": ["fox", "dog"]}, None, ASKED),
    ({"vocabulary": ["", "[UNK]", "fox", "dog"]}, None, ASKED),
    ({"vocabulary": ["fox", "dog"], "output_mode": "binary"}, None, ASKED),
    (
        {"vocabulary": ["fox", "dog"], "output_mode": "tf_idf", "idf_weights": [0.5, 2.0]},
        None,
        ASKED,
    ),
    ({}, [[text] for text in TEXTS], [[text] for text in ASKED]),
    ({"split": None, "standardize": None}, WORDS, WORDS),
    ({"split": None, "standardize": "lower", "ngrams": 2}, WORDS, WORDS),
    ({"split": None, "standardize": None, "output_mode": "count"}, WORDS, WORDS),
    ({"split": None, "standardize": None, "output_sequence_length": 5}, WORDS, WORDS),
    ({"split": None, "standardize": None}, ASKED, ASKED),
]


def run(layers, case):
    arguments, data, x = case
    layer = layers.TextVectorization(**arguments)
    if data is not None:
        layer.adapt(np.array(data))
    return layer, np.asarray(layer(np.array(x)))


def main():
    import keras

    found = []
    for case in CASES:
        layer, out = run(keras.layers, case)
        vocabulary = [str(v) for v in layer.get_vocabulary()]
        found.append({"out": out.tolist(), "shape": list(out.shape), "vocabulary": vocabulary})
    path = Path(__file__).with_suffix(".json")
    text = json.dumps({"keras": keras.__version__, "cases": found}, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
