"""The tests use the installed package, even with `python -m pytest` in the clone."""

import sys
from pathlib import Path

clone = Path(__file__).resolve().parents[1]
compiled = [path for path in clone.glob("fastdl/_core*") if path.suffix != ".pyi"]
if not compiled:  # the sources alone can't be imported
    sys.path[:] = [entry for entry in sys.path if Path(entry).resolve() != clone]
