from __future__ import annotations

import pytest

from stackcheck.errors import InputError
from stackcheck.knowledge.knowledge import load
from stackcheck.resolve.requirement_files import parse_requirement_file

KNOWLEDGE = load()


def read(path, text):
    contents = parse_requirement_file(path, text, KNOWLEDGE)
    return contents, {each.name: each for each in contents.requirements}


def test_requirements_txt_index_implies_the_build_and_lines_are_kept():
    text = "# comment\n--index-url https://download.pytorch.org/whl/cu126\ntorch==2.7.0  # pinned\nnumpy<2 ; python_version>'3.8'\n"
    _, found = read("requirements.txt", text)
    assert found["pytorch"].build == "cu126"
    assert found["pytorch"].place == "requirements.txt:3"
    assert found["numpy"].specifier == "<2"


def test_requirements_txt_with_hashes_over_several_lines():
    _, found = read(
        "req.txt", "torch==2.7.0 \\\n    --hash=sha256:abc \\\n    --hash=sha256:def\nnumpy==2.0\n"
    )
    assert found["pytorch"].specifier == "==2.7.0"
    assert found["numpy"].place.startswith("req.txt:")


def test_pyproject_takes_the_build_from_uv_sources():
    text = """
[project]
requires-python = "==3.11.*"
dependencies = ["torch>=2.6", "numpy"]
[tool.uv.sources]
torch = { index = "pytorch-cu128" }
[[tool.uv.index]]
name = "pytorch-cu128"
url = "https://download.pytorch.org/whl/cu128"
explicit = true
"""
    contents, found = read("pyproject.toml", text)
    assert found["pytorch"].build == "cu128"
    assert contents.python == "3.11"


def test_conda_environment_fixes_python_and_cuda():
    text = "channels: [pytorch, nvidia]\ndependencies:\n- python=3.10\n- pytorch=2.1.0\n- pytorch-cuda=12.1\n- pip:\n  - torchvision==0.16.0\n"
    contents, found = read("environment.yml", text)
    assert (contents.python, contents.cuda, contents.channel) == ("3.10", "12.1", "conda:pytorch")
    assert found["pytorch"].specifier == "==2.1.0"
    assert found["pytorch"].place == "environment.yml:4"
    assert found["torchvision"].specifier == "==0.16.0"


def test_conda_build_string_names_the_build():
    _, found = read(
        "e.yaml", "dependencies:\n- pytorch=2.9.*=cuda128*\n- conda-forge::numpy>=1.26\n"
    )
    assert found["pytorch"].build == "cu128"
    assert found["numpy"].specifier == ">=1.26"


def test_pixi_manifest():
    text = '[workspace]\nname = "x"\n[dependencies]\npython = "3.12.*"\npytorch-gpu = "2.9.*"\ncuda-version = "12.9.*"\n[pypi-dependencies]\nnumpy = "*"\n'
    contents, found = read("pixi.toml", text)
    assert contents.python == "3.12"
    assert contents.cuda == "12.9"
    assert found["pytorch"].specifier == "==2.9.*"
    assert found["numpy"].specifier == ""


def test_lock_files_pin_everything():
    text = '[[package]]\nname = "torch"\nversion = "2.7.0+cu128"\nsource = { registry = "https://download.pytorch.org/whl/cu128" }\n[[package]]\nname = "numpy"\nversion = "2.1.0"\n'
    _, found = read("uv.lock", text)
    assert (found["pytorch"].build, found["pytorch"].specifier) == ("cu128", "==2.7.0")
    assert found["numpy"].specifier == "==2.1.0"


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("environment.yml", "dependencies: [\n"),
        ("environment.yml", "- just a list\n"),
        ("pyproject.toml", "[project\n"),
        ("requirements.txt", "torch==\npytroch\n"),
    ],
)
def test_a_faulty_file_is_one_error_with_every_fault(path, text):
    with pytest.raises(InputError) as error:
        parse_requirement_file(path, text, KNOWLEDGE)
    assert all(path in fault for fault in error.value.faults)
