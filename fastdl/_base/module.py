"""Module: the base class of all networks and layers, with PyTorch's semantics."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any

from .. import _core
from .._base import functional as F
from .._core import Tensor
from .buffer import Buffer
from .decoding import KEPT
from .device import check_target
from .hooked import Hooked
from .hooks import call_with_hooks, every_module
from .parameter import Parameter
from .state import IncompatibleKeys, load, save
from .tracebacks import shortened
from .watch import about_to_change

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Iterator, Mapping
    from typing import NoReturn, TypeAlias, TypeVar

    from numpy.typing import DTypeLike
    from typing_extensions import Self, Unpack

    from .._core import HasArray
    from .device import Place, Target, TargetOptions

    Member = TypeVar("Member", bound=Tensor)
    # The parameters, the buffers or the submodules of a module.
    Registry: TypeAlias = dict[str, Any]

_MISSING = object()
_REGISTRIES = frozenset(
    (
        "_parameters",
        "_buffers",
        "_modules",
        "_non_persistent",
        "_forward_pre_hooks",
        "_forward_hooks",
        "_backward_hooks",
        "_state_dict_pre_hooks",
        "_state_dict_hooks",
        "_load_state_dict_pre_hooks",
        "_load_state_dict_post_hooks",
    )
)


class Module(Hooked):
    """Base class of networks: holds parameters, buffers and submodules and calls `forward`.

    Attributes that are a `Parameter` or a `Module` are registered by assignment. Semantics, names
    and messages are those of `torch.nn.Module`.

    Example:
        >>> class Net(nn.Module):
        ...     def __init__(self):
        ...         super().__init__()
        ...         self.fc = nn.Linear(4, 2)
        ...     def forward(self, x):
        ...         return self.fc(x)
        >>> [name for name, _ in Net().named_parameters()]
        ['fc.weight', 'fc.bias']
    """

    # The values are in the instance's __dict__ as well, so that reading `self.weight` is an
    # ordinary attribute access. Only _register and __delattr__ write both.
    _parameters: dict[str, Parameter | None]
    _buffers: dict[str, Tensor | None]
    _modules: dict[str, Module | None]
    _non_persistent: set[str]
    training: bool

    # Whether `Module.__init__` hands its arguments on to the next class in the order of bases.
    call_super_init: bool = False

    _announced = _REGISTRIES
    _bookkeeping = frozenset((KEPT,))

    # At run time it would slow down each read of an attribute.
    if TYPE_CHECKING:  # registered members are attributes without a declaration

        def __getattr__(self, name: str) -> Any: ...

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if (args or kwargs) and not self.call_super_init:
            given = repr(next(iter(kwargs))) if kwargs else f"{len(args)} by position"
            raise TypeError(f"{type(self).__name__}.__init__: expected no arguments, got {given}")
        # __setattr__ needs them, so they are written without it.
        self.__dict__.update({name: {} for name in _REGISTRIES})
        self.__dict__.update(_non_persistent=set(), training=True)
        if self.call_super_init:
            super().__init__(*args, **kwargs)

    # --- calling

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """The computation. Every subclass defines it."""
        raise NotImplementedError(
            f'Module [{type(self).__name__}] is missing the required "forward" function'
        )

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        try:
            if (
                self._forward_pre_hooks
                or self._forward_hooks
                or self._backward_hooks
                or every_module.used
            ):
                return call_with_hooks(self, args, kwargs)
            return self.forward(*args, **kwargs)
        except Exception as error:
            raise shortened(error)  # noqa: B904

    # --- attributes

    def _registry(self, value: object) -> Registry | None:
        if isinstance(value, Parameter):
            return self._parameters
        if isinstance(value, Module):
            return self._modules
        if isinstance(value, Buffer):
            return self._buffers
        return None

    def __setattr__(self, name: str, value: object) -> None:
        if self.__dict__.get(name, _MISSING) is value:
            self._assign(name, value)
            return
        about_to_change(self, name)
        self._assign(name, value)
        _core.raise_epoch()

    def _assign(self, name: str, value: object) -> None:
        if "_modules" not in self.__dict__:
            if isinstance(value, (Parameter, Module, Buffer)):
                kind = "parameters" if isinstance(value, Parameter) else "module"
                kind = "buffer" if isinstance(value, Buffer) else kind
                raise AttributeError(f"cannot assign {kind} before Module.__init__() call")
            object.__setattr__(self, name, value)
            return
        registry = self._registry(value)
        if registry is None:
            if name in self._parameters:
                self._check_assigned(name, value, "parameter", "Parameter")
                registry = self._parameters
            elif name in self._modules:
                self._check_assigned(name, value, "child module", "Module")
                registry = self._modules
            elif name in self._buffers:
                if not isinstance(value, Tensor):
                    self._check_assigned(name, value, "buffer", "Tensor")
                registry = self._buffers
            else:
                object.__setattr__(self, name, value)
                return
        elif registry is self._buffers:
            (self._non_persistent.discard if value.persistent else self._non_persistent.add)(name)  # type: ignore[attr-defined]
        self._register(registry, name, value)

    @staticmethod
    def _check_assigned(name: str, value: object, role: str, wanted: str) -> None:
        if value is not None:
            raise TypeError(
                f"cannot assign '{type(value).__name__}' object to {role} '{name}' "
                f"({wanted} or None required)"
            )

    def _register(self, registry: Registry, name: str, value: object) -> None:
        about_to_change(self, name)
        for other in (self._parameters, self._buffers, self._modules):
            if other is not registry:
                other.pop(name, None)
        registry[name] = value
        self.__dict__[name] = value
        _core.raise_epoch()

    def __delattr__(self, name: str) -> None:
        about_to_change(self, name)
        for registry in (self._parameters, self._buffers, self._modules):
            registry.pop(name, None)
        self._non_persistent.discard(name)
        object.__delattr__(self, name)
        _core.raise_epoch()

    def _check_new_name(self, name: str, role: str, registry: Container[str]) -> None:
        if "_modules" not in self.__dict__:
            raise AttributeError(f"cannot assign {role} before Module.__init__() call")
        if not isinstance(name, str):
            raise TypeError(f"{role} name should be a string. Got {type(name).__name__}")
        if "." in name:
            raise KeyError(f'{role} name can\'t contain ".", got: {name}')
        if name == "":
            raise KeyError(f'{role} name can\'t be empty string ""')
        if hasattr(self, name) and name not in registry:
            raise KeyError(f"attribute '{name}' already exists")

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Adds a parameter under `name`. None reserves the name."""
        self._check_new_name(name, "parameter", self._parameters)
        if param is not None and not isinstance(param, Parameter):
            raise TypeError(
                f"cannot assign '{type(param).__name__}' object to parameter '{name}' "
                "(Parameter or None required)"
            )
        self._register(self._parameters, name, param)

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Adds a tensor that is state but not trained; `state_dict()` has it if `persistent`."""
        self._check_new_name(name, "buffer", self._buffers)
        if tensor is not None and not isinstance(tensor, Tensor):
            raise TypeError(
                f"cannot assign '{type(tensor).__name__}' object to buffer '{name}' "
                "(Tensor or None required)"
            )
        self._register(self._buffers, name, tensor)
        if tensor is not None:
            tensor._own()  # the memory is the buffer's own from now on
        if persistent:
            self._non_persistent.discard(name)
        else:
            self._non_persistent.add(name)

    def add_module(self, name: str, module: Module | None) -> None:
        """Adds a submodule under `name`."""
        self._check_new_name(name, "module", self._modules)
        if module is not None and not isinstance(module, Module):
            raise TypeError(f"{type(module).__name__} is not a Module subclass")
        self._register(self._modules, name, module)

    register_module = add_module

    # --- walking

    def named_modules(
        self, memo: set[Module] | None = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Module]]:
        """This module and all below it with their dotted names, each once."""
        memo = set() if memo is None else memo
        if self in memo:
            return
        if remove_duplicate:
            memo.add(self)
        yield prefix, self
        for name, module in self._modules.items():
            if module is not None:
                path = f"{prefix}.{name}" if prefix else name
                yield from module.named_modules(memo, path, remove_duplicate)

    def modules(self, remove_duplicate: bool = True) -> Iterator[Module]:
        """This module and all below it, each once, or as often as it occurs."""
        for _, module in self.named_modules(remove_duplicate=remove_duplicate):
            yield module

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """The direct submodules with their names, each once."""
        seen: set[Module] = set()
        for name, module in self._modules.items():
            if module is not None and module not in seen:
                seen.add(module)
                yield name, module

    def children(self) -> Iterator[Module]:
        """The direct submodules, each once."""
        for _, module in self.named_children():
            yield module

    def _named_members(
        self,
        members: Callable[[Module], Mapping[str, Member | None]],
        prefix: str,
        recurse: bool,
        remove_duplicate: bool,
    ) -> Iterator[tuple[str, Member]]:
        seen: set[Tensor] = set()
        modules: Iterable[tuple[str, Module]] = [(prefix, self)]
        if recurse:
            modules = self.named_modules(prefix=prefix, remove_duplicate=remove_duplicate)
        for path, module in modules:
            for name, member in members(module).items():
                if member is None or member in seen:
                    continue
                if remove_duplicate:
                    seen.add(member)
                yield (f"{path}.{name}" if path else name), member

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Parameter]]:
        """All parameters with their dotted names. A shared one has only its first name."""
        return self._named_members(_parameters_of, prefix, recurse, remove_duplicate)

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """All parameters, each once. An optimizer takes them."""
        for _, parameter in self.named_parameters(recurse=recurse):
            yield parameter

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Tensor]]:
        """All buffers with their dotted names."""
        return self._named_members(_buffers_of, prefix, recurse, remove_duplicate)

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """All buffers, each once."""
        for _, buffer in self.named_buffers(recurse=recurse):
            yield buffer

    def get_submodule(self, target: str) -> Module:
        """The module at a dotted path; "" is this one. AttributeError if there is none."""
        module: Module = self
        for name in target.split(".") if target else ():
            below = module._modules.get(name)
            if below is None:
                raise AttributeError(f"{type(module).__name__} has no module '{name}'")
            module = below
        return module

    def set_submodule(self, target: str, module: Module, strict: bool = False) -> None:
        """Puts a module at a dotted path, in the place of the one that is there.

        Args:
            target: the path.
            module: the new module.
            strict: whether there must be one.

        Raises:
            ValueError: an empty path, or `module` is no module.
            AttributeError: there is no module that would hold it, or (if strict) replace.

        Example:
            >>> net = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
            >>> net.set_submodule("1", nn.Tanh())
            >>> net[1]
            Tanh()
        """
        if not target:
            raise ValueError("set_submodule: target: expected a path, got ''")
        if not isinstance(module, Module):
            raise ValueError(
                f"set_submodule: module: expected a Module, got {type(module).__name__}"
            )
        path, _, name = target.rpartition(".")
        owner = self.get_submodule(path)
        there = getattr(owner, name, None)
        if (strict or there is not None) and not isinstance(there, Module):
            raise AttributeError(f"{type(owner).__name__} has no module '{name}'")
        setattr(owner, name, module)

    def get_parameter(self, target: str) -> Parameter:
        """The parameter at a dotted path. AttributeError if there is none."""
        return self._get_member(_parameters_of, "parameter", target)

    def get_buffer(self, target: str) -> Tensor:
        """The buffer at a dotted path. AttributeError if there is none."""
        return self._get_member(_buffers_of, "buffer", target)

    def _get_member(
        self, members: Callable[[Module], Mapping[str, Member | None]], role: str, target: str
    ) -> Member:
        path, _, name = target.rpartition(".")
        module = self.get_submodule(path)
        member = members(module).get(name)
        if member is None:
            raise AttributeError(f"{type(module).__name__} has no {role} '{name}'")
        return member

    def apply(self, fn: Callable[[Module], object]) -> Self:
        """Calls `fn` on every submodule, then on this one; returns self."""
        for module in self.children():
            module.apply(fn)
        fn(self)
        return self

    # --- modes and conversions

    def train(self, mode: bool = True) -> Self:
        """Sets `training` here and below. Dropout is active in training mode only."""
        if not isinstance(mode, bool):
            raise ValueError("training mode is expected to be boolean")
        for module in self.modules():
            module.training = mode
        return self

    def eval(self) -> Self:
        """`train(False)`."""
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Sets `requires_grad` of every parameter."""
        for parameter in self.parameters():
            parameter.requires_grad = requires_grad
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Sets every gradient to None, or fills it with zeros in place."""
        for parameter in self.parameters():
            if set_to_none:
                parameter.grad = None
            elif parameter.grad is not None:
                F.assign_(parameter.grad, 0.0)

    def to(self, *args: Target, **kwargs: Unpack[TargetOptions]) -> Self:
        """Returns self: parameters are float32 on the CPU.

        Raises:
            TypeError: another type is asked for.
            RuntimeError: another device is asked for.
        """
        check_target(f"{type(self).__name__}.to", args, kwargs)
        return self

    def type(self, dst_type: DTypeLike) -> Self:
        """Returns self: parameters are float32. TypeError for another type."""
        check_target(f"{type(self).__name__}.type", (), {"dtype": dst_type})
        return self

    def half(self) -> Self:
        """Raises TypeError: parameters are float32."""
        return self._refuse("half", "float16")

    def bfloat16(self) -> Self:
        """Raises TypeError: parameters are float32."""
        return self._refuse("bfloat16", "bfloat16")

    def double(self) -> Self:
        """Raises TypeError: there is no float64."""
        return self._refuse("double", "float64")

    def _refuse(self, method: str, wanted: str) -> NoReturn:
        raise TypeError(
            f"{type(self).__name__}.{method}: parameters are float32, got a request for {wanted}"
        )

    def to_empty(self, *, device: Place | None, recurse: bool = True) -> Self:
        """Returns self: parameters are on the CPU. RuntimeError for another device."""
        check_target(f"{type(self).__name__}.to_empty", (), {"device": device})
        return self

    def cuda(self, device: Place | int | None = None) -> Self:
        """Raises RuntimeError: parameters are on the CPU."""
        if device is None or isinstance(device, int):
            device = f"cuda:{device or 0}"
        check_target(f"{type(self).__name__}.cuda", (), {"device": device})
        return self

    def cpu(self) -> Self:
        """Returns self: parameters are on the CPU."""
        return self

    def float(self) -> Self:
        """Returns self: parameters are float32."""
        return self

    # --- state

    def state_dict(
        self,
        *,
        destination: dict[str, Any] | None = None,
        prefix: str = "",
        keep_vars: bool = False,
    ) -> dict[str, Tensor]:
        """Parameters and persistent buffers by dotted name.

        Args:
            destination: the dict to fill; a new one by default.
            prefix: stands before every name.
            keep_vars: whether the values are the parameters themselves. By default they are
                tensors without gradient that share the module's memory.

        Returns:
            The dict. `copy.deepcopy` makes a snapshot of it.
        """
        return save(self, {} if destination is None else destination, prefix, keep_vars)

    def load_state_dict(
        self, state_dict: Mapping[str, HasArray], strict: bool = True, assign: bool = False
    ) -> IncompatibleKeys:
        """Copies values in by name: all of them or none.

        Args:
            state_dict: tensors or arrays by name, as `state_dict()` returns them here or in
                PyTorch.
            strict: whether a missing or unexpected name is an error.
            assign: whether the tensors themselves become the parameters and buffers.

        Returns:
            A tuple `(missing_keys, unexpected_keys)`.

        Raises:
            RuntimeError: names don't match (if strict) or a shape differs. Nothing is changed then.
            TypeError: `state_dict` isn't a mapping.
        """
        return load(self, state_dict, strict, assign)

    # --- printing

    def extra_repr(self) -> str:
        """The text between the parentheses of this module in `repr`."""
        return ""

    def _get_name(self) -> str:
        return type(self).__name__

    def __repr__(self) -> str:
        extra = self.extra_repr()
        lines = extra.split("\n") if extra else []
        children = [
            f"({name}): " + repr(module).replace("\n", "\n  ")
            for name, module in self._modules.items()
        ]
        if len(lines) == 1 and not children:
            return f"{self._get_name()}({lines[0]})"
        if not lines and not children:
            return f"{self._get_name()}()"
        body = "\n  ".join(lines + children)
        return f"{self._get_name()}(\n  {body}\n)"

    def __dir__(self) -> list[str]:
        return sorted(name for name in super().__dir__() if not name[:1].isdigit())


_parameters_of: Callable[[Module], dict[str, Parameter | None]] = attrgetter("_parameters")
_buffers_of: Callable[[Module], dict[str, Tensor | None]] = attrgetter("_buffers")
