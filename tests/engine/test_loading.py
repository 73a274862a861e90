from __future__ import annotations

import numpy as np
import pytest
import stackgrad as torch
from stackgrad.utils.data import (
    ChainDataset,
    DataLoader,
    Dataset,
    IterableDataset,
    RandomSampler,
    StackDataset,
    TensorDataset,
    get_worker_info,
    random_split,
)


class Numbers(Dataset):
    def __init__(self, count=23):
        self.count = count

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        if index >= self.count:
            raise LookupError(f"no item {index}")
        return torch.full((2,), float(index)), {"index": index, "name": str(index)}


class Stream(IterableDataset):
    def __iter__(self):
        info = get_worker_info()
        first, step = (0, 1) if info is None else (info.id, info.num_workers)
        return iter(range(first, 11, step))


class Noise(Dataset):
    def __len__(self):
        return 8

    def __getitem__(self, index):
        return torch.rand(1), np.random.random(), index  # noqa: NPY002


def test_workers_give_the_batches_of_one_process_in_their_order():
    here, there = (list(DataLoader(Numbers(), 4, num_workers=n)) for n in (0, 2))
    assert len(here) == len(there) == 6
    for (x, a), (y, b) in zip(here, there, strict=True):
        assert torch.equal(x, y)
        assert torch.equal(a["index"], b["index"])
        assert a["name"] == b["name"]


def test_workers_that_stay_serve_the_next_epoch_and_one_that_was_left():
    loader = DataLoader(Numbers(), 4, num_workers=2, persistent_workers=True)
    next(iter(loader))
    assert [len(x) for x, _ in loader] == [4, 4, 4, 4, 4, 3]
    pool = loader._pool
    assert [len(x) for x, _ in loader] == [4, 4, 4, 4, 4, 3]
    assert loader._pool is pool


def test_a_stream_is_dealt_out_by_its_workers():
    found = [b.tolist() for b in DataLoader(Stream(), 3, num_workers=2)]
    assert found == [[0, 2, 4], [1, 3, 5], [6, 8, 10], [7, 9]]
    assert [b.tolist() for b in DataLoader(Stream(), 4, drop_last=True)] == [
        [0, 1, 2, 3],
        [4, 5, 6, 7],
    ]


def test_workers_draw_different_numbers_and_the_same_again():
    def draw():
        torch.manual_seed(3)
        loader = DataLoader(Noise(), 1, num_workers=2)
        return [(round(x.item(), 6), round(y.item(), 6)) for x, y, _ in loader]

    first = draw()
    assert first == draw()
    assert len(set(first)) == 8


def test_an_exception_in_a_worker_is_raised_with_its_own_lines():
    loader = DataLoader(Numbers(5), sampler=[0, 9], num_workers=1)
    with pytest.raises(LookupError, match=r"(?s)worker process 0.*no item 9"):
        list(loader)


def test_a_worker_that_dies_is_told_of():
    class Deadly(Numbers):
        def __getitem__(self, index):
            import os

            os._exit(1)

    with pytest.raises(RuntimeError, match="exited unexpectedly"):
        list(DataLoader(Deadly(), num_workers=1))


def test_a_worker_begins_with_what_the_user_gives():
    class Told(Numbers):
        told = 0

        def __getitem__(self, index):
            return Told.told

    def begin(number):
        Told.told = 10 + number

    assert {int(b) for b in DataLoader(Told(4), num_workers=2, worker_init_fn=begin)} == {10, 11}


@pytest.mark.parametrize(
    "options",
    [
        {"prefetch_factor": 2},
        {"persistent_workers": True},
        {"timeout": 1},
        {"num_workers": -1},
        {"shuffle": True, "sampler": [0]},
        {"batch_sampler": [[0]], "drop_last": True},
        {"batch_size": 0},
    ],
)
def test_options_that_contradict_each_other_are_refused(options):
    with pytest.raises(ValueError, match=r"."):
        DataLoader(Numbers(), **options)


def test_data_sets_are_split_stacked_and_chained():
    parts = random_split(Numbers(10), [0.5, 0.3, 0.2], generator=torch.Generator().manual_seed(1))
    assert sorted(i for part in parts for i in part.indices) == list(range(10))
    both = StackDataset(x=TensorDataset(torch.arange(3)), y=TensorDataset(torch.arange(3) * 2))
    assert both[2]["y"][0] == 4
    assert list(ChainDataset([Stream(), Stream()])) == [*range(11), *range(11)]
    assert len(list(RandomSampler(Numbers(5), replacement=True, num_samples=70))) == 70
