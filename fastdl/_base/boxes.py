"""Boxes around objects in images: formats, clipping, and boxes around points that have moved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import _core
from .._core import Tensor
from . import functional as F
from .checks import shown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import DTypeLike

    from .._core import TensorLike

    Number = float | TensorLike

FORMATS = (
    "xyxy",
    "yxyx",
    "xywh",
    "center_xywh",
    "center_yxhw",
    "rel_xyxy",
    "rel_yxyx",
    "rel_xywh",
    "rel_center_xywh",
)

# --- the numbers of a box


def check_box_format(who: str, argument: str, value: Any) -> str:
    """A format in lower case. ValueError if there is none of this name."""
    name = value.lower() if isinstance(value, str) else value
    if name not in FORMATS:
        raise ValueError(f"{who}: {argument}: expected one of {FORMATS}, got {shown(value)}")
    return str(name)


def as_boxes(who: str, argument: str, boxes: Any) -> Tensor:
    """Boxes as float32. ValueError unless the last axis has the size 4."""
    found = F.cast(_core.as_tensor(boxes), dtype="float32")
    if not found.ndim or found.shape[-1] != 4:
        raise ValueError(
            f"{who}: {argument}: expected 4 numbers along the last axis, got shape {found.shape}"
        )
    return found


def columns(boxes: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    a, b, c, d = F.split(boxes, sizes=[1, 1, 1, 1], axis=-1)
    return a, b, c, d


def plain(column: Tensor) -> Tensor:
    """(..., 1) as (...)."""
    return F.reshape(column, shape=column.shape[:-1])


def joined(*columns: Tensor) -> Tensor:
    return F.concat(list(columns), axis=-1)


# What the numbers are, and whether those of y come first.
_MEANINGS = {
    "xyxy": ("corners", False),
    "yxyx": ("corners", True),
    "xywh": ("corner", False),
    "center_xywh": ("middle", False),
    "center_yxhw": ("middle", True),
}


def _edges(boxes: Tensor, form: str) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Left, top, right and bottom, each (..., 1)."""
    meaning, swapped = _MEANINGS[form.removeprefix("rel_")]
    a, b, c, d = columns(boxes)
    if swapped:
        a, b, c, d = b, a, d, c
    if meaning == "corners":
        return a, b, c, d
    if meaning == "middle":
        a, b = a - c * 0.5, b - d * 0.5
    return a, b, a + c, b + d


def _numbers(edges: tuple[Tensor, Tensor, Tensor, Tensor], form: str) -> Tensor:
    """The boxes with these edges."""
    meaning, swapped = _MEANINGS[form.removeprefix("rel_")]
    a, b, c, d = edges
    if meaning != "corners":
        c, d = c - a, d - b
    if meaning == "middle":
        a, b = a + c * 0.5, b + d * 0.5
    return joined(b, a, d, c) if swapped else joined(a, b, c, d)


def _scaled(
    edges: tuple[Tensor, Tensor, Tensor, Tensor], width: Any, height: Any, divide: bool
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    change = F.div if divide else F.mul
    left, top, right, bottom = edges
    return change(left, width), change(top, height), change(right, width), change(bottom, height)


def convert_format(
    boxes: Any,
    source: str,
    target: str,
    height: Number | None = None,
    width: Number | None = None,
    dtype: DTypeLike = "float32",
) -> Any:
    """Boxes in another format.

    Args:
        boxes: (..., 4), or a dict with "boxes", of which a copy is returned.
        source, target: formats.
        height, width: of the image; needed between relative and absolute formats.
        dtype: of the result.

    Raises:
        ValueError: an unknown format, a last axis of another size than 4, a size that is missing.

    Source: `keras.utils.bounding_boxes.convert_format` of Keras 3.

    Example:
        >>> utils.bounding_boxes.convert_format([[10, 20, 30, 40]], "xyxy", "center_xywh").tolist()
        [[20.0, 30.0, 20.0, 20.0]]
    """
    who = "convert_format"
    if isinstance(boxes, dict):
        found = convert_format(boxes["boxes"], source, target, height, width, dtype)
        return {**boxes, "boxes": found}
    source = check_box_format(who, "source", source)
    target = check_box_format(who, "target", target)
    given = as_boxes(who, "boxes", boxes)
    parts = [name.startswith("rel_") for name in (source, target)]
    if parts[0] != parts[1] and (height is None or width is None):
        raise ValueError(
            f"{who}: height, width: from {source!r} to {target!r} both are needed, got {height} "
            f"and {width}"
        )
    if source != target:
        edges = _edges(given, source)
        if parts[0] != parts[1]:
            edges = _scaled(edges, width, height, divide=parts[1])
        given = _numbers(edges, target)
    return F.cast(given, dtype=dtype)


# --- moving


def check_xyxy(who: str, form: Any, *more: str) -> str:
    if form not in ("xyxy", *more):
        known = " or ".join(map(repr, ("xyxy", *more)))
        raise ValueError(f"{who}: bounding_box_format: expected {known}, got {shown(form)}")
    return str(form)


def clip_to_image_size(
    bounding_boxes: Mapping[str, Any],
    height: Number | None = None,
    width: Number | None = None,
    bounding_box_format: str = "xyxy",
) -> dict[str, Any]:
    """Boxes without what is beyond the image. A box with nothing left gets the label -1.

    Args:
        bounding_boxes: a dict with "boxes", (..., 4), and maybe "labels", (...).
        height, width: of the image; needed for "xyxy".
        bounding_box_format: "xyxy" or "rel_xyxy".

    Returns:
        A changed copy.

    Raises:
        ValueError: another format, a size that is missing, or no dict with "boxes".

    Source: `keras.utils.bounding_boxes.clip_to_image_size` of Keras 3.

    Example:
        >>> boxes = {"boxes": [[-10, 5, 50, 200], [130, 0, 140, 9]], "labels": [2, 3]}
        >>> found = utils.bounding_boxes.clip_to_image_size(boxes, height=100, width=120)
        >>> found["boxes"].tolist(), found["labels"].tolist()
        ([[0.0, 5.0, 50.0, 100.0], [120.0, 0.0, 120.0, 9.0]], [2, -1])
    """
    who = "clip_to_image_size"
    form = check_xyxy(who, bounding_box_format, "rel_xyxy")
    if not isinstance(bounding_boxes, dict) or "boxes" not in bounding_boxes:
        raise ValueError(
            f"{who}: bounding_boxes: expected a dict with 'boxes', got {shown(bounding_boxes)}"
        )
    if form == "rel_xyxy":
        height = width = 1.0
    if height is None or width is None:
        raise ValueError(f"{who}: height, width: expected both, got {height} and {width}")
    left, top, right, bottom = columns(as_boxes(who, "boxes", bounding_boxes["boxes"]))
    left, right = within(left, width), within(right, width)
    top, bottom = within(top, height), within(bottom, height)
    found = {**bounding_boxes, "boxes": joined(left, top, right, bottom)}
    if bounding_boxes.get("labels") is not None:
        areas = plain((right - left) * (bottom - top))
        labels = _core.as_tensor(bounding_boxes["labels"])
        while areas.ndim < labels.ndim:  # several numbers for each box
            areas = F.reshape(areas, shape=(*areas.shape, 1))
        found["labels"] = F.where(F.gt(areas, 0.0), labels, -1)
    return found


def within(x: Tensor, most: Any) -> Tensor:
    return F.minimum(F.maximum(x, 0.0), F.cast(_core.as_tensor(most), dtype="float32"))


def around(boxes: Tensor, matrix: Sequence[Tensor]) -> Tensor:
    """The least boxes, "xyxy", around boxes whose points an affine map has moved.

    Args:
        boxes: (batch, boxes, 4).
        matrix: the six numbers of the map, (batch, 1, 1) each: x' = a x + b y + c, y' = d x + ...
    """
    left, top, right, bottom = columns(boxes)
    a, b, c, d, e, f = matrix
    corners = [(x, y) for x in (left, right) for y in (top, bottom)]
    return hull([(a * x + b * y + c, d * x + e * y + f) for x, y in corners])


def hull(corners: Sequence[tuple[Tensor, Tensor]]) -> Tensor:
    """The least boxes around points."""
    xs, ys = (F.concat(list(column), axis=-1) for column in zip(*corners, strict=True))
    found = [bound(v, axes=-1, keepdims=True) for bound in (F.min, F.max) for v in (xs, ys)]
    return joined(*found)
