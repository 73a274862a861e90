from __future__ import annotations

from stackcheck.rules.toolkit.tk11_glibc import RULE
from tests.stackcheck.rules.builds.construction import found, judged, made, on, situated
from tests.stackcheck.sketch import ABSENT, UNKNOWN, changed

BUILD = made(glibc="2.28")


def test_an_older_c_library_lacks_what_the_build_links():
    finding = found(RULE, situated(on(host__glibc="2.17")), BUILD)
    assert "2.28" in finding.title
    assert "2.17" in finding.title
    assert finding.reason == "glibc-too-old"


def test_the_same_or_a_newer_one_passes():
    assert judged(RULE, situated(on(host__glibc="2.28")), BUILD) == "pass"
    assert judged(RULE, situated(on(host__glibc="2.39")), BUILD) == "pass"


def test_musl_loads_no_such_build():
    assert "musl" in found(RULE, situated(changed(on(), host__glibc=ABSENT)), BUILD).title


def test_a_build_for_windows_has_no_c_library_to_miss():
    build = made(platform="windows-x86_64", glibc="2.28")
    assert judged(RULE, situated(on(host__glibc="2.17")), build) == "pass"


def test_is_undecided_where_the_c_library_is_not_known():
    assert judged(RULE, situated(changed(on(), host__glibc=UNKNOWN)), BUILD) == "unknown"
