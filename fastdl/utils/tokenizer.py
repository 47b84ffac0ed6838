"""Tokens that are parts of words, by the package tokenizers: `pip install 'fastdl[text]'`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

from .._base.checks import check_choice, check_count, check_flag, check_integer, shown
from .time_series import pad_sequences

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ..saving.files import Path

_PAD, _UNKNOWN = "[PAD]", "[UNK]"
_KINDS = ("bpe", "wordpiece", "unigram")
_BYTES = 256  # tokens with which byte-level BPE begins


def _package() -> Any:
    """The package tokenizers. ImportError that says how to install it."""
    try:
        import tokenizers
    except ImportError:
        raise ImportError(
            "tokenizers need the package tokenizers: pip install 'fastdl[text]'"
        ) from None
    return tokenizers


class Tokenizer:
    """Texts as numbers of tokens, parts of words, and back.

    A call gives an array (texts, length), int32, padded to the longest text or to `length`. For
    batches of different length, `sequences` gives lists, which `bucketed_dataset` takes.
    `train_tokenizer` makes a tokenizer from texts.

    Args:
        source: the file `tokenizer.json` that `save`, or any program of Hugging Face, wrote; or a
            `tokenizers.Tokenizer`.
        padding_id: the number of the padding; that of "[PAD]" or "<pad>" unless given.

    Attributes:
        padding_id: the number of the padding, None if there is none.
        tokenizer: the `tokenizers.Tokenizer`.

    Raises:
        ImportError: the package tokenizers is missing.
        FileNotFoundError: there is no such file.
        ValueError: the file holds no tokenizer, or an argument is out of range. From a call: no
            list of texts, or texts of different length without a padding.

    Example:
        >>> tokenizer = utils.train_tokenizer(["low lower lowest"] * 9, 300)
        >>> ids = tokenizer(["low", "low lower"])
        >>> ids.shape, tokenizer.decode(ids)
        ((2, 2), ['low', 'low lower'])
    """

    def __init__(self, source: Any, padding_id: int | None = None) -> None:
        package, who = _package(), type(self).__name__
        if isinstance(source, (str, os.PathLike)):
            path = os.fspath(source)
            if not os.path.exists(path):
                raise FileNotFoundError(f"{who}: source: there is no file {path!r}")
            try:
                source = package.Tokenizer.from_file(path)
            except Exception as error:  # the package raises nothing more special
                raise ValueError(f"{who}: source: {path!r} is no tokenizer: {error}") from None
        if not isinstance(source, package.Tokenizer):
            raise ValueError(f"{who}: source: expected a file or a Tokenizer, got {shown(source)}")
        known = source.padding  # of a file that asks for padding, which is done here
        if known is not None:
            source = package.Tokenizer.from_str(source.to_str())
            source.no_padding()
        self.tokenizer = source
        if padding_id is None and known is not None:
            padding_id = known["pad_id"]
        elif padding_id is None:
            found = [source.token_to_id(token) for token in (_PAD, "<pad>")]
            padding_id = next((number for number in found if number is not None), None)
        else:
            padding_id = check_integer(who, "padding_id", padding_id, 0, self.vocabulary_size - 1)
        self.padding_id = padding_id

    @property
    def vocabulary_size(self) -> int:
        """The number of tokens, special ones included: `input_dim` of an `Embedding`."""
        return int(self.tokenizer.get_vocab_size())

    def get_vocabulary(self) -> list[str]:
        """The tokens in the order of their numbers, as the package writes them."""
        numbers = self.tokenizer.get_vocab()
        return sorted(numbers, key=numbers.__getitem__)

    def sequences(self, texts: Iterable[str]) -> list[list[int]]:
        """The numbers of the tokens of each text.

        Raises:
            ValueError: no list of texts.
        """
        given = _checked_texts(type(self).__name__, texts)
        found = self.tokenizer.encode_batch_fast(given, add_special_tokens=True)
        return [encoding.ids for encoding in found]

    def __call__(
        self, texts: Iterable[str], length: int | None = None, padding: str = "post"
    ) -> np.ndarray:
        """The numbers of the tokens as one array (texts, length), int32.

        Args:
            texts: a list or an array of texts.
            length: that of the rows; longer texts are cut at their end. That of the longest text
                unless given.
            padding: where the padding is: "pre" before, "post" after the text.

        Raises:
            ValueError: no list of texts, an argument is out of range, or texts need a padding and
                there is none.
        """
        who = type(self).__name__
        check_count(who, "length", length, 1)
        check_choice(who, "padding", padding, ("pre", "post"))
        rows = self.sequences(texts)
        size = max(map(len, rows), default=0) if length is None else length
        if self.padding_id is None and any(len(row) < size for row in rows):
            raise ValueError(
                f"{who}: padding_id: expected a number, since texts of different length need a "
                "padding and this tokenizer has no token for it"
            )
        value = self.padding_id or 0
        return pad_sequences(rows, size, padding=padding, truncating="post", value=value)

    def decode(self, ids: Any) -> list[str]:
        """The texts of rows of numbers; special tokens and padding are left out.

        Args:
            ids: a list of lists, or an array (texts, length).

        Raises:
            ValueError: something else, or a number that is none of the vocabulary.
        """
        who, size = f"{type(self).__name__}.decode", self.vocabulary_size
        rows = []
        for row in ids if hasattr(ids, "__iter__") else [ids]:
            numbers = np.asarray(row)
            if numbers.ndim != 1 or (numbers.size and numbers.dtype.kind not in "iu"):
                raise ValueError(f"{who}: ids: expected rows of integers, got {shown(ids)}")
            wrong = [int(i) for i in numbers if not 0 <= i < size]
            if wrong:
                raise ValueError(f"{who}: ids: expected numbers below {size}, got {wrong[0]}")
            rows.append([int(i) for i in numbers if i != self.padding_id])
        return list(self.tokenizer.decode_batch(rows, skip_special_tokens=True))

    def save(self, path: Path) -> None:
        """Writes a file that `Tokenizer(path)`, and programs of Hugging Face, read."""
        self.tokenizer.save(os.fspath(path))

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.tokenizer, self.padding_id)

    def __repr__(self) -> str:
        kind = type(self.tokenizer.model).__name__
        return f"<{type(self).__name__}: {kind}, {self.vocabulary_size} tokens>"


def train_tokenizer(
    texts: Iterable[str],
    vocabulary_size: int = 10_000,
    kind: str = "bpe",
    lowercase: bool = False,
    special_tokens: Sequence[str] = (),
) -> Tokenizer:
    """A tokenizer whose tokens are frequent parts of the words of some texts.

    Number 0 is padding, "[PAD]", 1 an unknown part, "[UNK]"; then come `special_tokens`.

    Args:
        texts: the texts to learn from.
        vocabulary_size: the largest number of tokens, special ones included.
        kind: "bpe" joins frequent pairs, beginning with the 256 bytes, so it can write any text
            (Sennrich et al. 2016, as GPT-2 does); "wordpiece" is that of BERT, on words without
            punctuation; "unigram" drops the least likely tokens of many (Kudo 2018). The last two
            may number tokens of equal frequency in another order each time: save the tokenizer.
        lowercase: whether letters become small ones.
        special_tokens: further tokens that stand for themselves: "[START]", "[END]".

    Returns:
        A `Tokenizer`.

    Raises:
        ImportError: the package tokenizers is missing.
        ValueError: an unknown kind, no list of texts, or too small a vocabulary.

    Example:
        >>> tokenizer = utils.train_tokenizer(["a fine film"] * 5, 280, special_tokens=["[END]"])
        >>> tokenizer(["a film[END]"], length=4).tolist()[0][-2:]
        [2, 0]
    """
    who = "train_tokenizer"
    package = _package()
    check_choice(who, "kind", kind, _KINDS)
    if check_flag(who, "lowercase", lowercase) is None:
        raise ValueError(f"{who}: lowercase: expected True or False, got None")
    special = [_PAD, _UNKNOWN, *_checked_texts(who, special_tokens, "special_tokens")]
    least = len(special) + (_BYTES if kind == "bpe" else 1)
    check_integer(who, "vocabulary_size", vocabulary_size, least)
    given = _checked_texts(who, texts)
    made, trainer = _untrained(package, kind, int(vocabulary_size), special)
    if lowercase:
        made.normalizer = package.normalizers.Lowercase()
    made.train_from_iterator(given, trainer, length=len(given))
    return Tokenizer(made)


def _untrained(package: Any, kind: str, size: int, special: list[str]) -> tuple[Any, Any]:
    """The parts of a tokenizer of this kind, and what trains it."""
    models, trainers = package.models, package.trainers
    before, decoders = package.pre_tokenizers, package.decoders
    options = {"vocab_size": size, "special_tokens": special, "show_progress": False}
    if kind == "bpe":
        made = package.Tokenizer(models.BPE())
        made.pre_tokenizer = before.ByteLevel(add_prefix_space=False)
        made.decoder = decoders.ByteLevel()
        alphabet = before.ByteLevel.alphabet()
        return made, trainers.BpeTrainer(initial_alphabet=alphabet, **options)
    if kind == "wordpiece":
        made = package.Tokenizer(models.WordPiece(unk_token=_UNKNOWN))
        made.pre_tokenizer = before.BertPreTokenizer()
        made.decoder = decoders.WordPiece()
        return made, trainers.WordPieceTrainer(**options)
    made = package.Tokenizer(models.Unigram())
    made.pre_tokenizer = before.Metaspace()
    made.decoder = decoders.Metaspace()
    return made, trainers.UnigramTrainer(unk_token=_UNKNOWN, **options)


def _checked_texts(who: str, texts: Any, argument: str = "texts") -> list[str]:
    if isinstance(texts, (str, bytes)) or not hasattr(texts, "__iter__"):
        raise ValueError(f"{who}: {argument}: expected a list of texts, got {shown(texts)}")
    found = list(texts)
    for place, text in enumerate(found):
        if not isinstance(text, str):
            raise ValueError(
                f"{who}: {argument}: expected a list of texts, got {shown(text)} at place {place}"
            )
    return [str(text) for text in found]  # NumPy's own kind of text is one, too
