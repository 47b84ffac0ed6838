"""StepFunction: a step whose second run is recorded and whose later runs are replays.

A plan is replayed as long as the values that the recorded step read are unchanged.
"""

from __future__ import annotations

import gc
import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from sys import getrefcount
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from weakref import WeakSet

import numpy as np

from .. import _core
from .._base import functional as F
from .._base import tree
from .._base.notices import warn
from .._base.watch import Guards, Watch, current, user_line
from .._core import Tensor

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

Result = TypeVar("Result")  # of the step: a structure of tensors
Fill = Callable[[Sequence[Tensor]], object]

# A recording pays off after this many replays. After this many recordings in a row that did not
# pay off, the step runs eagerly.
_PAYS = 8
_MOST_IN_VAIN = 5
# So many plans are kept in any case; further ones while the batches and results in them take at
# most so many bytes.
_FEW = 8
_ROOM = 1 << 26


class _Signature:
    """The plan for one combination of input shapes and types, and what is known of it."""

    __slots__ = (
        "bytes",
        "eager",
        "epoch",
        "guards",
        "in_vain",
        "plan",
        "put_off",
        "replays",
        "result",
        "retry",
        "seen",
        "used",
    )

    def __init__(self) -> None:
        self.eager = False  # whether it cannot be recorded
        self.plan: _core.Plan | None = None
        self.result: Any = None  # the step's result, in the memory to which replays write
        self.guards: Guards | None = None
        self.epoch = -1  # in this epoch all guards hold
        self.seen = -1  # in this epoch those guards hold that only attributes can break
        self.replays = 0  # since the last recording
        self.in_vain = 0  # recordings in a row that did not pay off
        self.retry = False  # a guard broke: one failed recording is allowed
        self.put_off = 0  # steps in a row that ran eagerly although there is a plan
        self.used = 0  # the number of the step that used it last
        self.bytes = 0  # of its batch and its result, which lie outside of the arena

    def drop(self) -> None:
        """Drops the plan, so that the step is recorded anew."""
        self.in_vain = self.in_vain + 1 if self.replays < _PAYS else 0
        self.plan = self.guards = self.result = None
        self.retry = True


# All step functions, for a fork.
_functions: WeakSet[StepFunction] = WeakSet()


def _kept_of_batch(slots: Sequence[Tensor], holders: list[int], outputs: list[Tensor]) -> str:
    """A message if the step stored a tensor of the batch (`kept.append(x)`), else ""."""

    def kept() -> list[Tensor]:
        # A tensor of the batch that is a result is referenced by the result and by `outputs`.
        counts = [getrefcount(t) - 2 * sum(o is t for o in outputs) for t in slots]
        return [t for t, n, before in zip(slots, counts, holders, strict=True) if n > before]

    found = kept()
    if found:
        gc.collect()
        found = kept()
    return f"a tensor of the batch, of shape {found[0].shape}, outlives the step" if found else ""


class StepFunction(Generic[Result]):
    """Calls `step(data)`. From the third call on it replays a plan.

    The first call runs eagerly. It makes weights, optimizer state and metric state. The second
    call runs eagerly too and is recorded. A step is recorded anew when a Python value that it read
    has changed (`fastdl._base.watch`). A step that looks at values in Python, or changes Python
    values, cannot be recorded. It always runs eagerly, and one warning says so.

    Args:
        step: a function of a structure of tensors. It returns a structure of tensors.
        limit: the number of plans that are kept, one for each combination of shapes and types. A
            new combination takes the place of the one unused for longest once that one's recording
            has paid off. Until then its steps run eagerly.
        root: the user's function that `step` calls, if there is one.

    Attributes:
        turn: a lock for threads that share the function. All replays write to the same tensors:
            hold the lock from the call until the result is read.
    """

    def __init__(
        self,
        step: Callable[[Any], Result],
        limit: int = 64,
        root: Callable[..., object] | None = None,
    ) -> None:
        self._step = step
        self._limit = limit
        self._root = root
        self._signatures: OrderedDict[Hashable, _Signature] = OrderedDict()
        self._arena = _core.Arena()  # the plans run one at a time, so they share memory
        self._warm = False
        self._layout = -1
        self._uses = 0  # counts the steps
        # Key, shape and type of the last `call`, and its signature: finding it takes a third of
        # Python's time for a small model. None after every other use of the signatures.
        self._latest: tuple[Hashable, tuple[int, ...], np.dtype[Any], _Signature] | None = None
        self._told = False
        self.turn = threading.RLock()
        _functions.add(self)

    def forget(self) -> None:
        """Drops all plans, as when the model changed."""
        self._signatures.clear()
        self._latest = None
        self._arena = _core.Arena()
        self._warm = False

    def _find(self, key: Hashable) -> _Signature:
        self._latest = None
        # When parameters have moved, the addresses in the plans are stale.
        if self._layout != _core.layout_version():
            self._signatures.clear()
            self._arena = _core.Arena()
            self._layout = _core.layout_version()
        self._uses += 1
        signature = self._signatures.get(key)
        if signature is None:
            signature = _Signature()
            if self._has_room():
                self._signatures[key] = signature
            else:
                signature.eager = True
        else:
            self._signatures.move_to_end(key)
        signature.used = self._uses
        return signature

    def _has_room(self) -> bool:
        """Whether there is a place for one more plan. Drops the one unused for longest for it.

        With more shapes than places, each would take the place of another before it comes again.
        So a plan keeps its place until its recording has paid off, or nothing needs it.
        """
        count = len(self._signatures)
        if count < self._limit and (
            count < _FEW or sum(s.bytes for s in self._signatures.values()) < _ROOM
        ):
            return True
        oldest = next(iter(self._signatures.values()))
        used_lately = self._uses - oldest.used <= _PAYS * self._limit
        if used_lately and oldest.replays < _PAYS and (oldest.plan is not None or oldest.eager):
            return False
        self._signatures.popitem(last=False)
        return True

    def _can_replay(self, signature: _Signature) -> bool:
        """Whether the plan gives the step's results. Drops a plan that is out of date."""
        plan = signature.plan
        if plan is None or plan.mine:  # a signal handler runs within a replay
            return False
        epoch = _core.epoch()
        if epoch == signature.epoch:
            return True
        assert signature.guards is not None
        if self._layout != _core.layout_version():
            return False
        changed = signature.guards.broken(epoch != signature.seen)
        other_gradients = None if changed else plan.doubt()
        if not changed and other_gradients is None:
            self._remember_epoch(signature)
            signature.put_off = 0
            return True
        if other_gradients and signature.put_off < _PAYS:
            signature.put_off += 1  # the next step may have the same gradients as the recording
            return False
        signature.drop()
        if signature.in_vain >= _MOST_IN_VAIN:
            signature.eager = True
            self._tell(f"{changed or 'a value that it reads'} changes again and again")
        return False

    def __call__(
        self,
        leaves: Sequence[Tensor],
        fill: Fill,
        key: Hashable,
        eager: bool = False,
        *,
        owned: bool = False,
    ) -> Result:
        """One step on one batch.

        Args:
            leaves: the batch's tensors.
            fill: makes `step`'s argument of them.
            key: a plan is used only for the same key, and the same shapes and types.
            eager: whether to run without a plan.
            owned: whether the step may change the tensors in place. Otherwise it gets copies; a
                replay copies only the tensors that the step changes.
        """

        def own() -> Sequence[Tensor]:
            ordered = [F.in_order(t) for t in leaves]
            return ordered if owned else [t.clone() for t in ordered]

        watch = current()
        if watch is not None and self._root is not None:
            watch.note_function(self._root)
        if eager or watch is not None:  # within a step that is being recorded
            return self._run_eagerly(own(), fill)
        signature = self._find((key, *((t.shape, t.dtype) for t in leaves)))
        if self._can_replay(signature):
            assert signature.plan is not None
            signature.plan.replay(leaves)
            signature.replays += 1
            return signature.result
        if not self._warm or signature.eager or signature.plan is not None:
            result = self._run_eagerly(own(), fill)
            self._warm = True
            return result
        return self._record(signature, own(), fill)

    def call(self, x: np.ndarray, key: Hashable) -> np.ndarray | None:
        """The step on one array, if there is a plan whose result is one array; else None.

        It is the same as a call with the array's tensor, but returns a new array.
        """
        if current() is not None:
            return None
        with self.turn:
            latest = self._latest
            if latest and latest[0] is key and latest[1] == x.shape and latest[2] is x.dtype:
                signature = latest[3]
            else:
                full = (key, (x.shape, x.dtype))
                found = self._signatures.get(full)
                if found is None:
                    return None
                self._signatures.move_to_end(full)
                self._latest = (key, x.shape, x.dtype, signature := found)
            if signature.plan is None or type(signature.result) is not Tensor:
                return None
            if signature.epoch != _core.epoch() and not self._can_replay(signature):
                return None
            signature.replays += 1
            return signature.plan.call(x)

    def plan_of(self, key: Hashable, shape: tuple[int, ...], dtype: DTypeLike) -> _core.Plan | None:
        """The plan that `call` replays for such an array; None unless there is one that holds."""
        with self.turn:
            signature = self._signatures.get((key, (shape, np.dtype(dtype))))
            if signature is None or not self._can_replay(signature):
                return None
            return signature.plan

    def _run_eagerly(self, slots: Sequence[Tensor], fill: Fill) -> Result:
        """The step itself.

        If it fails before it has changed anything, its random numbers count as not drawn. The next
        attempt then draws the same numbers.
        """
        seed, _ = _core.get_rng_state()
        writes = _core.writes_in_place()
        _core.keep_random_numbers()
        try:
            return self._step(fill(slots))
        except BaseException:
            if _core.writes_in_place() == writes and _core.get_rng_state()[0] == seed:
                _core.give_back_random_numbers()
            raise

    def _record(self, signature: _Signature, slots: Sequence[Tensor], fill: Fill) -> Result:
        watch = Watch()
        holders = [getrefcount(t) for t in slots]
        recorder = _core.Recorder(slots, user_line)
        try:
            with watch:
                if self._root is not None:
                    watch.note_function(self._root)
                result = tree.map_structure(_in_order, self._run_eagerly(slots, fill))
        finally:
            recorder.stop()
        if self._layout != _core.layout_version():
            return result  # parameters moved within the step; the next step is recorded
        problem = watch.problem() or recorder.problem
        if not problem:
            # The tape would keep all of the step's memory.
            result = tree.map_structure(_detached, result)
            outputs = [t for t in tree.leaves(result) if isinstance(t, Tensor)]
            for layer in watch.losses:
                layer._losses[:] = [t.detach() for t in layer._losses]
                outputs += layer._losses
            if recorder.outliving(outputs):
                gc.collect()
            problem = next(iter(recorder.outliving(outputs)), "")
        if not problem:
            problem = _kept_of_batch(slots, holders, outputs)
        if not problem:
            try:
                signature.plan = _core.Plan(recorder, slots, outputs, self._arena)
            except MemoryError:  # the step itself succeeded, and so will eager steps
                problem = "there is no memory for a plan"
        if problem and signature.retry:
            signature.retry = False
            return result
        if problem:
            signature.eager = True
            self._tell(problem)
            return result
        assert signature.plan is not None
        signature.guards = watch.guards()
        self._remember_epoch(signature)
        signature.replays = signature.put_off = 0
        signature.result = result
        signature.bytes = sum(t.nbytes for t in (*slots, *outputs))
        signature.retry = False
        return result

    def _remember_epoch(self, signature: _Signature) -> None:
        """Notes that the guards hold. Those that can break unseen are checked in every step."""
        assert signature.plan is not None and signature.guards is not None
        signature.seen = _core.epoch()
        asked = signature.guards.unseen or signature.plan.guarded
        signature.epoch = -1 if asked else signature.seen

    def _tell(self, problem: str) -> None:
        if not self._told:
            self._told = True
            warn(f"this step runs eagerly, without a plan: {problem}")

    def _forget_other_threads(self) -> None:
        """After a fork: replaces locks and memory that another thread of the parent held."""
        if not self.turn._is_owned():  # type: ignore[attr-defined]
            self.turn = threading.RLock()
        for signature in self._signatures.values():
            if signature.plan is not None and signature.plan.lost:
                self._arena = _core.Arena()
                signature.plan = signature.guards = signature.result = None

    def run(
        self,
        data: Sequence[Tensor],
        fill: Fill,
        key: Hashable,
        *,
        eager: bool = False,
        indices: Tensor | None,
        first: int,
        batch: int,
        steps: int,
        seconds: float,
        sinks: Sequence[Tensor] = (),
        per_step: Sequence[tuple[Tensor, np.ndarray]] = (),
    ) -> tuple[int, Result]:
        """Up to `steps` steps over the samples of whole arrays, in the core as far as possible.

        Args:
            data: arrays with one sample for each index of axis 0.
            fill, key, eager: as in a call.
            indices: the order of the samples; None keeps their order.
            first: the position at which the first batch starts.
            batch: samples per step.
            steps: the largest number of steps.
            seconds: the loop ends after the step in which this time has passed.
            sinks: whole arrays. The result's tensors are written to their rows.
            per_step: pairs of a one-element tensor and its values, one for each step.

        Returns:
            The number of steps done, at least 1, and the result of the last one.
        """
        full = (key, *(((batch, *t.shape[1:]), t.dtype) for t in data))
        signature = self._find(full)
        if eager or current() is not None or not self._can_replay(signature):
            rows = [_rows(t, indices, first, batch) for t in data]
            for target, values in per_step:
                target.numpy()[...] = values[0]
            result = self(rows, fill, key, eager, owned=True)
            for sink, value in zip(sinks, tree.leaves(result), strict=False):
                sink.numpy()[first : first + batch] = value.numpy()
            return 1, result
        assert signature.plan is not None
        done = _core.run_loop(
            signature.plan,
            [(t, i) for i, t in enumerate(data)],
            [(i, sink) for i, sink in enumerate(sinks)],
            [(target, _core.as_tensor(values)) for target, values in per_step],
            indices,
            first,
            batch,
            steps,
            seconds,
        )
        signature.replays += done
        return done, signature.result


def _detached(value: object) -> object:
    return value.detach() if isinstance(value, Tensor) else value


def _in_order(value: object) -> object:
    return F.in_order(value) if isinstance(value, Tensor) else value


def _rows(t: Tensor, indices: Tensor | None, first: int, batch: int) -> Tensor:
    """A copy of the batch that starts at `first`."""
    if indices is None:
        size = t.numel() // t.shape[0]
        return t._view((batch, *t.shape[1:]), first * size).clone()
    return F.take(t, indices._view((batch,), first))


def _in_child() -> None:
    for function in _functions:
        function._forget_other_threads()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)
