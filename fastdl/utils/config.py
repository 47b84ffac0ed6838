"""Config: named values of a program, as attributes and as a dict."""

from __future__ import annotations

from collections.abc import ItemsView, Iterator, KeysView, ValuesView
from typing import Any

from .._base.registry import suggestion


class Config:
    """Named values that are attributes and entries of a dict, and that can be frozen.

    Args:
        kwargs: the values by name.

    Source: `keras.utils.Config` of Keras 3.

    Example:
        >>> config = utils.Config(rate=0.1)
        >>> config.steps = 3
        >>> config["rate"], config.steps, config.to_json()
        (0.1, 3, '{"rate": 0.1, "steps": 3}')
        >>> config.freeze()
        >>> config.steps = 4
        Traceback (most recent call last):
        ...
        ValueError: Config: it is frozen: 'steps' cannot be changed
    """

    _config: dict[str, Any]
    _frozen: bool

    def __init__(self, **kwargs: Any) -> None:
        self.__dict__.update(_config=kwargs, _frozen=False)

    @property
    def frozen(self) -> bool:
        """Whether changes are an error."""
        return self._frozen

    def freeze(self) -> None:
        """Makes changes an error."""
        self.__dict__["_frozen"] = True

    def unfreeze(self) -> None:
        """Allows changes again."""
        self.__dict__["_frozen"] = False

    def _check(self, name: object) -> None:
        if self._frozen:
            raise ValueError(f"Config: it is frozen: {name!r} cannot be changed")

    def as_dict(self) -> dict[str, Any]:
        """A dict of the values."""
        return dict(self._config)

    def to_json(self) -> str:
        """The values as JSON. TypeError for values that JSON has not."""
        import json

        return json.dumps(self._config)

    def keys(self) -> KeysView[str]:
        """The names."""
        return self._config.keys()

    def values(self) -> ValuesView[Any]:
        """The values."""
        return self._config.values()

    def items(self) -> ItemsView[str, Any]:
        """Pairs of name and value."""
        return self._config.items()

    def pop(self, *args: Any) -> Any:
        """Removes a name and returns its value, or a default."""
        self._check(args[0] if args else "")
        return self._config.pop(*args)

    def update(self, *args: Any, **kwargs: Any) -> None:
        """Sets several values."""
        changes = dict(*args, **kwargs)
        self._check(", ".join(map(str, changes)))
        self._config.update(changes)

    def get(self, keyname: str, value: Any = None) -> Any:
        """The value of a name, or a default."""
        return self._config.get(keyname, value)

    def __setattr__(self, name: str, value: Any) -> None:
        if hasattr(type(self), name):
            raise AttributeError(f"Config: {name!r} is a method or property and cannot be set")
        self[name] = value

    def __getattr__(self, name: str) -> Any:
        values = self.__dict__.get("_config", {})
        if name in values:
            return values[name]
        raise AttributeError(f"Config: there is no value {name!r}.{suggestion(name, values)}")

    def __delattr__(self, name: str) -> None:
        if name not in self._config:
            raise AttributeError(f"Config: there is no value {name!r}")
        del self[name]

    def __setitem__(self, key: str, item: Any) -> None:
        self._check(key)
        self._config[key] = item

    def __getitem__(self, key: str) -> Any:
        return self._config[key]

    def __delitem__(self, key: str) -> None:
        self._check(key)
        del self._config[key]

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._config))

    def __len__(self) -> int:
        return len(self._config)

    def __contains__(self, item: object) -> bool:
        return item in self._config

    def __repr__(self) -> str:
        return f"<Config {self._config}>"
