"""The loss and metrics of `compile`, each as one object for all outputs.

Both are built at their first call, when the shapes of targets and outputs are known. Outputs are a
tensor, or lists and dicts of tensors, also within each other. Targets, losses, weights and metrics
are given for each of them by position or by name, or once for all. Names in logs are Keras 3's.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _core, losses
from .. import metrics as metrics_module
from .._base import functional as F
from .._base.checks import UnknownKey, check_number, shown
from .._base.notices import warn
from .._base.registry import suggestion
from .._base.tree import flatten, is_nested, map_structure
from .._core import Tensor
from ..losses.functions import elementwise_functions
from ..losses.reduction import check_broadcast
from .loss_parts import Part, loss_parts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import TypeAlias

    from .._base.parameter import Parameter
    from .._base.registry import Identifier
    from .._base.types import Items, Tensors

    # The arguments of `compile`: one for all outputs, or one for each by position or name.
    Losses: TypeAlias = "Identifier | Items[Identifier]"
    LossWeights: TypeAlias = "float | Items[float | None] | Mapping[str, float | None] | None"
    Metrics: TypeAlias = "Items[OfOutput] | Mapping[str, OfOutput] | None"
    OfOutput: TypeAlias = "Identifier | Items[Identifier]"


_FLOAT32 = np.dtype("float32")


class _Outputs:
    """The order and the names of a model's outputs.

    Args:
        y_pred: the outputs.
        names: the model's names for them, None where it has none.

    Attributes:
        count: their number.
        keys: the keys in order, if the outputs are a dict of tensors.
        names: their names in logs, if they have any.
        labels: the names that stand before those of metrics.
        ways: the ways to outputs that have no name in their list, by number. The name of the loss
            is then the last part.
        places: the numbers of the outputs, in the structure of the outputs.
    """

    def __init__(self, y_pred: Any, names: Sequence[str] | None) -> None:
        self.keys: list[str] | None = None
        self.ways: dict[int, str] = {}
        self._structure: Any = None  # of outputs that hold lists or dicts
        supply = itertools.count()
        self.places: Any = map_structure(lambda leaf: next(supply), y_pred)
        if is_nested(y_pred):
            parts = y_pred.values() if isinstance(y_pred, dict) else y_pred
            if any(map(is_nested, parts)):
                return self._take_nested(y_pred, names)
        if isinstance(y_pred, dict):
            known = names is not None and set(names) == set(y_pred)
            self.keys = list(names) if known and names else sorted(y_pred)
        self.count = len(y_pred) if is_nested(y_pred) else 1
        self.names = self.keys or (list(names) if names else None)
        if self.names is not None and len(self.names) != self.count:
            self.names = None
        self.labels = self.names
        if self.keys is not None:  # `flatten` has another order
            self.places = {key: self.keys.index(key) for key in y_pred}

    def _take_nested(self, y_pred: Any, names: Sequence[str] | None) -> None:
        """Losses are named by the way to the output; in a list its own name is the last part."""
        self._structure = map_structure(lambda leaf: None, y_pred)
        paths = list(_paths(y_pred))
        self.count = len(paths)
        own = list(names) if names is not None and len(names) == self.count else None
        self.names = []
        for i, path in enumerate(paths):
            end = own[i] if own is not None and isinstance(path[-1], int) else str(path[-1])
            self.names.append("/".join([*map(str, path[:-1]), end]))
            if own is None and isinstance(path[-1], int):
                self.ways[i] = "/".join(map(str, path[:-1]))
        self.labels = own

    def named_places(self, given: Any) -> Any:
        """`places`, by the names of the outputs if `given` has names and the outputs have none."""
        named = self._structure is None and not isinstance(self.places, dict)
        if isinstance(given, dict) and named and self.names is not None:
            return {name: i for i, name in enumerate(self.names)}
        return self.places

    def of(self, what: str, given: Any, shared: bool = False) -> list[Any]:
        """One entry of `given` for each output.

        Args:
            what: what `given` is, for messages.
            given: a list by position, a dict by name, or one value.
            shared: whether one value stands for all outputs.

        Raises:
            ValueError: the number of entries or a name does not fit.
        """
        if self._structure is not None:
            return self._of_nested(what, given, shared)
        if isinstance(given, dict):
            if self.names is None:
                raise ValueError(
                    f"{what}: expected a list, since the outputs have no names, got a dict"
                )
            for key in given:
                if key not in self.names:
                    raise UnknownKey(
                        f"{what}: there is no output {key!r}, the outputs are "
                        f"{', '.join(map(repr, self.names))}.{suggestion(key, self.names)}"
                    )
            return [given.get(name) for name in self.names]
        if isinstance(given, (list, tuple)):
            if len(given) != self.count:
                raise ValueError(
                    f"{what}: expected {self.count} entries, one for each output, got {len(given)}"
                )
            return list(given)
        if shared or self.count == 1:
            return [given] * self.count
        raise ValueError(
            f"{what}: expected a list or dict with an entry for each of {self.count} outputs, got "
            f"{type(given).__name__}"
        )

    def _of_nested(self, what: str, given: Any, shared: bool) -> list[Any]:
        """`of` for outputs that hold lists or dicts."""
        flat = isinstance(given, (list, tuple)) and not any(map(is_nested, given))
        if flat and len(given) == self.count:
            return list(given)
        found: list[Any] = []

        def match(structure: Any, given: Any, path: str) -> None:
            if structure is None:
                found.append(given)
            elif given is None or (shared and not is_nested(given)):
                found.extend([given] * len(flatten(structure)))
            elif isinstance(structure, dict) != isinstance(given, dict) or not is_nested(given):
                raise ValueError(
                    f"{what}{path}: expected {_form(structure)}, as the outputs are, got "
                    f"{_form(given)}"
                )
            elif isinstance(structure, dict):
                for key in given:
                    if key not in structure:
                        raise UnknownKey(
                            f"{what}{path}: there is no output {key!r}, the outputs are "
                            f"{', '.join(map(repr, structure))}.{suggestion(key, structure)}"
                        )
                for key in _sorted(structure):
                    match(structure[key], given.get(key), f"{path}[{key!r}]")
            elif len(structure) != len(given):
                raise ValueError(
                    f"{what}{path}: expected {len(structure)} entries, as many as the outputs have "
                    f"there, got {len(given)}"
                )
            else:
                for i, (part, entry) in enumerate(zip(structure, given, strict=True)):
                    match(part, entry, f"{path}[{i}]")

        match(self._structure, given, "")
        return found


def _paths(structure: Any) -> Iterator[tuple[str | int, ...]]:
    """The keys and positions that lead to each leaf, in the order of `flatten`."""
    if not is_nested(structure):
        yield ()
        return
    items: Any = enumerate(structure)
    if isinstance(structure, dict):
        items = [(key, structure[key]) for key in _sorted(structure)]
    for key, item in items:
        for path in _paths(item):
            yield (key, *path)


def _sorted(structure: dict[Any, Any]) -> list[Any]:
    return flatten({key: key for key in structure})  # in the order of `flatten`


def _form(structure: Any) -> str:
    if isinstance(structure, dict):
        return f"a dict with the keys {list(structure)}"
    if isinstance(structure, (list, tuple)):
        return f"a list of {len(structure)}"
    return type(structure).__name__


def _is_binary_or_sparse(y_true: Tensor, y_pred: Tensor) -> tuple[bool, bool]:
    binary = y_pred.shape[-1] == 1
    sparse = y_true.ndim < y_pred.ndim or (y_true.shape[-1] == 1 and y_pred.shape[-1] > 1)
    return binary, sparse


def _get_loss(identifier: Identifier, y_true: Tensor, y_pred: Tensor) -> losses.Loss:
    name = getattr(identifier, "name", None) or getattr(identifier, "__name__", None)
    if isinstance(identifier, str):
        name = identifier
    if str(identifier).lower() in ("crossentropy", "ce"):
        binary, sparse = _is_binary_or_sparse(y_true, y_pred)
        if binary:
            identifier = losses.binary_crossentropy
        elif sparse:
            identifier = losses.sparse_categorical_crossentropy
        else:
            identifier = losses.categorical_crossentropy
    loss = losses.get(identifier)
    return loss if isinstance(loss, losses.Loss) else losses.LossFunctionWrapper(loss, name=name)


def _alone(loss: Any) -> Any:
    """The loss of an output that is given as a list of one."""
    while isinstance(loss, (list, tuple)) and len(loss) == 1:
        (loss,) = loss
    return loss


def _get_metric(identifier: Identifier, y_true: Tensor, y_pred: Tensor) -> metrics_module.Metric:
    if isinstance(identifier, str) and identifier.lower() in ("accuracy", "acc"):
        binary, sparse = _is_binary_or_sparse(y_true, y_pred)
        if binary:
            return metrics_module.BinaryAccuracy(identifier)
        if sparse:
            return metrics_module.SparseCategoricalAccuracy(identifier)
        return metrics_module.CategoricalAccuracy(identifier)
    metric = metrics_module.get(identifier)
    if metric is None:
        raise ValueError("compile: metrics: expected metrics, got None")
    if not isinstance(metric, metrics_module.Metric):
        metric = metrics_module.MeanMetricWrapper(metric)
    if isinstance(identifier, str):
        metric.name = identifier
    return metric


class CompileLoss:
    """The weighted sum of the outputs' losses.

    Args:
        loss: a loss (name, function or `Loss`), or a list or dict of them with None for outputs
            that have no target. A list of one loss is that loss.
        loss_weights: numbers in the same forms, or None.
        output_names: the names of the model's outputs, or None.

    Raises:
        ValueError: at the call that builds it: unknown names, or numbers of entries that do not
            fit the outputs.
    """

    def __init__(
        self,
        loss: Losses,
        loss_weights: LossWeights = None,
        output_names: Sequence[str] | None = None,
    ) -> None:
        self._loss = loss
        self._loss_weights = loss_weights
        self._output_names = output_names
        self._entries: list[tuple[Part, losses.Loss]] = []
        self._trackers: list[metrics_module.Mean] = []
        self.built = False
        _check_names("compile: loss", losses.get, loss, ("crossentropy", "ce"))
        for weight in flatten(loss_weights):
            if weight is not None:
                check_number("compile", "loss_weights", weight, -math.inf)

    @property
    def metrics(self) -> list[metrics_module.Mean]:
        """The mean of each output's unweighted loss, if there are several."""
        return list(self._trackers)

    def build(self, y_true: Tensors, y_pred: Tensors) -> None:
        """Assigns the losses to the outputs."""
        self._outputs = outputs = _Outputs(y_pred, self._output_names)
        parts = loss_parts(outputs.named_places(self._loss), self._loss, self._loss_weights)
        if parts is None:
            parts = self._by_output()
        self._with_loss = list(dict.fromkeys(i for part in parts for i in flatten(part.places)))
        if not parts:
            raise ValueError("compile: loss: expected a loss for at least one output, got none")
        targets, predictions = self._targets(y_true), outputs.of("outputs", y_pred)
        names = []
        entries: list[tuple[Part, losses.Loss]] = []
        for part in parts:
            y, out = part.of(targets), part.of(predictions)
            loss = _get_loss(part.loss, y, out)
            entries.append((part, loss))
            names.append(part.name(outputs.names) or loss.name)
            if not is_nested(part.places) and part.places in outputs.ways:
                names[-1] = f"{outputs.ways[part.places]}/{loss.name}".lstrip("/")
            if getattr(loss, "fn", None) in elementwise_functions:
                message = check_broadcast(y.shape, out.shape, f"loss {loss.name!r}")
                if message:
                    warn(message)
        self._entries = entries
        if len(entries) > 1:
            self._trackers = [metrics_module.Mean(name=f"{name}_loss") for name in names]
        self.built = True

    def _by_output(self) -> list[Part]:
        """The losses where each output has one at most."""
        outputs = self._outputs
        wanted = [_alone(x) for x in outputs.of("compile: loss", self._loss, shared=True)]
        weights = outputs.of("compile: loss_weights", self._loss_weights, shared=True)
        for i, loss in enumerate(wanted):
            if isinstance(loss, dict) and "class_name" not in loss:
                label = outputs.names[i] if outputs.names else i
                raise UnknownKey(
                    f"compile: loss: output {label!r} is one tensor and has no parts, got "
                    f"{_form(loss)}"
                )
        order = [i for i, loss in enumerate(wanted) if loss is not None]
        if outputs.keys and isinstance(self._loss, dict):  # in the order of the dict
            order = [outputs.keys.index(k) for k, v in self._loss.items() if v is not None]
        return [Part(i, wanted[i], weights[i], ()) for i in order]

    def check(self, y_true: Tensors, sample_weight: Tensors) -> None:
        """ValueError where targets or weights do not fit the outputs of the built loss."""
        self._targets(y_true)
        self._outputs.of("sample_weight", sample_weight, shared=True)

    def _targets(self, y_true: Any) -> list[Any]:
        """The targets by output. Those of outputs without loss may be missing in `y_true`."""
        outputs, given = self._outputs, y_true
        if len(self._with_loss) == 1 < outputs.count and not is_nested(given):
            given = [given]
        if isinstance(given, (list, tuple)) and len(given) == len(self._with_loss) < outputs.count:
            by_output: list[Any] = [None] * outputs.count
            for i, y in zip(self._with_loss, given, strict=True):
                by_output[i] = y
            given = by_output
        targets = outputs.of("y", given)
        for i in self._with_loss:
            if targets[i] is None:
                label = outputs.names[i] if outputs.names else i
                raise ValueError(
                    f"y: expected a target for output {label!r}, which has a loss, got None"
                )
        return [None if y is None else _core.as_tensor(y) for y in targets]

    def __call__(self, y_true: Tensors, y_pred: Tensors, sample_weight: Tensors = None) -> Tensor:
        """The total loss. Updates `metrics` with the loss of each output."""
        if not self.built:
            self.build(y_true, y_pred)
        outputs = self._outputs
        targets, predictions = self._targets(y_true), outputs.of("outputs", y_pred)
        weights = outputs.of("sample_weight", sample_weight, shared=True)
        total: Any = None
        for position, (part, loss) in enumerate(self._entries):
            out, weight = part.of(predictions), part.of(weights)
            if is_nested(weight) and not is_nested(sample_weight):
                weight = sample_weight
            if not is_nested(out) or type(loss).__call__ is not losses.Loss.__call__:
                value = loss(part.of(targets), out, weight)
            else:
                value = loss._together(part.of(targets), out, weight)
            if value.ndim:
                raise ValueError(
                    f"loss {loss.name!r}: training needs a single number, got shape {value.shape}; "
                    "give it the reduction 'sum_over_batch_size' or 'sum'"
                )
            if value.dtype != _FLOAT32:  # the loss has a type of its own
                value = F.cast(value, dtype="float32")
            if self._trackers:
                self._trackers[position].update_state(value, flatten(out)[0].shape[0])
            if part.weight is not None:
                value = F.mul(value, part.weight)
            total = value if total is None else F.add(total, value)
        return total

    def reset_state(self) -> None:
        """Resets the means in `metrics`."""
        for tracker in self._trackers:
            tracker.reset_state()


class CompileMetrics(metrics_module.Metric):
    """The metrics of all outputs as one metric, whose result is a dict.

    Args:
        metrics: a list of metrics (names, functions or `Metric`s); for several outputs a list or
            dict with a metric, a list of metrics or None for each.
        weighted_metrics: the same, for metrics that take sample weights into account.
        output_names: the names of the model's outputs, or None.

    Raises:
        ValueError: neither list, tuple nor dict, or, at the call that builds it, unknown names and
            numbers of entries that do not fit the outputs.
    """

    def __init__(
        self,
        metrics: Metrics = None,
        weighted_metrics: Metrics = None,
        output_names: Sequence[str] | None = None,
    ) -> None:
        super().__init__(name="compile_metrics")
        for argument, given in (("metrics", metrics), ("weighted_metrics", weighted_metrics)):
            if given is not None and not is_nested(given):
                raise ValueError(
                    f"compile: {argument}: expected a list, tuple or dict, got {shown(given)}"
                )
            _check_names(f"compile: {argument}", metrics_module.get, given, ("accuracy", "acc"))
        self._given = metrics
        self._given_weighted = weighted_metrics
        self._output_names = output_names
        self.loss: CompileLoss | None = None  # which knows the targets of outputs without a loss
        # For each output its metrics; first those without, then those with sample weights.
        self._plain: list[list[metrics_module.Metric]] = []
        self._weighted: list[list[metrics_module.Metric]] = []
        self.built = False

    @property
    def metrics(self) -> list[metrics_module.Metric]:
        """All metrics, in order; empty before the first batch."""
        return [m for per_output in (*self._plain, *self._weighted) for m in per_output]

    @property
    def variables(self) -> list[Parameter]:
        """The state of all metrics."""
        return [v for m in self.metrics for v in m.variables]

    def build(self, y_true: Tensors, y_pred: Tensors) -> None:
        """Assigns the metrics to the outputs."""
        self._outputs = outputs = _Outputs(y_pred, self._output_names)
        targets, predictions = self._pairs(y_true, y_pred)
        self._plain, self._weighted = (
            [
                [] if y is None else [_get_metric(m, y, out) for m in wanted]
                for wanted, y, out in zip(
                    self._per_output(argument, given), targets, predictions, strict=True
                )
            ]
            for argument, given in (
                ("metrics", self._given),
                ("weighted_metrics", self._given_weighted),
            )
        )
        self._labels = outputs.labels if outputs.count > 1 else None
        self.built = True

    def _per_output(self, argument: str, given: Metrics) -> list[list[Identifier]]:
        count = self._outputs.count
        if not given:
            return [[] for _ in range(count)]
        if count == 1:
            return [flatten(given)]
        return [
            [m for m in flatten(entry) if m is not None]
            for entry in self._outputs.of(f"compile: {argument}", given)
        ]

    def _pairs(self, y_true: Tensors, y_pred: Tensors) -> tuple[list[Tensor | None], list[Any]]:
        outputs = self._outputs
        if self.loss is not None and self.loss.built:
            return self.loss._targets(y_true), outputs.of("outputs", y_pred)
        targets = outputs.of("y", y_true)
        return (
            [None if y is None else _core.as_tensor(y) for y in targets],
            outputs.of("outputs", y_pred),
        )

    def update_state(self, y_true: Tensors, y_pred: Tensors, sample_weight: Tensors = None) -> None:
        """Takes in a batch."""
        if not self.built:
            self.build(y_true, y_pred)
        if not self.metrics:
            return
        targets, predictions = self._pairs(y_true, y_pred)
        weights = self._outputs.of("sample_weight", sample_weight, shared=True)
        for i, (y, out, weight) in enumerate(zip(targets, predictions, weights, strict=True)):
            for metric in self._plain[i]:
                metric.update_state(y, out)
            for metric in self._weighted[i]:
                metric.update_state(y, out, weight)

    def result(self) -> dict[str, Any]:
        """The metrics' values by name, in order."""
        results: dict[str, Any] = {}
        counts: dict[str, int] = {}
        for prefix, group in (("", self._plain), ("weighted_", self._weighted)):
            for i, per_output in enumerate(group):
                for metric in per_output:
                    label = f"{self._labels[i]}_" if self._labels else ""
                    name = f"{label}{metric.name}"
                    if name in counts and prefix:
                        name = f"{label}{prefix}{metric.name}"
                    count = counts.get(name, 0)
                    counts[name] = count + 1
                    results[f"{name}_{count}" if count else name] = metric.result()
        return results

    def reset_state(self) -> None:
        """Resets all metrics."""
        for metric in self.metrics:
            metric.reset_state()


def _check_names(
    who: str, get: Callable[[Any, str], object], given: object, by_shape: tuple[str, ...]
) -> None:
    """Raises ValueError for unknown names and for what is no function.

    So `compile` fails, and not the first step.
    """
    for identifier in flatten(given):
        named = isinstance(identifier, str) and identifier.lower() in by_shape
        if not named and not isinstance(identifier, type):
            get(identifier, who)
