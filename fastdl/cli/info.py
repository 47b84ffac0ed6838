"""`fastdl info`: what the library runs on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import fastdl

if TYPE_CHECKING:
    import argparse


def run(options: argparse.Namespace) -> int:
    """Prints it."""
    fastdl.show_config()
    return 0
