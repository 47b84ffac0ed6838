"""TensorBoard: the course of a fit in the event files that TensorBoard shows."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

import numpy as np

from .._base.checks import check_choice, check_flag, check_integer, shown
from .callback import Callback, learning_rates

if TYPE_CHECKING:
    from .._base.events import EventFile
    from .._base.types import Logs


class TensorBoard(Callback):
    """Writes losses, metrics, learning rates, weights and the model itself for TensorBoard.

    Values of training go into the folder `train` in `log_dir`, those of validation into
    `validation`. `tensorboard --logdir logs` shows them. TensorFlow is not needed.

    Args:
        log_dir: the folder. A fit adds files to those that are there.
        histogram_freq: the epochs from one histogram of each weight to the next; 0 for none.
        write_graph: whether to write the model: its config, which TensorBoard draws, and its
            `summary()` as a text.
        write_images: whether histograms of matrices come with pictures of them.
        write_steps_per_second: whether to write the speed.
        update_freq: "epoch" for values of each epoch; "batch", or a number of batches, for values
            of batches too.
        profile_batch, embeddings_freq, embeddings_metadata: only 0 and None: neither profiles nor
            embeddings are written.

    Raises:
        ValueError: an argument is none of these.
        OSError: a file cannot be written.

    Source: `keras.callbacks.TensorBoard` of Keras 3, for the names: `epoch_loss`,
    `epoch_learning_rate`, `batch_loss`, `evaluation_loss_vs_iterations`,
    `<layer>/<weight>/histogram`.

    Example:
        >>> board = fastdl.callbacks.TensorBoard("logs")
        >>> history = model.fit(x, y, epochs=2, callbacks=[board], verbose=0)
    """

    def __init__(
        self,
        log_dir: str | os.PathLike[str] = "logs",
        histogram_freq: int = 0,
        write_graph: bool = True,
        write_images: bool = False,
        write_steps_per_second: bool = False,
        update_freq: int | str = "epoch",
        profile_batch: int = 0,
        embeddings_freq: int = 0,
        embeddings_metadata: Any = None,
    ) -> None:
        super().__init__()
        who = "TensorBoard"
        from ..saving.files import path_of

        self.log_dir = path_of(log_dir, f"{who}: log_dir")
        self.histogram_freq = check_integer(who, "histogram_freq", histogram_freq, 0)
        self.write_graph = check_flag(who, "write_graph", write_graph)
        self.write_images = check_flag(who, "write_images", write_images)
        self.write_steps_per_second = check_flag(
            who, "write_steps_per_second", write_steps_per_second
        )
        if isinstance(update_freq, str):
            check_choice(who, "update_freq", update_freq, ("epoch", "batch"))
        else:
            check_integer(who, "update_freq", update_freq, 1)
        for name, value in (("profile_batch", profile_batch), ("embeddings_freq", embeddings_freq)):
            if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value != 0:
                raise ValueError(f"{who}: {name}: expected 0, got {shown(value)}")
        if embeddings_metadata is not None:
            raise ValueError(
                f"{who}: embeddings_metadata: expected None, got {shown(embeddings_metadata)}"
            )
        self.update_freq: int | str = 1 if update_freq == "batch" else update_freq
        self._files: dict[str, EventFile] = {}
        self._batches = 0  # of this fit
        self._began = (0.0, 0)  # when the epoch began, and the steps until then
        if self.update_freq != "epoch":  # a hook for batches costs time: only then there is one
            self.on_train_batch_end = self._write_batch  # type: ignore[method-assign]

    def _file(self, run: str) -> EventFile:
        from .._base.events import EventFile

        if run not in self._files:
            self._files[run] = EventFile(os.path.join(self.log_dir, run))
        return self._files[run]

    def _write(self, run: str, step: int, values: dict[str, Any]) -> None:
        from .._base.events import scalar

        numbers = {tag: v for tag, v in values.items() if np.ndim(v) == 0}
        if numbers:
            self._file(run).add(step, [scalar(tag, float(v)) for tag, v in numbers.items()])

    def _steps(self) -> int:
        return int(self.model.optimizer.iterations)

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._files = {}  # each fit has files of its own
        self._batches = 0
        if self.write_graph:
            self._write_model()

    def _write_model(self) -> None:
        from .._base.events import text

        values, lines = [], list[str]()
        if self.model.built:
            self.model.summary(print_fn=lines.append)
            # Markdown, where lines that are indented stand as they are.
            table = "\n".join(f"    {line}" for line in "\n".join(lines).splitlines())
            values.append(text("summary/text_summary", table, "text"))
        try:
            values.append(text("keras", self.model.to_json(), "graph_keras_model"))
        except (TypeError, ValueError, NotImplementedError):
            pass  # a model whose config is not plain has no picture
        if values:
            self._file("train").add(0, values)

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self._began = time.perf_counter(), self._steps()

    def _write_batch(self, batch: int, logs: Logs | None = None) -> None:
        together = self._steps_together()
        self._batches += together
        if self._batches % int(self.update_freq) < together:
            values = {f"batch_{name}": value for name, value in (logs or {}).items()}
            if self.write_steps_per_second:
                values["batch_steps_per_second"] = self._speed()
            self._write("train", self._batches, values)

    def _speed(self) -> float:
        began, steps = self._began
        return (self._steps() - steps) / max(time.perf_counter() - began, 1e-9)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        logs = logs or {}
        train = {f"epoch_{k}": v for k, v in logs.items() if not k.startswith("val_")}
        train.update((f"epoch_{k}", v) for k, v in learning_rates(self.model.optimizer).items())
        if self.write_steps_per_second:
            train["epoch_steps_per_second"] = self._speed()
        self._write("train", epoch, train)
        validation = {f"epoch_{k[4:]}": v for k, v in logs.items() if k.startswith("val_")}
        self._write("validation", epoch, validation)
        if self.histogram_freq and epoch % self.histogram_freq == 0:
            self._write_weights(epoch)
        self._flush()

    def _write_weights(self, epoch: int) -> None:
        from .._base.events import histogram, image

        for layer in self.model.layers:
            for weight in layer.weights:
                values = np.asarray(weight.numpy(), np.float64)
                path = weight.path.replace(":", "_")
                found = [histogram(f"{path}/histogram", values)]
                if self.write_images and np.squeeze(values).ndim in (1, 2):
                    found.append(image(f"{path}/image", _as_picture(values)))
                self._file("train").add(epoch, found)

    def on_test_end(self, logs: Logs | None = None) -> None:
        if self.model.optimizer is not None:
            names = {f"evaluation_{k}_vs_iterations": v for k, v in (logs or {}).items()}
            self._write("validation", self._steps(), names)
            self._flush()

    def on_train_end(self, logs: Logs | None = None) -> None:
        self._flush()

    def _flush(self) -> None:
        for file in self._files.values():
            file.flush()


def _as_picture(values: np.ndarray) -> np.ndarray:
    """A vector or matrix as grey pixels, from its smallest value to its largest, lying down."""
    pixels = np.atleast_2d(np.squeeze(values))
    if pixels.shape[0] > pixels.shape[1]:
        pixels = pixels.T
    finite = pixels[np.isfinite(pixels)]
    low, high = (finite.min(), finite.max()) if finite.size else (0.0, 0.0)
    scaled = (np.nan_to_num(pixels, nan=low, posinf=high, neginf=low) - low) / ((high - low) or 1)
    return np.rint(scaled * 255).astype(np.uint8)
