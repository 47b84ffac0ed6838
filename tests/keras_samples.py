"""A layer and a model that several files of tests use."""

from fastdl import layers, models


class Scale(layers.Layer):
    """A layer as users write them: weights without names, a counter that isn't trained."""

    def __init__(self, factor=2.0, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor

    def build(self, input_shape):
        self.w = self.add_weight(shape=(input_shape[-1],), initializer="ones")
        self.calls = self.add_weight(shape=(), initializer="zeros", trainable=False, name="calls")

    def call(self, x):
        self.calls.assign_add(1.0)
        return x * self.w * self.factor


def small():
    """A functional model of two layers."""
    x = layers.Input((4,), name="x")
    return models.Model(x, layers.Dense(2, name="out")(layers.Dense(3, name="hidden")(x)))
