"""`torch.nn.utils.rnn`: sequences of several lengths in one tensor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from stackgrad.ops.creation import from_numpy, full
from stackgrad.ops.joining import cat
from stackgrad.tensor import Tensor

__all__ = [
    "PackedSequence",
    "pack_padded_sequence",
    "pack_sequence",
    "pad_packed_sequence",
    "pad_sequence",
    "unpad_sequence",
]


class PackedSequence(NamedTuple):
    """The steps of several sequences, time by time, without padding; the longest sequence is first.

    `data` is (sum of lengths, ...), `batch_sizes` tells for each time how many sequences go on,
    `sorted_indices` the old place of each sequence and `unsorted_indices` the way back.
    """

    data: Tensor
    batch_sizes: Tensor
    sorted_indices: Tensor | None = None
    unsorted_indices: Tensor | None = None

    def to(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """Move or cast the data."""
        return self._replace(data=self.data.to(*args, **kwargs))

    @property
    def is_cuda(self) -> bool:
        """Whether the data lie on a GPU."""
        return self.data.is_cuda


def lengths_of(batch_sizes: Tensor) -> list[int]:
    """Return the length of every sequence, the longest first."""
    sizes = batch_sizes.array
    return [int((sizes > i).sum()) for i in range(int(sizes[0]) if sizes.size else 0)]


def _places(batch_sizes: Tensor) -> tuple[Any, Any]:
    """Return (time, batch) as rows of the data, with the row past the end for padding, and the mask of real steps."""
    sizes = np.asarray(batch_sizes.array)
    starts = np.concatenate(([0], np.cumsum(sizes)[:-1]))
    real = np.arange(sizes[0])[None, :] < sizes[:, None]
    rows = np.where(real, starts[:, None] + np.arange(sizes[0])[None, :], sizes.sum())
    return rows, real


def padded(sequence: PackedSequence, value: float = 0.0) -> Tensor:
    """Return the data as (time, batch, ...), with `value` past the end of a sequence."""
    data = sequence.data
    rows, _ = _places(sequence.batch_sizes)
    rest = full((1, *data.array.shape[1:]), value, dtype=data.dtype, device=data.device)
    return cat([data, rest])[from_numpy(rows).to(data.device)]


def packed(x: Tensor, batch_sizes: Tensor) -> Tensor:
    """Return the real steps of (time, batch, ...), time by time."""
    _, real = _places(batch_sizes)
    kept = from_numpy(np.flatnonzero(real.reshape(-1))).to(x.device)
    return x.flatten(0, 1).index_select(0, kept)


def pack_padded_sequence(
    input: Tensor, lengths: Any, batch_first: bool = False, enforce_sorted: bool = True
) -> PackedSequence:
    """Return padded sequences (time, batch, ...) without their padding."""
    x = input.transpose(0, 1) if batch_first else input
    counts = np.asarray(lengths.tolist() if isinstance(lengths, Tensor) else lengths, np.int64)
    if len(counts) != x.array.shape[1]:
        raise RuntimeError(
            f"Expected `len(lengths)` to be equal to batch_size, but got {len(counts)} "
            f"(batch_size={x.array.shape[1]})"
        )
    if (counts <= 0).any():
        raise RuntimeError("Length of all samples has to be greater than 0")
    order = np.argsort(-counts, kind="stable")
    there = home = None
    if enforce_sorted:
        if (np.diff(counts) > 0).any():
            raise RuntimeError(
                "`lengths` array must be sorted in decreasing order when `enforce_sorted` is True"
            )
    else:
        there, home = (from_numpy(p).to(x.device) for p in (order, np.argsort(order)))
        counts, x = counts[order], x.index_select(1, there)
    if counts[0] > x.array.shape[0]:
        raise RuntimeError(f"a length of {counts[0]} exceeds the {x.array.shape[0]} steps given")
    sizes = from_numpy((counts[None, :] > np.arange(counts[0])[:, None]).sum(1))
    return PackedSequence(packed(x[: int(counts[0])], sizes), sizes, there, home)


def pad_packed_sequence(
    sequence: PackedSequence,
    batch_first: bool = False,
    padding_value: float = 0.0,
    total_length: int | None = None,
) -> tuple[Tensor, Tensor]:
    """Return the padded sequences in their old order, and their lengths."""
    x, lengths = (
        padded(sequence, padding_value),
        from_numpy(np.array(lengths_of(sequence.batch_sizes))),
    )
    if total_length is not None:
        missing = total_length - len(x)
        if missing < 0:
            raise ValueError(
                f"Expected total_length to be at least the length of the longest sequence, {len(x)}"
            )
        shape = (missing, *x.array.shape[1:])
        x = cat([x, full(shape, padding_value, dtype=x.dtype, device=x.device)])
    if sequence.unsorted_indices is not None:
        x = x.index_select(1, sequence.unsorted_indices)
        lengths = lengths.index_select(0, sequence.unsorted_indices.cpu())
    return (x.transpose(0, 1) if batch_first else x), lengths


def pad_sequence(
    sequences: Sequence[Tensor] | Tensor,
    batch_first: bool = False,
    padding_value: float = 0.0,
    padding_side: str = "right",
) -> Tensor:
    """Return sequences (length, ...) as one tensor (time, batch, ...), the shorter ones padded."""
    from stackgrad.nn.functional.padding import pad

    if padding_side not in ("left", "right"):
        raise ValueError(f"padding_side should be 'left' or 'right', not {padding_side!r}")
    longest = max(len(s) for s in sequences)
    found = []
    for s in sequences:
        missing = longest - len(s)
        ends = (0, missing) if padding_side == "right" else (missing, 0)
        found.append(pad(s, (0, 0) * (s.array.ndim - 1) + ends, value=padding_value).unsqueeze(1))
    joined = cat(found, 1)
    return joined.transpose(0, 1) if batch_first else joined


def unpad_sequence(
    padded_sequences: Tensor, lengths: Tensor, batch_first: bool = False
) -> list[Tensor]:
    """Return the sequences of `pad_sequence` again."""
    x = padded_sequences if batch_first else padded_sequences.transpose(0, 1)
    return [row[: int(n)] for row, n in zip(x, lengths, strict=True)]


def pack_sequence(sequences: Sequence[Tensor], enforce_sorted: bool = True) -> PackedSequence:
    """Return sequences (length, ...) as one packed sequence."""
    lengths = [len(s) for s in sequences]
    return pack_padded_sequence(pad_sequence(sequences), lengths, enforce_sorted=enforce_sorted)
