"""Tensors without values, and the graphs of calls on them."""
