from __future__ import annotations

import json

from stackcheck.knowledge.knowledge import Knowledge
from stackcheck.knowledge.source import find_sources
from stackcheck.knowledge.table import show_rows
from tests.stackcheck.knowledge.writing import write_framework

PROMISED = {
    "framework",
    "version",
    "build",
    "channel",
    "platform",
    "cuda",
    "cudnn",
    "architectures",
    "ptx",
    "requires_python",
    "python_tags",
    "glibc",
    "default",
    "released",
    "evidence",
}


def rows(folder):
    write_framework(folder)
    return show_rows(Knowledge(find_sources(base=folder)), "demo")


def test_rows_hold_what_other_programs_read(tmp_path):
    shown = rows(tmp_path)
    assert all(set(row) >= PROMISED for row in shown)
    assert json.loads(json.dumps(shown)) == shown


def test_machine_code_and_ptx_stand_apart(tmp_path):
    first = rows(tmp_path)[0]
    assert (first["architectures"], first["ptx"]) == (["sm_80"], ["compute_90"])
    assert first["evidence"] == [{"kind": "doc", "source": "the paper", "checked": "2026-01-02"}]


def test_unknown_code_is_null_and_a_cpu_builds_is_empty(tmp_path):
    shown = {(row["version"], row["build"]): row for row in rows(tmp_path)}
    assert shown["2.9", "cu126"]["architectures"] is None
    assert shown["2.10", "cpu"]["architectures"] == []
    assert shown["2.10", "cpu"]["cuda"] is None
