"""Data sets: made of others, of batches of numbered samples, and of files in folders."""

from __future__ import annotations

import os
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .. import _core
from .._base import functional as F
from .._base import pictures
from .._base.checks import (
    check_callable,
    check_choice,
    check_flag,
    check_integer,
    check_number,
    shown,
)
from .._base.random import Generator, drawing_from

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from typing_extensions import Self

    from .._core import Tensor
    from ..saving.files import Path


class Chained:
    """The methods that make one data set of another, with the names of `tf.data`."""

    def map(
        self,
        function: Callable[..., Any],
        num_parallel_calls: int | None = None,
        deterministic: bool | None = None,
    ) -> Mapped:
        """A data set of `function(*batch)` for each batch, or `function(batch)` without labels.

        The other arguments have no effect: batches are made one after the other.
        """
        return Mapped(self, check_callable("map", "function", function))

    def take(self, count: int) -> Part:
        """The first `count` batches of each pass; all of them for -1."""
        count = check_integer("take", "count", count, -1)
        return Part(self, 0, None if count == -1 else count)

    def skip(self, count: int) -> Part:
        """What follows the first `count` batches of each pass."""
        return Part(self, check_integer("skip", "count", count, 0), None)

    def cache(self) -> Cached:
        """A data set that keeps the batches of its first whole pass, and gives these again."""
        return Cached(self)

    def prefetch(self, buffer_size: int) -> Self:
        """Returns the data set: batches are made when they are asked for."""
        check_integer("prefetch", "buffer_size", buffer_size, -1)
        return self


class Derived(Chained):
    """A data set made of another one, whose attributes it has."""

    def __init__(self, source: Any) -> None:
        self._source = source

    def __len__(self) -> int:
        return len(self._source)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._source)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # asked for by protocols, maybe before there is a source
            raise AttributeError(name)
        return getattr(self._source, name)


class Mapped(Derived):
    """The batches of a data set, each given to a function."""

    def __init__(self, source: Any, function: Callable[..., Any]) -> None:
        super().__init__(source)
        self._function = function

    def __iter__(self) -> Iterator[Any]:
        for batch in self._source:
            yield self._function(*batch) if isinstance(batch, tuple) else self._function(batch)


class Part(Derived):
    """Some of the batches of each pass: those from `first` on, before `last`, None for the end."""

    def __init__(self, source: Any, first: int, last: int | None) -> None:
        super().__init__(source)
        self._first, self._last = first, last

    def __len__(self) -> int:
        return len(range(len(self._source))[self._first : self._last])

    def __iter__(self) -> Iterator[Any]:
        return islice(self._source, self._first, self._last)


class Cached(Derived):
    """The batches of the first whole pass, in each pass."""

    _kept: list[Any] | None = None

    def __iter__(self) -> Iterator[Any]:
        if self._kept is not None:
            yield from self._kept
            return
        batches = []
        for batch in self._source:
            batches.append(batch)
            yield batch
        self._kept = batches


class RowBatches(Chained):
    """Base of data sets that make batches of samples by their numbers.

    `fit`, `evaluate` and `predict` take it. Each `iter()` is a pass, in a new random order if it
    shuffles.

    Args:
        batch_size: samples per batch; None for single samples, which a model does not take.
        shuffle: whether passes have random orders.
        seed: of these orders; without one they come from the library's stream.
    """

    def __init__(self, batch_size: int | None, shuffle: bool, seed: int | None) -> None:
        self.generator = None if seed is None else Generator().manual_seed(seed)
        self.yields_samples = batch_size is None  # for a model, which wants batches
        self._batch_size, self._shuffle = batch_size, shuffle

    def _rows(self) -> np.ndarray:
        """The numbers of the samples, in order."""
        raise NotImplementedError

    def _batches(self, chunks: list[np.ndarray]) -> Iterator[Any]:
        """The batches of these samples."""
        raise NotImplementedError

    def __len__(self) -> int:
        """The number of batches of a pass, or of samples without a batch size."""
        return -(-len(self._rows()) // (self._batch_size or 1))

    def __iter__(self) -> Iterator[Any]:
        rows = self._rows()
        if self._shuffle:
            with drawing_from(self.generator):
                rows = rows[F.permutation(n=len(rows)).numpy()]
        size = self._batch_size or 1
        return self._batches([rows[start : start + size] for start in range(0, len(rows), size)])


class Files(NamedTuple):
    """A part of the files of a folder."""

    paths: list[str]
    labels: np.ndarray | None
    class_names: list[str] | None
    shuffle: bool  # whether its passes are shuffled


class FileBatches(RowBatches):
    """Base of data sets of files whose folders may be their classes.

    Attributes:
        file_paths: the files.
        class_names: the names of the classes, None without labels.
        labels: (number of files,) int32, the class numbers, None without labels.
        generator: the generator of the orders, None for the library's.
    """

    def __init__(
        self, files: Files, label_mode: str | None, batch_size: int | None, seed: int | None
    ) -> None:
        super().__init__(batch_size, files.shuffle, seed)
        self.file_paths, self.labels, self.class_names, _ = files
        self._label_mode = label_mode

    def __repr__(self) -> str:
        classes = f", {len(self.class_names)} classes" if self.class_names is not None else ""
        count = len(self.file_paths)
        return f"<{type(self).__name__}: {count} files{classes}, {len(self)} batches>"

    def _rows(self) -> np.ndarray:
        return np.arange(len(self.file_paths))

    def _labels_of(self, rows: np.ndarray) -> Tensor | None:
        """The labels of some files in the wanted form; of one file without a batch size."""
        if self.labels is None or self.class_names is None:
            return None
        labels = self.labels[rows]
        if self._label_mode == "binary":
            made = _core.as_tensor(labels[:, None].astype(np.float32))
        elif self._label_mode == "categorical":
            made = F.one_hot(labels, depth=len(self.class_names))
        else:
            made = _core.as_tensor(labels)
        return F.reshape(made, shape=made.shape[1:]) if self._batch_size is None else made


class Listing:
    """Finds the files of a folder and their classes, and cuts them into parts.

    The arguments are those of `image_dataset_from_directory`.

    Args:
        who: the function, for messages.
        what: what the files are, for messages: "images".
        extensions: the ends of their names.

    Attributes:
        label_mode: that of the argument, None without labels.
        seed: that of the argument, as an integer or None.

    Raises:
        ValueError: arguments that are unknown or exclude each other.
    """

    def __init__(
        self,
        who: str,
        what: str,
        extensions: tuple[str, ...],
        directory: Path,
        labels: str | Sequence[int] | None,
        label_mode: str | None,
        class_names: Sequence[str] | None,
        shuffle: bool,
        seed: int | None,
        validation_split: float | None,
        subset: str | None,
        follow_links: bool,
        verbose: bool,
        format: str,
    ) -> None:
        from ..saving.files import path_of

        self._who, self._what, self._extensions = who, what, extensions
        self._root = path_of(directory, f"{who}: directory")
        if isinstance(labels, str) and labels != "inferred":
            raise ValueError(f"{who}: labels: expected 'inferred', numbers or None, got {labels!r}")
        check_choice(who, "label_mode", label_mode, ("int", "categorical", "binary", None))
        self._shuffle = check_flag(who, "shuffle", shuffle)
        self.seed = None if seed is None else check_integer(who, "seed", seed, 0, 2**32 - 1)
        self._split = self._checked_split(validation_split, subset)
        self._subset = subset
        check_choice(who, "format", format, ("tf", "grain"))
        without = labels is None or label_mode is None
        self._labels = None if without else labels
        self.label_mode = None if without else label_mode
        self._given_names = class_names
        self._follow_links = check_flag(who, "follow_links", follow_links)
        self._verbose = check_flag(who, "verbose", verbose)

    def parts(self) -> list[Files]:
        """The parts that `subset` asks for.

        Raises:
            ValueError: class names or labels do not fit the files, or there are none.
            FileNotFoundError, NotADirectoryError: no such folder.
        """
        who = self._who
        files, numbers, names = self._indexed()
        if self._verbose:
            classes = "" if names is None else f" belonging to {len(names)} classes"
            print(f"Found {len(files)} files{classes}.")
        if self.label_mode == "binary" and names is not None and len(names) != 2:
            raise ValueError(f"{who}: label_mode='binary': expected two classes, got {names}")
        if self._shuffle:
            start = self.seed
            if start is None:
                start = int(F.randint(shape=(), low=0, high=10**6).item())
            order = np.arange(len(files))
            np.random.RandomState(start).shuffle(order)  # as Keras does
            files = [files[i] for i in order]
            numbers = None if numbers is None else numbers[order]
        cut = len(files) - int(self._split * len(files))
        subset, made = self._subset, []
        for name, part in (("training", slice(0, cut)), ("validation", slice(cut, None))):
            if subset not in (name, "both", None) or (subset is None and name == "validation"):
                continue
            chosen = files[part]
            if not chosen:
                which = "" if subset is None else f"{name} "
                raise ValueError(
                    f"{who}: no {which}{self._what} in {self._root!r}; files whose names end in "
                    f"{', '.join(self._extensions)} count"
                )
            if self._verbose and subset is not None:
                print(f"Using {len(chosen)} files for {name}.")
            shuffled = self._shuffle and not (subset == "both" and name == "validation")
            made.append(Files(chosen, None if numbers is None else numbers[part], names, shuffled))
        return made

    def result(self, made: list[Any]) -> Any:
        """The data sets as the caller wants them: one, or a list of both."""
        return made if self._subset == "both" else made[0]

    def _checked_split(self, split: float | None, subset: str | None) -> float:
        who = self._who
        check_choice(who, "subset", subset, ("training", "validation", "both", None))
        if (split is None) != (subset is None):
            raise ValueError(
                f"{who}: validation_split, subset: expected both or neither, got {split!r}, "
                f"{subset!r}"
            )
        if split is None:
            return 0.0
        if self._shuffle and self.seed is None:
            raise ValueError(
                f"{who}: seed: expected an integer for a shuffled data set with validation_split, "
                "so that training and validation have no file in common"
            )
        return check_number(who, "validation_split", split, above=0.0, below=1.0)

    def _indexed(self) -> tuple[list[str], np.ndarray | None, list[str] | None]:
        """The files in order, their class numbers and the names of the classes."""
        who, root, labels, given = self._who, self._root, self._labels, self._given_names
        folders = [name for name in pictures.class_folders(root) if not name.startswith(".")]
        if isinstance(labels, str):
            if given is not None:
                chosen = list(given)
                if not set(chosen) <= set(folders) or len(set(chosen)) < len(chosen):
                    raise ValueError(
                        f"{who}: class_names: expected some of the folders {folders}, got "
                        f"{shown(given)}"
                    )
                folders = chosen
            several = [self._found(os.path.join(root, name)) for name in folders]
            numbers = np.repeat(np.arange(len(folders), dtype=np.int32), [len(s) for s in several])
            return [path for some in several for path in some], numbers, folders
        if given is not None:
            raise ValueError(f"{who}: class_names: expected None unless labels='inferred'")
        files = self._found(root)
        if labels is None:
            return files, None, None
        numbers = np.asarray(labels)
        if numbers.ndim != 1 or numbers.dtype.kind not in "iu" or len(numbers) != len(files):
            raise ValueError(
                f"{who}: labels: expected a class number for each of {len(files)} files, got "
                f"{shown(labels)}"
            )
        return files, numbers.astype(np.int32), [str(n) for n in sorted(set(numbers.tolist()))]

    def _found(self, folder: str) -> list[str]:
        paths: Iterable[str] = pictures.walked(folder, self._follow_links)
        return [path for path in paths if pictures.has_extension(path, self._extensions)]
