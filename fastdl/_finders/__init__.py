"""Searches for a learning rate and a batch size; `fastdl.utils` offers them."""
