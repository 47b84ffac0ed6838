"""Arrays from pickles, as CIFAR and the data sets of texts are published.

Only what makes an array is looked up, so a pickle cannot run code.
"""

from __future__ import annotations

import io
import pickle
from typing import Any

import numpy as np

_RECONSTRUCT = np.zeros(0).__reduce__()[0]  # numpy.core.multiarray._reconstruct, or its new place


class _Arrays(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("numpy", "ndarray"):
            return np.ndarray
        if (module, name) == ("numpy", "dtype"):
            return np.dtype
        if name == "_reconstruct" and module in ("numpy.core.multiarray", "numpy._core.multiarray"):
            return _RECONSTRUCT
        if (module, name) == ("_codecs", "encode"):
            import codecs

            return codecs.encode
        raise pickle.UnpicklingError(f"{module}.{name} is no part of an array")


def unpickled(content: bytes) -> Any:
    """Dicts, lists, numbers, bytes and arrays from a pickle of Python 2 or 3.

    Raises:
        ValueError: it is damaged, or has anything else.
    """
    try:
        return _Arrays(io.BytesIO(content), encoding="bytes").load()
    except (pickle.UnpicklingError, EOFError, AttributeError, IndexError, KeyError) as error:
        raise ValueError(f"a pickle that is no array: {error}") from None


def objects(content: bytes) -> dict[str, Any]:
    """The arrays of an .npz file, of which some have lists as elements."""
    import zipfile

    found = {}
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for entry in archive.namelist():
            data = io.BytesIO(archive.read(entry))
            version = np.lib.format.read_magic(data)
            read = np.lib.format.read_array_header_1_0
            shape, _, dtype = read(data) if version == (1, 0) else _second_header(data)
            if dtype.hasobject:
                array = np.asarray(unpickled(data.read()), dtype=object).reshape(shape)
            else:
                data.seek(0)
                array = np.load(data, allow_pickle=False)
            found[entry.removesuffix(".npy")] = array
    return found


def _second_header(data: io.BytesIO) -> Any:
    return np.lib.format.read_array_header_2_0(data)
