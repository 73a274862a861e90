from __future__ import annotations

import shutil
import struct
import subprocess
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stackcheck.binary.blob import FileBlob, MemoryBlob
from stackcheck.binary.fatbin import (
    MalformedFatbin,
    architectures_of,
    count_architectures,
    scan_fatbins,
)

PTX, CUBIN, LTO = 1, 2, 8
SPECIFIC, FAMILY = 1 << 20, 1 << 21

# Headers of entries that fatbinary of CUDA 13.5 wrote, the cubins plain and the PTX compressed.
RECORDED = {
    "sm_75": (
        "0200010140000000280c0000000000000000000000000000080001004b0000000000000000000000"
        "110000000000000000000000000000000000000000000000"
    ),
    "compute_90a": (
        "010001015000000078010000000000007601000040000000050009005a0000000000000000000000"
        "11801000000000000000000000000000230300000000000048000000000000000000000000000000"
    ),
    "sm_90a": (
        "0200010140000000000e0000000000000000000000000000080001005a0000000000000000000000"
        "110010000000000000000000000000000000000000000000"
    ),
    "sm_100f": (
        "02000101780000008015000000000000000000004000000008000100640000000000000000000000"
        "11002001000000000000000000000000000000000000000048000000280000000002090000020c00"
        "0002020100030d01010307010102030000040b08000900000000000000030e400400000000000000"
    ),
    "sm_100a": (
        "02000101780000008015000000000000000000004000000008000100640000000000000000000000"
        "110010010000000000000000000000000000000000000000480000002c0000000002090100020c00"
        "000202010002050500030d01010307010102030000040b08000900000000000000030e4004000000"
    ),
    "compute_120": (
        "01000101500000008001000000000000790100004000000005000900780000000000000000000000"
        "118000000000000000000000000000002a0300000000000048000000000000000000000000000000"
    ),
}


def entry(kind: int, number: int, *, flags: int = 0x11, payload: int = 40) -> bytes:
    return (
        struct.pack("<HHIQIIHHIII", kind, 0x101, 64, payload, 0, 0, 8, 1, number, 0, 0).ljust(
            40, b"\0"
        )
        + struct.pack("<QQQ", flags, 0, 0)
        + b"\xab" * payload
    )


def fatbin(*entries: bytes) -> bytes:
    body = b"".join(entries)
    return struct.pack("<IHHQ", 0xBA55ED50, 1, 16, len(body)) + body


def names(data: bytes) -> list[str]:
    return [str(item) for item in scan_fatbins(MemoryBlob(data))]


def test_reads_every_entry_of_every_fat_binary():
    data = fatbin(entry(CUBIN, 75), entry(PTX, 90)) + bytes(24) + fatbin(entry(CUBIN, 120))
    assert names(data) == ["sm_75", "compute_90", "sm_120"]


def test_tells_architecture_and_family_specific_code():
    data = fatbin(
        entry(CUBIN, 90, flags=0x11 | SPECIFIC),
        entry(CUBIN, 100, flags=0x11 | FAMILY),
        entry(PTX, 100, flags=0x8011 | FAMILY),
    )
    assert names(data) == ["sm_90a", "sm_100f", "compute_100f"]


@pytest.mark.parametrize("name", RECORDED)
def test_agrees_with_headers_that_nvidias_tool_wrote(name):
    head = bytearray.fromhex(RECORDED[name])
    struct.pack_into("<Q", head, 8, 8)  # the size of what follows, here cut to 8 bytes
    assert names(fatbin(bytes(head) + bytes(8))) == [name]


def test_leaves_out_intermediate_code_for_link_time():
    assert names(fatbin(entry(LTO, 80), entry(CUBIN, 80))) == ["sm_80"]


def test_passes_over_a_magic_number_that_begins_nothing():
    stray = struct.pack("<IHHQ", 0xBA55ED50, 1, 16, 1 << 60)
    assert names(stray + fatbin(entry(CUBIN, 86))) == ["sm_86"]


def test_refuses_an_entry_that_leaves_its_fat_binary():
    broken = bytearray(fatbin(entry(CUBIN, 86)))
    struct.pack_into("<Q", broken, 16 + 8, 10_000)
    with pytest.raises(MalformedFatbin, match="byte 16"):
        names(bytes(broken))


@settings(deadline=None)
@given(st.binary(max_size=600), st.integers(0, 400))
def test_any_bytes_end_in_architectures_or_its_own_error(data, cut):
    whole = fatbin(entry(CUBIN, 75), entry(PTX, 90)) + data
    for sample in (data, whole[:cut] + data, whole[cut:]):
        with suppress(MalformedFatbin):
            names(sample)


def test_counts_in_the_sections_of_a_library(tmp_path):
    compiler = shutil.which("gcc")
    if compiler is None:
        pytest.skip("needs a C compiler")
    blob = tmp_path / "code.bin"
    blob.write_bytes(
        fatbin(entry(CUBIN, 75), entry(CUBIN, 86)) + fatbin(entry(CUBIN, 75), entry(PTX, 86))
    )
    source = tmp_path / "demo.s"
    source.write_text(
        f'.section .nv_fatbin,"a",@progbits\n.balign 8\n.incbin "{blob}"\n'
        f'.section .other,"a",@progbits\n.incbin "{blob}"\n.section .note.GNU-stack,"",@progbits\n'
    )
    library = tmp_path / "libgpu.so"
    subprocess.run([compiler, "-shared", "-nostdlib", "-o", library, source], check=True)
    file = FileBlob(library)
    counts = count_architectures(file)
    file.close()
    assert {str(item): number for item, number in counts.items()} == {
        "sm_75": 2,
        "sm_86": 1,
        "compute_86": 1,
    }
    assert [str(item) for item in architectures_of(counts)] == ["sm_75", "sm_86", "compute_86"]
