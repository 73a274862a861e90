"""The shipped rows against the package index itself: what an audit of the day finds."""

from __future__ import annotations

import pytest

from stackcheck.binary.index import PackageIndex
from stackcheck.knowledge.audit import audit
from stackcheck.knowledge.knowledge import load
from stackcheck.knowledge.observation import IndexView
from stackcheck.knowledge.refresh import find_new_releases

pytestmark = [pytest.mark.slow, pytest.mark.network]


def test_no_row_differs_from_the_index_and_no_release_is_missing():
    report = audit(load(), index=PackageIndex())
    assert not report.unreachable
    assert [(item.row, item.field, item.theirs) for item in report.differences] == []


def test_nothing_is_newer_than_the_knowledge():
    knowledge = load()
    view = IndexView(PackageIndex())
    newer = {name: find_new_releases(knowledge, name, view) for name in knowledge.frameworks}
    assert not any(newer.values())
