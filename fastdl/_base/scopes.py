"""Scopes of Keras: code that changes no variable, or that runs on symbolic tensors."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from .. import _core
from .._core import Tensor
from . import functional as F
from .checks import check_flag, prefixed, shown
from .watch import Watch, current, refuse

if TYPE_CHECKING:
    from collections.abc import Iterable

    from typing_extensions import Self

    from .._core import TensorLike


class _Scopes(threading.local):
    stateless: StatelessScope | None = None
    symbolic: SymbolicScope | None = None


_scopes = _Scopes()


class _Other:
    """The value that a variable has within a scope.

    Attributes:
        variable: the variable, which has the memory `place` within the scope.
        given: the value that was given.
        place: a copy of it; within the scope, the variable's own memory.
    """

    def __init__(self, variable: Tensor, given: Tensor) -> None:
        self.variable = variable
        self.given = given
        self.place = F.copy(given)  # on the tape: gradients flow to the value
        if variable.requires_grad and not self.place.requires_grad:
            self.place.requires_grad = True  # it counts as trained, as before
        rest = getattr(variable, "rest", None)
        if rest is not None:
            F.assign_(rest, 0.0)
        self._first, self._version = self.place.detach(), self.place._version

    def exchange(self) -> None:
        _core.exchange(self.variable, self.place)

    def now(self) -> Tensor:
        """The value within the scope."""
        same = (
            self.variable._shares_storage(self._first) and self.variable._version == self._version
        )
        return self.given if same else F.copy(self.variable)


class StatelessScope:
    """A context in which variables may have other values, and in which none of them changes.

    Whatever writes into variables within it (`assign`, layers with statistics, metrics,
    optimizers) writes into values that the scope keeps. At its end all variables are as before.
    Gradients flow to the values that are given. Random numbers go on. A step of `fit` that uses a
    scope runs eagerly. Meanwhile no other thread may use the same variables.

    Args:
        state_mapping: pairs of a variable and its value in the scope.
        collect_losses: whether losses that layers add are kept in `losses`, too.
        initialize_variables: accepted; variables that are made in the scope have their values at
            once, and keep them.

    Attributes:
        losses: what `add_loss` took.

    Raises:
        ValueError: a pair has no variable, or a value of another shape.

    Source: `keras.StatelessScope` of Keras 3.

    Example:
        >>> w = fastdl.Variable([1.0, 2.0])
        >>> with fastdl.StatelessScope([(w, [3.0, 4.0])]) as scope:
        ...     _ = w.assign_add([1.0, 1.0])
        ...     total = fastdl.sum(w)
        >>> total.item(), scope.get_current_value(w).tolist(), w.tolist()
        (9.0, [4.0, 5.0], [1.0, 2.0])
    """

    def __init__(
        self,
        state_mapping: Iterable[tuple[Tensor, TensorLike]] | None = None,
        collect_losses: bool = False,
        initialize_variables: bool = True,
    ) -> None:
        from .parameter import Parameter

        who = "StatelessScope"
        self.collect_losses = check_flag(who, "collect_losses", collect_losses)
        self.initialize_variables = check_flag(who, "initialize_variables", initialize_variables)
        self.losses: list[Any] = []
        self._given: dict[int, tuple[Tensor, Tensor]] = {}
        for pair in state_mapping or ():
            if not isinstance(pair, (tuple, list)) or len(pair) != 2:
                raise ValueError(
                    f"{who}: state_mapping: expected pairs of a variable and a value, got "
                    f"{shown(pair)}"
                )
            variable, value = pair
            if not isinstance(variable, Parameter):
                raise ValueError(
                    f"{who}: state_mapping: expected a Variable, got {shown(variable)}"
                )
            self._given[id(variable)] = variable, _fitting(variable, value)
        self._others: dict[int, _Other] = {}
        self._final: dict[int, Tensor] = {}  # the values at the end
        self._updates: dict[int, tuple[Tensor, Any]] = {}
        self._journal: _core.Journal | None = None
        self._inside = False
        self._watch: Watch | None = None
        self._outer: StatelessScope | None = None

    @property
    def state_mapping(self) -> dict[int, Any]:
        """The values that are known, by the `id` of their variables."""
        known = {**self._given, **self._updates}
        return {i: self.get_current_value(variable) for i, (variable, _) in known.items()}

    def __enter__(self) -> Self:
        if self._inside:
            raise RuntimeError("StatelessScope: it is entered already")
        refuse("the step uses a StatelessScope")
        self._outer, self._journal = _scopes.stateless, _core.Journal()
        try:
            self._others = {i: _Other(*pair) for i, pair in self._given.items()}
        except BaseException:
            self._journal.stop()
            raise
        for other in self._others.values():
            other.exchange()
        if current() is None:  # models run their steps eagerly
            self._watch = Watch()
            self._watch.__enter__()
        _scopes.stateless, self._inside = self, True
        return self

    def __exit__(self, *exception: object) -> None:
        assert self._journal is not None
        if self._watch is not None:
            self._watch.__exit__(None, None, None)
            self._watch = None
        for i, other in self._others.items():
            self._final[i] = other.now()
            other.exchange()
        self._journal.stop()
        self._others = {}
        _scopes.stateless, self._inside = self._outer, False

    def add_loss(self, loss: Any) -> None:
        """Adds to `losses`."""
        self.losses.append(loss)

    def add_update(self, update: tuple[Tensor, TensorLike]) -> None:
        """Gives a variable a value in the scope; takes a pair of both.

        Outside of the scope it is what `get_current_value` returns from then on.

        Raises:
            ValueError: it is of another shape.
        """
        variable, value = update
        tensor = _fitting(variable, value)
        if not self._inside:
            self._updates[id(variable)] = variable, tensor
            return
        before = _core.set_grad_enabled(False)
        try:
            F.assign_(variable, tensor.detach())
        finally:
            _core.set_grad_enabled(before)

    def get_current_value(self, variable: Tensor) -> Any:
        """The value of a variable in the scope, or at its end.

        Returns:
            None if it was not given a value, and nothing wrote into it.
        """
        if id(variable) in self._updates:
            return self._updates[id(variable)][1]
        other = self._others.get(id(variable))
        if other is not None:
            return other.now()
        if id(variable) in self._given:
            return self._final.get(id(variable), self._given[id(variable)][1])
        found = None if self._journal is None else self._journal.value(variable)
        return None if found is None else F.copy(found)


def _fitting(variable: Tensor, value: Any) -> Tensor:
    """The value as a tensor of the variable's type. ValueError unless it has its shape."""
    label = getattr(variable, "path", "") or "of no name"
    try:
        tensor = F.cast(_core.as_tensor(value), dtype=variable.dtype)
    except (TypeError, ValueError) as error:
        raise prefixed(f"StatelessScope: value of variable {label!r}", error) from None
    if tensor.shape != variable.shape:
        raise ValueError(
            f"StatelessScope: value of variable {label!r}: expected shape {variable.shape}, got "
            f"{tensor.shape}"
        )
    return tensor


def in_stateless_scope() -> bool:
    """Whether the code runs within a `StatelessScope`."""
    return _scopes.stateless is not None


def get_stateless_scope() -> StatelessScope | None:
    """The innermost `StatelessScope` around the code; None without one."""
    return _scopes.stateless


class SymbolicScope:
    """A context that says that code runs on symbolic tensors; nothing in the library asks for it.

    Source: `keras.SymbolicScope` of Keras 3.

    Example:
        >>> with fastdl.SymbolicScope():
        ...     fastdl.backend.in_symbolic_scope()
        True
    """

    def __enter__(self) -> Self:
        self._outer = _scopes.symbolic
        _scopes.symbolic = self
        return self

    def __exit__(self, *exception: object) -> None:
        _scopes.symbolic = self._outer


def in_symbolic_scope() -> bool:
    """Whether the code runs within a `SymbolicScope`."""
    return _scopes.symbolic is not None
