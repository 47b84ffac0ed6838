"""Translating dates: "3 March 2024" -> "2024-03-03", by an encoder and a decoder of LSTMs.

    python date_translation.py
    python date_translation.py "July 4, 1976" "4.7.1976"

The dates are made by this program, in seven ways of writing them. One LSTM reads the characters
from the last to the first. Its last states are the first ones of another LSTM, which writes the
answer. In training this one sees the right character before each place ("teacher forcing"). In use
it sees its own: a second model of the same layers makes one step at a time. Characters are one-hot
vectors. Source of the method: Sutskever, Vinyals and Le (2014), Sequence to sequence learning.
"""

import argparse
import datetime

import numpy as np

from fastdl import Input, Model, layers, optimizers
from fastdl.utils import set_random_seed

parser = argparse.ArgumentParser(description="LSTMs learn what dates mean.")
parser.add_argument("dates", nargs="*", help="dates to translate after the training")
parser.add_argument("--samples", type=int, default=5000, help="dates to learn from")
parser.add_argument("--epochs", type=int, default=15)
parser.add_argument("--units", type=int, default=64)
args = parser.parse_args()

MONTHS = (
    "January February March April May June July August September October November December"
).split()
LETTERS = "".join(sorted(set(" ,./0123456789thstndrd" + "".join(MONTHS))))
DIGITS = "^-0123456789"  # of answers; ^ stands before the first character
LONGEST, LENGTH, TESTS, BATCH = 19, 10, 1000, 32  # "25th September 2024", "2024-09-25"


def written(date, way):
    """The date as people write it."""
    day, month, year = date.day, MONTHS[date.month - 1], date.year
    ending = "th" if 10 < day < 20 else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")
    return (
        f"{day} {month} {year}",
        f"{day}{ending} {month} {year}",
        f"{month} {day}, {year}",
        f"{month[:3]} {day} {year}",
        f"{year} {month[:3]} {day}",
        f"{day}.{date.month}.{year}",
        f"{date.month}/{day}/{year}",
    )[way]


def one_hot(texts, alphabet, length):
    """Vectors (texts, length, alphabet); zeros behind the end of a text."""
    vectors = np.zeros((len(texts), length, len(alphabet)), np.float32)
    for text, rows in zip(texts, vectors, strict=True):
        if len(text) > length or set(text) - set(alphabet):
            raise SystemExit(f"expected at most {length} of {alphabet!r}, got {text!r}")
        rows[np.arange(len(text)), [alphabet.index(character) for character in text]] = 1
    return vectors


one_hot(args.dates, LETTERS, LONGEST)  # an unknown character stops the program here
set_random_seed(0)
rng = np.random.default_rng(0)
first = datetime.date(1950, 1, 1).toordinal()
days = rng.choice(36525, args.samples + TESTS, replace=False)  # of a century, each at most once
dates = [datetime.date.fromordinal(first + int(day)) for day in days]
sources = [written(date, rng.integers(7)) for date in dates]
answers = [date.isoformat() for date in dates]
x = one_hot(sources, LETTERS, LONGEST)
before = one_hot(["^" + answer[:-1] for answer in answers], DIGITS, LENGTH)
after = one_hot(answers, DIGITS, LENGTH)
train, test = slice(args.samples), slice(args.samples, None)

source = Input((LONGEST, len(LETTERS)))
previous = Input((None, len(DIGITS)))
states = layers.LSTM(args.units, return_state=True, go_backwards=True, name="encoder")(source)[1:]
decoder = layers.LSTM(args.units, return_sequences=True, return_state=True, name="decoder")
writer = layers.Dense(len(DIGITS), activation="softmax", name="writer")
model = Model([source, previous], writer(decoder(previous, initial_state=states)[0]))
rate = optimizers.schedules.CosineDecay(1e-2, decay_steps=args.epochs * -(-args.samples // BATCH))
model.compile(optimizers.Adam(rate), "categorical_crossentropy", metrics=["accuracy"])
model.summary()
model.fit([x[train], before[train]], after[train], batch_size=BATCH, epochs=args.epochs)

# The same layers, one step at a time: what was written last, and the states, give what comes next.
encoder = Model(source, states)
given = [Input((args.units,)), Input((args.units,))]
output, *new = decoder(previous, initial_state=given)
step = Model([previous, *given], [writer(output), *new])


def translated(texts):
    """The answers to texts, of which each character is the most likely one."""
    memory = encoder.predict(one_hot(texts, LETTERS, LONGEST), verbose=0)
    last = one_hot(["^"] * len(texts), DIGITS, 1)
    found = np.empty((len(texts), LENGTH), np.int64)
    for place in range(LENGTH):
        likely, *memory = step.predict([last, *memory], verbose=0)
        found[:, place] = likely[:, 0].argmax(axis=-1)
        last = np.eye(len(DIGITS), dtype=np.float32)[found[:, place : place + 1]]
    return ["".join(DIGITS[number] for number in row) for row in found]


found = translated(sources[test])
right = np.mean([one == other for one, other in zip(found, answers[test], strict=True)])
print("not seen in training:")
for text, answer, wanted in list(zip(sources[test], found, answers[test], strict=True))[:8]:
    print(f"  {text:20s} -> {answer}", "" if answer == wanted else f"(wrong, it is {wanted})")
print(f"{right:.1%} of {len(found)} dates are right in all characters")
for text, answer in zip(args.dates, translated(args.dates) if args.dates else [], strict=True):
    print(f"{text} -> {answer}")

assert right > 0.95 or args.epochs < 15
