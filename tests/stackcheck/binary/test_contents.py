from __future__ import annotations

import io
import zipfile

import pytest

from stackcheck.binary.blob import MemoryBlob
from stackcheck.binary.contents import (
    find_flags,
    read_cupy,
    read_floors,
    read_mxnet,
    read_paddle,
    read_tensorflow,
    read_torch,
)
from stackcheck.binary.wheel import MalformedWheel, Wheel
from tests.stackcheck.binary.test_fatbin import PTX, entry, fatbin


def wheel(files):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return Wheel(MemoryBlob(buffer.getvalue()))


def test_torch_flags_are_found_with_and_without_a_zero_byte_before():
    assert [str(item) for item in find_flags(b"x\0sm_37 sm_50 compute_50\0y")] == [
        "sm_37",
        "sm_50",
        "compute_50",
    ]
    assert [str(item) for item in find_flags(b"ipc_hsm_70 sm_90a sm_120\0")] == [
        "sm_70",
        "sm_90a",
        "sm_120",
    ]
    assert find_flags(b"sm_70 alone sm_80\0") is None


def test_torch_of_a_cpu_build_has_no_code():
    contents = read_torch(wheel({"torch/version.py": "__version__ = '2.9.0'\ncuda = None\n"}))
    assert not contents.is_gpu
    assert contents.architectures == ()


@pytest.mark.parametrize(
    "text",
    [
        (
            "import collections\nbuild_info = collections.OrderedDict([('cpu_compiler', '/usr/bin/gcc'),"
            " ('cuda_compute_capabilities', ['sm_35', 'compute_80']), ('cuda_version', '11.2'),"
            " ('cudnn_version', '8'), ('is_cuda_build', True)])\n"
        ),
        (
            "is_rocm_build = False\nis_cuda_build = True\ncuda_version_number = '11.2'\ncudnn_version_number = '8'\n"
            "build_info = dict(cuda_compute_capabilities=['sm_35', 'compute_80'])\n"
        ),
        (
            "build_info = {'cuda_version': '11.2', 'cudnn_version': '8', 'is_cuda_build': True,"
            " 'cuda_compute_capabilities': ['sm_35', 'compute_80']}\n"
        ),
    ],
)
def test_tensorflow_says_so_in_its_build_info(text):
    contents = read_tensorflow(wheel({"tensorflow/python/platform/build_info.py": text}))
    assert (str(contents.cuda), str(contents.cudnn)) == ("11.2", "8")
    assert [str(item) for item in contents.architectures] == ["sm_35", "compute_80"]


def test_tensorflow_of_a_cpu_build_has_no_code():
    text = "build_info = {}\nis_cuda_build = False\n"
    assert not read_tensorflow(wheel({"tensorflow/python/platform/build_info.py": text})).is_gpu


def test_a_tensorflow_wheel_that_only_requires_another_has_no_code():
    assert not read_tensorflow(wheel({"tensorflow-2.16.1.dist-info/METADATA": ""})).is_gpu


def test_cupy_names_its_cuda():
    contents = read_cupy(
        wheel({"cupy/.data/_wheel.json": '{"cuda": "11.2", "cudnn": {"version": "8.1.1"}}'})
    )
    assert (str(contents.cuda), str(contents.cudnn)) == ("11.2", "8.1.1")


def test_paddle_names_its_cuda():
    text = "full_version = '2.6.0'\ncuda_version = '11.8'\ncudnn_version = '8.6.0'\n"
    contents = read_paddle(wheel({"paddle/version/__init__.py": text}))
    assert (contents.is_gpu, str(contents.cuda), str(contents.cudnn)) == (True, "11.8", "8.6.0")


def test_a_wheel_of_something_else_is_named():
    with pytest.raises(MalformedWheel, match=r"torch/version\.py"):
        read_torch(wheel({"demo.py": ""}))


def test_a_tensorflow_before_build_info_does_not_tell():
    assert read_tensorflow(wheel({"tensorflow/__init__.py": ""})) is None


def codes(contents):
    return [str(item) for item in contents.architectures]


def test_large_libraries_tell_their_targets_by_the_first_fat_binaries():
    code = fatbin(entry(2, 70), entry(2, 80), entry(2, 86), entry(PTX, 86))
    library = bytes(5_000_001) + code + bytes(7) + fatbin(entry(2, 70))
    for name in ("libmxnet.so", "libmxnet.dll"):
        assert codes(read_mxnet(wheel({f"mxnet/{name}": library}))) == [
            "sm_70",
            "sm_80",
            "sm_86",
            "compute_86",
        ]
    contents = read_paddle(wheel({"paddle/fluid/core_avx.pyd": library}))
    assert contents.is_gpu
    assert codes(contents) == ["sm_70", "sm_80", "sm_86", "compute_86"]


@pytest.mark.parametrize("library", [bytes(100), fatbin(entry(2, 20), entry(PTX, 20))])
def test_a_library_that_says_too_little_says_nothing(library):
    assert read_mxnet(wheel({"mxnet/libmxnet.so": library})).architectures is None
    assert not read_paddle(wheel({"paddle/base/libpaddle.so": library})).is_gpu


def test_code_tells_what_metadata_leave_out():
    text = "__version__ = '0.4.29'\n_minimum_jaxlib_version = \"0.4.27\"\n"
    assert read_floors("jax", wheel({"jax/version.py": text})) == {"jaxlib": ">=0.4.27"}
    assert read_floors("jax", wheel({"jax/version.py": "x = 1\n"})) == {}
    assert read_floors("torch", wheel({"jax/version.py": text})) == {}
