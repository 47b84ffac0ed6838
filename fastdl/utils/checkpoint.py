"""Checkpoints: the values within a part of a network are computed again for its gradient."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING, Any

from .. import _core
from .._base import functional as F
from .._base import tree
from .._base.checks import check_callable, check_integer
from .._base.watch import current
from .._core import Tensor
from ..autograd.modes import enable_grad

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

_INPUTS, _OUTPUTS = 16, 8  # of a call on the tape


def checkpoint(
    function: Callable[..., Any],
    *args: Any,
    use_reentrant: bool | None = None,
    context_fn: Callable[[], tuple[Any, Any]] | None = None,
    determinism_check: str = "default",
    debug: bool = False,
    early_stop: bool = True,
    preserve_rng_state: bool = True,
    **kwargs: Any,
) -> Any:
    """`function(*args, **kwargs)`, whose values within are not kept for the gradient.

    `backward` calls the function once more, with the same random numbers. That saves memory and
    costs time. All that the function reads gets its gradient: arguments, parameters, tensors from
    outside. It must compute the same again: it should not change anything but buffers.

    Args:
        function: computes a tensor, or a list, tuple or dict of tensors and other values.
        args, kwargs: its arguments.
        use_reentrant, determinism_check, debug, early_stop: without effect; PyTorch has several
            ways to do the same.
        context_fn: makes two contexts, around the first call and the second one.
        preserve_rng_state: whether the second call draws the random numbers of the first.

    Raises:
        RuntimeError: from `backward`, if the second call gives other results than the first.

    Source: Chen et al. 2016; `torch.utils.checkpoint.checkpoint`.

    Example:
        >>> layer, x = nn.Linear(2, 2), fastdl.ones(1, 2)
        >>> utils.checkpoint.checkpoint(layer, x).sum().backward()
        >>> layer.bias.grad.tolist()
        [1.0, 1.0]
    """
    check_callable("checkpoint", "function", function)
    first, second = context_fn() if context_fn is not None else _NO_CONTEXTS
    if not _core.grad_enabled():
        with first:
            return function(*args, **kwargs)
    watch = current()
    if watch is not None:
        watch.note_function(function)
    numbers = F.copy(_core.current_generator()) if preserve_rng_state else None
    since = _core.tape_length()
    with first:
        result = function(*args, **kwargs)
    values = tree.flatten(result)
    places = [i for i, v in enumerate(values) if isinstance(v, Tensor) and v.requires_grad]
    sources = _core.sources([values[i] for i in places], since)
    if not sources:
        return result
    skeleton = tree.map_structure(lambda _: None, result)
    outputs = [values[i].detach() for i in places]
    for i in places:  # the graph is dropped
        values[i] = None
    del result
    part = _Part(lambda: function(*args, **kwargs), second, numbers, places, sources)
    for i, tensor in zip(places, part.attached(outputs), strict=True):
        values[i] = tensor
    return tree.pack(skeleton, values)


_NO_CONTEXTS = (contextlib.nullcontext(), contextlib.nullcontext())


class _Part:
    """A part of a network whose values are computed again.

    It is one call on the tape, from all that the part reads to its results. If there are too many
    of them for one call, it is a chain of calls. They hand on one number, so that they are walked
    through in their order: first those that have the results, then those that have the sources.
    """

    def __init__(
        self,
        again: Callable[[], Any],
        context: Any,
        numbers: Tensor | None,
        places: list[int],
        sources: list[Tensor],
    ) -> None:
        self._again = again
        self._context = context
        self._numbers = numbers
        self._places = places  # of the outputs, among the leaves of the result
        self._sources = sources
        self._given: list[Tensor | None] = [None] * len(places)
        self._found: list[Tensor | None] | None = None

    def attached(self, outputs: list[Tensor]) -> list[Tensor]:
        """The outputs with their place on the tape."""
        if len(self._sources) <= _INPUTS and len(outputs) <= _OUTPUTS:

            def backward(_in: object, _out: object, grads: Any, _needs: object) -> Any:
                return self._gradients(grads)

            return _core.attach(self._sources, outputs, backward, 0, 0, 0)
        link: list[Tensor] = []
        for first in range(0, len(self._sources), _INPUTS - 1):
            chosen = self._sources[first : first + _INPUTS - 1]
            link = self._linked([*chosen, *link], first, len(chosen))
        found: list[Tensor] = []
        for first in range(0, len(outputs), _OUTPUTS):
            found += self._results(link, outputs[first : first + _OUTPUTS], first)
        return found

    def _linked(self, inputs: list[Tensor], first: int, count: int) -> list[Tensor]:
        def backward(_in: object, _out: object, _grads: object, _needs: object) -> Any:
            if self._found is None:
                self._found = self._gradients(self._given)
                self._given = [None] * len(self._places)
            own = self._found[first : first + count]
            if first == 0:  # the last one
                self._found = None
                return own
            return [*own, _zero()]

        return _core.attach(inputs, [_zero()], backward, 0, 0, 0)

    def _results(self, link: list[Tensor], outputs: list[Tensor], first: int) -> list[Tensor]:
        def backward(_in: object, _out: object, grads: Any, _needs: object) -> Any:
            self._given[first : first + len(grads)] = grads
            return [_zero()]

        return _core.attach(link, outputs, backward, 0, 0, 0)

    def _gradients(self, given: Sequence[Tensor | None]) -> list[Tensor | None]:
        """Computes the part again and gives the gradients of its sources."""
        create_graph = _core.grad_enabled()
        since = _core.tape_length()
        with enable_grad(), self._context, _drawing_from(self._numbers):
            values = tree.flatten(self._again())
        outputs = [values[i] for i in self._places if i < len(values)]
        if len(outputs) < len(given) or not all(isinstance(y, Tensor) for y in outputs):
            raise RuntimeError(
                "checkpoint: the function gave other results when it was called for the gradient"
            )
        pairs = [(y, g) for y, g in zip(outputs, given, strict=True) if g is not None]
        for y, g in pairs:
            if y.shape != g.shape or not y.requires_grad:
                raise RuntimeError(
                    f"checkpoint: the function gave a result of shape {g.shape} that requires a "
                    f"gradient, and when it was called for the gradient one of shape {y.shape}"
                )
        if not pairs:
            return [None] * len(self._sources)
        ys, weights = zip(*pairs, strict=True)
        return _core.grad(ys, weights, self._sources, create_graph, create_graph, since)


def _zero() -> Tensor:
    return _core.full((), "float32", 0.0)


class _Numbers(threading.local):
    """The generator of second calls. A recorded step must not make one that outlives it."""

    def __init__(self) -> None:
        self.generator = _core.make_generator(0)


_own = _Numbers()
_ = _own.generator


@contextlib.contextmanager
def _drawing_from(numbers: Tensor | None) -> Iterator[None]:
    """Random operations draw from this state."""
    if numbers is None:
        yield
        return
    F.assign_(_own.generator, numbers)
    before = _core.use_generator(_own.generator)
    try:
        yield
    finally:
        _core.use_generator(before)


def checkpoint_sequential(
    functions: Any,
    segments: int,
    input: Any,
    use_reentrant: bool | None = None,
    preserve_rng_state: bool = True,
) -> Any:
    """Calls modules one after the other, in segments; all but the last are checkpoints.

    Args:
        functions: an `nn.Sequential`, or modules or functions in their order.
        segments: how many segments of about the same number of modules.
        input: of the first one.
        use_reentrant, preserve_rng_state: as for `checkpoint`.

    Raises:
        ValueError: segments is below 1 or above the number of modules.

    Source: `torch.utils.checkpoint.checkpoint_sequential`.

    Example:
        >>> net = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
        >>> utils.checkpoint.checkpoint_sequential(net, 2, fastdl.ones(1, 2)).shape
        (1, 1)
    """
    from .._base.module import Module

    steps = list(functions.children() if isinstance(functions, Module) else functions)
    segments = check_integer("checkpoint_sequential", "segments", segments, 1)
    if segments > len(steps):
        raise ValueError(
            f"checkpoint_sequential: segments: expected at most {len(steps)}, the number of "
            f"modules, got {segments}"
        )

    def run(chosen: list[Any], x: Any) -> Any:
        for step in chosen:
            x = step(x)
        return x

    size = len(steps) // segments
    for i in range(segments - 1):
        chosen = steps[i * size : (i + 1) * size]
        input = checkpoint(
            run, chosen, input, use_reentrant=use_reentrant, preserve_rng_state=preserve_rng_state
        )
    return run(steps[(segments - 1) * size :], input)
