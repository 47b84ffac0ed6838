"""Layers that number categories by a vocabulary: StringLookup, IntegerLookup."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _core
from .._base import functional as F
from .._base.checks import check_choice, check_integer, check_name, shown
from .._base.registry import LAYERS
from .._base.tables import is_missing
from .._core import Tensor
from .categories import as_numbers, checked_salt, integers_of, values_of
from .hashing import bins_of
from .vocabulary import Lookup

if TYPE_CHECKING:
    from collections.abc import Sequence

    from typing_extensions import Unpack

    from .._base.types import Config
    from .options import LayerOptions


@LAYERS.register
class StringLookup(Lookup):
    """The number of each text in a vocabulary.

    Args:
        max_tokens: the largest size of the vocabulary, with its special tokens; None for no limit.
        num_oov_indices: how many numbers there are for unknown texts. With several, a hash chooses
            one; with 0, unknown texts are an error.
        mask_token: a text that stands for a missing value. It has number 0 with output_mode "int",
            and is left out otherwise.
        oov_token: what `invert` gives for the numbers of unknown texts.
        vocabulary: the tokens, as for `set_vocabulary`, in place of `adapt`.
        idf_weights: with output_mode "tf_idf" and a vocabulary, a weight for each token.
        invert: whether to look up the texts of numbers.
        output_mode: "int" for numbers (int64); "one_hot", "multi_hot" and "count" as for
            `CategoryEncoding`; "tf_idf" for counts times the weights of the tokens.
        pad_to_max_tokens: whether outputs have `max_tokens` places even if there are fewer tokens.
        sparse: only False.
        encoding: of a file with the vocabulary.
        salt: an integer or two: the key of the hash of unknown texts.

    Raises:
        ValueError: an argument is none of these; called without a vocabulary, or on unknown texts
            with num_oov_indices=0.
        TypeError: called on values that are no text.

    Inputs are arrays, lists, tables or columns of text. A missing text (None, NaN) counts as the
    mask token, or as unknown if there is none; `adapt` leaves it out. Outputs are tensors; with
    `invert` arrays of texts. There are no tensors of text, so the layer is no part of a model: call
    it on the data, or use `utils.FeatureSpace`, whose models take text.

    Source: `keras.layers.StringLookup` of Keras 3, except that rows of 0 and 1 are float32.

    Example:
        >>> layer = layers.StringLookup()
        >>> layer.adapt(["a", "b", "b", "c", "b", "c"])
        >>> layer.get_vocabulary()
        ['[UNK]', 'b', 'c', 'a']
        >>> layer(["c", "d"]).tolist()
        [2, 0]
    """

    _of_keras = (*Lookup._of_keras, "oov_method")

    def __init__(
        self,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        mask_token: str | None = None,
        oov_token: str | None = "[UNK]",
        vocabulary: Any = None,
        idf_weights: Any = None,
        invert: bool = False,
        output_mode: str = "int",
        pad_to_max_tokens: bool = False,
        sparse: bool = False,
        encoding: str = "utf-8",
        salt: int | Sequence[int] | None = None,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**kwargs)
        who = self._who
        self.mask_token = check_name(who, "mask_token", mask_token)
        self.oov_token = check_name(who, "oov_token", oov_token)
        try:
            "".encode(encoding)
        except (LookupError, TypeError):
            raise ValueError(f"{who}: encoding: unknown encoding {shown(encoding)}") from None
        self.encoding = encoding
        self.salt = checked_salt(who, salt)
        self._set_up(
            max_tokens, num_oov_indices, vocabulary, idf_weights, invert, output_mode, sparse,
            pad_to_max_tokens,
        )  # fmt: skip

    def _set_tokens(self, tokens: list[str]) -> None:
        super()._set_tokens(tokens)
        start = self._token_start
        self.__dict__["_table"] = {token: start + i for i, token in enumerate(tokens)}

    def _numbers_of(self, inputs: Any) -> Tensor:
        values, shape = values_of(inputs, "text")
        found = np.array([self._table.get(value, -1) for value in values], np.int64)
        missing = is_missing(values)
        if self.mask_token is not None:
            missing |= values == self.mask_token
            found[missing] = self._masked
            missing[:] = False
        unknown = found == -1
        if unknown.any():
            if not self.num_oov_indices:
                self._refuse_unknown(values[unknown].tolist())
            found[unknown] = self._oov_start
            several = unknown & ~missing
            if self.num_oov_indices > 1 and several.any():
                found[several] += bins_of(values[several], self.num_oov_indices, self.salt)
        return as_numbers(found, shape)

    def _tokens_of(self, inputs: Any) -> np.ndarray:
        texts, shape = self._of_indices(inputs)
        return texts.reshape(shape)

    def compute_output_spec(self, inputs: Any) -> Any:
        raise TypeError(
            "text is no input of a model: call the layer on the data, or use utils.FeatureSpace"
        )

    def get_config(self) -> Config:
        return {**self._shared_config(), "encoding": self.encoding}


@LAYERS.register
class IntegerLookup(Lookup):
    """The number of each integer in a vocabulary.

    Args:
        max_tokens, vocabulary, idf_weights, invert, output_mode, sparse, pad_to_max_tokens: as for
            `StringLookup`.
        num_oov_indices: how many numbers there are for unknown integers; with 0 they are an error.
        mask_token: an integer that stands for a missing value.
        oov_token: what `invert` gives for the numbers of unknown integers.
        vocabulary_dtype: only "int64".
        oov_method: with several numbers for unknown integers, which one an integer gets:
            "floormod" for its remainder, "farmhash" for a hash.
        salt: an integer or two: the key of the hash.

    Raises:
        ValueError: an argument is none of these; called without a vocabulary, or on unknown
            integers with num_oov_indices=0.
        TypeError: called on values that are no numbers.

    Inputs are tensors, arrays, lists, tables or columns. NaN counts as the mask token, or as
    unknown if there is none. The layer may be part of a model. There a number with a fraction is
    unknown; elsewhere it is an error.

    Source: `keras.layers.IntegerLookup` of Keras 3, except that rows of 0 and 1 are float32.

    Example:
        >>> layer = layers.IntegerLookup(vocabulary=[12, 36, 1138, 42])
        >>> layer(np.array([[12, 1138, 42], [42, 1000, 36]])).tolist()
        [[1, 3, 4], [4, 0, 2]]
    """

    _tokens_are = "numbers"

    def __init__(
        self,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        mask_token: int | None = None,
        oov_token: int | None = -1,
        vocabulary: Any = None,
        vocabulary_dtype: str = "int64",
        idf_weights: Any = None,
        invert: bool = False,
        output_mode: str = "int",
        sparse: bool = False,
        pad_to_max_tokens: bool = False,
        oov_method: str = "floormod",
        salt: int | Sequence[int] | None = None,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**kwargs)
        who = self._who
        for argument, token in (("mask_token", mask_token), ("oov_token", oov_token)):
            value = None if token is None else check_integer(who, argument, token)
            setattr(self, argument, value)
        self.vocabulary_dtype = check_choice(who, "vocabulary_dtype", vocabulary_dtype, ("int64",))
        methods = ("floormod", "farmhash")
        self.oov_method = check_choice(who, "oov_method", oov_method, methods)
        self.salt = checked_salt(who, salt)
        if self.salt is not None and self.oov_method != "farmhash":
            raise ValueError(f"{who}: salt: expected oov_method 'farmhash' as well")
        self._set_up(
            max_tokens, num_oov_indices, vocabulary, idf_weights, invert, output_mode, sparse,
            pad_to_max_tokens,
        )  # fmt: skip

    def _set_tokens(self, tokens: list[int]) -> None:
        super()._set_tokens(tokens)
        values = np.array(tokens, np.int64)
        order = np.argsort(values, kind="stable")
        # Tensors: a recorded step reads their memory.
        self._keys = _core.as_tensor(values[order])
        self._places = _core.as_tensor(order.astype(np.int64) + self._token_start)
        self._indices = _core.as_tensor(values)
        # An integer that is no token, for missing ones.
        taken = {*tokens, self.mask_token}
        self._absent = next(i for i in range(-(2**63), 2**63) if i not in taken)

    def _numbers_of(self, inputs: Any) -> Tensor:
        x = self._integers(inputs)
        places = self._search(x)
        found = F.eq(F.take(self._keys, places), x)
        if self.num_oov_indices > 1:
            unknown = F.add(self._bins(x), self._oov_start)
        else:
            unknown = _core.as_tensor(np.int64(self._oov_start))
        numbers = F.where(found, F.take(self._places, places), unknown)
        if self.mask_token is not None:
            masked = F.eq(x, self.mask_token)
            numbers = F.where(masked, _core.as_tensor(np.int64(self._masked)), numbers)
            found = F.maximum(F.cast(found, dtype="int32"), F.cast(masked, dtype="int32"))
        if not self.num_oov_indices:
            known = found.numpy().astype(bool)
            if not known.all():
                self._refuse_unknown(x.numpy()[~known].ravel().tolist())
        return numbers

    def _integers(self, inputs: Any) -> Tensor:
        """The inputs as int64, with an integer that is no token for missing ones."""
        missing_is = self._absent if self.mask_token is None else self.mask_token
        if not isinstance(inputs, Tensor):
            values, shape = values_of(inputs, "numbers")
            integers, missing = integers_of(values)
            return as_numbers(np.where(missing, missing_is, integers), shape)
        x = F.cast(inputs, dtype="int64")
        if inputs.dtype.kind != "f":
            return x
        same = F.eq(F.cast(x, dtype="float32"), inputs)
        x = F.where(same, x, _core.as_tensor(np.int64(self._absent)))
        return F.where(F.isnan(inputs), _core.as_tensor(np.int64(missing_is)), x)

    def _search(self, x: Tensor) -> Tensor:
        """The place of the largest key that is at most x, by halving; 0 if there is none."""
        last = self._keys.shape[0] - 1
        place = F.mul(x, 0)
        step = 1 << max(last.bit_length() - 1, 0)
        while step and last:
            further = F.minimum(F.add(place, step), last)
            fits = F.le(F.take(self._keys, further), x)
            place = F.where(fits, further, place)
            step >>= 1
        return place

    def _bins(self, x: Tensor) -> Tensor:
        if self.oov_method == "floormod":
            return F.mod(x, self.num_oov_indices)
        values = x.numpy()
        return as_numbers(bins_of(values.ravel(), self.num_oov_indices, self.salt), values.shape)

    def _tokens_of(self, inputs: Any) -> Tensor:
        tokens, shape = self._of_indices(inputs)
        if any(token is None for token in tokens):
            raise ValueError("oov_token: expected an integer for the numbers of unknown integers")
        return as_numbers(tokens, shape)

    def compute_output_spec(self, inputs: Any) -> Any:
        self._check_known()
        return super().compute_output_spec(inputs)

    def get_config(self) -> Config:
        return {
            **self._shared_config(),
            "vocabulary_dtype": self.vocabulary_dtype,
            "oov_method": self.oov_method,
        }
