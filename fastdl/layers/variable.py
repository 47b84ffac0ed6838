"""Variable: Keras's way to make a `Parameter`."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from .. import _core, initializers
from .._base import functional as F
from .._base.checks import (
    AGGREGATIONS,
    check_choice,
    check_flag,
    check_name,
    check_shape,
    prefixed,
    shown,
)
from .._base.context import context, path_of
from .._base.parameter import Parameter
from .._base.registry import unique_name
from .._core import Tensor
from ..ops import convert_to_tensor

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import DTypeLike
    from typing_extensions import Self

    from .._core import TensorLike

_SYNCHRONIZATIONS = (None, "none", "on_read", "on_write", "auto")


class _Scopes(threading.local):
    caller: object = None  # of the innermost scope


_scopes = _Scopes()


class name_scope:
    """A context in which variables and layers get a name in front of their path.

    It counts for variables that are made in it and for layers that are built in it.

    Args:
        name: a text without "/".
        kwargs: `caller`, any object: within a scope of the same name and the same caller nothing is
            added, unless `deduplicate` is False. `override_parent`, a text: stands in place of the
            names of the scopes around this one, with "/" between them.

    Raises:
        ValueError: another name, or `override_parent` is no text.
        TypeError: an unknown argument.

    Source: `keras.name_scope` of Keras 3.

    Example:
        >>> with fastdl.name_scope("block"):
        ...     w = fastdl.Variable([1.0], name="scale")
        >>> w.path
        'block/scale'
    """

    def __init__(self, name: str, **kwargs: object) -> None:
        unknown = sorted(set(kwargs) - {"caller", "deduplicate", "override_parent"})
        if unknown:
            raise TypeError(f"name_scope: unknown argument {unknown[0]!r}")
        if not check_name("name_scope", "name", name) or "/" in name:
            raise ValueError(f"name_scope: name: expected a text without '/', got {shown(name)}")
        self.name = name
        self._caller = kwargs.get("caller")
        self._once = kwargs.get("deduplicate", True) and self._caller is not None
        parent = check_name("name_scope", "override_parent", kwargs.get("override_parent"))
        self._parent = None if parent is None else "/".join(filter(None, parent.split("/")))
        self._before: list[tuple[str, object]] = []

    def __enter__(self) -> Self:
        self._before.append((context.scope, _scopes.caller))
        same = context.scope.rsplit("/", 1)[-1] == self.name and _scopes.caller is self._caller
        if self._parent is not None:
            context.scope = self._parent
        elif self._once and same:
            return self
        context.scope, _scopes.caller = path_of(self.name), self._caller
        return self

    def __exit__(self, *exception: object) -> None:
        context.scope, _scopes.caller = self._before.pop()


class _AnyParameter(type(Parameter)):  # type: ignore[misc]  # the metaclass of tensors
    """Makes weights of layers instances of `Variable`, as they are in Keras."""

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, Parameter)


class Variable(Parameter, metaclass=_AnyParameter):
    """A tensor with a name that is trained and assigned to. It is a `Parameter`.

    Args:
        initializer: the values; or the name of an initializer or a function of shape and dtype.
        shape: the shape, for an initializer.
        dtype: the element type; that of the values unless given, float32 for an initializer.
        trainable: whether training changes it. Only float32 variables have gradients.
        autocast, aggregation, synchronization: accepted, without an effect: there is one device,
            and only products round variables.
        name: a text without "/"; `variable`, `variable_1`, ... unless given.
        layout: None.
        kwargs: arguments of `Parameter`: `path`, `regularizer`, `constraint`, `requires_grad`.

    Raises:
        ValueError: an initializer without a shape or with unknown sizes, an unknown name of one.

    Source: `keras.Variable` of Keras 3.

    Example:
        >>> w = fastdl.Variable("ones", shape=(2,), name="scale")
        >>> w.assign_add([1.0, 2.0]).tolist(), w.trainable, isinstance(w, fastdl.Variable)
        ([2.0, 3.0], True, True)
        >>> fastdl.Variable(3, trainable=False).dtype == "int32"
        True
    """

    def __new__(
        cls,
        initializer: TensorLike | str | Callable[..., TensorLike],
        shape: Sequence[int] | int | None = None,
        dtype: DTypeLike | None = None,
        trainable: bool = True,
        autocast: bool = True,
        aggregation: str | None = "none",
        synchronization: str | None = "auto",
        name: str | None = None,
        layout: None = None,
        **kwargs: Any,
    ) -> Any:
        who = "Variable"
        check_flag(who, "autocast", autocast)
        check_choice(who, "aggregation", aggregation, AGGREGATIONS)
        check_choice(who, "synchronization", synchronization, _SYNCHRONIZATIONS)
        if layout is not None:
            raise ValueError(f"{who}: layout: expected None: there is one device")
        if name is not None and "/" in (check_name(who, "name", name) or ""):
            raise ValueError(
                f"{who}: name: expected a text without '/', got {shown(name)}; `path` may have it"
            )
        value: Tensor
        if isinstance(initializer, str) or (
            callable(initializer) and not isinstance(initializer, Tensor)
        ):
            make: Any = initializers.get(initializer)
            value = _core.as_tensor(make(_known(who, shape), dtype=dtype or "float32"))
        else:
            try:
                value = F.copy(convert_to_tensor(initializer, dtype))
            except (TypeError, ValueError) as error:
                raise prefixed(f"{who}: initializer", error) from None
        kind = _core.dtype(dtype) if dtype is not None else value.dtype
        trained = check_flag(who, "trainable", trainable) and kind == "float32"
        kwargs.setdefault("requires_grad", trained)
        name = name or unique_name("variable")
        kwargs.setdefault("path", path_of(name))
        return Parameter(F.cast(value, dtype=kind), name=name, **kwargs)


def _known(who: str, shape: Sequence[int] | int | None) -> tuple[int, ...]:
    if shape is None:
        raise ValueError(f"{who}: shape: an initializer needs it, got None")
    sizes = check_shape(who, "shape", (shape,) if isinstance(shape, int) else shape)
    if None in sizes:
        raise ValueError(f"{who}: shape: expected known sizes, got {shown(shape)}")
    return tuple(size for size in sizes if size is not None)
