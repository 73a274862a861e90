"""A Dockerfile: built without a GPU, run with one, by an ordinary user."""

from __future__ import annotations

from stackcheck.environments.backends import variables_of
from stackcheck.environments.header import cuda_override, header
from stackcheck.environments.recipe import Recipe
from stackcheck.environments.writers import environment_yml, pyproject
from stackcheck.environments.writers.base_image import UV_IMAGE, base_image

__all__ = ["write"]

_RUN_TIME = """\
ENV NVIDIA_VISIBLE_DEVICES=all \\
    NVIDIA_DRIVER_CAPABILITIES=compute,utility
RUN useradd --uid 1001 --create-home --shell /bin/bash worker
USER 1001
WORKDIR /home/worker
CMD ["python"]
"""


def _embed(text: str, path: str) -> str:
    """Return shell words that write a file without its comments.

    Here-documents would need BuildKit, and linters do not read them.
    """
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    words = "".join("    '" + line.replace("'", "'\\''") + "' \\\n" for line in lines)
    return f"printf '%s\\n' \\\n{words}    > {path} \\\n"


def _conda_layers(recipe: Recipe) -> list[str]:
    """Return the layers that make the environment; the driver's CUDA comes as an argument, a build sees no GPU."""
    return [
        f'ARG CONDA_OVERRIDE_CUDA="{cuda_override(recipe.plan)}"\n',
        f"RUN {_embed(environment_yml.write(recipe), '/opt/environment.yml')}",
        " && mamba env create --yes --prefix /opt/env --file /opt/environment.yml \\\n",
        " && mamba clean --all --yes\n",
        "ENV PATH=/opt/env/bin:$PATH CONDA_PREFIX=/opt/env\n",
    ]


def _wheel_layers(recipe: Recipe) -> list[str]:
    return [
        f"COPY --from={UV_IMAGE} /uv /usr/local/bin/uv\n",
        "ENV UV_LINK_MODE=copy UV_PYTHON_INSTALL_DIR=/opt/python\n",
        f"RUN --mount=type=cache,target=/root/.cache/uv {_embed(pyproject.write(recipe), '/opt/pyproject.toml')}",
        f" && uv venv --seed --python {recipe.packages.python} /opt/env \\\n",
        " && uv pip install --project /opt --python /opt/env/bin/python -r /opt/pyproject.toml\n",
        "ENV PATH=/opt/env/bin:$PATH VIRTUAL_ENV=/opt/env\n",
    ]


def write(recipe: Recipe) -> str:
    """Return the file: base, environment, user, in the order in which they change; your own code comes last."""
    layers = _conda_layers(recipe) if recipe.packages.conda else _wheel_layers(recipe)
    usage = f"Build: docker build -t {recipe.name} . ; run: docker run --rm -it --gpus all {recipe.name}"
    head = header(recipe.plan, usage)
    variables = [
        f"ENV {name}={value}\n" for name, value in variables_of(recipe.plan.builds).items()
    ]
    base = ["# syntax=docker/dockerfile:1\n", head, f"FROM {base_image(recipe)}\n"]
    return "".join([*base, *layers, *variables, _RUN_TIME])
