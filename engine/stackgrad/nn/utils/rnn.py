"""`torch.nn.utils.rnn`: sequences of several lengths."""

from __future__ import annotations

from stackgrad.nn.recurrent import (
    PackedSequence,
    pack_padded_sequence,
    pad_packed_sequence,
    pad_sequence,
)

__all__ = ["PackedSequence", "pack_padded_sequence", "pad_packed_sequence", "pad_sequence"]
