"""fastdl's side of the comparison."""

from __future__ import annotations

from .rows import load_mnist, repeat


def library() -> str:
    import fastdl

    return f"fastdl {fastdl.__version__} ({fastdl._core.config()['isa']})"


def import_() -> None:
    import fastdl  # noqa: F401


def _model():
    from fastdl import layers, models

    model = models.Sequential(
        [
            layers.Input(shape=(784,)),
            layers.Dense(512, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def mlp_512() -> list[float]:
    import numpy as np

    rng = np.random.default_rng(0)
    x, y = rng.random((12800, 784), np.float32), rng.integers(0, 10, 12800)
    model = _model()
    return repeat(lambda: model.fit(x, y, batch_size=128, epochs=1, verbose=0), 10, per=100)


def cold_mnist() -> dict[str, float]:
    (x, y), (x_test, y_test) = load_mnist()
    model = _model()
    model.fit(x, y, batch_size=128, epochs=5, verbose=0)
    return {"accuracy": model.evaluate(x_test, y_test, batch_size=1000, verbose=0)[1]}
