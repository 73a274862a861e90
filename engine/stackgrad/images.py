"""Pictures to tensors and back: Pillow's images, arrays (H, W, C), and PNG files without Pillow.

Tensors are (C, H, W), as networks want them; names and conventions are those of `torchvision`.
PNG: https://www.w3.org/TR/png-3/
"""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from stackgrad.ops.creation import from_numpy
from stackgrad.tensor import Tensor

__all__ = [
    "decode_png",
    "encode_png",
    "pil_to_tensor",
    "read_image",
    "to_array",
    "to_pil_image",
    "to_tensor",
    "write_png",
]

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # by PNG's colour type
_COLOURS = {1: 0, 2: 4, 3: 2, 4: 6}
_MOST = 1 << 28  # bytes of a picture


class ImageError(ValueError):
    """A file that is no PNG, a damaged one, or of a kind that is not read."""


def pil_to_tensor(picture: Any) -> Tensor:
    """Return a picture of Pillow, or an array (H, W[, C]), as (C, H, W) of its own type."""
    array = np.array(picture)
    if array.ndim == 2:
        array = array[:, :, None]
    if array.ndim != 3:
        raise ValueError(f"a picture has the shape (H, W) or (H, W, C), not {array.shape}")
    if array.dtype.kind == "u" and array.itemsize > 1:
        array = array.astype(np.int32)
    return from_numpy(np.ascontiguousarray(array.transpose(2, 0, 1)))


def to_tensor(picture: Any) -> Tensor:
    """Do the same, bytes becoming float32 between 0 and 1."""
    found = pil_to_tensor(picture)
    if found.array.dtype != np.uint8:
        return found
    return from_numpy(found.array.astype(np.float32) / np.float32(255))


def to_array(tensor: Tensor) -> Any:
    """Return (C, H, W) or (H, W) as an array of bytes (H, W, C); floats are meant to be from 0 to 1."""
    array = tensor.detach().cpu().array
    if array.ndim == 2:
        array = array[None]
    if array.ndim != 3 or array.shape[0] not in _COLOURS:
        raise ValueError(f"a picture has the shape (C, H, W) with C from 1 to 4, not {array.shape}")
    if array.dtype.kind in "fV":
        scaled = np.nan_to_num(array.astype(np.float32)) * 255
        array = np.clip(np.rint(scaled), 0, 255)
    return np.ascontiguousarray(array.astype(np.uint8).transpose(1, 2, 0))


def to_pil_image(tensor: Tensor) -> Any:
    """Return (C, H, W) as a picture of Pillow; RuntimeError where that is not installed."""
    try:
        from PIL import Image  # type: ignore[import-not-found, unused-ignore]
    except ImportError as error:
        raise RuntimeError("to_pil_image needs Pillow: `pip install pillow`") from error
    array = to_array(tensor)
    return Image.fromarray(array[:, :, 0] if array.shape[2] == 1 else array)


def read_image(path: str | os.PathLike[str]) -> Tensor:
    """Return the PNG file at `path` as uint8 (C, H, W)."""
    return decode_png(Path(path).read_bytes())


def write_png(tensor: Tensor, path: str | os.PathLike[str]) -> None:
    """Write (C, H, W) to a PNG file."""
    Path(path).write_bytes(encode_png(tensor))


def encode_png(tensor: Tensor) -> bytes:
    """Return (C, H, W) as a PNG file of 8 bits a channel."""
    array = to_array(tensor)
    height, width, channels = array.shape
    head = struct.pack(">IIBBBBB", width, height, 8, _COLOURS[channels], 0, 0, 0)
    rows = np.zeros((height, 1 + width * channels), np.uint8)  # filter 0 before every row
    rows[:, 1:] = array.reshape(height, -1)
    parts = [(b"IHDR", head), (b"IDAT", zlib.compress(rows.tobytes())), (b"IEND", b"")]
    return _SIGNATURE + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in parts
    )


def decode_png(data: bytes) -> Tensor:
    """Return a PNG file as uint8 (C, H, W); ImageError unless it has 8 bits a channel and is not interlaced."""
    parts = _parts(data)
    head, palette = parts.get(b"IHDR", b""), parts.get(b"PLTE", b"")
    if len(head) != 13:
        raise ImageError("a PNG file without a header")
    width, height, depth, colour, _, _, interlaced = struct.unpack(">IIBBBBB", head)
    if depth != 8 or interlaced or colour not in _CHANNELS:
        raise ImageError(
            f"a PNG file of {depth} bits, colour type {colour}{', interlaced' * interlaced}: only 8 bits are read"
        )
    channels = _CHANNELS[colour]
    size = height * (1 + width * channels)
    if size > _MOST:
        raise ImageError(f"a PNG file of {width} x {height} pixels is too large")
    try:
        flat = zlib.decompressobj().decompress(parts.get(b"IDAT", b""), size)
    except zlib.error as error:
        raise ImageError(f"a damaged PNG file: {error}") from error
    if len(flat) != size:
        raise ImageError("a PNG file that is cut off")
    pixels = _unfilter(np.frombuffer(flat, np.uint8).reshape(height, -1), channels)
    if colour == 3:
        colours = np.frombuffer(palette, np.uint8).reshape(-1, 3)
        if int(pixels.max(initial=0)) >= len(colours):
            raise ImageError("a PNG file whose palette is too short")
        pixels, channels = colours[pixels], 3
    whole = pixels.reshape(height, width, channels)
    return from_numpy(np.ascontiguousarray(whole.transpose(2, 0, 1)))


def _parts(data: bytes) -> dict[bytes, bytes]:
    """Return the content of a file's chunks by their name, those of one name joined."""
    if data[:8] != _SIGNATURE:
        raise ImageError("not a PNG file")
    found: dict[bytes, bytes] = {}
    place = len(_SIGNATURE)
    while place + 12 <= len(data):
        (size,) = struct.unpack_from(">I", data, place)
        name, body = data[place + 4 : place + 8], data[place + 8 : place + 8 + size]
        found[name] = found.get(name, b"") + body
        place += 12 + size
    return found


def _unfilter(rows: Any, step: int) -> Any:
    """Undo the filters of all rows: each byte is a difference from its neighbours left and above."""
    out = np.zeros((rows.shape[0] + 1, step + rows.shape[1] - 1), np.uint8)  # a border of zeros
    for number, row in enumerate(rows):
        kind, line = int(row[0]), row[1:]
        above, target = out[number], out[number + 1]
        if kind == 0:
            target[step:] = line
        elif kind == 1:
            sums = line.reshape(-1, step).cumsum(0, dtype=np.uint8)
            target[step:] = sums.reshape(-1)
        elif kind == 2:
            target[step:] = line + above[step:]
        elif kind in (3, 4):
            _unfilter_slowly(kind, line, above, target, step)
        else:
            raise ImageError(f"a PNG file with the unknown filter {kind}")
    return out[1:, step:]


def _unfilter_slowly(kind: int, line: Any, above: Any, target: Any, step: int) -> None:
    up, made = above.tolist(), [0] * step
    for i, value in enumerate(line.tolist()):
        left, over, corner = made[i], up[i + step], up[i]
        if kind == 3:
            guess = (left + over) // 2
        else:
            distance = left + over - corner
            a, b, c = abs(distance - left), abs(distance - over), abs(distance - corner)
            guess = left if a <= b and a <= c else over if b <= c else corner
        made.append((value + guess) & 255)
    target[:] = made
