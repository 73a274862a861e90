from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from stackcheck.knowledge.knowledge import Knowledge
from stackcheck.knowledge.source import find_sources
from tests.stackcheck.knowledge.writing import RELEASES, write_framework


@pytest.fixture
def cache(tmp_path, monkeypatch):
    folder = tmp_path / "cache"
    monkeypatch.setenv("STACKCHECK_CACHE_DIR", str(folder))
    return folder


def rows(folder):
    return Knowledge(find_sources(base=folder)).builds("demo")


def files(cache):
    return sorted(cache.glob("knowledge/*.json"))


def test_cached_rows_equal_those_just_compiled(tmp_path, cache):
    write_framework(tmp_path / "base")
    first = rows(tmp_path / "base")
    assert files(cache)
    second = rows(tmp_path / "base")
    assert [vars(row) for row in first] == [vars(row) for row in second]


def test_a_changed_file_is_seen_at_once(tmp_path, cache):
    path = write_framework(tmp_path / "base")
    assert str(rows(tmp_path / "base")[0].cuda) == "12.8"
    path.write_text(path.read_text().replace("cu128", "cu129").replace("12.8", "12.9"))
    os.utime(path, ns=(1, 1))
    assert str(rows(tmp_path / "base")[0].cuda) == "12.9"


def test_a_broken_cache_is_made_anew(tmp_path, cache):
    write_framework(tmp_path / "base")
    before = [vars(row) for row in rows(tmp_path / "base")]
    for file in files(cache):
        file.write_text('{"half": ')
    assert [vars(row) for row in rows(tmp_path / "base")] == before


def test_works_where_no_cache_can_be_written(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("STACKCHECK_CACHE_DIR", str(tmp_path / "file"))
    write_framework(tmp_path / "base")
    assert len(rows(tmp_path / "base")) == 4


def test_keeps_only_the_newest_few(tmp_path, cache):
    path = write_framework(tmp_path / "base")
    for day in range(1, 16):
        path.write_text(path.read_text().replace("Demo", "Demo "))
        os.utime(path, ns=(day, day))
        rows(tmp_path / "base")
    assert 0 < len([file for file in files(cache) if file.name.startswith("demo-")]) <= 9
    assert not list(cache.glob("knowledge/*.tmp"))


def test_faults_are_not_cached(tmp_path, cache):
    from stackcheck.errors import InputError

    path = write_framework(tmp_path / "base", RELEASES.replace("12.8", "twelve"))
    for _ in range(2):
        with pytest.raises(InputError, match="twelve"):
            rows(tmp_path / "base")
    assert path.exists()


def test_a_warm_start_imports_neither_yaml_nor_pydantic(tmp_path):
    program = (
        "import sys; from stackcheck.knowledge.knowledge import load\n"
        "knowledge = load(); knowledge.builds('pytorch'); knowledge.gpus; knowledge.as_of\n"
        "print([name for name in ('yaml', 'pydantic', 'elftools') if name in sys.modules])"
    )
    environment = {**os.environ, "STACKCHECK_CACHE_DIR": str(tmp_path)}
    root = Path(__file__).parents[3]
    for _ in range(2):
        result = subprocess.run(
            [sys.executable, "-c", program],
            env=environment,
            cwd=root,
            capture_output=True,
            text=True,
            check=True,
        )
    assert result.stdout.strip() == "[]"
