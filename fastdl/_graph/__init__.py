"""Tensors without values and the graphs that calls on them leave behind."""
