from __future__ import annotations

import json

import numpy as np
import pytest
import stackgrad as torch
from stackgrad import safetensors
from stackgrad.safetensors import SafetensorError

KINDS = (
    "bool",
    "uint8",
    "int8",
    "int16",
    "int32",
    "int64",
    "float16",
    "bfloat16",
    "float32",
    "float64",
)


def everything():
    rng = np.random.default_rng(0)
    found = {
        k: torch.from_numpy(rng.integers(0, 2, (3, i + 1))).to(getattr(torch, k))
        for i, k in enumerate(KINDS)
    }
    return {
        **found,
        "number": torch.tensor(2.5),
        "none": torch.zeros(0, 4),
        "turned": torch.arange(6.0).view(2, 3).t(),
    }


def same(a, b):
    assert list(a) == list(b) or sorted(a) == sorted(b)
    for name in a:
        assert a[name].dtype is b[name].dtype
        assert a[name].shape == b[name].shape
        assert a[name].array.tobytes() == np.ascontiguousarray(b[name].array).tobytes()


def test_tensors_of_all_types_survive_a_file(tmp_path):
    safetensors.save_file(everything(), tmp_path / "a", {"made": "by hand"})
    same(safetensors.load_file(tmp_path / "a"), everything())
    assert safetensors.read_metadata(tmp_path / "a") == {"made": "by hand"}
    same(safetensors.load((tmp_path / "a").read_bytes()), everything())
    assert safetensors.save(everything(), {"made": "by hand"}) == (tmp_path / "a").read_bytes()


def test_loaded_tensors_can_be_written_to_and_the_file_stays(tmp_path):
    safetensors.save_file({"x": torch.zeros(4)}, tmp_path / "a")
    x = safetensors.load_file(tmp_path / "a")["x"]
    x += 1
    assert safetensors.load_file(tmp_path / "a")["x"].sum() == 0


def test_the_elements_begin_at_a_multiple_of_eight(tmp_path):
    for count in range(9):
        data = safetensors.save({"n" * count: torch.zeros(2)})
        assert int.from_bytes(data[:8], "little") % 8 == 0


def test_the_safetensors_package_reads_our_files_and_we_theirs(tmp_path):
    theirs = pytest.importorskip("safetensors.numpy", reason="safetensors is not installed")
    ours = {k: v for k, v in everything().items() if k != "bfloat16"}
    safetensors.save_file(ours, tmp_path / "ours", {"a": "b"})
    found = theirs.load_file(tmp_path / "ours")
    same({k: torch.from_numpy(v.copy()) for k, v in found.items()}, ours)
    theirs.save_file({k: v.array.copy() for k, v in ours.items()}, tmp_path / "theirs", {"a": "b"})
    same(safetensors.load_file(tmp_path / "theirs"), ours)


def test_bfloat16_passes_through_the_safetensors_package(tmp_path):
    theirs = pytest.importorskip("safetensors", reason="safetensors is not installed")
    x = torch.randn(5).bfloat16()
    ((name, found),) = theirs.deserialize(safetensors.save({"x": x}))
    assert (name, found["dtype"], found["shape"]) == ("x", "BF16", [5])
    assert bytes(found["data"]) == x.array.tobytes()


def file_of(header, body=b""):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + body


def entry(start, end, kind="U8", shape=None):
    return {
        "dtype": kind,
        "shape": [end - start] if shape is None else shape,
        "data_offsets": [start, end],
    }


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "shorter"),
        (b"\xff" * 16, "header of"),
        (file_of(b"[1]"), "no JSON object"),
        (file_of(b"{nonsense"), "no JSON"),
        (file_of(b'{"a": 1, "a": 2}'), "twice"),
        (file_of({"a": 5}), "'a' has no two data_offsets"),
        (file_of({"a": entry(0, 4, "F8_E5M2")}, bytes(4)), "F8_E5M2"),
        (file_of({"a": entry(0, 4, shape=[5])}, bytes(4)), "4 bytes for"),
        (file_of({"a": entry(0, 4, shape=[-2, -2])}, bytes(4)), "shape"),
        (file_of({"a": entry(0, 4)}, bytes(3)), "cut off"),
        (file_of({"a": entry(0, 4)}, bytes(5)), "1 bytes at the end"),
        (file_of({"a": entry(1, 4)}, bytes(4)), "not where the last ended"),
        (file_of({"a": entry(0, 3), "b": entry(2, 4)}, bytes(4)), "'b' begins at byte 2"),
    ],
)
def test_a_file_of_another_form_is_refused_with_the_fault(data, message, tmp_path):
    with pytest.raises(SafetensorError, match=message):
        safetensors.load(data)
    (tmp_path / "f").write_bytes(data or b"")
    with pytest.raises(SafetensorError, match=r"f: "):
        safetensors.load_file(tmp_path / "f")


def test_only_tensors_are_saved():
    with pytest.raises(TypeError, match="'a' is a list"):
        safetensors.save({"a": [1]})
