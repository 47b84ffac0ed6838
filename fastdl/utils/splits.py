"""Parts of data: two parts by size, and the folds of cross-validation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .._base import tree
from .._base.checks import check_flag, check_integer, check_number, shown
from .._core import Tensor

if TYPE_CHECKING:
    from .._core import TensorLike

Indices = np.ndarray


def split_dataset(
    dataset: Any,
    left_size: float | None = None,
    right_size: float | None = None,
    shuffle: bool = False,
    seed: int | None = None,
    preferred_backend: None = None,
) -> tuple[Any, Any]:
    """Two parts of the samples of arrays.

    Args:
        dataset: an array or tensor, or a structure of them with one number of samples each.
        left_size: the size of the first part: a fraction in (0, 1), or a number of samples; what
            the second part leaves, unless given.
        right_size: the same for the second part. Samples that neither part takes are left out.
        shuffle: whether samples are drawn at random. Else the first part takes the first ones.
        seed: of the random order; None for another one each time.
        preferred_backend: None: the parts are arrays.

    Returns:
        The two parts, each in the structure of the data.

    Raises:
        ValueError: there are no samples, numbers differ, no size is given, or sizes do not fit.

    Source: `keras.utils.split_dataset` of Keras 3, which returns data sets of its backend.

    Example:
        >>> (x1, y1), (x2, y2) = utils.split_dataset((np.zeros((10, 3)), np.arange(10)), 0.8)
        >>> x1.shape, y2.tolist()
        ((8, 3), [8, 9])
    """
    if preferred_backend is not None:
        raise ValueError(
            "split_dataset: preferred_backend: expected None: the parts are arrays, got "
            f"{preferred_backend!r}"
        )
    arrays = tree.map_structure(_as_samples, dataset)
    lengths = {len(array) for array in tree.leaves(arrays)}
    if len(lengths) != 1 or not max(lengths):
        raise ValueError(
            f"split_dataset: dataset: expected arrays with one number of samples, got {lengths}"
        )
    count = lengths.pop()
    left, right = _sizes(count, left_size, right_size)
    order = np.arange(count)
    if check_flag("split_dataset", "shuffle", shuffle):
        order = np.random.default_rng(seed).permutation(count)

    def part(rows: np.ndarray) -> Any:
        return tree.map_structure(lambda array: array[rows], arrays)

    return part(order[:left]), part(order[left : left + right])


def _as_samples(array: Any) -> np.ndarray:
    found = array.numpy() if isinstance(array, Tensor) else np.asarray(array)
    if not found.ndim:
        raise ValueError(f"split_dataset: dataset: expected arrays of samples, got {shown(array)}")
    return found


def _sizes(count: int, left: Any, right: Any) -> tuple[int, int]:
    """The numbers of samples of both parts."""
    who = "split_dataset"
    if left is None and right is None:
        raise ValueError(f"{who}: expected left_size or right_size, got neither")
    found: list[int | None] = []
    for name, size in (("left_size", left), ("right_size", right)):
        if size is None:
            found.append(None)
        elif isinstance(size, (float, np.floating)):
            fraction = check_number(who, name, size, above=0.0, below=1.0)
            found.append(round(fraction * count))
        else:
            found.append(check_integer(who, name, size, 1))
    first, second = found
    first = count - second if first is None and second is not None else first
    second = count - first if second is None and first is not None else second
    assert first is not None and second is not None
    if first < 1 or second < 1 or first + second > count:
        raise ValueError(
            f"{who}: {count} samples cannot be cut into {first} and {second}: both parts need one "
            "sample at least"
        )
    return first, second


def k_fold(
    samples: int | Sequence[Any] | np.ndarray,
    k: int = 5,
    *,
    shuffle: bool = True,
    seed: int | None = None,
    stratify: TensorLike | None = None,
) -> Iterator[tuple[Indices, Indices]]:
    """The folds of cross-validation: for each fold the rows to train on and those to test on.

    Each sample is in the test rows of one fold. Sizes differ by at most one, with `stratify` by one
    for each class.

    Args:
        samples: their number, or the samples.
        k: the number of folds; as many as samples for leave-one-out.
        shuffle: whether rows are drawn at random.
        seed: of the random order; None for another one each time.
        stratify: a label for each sample: each fold has the classes in the same shares.

    Raises:
        ValueError: fewer samples than folds, or a label less or more.

    Example:
        >>> for train, test in utils.k_fold(6, 3, shuffle=False):
        ...     print(train.tolist(), test.tolist())
        [2, 3, 4, 5] [0, 1]
        [0, 1, 4, 5] [2, 3]
        [0, 1, 2, 3] [4, 5]
    """
    whole = isinstance(samples, (int, np.integer))
    count = check_integer("k_fold", "samples", samples if whole else len(samples), 0)  # type: ignore[arg-type]
    folds = check_integer("k_fold", "k", k, 2)
    if folds > count:
        raise ValueError(f"k_fold: k: {folds} folds need as many samples, got {count}")
    order = np.arange(count)
    if check_flag("k_fold", "shuffle", shuffle):
        order = np.random.default_rng(seed).permutation(count)
    fold_of = np.empty(count, np.int64)
    if stratify is None:
        starts = np.linspace(0, count, folds + 1).round().astype(int)
        fold_of[order] = np.repeat(np.arange(folds), np.diff(starts))
    else:
        labels = np.asarray(stratify).reshape(-1)
        if len(labels) != count:
            raise ValueError(f"k_fold: stratify: expected {count} labels, got {len(labels)}")
        # Classes one after the other, dealt out to the folds in turn.
        codes = np.unique(labels, return_inverse=True)[1]
        by_class = order[np.argsort(codes[order], kind="stable")]
        fold_of[by_class] = np.arange(count) % folds
    return (
        (np.flatnonzero(fold_of != fold), np.flatnonzero(fold_of == fold)) for fold in range(folds)
    )
