"""Images in folders as batches: `image_dataset_from_directory`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _core
from .._base import functional as F
from .._base import images as base
from .._base import pictures
from .._base.ahead import made_ahead
from .._base.checks import check_choice, check_count, check_flag
from .._base.config import get_num_threads
from .._base.notices import warn
from ._batches import FileBatches, Files, Listing

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .._core import Tensor
    from ..saving.files import Path

WHO = "image_dataset_from_directory"
EXTENSIONS = (".bmp", ".gif", ".jpeg", ".jpg", ".png")
_MODES = {"rgb": "RGB", "rgba": "RGBA", "grayscale": "L"}
_AHEAD = 2  # batches that may be ready or in work beside the one in use
_NAMED = 10  # files that a warning lists


class ImageDirectory(FileBatches):
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
        files: Files,
        *,
        label_mode: str | None,
        mode: str,
        batch_size: int | None,
        size: tuple[int, int],
        seed: int | None,
        interpolation: str,
        crop: bool,
        pad: bool,
        data_format: str,
        unreadable: str,
        workers: int,
    ) -> None:
        super().__init__(files, label_mode, batch_size, seed)
        self.skipped: list[str] = []
        self._mode, self._size = mode, size
        self._interpolation, self._crop, self._pad = interpolation, crop, pad
        self._first = data_format == "channels_first"
        self._unreadable, self._workers = unreadable, workers

    def _rows(self) -> np.ndarray:
        skipped = set(self.skipped)
        return np.array([i for i, p in enumerate(self.file_paths) if p not in skipped], np.int64)

    def _batches(self, chunks: list[np.ndarray]) -> Iterator[Any]:
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
        return images if labels is None else (images, labels)


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
    pictures.pillow()
    listing = Listing(
        WHO, "images", EXTENSIONS, directory, labels, label_mode, class_names, shuffle, seed,
        validation_split, subset, follow_links, verbose, format,
    )  # fmt: skip
    color_mode = check_choice(WHO, "color_mode", color_mode, tuple(_MODES))
    check_count(WHO, "batch_size", batch_size, 1)
    size = base.check_sizes(WHO, "image_size", image_size, 2)
    interpolation = base.check_interpolation(WHO, interpolation)
    crop = check_flag(WHO, "crop_to_aspect_ratio", crop_to_aspect_ratio)
    pad = check_flag(WHO, "pad_to_aspect_ratio", pad_to_aspect_ratio)
    base.check_resizing(WHO, crop, pad, "constant")
    data_format = base.check_format(WHO, data_format)
    check_choice(WHO, "unreadable", unreadable, ("raise", "skip"))
    check_count(WHO, "workers", workers, 1)
    options: dict[str, Any] = {
        "label_mode": listing.label_mode,
        "mode": _MODES[color_mode],
        "batch_size": batch_size,
        "size": size,
        "seed": listing.seed,
        "interpolation": interpolation,
        "crop": crop,
        "pad": pad,
        "data_format": data_format,
        "unreadable": unreadable,
        "workers": workers or min(get_num_threads(), 8),
    }
    return listing.result([ImageDirectory(files, **options) for files in listing.parts()])
