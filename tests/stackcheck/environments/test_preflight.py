from __future__ import annotations

import os
import shutil
import struct
import subprocess
import sys

import pytest

from stackcheck.environments.preflight import Unsuitable, check_place, check_room, format_bytes
from stackcheck.environments.quota import Quota, quota_of, read_quota


def test_more_than_the_disk_has_is_refused_before_anything_is_fetched(tmp_path):
    with pytest.raises(Unsuitable, match="the environment needs about"):
        check_room(tmp_path / "absent" / "env", 10**18)


def test_what_fits_passes(tmp_path):
    check_place(tmp_path / "absent" / "env")
    check_room(tmp_path / "absent" / "env", 1000)


@pytest.fixture
def mounted(tmp_path):
    """Mount a small filesystem with options of its own in a namespace, and check the place from there."""
    unshare = shutil.which("unshare")
    if unshare is None or not sys.platform.startswith("linux"):
        pytest.skip("needs unshare (util-linux)")

    def check(options):
        code = "import sys; from pathlib import Path; from stackcheck.environments.preflight import *\ncheck_place(Path(sys.argv[1]))"
        script = f"mount -t tmpfs -o {options} tmpfs {tmp_path} && exec {sys.executable} -c '{code}' {tmp_path}/env"
        done = subprocess.run(
            [unshare, "--mount", "--map-root-user", "sh", "-c", script],
            check=False,
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)},
        )
        if "unshare" in done.stderr or "mount:" in done.stderr:
            pytest.skip(f"no mount namespaces here: {done.stderr.strip()}")
        return done.stderr

    return check


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("noexec", "mounted noexec"),
        ("ro", "read-only"),
        ("nr_inodes=100", "free inodes"),
    ],
)
def test_a_place_where_no_environment_can_work_is_refused(mounted, options, message):
    said = mounted(options)

    assert message in said or (options == "ro" and "not writable" in said)


def test_an_ordinary_filesystem_is_taken(mounted):
    assert mounted("size=10m") == ""


def answer(*, blocks=0, soft_blocks=0, used=0, files=0, soft_files=0, files_used=0):
    """Pack an answer of the kernel as linux/quota.h has it."""
    counts = (blocks, soft_blocks, used, files, soft_files, files_used, 0, 0)
    return struct.pack("=8QI", *counts, 63) + bytes(60)


def test_a_quota_s_soft_limit_is_what_counts():
    limited = answer(blocks=2000, soft_blocks=1000, used=24_000, files=50_000, files_used=49_000)

    assert read_quota(limited) == Quota(1_000_000, 1000)
    assert read_quota(answer(blocks=10, used=50_000)) == Quota(0, None)
    assert read_quota(answer(used=10**9, files_used=10**6)) == Quota(None, None)


def test_a_file_system_without_quota_has_no_limit(tmp_path):
    quota = quota_of(tmp_path)

    assert quota is None or quota.free_bytes is None or quota.free_bytes >= 0
    assert quota_of(tmp_path / "absent") is None


def test_sizes_are_written_as_people_read_them():
    assert [format_bytes(count) for count in (0, 999, 1000, 1_900_000_000, 2 * 10**13)] == [
        "0 B",
        "999 B",
        "1.0 kB",
        "1.9 GB",
        "20.0 TB",
    ]
