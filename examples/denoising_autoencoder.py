"""A convolutional autoencoder that takes noise out of digits it has not seen.

Half of the pixels of each image is lost, and the others are noisy. The digits are those of MNIST,
or the bundled ones of 8 x 8 pixels where MNIST cannot be had. The picture, denoised.png, needs
matplotlib.
"""

import numpy as np

from fastdl import Input, Model, layers
from fastdl.datasets import digits, mnist
from fastdl.utils import set_random_seed

set_random_seed(0)
try:
    (x_train, _), (x_test, _) = mnist.load_data()
    x_train, x_test, white, epochs = x_train[:20000], x_test[:2000], 255, 4
except FileNotFoundError as error:
    print(f"{error}\nThis run uses the bundled digits instead.\n")
    (x_train, _), (x_test, _) = digits.load_data()
    white, epochs = 16, 80
x_train = x_train[..., np.newaxis].astype("float32") / white
x_test = x_test[..., np.newaxis].astype("float32") / white

# GaussianNoise and Dropout are on in training only, so each epoch has other noise. The test images
# get theirs once.
rng = np.random.default_rng(1)
noisy = x_test + 0.3 * rng.standard_normal(x_test.shape)
noisy = (noisy * 2 * (rng.random(x_test.shape) > 0.5)).astype("float32")

inputs = Input(x_train.shape[1:])
x = layers.GaussianNoise(0.3)(inputs)
x = layers.Dropout(0.5)(x)
x = layers.Conv2D(16, 3, strides=2, padding="same", activation="relu")(x)
x = layers.Conv2D(32, 3, strides=2, padding="same", activation="relu")(x)
x = layers.Conv2D(64, 3, padding="same", activation="relu")(x)
x = layers.Conv2DTranspose(32, 4, strides=2, padding="same", activation="relu")(x)
x = layers.Conv2DTranspose(16, 4, strides=2, padding="same", activation="relu")(x)
outputs = layers.Conv2D(1, 3, padding="same", activation="sigmoid")(x)
model = Model(inputs, outputs)
model.compile("adam", "binary_crossentropy")
model.summary()
model.fit(x_train, x_train, batch_size=64, epochs=epochs)

denoised = model.predict(noisy, verbose=0)
before = np.sqrt(np.mean((noisy - x_test) ** 2))
after = np.sqrt(np.mean((denoised - x_test) ** 2))
print(f"distance from the original, of 1 between black and white: {before:.3f} -> {after:.3f}")

try:
    from matplotlib.figure import Figure
except ImportError:
    print("no picture: it needs matplotlib, pip install 'fastdl[plot]'")
else:
    figure = Figure(figsize=(10, 3.4), layout="constrained")
    rows = {"noisy": noisy, "denoised": denoised, "original": x_test}
    axes = figure.subplots(3, 10)
    for row, (name, images) in zip(axes, rows.items(), strict=True):
        for ax, image in zip(row, images, strict=False):
            ax.imshow(image[:, :, 0], cmap="gray_r", vmin=0, vmax=1)
            ax.set_xticks([])
            ax.set_yticks([])
        row[0].set_ylabel(name)
    figure.savefig("denoised.png", dpi=120)
    print("wrote denoised.png")

assert after < before / 2
