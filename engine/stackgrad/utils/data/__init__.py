"""`torch.utils.data`: data sets, samplers and the loader that makes batches of them."""

from __future__ import annotations

from typing import Any

from stackgrad.utils.data.collate import default_collate, default_convert
from stackgrad.utils.data.dataloader import DataLoader
from stackgrad.utils.data.dataset import (
    ChainDataset,
    ConcatDataset,
    Dataset,
    IterableDataset,
    StackDataset,
    Subset,
    TensorDataset,
    random_split,
)
from stackgrad.utils.data.sampler import (
    BatchSampler,
    RandomSampler,
    Sampler,
    SequentialSampler,
    SubsetRandomSampler,
    WeightedRandomSampler,
)
from stackgrad.utils.data.worker import get_worker_info

__all__ = [
    "BatchSampler",
    "ChainDataset",
    "ConcatDataset",
    "DataLoader",
    "Dataset",
    "IterableDataset",
    "RandomSampler",
    "Sampler",
    "SequentialSampler",
    "StackDataset",
    "Subset",
    "SubsetRandomSampler",
    "TensorDataset",
    "WeightedRandomSampler",
    "default_collate",
    "default_convert",
    "get_worker_info",
    "random_split",
]


def __getattr__(name: str) -> Any:
    if name in ("distributed", "DistributedSampler"):
        from stackgrad.distributed import sampler

        return sampler if name == "distributed" else sampler.DistributedSampler
    raise AttributeError(f"stackgrad.utils.data has no {name!r}: it is not implemented")
