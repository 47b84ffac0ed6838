"""Sequential, ModuleList, ModuleDict and ParameterList."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from .._base.checks import shown
from .._base.module import Module
from .._base.parameter import Parameter

if TYPE_CHECKING:
    from collections.abc import ItemsView, Iterable, Iterator, KeysView, Mapping, ValuesView
    from typing import SupportsIndex

    from typing_extensions import Self

    from .._core import TensorLike

Member = TypeVar("Member", bound=Module | Parameter)


class _List(Module, Generic[Member]):
    """Members under the names "0", "1", ..., in one of the module's registries."""

    def __init__(self, members: Iterable[Member] = ()) -> None:
        super().__init__()
        self._check_several(members)
        self.extend(members)

    def _check_several(self, members: object) -> None:
        if isinstance(members, str) or not hasattr(members, "__iter__"):
            raise TypeError(
                f"{type(self).__name__}: members: expected several, got {shown(members)}"
            )

    def _members(self) -> dict[str, Any]:  # of members; the registries differ in type
        return self._modules

    def _replace(self, members: Iterable[tuple[str, Member]]) -> None:
        members = list(members)
        for name in list(self._members()):
            delattr(self, name)
        for name, member in members:
            setattr(self, name, member)

    def _renumber(self, members: Iterable[Member]) -> None:
        self._replace((str(i), member) for i, member in enumerate(members))

    def _name_at(self, index: SupportsIndex) -> str:
        place = operator.index(index)
        size = len(self)
        if not -size <= place < size:
            raise IndexError(f"index {place} is out of range for {size} members")
        return list(self._members())[place]

    def __len__(self) -> int:
        return len(self._members())

    def __iter__(self) -> Iterator[Member]:
        return iter(list(self._members().values()))

    @overload
    def __getitem__(self, index: SupportsIndex) -> Member: ...
    @overload
    def __getitem__(self, index: slice) -> Self: ...
    def __getitem__(self, index: SupportsIndex | slice) -> Member | Self:
        if isinstance(index, slice):
            return self._part(list(self._members().items())[index])
        return self._members()[self._name_at(index)]

    def _part(self, items: list[tuple[str, Member]]) -> Self:
        return type(self)(member for _, member in items)

    def __setitem__(self, index: SupportsIndex, member: Member) -> None:
        setattr(self, self._name_at(index), member)

    def __delitem__(self, index: SupportsIndex | slice) -> None:
        members = list(self)
        del members[index]
        self._renumber(members)

    def append(self, member: Member) -> Self:
        """Adds a member at the end and returns self."""
        self._check_member(member)
        setattr(self, str(len(self)), member)
        return self

    def extend(self, members: Iterable[Member]) -> Self:
        """Adds several members at the end and returns self."""
        for member in list(members):
            self.append(member)
        return self

    def insert(self, index: int, member: Member) -> Self:
        """Adds a member before the one at `index` and returns self."""
        self._check_member(member)
        members = list(self)
        members.insert(index, member)
        self._renumber(members)
        return self

    def pop(self, index: int = -1) -> Member:
        """Removes a member and returns it."""
        member = self[index]
        del self[index]
        return member

    def __iadd__(self, members: Iterable[Member]) -> Self:
        return self.extend(members)

    def __add__(self, members: Iterable[Member]) -> Self:
        return type(self)([*self, *members])

    def _check_member(self, member: object) -> None:
        if not isinstance(member, Module):
            raise TypeError(
                f"{type(self).__name__}: members: expected modules, got {shown(member)}: "
                f"{type(member).__name__} is not a Module subclass"
            )


class Sequential(_List[Module]):
    """Calls modules one after the other.

    Args:
        modules: modules, or one dict with their names.

    Example:
        >>> net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
        >>> net(fastdl.zeros(5, 4)).shape, len(net), len(net[:2])
        ((5, 2), 3, 2)
    """

    @overload
    def __init__(self, *modules: Module) -> None: ...
    @overload
    def __init__(self, modules: dict[str, Module], /) -> None: ...
    def __init__(self, *modules: Any) -> None:
        super().__init__()
        if len(modules) == 1 and isinstance(modules[0], dict):
            for name, module in modules[0].items():
                self.add_module(name, module)
        else:
            for i, module in enumerate(modules):
                self.add_module(str(i), module)

    def forward(self, input: Any) -> Any:
        for module in self._modules.values():
            input = module(input)  # type: ignore[misc]
        return input

    def _part(self, items: list[tuple[str, Module]]) -> Self:
        return type(self)(dict(items))

    def __add__(self, modules: Iterable[Module]) -> Self:
        return type(self)(*self, *modules)


class ModuleList(_List[Module]):
    """A list that registers its modules. The owner's `forward` calls them.

    Example:
        >>> layers = nn.ModuleList(nn.Linear(2, 2) for _ in range(3))
        >>> len(list(layers.parameters()))
        6
    """

    def __repr__(self) -> str:
        """Equal neighbours share one line: `(0-2): 3 x Linear(...)`."""
        if not self._modules:
            return f"{self._get_name()}()"
        runs: list[tuple[int, int, str]] = []
        for i, module in enumerate(self):
            text = repr(module)
            if runs and runs[-1][2] == text:
                runs[-1] = (runs[-1][0], i, text)
            else:
                runs.append((i, i, text))
        lines = []
        for first, last, text in runs:
            label = f"({first})" if first == last else f"({first}-{last})"
            count = "" if first == last else f"{last - first + 1} x "
            lines.append(f"{label}: {count}{text}".replace("\n", "\n  "))
        body = "\n  ".join(lines)
        return f"{self._get_name()}(\n  {body}\n)"


class ModuleDict(Module):
    """A dict that registers its modules.

    Example:
        >>> heads = nn.ModuleDict({"a": nn.Linear(2, 1), "b": nn.Identity()})
        >>> list(heads), heads["b"]
        (['a', 'b'], Identity())
    """

    _modules: dict[str, Module]  # type: ignore[assignment]

    def __init__(self, modules: Mapping[str, Module] | Iterable[tuple[str, Module]] = ()) -> None:
        super().__init__()
        try:
            named: dict[Any, Any] = dict(modules)
        except (TypeError, ValueError):
            named = {0: modules}
        if not all(isinstance(name, str) for name in named):
            raise TypeError(
                f"ModuleDict: modules: expected a dict of modules, got {shown(modules)}"
            )
        self.update(named)

    def __getitem__(self, key: str) -> Module:
        return self._modules[key]

    def __setitem__(self, key: str, module: Module) -> None:
        self.add_module(key, module)

    def __delitem__(self, key: str) -> None:
        if key not in self._modules:
            raise KeyError(key)
        delattr(self, key)

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._modules))

    def __contains__(self, key: object) -> bool:
        return key in self._modules

    def keys(self) -> KeysView[str]:
        """The names."""
        return self._modules.keys()

    def values(self) -> ValuesView[Module]:
        """The modules."""
        return self._modules.values()

    def items(self) -> ItemsView[str, Module]:
        """The names and the modules."""
        return self._modules.items()

    def update(self, modules: Mapping[str, Module] | Iterable[tuple[str, Module]]) -> None:
        """Adds or replaces modules, from a mapping or from pairs of name and module."""
        for key, module in dict(modules).items():
            self[key] = module

    def pop(self, key: str) -> Module:
        """Removes a module and returns it."""
        module = self[key]
        del self[key]
        return module

    def clear(self) -> None:
        """Removes all modules."""
        for key in list(self):
            del self[key]


class ParameterList(_List[Parameter]):
    """A list that registers its parameters. Tensors and arrays become parameters.

    Example:
        >>> weights = nn.ParameterList([fastdl.zeros(2), fastdl.zeros(3)])
        >>> [name for name, _ in weights.named_parameters()]
        ['0', '1']
    """

    def _members(self) -> dict[str, Any]:
        return self._parameters

    def __init__(self, members: Iterable[TensorLike] = ()) -> None:
        self._check_several(members)
        super().__init__(map(self._as_parameter, members))

    def extend(self, members: Iterable[TensorLike]) -> Self:
        """Adds several parameters at the end and returns self."""
        return super().extend(map(self._as_parameter, members))

    def append(self, member: TensorLike) -> Self:
        """Adds a parameter at the end and returns self."""
        return super().append(self._as_parameter(member))

    def insert(self, index: int, member: TensorLike) -> Self:
        """Adds a parameter before the one at `index` and returns self."""
        return super().insert(index, self._as_parameter(member))

    def __setitem__(self, index: SupportsIndex, member: TensorLike) -> None:
        super().__setitem__(index, self._as_parameter(member))

    @staticmethod
    def _as_parameter(member: TensorLike) -> Parameter:
        return member if isinstance(member, Parameter) else Parameter(member)

    def _check_member(self, member: object) -> None:
        pass

    def __repr__(self) -> str:
        lines = [
            f"({name}): Parameter of shape {member.shape}"
            for name, member in self._members().items()
        ]
        return (
            f"{self._get_name()}(\n  " + "\n  ".join(lines) + "\n)" if lines else super().__repr__()
        )
