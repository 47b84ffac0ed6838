"""The table of op cases: at least one for every row of csrc/ops/ops.inc.

test_ops.py checks each of them forward, backward, on every instruction set, with several thread
counts and as a recorded plan.
"""

from . import (
    attention,
    conv,
    elementwise,
    index,
    integers,
    loss,
    matmul,
    movement,
    norm,
    pool,
    random,
    recurrent,
    reduce,
    special,
    unary,
    update,
)
from .case import Case, Draw

FAMILIES = (
    *(
        elementwise,
        unary,
        matmul,
        conv,
        recurrent,
        reduce,
        norm,
        pool,
        loss,
        movement,
        index,
        random,
    ),
    update,
    integers,
    attention,
    special,
)
CASES: list[Case] = [case for family in FAMILIES for case in family.CASES]

__all__ = ["CASES", "Case", "Draw"]
