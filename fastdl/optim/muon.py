"""Muon: orthogonal steps for matrices."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar

from .._base import functional as F
from .._base.checks import check_choice, check_integer, check_number, check_numbers
from .._base.matrices import orthogonal
from ._whole import WholeOptimizer, decay, rate_of

if TYPE_CHECKING:
    from .._core import Tensor
    from .optimizer import Group, Params, _Engine


class Muon(WholeOptimizer):
    """Muon (Jordan et al. 2024), as `torch.optim.Muon`. For matrices only.

        buffer += (1 - momentum) (g - buffer)
        u = g + momentum (buffer - g), or the buffer without Nesterov's rule
        p -= lr weight_decay p
        p -= lr scale orthogonal(u)

    `orthogonal` divides u by its norm. Then it takes `ns_steps` steps of Newton and Schulz,
    `x = a x + (b x x' + c (x x')^2) x`, which bring all singular values near 1. They are computed
    in float32, where PyTorch rounds to bfloat16: its steps differ by about a hundredth.

    Args:
        params: matrices, `(name, matrix)` pairs, or groups. Give other parameters, embeddings and
            the last layer to another optimizer, such as `AdamW`.
        lr: the learning rate.
        weight_decay: the share of each parameter, times the learning rate, that a step subtracts.
        momentum: the share of the buffer that stays at each step, in [0, 1].
        nesterov: whether Nesterov's rule is used.
        ns_coefficients: a, b and c.
        eps: the least norm for the division.
        ns_steps: the number of steps of Newton and Schulz.
        adjust_lr_fn: "original" for `scale = sqrt(max(1, rows / columns))`, also None;
            "match_rms_adamw" for `scale = 0.2 sqrt(max(rows, columns))`.

    Raises:
        ValueError: an option is out of its range, or a parameter isn't a matrix.

    Example:
        >>> matrices = [p for p in model.parameters() if p.ndim == 2]
        >>> optimizer = optim.Muon(matrices, lr=0.02)
        >>> optimizer.zero_grad()
        >>> nn.functional.mse_loss(model(x), y).backward()
        >>> optimizer.step()
    """

    _has_step = False
    _states: ClassVar[dict[str, str]] = {"momentum_buffer": "buffer"}

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-3,
        weight_decay: float = 0.1,
        momentum: float = 0.95,
        nesterov: bool = True,
        ns_coefficients: tuple[float, float, float] = (3.4445, -4.775, 2.0315),
        eps: float = 1e-7,
        ns_steps: int = 5,
        adjust_lr_fn: str | None = None,
    ) -> None:
        defaults = {
            "lr": lr,
            "weight_decay": weight_decay,
            "momentum": momentum,
            "nesterov": nesterov,
            "ns_coefficients": ns_coefficients,
            "eps": eps,
            "ns_steps": ns_steps,
            "adjust_lr_fn": adjust_lr_fn,
        }
        super().__init__(params, defaults)

    def _check(self, group: Group) -> None:
        for option in ("lr", "weight_decay"):
            check_number("Muon", option, group[option])
        check_number("Muon", "eps", group["eps"], above=0.0)
        check_number("Muon", "momentum", group["momentum"], at_most=1.0)
        coefficients = check_numbers("Muon", "ns_coefficients", group["ns_coefficients"], -math.inf)
        if len(coefficients) != 3:
            raise ValueError(
                f"Muon: ns_coefficients: expected three numbers, got {group['ns_coefficients']!r}"
            )
        check_integer("Muon", "ns_steps", group["ns_steps"], 0)
        choices = (None, "original", "match_rms_adamw")
        check_choice("Muon", "adjust_lr_fn", group["adjust_lr_fn"], choices)
        for i, parameter in enumerate(group["params"]):
            if len(getattr(parameter, "shape", (0, 0))) != 2:
                raise ValueError(
                    f"Muon: parameter {i}: expected a matrix, got shape {parameter.shape}"
                )

    def _slots(self, group: Group) -> tuple[str, ...]:
        return ("momentum_buffer",)

    def _update_one(self, engine: _Engine, group: Group, index: int) -> None:
        flat, momentum = engine.flat, float(group["momentum"])
        parameter, gradient = flat.parameters[index].detach(), flat.homes[index]
        buffer = flat.state_of(flat.states[engine.slots["momentum_buffer"]], index)
        F.add_(buffer, F.mul(F.sub(gradient, buffer), 1.0 - momentum))
        update = buffer
        if group["nesterov"]:
            update = F.add(gradient, F.mul(F.sub(buffer, gradient), momentum))
        a, b, c = map(float, group["ns_coefficients"])
        update = orthogonal(update, (a, b, c), group["ns_steps"], float(group["eps"]))
        rows, columns = parameter.shape
        if group["adjust_lr_fn"] == "match_rms_adamw":
            scale = 0.2 * math.sqrt(max(rows, columns))
        else:
            scale = math.sqrt(max(1.0, rows / columns))
        rate = rate_of(engine)
        decay(parameter, rate, group["weight_decay"])
        F.add_(parameter, F.mul(update, F.mul(rate, -scale)))
