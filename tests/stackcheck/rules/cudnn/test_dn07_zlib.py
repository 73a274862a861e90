from __future__ import annotations

from stackcheck.rules.cudnn.dn07_zlib import RULE
from tests.stackcheck.sketch import UNKNOWN, found, healthy, verdict, with_libraries, with_limits


def test_misses_zlib_under_cudnn_8():
    finding = found(RULE, with_limits(with_libraries(healthy(), "libcudnn.so.8==8.9.2"), zlib=0))
    assert "cuDNN 8.9.2 needs libz.so.1" in finding.title
    assert finding.evidence


def test_is_silent_where_it_is_found():
    assert (
        verdict(RULE, with_limits(with_libraries(healthy(), "libcudnn.so.8==8.9.2"), zlib=1))
        == "pass"
    )


def test_is_undecided_where_the_loader_cannot_be_asked():
    assert (
        verdict(RULE, with_limits(with_libraries(healthy(), "libcudnn.so.8==8.9.2"), zlib=UNKNOWN))
        == "unknown"
    )
