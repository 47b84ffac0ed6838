"""SummaryWriter: what a program notes, in the event files that TensorBoard shows."""

from __future__ import annotations

import os
import socket
import time
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from .. import _core
from .._base.checks import check_integer, shown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from typing_extensions import Self

    from .._base.events import EventFile
    from .._core import TensorLike


class SummaryWriter:
    """Writes numbers, histograms and texts for TensorBoard, which shows each folder as a run.

    Nothing else is needed to write them.

    Args:
        log_dir: the folder; `runs/<time>_<machine><comment>` if left out.
        comment: the end of that name.
        purge_step, max_queue, flush_secs, filename_suffix: have no effect.

    Raises:
        OSError: a file cannot be written.

    Source: `torch.utils.tensorboard.SummaryWriter`.

    Example::

        with SummaryWriter("logs") as writer:
            for step in range(100):
                writer.add_scalar("loss", train(), step)
    """

    def __init__(
        self,
        log_dir: str | os.PathLike[str] | None = None,
        comment: str = "",
        purge_step: int | None = None,
        max_queue: int = 10,
        flush_secs: int = 120,
        filename_suffix: str = "",
    ) -> None:
        if log_dir is None:
            name = f"{time.strftime('%b%d_%H-%M-%S')}_{socket.gethostname()}{comment}"
            log_dir = os.path.join("runs", name)
        self.log_dir = os.fspath(log_dir)
        self._files: dict[str, EventFile] = {}
        self._file(self.log_dir)

    def _file(self, folder: str) -> EventFile:
        if folder not in self._files:
            from .._base.events import EventFile

            self._files[folder] = EventFile(folder)
        return self._files[folder]

    def _add(self, who: str, folder: str, value: bytes, step: int | None) -> None:
        step = 0 if step is None else check_integer(who, "global_step", step, 0)
        self._file(folder).add(step, [value])

    def get_logdir(self) -> str:
        """The folder."""
        return self.log_dir

    def add_scalar(
        self,
        tag: str,
        scalar_value: float | TensorLike,
        global_step: int | None = None,
        walltime: float | None = None,
        new_style: bool = False,
        double_precision: bool = False,
    ) -> None:
        """Adds a number.

        Args:
            tag: its name; a `/` groups them.
            scalar_value: the number, or a tensor of one element.
            global_step: the step it belongs to, 0 if left out.
            walltime, new_style, double_precision: have no effect.

        Raises:
            ValueError: the value is no number, or the step no integer of 0 or more.
        """
        from .._base.events import scalar

        value = _number("add_scalar: scalar_value", scalar_value)
        self._add("add_scalar", self.log_dir, scalar(tag, value), global_step)

    def add_scalars(
        self,
        main_tag: str,
        tag_scalar_dict: Mapping[str, float | TensorLike],
        global_step: int | None = None,
        walltime: float | None = None,
    ) -> None:
        """Adds several numbers to one picture; each is a run in a folder of its own.

        Raises:
            ValueError: as `add_scalar`.
        """
        from .._base.events import scalar

        for tag, given in tag_scalar_dict.items():
            value = _number(f"add_scalars: tag_scalar_dict[{tag!r}]", given)
            folder = os.path.join(self.log_dir, f"{main_tag.replace('/', '_')}_{tag}")
            self._add("add_scalars", folder, scalar(main_tag, value), global_step)

    def add_histogram(
        self,
        tag: str,
        values: TensorLike,
        global_step: int | None = None,
        bins: str | int = "tensorflow",
        walltime: float | None = None,
        max_bins: int | None = None,
    ) -> None:
        """Adds how the values of a tensor are distributed.

        Args:
            tag: its name.
            values: the tensor.
            global_step: the step it belongs to, 0 if left out.
            bins: the number of intervals, 30 for a name.
            walltime, max_bins: have no effect.

        Raises:
            ValueError: a number of intervals or a step that is out of range.
        """
        from .._base.events import histogram

        count = 30 if isinstance(bins, str) else check_integer("add_histogram", "bins", bins, 1)
        made = histogram(tag, _core.as_tensor(values).detach().numpy(), count)
        self._add("add_histogram", self.log_dir, made, global_step)

    def add_text(
        self,
        tag: str,
        text_string: str,
        global_step: int | None = None,
        walltime: float | None = None,
    ) -> None:
        """Adds a text, in which TensorBoard reads Markdown."""
        from .._base.events import text

        made = text(f"{tag}/text_summary", text_string, "text")
        self._add("add_text", self.log_dir, made, global_step)

    def flush(self) -> None:
        """Writes what was added to the files."""
        for file in self._files.values():
            file.flush()

    def close(self) -> None:
        """The same; nothing stays open."""
        self.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> NoReturn:
            hint = ": it writes scalars, histograms and texts" if name.startswith("add_") else ""
            raise AttributeError(f"SummaryWriter has no {name!r}{hint}", name=name, obj=self)


def _number(what: str, value: Any) -> float:
    values = np.asarray(value.detach() if isinstance(value, _core.Tensor) else value)
    if values.size != 1 or values.dtype.kind not in "fiub":
        raise ValueError(f"{what}: expected a number, got {shown(value)}")
    return float(values.reshape(()))
