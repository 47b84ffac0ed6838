"""LeNet-5 on MNIST: at least 99.0 % of the test digits after 5 epochs, with pictures.

The data comes from $FASTDL_DATA/mnist, from the cache, or from the network. The pictures need
matplotlib: lenet_curves.png has the loss and the accuracy of each epoch, lenet_errors.png the test
digits that the network takes for others.
"""

import numpy as np

from fastdl import applications, optimizers
from fastdl.datasets import mnist
from fastdl.utils import plot_history, set_random_seed

EPOCHS, BATCH = 5, 64

set_random_seed(0)
(x_train, y_train), (x_test, y_test) = mnist.load_data()
x_train = x_train[..., np.newaxis].astype("float32") / 255
x_test = x_test[..., np.newaxis].astype("float32") / 255

model = applications.LeNet5()
steps = EPOCHS * -(-len(x_train) // BATCH)
rate = optimizers.schedules.CosineDecay(2e-3, decay_steps=steps)
model.compile(optimizers.Adam(rate), "sparse_categorical_crossentropy", metrics=["accuracy"])
model.summary()
history = model.fit(
    x_train, y_train, batch_size=BATCH, epochs=EPOCHS, validation_data=(x_test, y_test)
)

probabilities = model.predict(x_test, verbose=0)
predicted = probabilities.argmax(axis=1)
wrong = np.flatnonzero(predicted != y_test)
accuracy = 1 - len(wrong) / len(y_test)
print(f"test accuracy {accuracy:.4f}: {len(wrong)} of {len(y_test)} digits are wrong")

try:
    from matplotlib.figure import Figure
except ImportError:
    print("no pictures: they need matplotlib, pip install 'fastdl[plot]'")
else:
    plot_history(history, to_file="lenet_curves.png")
    # The errors of which the network is most certain come first.
    wrong = wrong[np.argsort(-probabilities[wrong].max(axis=1))][:40]
    figure = Figure(figsize=(10, 5.6), layout="constrained")
    axes = figure.subplots(5, 8, squeeze=False)
    for ax in axes.flat:
        ax.axis("off")
    for ax, i in zip(axes.flat, wrong, strict=False):
        ax.imshow(x_test[i, :, :, 0], cmap="gray_r")
        ax.set_title(f"{y_test[i]}, taken for {predicted[i]}", fontsize=8)
    figure.savefig("lenet_errors.png", dpi=120)
    print("wrote lenet_curves.png and lenet_errors.png")

assert accuracy >= 0.99
