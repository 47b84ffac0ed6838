"""SwapEMAWeights: evaluates, and saves, with the moving average of the weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._base.checks import check_flag
from .callback import Callback, inner_optimizers

if TYPE_CHECKING:
    from .._base.types import Logs


class SwapEMAWeights(Callback):
    """Exchanges the weights for their moving average while the model is evaluated.

    The optimizer must have `use_ema=True`. Weights and average are exchanged in place.

    Args:
        swap_on_epoch: whether the average is also in place from the end of an epoch, after its
            validation, to the beginning of the next one: then a `ModelCheckpoint` that comes later
            in the list of callbacks saves it.

    Raises:
        ValueError: when evaluation begins, the optimizer keeps no average.

    Source: `keras.callbacks.SwapEMAWeights` of Keras 3, except that the weights come back after
    `predict`, too.

    Example:
        >>> optimizer = fastdl.optimizers.SGD(0.01, use_ema=True)
        >>> model.compile(optimizer, "mse")
        >>> swap = fastdl.callbacks.SwapEMAWeights()
        >>> history = model.fit(x, y, validation_data=(x, y), callbacks=[swap], verbose=0)
    """

    def __init__(self, swap_on_epoch: bool = False) -> None:
        super().__init__()
        self.swap_on_epoch = check_flag("SwapEMAWeights", "swap_on_epoch", swap_on_epoch)

    def _averaging(self) -> list[Any]:
        """The optimizers that keep an average; those within a wrapper count."""
        found = [o for o in inner_optimizers(self.model.optimizer) if o.use_ema]
        if not found:
            raise ValueError(
                "SwapEMAWeights: expected an optimizer with use_ema=True, got "
                f"{type(self.model.optimizer).__name__}"
            )
        return found

    def _put(self, average: bool) -> None:
        """Puts the average, or the weights, in place."""
        for optimizer in self._averaging():
            if optimizer.built and average is not optimizer._exchanged:
                optimizer._exchange_average()

    def state_dict(self) -> dict[str, list[bool]]:
        """Whether the average is in place, for a fit that is resumed."""
        return {"average": [optimizer._exchanged for optimizer in self._averaging()]}

    def load_state_dict(self, state: dict[str, list[bool]]) -> None:
        """Restores what `state_dict` returned."""
        for optimizer, average in zip(self._averaging(), state["average"], strict=True):
            optimizer._exchanged = average

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self._put(average=False)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if self.swap_on_epoch:
            self._put(average=True)

    def on_test_begin(self, logs: Logs | None = None) -> None:
        self._put(average=True)

    def on_test_end(self, logs: Logs | None = None) -> None:
        self._put(average=False)

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        self._put(average=True)

    def on_predict_end(self, logs: Logs | None = None) -> None:
        self._put(average=False)
