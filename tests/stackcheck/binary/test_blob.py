from __future__ import annotations

import io
import random

import pytest

from stackcheck.binary.blob import (
    BlobStream,
    FileBlob,
    HttpBlob,
    MemoryBlob,
    Unreachable,
    slice_blob,
)
from tests.stackcheck.binary.server import serve

DATA = random.Random(7).randbytes(1_500_000)


def test_file_and_http_range_read_alike(tmp_path):
    path = tmp_path / "data.bin"
    path.write_bytes(DATA)
    file = FileBlob(path)
    with serve({"/data.bin": ("application/octet-stream", DATA)}) as url:
        http = HttpBlob(f"{url}/data.bin")
        assert http.size == file.size == len(DATA)
        for offset, size in [(0, 10), (262_140, 8), (1_000_000, 600_000), (len(DATA) - 3, 100)]:
            expected = DATA[offset : offset + size]
            assert file.read_at(offset, size) == http.read_at(offset, size) == expected
        assert http.read_at(len(DATA) + 5, 10) == b""
    file.close()


def test_http_fetches_only_the_blocks_that_are_read():
    with serve({"/data.bin": ("application/octet-stream", DATA)}) as url:
        http = HttpBlob(f"{url}/data.bin")
        http.read_at(700_000, 10)
        http.read_at(700_100, 10)
        assert http.fetched_bytes == 256 * 1024


def test_http_asks_for_more_at_once_the_longer_it_is_read_on():
    data = DATA * 4
    with serve({"/data.bin": ("application/octet-stream", data)}) as url:
        http = HttpBlob(f"{url}/data.bin")
        step = 256 * 1024
        fetched = []
        for offset in range(0, 8 * step, step):
            assert http.read_at(offset, step) == data[offset : offset + step]
            fetched.append(http.fetched_bytes // step)
        assert fetched == [1, 3, 3, 6, 6, 6, 11, 11]
        http.read_at(20 * step, 10)
        assert http.fetched_bytes == 12 * step


def test_http_asks_again_where_a_server_fails_in_passing():
    with serve({"/data.bin": ("application/octet-stream", DATA)}, failures=1) as url:
        assert HttpBlob(f"{url}/data.bin").read_at(5, 7) == DATA[5:12]


def test_says_that_a_server_answers_no_ranges():
    with serve({"/data.bin": ("application/octet-stream", DATA)}, ranges=False) as url:
        http = HttpBlob(f"{url}/data.bin")
        with pytest.raises(Unreachable, match="range"):
            http.read_at(0, 10)


def test_names_address_and_reason_of_a_file_that_is_not_there():
    with serve({}) as url, pytest.raises(Unreachable, match=r"/gone.whl: HTTP status 404"):
        HttpBlob(f"{url}/gone.whl")


def test_names_address_of_a_server_that_is_not_there():
    with pytest.raises(Unreachable, match=r"127\.0\.0\.1:9/x"):
        HttpBlob("http://127.0.0.1:9/x")


def test_slice_stays_within_its_bounds():
    part = slice_blob(MemoryBlob(b"0123456789"), 3, 4)
    assert part.size == 4
    assert part.read_at(2, 10) == b"56"
    assert part.read_at(4, 1) == b""
    assert slice_blob(MemoryBlob(b"0123"), 2, 100).size == 2


def test_stream_seeks_from_every_origin():
    stream = io.BufferedReader(BlobStream(MemoryBlob(b"0123456789")))
    stream.seek(-3, io.SEEK_END)
    assert stream.read() == b"789"
    stream.seek(2)
    stream.seek(1, io.SEEK_CUR)
    assert stream.read(2) == b"34"
    with pytest.raises(ValueError, match="negative"):
        stream.seek(-1)
