"""Attention with heads: MultiHeadAttention and GroupQueryAttention.

The file is long because two constructors and calls spell all their arguments, for help().
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from .. import _core, constraints, initializers, regularizers
from .._base import functional as F
from .._base.checks import check_flag, check_fraction, check_integer, shown
from .._base.decoding import Decoding, decoding
from .._base.registry import LAYERS
from .._base.settings import settings as defaults
from .._graph.symbolic import KerasTensor
from ..random import SeedGenerator, generator_of, stream_of
from ._config import plain_seed
from ._projections import OfProjections, Projection
from .layer import Layer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from typing_extensions import Unpack

    from .._base.registry import Identifier
    from .._base.types import Config, Shape
    from .._core import Tensor
    from .options import PlainOptions

_MODULES: dict[str, Any] = {
    "initializer": initializers,
    "regularizer": regularizers,
    "constraint": constraints,
}
_FLOAT32 = np.dtype("float32")


class HeadsAttention(Layer):
    """Base of both layers: projections to heads, attention in each, and the projection of all."""

    supports_masking = True  # the output has the mask of the query
    _activity_regularizer: Any  # of the projections
    _generator_group = "_dropout_layer/seed_generator"
    kernel_initializer = OfProjections()
    bias_initializer = OfProjections()
    kernel_regularizer = OfProjections()
    bias_regularizer = OfProjections()
    kernel_constraint = OfProjections()
    bias_constraint = OfProjections()

    def _setup(
        self,
        heads: tuple[int, int],
        widths: tuple[int, int],
        dropout: float,
        use_bias: bool,
        sliding_window: int | None,
        flash_attention: bool | None,
        use_gate: bool,
        seed: int | SeedGenerator | None,
        settings: dict[str, Identifier],
    ) -> None:
        """`heads` are those of queries and of keys, `widths` those of keys and of values."""
        who = type(self).__name__
        self._heads, self._widths = heads, widths
        self._dropout = check_fraction(who, "dropout", dropout)
        self._use_bias = check_flag(who, "use_bias", use_bias)
        self._use_gate = check_flag(who, "use_gate", use_gate)
        self._sliding_window = (
            None
            if sliding_window is None
            else check_integer(who, "sliding_window", sliding_window, 1)
        )
        if flash_attention is not None:
            check_flag(who, "flash_attention", flash_attention)
        if (flash_attention or defaults.flash_attention) and dropout:
            raise ValueError(f"{who}: flash_attention: expected no dropout with it, got {dropout}")
        self._flash_attention = bool(flash_attention or defaults.flash_attention)
        self.seed = seed
        self.seed_generator = generator_of(seed, who)
        self._settings = {
            name: _MODULES[name.rpartition("_")[2]].get(value, f"{who}: {name}")
            for name, value in settings.items()
        }
        self._attention_axes: tuple[int, ...] | None = None

    def _projection(
        self, name: str, axes_in: int, sizes: tuple[int, ...], **more: Any
    ) -> Projection:
        return Projection(
            axes_in,
            sizes,
            self._use_bias,
            self._settings,
            name=name,
            dtype=self._policy,
            activity_regularizer=self._activity_regularizer,
            **more,
        )

    def build(  # type: ignore[override]
        self, query_shape: Shape, value_shape: Shape, key_shape: Any = None
    ) -> None:
        key_shape = value_shape if key_shape is None else key_shape
        _check_shapes(value_shape, key_shape)
        (queries, keys), (width, value_width) = self._heads, self._widths
        self._query_dense = self._projection("query", 1, (queries, width))
        self._key_dense = self._projection("key", 1, (keys, width))
        if self._use_gate:
            gate = (queries, value_width)
            self._gate_dense = self._projection("gate", 1, gate, activation=F.sigmoid)
        self._value_dense = self._projection("value", 1, (keys, value_width))
        self._output_dense = self._projection("attention_output", 2, self._sizes_out(query_shape))
        for layer, shape in (
            (self._query_dense, query_shape),
            (self._key_dense, key_shape),
            *([(self._gate_dense, query_shape)] if self._use_gate else ()),
            (self._value_dense, value_shape),
            (self._output_dense, (*query_shape[:-1], queries, value_width)),
        ):
            layer.build(shape)
            layer.built = True

    def _sizes_out(self, query_shape: Shape) -> tuple[int, ...]:
        size = query_shape[-1]
        if size is None:
            raise ValueError(f"the last axis of the query must be known, got shape {query_shape}")
        return (size,)

    @property
    def dropout(self) -> float:
        """The part of the weights that is dropped in training."""
        return self._dropout

    @property
    def use_bias(self) -> bool:
        """Whether projections have biases."""
        return self._use_bias

    @property
    def use_gate(self) -> bool:
        """Whether the heads' results are multiplied by a gate."""
        return self._use_gate

    @property
    def sliding_window(self) -> int | None:
        """How far a query looks; None for all steps."""
        return self._sliding_window

    @property
    def query_dense(self) -> Layer:
        """The projection of queries."""
        return self._query_dense

    @property
    def key_dense(self) -> Layer:
        """The projection of keys."""
        return self._key_dense

    @property
    def value_dense(self) -> Layer:
        """The projection of values."""
        return self._value_dense

    @property
    def output_dense(self) -> Layer:
        """The projection of the heads' results."""
        return self._output_dense

    def call(
        self,
        query: Tensor,
        value: Tensor,
        key: Tensor | None = None,
        query_mask: Tensor | None = None,
        value_mask: Tensor | None = None,
        key_mask: Tensor | None = None,
        attention_mask: Tensor | None = None,
        return_attention_scores: bool = False,
        training: bool = False,
        use_causal_mask: bool = False,
    ) -> Any:
        if return_attention_scores and self._flash_attention:
            raise ValueError("return_attention_scores: flash attention has no scores to return")
        alone = query is value and (key is None or key is value)
        key = value if key is None else key
        q, k, v = self._query_dense(query), self._key_dense(key), self._value_dense(value)
        memory = decoding()
        if memory is not None and use_causal_mask and alone:
            masks = (value_mask, key_mask, attention_mask, self._sliding_window)
            y, scores = self._continue(memory, q, k, v, masks, return_attention_scores), None
        elif q.ndim == 4 and self._attention_axes in (None, (1,), (-2,)):
            mask = self._mask(q.shape[1], k.shape[1], (value_mask, key_mask), attention_mask)
            y, scores = self._attend(
                q, k, v, mask, use_causal_mask, return_attention_scores, training
            )
        else:
            if value_mask is not None or key_mask is not None:
                raise ValueError(
                    "masks of value or key need inputs of shape (batch, steps, features)"
                )
            y, scores = self._attend_axes(
                q, k, v, attention_mask, use_causal_mask, return_attention_scores, training
            )
        if self._use_gate:
            y = y * self._gate_dense(query)
        output = self._output_dense(y)
        return (output, scores) if return_attention_scores else output

    def _mask(
        self,
        queries: int,
        keys: int,
        padding: Sequence[Tensor | None],
        attention_mask: Tensor | None,
    ) -> Tensor | None:
        """The mask of scores (batch, heads, queries, keys), whose axes may be 1; None for none."""
        found: list[Tensor] = []
        for mask in padding:
            if mask is not None:
                if tuple(mask.shape[1:]) != (keys,):
                    raise ValueError(
                        f"a mask of value or key: expected shape (batch, {keys}), got "
                        f"{tuple(mask.shape)}"
                    )
                found.append(F.reshape(F.cast(mask, dtype="bool"), shape=(-1, 1, 1, keys)))
        if self._sliding_window is not None:
            apart = np.abs(np.arange(queries)[:, None] - np.arange(keys))
            found.append(_core.as_tensor((apart < self._sliding_window)[None, None]))
        if attention_mask is not None:
            shape = tuple(attention_mask.shape)
            if not 2 <= len(shape) <= 4 or any(
                n not in (1, wanted) for n, wanted in zip(shape[-2:], (queries, keys), strict=True)
            ):
                raise ValueError(
                    f"attention_mask: expected shape (batch, {queries}, {keys}), got {shape}"
                )
            front = {2: (1, 1), 3: (shape[0], 1), 4: shape[:2]}[len(shape)]
            mask = F.cast(attention_mask, dtype="bool")
            found.append(F.reshape(mask, shape=(*front, *shape[-2:])))
        mask = None
        for each in found:
            mask = each if mask is None else F.logical_and(mask, each)
        return mask

    def _attend(
        self,
        q: Tensor,
        k: Tensor,
        v: Tensor,
        mask: Tensor | None,
        causal: bool,
        scores_too: bool,
        training: bool,
    ) -> tuple[Tensor, Tensor | None]:
        """The results for q, k, v of shape (batch, steps, heads, width), and the weights."""
        dropout = self._dropout if training else 0.0
        with stream_of(self.seed_generator):
            if not scores_too:
                y = F.attention(q, k, v, mask=mask, causal=bool(causal), dropout=dropout)
                return y, None
            weights = self._weights(q, k, mask, causal)
            kept = F.dropout(weights, rate=dropout) if dropout else weights
        heads = F.matmul(kept, _heads_first(v, self._repeats()))
        return F.transpose(heads, perm=[0, 2, 1, 3]), weights

    def _continue(
        self, memory: Decoding, q: Tensor, k: Tensor, v: Tensor, masks: Any, scores_too: bool
    ) -> Tensor:
        """Causal attention of new steps to these and to those that the memory has."""
        if scores_too or any(mask is not None for mask in masks) or q.ndim != 4:
            raise NotImplementedError(
                "with a mask, a window or scores, steps cannot come one by one"
            )

        keys, values = memory.extend(self, (k, v))
        return F.attention(
            q,
            keys.values,
            values.values,
            causal=True,
            offset=memory.position,
            key_scale=keys.scale,
            value_scale=values.scale,
        )

    def _repeats(self) -> int:
        return self._heads[0] // self._heads[1]

    def _weights(self, q: Tensor, k: Tensor, mask: Tensor | None, causal: bool) -> Tensor:
        """The weights of all keys for all queries, (batch, heads, queries, keys)."""
        scores = F.matmul(_heads_first(q, 1), _heads_first(k, self._repeats()), transpose_b=True)
        scores = scores * (1.0 / math.sqrt(self._widths[0]))
        if causal:
            seen = np.tri(q.shape[1], k.shape[1], dtype=bool)[None, None]
            triangle = _core.as_tensor(seen)
            mask = triangle if mask is None else F.logical_and(mask, triangle)
        if mask is None:
            return F.softmax(scores)
        return F.where(mask, F.softmax(F.where(mask, scores, -1e9)), 0.0)

    def _attend_axes(
        self,
        q: Tensor,
        k: Tensor,
        v: Tensor,
        mask: Tensor | None,
        causal: bool,
        scores_too: bool,
        training: bool,
    ) -> tuple[Tensor, Tensor | None]:
        """Attention over some axes between the batch and the heads; the others join the batch."""
        rank = q.ndim - 2  # the batch and the axes between
        axes = self._attention_axes or tuple(range(1, rank))
        axes = tuple(a % (rank + 1) for a in axes)
        if len(set(axes)) < len(axes) or not all(0 < a < rank for a in axes):
            raise ValueError(
                f"MultiHeadAttention: attention_axes: expected different axes between the first "
                f"and the last of an input of {rank + 1} axes, got {self._attention_axes}"
            )
        free = [a for a in range(rank) if a not in axes]
        perm = [*free, *axes, rank, rank + 1]

        def folded(x: Tensor) -> Tensor:
            moved = F.transpose(x, perm=perm)
            sizes = [math.prod(x.shape[a] for a in group) for group in (free, axes)]
            return F.reshape(moved, shape=(*sizes, *x.shape[-2:]))

        steps = [math.prod(x.shape[a] for a in axes) for x in (q, k)]
        if mask is not None:
            mask = _folded_mask(mask, [q.shape[a] for a in free], len(axes), steps)
        y, weights = self._attend(
            folded(q), folded(k), folded(v), mask, causal, scores_too, training
        )
        sizes = [q.shape[a] for a in (*free, *axes)]
        y = F.reshape(y, shape=(*sizes, *y.shape[-2:]))
        back = [perm.index(a) for a in range(rank + 2)]
        if weights is not None:
            places = [x.shape[a] for x in (q, k) for a in axes]
            shape = (*(q.shape[a] for a in free), q.shape[-2], *places)
            weights = F.reshape(weights, shape=shape)
        return F.transpose(y, perm=back), weights

    # --- shapes and masks

    def compute_output_shape(
        self, query_shape: Shape, value_shape: Any, key_shape: Any = None
    ) -> Shape:
        _check_shapes(value_shape, value_shape if key_shape is None else key_shape)
        return (*query_shape[:-1], *self._sizes_out(query_shape))

    def compute_output_spec(self, query: Any, value: Any, *args: Any, **kwargs: Any) -> Any:
        """The KerasTensors that a call on these KerasTensors returns."""
        output = KerasTensor((*query.shape[:-1], *self._sizes_out(query.shape)), _FLOAT32)
        scores_too = kwargs.get("return_attention_scores", args[5] if len(args) > 5 else False)
        if not scores_too:
            return output
        steps = (query.shape[1], value.shape[1])
        return output, KerasTensor((query.shape[0], self._heads[0], *steps), _FLOAT32)

    def get_config(self) -> Config:
        config = {
            **super().get_config(),
            "dropout": self._dropout,
            "use_bias": self._use_bias,
            "use_gate": self._use_gate,
            "sliding_window": self._sliding_window,
            "seed": plain_seed(self.seed),
            "activity_regularizer": regularizers.serialize(self._activity_regularizer),
        }
        for name, value in self._settings.items():
            config[name] = _MODULES[name.rpartition("_")[2]].serialize(value)
        return config


def _folded_mask(mask: Tensor, free: list[int], axes: int, steps: list[int]) -> Tensor:
    """A mask of scores (*free, heads, *axes, *axes) for samples that join the free axes.

    As in Keras, axes that the mask lacks come after its first ones.
    """
    front, back = mask.shape[: -2 * axes], mask.shape[-2 * axes :]
    lacking = len(free) + 1 - len(front)
    if lacking < 0:
        raise ValueError(
            f"attention_mask: expected at most {mask.ndim + lacking} axes, got {mask.ndim}"
        )
    front = (*front, *(1,) * lacking)
    mask = F.reshape(F.cast(mask, dtype="bool"), shape=(*front, *back))
    mask = F.broadcast_to(mask, shape=(*free, front[-1], *back))
    return F.reshape(mask, shape=(math.prod(free), front[-1], *steps))


def _heads_first(x: Tensor, repeats: int) -> Tensor:
    """(batch, heads, steps, width) of (batch, steps, heads, width), each head several times."""
    x = F.transpose(x, perm=[0, 2, 1, 3])
    if repeats == 1:
        return x
    batch, heads, steps, width = x.shape
    x = F.reshape(x, shape=(batch, heads, 1, steps, width))
    x = F.broadcast_to(x, shape=(batch, heads, repeats, steps, width))
    return F.reshape(x, shape=(batch, heads * repeats, steps, width))


def _check_shapes(value: Shape, key: Shape) -> None:
    if tuple(value[1:-1]) != tuple(key[1:-1]):
        raise ValueError(
            f"value and key must have equal axes but for the last, got shapes {tuple(value)} and "
            f"{tuple(key)}"
        )


@LAYERS.register
class MultiHeadAttention(HeadsAttention):
    """Attention of queries to keys in several heads, whose results are projected together.

    Called with `(query, value, key=None, query_mask=None, value_mask=None, key_mask=None,
    attention_mask=None, return_attention_scores=False, training=False, use_causal_mask=False)`.
    query is `(batch, T, features)`, value and key are `(batch, S, features)`; the key is the value
    unless given. `attention_mask`, `(batch, T, S)` or `(batch, heads, T, S)`, is True where a query
    may attend to a key. Returns `(batch, T, features)`, and with `return_attention_scores` the
    weights `(batch, heads, T, S)`, too.

    The result is computed by blocks of keys, so memory grows with T + S, not with T S; only
    `return_attention_scores` makes the matrix. A query that may attend to no key gives 0 before the
    last projection. Positions that `query_mask` masks are computed like others.

    Args:
        num_heads: heads, at least 1.
        key_dim: width of queries and keys in a head, at least 1.
        value_dim: width of values in a head; `key_dim` unless given.
        dropout: in training, the part of the weights that is dropped.
        use_bias: whether projections have biases.
        output_shape: sizes of the last axes of the output; that of the query unless given.
        attention_axes: the axes over which attention runs; all between the first and the last
            unless given.
        sliding_window: keys further than this from a query, or as far, are not attended to.
        flash_attention: every call without `return_attention_scores` is computed so; with True such
            calls and `dropout` are errors, as in Keras.
        kernel_initializer, bias_initializer: of the projections' weights.
        kernel_regularizer, bias_regularizer: penalties on these weights.
        activity_regularizer: penalty on the results of the projections, the output among them.
        kernel_constraint, bias_constraint: projections of the weights after each update.
        use_gate: whether the heads' results are multiplied by a sigmoid of another projection of
            the query.
        seed: as for `Dropout`.

    Raises:
        ValueError: sizes below 1, a rate that isn't between 0 and 1; inputs or masks whose shapes
            do not fit.

    Source: Vaswani et al. 2017; `keras.layers.MultiHeadAttention` of Keras 3.

    Example:
        >>> x = np.ones((2, 5, 8), "float32")
        >>> layers.MultiHeadAttention(num_heads=2, key_dim=4)(x, x, use_causal_mask=True).shape
        (2, 5, 8)
    """

    _public_names: ClassVar[dict[str, str]] = {
        f"_{name}_dense": f"{name}_dense" for name in ("query", "key", "value", "output")
    }

    def __init__(
        self,
        num_heads: int,
        key_dim: int,
        value_dim: int | None = None,
        dropout: float = 0.0,
        use_bias: bool = True,
        output_shape: int | Sequence[int] | None = None,
        attention_axes: int | Sequence[int] | None = None,
        sliding_window: int | None = None,
        flash_attention: bool | None = None,
        kernel_initializer: Identifier = "glorot_uniform",
        bias_initializer: Identifier = "zeros",
        kernel_regularizer: Identifier = None,
        bias_regularizer: Identifier = None,
        activity_regularizer: Identifier = None,
        kernel_constraint: Identifier = None,
        bias_constraint: Identifier = None,
        use_gate: bool = False,
        seed: int | SeedGenerator | None = None,
        **kwargs: Unpack[PlainOptions],
    ) -> None:
        super().__init__(**kwargs)
        who = "MultiHeadAttention"
        label = f"{who}: activity_regularizer"
        self._activity_regularizer = regularizers.get(activity_regularizer, label)
        self.num_heads = check_integer(who, "num_heads", num_heads, 1)
        self.key_dim = check_integer(who, "key_dim", key_dim, 1)
        self.value_dim = (
            key_dim if value_dim is None else check_integer(who, "value_dim", value_dim, 1)
        )
        self._setup(
            (num_heads, num_heads),
            (key_dim, self.value_dim),
            dropout,
            use_bias,
            sliding_window,
            flash_attention,
            use_gate,
            seed,
            {
                "kernel_initializer": kernel_initializer,
                "bias_initializer": bias_initializer,
                "kernel_regularizer": kernel_regularizer,
                "bias_regularizer": bias_regularizer,
                "kernel_constraint": kernel_constraint,
                "bias_constraint": bias_constraint,
            },
        )
        self._output_sizes = _sizes(who, "output_shape", output_shape, 1)
        self._attention_axes = _sizes(who, "attention_axes", attention_axes, -8)

    @property
    def attention_axes(self) -> tuple[int, ...] | None:
        """The axes over which attention runs; None for all."""
        return self._attention_axes

    def _sizes_out(self, query_shape: Shape) -> tuple[int, ...]:
        return self._output_sizes or super()._sizes_out(query_shape)

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "num_heads": self.num_heads,
            "key_dim": self.key_dim,
            "value_dim": self.value_dim,
            "output_shape": self._output_sizes,
            "attention_axes": self._attention_axes,
        }


def _sizes(who: str, argument: str, value: Any, least: int) -> tuple[int, ...] | None:
    """An integer or several as a tuple; None stays."""
    if value is None:
        return None
    given = value if isinstance(value, (list, tuple)) else (value,)
    if not given:
        raise ValueError(f"{who}: {argument}: expected at least one integer, got {shown(value)}")
    return tuple(check_integer(who, argument, each, least) for each in given)


@LAYERS.register("GroupQueryAttention")
class GroupedQueryAttention(HeadsAttention):
    """Attention in several heads, of which groups share their keys and values.

    Its name in `layers` is GroupQueryAttention, as in Keras.

    Called as `MultiHeadAttention` is, with inputs of shape `(batch, steps, features)`.

    Args:
        head_dim: width of a head, at least 1.
        num_query_heads: heads of queries, a multiple of `num_key_value_heads`.
        num_key_value_heads: heads of keys and values, at least 1.
        dropout, use_bias, sliding_window, flash_attention: as for `MultiHeadAttention`.
        kernel_initializer, bias_initializer: as for `MultiHeadAttention`.
        kernel_regularizer, bias_regularizer, activity_regularizer: as for `MultiHeadAttention`; the
            last counts the output twice, and scores that are returned, as in Keras.
        kernel_constraint, bias_constraint, use_gate, seed: as for `MultiHeadAttention`.

    Raises:
        ValueError: sizes below 1, heads that do not divide; inputs or masks whose shapes do not
            fit.

    Source: Ainslie et al. 2023; `keras.layers.GroupQueryAttention` of Keras 3.

    Example:
        >>> x = np.ones((2, 5, 8), "float32")
        >>> layers.GroupQueryAttention(4, num_query_heads=4, num_key_value_heads=2)(x, x).shape
        (2, 5, 8)
    """

    def __init__(
        self,
        head_dim: int,
        num_query_heads: int,
        num_key_value_heads: int,
        dropout: float = 0.0,
        use_bias: bool = True,
        sliding_window: int | None = None,
        flash_attention: bool | None = None,
        kernel_initializer: Identifier = "glorot_uniform",
        bias_initializer: Identifier = "zeros",
        kernel_regularizer: Identifier = None,
        bias_regularizer: Identifier = None,
        activity_regularizer: Identifier = None,
        kernel_constraint: Identifier = None,
        bias_constraint: Identifier = None,
        use_gate: bool = False,
        seed: int | SeedGenerator | None = None,
        **kwargs: Unpack[PlainOptions],
    ) -> None:
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self._activity_regularizer = self.activity_regularizer
        who = "GroupQueryAttention"
        self.head_dim = check_integer(who, "head_dim", head_dim, 1)
        self.num_query_heads = check_integer(who, "num_query_heads", num_query_heads, 1)
        self.num_key_value_heads = check_integer(who, "num_key_value_heads", num_key_value_heads, 1)
        if num_query_heads % num_key_value_heads:
            raise ValueError(
                f"{who}: num_query_heads: expected a multiple of num_key_value_heads, "
                f"{num_key_value_heads}, got {num_query_heads}"
            )
        self._setup(
            (num_query_heads, num_key_value_heads),
            (head_dim, head_dim),
            dropout,
            use_bias,
            sliding_window,
            flash_attention,
            use_gate,
            seed,
            {
                "kernel_initializer": kernel_initializer,
                "bias_initializer": bias_initializer,
                "kernel_regularizer": kernel_regularizer,
                "bias_regularizer": bias_regularizer,
                "kernel_constraint": kernel_constraint,
                "bias_constraint": bias_constraint,
            },
        )

    def compute_output_shape(
        self, query_shape: Shape, value_shape: Any, key_shape: Any = None
    ) -> Shape:
        if query_shape[-1] != value_shape[-1]:
            raise ValueError(
                f"query and value must have the same last size, got shapes {tuple(query_shape)} "
                f"and {tuple(value_shape)}"
            )
        return super().compute_output_shape(query_shape, value_shape, key_shape)

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "head_dim": self.head_dim,
            "num_query_heads": self.num_query_heads,
            "num_key_value_heads": self.num_key_value_heads,
        }
