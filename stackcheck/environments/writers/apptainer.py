"""An Apptainer (Singularity) definition file."""

from __future__ import annotations

from stackcheck.environments.backends import variables_of
from stackcheck.environments.header import cuda_override, header
from stackcheck.environments.recipe import Recipe
from stackcheck.environments.writers import environment_yml, pyproject
from stackcheck.environments.writers.base_image import base_image, needs_system_cuda

__all__ = ["write"]


def _post(recipe: Recipe) -> list[str]:
    if recipe.packages.conda:
        return [
            f'export CONDA_OVERRIDE_CUDA="{cuda_override(recipe.plan)}"',
            "cat > /opt/environment.yml <<'EOF'",
            *environment_yml.write(recipe).splitlines(),
            "EOF",
            "mamba env create --yes --prefix /opt/env --file /opt/environment.yml",
            "mamba clean --all --yes",
        ]
    system = needs_system_cuda(recipe)
    fetch = ["apt-get update && apt-get install --yes --no-install-recommends python3-pip"]
    return [
        *(fetch if system else []),
        "python3 -m pip install --no-cache-dir uv",
        "export UV_LINK_MODE=copy UV_PYTHON_INSTALL_DIR=/opt/python",
        f"uv venv --seed --python {recipe.packages.python} /opt/env",
        "cat > /opt/pyproject.toml <<'EOF'",
        *pyproject.write(recipe).splitlines(),
        "EOF",
        "uv pip install --no-cache --project /opt --python /opt/env/bin/python -r /opt/pyproject.toml",
    ]


def write(recipe: Recipe) -> str:
    """Return the file. The here-documents end in the first column, so nothing in `%post` is indented."""
    usage = f"Build: apptainer build {recipe.name}.sif {recipe.name}.def"
    sections = [
        header(recipe.plan, usage, f"Run: apptainer run --nv {recipe.name}.sif"),
        f"Bootstrap: docker\nFrom: {base_image(recipe)}\n\n",
        "%post\nset -eu\n",
        *(f"{line}\n" for line in _post(recipe)),
        "\n%environment\nexport PATH=/opt/env/bin:$PATH\n",
        *(f"export {name}={value}\n" for name, value in variables_of(recipe.plan.builds).items()),
        '\n%runscript\nexec python "$@"\n',
        "\n%help\nRun with --nv: the host's driver is mounted, none is inside.\n",
    ]
    return "".join(sections)
