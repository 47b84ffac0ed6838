"""Texts as numbers of words: what the data sets of texts have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .._base.checks import check_count, check_integer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray


def check(
    who: str, maxlen: int | None, num_words: int | None, skip_top: int, index_from: int | None
) -> None:
    """ValueError unless they are integers of at least 0, or None where that is allowed."""
    check_count(who, "num_words", num_words, 0)
    check_count(who, "maxlen", maxlen, 0)
    check_integer(who, "skip_top", skip_top, 0)
    check_count(who, "index_from", index_from, 0)


def numbered(
    texts: Iterable[list[int]], start_char: int | None, index_from: int | None
) -> list[list[int]]:
    """The texts with their numbers moved up by `index_from`, after the start's number."""
    if start_char is not None:
        return [[start_char, *(word + (index_from or 0) for word in text)] for text in texts]
    return [[word + (index_from or 0) for word in text] for text in texts]


def shorter(
    texts: list[list[int]], labels: NDArray[Any], maxlen: int | None
) -> tuple[list[list[int]], NDArray[Any]]:
    """The texts of fewer than `maxlen` numbers, with their labels."""
    if not maxlen:
        return texts, labels
    kept = [i for i, text in enumerate(texts) if len(text) < maxlen]
    return [texts[i] for i in kept], labels[kept]


def limited(
    texts: list[list[int]], num_words: int | None, skip_top: int, oov_char: int | None
) -> list[list[int]]:
    """The texts with the words that are kept; others become `oov_char`, or are left out."""
    most = num_words or max((max(text) for text in texts if text), default=0)
    if oov_char is None:
        return [[word for word in text if skip_top <= word < most] for text in texts]
    return [[word if skip_top <= word < most else oov_char for word in text] for text in texts]


def ragged(texts: list[list[int]]) -> NDArray[Any]:
    """An array of the lists, also where they are equally long."""
    found = np.empty(len(texts), dtype=object)
    found[:] = texts
    return found
