"""Boxes around objects in images: their formats, what moves and compares them, and deltas.

A format says what the four numbers of a box are. In "xyxy" they are left, top, right and bottom, in
pixels from the left and upper edge of the image; "yxyx" has top, left, bottom, right; "xywh" left,
top, width, height; "center_xywh" and "center_yxhw" have the middle instead of a corner. With "rel_"
in front ("rel_xyxy", "rel_yxyx", "rel_xywh", "rel_center_xywh") they are parts of the image's
width and height. Upper case is the same.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from .. import _core
from .._base import functional as F
from .._base.boxes import (
    around,
    as_boxes,
    check_box_format,
    check_xyxy,
    clip_to_image_size,
    columns,
    convert_format,
    joined,
    plain,
    within,
)
from .._base.checks import check_flag, check_number, check_numbers, shown
from .._base.settings import settings
from .._core import Tensor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .._base.boxes import Number
    from .._core import TensorLike

_ENCODINGS = ("center_xywh", "center_yxhw")


def crop(
    boxes: TensorLike,
    top: Number,
    left: Number,
    height: Number,
    width: Number,
    bounding_box_format: str = "xyxy",
) -> Tensor:
    """Boxes in a part of the image.

    Args:
        boxes: (..., 4), "xyxy".
        top, left, height, width: the part.
        bounding_box_format: "xyxy".

    Raises:
        ValueError: another format, or a last axis of another size than 4.

    Source: `keras.utils.bounding_boxes.crop` of Keras 3.

    Example:
        >>> utils.bounding_boxes.crop([[10, 20, 50, 60]], 10, 20, height=40, width=25).tolist()
        [[0.0, 10.0, 25.0, 40.0]]
    """
    who = "crop"
    check_xyxy(who, bounding_box_format)
    a, b, c, d = columns(as_boxes(who, "boxes", boxes))
    return joined(
        within(F.sub(a, left), width),
        within(F.sub(b, top), height),
        within(F.sub(c, left), width),
        within(F.sub(d, top), height),
    )


def pad(
    boxes: TensorLike,
    top: Number,
    left: Number,
    height: Number | None = None,
    width: Number | None = None,
    bounding_box_format: str = "xyxy",
) -> Tensor:
    """Boxes in an image that has got more rows above and columns to the left.

    Args:
        boxes: (..., 4), "xyxy".
        top, left: how many.
        height, width: of the image; without an effect.
        bounding_box_format: "xyxy".

    Raises:
        ValueError: another format, or a last axis of another size than 4.

    Source: `keras.utils.bounding_boxes.pad` of Keras 3.

    Example:
        >>> utils.bounding_boxes.pad([[10, 20, 50, 60]], top=1, left=2).tolist()
        [[12.0, 21.0, 52.0, 61.0]]
    """
    who = "pad"
    check_xyxy(who, bounding_box_format)
    a, b, c, d = columns(as_boxes(who, "boxes", boxes))
    return joined(F.add(a, left), F.add(b, top), F.add(c, left), F.add(d, top))


def affine_transform(
    boxes: TensorLike,
    angle: Number,
    translate_x: Number,
    translate_y: Number,
    scale: Number,
    shear_x: Number,
    shear_y: Number,
    height: float,
    width: float,
    center_x: float | None = None,
    center_y: float | None = None,
    bounding_box_format: str = "xyxy",
) -> Tensor:
    """The least boxes around boxes that are turned, moved, scaled and sheared.

    Args:
        boxes: (batch, boxes, 4) or (boxes, 4), "xyxy".
        angle: degrees, clockwise in an image. This and the next five are numbers, or one for each
            image, (batch,).
        translate_x, translate_y: parts of the width and height.
        scale: a factor.
        shear_x, shear_y: angles in degrees.
        height, width: of the image.
        center_x, center_y: the point that stays, as parts of the size; the middle unless given.
        bounding_box_format: "xyxy".

    Raises:
        ValueError: another format or shape of the boxes.

    Source: `keras.utils.bounding_boxes.affine_transform` of Keras 3.

    Example:
        >>> moved = utils.bounding_boxes.affine_transform(
        ...     [[1.0, 1.0, 2.0, 3.0]], 0.0, 0.5, 0.0, 2.0, 0.0, 0.0, height=5, width=5)
        >>> moved.tolist()
        [[4.0, 0.0, 6.0, 4.0]]
    """
    who = "affine_transform"
    check_xyxy(who, bounding_box_format)
    given = as_boxes(who, "boxes", boxes)
    if given.ndim not in (2, 3):
        raise ValueError(
            f"{who}: boxes: expected (boxes, 4) or (batch, boxes, 4), got {given.shape}"
        )
    if given.ndim == 2:
        return _first(
            affine_transform(
                F.reshape(given, shape=(1, *given.shape)),
                angle,
                translate_x,
                translate_y,
                scale,
                shear_x,
                shear_y,
                height,
                width,
                center_x,
                center_y,
            )
        )

    def each(value: Any, factor: float = 1.0) -> Tensor:
        found = F.mul(F.cast(_core.as_tensor(value), dtype="float32"), factor)
        return F.reshape(found, shape=(-1, 1, 1))

    turn, across, down = (each(v, -math.pi / 180) for v in (angle, shear_x, shear_y))
    tan_x, slope = F.div(F.sin(across), F.cos(across)), F.cos(down)
    p, q = F.div(F.cos(turn - down), slope), F.div(F.sin(turn - down), slope)
    factor = each(scale)
    a, b = factor * (F.cos(turn) + q * tan_x), -factor * (p * tan_x + F.sin(turn))
    d, e = factor * q, factor * p
    x = (0.5 if center_x is None else center_x) * (width - 1)
    y = (0.5 if center_y is None else center_y) * (height - 1)
    from_x, from_y = x - each(translate_x, width - 1.0), y - each(translate_y, height - 1.0)
    return around(given, (a, b, x - a * from_x - b * from_y, d, e, y - d * from_x - e * from_y))


def _first(boxes: Tensor) -> Tensor:
    return F.reshape(boxes, shape=boxes.shape[1:])


# --- comparing


def _sizes(who: str, form: str, image_shape: Sequence[int] | None) -> tuple[Any, Any]:
    """Height and width of an image of this shape. ValueError if a relative format lacks it."""
    if image_shape is None:
        if form.startswith("rel_"):
            raise ValueError(f"{who}: image_shape: {form!r} needs it, got None")
        return None, None
    if len(image_shape) != 3:
        raise ValueError(
            f"{who}: image_shape: expected (height, width, channels), got {tuple(image_shape)}"
        )
    return image_shape[0], image_shape[1]


def _both(
    who: str, boxes1: Any, boxes2: Any, form: Any, image_shape: Sequence[int] | None
) -> tuple[Tensor, Tensor]:
    form = check_box_format(who, "bounding_box_format", form)
    height, width = _sizes(who, form, image_shape)
    found = []
    for argument, boxes in (("boxes1", boxes1), ("boxes2", boxes2)):
        given = as_boxes(who, argument, boxes)
        found.append(convert_format(given, form, "xyxy", height, width))
    return found[0], found[1]


def compute_iou(
    boxes1: TensorLike,
    boxes2: TensorLike,
    bounding_box_format: str,
    use_masking: bool = False,
    mask_val: float = -1,
    image_shape: Sequence[int] | None = None,
) -> Tensor:
    """The overlap of all pairs of boxes: the area that they share, as a part of all they cover.

    Args:
        boxes1: (n, 4) or (batch, n, 4).
        boxes2: (m, 4) or (batch, m, 4).
        bounding_box_format: of both.
        use_masking: whether pairs with a box of negative numbers get `mask_val`.
        mask_val: the value of such pairs.
        image_shape: (height, width, channels), for relative formats.

    Returns:
        (n, m) or (batch, n, m).

    Raises:
        ValueError: another number of axes, an unknown format, or no shape for a relative one.

    Source: `keras.utils.bounding_boxes.compute_iou` of Keras 3.

    Example:
        >>> found = utils.bounding_boxes.compute_iou([[0, 0, 2, 2]], [[1, 0, 3, 2]], "xyxy")
        >>> round(found.item(), 3)
        0.333
    """
    who = "compute_iou"
    check_flag(who, "use_masking", use_masking)
    check_number(who, "mask_val", mask_val, -math.inf)
    one, two = _both(who, boxes1, boxes2, bounding_box_format, image_shape)
    for argument, given in (("boxes1", one), ("boxes2", two)):
        if given.ndim not in (2, 3):
            raise ValueError(
                f"{who}: {argument}: expected (boxes, 4) or (batch, boxes, 4), got shape "
                f"{given.shape}"
            )
    first = columns(one)
    second = [F.reshape(c, shape=(*c.shape[:-2], 1, c.shape[-2])) for c in columns(two)]
    shared = _length(first[0], first[2], second[0], second[2])
    shared = shared * _length(first[1], first[3], second[1], second[3])
    areas = [(c[2] - c[0]) * (c[3] - c[1]) for c in (first, second)]
    found = F.div(shared, areas[0] + areas[1] - shared + settings.epsilon)
    if not use_masking:
        return found
    masked = [
        F.lt(F.maximum(F.maximum(c[0], c[1]), F.maximum(c[2], c[3])), 0.0) for c in (first, second)
    ]
    return F.where(F.logical_or(masked[0], masked[1]), float(mask_val), found)


def _length(start: Tensor, end: Tensor, other_start: Tensor, other_end: Tensor) -> Tensor:
    """The length that two intervals share."""
    return F.maximum(F.minimum(end, other_end) - F.maximum(start, other_start), 0.0)


def compute_ciou(
    boxes1: TensorLike,
    boxes2: TensorLike,
    bounding_box_format: str,
    image_shape: Sequence[int] | None = None,
) -> Tensor:
    """The complete overlap of pairs of boxes: less for distant middles and other proportions.

    Args:
        boxes1, boxes2: (..., 4).
        bounding_box_format: of both.
        image_shape: (height, width, channels), for relative formats.

    Returns:
        (...).

    Raises:
        ValueError: an unknown format, or no shape for a relative one.

    Source: Zheng et al. 2020, "Distance-IoU loss"; `keras.utils.bounding_boxes.compute_ciou` of
    Keras 3.

    Example:
        >>> found = utils.bounding_boxes.compute_ciou([0, 0, 2, 2], [1, 0, 3, 2], "xyxy")
        >>> round(found.item(), 3)
        0.256
    """
    from ..ops import arctan

    who, tiny = "compute_ciou", settings.epsilon
    one, two = (columns(b) for b in _both(who, boxes1, boxes2, bounding_box_format, image_shape))
    widths = [c[2] - c[0] for c in (one, two)]
    heights = [c[3] - c[1] + tiny for c in (one, two)]
    shared = _length(one[0], one[2], two[0], two[2]) * _length(one[1], one[3], two[1], two[3])
    covered = widths[0] * heights[0] + widths[1] * heights[1] - shared + 2 * tiny
    overlap = F.div(shared, covered)
    # The squared distance of the middles, by the squared diagonal of the box around both.
    far = F.square((one[0] + one[2] - two[0] - two[2]) * 0.5)
    far = far + F.square((one[1] + one[3] - two[1] - two[3]) * 0.5)
    diagonal = F.square(F.maximum(one[2], two[2]) - F.minimum(one[0], two[0]))
    diagonal = diagonal + F.square(F.maximum(one[3], two[3]) - F.minimum(one[1], two[1])) + tiny
    angles = [arctan(F.div(w, h)) for w, h in zip(widths, heights, strict=True)]
    other = F.square(angles[1] - angles[0]) * (4 / math.pi**2)
    weight = F.div(other, other - overlap + (1 + tiny))
    return plain(overlap - F.div(far, diagonal) - weight * other)


# --- deltas


def _anchors(
    who: str,
    anchors: Any,
    anchor_format: str,
    encoding: Any,
    argument: str,
    variance: Any,
    image_shape: Sequence[int] | None,
) -> tuple[Tensor, Tensor, list[float] | None]:
    """The middles and the sizes of anchors, and the variances."""
    if encoding not in _ENCODINGS:
        raise ValueError(f"{who}: {argument}: expected one of {_ENCODINGS}, got {shown(encoding)}")
    numbers = None
    if variance is not None:
        numbers = [float(v) for v in _core.as_tensor(variance).numpy().ravel()]
        check_numbers(who, "variance", numbers, -math.inf)
        if len(numbers) != 4:
            raise ValueError(f"{who}: variance: expected 4 numbers, got {len(numbers)}")
    height, width = _sizes(who, check_box_format(who, "anchor_format", anchor_format), image_shape)
    found = convert_format(anchors, anchor_format, encoding, height, width)
    middle, size = F.split(found, sizes=[2, 2], axis=-1)
    return middle, size, numbers


def encode_box_to_deltas(
    anchors: TensorLike,
    boxes: TensorLike,
    anchor_format: str,
    box_format: str,
    encoding_format: str = "center_yxhw",
    variance: Sequence[float] | TensorLike | None = None,
    image_shape: Sequence[int] | None = None,
) -> Tensor:
    """Boxes as differences from anchors: distances in sizes of the anchor, logarithms of ratios.

    Args:
        anchors: (n, 4).
        boxes: (n, 4) or (batch, n, 4).
        anchor_format, box_format: their formats.
        encoding_format: "center_yxhw" or "center_xywh": the order of the differences.
        variance: 4 numbers that the differences are divided by.
        image_shape: (height, width, channels), for relative formats.

    Raises:
        ValueError: an unknown format, no shape for a relative one, other than 4 variances.

    Source: `keras.utils.bounding_boxes.encode_box_to_deltas` of Keras 3.

    Example:
        >>> found = utils.bounding_boxes.encode_box_to_deltas(
        ...     [[0, 0, 4, 4]], [[2, 1, 6, 5]], "xyxy", "xyxy")
        >>> found.tolist()
        [[0.25, 0.5, 0.0, 0.0]]
    """
    who = "encode_box_to_deltas"
    middle, size, numbers = _anchors(
        who, anchors, anchor_format, encoding_format, "encoding_format", variance, image_shape
    )
    height, width = _sizes(who, check_box_format(who, "box_format", box_format), image_shape)
    found = convert_format(boxes, box_format, encoding_format, height, width)
    own_middle, own_size = F.split(found, sizes=[2, 2], axis=-1)
    size, own_size = (F.maximum(s, settings.epsilon) for s in (size, own_size))
    deltas = joined(F.div(own_middle - middle, size), F.log(F.div(own_size, size)))
    return deltas if numbers is None else F.div(deltas, _core.tensor(numbers, "float32"))


def decode_deltas_to_boxes(
    anchors: Any,
    boxes_delta: Any,
    anchor_format: str,
    box_format: str,
    encoded_format: str = "center_yxhw",
    variance: Sequence[float] | TensorLike | None = None,
    image_shape: Sequence[int] | None = None,
) -> Any:
    """The boxes of differences from anchors: the inverse of `encode_box_to_deltas`.

    Args:
        anchors: (n, 4), or a dict of them.
        boxes_delta: (n, 4) or (batch, n, 4), or a dict of them with the same keys.
        anchor_format, box_format: the formats of the anchors and of the result.
        encoded_format, variance, image_shape: as for `encode_box_to_deltas`.

    Raises:
        ValueError: an unknown format, no shape for a relative one, other than 4 variances.

    Source: `keras.utils.bounding_boxes.decode_deltas_to_boxes` of Keras 3.

    Example:
        >>> found = utils.bounding_boxes.decode_deltas_to_boxes(
        ...     [[0, 0, 4, 4]], [[0.25, 0.5, 0.0, 0.0]], "xyxy", "xyxy")
        >>> found.tolist()
        [[2.0, 1.0, 6.0, 5.0]]
    """
    who = "decode_deltas_to_boxes"
    if isinstance(anchors, dict) and isinstance(boxes_delta, dict):
        rest = (anchor_format, box_format, encoded_format, variance, image_shape)
        return {
            key: decode_deltas_to_boxes(value, boxes_delta[key], *rest)
            for key, value in anchors.items()
        }
    middle, size, numbers = _anchors(
        who, anchors, anchor_format, encoded_format, "encoded_format", variance, image_shape
    )
    height, width = _sizes(who, check_box_format(who, "box_format", box_format), image_shape)
    deltas = as_boxes(who, "boxes_delta", boxes_delta)
    if numbers is not None:
        deltas = F.mul(deltas, _core.tensor(numbers, "float32"))
    moved, grown = F.split(deltas, sizes=[2, 2], axis=-1)
    found = joined(moved * size + middle, F.exp(grown) * size)
    return convert_format(found, encoded_format, box_format, height, width)


__all__ = [
    "affine_transform",
    "clip_to_image_size",
    "compute_ciou",
    "compute_iou",
    "convert_format",
    "crop",
    "decode_deltas_to_boxes",
    "encode_box_to_deltas",
    "pad",
]
