"""What the layers that number categories have in common: the vocabulary and how it is found."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _core
from .._base import functional as F
from .._base.checks import check_choice, check_flag, check_integer, shown
from .._base.tables import is_column, is_missing
from .._core import Tensor
from .categories import (
    CategoryLayer,
    dense_only,
    integers_of,
    values_of,
    whole,
)
from .preprocessing import encoded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .._base.types import Config

_MODES = ("int", "one_hot", "multi_hot", "count", "tf_idf")
_DROPPED = 2**63 - 1  # the number of a masked value where it has no place in the output


class Lookup(CategoryLayer):
    """What both layers share. The kind of the tokens is "text" or "numbers"."""

    _tokens_are = "text"
    # Entries of Keras's configs that say nothing here.
    _of_keras: tuple[str, ...] = ("vocabulary_size", "has_input_vocabulary")

    # Set by _set_up.
    invert: bool
    num_oov_indices: int
    mask_token: Any
    oov_token: Any
    output_mode: str
    oov_method = "floormod"
    salt: list[int] | None = None

    def _set_up(
        self,
        max_tokens: Any,
        num_oov_indices: Any,
        vocabulary: Any,
        idf_weights: Any,
        invert: Any,
        output_mode: Any,
        sparse: Any,
        pad_to_max_tokens: Any,
    ) -> None:
        who = self._who
        if max_tokens is not None:
            max_tokens = check_integer(who, "max_tokens", max_tokens, 2)
        self.max_tokens: int | None = max_tokens
        self.num_oov_indices = check_integer(who, "num_oov_indices", num_oov_indices, 0)
        self.invert = check_flag(who, "invert", invert)
        older = {"binary": "multi_hot", "tf-idf": "tf_idf"}
        mode = older.get(output_mode, output_mode) if isinstance(output_mode, str) else output_mode
        self.output_mode = check_choice(who, "output_mode", mode, _MODES)
        self.sparse = dense_only(who, sparse)
        self.pad_to_max_tokens = check_flag(who, "pad_to_max_tokens", pad_to_max_tokens)
        if self.invert and self.output_mode != "int":
            raise ValueError(f"{who}: output_mode: expected 'int' with invert, got {mode!r}")
        if self.pad_to_max_tokens and max_tokens is None:
            raise ValueError(f"{who}: pad_to_max_tokens: expected max_tokens as well")
        if idf_weights is not None and (self.output_mode != "tf_idf" or vocabulary is None):
            raise ValueError(f"{who}: idf_weights: expected output_mode 'tf_idf' and a vocabulary")
        self.is_given = vocabulary is not None
        self._size = 0  # of the vocabulary with its special tokens
        self._known = False
        self.__dict__["_tokens"] = []
        if vocabulary is not None:
            self.set_vocabulary(vocabulary, idf_weights)

    @property
    def _who(self) -> str:
        return f"{type(self).__name__} {self.name!r}"

    @property
    def _oov_start(self) -> int:
        return 1 if self.mask_token is not None and self.output_mode == "int" else 0

    @property
    def _token_start(self) -> int:
        return self._oov_start + self.num_oov_indices

    def _depth(self) -> int:
        if self.pad_to_max_tokens:
            assert self.max_tokens is not None
            return self.max_tokens
        self._check_known()
        return self._size

    def _check_known(self) -> None:
        if not self._known:
            raise ValueError("vocabulary: there is none yet; call adapt(data), or give one")

    # --- the vocabulary

    def vocabulary_size(self) -> int:
        """The number of tokens, with those for masked and unknown values."""
        return len(self._tokens) + self._token_start

    def get_vocabulary(self, include_special_tokens: bool = True) -> list[Any]:
        """The tokens in the order of their numbers.

        Args:
            include_special_tokens: whether the list begins with the mask token (with output_mode
                "int") and the tokens for unknown values, so that places are numbers.
        """
        if not include_special_tokens:
            return list(self._tokens)
        special = [self.mask_token] * self._oov_start + [self.oov_token] * self.num_oov_indices
        return [*special, *self._tokens]

    def set_vocabulary(self, vocabulary: Any, idf_weights: Any = None) -> None:
        """Sets the vocabulary, in place of `adapt`.

        Args:
            vocabulary: tokens, without the special ones or with all of them in front; or the path
                of a text file with one token a line.
            idf_weights: with output_mode "tf_idf" a weight for each token.

        Raises:
            ValueError: tokens repeat, are too many, or a special one is among them; weights are
                missing, or do not fit; there is no such file.
            TypeError: tokens are of another kind.
            OSError: the file cannot be read.
        """
        who = f"{self._who}: vocabulary"
        if (idf_weights is not None) != (self.output_mode == "tf_idf"):
            wanted = "weights" if self.output_mode == "tf_idf" else "none"
            raise ValueError(
                f"{self._who}: idf_weights: expected {wanted} for output_mode {self.output_mode!r}"
            )
        tokens = self._read(vocabulary) if _is_path(vocabulary) else self._checked(vocabulary)
        if not tokens:
            raise ValueError(f"{who}: expected tokens, got none")
        special = self.get_vocabulary()[: self._token_start]
        named = bool(special) and tokens[: len(special)] == special
        kept = tokens[len(special) :] if named else tokens
        self._check_tokens(kept)
        if idf_weights is not None:
            weights = np.asarray(idf_weights, np.float64)
            if weights.shape != (len(tokens),):
                raise ValueError(
                    f"{self._who}: idf_weights: expected one for each of {len(tokens)} tokens, got "
                    f"shape {weights.shape}"
                )
            front = 0 if named else self._token_start
            self._set_weights(np.concatenate([np.full(front, weights.mean()), weights]))
        self.is_given = True
        self._set_tokens(kept)

    def _check_tokens(self, kept: list[Any]) -> None:
        who = f"{self._who}: vocabulary"
        special = self.get_vocabulary()[: self._token_start]
        repeated = [token for token, count in Counter(kept).items() if count > 1]
        if repeated:
            raise ValueError(f"{who}: tokens repeat: {shown(repeated)}")
        for word, token, matters in (
            ("mask_token", self.mask_token, True),
            ("oov_token", self.oov_token, self.invert),
        ):
            if matters and token is not None and token in kept:
                raise ValueError(
                    f"{who}: the {word} {token!r} is among the tokens; leave it out, or begin with "
                    f"{special}"
                )
        if self.max_tokens is not None and self._token_start + len(kept) > self.max_tokens:
            raise ValueError(
                f"{who}: {self._token_start + len(kept)} tokens are more than max_tokens, "
                f"{self.max_tokens}"
            )

    def _set_weights(self, weights: np.ndarray) -> None:
        padded = weights.astype(np.float32)
        if self.pad_to_max_tokens:
            assert self.max_tokens is not None
            padded = np.pad(padded, (0, self.max_tokens - len(padded)))
        self.idf_weights = _core.as_tensor(padded)

    def _set_tokens(self, tokens: list[Any]) -> None:
        self.__dict__["_tokens"] = tokens
        self._size = len(tokens) + self._token_start
        self._known = True

    def _checked(self, vocabulary: Any) -> list[Any]:
        try:
            values, shape = values_of(vocabulary, self._tokens_are)
        except (TypeError, ValueError) as error:
            raise type(error)(f"{self._who}: vocabulary: {error}") from None
        if len(shape) != 1:
            raise ValueError(f"{self._who}: vocabulary: expected one axis, got shape {shape}")
        if self._tokens_are == "numbers":
            values, missing = integers_of(values)
        else:
            missing = is_missing(values)
        if missing.any():
            raise ValueError(f"{self._who}: vocabulary: a token is missing (None or NaN)")
        return values.tolist()

    def _read(self, path: Any) -> list[Any]:
        if self.output_mode == "tf_idf":
            raise ValueError(f"{self._who}: vocabulary: expected a list for output_mode 'tf_idf'")
        encoding = getattr(self, "encoding", "utf-8")
        if not os.path.exists(path):
            raise ValueError(f"{self._who}: vocabulary: there is no file {os.fspath(path)!r}")
        with open(path, encoding=encoding, newline="\n") as file:
            lines = [line.removesuffix("\n").removesuffix("\r") for line in file]
        try:
            return lines if self._tokens_are == "text" else [int(line) for line in lines]
        except ValueError as error:
            raise ValueError(f"{self._who}: vocabulary: {path}: {error}") from None

    # --- adapt

    def adapt(self, data: Any, steps: int | None = None) -> None:
        """Makes a vocabulary of the values in data, the most frequent first.

        Values that are equally frequent are in descending order. `max_tokens` limits them.

        Args:
            data: an array, list, column or table; or an iterator of batches of these. With
                output_mode "tf_idf" each row is a document.
            steps: the number of batches; all unless given.

        Raises:
            ValueError: the vocabulary was given, or there are no values.
            TypeError: values are of another kind.
        """
        who = self._who
        if self.is_given:
            raise ValueError(f"{who}: adapt: vocabulary was given")
        counts: Counter[Any] = Counter()
        documents: Counter[Any] = Counter()
        rows = 0
        for batch, lone in _batches_of(data, steps):
            try:
                found, each = self._tokens_in(batch, lone)
            except (TypeError, ValueError) as error:
                raise type(error)(f"{who}: adapt: {error}") from None
            counts.update(found)
            for row in each if self.output_mode == "tf_idf" else ():
                rows += 1
                documents.update(set(row))
        for token in (self.mask_token, self.oov_token):
            counts.pop(token, None)
        if not counts:
            raise ValueError(f"{who}: adapt: data: expected values, got none")
        tokens = sorted(counts, key=lambda token: (counts[token], token), reverse=True)
        if self.max_tokens is not None:
            tokens = tokens[: max(self.max_tokens - self._token_start, 0)]
        if self.output_mode == "tf_idf":
            often = np.array([documents[token] for token in tokens], np.float64)
            weights = np.log1p(rows / (1 + often)).astype(np.float32)
            front = np.full(self._token_start, weights.mean(), np.float32)
            self._set_weights(np.concatenate([front, weights]))
        self._set_tokens(tokens)

    def _tokens_in(self, batch: Any, lone: bool) -> tuple[list[Any], Iterable[list[Any]]]:
        """The tokens of a batch, and those of each of its documents."""
        values, shape = values_of(batch, self._tokens_are)
        if self._tokens_are == "numbers":
            values, missing = integers_of(values)
        else:
            missing = is_missing(values)
        size = 1 if lone and len(shape) < 2 else shape[-1] if shape else 1
        table, absent = values.reshape(-1, size), missing.reshape(-1, size)
        each = (row[~gone].tolist() for row, gone in zip(table, absent, strict=True))
        return values[~missing].tolist(), each

    # --- call

    def call(self, inputs: Any) -> Any:
        self._check_known()
        if self.invert:
            return self._tokens_of(inputs)
        numbers = self._numbers_of(inputs)
        if self.output_mode != "tf_idf":
            return self._encoded(numbers)
        return F.mul(encoded(numbers, self._depth(), "count"), self.idf_weights)

    def _numbers_of(self, inputs: Any) -> Tensor:
        raise NotImplementedError

    def _tokens_of(self, inputs: Any) -> Any:
        raise NotImplementedError

    def _of_indices(self, inputs: Any) -> tuple[np.ndarray, tuple[int, ...]]:
        """The tokens of numbers, as an object array."""
        values, shape = values_of(inputs, "numbers")
        numbers, missing = integers_of(values)
        if missing.any():
            raise ValueError("inputs: expected numbers of tokens, got NaN")
        table = np.empty(self._size + 1, object)
        table[:-1] = self.get_vocabulary()
        table[-1] = self.oov_token
        outside = (numbers < 0) | (numbers >= self._size)
        return table[np.where(outside, self._size, numbers)], shape

    def _refuse_unknown(self, unknown: Sequence[Any]) -> None:
        raise ValueError(
            f"inputs: {shown(list(dict.fromkeys(unknown)))} not in the vocabulary, which "
            "num_oov_indices=0 demands; give num_oov_indices=1"
        )

    @property
    def _masked(self) -> int:
        return 0 if self.output_mode == "int" else _DROPPED

    def _shared_config(self) -> Config:
        weights = getattr(self, "idf_weights", None)
        return {
            **super().get_config(),
            "max_tokens": self.max_tokens,
            "num_oov_indices": self.num_oov_indices,
            "mask_token": self.mask_token,
            "oov_token": self.oov_token,
            "vocabulary": list(self._tokens) if self._known else None,
            "idf_weights": None if weights is None else weights.tolist()[: self._size],
            "invert": self.invert,
            "output_mode": self.output_mode,
            "pad_to_max_tokens": self.pad_to_max_tokens,
            "salt": self.salt,
            # Not in Keras's configs, whose vocabularies may have special tokens.
            "adapted": self._known and not self.is_given,
        }

    @classmethod
    def from_config(cls, config: Config) -> Any:
        """The layer that `get_config` described, with its vocabulary.

        Raises:
            ValueError: the vocabulary is a path. A config must not name files to read.
        """
        config = dict(config)
        own = "adapted" in config
        adapted = config.pop("adapted", False)
        for unused in cls._of_keras:
            config.pop(unused, None)
        if _is_path(config.get("vocabulary")):
            raise ValueError(f"{cls.__name__}: vocabulary: expected tokens in a config, got a path")
        if not own or config.get("vocabulary") is None:
            return cls(**config)
        layer = cls(**{**config, "vocabulary": None, "idf_weights": None})
        tokens, weights = layer._checked(config["vocabulary"]), config["idf_weights"]
        layer._check_tokens(tokens)
        if layer.output_mode == "tf_idf":
            found = np.asarray(weights, np.float64)
            if found.shape != (layer._token_start + len(tokens),):
                raise ValueError(f"{layer._who}: idf_weights: expected one for each token")
            layer._set_weights(found)
        layer.is_given = not adapted
        layer._set_tokens(tokens)
        return layer


def _is_path(vocabulary: Any) -> bool:
    return isinstance(vocabulary, (str, os.PathLike))


def _batches_of(data: Any, steps: int | None) -> Iterable[tuple[Any, bool]]:
    """Batches of the data, each with whether it is all of them."""
    alone = isinstance(data, (list, tuple, np.ndarray, Tensor, str)) or is_column(data)
    if alone or whole(data) is not data or not hasattr(data, "__iter__"):
        yield data, True
        return
    for i, batch in enumerate(data):
        if steps is not None and i >= steps:
            return
        yield batch[0] if isinstance(batch, tuple) else batch, False
