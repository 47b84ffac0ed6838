"""`grad`, `backward` and tapes."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from .. import _core
from .._base import functional as F
from .._base import tree
from .._base.checks import shown
from .._core import ShapeError
from .modes import no_grad

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .._base.types import Data, Tensors
    from .._core import Tensor, TensorLike


def grad(
    outputs: Tensor | Sequence[Tensor],
    inputs: Tensor | Sequence[Tensor],
    grad_outputs: Tensor | Sequence[TensorLike | None] | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    only_inputs: bool = True,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> tuple[Tensor | None, ...]:
    """The gradients of `outputs` with respect to `inputs`; `.grad` isn't touched.

    Args:
        outputs: a tensor or several; their products with `grad_outputs` are summed.
        inputs: a tensor or several, all with `requires_grad`.
        grad_outputs: one tensor per output, or None for ones (outputs of one element only).
        retain_graph: keep what a second pass over the same graph needs; by default as create_graph.
        create_graph: record the computation of the gradients, for second derivatives.
        only_inputs: True; PyTorch has no other value either.
        allow_unused: give None for inputs that the outputs don't depend on.
        is_grads_batched: `grad_outputs` have a first axis of several gradients; the results have
            it, too. One pass for each.
        materialize_grads: give zeros instead of None.

    Raises:
        RuntimeError: an output that doesn't require a gradient, an input that isn't used, a graph
            that was released.
        ValueError: another number of `grad_outputs` than outputs, batches of different sizes,
            `only_inputs` isn't True.

    Example:
        >>> x = fastdl.tensor(3.0, requires_grad=True)
        >>> grad(x * x, x)[0].item()
        6.0
    """
    if only_inputs is not True:
        raise ValueError(f"grad: only_inputs: expected True, got {shown(only_inputs)}")
    roots = [outputs] if isinstance(outputs, _core.Tensor) else list(outputs)
    leaves = [inputs] if isinstance(inputs, _core.Tensor) else list(inputs)
    if materialize_grads and allow_unused is False:
        raise ValueError("grad: allow_unused: expected True or None with materialize_grads")
    if grad_outputs is None:
        grad_outputs = [None] * len(roots)
    elif isinstance(grad_outputs, _core.Tensor):
        grad_outputs = [grad_outputs]
    if len(grad_outputs) != len(roots):
        raise ValueError(
            f"grad: grad_outputs: expected one for each of {len(roots)} outputs, got "
            f"{len(grad_outputs)}"
        )
    keep = create_graph if retain_graph is None else retain_graph
    unused = bool(allow_unused) or materialize_grads
    if is_grads_batched:
        found = _each(roots, grad_outputs, leaves, keep, create_graph, unused)
    else:
        found = _once(roots, grad_outputs, leaves, keep, create_graph, unused)
    if materialize_grads:
        batch = _sizes(grad_outputs)[:1] if is_grads_batched else []
        found = [
            _core.full((*batch, *t.shape), "float32", 0.0) if g is None else g
            for t, g in zip(leaves, found, strict=True)
        ]
    return tuple(found)


def _once(
    roots: Sequence[Tensor],
    weights: Sequence[TensorLike | None],
    leaves: Sequence[Tensor],
    keep: bool,
    create_graph: bool,
    allow_unused: bool,
) -> list[Tensor | None]:
    gradients = _core.grad(roots, list(weights), leaves, keep, create_graph)
    if not allow_unused:
        for i, gradient in enumerate(gradients):
            if gradient is None:
                raise RuntimeError(
                    f"grad: the outputs don't depend on input {i}; "
                    "set allow_unused=True if that is meant"
                )
    return gradients


def _sizes(weights: Sequence[TensorLike | None]) -> list[int]:
    return [_core.as_tensor(w).shape[0] for w in weights if w is not None]


def _each(
    roots: Sequence[Tensor],
    weights: Sequence[TensorLike | None],
    leaves: Sequence[Tensor],
    keep: bool,
    create_graph: bool,
    allow_unused: bool,
) -> list[Tensor | None]:
    """The gradients for each index of the first axis of `weights`, stacked."""
    sizes = _sizes(weights)
    if not sizes or len(set(sizes)) > 1:
        raise ShapeError(
            "grad: grad_outputs: with is_grads_batched expected tensors with first axes of one "
            f"size, got {sizes}"
        )
    rows = []
    for i in range(sizes[0]):
        row = [None if w is None else F.take(w, i, axis=0) for w in weights]
        last = i == sizes[0] - 1
        rows.append(_once(roots, row, leaves, keep or not last, create_graph, allow_unused))
    return [
        None if any(g is None for g in of) else F.stack([g for g in of if g is not None], axis=0)
        for of in zip(*rows, strict=True)
    ]


def backward(
    tensors: Tensor | Sequence[Tensor],
    grad_tensors: Tensor | Sequence[TensorLike | None] | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Tensor | Sequence[Tensor] | None = None,
) -> None:
    """Adds the gradients of the sum of `tensors` to the `grad` of all leaves, or of `inputs`.

    Args:
        tensors: a tensor or several; their products with `grad_tensors` are summed.
        grad_tensors: one for each, or None for ones (tensors of one element only).
        retain_graph, create_graph: as for `grad`.
        inputs: the tensors that get gradients; by default all leaves.

    Raises:
        RuntimeError: a tensor that doesn't require a gradient, a graph that was released.

    Example:
        >>> x = fastdl.tensor(3.0, requires_grad=True)
        >>> backward([x * x, 2 * x])
        >>> x.grad.item()
        8.0
    """
    roots = [tensors] if isinstance(tensors, _core.Tensor) else list(tensors)
    if grad_tensors is None:
        weights: list[TensorLike | None] = [None] * len(roots)
    else:
        given = isinstance(grad_tensors, _core.Tensor)
        weights = [grad_tensors] if given else list(grad_tensors)  # type: ignore[list-item]
    if len(weights) != len(roots):
        raise RuntimeError(
            f"backward: grad_tensors: expected one for each of {len(roots)} tensors, got "
            f"{len(weights)}"
        )
    total = None
    for root, weight in zip(roots, weights, strict=True):
        if weight is None and root.numel() != 1:
            raise RuntimeError(
                "backward: expected one-element tensors (or their gradients as grad_tensors), got "
                f"shape {root.shape}"
            )
        part = root if weight is None else F.mul(root, weight)
        part = F.sum(part)
        total = part if total is None else F.add(total, part)
    if total is not None:
        chosen = [inputs] if isinstance(inputs, _core.Tensor) else inputs
        total.backward(None, retain_graph, create_graph, chosen)


class _Tapes(threading.local):
    active = 0  # tapes that record in this thread


_tapes = _Tapes()


class GradientTape:
    """TensorFlow's interface to gradients: records what the `with` block computes.

    A tape can differentiate a gradient that was computed while it recorded.

    Args:
        persistent: whether `gradient` may be called more than once.
        watch_accessed_variables: whether trainable variables are watched without `watch`.

    Source: `tf.GradientTape`. Without one, operations are recorded all the same: `loss.backward()`.

    Example:
        >>> x = fastdl.tensor(3.0)
        >>> with fastdl.GradientTape() as outer:
        ...     outer.watch(x)
        ...     with fastdl.GradientTape() as inner:
        ...         inner.watch(x)
        ...         y = x * x * x
        ...     slope = inner.gradient(y, x)
        >>> slope.item(), outer.gradient(slope, x).item()
        (27.0, 18.0)
    """

    def __init__(self, persistent: bool = False, watch_accessed_variables: bool = True) -> None:
        self._persistent = persistent
        self._all = watch_accessed_variables
        self._watched: list[Tensor] = []
        self._recording = False
        self._used = False
        self._before = True
        self._rebound = False

    def __enter__(self) -> GradientTape:
        if self._recording:
            raise ValueError("GradientTape: the tape is recording already")
        self._before = _core.set_grad_enabled(True)
        self._rebound = _core.set_rebinding(True)  # `x += y` makes a new tensor, as TensorFlow's do
        self._recording = True
        _tapes.active += 1
        return self

    def __exit__(self, *exception: object) -> None:
        self._stop()
        _core.set_grad_enabled(self._before)
        _core.set_rebinding(self._rebound)

    def _stop(self) -> None:
        if self._recording:
            self._recording = False
            _tapes.active -= 1

    def watch(self, tensor: Tensors) -> None:
        """Makes a tensor, or those of a structure, a source for `gradient`.

        Sets `tensor.requires_grad`.

        Raises:
            RuntimeError: it isn't of type float32.
        """
        for one in tree.leaves(tensor):
            one.requires_grad = True
            self._watched.append(one)

    def stop_recording(self) -> no_grad:
        """A context in which nothing is recorded."""
        return no_grad()

    def gradient(
        self,
        target: Tensors,
        sources: Tensors,
        output_gradients: Data = None,
        unconnected_gradients: str = "none",
    ) -> Any:
        """The gradients of the sum of all elements of `target`, in the structure of `sources`.

        Args:
            target: a tensor or several, nested.
            sources: variables and watched tensors, nested.
            output_gradients: weights for the sum, like `target`.
            unconnected_gradients: the result for sources that the target doesn't depend on:
                "none" for None, "zero" for zeros.

        Raises:
            RuntimeError: the second call on a tape that isn't persistent.
            ValueError: unknown `unconnected_gradients`.
        """
        if self._used and not self._persistent:
            raise RuntimeError(
                "GradientTape.gradient: a tape that isn't persistent gives gradients once; use "
                "GradientTape(persistent=True)"
            )
        if unconnected_gradients not in ("none", "zero"):
            raise ValueError(
                "GradientTape.gradient: unconnected_gradients: expected 'none' or 'zero', got "
                f"{unconnected_gradients!r}"
            )
        self._used = True
        if not self._persistent:
            self._stop()
        targets = tree.flatten(target)
        weights = [None] * len(targets)
        if output_gradients is not None:
            weights = tree.flatten(output_gradients)
        roots = [
            (t, _core.full(t.shape, "float32", 1.0) if w is None else _core.as_tensor(w))
            for t, w in zip(targets, weights, strict=True)
            if t.requires_grad
        ]
        inputs = tree.flatten(sources)
        chosen = [i for i, s in enumerate(inputs) if self._has(s)]
        found: list[Tensor | None] = [None] * len(inputs)
        if roots and chosen:
            # The graph is kept, since other tapes may need it; it is freed with its tensors.
            gradients = _core.grad(
                [t for t, _ in roots],
                [w for _, w in roots],
                [inputs[i] for i in chosen],
                True,
                _tapes.active > 0,
            )
            for i, gradient in zip(chosen, gradients, strict=True):
                found[i] = gradient
        if unconnected_gradients == "zero":
            found = [
                _core.full(s.shape, "float32", 0.0) if g is None else g
                for s, g in zip(inputs, found, strict=True)
            ]
        return tree.pack(sources, found)

    def _has(self, source: Tensor) -> bool:
        if not source.requires_grad:
            return False
        return self._all or any(source is watched for watched in self._watched)
