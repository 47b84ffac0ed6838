"""`keras.ops.nn`: those functions of `ops` that Keras lists there, too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

_NAMES = frozenset(
    (
        "adaptive_average_pool adaptive_max_pool average_pool batch_normalization "
        "binary_crossentropy categorical_crossentropy celu conv conv_transpose ctc_decode "
        "ctc_loss depth_to_space depthwise_conv dot_product_attention elu fold gelu glu "
        "hard_shrink hard_sigmoid hard_silu hard_swish hard_tanh layer_normalization leaky_relu "
        "log_sigmoid log_softmax max_pool moments multi_hot normalize one_hot polar psnr relu "
        "relu6 rms_normalization selu separable_conv sigmoid silu soft_shrink softmax softplus "
        "softsign space_to_depth sparse_categorical_crossentropy sparse_plus sparse_sigmoid "
        "sparsemax squareplus swish tanh_shrink threshold unfold"
    ).split()
)

if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        from .. import ops
        from .._base.missing import missing

        if name not in _NAMES or not hasattr(ops, name):
            raise missing(__name__, name)
        return getattr(ops, name)


def __dir__() -> list[str]:
    from .. import ops

    return sorted(name for name in _NAMES if hasattr(ops, name))
