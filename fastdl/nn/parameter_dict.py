"""ParameterDict."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import _core
from .._base.checks import shown
from .._base.module import Module
from .._base.parameter import Parameter

if TYPE_CHECKING:
    from collections.abc import ItemsView, Iterable, Iterator, KeysView, Mapping, ValuesView

    from .._core import TensorLike


class ParameterDict(Module):
    """A dict that registers its parameters. Tensors and arrays become parameters.

    Args:
        parameters: a mapping, or pairs of name and value.

    Raises:
        TypeError: a name that is no text.
        KeyError: a name with a dot, or of an attribute.

    Source: `torch.nn.ParameterDict`.

    Example:
        >>> scales = nn.ParameterDict({"a": fastdl.ones(2)})
        >>> scales["b"] = fastdl.zeros(3)
        >>> [name for name, _ in scales.named_parameters()]
        ['a', 'b']
    """

    def __init__(self, parameters: Any = None) -> None:
        super().__init__()
        if parameters is not None:
            self.update(parameters)

    def __getitem__(self, key: str) -> Parameter:
        found = self._parameters[key]
        assert found is not None
        return found

    def __setitem__(self, key: str, value: TensorLike) -> None:
        parameter = value if isinstance(value, Parameter) else Parameter(_core.as_tensor(value))
        self.register_parameter(key, parameter)

    def __delitem__(self, key: str) -> None:
        if key not in self._parameters:
            raise KeyError(key)
        delattr(self, key)

    def __len__(self) -> int:
        return len(self._parameters)

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._parameters))

    def __reversed__(self) -> Iterator[str]:
        return reversed(list(self._parameters))

    def __contains__(self, key: object) -> bool:
        return key in self._parameters

    def keys(self) -> KeysView[str]:
        """The names."""
        return self._parameters.keys()

    def values(self) -> ValuesView[Any]:
        """The parameters."""
        return self._parameters.values()

    def items(self) -> ItemsView[str, Any]:
        """The names and the parameters."""
        return self._parameters.items()

    def update(
        self, parameters: ParameterDict | Mapping[str, Any] | Iterable[tuple[str, Any]]
    ) -> None:
        """Adds or replaces parameters, from a mapping or from pairs of name and value."""
        try:
            named: dict[Any, Any] = dict(
                parameters.items() if isinstance(parameters, ParameterDict) else parameters
            )
        except (TypeError, ValueError):
            named = {0: None}
        if not all(isinstance(name, str) for name in named):
            raise TypeError(
                f"ParameterDict: parameters: expected a dict of parameters, got {shown(parameters)}"
            ) from None
        for key, value in named.items():
            self[key] = value

    def get(self, key: str, default: Any = None) -> Any:
        """The parameter of a name, or the default if there is none."""
        return self._parameters.get(key, default)

    def setdefault(self, key: str, default: Any = None) -> Parameter:
        """The parameter of a name, which becomes the default if there is none."""
        if key not in self:
            self[key] = default
        return self[key]

    def pop(self, key: str) -> Parameter:
        """Removes a parameter and returns it."""
        found = self[key]
        del self[key]
        return found

    def popitem(self) -> tuple[str, Parameter]:
        """Removes the last parameter and returns it with its name."""
        if not self._parameters:
            raise KeyError("popitem: the ParameterDict is empty")
        key = list(self._parameters)[-1]
        return key, self.pop(key)

    def fromkeys(self, keys: Iterable[str], default: Any = None) -> ParameterDict:
        """A new ParameterDict with a parameter of one value for each name."""
        return ParameterDict({key: _core.as_tensor(default) for key in keys})

    def copy(self) -> ParameterDict:
        """A new ParameterDict with the same parameters."""
        return ParameterDict(self)

    def clear(self) -> None:
        """Removes all parameters."""
        for key in list(self):
            del self[key]

    def __or__(self, other: ParameterDict) -> ParameterDict:
        found = self.copy()
        found.update(other)
        return found

    def __ior__(self, other: ParameterDict) -> ParameterDict:
        self.update(other)
        return self

    def extra_repr(self) -> str:
        return "\n".join(
            f"({name}): Parameter of shape {parameter.shape}" for name, parameter in self.items()
        )
