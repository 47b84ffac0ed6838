"""What the finders of learning rate and batch size share: a copy to train, batches, pictures."""

from __future__ import annotations

import copy
import os
import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from .._base import tree
from .._base.checks import shown
from .._base.random import get_rng_state, set_rng_state
from ..models.checks import check_compiled

if TYPE_CHECKING:
    from ..models.data_adapters import Arrays, Stream

Batch = tuple[Any, Any, Any]  # x, y, sample_weight


def check_model(who: str, model: Any) -> None:
    """Raises unless it is a model that is compiled with an optimizer."""
    if not hasattr(model, "train_on_batch") or not hasattr(model, "compiled"):
        raise TypeError(f"{who}: model: expected a model, got {shown(model)}")
    check_compiled(model, who)
    if model.optimizer is None:
        raise ValueError(f"{who}: model: expected one that is compiled with an optimizer")


def copied(who: str, model: Any) -> Any:
    """A copy of the model with its optimizer, to be trained in its place.

    Raises:
        TypeError: something in the model can't be copied.
    """
    try:
        return copy.deepcopy(model)
    except Exception as error:
        raise TypeError(
            f"{who}: model {model.name!r} can't be copied, and the copy is what is trained: "
            f"{type(error).__name__}: {error}"
        ) from error


@contextmanager
def random_state_kept(data: Arrays | Stream) -> Iterator[None]:
    """Restores the random states of fastdl, NumPy, Python and a `DataLoader` in the end."""
    states = get_rng_state(), np.random.get_state(), random.getstate()  # noqa: NPY002
    of_data = [(generator, generator.get_state()) for generator in data.generators]
    try:
        yield
    finally:
        set_rng_state(states[0])
        np.random.set_state(states[1])  # noqa: NPY002
        random.setstate(states[2])
        for generator, state in of_data:
            generator.set_state(state)


def rows_of(data: Arrays, rows: np.ndarray | slice) -> Batch:
    """The samples of these numbers."""

    def chosen(tensor: Any) -> Any:
        return None if tensor is None else tensor.numpy()[rows]

    whole = (data.x, data.y, data.sample_weight)
    x, y, weight = (tree.map_structure(chosen, part) for part in whole)
    return x, y, weight


def shuffled_batches(data: Arrays, seed: int) -> Iterator[Batch]:
    """Batches of one size without an end, in a new order in each pass."""
    size = min(data.batch_size, data.samples)
    generator = np.random.default_rng(seed)
    while True:
        order = generator.permutation(data.samples)
        for first in range(0, data.samples - size + 1, size):
            yield rows_of(data, order[first : first + size])


def batches_of(data: Stream) -> Iterator[Batch]:
    """The batches of a source, again and again if it can be read again."""
    while True:
        empty = True
        for batch in data:
            empty = False
            yield batch
        if empty or isinstance(data.source, Iterator):
            return


def joined(batches: Iterator[Batch], samples: int) -> Batch:
    """Batches joined to one of at least so many samples, or of all there are."""
    parts: list[Batch] = []
    found = 0
    for batch in batches:
        parts.append(batch)
        found += len(next(iter(tree.leaves(batch[0]))))
        if found >= samples:
            break
    if not parts:
        return None, None, None

    whole = []
    for several in zip(*parts, strict=True):  # all x, all y, all weights
        leaves = zip(*(tree.leaves(part) for part in several), strict=True)
        arrays = [
            None if tensors[0] is None else np.concatenate([np.asarray(t) for t in tensors])
            for tensors in leaves
        ]
        whole.append(tree.pack(several[0], arrays))
    x, y, weight = whole
    return x, y, weight


def loss_in(who: str, logs: dict[str, Any]) -> float:
    """The loss in the logs of a step."""
    if "loss" not in logs:
        raise ValueError(f"{who}: model: expected a 'loss' in the logs of a step, got {list(logs)}")
    return float(logs["loss"])


def available_memory() -> int:
    """Bytes of memory that can be used, as far as the system says; 2 GiB if it doesn't."""
    found = []
    try:
        with open("/proc/meminfo") as file:
            lines = dict(line.split(":", 1) for line in file if ":" in line)
        found.append(int(lines["MemAvailable"].split()[0]) * 1024)
    except (OSError, KeyError, ValueError):
        pass
    try:  # a container's own limit
        with (
            open("/sys/fs/cgroup/memory.max") as most,
            open("/sys/fs/cgroup/memory.current") as now,
        ):
            found.append(int(most.read()) - int(now.read()))
    except (OSError, ValueError):  # "max" is no limit
        pass
    if not found and hasattr(os, "sysconf"):
        try:
            found.append(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
        except (OSError, ValueError):
            pass
    return max(min(found), 0) if found else 2 << 30


def axes_for(who: str, ax: Any) -> Any:
    """The axes to draw in: those given, or new ones.

    Raises:
        ImportError: matplotlib is missing.
    """
    if ax is not None:
        return ax
    try:
        import matplotlib.pyplot as plt
    except ImportError:
        raise ImportError(f"{who} needs matplotlib: pip install 'fastdl[plot]'") from None
    return plt.subplots(layout="constrained")[1]
