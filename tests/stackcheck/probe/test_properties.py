"""Whatever a machine answers: never an exception, never a "known" that nobody said."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stackcheck.errors import InputError
from stackcheck.model.fact import Absent, Known, Unknown
from stackcheck.model.machine import Machine
from stackcheck.probe.child import Answer, Answers
from stackcheck.probe.dynamic import read_dynamic, read_section
from stackcheck.probe.facts_file import machine_document, read_machine
from stackcheck.probe.gpus import (
    code_of,
    conf_compute_ready,
    cuda_version,
    driver_release,
    gpus_of,
    library_code,
    vgpu_licensed,
)
from stackcheck.probe.host import HostReader
from stackcheck.probe.loader_cache import MalformedCache, read_cache
from stackcheck.probe.machine import probe_machine, read_host
from stackcheck.probe.packages import read_distributions
from stackcheck.probe.report import CRASHED, NOT_LOADED
from tests.hardware.driver import SOURCE, FakeDriver
from tests.hardware.elf_file import make_elf, make_loader_cache, make_note
from tests.hardware.machine_tree import MachineTree

FUNCTIONS = sorted(
    {
        name
        for name in re.findall(
            r"\b(nvml(?:System|Device)\w+)\(", SOURCE.read_text(encoding="utf-8")
        )
        if name != "nvmlDeviceGetCount_v2"
    }
)
SHARED = settings(
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
CODES = st.sampled_from([1, 2, 3, 4, 6, 8, 9, 13, 15, 16, 17, 18, 25, 28, 999, -5, 123456])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**65), 2**65) | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=8,
)
CALLS = [
    *(
        "name",
        "compute_capability",
        "uuid",
        "pci",
        "minor",
        "memory",
        "mig_mode",
        "mig_instances",
        "brand",
    ),
    *(
        "serial",
        "persistence",
        "compute_mode",
        "event_reasons",
        "ecc_mode",
        "ecc_uncorrected",
        "ecc_corrected",
    ),
    *(
        "remapped_rows",
        "recovery_action",
        "fabric",
        "link_width",
        "replays",
        "virtualization",
        "licence",
    ),
    *("processes", "nvlinks", "gsp_firmware", "temperature", "power_limit", "inforom", "handle"),
]
SYSTEM_CALLS = [
    *("init", "driver", "nvml", "cuda", "count", "conf_compute", "conf_compute_ready"),
    *("cuda_library", "cuDriverGetVersion", "cuInit", "loaded"),
]
ANSWER = st.builds(Answer, st.sampled_from([0, 0, 0, 0, NOT_LOADED, CRASHED]) | CODES, JSON)
ANSWERS = st.builds(
    Answers,
    calls=st.dictionaries(
        st.tuples(st.sampled_from(SYSTEM_CALLS), st.none())
        | st.tuples(st.sampled_from(CALLS), st.integers(0, 2)),
        ANSWER,
    ),
)


def facts_in(section: Any) -> Iterator[Known[Any] | Absent | Unknown]:
    """Yield every fact in a part of a machine."""
    for entry in dataclasses.fields(section):
        value = getattr(section, entry.name)
        if isinstance(value, Known | Absent | Unknown):
            yield value
        elif dataclasses.is_dataclass(value):
            yield from facts_in(value)


def survives_its_own_file(machine: Machine) -> None:
    """A fact of a wrong type would not be read back."""
    assert read_machine(json.dumps(machine_document(machine)), "here") == machine


@given(answers=ANSWERS, count=st.integers(0, 3))
@settings(deadline=None, max_examples=600)
def test_any_answers_make_facts(answers: Answers, count: int) -> None:
    answers.calls["init", None] = Answer(0)
    answers.calls["count", None] = Answer(0, count)
    gpus = gpus_of(answers)
    assert isinstance(gpus, Known)
    assert len(gpus.value) == count
    for gpu in gpus.value:
        handle = answers.get("handle", gpu.index)
        for fact in facts_in(gpu):
            if isinstance(fact, Known) and fact is not gpu.handle_code:
                assert handle is not None
                assert handle.code == 0
    survives_its_own_file(Machine(gpus=gpus))
    for fact in (
        code_of(answers, "init"),
        library_code(answers),
        driver_release(answers),
        cuda_version(answers),
        conf_compute_ready(answers),
        vgpu_licensed(answers),
    ):
        assert isinstance(fact, Known | Absent | Unknown)


@given(call=st.sampled_from(CALLS), code=CODES.filter(lambda code: code not in (3, 14)), value=JSON)
@settings(deadline=None, max_examples=500)
def test_an_error_code_never_becomes_a_value(call: str, code: int, value: Any) -> None:
    answers = Answers({("init", None): Answer(0), ("count", None): Answer(0, 1)})
    answers.calls["handle", 0] = Answer(0)
    answers.calls[call, 0] = Answer(code, value)
    (gpu,) = gpus_of(answers).get() or ()
    known = [fact for fact in facts_in(gpu) if isinstance(fact, Known) and fact is not gpu.peers]
    assert known == [gpu.handle_code]
    assert not gpu.peers.peek()


@given(codes=st.dictionaries(st.sampled_from(FUNCTIONS), CODES, min_size=1, max_size=6))
@settings(SHARED, max_examples=25)
def test_random_codes_of_random_functions_go_through_the_real_binding(
    fake_driver: FakeDriver, codes: dict[str, int]
) -> None:
    fake_driver.play({"count": 2, **{f"ret.{name}.1": code for name, code in codes.items()}})
    machine = probe_machine()
    first, second = machine.gpus.get() or ()
    assert first.handle_code.get() == 0
    assert first.name.get()
    if "nvmlDeviceGetHandleByIndex_v2" in codes:
        assert second.handle_code.get() == codes["nvmlDeviceGetHandleByIndex_v2"]
    elif "nvmlDeviceGetName" in codes:
        assert not isinstance(second.name, Known)
    survives_its_own_file(machine)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("tree")
    MachineTree("h100-nvswitch", root)
    return root


def texts(root: Path) -> list[Path]:
    found = [path for path in root.rglob("*") if path.is_file() and not path.is_symlink()]
    return sorted(path for path in found if path.name not in ("machine.yaml", "tree.yaml"))


RUBBISH = st.one_of(
    st.binary(max_size=200),
    st.text(max_size=100).map(str.encode),
    st.sampled_from(
        [b"", b"\n", b"\0", b"-1\n", b"0x\n", b"=" * 50, b"a" * 5000, b"NaN", b"\xff" * 64]
    ),
)


@given(data=st.data())
@settings(SHARED, max_examples=150)
def test_any_file_may_be_corrupted(tree: Path, data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(texts(tree)))
    before = path.read_bytes()
    cut = data.draw(st.integers(0, len(before)))
    rubbish = data.draw(RUBBISH)
    path.write_bytes(data.draw(st.sampled_from([rubbish, before[:cut], before[:cut] + rubbish])))
    try:
        machine = read_host(HostReader(tree, GIVEN))
    finally:
        path.write_bytes(before)
    survives_its_own_file(machine)


GIVEN = {
    "environment": {"VIRTUAL_ENV": "/home/ada/venv", "HOME": "/home/ada", "PATH": "/usr/bin"},
    "uname": {"release": "5.15.0-139-generic", "machine": "x86_64"},
    "uid": 1000,
}


@given(
    content=st.binary(max_size=400),
    cut=st.integers(0, 800),
    place=st.integers(0, 800),
    patch=st.binary(min_size=1, max_size=16),
)
@settings(SHARED, max_examples=400)
def test_any_elf_file_may_be_broken(
    tmp_path: Path, content: bytes, cut: int, place: int, patch: bytes
) -> None:
    note = make_note("NVIDIA Corporation", b'{"Driver": [535]}')
    whole = make_elf(
        soname="libcuda.so.1", needed=["libc.so.6"], sections={".note.cuda.fwd_compatibility": note}
    )
    path = tmp_path / "library"
    for data in (content, whole[:cut], whole[:place] + patch + whole[place + len(patch) :]):
        path.write_bytes(data)
        for found in (
            read_dynamic(HostReader(), str(path)),
            read_section(HostReader(), str(path), ".note.cuda.fwd_compatibility"),
        ):
            assert isinstance(found, Known | Unknown)


@given(data=st.binary(max_size=200), cut=st.integers(0, 150), patch=st.binary(max_size=8))
@settings(deadline=None, max_examples=400)
def test_any_loader_cache_may_be_broken(data: bytes, cut: int, patch: bytes) -> None:
    whole = make_loader_cache([("libcuda.so.1", "/usr/lib/libcuda.so.1")])
    for broken in (data, whole[:cut], whole[:cut] + patch + whole[cut + len(patch) :]):
        try:
            entries = read_cache(broken, "x86_64")
        except MalformedCache:
            continue
        assert all(isinstance(entry.path, str) for entry in entries)


@given(text=st.text(max_size=300), name=st.from_regex(r"[A-Za-z~_.-]{1,12}", fullmatch=True))
@settings(SHARED, max_examples=200)
def test_any_metadata_may_be_malformed(tmp_path_factory: Any, text: str, name: str) -> None:
    site = tmp_path_factory.mktemp("site")
    for suffix in ("-1.0.dist-info", ".dist-info", "-1.0-py3.8.egg-info"):
        (site / f"{name}{suffix}").mkdir()
        for file in ("METADATA", "PKG-INFO", "RECORD", "INSTALLER"):
            (site / f"{name}{suffix}" / file).write_text(text, encoding="utf-8", errors="replace")
    assert isinstance(read_distributions(HostReader(), [str(site)]), Known)


@given(document=JSON)
@settings(deadline=None, max_examples=300)
def test_any_json_is_a_machine_or_an_input_error(document: Any) -> None:
    try:
        read_machine(json.dumps(document), "here")
    except InputError as error:
        assert error.faults
        assert all(fault.startswith("here: ") for fault in error.faults)


PLACES = st.lists(st.integers(0, 12), min_size=1, max_size=6)


@given(path=PLACES, value=JSON)
@settings(deadline=None, max_examples=300)
def test_a_machine_with_any_value_in_any_place_is_one_or_an_input_error(
    path: list[int], value: Any
) -> None:
    document = json.loads(json.dumps(machine_document(MACHINE)))
    node: Any = document
    for step in path[:-1]:
        keys = sorted(node) if isinstance(node, dict) else range(len(node))
        inner = node[list(keys)[step % len(keys)]] if keys else None
        if not isinstance(inner, dict | list) or not inner:
            break
        node = inner
    keys = sorted(node) if isinstance(node, dict) else list(range(len(node)))
    node[keys[path[-1] % len(keys)]] = value
    try:
        read_machine(json.dumps(document), "here")
    except InputError as error:
        assert error.faults
        assert all("\n" not in fault for fault in error.faults)


MACHINE = Machine(
    gpus=gpus_of(
        Answers(
            {
                ("init", None): Answer(0),
                ("count", None): Answer(0, 1),
                ("handle", 0): Answer(0),
                ("name", 0): Answer(0, "NVIDIA L4"),
                ("compute_capability", 0): Answer(0, [8, 9]),
            }
        )
    )
)
