"""A classifier built by its first batch, on the bundled digits, as a Keras user writes it.

Only the import lines differ from the Keras program.
"""

from fastdl import Sequential, layers
from fastdl.datasets import digits
from fastdl.utils import set_random_seed

set_random_seed(0)
(x_train, y_train), (x_test, y_test) = digits.load_data()
x_train = x_train.reshape(-1, 64) / 16
x_test = x_test.reshape(-1, 64) / 16

model = Sequential([layers.Dense(128, activation="relu"), layers.Dense(10, activation="softmax")])
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(x_train, y_train, epochs=20, batch_size=32, validation_split=0.1)

loss, accuracy = model.evaluate(x_test, y_test)
print(f"test accuracy {accuracy:.4f}")
assert accuracy > 0.95
