"""Keyword spotting: DS-CNN hears which of six sounds is in a second of noise.

The sounds are made by this program: a low and a high tone, a rising and a falling chirp, pulses,
and noise alone. Pitch, loudness and place change each time. The model takes samples: MFCC, the
coefficients of the spectrum over time, are its first layer. Recorded words, as arrays of one
length, can take their place. The picture, keywords.png, needs matplotlib.
"""

import argparse

import numpy as np

from fastdl import Input, Sequential, applications, layers, optimizers
from fastdl.utils import set_random_seed

parser = argparse.ArgumentParser(description="DS-CNN tells six sounds apart.")
parser.add_argument("--samples", type=int, default=1500, help="sounds to learn from")
parser.add_argument("--epochs", type=int, default=8)
parser.add_argument("--noise", type=float, default=0.3, help="deviation of the noise; tones have 1")
args = parser.parse_args()

RATE = 8000
NAMES = ("low tone", "high tone", "rising", "falling", "pulses", "only noise")


def recorded(count, rng):
    """Sounds (count, RATE) and their classes: half a second of one kind, in noise."""
    sounds = args.noise * rng.standard_normal((count, RATE))
    classes = rng.integers(0, len(NAMES), count)
    time = np.arange(RATE // 2) / RATE
    fade = np.minimum(1, 20 * np.minimum(time, time[::-1]))
    for sound, kind in zip(sounds, classes, strict=True):
        low, high = rng.uniform(250, 500), rng.uniform(1000, 2000)
        first, last = [(low, low), (high, high), (low, high), (high, low), (high, high)][kind % 5]
        phase = 2 * np.pi * (first * time + (last - first) * time**2)
        wave = np.sin(phase + rng.uniform(0, 2 * np.pi)) * fade
        if kind == 4:
            wave *= np.sin(2 * np.pi * rng.uniform(5, 10) * time) > 0
        if kind < 5:
            start = rng.integers(0, RATE // 2)
            sound[start : start + len(wave)] += rng.uniform(0.3, 1) * wave
    return sounds.astype(np.float32), classes


set_random_seed(0)
rng = np.random.default_rng(0)
x_train, y_train = recorded(args.samples, rng)
x_test, y_test = recorded(600, rng)

# 25 ms of each 20 ms, 20 bands, of which 10 coefficients say enough.
features = layers.MFCC(
    10,
    fft_length=256,
    sequence_length=200,
    sequence_stride=160,
    sampling_rate=RATE,
    num_mel_bins=20,
)
frames = features.compute_output_shape((None, RATE))[-1]
model = Sequential(
    [
        Input((RATE,)),
        features,
        layers.Permute((2, 1)),
        layers.Reshape((frames, 10, 1)),
        layers.BatchNormalization(),
        applications.DSCNN((frames, 10, 1), classes=len(NAMES), filters=32),
    ]
)
model.summary()
rate = optimizers.schedules.CosineDecay(5e-3, decay_steps=args.epochs * -(-len(x_train) // 16))
model.compile(optimizers.Adam(rate), "sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(x_train, y_train, batch_size=16, epochs=args.epochs, validation_data=(x_test, y_test))

found = model.predict(x_test, verbose=0).argmax(axis=-1)
accuracy = np.mean(found == y_test)
print("kind, how many are right, what others were taken for")
for kind, name in enumerate(NAMES):
    mine = found[y_test == kind]
    others = {NAMES[other] for other in mine} - {name}
    print(f"{name:10s} {np.mean(mine == kind):6.1%}  {', '.join(sorted(others))}")
print(f"accuracy {accuracy:.1%} of {len(x_test)} sounds that it has not heard")

try:
    from matplotlib.figure import Figure
except ImportError:
    print("no picture: it needs matplotlib, pip install 'fastdl[plot]'")
else:
    mel = layers.MelSpectrogram(
        256, sequence_stride=80, sampling_rate=RATE, num_mel_bins=40, top_db=40.0
    )
    figure = Figure(figsize=(12, 3.2), layout="constrained")
    for kind, ax in enumerate(figure.subplots(1, len(NAMES))):
        example = int(np.argmax(y_test == kind))
        ax.imshow(mel(x_test[example]).numpy(), origin="lower", aspect="auto", extent=(0, 1, 0, 40))
        ax.set_title(f"{NAMES[kind]}\nheard: {NAMES[found[example]]}")
        ax.set_xlabel("s")
    figure.axes[0].set_ylabel("mel band")
    figure.savefig("keywords.png", dpi=120)
    print("wrote keywords.png")

assert accuracy > 0.95 or args.noise > 0.3 or args.epochs < 8
