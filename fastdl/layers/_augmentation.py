"""The bases of layers that change images, and what belongs to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from .. import _core
from .._base import functional as F
from .._base import images as base
from .._base.boxes import check_box_format, clip_to_image_size, convert_format
from .._base.checks import check_integer, check_number, check_numbers, shown
from .._core import Tensor
from .._graph.symbolic import KerasTensor
from ..random import SeedGenerator, generator_of, stream_of
from .layer import Layer

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .._base.types import Config, Shape
    from .._core import TensorLike
    from .options import LayerOptions

    Transformation = dict[str, Any]
    Range = float | tuple[float, float]

_KEYS = ("images", "labels", "segmentation_masks", "bounding_boxes")
_UNCHANGED = ("labels", "bounding_boxes")  # in their shapes


def check_range(
    who: str, argument: str, value: Any, least: float, most: float, above: float = -np.inf
) -> tuple[float, float]:
    """The bounds of what is drawn: two numbers, or f for -f to f, as far as that is allowed.

    Raises:
        ValueError: the value is neither a number nor two within the limits.
    """
    if isinstance(value, (list, tuple)):
        found = check_numbers(who, argument, value, least, at_most=most, above=above)
        if len(found) != 2:
            raise ValueError(f"{who}: {argument}: expected a number or two, got {shown(value)}")
        return min(found) + 0.0, max(found) + 0.0  # never -0.0
    number = abs(check_number(who, argument, value, least, at_most=most, above=above))
    return max(-number, least) + 0.0, number


def check_values(who: str, value: Any) -> tuple[float, float]:
    """The least and the largest value of images.

    Raises:
        ValueError: the value is not two numbers.
    """
    found = check_numbers(who, "value_range", value, -np.inf)
    if len(found) != 2:
        raise ValueError(f"{who}: value_range: expected two numbers, got {shown(value)}")
    return min(found), max(found)


class ImageLayer(Layer):
    """Base of layers that change images, and the labels, masks and boxes that belong to them.

    They take images, `(batch, height, width, channels)` or one without a batch, or a dict with the
    keys "images", "labels", "segmentation_masks" and "bounding_boxes", of which they return a
    changed copy. Boxes are a dict of "boxes", `(batch, boxes, 4)`, and "labels", `(batch, boxes)`;
    `bounding_box_format` says what their numbers are (`utils.bounding_boxes`). A box is where its
    pixels are; one with no pixel left gets the label -1.

    `get_random_transformation` returns a transformation, and `transform_images`,
    `transform_labels`, `transform_segmentation_masks` and `transform_bounding_boxes` apply it to
    batches.
    """

    _takes_several = True
    _masks_move: ClassVar[bool] = True  # whether the transformation moves pixels
    _changes_in_inference: ClassVar[bool] = False  # whether pixels move in inference, too

    def __init__(
        self,
        data_format: str | None = None,
        bounding_box_format: str | None = None,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**kwargs)
        who = type(self).__name__
        if bounding_box_format is not None:
            check_box_format(who, "bounding_box_format", bounding_box_format)
        self.bounding_box_format = bounding_box_format
        self.data_format = base.check_format(who, data_format)

    # --- what subclasses define

    def _changed(self, images: Tensor, drawn: Transformation, exact: bool) -> Tensor:
        """Float images, transformed. `exact` asks for values of the input only: for masks."""
        raise NotImplementedError

    def _moved_boxes(self, boxes: Tensor, drawn: Any, sizes: tuple[int, int]) -> Tensor:
        """Boxes, (batch, boxes, 4), left, top, right and bottom, in the transformed images.

        Args:
            boxes: those of the images.
            drawn: the transformation; None in inference.
            sizes: height and width of the images.
        """
        raise ValueError(f"{type(self).__name__} cannot move bounding boxes")

    def _sizes_after(self, sizes: tuple[int, int]) -> tuple[int, int]:
        """Height and width of the transformed images."""
        return sizes

    # --- what callers use

    def get_random_transformation(
        self,
        data: TensorLike | dict[str, TensorLike],
        training: bool = True,
        seed: int | SeedGenerator | None = None,
    ) -> Any:
        """A transformation of these images; of random ones drawn from `seed` or the layer's stream.

        Random changes give None when `training` is false.
        """
        return self._transformation(self._shape_of_images(data), training, seed)

    def _transformation(
        self, shape: tuple[int, ...], training: bool, seed: int | SeedGenerator | None
    ) -> Any:
        raise NotImplementedError

    def _shape_of_images(self, data: Any) -> tuple[int, ...]:
        """The shape of the images, after a check of its length."""
        shape = _core.as_tensor(data["images"] if isinstance(data, dict) else data).shape
        self._check_rank(shape)
        return shape

    def transform_images(
        self, images: TensorLike, transformation: Any, training: bool = True
    ) -> Tensor:
        """A batch of images, or one, as floats; in training, transformed."""
        x = F.cast(images, dtype="float32")
        if training and transformation is not None:
            one = x.ndim == 3
            x = self._changed(
                F.reshape(x, shape=(1, *x.shape)) if one else x, transformation, False
            )
            x = F.reshape(x, shape=x.shape[1:]) if one else x
        return base.as_before(x, self._out)

    def transform_labels(
        self, labels: TensorLike, transformation: Any, training: bool = True
    ) -> Tensor:
        """The labels of the transformed images: the same, unless images are mixed."""
        labels = _core.as_tensor(labels)
        if training and transformation is not None:
            return self._relabelled(labels, transformation)
        return labels

    def _relabelled(self, labels: Tensor, drawn: Transformation) -> Tensor:
        return labels

    def transform_segmentation_masks(
        self, segmentation_masks: TensorLike, transformation: Any, training: bool = True
    ) -> Tensor:
        """A batch of masks, moved as the images are, with their own values only."""
        masks = _core.as_tensor(segmentation_masks)
        if not (training and self._masks_move) or transformation is None:
            return masks
        moved = self._changed(F.cast(masks, dtype="float32"), transformation, True)
        return base.as_before(moved, masks.dtype)

    def transform_bounding_boxes(
        self, bounding_boxes: dict[str, Any], transformation: Any, training: bool = True
    ) -> dict[str, Any]:
        """The boxes of a batch, or of one image, moved as the images are.

        Args:
            bounding_boxes: a dict of "boxes", (batch, boxes, 4) or (boxes, 4), and maybe "labels".
            transformation: from `get_random_transformation`.
            training: as in a call.

        Raises:
            ValueError: the layer has no `bounding_box_format`, or cannot move boxes.
        """
        shape = transformation.get("input_shape") if isinstance(transformation, dict) else None
        sizes = None if shape is None else self._sizes((1, *map(int, shape))[-4:])
        given: Any = bounding_boxes
        if not isinstance(given, dict) or np.ndim(given.get("boxes", 0)) != 2:
            return self._boxes(given, transformation, training, sizes)
        given = {key: _core.as_tensor(value) for key, value in given.items()}
        batch = {"boxes": _with_batch(given["boxes"])}
        batch |= {key: F.reshape(x, shape=(1, -1)) for key, x in given.items() if key != "boxes"}
        moved = self._boxes(batch, transformation, training, sizes)
        return {
            key: F.reshape(x, shape=x.shape[1:] if key == "boxes" else given[key].shape)
            for key, x in moved.items()
        }

    def _boxes(
        self, given: Any, drawn: Any, training: bool, sizes: tuple[int, int] | None
    ) -> dict[str, Any]:
        who = "bounding_boxes"
        if not isinstance(given, dict) or "boxes" not in given:
            raise ValueError(f"{who}: expected a dict with 'boxes', got {shown(given)}")
        form = self.bounding_box_format
        if form is None:
            raise ValueError(
                f"{who}: the layer does not know their format: give it bounding_box_format, such "
                "as 'xyxy'"
            )
        found = {key: _core.as_tensor(value) for key, value in given.items()}
        if not training:
            drawn = None
        if not self._masks_move or (drawn is None and not self._changes_in_inference):
            return found
        if sizes is None:
            raise ValueError(f"{who}: the transformation does not hold the shape of the images")
        found = convert_format(found, form, "xyxy", *sizes)
        moved = self._moved_boxes(found["boxes"], drawn, sizes)
        after = self._sizes_after(sizes)
        found = clip_to_image_size(self._with_boxes(found, moved, drawn), *after)
        changed: dict[str, Any] = convert_format(found, "xyxy", form, *after)
        return changed

    def _with_boxes(self, found: dict[str, Any], boxes: Tensor, drawn: Any) -> dict[str, Any]:
        """The dict with moved boxes."""
        return {**found, "boxes": boxes}

    def call(self, data: Any, training: bool = True) -> Any:
        if not isinstance(data, dict):
            self._check_image(data)
            drawn = self.get_random_transformation(data, training)
            return self._batched(self.transform_images, data, drawn, training)
        if "images" not in data or not set(data) <= set(_KEYS):
            raise ValueError(
                f"expected images, or a dict with 'images' and perhaps {_KEYS[1]!r}, {_KEYS[2]!r} "
                f"and {_KEYS[3]!r}, got one with the keys {list(data)}"
            )
        drawn = self.get_random_transformation(data, training)
        one = data["images"].ndim == 3
        transforms = (
            self.transform_images,
            self.transform_labels,
            self.transform_segmentation_masks,
        )
        found = {
            key: self._batched(transform, data[key], drawn, training, one)
            for key, transform in zip(_KEYS, transforms, strict=False)
            if key in data
        }
        if _KEYS[3] in data:
            shape = (1,) * one + data["images"].shape
            boxes = data[_KEYS[3]]
            if one and isinstance(boxes, dict):
                boxes = {key: _with_batch(value) for key, value in boxes.items()}
            boxes = self._boxes(boxes, drawn, training, self._sizes(shape))
            if one:
                boxes = {key: F.reshape(t, shape=t.shape[1:]) for key, t in boxes.items()}
            found[_KEYS[3]] = boxes
        return found

    def _batched(
        self, transform: Any, x: Tensor, drawn: Any, training: bool, one: bool | None = None
    ) -> Tensor:
        if one is None:
            one = x.ndim == 3
        if not one:
            return transform(x, drawn, training)
        y = transform(F.reshape(x, shape=(1, *x.shape)), drawn, training)
        return F.reshape(y, shape=y.shape[1:])

    def _check_image(self, data: Any) -> None:
        if not isinstance(data, Tensor):
            raise ValueError(f"expected images or a dict of them, got a {type(data).__name__}")
        self._check_rank(data.shape)

    def _check_rank(self, shape: Shape) -> None:
        if len(shape) not in (3, 4):
            raise ValueError(
                f"expected an image or a batch of them, with 3 or 4 axes, got shape {tuple(shape)}"
            )

    # --- shapes

    @property
    def _out(self) -> str:
        """The type of the images that the layer returns."""
        kind = self._dtype_policy.compute_dtype
        return "float32" if kind == "bfloat16" else kind

    @property
    def _axes(self) -> tuple[int, int, int]:
        """The axes of height, width and channels in a batch."""
        return (1, 2, 3) if self.data_format == "channels_last" else (2, 3, 1)

    def _sizes(self, shape: tuple[int, ...]) -> tuple[int, int]:
        return shape[self._axes[0]], shape[self._axes[1]]

    def compute_output_shape(self, input_shape: Any) -> Any:
        if isinstance(input_shape, dict):
            return {
                key: shape if key in _UNCHANGED else self.compute_output_shape(shape)
                for key, shape in input_shape.items()
            }
        self._check_rank(input_shape)
        found = list(input_shape)
        first = len(found) - (3 if self.data_format == "channels_last" else 2)
        sizes = found[first : first + 2]
        found[first : first + 2] = self._sizes_after((sizes[0], sizes[1]))
        return tuple(found)

    def compute_output_spec(self, data: Any, training: bool = True) -> Any:
        if isinstance(data, KerasTensor):
            kind = data.dtype if self._keeps_dtype else self._out
            return KerasTensor(self.compute_output_shape(data.shape), kind)
        return self._infer_output_spec((data,), {"training": training})

    def get_config(self) -> Config:
        config = {**super().get_config(), "data_format": self.data_format}
        if self.bounding_box_format is not None:
            config["bounding_box_format"] = self.bounding_box_format
        return config


class SizeGiven(ImageLayer):
    """Base of layers whose images have the size `height` and `width` afterwards."""

    height: int
    width: int
    _changes_in_inference = True

    def _take_size(self, height: int, width: int) -> None:
        who = type(self).__name__
        self.height = check_integer(who, "height", height, 1)
        self.width = check_integer(who, "width", width, 1)

    def _sizes_after(self, sizes: tuple[int, int]) -> tuple[int, int]:
        return self.height, self.width

    def get_config(self) -> Config:
        return {**super().get_config(), "height": self.height, "width": self.width}


class Augmentation(ImageLayer):
    """Base of layers that change images at random in training, and give floats.

    A subclass defines `_draw`, which draws a batch's transformation, and `_changed`, which applies
    it.
    """

    _generator_group = "generator"

    def __init__(
        self,
        seed: int | SeedGenerator | None,
        data_format: str | None = None,
        bounding_box_format: str | None = None,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(data_format, bounding_box_format, **kwargs)
        self.seed = seed
        self.seed_generator = generator_of(seed, type(self).__name__)

    def _draw(self, shape: tuple[int, ...]) -> Transformation | None:
        """A random transformation of a batch of this shape; None where there is none to draw."""
        raise NotImplementedError

    def _transformation(
        self, shape: tuple[int, ...], training: bool, seed: int | SeedGenerator | None
    ) -> Any:
        if not training:
            return None
        batch = (1, *shape) if len(shape) == 3 else shape
        with stream_of(self.seed_generator if seed is None else seed):
            drawn = self._draw(batch)
        if self._masks_move and isinstance(drawn, dict):
            drawn.setdefault("input_shape", batch)
        return drawn

    def get_config(self) -> Config:
        seed = self.seed.seed if isinstance(self.seed, SeedGenerator) else self.seed
        return {**super().get_config(), "seed": seed}


def _with_batch(value: Any) -> Tensor:
    found = _core.as_tensor(value)
    return F.reshape(found, shape=(1, *found.shape))


def per_image(numbers: Tensor) -> Tensor:
    """A number for each image, `(batch,)`, in a shape that fits images."""
    return F.reshape(numbers, shape=(-1, 1, 1, 1))


def box_mask(
    layer: Augmentation, shape: tuple[int, ...], parts: Tensor, across: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Boxes at random places, one for each image.

    Args:
        layer: the layer, for the order of axes.
        shape: the batch's shape.
        parts, across: (batch,), the boxes' heights and widths as parts of the images'.

    Returns:
        The mask of the boxes, (batch, height, width, 1) in the layer's order, and the boxes'
        heights and widths in pixels, (batch,), with fractions.
    """
    lengths, inside = [], []
    for axis, size, part in zip(layer._axes, layer._sizes(shape), (parts, across), strict=False):
        length = part * float(size)
        start = F.uniform(shape=(shape[0],)) * (float(size) - length)
        along = [size if i == axis else 1 for i in range(4)]
        places = np.arange(size, dtype=np.float32).reshape(along)
        low, high = per_image(start), per_image(start + length)
        inside.append(F.logical_and(F.ge(places, low), F.lt(places, high)))
        lengths.append(length)
    return F.logical_and(inside[0], inside[1]), lengths[0], lengths[1]
