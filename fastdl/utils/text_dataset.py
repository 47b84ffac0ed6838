"""Texts in folders as batches: `text_dataset_from_directory`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .._base.checks import check_count
from ._batches import FileBatches, Files, Listing

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..saving.files import Path

WHO = "text_dataset_from_directory"
EXTENSIONS = (".txt",)


class TextDirectory(FileBatches):
    """Batches of texts that are read from files when they are used.

    Each `iter()` is a pass, in a new random order if it shuffles. `text_dataset_from_directory`
    makes it and describes the batches. `map` makes numbers of the texts, for a model.

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
        max_length: int | None,
        seed: int | None,
    ) -> None:
        super().__init__(files, label_mode, batch_size, seed)
        self._max_length = max_length

    def _batches(self, chunks: list[np.ndarray]) -> Iterator[Any]:
        for chunk in chunks:
            texts: Any = np.empty(len(chunk), object)
            texts[:] = [self._text(self.file_paths[row]) for row in chunk]
            if self._batch_size is None:
                texts = texts[0]
            labels = self._labels_of(chunk)
            yield texts if labels is None else (texts, labels)

    def _text(self, path: str) -> str:
        try:
            with open(path, encoding="utf-8", newline="") as file:
                return file.read() if self._max_length is None else file.read(self._max_length)
        except (OSError, UnicodeDecodeError) as error:
            reason = str(error).replace(repr(path), "the file")
            raise ValueError(f"{WHO}: cannot read the text {path!r}: {reason}") from None


def text_dataset_from_directory(
    directory: Path,
    labels: str | Sequence[int] | None = "inferred",
    label_mode: str | None = "int",
    class_names: Sequence[str] | None = None,
    batch_size: int | None = 32,
    max_length: int | None = None,
    shuffle: bool = True,
    seed: int | None = None,
    validation_split: float | None = None,
    subset: str | None = None,
    follow_links: bool = False,
    format: str = "tf",
    verbose: bool = True,
) -> Any:
    """Batches of the texts in a folder, whose folders are the classes.

    A batch is an array of texts, `(batch,)`, with labels a pair of texts and labels. Files whose
    names end in `.txt` are found, in folders of folders, too. They are UTF-8.

    Args:
        directory: the folder.
        labels: "inferred" takes the folder of a file as its class; a list has a class number for
            each file, in the order of the sorted names; None gives no labels.
        label_mode: "int" gives (batch,) int32, "categorical" (batch, classes) with a 1 at the
            class, "binary" (batch, 1) of 0.0 and 1.0 for two classes; None gives no labels.
        class_names: the folders that count, in the order of the class numbers; all of them, sorted,
            unless given.
        batch_size: texts per batch; None gives single texts.
        max_length: the number of characters of a text that are read; all unless given.
        shuffle: a random order, a new one in each pass. False sorts the files by name.
        seed: of the order of the files, which `validation_split` cuts, and of the passes' orders.
        validation_split: the share of the files, in (0, 1), that is for validation: the last ones.
        subset: "training", "validation", or "both" for two data sets; with `validation_split`.
        follow_links: whether links to folders count.
        format: "tf" or "grain"; changes nothing, the result is the library's own data set.
        verbose: whether to print how many files there are.

    Returns:
        An iterable of batches with a length, `file_paths`, `class_names` and `labels`, and `map`,
        whose argument is a function of texts and labels; for `subset="both"` a list of two.

    Raises:
        ValueError: arguments that are unknown or exclude each other, no texts; in a pass a file
            that is no UTF-8.
        FileNotFoundError, NotADirectoryError: no such folder.

    Source: `keras.utils.text_dataset_from_directory` of Keras 3; with the same seed the files have
    the same order and split. Its texts are tensors of TensorFlow.

    Example:
        >>> import os, tempfile
        >>> folder = tempfile.mkdtemp()
        >>> for name, text in (("good", "a fine film"), ("bad", "a dull film")):
        ...     os.mkdir(f"{folder}/{name}")
        ...     with open(f"{folder}/{name}/1.txt", "w") as file:
        ...         _ = file.write(text)
        >>> data = utils.text_dataset_from_directory(folder, shuffle=False, verbose=False)
        >>> data.class_names, [(x.tolist(), y.tolist()) for x, y in data]
        (['bad', 'good'], [(['a dull film', 'a fine film'], [0, 1])])
    """
    listing = Listing(
        WHO, "texts", EXTENSIONS, directory, labels, label_mode, class_names, shuffle, seed,
        validation_split, subset, follow_links, verbose, format,
    )  # fmt: skip
    options: dict[str, Any] = {
        "label_mode": listing.label_mode,
        "batch_size": check_count(WHO, "batch_size", batch_size, 1),
        "max_length": check_count(WHO, "max_length", max_length, 0),
        "seed": listing.seed,
    }
    return listing.result([TextDirectory(files, **options) for files in listing.parts()])
