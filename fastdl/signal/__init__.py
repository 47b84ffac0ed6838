"""Signals, as `torch.signal`: `signal.windows` has the windows."""

from . import windows as windows
