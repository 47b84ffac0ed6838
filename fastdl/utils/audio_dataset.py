"""Sounds in folders as batches: `audio_dataset_from_directory`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _core
from .._base.checks import check_count, check_flag
from ._batches import FileBatches, Files, Listing

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..saving.files import Path

WHO = "audio_dataset_from_directory"
EXTENSIONS = (".wav",)
# By bytes of a sample: how it is stored.
_STORED = {1: "<u1", 2: "<i2", 4: "<i4"}


class AudioDirectory(FileBatches):
    """Batches of sounds that are read from files when they are used.

    Each `iter()` is a pass, in a new random order if it shuffles. `audio_dataset_from_directory`
    makes it and describes the batches.

    Attributes:
        file_paths: the files.
        class_names: the names of the classes, None without labels.
        labels: (number of files,) int32, the class numbers, None without labels.
        generator: the generator of the orders, None for the library's.
    """

    def __init__(
        self,
        files: Files,
        *,
        label_mode: str | None,
        batch_size: int | None,
        rate: int | None,
        length: int | None,
        seed: int | None,
    ) -> None:
        super().__init__(files, label_mode, batch_size, seed)
        self._rate, self._length = rate, length

    def _batches(self, chunks: list[np.ndarray]) -> Iterator[Any]:
        for chunk in chunks:
            sounds = [self._sound(self.file_paths[row]) for row in chunk]
            channels = {sound.shape[1] for sound in sounds}
            if len(channels) > 1:
                raise ValueError(
                    f"{WHO}: expected files with the same number of channels in a batch, got "
                    f"{sorted(channels)}"
                )
            longest = max(len(sound) for sound in sounds)
            length = longest if self._length is None else self._length
            batch = np.zeros((len(chunk), length, channels.pop()), np.float32)
            for place, sound in zip(batch, sounds, strict=True):
                place[: len(sound)] = sound[:length]
            sound_or_all = batch[0] if self._batch_size is None else batch
            labels = self._labels_of(chunk)
            data = _core.as_tensor(sound_or_all)
            yield data if labels is None else (data, labels)

    def _sound(self, path: str) -> np.ndarray:
        """(samples, channels) in [-1, 1). ValueError for a file that cannot be read."""
        import wave

        try:
            with wave.open(path, "rb") as file:
                rate, width, channels = (
                    file.getframerate(), file.getsampwidth(), file.getnchannels()
                )  # fmt: skip
                raw = file.readframes(file.getnframes())
            if self._rate not in (None, rate):
                raise ValueError(f"it has {rate} samples a second, not {self._rate}")
            if width == 3:  # 24 bits: the upper bytes of 32
                parts = np.frombuffer(raw, np.uint8).reshape(-1, 3)
                padded = np.concatenate([np.zeros((len(parts), 1), np.uint8), parts], 1)
                values, width = padded.reshape(-1).view("<i4"), 4
            else:
                values = np.frombuffer(raw, _STORED[width])
            whole = values.astype(np.float64) - (128 if width == 1 else 0)
            sound = (whole / 2.0 ** (8 * width - 1)).astype(np.float32)
            return sound.reshape(-1, channels)
        except (OSError, EOFError, ValueError, KeyError, wave.Error) as error:
            reason = str(error).replace(repr(path), "the file")
            raise ValueError(f"{WHO}: cannot read the sound {path!r}: {reason}") from None


def audio_dataset_from_directory(
    directory: Path,
    labels: str | Sequence[int] | None = "inferred",
    label_mode: str | None = "int",
    class_names: Sequence[str] | None = None,
    batch_size: int | None = 32,
    sampling_rate: int | None = None,
    output_sequence_length: int | None = None,
    ragged: bool = False,
    shuffle: bool = True,
    seed: int | None = None,
    validation_split: float | None = None,
    subset: str | None = None,
    follow_links: bool = False,
    verbose: bool = True,
) -> Any:
    """Batches of the sounds in a folder, whose folders are the classes.

    A batch is a float32 tensor, `(batch, samples, channels)` with values in [-1, 1), with labels a
    pair of sounds and labels. Files whose names end in `.wav` are found, in folders of folders,
    too: PCM of 8, 16, 24 or 32 bits.

    Args:
        directory: the folder.
        labels: "inferred" takes the folder of a file as its class; a list has a class number for
            each file, in the order of the sorted names; None gives no labels.
        label_mode: "int" gives (batch,) int32, "categorical" (batch, classes) with a 1 at the
            class, "binary" (batch, 1) of 0.0 and 1.0 for two classes; None gives no labels.
        class_names: the folders that count, in the order of the class numbers; all of them, sorted,
            unless given.
        batch_size: sounds per batch; None gives single sounds.
        sampling_rate: the samples a second that files must have: another rate is an error.
        output_sequence_length: the number of samples: shorter sounds get zeros at their end, longer
            ones are cut. Unless given, sounds get zeros up to the longest one of their batch.
        ragged: only False is possible.
        shuffle: a random order, a new one in each pass. False sorts the files by name.
        seed: of the order of the files, which `validation_split` cuts, and of the passes' orders.
        validation_split: the share of the files, in (0, 1), that is for validation: the last ones.
        subset: "training", "validation", or "both" for two data sets; with `validation_split`.
        follow_links: whether links to folders count.
        verbose: whether to print how many files there are.

    Returns:
        An iterable of batches with a length, `file_paths`, `class_names` and `labels`, and `map`,
        whose argument is a function of sounds and labels; for `subset="both"` a list of two.

    Raises:
        ValueError: arguments that are unknown or exclude each other, no sounds; in a pass a file
            that cannot be read, or has another rate.
        FileNotFoundError, NotADirectoryError: no such folder.

    Source: `keras.utils.audio_dataset_from_directory` of Keras 3.

    Example:
        >>> import os, tempfile, wave
        >>> folder = tempfile.mkdtemp()
        >>> for name in ("no", "yes"):
        ...     os.mkdir(f"{folder}/{name}")
        ...     with wave.open(f"{folder}/{name}/1.wav", "wb") as file:
        ...         file.setparams((1, 2, 16000, 0, "NONE", ""))
        ...         file.writeframes(np.int16([0, 16384, -32768]).tobytes())
        >>> data = utils.audio_dataset_from_directory(folder, shuffle=False, verbose=False)
        >>> [(x[..., 0].tolist(), y.tolist()) for x, y in data]
        [([[0.0, 0.5, -1.0], [0.0, 0.5, -1.0]], [0, 1])]
    """
    if check_flag(WHO, "ragged", ragged):
        raise ValueError(f"{WHO}: ragged: expected False, since there are no ragged tensors")
    listing = Listing(
        WHO, "sounds", EXTENSIONS, directory, labels, label_mode, class_names, shuffle, seed,
        validation_split, subset, follow_links, verbose, "tf",
    )  # fmt: skip
    options: dict[str, Any] = {
        "label_mode": listing.label_mode,
        "batch_size": check_count(WHO, "batch_size", batch_size, 1),
        "rate": check_count(WHO, "sampling_rate", sampling_rate, 1),
        "length": check_count(WHO, "output_sequence_length", output_sequence_length, 1),
        "seed": listing.seed,
    }
    return listing.result([AudioDirectory(files, **options) for files in listing.parts()])
