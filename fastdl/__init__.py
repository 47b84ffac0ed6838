"""fastdl: a small, fast deep-learning library for CPUs with the Keras and PyTorch APIs.

`import fastdl` loads NumPy and the core; everything else loads on first use.
"""

from __future__ import annotations

from importlib import import_module as _import_module
from os import environ as _environ
from typing import TYPE_CHECKING
from typing import Any as _Any

import numpy as _np

try:
    from ._core import Tensor as Tensor
except ModuleNotFoundError as error:
    raise ImportError(
        "the compiled part of fastdl is missing; in a clone, run 'pip install .' and start "
        "Python in another folder, where it finds the installed package, not the sources"
    ) from error
from . import _core
from ._base.dtypes import bfloat16 as bfloat16
from ._base.dtypes import float16 as float16
from ._base.dtypes import float32 as float32
from ._base.dtypes import int8 as int8
from ._base.dtypes import int32 as int32
from ._base.dtypes import int64 as int64
from ._base.dtypes import uint8 as uint8

if TYPE_CHECKING:  # what __getattr__ below finds, spelled out for type checkers and editors
    from types import ModuleType

    from . import accelerator as accelerator
    from . import activations as activations
    from . import amp as amp
    from . import applications as applications
    from . import autograd as autograd
    from . import backend as backend
    from . import backends as backends
    from . import callbacks as callbacks
    from . import config as config
    from . import constraints as constraints
    from . import cuda as cuda
    from . import data as data
    from . import datasets as datasets
    from . import distributions as distributions
    from . import dtype_policies as dtype_policies
    from . import fft as fft
    from . import func as func
    from . import initializers as initializers
    from . import layers as layers
    from . import linalg as linalg
    from . import losses as losses
    from . import metrics as metrics
    from . import mixed_precision as mixed_precision
    from . import models as models
    from . import nn as nn
    from . import ops as ops
    from . import optim as optim
    from . import optimizers as optimizers
    from . import preprocessing as preprocessing
    from . import random as random
    from . import regularizers as regularizers
    from . import saving as saving
    from . import signal as signal
    from . import sklearn as sklearn
    from . import special as special
    from . import tabular as tabular
    from . import tree as tree
    from . import utils as utils
    from ._base.config import get_num_threads as get_num_threads
    from ._base.config import get_threading as get_threading
    from ._base.config import set_num_threads as set_num_threads
    from ._base.config import set_threading as set_threading
    from ._base.config import show_config as show_config
    from ._base.config import version as version
    from ._base.creation import arange as arange
    from ._base.creation import as_tensor as as_tensor
    from ._base.creation import bernoulli as bernoulli
    from ._base.creation import empty as empty
    from ._base.creation import empty_like as empty_like
    from ._base.creation import eye as eye
    from ._base.creation import from_dlpack as from_dlpack
    from ._base.creation import from_numpy as from_numpy
    from ._base.creation import full as full
    from ._base.creation import full_like as full_like
    from ._base.creation import is_tensor as is_tensor
    from ._base.creation import linspace as linspace
    from ._base.creation import logspace as logspace
    from ._base.creation import normal as normal
    from ._base.creation import ones as ones
    from ._base.creation import ones_like as ones_like
    from ._base.creation import rand as rand
    from ._base.creation import rand_like as rand_like
    from ._base.creation import randint as randint
    from ._base.creation import randint_like as randint_like
    from ._base.creation import randn as randn
    from ._base.creation import randn_like as randn_like
    from ._base.creation import randperm as randperm
    from ._base.creation import scalar_tensor as scalar_tensor
    from ._base.creation import tensor as tensor
    from ._base.creation import zeros as zeros
    from ._base.creation import zeros_like as zeros_like
    from ._base.defaults import BFloat16Tensor as BFloat16Tensor
    from ._base.defaults import BoolTensor as BoolTensor
    from ._base.defaults import ByteTensor as ByteTensor
    from ._base.defaults import CharTensor as CharTensor
    from ._base.defaults import FloatTensor as FloatTensor
    from ._base.defaults import HalfTensor as HalfTensor
    from ._base.defaults import IntTensor as IntTensor
    from ._base.defaults import LongTensor as LongTensor
    from ._base.defaults import (
        are_deterministic_algorithms_enabled as are_deterministic_algorithms_enabled,
    )
    from ._base.defaults import channels_last as channels_last
    from ._base.defaults import channels_last_3d as channels_last_3d
    from ._base.defaults import compile as compile
    from ._base.defaults import contiguous_format as contiguous_format
    from ._base.defaults import get_default_device as get_default_device
    from ._base.defaults import get_default_dtype as get_default_dtype
    from ._base.defaults import get_deterministic_debug_mode as get_deterministic_debug_mode
    from ._base.defaults import get_float32_matmul_precision as get_float32_matmul_precision
    from ._base.defaults import get_num_interop_threads as get_num_interop_threads
    from ._base.defaults import (
        is_deterministic_algorithms_warn_only_enabled as is_deterministic_algorithms_warn_only_enabled,  # noqa: E501
    )
    from ._base.defaults import is_inference_mode_enabled as is_inference_mode_enabled
    from ._base.defaults import is_warn_always_enabled as is_warn_always_enabled
    from ._base.defaults import memory_format as memory_format
    from ._base.defaults import preserve_format as preserve_format
    from ._base.defaults import set_default_device as set_default_device
    from ._base.defaults import set_default_dtype as set_default_dtype
    from ._base.defaults import set_default_tensor_type as set_default_tensor_type
    from ._base.defaults import set_deterministic_debug_mode as set_deterministic_debug_mode
    from ._base.defaults import set_float32_matmul_precision as set_float32_matmul_precision
    from ._base.defaults import set_flush_denormal as set_flush_denormal
    from ._base.defaults import set_num_interop_threads as set_num_interop_threads
    from ._base.defaults import set_warn_always as set_warn_always
    from ._base.defaults import strided as strided
    from ._base.defaults import use_deterministic_algorithms as use_deterministic_algorithms
    from ._base.device import device as device
    from ._base.dtype_policy import DTypePolicy as DTypePolicy
    from ._base.dtype_policy import FloatDTypePolicy as FloatDTypePolicy
    from ._base.dtype_policy import set_dtype_policy as set_dtype_policy
    from ._base.limits import finfo as finfo
    from ._base.limits import iinfo as iinfo
    from ._base.parameter import Parameter as Parameter
    from ._base.printing import set_printoptions as set_printoptions
    from ._base.random import Generator as Generator
    from ._base.random import get_rng_state as get_rng_state
    from ._base.random import initial_seed as initial_seed
    from ._base.random import manual_seed as manual_seed
    from ._base.random import seed as seed
    from ._base.random import set_rng_state as set_rng_state
    from ._base.scopes import StatelessScope as StatelessScope
    from ._base.scopes import SymbolicScope as SymbolicScope
    from ._engine.plan import plan as plan
    from ._functions import *  # noqa: F403
    from .amp import GradScaler as GradScaler
    from .amp import autocast as autocast
    from .amp import is_autocast_enabled as is_autocast_enabled
    from .autograd import GradientTape as GradientTape
    from .autograd import enable_grad as enable_grad
    from .autograd import inference_mode as inference_mode
    from .autograd import is_grad_enabled as is_grad_enabled
    from .autograd import no_grad as no_grad
    from .autograd import set_grad_enabled as set_grad_enabled
    from .func import vmap as vmap
    from .initializers import Initializer as Initializer
    from .layers import Input as Input
    from .layers import InputSpec as InputSpec
    from .layers import Layer as Layer
    from .layers.variable import Variable as Variable
    from .layers.variable import name_scope as name_scope
    from .losses import Loss as Loss
    from .metrics import Metric as Metric
    from .models import KerasTensor as KerasTensor
    from .models import Model as Model
    from .models import Sequential as Sequential
    from .models.function import Function as Function
    from .models.function import Operation as Operation
    from .nn.functional import adaptive_avg_pool1d as adaptive_avg_pool1d
    from .nn.functional import avg_pool1d as avg_pool1d
    from .nn.functional import bilinear as bilinear
    from .nn.functional import celu as celu
    from .nn.functional import celu_ as celu_
    from .nn.functional import channel_shuffle as channel_shuffle
    from .nn.functional import conv1d as conv1d
    from .nn.functional import conv2d as conv2d
    from .nn.functional import conv3d as conv3d
    from .nn.functional import conv_tbc as conv_tbc
    from .nn.functional import conv_transpose1d as conv_transpose1d
    from .nn.functional import conv_transpose2d as conv_transpose2d
    from .nn.functional import conv_transpose3d as conv_transpose3d
    from .nn.functional import hardshrink as hardshrink
    from .nn.functional import max_pool1d as max_pool1d
    from .nn.functional import max_pool1d_with_indices as max_pool1d_with_indices
    from .nn.functional import max_pool2d as max_pool2d
    from .nn.functional import max_pool3d as max_pool3d
    from .nn.functional import native_channel_shuffle as native_channel_shuffle
    from .nn.functional import pairwise_distance as pairwise_distance
    from .nn.functional import pixel_shuffle as pixel_shuffle
    from .nn.functional import pixel_unshuffle as pixel_unshuffle
    from .nn.functional import prelu as prelu
    from .nn.functional import relu_ as relu_
    from .nn.functional import rms_norm as rms_norm
    from .nn.functional import rrelu as rrelu
    from .nn.functional import rrelu_ as rrelu_
    from .nn.functional import selu_ as selu_
    from .nn.functional import threshold as threshold
    from .nn.functional import threshold_ as threshold_
    from .nn.functions import adaptive_max_pool1d as adaptive_max_pool1d
    from .nn.functions import alpha_dropout as alpha_dropout
    from .nn.functions import batch_norm as batch_norm
    from .nn.functions import binary_cross_entropy_with_logits as binary_cross_entropy_with_logits
    from .nn.functions import constant_pad_nd as constant_pad_nd
    from .nn.functions import cosine_embedding_loss as cosine_embedding_loss
    from .nn.functions import ctc_loss as ctc_loss
    from .nn.functions import dropout as dropout
    from .nn.functions import embedding as embedding
    from .nn.functions import feature_alpha_dropout as feature_alpha_dropout
    from .nn.functions import group_norm as group_norm
    from .nn.functions import hinge_embedding_loss as hinge_embedding_loss
    from .nn.functions import instance_norm as instance_norm
    from .nn.functions import kl_div as kl_div
    from .nn.functions import layer_norm as layer_norm
    from .nn.functions import margin_ranking_loss as margin_ranking_loss
    from .nn.functions import poisson_nll_loss as poisson_nll_loss
    from .nn.functions import triplet_margin_loss as triplet_margin_loss
    from .ops import cast as cast
    from .ops import convert_to_numpy as convert_to_numpy
    from .ops import convert_to_tensor as convert_to_tensor
    from .ops import expand_dims as expand_dims
    from .ops import log_sigmoid as log_sigmoid
    from .ops import mod as mod
    from .ops import ndim as ndim
    from .ops import power as power
    from .ops import shape as shape
    from .ops import size as size
    from .ops import stop_gradient as stop_gradient
    from .ops import take_along_axis as take_along_axis
    from .ops import top_k as top_k
    from .optimizers import Optimizer as Optimizer
    from .regularizers import Regularizer as Regularizer
    from .saving.states import load as load
    from .saving.states import save as save
    from .utils.remat import RematScope as RematScope
    from .utils.remat import remat as remat

    keras: ModuleType  # tf.keras, after `import fastdl as tf`

__version__: str = _core.version

# Element types are NumPy's: `t.dtype == fastdl.float32` and `t.dtype == "float32"` both hold.
bool_ = _np.dtype("bool")
# PyTorch's names for them
float, half, long, int, bool = float32, float16, int64, int32, bool_
newaxis = None

Size = tuple  # the class of shapes
# Numbers, as PyTorch's
pi, e, inf, nan = _np.pi, _np.e, _np.inf, _np.nan

_SUBMODULES = frozenset(
    "accelerator activations amp applications autograd backend backends callbacks config "
    "constraints cuda data datasets distributions dtype_policies fft func initializers layers "
    "linalg losses metrics mixed_precision models nn ops optim optimizers preprocessing random "
    "regularizers saving signal sklearn special tabular tree utils".split()
)
# Where a name at the top level lives; a name that is not listed is one of PyTorch's functions.
_HOMES = {
    "_base.creation": "tensor as_tensor from_numpy from_dlpack full zeros ones empty arange eye "
    "linspace logspace is_tensor rand randn normal randint randperm bernoulli zeros_like ones_like "
    "full_like empty_like rand_like randn_like randint_like scalar_tensor",
    "_base.random": "manual_seed seed initial_seed get_rng_state set_rng_state Generator",
    "_base.defaults": "set_default_device get_default_device set_default_dtype get_default_dtype "
    "set_float32_matmul_precision get_float32_matmul_precision use_deterministic_algorithms "
    "are_deterministic_algorithms_enabled FloatTensor LongTensor IntTensor ByteTensor BoolTensor "
    "HalfTensor BFloat16Tensor CharTensor set_default_tensor_type set_flush_denormal "
    "is_deterministic_algorithms_warn_only_enabled get_deterministic_debug_mode "
    "set_deterministic_debug_mode get_num_interop_threads set_num_interop_threads "
    "set_warn_always is_warn_always_enabled memory_format contiguous_format preserve_format "
    "channels_last channels_last_3d strided is_inference_mode_enabled compile",
    "_base.device": "device",
    "_base.limits": "finfo iinfo",
    "_base.printing": "set_printoptions",
    "_base.dtype_policy": "DTypePolicy FloatDTypePolicy set_dtype_policy",
    "_base.scopes": "StatelessScope SymbolicScope",
    "saving.states": "save load",
    "_base.config": "version show_config get_num_threads set_num_threads get_threading "
    "set_threading",
    "autograd": "no_grad enable_grad set_grad_enabled is_grad_enabled inference_mode GradientTape",
    "amp": "autocast GradScaler is_autocast_enabled",
    "func": "vmap",
    "layers": "Layer Input InputSpec",
    "layers.variable": "Variable name_scope",
    "utils.remat": "RematScope remat",
    "models.function": "Function Operation",
    "losses": "Loss",
    "metrics": "Metric",
    "optimizers": "Optimizer",
    "initializers": "Initializer",
    "regularizers": "Regularizer",
    "models": "Model Sequential KerasTensor",
    "_base.parameter": "Parameter",
    "_engine.plan": "plan",
    "nn.functional": "adaptive_avg_pool1d avg_pool1d bilinear celu celu_ channel_shuffle conv1d "
    "conv2d conv3d conv_tbc conv_transpose1d conv_transpose2d conv_transpose3d hardshrink "
    "max_pool1d max_pool1d_with_indices max_pool2d max_pool3d native_channel_shuffle "
    "pairwise_distance pixel_shuffle pixel_unshuffle prelu relu_ rms_norm rrelu rrelu_ "
    "selu_ threshold threshold_",
    "nn.functions": "adaptive_max_pool1d alpha_dropout batch_norm binary_cross_entropy_with_logits "
    "constant_pad_nd cosine_embedding_loss ctc_loss dropout embedding "
    "feature_alpha_dropout group_norm hinge_embedding_loss instance_norm kl_div layer_norm "
    "margin_ranking_loss poisson_nll_loss triplet_margin_loss",
    # What PyTorch lacks.
    "ops": "cast convert_to_numpy convert_to_tensor expand_dims log_sigmoid mod ndim power shape "
    "size stop_gradient take_along_axis top_k",
}
_HOME = {name: module for module, names in _HOMES.items() for name in names.split()}


if not TYPE_CHECKING:  # otherwise every name would be right

    def __getattr__(name: str) -> _Any:
        if name in _SUBMODULES:
            return _import_module(f"{__name__}.{name}")
        if name == "keras":  # tf.keras, after `import fastdl as tf`
            return _import_module(__name__)
        home = _HOME.get(name, "_functions")
        if name == "__all__":  # for `from fastdl import *`: without the names of Python's own
            import builtins

            return [known for known in __dir__() if not hasattr(builtins, known)]
        if name.startswith("__"):
            raise AttributeError(f"module 'fastdl' has no attribute {name!r}")
        try:
            value = getattr(_import_module(f"{__name__}.{home}"), name)
        except AttributeError:
            value = None
        if value is None or isinstance(value, type(_np)):  # a file of functions is not public
            raise _import_module(f"{__name__}._base.missing").missing(__name__, name) from None
        ours = home == "_functions" and callable(value) and not isinstance(value, type)
        if ours and not name.endswith("_"):  # what is written in place has no symbols
            if value.__name__ != name:  # one for a function with several names
                value = getattr(_import_module(__name__), value.__name__)
            else:
                into = _import_module(f"{__name__}._functions.in_place").into
                into = (
                    None if name in _import_module(f"{__name__}._functions").WITHOUT_OUT else into
                )
                value = _import_module(f"{__name__}._graph.lift").liftable(value, into)
                value.__module__ = __name__  # where pickle finds it
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    functions = _import_module(f"{__name__}._functions")
    found = (name for name in dir(functions) if callable(getattr(functions, name)))
    names = {*globals(), *_SUBMODULES, *_HOME, *found}
    hidden = {name for name in names if name.startswith("_")} | {"annotations", "TYPE_CHECKING"}
    return sorted(names - hidden | {"__version__"})


if _environ.get("FASTDL_THREADING"):
    from ._base.config import threading_from_environment as _choose

    _choose()

_import_module(f"{__name__}._functions.methods")  # gives Tensor its methods; needs the names above
