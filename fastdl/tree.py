"""Functions of structures: nested lists, tuples, dicts and deques of values, as in `keras.tree`.

All other values, None too, are leaves. Dicts are walked in the order of their sorted keys, an
`OrderedDict` in its own order.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from ._base.checks import shown
from ._base.notices import warn_once

Path = tuple[Any, ...]  # the indices and keys that lead to a leaf


class MAP_TO_NONE:
    """What a function of `traverse` returns to put None in a place.

    Example:
        >>> tree.traverse(lambda x: tree.MAP_TO_NONE if x == 1 else None, [1, 2])
        [None, 2]
    """


def is_nested(structure: object) -> bool:
    """Whether it is a structure and no leaf.

    Example:
        >>> tree.is_nested([]), tree.is_nested("text"), tree.is_nested(None)
        (True, False, False)
    """
    if isinstance(structure, dict):
        return not hasattr(structure, "shape")  # SciPy's dok_matrix is a dict
    return isinstance(structure, (list, tuple, deque))


def _keys(structure: Any) -> list[Any]:
    if isinstance(structure, OrderedDict):
        return list(structure)
    if not isinstance(structure, dict):
        return list(range(len(structure)))
    try:
        return sorted(structure)
    except TypeError:  # keys of several types have no order
        return list(structure)


def _children(structure: Any) -> list[Any]:
    """The parts of a structure, in order."""
    if isinstance(structure, dict):
        return [structure[key] for key in _keys(structure)]
    return list(structure)


def _beside(structures: Iterable[Any]) -> Iterable[tuple[Any, ...]]:
    """The parts of several structures side by side: those of dicts by their keys."""
    first, *others = structures
    if not isinstance(first, dict):
        return zip(first, *others, strict=True)
    return [(first[key], *(other[key] for other in others)) for key in _keys(first)]


def _rebuilt(structure: Any, children: list[Any]) -> Any:
    """A structure of the same kind with other parts."""
    if isinstance(structure, dict):
        found = dict(zip(_keys(structure), children, strict=True))
        items = [(key, found[key]) for key in structure]
        if isinstance(structure, defaultdict):
            return defaultdict(structure.default_factory, items)
        return OrderedDict(items) if isinstance(structure, OrderedDict) else dict(items)
    if isinstance(structure, deque):
        return deque(children, structure.maxlen)
    if isinstance(structure, tuple):
        return structure._make(children) if hasattr(structure, "_make") else tuple(children)
    return children


def _check_function(who: str, func: object) -> None:
    if not callable(func):
        raise TypeError(f"{who}: func: expected a function, got {shown(func)}")


def traverse(func: Callable[[Any], object], structure: object, top_down: bool = True) -> Any:
    """The structure with parts replaced by what `func` returns for them.

    Args:
        func: a function of a part, itself a structure or a leaf. None leaves the part as it is,
            `MAP_TO_NONE` puts None there.
        structure: the structure.
        top_down: whether `func` gets a structure before its parts. The parts of what it replaces
            are then not visited. Otherwise it gets each structure after its parts.

    Raises:
        TypeError: `func` is no function.

    Example:
        >>> tree.traverse(lambda x: sum(x) if isinstance(x, tuple) else None, [(1, 2), [3]])
        [3, [3]]
    """
    _check_function("traverse", func)

    def parts(one: Any) -> Any:
        if not is_nested(one):
            return one
        return _rebuilt(one, [visit(child) for child in _children(one)])

    def visit(one: Any) -> Any:
        before = one if top_down else parts(one)
        found = func(before)
        if found is None:
            return parts(one) if top_down else before
        return None if found is MAP_TO_NONE else found

    return visit(structure)


def flatten(structure: object) -> list[Any]:
    """The list of the leaves, first to last.

    Example:
        >>> tree.flatten({"b": [3, 4], "a": (1, 2)})
        [1, 2, 3, 4]
    """
    return [leaf for _, leaf in flatten_with_path(structure)]


def flatten_with_path(structure: object) -> list[tuple[Path, Any]]:
    """The leaves, each with its path: the indices and keys that lead to it.

    Example:
        >>> tree.flatten_with_path([{"a": 42}])
        [((0, 'a'), 42)]
    """
    found: list[tuple[Path, Any]] = []

    def visit(path: Path, one: Any) -> None:
        if is_nested(one):
            for key, child in zip(_keys(one), _children(one), strict=True):
                visit((*path, key), child)
        else:
            found.append((path, one))

    visit((), structure)
    return found


def map_structure(
    func: Callable[..., object], *structures: object, none_is_leaf: bool = True
) -> Any:
    """The structure of `func(leaf)`, or of `func(leaf of each structure)`.

    Args:
        func: a function of as many leaves as there are structures.
        structures: structures of the same form.
        none_is_leaf: whether `func` gets leaves that are None, too; otherwise they stay.

    Raises:
        TypeError: `func` is no function.
        ValueError: there is no structure, or the structures have different forms.

    Example:
        >>> tree.map_structure(lambda a, b: a + b, [1, (2, 3)], [10, (20, 30)])
        [11, (22, 33)]
    """
    who = "map_structure"
    _check_function(who, func)
    if not structures:
        raise ValueError(f"{who}: structures: expected at least one, got none")

    def visit(*ones: Any) -> Any:
        if is_nested(ones[0]):
            for other in ones[1:]:
                _check_form(who, ones[0], other)
            return _rebuilt(ones[0], [visit(*part) for part in _beside(ones)])
        if any(map(is_nested, ones)):
            raise ValueError(f"{who}: structures: expected the same form, got {_pair(ones)}")
        if not none_is_leaf and any(one is None for one in ones):
            if all(one is None for one in ones):
                return None
            raise ValueError(f"{who}: structures: expected None in all of them, got {_pair(ones)}")
        return func(*ones)

    return visit(*structures)


def map_structure_up_to(
    shallow_structure: object, func: Callable[..., object], *structures: object
) -> Any:
    """`map_structure` down to the leaves of `shallow_structure`; what is deeper goes to `func`.

    Args:
        shallow_structure: the form of the result.
        func: a function of as many parts as there are structures.
        structures: structures with at least that form.

    Raises:
        TypeError: `func` is no function.
        ValueError: there is no structure, or one has not that form.

    Example:
        >>> tree.map_structure_up_to([None, None], len, [[1, 2], [3]])
        [2, 1]
    """
    who = "map_structure_up_to"
    _check_function(who, func)
    if not structures:
        raise ValueError(f"{who}: structures: expected at least one, got none")

    def visit(shallow: Any, *ones: Any) -> Any:
        if not is_nested(shallow):
            return func(*ones)
        for one in ones:
            _check_form(who, shallow, one)
        return _rebuilt(shallow, [visit(*part) for part in _beside((shallow, *ones))])

    return visit(shallow_structure, *structures)


def _kind(structure: object) -> object:
    """What structures of one form have in common: the dicts count as one kind."""
    return dict if isinstance(structure, dict) else type(structure)


def _pair(ones: Iterable[object]) -> str:
    return " and ".join(map(shown, ones))


def _check_form(who: str, a: Any, b: Any) -> None:
    """ValueError unless both are structures of one kind with the same keys."""
    if not is_nested(b) or _kind(a) is not _kind(b) or set(_keys(a)) != set(_keys(b)):
        raise ValueError(f"{who}: structures: expected the same form, got {_pair((a, b))}")


def assert_same_structure(a: object, b: object, check_types: bool | None = None) -> None:
    """Raises an error unless two structures have the same form. Leaves may be anything.

    Lists, tuples, named tuples and deques are different kinds; dicts count as one kind.

    Args:
        a, b: structures.
        check_types: has no effect, as in Keras, where it is deprecated.

    Raises:
        ValueError: they differ.

    Example:
        >>> tree.assert_same_structure([1, {"a": 2}], [None, {"a": "x"}])
        >>> tree.assert_same_structure([1], (1,))
        Traceback (most recent call last):
        ...
        ValueError: assert_same_structure: structures: expected the same form, got [1] and (1,)
    """
    if check_types is not None:
        warn_once(
            "assert_same_structure: check_types has no effect; assert_same_paths takes lists and "
            "tuples as the same"
        )

    def visit(one: Any, other: Any) -> None:
        if is_nested(one):
            _check_form("assert_same_structure", one, other)
            for part, twin in _beside((one, other)):
                visit(part, twin)
        elif is_nested(other):
            raise ValueError(
                f"assert_same_structure: structures: expected the same form, got "
                f"{_pair((one, other))}"
            )

    visit(a, b)


def assert_same_paths(a: object, b: object) -> None:
    """Raises an error unless the leaves of two structures have the same paths.

    Raises:
        ValueError: they differ.

    Example:
        >>> tree.assert_same_paths([1, (2, 3)], (1, [2, 3]))
    """
    one, other = ({path for path, _ in flatten_with_path(x)} for x in (a, b))
    if one != other:
        raise ValueError(
            f"assert_same_paths: expected the same paths, got {_paths(one - other)} in a alone "
            f"and {_paths(other - one)} in b alone"
        )


def _paths(paths: set[Path]) -> str:
    return ", ".join(sorted(map(str, paths))) or "none"


def pack_sequence_as(structure: object, flat_sequence: Iterable[object]) -> Any:
    """The structure with other leaves.

    Args:
        structure: the form.
        flat_sequence: the leaves, as `flatten` gives them.

    Raises:
        TypeError: `flat_sequence` cannot be iterated over.
        ValueError: there are more or fewer leaves than the structure has.

    Example:
        >>> tree.pack_sequence_as({"b": 0, "a": (0, 0)}, [1, 2, 3])
        {'b': 3, 'a': (1, 2)}
    """
    who = "pack_sequence_as"
    try:
        values = list(flat_sequence)
    except TypeError:
        raise TypeError(
            f"{who}: flat_sequence: expected a list of leaves, got {shown(flat_sequence)}"
        ) from None
    wanted = len(flatten(structure))
    if len(values) != wanted:
        raise ValueError(f"{who}: flat_sequence: expected {wanted} leaves, got {len(values)}")
    supply = iter(values)
    return map_structure(lambda _: next(supply), structure)


def lists_to_tuples(structure: object) -> Any:
    """The structure with tuples in the place of lists.

    Example:
        >>> tree.lists_to_tuples([1, {"a": [2]}])
        (1, {'a': (2,)})
    """
    return traverse(lambda x: tuple(x) if isinstance(x, list) else None, structure, top_down=False)


def map_shape_structure(func: Callable[[Any], object], structure: object) -> Any:
    """`map_structure` over the shapes in a structure: lists and tuples of integers and None.

    Example:
        >>> tree.map_shape_structure(len, {"a": (None, 3), "b": [(2, 2, 2)]})
        {'a': 2, 'b': [3]}
    """
    _check_function("map_shape_structure", func)

    def visit(one: Any) -> Any:
        if not is_nested(one) or (
            isinstance(one, (list, tuple)) and all(x is None or isinstance(x, int) for x in one)
        ):
            return func(one)
        return _rebuilt(one, [visit(child) for child in _children(one)])

    return visit(structure)


__all__ = [
    "MAP_TO_NONE",
    "assert_same_paths",
    "assert_same_structure",
    "flatten",
    "flatten_with_path",
    "is_nested",
    "lists_to_tuples",
    "map_shape_structure",
    "map_structure",
    "map_structure_up_to",
    "pack_sequence_as",
    "traverse",
]

if not TYPE_CHECKING:
    from ._base.missing import attributes_missing_from

    __getattr__ = attributes_missing_from(__name__)
