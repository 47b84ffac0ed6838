"""Layers around another layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._base import functional as F
from .._base.checks import check_integer, check_shape, shown
from .._base.module import Module
from .._base.registry import LAYERS
from .._engine.statistics import move_averages
from ..initializers import TruncatedNormal
from .input_spec import InputSpec
from .layer import Layer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from typing_extensions import Self, Unpack

    from .._base.parameter import Parameter
    from .._base.types import Config, Shape
    from .._core import Tensor
    from .options import LayerOptions, UnnamedOptions


@LAYERS.register
class TorchModuleWrapper(Layer):
    """A module of `fastdl.nn` as a layer of a model.

    A layer may have modules as attributes, too, and a model of your own may call them: this is for
    `Sequential` and functional models. Training sets the mode of the module. A model with it cannot
    be rebuilt from its configuration; `save_weights` works.

    Args:
        module: the module; it has its parameters already.
        output_shape: the shape of the output without the batch axis; found by a call unless given.

    Raises:
        TypeError: it is no module, or a layer.

    Source: `keras.layers.TorchModuleWrapper` of Keras 3.

    Example:
        >>> model = fastdl.Sequential(
        ...     [layers.Input((3,)), layers.TorchModuleWrapper(nn.Linear(3, 2))])
        >>> model.output_shape, model.count_params()
        ((None, 2), 8)
    """

    _takes_settings = True

    def __init__(
        self,
        module: Module,
        name: str | None = None,
        output_shape: Sequence[int | None] | None = None,
        **kwargs: Unpack[UnnamedOptions],
    ) -> None:
        super().__init__(name=name, **kwargs)
        if not isinstance(module, Module) or isinstance(module, Layer):
            raise TypeError(
                f"TorchModuleWrapper: module: expected a module of fastdl.nn, got {shown(module)}"
            )
        self.module = module
        self.output_shape_given = (
            None
            if output_shape is None
            else check_shape("TorchModuleWrapper", "output_shape", output_shape)
        )

    def call(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        kwargs.pop("training", None)  # the module has its mode
        return self.module(inputs, *args, **kwargs)

    def compute_output_shape(self, input_shape: Any) -> Any:
        if self.output_shape_given is not None:
            return (input_shape[0], *self.output_shape_given)
        return super().compute_output_shape(input_shape)


@LAYERS.register
class Wrapper(Layer):
    """Base of layers that change what another layer does. A subclass defines `call`.

    Args:
        layer: the layer inside.

    Raises:
        ValueError: it isn't a layer.

    Source: `keras.layers.Wrapper` of Keras 3.

    Example:
        >>> class Doubled(layers.Wrapper):
        ...     def call(self, inputs):
        ...         return self.layer(inputs) * 2.0
        >>> Doubled(layers.ReLU())(np.array([-1.0, 3.0])).tolist()
        [0.0, 6.0]
    """

    def __init__(self, layer: Layer, **kwargs: Unpack[LayerOptions]) -> None:
        super().__init__(**kwargs)
        if not isinstance(layer, Layer):
            raise ValueError(f"{type(self).__name__}: layer: expected a layer, got {shown(layer)}")
        self.layer = layer

    def build(self, input_shape: Any = None) -> None:
        if not self.layer.built:
            self.layer.build(input_shape)

    def get_config(self) -> Config:
        return {**super().get_config(), "layer": LAYERS.serialize(self.layer)}

    @classmethod
    def from_config(cls, config: Config) -> Self:
        if "layer" in config:
            config = {**config, "layer": LAYERS.get(config["layer"])}
        return cls(**config)


@LAYERS.register
class SpectralNormalization(Wrapper):
    """In training, divides a layer's kernel by its largest singular value before each call.

    The value is found by power iteration from the vector of the call before. The kernel itself is
    overwritten, as in Keras; a kernel of zeros stays as it is.

    Args:
        layer: a layer with a `kernel` (or `embeddings`), such as `Dense`. It is seen as a matrix
            whose columns are the last axis.
        power_iterations: how many iterations each call makes.

    Raises:
        ValueError: it isn't such a layer, or `power_iterations` isn't a positive integer.

    Source: Miyato et al. 2018; `keras.layers.SpectralNormalization` of Keras 3.

    Example:
        >>> layer = layers.SpectralNormalization(layers.Dense(2), power_iterations=30)
        >>> y = layer(np.ones((1, 3)), training=True)
        >>> np.linalg.norm(layer.layer.kernel.numpy(), 2).round(3)
        np.float32(1.0)
    """

    def __init__(
        self, layer: Layer, power_iterations: int = 1, **kwargs: Unpack[LayerOptions]
    ) -> None:
        super().__init__(layer, **kwargs)
        who = "SpectralNormalization"
        self.power_iterations = check_integer(who, "power_iterations", power_iterations, 1)

    def build(self, input_shape: Any = None) -> None:
        super().build(input_shape)
        self.kernel = kernel = self._kernel()  # Keras's files have it here, too
        self.vector_u = self.add_weight(
            (1, kernel.shape[-1]), TruncatedNormal(stddev=0.02), trainable=False, name="vector_u"
        )
        self.input_spec = InputSpec(min_ndim=1, axes={-1: input_shape[-1]})

    def _kernel(self) -> Parameter:
        for name in ("kernel", "embeddings"):
            kernel = getattr(self.layer, name, None)
            if kernel is not None:
                return kernel
        raise ValueError(
            f"layer: expected one with a kernel or embeddings, got a {type(self.layer).__name__}"
        )

    def call(self, inputs: Tensor, training: bool = False) -> Tensor:
        if training:
            self._normalize(self.kernel)
        return self.layer(inputs)

    def _normalize(self, kernel: Parameter) -> None:
        value = kernel.detach()
        matrix = F.reshape(value, shape=(-1, kernel.shape[-1]))
        u: Tensor = self.vector_u
        for _ in range(self.power_iterations):
            v = _unit(F.matmul(u, matrix, transpose_b=True))
            u = _unit(F.matmul(v, matrix))
        sigma = F.matmul(F.matmul(v, matrix), u, transpose_b=True)
        some = F.any(value)
        u = F.where(some, u, self.vector_u)
        divided = F.where(some, value / F.reshape(sigma, shape=()), value)
        move_averages([(self.vector_u, u), (kernel, divided)], 1.0)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return self.layer.compute_output_shape(input_shape)

    def get_config(self) -> Config:
        return {**super().get_config(), "power_iterations": self.power_iterations}


def _unit(vector: Tensor) -> Tensor:
    """Divided by its norm, or by 1e-7 if that is larger."""
    return vector * F.rsqrt(F.maximum(F.sum(F.square(vector)), 1e-14))
