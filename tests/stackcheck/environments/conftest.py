from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.stackcheck.environments.conda_channel import bundled_wheels, make_forge


def make_wheel(folder, name, version, files, requires=()):
    """Make a pure wheel; `files` are paths to texts."""
    folder.mkdir(parents=True, exist_ok=True)
    module = name.replace("-", "_")
    information = f"{module}-{version}.dist-info"
    needs = "".join(f"Requires-Dist: {each}\n" for each in requires)
    texts = {
        **files,
        f"{information}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}",
        f"{information}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    path = folder / f"{module}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for entry, text in texts.items():
            archive.writestr(entry, text)
        record = "".join(f"{entry},,\n" for entry in texts)
        archive.writestr(f"{information}/RECORD", record + f"{information}/RECORD,,\n")
    return path


@dataclass(frozen=True)
class Answer:
    status: int
    out: str
    err: str

    @property
    def document(self):
        return json.loads(self.out)


@dataclass(frozen=True)
class Home:
    """A user's home with a folder of wheels, in which commands are run for real."""

    path: Path
    wheels: Path
    variables: dict[str, str]

    def arguments(self, *words):
        return [sys.executable, "-m", "stackcheck", *map(str, words)]

    def run(self, *words, **changes):
        done = subprocess.run(
            self.arguments(*words),
            check=False,
            capture_output=True,
            text=True,
            env={**self.variables, **changes},
            stdin=subprocess.DEVNULL,
            timeout=300,
        )
        return Answer(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def home(tmp_path):
    """A home whose wheels are a tiny `torch`, which imports and does nothing else, and what Python brings along."""
    wheels = tmp_path / "wheels"
    make_wheel(wheels, "torch", "2.13.0+cpu", {"torch/__init__.py": "__version__ = '2.13.0+cpu'\n"})
    make_wheel(wheels, "torch", "2.12.0+cpu", {"torch/__init__.py": "__version__ = '2.12.0+cpu'\n"})
    for wheel in bundled_wheels():
        shutil.copy(wheel, wheels)
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "SYSTEMROOT") if name in os.environ}
    variables = {
        **kept,
        "HOME": str(tmp_path / "home"),
        "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry),
        "STACKCHECK_STATE_DIR": str(tmp_path / "state"),
        "STACKCHECK_DATA_DIR": str(tmp_path / "data"),
        "UV_FIND_LINKS": str(wheels),
        "UV_CACHE_DIR": str(tmp_path / "uv-cache"),
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(wheels),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }
    if "STACKCHECK_CACHE_DIR" in os.environ:
        variables["STACKCHECK_CACHE_DIR"] = os.environ["STACKCHECK_CACHE_DIR"]
    (tmp_path / "home").mkdir()
    return Home(tmp_path, wheels, variables)


@pytest.fixture(scope="session")
def forge(tmp_path_factory):
    pytest.importorskip("rattler", reason="needs py-rattler (extra `conda`)")
    return make_forge(tmp_path_factory.mktemp("channels") / "conda-forge")


@pytest.fixture(name="make_wheel")
def _make_wheel():
    return make_wheel
