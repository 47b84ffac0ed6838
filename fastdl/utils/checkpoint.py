"""Checkpoints: the values within a part of a network are computed again for its gradient."""

from __future__ import annotations

import contextlib
import functools
import threading
from typing import TYPE_CHECKING, Any

from .. import _core
from .._base import functional as F
from .._base import tree
from .._base.checks import check_callable, check_integer
from .._base.random import streams
from .._base.watch import current
from .._core import Tensor
from .._graph.calls import once_more
from ..autograd.attached import Attached
from ..autograd.modes import enable_grad

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence


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
    part = functools.partial(function, *args, **kwargs)
    return computed_again(function, part, first, second, preserve_rng_state)


def computed_again(
    function: Callable[..., Any],
    call: Callable[[], Any],
    first: Any,
    second: Any,
    preserve_rng_state: bool = True,
    around: Any = None,
) -> Any:
    """The result of a call, which is made again for its gradient.

    Args:
        function: what the user has written.
        call: calls it.
        first, second: contexts around the first call and the second one.
        preserve_rng_state: as for `checkpoint`.
        around: a context around the second call and the gradient.
    """
    if not _core.grad_enabled():
        with first:
            return call()
    watch = current()
    if watch is not None:
        watch.note_function(function)
    numbers = _Drawn() if preserve_rng_state else None
    since = _core.tape_length()
    with first, numbers.noted() if numbers is not None else contextlib.nullcontext():
        result = call()
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
    part = _Part(call, second, _NOTHING if around is None else around, numbers, places, sources)
    for i, tensor in zip(places, part.attached(outputs), strict=True):
        values[i] = tensor
    return tree.pack(skeleton, values)


_NOTHING = contextlib.nullcontext()
_NO_CONTEXTS = (_NOTHING, _NOTHING)


class _Part(Attached):
    """A part of a network whose values are computed again."""

    def __init__(
        self,
        again: Callable[[], Any],
        context: Any,
        around: Any,
        numbers: _Drawn | None,
        places: list[int],
        sources: list[Tensor],
    ) -> None:
        super().__init__(sources, len(places))
        self._again = again
        self._context = context
        self._around = around
        self._numbers = numbers
        self._places = places  # of the outputs, among the leaves of the result
        self._call = once_more()

    def _gradients(self, given: Sequence[Tensor | None]) -> list[Tensor | None]:
        """Computes the part again and gives the gradients of its sources."""
        with self._around:
            return self._again_and_back(given)

    def _again_and_back(self, given: Sequence[Tensor | None]) -> list[Tensor | None]:
        create_graph = _core.grad_enabled()
        since = _core.tape_length()
        drawing = contextlib.nullcontext() if self._numbers is None else self._numbers.again()
        with enable_grad(), self._call, self._context, drawing:
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


class _Numbers(threading.local):
    """The generator of second calls. A recorded step must not make one that outlives it."""

    def __init__(self) -> None:
        self.generator = _core.make_generator(0)


_own = _Numbers()
_ = _own.generator


class _Drawn:
    """The random numbers that a call draws, for a second call that draws the same."""

    def __init__(self) -> None:
        self._start = F.copy(_core.current_generator())
        self._streams: dict[int, tuple[Tensor, Tensor]] = {}  # of seeds and generators

    @contextlib.contextmanager
    def noted(self) -> Iterator[None]:
        """The first call."""
        outer = streams.noted
        streams.noted = self._streams
        try:
            yield
        finally:
            streams.noted = outer
            if outer is not None:
                for key, pair in self._streams.items():
                    outer.setdefault(key, pair)

    @contextlib.contextmanager
    def again(self) -> Iterator[None]:
        """The second call."""
        F.assign_(_own.generator, self._start)
        now = [(state, F.copy(state)) for state, _ in self._streams.values()]
        for state, start in self._streams.values():
            F.assign_(state, start)
        before = _core.use_generator(_own.generator)
        try:
            yield
        finally:
            _core.use_generator(before)
            for state, value in now:
                F.assign_(state, value)


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
