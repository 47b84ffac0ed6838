"""The code that both faces share.

`formulas`, `moving` and `picking` compute values that take more than one core op. Their arguments
are explicit: names and defaults are up to `fastdl._functions` (the top level) and `fastdl.ops`.
"""
