from __future__ import annotations

import json

import pytest

from stackcheck.binary.blob import Unreachable
from stackcheck.binary.index import PackageIndex, index_url
from tests.stackcheck.binary.server import serve

PAGE = """<!DOCTYPE html><html><body>
<a href="../files/demo-1.0-py3-none-any.whl#sha256=ab12" data-requires-python="&gt;=3.8"
   data-upload-time="2024-05-06T07:08:09Z" data-core-metadata="true">demo-1.0-py3-none-any.whl</a>
<a href="/files/demo-0.9.tar.gz" data-yanked="broken">demo-0.9.tar.gz</a></body></html>"""
DOCUMENT = {
    "files": [
        {
            "filename": "demo-1.0-py3-none-any.whl",
            "url": "../files/demo-1.0-py3-none-any.whl",
            "hashes": {"sha256": "ab12"},
            "requires-python": ">=3.8",
            "upload-time": "2024-05-06T07:08:09Z",
            "core-metadata": True,
            "size": 10,
        },
        {
            "filename": "demo-0.9.tar.gz",
            "url": "/files/demo-0.9.tar.gz",
            "hashes": {},
            "yanked": "broken",
        },
    ]
}


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("text/html", PAGE.encode()),
        ("application/vnd.pypi.simple.v1+json", json.dumps(DOCUMENT).encode()),
    ],
)
def test_reads_html_and_json_alike(kind, content):
    with serve({"/simple/demo/": (kind, content)}) as url:
        first, second = PackageIndex(f"{url}/simple").files("Demo")
    assert first.url == f"{url}/simple/files/demo-1.0-py3-none-any.whl"
    assert (first.sha256, first.requires_python, first.uploaded) == ("ab12", ">=3.8", "2024-05-06")
    assert first.has_metadata
    assert not first.yanked
    assert second.url == f"{url}/files/demo-0.9.tar.gz"
    assert second.yanked


def test_a_project_that_the_index_lacks_has_no_files():
    with serve({}) as url:
        assert PackageIndex(f"{url}/simple").files("nothing") == ()


def test_offline_says_so():
    with pytest.raises(Unreachable, match="offline"):
        PackageIndex("http://127.0.0.1:9/simple", offline=True).files("demo")


def test_an_index_that_does_not_answer_is_named():
    with pytest.raises(Unreachable, match=r"127\.0\.0\.1:9/simple/demo/"):
        PackageIndex("http://127.0.0.1:9/simple").files("demo")


def test_an_answer_that_is_no_index_is_named():
    served = {"/simple/demo/": ("application/json", b"{")}
    with serve(served) as url, pytest.raises(Unreachable, match="cannot be read"):
        PackageIndex(f"{url}/simple").files("demo")


def test_takes_the_index_that_uv_or_pip_are_told_to_use(monkeypatch):
    for name in ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    assert index_url() == "https://pypi.org/simple"
    monkeypatch.setenv("PIP_INDEX_URL", "https://mirror.example/simple/")
    assert index_url() == "https://mirror.example/simple"
    monkeypatch.setenv("UV_DEFAULT_INDEX", "https://uv.example/simple")
    assert index_url() == "https://uv.example/simple"
