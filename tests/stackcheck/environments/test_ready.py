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
    for minor in range(6, 15):
        channel.record("python", f"3.{minor}.1")
        channel.record(
            "python_abi", f"3.{minor}", f"8_cp3{minor}", constrains=[f"python 3.{minor}.*"]
        )
    channel.record("pip", "26.3", depends=["python"])
    for version in ("1.22.4", "1.26.4", "2.1.3", "2.4.6"):
        channel.record("numpy", version, depends=["python"])
    for version in ("3.20.3", "4.25.3", "5.28.3", "6.33.1"):
        channel.record("protobuf", version, depends=["python"])
    builds = [
        build
        for framework in FRAMEWORKS
        for build in load(None).builds(framework)
        if build.channel == "conda-forge" and build.platform == "linux-x86_64"
    ]
    for cuda in {build.cuda for build in builds if build.cuda}:
        kit = [f"cudatoolkit {cuda}|{cuda}.*", f"__cuda >={cuda.major}"]
        channel.record("cuda-version", str(cuda), "3", constrains=kit)
        if cuda.major < 12:
            channel.record("cudatoolkit", str(cuda), constrains=[f"__cuda >={cuda.major}"])
    for build in builds:
        for tag in build.python_tags or ("cp310", "cp311", "cp312"):
            _add_build(channel, build, int(tag.removeprefix("cp3")))


def _needs(build, minor):
    """Return the run requirements of one build for one Python, as conda-forge's compilers and recipes set them."""
    needs = [f"python >=3.{minor},<3.{minor + 1}.0a0", f"python_abi 3.{minor}.* *_cp3{minor}"]
    if build.glibc is not None:
        needs.append(f"__glibc >={build.glibc},<3.0.a0")
    if build.cuda is not None:
        steer = "cuda-version" if build.cuda.major >= 12 else "cudatoolkit"
        needs += ["__cuda", f"{steer} >={build.cuda},<{build.cuda.major + 1}.0a0"]
    return needs


def _add_build(channel, build, minor):
    version, needs = build.version.public, _needs(build, minor)
    kind = f"cuda{build.cuda.major}{build.cuda.minor}" if build.cuda else "cpu"
    if build.framework == "pytorch":
        meta = "pytorch-gpu" if build.cuda else "pytorch-cpu"
        channel.record("pytorch", version, f"{kind}_mkl_py3{minor}_h1_300", depends=needs)
        channel.record(
            meta, version, f"{kind}_mkl_h1_300", depends=[f"pytorch {version} {kind}*_300"]
        )
    elif build.framework == "jax":
        channel.record("jaxlib", version, f"{kind}_py3{minor}h1_200", depends=needs)
        channel.record("jax", version, "pyhd8ed1ab_0", depends=["python", f"jaxlib {version}"])
    elif build.framework == "tensorflow":
        label = f"{kind}py3{minor}h1_203" if build.cuda else f"cpu_py3{minor}h1_3"
        channel.record("tensorflow", version, label, depends=needs)
    else:
        channel.record(build.distribution, version, f"py3{minor}h1_0", depends=needs)


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
