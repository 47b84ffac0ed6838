"""A U-Net that finds discs, squares and triangles in noisy pictures: a class for each pixel.

The program draws the pictures itself. It reports the IoU of each class: the pixels that are of the
class and found, out of those that are one or the other. The picture, shapes.png, needs matplotlib.
"""

import numpy as np

from fastdl import applications, metrics, optimizers
from fastdl.utils import set_random_seed

SIZE, NAMES = 48, ("background", "disc", "square", "triangle")


def drawn(count, rng):
    """Pictures (count, SIZE, SIZE, 1) with one to three shapes each, and their classes."""
    row, column = np.mgrid[:SIZE, :SIZE]
    images = np.empty((count, SIZE, SIZE), np.float32)
    classes = np.zeros((count, SIZE, SIZE), np.int64)
    for image, mask in zip(images, classes, strict=True):
        image[:] = rng.uniform(0, 0.4)
        for _ in range(rng.integers(1, 4)):
            kind, radius = rng.integers(1, 4), rng.uniform(6, 11)
            y, x = row - rng.uniform(6, SIZE - 6), column - rng.uniform(6, SIZE - 6)
            if kind == 1:
                inside = x**2 + y**2 < radius**2
            elif kind == 2:
                inside = np.maximum(abs(x), abs(y)) < 0.85 * radius
            else:
                inside = (abs(x) < 0.6 * (y + radius)) & (y < 0.7 * radius)
            image[inside] = rng.uniform(0.6, 1)
            mask[inside] = kind
    images += 0.2 * rng.standard_normal(images.shape)
    return images[..., np.newaxis], classes


set_random_seed(0)
rng = np.random.default_rng(0)
x_train, y_train = drawn(2000, rng)
x_test, y_test = drawn(300, rng)

EPOCHS, BATCH = 7, 16
model = applications.UNet(
    (SIZE, SIZE, 1), classes=len(NAMES), filters=8, classifier_activation="softmax"
)
rate = optimizers.schedules.CosineDecay(5e-3, decay_steps=EPOCHS * -(-len(x_train) // BATCH))
model.compile(
    optimizers.Adam(rate),
    "sparse_categorical_crossentropy",
    metrics=["accuracy", metrics.MeanIoU(len(NAMES), sparse_y_pred=False, name="iou")],
)
print(f"{model.count_params():,} parameters")
model.fit(x_train, y_train, batch_size=BATCH, epochs=EPOCHS, validation_data=(x_test, y_test))

found = model.predict(x_test, verbose=0).argmax(axis=-1)
ious = []
for kind, name in enumerate(NAMES):
    both, either = (found == kind) & (y_test == kind), (found == kind) | (y_test == kind)
    ious.append(both.sum() / either.sum())
    print(f"{name:10s} IoU {ious[-1]:.3f}")
print(f"mean IoU {np.mean(ious):.3f}")

try:
    from matplotlib.colors import ListedColormap
    from matplotlib.figure import Figure
except ImportError:
    print("no picture: it needs matplotlib, pip install 'fastdl[plot]'")
else:
    figure = Figure(figsize=(10, 5.4), layout="constrained")
    axes = figure.subplots(3, 6)
    colors = ListedColormap(["black", "tab:blue", "tab:green", "gold"])
    for i in range(6):
        axes[0, i].imshow(x_test[i, :, :, 0], cmap="gray")
        axes[1, i].imshow(y_test[i], cmap=colors, vmin=0, vmax=3)
        axes[2, i].imshow(found[i], cmap=colors, vmin=0, vmax=3)
    for row, name in zip(axes, ("image", "truth", "prediction"), strict=True):
        for ax in row:
            ax.set_xticks([])
            ax.set_yticks([])
        row[0].set_ylabel(name)
    figure.suptitle("blue: disc, green: square, yellow: triangle")
    figure.savefig("shapes.png", dpi=120)
    print("wrote shapes.png")

assert np.mean(ious) > 0.9
