"""Embedding and EmbeddingBag."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from .. import _core
from .._base import functional as F
from .._base.checks import check_choice, check_flag, check_integer, check_number, prefixed
from .._base.device import check_target
from .._base.module import Module
from .._base.parameter import Parameter
from .._core import ShapeError
from ..autograd import no_grad
from . import init
from ._embeddings import check_row, joined, looked_up

if TYPE_CHECKING:
    from numpy.typing import DTypeLike
    from typing_extensions import Self

    from .._base.device import Place
    from .._core import Tensor, TensorLike


class _Table(Module):
    """A table of rows, and how they are looked up."""

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None,
        max_norm: float | None,
        norm_type: float,
        scale_grad_by_freq: bool,
        sparse: bool,
        weight: TensorLike | None,
        freeze: bool,
        device: Place | None,
        dtype: DTypeLike | None,
    ) -> None:
        super().__init__()
        who = type(self).__name__
        check_target(who, (), {"device": device, "dtype": dtype})
        self.num_embeddings = check_integer(who, "num_embeddings", num_embeddings, 0)
        self.embedding_dim = check_integer(who, "embedding_dim", embedding_dim, 0)
        self.padding_idx = check_row(who, padding_idx, self.num_embeddings)
        self.max_norm = max_norm
        if max_norm is not None:
            self.max_norm = check_number(who, "max_norm", max_norm, -math.inf)
        self.norm_type = check_number(who, "norm_type", norm_type, -math.inf, infinite=True)
        self.scale_grad_by_freq = check_flag(who, "scale_grad_by_freq", scale_grad_by_freq)
        self.sparse = check_flag(who, "sparse", sparse)
        freeze = check_flag(who, "_freeze", freeze)
        shape = (self.num_embeddings, self.embedding_dim)
        if weight is None:
            self.weight = Parameter(_core.empty(shape, "float32"), requires_grad=not freeze)
            self.reset_parameters()
            return
        found = _shape_of(who, "_weight", weight)
        if found != shape:
            raise ShapeError(
                f"{who}: _weight: expected shape {shape}, (num_embeddings, embedding_dim), got "
                f"{found}"
            )
        self.weight = Parameter(weight, requires_grad=not freeze)

    @property
    def _who(self) -> str:
        return f"{type(self).__name__}({self.num_embeddings}, {self.embedding_dim})"

    def reset_parameters(self) -> None:
        """Draws new values from the standard normal distribution; the padding becomes 0."""
        init.normal_(self.weight)
        if self.padding_idx is None:
            return
        with no_grad():
            zeros = _core.full((1, self.embedding_dim), "float32", 0.0)
            F.put_(self.weight, [self.padding_idx], zeros, axis=0)

    def _options(self, *names: str) -> str:
        defaults = {"padding_idx": None, "max_norm": None, "norm_type": 2.0,
                    "scale_grad_by_freq": False, "sparse": False, "mode": None}  # fmt: skip
        shown = [f"{self.num_embeddings}, {self.embedding_dim}"]
        shown += [
            f"{name}={getattr(self, name)!r}"
            for name in names
            if getattr(self, name) != defaults[name]
        ]
        return ", ".join(shown)


def _size_of(who: str, embeddings: TensorLike) -> tuple[int, int]:
    shape = _shape_of(who, "embeddings", embeddings)
    if len(shape) != 2:
        raise ShapeError(f"{who}: embeddings: expected 2 axes, got shape {shape}")
    return shape[0], shape[1]


def _shape_of(who: str, argument: str, values: TensorLike) -> tuple[int, ...]:
    try:
        return tuple(_core.as_tensor(values).shape)
    except (TypeError, ValueError) as error:
        raise prefixed(f"{who}: {argument}", error) from None


class Embedding(_Table):
    """The rows of a table that the indices of the input name.

    Args:
        num_embeddings: the number of rows; indices are below it.
        embedding_dim: the number of features of a row.
        padding_idx: a row that gets no gradient and whose first values are 0; negative ones count
            from the end.
        max_norm: rows that are used and have a larger norm are scaled down to it, in the table;
            None for none.
        norm_type: which norm that is: 2 for the Euclidean one.
        scale_grad_by_freq: whether the gradient of a row is divided by how often it is used.
        sparse: without an effect: gradients are dense.
        device: "cpu" or None.
        dtype: float32 or None.

    Attributes:
        weight: (num_embeddings, embedding_dim), from the standard normal distribution.

    A call takes integers of any shape and gives that shape and (embedding_dim,).

    Raises:
        ValueError: sizes below 0, `padding_idx` names no row, or another argument is out of range.
            From a call, IndexError for an index that names no row, with its place, in recorded
            steps, too; TypeError for floats.

    Source: `torch.nn.Embedding`.

    Example:
        >>> nn.Embedding(10, 4, padding_idx=0)(fastdl.tensor([[1, 2, 0]])).shape
        (1, 3, 4)
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
        _weight: TensorLike | None = None,
        _freeze: bool = False,
        device: Place | None = None,
        dtype: DTypeLike | None = None,
    ) -> None:
        super().__init__(
            num_embeddings,
            embedding_dim,
            padding_idx,
            max_norm,
            norm_type,
            scale_grad_by_freq,
            sparse,
            _weight,
            _freeze,
            device,
            dtype,
        )

    @classmethod
    def from_pretrained(
        cls,
        embeddings: TensorLike,
        freeze: bool = True,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
    ) -> Self:
        """An embedding with given rows; they are not trained if `freeze`.

        Raises:
            ValueError: `embeddings` has not two axes, or an argument is out of range.

        Example:
            >>> nn.Embedding.from_pretrained([[1.0, 2.0], [3.0, 4.0]])(fastdl.tensor([1])).tolist()
            [[3.0, 4.0]]
        """
        rows, features = _size_of(cls.__name__, embeddings)
        return cls(
            rows,
            features,
            padding_idx,
            max_norm,
            norm_type,
            scale_grad_by_freq,
            sparse,
            embeddings,
            check_flag(cls.__name__, "freeze", freeze),
        )

    def forward(self, input: TensorLike) -> Tensor:
        return looked_up(
            self._who,
            input,
            self.weight,
            self.padding_idx,
            self.max_norm,
            self.norm_type,
            self.scale_grad_by_freq,
            self.sparse,
        )

    def extra_repr(self) -> str:
        return self._options("padding_idx", "max_norm", "norm_type", "scale_grad_by_freq", "sparse")

    if TYPE_CHECKING:

        def __call__(self, input: TensorLike) -> Tensor: ...


class EmbeddingBag(_Table):
    """The sum, mean or maximum over each bag of rows of a table. An empty bag gives 0.

    Args:
        num_embeddings: the number of rows; indices are below it.
        embedding_dim: the number of features of a row.
        max_norm, norm_type, scale_grad_by_freq, sparse: see `Embedding`.
        mode: "sum", "mean" or "max".
        include_last_offset: whether the last of the offsets is the end of the last bag.
        padding_idx: a row that counts in no bag, gets no gradient, and is 0 at first.
        device: "cpu" or None.
        dtype: float32 or None.

    Attributes:
        weight: (num_embeddings, embedding_dim), from the standard normal distribution.

    A call takes indices (bags, length), or indices (n) and the offsets where bags begin; with mode
    "sum" also factors of the rows, `per_sample_weights`. It gives (bags, embedding_dim).

    Raises:
        ValueError: sizes below 0, `padding_idx` names no row, or another argument is out of range.
            From a call, see `nn.functional.embedding_bag`.

    Source: `torch.nn.EmbeddingBag`.

    Example:
        >>> bags = nn.EmbeddingBag(10, 4, mode="sum")
        >>> bags(fastdl.tensor([1, 2, 4, 5]), fastdl.tensor([0, 3])).shape
        (2, 4)
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        mode: str = "mean",
        sparse: bool = False,
        _weight: TensorLike | None = None,
        include_last_offset: bool = False,
        padding_idx: int | None = None,
        device: Place | None = None,
        dtype: DTypeLike | None = None,
    ) -> None:
        super().__init__(
            num_embeddings,
            embedding_dim,
            padding_idx,
            max_norm,
            norm_type,
            scale_grad_by_freq,
            sparse,
            _weight,
            False,
            device,
            dtype,
        )
        who = type(self).__name__
        self.mode = check_choice(who, "mode", mode, ("sum", "mean", "max"))
        self.include_last_offset = check_flag(who, "include_last_offset", include_last_offset)

    @classmethod
    def from_pretrained(
        cls,
        embeddings: TensorLike,
        freeze: bool = True,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        mode: str = "mean",
        sparse: bool = False,
        include_last_offset: bool = False,
        padding_idx: int | None = None,
    ) -> Self:
        """Bags of given rows; they are not trained if `freeze`.

        Raises:
            ValueError: `embeddings` has not two axes, or an argument is out of range.

        Example:
            >>> bags = nn.EmbeddingBag.from_pretrained([[1.0, 2.0], [3.0, 4.0]])
            >>> bags(fastdl.tensor([[0, 1]])).tolist()
            [[2.0, 3.0]]
        """
        rows, features = _size_of(cls.__name__, embeddings)
        bags = cls(
            rows,
            features,
            max_norm,
            norm_type,
            scale_grad_by_freq,
            mode,
            sparse,
            embeddings,
            include_last_offset,
            padding_idx,
        )
        bags.weight.requires_grad = not check_flag(cls.__name__, "freeze", freeze)
        return bags

    def forward(
        self,
        input: TensorLike,
        offsets: TensorLike | None = None,
        per_sample_weights: TensorLike | None = None,
    ) -> Tensor:
        return joined(
            self._who,
            input,
            self.weight,
            offsets,
            self.max_norm,
            self.norm_type,
            self.scale_grad_by_freq,
            self.mode,
            self.sparse,
            per_sample_weights,
            self.include_last_offset,
            self.padding_idx,
        )

    def extra_repr(self) -> str:
        return self._options("max_norm", "norm_type", "scale_grad_by_freq", "mode", "padding_idx")

    if TYPE_CHECKING:

        def __call__(
            self,
            input: TensorLike,
            offsets: TensorLike | None = None,
            per_sample_weights: TensorLike | None = None,
        ) -> Tensor: ...
