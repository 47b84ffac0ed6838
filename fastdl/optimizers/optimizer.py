"""Optimizer: the base class of Keras-style optimizers.

The file is long because it has all that Keras's base class promises: rates, averages, clipping,
accumulation, states.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from .. import _core
from .._base import functional as F
from .._base.checks import check_count, check_flag, check_fraction, check_name, check_number
from .._base.copies import Snapshot, is_fixed
from .._base.parameter import Parameter
from .._base.registry import OPTIMIZERS, custom_object_scope, snake_case, suggestion, unique_name
from .._base.stateless import copies, holding
from .._core import Tensor
from .._engine.flat import FlatParameters, Run
from .._engine.interrupts import held_back
from ._gradients import Gradients
from ._options import accumulate, clip_gradients, count_updates, update_average
from ._variables import Variables, named_variable, path_of
from .schedules import LearningRateSchedule

if TYPE_CHECKING:
    from typing import SupportsFloat, TypeAlias

    from typing_extensions import Self

    from .._base.types import Config
    from .._core import TensorLike
    from .schedules import Rate

    # A gradient, as `apply` takes it.
    Gradient: TypeAlias = "TensorLike | _core.Product | _core.Rows"


# Elements of one part of a gradient that is computed and used part by part: few enough for caches,
# enough for a product on two threads.
_PART = 1 << 20
# Elements from which the gradient of a table may come as rows. Smaller ones lie in the caches.
_TABLE = 1 << 14


@OPTIMIZERS.register_base
class Optimizer(Variables):
    """Base class of optimizers; the updates are those of Keras 3.

    The first `apply` (or `build`) builds an optimizer for a list of variables. It moves their
    values into one contiguous buffer, gradients and slots into others, so that a step is one pass
    over memory. The learning rate and the step count lie in tensors, so a recorded step sees their
    changes.

    To define an optimizer, override `update_step` and, for slots, `build`:

        >>> class Plain(fastdl.optimizers.Optimizer):
        ...     def update_step(self, gradient, variable, learning_rate):
        ...         self.assign_sub(variable, gradient * learning_rate)

    Args:
        learning_rate: a number, a `schedules.LearningRateSchedule` of the step count, or a
            function without arguments, called at each step (by `fit` each time it returns to
            Python).
        weight_decay: before each update this part of each variable, times the learning rate, is
            subtracted from it ("decoupled" decay); or None.
        clipnorm: each gradient is scaled down to at most this Euclidean norm.
        clipvalue: each gradient's elements are clipped to at most this magnitude.
        global_clipnorm: all gradients together are scaled down to at most this norm.
        use_ema: whether a moving average of the variables is kept; it is written over them at the
            end of `fit`, or every `ema_overwrite_frequency` steps.
        ema_momentum: how much of the average stays at each step.
        ema_overwrite_frequency: steps between two overwrites, or None.
        loss_scale_factor: the loss is multiplied by it and the gradients are divided by it.
        gradient_accumulation_steps: gradients are averaged over this many calls of `apply`;
            only the last of them changes the variables.
        name: the class name in snake case, counted, by default.

    Raises:
        ValueError: an argument is out of its range; the message names it.
        TypeError: an unknown argument.
    """

    # Derived from the variables once, or set by what runs the steps.
    _bookkeeping = frozenset(("_built_slots", "_is_fed", "_penalties", "_positions", "_runs_of"))
    _announced = frozenset(
        (
            "_constrained",
            "_excluded",
            "_excluded_names",
            "_slot_variables",
            "_trainable_variables",
        )
    )
    # Whether _update() can get some rows of a matrix at a time.
    _takes_parts: ClassVar[bool] = True
    # The slots of a subclass: each a name and the initial value.
    _slots: ClassVar[tuple[tuple[str, float], ...]] = ()

    def __init_subclass__(cls, **kwargs: object) -> None:
        super().__init_subclass__(**kwargs)
        if "update_step" in cls.__dict__ and "_update" not in cls.__dict__:
            cls._update = Optimizer._update  # type: ignore[method-assign]  # which calls it

    def __init__(
        self,
        learning_rate: Rate,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        loss_scale_factor: float | None = None,
        gradient_accumulation_steps: int | None = None,
        name: str | None = None,
        **unknown: object,
    ) -> None:
        who = type(self).__name__
        if unknown:
            raise TypeError(_unknown_argument(type(self), next(iter(unknown))))
        weight_decay, clipnorm, clipvalue, global_clipnorm = (
            None if number is None else check_number(who, argument, number)
            for argument, number in (
                ("weight_decay", weight_decay),
                ("clipnorm", clipnorm),
                ("clipvalue", clipvalue),
                ("global_clipnorm", global_clipnorm),
            )
        )
        if loss_scale_factor is not None:
            loss_scale_factor = check_number(who, "loss_scale_factor", loss_scale_factor, above=0.0)
        check_fraction(who, "ema_momentum", ema_momentum)
        if sum(clip is not None for clip in (clipnorm, clipvalue, global_clipnorm)) > 1:
            raise ValueError(
                f"{who}: at most one of clipnorm, clipvalue and global_clipnorm can be set, got "
                f"clipnorm={clipnorm}, clipvalue={clipvalue}, global_clipnorm={global_clipnorm}"
            )
        check_count(who, "gradient_accumulation_steps", gradient_accumulation_steps, 2)
        check_count(who, "ema_overwrite_frequency", ema_overwrite_frequency, 1)
        self.name = check_name(who, "name", name) or unique_name(snake_case(who))
        self.weight_decay = weight_decay
        self.clipnorm = clipnorm
        self.clipvalue = clipvalue
        self.global_clipnorm = global_clipnorm
        self.use_ema = check_flag(who, "use_ema", use_ema)
        self.ema_momentum = ema_momentum
        self.ema_overwrite_frequency = ema_overwrite_frequency
        self.loss_scale_factor = loss_scale_factor
        self.gradient_accumulation_steps = gradient_accumulation_steps
        self.built = False
        self._exchanged = False  # whether the variables hold their moving average, and it theirs

        # The update ops read these at run time: the learning rate, and the number of finished
        # updates. With accumulated gradients that number is derived from the calls of apply().
        self._hyper = _core.full((1,), "float32", 0.0)
        self._hyper_array: np.ndarray = self._hyper.numpy()
        self._calls = _core.full((), "int64", 0)
        self._updates = F.copy(self._calls) if gradient_accumulation_steps else self._calls
        # Set by a runner that writes the values of _feeds() itself: apply() then does not read the
        # step count.
        self._is_fed = False

        # Penalties whose gradients the next update adds, by the identity of their variables, and
        # what they amount to.
        self._penalties: Mapping[int, tuple[float, float]] = {}
        self._penalty = _core.full((), "float32", 0.0)

        self._trainable_variables: list[Tensor] = []
        self._positions: dict[int, int] = {}
        self._slot_variables: list[Parameter] = []
        self._excluded: list[Tensor] = []
        self._excluded_names: list[str] = []
        # For each selection of variables: what the runs were made for (how often variables had
        # moved, the decays and the penalties), and the runs.
        self._runs_of: dict[tuple[bool, ...], tuple[object, list[Run]]] = {}
        self._learning_rate: LearningRateSchedule | Callable[[], SupportsFloat] | None = None
        self._learning_rate_variable = named_variable(
            self._hyper._view((), 0), "learning_rate", self.name
        )
        self._iterations_variable = named_variable(self._updates, "iterations", self.name)
        self._calls_variable = named_variable(self._calls, "iteration", self.name)
        self._set_rate(learning_rate)

    # --- learning rate and step count

    @property
    def learning_rate(self) -> Parameter:
        """The learning rate of the next step, a float32 variable; assign a number to change it."""
        self._refresh_learning_rate()
        return self._learning_rate_variable

    @learning_rate.setter
    def learning_rate(self, value: Rate) -> None:
        self._set_rate(value)

    def _set_rate(self, value: Rate) -> None:
        if isinstance(value, LearningRateSchedule) or (
            callable(value) and not isinstance(value, Tensor)
        ):
            self._learning_rate = value
            return
        if isinstance(self._learning_rate, LearningRateSchedule):
            raise TypeError(
                f"{type(self).__name__}: the learning rate follows a schedule "
                f"({type(self._learning_rate).__name__}) and cannot be set; create the optimizer "
                "with a number to be able to set it"
            )
        self._hyper_array[0] = check_number(type(self).__name__, "learning_rate", value)
        self._learning_rate = None

    def _refresh_learning_rate(self) -> None:
        if self._learning_rate is not None and not self._is_fed:
            rates = self._learning_rates(int(self._calls), 1)
            assert rates is not None
            self._hyper_array[0] = rates[0]

    def _learning_rates(self, first_step: int, count: int) -> np.ndarray | None:
        """The learning rates of `count` steps from `first_step` on, or None if it is constant."""
        source = self._learning_rate
        if source is None:
            return None
        if isinstance(source, LearningRateSchedule):
            return source._values(first_step, count)
        return np.full(count, float(source()), np.float32)

    def _feeds(self, steps: int) -> list[tuple[Tensor, np.ndarray]]:
        """The tensors that change from step to step, each with its values in the next steps."""
        if self._learning_rate is None:
            return []
        source, first = self._learning_rate, int(self._calls)
        if isinstance(source, LearningRateSchedule) and is_fixed(type(source)):
            rates = self._learning_rates(first, steps)
        else:
            before = Snapshot(source)
            rates = self._learning_rates(first, 1)
            if steps > 1 and Snapshot(source) == before:  # else it counts its calls: one per step
                rates = self._learning_rates(first, steps)
        assert rates is not None
        return [(self._hyper, rates)]

    @contextmanager
    def _fed_as(self, outer: Optimizer) -> Iterator[None]:
        """In the block the feeds of this optimizer are written if those of `outer` are."""
        self.__dict__["_is_fed"] = outer._is_fed
        try:
            yield
        finally:
            self.__dict__["_is_fed"] = False

    @property
    def iterations(self) -> Parameter:
        """How many updates were made: an int64 variable."""
        if self.gradient_accumulation_steps:
            count_updates(self, self.gradient_accumulation_steps)
        return self._iterations_variable

    # --- variables

    def build(self, variables: Iterable[Tensor]) -> None:
        """Creates the slots for these variables and moves them into one buffer.

        Raises:
            ValueError: the list is empty or names a variable twice.
            TypeError: something in it isn't a float32 variable.
        """
        if self.built:
            return
        self._trainable_variables = list(variables)
        self._flat = FlatParameters(self._trainable_variables, type(self).__name__)
        self._positions = {id(v): i for i, v in enumerate(self._trainable_variables)}
        self._constrained = [
            v
            for v in self._trainable_variables
            if isinstance(v, Parameter) and v.constraint is not None
        ]
        # The order of a run's states: the optimizer's own slots, then those of the options.
        self._built_slots = [name for name, _ in self._active_slots()]
        self._add_slots(self._active_slots())
        self._average_at = self._add_slots([("average", 0.0)]) if self.use_ema else None
        self._sums_at = (
            self._add_slots([("gradient_accumulator", 0.0)])
            if self.gradient_accumulation_steps
            else None
        )
        self.built = True

    def _active_slots(self) -> Sequence[tuple[str, float]]:
        """The slots that these settings need."""
        return self._slots

    def _add_slots(self, slots: Sequence[tuple[str, float]]) -> int:
        """Adds a flat buffer for each slot, with a named variable for each view of it.

        The variables are listed by trained variable, as in Keras. Returns the position of the
        first buffer in a run's states.
        """
        first = len(self._flat.states)
        buffers = [self._flat.add_state(initial) for _, initial in slots]
        for i, variable in enumerate(self._trainable_variables):
            for (slot, _), buffer in zip(slots, buffers, strict=True):
                name = f"{path_of(variable, i).replace('/', '_')}_{slot}"
                self._slot_variables.append(
                    named_variable(self._flat.state_of(buffer, i), name, self.name)
                )
        return first

    @property
    def variables(self) -> list[Parameter]:
        """The optimizer's state: step count, learning rate, then the slots."""
        rate = [] if self._learning_rate is not None else [self._learning_rate_variable]
        return [self._calls_variable, *rate, *self._slot_variables]

    # --- the step

    def update_step(self, gradient: Tensor, variable: Tensor, learning_rate: Tensor) -> None:
        """Updates one variable in place. A subclass overrides it."""
        raise NotImplementedError(
            f"{type(self).__name__}: an optimizer must define update_step(gradient, variable, "
            "learning_rate)"
        )

    def apply_gradients(
        self, grads_and_vars: Iterable[tuple[Gradient | None, Tensor]]
    ) -> Parameter:
        """`apply` for pairs of gradient and variable; returns `iterations`."""
        pairs = list(grads_and_vars)
        self.apply([g for g, _ in pairs], [v for _, v in pairs])
        return self.iterations

    def stateless_apply(
        self,
        optimizer_variables: Iterable[TensorLike],
        grads: Sequence[Gradient | None],
        trainable_variables: Iterable[TensorLike],
    ) -> tuple[list[Tensor], list[Tensor]]:
        """One step from other values; those of the optimizer and its variables stay as they are.

        Args:
            optimizer_variables: a value for each of `variables`.
            grads: the gradients.
            trainable_variables: a value for each variable that the optimizer was built for.

        Returns:
            The new values of the variables, and those of the optimizer's state.

        Raises:
            ValueError: it isn't built, or the values do not fit.

        Source: `keras.optimizers.Optimizer.stateless_apply` of Keras 3.

        Example:
            >>> w = fastdl.Variable([1.0])
            >>> optimizer = fastdl.optimizers.SGD(0.5)
            >>> optimizer.build([w])
            >>> values, _ = optimizer.stateless_apply(optimizer.variables, [[2.0]], [[3.0]])
            >>> values[0].tolist(), w.tolist()
            ([2.0], [1.0])
        """
        who = f"{type(self).__name__}.stateless_apply"
        if not self.built:
            raise ValueError(f"{who}: it is not built yet; call build(variables) first")
        trained, state = self._trainable_variables, self.variables
        before, after = list(trainable_variables), list(optimizer_variables)
        with (
            holding(f"{who}: trainable_variables", trained, before),
            holding(f"{who}: optimizer_variables", state, after),
        ):
            self.apply(grads)
            return copies(trained), copies(state)

    def _descend(
        self,
        loss: Tensor,
        variables: Sequence[Tensor],
        penalties: Mapping[int, tuple[float, float]] | None = None,
    ) -> Tensor | None:
        """One step down the gradients of a loss, and of penalties that are not in it.

        Args:
            penalties: for the identity of a variable (a, b), its penalty being a |w| + b / 2 w^2;
                only where `_adds_penalties()`.

        Returns:
            The sum of the penalties before the step, None if there are none.
        """
        if not self.built:  # first: gradients are then written into its memory
            self.build(variables)
        gradients = Gradients(variables, self._looks_once(), self._tables(variables, penalties))
        _core.grad_into(gradients, [loss], [None], variables)
        found = gradients.found
        if not penalties:
            self.apply(found, variables)
            return None
        for i, variable in enumerate(variables):
            if found[i] is None and id(variable) in penalties:
                found[i] = _core.full(variable.shape, "float32", 0.0)
        self.__dict__["_penalties"] = penalties
        try:
            F.assign_(self._penalty, 0.0)
            self.apply(found, variables)
            return F.copy(self._penalty)
        finally:
            self.__dict__["_penalties"] = {}

    def _adds_penalties(self) -> bool:
        """Whether an update can add the gradients of penalties in its pass over the memory."""
        return type(self)._looks_once is Optimizer._looks_once and self._looks_once()

    def apply(
        self,
        grads: Sequence[Gradient | None],
        trainable_variables: Iterable[Tensor] | None = None,
    ) -> None:
        """Updates the variables by their gradients and counts the step.

        Args:
            grads: one gradient for each variable; None leaves that variable as it is.
            trainable_variables: defaults to those that the optimizer was built with; on the first
                call the optimizer is built with them.

        Raises:
            ValueError: there are no variables, a variable is unknown, number or shapes of gradients
                differ from those of the variables, or there is no gradient at all.
        """
        grads = list(grads)
        if not grads:
            return
        before = _core.set_grad_enabled(False)
        try:
            ordered = self._in_order(grads, trainable_variables)
            with held_back():  # Ctrl-C waits for the whole update
                self._apply(ordered)
        finally:
            _core.set_grad_enabled(before)

    def _in_order(
        self, grads: list[Gradient | None], trainable_variables: Iterable[Tensor] | None
    ) -> list[Tensor | _core.Product | _core.Rows | None]:
        """The gradients in the order of the variables the optimizer was built with."""
        who = type(self).__name__
        if trainable_variables is None:
            if not self.built:
                raise ValueError(
                    f"{who}.apply: the optimizer is not built yet; give the variables too, or call "
                    "build(variables) first"
                )
            variables = self._trainable_variables
        else:
            variables = list(trainable_variables)
            if not self.built:
                self.build(variables)
        if len(grads) != len(variables):
            raise ValueError(
                f"{who}.apply: expected one gradient for each of {len(variables)} variables, got "
                f"{len(grads)}"
            )
        ordered: list[Tensor | _core.Product | _core.Rows | None] = [None] * len(
            self._trainable_variables
        )
        missing = []
        for i, (gradient, variable) in enumerate(zip(grads, variables, strict=True)):
            position = self._positions.get(id(variable))
            if position is None:
                raise ValueError(
                    f"{who}.apply: variable {path_of(variable, i)!r} is unknown; an optimizer "
                    "updates the variables that it was built with: make a new one for others"
                )
            if gradient is None:
                missing.append(path_of(variable, i))
            else:
                if not isinstance(gradient, (_core.Product, _core.Rows)):
                    gradient = _core.as_tensor(gradient)
                ordered[position] = gradient
        if len(missing) == len(grads):
            raise ValueError(f"{who}.apply: no gradient was given for any variable")
        if missing:
            import warnings

            warnings.warn(
                f"{who}.apply: there is no gradient for {', '.join(missing)}; was a loss given to "
                "compile()?",
                stacklevel=4,
            )
        return ordered

    def _looks_once(self) -> bool:
        """Whether a step reads each gradient once, part by part.

        Gradients of large matrices then come as products, of which at most `_PART` elements are
        computed at a time.
        """
        one_pass = (
            self.clipnorm,
            self.clipvalue,
            self.global_clipnorm,
            self.loss_scale_factor,
            self.gradient_accumulation_steps,
        ) == (None,) * 5
        own_methods = type(self).apply is not Optimizer.apply or (
            # update_step() sees whole gradients
            type(self)._update is Optimizer._update or not self._takes_parts
        )
        return one_pass and not own_methods

    def _rests(self) -> bool:
        """Whether an update leaves elements with a gradient of 0, and their slots, as they are.

        Then the gradient of an embedding's table may come as the rows that were read, and only
        these are touched. Where averages decay at every step, as Adam's, all rows change.
        """
        return False

    def _tables(
        self, variables: Sequence[Tensor], penalties: Mapping[int, tuple[float, float]] | None
    ) -> list[int]:
        """The numbers of the variables whose gradients may come as rows."""
        if not self._rests() or not self._looks_once():
            return []
        found = []
        for i, variable in enumerate(variables):
            position = self._positions.get(id(variable))
            large = len(variable.shape) == 2 and variable.numel() >= _TABLE
            if large and position is not None and id(variable) not in (penalties or ()):
                if not self._decay_of(position):
                    found.append(i)
        return found

    def _apply(self, gradients: list[Any]) -> None:
        later = [g if isinstance(g, (_core.Product, _core.Rows)) else None for g in gradients]
        if any(later):
            gradients = [None if p else g for p, g in zip(later, gradients, strict=True)]
        selected = self._flat.bring_home(gradients)
        runs = self._runs(selected)
        self._refresh_learning_rate()
        if self.loss_scale_factor is not None:
            for run in runs:
                F.assign_(run.gradients, F.div(run.gradients, self.loss_scale_factor))
        if self._sums_at is not None:
            assert self.gradient_accumulation_steps
            accumulate(self, runs, self._sums_at, self.gradient_accumulation_steps)
        else:
            clip_gradients(self, runs)
            for run in runs:
                self._update(run)
            self._update_by(later)
        if self._average_at is not None:
            update_average(self, self._all_runs(), self._average_at)
        for variable in self._constrained:
            position = self._positions[id(variable)]
            changed = selected[position] or later[position]
            if changed and variable.constraint is not None:
                F.assign_(variable, variable.constraint(variable))
        F.increment_(self._calls)

    def _update_by(self, gradients: Sequence[_core.Product | _core.Rows | None]) -> None:
        """Updates matrices by gradients that are rows, or products.

        Products are computed a few rows at a time, in the memory of the largest gradient. The
        memory of the others is not touched.
        """
        for i, gradient in enumerate(gradients):
            if isinstance(gradient, _core.Rows):
                self._update(self._flat.table(i, gradient.ids, gradient.values, self._pull_of(i)))
        waiting = [i for i, gradient in enumerate(gradients) if isinstance(gradient, _core.Product)]
        if not waiting:
            return
        memory = max((self._flat.homes[i] for i in waiting), key=Tensor.numel)
        for i in waiting:
            product = gradients[i]
            assert isinstance(product, _core.Product)
            height, width = product.shape
            rows = max(1, _PART // width)
            for first in range(0, height, rows):
                count = min(rows, height - first)
                part = self._flat.part(i, first, count, memory, self._pull_of(i))
                product.rows(first, count, part.gradients._view((count, width), 0))
                self._update(part)

    def _update(self, run: Run) -> None:
        """Updates a run of variables; the built-in optimizers override it with one op."""
        self._decay(run)
        for i in run.indices:
            self.update_step(
                self._flat.homes[i], self._trainable_variables[i], self._learning_rate_variable
            )

    def _decay(self, run: Run) -> None:
        """Applies the weight decay, for updates that aren't one op."""
        if run.key.decay:
            decay = F.mul(self._learning_rate_variable, run.key.decay)
            F.assign_(run.values, F.sub(run.values, F.mul(run.values, decay)))

    def _step_by(
        self, rule: str, run: Run, states: dict[str, Tensor], parameters: dict[str, float]
    ) -> None:
        """Updates a run by a rule of `_core.update_rules()`."""
        F.update_(
            rule=rule,
            p=run.values,
            g=run.gradients,
            hyper=self._hyper,
            step=self._updates,
            states=states,
            parameters=parameters,
            l1=run.key.l1,
            l2=run.key.l2,
            decay=run.key.decay,
            penalty=self._penalty if run.key.l1 or run.key.l2 else None,
            ids=run.ids,
        )

    def _all_runs(self) -> list[Run]:
        self._flat.take_back()
        return self._runs((True,) * len(self._trainable_variables))

    def _runs(self, selected: tuple[bool, ...]) -> list[Run]:
        self._check_slots()
        holds = self._flat.moves, self._decays(), self._penalties
        made_for, runs = self._runs_of.get(selected, (None, []))
        if made_for != holds:
            runs = self._flat.runs(selected, key=self._pull_of)
            self._runs_of[selected] = holds, runs
        return runs

    def scale_loss(self, loss: Tensor) -> Tensor:
        """The loss times `loss_scale_factor`."""
        return loss if self.loss_scale_factor is None else F.mul(loss, self.loss_scale_factor)

    def finalize_variable_values(self, var_list: Iterable[Tensor] | None = None) -> None:
        """Writes the moving average over the variables, at the end of training with `use_ema`."""
        if self.built and self._average_at is not None:
            for run in self._all_runs():
                average = run.states[self._average_at]
                target, value = (average, run.values) if self._exchanged else (run.values, average)
                F.assign_(target, value)
        self._exchanged = False

    def _exchange_average(self) -> None:
        """Exchanges the variables and their moving average."""
        assert self._average_at is not None
        for run in self._all_runs():
            values = F.copy(run.values)
            F.assign_(run.values, run.states[self._average_at])
            F.assign_(run.states[self._average_at], values)
        self._exchanged = not self._exchanged

    # --- configuration

    def __repr__(self) -> str:
        rate = self._learning_rate
        shown = f"{self._hyper_array[0]:g}" if rate is None else rate
        return f"<{type(self).__name__} name={self.name}, learning_rate={shown}>"

    def get_config(self) -> Config:
        """The arguments that make an equal optimizer, without its state."""
        from . import schedules

        rate: object = self._learning_rate
        if rate is None:
            rate = float(self._hyper_array[0])
        elif isinstance(rate, LearningRateSchedule):
            rate = schedules.serialize(rate)
        return {
            "name": self.name,
            "learning_rate": rate,
            "weight_decay": self.weight_decay,
            "clipnorm": self.clipnorm,
            "global_clipnorm": self.global_clipnorm,
            "clipvalue": self.clipvalue,
            "use_ema": self.use_ema,
            "ema_momentum": self.ema_momentum,
            "ema_overwrite_frequency": self.ema_overwrite_frequency,
            "loss_scale_factor": self.loss_scale_factor,
            "gradient_accumulation_steps": self.gradient_accumulation_steps,
        }

    def __reduce__(self) -> tuple[object, ...]:
        """A copy is built again, for the copies of the variables."""
        state = [np.array(v.numpy()) for v in self.variables] if self.built else []
        arguments = (self.get_config(), self._exclusions(), self._trainable_variables, state)
        return _rebuild, (type(self), *arguments)

    @classmethod
    def from_config(
        cls, config: Config, custom_objects: Mapping[str, object] | None = None
    ) -> Self:
        """The optimizer that `get_config` described.

        Args:
            config: what it returned.
            custom_objects: classes of your own, such as schedules, by name.
        """
        from . import schedules

        config = dict(config)
        if isinstance(config.get("learning_rate"), dict):
            with custom_object_scope(custom_objects or {}):
                config["learning_rate"] = schedules.deserialize(config["learning_rate"])
        return cls(**config)


def _rebuild(
    cls: type[Optimizer],
    config: Config,
    excluded: tuple[list[Tensor], list[str]],
    variables: list[Tensor],
    state: list[np.ndarray],
) -> Optimizer:
    optimizer = cls.from_config(config)
    optimizer.exclude_from_weight_decay(*excluded)
    if variables:
        optimizer.build(variables)
        optimizer.set_weights(state)
    return optimizer


def _unknown_argument(cls: type, argument: str) -> str:
    from inspect import signature

    known = {*signature(Optimizer).parameters, *signature(cls).parameters} - {"kwargs", "unknown"}
    hint = suggestion(argument, known)
    if argument == "lr":
        hint = " Did you mean 'learning_rate'?"
    return f"{cls.__name__}: unknown argument {argument!r}.{hint}"
