from __future__ import annotations

import os
from pathlib import Path

import pytest

from stackcheck.errors import InputError
from stackcheck.model.fact import Absent, Known, Unknown
from stackcheck.probe.host import HostReader


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/name").write_text(" here \n", encoding="utf-8")
    return tmp_path


def test_reads_below_the_root(root: Path) -> None:
    host = HostReader(root)
    assert host.text("/etc/name") == Known(" here \n", "/etc/name")
    assert host.line("/etc/name") == Known("here", "/etc/name")
    assert host.names("/etc") == Known(("name",), "/etc")
    assert host.text("/etc/other") == Absent("/etc/other")
    assert host.text("/etc/name/below") == Absent("/etc/name/below")


def test_absolute_links_lead_to_places_below_the_root(root: Path) -> None:
    (root / "usr").mkdir()
    (root / "usr/link").symlink_to("/etc/name")
    (root / "usr/up").symlink_to("../../../etc")
    host = HostReader(root)
    assert host.line("/usr/link").get() == "here"
    assert host.real_path("/usr/link") == "/etc/name"
    assert host.line("/usr/up/name").get() == "here"


def test_a_circle_of_links_ends(root: Path) -> None:
    (root / "etc/a").symlink_to("/etc/b")
    (root / "etc/b").symlink_to("/etc/a")
    assert isinstance(HostReader(root).text("/etc/a"), Unknown)


def test_what_is_no_regular_file_is_unknown_and_does_not_block(root: Path) -> None:
    os.mkfifo(root / "etc/pipe")
    host = HostReader(root)
    assert isinstance(host.text("/etc/pipe"), Unknown)
    assert isinstance(host.text("/etc"), Unknown)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_closed_file_is_unknown_and_not_absent(root: Path) -> None:
    (root / "etc/name").chmod(0)
    assert isinstance(HostReader(root).text("/etc/name"), Unknown)


def test_reads_a_text_that_is_no_unicode(root: Path) -> None:
    (root / "etc/name").write_bytes(b"a\xffb")
    assert HostReader(root).text("/etc/name").get() == "a\ufffdb"


def test_an_empty_line_is_unknown(root: Path) -> None:
    (root / "etc/name").write_text("\n\0\n", encoding="utf-8")
    assert isinstance(HostReader(root).line("/etc/name"), Unknown)


def test_permission_to_open_follows_user_group_and_mode(root: Path) -> None:
    node = {"/dev/nvidia0": {"major": 195, "minor": 0, "mode": "0660", "owner": 0, "group": 44}}
    for given, usable in (
        ({"uid": 1000, "groups": [1000]}, False),
        ({"uid": 1000, "groups": [44]}, True),
        ({"uid": 0, "groups": []}, True),
    ):
        host = HostReader(root, {"nodes": node, **given})
        status = host.node("/dev/nvidia0").get()
        assert status is not None
        assert host.may_open("/dev/nvidia0", status).get() is usable


def test_without_a_user_in_machine_yaml_the_user_is_this_one(root: Path) -> None:
    host = HostReader(root)
    assert host.uid == os.geteuid()
    assert os.getegid() in host.groups


def test_the_kernel_of_a_tree_is_that_of_its_procfs(root: Path) -> None:
    (root / "proc").mkdir()
    banner = "Linux version 5.15.0-139-generic (buildd@lcy02) (gcc 11.4.0) #149-Ubuntu SMP\n"
    (root / "proc/version").write_text(banner, encoding="utf-8")
    assert HostReader(root).uname("release") == Known("5.15.0-139-generic", "/proc/version")
    given = HostReader(root, {"uname": {"release": "6.1.0"}})
    assert given.uname("release") == Known("6.1.0", "machine.yaml: uname")


def test_the_environment_of_machine_yaml_replaces_that_of_the_process(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_HOME", "/somewhere")
    assert HostReader(root).environment["CUDA_HOME"] == "/somewhere"
    assert "CUDA_HOME" not in HostReader(root, {"environment": {"HOME": "/h"}}).environment


def test_a_missing_root_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STACKCHECK_SYSROOT", "/no/such/tree")
    with pytest.raises(InputError, match="STACKCHECK_SYSROOT=/no/such/tree: no such directory"):
        HostReader.open()


def test_all_faults_of_machine_yaml_are_named_at_once(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root / "machine.yaml").write_text(
        "environment: [a]\nuid: me\nlimits: {memlock: much}\n"
        "nodes: {/dev/nvidia0: {mode: rw, colour: red}}\nmounts: {/tmp: 7}\n",
        encoding="utf-8",
    )
    monkeypatch.setenv("STACKCHECK_SYSROOT", str(root))
    with pytest.raises(InputError) as caught:
        HostReader.open()
    text = "\n".join(caught.value.faults)
    for place in ("environment", "uid", "memlock", "mode: is 'rw'", "colour", "/tmp"):
        assert place in text
    assert len(caught.value.faults) == 6


@pytest.mark.parametrize("text", ["a: [", "- 1\n", "\x00"])
def test_a_broken_machine_yaml_is_one_clear_line(
    root: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    (root / "machine.yaml").write_text(text, encoding="utf-8")
    monkeypatch.setenv("STACKCHECK_SYSROOT", str(root))
    with pytest.raises(InputError) as caught:
        HostReader.open()
    assert len(caught.value.faults) == 1
    assert "\n" not in caught.value.faults[0]
