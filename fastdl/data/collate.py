"""What makes a batch of samples, and tensors of what data sets hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .. import _core
from .._base import functional as F
from .._core import Tensor


def default_collate(batch: Sequence[Any]) -> Any:
    """Many samples as one: tensors, arrays and numbers are stacked, containers keep their form.

    Args:
        batch: the samples. Tensors and arrays of one shape give a tensor with a new first axis,
            numbers a vector (float32 or int64); tuples and lists are transposed into a list, named
            tuples and mappings keep their type and names; strings stay a list.

    Raises:
        TypeError: a sample holds something else.
        RuntimeError: sequences of different lengths.
        ValueError: tensors of different shapes.

    Example:
        >>> x, y = default_collate([([1.0, 2.0], 0), ([3.0, 4.0], 1)])
        >>> y.tolist()
        [0, 1]
    """
    first = batch[0]
    if isinstance(first, Tensor):
        return F.stack(list(batch))
    if isinstance(first, np.ndarray):
        return _core.as_tensor(np.stack(batch))
    if isinstance(first, (bool, int, float, np.number, np.bool_)):
        return _core.as_tensor(np.asarray(batch))
    if isinstance(first, (str, bytes)):
        return batch
    if isinstance(first, Mapping):
        merged = {key: default_collate([sample[key] for sample in batch]) for key in first}
        return merged if type(first) is dict else type(first)(merged)  # type: ignore[call-arg]
    if isinstance(first, Sequence):
        if any(len(sample) != len(first) for sample in batch):
            raise RuntimeError("each element in list of batch should be of equal size")
        columns = [default_collate(column) for column in zip(*batch, strict=True)]
        return type(first)(*columns) if hasattr(first, "_fields") else columns
    raise TypeError(
        "default_collate: batch must contain tensors, arrays, numbers, dicts or lists; "
        f"found {type(first).__name__}"
    )


def default_convert(data: Any) -> Any:
    """Arrays and NumPy's numbers as tensors; containers keep their form, all else stays as it is.

    Args:
        data: a sample. Arrays share their memory with the tensors where possible. Arrays of texts
            stay as they are.

    Source: `torch.utils.data.default_convert` of PyTorch 2.13.

    Example:
        >>> default_convert({"x": np.ones(2, np.float32), "name": "a"})["name"]
        'a'
    """
    if isinstance(data, Tensor):
        return data
    if isinstance(data, (np.ndarray, np.generic)):
        return data if data.dtype.kind in "SUO" else _core.as_tensor(np.asarray(data))
    if isinstance(data, Mapping):
        converted = {key: default_convert(value) for key, value in data.items()}
        return converted if type(data) is dict else type(data)(converted)  # type: ignore[call-arg]
    if isinstance(data, tuple) and hasattr(data, "_fields"):
        return type(data)(*map(default_convert, data))
    if isinstance(data, Sequence) and not isinstance(data, (str, bytes, range)):
        return [default_convert(value) for value in data]
    return data
