from __future__ import annotations

import hashlib
import subprocess
import sys

import pytest

from stackcheck.environments.fetching import FetchFailed, fetch
from stackcheck.environments.installers.uv import find_uv
from stackcheck.environments.locks import Artifact, hashed_requirements, name_indexes, read_pylock
from stackcheck.environments.sizes import known_bytes
from stackcheck.environments.stored_plan import dump_plan, load_plan
from tests.stackcheck.environments import plans


def artifact_of(path, digest=None):
    found = digest or hashlib.sha256(path.read_bytes()).hexdigest()
    return Artifact("thing", "1.0", path.as_uri(), "sha256", found, path.stat().st_size)


@pytest.fixture
def lock(tmp_path, make_wheel):
    """A lock that the real uv made of wheels in a folder."""
    make_wheel(tmp_path / "wheels", "some-thing", "1.0+cu128", {"thing.py": ""}, requires=["other"])
    make_wheel(tmp_path / "wheels", "other", "2.0", {"other.py": ""})
    command = [find_uv(), "pip", "compile", "--offline", "--no-index", "--python", sys.executable]
    done = subprocess.run(
        [*command, "--find-links", tmp_path / "wheels", "--format", "pylock.toml", "-"],
        input="some-thing",
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def test_reads_what_uv_writes(lock, tmp_path):
    other, thing = sorted(read_pylock(lock), key=lambda each: each.name)

    assert (thing.name, thing.version) == ("some-thing", "1.0+cu128")
    assert thing.file_name == "some_thing-1.0+cu128-py3-none-any.whl"
    content = (tmp_path / "wheels" / other.file_name).read_bytes()
    assert other.digest == hashlib.sha256(content).hexdigest()
    assert known_bytes((other,)) == len(content)


def test_each_package_is_given_the_index_that_is_known(lock):
    named = name_indexes(
        lock, lambda each: "https://index.example/simple" if each.name == "other" else ""
    )

    found = {each.name: each.index for each in read_pylock(named)}
    assert found == {"other": "https://index.example/simple", "some-thing": ""}
    assert name_indexes(named, lambda _: "https://another.example").count("index.example") == 1


def test_a_source_is_taken_where_a_package_has_no_wheel():
    text = (
        'lock-version = "1.0"\n\n[[packages]]\nname = "old"\nversion = "1.1"\n'
        'sdist = { url = "https://files.example/old-1.1.tar.gz", size = 17, hashes = { sha256 = "ab" } }\n'
    )

    assert read_pylock(text) == (
        Artifact("old", "1.1", "https://files.example/old-1.1.tar.gz", "sha256", "ab", 17),
    )


def test_requirements_carry_hashes_and_addresses_where_asked():
    artifacts = [
        Artifact("torch", "2.9.0+cu128", "https://index.example/torch.whl", "sha256", "ab"),
        Artifact("numpy", "2.1", "https://files.example/numpy.whl", "sha256", "cd"),
    ]

    assert hashed_requirements(artifacts, {"torch"}).splitlines() == [
        "numpy==2.1 --hash=sha256:cd",
        "torch @ https://index.example/torch.whl --hash=sha256:ab",
    ]


def test_a_fetched_file_is_kept_only_with_the_right_hash(tmp_path):
    (tmp_path / "source").write_bytes(b"content")
    good = artifact_of(tmp_path / "source")
    fetch([(good, tmp_path / "to" / "file")], shown=False)
    assert (tmp_path / "to" / "file").read_bytes() == b"content"

    bad = artifact_of(tmp_path / "source", "0" * 64)
    with pytest.raises(FetchFailed, match="another sha256"):
        fetch([(bad, tmp_path / "to" / "other")], shown=False)
    assert [path.name for path in (tmp_path / "to").iterdir()] == ["file"]


def test_what_is_there_is_not_fetched_again_and_what_is_damaged_is(tmp_path):
    source = tmp_path / "source"
    source.write_bytes(b"content")
    artifact = artifact_of(source)
    fetch([(artifact, tmp_path / "file")], shown=False)
    (tmp_path / "file").write_bytes(b"damaged")
    fetch([(artifact, tmp_path / "file")], shown=False)
    source.unlink()
    fetch([(artifact, tmp_path / "file")], shown=False)

    assert (tmp_path / "file").read_bytes() == b"content"


def test_a_file_that_cannot_be_had_is_named(tmp_path):
    missing = Artifact("thing", "1.0", (tmp_path / "absent").as_uri(), "sha256", "ab")
    with pytest.raises(FetchFailed, match="absent"):
        fetch([(missing, tmp_path / "file")], shown=False)


@pytest.mark.parametrize(
    "built", [plans.TORCH_CU128, plans.TORCH_FORGE, plans.TENSORFLOW_OLD, plans.JAX_OLD]
)
def test_a_stored_plan_comes_back_as_it_was(built):
    made = plans.plan(built, driver_cuda="13.0", capabilities=["7.5"], packages={"numpy": "<2"})
    again = load_plan(dump_plan(made))

    assert dump_plan(again) == dump_plan(made)
    assert again.builds[0].key == made.builds[0].key
    assert again.capabilities == made.capabilities
