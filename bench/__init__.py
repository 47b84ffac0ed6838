"""Benchmarks: `pytest bench` (this library beside NumPy and Cython), `python -m bench.peers`
(beside other libraries), `python -m bench.regress` (beside itself); see docs/benchmarking.md.

They run in a clone, whose folder fastdl/ has sources but, unless it was built there, no compiled
core. So the clone comes last on the path, and the installed fastdl is measured.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:] = [p for p in sys.path if Path(p or ".").resolve() != ROOT] + [str(ROOT)]
