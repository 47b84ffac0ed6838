"""What both faces stand on and neither owns.

`formulas`, `moving` and `picking` hold what more than one core op computes, with explicit
arguments. The top level (`fastdl._functions`) and `fastdl.ops` only spell their arguments.
"""
