"""Loss: the base class, and the wrapper that makes a loss of a function."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .. import _core
from .._base import functional as F
from .._base.checks import check_callable, check_name, shown
from .._base.dtypes import as_dtype
from .._base.registry import LOSSES, snake_case
from .._base.tree import is_nested, map_structure
from .._base.watch import Watched
from .._core import Tensor
from .reduction import check_reduction, reduce_weighted, same_rank
from .settings import ReadableSettings

if TYPE_CHECKING:
    from numpy.typing import DTypeLike
    from typing_extensions import Self

    from .._base.types import Config
    from .._core import TensorLike


_DTYPES = ("float32", "float16", "bfloat16")

# Loss functions whose targets are class numbers.
integer_target_functions: set[Callable[..., TensorLike]] = set()
# Loss functions of which only values above 0 count in the mean.
positive_loss_functions: set[Callable[..., TensorLike]] = set()


@LOSSES.register_base
class Loss(Watched):
    """Base class of losses: `loss(y_true, y_pred, sample_weight=None)`.

    To define a loss, override `call(y_true, y_pred)`, which returns a loss for each sample.

    Args:
        name: the name in logs; the class name in snake case by default.
        reduction: "sum_over_batch_size" (the mean over all samples), "sum",
            "mean_with_sample_weight" (the sum over that of the weights) or "none".
        dtype: "float32", "float16" or "bfloat16": the type that targets and outputs are rounded to,
            and the type of the loss. All are computed in float32. A `DTypePolicy` counts as its
            compute type.

    Raises:
        ValueError: unknown reduction, or another dtype.

    Example:
        >>> class Cubic(fastdl.losses.Loss):
        ...     def call(self, y_true, y_pred):
        ...         return fastdl.mean(abs(y_pred - y_true) ** 3, -1)
        >>> float(Cubic()([[0.0, 0.0]], [[1.0, 2.0]]))
        4.5
    """

    # Whether targets are class numbers; all others reach `call` as float32.
    _integer_targets = False

    _announced = frozenset(("_fn_kwargs",))

    def __init__(
        self,
        name: str | None = None,
        reduction: str | None = "sum_over_batch_size",
        dtype: DTypeLike | None = None,
    ) -> None:
        who = type(self).__name__
        self.name = check_name(who, "name", name) or snake_case(who)
        self.reduction = check_reduction(who, reduction)
        self._dtype = "float32" if dtype is None else _checked_dtype(who, dtype)

    @property
    def dtype(self) -> str:
        """The type of the loss."""
        return self._dtype

    def __call__(
        self, y_true: TensorLike, y_pred: TensorLike, sample_weight: TensorLike | None = None
    ) -> Tensor:
        """The reduced loss.

        Args:
            y_true: targets.
            y_pred: outputs of the model.
            sample_weight: numbers that broadcast against the losses of the samples, or None.

        Steps that the outputs' mask leaves out do not count, neither in the sum nor in the mean.
        """
        mask = getattr(y_pred, "_keras_mask", None)
        y_true, y_pred = same_rank(_core.as_tensor(y_true), _core.as_tensor(y_pred))
        rounded = self._dtype != "float32"
        if rounded:
            y_pred = _rounded(y_pred, self._dtype)
        if not self._integer_targets:
            y_true = _rounded(y_true, self._dtype) if rounded else F.cast(y_true, dtype="float32")
        values = self.call(y_true, y_pred)
        own = self._mask(y_true, values)
        if own is not None:
            mask = own if mask is None else F.logical_and(mask, own)
        loss = reduce_weighted(values, sample_weight, mask, self.reduction)
        return F.cast(loss, dtype=self._dtype) if rounded else loss

    def _together(self, y_true: Any, y_pred: Any, sample_weight: TensorLike | None) -> Tensor:
        """The reduced loss of several outputs; `call` gets structures of tensors."""
        rounded = self._dtype != "float32"
        if is_nested(sample_weight):
            raise ValueError(
                f"loss {self.name!r}: sample_weight: expected a number for each sample, since the "
                f"loss takes several outputs together, got {shown(sample_weight)}"
            )

        def prepared(x: TensorLike) -> Tensor:
            tensor = _core.as_tensor(x)
            return _rounded(tensor, self._dtype) if rounded else F.cast(tensor, dtype="float32")

        values = self.call(map_structure(prepared, y_true), map_structure(prepared, y_pred))
        loss = reduce_weighted(values, sample_weight, None, self.reduction)
        return F.cast(loss, dtype=self._dtype) if rounded else loss

    def call(self, y_true: Any, y_pred: Any) -> Tensor:
        """The losses of the samples. A subclass overrides it."""
        raise NotImplementedError(
            f"{type(self).__name__}: a loss must define call(self, y_true, y_pred)"
        )

    def _mask(self, y_true: Tensor, values: Tensor) -> Tensor | None:
        """A mask of the values that count; None if all do."""
        return None

    def get_config(self) -> Config:
        """The arguments that make an equal loss."""
        return {"name": self.name, "reduction": self.reduction}

    @classmethod
    def from_config(cls, config: Config) -> Self:
        """The loss that `get_config` described."""
        return cls(**config)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}>"


def _checked_dtype(who: str, dtype: Any) -> str:
    from .._base.dtype_policy import DTypePolicy, policy_from

    try:
        policy = policy_from(dtype) if isinstance(dtype, dict) else dtype
        named = policy.compute_dtype if isinstance(policy, DTypePolicy) else policy
        name = str(as_dtype(named))
    except (TypeError, ValueError):
        name = ""
    if name not in _DTYPES:
        raise ValueError(
            f"{who}: dtype: expected 'float32', 'float16' or 'bfloat16', got {shown(dtype)}"
        )
    return name


def _rounded(x: Tensor, dtype: str) -> Tensor:
    """The values as a number of the type has them; there are no computations in that type."""
    return F.cast(F.cast(x, dtype=dtype), dtype="float32")


class LossFunctionWrapper(ReadableSettings, Loss):
    """A loss from a function `fn(y_true, y_pred, **kwargs)` that gives a loss for each sample.

    Args:
        fn: the function.
        reduction, name, dtype: as for `Loss`; the name defaults to the function's.
        kwargs: further arguments of the function.

    Example:
        >>> mse = LossFunctionWrapper(lambda t, p: (t - p) ** 2, name="squares")
        >>> float(mse([1.0], [3.0]))
        4.0
    """

    def __init__(
        self,
        fn: Callable[..., TensorLike],
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        dtype: DTypeLike | None = None,
        **kwargs: Any,
    ) -> None:
        who = type(self).__name__
        check_name(who, "name", name)
        self.fn = check_callable(who, "fn", fn)
        super().__init__(name or getattr(fn, "__name__", "loss"), reduction, dtype)
        self._fn_kwargs = kwargs
        self._integer_targets = fn in integer_target_functions

    def call(self, y_true: TensorLike, y_pred: TensorLike) -> Tensor:
        return _core.as_tensor(self.fn(y_true, y_pred, **self._fn_kwargs))

    def _mask(self, y_true: Tensor, values: Tensor) -> Tensor | None:
        return F.gt(values.detach(), 0.0) if self.fn in positive_loss_functions else None

    def get_config(self) -> Config:
        return {**super().get_config(), "fn": self.fn, **self._fn_kwargs}

    def __repr__(self) -> str:
        return f"<LossFunctionWrapper({self.name}, kwargs={self._fn_kwargs})>"
