"""The module `keras.dtype_policies`: how layers compute, by layer, too."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ._base.checks import shown
from ._base.dtype_policy import DTypePolicy, FloatDTypePolicy, policy_from
from ._base.registry import object_config

if TYPE_CHECKING:
    from ._base.dtype_policy import PolicyLike
    from ._base.types import Config


class DTypePolicyMap(DTypePolicy):
    """Policies by the paths of layers, given to each of them as its `dtype`.

    The path of a layer is known from its first call or `build` on: its name, after the names of the
    models and layers in whose call that was. Until then its policy is `default_policy`.

    Args:
        default_policy: the policy of layers that have none here; that of `set_dtype_policy` unless
            given.
        policy_map: policies by path. It may be a regular expression, which must fit a whole path.

    Raises:
        ValueError: a policy that is not supported, or a map as `default_policy`.
        TypeError: `policy_map` is no dict.

    Source: `keras.dtype_policies.DTypePolicyMap` of Keras 3.

    Example:
        >>> policies = dtype_policies.DTypePolicyMap("float32", {"encoder/.*": "mixed_bfloat16"})
        >>> policies["encoder/dense"].name, policies["head"].name
        ('mixed_bfloat16', 'float32')
        >>> dense = layers.Dense(2, dtype=policies, name="dense")
        >>> encoder = fastdl.Sequential([layers.Input((3,)), dense], name="encoder")
        >>> dense.path, dense.dtype_policy[dense.path].name
        ('encoder/dense', 'mixed_bfloat16')
    """

    def __init__(
        self,
        default_policy: PolicyLike = None,
        policy_map: Mapping[str, PolicyLike] | None = None,
    ) -> None:
        if isinstance(default_policy, DTypePolicyMap):
            raise ValueError("DTypePolicyMap: default_policy: expected a policy, got a map of them")
        if policy_map is not None and not isinstance(policy_map, Mapping):
            raise TypeError(f"DTypePolicyMap: policy_map: expected a dict, got {shown(policy_map)}")
        self._default = None if default_policy is None else policy_from(default_policy)
        self._policies: dict[str, DTypePolicy] = {}
        super().__init__(self.default_policy.name)
        for name, policy in (policy_map or {}).items():
            self[name] = policy  # type: ignore[assignment]  # anything that names one
        self.name = f"map_{self.default_policy.name}"

    @property
    def default_policy(self) -> DTypePolicy:
        """The policy of layers that have none here."""
        return policy_from(self._default)

    def of_layer(self, path: str) -> DTypePolicy:
        """The policy of the layer with this path; "" for one that is not known yet."""
        return self[path] if path else self.default_policy

    def with_layer(self, path: str, policy: DTypePolicy) -> DTypePolicy:
        """This map with a policy for a path; another map takes its place."""
        if not path or isinstance(policy, DTypePolicyMap):
            return policy
        self._policies[path] = policy
        return self

    def __getitem__(self, key: str) -> DTypePolicy:
        if key in self._policies:
            return self._policies[key]
        fitting = [pattern for pattern in self._policies if re.fullmatch(pattern, key)]
        if len(fitting) > 1:
            raise ValueError(f"DTypePolicyMap: {key!r} fits several of its paths: {fitting}")
        return self._policies[fitting[0]] if fitting else self.default_policy

    def __setitem__(self, key: str, policy: DTypePolicy) -> None:
        if key in self._policies:
            raise ValueError(f"DTypePolicyMap: {key!r} is there already")
        self._policies[key] = policy_from(policy)

    def __delitem__(self, key: str) -> None:
        del self._policies[key]

    def __contains__(self, key: object) -> bool:
        return key in self._policies

    def __len__(self) -> int:
        return len(self._policies)

    def __iter__(self) -> Iterator[str]:
        return iter(self._policies)

    def get_config(self) -> Config:
        """The arguments that make an equal map."""
        return {
            "default_policy": None if self._default is None else self._default.name,
            "policy_map": {name: policy.name for name, policy in self._policies.items()},
        }

    @classmethod
    def from_config(cls, config: Config) -> DTypePolicyMap:
        """The map that `get_config` described."""
        return cls(**config)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DTypePolicyMap) and other.get_config() == self.get_config()

    __hash__ = None  # type: ignore[assignment]  # it may change

    def __repr__(self) -> str:
        return f"<DTypePolicyMap {self.get_config()}>"


def get(identifier: PolicyLike) -> DTypePolicy:
    """A policy by its name, its type or Keras's config of it; None is that of `set_dtype_policy`.

    Raises:
        ValueError: it is not supported: there is float32 and "mixed_bfloat16".

    Example:
        >>> dtype_policies.get("mixed_bfloat16")
        <DTypePolicy "mixed_bfloat16">
    """
    if isinstance(identifier, dict):
        return deserialize({**identifier})
    return policy_from(identifier)


def serialize(dtype_policy: DTypePolicy) -> Config:
    """The config of a policy, from which `deserialize` makes it.

    Example:
        >>> dtype_policies.serialize(fastdl.DTypePolicy("float32"))["config"]
        {'name': 'float32'}
    """
    if not isinstance(dtype_policy, DTypePolicy):
        raise ValueError(
            f"serialize: dtype_policy: expected a DTypePolicy, got {shown(dtype_policy)}"
        )
    return object_config(dtype_policy, dtype_policy.get_config())


def deserialize(config: Config, custom_objects: Mapping[str, object] | None = None) -> DTypePolicy:
    """The policy that `serialize` described, here or in Keras.

    Args:
        config: the description.
        custom_objects: classes of your own by name.

    Raises:
        ValueError: another class, or a policy that is not supported.

    Example:
        >>> config = dtype_policies.serialize(fastdl.DTypePolicy("mixed_bfloat16"))
        >>> dtype_policies.deserialize(config).name
        'mixed_bfloat16'
    """
    kinds: dict[str, Any] = {
        "DTypePolicy": DTypePolicy,
        "FloatDTypePolicy": DTypePolicy,
        "DTypePolicyMap": DTypePolicyMap,
        **(custom_objects or {}),
    }
    name = config.get("class_name") if isinstance(config, dict) else None
    inner = config.get("config", {}) if isinstance(config, dict) else None
    if not isinstance(name, str) or name not in kinds or not isinstance(inner, dict):
        raise ValueError(
            "deserialize: config: expected that of a DTypePolicy or DTypePolicyMap, got "
            f"{shown(config)}; quantized policies are not there"
        )
    found: DTypePolicy = kinds[name].from_config(inner)
    return found


__all__ = [
    "DTypePolicy",
    "DTypePolicyMap",
    "FloatDTypePolicy",
    "deserialize",
    "get",
    "serialize",
]

if not TYPE_CHECKING:
    from ._base.missing import attributes_missing_from

    __getattr__ = attributes_missing_from(__name__)
