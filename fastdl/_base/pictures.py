"""Files of images, read by Pillow: `pip install 'fastdl[images]'`.

Files are not trusted: only plain formats are opened, whatever a file is called, and what Pillow
cannot read, or refuses for its size, is an error that names the file.
"""

from __future__ import annotations

import os
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from io import BytesIO

# What Pillow may take a file for. Others can run programs (EPS) or name other files.
FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
CHANNELS = {"L": 1, "RGB": 3, "RGBA": 4}


def pillow() -> Any:
    """Pillow's module Image. ImportError that says how to install it."""
    try:
        from PIL import Image
    except ImportError:
        raise ImportError(
            "files of images need the package Pillow: pip install 'fastdl[images]'"
        ) from None
    return Image


def read(path: str | BytesIO, mode: str) -> Any:
    """An image as a Pillow image of this mode, of an animation the first one.

    Args:
        path: the file, or its bytes.
        mode: "L", "RGB" or "RGBA". An alpha channel is dropped, and 16 bits become 8.

    Raises:
        ImportError: Pillow is missing.
        ValueError: the file cannot be read: it is missing, no image, corrupt, cut off, or has more
            pixels than `PIL.Image.MAX_IMAGE_PIXELS`. The message names it.
    """
    pil = pillow()
    try:
        source = open(path, "rb") if isinstance(path, str) else nullcontext(path)
        with source as file, pil.open(file, formats=FORMATS) as image:
            width, height = image.size
            limit = pil.MAX_IMAGE_PIXELS
            if limit is not None and width * height > limit:
                raise ValueError(
                    f"it has {width} x {height} pixels, more than PIL.Image.MAX_IMAGE_PIXELS = "
                    f"{limit}; set that if you trust the file"
                )
            if image.mode.startswith("I"):  # 16 bits, which Pillow would cut off at 255
                high = np.clip(np.asarray(image) >> 8, 0, 255)
                image = pil.fromarray(high.astype(np.uint8))
            return image.convert(mode)
    except Exception as error:  # Pillow's plugins raise almost anything for files that are broken
        reason = str(error).replace(repr(path), "the file") or type(error).__name__
        if type(error).__name__ == "UnidentifiedImageError":
            reason = f"it is no image of the formats {', '.join(FORMATS)}, or it is corrupt"
        raise ValueError(f"cannot read the image {path!r}: {reason}") from error


def array_of(path: str, mode: str) -> np.ndarray:
    """An image as uint8 of shape (height, width, channels).

    Raises:
        ImportError, ValueError: as `read` does.
    """
    pixels = np.asarray(read(path, mode))
    return pixels.reshape(*pixels.shape[:2], CHANNELS[mode])


def walked(folder: str, follow_links: bool) -> Iterator[str]:
    """The files below a folder, in the order of their folders' and their own names.

    A link to a folder that holds it is not followed. OSError: a folder cannot be listed.
    """
    found = []
    for root, folders, names in os.walk(folder, onerror=_raise, followlinks=follow_links):
        if follow_links:
            here = os.path.realpath(root)
            inner = {name: os.path.realpath(os.path.join(root, name)) for name in folders}
            folders[:] = [n for n in folders if os.path.commonpath((here, inner[n])) != inner[n]]
        found.append((root, names))
    for root, names in sorted(found):
        for name in sorted(names):
            yield os.path.join(root, name)


def _raise(error: OSError) -> None:
    raise error


def class_folders(root: str) -> list[str]:
    """The names of the folders in a folder, sorted."""
    with os.scandir(root) as entries:
        return sorted(entry.name for entry in entries if entry.is_dir())


def has_extension(path: str, extensions: Sequence[str]) -> bool:
    """Whether a name ends in one of the extensions, in upper or lower case."""
    return path.lower().endswith(tuple(extensions))
