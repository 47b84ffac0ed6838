"""A fit with backups, as a program: `killed.py FOLDER KIND`. Prints a checksum of the weights."""

import hashlib
import sys

import numpy as np

import fastdl
from fastdl import callbacks, layers, models, optimizers

EPOCHS, BATCH = 6, 8
KINDS = {"epoch": "epoch", "batches": 3, "every": 1, "none": False}


def data():
    rng = np.random.default_rng(1)
    x = rng.standard_normal((100, 6)).astype(np.float32)
    return x, (x[:, 0] > 0).astype(np.int64) + (x[:, 1] > 0)


def make():
    fastdl.manual_seed(2)
    model = models.Sequential(
        [layers.Dense(12, "relu"), layers.Dropout(0.3), layers.Dense(3, "softmax")]
    )
    model.compile(
        optimizers.Adam(optimizers.schedules.ExponentialDecay(0.02, 10, 0.9), use_ema=True),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model


class Slowly(callbacks.Callback):
    """Gives a kill time to hit."""

    def on_train_batch_end(self, batch, logs=None):
        import time

        time.sleep(float(sys.argv[3]) if len(sys.argv) > 3 else 0)


def main():
    x, y = data()
    model = make()
    print("ready", flush=True)
    keep = callbacks.BackupAndRestore(sys.argv[1], KINDS[sys.argv[2]], double_checkpoint=True)
    stop = callbacks.EarlyStopping("accuracy", patience=50, restore_best_weights=True)
    history = model.fit(
        x, y, BATCH, EPOCHS, verbose=0, callbacks=[keep, Slowly(), stop], validation_split=0.1
    ).history
    digest = hashlib.sha256(b"".join(w.tobytes() for w in model.get_weights()))
    digest.update(repr(sorted(history.items())).encode())
    print(digest.hexdigest())


if __name__ == "__main__":
    main()
