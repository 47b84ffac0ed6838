"""Names for objects: how "relu", "adam" or a config dictionary becomes the thing it stands for.

Each kind of object (activation, initializer, layer, loss, optimizer, ...) has one `Registry`; its
module's `get`, `serialize` and `deserialize` are that registry's methods. Semantics are Keras's.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

_custom_objects: dict[str, Any] = {}
_counts: dict[str, int] = {}


def get_custom_objects() -> dict[str, Any]:
    """The dictionary of the user's own named objects, to read or to fill."""
    return _custom_objects


@contextmanager
def custom_object_scope(objects: Mapping[str, Any]) -> Iterator[None]:
    """Makes `objects` (name to class or function) known to every `get` inside the `with` block."""
    before = dict(_custom_objects)
    _custom_objects.update(objects)
    try:
        yield
    finally:
        _custom_objects.clear()
        _custom_objects.update(before)


CustomObjectScope = custom_object_scope


def register_keras_serializable(
    package: str = "Custom", name: str | None = None
) -> Callable[[Any], Any]:
    """Decorator: makes a class or function loadable from configs, as `package>name`."""

    def register(thing: Any) -> Any:
        if isinstance(thing, type) and not hasattr(thing, "get_config"):
            raise ValueError(f"cannot register {thing.__name__}: the class has no get_config()")
        thing._registered_name = f"{package}>{name or thing.__name__}"
        _custom_objects[thing._registered_name] = thing
        return thing

    return register


def snake_case(name: str) -> str:
    """`GlorotUniform` to `glorot_uniform`, by Keras's rule (`ReLU` becomes `re_lu`)."""
    out: list[str] = []
    for i, char in enumerate(name):
        starts_word = char.isupper() and (name[i + 1 : i + 2].islower() or name[i - 1].islower())
        if i and starts_word:
            out.append("_")
        out.append(char.lower())
    return "".join(out)


def unique_name(prefix: str) -> str:
    """`dense`, then `dense_1`, `dense_2`, ...: counted for each prefix until `reset_names`."""
    count = _counts.get(prefix, 0)
    _counts[prefix] = count + 1
    return f"{prefix}_{count}" if count else prefix


def reset_names() -> None:
    """Starts the counting of `unique_name` anew."""
    _counts.clear()


def suggestion(name: object, known: Iterable[str]) -> str:
    """A sentence to append to a message: the known name nearest to `name`, "" if none is near."""
    import difflib

    names = sorted(known)
    near = difflib.get_close_matches(str(name), names, n=1)
    if not near:  # then a difference in case or in the underscores
        folded = {known_name.replace("_", "").lower(): known_name for known_name in names}
        close = difflib.get_close_matches(str(name).replace("_", "").lower(), list(folded), n=1)
        near = [folded[key] for key in close]
    return f" Did you mean {near[0]!r}?" if near else ""


class Registry:
    """The named objects of one kind.

    Args:
        kind: what messages call such an object, for example "activation".
        objects: classes and functions, known under their name; a class also in snake case.
        aliases: further names.
        base: the class whose instances `get` returns unchanged; other callables are accepted as
            well unless `callables` is False.
    """

    def __init__(
        self,
        kind: str,
        objects: Iterable[Any],
        aliases: Mapping[str, Any] | None = None,
        base: type | None = None,
        callables: bool = True,
    ) -> None:
        self.kind = kind
        self.base = base
        self.callables = callables
        self.objects: dict[str, Any] = {}
        for thing in objects:
            self.objects[thing.__name__] = thing
            if isinstance(thing, type):
                self.objects[snake_case(thing.__name__)] = thing
        self.objects.update(aliases or {})

    def lookup(self, name: str, custom_objects: Mapping[str, Any] | None = None) -> Any:
        """The class or function called `name`.

        Raises:
            ValueError: nothing has this name; the message suggests the nearest one.
        """
        for names in (custom_objects or {}, _custom_objects, self.objects):
            if name in names:
                return names[name]
        known = {*self.objects, *_custom_objects, *(custom_objects or {})}
        raise ValueError(f"unknown {self.kind} {name!r}.{suggestion(name, known)}")

    def get(self, identifier: Any) -> Any:
        """The object for a name, config dictionary, class, instance or function; None for None.

        Raises:
            ValueError: unknown name, or something that stands for no object of this kind.
        """
        if identifier is None:
            return None
        if isinstance(identifier, str):
            found = self.lookup(identifier)
            return found() if isinstance(found, type) else found
        if isinstance(identifier, dict):
            return self.deserialize(identifier)
        if isinstance(identifier, type):
            return self.get(identifier())
        if self.base is not None and isinstance(identifier, self.base):
            return identifier
        if self.callables and callable(identifier):
            return identifier
        raise ValueError(
            f"cannot interpret {identifier!r} (of type {type(identifier).__name__}) as "
            f"{'an' if self.kind[0] in 'aeiou' else 'a'} {self.kind}"
        )

    def serialize(self, thing: Any) -> Any:
        """A name (for a function) or a config dictionary from which `deserialize` rebuilds it."""
        if thing is None:
            return None
        registered = getattr(thing, "_registered_name", None)
        if not hasattr(thing, "get_config"):
            return registered or thing.__name__
        cls = type(thing)
        return {
            "class_name": cls.__name__,
            "config": thing.get_config(),
            "registered_name": registered,
        }

    def deserialize(self, config: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
        """The object that `serialize` described, with Keras's configs understood as well.

        Raises:
            ValueError: the config isn't of that form, or names an unknown class.
        """
        if config is None:
            return None
        if isinstance(config, str):
            found = self.lookup(config, custom_objects)
            return found() if isinstance(found, type) else found
        if not isinstance(config, dict) or "class_name" not in config:
            raise ValueError(
                f"the config of {'an' if self.kind[0] in 'aeiou' else 'a'} {self.kind} must be "
                f"a dict with a 'class_name' and a 'config', got {config!r}"
            )
        registered = config.get("registered_name")
        if registered and (registered in _custom_objects or registered in (custom_objects or {})):
            cls = self.lookup(registered, custom_objects)
        else:
            cls = self.lookup(config["class_name"], custom_objects)
        settings = config.get("config")
        if isinstance(settings, str):  # Keras's form for a function
            return self.lookup(settings, custom_objects)
        settings = settings or {}
        if custom_objects:
            with custom_object_scope(custom_objects):
                return cls.from_config(settings)
        return cls.from_config(settings)
