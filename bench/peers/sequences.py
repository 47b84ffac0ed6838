"""The recurrent networks and the small transformer of the comparison: sizes and random data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Recurrent:
    """Embedding, one recurrent layer, one logit."""

    vocabulary: int = 5000
    width: int = 128
    units: int = 128
    length: int = 80
    batch: int = 32

    def flops(self, gates: int) -> float:
        """Of a training step: the products of inputs and states, forward and two gradients."""
        steps = self.batch * self.length
        return 2.0 * 3 * steps * gates * self.units * (self.width + self.units)

    def bytes(self) -> float:
        """Of Adam, which reads p, g, m, v of the embedding and writes p, m, v."""
        return 7 * 4.0 * self.vocabulary * self.width


@dataclass(frozen=True)
class Gpt:
    """Pre-norm blocks with causal attention and GELU, learned positions."""

    layers: int = 4
    heads: int = 4
    width: int = 128
    context: int = 64
    vocabulary: int = 65
    batch: int = 12

    def flops(self) -> float:
        """Of a training step: products of weights and of attention, three times the forward's."""
        tokens, width = self.batch * self.context, self.width
        block = 12 * width * width + self.context * width  # causal: half of two T x T products
        return 3 * 2.0 * tokens * (self.layers * block + width * self.vocabulary)


RECURRENT, GPT = Recurrent(), Gpt()
GATES = {"lstm": 4, "gru": 3}
STEPS = 30  # of an epoch


def recurrent_data() -> tuple[Any, Any]:
    """Token ids (samples, length) and classes (samples, 1) of an epoch."""
    import numpy as np

    rng, n = np.random.default_rng(0), RECURRENT.batch * STEPS
    x = rng.integers(0, RECURRENT.vocabulary, (n, RECURRENT.length)).astype("int64")
    return x, rng.integers(0, 2, (n, 1)).astype("float32")


def gpt_data() -> tuple[Any, Any]:
    """Token ids (samples, context) and the next ones of an epoch."""
    import numpy as np

    rng, n = np.random.default_rng(0), GPT.batch * STEPS
    text = rng.integers(0, GPT.vocabulary, (n, GPT.context + 1)).astype("int64")
    return text[:, :-1].copy(), text[:, 1:].copy()
