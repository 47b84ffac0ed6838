"""Lists and dicts as attributes of a layer, which track their content like attributes."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, SupportsIndex

from .. import _core
from .._base.watch import about_to_change

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ._state import LayerState


def _announced(change: Any) -> Any:
    """Wraps a method that changes the container: recorded steps that read it must be told."""

    @functools.wraps(change)
    def announced(self: Any, *args: Any, **kwargs: Any) -> Any:
        about_to_change(self._owner, self._name.partition(".")[0])
        try:
            return change(self, *args, **kwargs)
        finally:
            _core.raise_epoch()

    return announced


class TrackedList(list[Any]):
    """A list that registers the layers, weights and metrics put into it with its owner.

    The n-th object that was ever put in is called `<attribute>.<n>` in the owner's `state_dict`.
    """

    def __init__(self, owner: LayerState, name: str, items: Iterable[object] = ()) -> None:
        super().__init__()
        self._owner = owner
        self._name = name
        self._count = 0
        self.extend(items)

    def _adopt(self, item: object) -> Any:
        item = self._owner._track(f"{self._name}.{self._count}", item)
        self._count += 1
        return item

    @_announced
    def append(self, item: object) -> None:
        super().append(self._adopt(item))

    @_announced
    def insert(self, index: SupportsIndex, item: object) -> None:
        super().insert(index, self._adopt(item))

    @_announced
    def extend(self, items: Iterable[object]) -> None:
        super().extend([self._adopt(item) for item in items])

    def __iadd__(self, items: Iterable[object]) -> TrackedList:  # type: ignore[misc]
        self.extend(items)
        return self

    @_announced
    def __setitem__(self, index: SupportsIndex | slice, item: Any) -> None:
        old = self[index]
        if isinstance(index, slice):
            super().__setitem__(index, [self._adopt(one) for one in item])
        else:
            super().__setitem__(index, self._adopt(item))
        self._drop(old if isinstance(index, slice) else [old])

    @_announced
    def __delitem__(self, index: SupportsIndex | slice) -> None:
        old = self[index]
        super().__delitem__(index)
        self._drop(old if isinstance(index, slice) else [old])

    @_announced
    def pop(self, index: SupportsIndex = -1) -> Any:
        item = super().pop(index)
        self._drop([item])
        return item

    @_announced
    def remove(self, item: object) -> None:
        super().remove(item)
        self._drop([item])

    @_announced
    def clear(self) -> None:
        old = list(self)
        super().clear()
        self._drop(old)

    reverse = _announced(list.reverse)
    sort = _announced(list.sort)

    def _drop(self, items: Iterable[object]) -> None:
        for item in items:
            if not any(item is other for other in self):
                self._owner._untrack(item, f"{self._name}.")

    def __reduce__(self) -> tuple[object, ...]:
        return list, (list(self),)

    def __deepcopy__(self, memo: dict[int, object]) -> object:
        return _copy_container(self, memo)


class TrackedDict(dict[Any, Any]):
    """A dict that registers its values with its owner, as `<attribute>.<key>`."""

    def __init__(self, owner: LayerState, name: str, items: dict[Any, Any]) -> None:
        super().__init__()
        self._owner = owner
        self._name = name
        self.update(items)

    @_announced
    def __setitem__(self, key: object, item: object) -> None:
        if key in self:
            del self[key]
        super().__setitem__(key, self._owner._track(f"{self._name}.{key}", item))

    def update(self, *others: Any, **more: Any) -> None:
        for key, item in dict(*others, **more).items():
            self[key] = item

    def __ior__(self, other: Any) -> TrackedDict:  # type: ignore[misc]
        self.update(other)
        return self

    def setdefault(self, key: object, default: object = None) -> Any:
        if key not in self:
            self[key] = default
        return self[key]

    @_announced
    def __delitem__(self, key: object) -> None:
        self._owner._untrack(self[key], f"{self._name}.")
        super().__delitem__(key)

    @_announced
    def pop(self, key: object, *default: object) -> Any:
        if key not in self:
            return super().pop(key, *default)
        item = self[key]
        del self[key]
        return item

    @_announced
    def popitem(self) -> tuple[Any, Any]:
        key, item = super().popitem()
        self._owner._untrack(item, f"{self._name}.")
        return key, item

    @_announced
    def clear(self) -> None:
        for key in list(self):
            del self[key]

    def __reduce__(self) -> tuple[object, ...]:
        return dict, (dict(self),)

    def __deepcopy__(self, memo: dict[int, object]) -> object:
        return _copy_container(self, memo)


def _copy_container(container: Any, memo: dict[int, object]) -> object:
    """A deep copy: the owner's copy owns it; without such a copy it is a plain container."""
    import copy

    plain = list if isinstance(container, list) else dict
    content = copy.deepcopy(plain(container), memo)
    owner = memo.get(id(container._owner))
    if owner is None:
        return content
    kind: Any = type(container)
    twin = kind.__new__(kind)
    plain.__init__(twin, content)
    twin.__dict__.update(container.__dict__, _owner=owner)
    memo[id(container)] = twin
    return twin
