"""L-BFGS: a quasi-Newton method for smooth functions without noise."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np

from .. import _core
from .._base import functional as F
from .._base.checks import check_callable, check_choice, check_integer, check_number
from .optimizer import Optimizer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .._core import Tensor
    from .optimizer import Group, Loss, Params

# The states that are vectors over all parameters, and those that are lists of such.
_VECTORS, _LISTS = ("d", "prev_flat_grad"), ("old_dirs", "old_stps")
_ARMIJO, _CURVATURE = 1e-4, 0.9


class LBFGS(Optimizer):
    """L-BFGS (Liu, Nocedal 1989), as `torch.optim.LBFGS`. For smooth functions without noise.

    A step evaluates the closure several times and moves the parameters several times. It keeps the
    last `history_size` changes of parameters and gradients, twice the memory of the parameters for
    each. The line search is that of Nocedal and Wright (2006), algorithms 3.5 and 3.6, with cubic
    interpolation: each move fulfills the strong Wolfe conditions.

    An exception from the closure, Ctrl-C too, leaves the parameters where the last move ended.

    Args:
        params: tensors, or `(name, tensor)` pairs; one group only.
        lr: the first length that is tried in each direction, in units of the quasi-Newton step.
        max_iter: the largest number of moves in a step.
        max_eval: the largest number of evaluations in a step; None for 5/4 of `max_iter`.
        tolerance_grad: a step ends when no element of the gradient is larger.
        tolerance_change: a step ends when neither parameters nor loss change by more.
        history_size: how many changes are kept.
        line_search_fn: "strong_wolfe", or None for moves of the length `lr`.

    Raises:
        ValueError: an option is out of its range, or there are several groups.

    Example:
        >>> p = nn.Parameter(fastdl.tensor([-1.0, 2.0]))
        >>> optimizer = optim.LBFGS([p], line_search_fn="strong_wolfe")
        >>> def closure():
        ...     optimizer.zero_grad()
        ...     loss = (1 - p[0]) ** 2 + 100 * (p[1] - p[0] ** 2) ** 2
        ...     loss.backward()
        ...     return loss
        >>> for _ in range(3):
        ...     loss = optimizer.step(closure)
        >>> [round(x, 3) for x in p.tolist()]
        [1.0, 1.0]
    """

    _states: ClassVar[dict[str, str]] = {}

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
    ) -> None:
        check_integer("LBFGS", "max_iter", max_iter, 1)
        defaults = {
            "lr": lr,
            "max_iter": max_iter,
            "max_eval": max_iter * 5 // 4 if max_eval is None else max_eval,
            "tolerance_grad": tolerance_grad,
            "tolerance_change": tolerance_change,
            "history_size": history_size,
            "line_search_fn": line_search_fn,
        }
        super().__init__(params, defaults)

    def add_param_group(self, param_group: Group) -> None:
        """Adds the only group.

        Raises:
            ValueError: there is one already.
        """
        if self.param_groups:
            raise ValueError("LBFGS: expected one parameter group, got another one")
        super().add_param_group(param_group)

    def _check(self, group: Group) -> None:
        for option in ("lr", "tolerance_grad", "tolerance_change"):
            check_number("LBFGS", option, group[option])
        for option in ("max_iter", "max_eval", "history_size"):
            check_integer("LBFGS", option, group[option], 1)
        choices = (None, "strong_wolfe")
        check_choice("LBFGS", "line_search_fn", group["line_search_fn"], choices)

    def _slots(self, group: Group) -> tuple[str, ...]:
        return ()

    def _parameters(self, group: Group) -> dict[str, float]:
        return {}

    # --- the step

    def step(self, closure: Callable[[], Loss]) -> Loss:  # type: ignore[override]
        """Moves the parameters up to `max_iter` times.

        Args:
            closure: computes the loss and its gradients anew, and returns the loss.

        Returns:
            The closure's first result.
        """
        check_callable("LBFGS.step", "closure", closure)
        [group] = self.param_groups
        self._check(group)
        before = _core.set_grad_enabled(False)
        try:
            return self._step(closure, group)
        finally:
            _core.set_grad_enabled(before)

    def _step(self, closure: Callable[[], Loss], group: Group) -> Loss:
        def evaluate() -> tuple[Loss, Tensor]:
            with_gradients = _core.set_grad_enabled(True)
            try:
                result = closure()
            finally:
                _core.set_grad_enabled(with_gradients)
            return result, self._gradient()

        state: dict[str, Any] = self.state[group["params"][0]]
        state.setdefault("func_evals", 0)
        state.setdefault("n_iter", 0)
        first, gradient = evaluate()
        loss, evaluations = float(first), 1  # type: ignore[arg-type]
        state["func_evals"] += 1
        rate = float(group["lr"])
        for move in range(1, group["max_iter"] + 1):
            if _largest(gradient) <= group["tolerance_grad"]:
                break
            direction = self._direction(state, gradient, group["history_size"])
            state["n_iter"] += 1
            length = rate
            if state["n_iter"] == 1:
                length *= min(1.0, 1.0 / float(F.sum(F.abs(gradient))))
            state["d"], state["t"] = direction, 0.0
            state["prev_flat_grad"], state["prev_loss"] = gradient, loss
            slope = _dot(gradient, direction)
            if slope > -group["tolerance_change"]:
                break
            tried = 0
            if group["line_search_fn"] is not None:

                def at(length: float, direction: Tensor = direction) -> _Point:
                    result, gradient = self._from_here(direction, length, evaluate)
                    return _Point(length, result, gradient, _dot(gradient, direction))

                start, most = _Point(0.0, loss, gradient, slope), group["max_eval"] - evaluations
                reach, least = _largest(direction), group["tolerance_change"]
                point, tried = _strong_wolfe(at, start, length, reach, least, most)
                length, loss, gradient = point.length, point.loss, point.gradient
                self._move(direction, length)
            else:
                self._move(direction, length)
                if move < group["max_iter"]:
                    result, gradient = evaluate()
                    loss, tried = float(result), 1  # type: ignore[arg-type]
            state["t"] = length
            evaluations += tried
            state["func_evals"] += tried
            if (
                evaluations >= group["max_eval"]
                or _largest(direction) * length <= group["tolerance_change"]
                or abs(loss - state["prev_loss"]) < group["tolerance_change"]
            ):
                break
        return first

    def _direction(self, state: dict[str, Any], gradient: Tensor, most: int) -> Tensor:
        """The quasi-Newton step, by the recursion over the kept changes."""
        if "d" not in state:
            state.update(old_dirs=[], old_stps=[], ro=[], H_diag=1.0)
            return F.neg(gradient)
        change = F.sub(gradient, state["prev_flat_grad"])
        move = F.mul(state["d"], state["t"])
        curvature = _dot(change, move)
        changes, moves, weights = state["old_dirs"], state["old_stps"], state["ro"]
        if curvature > 1e-10:
            while len(changes) >= most:
                for kept in (changes, moves, weights):
                    kept.pop(0)
            changes.append(change)
            moves.append(move)
            weights.append(1.0 / curvature)
            state["H_diag"] = curvature / _dot(change, change)
        shares = [0.0] * len(changes)
        found = F.neg(gradient)
        for i in reversed(range(len(changes))):
            shares[i] = _dot(moves[i], found) * weights[i]
            found = F.sub(found, F.mul(changes[i], shares[i]))
        found = F.mul(found, state["H_diag"])
        for i, share in enumerate(shares):
            found = F.add(found, F.mul(moves[i], share - _dot(changes[i], found) * weights[i]))
        return found

    def _gradient(self) -> Tensor:
        parameters = self.param_groups[0]["params"]
        parts = [F.mul(p.detach(), 0.0) if p.grad is None else p.grad.detach() for p in parameters]
        # A copy in any case: the next evaluation overwrites the gradients.
        return F.concat([F.copy(part).reshape(-1) for part in parts], axis=0)

    def _move(self, direction: Tensor, length: float) -> None:
        offset = 0
        for parameter in self.param_groups[0]["params"]:
            count = parameter.numel()
            part = direction[offset : offset + count].reshape(parameter.shape)
            F.add_(parameter.detach(), F.mul(part, length))
            offset += count

    def _from_here(
        self, direction: Tensor, length: float, evaluate: Callable[[], tuple[Any, Tensor]]
    ) -> tuple[float, Tensor]:
        """Loss and gradient at another point. The parameters are put back."""
        parameters = self.param_groups[0]["params"]
        values = [F.copy(p.detach()) for p in parameters]
        try:
            self._move(direction, length)
            loss, gradient = evaluate()
            return float(loss), gradient
        finally:
            for parameter, value in zip(parameters, values, strict=True):
                F.assign_(parameter.detach(), value)

    # --- saving

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Loads what `state_dict()` returned, here or in PyTorch.

        Raises:
            ValueError: the state is that of other parameters. Nothing is changed then.
        """
        saved = dict(state_dict["state"].get(0, {}))
        size = sum(parameter.numel() for parameter in self.param_groups[0]["params"])
        vectors = {name: saved[name] for name in _VECTORS if name in saved}
        for name in _LISTS:
            vectors.update({f"{name}[{i}]": v for i, v in enumerate(saved.get(name, ()))})
        for name, vector in vectors.items():
            if np.shape(vector) != (size,):
                raise ValueError(
                    f"LBFGS.load_state_dict: {name!r}: expected shape {(size,)}, got "
                    f"{np.shape(vector)}"
                )
        super().load_state_dict({"state": {}, "param_groups": state_dict["param_groups"]})
        if not saved:
            return
        state: dict[str, Any] = self.state[self.param_groups[0]["params"][0]]
        state.update({name: int(saved[name]) for name in ("func_evals", "n_iter")})
        if "d" in saved:
            state.update({name: _vector(saved[name]) for name in _VECTORS})
            state.update({name: [_vector(v) for v in saved[name]] for name in _LISTS})
            state.update({name: float(saved[name]) for name in ("t", "H_diag", "prev_loss")})
            state["ro"] = [float(weight) for weight in saved["ro"]]


def _vector(values: Any) -> Tensor:
    return F.copy(_core.as_tensor(np.asarray(values, np.float32)))


def _dot(x: Tensor, y: Tensor) -> float:
    return float(F.sum(F.mul(x, y)))


def _largest(x: Tensor) -> float:
    return float(F.max(F.abs(x)))


# --- the line search


class _Point(NamedTuple):
    """A point on the line: how far along, and what the function is there."""

    length: float
    loss: float
    gradient: Tensor
    slope: float


def _strong_wolfe(
    at: Callable[[float], _Point],
    start: _Point,
    length: float,
    reach: float,
    least: float,
    most: int,
) -> tuple[_Point, int]:
    """A point with a lower loss and a flatter slope, and the number of evaluations.

    Args:
        at: evaluates a point.
        start: the point at length 0.
        length: the first length to try.
        reach: the largest element of the direction.
        least: the search ends when the bracket is smaller.
        most: the largest number of evaluations after the first.
    """

    def too_high(point: _Point) -> bool:
        return not point.loss <= start.loss + _ARMIJO * point.length * start.slope

    def flat(point: _Point) -> bool:
        return abs(point.slope) <= -_CURVATURE * start.slope

    before, point, tried = start, at(length), 1
    while True:  # until a minimum lies between the two
        if too_high(point) or (tried > 2 and point.loss >= before.loss):
            break
        if flat(point):
            return point, tried
        if point.slope >= 0:
            break
        if tried > most:
            return min(start, point, key=lambda p: p.loss), tried
        least_next = point.length + 0.01 * (point.length - before.length)
        length = _minimum(before, point, least_next, point.length * 10)
        before, point = point, at(length)
        tried += 1

    low, high = (before, point) if before.loss <= point.loss else (point, before)
    stuck = False
    while tried <= most:
        first, last = sorted((low.length, high.length))
        if (last - first) * reach < least:
            break
        length = _minimum(low, high, first, last)
        margin = 0.1 * (last - first)
        if min(last - length, length - first) < margin:  # near an end: once is enough
            if stuck or length >= last or length <= first:
                nearer_last = abs(length - last) < abs(length - first)
                length = last - margin if nearer_last else first + margin
                stuck = False
            else:
                stuck = True
        else:
            stuck = False
        point = at(length)
        tried += 1
        if too_high(point) or point.loss >= low.loss:
            low, high = (low, point) if low.loss <= point.loss else (point, low)
            continue
        if flat(point):
            return point, tried
        if point.slope * (high.length - low.length) >= 0:
            high = low
        low = point
    return low, tried


def _minimum(a: _Point, b: _Point, lowest: float, highest: float) -> float:
    """Where the cubic through two points with their slopes is least, within bounds."""
    if a.length > b.length:
        a, b = b, a
    width = b.length - a.length
    mean = a.slope + b.slope - 3 * (a.loss - b.loss) / (a.length - b.length)
    square = mean * mean - a.slope * b.slope
    if not square >= 0:
        return (lowest + highest) / 2
    root = math.sqrt(square)
    divisor = b.slope - a.slope + 2 * root
    if divisor == 0 or not math.isfinite(divisor):
        return (lowest + highest) / 2
    return min(max(b.length - width * ((b.slope + root - mean) / divisor), lowest), highest)
