"""MNIST with one hidden layer, as a Keras user writes it: 97.8 % and more after 5 epochs.

Only the import lines differ from the Keras program. The data comes from $FASTDL_DATA/mnist, from
the cache, or from the network.
"""

from fastdl.datasets import mnist
from fastdl.layers import Dense
from fastdl.models import Sequential
from fastdl.utils import set_random_seed, to_categorical

set_random_seed(2)
(x_train, y_train), (x_test, y_test) = mnist.load_data()
x_train = x_train.reshape(60000, 784).astype("float32") / 255
x_test = x_test.reshape(10000, 784).astype("float32") / 255
y_train = to_categorical(y_train, 10)
y_test = to_categorical(y_test, 10)

model = Sequential()
model.add(Dense(512, activation="relu", input_shape=(784,)))
model.add(Dense(10, activation="softmax"))
model.compile(loss="categorical_crossentropy", optimizer="adam", metrics=["accuracy"])
model.fit(x_train, y_train, batch_size=128, epochs=5, verbose=1)

loss, accuracy = model.evaluate(x_test, y_test, verbose=0)
print(f"test loss {loss:.4f}, test accuracy {accuracy:.4f}")
assert accuracy >= 0.978
