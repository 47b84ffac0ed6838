"""Single images: between files, Pillow's images and arrays."""

from __future__ import annotations

import os
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _core
from .._base import images as base
from .._base import pictures
from .._base.checks import check_choice, check_flag, shown
from .._base.notices import warn

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

    from .._core import IntOrInts, Tensor, TensorLike
    from ..saving.files import Path

_MODES = {"rgb": "RGB", "rgba": "RGBA", "grayscale": "L"}
_RESAMPLING = ("nearest", "bilinear", "bicubic", "lanczos", "box", "hamming")


def load_img(
    path: Path | BytesIO,
    color_mode: str = "rgb",
    target_size: tuple[int, int] | None = None,
    interpolation: str = "nearest",
    keep_aspect_ratio: bool = False,
) -> Any:
    """The image of a file, as an image of Pillow (`pip install 'fastdl[images]'`).

    Args:
        path: a file, or a `BytesIO` of its bytes: BMP, GIF, JPEG, PNG, PPM, TIFF or WEBP.
        color_mode: "rgb", "rgba" or "grayscale".
        target_size: the height and width to resize it to; its own unless given.
        interpolation: "nearest", "bilinear", "bicubic", "lanczos", "box" or "hamming".
        keep_aspect_ratio: whether to cut out the largest part in the middle that has the ratio of
            height and width of `target_size`, instead of distorting the image.

    Raises:
        ImportError: Pillow is missing.
        ValueError: the file cannot be read, or an argument is unknown.

    Source: `keras.utils.load_img` of Keras 3. Images of 16 bits become images of 8 bits.

    Example:
        >>> import tempfile
        >>> path = f"{tempfile.mkdtemp()}/image.png"
        >>> utils.save_img(path, np.arange(12.0).reshape(2, 2, 3), scale=False)
        >>> utils.img_to_array(utils.load_img(path))[0].tolist()
        [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]
    """
    who = "load_img"
    mode = _MODES[check_choice(who, "color_mode", color_mode, tuple(_MODES))]
    check_choice(who, "interpolation", interpolation, _RESAMPLING)
    keep = check_flag(who, "keep_aspect_ratio", keep_aspect_ratio)
    size = None if target_size is None else base.check_sizes(who, "target_size", target_size, 2)
    try:
        source = path if isinstance(path, BytesIO) else os.fsdecode(path)
    except TypeError:
        raise TypeError(f"{who}: path: expected a path or a BytesIO, got {shown(path)}") from None
    image = pictures.read(source, mode)
    if size is None or image.size == size[::-1]:
        return image
    resampling = getattr(pictures.pillow().Resampling, interpolation.upper())
    box = None
    if keep:
        (width, height), (new_height, new_width) = image.size, size
        part = (
            min(width, height * new_width // new_height),
            min(height, width * new_height // new_width),
        )
        left, top = (width - part[0]) // 2, (height - part[1]) // 2
        box = (left, top, left + part[0], top + part[1])
    return image.resize(size[::-1], resampling, box=box)


def img_to_array(
    img: Any, data_format: str | None = None, dtype: DTypeLike | None = None
) -> np.ndarray:
    """An image of Pillow as an array with three axes.

    Args:
        img: an image, or what NumPy makes an array of two or three axes from.
        data_format: "channels_last", or "channels_first" for (channels, height, width).
        dtype: the type of NumPy; float32 unless given.

    Raises:
        ValueError: it has another number of axes.

    Source: `keras.utils.img_to_array` of Keras 3.

    Example:
        >>> utils.img_to_array([[1, 2], [3, 4]]).shape
        (2, 2, 1)
    """
    first = base.check_format("img_to_array", data_format) == "channels_first"
    x = np.asarray(img, dtype=dtype or "float32")
    if x.ndim == 2:
        x = x[:, :, None]
    if x.ndim != 3:
        raise ValueError(f"img_to_array: img: expected an image, got shape {x.shape}")
    return x.transpose(2, 0, 1) if first else x


def array_to_img(
    x: TensorLike,
    data_format: str | None = None,
    scale: bool = True,
    dtype: DTypeLike | None = None,
) -> Any:
    """An array with three axes as an image of Pillow (`pip install 'fastdl[images]'`).

    Args:
        x: with 1, 3 or 4 channels.
        data_format: "channels_last", or "channels_first" for (channels, height, width).
        scale: whether the smallest value becomes 0 and the largest 255. Otherwise values from 0 to
            255 are cut off to bytes.
        dtype: the type of NumPy to compute with; float32 unless given.

    Raises:
        ImportError: Pillow is missing.
        ValueError: another number of axes or channels.

    Source: `keras.utils.array_to_img` of Keras 3.

    Example:
        >>> image = utils.array_to_img([[[0.0], [0.5], [1.0]]])
        >>> image.size, image.mode
        ((3, 1), 'L')
    """
    who = "array_to_img"
    first = base.check_format(who, data_format) == "channels_first"
    array = np.asarray(x, dtype=dtype or "float32")
    if array.ndim != 3:
        raise ValueError(f"{who}: x: expected an image with three axes, got shape {array.shape}")
    if first:
        array = array.transpose(1, 2, 0)
    channels = array.shape[2]
    modes = {count: mode for mode, count in pictures.CHANNELS.items()}
    if channels not in modes:
        raise ValueError(f"{who}: x: expected 1, 3 or 4 channels, got {channels}")
    if check_flag(who, "scale", scale):
        array = array - array.min()
        highest = array.max()
        array = (array / highest if highest else array) * 255
    if channels == 1:
        kind = np.int32 if array.max() > 255 else np.uint8
        return pictures.pillow().fromarray(array[:, :, 0].astype(kind))
    return pictures.pillow().fromarray(np.ascontiguousarray(array.astype(np.uint8)))


def save_img(
    path: Any,
    x: TensorLike,
    data_format: str | None = None,
    file_format: str | None = None,
    scale: bool = True,
    **kwargs: Any,
) -> None:
    """Writes an array as a file of an image, with Pillow (`pip install 'fastdl[images]'`).

    Args:
        path: the file, or an open one for bytes.
        x, data_format, scale: as for `array_to_img`.
        file_format: "png", "jpeg", ...; by default that of the extension.
        kwargs: options of Pillow's `Image.save`.

    Raises:
        ImportError, ValueError: as `array_to_img` does.

    Source: `keras.utils.save_img` of Keras 3.

    Example:
        >>> import io
        >>> file = io.BytesIO()
        >>> utils.save_img(file, np.zeros((2, 2, 3)), file_format="png")
        >>> file.getvalue()[:4]
        b'\\x89PNG'
    """
    kind = file_format
    if kind is None and isinstance(path, (str, os.PathLike)):
        kind = os.path.splitext(os.fsdecode(path))[1][1:]
    kind = "jpeg" if kind is not None and kind.lower() == "jpg" else kind
    image = array_to_img(x, data_format, scale)
    if image.mode == "RGBA" and kind is not None and kind.lower() == "jpeg":
        warn("save_img: JPEG has no alpha channel: the image is saved without it")
        image = image.convert("RGB")
    image.save(path, format=kind or None, **kwargs)


def smart_resize(
    x: TensorLike,
    size: IntOrInts,
    interpolation: str = "bilinear",
    data_format: str = "channels_last",
    **kwargs: Any,
) -> np.ndarray | Tensor:
    """Images in another size, of which the largest part in the middle with its ratio is taken.

    Args:
        x: an image (height, width, channels), or a batch of them.
        size: the new height and width.
        interpolation: "bilinear", "nearest", "bicubic", "lanczos3" or "lanczos5".
        data_format: "channels_last" or "channels_first".
        kwargs: `backend_module` of Keras changes nothing.

    Returns:
        An array for an array, else a tensor.

    Raises:
        ValueError: a size below 1, an unknown interpolation, another number of axes.

    Source: `keras.preprocessing.image.smart_resize` of Keras 3.

    Example:
        >>> preprocessing.image.smart_resize(np.ones((4, 6, 3)), (2, 2)).shape
        (2, 2, 3)
    """
    who = "smart_resize"
    kwargs.pop("backend_module", None)
    if kwargs:
        raise TypeError(f"{who}: unknown argument {next(iter(kwargs))!r}")
    y = base.resize_images(
        who,
        _core.as_tensor(x),
        base.check_sizes(who, "size", size, 2),
        base.check_interpolation(who, interpolation),
        antialias=False,
        crop=True,
        pad=False,
        fill_value=0.0,
        data_format=base.check_format(who, data_format),
    )
    return y.numpy() if isinstance(x, np.ndarray) else y
