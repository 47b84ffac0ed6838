"""Images in folders as batches: `image_dataset_from_directory`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _core
from .._base import functional as F
from .._base import images as base
from .._base import pictures
from .._base.ahead import made_ahead
from .._base.checks import (
    check_choice,
    check_count,
    check_flag,
    check_integer,
    check_number,
    shown,
)
from .._base.config import get_num_threads
from .._base.notices import warn
from .._base.random import Generator, drawing_from

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .._core import Tensor
    from ..saving.files import Path

WHO = "image_dataset_from_directory"
EXTENSIONS = (".bmp", ".gif", ".jpeg", ".jpg", ".png")
_MODES = {"rgb": "RGB", "rgba": "RGBA", "grayscale": "L"}
_AHEAD = 2  # batches that may be ready or in work beside the one in use
_NAMED = 10  # files that a warning lists


class ImageDirectory:
    """Batches of images that threads read from files, ahead of their use.

    `fit`, `evaluate` and `predict` take it. Each `iter()` is a pass, in a new random order if it
    shuffles. `image_dataset_from_directory` makes it and describes the batches.

    Attributes:
        file_paths: the files.
        class_names: the names of the classes, None without labels.
        labels: (number of files,) int32, the class numbers, None without labels.
        skipped: the files that could not be read. Later passes leave them out.
        generator: the generator of the orders, None for the library's.
    """

    def __init__(
        self,
        file_paths: list[str],
        labels: np.ndarray | None,
        class_names: list[str] | None,
        *,
        label_mode: str | None,
        mode: str,
        batch_size: int | None,
        size: tuple[int, int],
        shuffle: bool,
        seed: int | None,
        interpolation: str,
        crop: bool,
        pad: bool,
        data_format: str,
        unreadable: str,
        workers: int,
    ) -> None:
        self.file_paths, self.labels, self.class_names = file_paths, labels, class_names
        self.skipped: list[str] = []
        self.generator = None if seed is None else Generator().manual_seed(seed)
        self.yields_samples = batch_size is None  # for a model, which wants batches
        self._label_mode, self._mode, self._size = label_mode, mode, size
        self._batch_size, self._shuffle = batch_size, shuffle
        self._interpolation, self._crop, self._pad = interpolation, crop, pad
        self._first = data_format == "channels_first"
        self._unreadable, self._workers = unreadable, workers

    def __len__(self) -> int:
        """The number of batches of a pass, or of images without a batch size."""
        return -(-(len(self.file_paths) - len(self.skipped)) // (self._batch_size or 1))

    def __repr__(self) -> str:
        classes = f", {len(self.class_names)} classes" if self.class_names is not None else ""
        return f"<ImageDirectory: {len(self.file_paths)} files{classes}, {len(self)} batches>"

    def __iter__(self) -> Iterator[Any]:
        skipped = set(self.skipped)
        rows = np.array([i for i, p in enumerate(self.file_paths) if p not in skipped], np.int64)
        if self._shuffle:
            with drawing_from(self.generator):
                rows = rows[F.permutation(n=len(rows)).numpy()]
        return self._batches(rows)

    def _batches(self, rows: np.ndarray) -> Iterator[Any]:
        size = self._batch_size or 1
        chunks = [rows[start : start + size] for start in range(0, len(rows), size)]
        shape = (*self._size, pictures.CHANNELS[self._mode])
        work = (
            (
                (chunk, np.empty((len(chunk), *shape), np.float32)),
                [self.file_paths[i] for i in chunk],
            )
            for chunk in chunks
        )
        found: list[str] = []
        try:
            for (chunk, pixels), errors in made_ahead(work, self._fill, self._workers, _AHEAD):
                kept = [i for i, error in enumerate(errors) if error is None]
                if len(kept) < len(chunk):
                    found += [f"{error}" for error in errors if error is not None]
                    self.skipped += [
                        self.file_paths[row]
                        for row, error in zip(chunk, errors, strict=True)
                        if error is not None
                    ]
                    chunk, pixels = chunk[kept], pixels[kept]
                if len(chunk):
                    yield self._batch(chunk, pixels)
        finally:
            if found:
                more = f", and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
                warn(f"{WHO}: skipped {len(found)} files: {'; '.join(found[:_NAMED])}{more}")

    def _fill(self, batch: tuple[np.ndarray, np.ndarray], place: int, path: str) -> str | None:
        """Reads an image into its place. In the threads; returns what is wrong with the file."""
        try:
            array = pictures.array_of(path, self._mode)
        except ValueError as error:
            if self._unreadable == "skip":
                return str(error).removeprefix("cannot read the image ")
            raise ValueError(f"{WHO}: {error}") from None
        batch[1][place] = self._resized(_core.as_tensor(array)).numpy()
        return None

    def _resized(self, image: Tensor) -> Tensor:
        """An image, (height, width, channels), in the wanted size, as floats."""
        x, size = F.cast(image, dtype="float32"), self._size
        if self._pad:
            return padded_to(x, size, self._interpolation)
        if self._crop:
            x = base.cropped(x, 0, base.crop_box(x.shape[:2], size))
        return base.resize(x, 0, size, self._interpolation)

    def _batch(self, rows: np.ndarray, pixels: np.ndarray) -> Any:
        images = _core.as_tensor(pixels)
        if self._first:
            images = F.in_order(F.channels_first(images))
        labels = self._labels_of(rows)
        if self._batch_size is None:
            images = F.reshape(images, shape=images.shape[1:])
            labels = None if labels is None else F.reshape(labels, shape=labels.shape[1:])
        return images if labels is None else (images, labels)

    def _labels_of(self, rows: np.ndarray) -> Tensor | None:
        if self.labels is None or self.class_names is None:
            return None
        labels = self.labels[rows]
        if self._label_mode == "binary":
            return _core.as_tensor(labels[:, None].astype(np.float32))
        if self._label_mode == "categorical":
            return F.one_hot(labels, depth=len(self.class_names))
        return _core.as_tensor(labels)


def padded_to(x: Tensor, size: tuple[int, int], interpolation: str) -> Tensor:
    """An image that is as large as fits into `size`, with zeros around it.

    Source: `tf.image.resize_with_pad`, with its rounding.
    """
    height, width = (np.float32(n) for n in x.shape[:2])
    ratio = max(width / np.float32(size[1]), height / np.float32(size[0]))
    exact = height / ratio, width / ratio
    # A very long image would have no pixels across.
    y = base.resize(x, 0, [max(1, int(n)) for n in exact], interpolation)
    before = [max(0, int((n - fit) // 2)) for n, fit in zip(size, exact, strict=True)]
    widths = [(b, n - b - k) for b, n, k in zip(before, size, y.shape[:2], strict=True)]
    return base.padded(y, 0, widths)


def image_dataset_from_directory(
    directory: Path,
    labels: str | Sequence[int] | None = "inferred",
    label_mode: str | None = "int",
    class_names: Sequence[str] | None = None,
    color_mode: str = "rgb",
    batch_size: int | None = 32,
    image_size: int | tuple[int, int] = (256, 256),
    shuffle: bool = True,
    seed: int | None = None,
    validation_split: float | None = None,
    subset: str | None = None,
    interpolation: str = "bilinear",
    follow_links: bool = False,
    crop_to_aspect_ratio: bool = False,
    pad_to_aspect_ratio: bool = False,
    data_format: str | None = None,
    format: str = "tf",
    verbose: bool = True,
    *,
    unreadable: str = "raise",
    workers: int | None = None,
) -> Any:
    """Batches of the images in a folder, whose folders are the classes.

    A batch is float32 images of values from 0 to 255, `(batch, height, width, channels)`, with
    labels a pair of images and labels. Threads read and resize them ahead of their use: at most
    three batches are in memory. BMP, GIF, JPEG and PNG files are found, in folders of folders, too.

    Args:
        directory: the folder.
        labels: "inferred" takes the folder of a file as its class; a list has a class number for
            each file, in the order of the sorted names; None gives no labels.
        label_mode: "int" gives (batch,) int32, "categorical" (batch, classes) with a 1 at the
            class, "binary" (batch, 1) of 0.0 and 1.0 for two classes; None gives no labels.
        class_names: the folders that count, in the order of the class numbers; all of them, sorted,
            unless given.
        color_mode: "rgb", "rgba" or "grayscale": 3, 4 or 1 channels.
        batch_size: images per batch; None gives single images.
        image_size: height and width, or one number for both.
        shuffle: a random order, a new one in each pass. False sorts the files by name.
        seed: of the order of the files, which `validation_split` cuts, and of the passes' orders.
        validation_split: the share of the files, in (0, 1), that is for validation: the last ones.
        subset: "training", "validation", or "both" for two data sets; with `validation_split`.
        interpolation: "bilinear", "nearest", "bicubic", "lanczos3" or "lanczos5".
        follow_links: whether links to folders count.
        crop_to_aspect_ratio: take the largest part in the middle that has the new ratio of height
            and width.
        pad_to_aspect_ratio: resize to the largest size that fits, with zeros around it.
        data_format: "channels_last" unless given; "channels_first" gives
            `(batch, channels, height, width)`.
        format: "tf" or "grain"; changes nothing, the result is the library's own data set.
        verbose: whether to print how many files there are.
        unreadable: what becomes of files that are no images, corrupt, cut off, or larger than
            `PIL.Image.MAX_IMAGE_PIXELS`: "raise" an error that names the file, or "skip" them, with
            one warning for a pass that names them. Later passes leave them out.
        workers: the number of threads that read; as many as the library computes with, at most 8,
            unless given.

    Returns:
        An iterable of batches with a length, `file_paths`, `class_names`, `labels` and `skipped`;
        for `subset="both"` a list of two.

    Raises:
        ValueError: arguments that are unknown or exclude each other, no images.
        FileNotFoundError, NotADirectoryError: no such folder.
        ImportError: Pillow is missing.

    Warns:
        UserWarning: files were skipped.

    Source: `keras.utils.image_dataset_from_directory` of Keras 3; with the same seed the files
    have the same order and split.

    Example:
        >>> import os, tempfile
        >>> from PIL import Image
        >>> folder = tempfile.mkdtemp()
        >>> for name in ("cats", "dogs"):
        ...     os.mkdir(f"{folder}/{name}")
        ...     Image.new("RGB", (40, 30)).save(f"{folder}/{name}/1.png")
        >>> data = utils.image_dataset_from_directory(folder, image_size=(16, 16), verbose=False)
        >>> data.class_names, [(x.shape, y.shape) for x, y in data]
        (['cats', 'dogs'], [((2, 16, 16, 3), (2,))])
    """
    from ..saving.files import path_of

    pictures.pillow()
    root = path_of(directory, f"{WHO}: directory")
    if isinstance(labels, str) and labels != "inferred":
        raise ValueError(f"{WHO}: labels: expected 'inferred', numbers or None, got {labels!r}")
    check_choice(WHO, "label_mode", label_mode, ("int", "categorical", "binary", None))
    color_mode = check_choice(WHO, "color_mode", color_mode, tuple(_MODES))
    check_count(WHO, "batch_size", batch_size, 1)
    size = base.check_sizes(WHO, "image_size", image_size, 2)
    shuffle = check_flag(WHO, "shuffle", shuffle)
    if seed is not None:
        seed = check_integer(WHO, "seed", seed, 0, 2**32 - 1)
    split = _checked_split(validation_split, subset, shuffle, seed)
    interpolation = base.check_interpolation(WHO, interpolation)
    crop = check_flag(WHO, "crop_to_aspect_ratio", crop_to_aspect_ratio)
    pad = check_flag(WHO, "pad_to_aspect_ratio", pad_to_aspect_ratio)
    base.check_resizing(WHO, crop, pad, "constant")
    data_format = base.check_format(WHO, data_format)
    check_choice(WHO, "format", format, ("tf", "grain"))
    check_choice(WHO, "unreadable", unreadable, ("raise", "skip"))
    check_count(WHO, "workers", workers, 1)
    if labels is None or label_mode is None:
        labels = label_mode = None

    found = _indexed(root, labels, class_names, check_flag(WHO, "follow_links", follow_links))
    files, numbers, names = found
    if check_flag(WHO, "verbose", verbose):
        classes = "" if names is None else f" belonging to {len(names)} classes"
        print(f"Found {len(files)} files{classes}.")
    if label_mode == "binary" and names is not None and len(names) != 2:
        raise ValueError(f"{WHO}: label_mode='binary': expected two classes, got {names}")
    if shuffle:
        start = F.randint(shape=(), low=0, high=10**6).item() if seed is None else seed
        order = np.arange(len(files))
        np.random.RandomState(int(start)).shuffle(order)  # as Keras does
        files = [files[i] for i in order]
        numbers = None if numbers is None else numbers[order]
    cut = len(files) - int(split * len(files))
    options: dict[str, Any] = {
        "label_mode": label_mode,
        "mode": _MODES[color_mode],
        "batch_size": batch_size,
        "size": size,
        "seed": seed,
        "interpolation": interpolation,
        "crop": crop,
        "pad": pad,
        "data_format": data_format,
        "unreadable": unreadable,
        "workers": workers or min(get_num_threads(), 8),
    }
    made = []
    for name, part in (("training", slice(0, cut)), ("validation", slice(cut, None))):
        if subset not in (name, "both", None) or (subset is None and name == "validation"):
            continue
        chosen = files[part]
        if not chosen:
            what = "" if subset is None else f"{name} "
            raise ValueError(
                f"{WHO}: no {what}images in {root!r}; files whose names end in "
                f"{', '.join(EXTENSIONS)} count"
            )
        if verbose and subset is not None:
            print(f"Using {len(chosen)} files for {name}.")
        shuffled = shuffle and not (subset == "both" and name == "validation")
        some = None if numbers is None else numbers[part]
        made.append(ImageDirectory(chosen, some, names, shuffle=shuffled, **options))
    return made if subset == "both" else made[0]


def _checked_split(
    split: float | None, subset: str | None, shuffle: bool, seed: int | None
) -> float:
    check_choice(WHO, "subset", subset, ("training", "validation", "both", None))
    if (split is None) != (subset is None):
        raise ValueError(
            f"{WHO}: validation_split, subset: expected both or neither, got {split!r}, {subset!r}"
        )
    if split is None:
        return 0.0
    if shuffle and seed is None:
        raise ValueError(
            f"{WHO}: seed: expected an integer for a shuffled data set with validation_split, so "
            "that training and validation have no file in common"
        )
    return check_number(WHO, "validation_split", split, above=0.0, below=1.0)


def _indexed(
    root: str,
    labels: str | Sequence[int] | None,
    class_names: Sequence[str] | None,
    follow_links: bool,
) -> tuple[list[str], np.ndarray | None, list[str] | None]:
    """The files in order, their class numbers and the names of the classes."""
    folders = [name for name in pictures.class_folders(root) if not name.startswith(".")]
    if isinstance(labels, str):
        if class_names is not None:
            chosen = list(class_names)
            if not set(chosen) <= set(folders) or len(set(chosen)) < len(chosen):
                raise ValueError(
                    f"{WHO}: class_names: expected some of the folders {folders}, got "
                    f"{shown(class_names)}"
                )
            folders = chosen
        several = [_images(os.path.join(root, name), follow_links) for name in folders]
        numbers = np.repeat(np.arange(len(folders), dtype=np.int32), [len(s) for s in several])
        return [path for some in several for path in some], numbers, folders
    if class_names is not None:
        raise ValueError(f"{WHO}: class_names: expected None unless labels='inferred'")
    files = _images(root, follow_links)
    if labels is None:
        return files, None, None
    given = np.asarray(labels)
    if given.ndim != 1 or given.dtype.kind not in "iu" or len(given) != len(files):
        raise ValueError(
            f"{WHO}: labels: expected a class number for each of {len(files)} files, got "
            f"{shown(labels)}"
        )
    return files, given.astype(np.int32), [str(n) for n in sorted(set(given.tolist()))]


def _images(folder: str, follow_links: bool) -> list[str]:
    found = pictures.walked(folder, follow_links)
    return [path for path in found if pictures.has_extension(path, EXTENSIONS)]
