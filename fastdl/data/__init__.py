"""Data sets and loaders, as in `torch.utils.data`."""

# ruff: noqa: I001 - one import per module, not per name
from typing import TYPE_CHECKING

from .collate import default_collate as default_collate, default_convert as default_convert
from .dataset import (
    ChainDataset as ChainDataset,
    ConcatDataset as ConcatDataset,
    Dataset as Dataset,
    IterableDataset as IterableDataset,
    StackDataset as StackDataset,
    Subset as Subset,
    TensorDataset as TensorDataset,
    random_split as random_split,
)
from .folder import ImageFolder as ImageFolder
from .loader import DataLoader as DataLoader
from .sampler import (
    BatchSampler as BatchSampler,
    BucketBatchSampler as BucketBatchSampler,
    RandomSampler as RandomSampler,
    Sampler as Sampler,
    SequentialSampler as SequentialSampler,
    SubsetRandomSampler as SubsetRandomSampler,
    WeightedRandomSampler as WeightedRandomSampler,
)
from .workers import get_worker_info as get_worker_info

if not TYPE_CHECKING:
    from .._base.missing import attributes_missing_from

    __getattr__ = attributes_missing_from(__name__)
