"""Comparison with other libraries, each in a process of its own (see __main__.py)."""
