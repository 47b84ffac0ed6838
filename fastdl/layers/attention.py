"""Attention without projections: Attention (dot products) and AdditiveAttention."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _core
from .._base import functional as F
from .._base.checks import check_choice, check_flag, check_fraction, shown
from .._base.registry import LAYERS
from .._graph.symbolic import KerasTensor
from ..random import SeedGenerator, generator_of, stream_of
from ._config import plain_seed
from .layer import Layer

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .._base.parameter import Parameter
    from .._base.types import Config, Shape
    from .._core import Tensor
    from .options import LayerOptions

_FLOAT32 = np.dtype("float32")


@LAYERS.register
class Attention(Layer):
    """Attention of queries to keys by dot products, without projections.

    Called with `([query, value], mask=None, training=False, return_attention_scores=False,
    use_causal_mask=False)`, or with a key as third input; the key is the value unless given. query
    is `(batch, T, width)`, value `(batch, S, width of values)`, key `(batch, S, width)`. `mask` is
    a list of the masks of query and value, `(batch, T)` and `(batch, S)`, or None for one of them.
    Returns `(batch, T, width of values)`, 0 where the query is masked, and with
    `return_attention_scores` the weights `(batch, T, S)`, too.

    Args:
        use_scale: whether scores are multiplied by a weight, 1 at first.
        score_mode: "dot", or "concat" for the sum of tanh(query + key), times a weight.
        dropout: in training, the part of the weights that is dropped.
        seed: as for `Dropout`.

    Raises:
        ValueError: another score_mode, a rate that isn't between 0 and 1; inputs that are no list
            of two or three tensors, or whose shapes do not fit.

    Source: Luong et al. 2015; `keras.layers.Attention` of Keras 3.

    Example:
        >>> query, value = np.ones((2, 3, 4), "float32"), np.ones((2, 5, 4), "float32")
        >>> layers.Attention()([query, value]).shape
        (2, 3, 4)
    """

    _takes_several = True

    def __init__(
        self,
        use_scale: bool = False,
        score_mode: str = "dot",
        dropout: float = 0.0,
        seed: int | SeedGenerator | None = None,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**kwargs)
        who = type(self).__name__
        self.use_scale = check_flag(who, "use_scale", use_scale)
        self.score_mode = check_choice(who, "score_mode", score_mode, ("dot", "concat"))
        self.dropout = check_fraction(who, "dropout", dropout)
        self.seed = seed
        self.seed_generator = generator_of(seed, who)
        self.scale: Parameter | None = None
        self.concat_score_weight: Parameter | None = None

    def build(self, input_shape: Any) -> None:
        self._check(input_shape)
        if self.use_scale:
            self.scale = self.add_weight((), "ones", name="scale")
        if self.score_mode == "concat":
            self.concat_score_weight = self.add_weight((), "ones", name="concat_score_weight")

    def _check(self, inputs: Any) -> None:
        several = isinstance(inputs, (list, tuple)) and len(inputs) in (2, 3)
        if not several or isinstance(inputs[0], (int, type(None))):  # the shape of one tensor
            raise ValueError(
                "inputs: expected a list [query, value] or [query, value, key], got "
                f"{shown(inputs)}"
            )

    def _scores(self, query: Tensor, key: Tensor) -> Tensor:
        if self.score_mode == "dot":
            scores = F.matmul(query, key, transpose_b=True)
            return scores if self.scale is None else scores * self.scale
        z = _pairs(query, key)
        assert self.concat_score_weight is not None
        return self.concat_score_weight * F.sum(
            F.tanh(z if self.scale is None else self.scale * z), axes=[-1]
        )

    @property
    def _fuses(self) -> bool:
        return self.score_mode == "dot"

    def call(
        self,
        inputs: list[Tensor],
        mask: Any = None,
        training: bool = False,
        return_attention_scores: bool = False,
        use_causal_mask: bool = False,
    ) -> Any:
        self._check(inputs)
        query, value = inputs[:2]
        key = inputs[2] if len(inputs) > 2 else value
        query_mask, value_mask = self._masks(mask, query, value)
        dropout = self.dropout if training else 0.0
        weights = None
        with stream_of(self.seed_generator):
            if self._fuses and not return_attention_scores and query.ndim == 3:
                scaled = query if self.scale is None else query * self.scale
                q, k, v = (_one_head(x) for x in (scaled, key, value))
                padding = None
                if value_mask is not None:
                    padding = F.reshape(value_mask, shape=(-1, 1, 1, value_mask.shape[-1]))
                y = F.attention(
                    q, k, v, mask=padding, causal=bool(use_causal_mask), scale=1.0, dropout=dropout
                )
                y = F.reshape(y, shape=(*query.shape[:-1], value.shape[-1]))
            else:
                weights = self._weights(query, key, value_mask, use_causal_mask)
                weights = F.dropout(weights, rate=dropout) if dropout else weights
                y = F.matmul(weights, value)
        if query_mask is not None:
            y = F.where(F.reshape(query_mask, shape=(*query_mask.shape, 1)), y, 0.0)
        return (y, weights) if return_attention_scores else y

    def _masks(self, mask: Any, query: Tensor, value: Tensor) -> tuple[Any, Any]:
        if mask is None:
            return None, None
        if not isinstance(mask, (list, tuple)) or len(mask) not in (2, 3):
            raise ValueError(f"mask: expected a list [query_mask, value_mask], got {shown(mask)}")
        found = []
        for name, each, x in zip(("query", "value"), mask, (query, value), strict=False):
            if each is not None and tuple(each.shape) != tuple(x.shape[:-1]):
                raise ValueError(
                    f"mask: expected the shape {tuple(x.shape[:-1])} of the {name}, got "
                    f"{tuple(each.shape)}"
                )
            found.append(None if each is None else F.cast(each, dtype="bool"))
        return found[0], found[1]

    def _weights(self, query: Tensor, key: Tensor, value_mask: Any, causal: bool) -> Tensor:
        scores = self._scores(query, key)
        mask = None
        if value_mask is not None:
            shape = (*value_mask.shape[:-1], 1, value_mask.shape[-1])
            mask = F.reshape(value_mask, shape=shape)
        if causal:
            seen = _core.as_tensor(np.tri(scores.shape[-2], scores.shape[-1], dtype=bool))
            mask = seen if mask is None else F.logical_and(mask, seen)
        if mask is None:
            return F.softmax(scores)
        return F.where(mask, F.softmax(F.where(mask, scores, -1e9)), 0.0)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """The mask of the output: that of the query."""
        return mask[0] if mask else None

    def compute_output_shape(self, input_shape: Any) -> Shape:
        self._check(input_shape)
        return (*input_shape[0][:-1], input_shape[1][-1])

    def compute_output_spec(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """The KerasTensors that a call on these KerasTensors returns."""
        shapes = [x.shape for x in inputs]
        output = KerasTensor(self.compute_output_shape(shapes), _FLOAT32)
        if not kwargs.get("return_attention_scores", args[2] if len(args) > 2 else False):
            return output
        return output, KerasTensor((*shapes[0][:-1], shapes[-1][-2]), _FLOAT32)

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "use_scale": self.use_scale,
            "score_mode": self.score_mode,
            "dropout": self.dropout,
            "seed": plain_seed(self.seed),
        }


def _one_head(x: Tensor) -> Tensor:
    return F.reshape(x, shape=(*x.shape[:-1], 1, x.shape[-1]))


def _pairs(query: Tensor, key: Tensor) -> Tensor:
    """query + key for all pairs, (..., T, S, width)."""
    q = F.reshape(query, shape=(*query.shape[:-1], 1, query.shape[-1]))
    k = F.reshape(key, shape=(*key.shape[:-2], 1, *key.shape[-2:]))
    return q + k


@LAYERS.register
class AdditiveAttention(Attention):
    """Attention whose scores are `sum(scale * tanh(query + key))`.

    Called as `Attention` is; query and key have the same width.

    Args:
        use_scale: whether there is a weight `scale` for each feature.
        dropout: in training, the part of the weights that is dropped.
        seed: as for `Dropout`.

    Raises:
        ValueError: as for `Attention`.

    Source: Bahdanau et al. 2015; `keras.layers.AdditiveAttention` of Keras 3.

    Example:
        >>> query, value = np.ones((2, 3, 4), "float32"), np.ones((2, 5, 4), "float32")
        >>> layers.AdditiveAttention()([query, value]).shape
        (2, 3, 4)
    """

    def __init__(
        self,
        use_scale: bool = True,
        dropout: float = 0.0,
        seed: int | SeedGenerator | None = None,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(use_scale=use_scale, dropout=dropout, seed=seed, **kwargs)

    _fuses = False

    def build(self, input_shape: Any) -> None:
        self._check(input_shape)
        if self.use_scale:
            width = input_shape[0][-1]
            if width is None:
                raise ValueError(f"the width of queries must be known, got {input_shape}")
            self.scale = self.add_weight((width,), "glorot_uniform", name="scale")

    def _scores(self, query: Tensor, key: Tensor) -> Tensor:
        z = F.tanh(_pairs(query, key))
        return F.sum(z if self.scale is None else self.scale * z, axes=[-1])

    def get_config(self) -> Config:
        config = super().get_config()
        del config["score_mode"]
        return config
