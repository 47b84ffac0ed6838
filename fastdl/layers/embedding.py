"""Embeddings: a table with a row of weights for each id."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import constraints, initializers, regularizers
from .._base import functional as F
from .._base.checks import check_choice, check_flag, check_integer, check_number, prefixed
from .._base.notices import warn_once
from .._base.registry import LAYERS
from .._core import Tensor, with_mask
from .._graph.symbolic import KerasTensor
from ..ops import not_equal
from .layer import Layer

if TYPE_CHECKING:
    from .._base.parameter import Parameter
    from .._base.registry import Identifier
    from .._base.types import Config, Shape
    from .._core import TensorLike

# A Sequential gives its first layer float32, as Keras does. They hold ids up to here.
_FLOATS = 2**24


@LAYERS.register
class Embedding(Layer):
    """The row of a table of weights for each id: `(...)` to `(..., output_dim)`.

    Ids are integers, or floats with integer values. The gradient of a table reaches the rows that
    were read; those of an id that occurs several times are added in the order of the input.

    Args:
        input_dim: the number of ids, at least 1: they are 0 to `input_dim - 1`.
        output_dim: the size of a row, at least 1.
        embeddings_initializer: of the table `(input_dim, output_dim)`; "uniform" unless given.
        embeddings_regularizer: penalty on the whole table.
        embeddings_constraint: projection of the table after each update.
        mask_zero: whether 0 stands for padding. Then the output has a mask, false where the id is
            0, which the layers after it take.
        weights: the table, an array or a list with one; made by the initializer unless given.
        lora_rank, lora_alpha, quantization_config: None; low-rank adaptation and quantization are
            not there.

    Raises:
        ValueError: sizes that aren't positive integers, `weights` of another shape, or an argument
            that must be None.
        IndexError: an id is negative or too large, or isn't a whole number. The message names the
            layer, the first such id and its place. Recorded steps of `fit` raise it, too.

    Source: `keras.layers.Embedding` of Keras 3, which clips or wraps wrong ids, by its backend.

    Example:
        >>> layer = layers.Embedding(5, 2, weights=np.arange(10.0).reshape(5, 2))
        >>> layer(np.array([[1, 4]])).tolist()
        [[[2.0, 3.0], [8.0, 9.0]]]
    """

    embeddings: Parameter

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        embeddings_initializer: Identifier = "uniform",
        embeddings_regularizer: Identifier = None,
        embeddings_constraint: Identifier = None,
        mask_zero: bool = False,
        weights: TensorLike | list[TensorLike] | None = None,
        lora_rank: None = None,
        lora_alpha: None = None,
        quantization_config: None = None,
        **kwargs: Any,
    ) -> None:
        who = type(self).__name__
        if kwargs.pop("input_length", None) is not None:
            warn_once(f"{who}: input_length has no effect, as in Keras 3: leave it out")
        super().__init__(**kwargs)
        self.input_dim = check_integer(who, "input_dim", input_dim, 1)
        self.output_dim = check_integer(who, "output_dim", output_dim, 1)
        label = f"{who}: embeddings_"
        self.embeddings_initializer = initializers.get(
            embeddings_initializer, f"{label}initializer"
        )
        self.embeddings_regularizer = regularizers.get(
            embeddings_regularizer, f"{label}regularizer"
        )
        self.embeddings_constraint = constraints.get(embeddings_constraint, f"{label}constraint")
        self.mask_zero = check_flag(who, "mask_zero", mask_zero)
        self.supports_masking = self.mask_zero
        self.__dict__["_makes_masks"] = self.mask_zero and type(self)._makes_masks
        check_absent(
            who,
            lora_rank=lora_rank,
            lora_alpha=lora_alpha,
            quantization_config=quantization_config,
        )
        if weights is not None:
            self.build()
            given = weights if isinstance(weights, list) and len(weights) == 1 else [weights]
            try:
                self.set_weights(given)
            except (TypeError, ValueError) as error:
                raise prefixed(f"{who}: weights", error) from None

    @property
    def input_dtype(self) -> str:
        return "float32" if self.input_dim <= _FLOATS else "int64"

    def build(self, input_shape: Any = None) -> None:
        if self.built:
            return
        self.embeddings = self.add_weight(
            (self.input_dim, self.output_dim),
            self.embeddings_initializer,
            regularizer=self.embeddings_regularizer,
            constraint=self.embeddings_constraint,
            name="embeddings",
        )

    def call(self, inputs: Tensor) -> Tensor:
        who = f"{self._kind} {self.name!r} ({type(self).__name__})"
        return F.embedding(self.embeddings, inputs, who=who)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """Where the ids are not 0, with `mask_zero`; else None."""
        return not_equal(inputs, 0) if self.mask_zero else None

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (*input_shape, self.output_dim)

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "input_dim": self.input_dim,
            "output_dim": self.output_dim,
            "embeddings_initializer": initializers.serialize(self.embeddings_initializer),
            "embeddings_regularizer": regularizers.serialize(self.embeddings_regularizer),
            "embeddings_constraint": constraints.serialize(self.embeddings_constraint),
            "mask_zero": self.mask_zero,
        }


@LAYERS.register
class ReversibleEmbedding(Embedding):
    """An embedding whose table also turns rows back into a number for each id.

    `layer(ids)` is that of `Embedding`. `layer(x, reverse=True)` is `x @ table.T`, the logits of a
    language model: `(..., output_dim)` to `(..., input_dim)`.

    Args:
        input_dim, output_dim, embeddings_initializer: as in `Embedding`.
        embeddings_regularizer, embeddings_constraint: as in `Embedding`.
        mask_zero: as in `Embedding`. Logits have no mask.
        tie_weights: whether the way back uses the same table; otherwise it has its own matrix
            `(output_dim, input_dim)`, "reverse_embeddings", made by the same initializer.
        reverse_dtype: "float32", or "bfloat16" to round the operands of the product to bfloat16;
            that of the layer unless given. The logits are float32.
        logit_soft_cap: a number c above 0, with which logits x become `c tanh(x / c)`.

    Raises:
        ValueError: as `Embedding`; another `reverse_dtype`, or a cap that isn't positive.
        IndexError: as `Embedding`.

    Source: Press & Wolf 2017; `keras.layers.ReversibleEmbedding` of Keras 3.

    Example:
        >>> layer = layers.ReversibleEmbedding(100, 8)
        >>> x = layer(np.array([[1, 4, 2]]))
        >>> layer(x, reverse=True).shape
        (1, 3, 100)
    """

    _makes_masks = False

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        tie_weights: bool = True,
        embeddings_initializer: Identifier = "uniform",
        embeddings_regularizer: Identifier = None,
        embeddings_constraint: Identifier = None,
        mask_zero: bool = False,
        reverse_dtype: str | None = None,
        logit_soft_cap: float | None = None,
        **kwargs: Any,
    ) -> None:
        who = type(self).__name__
        self.__dict__["tie_weights"] = check_flag(who, "tie_weights", tie_weights)  # for build
        super().__init__(
            input_dim,
            output_dim,
            embeddings_initializer=embeddings_initializer,
            embeddings_regularizer=embeddings_regularizer,
            embeddings_constraint=embeddings_constraint,
            mask_zero=mask_zero,
            **kwargs,
        )
        known = (None, "float32", "bfloat16")
        self.reverse_dtype = check_choice(who, "reverse_dtype", reverse_dtype, known)
        self.logit_soft_cap = (
            None
            if logit_soft_cap is None
            else check_number(who, "logit_soft_cap", logit_soft_cap, above=0)
        )

    def build(self, input_shape: Any = None) -> None:
        super().build(input_shape)
        if not self.tie_weights:
            self.reverse_embeddings = self.add_weight(
                (self.output_dim, self.input_dim),
                self.embeddings_initializer,
                name="reverse_embeddings",
            )

    def call(self, inputs: Tensor, reverse: bool = False) -> Tensor:
        if not reverse:
            rows = super().call(inputs)
            return with_mask(rows, F.ne(inputs, 0)) if self.mask_zero else rows
        tied = self.tie_weights
        logits = F.linear(
            inputs,
            self.embeddings if tied else self.reverse_embeddings,
            transpose_w=tied,
            precision=self.reverse_dtype or self._dtype_policy._precision,
        )
        cap = self.logit_soft_cap
        return logits if cap is None else F.tanh(logits / cap) * cap

    def compute_mask(self, inputs: Any, mask: Any = None) -> None:
        """None: `call` gives the rows their mask, and logits have none."""

    def may_give_masks(self) -> bool:
        return self.mask_zero

    def compute_output_shape(self, input_shape: Shape, reverse: bool = False) -> Shape:
        if reverse:
            return (*input_shape[:-1], self.input_dim)
        return super().compute_output_shape(input_shape)

    def compute_output_spec(self, inputs: KerasTensor, reverse: bool = False) -> KerasTensor:
        output = KerasTensor(self.compute_output_shape(inputs.shape, reverse))
        if self.mask_zero and not reverse:
            output._mask = KerasTensor(inputs.shape, "bool")
        return output

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "tie_weights": self.tie_weights,
            "reverse_dtype": self.reverse_dtype,
            "logit_soft_cap": self.logit_soft_cap,
        }


def check_absent(who: str, **values: object) -> None:
    """ValueError for an argument of Keras whose feature is not there, unless it is None."""
    for argument, value in values.items():
        if value is not None:
            raise ValueError(
                f"{who}: {argument}: expected None, got {value!r}: low-rank adaptation and "
                "quantization are not there"
            )
