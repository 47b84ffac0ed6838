"""Registries: they turn names ("relu", "adam") and config dictionaries into objects.

Each kind of object (activation, initializer, layer, loss, optimizer, ...) has one `Registry`, at
the end of this file. The decorator `@LAYERS.register` adds a class or function to it. A module such
as `fastdl.losses` exports the registry's `get`, `serialize` and `deserialize`. Semantics are
Keras's.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from contextvars import ContextVar
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar, overload

from .checks import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from typing import Protocol

    class Configurable(Protocol):
        """An object with settings."""

        def get_config(self) -> Mapping[str, object]: ...


Thing = TypeVar("Thing")
Class = TypeVar("Class", bound=type)

# A registered object as users give it: its name, its configuration, the object or its class.
Identifier: TypeAlias = "str | Mapping[str, object] | Callable[..., object] | None"

_custom_objects: dict[str, Any] = {}
_counts: dict[str, int] = {}
_uids: dict[str, int] = {}


def get_custom_objects() -> dict[str, Any]:
    """The dictionary of the user's own named objects. Users may change it."""
    return _custom_objects


@contextmanager
def custom_object_scope(custom_objects: Mapping[str, object] | None) -> Iterator[None]:
    """Makes classes and functions, by name, known to every `get` inside the `with` block.

    None makes nothing known.
    """
    before = dict(_custom_objects)
    _custom_objects.update(custom_objects or {})
    try:
        yield
    finally:
        _custom_objects.clear()
        _custom_objects.update(before)


CustomObjectScope = custom_object_scope


def register_keras_serializable(
    package: str = "Custom", name: str | None = None
) -> Callable[[Thing], Thing]:
    """Decorator: makes a class or function loadable from configs, as `package>name`."""

    def register(thing: Any) -> Any:
        if isinstance(thing, type) and not hasattr(thing, "get_config"):
            raise ValueError(f"cannot register {thing.__name__}: the class has no get_config()")
        thing._registered_name = f"{package}>{name or thing.__name__}"
        _custom_objects[thing._registered_name] = thing
        return thing

    return register


def registered_name(thing: object) -> str | None:
    """The name that `register_keras_serializable` gave a class or function, None without one.

    A subclass of a registered class is another class: it has none.
    """
    own = thing.__dict__ if isinstance(thing, type) else getattr(thing, "__dict__", {})
    return own.get("_registered_name")


def get_registered_name(obj: Any) -> str:
    """The name under which configs list a class or function: the registered one, or its own."""
    own: str = getattr(obj, "__name__", "<lambda>")
    return registered_name(obj) or own


def object_config(thing: object, config: Any) -> dict[str, Any]:
    """The entry of a config for an object, whose own config is `config`."""
    cls = type(thing)
    entry = {
        "class_name": cls.__name__,
        "config": config,
        "registered_name": registered_name(cls),
    }
    ours = cls.__module__.split(".")[0] == _LIBRARIES[0]
    if not ours or _names_modules.get():  # a user's class may have the name of ours
        entry["module"] = cls.__module__
    return entry


# Whether configs name the modules of the library's own classes, too.
_names_modules: ContextVar[bool] = ContextVar("names_modules", default=False)


@contextmanager
def naming_modules() -> Iterator[None]:
    """Configs that are made in the block name the module of every class, as Keras's do."""
    token = _names_modules.set(True)
    try:
        yield
    finally:
        _names_modules.reset(token)


def get_registered_object(
    name: str,
    custom_objects: Mapping[str, object] | None = None,
    module_objects: Mapping[str, object] | None = None,
) -> Any:
    """The class or function of this name in the user's own objects; None if there is none.

    Args:
        name: the name, as `package>name` if `register_keras_serializable` gave it.
        custom_objects, module_objects: further objects by name.
    """
    for names in (_custom_objects, custom_objects or {}, module_objects or {}):
        if name in names:
            return names[name]
    return None


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
    """`dense`, then `dense_1`, `dense_2`, ...; `reset_names` starts anew."""
    count = _counts.get(prefix, 0)
    _counts[prefix] = count + 1
    return f"{prefix}_{count}" if count else prefix


def reset_names() -> None:
    """Starts the counting of `unique_name` and `next_uid` anew."""
    _counts.clear()
    _uids.clear()


def next_uid(prefix: str) -> int:
    """1 for the first call with a prefix, then 2, and so on."""
    _uids[prefix] = _uids.get(prefix, 0) + 1
    return _uids[prefix]


def suggestion(name: object, known: Iterable[str]) -> str:
    """A sentence for a message that suggests the nearest known name; "" if none is near."""
    import difflib

    names = sorted(known)
    near = difflib.get_close_matches(str(name), names, n=1)
    if not near:  # case and underscores may differ
        folded = {known_name.replace("_", "").lower(): known_name for known_name in names}
        close = difflib.get_close_matches(str(name).replace("_", "").lower(), list(folded), n=1)
        near = [folded[key] for key in close]
    return f" Did you mean {near[0]!r}?" if near else ""


def described(thing: Configurable) -> str:
    """The class of an object with those settings that are plain values: `L1(l1=0.01)`."""
    plain = (int, float, str, bool, tuple, list, type(None))
    try:
        config = thing.get_config()
    except NotImplementedError:  # a user's class without get_config()
        config = {}
    settings = ", ".join(f"{k}={v!r}" for k, v in config.items() if isinstance(v, plain))
    return f"{type(thing).__name__}({settings})"


class Registry:
    """The named objects of one kind.

    Args:
        kind: the word for such an object in messages, for example "activation".
        callables: whether `get` accepts any callable, not only instances of the base class.
        any_case: whether names are found in lower case, too.
        homes: modules that register objects when they are imported.
    """

    def __init__(
        self,
        kind: str,
        *,
        callables: bool = True,
        any_case: bool = False,
        homes: tuple[str, ...] = (),
    ) -> None:
        self.kind = kind
        self.base: type | None = None
        self.callables = callables
        self.any_case = any_case
        self.objects: dict[str, Any] = {}
        self._homes = list(homes)

    @overload
    def register(self, alias: str, /, *aliases: str) -> Callable[[Thing], Thing]: ...
    @overload
    def register(self, thing: Thing, /) -> Thing: ...

    def register(self, *names: Any) -> Any:
        """Decorator: registers a class or function under its name and its aliases.

        A class is registered in snake case as well, unless a function has that name.
        """
        if len(names) != 1 or isinstance(names[0], str):
            return lambda thing: self._add(thing, names)
        return self._add(names[0], ())

    def register_base(self, cls: Class) -> Class:
        """Decorator: registers the base class. `get` returns its instances unchanged."""
        self.base = cls
        return cls

    def _add(self, thing: Any, aliases: tuple[str, ...]) -> Any:
        names = [thing.__name__, *aliases]
        if self.any_case:
            names += [name.lower() for name in names]
        self.objects.update(dict.fromkeys(names, thing))
        if isinstance(thing, type):
            self.objects.setdefault(snake_case(thing.__name__), thing)
        return thing

    def _load_homes(self) -> None:
        while self._homes:
            import_module(self._homes.pop())

    def lookup(self, name: str, custom_objects: Mapping[str, object] | None = None) -> Any:
        """The class or function called `name`.

        Raises:
            ValueError: the name is unknown. The message suggests the nearest one.
        """
        for names in (custom_objects or {}, _custom_objects):
            if name in names:
                return names[name]
        for own in (name, name.lower()) if self.any_case else (name,):
            if own in self.objects:
                return self.objects[own]
        if self._homes:
            self._load_homes()
            return self.lookup(name, custom_objects)
        known = {*self.objects, *_custom_objects, *(custom_objects or {})}
        raise ValueError(f"unknown {self.kind} {name!r}.{suggestion(name, known)}")

    def get(self, identifier: object, who: str = "") -> Any:
        """The object for a name, config dictionary, class, instance or function; None for None.

        `who`, a class and its argument, stands in front of the message.

        Raises:
            ValueError: the name is unknown, or the identifier stands for no such object.
        """
        try:
            return self._get(identifier)
        except ValueError as error:
            if who:
                error.args = (f"{who}: {error}",)
            raise

    def _get(self, identifier: object) -> Any:
        if identifier is None:
            return None
        if isinstance(identifier, str):
            found = self.lookup(identifier)
            return found() if isinstance(found, type) else found
        if isinstance(identifier, dict):
            return self.deserialize(identifier)
        if isinstance(identifier, type):
            return self._get(identifier())
        if self.base is not None and isinstance(identifier, self.base):
            return identifier
        if self.callables and callable(identifier):
            return identifier
        raise ValueError(
            f"cannot interpret {shown(identifier)} (of type {type(identifier).__name__}) as "
            f"{'an' if self.kind[0] in 'aeiou' else 'a'} {self.kind}"
        )

    def serialize(self, thing: Any) -> Any:
        """A name (of a function) or a config dictionary. `deserialize` rebuilds the object.

        A lambda has no name to be found by: it stands for itself, in copies of models. Files cannot
        have it.
        """
        if thing is None:
            return None
        if not hasattr(thing, "get_config"):
            name = get_registered_name(thing)
            return thing if name == "<lambda>" else name
        return object_config(thing, thing.get_config())

    def deserialize(
        self, config: object, custom_objects: Mapping[str, object] | None = None
    ) -> Any:
        """The object that a config of `serialize`, here or in Keras, describes.

        Raises:
            ValueError: the config has another form, or it names an unknown class.
            TypeError: the settings of the class are no dict.
        """
        if config is None or (self.callables and callable(config)):
            return config
        if isinstance(config, str):
            found = self.lookup(config, custom_objects)
            return found() if isinstance(found, type) else found
        if not isinstance(config, dict) or "class_name" not in config:
            raise ValueError(
                f"the config of {'an' if self.kind[0] in 'aeiou' else 'a'} {self.kind} must be "
                f"a dict with a 'class_name' and a 'config', got {config!r}"
            )
        cls = self._class_of(config, custom_objects)
        settings = config.get("config")
        if isinstance(settings, str):  # Keras's form for a function
            return self.lookup(settings, custom_objects)
        settings = settings or {}
        if not isinstance(settings, dict):
            raise TypeError(
                f"the config of {config['class_name']!r}: expected a dict, got {shown(settings)}"
            )
        if custom_objects:
            with custom_object_scope(custom_objects):
                return cls.from_config(settings)
        return cls.from_config(settings)

    def _class_of(self, config: dict[str, Any], custom_objects: Mapping[str, object] | None) -> Any:
        """The class that a config names. One of the user's is not taken for one of ours."""
        name, registered = config["class_name"], config.get("registered_name")
        for wanted in (registered, name):
            if isinstance(wanted, str):
                found = get_registered_object(wanted, custom_objects)
                if found is not None:
                    return found
        module = config.get("module")
        if isinstance(module, str) and module.split(".")[0] not in _LIBRARIES:
            # A class of a module that the program has imported. Nothing is imported for a config.
            found = getattr(sys.modules.get(module), str(name), None)
            if isinstance(found, type) and self.base is not None and issubclass(found, self.base):
                return found
            raise ValueError(
                f"unknown {self.kind} {registered or name!r}, a class of module {module!r}: give "
                f"custom_objects={{{name!r}: {name}}}, or decorate the class with "
                "register_keras_serializable() and import its module"
            )
        if not isinstance(name, str):
            raise ValueError(f"expected the name of a {self.kind}'s class, got {shown(name)}")
        return self.lookup(name)


def find_function(name: str, where: str) -> Any:
    """The function of this name among the user's own and the library's.

    Raises:
        ValueError: there is none.
    """
    found = get_registered_object(name)
    if callable(found):
        return found
    known: set[str] = {*_custom_objects}
    for registry in (ACTIVATIONS, LOSSES, METRICS, INITIALIZERS, REGULARIZERS, CONSTRAINTS):
        registry._load_homes()
        if name in registry.objects:
            return registry.objects[name]
        known.update(registry.objects)
    raise ValueError(
        f"{where}: unknown function {name!r}; give custom_objects={{{name!r}: {name}}}, or "
        "decorate it with register_keras_serializable() and import its module."
        f"{suggestion(name, known)}"
    )


# Modules of these packages in configs stand for classes of this library.
_LIBRARIES = ("fastdl", "keras", "builtins")

ACTIVATIONS = Registry("activation function", homes=("fastdl.activations",))
CONSTRAINTS = Registry("constraint", homes=("fastdl.constraints",))
INITIALIZERS = Registry("initializer", homes=("fastdl.initializers",))
LAYERS = Registry(
    "layer",
    callables=False,
    homes=(
        *("fastdl.layers", "fastdl.models"),
        *("fastdl.tabular.model", "fastdl.utils.feature_space"),
    ),
)
LOSSES = Registry("loss", homes=("fastdl.losses",))
METRICS = Registry("metric", homes=("fastdl.metrics",))
OPTIMIZERS = Registry("optimizer", callables=False, any_case=True, homes=("fastdl.optimizers",))
REGULARIZERS = Registry("regularizer", homes=("fastdl.regularizers",))
SCHEDULES = Registry(
    "learning rate schedule", callables=False, homes=("fastdl.optimizers.schedules",)
)
