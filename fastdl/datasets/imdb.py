"""IMDB: 50,000 reviews of films, of which half are good (Maas and others, 2011)."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from . import _files

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Split = tuple[NDArray[Any], NDArray[Any]]

_FILE = _files.PublishedFile(
    "imdb",
    "IMDB",
    "imdb.npz",
    "69664113be75683a8fe16e3ed0ab59fda8886cb3cd7ada244f7d9544e4676b9f",
    most=20_000_000,
)
_WORDS = _files.PublishedFile(
    "imdb", "IMDB", "imdb_word_index.json", "bfafd718b763782e994055a2d397834f", most=2_000_000
)


def load_data(
    path: str | os.PathLike[str] = "imdb.npz",
    num_words: int | None = None,
    skip_top: int = 0,
    maxlen: int | None = None,
    seed: int | None = 113,
    start_char: int | None = 1,
    oov_char: int | None = 2,
    index_from: int | None = 3,
) -> tuple[Split, Split]:
    """Loads the reviews as numbers of words, downloading them the first time if need be.

    Words are numbered by their frequency: 1 is the most frequent one. The file `imdb.npz` is
    looked for in

    1. `path`, and nowhere else, if that is a file or a folder;
    2. `$FASTDL_DATA/imdb/` and `$FASTDL_DATA/`, if that environment variable is set;
    3. the cache: `~/.fastdl/datasets/imdb/`, or `$FASTDL_HOME/datasets/imdb/`.

    If it is in none of them, it is downloaded into the cache. It is checked against its SHA-256
    digest before it is used, and nothing in it can run as code. A damaged file in the cache is
    downloaded again.

    Args:
        path: the file, or a folder with it. A bare name of no file, which in Keras names a file in
            its cache, has no effect.
        num_words: numbers from this one on become `oov_char`; None for all but the last.
        skip_top: smaller numbers become `oov_char`, too.
        maxlen: only reviews of fewer numbers are kept; None for all.
        seed: of the order of the reviews.
        start_char: the first number of each review; None for none.
        oov_char: the number of words that are left out; None drops them.
        index_from: what is added to the numbers of words, for the numbers with a meaning.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: arrays of 25,000 lists of integers each, and of
        labels, 1 for a good review and 0 for a bad one.

    Raises:
        FileNotFoundError: there is no such file, or the download failed; the message says where to
            put it.
        ValueError: the file is damaged or another one, `maxlen` leaves no review, or an argument is
            no integer of at least 0.

    Source: `keras.datasets.imdb` of Keras 3.

    Example::

        from fastdl.datasets import imdb
        (x_train, y_train), (x_test, y_test) = imdb.load_data(num_words=10_000)
    """
    import numpy as np

    from . import _words
    from ._pickles import objects

    who = "imdb.load_data"
    _words.check(who, maxlen, num_words, skip_top, index_from)
    found = objects(_files.load(_FILE, path))
    random = np.random.RandomState(seed)
    texts: list[list[int]] = []
    labels = []
    for part in ("train", "test"):
        x, y = found[f"x_{part}"], found[f"y_{part}"]
        order = np.arange(len(x))
        random.shuffle(order)
        numbered = _words.numbered(x[order], start_char, index_from)
        kept, kept_labels = _words.shorter(numbered, y[order], maxlen)
        if not kept:
            raise ValueError(f"{who}: maxlen: no review has fewer than {maxlen} numbers")
        texts += kept
        labels.append(kept_labels)
    texts = _words.limited(texts, num_words, skip_top, oov_char)
    count = len(labels[0])
    return (
        (_words.ragged(texts[:count]), labels[0]),
        (_words.ragged(texts[count:]), labels[1]),
    )


def get_word_index(path: str | os.PathLike[str] = "imdb_word_index.json") -> dict[str, int]:
    """The number of each word, before `index_from` is added.

    Args:
        path: as for `load_data`, for the file `imdb_word_index.json`.

    Example::

        words = {number + 3: word for word, number in imdb.get_word_index().items()}
        print(" ".join(words.get(number, "?") for number in x_train[0]))
    """
    import json

    index: dict[str, int] = json.loads(_files.load(_WORDS, path))
    return index
