"""The files of CIFAR: an archive with pickles of pictures and labels."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np

from .._base.images import check_format
from ._pickles import unpickled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


def batches(content: bytes, folder: str, names: Sequence[str]) -> list[dict[bytes, Any]]:
    """The content of files in the archive."""
    import tarfile

    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        found = [archive.extractfile(f"{folder}/{name}") for name in names]
        return [unpickled(part.read()) for part in found if part is not None]


def pictures(
    parts: Sequence[dict[bytes, Any]], labels: bytes
) -> tuple[NDArray[np.uint8], NDArray[Any]]:
    """Pictures, (n, 32, 32, 3) or as `set_image_data_format` says, and labels, (n, 1)."""
    x = np.concatenate([part[b"data"] for part in parts]).reshape(-1, 3, 32, 32)
    if check_format("load_data", None) == "channels_last":
        x = np.ascontiguousarray(x.transpose(0, 2, 3, 1))
    return x, np.concatenate([np.asarray(part[labels]) for part in parts]).reshape(-1, 1)
