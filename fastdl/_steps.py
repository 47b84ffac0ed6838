"""StepFunction: a step that runs eagerly at first, is recorded at its second run and replayed from
then on."""

from __future__ import annotations

import threading
import warnings
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from typing import Any

import numpy as np

from . import _core, _tree
from ._core import Tensor

Fill = Callable[[Sequence[Tensor]], Any]


class _Signature:
    """What is known of one combination of input shapes and types."""

    __slots__ = ("eager", "plan", "result")

    def __init__(self) -> None:
        self.eager = False  # cannot be recorded
        self.plan: _core.Plan | None = None
        self.result: Any = None  # the step's result, in the memory that replays fill


class StepFunction:
    """Calls `step(data)`; from its third call on by replaying a plan.

    The first call runs eagerly: it makes what is made once (weights, optimizer state, metric
    state). The second one runs eagerly too and is recorded. A step that cannot be recorded, since
    it looks at values in Python, runs eagerly for good, and a warning says so once.

    Args:
        step: a function of a structure of tensors, whose result is a structure of tensors.
        limit: how many plans are kept, for as many combinations of shapes and types; the one
            unused for longest goes first.

    Attributes:
        turn: a lock for threads that share the function. A replay fills the same tensors each time:
            hold it from the call until its result has been read.
    """

    def __init__(self, step: Callable[[Any], Any], limit: int = 8) -> None:
        self._step = step
        self._limit = limit
        self._signatures: OrderedDict[Hashable, _Signature] = OrderedDict()
        self._warm = False
        self._layout = -1
        self._told = False
        self.turn = threading.RLock()

    def forget(self) -> None:
        """Drops all plans, as when the model changed."""
        self._signatures.clear()
        self._warm = False

    def _find(self, key: Hashable) -> _Signature:
        if (
            self._layout != _core.layout_version()
        ):  # parameters moved: the plans' addresses are stale
            self._signatures.clear()
            self._layout = _core.layout_version()
        signature = self._signatures.get(key)
        if signature is None:
            signature = self._signatures[key] = _Signature()
            if len(self._signatures) > self._limit:
                self._signatures.popitem(last=False)
        else:
            self._signatures.move_to_end(key)
        return signature

    def __call__(
        self,
        leaves: Sequence[Tensor],
        fill: Fill,
        key: Hashable,
        eager: bool = False,
        *,
        owned: bool = False,
    ) -> Any:
        """One step on one batch.

        Args:
            leaves: the batch's tensors.
            fill: makes `step`'s argument of them.
            key: what the recorded step depends on besides their shapes and types.
            eager: don't use a plan.
            owned: the tensors are the step's own, which may change them in place; else it gets
                copies, as a replay does where the step changes one.
        """

        def own() -> Sequence[Tensor]:
            return leaves if owned else [t.clone() for t in leaves]

        if eager:
            return self._step(fill(own()))
        signature = self._find((key, *((t.shape, t.dtype) for t in leaves)))
        if signature.plan is not None:
            if signature.plan.mine:  # a signal handler runs within a replay
                return self._step(fill(own()))
            signature.plan.replay(leaves)
            return signature.result
        if not self._warm or signature.eager:
            result = self._step(fill(own()))
            self._warm = True
            return result
        return self._record(signature, own(), fill)

    def call(self, x: np.ndarray, key: Hashable) -> np.ndarray | None:
        """The step on one array, if there is a plan of one array that gives one array; else None.

        The same as a call with the array's tensor, whose result becomes an array of the caller's.
        """
        full = (key, (x.shape, x.dtype))
        with self.turn:
            signature = self._signatures.get(full)
            if (
                signature is None
                or signature.plan is None
                or type(signature.result) is not Tensor
                or self._layout != _core.layout_version()
            ):
                return None
            self._signatures.move_to_end(full)
            return signature.plan.call(x)

    def _record(self, signature: _Signature, slots: Sequence[Tensor], fill: Fill) -> Any:
        recorder = _core.Recorder()
        try:
            result = self._step(fill(slots))
        finally:
            recorder.stop()
        outputs = [t for t in _tree.leaves(result) if isinstance(t, Tensor)]
        problem = recorder.problem
        if problem:
            signature.eager = True
            if not self._told:
                self._told = True
                warnings.warn(
                    f"this step runs eagerly, without a plan: {problem}", UserWarning, stacklevel=2
                )
            return result
        signature.plan = _core.Plan(recorder, slots, outputs)
        signature.result = result
        return result

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
        per_step: Sequence[tuple[Tensor, Any]] = (),
    ) -> tuple[int, Any]:
        """Up to `steps` steps over the samples of whole arrays, in the core as far as possible.

        Args:
            data: arrays whose axis 0 counts samples.
            fill, key, eager: as in a call.
            indices: the order of the samples, or None for their own.
            first: the position at which the first batch starts.
            batch: samples per step.
            seconds: return after the step in which this time passes.
            sinks: whole arrays that take the rows of the result's tensors.
            per_step: (one-element tensor, values): written before each step.

        Returns:
            The number of steps done, at least 1, and the result of the last one.
        """
        full = (key, *(((batch, *t.shape[1:]), t.dtype) for t in data))
        signature = self._find(full)
        if signature.plan is None or eager or signature.plan.mine:
            rows = [_rows(t, indices, first, batch) for t in data]
            for target, values in per_step:
                target.numpy()[...] = values[0]
            result = self(rows, fill, key, eager, owned=True)
            for sink, value in zip(sinks, _tree.leaves(result), strict=False):
                sink.numpy()[first : first + batch] = value.numpy()
            return 1, result
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
        return done, signature.result


def _rows(t: Tensor, indices: Tensor | None, first: int, batch: int) -> Tensor:
    """A copy of the batch that starts at `first`."""
    if indices is None:
        size = t.numel() // t.shape[0]
        return t._view((batch, *t.shape[1:]), first * size).clone()
    return _core.take(t, indices._view((batch,), first), 0)
