from __future__ import annotations

import hashlib
import io
import zipfile
from contextlib import contextmanager

import pytest

from stackcheck.binary.index import PackageIndex
from stackcheck.knowledge.audit import audit
from stackcheck.knowledge.knowledge import Knowledge
from stackcheck.knowledge.lint import lint
from stackcheck.knowledge.refresh import refresh
from stackcheck.knowledge.source import find_sources
from tests.stackcheck.binary.server import serve
from tests.stackcheck.knowledge.writing import write_framework

HEAD = """\
schema: stackcheck.framework/1
as_of: 2026-01-02
framework: demo
title: Demo
distribution: torch
install:
  pypi: "pip install torch=={version}"
"""
ROW = """\
releases:
- version: 2.9.0
  requires_python: '>=3.10'
  builds:
    - {{build: cu128, channel: pypi, platform: linux-x86_64, cuda: 12.8, cudnn: 9.10.2.21, glibc: 2.28,
       architectures: sm_80 sm_90, python_tags: cp311 cp312, requires: {{nvidia-cudnn-cu12: '==9.10.2.21'}},
       evidence: [{{wheel: torch-2.9.0-cp312-cp312-manylinux_2_28_x86_64.whl, sha256: {digest}}}]}}
"""


def wheel(
    version: str, *, cuda: str = "12.8", flags: str = "sm_80 sm_90", cudnn: str = "9.10.2.21"
) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(
            "torch/version.py", f"__version__ = '{version}'\ncuda: Optional[str] = '{cuda}'\n"
        )
        archive.writestr(
            "torch/lib/libtorch_python.so", b"\x7fELF" + bytes(99) + flags.encode() + b"\0"
        )
        archive.writestr(
            f"torch-{version}.dist-info/METADATA",
            f"Metadata-Version: 2.1\nName: torch\nVersion: {version}\n"
            f'Requires-Dist: nvidia-cudnn-cu12=={cudnn}; platform_system == "Linux"\n'
            'Requires-Dist: nvidia-extra==1; platform_system == "Windows"\n\n',
        )
    return buffer.getvalue()


@contextmanager
def serving(*releases: tuple[str, bytes], tags: tuple[str, ...] = ("cp311", "cp312")):
    files, links = {}, []
    for version, data in releases:
        digest = hashlib.sha256(data).hexdigest()
        for tag in tags:
            name = f"torch-{version}-{tag}-{tag}-manylinux_2_28_x86_64.whl"
            files[f"/files/{name}"] = ("application/zip", data)
            links.append(
                f'<a href="/files/{name}#sha256={digest}" data-requires-python="&gt;=3.10"'
                f' data-upload-time="2026-02-03T00:00:00Z">{name}</a>'
            )
    files["/simple/torch/"] = ("text/html", "".join(links).encode())
    with serve(files) as url:
        yield PackageIndex(f"{url}/simple")


def knowledge(folder, data: bytes, row: str = ROW) -> Knowledge:
    write_framework(folder, row.format(digest=hashlib.sha256(data).hexdigest()), HEAD)
    return Knowledge(find_sources(base=folder))


def fields(report):
    return {item.field: (item.ours, item.theirs) for item in report.differences}


def test_rows_that_agree_have_no_difference_and_no_wheel_is_opened(tmp_path):
    data = wheel("2.9.0")
    with serving(("2.9.0", data)) as index:
        report = audit(knowledge(tmp_path, data), index=index)
    assert (report.status, report.checked, report.opened, report.differences) == ("ok", 1, 0, ())


def test_full_opens_every_wheel(tmp_path):
    data = wheel("2.9.0")
    with serving(("2.9.0", data)) as index:
        report = audit(knowledge(tmp_path, data), index=index, full=True)
    assert (report.status, report.opened) == ("ok", 1)


def test_finds_code_cuda_and_pins_that_the_wheel_has_otherwise(tmp_path):
    data = wheel("2.9.0", cuda="12.6", flags="sm_75 sm_80 sm_90", cudnn="9.5.1.17")
    with serving(("2.9.0", data)) as index:
        report = audit(knowledge(tmp_path, data), index=index, full=True)
    assert report.status == "error"
    assert fields(report) == {
        "cuda": ("12.8", "12.6"),
        "architectures": ("sm_80 sm_90", "sm_75 sm_80 sm_90"),
        "requires nvidia-cudnn-cu12": ("==9.10.2.21", "==9.5.1.17"),
    }


def test_opens_a_wheel_whose_digest_is_another(tmp_path):
    data = wheel("2.9.0", flags="sm_90 sm_100")
    known = knowledge(tmp_path, b"another file")
    with serving(("2.9.0", data)) as index:
        report = audit(known, index=index)
    assert report.opened == 1
    assert {"architectures", "evidence torch-2.9.0-cp312-cp312-manylinux_2_28_x86_64.whl"} == set(
        fields(report)
    )


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ("cp311 cp312,", "cp310 cp311 cp312,", "python_tags"),
        ("glibc: 2.28", "glibc: 2.17", "glibc"),
        (">=3.10", ">=3.9", "requires_python"),
        ("version: 2.9.0", "version: 2.9.0\n  yanked: true", "yanked"),
    ],
)
def test_finds_tags_and_metadata_that_the_index_has_otherwise(tmp_path, old, new, field):
    data = wheel("2.9.0")
    assert old in ROW
    with serving(("2.9.0", data)) as index:
        report = audit(knowledge(tmp_path, data, ROW.replace(old, new)), index=index)
    assert set(fields(report)) == {field}


def test_finds_releases_that_no_row_holds_but_no_pre_releases(tmp_path):
    data = wheel("2.9.0")
    with serving(("2.9.0", data), ("2.10.0", data), ("2.11.0rc1", data)) as index:
        report = audit(knowledge(tmp_path, data), index=index)
    assert [item.row for item in report.differences] == ["torch 2.10.0 on pypi, linux-x86_64"]


def test_an_index_out_of_reach_is_no_agreement(tmp_path):
    report = audit(
        knowledge(tmp_path, b""), index=PackageIndex("http://127.0.0.1:9/simple", offline=True)
    )
    assert report.status == "unknown"
    assert "offline" in report.unreachable[0]


def test_a_broken_wheel_is_named_and_the_rest_goes_on(tmp_path):
    with serving(("2.9.0", b"no wheel at all")) as index:
        report = audit(knowledge(tmp_path, b"no wheel at all"), index=index, full=True)
    assert report.status == "unknown"
    assert "torch-2.9.0-cp312" in report.unreachable[0]


def test_refresh_writes_newer_releases_so_that_the_audit_agrees(tmp_path):
    old, new = wheel("2.9.0"), wheel("2.10.0", cuda="13.0", flags="sm_75 sm_120", cudnn="9.20.0.48")
    known = knowledge(tmp_path, old)
    with serving(("2.9.0", old), ("2.10.0", new)) as index:
        result = refresh(known, directory=tmp_path, index=index)
        after = Knowledge(find_sources(base=tmp_path))
        report = audit(after, index=index, full=True)
    assert result.releases == ["demo 2.10.0"]
    assert (report.status, report.checked) == ("ok", 2)
    row = after.builds("demo")[0]
    assert (str(row.version), row.build, str(row.cudnn), row.released) == (
        "2.10.0",
        "cu130",
        "9.20.0.48",
        "2026-02-03",
    )
    assert [str(item) for item in row.architectures] == ["sm_75", "sm_120"]
    assert lint(tmp_path) == []


def test_refresh_into_an_empty_folder_makes_an_overlay(tmp_path):
    old, new = wheel("2.9.0"), wheel("2.10.0")
    known = knowledge(tmp_path / "base", old)
    with serving(("2.9.0", old), ("2.10.0", new)) as index:
        refresh(known, directory=tmp_path / "own", index=index)
    both = Knowledge(find_sources(tmp_path / "own", base=tmp_path / "base"))
    assert [str(row.version) for row in both.builds("demo")] == ["2.10.0", "2.9.0"]
    assert lint(tmp_path / "own") == []


EXTENSION = """\
schema: stackcheck.extension/1
as_of: 2026-01-02
extensions:
  - {{extension: addon, version: 1.1, framework: demo, requires: {{torch: '==2.9.0'}}, requires_python: '>=3.10',
     python_tags: cp311 cp312, platforms: linux-x86_64, evidence: [{{wheel: addon-1.1-cp312-cp312-manylinux_2_28_x86_64.whl, sha256: {digest}}}]}}
"""


def addon(requires: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(
            "addon-1.1.dist-info/METADATA", f"Name: addon\nRequires-Dist: {requires}\n\n"
        )
    return buffer.getvalue()


@contextmanager
def serving_addon(data: bytes, versions: tuple[str, ...] = ("1.1",)):
    files, links = {}, []
    for version in versions:
        for tag in ("cp311", "cp312"):
            name = f"addon-{version}-{tag}-{tag}-manylinux_2_28_x86_64.whl"
            files[f"/files/{name}"] = ("application/zip", data)
            links.append(
                f'<a href="/files/{name}#sha256={hashlib.sha256(data).hexdigest()}"'
                f' data-requires-python="&gt;=3.10">{name}</a>'
            )
    files["/simple/addon/"] = ("text/html", "".join(links).encode())
    with serve(files) as url:
        yield PackageIndex(f"{url}/simple")


def audit_addon(tmp_path, row: str, index: PackageIndex, *, full: bool = False):
    write_framework(tmp_path, "releases: []\n", HEAD)
    (tmp_path / "extensions").mkdir()
    (tmp_path / "extensions" / "addon.yaml").write_text(row)
    return audit(Knowledge(find_sources(base=tmp_path)), index=index, full=full)


def test_extensions_that_agree_have_no_difference(tmp_path):
    data = addon("torch==2.9.0")
    row = EXTENSION.format(digest=hashlib.sha256(data).hexdigest())
    with serving_addon(data) as index:
        report = audit_addon(tmp_path, row, index, full=True)
    assert (report.status, report.checked, report.opened) == ("ok", 1, 1)


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ("==2.9.0", "==2.8.0", "requires torch"),
        ("cp311 cp312", "cp310 cp311", "python_tags"),
        ("platforms: linux-x86_64", "platforms: linux-aarch64", "platforms"),
        (">=3.10", ">=3.9", "requires_python"),
        ("requires_python", "yanked: true, requires_python", "yanked"),
    ],
)
def test_finds_what_an_extension_has_otherwise(tmp_path, old, new, field):
    data = addon("torch==2.9.0")
    row = EXTENSION.replace(old, new).format(digest=hashlib.sha256(data).hexdigest())
    with serving_addon(data) as index:
        report = audit_addon(tmp_path, row, index, full=True)
    assert set(fields(report)) == {field}


def test_finds_releases_of_an_extension_that_no_row_holds(tmp_path):
    data = addon("torch==2.9.0")
    row = EXTENSION.format(digest=hashlib.sha256(data).hexdigest())
    with serving_addon(data, versions=("1.0", "1.1", "1.2", "1.3rc1")) as index:
        report = audit_addon(tmp_path, row, index)
    assert [item.row for item in report.differences] == ["addon 1.2"]


def test_a_cap_that_metadata_leave_out_is_no_difference_but_a_missing_one_is(tmp_path):
    data = wheel("2.9.0")
    row = ROW.replace("'==9.10.2.21'", "'==9.10.2.21,<9.11'")
    with serving(("2.9.0", data)) as index:
        assert audit(knowledge(tmp_path, data, row), index=index, full=True).status == "ok"
        wider = ROW.replace("'==9.10.2.21'", "'>=9.10'")
        report = audit(knowledge(tmp_path, data, wider), index=index, full=True)
    assert set(fields(report)) == {"requires nvidia-cudnn-cu12"}
