"""Sentiment: a network reads sentences in both directions and says whether they praise or complain.

    python sentiment.py                              sentences that this program makes
    python sentiment.py reviews                      a folder with a folder of .txt files per class
    python sentiment.py --text "it was anything but dull" --kind gru

In the generated sentences the order of words matters: "although the plot was not bad, the cast was
dull" complains, and the same words in another order praise. A model that only counts words, trained
beside it, shows how far one comes without the order. Sentences of similar length share a batch, and
masks hide the padding.
"""

import argparse

import numpy as np

from fastdl import Sequential, layers, optimizers, utils

parser = argparse.ArgumentParser(description="A recurrent network learns what sentences mean.")
parser.add_argument("folder", nargs="?", help="a folder with a folder of texts for each class")
parser.add_argument("--text", action="append", default=[], help="a text to classify; repeatable")
parser.add_argument("--kind", choices=("lstm", "gru"), default="lstm")
parser.add_argument("--samples", type=int, default=6000, help="sentences to make")
parser.add_argument("--vocabulary", type=int, default=10_000, help="the most frequent words")
parser.add_argument("--longest", type=int, default=200, help="words of a text that are read")
parser.add_argument("--units", type=int, default=32)
parser.add_argument("--epochs", type=int, default=10)
args = parser.parse_args()

THINGS = "plot cast music ending dialogue camera story pace opening humour scenery".split()
GOOD = "good great wonderful funny moving clever brilliant fresh charming gripping".split()
BAD = "bad dull terrible boring clumsy stale predictable tedious shallow annoying".split()
NOT = ("not", "never", "anything but", "far from", "by no means")
FRAMES = (  # {0} is the opinion that counts, {1} another one
    "the {2} was {0}",
    "although the {2} was {1}, the {3} was {0}",
    "the {2} was {0}, even though the {3} was {1}",
    "i expected it to be {1}, but it was {0}",
    "it was {0} in spite of a {2} that was {1}",
    "everyone had told me that it was {1}; to me it was {0}",
    "what was {1} in the book is {0} on the screen",
)
AROUND = ("", "we went on a monday.", "i saw it twice.", "my sister chose it.", "a long evening.")


def opinion(praises, rng):
    """Words that praise, or complain. Half of them say the opposite of a word."""
    turned = rng.random() < 0.5
    word = str(rng.choice(GOOD if praises != turned else BAD))
    return f"{rng.choice(NOT)} {word}" if turned else word


def sentence(praises, rng):
    other = praises if rng.random() < 0.3 else not praises
    frame = FRAMES[rng.integers(len(FRAMES))]
    things = rng.choice(THINGS, 2, replace=False)
    text = frame.format(opinion(praises, rng), opinion(other, rng), *things)
    before, after = rng.choice(AROUND, 2)
    return f"{before} {text}. {after}".strip()


def generated(count):
    """Two parts of different sentences and their classes, and the names of these."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, count)
    texts = [sentence(bool(label), rng) for label in labels]
    known = set(texts[: count * 4 // 5])
    new = [i for i in range(count * 4 // 5, count) if texts[i] not in known]
    train = texts[: count * 4 // 5], labels[: count * 4 // 5]
    return train, ([texts[i] for i in new], labels[new]), ["complains", "praises"]


def read(folder):
    """The same from a folder: a fifth of the texts, drawn at random, is the second part."""
    try:
        both = utils.text_dataset_from_directory(
            folder, validation_split=0.2, subset="both", seed=0
        )
    except (OSError, ValueError) as error:
        raise SystemExit(f"{folder}: {error}") from None
    parts = []
    for data in both:
        batches = list(data)
        texts = [text for some, _ in batches for text in some]
        parts.append((texts, np.concatenate([labels.numpy() for _, labels in batches])))
    return *parts, both[0].class_names


utils.set_random_seed(0)
train, test, names = read(args.folder) if args.folder else generated(args.samples)
vectorize = layers.TextVectorization(args.vocabulary, output_sequence_length=args.longest)
vectorize.adapt(train[0])


def batches(texts, labels=None, shuffle=False):
    """Sequences of word numbers in batches of similar length."""
    sequences = [row[row != 0] for row in vectorize(texts).numpy()]
    return utils.bucketed_dataset(sequences, labels, batch_size=32, shuffle=shuffle)


def classified(texts):
    """The probabilities of the classes for each text."""
    data = batches(texts)
    return model.predict(data, verbose=0)[np.argsort(data.order)]


def trained(reader):
    """A model whose layer `reader` makes one vector of the vectors of words."""
    made = Sequential(
        [
            layers.Input((None,), dtype="int32"),
            layers.Embedding(vectorize.vocabulary_size(), 32, mask_zero=True),
            reader,
            layers.Dropout(0.3),
            layers.Dense(len(names), activation="softmax"),
        ]
    )
    made.compile(optimizers.Adam(3e-3), "sparse_categorical_crossentropy", metrics=["accuracy"])
    made.fit(batches(*train, shuffle=True), epochs=args.epochs, verbose=2)
    return made, made.evaluate(batches(*test), verbose=0)[1]


layer = layers.LSTM if args.kind == "lstm" else layers.GRU
print("a model that counts words:")
_, counting = trained(layers.GlobalAveragePooling1D())
print(f"a model that reads words in their order ({args.kind}, both directions):")
model, reading = trained(layers.Bidirectional(layer(args.units)))
model.summary()

found = classified([*test[0][:8], *args.text])
print("not seen in training:")
for text, chances, label in zip(test[0][:8], found, test[1], strict=False):
    best = chances.argmax()
    wrong = "" if best == label else f" (wrong: {names[label]})"
    print(f"  {names[best]} {chances[best]:4.0%}  {text[:90]}{wrong}")
for text, chances in zip(args.text, found[8:], strict=True):
    print(f"  {names[chances.argmax()]} {chances.max():4.0%}  {text[:90]}")
print(f"{len(test[0])} new texts: counting words {counting:.1%} right, reading {reading:.1%}")

assert args.folder or reading > 0.95 > counting or args.epochs < 10 or args.samples < 6000
