"""Neural networks the PyTorch way: modules, losses, `functional`, `init`, `utils`."""

from .module import Module as Module
from .parameter import Parameter as Parameter
