from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path

import pytest
import yaml

from stackcheck.environments.conda_settings import channel_url
from stackcheck.environments.installers import rattler as solver
from stackcheck.environments.ready import FRAMEWORKS, ready_files, ready_recipes
from stackcheck.environments.tools import ToolFailed, Tools
from stackcheck.knowledge.knowledge import load
from stackcheck.model.version import Version
from tests.stackcheck.environments.conda_channel import Channel

FOLDER = Path(__file__).parents[3] / "conda-envs"
NAMES = sorted(path.name for path in FOLDER.glob("*.yml"))


@cache
def recipes():
    return ready_recipes(load(None))


def add_knowledge(channel):
    """Add every conda-forge build of the knowledge, constrained as conda-forge's recipes constrain theirs."""
    for minor in range(8, 15):
        channel.record("python", f"3.{minor}.1")
    channel.record("pip", "26.3", depends=["python"])
    for version in ("1.22.4", "1.26.4", "2.1.3", "2.4.6"):
        channel.record("numpy", version, depends=["python"])
    for version in ("3.20.3", "4.25.3", "5.28.3", "6.33.1"):
        channel.record("protobuf", version, depends=["python"])
    builds = [
        build
        for framework in FRAMEWORKS
        for build in load(None).builds(framework)
        if build.channel == "conda-forge" and build.platform == "linux-x86_64" and build.cuda
    ]
    for cuda in {build.cuda for build in builds}:
        name = "cuda-version" if cuda.major >= 12 else "cudatoolkit"
        channel.record(name, str(cuda), constrains=[f"__cuda >={cuda.major}"])
    for build in builds:
        _add_build(channel, build)


def _add_build(channel, build):
    cuda, version = build.cuda, build.version.public
    steer = "cuda-version" if cuda.major >= 12 else "cudatoolkit"
    depends = ["python", "__cuda", f"{steer} >={cuda},<{cuda.major + 1}.0a0"]
    if cuda.major >= 13:
        depends.append("__glibc >=2.28")
    label = f"cuda{cuda.major}{cuda.minor}_py_h1_300"
    if build.framework == "pytorch":
        channel.record("pytorch", version, label, depends=depends)
        channel.record("pytorch-gpu", version, "cuda_h1_300", depends=[f"pytorch {version} cuda*"])
    elif build.framework == "jax":
        channel.record("jaxlib", version, label, depends=depends)
        channel.record("jax", version, "pyhd8ed1ab_0", depends=["python", f"jaxlib {version}"])
    else:
        name = "tensorflow" if build.framework == "tensorflow" else build.distribution
        channel.record(name, version, label.replace("_py", "py", 1), depends=depends)
    if build.framework in ("pytorch", "tensorflow"):
        channel.record(build.framework, version, "cpu_py_h1_0", depends=["python"])


@pytest.fixture(scope="session")
def knowledge_channel(tmp_path_factory):
    pytest.importorskip("rattler", reason="needs py-rattler (extra `conda`)")
    channel = Channel(tmp_path_factory.mktemp("knowledge") / "conda-forge")
    add_knowledge(channel)
    return channel.finish()


@pytest.fixture
def _channel(knowledge_channel, monkeypatch):
    monkeypatch.setenv("CONDA_CHANNEL_ALIAS", knowledge_channel.folder.parent.as_uri())
    assert channel_url("conda-forge") == knowledge_channel.folder.as_uri()


def test_the_files_are_what_the_writers_make_today():
    made = ready_files(load(None))

    assert sorted(made) == NAMES, "run `python -m stackcheck.environments.ready conda-envs`"
    changed = [name for name, text in made.items() if (FOLDER / name).read_text() != text]
    assert changed == [], "run `python -m stackcheck.environments.ready conda-envs`"


@pytest.mark.parametrize("name", NAMES)
def test_every_spec_means_the_same_to_strict_and_lenient_parsers(name):
    rattler = pytest.importorskip("rattler", reason="needs py-rattler (extra `conda`)")
    document = yaml.safe_load((FOLDER / name).read_text())
    for spec in document["dependencies"]:
        strict, lenient = (rattler.MatchSpec(spec, strict=strict) for strict in (True, False))
        assert str(strict) == str(lenient)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.usefixtures("_channel")
def test_every_file_solves_to_its_gpu_build_on_the_machine_that_it_names(name):
    recipe = recipes()[name]
    records = {record["name"]: record for record in solver.solve(recipe, Tools(quiet=True))}

    for spec in recipe.packages.environment_specs:
        assert spec.name in records
        if spec.build:
            assert records[spec.name]["build"].startswith(spec.build.rstrip("*"))
    cuda = recipe.plan.cuda
    steer = records.get("cuda-version") or records["cudatoolkit"]
    assert Version(steer["version"]).release[:2] == cuda.release[:2]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.usefixtures("_channel")
def test_no_file_solves_for_a_driver_that_is_too_old_and_the_reason_is_named(name):
    from dataclasses import replace

    recipe = recipes()[name]
    old = replace(recipe.plan, driver_cuda=Version(f"{recipe.plan.cuda.major - 1}.0"))
    with pytest.raises(ToolFailed, match=re.escape("__cuda")):
        solver.solve(replace(recipe, plan=old), Tools(quiet=True))


def test_the_channel_of_the_tests_is_an_index_as_conda_has_it(knowledge_channel):
    index = json.loads((knowledge_channel.folder / "linux-64" / "repodata.json").read_text())

    assert index["info"]["subdir"] == "linux-64"
    assert len(index["packages"]) > 100
