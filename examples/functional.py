"""A functional model for two classes: Input, layers called on it, Model, as a Keras user writes it.

Only the import lines differ from the Keras program.
"""

import numpy as np

from fastdl import Input, Model, losses, optimizers
from fastdl.layers import Dense
from fastdl.utils import set_random_seed

set_random_seed(0)
x = np.random.random((200, 10))  # noqa: NPY002
y = (x.sum(axis=1, keepdims=True) > 5).astype("float32")

inputs = Input(shape=(10,))
hidden = Dense(10, activation="relu")(inputs)
outputs = Dense(1, activation="sigmoid")(hidden)
model = Model(inputs=inputs, outputs=outputs)
model.compile(
    optimizer=optimizers.Adam(learning_rate=0.01),
    loss=losses.BinaryCrossentropy(),
    metrics=["accuracy"],
)
history = model.fit(x, y, epochs=100)

predictions = model.predict(x)
agreement = np.mean((predictions > 0.5) == y)
print(f"{agreement:.1%} of the predictions are right")
assert predictions.shape == (200, 1) and agreement > 0.95
assert abs(history.history["accuracy"][-1] - agreement) < 0.05
