"""Reuters: 11,228 news in 46 topics (Lewis and others, 1987; numbered for Keras)."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from . import _files

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Split = tuple[NDArray[Any], NDArray[Any]]

_FILE = _files.PublishedFile(
    "reuters",
    "Reuters",
    "reuters.npz",
    "d6586e694ee56d7a4e65172e12b3e987c03096cb01eab99753921ef915959916",
    most=3_000_000,
)
_WORDS = _files.PublishedFile(
    "reuters",
    "Reuters",
    "reuters_word_index.json",
    "4d44cc38712099c9e383dc6e5f11a921",
    most=1_000_000,
)
_TOPICS = (
    "cocoa grain veg-oil earn acq wheat copper housing money-supply coffee sugar trade reserves "
    "ship cotton carcass crude nat-gas cpi money-fx interest gnp meal-feed alum oilseed gold tin "
    "strategic-metal livestock retail ipi iron-steel rubber heat jobs lei bop zinc orange pet-chem "
    "dlr gas silver wpi hog lead"
)


def load_data(
    path: str | os.PathLike[str] = "reuters.npz",
    num_words: int | None = None,
    skip_top: int = 0,
    maxlen: int | None = None,
    test_split: float = 0.2,
    seed: int | None = 113,
    start_char: int | None = 1,
    oov_char: int | None = 2,
    index_from: int | None = 3,
) -> tuple[Split, Split]:
    """Loads the news as numbers of words, downloading them the first time if need be.

    Places, errors and arguments are those of `fastdl.datasets.imdb.load_data`, for the file
    `reuters.npz` in the folder `reuters`.

    Args:
        path, num_words, skip_top, maxlen: as there.
        test_split: the share of the news that are for tests, in [0, 1).
        seed, start_char, oov_char, index_from: as there.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: arrays of 8,982 and 2,246 lists of integers, and of
        topics, 0 to 45.

    Source: `keras.datasets.reuters` of Keras 3.

    Example::

        from fastdl.datasets import reuters
        (x_train, y_train), (x_test, y_test) = reuters.load_data(num_words=10_000)
    """
    from . import _words
    from ._pickles import objects

    who = "reuters.load_data"
    _words.check(who, maxlen, num_words, skip_top, index_from)
    share = _files.check_share(who, test_split)
    found = objects(_files.load(_FILE, path))
    (x, y), _ = _files.split(found["x"], found["y"], 0.0, seed)
    texts, labels = _words.shorter(_words.numbered(x, start_char, index_from), y, maxlen)
    texts = _words.limited(texts, num_words, skip_top, oov_char)
    count = int(len(texts) * (1 - share))
    return (
        (_words.ragged(texts[:count]), labels[:count]),
        (_words.ragged(texts[count:]), labels[count:]),
    )


def get_word_index(path: str | os.PathLike[str] = "reuters_word_index.json") -> dict[str, int]:
    """The number of each word, before `index_from` is added.

    Args:
        path: as for `load_data`, for the file `reuters_word_index.json`.
    """
    import json

    index: dict[str, int] = json.loads(_files.load(_WORDS, path))
    return index


def get_label_names() -> tuple[str, ...]:
    """The names of the topics, in the order of their labels.

    Example:
        >>> fastdl.datasets.reuters.get_label_names()[3]
        'earn'
    """
    return tuple(_TOPICS.split())
