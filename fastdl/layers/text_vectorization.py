"""TextVectorization: texts as numbers of their words, or as counts of them."""

from __future__ import annotations

import re
import string
from collections.abc import Callable
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _core
from .._base.checks import check_choice, check_count, check_flag, check_integer, shown
from .._base.registry import LAYERS
from .._base.tables import is_missing
from .._core import Tensor
from .categories import values_of
from .vocabulary import Lookup

if TYPE_CHECKING:
    from collections.abc import Iterable

    from typing_extensions import Unpack

    from .._base.types import Config
    from .options import UnnamedOptions

    Function = Callable[[np.ndarray], Any]

_LOWER = dict(zip(map(ord, string.ascii_uppercase), string.ascii_lowercase, strict=True))
_STRIP: dict[int, str | None] = dict.fromkeys(map(ord, string.punctuation))
_TABLES: dict[str, dict[int, str | None]] = {
    "lower": {**_LOWER},
    "strip_punctuation": _STRIP,
    "lower_and_strip_punctuation": {**_LOWER, **_STRIP},
}
_WORDS = re.compile(r"[^ \t\n\v\f\r]+").findall
_MODES = ("int", "multi_hot", "count", "tf_idf")


@LAYERS.register
class TextVectorization(Lookup):
    """Texts as numbers of their words, (batch, words), or as one row of counts for each.

    Each text is made uniform, split into words, which may be joined to n-grams, and looked up in a
    vocabulary: that of `adapt`, or a given one. Number 0 is padding, 1 an unknown word.

    Args:
        max_tokens: the largest size of the vocabulary, with its special tokens; None for no limit.
        standardize: "lower_and_strip_punctuation", "lower", "strip_punctuation", None, or a
            function of an array of texts that returns one of that shape. Lower are the letters A to
            Z; punctuation is that of ASCII.
        split: "whitespace" (that of ASCII), "character", None for texts that are words, or a
            function of an array of texts that returns a list of words for each.
        ngrams: an integer n for all sequences of 1 to n words, a tuple for those lengths; None for
            single words.
        output_mode: "int" gives int64 numbers, padded with 0 to the longest text. "multi_hot" gives
            rows of float32 with a 1 for each word that occurs, "count" how often it occurs,
            "tf_idf" that times the weight of the word.
        output_sequence_length: with "int", the length to which rows are padded or cut.
        pad_to_max_tokens: whether rows have `max_tokens` places even if there are fewer words.
        vocabulary: the words, as for `set_vocabulary`, in place of `adapt`.
        idf_weights: with "tf_idf" and a vocabulary, a weight for each word.
        sparse, ragged: only False.
        encoding: of texts given as bytes, and of a file with the vocabulary.

    Raises:
        ValueError: an argument is none of these; called without a vocabulary; texts in several
            columns, unless `split` is None.
        TypeError: called on values that are no text.

    Inputs are a text, or arrays, lists or columns of texts, (batch,) or (batch, 1). A missing text
    (None, NaN) has no words. There are no tensors of text, so the layer is no part of a model: call
    it on the data, or with `map` of a data set.

    Source: `keras.layers.TextVectorization` of Keras 3.

    Example:
        >>> layer = layers.TextVectorization(output_sequence_length=4)
        >>> layer.adapt(["foo bar", "bar baz", "baz, bada boom!"])
        >>> layer.get_vocabulary()
        ['', '[UNK]', 'baz', 'bar', 'foo', 'boom', 'bada']
        >>> layer(["Foo qux bar", "qux"]).tolist()
        [[4, 1, 3, 0], [1, 0, 0, 0]]
    """

    mask_token = ""
    oov_token = "[UNK]"

    def __init__(
        self,
        max_tokens: int | None = None,
        standardize: str | Function | None = "lower_and_strip_punctuation",
        split: str | Function | None = "whitespace",
        ngrams: int | tuple[int, ...] | None = None,
        output_mode: str = "int",
        output_sequence_length: int | None = None,
        pad_to_max_tokens: bool = False,
        vocabulary: Any = None,
        idf_weights: Any = None,
        sparse: bool = False,
        ragged: bool = False,
        encoding: str = "utf-8",
        name: str | None = None,
        **kwargs: Unpack[UnnamedOptions],
    ) -> None:
        super().__init__(name=name, **kwargs)
        who = self._who
        if not callable(standardize):
            check_choice(who, "standardize", standardize, (*_TABLES, None))
        if not callable(split):
            check_choice(who, "split", split, ("whitespace", "character", None))
        self.standardize, self.split = standardize, split
        self.ngrams = ngrams if isinstance(ngrams, int) else _as_tuple(ngrams)
        if self.ngrams is not None:
            widths = self.ngrams if isinstance(self.ngrams, tuple) else (self.ngrams,)
            widths = tuple(check_integer(who, "ngrams", width, 1) for width in widths)
            self._widths = widths if isinstance(self.ngrams, tuple) else range(1, widths[0] + 1)
        try:
            "".encode(encoding)
        except (LookupError, TypeError):
            raise ValueError(f"{who}: encoding: unknown encoding {shown(encoding)}") from None
        self.encoding = encoding
        if check_flag(who, "ragged", ragged):
            raise ValueError(f"{who}: ragged: ragged outputs are not supported")
        length = check_count(who, "output_sequence_length", output_sequence_length, 1)
        self.output_sequence_length = length
        self._set_up(
            max_tokens, 1, vocabulary, idf_weights, False, output_mode, sparse, pad_to_max_tokens
        )
        check_choice(who, "output_mode", self.output_mode, _MODES)
        if length is not None and self.output_mode != "int":
            raise ValueError(
                f"{who}: output_sequence_length: expected None for output_mode "
                f"{self.output_mode!r}, got {length}"
            )

    def _set_tokens(self, tokens: list[str]) -> None:
        super()._set_tokens(tokens)
        start = self._token_start
        self.__dict__["_table"] = {token: start + i for i, token in enumerate(tokens)}
        self._table[""] = self._masked

    def adapt(  # type: ignore[override]
        self, data: Any, batch_size: int | None = None, steps: int | None = None
    ) -> None:
        """Makes a vocabulary of the words in texts, the most frequent first.

        Words that are equally frequent are in descending order. `max_tokens` limits them.

        Args:
            data: an array, list or column of texts; or an iterable of batches of these, of which
                each may be a tuple that begins with the texts.
            batch_size: without an effect.
            steps: the number of batches; all unless given.

        Raises:
            ValueError: the vocabulary was given, or there are no words.
            TypeError: values are no text.
        """
        super().adapt(data, steps)

    def _tokens_in(self, batch: Any, lone: bool) -> tuple[list[str], Iterable[list[str]]]:
        documents, *_ = self._documents(batch)
        return list(chain.from_iterable(documents)), documents

    def _documents(self, inputs: Any) -> tuple[list[list[str]], tuple[int, ...], bool]:
        """The words of each text, the shape of the texts, and whether each is a word of its own."""
        texts, shape = values_of(_decoded(inputs, self.encoding), "text")
        missing = is_missing(texts)
        texts = np.where(missing, "", texts)
        if callable(self.standardize):
            texts = np.asarray(self.standardize(texts.astype(str).reshape(shape))).ravel()
        elif self.standardize is not None:
            table = _TABLES[self.standardize]
            texts = np.array([text.translate(table) for text in texts] or [], object)
        words = self.split is None and len(shape) < 2
        if self.split is None:
            width = shape[-1] if len(shape) > 1 else 1
            shape = shape[:-1] if len(shape) > 1 else shape
            documents = [row.tolist() for row in texts.reshape(-1, width)]
        else:
            if len(shape) > 1:
                if shape[-1] != 1:
                    raise ValueError(
                        f"inputs: expected texts of shape (batch,) or (batch, 1), got {shape}"
                    )
                shape = shape[:-1]
            documents = self._words(texts)
        if self.ngrams is not None:
            documents = [self._joined(words) for words in documents]
        return documents, shape, words

    def _words(self, texts: np.ndarray) -> list[list[str]]:
        if self.split == "whitespace":
            return [_split(text) for text in texts.tolist()]
        if self.split == "character":
            return [list(text) for text in texts.tolist()]
        assert callable(self.split)
        found = [[str(word) for word in words] for words in self.split(texts.astype(str))]
        if len(found) != len(texts):
            raise ValueError(
                f"split: expected a list of words for each of {len(texts)} texts, got {len(found)}"
            )
        return found

    def _joined(self, words: list[str]) -> list[str]:
        return [
            " ".join(words[first : first + width])
            for width in self._widths
            for first in range(len(words) - width + 1)
        ]

    def _numbers_in(self, documents: list[list[str]]) -> list[list[int]]:
        get, unknown = self._table.get, self._oov_start
        return [[get(word, unknown) for word in words] for words in documents]

    def call(self, inputs: Any) -> Tensor:
        self._check_known()
        documents, shape, words = self._documents(inputs)
        if self.output_mode != "int":
            if len(shape) > 1:
                raise ValueError(
                    f"inputs: expected one axis of texts for output_mode {self.output_mode!r}, got "
                    f"shape {shape}"
                )
            return self._counted(self._numbers_in(documents), shape)
        length = self.output_sequence_length
        alone = words and self.ngrams is None and length is None
        if length is None:
            length = max(map(len, documents), default=0)
        numbers = self._numbers_in([words[:length] for words in documents])
        found = np.zeros((len(numbers), length), np.int64)
        for row, those in zip(found, numbers, strict=True):
            row[: len(those)] = those
        return _core.as_tensor(found.reshape(shape if alone else (*shape, length)))

    def _counted(self, numbers: list[list[int]], shape: tuple[int, ...]) -> Tensor:
        """How often each word occurs in each text, or what the mode makes of that."""
        depth = self._depth()
        rows = np.repeat(np.arange(len(numbers)), [len(those) for those in numbers])
        flat = np.fromiter(chain.from_iterable(numbers), np.int64, len(rows))
        kept = flat < depth  # a masked word has no place
        counts = np.bincount((rows * depth + flat)[kept], minlength=len(numbers) * depth)
        found = counts.astype(np.float32)
        if self.output_mode == "multi_hot":
            found = np.minimum(found, np.float32(1))
        found = found.reshape(*shape, depth)
        if self.output_mode == "tf_idf":
            found = found * self.idf_weights.numpy()
        return _core.as_tensor(found)

    def compute_output_spec(self, inputs: Any) -> Any:
        raise TypeError(
            "text is no input of a model: call the layer on the data, or with map() of a data set"
        )

    def get_config(self) -> Config:
        config = self._shared_config()
        for key in ("num_oov_indices", "mask_token", "oov_token", "invert", "salt"):
            del config[key]
        return {
            **config,
            "standardize": self.standardize,
            "split": self.split,
            "ngrams": self.ngrams,
            "output_sequence_length": self.output_sequence_length,
            "encoding": self.encoding,
        }


def _split(text: str) -> list[str]:
    """The words between spaces, as TensorFlow splits."""
    # str.split() is faster. It also splits at spaces of other scripts and at these controls.
    if text.isascii() and not any(control in text for control in "\x1c\x1d\x1e\x1f"):
        return text.split()
    return _WORDS(text)


def _as_tuple(ngrams: Any) -> Any:
    return tuple(ngrams) if isinstance(ngrams, list) else ngrams  # a config has lists


def _decoded(inputs: Any, encoding: str) -> Any:
    """Inputs with bytes as texts of an encoding; UTF-8 is that of other layers, too."""
    if encoding.lower() in ("utf-8", "utf8"):
        return inputs
    if isinstance(inputs, bytes):
        return inputs.decode(encoding)
    if isinstance(inputs, np.ndarray) and inputs.dtype.kind == "S":
        return np.char.decode(inputs, encoding)
    if isinstance(inputs, (list, tuple)):
        return type(inputs)(_decoded(item, encoding) for item in inputs)
    return inputs
