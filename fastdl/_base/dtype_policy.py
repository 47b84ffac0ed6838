"""The precision of products and convolutions: float32, or bfloat16 with float32 sums."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _core
from .checks import KindError, shown

if TYPE_CHECKING:
    from typing import TypeAlias

    from numpy.typing import DTypeLike

    from .._core import Precision

    # A policy, its name or type, or Keras's config of one.
    PolicyLike: TypeAlias = "DTypePolicy | DTypeLike | dict[str, Any] | None"

_GLOBAL = ("float32", "mixed_bfloat16")
_OF_LAYERS = (*_GLOBAL, "int32", "int64", "uint8", "bool")  # integers and bool: for Input


class DTypePolicy:
    """How a layer computes.

    "mixed_bfloat16" rounds the operands of a Dense layer's matrix products and of convolutions,
    forward and backward, to bfloat16 and adds up in float32. Weights, activations, gradients and
    losses stay float32 tensors. A CPU without fast instructions for bfloat16 computes in float32,
    and one warning says so; likewise if FASTDL_ISA selects an instruction set without them. Small
    products are always computed in float32: those with fewer than 16 rows, columns or terms in a
    sum, or fewer than 65,536 multiplications. So are convolutions with fewer than 16 channels in or
    out, fewer than 16 output pixels or 65,536 multiplications for an image, those in groups, and
    depthwise ones; and gradients of kernels for fewer than 64 output pixels of a batch.

    Args:
        name: "float32" or "mixed_bfloat16"; for a layer's input also an integer type or "bool".
            None is that of `set_dtype_policy`.

    Attributes:
        name: the name.
        compute_dtype: "bfloat16" for "mixed_bfloat16", else the name.
        variable_dtype: the type of weights: "float32" for "mixed_bfloat16", else the name.
        quantization_mode: None.

    Raises:
        ValueError: another name, for example "mixed_float16".

    Source: `keras.DTypePolicy` of Keras 3.

    Example:
        >>> fastdl.DTypePolicy("mixed_bfloat16").variable_dtype
        'float32'
    """

    quantization_mode = None

    def __init__(self, name: DTypeLike | None = None) -> None:
        name = dtype_policy().name if name is None else name
        try:
            plain = isinstance(name, str) and name == "mixed_bfloat16"
            known = "mixed_bfloat16" if plain else np.dtype(name).name
        except (TypeError, ValueError):
            known = None
        if known not in _OF_LAYERS:
            raise KindError(f"dtype: expected 'float32' or 'mixed_bfloat16', got {shown(name)}")
        self.name: str = known
        mixed = known == "mixed_bfloat16"
        self.compute_dtype = "bfloat16" if mixed else known
        self.variable_dtype = "float32" if mixed else known
        # What the layer's products take as `precision`.
        self._precision: Precision = "bfloat16" if mixed else "float32"
        if mixed:
            warn_if_missing("mixed_bfloat16")

    def of_layer(self, path: str) -> DTypePolicy:
        """The policy of the layer with this path: itself. A `DTypePolicyMap` has others."""
        return self

    def with_layer(self, path: str, policy: DTypePolicy) -> DTypePolicy:
        """What takes the place of this policy, once the layer with this path has another one."""
        return policy

    def get_config(self) -> dict[str, Any]:
        """The settings from which `from_config` makes the policy."""
        return {"name": self.name}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> DTypePolicy:
        """The policy that `get_config` described."""
        return cls(config["name"])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DTypePolicy) and other.name == self.name

    def __hash__(self) -> int:
        return hash(self.name)

    def __repr__(self) -> str:
        return f'<DTypePolicy "{self.name}">'


FloatDTypePolicy = DTypePolicy  # its name in Keras 3.0

_policy = DTypePolicy("float32")
_warned = False


def warn_if_missing(who: str) -> None:
    """Says once why products of bfloat16 operands are computed in float32, if they are."""
    global _warned
    config = _core.config()
    if _warned or config["bfloat16"]:
        return
    _warned = True
    import sys
    import warnings

    if not _core.runnable_bf16():
        why = "this CPU or this build of fastdl has no bfloat16 instructions"
    elif config["isa"] != "avx512":
        why = f"FASTDL_ISA selects {config['isa']}, which has no bfloat16 instructions"
    else:
        why = "the bfloat16 instructions of this CPU are no faster"
    level, frame = 1, sys._getframe(0)  # to the first line outside of the library
    while frame.f_back and frame.f_globals["__name__"].partition(".")[0] == "fastdl":
        level, frame = level + 1, frame.f_back
    warnings.warn(f"{who}: fastdl computes in float32, since {why}", stacklevel=level)


def policy_from(value: PolicyLike) -> DTypePolicy:
    """The policy that an argument `dtype` means; for None the global one.

    Raises:
        ValueError: no policy has that name.
    """
    if value is None:
        return _policy
    if isinstance(value, DTypePolicy):
        return value
    if isinstance(value, dict):
        config: Any = {**value}.get("config")
        name = config.get("name") if isinstance(config, dict) else None
        if not isinstance(name, str):
            raise ValueError(f"dtype: expected a policy or the config of one, got {shown(value)}")
        return DTypePolicy(name)
    return DTypePolicy(value)


def set_dtype_policy(policy: str | DTypePolicy) -> None:
    """Sets the policy of the layers that are made from now on without a `dtype` of their own.

    Args:
        policy: "float32" (the policy at the start), "mixed_bfloat16", or a `DTypePolicy` with one
            of these names.

    Raises:
        ValueError: another policy.

    Warns:
        UserWarning: once, when "mixed_bfloat16" has to compute in float32.

    Source: `keras.config.set_dtype_policy` of Keras 3.

    Example:
        >>> fastdl.set_dtype_policy("mixed_bfloat16")
        >>> fastdl.layers.Dense(3).dtype_policy
        <DTypePolicy "mixed_bfloat16">
        >>> fastdl.set_dtype_policy("float32")
    """
    global _policy
    name = policy.name if isinstance(policy, DTypePolicy) else policy
    if name not in _GLOBAL:
        raise ValueError(
            f"set_dtype_policy: expected 'float32' or 'mixed_bfloat16', got {policy!r}"
        )
    _policy = policy_from(policy)


def dtype_policy() -> DTypePolicy:
    """The policy of layers that are made without a `dtype` of their own.

    Source: `keras.config.dtype_policy` of Keras 3.

    Example:
        >>> fastdl.config.dtype_policy().name
        'float32'
    """
    return _policy
