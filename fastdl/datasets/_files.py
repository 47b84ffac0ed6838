"""Data sets in one published file: found on disk or downloaded, and checked to the last byte."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, NamedTuple

from .._base.checks import check_number
from ._idx import fetch, home_folder, keep

if TYPE_CHECKING:
    from numpy.typing import NDArray

_OF_KERAS = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"


class PublishedFile(NamedTuple):
    """A file, and how to know it."""

    dataset: str  # the name of its folder
    title: str
    name: str
    digest: str  # of SHA-256, or of MD5 where the publisher gives no other
    most: int  # bytes that a download may have
    folder: str = _OF_KERAS  # the address without the name

    @property
    def algorithm(self) -> str:
        return "md5" if len(self.digest) == 32 else "sha256"


def load(file: PublishedFile, path: str | os.PathLike[str] | None = None) -> bytes:
    """The content of the file from `path`, or from the first place that has it.

    See `fastdl.datasets.imdb.load_data` for the places and the errors.
    """
    if path is not None and not _is_name_in_a_cache(path):
        return _from_path(file, os.fspath(path))
    own = os.environ.get("FASTDL_DATA")
    if own and not os.path.isdir(own):
        raise NotADirectoryError(
            f"FASTDL_DATA: expected a folder, got {own!r}, which is none: correct the environment "
            "variable or unset it"
        )
    if own:
        for place in (os.path.join(own, file.dataset, file.name), os.path.join(own, file.name)):
            if os.path.isfile(place):
                return _read(file, place)
    place = os.path.join(home_folder(), "datasets", file.dataset, file.name)
    if os.path.isfile(place):
        try:
            return _read(file, place)
        except ValueError:
            pass  # damaged: a download replaces it
    content = _download(file, place)
    keep(content, place)
    return content


def _is_name_in_a_cache(path: str | os.PathLike[str]) -> bool:
    """Whether `path` is a bare name like "imdb.npz", which in Keras names a file in its cache."""
    name = os.fspath(path)
    return os.path.basename(name) == name and not os.path.exists(name)


def _from_path(file: PublishedFile, path: str) -> bytes:
    place = os.path.join(path, file.name) if os.path.isdir(path) else path
    if not os.path.isfile(place):
        raise FileNotFoundError(
            f"path: expected the file {file.name} of {file.title} or a folder with it, got {path!r}"
        )
    return _read(file, place)


def _read(file: PublishedFile, place: str) -> bytes:
    with open(place, "rb") as stream:
        return _checked(stream.read(), file, place)


def _checked(content: bytes, file: PublishedFile, source: str) -> bytes:
    import hashlib

    digest = hashlib.new(file.algorithm, content, usedforsecurity=False).hexdigest()
    if digest != file.digest:
        raise ValueError(
            f"{source}: its {file.algorithm.upper()} digest is {digest}, expected {file.digest}: "
            "the content is damaged or another data set's"
        )
    return content


def _download(file: PublishedFile, place: str) -> bytes:
    from http.client import HTTPException

    url = file.folder + file.name
    try:
        return _checked(fetch(url, limit=file.most), file, url)
    except (OSError, HTTPException, ValueError) as error:
        reason = str(error) if url in str(error) else f"{url}: {error}"
        raise FileNotFoundError(
            f"{file.title} is not on this machine and could not be downloaded.\n{reason}\n"
            f"Without a network, put {file.name} into {os.path.dirname(place)} (or into "
            f"{file.dataset}/ in the folder that the environment variable FASTDL_DATA names, or "
            "give its path as path=)"
        ) from None


def check_share(who: str, test_split: float) -> float:
    """The share of the samples for tests. ValueError unless it is a number in [0, 1)."""
    return check_number(who, "test_split", test_split, 0.0, below=1.0)


def split(
    x: NDArray[Any], y: NDArray[Any], test_split: float, seed: int | None
) -> tuple[tuple[NDArray[Any], NDArray[Any]], tuple[NDArray[Any], NDArray[Any]]]:
    """Samples in another order, drawn as in Keras, and divided."""
    import numpy as np

    order = np.arange(len(x))
    np.random.RandomState(seed).shuffle(order)
    x, y = x[order], y[order]
    count = int(len(x) * (1 - test_split))
    return (x[:count], y[:count]), (x[count:], y[count:])


def arrays(content: bytes) -> tuple[NDArray[Any], NDArray[Any]]:
    """The arrays x and y of an .npz file."""
    import io

    import numpy as np

    with np.load(io.BytesIO(content), allow_pickle=False) as found:
        return found["x"], found["y"]
