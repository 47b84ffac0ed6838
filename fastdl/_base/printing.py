"""How tensors are shown."""

from __future__ import annotations

from typing import Any

from .checks import check_choice, check_flag, check_integer

# What the core hands to NumPy's `array2string`.
OPTIONS: dict[str, Any] = {}

_PROFILES: dict[str, dict[str, float]] = {
    "default": {"precision": 4, "threshold": 1000, "edgeitems": 3, "linewidth": 80},
    "short": {"precision": 2, "threshold": 1000, "edgeitems": 2, "linewidth": 80},
    "full": {"precision": 4, "threshold": float("inf"), "edgeitems": 3, "linewidth": 80},
}


def set_printoptions(
    precision: int | None = None,
    threshold: float | None = None,
    edgeitems: int | None = None,
    linewidth: int | None = None,
    profile: str | None = None,
    sci_mode: bool | None = None,
) -> None:
    """Sets how tensors are shown as text. What is None stays as it is.

    Until it is called, NumPy's options hold.

    Args:
        precision: digits behind the point.
        threshold: tensors of more values are shown in part.
        edgeitems: how many values are shown at each end then.
        linewidth: characters in a line.
        profile: "default", "short" or "full" set the other four first.
        sci_mode: False shows no powers of ten; True and None leave it to NumPy.

    Raises:
        ValueError: an argument is of another kind.

    Source: `torch.set_printoptions`.

    Example::

        fastdl.set_printoptions(precision=2)
        print(fastdl.tensor([1 / 3]))  # tensor([0.33])
    """
    who = "set_printoptions"
    changes: dict[str, Any] = {}
    if profile is not None:
        changes.update(_PROFILES[check_choice(who, "profile", profile, tuple(_PROFILES))])
    for name, value, least in (
        ("precision", precision, 0),
        ("threshold", None if threshold == float("inf") else threshold, 0),
        ("edgeitems", edgeitems, 1),
        ("linewidth", linewidth, 1),
    ):
        if value is not None:
            changes[name] = check_integer(who, name, value, least)
    if threshold == float("inf"):
        changes["threshold"] = threshold
    if sci_mode is not None:
        changes["suppress_small"] = not check_flag(who, "sci_mode", sci_mode)
    if "linewidth" in changes:  # NumPy's name for it
        changes["max_line_width"] = changes.pop("linewidth")
    OPTIONS.update(changes)
