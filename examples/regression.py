"""Regression with a Sequential model: 100 samples of 10 features, as a Keras user writes it.

Only the import lines differ from the Keras program.
"""

import numpy as np

from fastdl.layers import Dense
from fastdl.models import Sequential
from fastdl.utils import set_random_seed

set_random_seed(0)
x = np.random.random((100, 10))  # noqa: NPY002
y = x @ np.linspace(-1, 1, 10).reshape(10, 1)

model = Sequential()
model.add(Dense(64, input_dim=10, activation="relu"))
model.add(Dense(64, activation="relu"))
model.add(Dense(1))
model.compile(loss="mean_squared_error", optimizer="adam")
model.summary()

history = model.fit(x, y, epochs=50, batch_size=32)

losses = history.history["loss"]
print("first and last predictions against targets:")
print(np.hstack([model.predict(x, verbose=0), y])[[0, -1]])
assert losses[-1] < losses[0] / 10
