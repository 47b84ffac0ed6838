"""Transformations of functions, with the names of `torch.func`.

A function takes tensors, or nested lists, tuples and dicts of them, and returns such.
"""

from .batches import vmap as vmap
from .derivatives import grad as grad
from .derivatives import grad_and_value as grad_and_value
from .derivatives import hessian as hessian
from .derivatives import jacfwd as jacfwd
from .derivatives import jacrev as jacrev
from .derivatives import jvp as jvp
from .derivatives import vjp as vjp
from .modules import functional_call as functional_call
from .modules import stack_module_state as stack_module_state
