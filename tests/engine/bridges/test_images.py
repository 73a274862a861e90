from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest
import stackgrad as torch
from stackgrad import images


def picture(channels, height=7, width=5):
    values = np.random.default_rng(channels).integers(0, 256, (channels, height, width))
    return torch.from_numpy(values.astype(np.uint8))


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_a_picture_survives_a_png_file(channels, tmp_path):
    images.write_png(picture(channels), tmp_path / "a.png")
    assert (images.read_image(tmp_path / "a.png") == picture(channels)).all()


@pytest.mark.parametrize("kind", [0, 1, 2, 3, 4])
@pytest.mark.parametrize("channels", [1, 3])
def test_every_filter_of_png_is_undone(kind, channels):
    """Pictures of others are filtered: here by the standard's formulas, row by row."""
    pixels = images.to_array(picture(channels)).reshape(7, -1).astype(int)
    rows = []
    for i, row in enumerate(pixels):
        up = pixels[i - 1] if i else np.zeros_like(row)
        left = np.concatenate([np.zeros(channels, int), row[:-channels]])
        corner = np.concatenate([np.zeros(channels, int), up[:-channels]])
        distance = left + up - corner
        a, b, c = abs(distance - left), abs(distance - up), abs(distance - corner)
        paeth = np.where((a <= b) & (a <= c), left, np.where(b <= c, up, corner))
        guess = [0 * row, left, up, (left + up) // 2, paeth][kind]
        rows.append(bytes([kind]) + ((row - guess) % 256).astype(np.uint8).tobytes())
    data = images.encode_png(picture(channels))
    packed = zlib.compress(b"".join(rows))
    start, end = data.index(b"IDAT") - 4, data.index(b"IEND") - 4
    chunk = (
        struct.pack(">I", len(packed))
        + b"IDAT"
        + packed
        + struct.pack(">I", zlib.crc32(b"IDAT" + packed))
    )
    assert (images.decode_png(data[:start] + chunk + data[end:]) == picture(channels)).all()


def test_bytes_become_numbers_up_to_one_and_back():
    rows = np.array([[[0, 255, 51]]], np.uint8)
    found = images.to_tensor(rows)
    assert found.shape == (3, 1, 1)
    assert found.dtype is torch.float32
    np.testing.assert_allclose(found.numpy().ravel(), [0, 1, 0.2], rtol=1e-6)
    np.testing.assert_array_equal(images.to_array(found), rows)


def test_grey_arrays_get_a_channel():
    assert images.to_tensor(np.zeros((4, 6), np.uint8)).shape == (1, 4, 6)


def test_numbers_beyond_the_range_are_clipped():
    assert images.to_array(torch.tensor([[-1.0, 2.0, float("nan")]])).ravel().tolist() == [
        0,
        255,
        0,
    ]


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda d: b"GIF89a" + d, "not a PNG"),
        (lambda d: d[:60], "cut off|damaged"),
        (
            lambda d: d.replace(struct.pack(">IIB", 5, 7, 8), struct.pack(">IIB", 5, 7, 16)),
            "16 bits",
        ),
        (
            lambda d: d.replace(
                struct.pack(">IIB", 5, 7, 8), struct.pack(">IIB", 1 << 30, 1 << 30, 8)
            ),
            "too large",
        ),
        (lambda d: d[:8], "without a header"),
    ],
)
def test_a_file_that_is_not_read_is_an_error_that_says_why(spoil, message):
    with pytest.raises(images.ImageError, match=message):
        images.decode_png(spoil(images.encode_png(picture(3))))


@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (3, "RGB"), (4, "RGBA")])
def test_pillow_reads_what_is_written_and_the_other_way(channels, mode, tmp_path):
    Image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")  # noqa: N806
    images.write_png(picture(channels), tmp_path / "a.png")
    theirs = Image.open(tmp_path / "a.png")
    assert theirs.mode == mode
    assert (images.pil_to_tensor(theirs) == picture(channels)).all()
    images.to_pil_image(picture(channels)).save(tmp_path / "b.png", optimize=True)
    assert (images.read_image(tmp_path / "b.png") == picture(channels)).all()


def test_a_picture_with_a_palette_is_read_in_its_colours(tmp_path):
    Image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")  # noqa: N806
    rows = np.arange(300, dtype=np.int32).reshape(10, 30) % 256
    theirs = Image.fromarray(rows.astype(np.uint8)).convert("P")
    theirs.putpalette([(i * 7) % 256 for i in range(768)])
    theirs.save(tmp_path / "p.png")
    expected = np.asarray(theirs.convert("RGB")).transpose(2, 0, 1)
    np.testing.assert_array_equal(images.read_image(tmp_path / "p.png").numpy(), expected)
