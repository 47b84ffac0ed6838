"""The tests use the installed package, even with `python -m pytest` in the clone."""

import os
import sys
from pathlib import Path

import pytest

# Threads of NumPy's products wait actively: beside other work on the cores, the tests of
# scikit-learn's networks take 16 times as long. NumPy reads this when it is imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

clone = Path(__file__).resolve().parents[1]
compiled = [path for path in clone.glob("fastdl/_core*") if path.suffix != ".pyi"]
if not compiled:  # the sources alone can't be imported
    sys.path[:] = [entry for entry in sys.path if Path(entry).resolve() != clone]


@pytest.fixture
def fresh_names():
    """Names of layers count from the start."""
    import fastdl

    fastdl.utils.clear_session()
